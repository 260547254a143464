//! The lints of policies: `tidegate check --lints`.

use serde_json::{Value, json};
use tidegate_filter::policy::LINTS;

use super::style::{Paint, Style};
use super::table::{Cell, Table};

/// Every lint, for people: what it means, and below it what to do.
pub fn table(style: Style) -> String {
    let mut table = Table::new(&["lint", "what it means, and what to do"]);
    for lint in LINTS {
        table.row([Cell::painted(lint.name, Paint::Strong), lint.meaning.into()]);
        table.row(["".into(), Cell::painted(lint.fix, Paint::Faint)]);
    }
    table.render(style)
}

/// Every lint, for tools: `name`, `meaning` and `fix`.
pub fn list() -> Value {
    LINTS.iter().map(|lint| json!({"name": lint.name, "meaning": lint.meaning, "fix": lint.fix})).collect()
}
