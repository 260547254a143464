//! One decision of a replay as a line of text, or as JSON.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::capture::{Annotation, Exchange};
use crate::command::decisions::{self, CALLER, MESSAGE};
use crate::envoy::audit::{Event, Redaction};
use crate::replay::{HeaderChanges, Replayed, Sent};
use crate::report::style::{Paint, Style, one_line};
use crate::report::tally::Verdict;

/// Members of an audit event that are shown as they are.
const SHOWN: [&str; 22] = [
    "decision",
    "mode",
    "reason",
    "rule",
    "would_verdict",
    "would_rule",
    "server",
    "era",
    "method",
    "tool",
    "resource",
    "prompt",
    "id",
    "principal",
    "team",
    "source",
    "peer",
    "arguments",
    "outcome",
    "repeat",
    "redactions",
    "would_redact",
];

/// One message, as one header mode decided it.
pub(super) struct Row<'a> {
    number: usize,
    mode: &'a str,
    exchange: &'a Exchange,
    replayed: &'a Replayed,
    /// `None` where the filter did not judge.
    event: Option<&'a Event>,
    /// It is the one that changes of the bytes are told with.
    first: bool,
}

/// The heading over rows.
pub(super) fn heading(style: Style) -> String {
    let text = format!(
        "  {:>3}  {:<10}  {:<MESSAGE$}  {:<CALLER$}  why, and what changed",
        "#", "verdict", "message", "caller"
    );
    style.paint(Paint::Faint, &text)
}

/// The heading over the rows of one capture of several.
pub(super) fn capture(path: &Path, style: Style) -> String {
    style.paint(Paint::Strong, &format!("  {}", path.display()))
}

/// The rows of an exchange; there is at least one.
pub(super) fn rows<'a>(number: usize, mode: &'a str, exchange: &'a Exchange, replayed: &'a Replayed) -> Vec<Row<'a>> {
    let row = |event, first| Row { number, mode, exchange, replayed, event, first };
    if replayed.decisions.is_empty() {
        return vec![row(None, true)];
    }
    replayed.decisions.iter().enumerate().map(|(at, event)| row(Some(event), at == 0)).collect()
}

/// Whether two header modes have decided and changed the same.
pub(super) fn alike(a: &[Row<'_>], b: &[Row<'_>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.text(false, Style::PLAIN) == b.text(false, Style::PLAIN))
}

/// What is written beside an exchange in a HAR.
pub(super) fn annotation(replayed: &Replayed) -> Annotation {
    let decisions: Vec<Value> = replayed
        .decisions
        .iter()
        .map(|event| {
            let names = ["decision", "verdict", "reason", "rule", "would_verdict", "would_rule", "direction"];
            Value::Object(
                names.iter().filter_map(|name| Some(((*name).to_owned(), event.json().get(*name)?.clone()))).collect(),
            )
        })
        .collect();
    let mut note = Annotation::new();
    note.insert("sent".to_owned(), sent(replayed.sent).into());
    note.insert("decisions".to_owned(), decisions.into());
    note
}

/// How a verdict is to be seen.
pub(super) fn paint(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Allow => Paint::Good,
        Verdict::Deny => Paint::Bad,
        Verdict::WouldAllow | Verdict::WouldDeny | Verdict::Ungoverned => Paint::Notable,
        Verdict::Passed => Paint::Faint,
    }
}

fn sent(sent: Sent) -> &'static str {
    match sent {
        Sent::Whole => "whole",
        Sent::Headers => "headers",
        Sent::Nothing => "nothing",
    }
}

