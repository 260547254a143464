//! What a policy changes for the traffic, compared with another one.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::line::{self, Row};
use crate::capture::Exchange;
use crate::command::decisions::{self, CALLER, MESSAGE};
use crate::envoy::audit::{Event, Redaction};
use crate::replay::Replayed;
use crate::report::style::{Paint, Style, one_line};
use crate::report::tally::{self, Change, Changes, Verdict};

/// Width of the column that says how a message changes.
const CHANGE: usize = 14;

/// One exchange under two policies.
pub(super) struct Pair<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) before: &'a Replayed,
    pub(super) after: &'a Replayed,
    /// Names of the policies: they stand in refusals, and are no change.
    pub(super) names: [&'a str; 2],
}

/// A message that has another outcome.
pub(super) struct Changed<'a> {
    change: Change,
    /// `None` where that policy did not get to judge it.
    before: Option<&'a Row<'a>>,
    after: Option<&'a Row<'a>>,
    extras: Extras,
    first: bool,
    number: usize,
}

/// What differs beside the verdict: of the exchange, told with its first message.
#[derive(Debug, Default)]
struct Extras {
    shown: Vec<String>,
    hidden: Vec<String>,
    /// Secrets, each as detector and place, that are found now and were not, and the other way round.
    found: Vec<String>,
    missed: Vec<String>,
    request: bool,
    response: bool,
    headers: bool,
}

/// The heading over changes.
pub(super) fn heading(style: Style) -> String {
    let text = format!(
        "  {:>3}  {:<CHANGE$}  {:<MESSAGE$}  {:<CALLER$}  with the other policy → with this one",
        "#", "change", "message", "caller"
    );
    style.paint(Paint::Faint, &text)
}

/// Compares the rows of an exchange, of the other policy and of this one: how many messages they are, and those that
/// change.
pub(super) fn changes<'a>(
    pair: &Pair<'_>,
    number: usize,
    before: &'a [Row<'a>],
    after: &'a [Row<'a>],
) -> (u64, Vec<Changed<'a>>) {
    let side = |rows: &'a [Row<'a>], response: bool| -> Vec<&'a Row<'a>> {
        rows.iter().filter(|row| row.is_response() == response).collect()
    };
    let mut compared = 0;
    let mut changes: Vec<Changed<'_>> = Vec::new();
    for response in [true, false] {
        let (before, after) = (side(before, response), side(after, response));
        for at in 0..before.len().max(after.len()) {
            let (before, after) = (before.get(at).copied(), after.get(at).copied());
            // Where one policy refuses the request, there is no response to compare.
            if response && (before.is_none() || after.is_none()) && pair.is_refused() {
                continue;
            }
            compared += 1;
            let first = !response && at == 0;
            let mut extras = if first { pair.extras() } else { Extras::default() };
            // Its own rows tell of the response.
            extras.response &= changes.is_empty();
            if let Some(change) = classify(before, after, &extras) {
                changes.push(Changed { change, before, after, extras, first, number });
            }
        }
    }
    // Requests first.
    changes.sort_by_key(|changed| !changed.first);
    (compared, changes)
}

fn classify(before: Option<&Row<'_>>, after: Option<&Row<'_>>, extras: &Extras) -> Option<Change> {
    let denied = |row: Option<&Row<'_>>| row.is_some_and(|row| row.verdict() == Verdict::Deny);
    let text = |row: Option<&Row<'_>>, name: &str| {
        row.and_then(|row| row.event()).and_then(|event| event.text(name)).map(str::to_owned)
    };
    let differs = |names: &[&str]| names.iter().any(|name| text(before, name) != text(after, name));
    match (denied(before), denied(after)) {
        (false, true) => return Some(Change::NewlyDenied),
        (true, false) => return Some(Change::NewlyAllowed),
        _ => {}
    }
    let verdict = |row: Option<&Row<'_>>| row.map(Row::verdict);
    let shadow = |row| verdict(row).is_some_and(|it| matches!(it, Verdict::WouldAllow | Verdict::WouldDeny));
    if differs(&["would_verdict", "would_rule"]) || (shadow(before) && shadow(after) && differs(&["reason", "rule"])) {
        return Some(Change::Shadow);
    }
    if !extras.shown.is_empty() || !extras.hidden.is_empty() {
        return Some(Change::Listed);
    }
    if !extras.found.is_empty() || !extras.missed.is_empty() {
        return Some(Change::Redacted);
    }
    let is_decided = verdict(before) != verdict(after) || differs(&["reason", "rule", "outcome"]);
    // A refusal says why: its other bytes follow from another rule.
    if (extras.request || extras.response || extras.headers) && !(is_decided && denied(after)) {
        return Some(Change::Rewritten);
    }
    is_decided.then_some(Change::Decided)
}

