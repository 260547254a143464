//! Findings for people: a picture of the source with the place marked, and what to do.

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use tidegate_filter::policy::{Diagnostic, Severity};

use super::style::Style;

/// A finding with the text it is about.
struct Pictured<'a> {
    finding: &'a Diagnostic,
    name: &'a str,
    source: &'a [u8],
}

/// Reads from the lines before the finding on, not from the start: a long policy may have a finding in each line.
impl SourceCode for Pictured<'_> {
    fn read_span<'s>(
        &'s self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'s> + 's>, MietteError> {
        let is_finding = span.offset() == self.finding.span.start;
        let above = self.source.get(..span.offset()).filter(|_| is_finding).unwrap_or_default();
        let mut breaks = above.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        // The last line break of the text above belongs to the line before the finding's.
        let start = breaks.by_ref().nth(lines_before).map_or(0, |at| at + 1);
        let skipped = if start == 0 { 0 } else { self.finding.line.saturating_sub(1 + lines_before) };
        let rest = self.source.get(start..).unwrap_or_default();
        let local = SourceSpan::from((span.offset().saturating_sub(start), span.len()));
        let contents = rest.read_span(&local, lines_before, lines_after)?;
        let shown = contents.span();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.to_owned(),
            contents.data(),
            SourceSpan::from((start + shown.offset(), shown.len())),
            skipped + contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
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
        Some(self)
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
    // A picture of a line of thousands of columns shows nothing, and beyond 65,535 miette cannot draw it.
    let is_drawable = source.split(|byte| *byte == b'\n').all(|line| line.len() <= 4_000);
    for finding in findings {
        if !is_drawable {
            finding.render(source, name, &mut out);
            continue;
        }
        let pictured = Pictured { finding, name, source };
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
    fn a_policy_in_one_very_long_line_is_told_of_in_words() {
        let source = format!("{{\"nmae\": \"{}\", \"version\": \"tidegate/v1\"}}", "x".repeat(70_000));
        let diagnostics = tidegate_filter::policy::compile(source.as_bytes()).unwrap_err();
        let text = findings("p.json", source.as_bytes(), &diagnostics.0, Style::PLAIN);
        assert!(text.contains("p.json:1:2") && text.contains("did you mean `name`"), "{text:.300}");
    }

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

    /// The picture is the same wherever the finding stands: in the first line, the last, or far down.
    #[test]
    fn the_picture_is_of_the_right_line() {
        let line = |number: usize| format!("  \"k{number}\": {number}");
        let text: String = (1..=500).map(|number| line(number) + ",\n").collect::<String>() + "  \"end\": 1";
        for number in [1, 2, 3, 250, 500] {
            let mut finding =
                tidegate_filter::policy::compile(b"{\"version\": 1}").unwrap_err().0.into_iter().next().unwrap();
            let start = text.find(&format!("\"k{number}\"")).unwrap();
            finding.span = tidegate_filter::json::Span { start, end: start + 4 };
            (finding.line, finding.column) = (number, 3);
            let picture = findings("p.json", text.as_bytes(), &[finding], Style::PLAIN);
            assert!(picture.contains(&format!("p.json:{number}:3")), "{picture}");
            let shown = picture.lines().find(|it| it.contains(&line(number))).unwrap();
            assert!(shown.trim_start().starts_with(&format!("{number} ")), "{picture}");
            assert_eq!(picture.contains(&line(number + 1)), number < 500, "{picture}");
            assert_eq!(picture.contains(&format!("\"k{}\": ", number - 1)), number > 1, "{picture}");
        }
    }
}
