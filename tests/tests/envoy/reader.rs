//! Reads responses as the most forgiving real MCP client would, and then some: what any of the clients in
//! `facts/mcp.md` section 5.2 would act on, this gives.

use serde_json::Value;
use tidegate_tests::wire::Head;

/// The messages that some client would act on, in their order.
pub(super) fn messages(head: &Head, body: &[u8]) -> Vec<Value> {
    let media = head.get("content-type").unwrap_or_default().to_ascii_lowercase();
    let encoding = head.get("content-encoding").unwrap_or_default().to_ascii_lowercase();
    let body = match encoding.as_str() {
        // What the tests send is stored, not compressed: RFC 1952, RFC 1951 section 3.2.4, RFC 7932 section 9.2.
        "gzip" => body.get(15..body.len().saturating_sub(8)).unwrap_or_default(),
        "br" => body.get(3..body.len().saturating_sub(1)).unwrap_or_default(),
        _ => body,
    };
    let mut texts = vec![String::from_utf8_lossy(body).into_owned()];
    if media.contains("utf-16") || media.contains("json") && body.contains(&0) {
        let units: Vec<u16> = body.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        texts.push(String::from_utf16_lossy(&units));
    }
    let mut messages = Vec::new();
    for text in texts {
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if media.starts_with("text/event-stream") {
            events(text).iter().for_each(|data| read(data, &mut messages));
        } else if media.contains("json") {
            read(text, &mut messages);
        }
    }
    messages
}

fn read(text: &str, messages: &mut Vec<Value>) {
    match serde_json::from_str(text) {
        Ok(Value::Array(batch)) => messages.extend(batch),
        Ok(message) => messages.push(message),
        Err(_) => {}
    }
}

/// The data of the events that are dispatched as messages (WHATWG HTML section 9.2.6).
fn events(text: &str) -> Vec<String> {
    let (mut events, mut data, mut event) = (Vec::new(), Vec::new(), "");
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        if line.is_empty() {
            if !data.is_empty() && matches!(event, "" | "message") {
                events.push(data.join("\n"));
            }
            (data, event) = (Vec::new(), "");
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => data.push(value),
            "event" => event = value,
            _ => {}
        }
    }
    events
}

/// The names in every list of tools, whatever the case of its key.
pub(super) fn tools(messages: &[Value]) -> Vec<String> {
    let mut names = Vec::new();
    messages.iter().for_each(|message| collect(message, false, &mut names));
    names
}

fn collect(value: &Value, in_tools: bool, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if let (true, Value::String(name)) = (in_tools && key.eq_ignore_ascii_case("name"), value) {
                    names.push(name.clone());
                }
                let folded = key.replace('ſ', "s").to_ascii_lowercase();
                collect(value, in_tools || folded == "tools", names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, in_tools, names)),
        _ => {}
    }
}

/// The text with `\u` escapes read and NUL bytes gone: what is written in it in any way.
pub(super) fn revealed(body: &[u8]) -> String {
    let body: Vec<u8> = body.iter().copied().filter(|byte| *byte != 0).collect();
    let text = String::from_utf8_lossy(&body).into_owned();
    let mut parts = text.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        match code {
            Some(character) => {
                out.push(character);
                out.push_str(&part[4..]);
            }
            None => out.push_str(part),
        }
    }
    out
}
