//! JSON-RPC messages in the bodies of HTTP messages, read with leniency: what is no message is left out.

use serde_json::Value;

use crate::capture::{Headers, header};

/// The messages of a body: a JSON value, a batch, or the data of server-sent events.
pub(super) fn all(headers: &Headers, body: &[u8]) -> Vec<Value> {
    let is_stream = header(headers, "content-type")
        .is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("text/event-stream"));
    if is_stream {
        return events(body).iter().filter_map(|data| serde_json::from_slice(data).ok()).filter(is_message).collect();
    }
    match serde_json::from_slice(body) {
        Ok(Value::Array(list)) => list.into_iter().filter(is_message).collect(),
        Ok(value) if is_message(&value) => vec![value],
        _ => Vec::new(),
    }
}

fn is_message(value: &Value) -> bool {
    value.get("jsonrpc").is_some()
}

/// The data of each event of a stream (WHATWG HTML section 9.2.6). An event that the end cuts short counts, for a
/// recording may end before its stream does.
pub(super) fn events(body: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut data: Option<Vec<u8>> = None;
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    for line in lines(text) {
        if line.is_empty() {
            found.extend(data.take());
        } else if let Some(value) = line.strip_prefix(b"data:") {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => data = Some(value.to_vec()),
            }
        }
    }
    found.extend(data);
    found
}

/// Lines that end with CR, LF or both.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        Some(line)
    })
}