impl Row<'_> {
    pub(super) fn verdict(&self) -> Verdict {
        Verdict::of(self.event, self.replayed.ungoverned)
    }

    /// What the filter said of it.
    pub(super) fn event(&self) -> Option<&Event> {
        self.event
    }

    pub(super) fn is_response(&self) -> bool {
        self.event.is_some_and(|event| event.text("direction") == Some("response"))
    }

    /// The row as text; `tell_mode` names the header mode.
    pub(super) fn text(&self, tell_mode: bool, style: Style) -> String {
        let verdict = self.verdict();
        let paint = paint(verdict);
        let (message, caller) = (self.message(), self.caller());
        let mut why: Vec<String> = self.event.map(|event| decisions::why(event, None)).into_iter().collect();
        if self.is_response() {
            why.extend(self.event.and_then(|event| event.text("outcome")).map(|it| it.replace('_', " ")));
        }
        if self.first {
            why.extend(self.changes());
        }
        if tell_mode {
            why.push(format!("({})", self.mode));
        }
        why.retain(|it| !it.is_empty());
        let number = if self.first { self.number.to_string() } else { String::new() };
        let verdict = style.paint(paint, &format!("{:<10}", verdict.words()));
        let (message, caller) = (one_line(&message, MESSAGE), one_line(&caller, CALLER));
        let why = one_line(&why.join("; "), 160);
        format!("  {number:>3}  {verdict}  {message:<MESSAGE$}  {caller:<CALLER$}  {why}").trim_end().to_owned()
    }

    /// What was sent to whom.
    pub(super) fn message(&self) -> String {
        let request = &self.exchange.request;
        let path = request.target.path.split('?').next().unwrap_or_default();
        match self.event {
            Some(event) if self.is_response() => match event.text("method") {
                Some(method) => format!("server sends: {method}"),
                None => "its response".to_owned(),
            },
            // Where the body was not read, or could not be, there is still the HTTP method.
            Some(event) => decisions::message(event).replacen(decisions::NO_MESSAGE, &request.method, 1),
            None => format!("{} {path}", request.method),
        }
    }

    /// Who sent it, if a client did.
    pub(super) fn caller(&self) -> String {
        self.event.filter(|_| !self.is_response()).map(decisions::caller).unwrap_or_default()
    }

    /// What became of the bytes, in words.
    fn changes(&self) -> Vec<String> {
        let replayed = self.replayed;
        let mut changes = Vec::new();
        if replayed.request_rewritten {
            changes.push("request rewritten".to_owned());
        }
        if !replayed.hidden.is_empty() {
            changes.push(format!("hidden: {}", replayed.hidden.join(", ")));
        } else if replayed.response_rewritten {
            changes.push("response rewritten".to_owned());
        }
        changes.extend(decisions::found(&replayed.redactions));
        if replayed.cut {
            changes.push("response cut".to_owned());
        }
        if replayed.sent == Sent::Whole && self.exchange.response.is_none() {
            changes.push("no response recorded".to_owned());
        }
        changes
    }

    /// Where it stands, for tools.
    pub(super) fn place(&self, capture: &Path) -> Map<String, Value> {
        let exchange = self.exchange;
        let direction = if self.is_response() { "response" } else { "request" };
        let members: [(&str, Value); 7] = [
            ("capture", capture.display().to_string().into()),
            ("exchange", self.number.into()),
            ("place", exchange.place.to_string().into()),
            ("host", self.mode.into()),
            ("direction", direction.into()),
            ("http_method", exchange.request.method.as_str().into()),
            ("url", exchange.request.target.url().into()),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The row for tools.
    pub(super) fn json(&self, capture: &Path) -> Value {
        let (replayed, exchange) = (self.replayed, self.exchange);
        let mut row = self.place(capture);
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                row.insert(name.to_owned(), value);
            }
        };
        put("verdict", self.verdict().key().into());
        if let Some(event) = self.event {
            put("time", event.json().get("time").cloned().unwrap_or_default());
            for name in SHOWN {
                put(name, event.json().get(name).cloned().unwrap_or_default());
            }
        }
        put("token", replayed.token.map(|fault| fault.to_string()).into());
        put("sent", sent(replayed.sent).into());
        put("recorded_status", exchange.response.as_ref().map(|it| it.status).into());
        put("status", replayed.status().into());
        if self.first {
            put("hidden", if replayed.hidden.is_empty() { Value::Null } else { json!(replayed.hidden) });
            put("request", change(replayed.request_rewritten, &replayed.request_headers));
            let mut response = change(replayed.response_rewritten, &replayed.response_headers);
            add_redactions(&mut response, &replayed.redactions);
            put("response", response);
            put("cut", replayed.cut.then_some(true).into());
        }
        Value::Object(row)
    }
}

fn add_redactions(change: &mut Value, redactions: &[Redaction]) {
    let Some(first) = redactions.first() else { return };
    let list: Vec<Value> =
        redactions.iter().map(|it| json!({"detector": it.detector, "path": it.path, "count": it.count})).collect();
    if change.is_null() {
        *change = json!({});
    }
    if let Some(members) = change.as_object_mut() {
        members.insert(if first.passed { "would_redact" } else { "redactions" }.to_owned(), list.into());
    }
}

fn change(body: bool, headers: &HeaderChanges) -> Value {
    let mut change = Map::new();
    if body {
        change.insert("body".to_owned(), "rewritten".into());
    }
    let lists = [
        ("headers_added", &headers.added),
        ("headers_removed", &headers.removed),
        ("headers_changed", &headers.changed),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            change.insert(name.to_owned(), json!(list));
        }
    }
    if change.is_empty() { Value::Null } else { Value::Object(change) }
}
