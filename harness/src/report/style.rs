//! Colours, on terminals only.

use std::io::IsTerminal as _;

/// Whether a stream's output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colours: bool,
}

/// A colour by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// It passed.
    Good,
    /// It was refused, or is wrong.
    Bad,
    /// It passed, and somebody should look at it.
    Notable,
    /// It matters less than what stands beside it.
    Faint,
    /// A heading.
    Strong,
}

impl Style {
    /// Colours if standard output is a terminal and `NO_COLOR` is not set.
    pub fn for_stdout() -> Self {
        Self { colours: std::io::stdout().is_terminal() && wanted() }
    }

    /// Colours if standard error is a terminal and `NO_COLOR` is not set.
    pub fn for_stderr() -> Self {
        Self { colours: std::io::stderr().is_terminal() && wanted() }
    }

    /// No colours.
    pub const PLAIN: Self = Self { colours: false };

    /// Whether colours are used.
    pub fn colours(self) -> bool {
        self.colours
    }

    /// `text` in the colour of `paint`, or as it is.
    pub fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Notable => "33",
            Paint::Faint => "2",
            Paint::Strong => "1",
        };
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// <https://no-color.org>: set and not empty means no.
fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

/// Text from outside as one line that cannot disturb a terminal, at most `width` characters of it.
pub fn one_line(text: &str, width: usize) -> String {
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String =
        spaced.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).take(width).collect();
    if spaced.chars().count() > width {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_has_no_escapes() {
        assert_eq!(Style::PLAIN.paint(Paint::Bad, "deny"), "deny");
        assert_eq!(Style { colours: true }.paint(Paint::Bad, "deny"), "\u{1b}[31mdeny\u{1b}[0m");
    }

    #[test]
    fn a_caller_cannot_paint_the_terminal() {
        assert_eq!(one_line("a\nb\t\u{1b}[31mc", 80), "a b \u{fffd}[31mc");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}
