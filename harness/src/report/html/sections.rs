//! The sections of a report, in the order in which they are read.

use std::fmt::Write as _;

use tidegate_filter::policy::{Effect, Mode};

use super::markup::{Cell, Table, Text, counted, dollars};
use super::{Report, chart, moment};
use crate::report::tally::{Caller, Capped, Change, Changed, Fate, Verdict};

/// Rows of a table of names.
const TOP: usize = 25;

/// Rows of the table of changes.
const GROUPS: usize = 100;

pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) body: String,
}

pub(super) fn all(report: &Report<'_>) -> Vec<Section> {
    let section = |id, title, body| Section { id, title, body };
    let mut sections = Vec::new();
    if report.changes.is_some() {
        sections.push(section("changes", "What changes", changes(report)));
    }
    sections.extend([
        section("time", "Decisions over time", decisions(report)),
        section("denied", "Denied most often", denied(report)),
        section("rules", "Rules", rules(report)),
        section("callers", "Callers", callers(report)),
        section("spend", "Spend", spend(report)),
        section("secrets", "Secrets", secrets(report)),
        section("hidden", "Hidden from lists", hidden(report)),
        section("drift", "Drift", drift(report)),
        section("undecidable", "Input that cannot be judged", undecidable(report)),
        section("refusals", "Denied messages", refusals(report)),
        section("facts", "About this replay", facts(report)),
    ]);
    sections
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", Text(text))
}

/// The most frequent names as rows, and a word on those that are left out.
fn top<K: Eq + std::hash::Hash + Ord, V: Default>(
    counts: &Capped<K, V>,
    weight: impl Fn(&V) -> u64,
    row: impl Fn(&K, &V) -> Vec<Cell>,
) -> (Vec<Vec<Cell>>, String) {
    let sorted = counts.sorted(&weight);
    let rows = sorted.iter().take(TOP).map(|(name, count)| row(name, count)).collect();
    let left_out = sorted.get(TOP..).unwrap_or_default();
    let mut notes = Vec::new();
    if !left_out.is_empty() {
        let sum: u64 = left_out.iter().map(|(_, count)| weight(count)).sum();
        notes.push(format!("{} more rows with {sum} altogether are left out.", left_out.len()));
    }
    if let Some(rest) = counts.rest() {
        notes.push(format!("Beyond 10,000 different rows, {} are not told apart.", weight(rest)));
    }
    (rows, if notes.is_empty() { String::new() } else { paragraph(&notes.join(" ")) })
}

fn changes(report: &Report<'_>) -> String {
    let Some(changes) = report.changes else { return String::new() };
    let mut body = paragraph(&format!("Compared with policy {}: {}.", changes.against, changes.sentence()));
    let mut groups = changes.groups.sorted(|seen| seen.count);
    // What somebody will miss first.
    groups.sort_by_key(|(changed, _)| changed.change);
    if groups.is_empty() {
        return body;
    }
    let rows: Vec<Vec<Cell>> = groups
        .iter()
        .take(GROUPS)
        .map(|(it, seen)| {
            let class = match it.change {
                Change::NewlyDenied => "deny",
                Change::NewlyAllowed => "allow",
                Change::Shadow => "would_deny",
                _ => "would_allow",
            };
            vec![
                Cell::Code(it.message.clone()),
                Cell::Badge(class, it.change.short().to_owned()),
                Cell::count(seen.count),
                Cell::Text(it.before.clone()),
                Cell::Text(after(it)),
                Cell::Text(seen.first.to_string()),
            ]
        })
        .collect();
    let told: u64 = groups.iter().take(GROUPS).map(|(_, seen)| seen.count).sum();
    let mut caption = "Messages whose outcome differs".to_owned();
    if told < changes.changed() {
        let _ = write!(caption, ": {told} of {}, the rest left out", changes.changed());
    }
    let columns = &["message", "change", "messages", "with the other policy", "with this policy", "first exchange"];
    let _ = write!(body, "{}", Table { caption, columns, rows });
    body
}

fn after(changed: &Changed) -> String {
    let verdict = if changed.before == changed.after { "the same" } else { &changed.after };
    if changed.what.is_empty() { verdict.to_owned() } else { format!("{verdict}; {}", changed.what) }
}

/// A caption that says so when there is more than is shown.
fn limited(what: &str, shown: usize, all: u64) -> String {
    if u64::try_from(shown).unwrap_or(u64::MAX) < all {
        format!("{what}: the first {shown} of {all}")
    } else {
        what.to_owned()
    }
}

