//! Which format a capture has, by how it begins.

use std::path::Path;

use super::{CaptureError, tap};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Har,
    Lines,
    /// A list of entries.
    Inspector,
    /// Traces of Envoy's tap, whole or in segments.
    Tap,
}

/// First bytes of files that others than this reader open, what they are, and what to do.
const OTHERS: [(&[u8], &str, &str); 8] = [
    (b"\x1f\x8b", "the gzip magic", "gunzip it, and give the file that comes out"),
    (b"\x28\xb5\x2f\xfd", "the zstd magic", "decompress it (zstd -d), and give the file that comes out"),
    (b"PK\x03\x04", "the zip magic", "unzip it, and give the HAR in it"),
    (b"\x78\x9c", "the zlib magic", "if it is mitmproxy's .zhar, save it as .har instead"),
    (b"\xff\xfe", "the mark of UTF-16", "write it as UTF-8"),
    (b"\xfe\xff", "the mark of UTF-16", "write it as UTF-8"),
    (b"\xd4\xc3\xb2\xa1", "the pcap magic", PACKETS),
    (b"\x0a\x0d\x0d\x0a", "the pcapng magic", PACKETS),
];

const PACKETS: &str = "packets are not read: record HTTP, with a proxy such as mitmproxy or with Envoy's tap filter";

/// What of a file is looked at.
pub(super) const LOOKED_AT: usize = 64 * 1024;

/// Tells the format from the first bytes of a file, of which `whole` says that no more will come.
///
/// # Errors
/// It is none that is known here, or there is nothing in it. `Ok(None)`: more bytes are needed.
pub(super) fn tell(path: &Path, start: &[u8], whole: bool) -> Result<Option<Format>, CaptureError> {
    let unknown = |begins: String, advice| CaptureError::Unknown { path: path.to_owned(), begins, advice };
    for (magic, what, advice) in OTHERS {
        if start.starts_with(magic) {
            return Err(unknown(what.to_owned(), Some(advice)));
        }
        if !whole && magic.starts_with(start) {
            return Ok(None);
        }
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    match text.first() {
        None if whole => Err(CaptureError::Empty { path: path.to_owned() }),
        None => Ok(None),
        Some(b'[') => Ok(Some(Format::Inspector)),
        Some(b'{') => {
            let inside = text.get(1..).unwrap_or_default().trim_ascii_start();
            match serde_json::Deserializer::from_slice(inside).into_iter::<String>().next() {
                Some(Ok(key)) => by_key(&key).map(Some).ok_or_else(|| unknown(format!("`{key}`"), advice(&key))),
                Some(Err(error)) if !error.is_eof() => Ok(Some(Format::Lines)),
                _ if whole => Ok(Some(Format::Lines)),
                _ => Ok(None),
            }
        }
        // 4321:9:websocket;0:~…
        Some(byte) if byte.is_ascii_digit() && is_flow(text) => Err(unknown(
            "the mark of mitmproxy's own flows".to_owned(),
            Some("make a HAR of it: mitmdump --no-server --rfile FLOWS --set hardump=traffic.har"),
        )),
        Some(byte) if byte.is_ascii_graphic() => Err(unknown(format!("`{}`", char::from(*byte)), None)),
        Some(byte) => Err(unknown(format!("the byte 0x{byte:02x}"), None)),
    }
}

fn by_key(key: &str) -> Option<Format> {
    match key {
        "log" => Some(Format::Har),
        "request" | "response" | "time" | "httpVersion" => Some(Format::Lines),
        tap::BUFFERED | tap::STREAMED => Some(Format::Tap),
        _ => None,
    }
}

fn advice(key: &str) -> Option<&'static str> {
    match key {
        "socket_buffered_trace" | "socket_streamed_trace_segment" => Some(
            "a tap of a transport socket holds bytes and no HTTP: tap with the HTTP filter, envoy.filters.http.tap",
        ),
        "mcpServers" => {
            Some("this is a list of servers, not traffic: in the MCP Inspector, export Network or Protocol")
        }
        "jsonrpc" => Some("bare messages do not say how they were sent: record the HTTP exchanges, headers included"),
        _ => None,
    }
}

fn is_flow(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(digits) == Some(&b':') && text.get(digits + 1).is_some_and(u8::is_ascii_digit)
}
