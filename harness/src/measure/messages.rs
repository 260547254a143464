//! The messages that are measured where no capture is given: the same bytes in every run.

use serde_json::{Value, json};

use crate::capture::{Exchange, Place, Request, Response, Target};

/// In pieces of this many bytes a response's body reaches the filter, as from Envoy's buffers.
const CHUNK_BYTES: usize = 32 << 10;

/// An exchange with a name.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What it is, for a report.
    pub name: String,
    /// The exchange.
    pub exchange: Exchange,
}

/// The exchanges that every client makes, and results of three sizes. Calls are of `tool`, and all go to `path`.
pub fn built_in(path: &str, tool: &str) -> Vec<Sample> {
    let call = |arguments: &Value| request("tools/call", &json!({"name": tool, "arguments": arguments}));
    let small = call(&json!({"id": "c-1"}));
    let ok = |result: &Value| response("application/json", vec![answer(result).into_bytes()]);
    let text = |bytes| json!({"content": [{"type": "text", "text": records(bytes)}], "isError": false});
    let sample = |name: &str, request: Vec<u8>, response: Response| Sample {
        name: name.to_owned(),
        exchange: exchange(path, request, response),
    };
    let initialize = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    });
    let initialized = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {"listChanged": true}},
        "serverInfo": {"name": "records", "version": "1"},
    });
    vec![
        sample("initialize", request("initialize", &initialize), ok(&initialized)),
        sample("tools/list, 100 tools", request("tools/list", &json!({})), ok(&json!({"tools": tools(tool, 100)}))),
        sample("tools/call, small", small.clone(), ok(&json!({"content": [{"type": "text", "text": "done"}]}))),
        sample("tools/call, 2 KB result", small.clone(), ok(&text(2 << 10))),
        sample("tools/call, 64 KB result", small.clone(), ok(&text(64 << 10))),
        sample("tools/call, SSE of 20 events", small, events(&text(2 << 10))),
    ]
}

fn exchange(path: &str, body: Vec<u8>, response: Response) -> Exchange {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Exchange {
        place: Place::Entry(1),
        at: None,
        http2: false,
        request: Request {
            method: "POST".to_owned(),
            target: Target {
                scheme: "http".to_owned(),
                authority: "mcp.example.com".to_owned(),
                path: path.to_owned(),
            },
            headers: vec![
                header("content-type", "application/json"),
                header("accept", "application/json, text/event-stream"),
                header("mcp-protocol-version", "2025-06-18"),
                header("content-length", &body.len().to_string()),
            ],
            body,
        },
        response: Some(response),
    }
}

fn request(method: &str, params: &Value) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string().into_bytes()
}

fn answer(result: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string()
}

fn response(media_type: &str, chunks: Vec<Vec<u8>>) -> Response {
    let body = chunks.concat();
    let mut headers = vec![("content-type".to_owned(), media_type.to_owned())];
    let chunks = if media_type == "application/json" {
        headers.push(("content-length".to_owned(), body.len().to_string()));
        body.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect()
    } else {
        chunks
    };
    Response { status: 200, headers, chunks }
}

/// 19 notifications of progress and the answer, each in a chunk of its own.
fn events(result: &Value) -> Response {
    let event = |data: &str| format!("event: message\ndata: {data}\n\n").into_bytes();
    let progress = |step: usize| {
        let params = json!({"progressToken": "p", "progress": step, "total": 20, "message": "reading records"});
        event(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}).to_string())
    };
    response("text/event-stream", (1..20).map(progress).chain([event(&answer(result))]).collect())
}

/// Records as escaped JSON text, as most servers answer; about so many bytes of them.
fn records(bytes: usize) -> String {
    let record = |number: usize| {
        json!({
            "id": number,
            "name": format!("Customer number {number}"),
            "email": format!("user{number}@example.com"),
            "active": number.is_multiple_of(2),
            "tags": ["renewal", "eu"],
            "note": "asked twice about the \"open\" invoice; answered on Monday",
        })
    };
    let mut records = Vec::new();
    let mut length = 0;
    while length < bytes {
        let record = record(records.len());
        // Quotation marks inside text are escaped, which takes about a fifth more.
        length += record.to_string().len() * 6 / 5;
        records.push(record);
    }
    Value::Array(records).to_string()
}

/// So many tools, `first` before the others.
fn tools(first: &str, count: usize) -> Value {
    let tool = |index: usize| {
        let verb = ["get", "list", "update", "delete"].get(index % 4).copied().unwrap_or_default();
        json!({
            "name": if index == 0 { first.to_owned() } else { format!("{verb}_record_{index}") },
            "title": format!("Tool {index}"),
            "description": "Reads or changes records of one customer, by id, with a limit on how many come back at once.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "description": "Identifier of the record", "maxLength": 64},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
                },
                "required": ["id"],
            },
            "annotations": {"readOnlyHint": index % 4 < 2},
        })
    };
    (0..count).map(tool).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_the_bytes_are() {
        let samples = built_in("/mcp", "get_customer");
        let size = |name: &str| {
            let found = samples.iter().find(|it| it.name.contains(name)).unwrap();
            found.exchange.response.as_ref().unwrap().body().len()
        };
        assert!((2 << 10..3 << 10).contains(&size("2 KB")), "{}", size("2 KB"));
        assert!((60 << 10..70 << 10).contains(&size("64 KB")), "{}", size("64 KB"));
        let list = samples.iter().find(|it| it.name.starts_with("tools/list")).unwrap();
        let list: Value = serde_json::from_slice(&list.exchange.response.as_ref().unwrap().body()).unwrap();
        assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 100);
        let stream = samples.last().unwrap().exchange.response.as_ref().unwrap();
        assert_eq!(stream.chunks.len(), 20);
    }
}