fn decisions(report: &Report<'_>) -> String {
    let tally = report.tally;
    let mut body = chart::decisions(&tally.timeline)
        .unwrap_or_else(|| paragraph("The capture gives no times, so there is nothing to draw."));
    if tally.untimed > 0 && tally.untimed < tally.exchanges {
        body +=
            &paragraph(&format!("{} without a time are not in it.", counted(tally.untimed, "exchange", "exchanges")));
    }
    body
}

fn denied(report: &Report<'_>) -> String {
    let tally = report.tally;
    let all = tally.count(Verdict::Deny);
    if all == 0 {
        return paragraph("Nothing was denied.");
    }
    let (rows, note) = top(
        &tally.refused,
        |count| *count,
        |what, count| {
            vec![
                Cell::Code(what.message.clone()),
                Cell::Text(what.reason.clone()),
                what.rule.clone().map_or_else(|| Cell::Text("–".to_owned()), Cell::Code),
                Cell::count(*count),
                Cell::share(*count, all),
            ]
        },
    );
    let caption = "Denied messages by what they are, why and by which rule".to_owned();
    Table { caption, columns: &["message", "reason", "rule", "denied", "share of all denials"], rows }.to_string()
        + &note
}

fn rules(report: &Report<'_>) -> String {
    let rules = &report.tally.rules;
    if rules.is_empty() {
        return paragraph("The policy has no rules.");
    }
    let unused = rules.iter().filter(|rule| rule.decided() == 0).count();
    let lead = match unused {
        0 => "Every rule decided something.".to_owned(),
        some => format!(
            "{some} of {} decided nothing in this traffic. A rule that only shapes lists is among them: list entries are \
             not counted here.",
            counted(rules.len() as u64, "rule", "rules"),
        ),
    };
    let rows = rules.iter().map(|rule| {
        let (class, effect) = match rule.effect {
            Effect::Allow => ("allow", "allow"),
            Effect::Deny => ("deny", "deny"),
        };
        let state = match (rule.decided(), rule.mode) {
            (0, _) => Cell::Badge("quiet", "unused".to_owned()),
            (_, Mode::Shadow) => Cell::Badge("would_deny", "shadow".to_owned()),
            _ => Cell::Text("in use".to_owned()),
        };
        vec![
            Cell::Code(rule.id.clone()),
            Cell::Badge(class, effect.to_owned()),
            state,
            Cell::count(rule.decided()),
            Cell::count(rule.allowed),
            Cell::count(rule.denied),
            Cell::count(rule.shadow),
        ]
    });
    let caption = "Messages that each rule decided, in the order of the policy".to_owned();
    let columns = &["rule", "effect", "state", "decided", "allowed", "denied", "in shadow"];
    paragraph(&lead) + &Table { caption, columns, rows: rows.collect() }.to_string()
}

fn who(caller: &Caller) -> (String, String) {
    (caller.subject.clone(), caller.team.clone().unwrap_or_else(|| "–".to_owned()))
}

fn callers(report: &Report<'_>) -> String {
    let tally = report.tally;
    if tally.callers.is_empty() {
        return paragraph("No message says who called.");
    }
    let all: u64 = tally.callers.sorted(|it| it.0).iter().map(|(_, it)| it.0).sum();
    let (rows, note) = top(
        &tally.callers,
        |it| it.0,
        |caller, (calls, denied)| {
            let (subject, team) = who(caller);
            vec![
                Cell::Text(subject),
                Cell::Text(team),
                Cell::count(*calls),
                Cell::count(*denied),
                Cell::share(*calls, all),
            ]
        },
    );
    let caption = "Who called, by messages".to_owned();
    Table { caption, columns: &["principal", "team", "messages", "denied", "share of messages"], rows }.to_string()
        + &note
}

fn spend(report: &Report<'_>) -> String {
    let tally = report.tally;
    let spent = tally.spent();
    if spent.calls == 0 {
        return paragraph("No call has a price in this policy.");
    }
    let (rows, note) = top(
        &tally.spend,
        |it| it.micro_usd,
        |team, it| {
            vec![
                Cell::Text(team.clone().unwrap_or_else(|| "(no team)".to_owned())),
                Cell::count(it.calls),
                Cell::Number(dollars(it.micro_usd)),
                Cell::share(it.micro_usd, spent.micro_usd),
            ]
        },
    );
    let lead = format!("{} cost {}.", counted(spent.calls, "priced call", "priced calls"), dollars(spent.micro_usd));
    let caption = "Spend by team, as the policy prices it".to_owned();
    paragraph(&lead)
        + &Table { caption, columns: &["team", "priced calls", "spend", "share of spend"], rows }.to_string()
        + &note
}

