//! HAR 1.2: the members that matter here, and nothing asked of the others.

use std::path::Path;

use serde::Deserialize;

use super::scan::Scanner;
use super::{
    CaptureError, Exchange, Field, Place, Request, Response, Target, Truncated, cut, decode_body, header, missing,
    parse_time, plain_headers,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: Option<String>,
    request: HarRequest,
    response: Option<HarResponse>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: String,
    url: String,
    http_version: Option<String>,
    #[serde(default)]
    headers: Vec<Field>,
    body_size: Option<f64>,
    post_data: Option<PostData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: Option<String>,
    text: Option<String>,
    // Not in the specification, and still written by some.
    encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse {
    #[serde(default)]
    status: f64,
    http_version: Option<String>,
    #[serde(default)]
    headers: Vec<Field>,
    content: Option<Content>,
    #[serde(rename = "_chunks")]
    chunks: Option<Vec<usize>>,
}

#[derive(Debug, Deserialize)]
struct Content {
    size: Option<f64>,
    text: Option<String>,
    encoding: Option<String>,
}

/// `h2`, `HTTP/2.0`, `h3` and their like.
pub(super) fn is_http2(version: &str) -> bool {
    let version = version.to_ascii_lowercase();
    version.trim_start_matches("http").trim_start_matches(['/', 'h']).starts_with(['2', '3'])
}

/// Reads the elements of `log.entries` one by one, wherever in the document they stand.
#[derive(Debug)]
pub(super) struct Entries {
    scanner: Scanner,
    truncated: Truncated,
    stage: Stage,
    read: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Document,
    Entries { first: bool },
    Over,
}

impl Entries {
    pub(super) fn new(scanner: Scanner, truncated: Truncated) -> Self {
        Self { scanner, truncated, stage: Stage::Document, read: 0 }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.scanner.held()
    }

    pub(super) fn next(&mut self) -> Result<Option<Exchange>, CaptureError> {
        if self.stage == Stage::Document {
            self.scanner.skip_mark()?;
            self.scanner.mark(b"{")?;
            self.find("log", b"{")?;
            self.find("entries", b"[")?;
            self.stage = Stage::Entries { first: true };
        }
        while let Stage::Entries { first } = self.stage {
            let over = if first { self.scanner.peek()? == Some(b']') } else { self.scanner.mark(b",]")? == b']' };
            if over {
                if first {
                    self.scanner.mark(b"]")?;
                }
                self.leave("entries")?;
                self.leave("log")?;
                self.stage = Stage::Over;
                if self.scanner.peek()?.is_some() {
                    return Err(self.scanner.broken("a HAR is one document, and this one is over".to_owned()));
                }
                break;
            }
            self.stage = Stage::Entries { first: false };
            self.read += 1;
            let place = Place::Entry(self.read);
            self.scanner.value(|| place)?;
            let entry: Entry = self.scanner.parse(place)?;
            if is_http(&entry.request) {
                return exchange(self.scanner.path(), place, entry, self.truncated).map(Some);
            }
        }
        Ok(None)
    }

    /// Goes into the member of this name of the object whose members come next.
    fn find(&mut self, wanted: &str, mark: &[u8]) -> Result<(), CaptureError> {
        while self.scanner.peek()? != Some(b'}') {
            if self.scanner.name()? == wanted {
                return self.scanner.mark(mark).map(|_| ());
            }
            self.scanner.skip()?;
            if self.scanner.mark(b",}")? == b'}' {
                return Err(self.scanner.broken(format!("a HAR has a member `{wanted}`, and here is none")));
            }
        }
        Err(self.scanner.broken(format!("a HAR has a member `{wanted}`, and here is none")))
    }

    /// Passes over what follows a member to the end of its object.
    fn leave(&mut self, member: &str) -> Result<(), CaptureError> {
        while self.scanner.mark(b",}")? == b',' {
            if self.scanner.name()? == member {
                return Err(self.scanner.broken(format!("a second `{member}`")));
            }
            self.scanner.skip()?;
        }
        Ok(())
    }
}

/// Browsers record web sockets, `data:` URLs and their own pages as well, and proxies the opening of tunnels.
fn is_http(request: &HarRequest) -> bool {
    let scheme = request.url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let other =
        ["ws", "wss", "data", "blob", "file", "about", "chrome", "chrome-extension", "moz-extension", "resource"];
    request.method != "CONNECT" && !scheme.is_some_and(|it| other.contains(&it.as_str()))
}

fn exchange(path: &Path, place: Place, entry: Entry, truncated: Truncated) -> Result<Exchange, CaptureError> {
    let shape = |message: String| CaptureError::Shape { path: path.to_owned(), place, message };
    let HarRequest { method, url, http_version, headers, body_size, post_data } = entry.request;
    let versions = [http_version, entry.response.as_ref().and_then(|it| it.http_version.clone())];
    let http2 = versions.iter().flatten().any(|it| is_http2(it)) || headers.iter().any(|it| it.name == ":authority");
    let target = Target::new(&url, &headers).map_err(shape)?;
    let headers = plain_headers(headers);
    let left_out = post_data.as_ref().is_some_and(|it| it.text.is_none() && is_json(it.mime_type.as_deref()));
    let (text, encoding) = post_data.map(|it| (it.text, it.encoding)).unwrap_or_default();
    let body = decode_body(text, encoding.as_deref()).map_err(shape)?;
    // `bodySize` counts what was sent, which is less than the text if it was compressed.
    let coded = header(&headers, "content-encoding").is_some();
    let mut faults: Vec<String> =
        missing("request's body", &headers, whole(body_size).filter(|_| !coded), &body).into_iter().collect();
    faults.extend(left_out.then(|| "the recorder left the request's body out".to_owned()));
    let response = match entry.response {
        // Nothing came: browsers and proxies write status 0, or -1.
        None => None,
        Some(it) if it.status < 100.0 => None,
        Some(it) => Some(response(it, &method, &mut faults).map_err(shape)?),
    };
    let exchange = Exchange {
        place,
        at: entry.started_date_time.as_deref().map(parse_time).transpose().map_err(shape)?,
        http2,
        request: Request { method, target, headers, body },
        response,
    };
    // Of what else a browser loads, half may be missing.
    let concerns = || exchange.is_mcp() || is_json(header(&exchange.request.headers, "content-type"));
    match faults.into_iter().next() {
        Some(message) if truncated == Truncated::Refuse && concerns() => {
            Err(CaptureError::Truncated { path: path.to_owned(), place, message })
        }
        _ => Ok(exchange),
    }
}

fn is_json(mime: Option<&str>) -> bool {
    mime.is_some_and(|it| it.trim_ascii_start().to_ascii_lowercase().starts_with("application/json"))
}

fn response(from: HarResponse, method: &str, faults: &mut Vec<String>) -> Result<Response, String> {
    let status = whole(Some(from.status))
        .and_then(|it| u16::try_from(it).ok())
        .filter(|it| *it < 1000)
        .ok_or_else(|| format!("`{}` is not an HTTP status", from.status))?;
    let (size, text, encoding) = from.content.map(|it| (it.size, it.text, it.encoding)).unwrap_or_default();
    let body = decode_body(text, encoding.as_deref())?;
    let mut headers = plain_headers(from.headers);
    if method != "HEAD" && status != 304 {
        faults.extend(missing("response's body", &headers, whole(size), &body));
        let is_stream = header(&headers, "content-type").is_some_and(|it| it.starts_with("text/event-stream"));
        if method == "POST" && status == 200 && is_stream && body.is_empty() {
            let fault = "not a byte of the event stream that answers the request was recorded";
            faults.push(fault.to_owned());
        }
    }
    // `content.text` has been decoded; Envoy's side of the filter asks for no encoding.
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-encoding"));
    Ok(Response { status, headers, chunks: cut(body, from.chunks.as_deref())? })
}

/// Sizes are integers by the specification and floats in the wild; -1 says that nobody knows.
#[allow(clippy::cast_possible_truncation, reason = "saturates, and no body is that long")]
fn whole(number: Option<f64>) -> Option<i64> {
    number.map(|it| it as i64).filter(|it| *it >= 0)
}
