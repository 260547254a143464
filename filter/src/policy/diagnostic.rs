use std::fmt::{self, Write as _};

use crate::json::Span;

/// How serious a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// A lint; the document may run.
    Warning,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One finding in a policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable snake_case code, such as `unknown_key` or `dead_rule`.
    pub code: &'static str,
    /// The JSON pointer (RFC 6901) of the value, or of the key, that is meant.
    pub pointer: String,
    /// The bytes that are meant.
    pub span: Span,
    /// The line of the first byte, from 1.
    pub line: usize,
    /// The column of the first byte in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The findings in a document that is refused, in the order of the text; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// The widest picture of a line, in characters: a policy inlined into a manifest is often one very long line.
const PICTURE: usize = 100;

impl Diagnostics {
    /// All findings as plain text, each with a picture of its line. `source` is the document, `name` what to call it.
    pub fn render(&self, source: &[u8], name: &str) -> String {
        let mut out = String::new();
        for diagnostic in &self.0 {
            diagnostic.render(source, name, &mut out);
            out.push('\n');
        }
        let errors = self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        if errors > 0 {
            let plural = if errors == 1 { "" } else { "s" };
            let _ = writeln!(out, "{name}: {errors} error{plural}; the policy is not in force");
        }
        out
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, diagnostic) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("; ")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl Diagnostic {
    /// Appends the finding as plain text with a picture of its line, as [`Diagnostics::render`] does.
    pub fn render(&self, source: &[u8], name: &str, out: &mut String) {
        let Self { code, line, column, message, .. } = self;
        let at = if self.pointer.is_empty() { "" } else { " at " };
        let gutter = " ".repeat(line.to_string().len());
        let (picture, indent, width) = self.picture(source);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}[{code}]: {message}", self.severity.as_str());
        let _ = writeln!(out, "{gutter}--> {name}:{line}:{column}{at}{}", self.pointer);
        let _ = writeln!(out, "{gutter} |");
        let _ = writeln!(out, "{line} | {picture}");
        let _ = writeln!(out, "{gutter} | {}{}", " ".repeat(indent), "^".repeat(width));
        if let Some(help) = &self.help {
            let _ = writeln!(out, "{gutter} = help: {help}");
        }
    }

    /// The line as it is shown, and where in it, in characters, the marks begin and how many they are.
    fn picture(&self, source: &[u8]) -> (String, usize, usize) {
        let start = self.span.start.min(source.len());
        let before = source.get(..start).unwrap_or_default();
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let after = source.get(start..).unwrap_or_default();
        let line_end = start + after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
        let span_end = self.span.end.clamp(start, line_end);
        let text = |from: usize, to: usize| shown(source.get(from..to).unwrap_or_default());
        let (head, marked, tail) = (text(line_start, start), text(start, span_end), text(span_end, line_end));

        let width = marked.chars().count();
        let mut picture = String::new();
        let lead = head.chars().count();
        let room = PICTURE.saturating_sub(width.min(PICTURE / 2));
        let keep = lead.min(room / 2);
        if keep < lead {
            picture.push('…');
        }
        picture.extend(head.chars().skip(lead - keep));
        let indent = picture.chars().count();
        let shown_width = width.min(PICTURE / 2);
        picture.extend(marked.chars().take(shown_width));
        if shown_width < width {
            picture.push('…');
        } else {
            let rest = PICTURE.saturating_sub(indent + shown_width);
            picture.extend(tail.chars().take(rest));
            if tail.chars().count() > rest {
                picture.push('…');
            }
        }
        (picture, indent, shown_width.max(1))
    }
}

