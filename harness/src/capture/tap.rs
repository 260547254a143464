//! Envoy's HTTP tap in JSON (`envoy.data.tap.v3.TraceWrapper`): one trace after the other, or the segments of several.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::scan::{LONGEST, Scanner};
use super::{
    CaptureError, Exchange, Field, Place, Request, Response, Target, Truncated, missing, parse_time, plain_headers,
};

/// What traces that have not ended may take up together, in bytes.
const OPEN: usize = 4 * LONGEST;

/// The first members of what is read here.
pub(super) const BUFFERED: &str = "http_buffered_trace";
pub(super) const STREAMED: &str = "http_streamed_trace_segment";

#[derive(Deserialize)]
struct Wrapper {
    http_buffered_trace: Option<Trace>,
    http_streamed_trace_segment: Option<Segment>,
    #[serde(alias = "socket_streamed_trace_segment")]
    socket_buffered_trace: Option<IgnoredAny>,
}

/// What is known of an exchange, at once or from its segments.
#[derive(Debug, Default, Deserialize)]
struct Trace {
    #[serde(default)]
    request: Option<Message>,
    #[serde(default)]
    response: Option<Message>,
}

#[derive(Debug, Default, Deserialize)]
struct Message {
    #[serde(default)]
    headers: Vec<Header>,
    body: Option<Body>,
    headers_received_time: Option<String>,
    /// Pieces of the body, where segments have them.
    #[serde(skip)]
    chunks: Vec<Vec<u8>>,
    #[serde(skip)]
    truncated: bool,
}

#[derive(Debug, Deserialize)]
struct Header {
    key: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    raw_value: String,
}

#[derive(Debug, Deserialize)]
struct Body {
    as_bytes: Option<String>,
    as_string: Option<String>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct Segment {
    trace_id: String,
    request_headers: Option<Message>,
    request_body_chunk: Option<Body>,
    response_headers: Option<Message>,
    response_body_chunk: Option<Body>,
}

/// The part of a segment that tells to which trace it belongs.
#[derive(Deserialize)]
struct Ticket {
    http_streamed_trace_segment: Option<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    trace_id: String,
}

/// Reads traces. An exchange whose segments are strewn over the file comes when its last segment has been read, so that
/// no more of them are held than were open at once.
#[derive(Debug)]
pub(super) struct Traces {
    scanner: Scanner,
    truncated: Truncated,
    /// Where the segments can be counted before they are read.
    ahead: Option<PathBuf>,
    /// Segments of each trace that are still to come, if they could be counted.
    rest: Option<HashMap<String, usize>>,
    open: HashMap<String, Open>,
    held: usize,
    ended: VecDeque<Open>,
    begun: usize,
}

#[derive(Debug)]
struct Open {
    place: Place,
    trace: Trace,
    held: usize,
}

impl Traces {
    pub(super) fn new(scanner: Scanner, truncated: Truncated) -> Self {
        let (open, ended) = (HashMap::new(), VecDeque::new());
        Self { scanner, truncated, ahead: None, rest: None, open, held: 0, ended, begun: 0 }
    }

    /// Reads the file ahead to know where its traces end: no segment says that it is the last.
    pub(super) fn look_ahead_in(&mut self, path: &Path) {
        self.ahead = Some(path.to_owned());
    }

