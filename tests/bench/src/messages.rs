//! The messages that are measured: the same bytes in every run.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// The tools that every guard under test allows. Calls are of the last one.
pub const ALLOWED: [&str; 10] = [
    "get_customer",
    "get_deployment",
    "get_invoice",
    "list_customers",
    "list_deployments",
    "list_invoices",
    "search_customers",
    "search_invoices",
    "search_tickets",
    "read_file",
];

/// A tool that no guard under test allows.
pub const FORBIDDEN: &str = "delete_customer";

/// Size of the measured `tools/call` request, in bytes.
pub const CALL_BYTES: usize = 1024;

/// In pieces of this many bytes a response's body reaches the filter where no Envoy decides that.
pub const CHUNK_BYTES: usize = 32 << 10;

/// One exchange that is measured: what the client sends, and what the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Name on the command line.
    pub name: &'static str,
    /// Name in the report.
    pub title: &'static str,
    /// Whether it is measured in Envoy only where it is named.
    pub by_name: bool,
    /// The request's body.
    pub request: Vec<u8>,
    /// The response's body.
    pub response: Vec<u8>,
}

impl Load {
    /// The path of its requests, by which the upstream knows what to answer.
    pub fn path(&self) -> String {
        format!("/mcp/{}", self.name)
    }

    /// The headers of its request as Envoy shows them to a filter.
    pub fn request_headers(&self) -> [(&'static str, String); 10] {
        [
            (":authority", "mcp.example.com".to_owned()),
            (":path", self.path()),
            (":method", "POST".to_owned()),
            (":scheme", "http".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
            ("content-length", self.request.len().to_string()),
            ("mcp-protocol-version", "2025-06-18".to_owned()),
            ("x-forwarded-proto", "http".to_owned()),
            ("x-request-id", "0f9c3a52-6a0f-4d0e-8d4b-0f6b5a1c2d3e".to_owned()),
        ]
    }

    /// The headers of its response.
    pub fn response_headers(&self) -> [(&'static str, String); 3] {
        [
            (":status", "200".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("content-length", self.response.len().to_string()),
        ]
    }
}

/// Every load: calls, then lists, smallest first.
pub fn loads() -> Vec<Load> {
    let call =
        |name, title, bytes| Load { name, title, by_name: false, request: call(ALLOWED[9]), response: result(bytes) };
    let list = |name, title, count| Load { name, title, by_name: count > 50, request: list(), response: tools(count) };
    vec![
        call("2k", "1 KB tools/call, 2 KB result", 2 << 10),
        call("64k", "1 KB tools/call, 64 KB result", 64 << 10),
        call("1m", "1 KB tools/call, 1 MB result", 1 << 20),
        list("list", "tools/list, 50 tools of which 10 are allowed", 50),
        list("list500", "tools/list, 500 tools of which 10 are allowed", 500),
    ]
}

/// A `tools/call` of `tool` in [`CALL_BYTES`] bytes, with nested arguments.
pub fn call(tool: &str) -> Vec<u8> {
    let with = |query: &str| {
        let arguments = json!({
            "path": "/exports/2026/q3/accounts.json",
            "limit": 50,
            "filters": [{"field": "state", "op": "eq", "value": "open"}, {"field": "age_days", "op": "lt", "value": 30}],
            "options": {"recursive": true, "encoding": "utf-8", "tags": ["finance", "eu"]},
            "query": query,
        });
        let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": "p-1"}});
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
    };
    let room = CALL_BYTES.saturating_sub(with("").len());
    let query: String = words(11).flat_map(|word| word.chars().chain([' '])).take(room).collect();
    with(&query).into_bytes()
}

fn list() -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string().into_bytes()
}

/// A call's result of exactly `bytes` bytes: records, half of them as escaped JSON text (as most servers answer), half
/// as `structuredContent`.
pub fn result(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(7);
    let with = |records: &[Value], pad: usize| {
        let (text, structured) = records.split_at(records.len() / 2);
        let text = json!({"records": text}).to_string();
        let result = json!({
            "content": [{"type": "text", "text": text}],
            "structuredContent": {"records": structured, "note": "-".repeat(pad)},
            "isError": false,
        });
        json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string()
    };
    let mut records = Vec::new();
    let mut length = with(&[], 0).len();
    loop {
        let record = record(&mut random, records.len());
        // Quotation marks inside text are escaped, so half of the records take about a fifth more.
        length += record.to_string().len() * 9 / 8;
        if length > bytes {
            break;
        }
        records.push(record);
    }
    let pad = bytes.saturating_sub(with(&records, 0).len());
    with(&records, pad).into_bytes()
}

fn record(random: &mut Random, number: usize) -> Value {
    let mut text = |count: usize| {
        let words: Vec<&str> = (0..count).map(|_| random.word()).collect();
        words.join(" ")
    };
    json!({
        "id": number,
        "name": text(3),
        "email": format!("user{number}@example.com"),
        "active": number.is_multiple_of(2),
        "balance": f64::from(u32::try_from(number * 37 % 9_973).unwrap_or(0)) / 100.0,
        "tags": [text(1), text(1)],
        "note": format!("first line\n\"{}\" {}", text(2), text(5)),
    })
}

/// The answer to `tools/list` with `count` tools, of which [`ALLOWED`] are spread among others.
pub fn tools(count: usize) -> Vec<u8> {
    let every = count / ALLOWED.len().max(1);
    let tools: Vec<Value> = (0..count)
        .map(|index| {
            let allowed = ALLOWED.get(index / every.max(1)).filter(|_| index % every.max(1) == 0);
            let name = allowed.map_or_else(|| format!("update_record_{index}"), |name| (*name).to_owned());
            let mut description = String::new();
            for word in words(index as u64).take(24) {
                let _ = write!(description, "{word} ");
            }
            json!({
                "name": name,
                "title": format!("Tool {index}"),
                "description": description,
                "inputSchema": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "description": "Identifier of the record", "maxLength": 64},
                        "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
                        "fields": {"type": "array", "items": {"type": "string", "enum": ["name", "state", "owner"]}},
                    },
                    "required": ["id"],
                    "additionalProperties": false,
                },
                "annotations": {"readOnlyHint": allowed.is_some(), "openWorldHint": false},
            })
        })
        .collect();
    json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).to_string().into_bytes()
}

