//! Tool definitions that changed while the traffic was recorded, as the servers sent them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hasher as _};

use serde_json::Value;

use super::{clip, text_of};
use crate::capture::Response;

/// Definitions that are remembered; of servers with more, the later ones are not compared.
const DEFINITIONS: usize = 10_000;
/// Callers whose lists are compared.
const LISTS: usize = 1_000;
/// Changes that are told one by one.
const TOLD: usize = 200;

/// Parts of a definition that are compared, by their names in MCP.
const PARTS: [&str; 6] = ["title", "description", "inputSchema", "outputSchema", "annotations", "icons"];

/// One tool that is not what it was in an earlier list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifted {
    /// The server's name in the policy.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// What changed, in words.
    pub what: String,
    /// How often: tools that come and go are told for each caller.
    pub times: u64,
    /// Number of the first exchange with the later list.
    pub exchange: u64,
}

/// Compares each list of tools with the ones before.
#[derive(Debug, Clone, Default)]
pub struct Drift {
    definitions: HashMap<(String, String), Definition>,
    lists: HashMap<(String, String), BTreeSet<String>>,
    /// The first changes, in their order.
    pub changes: Vec<Drifted>,
    /// All changes, those too that are not kept.
    pub count: u64,
    /// Lists that were read.
    pub read: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Definition {
    hashes: [u64; PARTS.len()],
    /// Characters of the description.
    length: usize,
}

impl Drift {
    /// Reads an answer to `tools/list`. `caller` is whose list it is: servers may show other tools to others. A `paged`
    /// list is not whole.
    pub fn list(&mut self, server: &str, caller: &str, paged: bool, response: &Response, exchange: u64) {
        for message in messages(response) {
            let Some(tools) = message.pointer("/result/tools").and_then(Value::as_array) else { continue };
            self.read += 1;
            let named = |tool| text_of(tool, "name").map(|name| (clip(name), tool));
            let tools: Vec<(String, &Value)> = tools.iter().filter_map(named).collect();
            for (name, tool) in &tools {
                self.definition(server, name, tool, exchange);
            }
            if !paged && message.pointer("/result/nextCursor").is_none_or(Value::is_null) {
                let names = tools.into_iter().map(|(name, _)| name).collect();
                self.whole(server, caller, &names, exchange);
            }
        }
    }

    fn definition(&mut self, server: &str, name: &str, tool: &Value, exchange: u64) {
        let definition = Definition {
            hashes: PARTS.map(|part| tool.get(part).map_or(0, hash)),
            length: text_of(tool, "description").map_or(0, |text| text.chars().count()),
        };
        let key = (server.to_owned(), name.to_owned());
        if self.definitions.len() >= DEFINITIONS && !self.definitions.contains_key(&key) {
            return;
        }
        let Some(earlier) = self.definitions.insert(key, definition.clone()) else { return };
        let differing = PARTS.iter().zip(earlier.hashes.iter().zip(&definition.hashes));
        let parts: Vec<String> = differing
            .filter(|(_, (a, b))| a != b)
            .map(|(part, _)| match *part {
                "description" => format!("description ({} → {} characters)", earlier.length, definition.length),
                part => part.to_owned(),
            })
            .collect();
        if !parts.is_empty() {
            self.tell(server, name, format!("changed: {}", parts.join(", ")), exchange);
        }
    }

    fn whole(&mut self, server: &str, caller: &str, names: &BTreeSet<String>, exchange: u64) {
        let key = (server.to_owned(), caller.to_owned());
        if self.lists.len() >= LISTS && !self.lists.contains_key(&key) {
            return;
        }
        let Some(earlier) = self.lists.insert(key, names.clone()) else { return };
        for name in names.difference(&earlier) {
            self.tell(server, name, "added".to_owned(), exchange);
        }
        for name in earlier.difference(names) {
            self.tell(server, name, "removed".to_owned(), exchange);
        }
    }

    fn tell(&mut self, server: &str, tool: &str, what: String, exchange: u64) {
        let tool = clip(tool);
        let same = |it: &&mut Drifted| it.server == server && it.tool == tool && it.what == what;
        if let Some(told) = self.changes.iter_mut().find(same) {
            told.times += 1;
            return;
        }
        self.count += 1;
        if self.changes.len() < TOLD {
            self.changes.push(Drifted { server: server.to_owned(), tool, what, times: 1, exchange });
        }
    }
}

/// The JSON-RPC messages of a response: its body, or the data of its events (the HTML standard, section 9.2.6).
fn messages(response: &Response) -> Vec<Value> {
    let body = response.body();
    if let Ok(message) = serde_json::from_slice(&body) {
        return vec![message];
    }
    let text = String::from_utf8_lossy(&body).replace("\r\n", "\n").replace('\r', "\n");
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    text.split("\n\n").filter_map(|event| serde_json::from_str(&data(event)).ok()).collect()
}

/// A hash that does not depend on the order of keys.
fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            for (name, value) in members {
                hasher.write_u8(1);
                hasher.write(name.as_bytes());
                hasher.write_u8(0xff);
                hasher.write_u64(hash(value));
            }
        }
        Value::Array(items) => {
            for item in items {
                hasher.write_u8(2);
                hasher.write_u64(hash(item));
            }
        }
        scalar => {
            hasher.write_u8(3);
            hasher.write(scalar.to_string().as_bytes());
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &str) -> Response {
        Response { status: 200, headers: Vec::new(), chunks: vec![body.as_bytes().to_vec()] }
    }

    fn tools(tools: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tools}]}}}}"#)
    }

    #[test]
    fn what_changed_is_told_and_the_order_of_keys_is_no_change() {
        let mut drift = Drift::default();
        let first = r#"{"name":"a","description":"short","inputSchema":{"type":"object","x":1}},{"name":"b"}"#;
        drift.list("s", "ada", false, &response(&tools(first)), 1);
        let same = r#"{"name":"a","inputSchema":{"x":1,"type":"object"},"description":"short"},{"name":"b"}"#;
        drift.list("s", "ada", false, &response(&format!("data: {}\n\n", tools(same))), 2);
        assert_eq!((drift.count, drift.read), (0, 2));
        let later =
            r#"{"name":"a","description":"longer","inputSchema":{"type":"array"},"annotations":{}},{"name":"c"}"#;
        drift.list("s", "ada", false, &response(&tools(later)), 3);
        let told: Vec<(&str, &str)> = drift.changes.iter().map(|it| (it.tool.as_str(), it.what.as_str())).collect();
        let expected = [
            ("a", "changed: description (5 → 6 characters), inputSchema, annotations"),
            ("c", "added"),
            ("b", "removed"),
        ];
        assert_eq!(told, expected);
        drift.list("s", "bob", false, &response(&tools(r#"{"name":"b"}"#)), 4);
        drift.list("s", "bob", false, &response(&tools("")), 5);
        let again = drift.changes.iter().find(|it| it.what == "removed").unwrap();
        assert_eq!((again.times, again.exchange, drift.count), (2, 3, 3));
    }

    #[test]
    fn other_callers_and_pages_have_lists_of_their_own() {
        let mut drift = Drift::default();
        drift.list("s", "ada", false, &response(&tools(r#"{"name":"a"}"#)), 1);
        drift.list("s", "bob", false, &response(&tools(r#"{"name":"b"}"#)), 2);
        drift.list("s", "ada", true, &response(&tools(r#"{"name":"c"}"#)), 3);
        drift.list("t", "ada", false, &response(&tools(r#"{"name":"a","title":"x"}"#)), 4);
        assert_eq!(drift.count, 0, "{:?}", drift.changes);
    }
}
