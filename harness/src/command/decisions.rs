//! Audit events as lines for a person who watches.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::envoy::audit::{Event, Redaction};
use crate::report::style::{Paint, Style, one_line};

/// Widths of the columns; what is longer pushes the rest to the right.
pub(super) const MESSAGE: usize = 36;
pub(super) const CALLER: usize = 22;

/// What stands where an event names no method.
pub(super) const NO_MESSAGE: &str = "(no message)";

/// The heading over [`line`]s.
pub(super) fn heading(style: Style) -> String {
    style.paint(
        Paint::Faint,
        &format!("  {:<8}  {:<10}  {:<MESSAGE$}  {:<CALLER$}  why", "time", "verdict", "message", "caller"),
    )
}

/// One decision as a line, or `None` for an event that tells a watcher nothing new.
pub(super) fn line(event: &Event, style: Style) -> Option<String> {
    let hidden = event.json().get("hidden").and_then(Value::as_array).filter(|it| !it.is_empty());
    let redactions = event.redactions();
    if event.kind() != "decision" && hidden.is_none() && redactions.is_empty() {
        return None;
    }
    let time = event.text("time").and_then(|it| it.split_once('T')).map_or("", |(_, time)| time);
    let time = time.get(..8).unwrap_or(time);
    let (verdict, paint) = match verdict(event) {
        ("allow", _) if redactions.iter().any(|it| !it.passed) => ("redacted", Paint::Notable),
        ("allow", _) if hidden.is_some() => ("filtered", Paint::Notable),
        verdict => verdict,
    };
    let message = one_line(&message(event), MESSAGE);
    let caller = one_line(&caller(event), CALLER);
    let why = one_line(&why(event, hidden), 100);
    let verdict = style.paint(paint, &format!("{verdict:<10}"));
    Some(format!("  {time:<8}  {verdict}  {message:<MESSAGE$}  {caller:<CALLER$}  {why}").trim_end().to_owned())
}

pub(super) fn message(event: &Event) -> String {
    let method = event.text("method").unwrap_or(NO_MESSAGE);
    match (event.target(), event.text("server")) {
        (Some(target), Some(server)) => format!("{method} {server}/{target}"),
        (Some(target), None) => format!("{method} {target}"),
        (None, Some(server)) => format!("{method} {server}"),
        (None, None) => format!("{method} {}", event.text("path").unwrap_or_default()),
    }
}

pub(super) fn caller(event: &Event) -> String {
    let subject = event.subject().unwrap_or("-");
    match event.text("team") {
        Some(team) => format!("{subject} ({team})"),
        None => subject.to_owned(),
    }
}

pub(super) fn why(event: &Event, hidden: Option<&Vec<Value>>) -> String {
    let mut parts = Vec::new();
    if let Some(reason) = event.text("reason") {
        parts.push(reason.to_owned());
    }
    if let Some(rule) = event.text("rule") {
        parts.push(format!("rule {rule}"));
    }
    if let Some(rule) = event.text("would_rule") {
        parts.push(format!("shadow rule {rule}"));
    }
    if let Some(hidden) = hidden {
        let names: Vec<&str> = hidden.iter().filter_map(Value::as_str).collect();
        parts.push(format!("hidden: {}", names.join(", ")));
    }
    let redactions = event.redactions();
    match (event.text("verdict"), redactions.first()) {
        (Some("deny"), Some(first)) => parts.push(format!("{} at {}", first.detector, first.path)),
        _ => parts.extend(found(&redactions)),
    }
    if let Some(repeat) = event.json().get("repeat").and_then(Value::as_u64) {
        parts.push(format!("{repeat} times more"));
    }
    parts.join(", ")
}

/// The kinds of secrets, each with its count, if there are any.
pub(super) fn found(redactions: &[Redaction]) -> Option<String> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for redaction in redactions {
        match counts.iter_mut().find(|(detector, _)| *detector == redaction.detector) {
            Some((_, count)) => *count += redaction.count,
            None => counts.push((&redaction.detector, redaction.count)),
        }
    }
    let word = if redactions.first()?.passed { "would redact" } else { "redacted" };
    let counts: Vec<String> = counts.into_iter().map(|(detector, count)| format!("{detector} {count}")).collect();
    Some(format!("{word}: {}", counts.join(", ")))
}

