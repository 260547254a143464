//! What differs between two policies: `tidegate diff`.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::style::{Paint, Style, one_line};
use super::table::{Cell, Table};
use crate::policy_diff::{Change, Difference, Direction, Kind, SettingChange};

/// Longest text of one line, in characters.
const WIDTH: usize = 400;

/// The difference for people; `old` and `new` are the names of the two. With `refusals` also what refused callers are
/// told otherwise, of which there is else only a count.
pub fn text(difference: &Difference, old: &str, new: &str, refusals: bool, style: Style) -> String {
    let mut out = String::new();
    if difference.is_empty() {
        out.push_str(&format!("{old} and {new} decide alike, and the same settings are in force.\n"));
    }
    let (told, changes): (Vec<&Change>, Vec<&Change>) =
        difference.changes.iter().partition(|it| it.kind == Kind::Told && !refusals);
    for change in changes {
        out.push_str(&change_text(change, style));
    }
    if !told.is_empty() {
        let count = counted(told.len(), "refusal reads", "refusals read");
        out.push_str(&format!(
            "{count} otherwise and {} a refusal: --refusals shows how\n",
            if told.len() == 1 { "stays" } else { "stay" }
        ));
    }
    if !difference.settings.is_empty() {
        if !difference.changes.is_empty() {
            out.push('\n');
        }
        out.push_str(&style.paint(Paint::Strong, "Settings in force"));
        out.push('\n');
        let mut table = Table::new(&["setting", "before", "now", "allows"]);
        for setting in &difference.settings {
            let (word, paint) = allows(setting.direction);
            let cells = [&setting.name, &setting.before, &setting.after].map(|it| Cell::from(one_line(it, 80)));
            table.row(cells.into_iter().chain([Cell::painted(word, paint)]));
        }
        out.push_str(&table.render(style));
    }
    let space = &difference.space;
    let compared = format!(
        "compared: {}, {}, {}, at {}{}",
        counted(space.callers, "kind of callers", "kinds of callers"),
        counted(space.servers, "server", "servers"),
        counted(space.targets, "kind of targets", "kinds of targets"),
        counted(space.moments, "moment", "moments"),
        if space.complete { "" } else { "; too many rules to try every combination of patterns and callers" },
    );
    out.push_str(&format!("\n{}\n", style.paint(Paint::Faint, &compared)));
    out
}

fn change_text(change: &Change, style: Style) -> String {
    let paint = match change.kind {
        Kind::Allowed => Paint::Notable,
        Kind::Refused => Paint::Bad,
        Kind::Conditions => allows(change.direction).1,
        Kind::Told | Kind::Shadow => Paint::Faint,
    };
    let mut word = change.kind.as_str().to_owned();
    if change.kind == Kind::Conditions {
        word.push_str(&format!(" ({})", change.direction.as_str()));
    }
    let mut when = String::new();
    for (name, bound) in [("from", change.from), ("until", change.until)] {
        if let Some(bound) = bound {
            when.push_str(&format!(" {name} {}", moment(bound)));
        }
    }
    format!(
        "{}: {} on {}: {}{when}\n    before: {}\n    now:    {}\n",
        style.paint(Paint::Strong, &one_line(&change.callers, WIDTH)),
        style.paint(paint, &word),
        one_line(&change.server, WIDTH),
        one_line(&change.what.join(", "), WIDTH),
        one_line(&change.before, WIDTH),
        one_line(&change.after, WIDTH),
    )
}

fn allows(direction: Direction) -> (&'static str, Paint) {
    match direction {
        Direction::Wider => ("more", Paint::Notable),
        Direction::Unclear => ("unclear", Paint::Notable),
        Direction::Narrower => ("less", Paint::Good),
        Direction::Neutral => ("as much", Paint::Faint),
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn moment(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|it| it.format(&Rfc3339).ok());
    time.unwrap_or_else(|| seconds.to_string())
}

/// The difference for tools.
pub fn json(difference: &Difference) -> Value {
    let change = |it: &Change| {
        json!({
            "kind": it.kind.as_str(),
            "direction": it.direction.as_str(),
            "callers": it.callers,
            "server": it.server,
            "what": it.what,
            "before": it.before,
            "now": it.after,
            "from": it.from.map(moment),
            "until": it.until.map(moment),
        })
    };
    let setting = |it: &SettingChange| json!({"setting": it.name, "before": it.before, "now": it.after, "direction": it.direction.as_str()});
    json!({
        "changes": difference.changes.iter().map(change).collect::<Vec<_>>(),
        "settings": difference.settings.iter().map(setting).collect::<Vec<_>>(),
        "allows_more": difference.allows_more(),
        "compared": {
            "callers": difference.space.callers,
            "servers": difference.space.servers,
            "targets": difference.space.targets,
            "moments": difference.space.moments,
            "complete": difference.space.complete,
        },
    })
}