fn secrets(report: &Report<'_>) -> String {
    let tally = report.tally;
    if tally.secrets.is_empty() {
        return paragraph("No secret was found.");
    }
    let (rows, note) = top(
        &tally.secrets,
        |count| *count,
        |secret, count| {
            let (class, fate) = match secret.fate {
                Fate::Redacted => ("would_allow", "replaced"),
                Fate::Refused => ("deny", "message denied"),
                Fate::Passed => ("would_deny", "passed (shadow)"),
            };
            vec![
                Cell::Code(secret.detector.clone()),
                Cell::Code(secret.place.clone()),
                Cell::Badge(class, fate.to_owned()),
                Cell::count(*count),
            ]
        },
    );
    let caption = "Secrets by detector and by the tool or method they were found in; never their values".to_owned();
    Table { caption, columns: &["detector", "found in", "what became of it", "found"], rows }.to_string() + &note
}

fn hidden(report: &Report<'_>) -> String {
    let hidden = &report.tally.hidden;
    if hidden.is_empty() {
        return paragraph("Every list showed all its entries.");
    }
    let (rows, note) = top(hidden, |count| *count, |name, count| vec![Cell::Code(name.clone()), Cell::count(*count)]);
    let caption = "Entries that were left out of lists, by how many lists".to_owned();
    Table { caption, columns: &["entry", "lists"], rows }.to_string() + &note
}

fn drift(report: &Report<'_>) -> String {
    let drift = &report.tally.drift;
    let lists = counted(drift.read, "tool list", "tool lists");
    if drift.count == 0 {
        return paragraph(&match drift.read {
            0 => "No tool list was recorded.".to_owned(),
            _ => format!("In {lists}, every tool kept its definition."),
        });
    }
    let lead = format!(
        "The servers' own lists, before the policy: {lists} compared, each with the one before it. Tools that come and go \
         are compared for each caller."
    );
    let rows = drift.changes.iter().map(|it| {
        vec![
            Cell::Code(format!("{}/{}", it.server, it.tool)),
            Cell::Text(it.what.clone()),
            Cell::count(it.times),
            Cell::Text(it.exchange.to_string()),
        ]
    });
    let caption =
        limited("Tool definitions that changed while the traffic was recorded", drift.changes.len(), drift.count);
    paragraph(&lead)
        + &Table { caption, columns: &["tool", "what changed", "times", "first exchange"], rows: rows.collect() }
            .to_string()
}

fn undecidable(report: &Report<'_>) -> String {
    let undecidable = &report.tally.undecidable;
    if undecidable.is_empty() {
        return paragraph("Every message could be read in one way only.");
    }
    let rows = undecidable
        .iter()
        .map(|(reason, it)| vec![Cell::Text(reason.clone()), Cell::count(it.count), Cell::Text(it.first.clone())]);
    let caption = "Messages that could not be read, or could be read in two ways".to_owned();
    Table { caption, columns: &["reason", "messages", "the first one"], rows: rows.collect() }.to_string()
}

fn refusals(report: &Report<'_>) -> String {
    let tally = report.tally;
    if tally.refusals.is_empty() {
        return paragraph("Nothing was denied.");
    }
    let rows = tally.refusals.iter().map(|it| {
        let (subject, team) = who(&it.caller);
        let why = match (&it.what.rule, it.detail.is_empty()) {
            (Some(rule), true) => format!("{}, rule {rule}", it.what.reason),
            (Some(rule), false) => format!("{}, rule {rule}; {}", it.what.reason, it.detail),
            (None, true) => it.what.reason.clone(),
            (None, false) => format!("{}; {}", it.what.reason, it.detail),
        };
        vec![
            Cell::Text(it.exchange.to_string()),
            Cell::Text(it.at.map(moment).unwrap_or_default()),
            Cell::Code(it.what.message.clone()),
            Cell::Text(if team == "–" { subject } else { format!("{subject} ({team})") }),
            Cell::Text(why),
            Cell::Text(it.place.clone()),
        ]
    });
    let caption =
        limited("Denied messages in the order of the traffic", tally.refusals.len(), tally.count(Verdict::Deny));
    let columns = &["exchange", "time (UTC)", "message", "caller", "why", "place"];
    Table { caption, columns, rows: rows.collect() }.to_string()
}

fn facts(report: &Report<'_>) -> String {
    let mut body = String::from("<dl class=\"facts\">");
    for (name, value) in &report.facts {
        let _ = write!(body, "<dt>{name}</dt><dd>{}</dd>", Text(value));
    }
    body + "</dl>\n"
}