/// The verdict in one word or two, and how it is to be seen.
pub(super) fn verdict(event: &Event) -> (&'static str, Paint) {
    match (event.text("verdict"), event.text("would_verdict")) {
        (Some("deny"), _) => ("deny", Paint::Bad),
        (_, Some("deny")) => ("would deny", Paint::Notable),
        (_, Some("allow")) => ("would allow", Paint::Notable),
        _ => ("allow", Paint::Good),
    }
}

/// How often each verdict was seen.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(super) fn count(&mut self, event: &Event) {
        if event.kind() != "decision" {
            return;
        }
        let repeat = event.json().get("repeat").and_then(Value::as_u64).unwrap_or(1);
        if let Some(verdict) = event.text("verdict") {
            *self.0.entry(verdict.to_owned()).or_default() += repeat;
        }
    }

    pub(super) fn summary(&self) -> String {
        if self.0.is_empty() {
            return "no messages".to_owned();
        }
        let counts: Vec<String> = self.0.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        counts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(members: &str) -> Event {
        let line = format!(r#"[info][wasm] wasm log tidegate: {{"schema":"tidegate.audit/v1",{members}}}"#);
        Event::from_log_line(&line).unwrap()
    }

    #[test]
    fn a_refusal_says_who_what_and_why() {
        let event = event(
            r#""event":"decision","time":"2026-11-23T09:41:07.123456Z","verdict":"deny","reason":"denied_by_rule","rule":"no-deletes","server":"billing","method":"tools/call","tool":"delete_customer","principal":"ada","team":"finance""#,
        );
        let line = line(&event, Style::PLAIN).unwrap();
        let words: Vec<&str> = line.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect();
        assert_eq!(
            words,
            [
                "09:41:07",
                "deny",
                "tools/call billing/delete_customer",
                "ada (finance)",
                "denied_by_rule, rule no-deletes"
            ]
        );
    }

    #[test]
    fn completions_are_shown_only_if_something_was_hidden() {
        assert_eq!(line(&event(r#""event":"completion","verdict":"allow""#), Style::PLAIN), None);
        let shown = line(&event(r#""event":"completion","method":"tools/list","hidden":["a","b"]"#), Style::PLAIN);
        assert!(shown.unwrap().ends_with("hidden: a, b"));
    }

    #[test]
    fn redactions_are_shown_by_kind_and_refusals_by_place() {
        let list = r#"[{"detector":"jwt","path":"/a","count":2},{"detector":"iban","path":"/a","count":1},{"detector":"jwt","path":"/b","count":1}]"#;
        let shown = |members: &str| line(&event(&members.replace("LIST", list)), Style::PLAIN).unwrap();
        let done = shown(r#""event":"completion","method":"tools/call","redactions":LIST"#);
        assert!(done.contains("redacted    tools/call") && done.ends_with("redacted: jwt 3, iban 1"), "{done}");
        let shadow = shown(r#""event":"completion","method":"tools/call","would_redact":LIST"#);
        assert!(shadow.contains("allow") && shadow.ends_with("would redact: jwt 3, iban 1"), "{shadow}");
        let refused = shown(r#""event":"decision","verdict":"deny","reason":"secret_blocked","redactions":LIST"#);
        assert!(refused.ends_with("secret_blocked, jwt at /a"), "{refused}");
    }

    #[test]
    fn a_tool_name_cannot_break_the_line() {
        let line = line(&event(r#""event":"decision","method":"tools/call","tool":"x\n\u001b[2Jy""#), Style::PLAIN);
        assert!(line.unwrap().chars().all(|it| !it.is_control()));
    }

    #[test]
    fn collapsed_refusals_count_as_what_they_stand_for() {
        let mut tally = Tally::default();
        tally.count(&event(r#""event":"decision","verdict":"deny""#));
        tally.count(&event(r#""event":"decision","verdict":"deny","repeat":9"#));
        tally.count(&event(r#""event":"completion","verdict":"deny""#));
        assert_eq!(tally.summary(), "10 deny");
    }
}
