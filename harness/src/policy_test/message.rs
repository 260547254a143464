//! The HTTP exchange that a message of a test stands for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::test_file::{Circumstances, Content, Message, Response as Answer, Sent};
use crate::capture::{Exchange, Headers, Place, Request, Response, Target};

/// The protocol version that clients speak where the test does not say.
pub(super) const PROTOCOL: &str = "2025-11-25";
/// The first version whose requests carry `_meta` and mirrored headers.
const MODERN: &str = "2026-07-28";
/// The authority where neither the test nor the policy names one.
pub(super) const AUTHORITY: &str = "mcp.example.com";

/// The target of a URL, byte for byte; of a path, at [`AUTHORITY`]. `None` if it is neither.
pub(super) fn target(url: &str) -> Option<Target> {
    if url.starts_with('/') {
        return Some(Target { scheme: "http".to_owned(), authority: AUTHORITY.to_owned(), path: url.to_owned() });
    }
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let known = !authority.is_empty();
    known.then(|| Target { scheme: scheme.to_owned(), authority: authority.to_owned(), path: path.to_owned() })
}

/// The exchange; `number` is the message's place in its test and the id of its request.
pub(super) fn exchange(message: &Message, target: Target, number: usize) -> Exchange {
    let circumstances = &message.circumstances;
    let protocol = circumstances.protocol.as_deref().unwrap_or(PROTOCOL);
    let body = match &message.sent {
        Sent::Nothing => Vec::new(),
        Sent::Body(bytes) => bytes.clone(),
        Sent::Call { .. } => envelope(&message.sent, number, protocol).into_bytes(),
    };
    let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = circumstances.http_method.clone().unwrap_or_else(|| "POST".to_owned());
    let headers = request_headers(&message.sent, circumstances, protocol, body.is_empty());
    let response = response(message.response.as_ref(), &parsed, protocol, &method);
    let request = Request { method, target, headers, body };
    Exchange { place: Place::Entry(number), at: None, http2: false, request, response: Some(response) }
}

fn envelope(sent: &Sent, number: usize, protocol: &str) -> String {
    let Sent::Call { method, target, arguments, params, id } = sent else { return String::new() };
    let mut members = Vec::new();
    if let Some((key, target)) = target {
        members.push(format!("\"{key}\":{}", json!(target)));
    }
    if let Some(arguments) = arguments {
        members.push(format!("\"arguments\":{arguments}"));
    }
    let given: Value = params.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    if protocol >= MODERN && given.get("_meta").is_none() {
        let prefix = "io.modelcontextprotocol";
        members.push(format!(
            "\"_meta\":{{\"{prefix}/protocolVersion\":{},\"{prefix}/clientInfo\":{{\"name\":\"test\",\"version\":\"1\"}},\
             \"{prefix}/clientCapabilities\":{{}}}}",
            json!(protocol)
        ));
    }
    // What is given is sent as it is written: `1.10` and `1.1` are not the same bytes.
    let inside = params.as_deref().and_then(|it| it.trim().strip_prefix('{')?.strip_suffix('}')).map(str::trim);
    members.extend(inside.filter(|it| !it.is_empty()).map(str::to_owned));
    let params = if members.is_empty() { String::new() } else { format!(",\"params\":{{{}}}", members.join(",")) };
    let id = match id {
        Some(id) => format!("\"id\":{id},"),
        None if method.starts_with("notifications/") => String::new(),
        None => format!("\"id\":{number},"),
    };
    format!("{{\"jsonrpc\":\"2.0\",{id}\"method\":{}{params}}}", json!(method))
}

fn request_headers(sent: &Sent, circumstances: &Circumstances, protocol: &str, is_empty: bool) -> Headers {
    let mut headers: Headers = Vec::new();
    let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
    add("accept", "application/json, text/event-stream");
    if !is_empty {
        add("content-type", "application/json");
    }
    match sent {
        // The version is what `initialize` is there to find out.
        Sent::Call { method, .. } if method == "initialize" && protocol < MODERN => {}
        _ => add("mcp-protocol-version", protocol),
    }
    if let (Sent::Call { method, target, .. }, true) = (sent, protocol >= MODERN) {
        add("mcp-method", &mirrored(method));
        if let Some((_, target)) = target {
            add("mcp-name", &mirrored(target));
        }
    }
    apply(&mut headers, &circumstances.headers);
    headers
}

/// Text as a mirrored header carries it: as it is, or in base64 where a header cannot hold it.
fn mirrored(text: &str) -> String {
    let plain = text.trim() == text && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) }
}

fn apply(headers: &mut Headers, changes: &[(String, Option<String>)]) {
    for (name, value) in changes {
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        headers.extend(value.iter().map(|value| (name.clone(), value.clone())));
    }
}