impl Pair<'_> {
    fn is_refused(&self) -> bool {
        [self.before, self.after].iter().any(|replayed| {
            let requests = replayed.decisions.iter().filter(|event| event.text("direction") != Some("response"));
            requests.into_iter().any(|event| event.text("verdict") == Some("deny"))
        })
    }

    fn extras(&self) -> Extras {
        let (before, after) = (self.before, self.after);
        // What one policy lets through and the other does not is another verdict; all else follows from it.
        if before.sent != after.sent {
            return Extras::default();
        }
        let names = |replayed: &Replayed| replayed.hidden.iter().cloned().collect::<BTreeSet<String>>();
        let is_refused = self.is_refused();
        let secrets = |replayed: &Replayed| -> BTreeSet<String> {
            if is_refused {
                return BTreeSet::new();
            }
            let own = replayed.decisions.iter().flat_map(Event::redactions);
            own.chain(replayed.redactions.iter().cloned()).map(|it| secret(&it)).collect()
        };
        let less = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
        let (hidden_before, hidden_after) = (names(before), names(after));
        let (found_before, found_after) = (secrets(before), secrets(after));
        let [name_before, name_after] = self.names;
        let response = |it: &Replayed, policy: &str| {
            it.result.response.as_ref().map(|response| (response.status, masked(&response.body(), it, policy)))
        };
        Extras {
            shown: less(&hidden_before, &hidden_after),
            hidden: less(&hidden_after, &hidden_before),
            found: less(&found_after, &found_before),
            missed: less(&found_before, &found_after),
            request: before.result.request.body != after.result.request.body,
            response: response(before, name_before) != response(after, name_after),
            headers: !is_refused
                && (before.request_headers != after.request_headers
                    || before.response_headers != after.response_headers),
        }
    }
}

fn secret(redaction: &Redaction) -> String {
    let word = if redaction.passed { " (shadow)" } else { "" };
    format!("{} at {}{word}", redaction.detector, redaction.path)
}

/// A body without what only says which policy it was and which decision.
fn masked(body: &[u8], replayed: &Replayed, policy: &str) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(body) else { return body.to_vec() };
    if !text.contains("decision") {
        return body.to_vec();
    }
    let quoted = Value::from(policy).to_string();
    let inside = quoted.trim_matches('"');
    let mut text = text.to_owned();
    for id in replayed.decisions.iter().filter_map(|event| event.text("decision")) {
        text = text
            .replace(&format!("policy {inside}, decision {id}"), "")
            .replace(&format!("\"policy\":{quoted},\"decision\":\"{id}\""), "");
        text = text.replace(id, "");
    }
    text.into_bytes()
}

