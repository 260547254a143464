//! The tools that captures, or lists of tools, say that servers have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use miette::miette;
use serde_json::Value;
use tidegate_filter::decide::route::{self, RouteFacts};
use tidegate_filter::policy::{Policy, Seen, path_fault};

use crate::capture::{self, Exchange, Truncated, header};
use crate::command::input;

/// Bytes of the longest list of tools.
const LONGEST_LIST: u64 = 64 << 20;

/// Tools by where they were seen, whatever a policy calls the servers.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// By authority and path.
    captured: BTreeMap<(String, String), BTreeSet<String>>,
    /// Names of lists that say nothing about servers, or name them as policies do: `server/tool`.
    listed: BTreeSet<String>,
}

/// What was observed, in the words of one policy.
pub(super) struct Placed {
    /// By server.
    pub(super) seen: Seen,
    /// Places of captures that no server of the policy matches: authority and path.
    pub(super) unknown: Vec<String>,
}

impl Observed {
    /// Reads captures and lists of tools.
    pub(super) fn read<'p>(paths: impl IntoIterator<Item = &'p Path>) -> miette::Result<Self> {
        let mut observed = Self::default();
        for path in paths {
            if let Some(names) = list(path) {
                if names.is_empty() {
                    let help = "give a capture, the result of tools/list, or a list of names: [\"server/tool\", …]";
                    return Err(miette!(help = help, "{} names no tool", path.display()));
                }
                observed.listed.extend(names);
                continue;
            }
            for exchange in capture::open(path, Truncated::Accept).map_err(|error| input::unusable(&error))? {
                observed.exchange(&exchange.map_err(|error| input::unusable(&error))?);
            }
        }
        Ok(observed)
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let mut names = BTreeSet::new();
        let Some(response) = exchange.response.as_ref().filter(|it| (200..300).contains(&it.status)) else { return };
        let is_stream = header(&response.headers, "content-type").is_some_and(|it| it.starts_with("text/event-stream"));
        let messages = messages(&response.body(), is_stream);
        let request: Value = serde_json::from_slice(&exchange.request.body).unwrap_or_default();
        for result in messages.iter().filter_map(|message| message.get("result")) {
            names.extend(tools(result));
        }
        // A server that does not know a tool says so in a result with `isError`, or in an error.
        let is_call = request.get("method").and_then(Value::as_str) == Some("tools/call");
        let answers = messages.iter().filter(|it| it.get("id").is_some() && it.get("id") == request.get("id"));
        let mut results = answers.filter_map(|message| message.get("result"));
        if is_call && results.any(|result| result.get("isError") != Some(&Value::Bool(true))) {
            names.extend(request.pointer("/params/name").and_then(Value::as_str).map(str::to_owned));
        }
        let target = &exchange.request.target;
        let path = target.path.split('?').next().unwrap_or_default().to_owned();
        if !names.is_empty() {
            self.captured.entry((target.authority.clone(), path)).or_default().extend(names);
        }
    }

    /// What each server of a policy was seen to have.
    pub(super) fn placed(&self, policy: &Policy) -> Placed {
        let mut seen = Seen::default();
        let mut unknown = Vec::new();
        for ((authority, path), tools) in &self.captured {
            let facts = RouteFacts { authority, path, ..RouteFacts::default() };
            match route::server(policy, &facts).filter(|_| path_fault(path).is_none()) {
                Some(server) => seen.0.entry(server.name.clone()).or_default().extend(tools.iter().cloned()),
                None => unknown.push(format!("{authority}{path}")),
            }
        }
        for name in &self.listed {
            let own = name.split_once('/').filter(|(server, _)| policy.servers.iter().any(|it| it.name == *server));
            for server in &policy.servers {
                let tool = match own {
                    Some((named, tool)) if named == server.name => tool,
                    Some(_) => continue,
                    None => name,
                };
                seen.0.entry(server.name.clone()).or_default().insert(tool.to_owned());
            }
        }
        Placed { seen, unknown }
    }
}

/// The names of a list of tools: names as in a policy, the result of `tools/list`, or a response that carries one. `None`
/// if the file is no such list.
fn list(path: &Path) -> Option<Vec<String>> {
    if fs::metadata(path).ok()?.len() > LONGEST_LIST {
        return None;
    }
    match serde_json::from_slice(&fs::read(path).ok()?).ok()? {
        Value::Array(names) => names.into_iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        Value::Object(object) => {
            let result = object.get("result").and_then(Value::as_object).unwrap_or(&object);
            result.contains_key("tools").then(|| tools(&Value::Object(result.clone())))
        }
        _ => None,
    }
}

/// The names of the tools that a result of `tools/list` lists.
fn tools(result: &Value) -> Vec<String> {
    let tools = result.get("tools").and_then(Value::as_array).into_iter().flatten();
    tools.filter_map(|tool| tool.get("name").unwrap_or(tool).as_str().map(str::to_owned)).collect()
}

/// The JSON-RPC messages of a body; what cannot be read is none.
fn messages(body: &[u8], is_stream: bool) -> Vec<Value> {
    if !is_stream {
        return serde_json::from_slice(body).into_iter().collect();
    }
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n").replace('\r', "\n");
    let event = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    text.split("\n\n").filter_map(|it| serde_json::from_str(&event(it)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_both_media_types() {
        let body = br#"{"id":1,"result":{"tools":[{"name":"a"},{"name":"b"}]}}"#;
        let all = messages(body, false);
        assert_eq!(tools(&all[0]["result"]), ["a", "b"]);
        let stream = b": hi\r\n\r\nid: 1\r\ndata: {\"id\":1,\r\ndata:\"result\":{\"tools\":[{\"name\":\"c\"}]}}\r\n\r\ndata: x\n\n";
        let all = messages(stream, true);
        assert_eq!((all.len(), tools(&all[0]["result"])), (1, vec!["c".to_owned()]));
        assert_eq!(messages(b"not json", false), Vec::<Value>::new());
    }
}
