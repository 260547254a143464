//! One exchange in one call.

use super::Protocol;
use super::headers::Headers;
use super::message::Message;
use super::stream::{Finished, Stream};
use super::vm::Vm;

/// A request or a response with its whole body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// Headers, pseudo-headers included.
    pub headers: Headers,
    /// The chunks of the body as they are sent; none for a message that ends with its headers.
    pub chunks: Vec<Vec<u8>>,
    /// Trailers, if any.
    pub trailers: Option<Headers>,
}

impl Http {
    /// A POST of JSON with the headers that every MCP client sends, in the form in which Envoy shows it to a filter.
    pub fn post(authority: &str, path: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = Headers::new([
            (":authority", authority),
            (":path", path),
            (":method", "POST"),
            (":scheme", "http"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("content-length", &body.len().to_string()),
        ]);
        Self { headers, chunks: vec![body], trailers: None }
    }

    /// A request without a body.
    pub fn bare(method: &str, authority: &str, path: &str) -> Self {
        let headers =
            Headers::new([(":authority", authority), (":path", path), (":method", method), (":scheme", "http")]);
        Self { headers, ..Self::default() }
    }

    /// A response with a body and its length.
    pub fn response(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = Headers::new([
            (":status", status.to_string()),
            ("content-type", content_type.to_owned()),
            ("content-length", body.len().to_string()),
        ]);
        Self { headers, chunks: vec![body], trailers: None }
    }

    /// A response whose body is sent in these chunks, without a length: a stream of server-sent events.
    pub fn streamed<C: Into<Vec<u8>>>(status: u16, content_type: &str, chunks: impl IntoIterator<Item = C>) -> Self {
        let headers = Headers::new([(":status", status.to_string()), ("content-type", content_type.to_owned())]);
        Self { headers, chunks: chunks.into_iter().map(Into::into).collect(), trailers: None }
    }

    /// With one more header, or another value for it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.replace(name, value.as_ref());
        self
    }

    /// With trailers.
    #[must_use]
    pub fn with_trailers(mut self, trailers: Headers) -> Self {
        self.trailers = Some(trailers);
        self
    }

    fn bodiless(&self) -> bool {
        self.trailers.is_none() && self.chunks.iter().all(Vec::is_empty)
    }
}

impl Vm {
    /// Sends a request through the filter and answers it with `server`, which is given what the server would get. It is
    /// not called when the request does not reach the server as a whole.
    pub fn exchange(&self, protocol: Protocol, request: &Http, server: impl FnOnce(&Message) -> Http) -> Finished {
        self.stream(protocol).play(request, |upstream| Some(server(upstream)))
    }
}

impl Stream {
    /// As [`Vm::exchange`] on a stream that was opened before; a server that returns `None` never answers.
    pub fn play(self, request: &Http, server: impl FnOnce(&Message) -> Option<Http>) -> Finished {
        self.request_headers(request.headers.iter(), request.bodiless());
        if !request.bodiless() {
            let last = request.chunks.len().saturating_sub(1);
            for (i, chunk) in request.chunks.iter().enumerate() {
                self.request_body(chunk, i == last && request.trailers.is_none());
            }
            if let Some(trailers) = &request.trailers {
                self.request_trailers(trailers.iter());
            }
        }
        let upstream = self.upstream();
        if upstream.ended
            && !self.ended()
            && let Some(response) = server(&upstream)
        {
            self.response_headers(response.headers.iter(), response.bodiless());
            if !response.bodiless() {
                let last = response.chunks.len().saturating_sub(1);
                for (i, chunk) in response.chunks.iter().enumerate() {
                    self.response_body(chunk, i == last && response.trailers.is_none());
                }
                if let Some(trailers) = &response.trailers {
                    self.response_trailers(trailers.iter());
                }
            }
        }
        self.finish()
    }
}