/// Text that cannot disturb a terminal or a log line, one character for each character or faulty byte sequence.
fn shown(bytes: &[u8]) -> String {
    let spaced = |c: char| match c {
        '\t' | '\r' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    String::from_utf8_lossy(bytes).chars().map(spaced).collect()
}

/// The line and the column, both from 1, of a byte offset; the column counts characters.
pub(super) fn position(source: &[u8], offset: usize) -> (usize, usize) {
    let before = source.get(..offset.min(source.len())).unwrap_or_default();
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = 1 + String::from_utf8_lossy(before.get(line_start..).unwrap_or_default()).chars().count();
    (line, column)
}

/// The candidate that `text` was probably meant to be.
pub fn suggestion<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded = text.to_ascii_lowercase().replace('-', "_");
    let near = folded.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &candidate.to_ascii_lowercase().replace('-', "_")), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) between two texts: optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut rows: [Vec<usize>; 3] = [vec![0; b.len() + 1], (0..=b.len()).collect(), vec![0; b.len() + 1]];
    let mut previous_a = None;
    for (i, ca) in a.chars().enumerate() {
        let [before, last, row] = &mut rows;
        let mut left = i + 1;
        let mut diagonal = i;
        let mut previous_b = None;
        for (j, cb) in b.iter().enumerate() {
            let up = last.get(j + 1).copied().unwrap_or_default();
            let mut best = (left + 1).min(up + 1).min(diagonal + usize::from(ca != *cb));
            if previous_a == Some(*cb) && previous_b == Some(ca) && ca != *cb {
                let swapped = j.checked_sub(1).and_then(|at| before.get(at)).copied();
                best = best.min(swapped.map_or(best, |edits| edits + 1));
            }
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = best;
            }
            diagonal = up;
            left = best;
            previous_b = Some(*cb);
        }
        if let Some(cell) = row.first_mut() {
            *cell = i + 1;
        }
        previous_a = Some(ca);
        rows.rotate_left(1);
    }
    rows.get(1).and_then(|row| row.last()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("rules", "rules", 0),
            ("ruels", "rules", 1),
            ("rule", "rules", 1),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
            ("ab", "ba", 1),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn suggestions_are_near() {
        let keys = ["servers", "rules", "read_only", "limits"];
        assert_eq!(suggestion("sevrers", keys), Some("servers"));
        assert_eq!(suggestion("readOnly", keys), Some("read_only"));
        assert_eq!(suggestion("Read-Only", keys), Some("read_only"));
        assert_eq!(suggestion("zebra", keys), None);
    }

    #[test]
    fn positions_count_characters() {
        let source = "{\n  \"é\": x".as_bytes();
        assert_eq!(position(source, 0), (1, 1));
        assert_eq!(position(source, source.len() - 1), (2, 8));
        assert_eq!(position(source, 10_000), (2, 9));
    }

    fn at(source: &str, needle: &str) -> Diagnostic {
        let start = source.find(needle).unwrap();
        let (line, column) = position(source.as_bytes(), start);
        Diagnostic {
            severity: Severity::Error,
            code: "unknown_key",
            pointer: "/nmae".to_owned(),
            span: Span { start, end: start + needle.len() },
            line,
            column,
            message: "unknown key".to_owned(),
            help: Some("did you mean `name`?".to_owned()),
        }
    }

    #[test]
    fn the_picture_marks_the_span() {
        let source = "{\n\t\"né\": 1, \"nmae\": 2\n}";
        let text = Diagnostics(vec![at(source, "\"nmae\"")]).render(source.as_bytes(), "p.json");
        let expected = "error[unknown_key]: unknown key\n --> p.json:2:11 at /nmae\n  |\n2 |  \"né\": 1, \"nmae\": 2\n  \
                        |           ^^^^^^\n  = help: did you mean `name`?\n\np.json: 1 error; the policy is not in force\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_long_line_is_cut_around_the_span() {
        let source = format!("{{{}\"nmae\":1{}}}", "\"a\":1,".repeat(1000), ",\"b\":2".repeat(1000));
        let diagnostic = at(&source, "\"nmae\"");
        let (picture, indent, width) = diagnostic.picture(source.as_bytes());
        assert!(picture.chars().count() <= PICTURE + 2, "{picture}");
        let marked: String = picture.chars().skip(indent).take(width).collect();
        assert_eq!(marked, "\"nmae\"");
    }

    #[test]
    fn any_source_can_be_shown() {
        let mut diagnostic = at("\"nmae\"", "\"nmae\"");
        for source in [&b""[..], b"\xff\x1b[31m\n", b"\n\n"] {
            diagnostic.span = Span { start: 1, end: 99 };
            let text = Diagnostics(vec![diagnostic.clone()]).render(source, "p");
            assert!(!text.contains('\x1b'), "{text:?}");
        }
    }
}
