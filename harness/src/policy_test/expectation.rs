//! What came of a message against what was expected of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::difference::{Difference, Extent, differences};
use super::test_file::{Expect, Wanted};
use crate::capture::{Headers, Response, header};
use crate::envoy::audit::Event;
use crate::replay::{Replayed, Sent};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// The key of `expect`.
    pub key: &'static str,
    /// Line and column of the expected value, from 1.
    pub place: (usize, usize),
    /// What was expected.
    pub expected: Value,
    /// What came instead.
    pub got: Value,
    /// Where the two differ; empty where they are single words.
    pub differences: Vec<Difference>,
}

/// The verdict of one event, as one word.
fn verdict_of(event: &Event) -> &'static str {
    match (event.text("verdict"), event.text("would_verdict")) {
        (Some("deny"), _) => "deny",
        (_, Some("deny")) => "would_deny",
        (_, Some("allow")) => "would_allow",
        _ => "allow",
    }
}

/// The decision that an exchange is known by: the first of the most severe ones.
pub fn decisive(replayed: &Replayed) -> Option<&Event> {
    let severity =
        |event: &&Event| ["deny", "would_deny", "would_allow", "allow"].iter().position(|it| *it == verdict_of(event));
    replayed.decisions.iter().min_by_key(severity)
}

/// The verdict on an exchange: that of [`decisive`], or `ungoverned` or `passed` where nothing was decided.
pub fn verdict(replayed: &Replayed) -> &'static str {
    match decisive(replayed) {
        Some(event) => verdict_of(event),
        None if replayed.ungoverned => "ungoverned",
        None => "passed",
    }
}

/// Everything that is not as expected, in the order of the tables of keys.
pub(super) fn mismatches(expect: &Expect, replayed: &Replayed) -> Vec<Mismatch> {
    expect.wanted.iter().filter_map(|wanted| mismatch(wanted, replayed)).collect()
}

fn mismatch(wanted: &Wanted, replayed: &Replayed) -> Option<Mismatch> {
    let word = |got: Value| single(wanted, got);
    let of_decision = |name: &str| decisive(replayed).and_then(|it| it.json().get(name).cloned()).unwrap_or_default();
    let empty = Headers::new();
    let response = replayed.result.response.as_ref();
    match wanted.key {
        "verdict" => word(verdict(replayed).into()),
        "reason" | "rule" | "would_rule" => word(of_decision(wanted.key)),
        "sent" => word(reached(replayed.sent).into()),
        "status" => word(replayed.status().map_or(Value::Null, Into::into)),
        "request" => match replayed.sent {
            Sent::Whole => tree(wanted, json_or_text(&replayed.result.request.body), Extent::Whole),
            _ => word(Value::Null),
        },
        "request_headers" => {
            let sent = (replayed.sent != Sent::Nothing).then_some(&replayed.result.request.headers);
            tree(wanted, named(wanted, sent.unwrap_or(&empty)), Extent::Named)
        }
        "response" => tree(wanted, response.map(body).unwrap_or_default(), Extent::Whole),
        "response_headers" => {
            let headers = response.map_or(&empty, |it| &it.headers);
            tree(wanted, named(wanted, headers), Extent::Named)
        }
        "response_contains" | "response_lacks" => contents(wanted, response),
        "listed" => tree(wanted, json!(response.map(|it| listed(&body(it))).unwrap_or_default()), Extent::Whole),
        "hidden" => {
            let set = |names: Vec<String>| json!(names.into_iter().collect::<BTreeSet<_>>());
            let sorted = Wanted { value: set(texts(&wanted.value)), ..wanted.clone() };
            tree(&sorted, set(replayed.hidden.clone()), Extent::Whole)
        }
        "redactions" => tree(wanted, json!(redactions(replayed)), Extent::Whole),
        _ => tree(wanted, decisive(replayed).map(|it| it.json().clone()).unwrap_or_default(), Extent::Named),
    }
}

fn single(wanted: &Wanted, got: Value) -> Option<Mismatch> {
    let Wanted { key, place, value, .. } = wanted;
    (got != *value).then(|| Mismatch { key, place: *place, expected: value.clone(), got, differences: Vec::new() })
}

