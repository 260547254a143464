//! A list of the server: where it comes from, which entries the caller is shown, and why not the others.

use std::path::Path;

use miette::miette;
use serde_json::{Value, json};
use tidegate_filter::decide::access::Caller;
use tidegate_filter::decide::explain::{Alone, Question, RuleSteps, rules};
use tidegate_filter::exchange::explain::Trace;
use tidegate_filter::json::{self, Span, decode, elements, locate};
use tidegate_filter::mcp::method::{self, Kind, List};
use tidegate_filter::mcp::uri;
use tidegate_filter::policy::{Effect, Mode, Noun, Policy};
use tidegate_filter::rewrite::redact::is_refused_definition;

use super::ask::broken;
use crate::capture::{self, CaptureError, Exchange, Response, Truncated};
use crate::command::input;
use crate::report::steps::{Detail, Mark, Step, condition, condition_json};

/// What a server lists.
#[derive(Debug)]
pub(super) struct Listing {
    list: List,
    /// JSON text of each entry, as the server wrote it.
    entries: Vec<String>,
}

impl Listing {
    /// The list of a file: an array of entries, or an object with one under the list's member or in its `result`.
    pub(super) fn of_file(path: &Path, list: List) -> miette::Result<Self> {
        let bytes = input::read(path)?;
        let name = path.display().to_string();
        json::check(&bytes, json::Limits::default(), &mut ())
            .map_err(|error| broken(&name, &String::from_utf8_lossy(&bytes), error.offset, &error.fault.to_string()))?;
        let start = bytes.iter().position(|it| !it.is_ascii_whitespace()).unwrap_or(0);
        let whole = Span { start, end: bytes.len() };
        let found = match bytes.get(start) {
            Some(b'[') => Some(whole),
            _ => in_result(&bytes, list).or_else(|| locate(&bytes, &format!("/{}", list.member()))),
        };
        let entries = found.and_then(|span| entries(&bytes, span)).ok_or_else(|| {
            let help = format!("it holds an array, or an object with \"{}\"", list.member());
            miette!(help = help, "{name} holds no list of {}", list.member())
        })?;
        Ok(Self { list, entries })
    }

    /// The list of a capture: all pages that were answered at this path, or else at any.
    pub(super) fn of_capture(path: &Path, list: List, at: &str) -> miette::Result<Self> {
        let refusal = |error: CaptureError| match error.help() {
            Some(help) => miette!(help = help.to_string(), "{error}"),
            None => miette!("{error}"),
        };
        let mut here: Vec<String> = Vec::new();
        let mut anywhere: Vec<String> = Vec::new();
        for exchange in capture::open(path, Truncated::Refuse).map_err(refusal)? {
            let exchange = exchange.map_err(refusal)?;
            let Some(found) = answered(&exchange, list) else { continue };
            let path = exchange.request.target.path.split('?').next().unwrap_or_default();
            let pages = if path == at { &mut here } else { &mut anywhere };
            for entry in found {
                // A list that was asked for twice is listed once.
                if !pages.contains(&entry) {
                    pages.push(entry);
                }
            }
        }
        let entries = if here.is_empty() { anywhere } else { here };
        if entries.is_empty() {
            let help = "record the traffic of a client that lists, or give the list with --tools";
            return Err(miette!(help = help, "{} holds no answer to a list of {}", path.display(), list.member()));
        }
        Ok(Self { list, entries })
    }

