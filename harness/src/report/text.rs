//! Findings for people: a picture of the source with the place marked, and what to do.

use std::fmt;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use tidegate_filter::policy::{Diagnostic, Severity};

use super::style::Style;

/// A finding with the text it is about.
struct Pictured<'a> {
    finding: &'a Diagnostic,
    source: NamedSource<Arc<Vec<u8>>>,
}

impl fmt::Debug for Pictured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.finding, f)
    }
}

impl fmt::Display for Pictured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Pictured<'_> {}

impl miette::Diagnostic for Pictured<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.finding.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.finding.span.start..self.finding.span.end.max(self.finding.span.start);
        let label = (!self.finding.pointer.is_empty()).then(|| self.finding.pointer.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(label, span))))
    }
}

/// The findings in the document `source` that is called `name`, as text for a terminal.
pub fn findings(name: &str, source: &[u8], findings: &[Diagnostic], style: Style) -> String {
    let theme = if style.colours() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_context_lines(1).with_links(false);
    let mut out = String::new();
    let shared = Arc::new(source.to_vec());
    for finding in findings {
        let pictured = Pictured { finding, source: NamedSource::new(name, Arc::clone(&shared)) };
        if handler.render_report(&mut out, &pictured).is_err() {
            // The picture could not be drawn; the words still count.
            finding.render(source, name, &mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_shown_with_its_place_and_the_remedy() {
        let source = b"{\n  \"version\": \"tidegate/v1\",\n  \"nmae\": \"x\"\n}";
        let diagnostics = tidegate_filter::policy::compile(source).unwrap_err();
        let text = findings("p.json", source, &diagnostics.0, Style::PLAIN);
        assert!(text.contains("p.json:3:3"), "{text}");
        assert!(text.contains("\"nmae\""), "{text}");
        assert!(text.contains("did you mean `name`"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