fn tree(wanted: &Wanted, got: Value, extent: Extent) -> Option<Mismatch> {
    let Wanted { key, place, value, .. } = wanted;
    let differences = differences(value, &got, extent);
    (!differences.is_empty()).then(|| Mismatch { key, place: *place, expected: value.clone(), got, differences })
}

/// The word for how far a request got.
pub(super) fn reached(sent: Sent) -> &'static str {
    match sent {
        Sent::Whole => "whole",
        Sent::Headers => "headers",
        Sent::Nothing => "nothing",
    }
}

/// Bytes as JSON, or else as text; nothing as null.
fn json_or_text(bytes: &[u8]) -> Value {
    match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(_) if bytes.is_empty() => Value::Null,
        Err(_) => String::from_utf8_lossy(bytes).into_owned().into(),
    }
}

/// The body of a response: JSON, the list of the messages of an event stream, or text.
fn body(response: &Response) -> Value {
    let bytes = response.body();
    if header(&response.headers, "content-type").is_some_and(|it| it.starts_with("text/event-stream")) {
        return events(&String::from_utf8_lossy(&bytes)).iter().map(|data| json_or_text(data.as_bytes())).collect();
    }
    json_or_text(&bytes)
}

/// The data of each event of a stream that has any.
fn events(text: &str) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    let mut data: Vec<&str> = Vec::new();
    for line in text.lines().chain([""]) {
        match line.strip_prefix("data:") {
            Some(piece) => data.push(piece.strip_prefix(' ').unwrap_or(piece)),
            None if line.is_empty() && !data.is_empty() => events.push(std::mem::take(&mut data).join("\n")),
            None => {}
        }
    }
    events
}

/// The values of the headers that are asked for, as an object.
fn named(wanted: &Wanted, headers: &Headers) -> Value {
    let names = wanted.value.as_object().into_iter().flatten();
    names
        .filter_map(|(name, _)| Some((name.clone(), header(headers, name)?.into())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

fn contents(wanted: &Wanted, response: Option<&Response>) -> Option<Mismatch> {
    let bytes = response.map(Response::body).unwrap_or_default();
    let body = String::from_utf8_lossy(&bytes);
    let should = wanted.key == "response_contains";
    let wrong: Vec<String> =
        texts(&wanted.value).into_iter().filter(|it| body.contains(it.as_str()) != should).collect();
    (!wrong.is_empty()).then(|| Mismatch {
        key: wanted.key,
        place: wanted.place,
        expected: json!(wrong),
        got: body.into_owned().into(),
        differences: Vec::new(),
    })
}

/// The names of the entries of every list in a response.
fn listed(body: &Value) -> Vec<String> {
    let messages = match body {
        Value::Array(messages) => messages.iter().collect(),
        other => vec![other],
    };
    let lists = [("tools", "name"), ("resources", "uri"), ("resourceTemplates", "uriTemplate"), ("prompts", "name")];
    let of = |message: &Value| {
        let entries = |(list, name): &(&str, &str)| {
            let entries = message.get("result").and_then(|it| it.get(list)).and_then(Value::as_array).cloned();
            let names = entries.into_iter().flatten().filter_map(|it| it.get(name)?.as_str().map(str::to_owned));
            names.collect::<Vec<String>>()
        };
        lists.iter().flat_map(entries).collect::<Vec<String>>()
    };
    messages.into_iter().flat_map(of).collect()
}

/// How many secrets of each kind were taken out or refused, in both directions.
fn redactions(replayed: &Replayed) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let all = replayed.decisions.iter().flat_map(Event::redactions).chain(replayed.redactions.iter().cloned());
    for redaction in all.filter(|it| !it.passed) {
        *counts.entry(redaction.detector).or_default() += redaction.count;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_with_and_without_a_last_empty_line() {
        assert_eq!(events("data: {\"a\":1}\n\n: note\nid: 1\ndata:b\ndata: c\n\n"), ["{\"a\":1}", "b\nc"]);
        assert_eq!(events("data: x"), ["x"]);
        assert_eq!(events("id: 1\n\n"), Vec::<String>::new());
    }

    #[test]
    fn lists_are_found_in_answers_and_streams() {
        let answer = json!({"result": {"tools": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(listed(&answer), ["a", "b"]);
        assert_eq!(
            listed(&json!([{"method": "x"}, answer, {"result": {"resources": [{"uri": "file:///c"}]}}])),
            ["a", "b", "file:///c"]
        );
    }
}
