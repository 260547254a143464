//! Markup that is HTML and well-formed XML at once, with every text escaped.

use std::fmt::{self, Write as _};

/// Text from anywhere, as it is safe between tags and in quoted attributes. Characters that are invisible or turn the
/// direction of writing are shown as their code, so that no name looks like another.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                    write!(f, "[U+{:04X}]", u32::from(letter))?;
                }
                it if it.is_control() || matches!(it, '\u{fffe}' | '\u{ffff}') => f.write_str("\u{fffd}")?,
                it => f.write_char(it)?,
            }
        }
        Ok(())
    }
}

/// A cell of a table.
pub(super) enum Cell {
    Text(String),
    /// A name as it is written in a policy or a message.
    Code(String),
    Number(String),
    /// A word in the colour of a class.
    Badge(&'static str, String),
    /// A bar that is so many percent of its column wide.
    Share(u64),
}

impl Cell {
    pub(super) fn count(count: u64) -> Self {
        Self::Number(grouped(count))
    }

    pub(super) fn share(part: u64, whole: u64) -> Self {
        Self::Share(
            (u128::from(part) * 100).checked_div(u128::from(whole)).and_then(|it| it.try_into().ok()).unwrap_or(0),
        )
    }
}

/// A table: its caption, the names of its columns, and its rows, of which the first cell is the heading.
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<Cell>>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caption = Text(&self.caption);
        write!(f, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">")?;
        write!(f, "<table><caption>{caption}</caption><thead><tr>")?;
        for (at, column) in self.columns.iter().enumerate() {
            let numeric = self.rows.iter().any(|row| matches!(row.get(at), Some(Cell::Number(_))));
            let class = if numeric { " class=\"number\"" } else { "" };
            write!(f, "<th scope=\"col\"{class}>{}</th>", Text(column))?;
        }
        f.write_str("</tr></thead><tbody>\n")?;
        for row in &self.rows {
            f.write_str("<tr>")?;
            for (at, cell) in row.iter().enumerate() {
                let (open, close) = if at == 0 { ("<th scope=\"row\"", "</th>") } else { ("<td", "</td>") };
                match cell {
                    Cell::Text(text) => write!(f, "{open}>{}{close}", Text(text))?,
                    Cell::Code(text) => write!(f, "{open}><code>{}</code>{close}", Text(text))?,
                    Cell::Number(text) => write!(f, "{open} class=\"number\">{}{close}", Text(text))?,
                    Cell::Badge(class, text) => {
                        write!(f, "{open}><span class=\"badge {class}\">{}</span>{close}", Text(text))?;
                    }
                    Cell::Share(percent) => write!(
                        f,
                        "{open} class=\"share\"><svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" \
                         aria-hidden=\"true\"><rect class=\"rail\" width=\"100\" height=\"8\"/><rect class=\"fill\" \
                         width=\"{percent}\" height=\"8\"/></svg>{close}"
                    )?,
                }
            }
            f.write_str("</tr>\n")?;
        }
        f.write_str("</tbody></table></div>\n")
    }
}

/// A number with commas between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Millionths of a dollar as dollars: from one dollar on with cents, below with all there is.
pub(super) fn dollars(micro_usd: u64) -> String {
    let micro_usd = if micro_usd < 1_000_000 { micro_usd } else { micro_usd.saturating_add(5_000) / 10_000 * 10_000 };
    let (whole, fraction) = (micro_usd / 1_000_000, format!("{:06}", micro_usd % 1_000_000));
    let (cents, below) = fraction.split_at_checked(2).unwrap_or((&fraction, ""));
    format!("${}.{cents}{}", grouped(whole), below.trim_end_matches('0'))
}

/// `1 message` or `2 messages`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup_or_invisible() {
        let text = Text("<script>\"a\" & 'b'</script>\u{202e}x\u{0}\u{200b}é").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;[U+202E]x\u{fffd}[U+200B]é");
    }

    #[test]
    fn numbers_and_money_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 20_000, 61_235, 14_158_000, 1_234_500_000].map(dollars),
            ["$0.00", "$0.02", "$0.061235", "$14.16", "$1,234.50"]
        );
    }
}
