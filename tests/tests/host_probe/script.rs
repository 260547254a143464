//! Scripts of traffic, and what is observed when one is run.

use std::fmt;

use tidegate::host::Protocol;

/// One exchange: how it is set up, what the probe does, and what client and server send.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    /// Name of the plugin instance, see `hosts.rs`.
    pub(crate) plugin: &'static str,
    pub(crate) downstream: Protocol,
    pub(crate) upstream: Protocol,
    pub(crate) steps: Vec<Step>,
}

/// One thing that the client or the server does. The next is done when this one has had its effect.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Request(Vec<(String, Vec<u8>)>, bool),
    RequestBody(Vec<u8>, bool),
    RequestTrailers(Vec<(String, Vec<u8>)>),
    Response(Vec<(String, Vec<u8>)>, bool),
    ResponseBody(Vec<u8>, bool),
    ResponseTrailers(Vec<(String, Vec<u8>)>),
    ClientGone,
    ServerGone,
}

fn pairs(headers: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
}

impl Script {
    /// A script over HTTP/1.1 whose probe follows these directives.
    pub(crate) fn new(plugin: &'static str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            plugin,
            downstream: Protocol::Http1,
            upstream: Protocol::Http1,
            steps: Vec::new(),
        }
    }

    pub(crate) fn http2(self) -> Self {
        Self { downstream: Protocol::Http2, upstream: Protocol::Http2, name: format!("{}/h2", self.name), ..self }
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn framing(&self, protocol: Protocol, length: Option<usize>, end: bool) -> Vec<(String, Vec<u8>)> {
        match length {
            Some(length) => pairs(&[("content-length", length.to_string().as_bytes())]),
            None if protocol == Protocol::Http1 && !end => pairs(&[("transfer-encoding", b"chunked")]),
            None => Vec::new(),
        }
    }

    /// The request's headers as the filter gets them. `length` is announced; without it HTTP/1.1 sends chunks.
    pub(crate) fn request(
        self,
        method: &str,
        probe: &str,
        headers: &[(&str, &[u8])],
        length: Option<usize>,
        end: bool,
    ) -> Self {
        let path = if self.upstream == Protocol::Http2 { "/h2/path?q=1" } else { "/h1/path?q=1" };
        let mut all = pairs(&[(":authority", b"probe.test"), (":path", path.as_bytes())]);
        let rest = pairs(&[(":method", method.as_bytes()), (":scheme", b"http")]);
        // HTTP/2 clients have an order of their own; HTTP/1.1 is put into Envoy's.
        let at = if self.downstream == Protocol::Http2 { 0 } else { all.len() };
        all.splice(at..at, rest);
        all.extend(pairs(&[("x-case", self.name.as_bytes()), ("x-probe", probe.as_bytes())]));
        all.extend(pairs(headers));
        // Envoy takes `transfer-encoding` off a request before its filters see it, not off a response.
        all.extend(self.framing(Protocol::Http2, length, end));
        self.step(Step::Request(all, end))
    }

    /// A POST of chunks, the last of which ends it.
    pub(crate) fn post(self, probe: &str, length: Option<usize>, chunks: &[&[u8]]) -> Self {
        let mut script = self.request("POST", probe, &[("x-dup", b"one"), ("x-dup", b"two")], length, false);
        for (i, chunk) in chunks.iter().enumerate() {
            script = script.step(Step::RequestBody(chunk.to_vec(), i + 1 == chunks.len()));
        }
        script
    }

    pub(crate) fn request_body(self, bytes: &[u8], end: bool) -> Self {
        self.step(Step::RequestBody(bytes.to_vec(), end))
    }

    pub(crate) fn request_trailers(self) -> Self {
        self.step(Step::RequestTrailers(pairs(&[("x-trailer", b"request")])))
    }

    pub(crate) fn response(self, status: u16, length: Option<usize>, end: bool) -> Self {
        let mut all = pairs(&[
            (":status", status.to_string().as_bytes()),
            ("content-type", b"text/plain"),
            ("x-up", b"1"),
            ("x-up", b"2"),
        ]);
        all.extend(self.framing(self.upstream, length, end));
        self.step(Step::Response(all, end))
    }

    /// A 200 in chunks, the last of which ends it.
    pub(crate) fn answer(self, length: Option<usize>, chunks: &[&[u8]]) -> Self {
        let mut script = self.response(200, length, chunks.is_empty());
        for (i, chunk) in chunks.iter().enumerate() {
            script = script.response_body(chunk, i + 1 == chunks.len());
        }
        script
    }

    pub(crate) fn response_body(self, bytes: &[u8], end: bool) -> Self {
        self.step(Step::ResponseBody(bytes.to_vec(), end))
    }

    pub(crate) fn response_trailers(self) -> Self {
        self.step(Step::ResponseTrailers(pairs(&[("x-trailer", b"response")])))
    }

    pub(crate) fn client_gone(self) -> Self {
        self.step(Step::ClientGone)
    }

    pub(crate) fn server_gone(self) -> Self {
        self.step(Step::ServerGone)
    }
}

/// What one side has received.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Headers that say something about the filter, sorted.
    pub(crate) headers: Option<Vec<String>>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<Vec<String>>,
    /// Complete.
    pub(crate) ended: bool,
    /// Cut off.
    pub(crate) cut: bool,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = if self.body.len() > 100 {
            format!("{} bytes", self.body.len())
        } else {
            self.body.escape_ascii().to_string()
        };
        let end = ["open", "ended", "cut", "ended and cut"][usize::from(self.ended) + 2 * usize::from(self.cut)];
        write!(f, "{:?} {body:?} {:?} {end}", self.headers.as_deref().unwrap_or_default(), self.trailers)
    }
}

/// Headers that Envoy or the HTTP library of the test add on the way.
const TRANSPORT: &[&str] =
    &["date", "server", "connection", "transfer-encoding", "keep-alive", "x-envoy-", "x-forwarded-proto", "host"];

pub(crate) fn telling<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<String> {
    let mut lines: Vec<String> = headers
        .filter(|(name, _)| !TRANSPORT.iter().any(|other| name.starts_with(other)))
        .map(|(name, value)| format!("{name}: {}", value.escape_ascii()))
        .collect();
    lines.sort();
    lines
}

/// What had come of a script after one of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// How many lines of the probe.
    pub(crate) lines: usize,
    pub(crate) upstream: Seen,
    pub(crate) downstream: Seen,
}

/// Everything that came of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The probe's lines, without the script's name.
    pub(crate) lines: Vec<String>,
    /// What there was of all this after each step.
    pub(crate) after_step: Vec<Progress>,
    pub(crate) upstream: Seen,
    pub(crate) downstream: Seen,
}
