//! Tables of plain text: columns as wide as their widest cell.

use super::style::{Paint, Style};

/// A cell: its text and, if it stands out, how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    paint: Option<Paint>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), paint: None }
    }
}

impl Cell {
    /// A cell in a colour.
    pub fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: text.into(), paint: Some(paint) }
    }
}

/// Rows under a heading.
#[derive(Debug, Clone, Default)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these column names.
    pub fn new(heading: &[&str]) -> Self {
        Self { heading: heading.iter().map(|it| (*it).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text, each line indented by two spaces; the last column is not padded.
    pub fn render(&self, style: Style) -> String {
        let width = |column: usize| {
            // A row of one cell is a heading over the rows that follow.
            let cells = self
                .rows
                .iter()
                .filter(|row| row.len() > 1)
                .filter_map(|row| row.get(column))
                .map(|cell| cell.text.chars().count());
            cells.chain(self.heading.get(column).map(|it| it.chars().count())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.heading.len()).map(width).collect();
        let heading: Vec<Cell> = self.heading.iter().map(|it| Cell::painted(it.as_str(), Paint::Faint)).collect();
        let mut out = String::new();
        for row in std::iter::once(&heading).chain(&self.rows) {
            let mut line = String::from(" ");
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line.push(' ');
                line.push_str(&cell.paint.map_or_else(|| cell.text.clone(), |paint| style.paint(paint, &cell.text)));
                if index + 1 < row.len() {
                    let padding = width.saturating_sub(cell.text.chars().count()) + 1;
                    line.extend(std::iter::repeat_n(' ', padding));
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_colours() {
        let mut table = Table::new(&["call", "verdict", "saw"]);
        table.row(["get_customer".into(), Cell::painted("allow", Paint::Good), "a".into()]);
        table.row(["é".into(), Cell::painted("deny", Paint::Bad), "".into()]);
        assert_eq!(
            table.render(Style::PLAIN),
            "  call          verdict  saw\n  get_customer  allow    a\n  é             deny\n"
        );
    }
}
