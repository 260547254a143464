//! Recorded messages in the form in which Envoy shows them to a filter, and back.

use std::collections::BTreeSet;

use crate::capture::{self, Exchange, Response, header};
use crate::host::{Headers, Http};

/// Headers that belong to one connection (RFC 9110 section 7.6.1), and those that follow from the body.
const FRAMING: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "trailer", "transfer-encoding", "content-length"];

/// A body up to this size is sent byte by byte, a longer one in as many pieces.
const PIECES: usize = 16 * 1024;

/// A recorded request; headers named in `supplied` are replaced, by nothing where there is no value.
pub(super) fn request(exchange: &Exchange, supplied: &[(String, Option<String>)]) -> Http {
    let request = &exchange.request;
    let target = &request.target;
    let mut headers = Headers::new([
        (":authority", target.authority.as_str()),
        (":path", &target.path),
        (":method", &request.method),
        (":scheme", &target.scheme),
    ]);
    for (name, value) in &request.headers {
        if !FRAMING.iter().any(|it| name.eq_ignore_ascii_case(it))
            && !supplied.iter().any(|(other, _)| name.eq_ignore_ascii_case(other))
        {
            headers.add(name, value.as_bytes());
        }
    }
    for (name, value) in supplied {
        if let Some(value) = value {
            headers.add(name, value.as_bytes());
        }
    }
    let has_length = header(&request.headers, "content-length").is_some();
    if is_chunked(&request.headers) && !exchange.http2 {
        headers.add("transfer-encoding", b"chunked");
    } else if has_length || !request.body.is_empty() {
        headers.add("content-length", request.body.len().to_string().as_bytes());
    }
    let chunks = if request.body.is_empty() { Vec::new() } else { vec![request.body.clone()] };
    Http { headers, chunks, trailers: None }
}

/// A recorded response.
pub(super) fn response(response: &Response, exchange: &Exchange) -> Http {
    let mut headers = Headers::new([(":status", response.status.to_string())]);
    for (name, value) in &response.headers {
        if !FRAMING.iter().any(|it| name.eq_ignore_ascii_case(it)) {
            headers.add(name, value.as_bytes());
        }
    }
    let chunks: Vec<Vec<u8>> = response.chunks.iter().filter(|it| !it.is_empty()).cloned().collect();
    if let Some(length) = header(&response.headers, "content-length") {
        // The answer to HEAD has the length of a body that it does not have (RFC 9110 section 8.6).
        let length = if exchange.request.method == "HEAD" { length.to_owned() } else { body_length(&chunks) };
        headers.add("content-length", length.as_bytes());
    } else if is_chunked(&response.headers) && !exchange.http2 {
        headers.add("transfer-encoding", b"chunked");
    }
    Http { headers, chunks, trailers: None }
}

fn body_length(chunks: &[Vec<u8>]) -> String {
    chunks.iter().map(Vec::len).sum::<usize>().to_string()
}

fn is_chunked(headers: &capture::Headers) -> bool {
    header(headers, "transfer-encoding").is_some_and(|it| it.to_ascii_lowercase().contains("chunked"))
}

/// The same message, cut as small as it can be.
pub(super) fn in_pieces(message: &Http) -> Http {
    let body = message.chunks.concat();
    let size = body.len().div_ceil(PIECES).max(1);
    Http { chunks: body.chunks(size).map(<[u8]>::to_vec).collect(), ..message.clone() }
}

/// Cuts an event stream whose pieces were not recorded as small as it can be, and says whether it did. What comes out of
/// a filter that is right does not depend on it.
pub fn cut_finely(exchange: &mut Exchange) -> bool {
    let Some(response) = &mut exchange.response else { return false };
    let is_stream = header(&response.headers, "content-type")
        .is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("text/event-stream"));
    match response.chunks.as_slice() {
        [whole] if is_stream => {
            let size = whole.len().div_ceil(PIECES).max(1);
            response.chunks = whole.chunks(size).map(<[u8]>::to_vec).collect();
            true
        }
        _ => false,
    }
}

/// Headers as captures have them: without pseudo-headers.
pub(super) fn plain(headers: &Headers) -> capture::Headers {
    let plain = headers.iter().filter(|(name, _)| !name.starts_with(':'));
    plain.map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned())).collect()
}

/// What a filter did to headers: names in alphabetical order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderChanges {
    /// These were not there before.
    pub added: Vec<String>,
    /// These are gone.
    pub removed: Vec<String>,
    /// These have other values.
    pub changed: Vec<String>,
}

impl HeaderChanges {
    /// Whether the headers are as they were.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    pub(super) fn between(before: &Headers, after: &Headers) -> Self {
        let names: BTreeSet<&str> = before.iter().chain(after.iter()).map(|(name, _)| name).collect();
        let mut changes = Self::default();
        for name in names {
            let list = match (before.joined(name), after.joined(name)) {
                (None, _) => &mut changes.added,
                (_, None) => &mut changes.removed,
                (a, b) if a != b => &mut changes.changed,
                _ => continue,
            };
            list.push(name.to_owned());
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_bytes_until_there_would_be_too_many() {
        let message = |length: usize| Http { chunks: vec![vec![7; length]], ..Http::default() };
        assert_eq!(in_pieces(&message(5)).chunks, vec![vec![7]; 5]);
        let pieces = in_pieces(&message(PIECES * 3 + 1)).chunks;
        assert!(pieces.len() <= PIECES && pieces.concat().len() == PIECES * 3 + 1);
        assert!(in_pieces(&Http::default()).chunks.is_empty());
    }

    #[test]
    fn only_event_streams_of_unknown_pieces_are_cut_finely() {
        let exchange = |kind: &str, chunks: &[&str]| Exchange {
            place: capture::Place::Line(1),
            at: None,
            http2: false,
            request: capture::Request {
                method: "POST".to_owned(),
                target: capture::Target { scheme: "http".to_owned(), authority: "h".to_owned(), path: "/".to_owned() },
                headers: Vec::new(),
                body: Vec::new(),
            },
            response: Some(Response {
                status: 200,
                headers: vec![("Content-Type".to_owned(), kind.to_owned())],
                chunks: chunks.iter().map(|chunk| chunk.as_bytes().to_vec()).collect(),
            }),
        };
        for (kind, chunks, expected) in [
            ("text/event-stream; charset=utf-8", &["abc"][..], 3),
            ("text/event-stream", &["ab", "c"], 2),
            ("text/event-stream", &[], 0),
            ("application/json", &["abc"], 1),
        ] {
            let mut exchange = exchange(kind, chunks);
            assert_eq!(cut_finely(&mut exchange), expected == 3, "{kind}");
            let response = exchange.response.unwrap();
            assert_eq!((response.chunks.len(), response.body()), (expected, chunks.concat().into_bytes()));
        }
    }

    #[test]
    fn changes_of_headers_are_told_by_name() {
        let before = Headers::new([("a", "1"), ("b", "1"), ("b", "2"), ("c", "1")]);
        let after = Headers::new([("b", "1"), ("b", "3"), ("c", "1"), ("d", "1")]);
        let changes = HeaderChanges::between(&before, &after);
        let names = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(changes, HeaderChanges { added: names(&["d"]), removed: names(&["a"]), changed: names(&["b"]) });
        assert!(HeaderChanges::between(&before, &before).is_empty());
    }
}