impl Changed<'_> {
    fn row(&self) -> Option<&Row<'_>> {
        self.after.or(self.before)
    }

    fn side(row: Option<&Row<'_>>) -> String {
        let Some(row) = row else { return "not judged".to_owned() };
        let why = row.event().map(|event| decisions::why(event, None)).unwrap_or_default();
        match why.is_empty() {
            true => row.verdict().words().to_owned(),
            false => format!("{}: {why}", row.verdict().words()),
        }
    }

    fn what(&self) -> String {
        let extras = &self.extras;
        let list = |word: &str, names: &[String]| (!names.is_empty()).then(|| format!("{word}: {}", names.join(", ")));
        let mut parts: Vec<String> = [
            list("now hidden", &extras.hidden),
            list("now shown", &extras.shown),
            list("now redacted", &extras.found),
            list("redacted no more", &extras.missed),
        ]
        .into_iter()
        .flatten()
        .collect();
        let bodies = [(extras.request, "another request"), (extras.response, "another response")];
        // Another list, or another secret taken out, is another body, and need not be said twice; nor that a refusal
        // for another reason says so.
        if parts.is_empty() && self.change != Change::Decided {
            parts.extend(bodies.iter().filter(|(differs, _)| *differs).map(|(_, words)| (*words).to_owned()));
        }
        if parts.is_empty() && extras.headers && self.change != Change::Decided {
            parts.push("other headers".to_owned());
        }
        parts.join("; ")
    }

    pub(super) fn text(&self, style: Style) -> String {
        let number = if self.first { self.number.to_string() } else { String::new() };
        let paint = match self.change {
            Change::NewlyDenied => Paint::Bad,
            Change::NewlyAllowed => Paint::Good,
            _ => Paint::Notable,
        };
        let change = style.paint(paint, &format!("{:<CHANGE$}", self.change.short()));
        let message = one_line(&self.row().map(Row::message).unwrap_or_default(), MESSAGE);
        let caller = one_line(&self.row().map(Row::caller).unwrap_or_default(), CALLER);
        let (before, after) = (Self::side(self.before), Self::side(self.after));
        let mut why = if before == after { Vec::new() } else { vec![format!("{before} → {after}")] };
        why.push(self.what());
        why.retain(|it| !it.is_empty());
        let why = one_line(&why.join("; "), 200);
        format!("  {number:>3}  {change}  {message:<MESSAGE$}  {caller:<CALLER$}  {why}").trim_end().to_owned()
    }

    /// The change for tools.
    pub(super) fn json(&self, capture: &Path) -> Value {
        let Some(row) = self.row() else { return Value::Null };
        let mut members = row.place(capture);
        members.insert("change".to_owned(), self.change.key().into());
        for name in ["server", "method", "tool", "resource", "prompt", "id", "principal", "team"] {
            if let Some(value) = row.event().and_then(|event| event.json().get(name)) {
                members.insert(name.to_owned(), value.clone());
            }
        }
        for (name, row) in [("before", self.before), ("after", self.after)] {
            members.insert(name.to_owned(), row.map_or(Value::Null, outcome));
        }
        let extras = &self.extras;
        let lists = [
            ("now_hidden", &extras.hidden),
            ("now_shown", &extras.shown),
            ("now_redacted", &extras.found),
            ("no_longer_redacted", &extras.missed),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            members.insert(name.to_owned(), json!(list));
        }
        let differing = [("request", extras.request), ("response", extras.response), ("headers", extras.headers)];
        let differing: Vec<&str> = differing.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
        if !differing.is_empty() {
            members.insert("rewritten_differently".to_owned(), json!(differing));
        }
        Value::Object(members)
    }

    /// Counts it.
    pub(super) fn count(&self, changes: &mut Changes, exchange: u64) {
        let changed = tally::Changed {
            change: self.change,
            message: one_line(&self.row().map(Row::message).unwrap_or_default(), 200),
            before: one_line(&Self::side(self.before), 200),
            after: one_line(&Self::side(self.after), 200),
            what: one_line(&self.what(), 400),
        };
        changes.add(changed, exchange);
    }
}

fn outcome(row: &Row<'_>) -> Value {
    let mut outcome = Map::new();
    outcome.insert("verdict".to_owned(), row.verdict().key().into());
    for name in ["reason", "rule", "would_verdict", "would_rule", "outcome"] {
        if let Some(text) = row.event().and_then(|event| event.text(name)) {
            outcome.insert(name.to_owned(), text.into());
        }
    }
    Value::Object(outcome)
}

/// The rows of both policies.
pub(super) fn rows<'a>(pair: &Pair<'a>, number: usize, mode: &'a str) -> [Vec<Row<'a>>; 2] {
    [pair.before, pair.after].map(|replayed| line::rows(number, mode, pair.exchange, replayed))
}