fn response(answer: Option<&Answer>, request: &Value, protocol: &str, http_method: &str) -> Response {
    let ordinary = Answer::default();
    let answer = answer.unwrap_or(&ordinary);
    let id = request.get("id");
    let with_id = |member: &str, value: &str| {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"{member}\":{value}}}", id.unwrap_or(&Value::Null))
    };
    let json = Some("application/json");
    let (status, media, body) = match &answer.content {
        Content::Ordinary if http_method == "GET" => (200, Some("text/event-stream"), String::new()),
        Content::Ordinary => match id {
            Some(_) => (200, json, with_id("result", &nothing_to_tell(request, protocol).to_string())),
            None => (202, None, String::new()),
        },
        Content::Answer(member, value) => (200, json, with_id(member, value)),
        Content::Json(text) => (200, json, text.clone()),
        Content::Text(text) => (200, Some("text/plain"), text.clone()),
        Content::Events(messages) => {
            // An event's data is one line: a line feed in JSON is never part of a string.
            let event = |message: &String| format!("data: {}\n\n", message.replace(['\n', '\r'], " "));
            (200, Some("text/event-stream"), messages.iter().map(event).collect())
        }
    };
    let mut headers: Headers = media.into_iter().map(|it| ("content-type".to_owned(), it.to_owned())).collect();
    apply(&mut headers, &answer.headers);
    let chunks = if body.is_empty() { Vec::new() } else { vec![body.into_bytes()] };
    Response { status: answer.status.unwrap_or(status), headers, chunks }
}

/// The result of a server that does as it is told and has nothing to say.
fn nothing_to_tell(request: &Value, protocol: &str) -> Value {
    let mut result = match request.get("method").and_then(Value::as_str).unwrap_or_default() {
        "tools/call" => json!({"content": []}),
        "tools/list" => json!({"tools": []}),
        "resources/list" => json!({"resources": []}),
        "resources/templates/list" => json!({"resourceTemplates": []}),
        "resources/read" => json!({"contents": []}),
        "prompts/list" => json!({"prompts": []}),
        "prompts/get" => json!({"messages": []}),
        "completion/complete" => json!({"completion": {"values": []}}),
        "initialize" => json!({"protocolVersion": protocol, "capabilities": {},
                               "serverInfo": {"name": "test", "version": "1"}}),
        _ => json!({}),
    };
    if let (Some(members), true) = (result.as_object_mut(), protocol >= MODERN) {
        members.insert("resultType".to_owned(), "complete".into());
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::header;

    fn call(method: &str, target: Option<&str>, params: Option<&str>, protocol: &str) -> Exchange {
        let sent = Sent::Call {
            method: method.to_owned(),
            target: target.map(|it| ("name", it.to_owned())),
            arguments: target.map(|_| "{\"amount\": 1.10}".to_owned()),
            params: params.map(str::to_owned),
            id: None,
        };
        let circumstances = Circumstances { protocol: Some(protocol.to_owned()), ..Circumstances::default() };
        let message = Message {
            mark: super::super::Mark::default(),
            circumstances,
            sent,
            response: None,
            repeat: 1,
            expect: super::super::test_file::Expect::default(),
        };
        exchange(&message, target_of("/mcp"), 7)
    }

    fn target_of(url: &str) -> Target {
        target(url).unwrap()
    }

    #[test]
    fn a_short_form_is_the_message_that_a_client_would_send() {
        let legacy = call("tools/call", Some("pay"), None, PROTOCOL);
        let body = String::from_utf8(legacy.request.body.clone()).unwrap();
        assert_eq!(
            body,
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay","arguments":{"amount": 1.10}}}"#
        );
        assert_eq!(header(&legacy.request.headers, "mcp-protocol-version"), Some(PROTOCOL));
        assert_eq!(header(&legacy.request.headers, "mcp-name"), None);

        let modern = call("tools/call", Some("é"), Some("{\"x\": 1}"), MODERN);
        let body: Value = serde_json::from_slice(&modern.request.body).unwrap();
        assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], MODERN);
        assert_eq!(body["params"]["x"], 1);
        assert_eq!(header(&modern.request.headers, "mcp-name"), Some("=?base64?w6k=?="));
        let answer: Value = serde_json::from_slice(&modern.response.unwrap().body()).unwrap();
        assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&json!(7), &json!("complete")));
    }

    #[test]
    fn notifications_have_no_id_and_no_answer() {
        let note = call("notifications/initialized", None, None, PROTOCOL);
        assert_eq!(note.request.body, br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assert_eq!(note.response.unwrap().status, 202);
        let first = call("initialize", None, None, PROTOCOL);
        assert_eq!(header(&first.request.headers, "mcp-protocol-version"), None);
    }

    #[test]
    fn targets_are_kept_byte_for_byte() {
        assert_eq!(target_of("https://a.example:8443/mcp/../x?y").url(), "https://a.example:8443/mcp/../x?y");
        assert_eq!(target_of("//mcp").path, "//mcp");
        assert_eq!(target_of("http://a").path, "/");
        for other in ["mcp", "ftp://a/b", "http:///x", ""] {
            assert_eq!(target(other), None, "{other}");
        }
    }
}
