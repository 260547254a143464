//! JSON lines, one exchange a line.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::har::is_http2;
use super::scan::LONGEST;
use super::{
    CaptureError, Exchange, Field, Place, Request, Response, Target, Truncated, cut, decode_body, missing, parse_time,
    plain_headers,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    time: Option<String>,
    http_version: Option<String>,
    request: RequestLine,
    response: Option<ResponseLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Field>,
    body: Option<String>,
    encoding: Option<String>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseLine {
    status: u16,
    #[serde(default)]
    headers: Vec<Field>,
    body: Option<String>,
    encoding: Option<String>,
    chunks: Option<Vec<usize>>,
    #[serde(default)]
    truncated: bool,
}

/// Reads one line at a time.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + Send>>,
    truncated: Truncated,
    line: usize,
    byte: usize,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}

impl Lines {
    pub(super) fn new(path: &Path, reader: Box<dyn Read + Send>, truncated: Truncated) -> Self {
        let reader = BufReader::with_capacity(64 * 1024, reader);
        Self { path: path.to_owned(), reader, truncated, line: 0, byte: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<Exchange>, CaptureError> {
        let mut bytes = Vec::new();
        let longest = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        loop {
            bytes.clear();
            let read = self.reader.by_ref().take(longest + 1).read_until(b'\n', &mut bytes);
            let read = read.map_err(|source| CaptureError::Unreadable { path: self.path.clone(), source })?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read > LONGEST {
                let (path, place) = (self.path.clone(), Place::Line(self.line));
                return Err(CaptureError::TooLong { path, place, byte: self.byte, longest: LONGEST });
            }
            let mut start = self.byte;
            self.byte += read;
            if self.line == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
                start += 3;
            }
            if !bytes.trim_ascii().is_empty() {
                return self.read(&bytes, start).map(Some);
            }
        }
    }

    fn read(&self, bytes: &[u8], start: usize) -> Result<Exchange, CaptureError> {
        let place = Place::Line(self.line);
        let shape = |message: String| CaptureError::Shape { path: self.path.clone(), place, message };
        let line: Line = serde_json::from_slice(bytes).map_err(|error| {
            if error.is_data() {
                return shape(told(&error));
            }
            // The JSON of one line is on line 1, unless it ends before its time: then just after the line feed.
            let column = if error.line() > 1 { bytes.trim_ascii_end().len() } else { error.column() };
            let byte = start + column.saturating_sub(1);
            let message = told(&error);
            CaptureError::Json { path: self.path.clone(), line: self.line, column: column.max(1), byte, message }
        })?;
        let target = Target::new(&line.request.url, &line.request.headers).map_err(shape)?;
        let request = Request {
            method: line.request.method,
            target,
            headers: plain_headers(line.request.headers),
            body: decode_body(line.request.body, line.request.encoding.as_deref()).map_err(shape)?,
        };
        let part = |what: &str| format!("the {what} was cut off by the recorder");
        let mut faults: Vec<String> = line.request.truncated.then(|| part("request")).into_iter().collect();
        faults.extend(missing("request's body", &request.headers, None, &request.body));
        let response = match line.response {
            None => None,
            Some(it) => {
                let body = decode_body(it.body, it.encoding.as_deref()).map_err(shape)?;
                let headers = plain_headers(it.headers);
                faults.extend(it.truncated.then(|| part("response")));
                faults.extend(missing("response's body", &headers, None, &body).filter(|_| request.method != "HEAD"));
                Some(Response { status: it.status, headers, chunks: cut(body, it.chunks.as_deref()).map_err(shape)? })
            }
        };
        if let (Truncated::Refuse, Some(message)) = (self.truncated, faults.into_iter().next()) {
            return Err(CaptureError::Truncated { path: self.path.clone(), place, message });
        }
        Ok(Exchange {
            place,
            at: line.time.as_deref().map(parse_time).transpose().map_err(shape)?,
            http2: line.http_version.as_deref().is_some_and(is_http2),
            request,
            response,
        })
    }
}

/// The message without the place, which is counted from the wrong line.
pub(super) fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let told = text.rsplit_once(" at line ").map_or(text.as_str(), |(told, _)| told);
    if error.is_eof() { format!("{told}: the capture was cut off") } else { told.to_owned() }
}
