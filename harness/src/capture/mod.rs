//! Captured HTTP traffic: HAR 1.2, Envoy's HTTP tap, exports of the MCP Inspector and JSON lines in, HAR out.
//!
//! Every format is read exchange by exchange: what lies in memory is one of them, of at most [`LONGEST`] bytes, however
//! long the capture is. Of a streamed tap it is those that were under way at once.
//!
//! JSON lines is one exchange a line, with bodies as the bytes that were sent:
//!
//! ```json
//! {"time":"2026-11-23T09:41:07Z","request":{"method":"POST","url":"http://mcp.example.com/mcp","headers":[{"name":"content-type","value":"application/json"}],"body":"{…}"},"response":{"status":200,"headers":[],"body":"data: …\n\n","chunks":[12,40]}}
//! ```
//!
//! `time`, `httpVersion`, `headers`, `body`, `chunks` (the lengths in bytes in which the response's body came) and
//! `response` may be absent; `"encoding":"base64"` beside a body says how it is written; `"truncated":true` says that the
//! recorder gave up.

mod error;
mod format;
mod har;
mod inspector;
mod jsonl;
mod scan;
mod tap;
mod target;
mod write;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use error::{CaptureError, Place};
use format::Format;
pub use scan::LONGEST;
use scan::Scanner;
pub use target::Target;
pub use write::{Annotation, HarWriter};

/// One HTTP request and what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Where it stands in its capture.
    pub place: Place,
    /// When the request was sent, if the capture says so.
    pub at: Option<OffsetDateTime>,
    /// The HTTP version was 2 or later.
    pub http2: bool,
    /// What the client sent.
    pub request: Request,
    /// What came back; `None` if nothing did, or nothing was recorded.
    pub response: Option<Response>,
}

/// A recorded request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// What was asked of whom.
    pub target: Target,
    /// Headers in order, without pseudo-headers and `host`, which are in `target`.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A recorded response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers in order, without pseudo-headers.
    pub headers: Headers,
    /// The body in the pieces in which it came, or in one if the capture does not tell.
    pub chunks: Vec<Vec<u8>>,
}

/// Names and values of headers; a name may be there several times.
pub type Headers = Vec<(String, String)>;

/// The first value of a header, whatever the case of its name.
pub fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Response {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

impl Exchange {
    /// Whether a peer that speaks MCP had a part in this.
    fn is_mcp(&self) -> bool {
        let mirrored =
            |headers: &Headers| headers.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("mcp-"));
        let rpc = |body: &[u8]| body.windows(9).any(|window| window == b"\"jsonrpc\"");
        let asks_for_stream = self.request.method == "GET"
            && header(&self.request.headers, "accept").is_some_and(|it| it.contains("text/event-stream"));
        mirrored(&self.request.headers)
            || asks_for_stream
            || rpc(&self.request.body)
            || self.response.as_ref().is_some_and(|it| mirrored(&it.headers) || rpc(&it.body()))
    }
}

/// What to do with a body of which only a part was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncated {
    /// It is an error: a verdict on half a message says nothing about the message.
    Refuse,
    /// The part is taken for the whole.
    Accept,
}

/// The exchanges of one capture, in its order. After the last one comes an error if none of them was MCP.
#[derive(Debug)]
pub struct Exchanges {
    path: PathBuf,
    source: Source,
    size: Option<u64>,
    read: Arc<AtomicU64>,
    count: usize,
    mcp: bool,
    over: bool,
}

#[derive(Debug)]
enum Source {
    Lines(jsonl::Lines),
    Har(har::Entries),
    Tap(tap::Traces),
    Inspector(inspector::Entries),
}

/// Opens a capture; its format is told by how it begins.
///
/// # Errors
/// The file cannot be read, is empty, or begins like no format that is known here.
pub fn open(path: &Path, truncated: Truncated) -> Result<Exchanges, CaptureError> {
    open_with_url(path, truncated, None)
}

/// Opens a capture as [`open`] does. `url` is where messages went of which the capture does not say it: those of an MCP
/// Inspector's protocol export.
///
/// # Errors
/// As those of [`open`].
pub fn open_with_url(path: &Path, truncated: Truncated, url: Option<&str>) -> Result<Exchanges, CaptureError> {
    let unreadable = |source| CaptureError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|it| it.len());
    let mut exchanges = read(path, Box::new(file), truncated, url)?;
    if let (Source::Tap(traces), Some(_)) = (&mut exchanges.source, size) {
        traces.look_ahead_in(path);
    }
    Ok(Exchanges { size, ..exchanges })
}

