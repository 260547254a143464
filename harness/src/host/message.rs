//! What the two sides of the proxy observe.

use super::headers::Headers;

/// The two sides of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The server.
    Upstream,
    /// The client.
    Downstream,
}

/// Something that left the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// Headers; with `true` they are the whole message.
    Headers(Headers, bool),
    /// Part of a body; with `true` the last one.
    Body(Vec<u8>, bool),
    /// Trailers, and so the end.
    Trailers(Headers),
    /// The stream was cut.
    Reset,
}

/// Something that left the proxy, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// How many inputs (calls of the stream's methods) had been made by then; the first is 1.
    pub step: usize,
    /// The guest's callback that let it go, or `None` where none was needed.
    pub during: Option<&'static str>,
    /// Where it went.
    pub side: Side,
    /// What it was.
    pub what: Released,
}

/// A message as one side has received it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Headers, once they came.
    pub headers: Option<Headers>,
    /// The body so far.
    pub body: Vec<u8>,
    /// Trailers, if there were any.
    pub trailers: Option<Headers>,
    /// The message is complete.
    pub ended: bool,
    /// The stream was cut before the message was complete.
    pub reset: bool,
}

impl Message {
    /// `:status` of a response.
    pub fn status(&self) -> Option<u16> {
        self.header(":status")?.parse().ok()
    }

    /// The first value of a header, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.as_ref()?.text(name)
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A `content-length` that the body does not have, as (announced, actual). Envoy sends such a message as it is: over
    /// HTTP/1.1 a longer body is read as the start of the next message, and with a shorter one the peer waits.
    pub fn stale_content_length(&self) -> Option<(usize, usize)> {
        let announced = self.headers.as_ref()?.content_length()?;
        (self.ended && announced != self.body.len()).then_some((announced, self.body.len()))
    }

    pub(crate) fn apply(&mut self, what: &Released) {
        match what {
            Released::Headers(headers, end) => {
                self.headers = Some(headers.clone());
                self.ended = *end;
            }
            Released::Body(bytes, end) => {
                self.body.extend_from_slice(bytes);
                self.ended = *end;
            }
            Released::Trailers(trailers) => {
                self.trailers = Some(trailers.clone());
                self.ended = true;
            }
            Released::Reset => self.reset = true,
        }
    }
}

/// A response that the guest or Envoy itself made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// HTTP status.
    pub status: u16,
    /// Headers as they entered the filter's response callbacks.
    pub headers: Headers,
    /// Body.
    pub body: Vec<u8>,
    /// Envoy's response code details.
    pub details: String,
}

impl LocalReply {
    /// `extra` as given by the guest; Envoy adds length and type of the body, or takes them off when there is none.
    pub(crate) fn new(status: u16, extra: &Headers, body: Vec<u8>, details: &str) -> Self {
        let mut headers = Headers::new([(":status", status.to_string())]);
        for (name, value) in extra.iter() {
            headers.add(name, value);
        }
        if body.is_empty() {
            headers.remove("content-length");
            headers.remove("content-type");
        } else {
            headers.replace("content-length", body.len().to_string().as_bytes());
            if headers.get("content-type").is_none() {
                headers.add("content-type", b"text/plain");
            }
        }
        Self { status, headers, body, details: details.to_owned() }
    }
}