    /// The response of a server that lists this, to the request with this body.
    pub(super) fn response(&self, request: &[u8]) -> Response {
        let id = locate(request, "/id").map_or("null".into(), |span| String::from_utf8_lossy(span.of(request)));
        let modern = locate(request, "/params/_meta/io.modelcontextprotocol~1protocolVersion").is_some();
        let more = if modern { "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," } else { "" };
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{more}\"{}\":[{}]}}}}",
            self.list.member(),
            self.entries.join(",")
        );
        Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            chunks: vec![body.into_bytes()],
        }
    }

    /// What became of each entry: by the rules, and by what came out of the filter, which must be the same.
    ///
    /// # Errors
    /// They are not the same: what differs.
    pub(super) fn step(&self, policy: &Policy, trace: &Trace<'_>, answer: &[u8]) -> Result<Option<Step>, String> {
        let (Some(server), Some(principal)) = (trace.server, &trace.principal) else { return Ok(None) };
        let caller = Caller { server, principal, now: trace.now };
        let enforced = policy.mode == Mode::Enforce && server.mode == Mode::Enforce;
        let after: Vec<String> =
            in_result(answer, self.list).and_then(|span| entries(answer, span)).unwrap_or_default();
        let mut after = after.iter().peekable();
        let mut details = Vec::new();
        let (mut shown, mut narrowed) = (0, 0);
        for entry in &self.entries {
            let bytes = entry.as_bytes();
            let name = locate(bytes, &format!("/{}", self.list.identifier())).map(|span| decode(span.of(bytes)));
            let name = name.unwrap_or_default();
            let question = match self.list {
                List::Tools => Question::Use { noun: Noun::Tool, name: &name, arguments: None },
                List::Prompts => Question::Use { noun: Noun::Prompt, name: &name, arguments: None },
                List::Resources => Question::Use { noun: Noun::Resource, name: &name, arguments: None },
                List::ResourceTemplates => Question::Template(&name),
            };
            let steps = rules(policy, &caller, question);
            let form = self.form_fault(policy, entry, &name);
            let visible = steps.verdict.allowed && form.is_none();
            let out = after.next_if(|out| self.identifier_of(out) == name);
            if enforced && out.is_some() != visible {
                return Err(format!(
                    "the entry {name} is {}, and the steps say otherwise",
                    if out.is_some() { "shown" } else { "hidden" }
                ));
            }
            let changes = out.map(|out| changes(entry, out)).unwrap_or_default();
            shown += usize::from(visible);
            narrowed += usize::from(!changes.is_empty());
            details.push(detail(&name, &steps, form.as_deref(), &changes));
        }
        if after.next().is_some() {
            return Err("the filter's list has entries that the server's has not".to_owned());
        }
        let hidden = self.entries.len() - shown;
        let shadow = if enforced { "" } else { "; shadow mode: all are shown" };
        let said = format!(
            "{} of {} entries are shown, {hidden} hidden, {narrowed} changed{shadow}",
            shown,
            self.entries.len()
        );
        let mark = if hidden == 0 { Mark::Good } else { Mark::Notable };
        Ok(Some(Step::new("entries", mark, said).with(details)))
    }

    fn identifier_of(&self, entry: &str) -> String {
        let bytes = entry.as_bytes();
        locate(bytes, &format!("/{}", self.list.identifier()))
            .map(|span| decode(span.of(bytes)).into_owned())
            .unwrap_or_default()
    }

    /// Why an entry is hidden whatever rules say.
    fn form_fault(&self, policy: &Policy, entry: &str, name: &str) -> Option<String> {
        if policy.redaction.as_ref().is_some_and(|it| is_refused_definition(it, entry.as_bytes())) {
            return Some("its definition holds hidden text".to_owned());
        }
        if name.is_empty() {
            return Some(format!("it has no readable `{}`", self.list.identifier()));
        }
        let fault = uri::fault(name).filter(|_| self.list == List::Resources)?;
        Some(format!("its URI is not in normal form: it has {fault}"))
    }
}

/// The list that a method asks for.
pub(super) fn list_of(method: &str) -> Option<List> {
    match method::kind(method) {
        Kind::List(list) => Some(list),
        _ => None,
    }
}

fn detail(name: &str, steps: &RuleSteps<'_>, form: Option<&str>, changes: &[String]) -> Detail {
    let verdict = &steps.verdict;
    let rule = verdict.rule.map(str::to_owned);
    let nearest = steps
        .rules
        .iter()
        .filter(|it| it.rule.effect == Effect::Allow && it.rule.mode == Mode::Enforce && it.pattern.is_some())
        .filter(|it| it.alone != Alone::Allows)
        .min_by_key(|it| it.failed.len());
    let (mark, shown, said) = match (form, verdict.allowed, &rule) {
        (Some(fault), ..) => (Mark::Bad, false, format!("hidden: {fault}")),
        (None, true, rule) => {
            let rule = rule.as_deref().unwrap_or_default();
            let changed =
                if changes.is_empty() { String::new() } else { format!("; narrowed: {}", changes.join(", ")) };
            (Mark::Good, true, format!("shown, by {rule}{changed}"))
        }
        (None, false, rule) => {
            let reason = verdict.reason.map_or("", |it| it.as_str());
            let by = rule.as_ref().map(|it| format!(" by {it}")).unwrap_or_default();
            let near = nearest.filter(|_| verdict.reason != Some(tidegate_filter::policy::Reason::DeniedByRule));
            let near = near.and_then(|it| Some((it.rule.id.as_str(), it.failed.first()?)));
            let near = near.map(|(id, failed)| format!("; nearest is {id}: {}", condition(failed)));
            (
                Mark::Bad,
                false,
                format!("hidden: {reason}{by}{}", near.unwrap_or_else(|| no_rule(verdict.rule.is_some()))),
            )
        }
    };
    let failed: Vec<Value> = nearest.iter().flat_map(|it| &it.failed).map(condition_json).collect();
    let json = json!({
        "entry": name, "shown": shown, "rule": rule, "reason": verdict.reason.map(|it| it.as_str()),
        "form": form, "changes": changes, "nearest": nearest.map(|it| &it.rule.id), "failed": failed,
    });
    Detail { label: name.to_owned(), mark, said, json }
}