/// Reads a capture from anywhere; `path` is what errors call it.
///
/// # Errors
/// As those of [`open`].
pub fn read(
    path: &Path,
    reader: Box<dyn Read + Send>,
    truncated: Truncated,
    url: Option<&str>,
) -> Result<Exchanges, CaptureError> {
    let read = Arc::new(AtomicU64::new(0));
    let mut reader = Counted { reader, read: read.clone() };
    let mut start = Vec::new();
    let mut whole = false;
    let format = loop {
        match format::tell(path, &start, whole || start.len() >= format::LOOKED_AT)? {
            Some(format) => break format,
            None => {
                let read = more(&mut reader, &mut start);
                whole = read.map_err(|source| CaptureError::Unreadable { path: path.to_owned(), source })?;
            }
        }
    };
    let reader: Box<dyn Read + Send> = Box::new(Cursor::new(start).chain(reader));
    let source = match format {
        Format::Lines => Source::Lines(jsonl::Lines::new(path, reader, truncated)),
        Format::Har => Source::Har(har::Entries::new(Scanner::new(path, reader), truncated)),
        Format::Tap => Source::Tap(tap::Traces::new(Scanner::new(path, reader), truncated)),
        Format::Inspector => Source::Inspector(inspector::Entries::new(Scanner::new(path, reader), truncated, url)),
    };
    Ok(Exchanges { path: path.to_owned(), source, size: None, read, count: 0, mcp: false, over: false })
}

/// Reads some more. Whether that was the end.
fn more(reader: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 4096];
    loop {
        match reader.read(&mut piece) {
            Ok(length) => {
                bytes.extend_from_slice(piece.get(..length).unwrap_or_default());
                return Ok(length == 0);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A reader that tells how far it has come.
struct Counted {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read.fetch_add(u64::try_from(length).unwrap_or_default(), Ordering::Relaxed);
        Ok(length)
    }
}

impl Exchanges {
    /// The bytes of the capture; `None` if it is no file, and nobody knows before its end.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes of it have been read; a little ahead of the exchange that was given last.
    pub fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Iterator for Exchanges {
    type Item = Result<Exchange, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = match &mut self.source {
            Source::Lines(lines) => lines.next(),
            Source::Har(entries) => entries.next(),
            Source::Tap(traces) => traces.next(),
            Source::Inspector(entries) => entries.next(),
        };
        let next = next.transpose();
        match &next {
            Some(Ok(exchange)) => {
                self.count += 1;
                self.mcp |= exchange.is_mcp();
            }
            Some(Err(_)) => self.over = true,
            None => {
                self.over = true;
                let path = self.path.clone();
                if self.count == 0 {
                    return Some(Err(CaptureError::Empty { path }));
                }
                if !self.mcp {
                    return Some(Err(CaptureError::NotMcp { path, exchanges: self.count }));
                }
            }
        }
        next
    }
}

/// A header as both formats write it.
#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    value: String,
}

/// Headers without what the target or the framing says: pseudo-headers and `host`.
fn plain_headers(fields: Vec<Field>) -> Headers {
    let own = |name: &str| name.starts_with(':') || name.eq_ignore_ascii_case("host");
    fields.into_iter().filter(|it| !own(&it.name)).map(|it| (it.name, it.value)).collect()
}

fn decode_body(text: Option<String>, encoding: Option<&str>) -> Result<Vec<u8>, String> {
    let text = text.unwrap_or_default();
    match encoding {
        None | Some("") => Ok(text.into_bytes()),
        Some(name) if name.eq_ignore_ascii_case("base64") => {
            let packed: String = text.split_ascii_whitespace().collect();
            STANDARD.decode(packed).map_err(|error| format!("a body is not the base64 that it is said to be: {error}"))
        }
        Some(other) => Err(format!("a body has the encoding `{other}`; only `base64` is known")),
    }
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| format!("`{text}` is not a time; write it as 2026-11-23T09:41:07Z (RFC 3339)"))
}

/// Cuts a body into pieces of these lengths.
fn cut(body: Vec<u8>, lengths: Option<&[usize]>) -> Result<Vec<Vec<u8>>, String> {
    let Some(lengths) = lengths else {
        return Ok(if body.is_empty() { Vec::new() } else { vec![body] });
    };
    let total = lengths.iter().try_fold(0usize, |sum, length| sum.checked_add(*length));
    if total != Some(body.len()) {
        return Err(format!("`chunks` do not add up to the {} bytes of the body", body.len()));
    }
    let mut rest = body.as_slice();
    let mut chunks = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (chunk, after) = rest.split_at(*length);
        chunks.push(chunk.to_vec());
        rest = after;
    }
    Ok(chunks)
}

/// How much of a body is missing, by the length that the capture gives for it.
fn missing(what: &str, headers: &Headers, told: Option<i64>, body: &[u8]) -> Option<String> {
    // A coded body was longer or shorter than what is recorded of it.
    let coded = header(headers, "content-encoding").is_some_and(|it| !it.eq_ignore_ascii_case("identity"));
    let announced = header(headers, "content-length").filter(|_| !coded).and_then(|it| it.trim().parse::<i64>().ok());
    let length = i64::try_from(body.len()).unwrap_or(i64::MAX);
    let longest = told.into_iter().chain(announced).max().unwrap_or(0);
    (longest > length).then(|| format!("{length} of {longest} bytes of the {what} were recorded"))
}

#[cfg(test)]
mod tests;