    pub(super) fn next(&mut self) -> Result<Option<Exchange>, CaptureError> {
        if self.begun == 0 {
            self.scanner.skip_mark()?;
        }
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return self.exchange(ended).map(Some);
            }
            if self.scanner.peek()?.is_none() {
                if self.open.is_empty() {
                    return Ok(None);
                }
                let mut open: Vec<Open> = self.open.drain().map(|(_, open)| open).collect();
                open.sort_by_key(|it| number(it.place));
                self.ended.extend(open);
                continue;
            }
            let place = Place::Trace(self.begun + 1);
            self.scanner.value(|| place)?;
            let wrapper: Wrapper = self.scanner.parse(place)?;
            match (wrapper.http_buffered_trace, wrapper.http_streamed_trace_segment) {
                (Some(trace), None) => {
                    self.begun += 1;
                    self.ended.push_back(Open { place, trace, held: 0 });
                }
                (None, Some(segment)) => self.add(segment)?,
                _ if wrapper.socket_buffered_trace.is_some() => {
                    return Err(self
                        .shape(place, "a trace of a socket holds bytes and no HTTP: tap the HTTP filter".to_owned()));
                }
                _ => return Err(self.shape(place, format!("neither `{BUFFERED}` nor `{STREAMED}`"))),
            }
        }
    }

    fn add(&mut self, segment: Segment) -> Result<(), CaptureError> {
        if let Some(path) = self.ahead.take() {
            self.rest = segments(&path);
        }
        let Segment { trace_id, request_headers, request_body_chunk, response_headers, response_body_chunk } = segment;
        let begun = &mut self.begun;
        let open = self.open.entry(trace_id.clone()).or_insert_with(|| {
            *begun += 1;
            Open { place: Place::Trace(*begun), trace: Trace::default(), held: 0 }
        });
        let place = open.place;
        let sides = [
            (&mut open.trace.request, request_headers, request_body_chunk),
            (&mut open.trace.response, response_headers, response_body_chunk),
        ];
        let mut read = 0;
        let mut fault = None;
        for (side, headers, chunk) in sides {
            if let Some(headers) = headers {
                read += headers.headers.iter().map(|it| it.key.len() + it.value.len()).sum::<usize>();
                let begun = side.take().unwrap_or_default();
                *side = Some(Message { chunks: begun.chunks, truncated: begun.truncated, ..headers });
            }
            if let Some(chunk) = chunk {
                let message = side.get_or_insert_default();
                message.truncated |= chunk.truncated;
                match decode(chunk) {
                    Ok(bytes) => {
                        read += bytes.len();
                        message.chunks.push(bytes);
                    }
                    Err(message) => fault = Some(message),
                }
            }
        }
        open.held += read;
        self.held += read;
        if let Some(message) = fault {
            return Err(self.shape(place, message));
        }
        if open.held > LONGEST || self.held > OPEN {
            let (what, longest) =
                if open.held > LONGEST { ("it is", LONGEST) } else { ("traces that end later are", OPEN) };
            return Err(self.shape(place, format!("{what} longer than {} MiB", longest >> 20)));
        }
        if let Some(rest) = self.rest.as_mut().and_then(|rest| rest.get_mut(&trace_id)) {
            *rest = rest.saturating_sub(1);
            if *rest == 0 {
                self.ended.extend(self.open.remove(&trace_id));
            }
        }
        Ok(())
    }

    fn exchange(&mut self, ended: Open) -> Result<Exchange, CaptureError> {
        let Open { place, trace, held } = ended;
        self.held = self.held.saturating_sub(held);
        let part = |what: &str, limit: &str| {
            format!("a part of the {what}'s body is missing; the tap records `{limit}` of it, 1024 if that is not set")
        };
        let request = trace.request.unwrap_or_default();
        let at = request.headers_received_time.as_deref().map(parse_time).transpose();
        let at = at.map_err(|message| self.shape(place, message))?;
        let (fields, chunks, cut_off) = pieces(request).map_err(|message| self.shape(place, message))?;
        let mut faults: Vec<String> = cut_off.then(|| part("request", "max_buffered_rx_bytes")).into_iter().collect();
        let method = pseudo(&fields, ":method").ok_or_else(|| self.shape(place, "no `:method` header".to_owned()))?;
        let target = Target::new("/", &fields).map_err(|message| self.shape(place, message))?;
        let request = Request { method, target, headers: plain_headers(fields), body: chunks.concat() };
        faults.extend(missing("request's body", &request.headers, None, &request.body));
        let response = match trace.response {
            Some(it) if !it.headers.is_empty() => {
                let (fields, chunks, cut_off) = pieces(it).map_err(|message| self.shape(place, message))?;
                let status = pseudo(&fields, ":status").and_then(|it| it.parse().ok());
                let status =
                    status.ok_or_else(|| self.shape(place, "the response has no `:status` header".to_owned()))?;
                let response = Response { status, headers: plain_headers(fields), chunks };
                faults.extend(cut_off.then(|| part("response", "max_buffered_tx_bytes")));
                let whole = missing("response's body", &response.headers, None, &response.body());
                faults.extend(whole.filter(|_| request.method != "HEAD" && status != 304));
                Some(response)
            }
            _ => None,
        };
        if let (Truncated::Refuse, Some(message)) = (self.truncated, faults.into_iter().next()) {
            return Err(CaptureError::Truncated { path: self.scanner.path().to_owned(), place, message });
        }
        Ok(Exchange { place, at, http2: false, request, response })
    }

    fn shape(&self, place: Place, message: String) -> CaptureError {
        CaptureError::Shape { path: self.scanner.path().to_owned(), place, message }
    }
}

/// How many segments each trace of a file has. `None` if it cannot be read a second time.
fn segments(path: &Path) -> Option<HashMap<String, usize>> {
    let mut scanner = Scanner::new(path, Box::new(File::open(path).ok()?));
    let mut counts: HashMap<String, usize> = HashMap::new();
    scanner.skip_mark().ok()?;
    // What is wrong with the file is told when it is read for its exchanges, after those that are whole.
    while let Ok(Some(_)) = scanner.peek() {
        let place = Place::Trace(0);
        let Ok(()) = scanner.value(|| place) else { break };
        let Ok(ticket) = scanner.parse::<Ticket>(place) else { break };
        if let Some(segment) = ticket.http_streamed_trace_segment {
            *counts.entry(segment.trace_id).or_default() += 1;
        }
    }
    Some(counts)
}

fn number(place: Place) -> usize {
    match place {
        Place::Line(number) | Place::Entry(number) | Place::Trace(number) | Place::Byte(number) => number,
    }
}

/// Headers, the pieces of the body, and whether some of it is missing.
type Pieces = (Vec<Field>, Vec<Vec<u8>>, bool);

fn pieces(message: Message) -> Result<Pieces, String> {
    let Message { headers, body, mut chunks, mut truncated, .. } = message;
    if let Some(body) = body {
        truncated |= body.truncated;
        let bytes = decode(body)?;
        if !bytes.is_empty() {
            chunks.push(bytes);
        }
    }
    let fields = headers.into_iter().map(|Header { key, value, raw_value }| {
        if raw_value.is_empty() {
            return Ok(Field { name: key, value });
        }
        let raw = STANDARD.decode(raw_value).map_err(|error| format!("the header `{key}` is not base64: {error}"))?;
        Ok(Field { name: key, value: String::from_utf8_lossy(&raw).into_owned() })
    });
    Ok((fields.collect::<Result<_, String>>()?, chunks, truncated))
}

fn decode(body: Body) -> Result<Vec<u8>, String> {
    match (body.as_bytes, body.as_string) {
        (Some(packed), None) => {
            STANDARD.decode(packed).map_err(|error| format!("a body is not the base64 that it is said to be: {error}"))
        }
        (None, text) => Ok(text.unwrap_or_default().into_bytes()),
        (Some(_), Some(_)) => Err("a body has both `as_bytes` and `as_string`".to_owned()),
    }
}

fn pseudo(fields: &[Field], name: &str) -> Option<String> {
    fields.iter().find(|it| it.name == name).map(|it| it.value.clone())
}