fn no_rule(has_rule: bool) -> String {
    if has_rule { String::new() } else { ": no rule is about it".to_owned() }
}

/// Where a JSON-RPC result has its list.
fn in_result(bytes: &[u8], list: List) -> Option<Span> {
    locate(bytes, &format!("/result/{}", list.member()))
}

fn entries(bytes: &[u8], array: Span) -> Option<Vec<String>> {
    if bytes.get(array.start) != Some(&b'[') {
        return None;
    }
    Some(elements(bytes, array).map(|span| String::from_utf8_lossy(span.of(bytes)).into_owned()).collect())
}

/// The entries of an exchange that asked for the list and got it, as JSON or in an event stream.
fn answered(exchange: &Exchange, list: List) -> Option<Vec<String>> {
    let request = &exchange.request.body;
    json::check(request, json::Limits::default(), &mut ()).ok()?;
    let method = decode(locate(request, "/method")?.of(request));
    if list_of(&method) != Some(list) {
        return None;
    }
    let body = exchange.response.as_ref()?.body();
    messages(&body).into_iter().find_map(|message| {
        json::check(&message, json::Limits::default(), &mut ()).ok()?;
        entries(&message, in_result(&message, list)?)
    })
}

/// The body itself, or the data of each of its events.
fn messages(body: &[u8]) -> Vec<Vec<u8>> {
    if body.trim_ascii_start().first() == Some(&b'{') {
        return vec![body.to_vec()];
    }
    let text = String::from_utf8_lossy(body);
    let mut events: Vec<String> = vec![String::new()];
    for line in text.lines() {
        if line.is_empty() {
            events.push(String::new());
        } else if let (Some(data), Some(event)) = (line.strip_prefix("data:"), events.last_mut()) {
            event.push_str(data.strip_prefix(' ').unwrap_or(data));
        }
    }
    events.into_iter().map(String::into_bytes).collect()
}

/// What differs between an entry and what is shown of it: each place with what stands there now.
fn changes(before: &str, after: &str) -> Vec<String> {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut changes = Vec::new();
    differences(&parsed(before), &parsed(after), &mut String::new(), &mut changes);
    changes
}

fn differences(before: &Value, after: &Value, at: &mut String, out: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        let old = if before.is_null() { String::new() } else { format!(" instead of {before}") };
        out.push(format!("{at} is {after}{old}"));
        return;
    };
    for (key, value) in new {
        let length = at.len();
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        differences(old.get(key).unwrap_or(&Value::Null), value, at, out);
        at.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_in_json_and_in_events() {
        let result = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}, {"name":"b"}]}}"#;
        for body in [
            result.to_owned(),
            format!("event: message\ndata: {result}\n\n"),
            format!(": hi\n\nid: 1\ndata: {result}\n\n"),
        ] {
            let found: Vec<_> = messages(body.as_bytes())
                .into_iter()
                .find_map(|it| entries(&it, in_result(&it, List::Tools)?))
                .unwrap_or_default();
            assert_eq!(found, [r#"{"name":"a"}"#, r#"{"name":"b"}"#], "{body}");
        }
    }

    #[test]
    fn changes_are_told_by_place() {
        let before = r#"{"inputSchema":{"properties":{"n":{"maximum":9}}},"x":1}"#;
        let after = r#"{"inputSchema":{"properties":{"n":{"maximum":5}},"required":["n"]},"x":1}"#;
        assert_eq!(
            changes(before, after),
            ["/inputSchema/properties/n/maximum is 5 instead of 9", "/inputSchema/required is [\"n\"]"]
        );
        assert_eq!(changes(before, before), Vec::<String>::new());
    }
}
