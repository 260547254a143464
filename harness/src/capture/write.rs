//! Exchanges as HAR 1.2.

use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Exchange, Headers, header};
use crate::output::PendingFile;

/// What is written beside an exchange, as the custom member `_tidegate` of its entry.
pub type Annotation = Map<String, Value>;

/// Writes a HAR entry by entry. Dropped before it is whole, it leaves nothing behind.
#[derive(Debug)]
pub struct HarWriter {
    file: PendingFile,
    entries: usize,
}

impl HarWriter {
    /// Begins a HAR that will be at `target`.
    ///
    /// # Errors
    /// What the operating system says when no file can be made there.
    pub fn create(target: &Path) -> io::Result<Self> {
        let mut file = PendingFile::create(target)?;
        let creator = json!({"name": "tidegate", "version": env!("CARGO_PKG_VERSION")});
        write!(file, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[")?;
        Ok(Self { file, entries: 0 })
    }

    /// Adds an exchange. `unknown_time` stands in where it has no time of its own.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&mut self, exchange: &Exchange, unknown_time: OffsetDateTime, note: &Annotation) -> io::Result<()> {
        let separator: &[u8] = if self.entries == 0 { b"\n" } else { b",\n" };
        self.entries += 1;
        self.file.write_all(separator)?;
        let mut entry = entry(exchange, exchange.at.unwrap_or(unknown_time));
        if let (false, Some(object)) = (note.is_empty(), entry.as_object_mut()) {
            object.insert("_tidegate".to_owned(), Value::Object(note.clone()));
        }
        self.file.write_all(entry.to_string().as_bytes())
    }

    /// Ends the HAR and puts it in its place.
    ///
    /// # Errors
    /// What the operating system says; then nothing is left of it, and what was at the target before still is.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.write_all(b"\n]}}\n")?;
        self.file.finish()
    }
}

fn entry(exchange: &Exchange, at: OffsetDateTime) -> Value {
    let version = if exchange.http2 { "HTTP/2.0" } else { "HTTP/1.1" };
    let request = &exchange.request;
    let mut headers = vec![("host".to_owned(), request.target.authority.clone())];
    headers.extend(request.headers.iter().cloned());
    let mut sent = json!({
        "method": request.method,
        "url": request.target.url(),
        "httpVersion": version,
        "cookies": [],
        "headers": fields(&headers),
        "queryString": query(&request.target.path),
        "headersSize": -1,
        "bodySize": request.body.len(),
    });
    if let (false, Some(object)) = (request.body.is_empty(), sent.as_object_mut()) {
        let mime = header(&request.headers, "content-type").unwrap_or_default();
        let (text, encoding) = text(&request.body);
        let mut data = json!({"mimeType": mime, "text": text});
        if let (Some(encoding), Some(data)) = (encoding, data.as_object_mut()) {
            data.insert("encoding".to_owned(), encoding.into());
        }
        object.insert("postData".to_owned(), data);
    }
    json!({
        "startedDateTime": at.format(&Rfc3339).unwrap_or_default(),
        "time": 0,
        "request": sent,
        "response": response(exchange, version),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    })
}

fn response(exchange: &Exchange, version: &str) -> Value {
    // A HAR has no entry without a response: status 0 says that none came.
    let (status, headers, chunks) = match &exchange.response {
        Some(response) => (response.status, response.headers.clone(), response.chunks.as_slice()),
        None => (0, Headers::new(), &[][..]),
    };
    let body = chunks.concat();
    let mime = header(&headers, "content-type").unwrap_or("x-unknown");
    let (text, encoding) = text(&body);
    let mut content = json!({"size": body.len(), "mimeType": mime, "text": text});
    if let (Some(encoding), Some(content)) = (encoding, content.as_object_mut()) {
        content.insert("encoding".to_owned(), encoding.into());
    }
    let reason = http::StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason()).unwrap_or_default();
    let mut response = json!({
        "status": status,
        "statusText": reason,
        "httpVersion": version,
        "cookies": [],
        "headers": fields(&headers),
        "content": content,
        "redirectURL": header(&headers, "location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": body.len(),
    });
    if let (true, Some(object)) = (chunks.len() > 1, response.as_object_mut()) {
        object.insert("_chunks".to_owned(), chunks.iter().map(Vec::len).collect());
    }
    response
}

fn fields(headers: &Headers) -> Vec<Value> {
    headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn query(path: &str) -> Vec<Value> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({"name": name, "value": value})
        })
        .collect()
}

/// A body as the text of a JSON string, and how it is encoded if it is no text.
fn text(body: &[u8]) -> (String, Option<&'static str>) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(body), Some("base64")),
    }
}
