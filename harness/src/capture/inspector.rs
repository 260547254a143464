//! What the MCP Inspector exports (2.x): lists of HTTP exchanges (Network), or of messages (Protocol).
//!
//! Messages do not tell how they were sent. They are taken for requests of Streamable HTTP, with the headers that the
//! revision in use asks for; what the server said unasked is taken for an event of a stream that a GET opened.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_filter::mcp::era;
use tidegate_filter::mcp::method::{NameParameter, name_parameter};

use super::scan::Scanner;
use super::{
    CaptureError, Exchange, Field, Headers, Place, Request, Response, Target, Truncated, parse_time, plain_headers,
};

/// Where messages went, if nobody says it.
pub(super) const NOWHERE: &str = "http://inspector.invalid/mcp";

/// The revision of a stream that is opened before any revision was negotiated.
const LEGACY: &str = "2025-11-25";

/// What the Inspector ends a body with that it took only a part of, or puts in its place.
const CUT: [&str; 2] = ["\n[truncated]", "[truncated JSON body withheld: an incomplete body cannot be redacted]"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FetchEntry {
    timestamp: Option<String>,
    method: String,
    url: String,
    #[serde(default)]
    request_headers: BTreeMap<String, String>,
    request_body: Option<String>,
    response_status: Option<u16>,
    #[serde(default)]
    response_headers: BTreeMap<String, String>,
    response_body: Option<String>,
}

#[derive(Deserialize)]
struct MessageEntry {
    timestamp: Option<String>,
    direction: String,
    origin: Option<String>,
    message: Value,
    response: Option<Value>,
}

/// Reads the entries of a list one by one.
#[derive(Debug)]
pub(super) struct Entries {
    scanner: Scanner,
    truncated: Truncated,
    url: String,
    read: usize,
    over: bool,
    /// The revision that was negotiated.
    revision: Option<String>,
    ready: VecDeque<Exchange>,
}

impl Entries {
    pub(super) fn new(scanner: Scanner, truncated: Truncated, url: Option<&str>) -> Self {
        let url = url.unwrap_or(NOWHERE).to_owned();
        Self { scanner, truncated, url, read: 0, over: false, revision: None, ready: VecDeque::new() }
    }

    pub(super) fn next(&mut self) -> Result<Option<Exchange>, CaptureError> {
        while !self.over && self.ready.is_empty() {
            if self.read == 0 {
                self.scanner.skip_mark()?;
                self.scanner.mark(b"[")?;
                if self.scanner.peek()? == Some(b']') {
                    return Ok(None);
                }
            } else if self.scanner.mark(b",]")? == b']' {
                self.over = true;
                if self.scanner.peek()?.is_some() {
                    return Err(self.scanner.broken("an export is one list, and this one is over".to_owned()));
                }
                break;
            }
            self.read += 1;
            let place = Place::Entry(self.read);
            self.scanner.value(|| place)?;
            let entry: Value = self.scanner.parse(place)?;
            if entry.get("direction").is_some() {
                self.message(place, &self.scanner.parse(place)?)?;
            } else if entry.get("url").is_some() {
                let fetched = self.fetched(place, self.scanner.parse(place)?)?;
                self.ready.push_back(fetched);
            } else {
                let names: Vec<&str> =
                    entry.as_object().into_iter().flat_map(|it| it.keys().map(String::as_str)).collect();
                let message = format!(
                    "neither an HTTP exchange (`method`, `url`) nor a message (`direction`, `message`) of the MCP Inspector, \
                     but {}",
                    if names.is_empty() {
                        "no object with members".to_owned()
                    } else {
                        format!("`{}`", names.join("`, `"))
                    },
                );
                return Err(self.shape(place, message));
            }
        }
        Ok(self.ready.pop_front())
    }

    /// An entry of the network export. Bodies of streams that a GET opened are never in it.
    fn fetched(&self, place: Place, entry: FetchEntry) -> Result<Exchange, CaptureError> {
        let FetchEntry { timestamp, method, url, request_headers, request_body, response_status, .. } = entry;
        let shape = |message| self.shape(place, message);
        let fields = |headers: BTreeMap<String, String>| -> Vec<Field> {
            headers.into_iter().map(|(name, value)| Field { name, value }).collect()
        };
        let request_headers = fields(request_headers);
        let answers_in_vain = method == "POST" && response_status == Some(200) && entry.response_body.is_none();
        let is_cut = CUT.iter().any(|mark| entry.response_body.as_ref().is_some_and(|body| body.ends_with(mark)));
        if self.truncated == Truncated::Refuse && (is_cut || answers_in_vain) {
            let message =
                if is_cut { "the Inspector took only a part" } else { "the Inspector had not yet taken anything" };
            let message = format!("{message} of the response's body");
            return Err(CaptureError::Truncated { path: self.scanner.path().to_owned(), place, message });
        }
        let response = response_status.map(|status| {
            let mut headers = plain_headers(fields(entry.response_headers));
            // Bodies are decoded, and written anew where the Inspector has hidden something in them.
            headers.retain(|(name, _)| !["content-encoding", "content-length"].contains(&name.as_str()));
            let body = entry.response_body.unwrap_or_default();
            Response { status, headers, chunks: if body.is_empty() { Vec::new() } else { vec![body.into_bytes()] } }
        });
        Ok(Exchange {
            place,
            at: timestamp.as_deref().map(parse_time).transpose().map_err(shape)?,
            http2: false,
            request: Request {
                target: Target::new(&url, &request_headers).map_err(shape)?,
                method,
                headers: plain_headers(request_headers),
                body: request_body.unwrap_or_default().into_bytes(),
            },
            response,
        })
    }

    /// An entry of the protocol export.
    fn message(&mut self, place: Place, entry: &MessageEntry) -> Result<(), CaptureError> {
        let at =
            entry.timestamp.as_deref().map(parse_time).transpose().map_err(|message| self.shape(place, message))?;
        // Early releases of 2.x do not tell who spoke; then it was the client.
        let by_server = entry.origin.as_deref() == Some("server");
        let message = &entry.message;
        let answer = entry.response.as_ref().filter(|_| entry.direction == "request");
        if let Some(revision) = message.pointer("/params/_meta").and_then(|meta| meta.get(era::META_VERSION)) {
            self.revision = revision.as_str().map(str::to_owned);
        }
        let accepted = || Some((202, "", String::new()));
        let mut ready = Vec::new();
        if by_server {
            let event = format!("data: {message}\n\n");
            ready.push((self.listening(), Some((200, "text/event-stream", event))));
            // The answer to what the server asked is a message of the client's own.
            ready.extend(answer.map(|answer| (self.posting(answer), accepted())));
        } else {
            let response = match answer {
                Some(answer) => Some((200, "application/json", answer.to_string())),
                None if entry.direction == "request" => None,
                None => accepted(),
            };
            ready.push((self.posting(message), response));
        }
        for ((method, headers, body), response) in ready {
            let target = Target::new(&self.url, &[]).map_err(|message| self.shape(place, message))?;
            let response = response.map(|(status, kind, body)| Response {
                status,
                headers: if kind.is_empty() {
                    Headers::new()
                } else {
                    vec![("content-type".to_owned(), kind.to_owned())]
                },
                chunks: if body.is_empty() { Vec::new() } else { vec![body.into_bytes()] },
            });
            let request = Request { method: method.to_owned(), target, headers, body };
            self.ready.push_back(Exchange { place, at, http2: false, request, response });
        }
        if let Some(revision) = answer.and_then(|it| it.pointer("/result/protocolVersion")).and_then(Value::as_str)
            && entry.message.get("method") == Some(&json!("initialize"))
        {
            self.revision = Some(revision.to_owned());
        }
        Ok(())
    }

    /// The request that sends a message.
    fn posting(&self, message: &Value) -> (&'static str, Headers, Vec<u8>) {
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ];
        if let Some(revision) = &self.revision {
            headers.push(("mcp-protocol-version".to_owned(), revision.clone()));
            if let (false, Some(method)) = (era::is_legacy(revision), message.get("method").and_then(Value::as_str)) {
                headers.push(("mcp-method".to_owned(), method.to_owned()));
                let parameter = name_parameter(method).map(|it| match it {
                    NameParameter::Name => "name",
                    NameParameter::Uri => "uri",
                    NameParameter::TaskId => "taskId",
                });
                let name = parameter.and_then(|it| message.get("params")?.get(it)?.as_str());
                headers.extend(name.map(|name| ("mcp-name".to_owned(), mirrored(name))));
            }
        }
        ("POST", headers, message.to_string().into_bytes())
    }

    /// The request that opens a stream.
    fn listening(&self) -> (&'static str, Headers, Vec<u8>) {
        let headers =
            [("accept", "text/event-stream"), ("mcp-protocol-version", self.revision.as_deref().unwrap_or(LEGACY))];
        ("GET", headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), Vec::new())
    }

    fn shape(&self, place: Place, message: String) -> CaptureError {
        CaptureError::Shape { path: self.scanner.path().to_owned(), place, message }
    }
}

/// A name as a header value (MCP 2026-07-28, Streamable HTTP: what is not plain ASCII goes as base64).
fn mirrored(name: &str) -> String {
    let is_plain =
        name.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && name.trim() == name && !name.starts_with("=?");
    if is_plain { name.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(name)) }
}
