//! HAR 1.2: the members that matter here, and nothing asked of the others.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::iter::Enumerate;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::jsonl::told;
use super::{
    CaptureError, Exchange, Field, Place, Request, Response, Target, Truncated, cut, decode_body, header, missing,
    parse_time, plain_headers,
};

#[derive(Deserialize)]
struct Document {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

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
struct PostData {
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

/// Reads the document at the first entry that is asked for.
#[derive(Debug)]
pub(super) struct Entries {
    path: PathBuf,
    truncated: Truncated,
    reader: Option<BufReader<File>>,
    entries: Enumerate<std::vec::IntoIter<Entry>>,
}

impl Entries {
    pub(super) fn new(path: &Path, reader: BufReader<File>, truncated: Truncated) -> Self {
        Self { path: path.to_owned(), truncated, reader: Some(reader), entries: Vec::new().into_iter().enumerate() }
    }

    pub(super) fn next(&mut self) -> Option<Result<Exchange, CaptureError>> {
        if let Some(reader) = self.reader.take() {
            match read(&self.path, reader) {
                Ok(entries) => self.entries = entries.into_iter().enumerate(),
                Err(error) => return Some(Err(error)),
            }
        }
        let (at, entry) = self.entries.next()?;
        Some(exchange(&self.path, Place::Entry(at + 1), entry, self.truncated))
    }
}

fn read(path: &Path, mut reader: BufReader<File>) -> Result<Vec<Entry>, CaptureError> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|source| CaptureError::Unreadable { path: path.to_owned(), source })?;
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let before = line.saturating_sub(1);
        let start: usize = bytes.split_inclusive(|byte| *byte == b'\n').take(before).map(<[u8]>::len).sum();
        let byte = start + column.saturating_sub(1);
        CaptureError::Json { path: path.to_owned(), line, column, byte, message: told(&error) }
    })?;
    Ok(document.log.entries)
}

fn exchange(path: &Path, place: Place, entry: Entry, truncated: Truncated) -> Result<Exchange, CaptureError> {
    let shape = |message: String| CaptureError::Shape { path: path.to_owned(), place, message };
    let HarRequest { method, url, http_version, headers, body_size, post_data } = entry.request;
    let versions = [http_version, entry.response.as_ref().and_then(|it| it.http_version.clone())];
    let http2 = versions.iter().flatten().any(|it| is_http2(it)) || headers.iter().any(|it| it.name == ":authority");
    let target = Target::new(&url, &headers).map_err(shape)?;
    let headers = plain_headers(headers);
    let (text, encoding) = post_data.map(|it| (it.text, it.encoding)).unwrap_or_default();
    let body = decode_body(text, encoding.as_deref()).map_err(shape)?;
    // `bodySize` counts what was sent, which is less than the text if it was compressed.
    let coded = header(&headers, "content-encoding").is_some();
    let mut faults: Vec<String> =
        missing("request's body", &headers, whole(body_size).filter(|_| !coded), &body).into_iter().collect();
    let response = match entry.response {
        // Nothing came: browsers and proxies write status 0, or -1.
        None => None,
        Some(it) if it.status < 100.0 => None,
        Some(it) => Some(response(it, &method, &mut faults).map_err(shape)?),
    };
    if let (Truncated::Refuse, Some(message)) = (truncated, faults.into_iter().next()) {
        return Err(CaptureError::Truncated { path: path.to_owned(), place, message });
    }
    Ok(Exchange {
        place,
        at: entry.started_date_time.as_deref().map(parse_time).transpose().map_err(shape)?,
        http2,
        request: Request { method, target, headers, body },
        response,
    })
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