const WORDS: [&str; 16] = [
    "account", "balance", "carrier", "delta", "export", "figure", "ground", "harbour", "invoice", "journal", "kernel",
    "ledger", "margin", "notice", "office", "parcel",
];

fn words(seed: u64) -> impl Iterator<Item = &'static str> {
    let mut random = Random::new(seed);
    std::iter::repeat_with(move || random.word())
}

/// Reproducible random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % (bound as u64).max(1)).unwrap_or(0)
    }

    fn word(&mut self) -> &'static str {
        WORDS.get(self.below(WORDS.len())).copied().unwrap_or_default()
    }

    /// Puts `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_the_report_says() {
        for load in loads() {
            let parsed: Value = serde_json::from_slice(&load.response).unwrap();
            assert!(parsed["result"].is_object(), "{}", load.name);
        }
        assert_eq!(call(FORBIDDEN).len(), CALL_BYTES);
        let sizes: Vec<usize> = loads().iter().take(3).map(|load| load.response.len()).collect();
        assert_eq!(sizes, [2 << 10, 64 << 10, 1 << 20]);
        let list: Value = serde_json::from_slice(&tools(50)).unwrap();
        let names = list["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap());
        assert_eq!(names.clone().count(), 50);
        assert_eq!(names.filter(|name| ALLOWED.contains(name)).count(), 10);
    }

    #[test]
    fn results_are_half_text_and_half_structure() {
        let parsed: Value = serde_json::from_slice(&result(64 << 10)).unwrap();
        let text = parsed["result"]["content"][0]["text"].as_str().unwrap().len();
        let pad = parsed["result"]["structuredContent"]["note"].as_str().unwrap().len();
        assert!((24 << 10..40 << 10).contains(&text), "{text}");
        assert!(pad < 4 << 10, "{pad}");
    }
}
