//! One exchange, step by step.

use super::headers::Headers;
use super::message::{Event, LocalReply, Message};
use super::property::{Properties, Value};
use super::state::{Flow, StreamState};
use super::vm::{Core, Vm};
use super::{Direction, Protocol};

/// One exchange through the filter, driven step by step: what the client and the server send goes in, what they get is
/// read off. An input that Envoy would not pass on any more is ignored.
///
/// Dropping a stream that is open lets the client leave.
#[derive(Debug)]
pub struct Stream {
    pub(crate) vm: Vm,
    pub(crate) key: u64,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.client_gone();
        self.vm.core.borrow_mut().state().streams.remove(&self.key);
    }
}

impl Stream {
    /// Sets a property of this stream, see [`Properties::set`].
    pub fn set_property(&self, path: &str, value: impl Into<Value>) {
        self.with(|stream| {
            stream.properties.set(path, value);
        });
    }

    /// Replaces the properties of this stream.
    pub fn set_properties(&self, properties: Properties) {
        self.with(|stream| stream.properties = properties);
    }

    /// The client sends headers, as the filter sees them: with `:authority`, `:path`, `:method` and `:scheme`.
    pub fn request_headers<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
        end: bool,
    ) -> &Self {
        let headers = Headers::new(headers);
        self.step(|core, key| {
            core.create_context(key);
            if let Some(stream) = core.stream(key) {
                stream.request.headers = Some(headers);
            }
            core.headers(key, Direction::Request, end);
        })
    }

    /// The client sends part of its body.
    pub fn request_body(&self, bytes: impl AsRef<[u8]>, end: bool) -> &Self {
        let bytes = bytes.as_ref().to_vec();
        self.step(|core, key| core.body(key, Direction::Request, bytes, end))
    }

    /// The client ends its body with trailers.
    pub fn request_trailers<N: AsRef<str>, V: AsRef<[u8]>>(&self, trailers: impl IntoIterator<Item = (N, V)>) -> &Self {
        let trailers = Headers::new(trailers);
        self.step(|core, key| core.trailing(key, Direction::Request, trailers))
    }

    /// The server sends headers, as the filter sees them: with `:status`. Ignored while the server was sent nothing.
    pub fn response_headers<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
        end: bool,
    ) -> &Self {
        let headers = Headers::new(headers);
        self.step(|core, key| {
            let Some(stream) = core.stream(key).filter(|stream| stream.server_may_speak()) else { return };
            stream.response.headers = Some(headers);
            stream.upstream_response_ended = end;
            core.headers(key, Direction::Response, end);
        })
    }

    /// The server sends part of its body.
    pub fn response_body(&self, bytes: impl AsRef<[u8]>, end: bool) -> &Self {
        let bytes = bytes.as_ref().to_vec();
        self.step(|core, key| {
            let Some(stream) = core.stream(key).filter(|stream| stream.server_may_speak()) else { return };
            stream.upstream_response_ended = end;
            core.body(key, Direction::Response, bytes, end);
        })
    }

    /// The server ends its body with trailers.
    pub fn response_trailers<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        trailers: impl IntoIterator<Item = (N, V)>,
    ) -> &Self {
        let trailers = Headers::new(trailers);
        self.step(|core, key| {
            let Some(stream) = core.stream(key).filter(|stream| stream.server_may_speak()) else { return };
            stream.upstream_response_ended = true;
            core.trailing(key, Direction::Response, trailers);
        })
    }

    /// The client leaves.
    pub fn client_gone(&self) -> &Self {
        self.step(Core::reset)
    }

    /// The server's connection breaks: Envoy answers 503 before the response's headers, 502 while they are held, and cuts
    /// the stream after.
    pub fn server_gone(&self) -> &Self {
        self.step(|core, key| {
            let Some(stream) = core.stream(key).filter(|stream| stream.server_may_speak()) else { return };
            stream.upstream.reset = true;
            let (status, reason, details) = if stream.response_started {
                (502, "protocol error", "upstream_reset_after_response_started")
            } else {
                (503, "connection termination", "upstream_reset_before_response_started")
            };
            let body = format!("upstream connect error or disconnect/reset before headers. reset reason: {reason}");
            core.local_reply(key, LocalReply::new(status, &Headers::default(), body.into_bytes(), details));
        })
    }

    /// What the server has been sent so far.
    pub fn upstream(&self) -> Message {
        self.with(|stream| stream.upstream.clone())
    }

    /// What the client has been sent so far.
    pub fn downstream(&self) -> Message {
        self.with(|stream| stream.downstream.clone())
    }

    /// Everything that left the proxy, in order, with the moment it did.
    pub fn events(&self) -> Vec<Event> {
        self.with(|stream| stream.events.clone())
    }

    /// The responses that the guest or Envoy itself asked for, whether they reached the client or came too late.
    pub fn local_replies(&self) -> Vec<LocalReply> {
        self.with(|stream| stream.local_replies.clone())
    }

    /// Whether the exchange is over and the guest has forgotten it.
    pub fn ended(&self) -> bool {
        self.with(|stream| stream.ended)
    }

    /// A value that the guest wrote with `proxy_set_property` (filter state `wasm.<name>`).
    pub fn filter_state(&self, name: &str) -> Option<Vec<u8>> {
        self.with(|stream| stream.written.get(name).cloned())
    }

    /// Ends the script: a stream still open hangs in Envoy until a timeout; here the client leaves.
    pub fn finish(self) -> Finished {
        let hung = !self.ended();
        self.client_gone();
        Finished {
            upstream: self.upstream(),
            downstream: self.downstream(),
            events: self.events(),
            local_replies: self.local_replies(),
            hung,
        }
    }

    fn step(&self, f: impl FnOnce(&mut Core, u64)) -> &Self {
        let mut core = self.vm.core.borrow_mut();
        if let Some(stream) = core.stream(self.key)
            && !stream.ended
        {
            stream.step += 1;
            f(&mut core, self.key);
            core.run_actions();
        }
        drop(core);
        self
    }

    fn with<T: Default>(&self, f: impl FnOnce(&mut StreamState) -> T) -> T {
        self.vm.core.borrow_mut().stream(self.key).map(f).unwrap_or_default()
    }
}

/// What came of an exchange.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What the server was sent.
    pub upstream: Message,
    /// What the client was sent.
    pub downstream: Message,
    /// Both, in order, with the moment of each.
    pub events: Vec<Event>,
    /// The responses that the guest or Envoy itself asked for.
    pub local_replies: Vec<LocalReply>,
    /// The script was at its end and the exchange was not.
    pub hung: bool,
}

impl StreamState {
    fn server_may_speak(&self) -> bool {
        self.upstream.headers.is_some() && !self.upstream.reset && !self.upstream_response_ended
    }
}

impl Core {
    pub(crate) fn open_stream(&mut self, protocol: Protocol, upstream_protocol: Protocol) -> u64 {
        self.reload_if_failed();
        let state = self.state();
        let key = state.next_stream;
        state.next_stream += 1;
        let stream = StreamState {
            protocol,
            upstream_protocol,
            generation: state.generation,
            context: 0,
            created: false,
            request: Flow::default(),
            response: Flow::default(),
            properties: state.options.properties.clone(),
            written: std::collections::BTreeMap::new(),
            started_at: state.options.clock.now(),
            end_of_stream: false,
            local_complete: false,
            response_started: false,
            response_headers_sent: false,
            failed: false,
            prepared: None,
            access_log: false,
            ended: false,
            upstream_response_ended: false,
            local_replies: Vec::new(),
            upstream: Message::default(),
            downstream: Message::default(),
            events: Vec::new(),
            step: 0,
            during: None,
        };
        state.streams.insert(key, stream);
        key
    }

    /// Tells the guest of a stream, whose first headers have come.
    fn create_context(&mut self, key: u64) {
        let state = self.state();
        let (root, generation) = (state.root, state.generation);
        let context = state.allocate_context();
        let Some(stream) = state.streams.get_mut(&key) else { return };
        stream.context = context;
        stream.created = true;
        if stream.generation != generation {
            return;
        }
        state.contexts.insert(context, key);
        self.call("proxy_on_context_create", context, &[root]);
        self.run_actions();
    }

    /// HTTP/1.1 gives the data first and its end by itself; HTTP/2 both at once.
    fn body(&mut self, key: u64, direction: Direction, bytes: Vec<u8>, end: bool) {
        if self.protocol(key, direction) == Protocol::Http2 {
            self.data(key, direction, bytes, end, false);
            return;
        }
        if !bytes.is_empty() {
            self.data(key, direction, bytes, false, false);
        }
        if end {
            self.data(key, direction, Vec::new(), true, false);
        }
    }

    /// HTTP/1.1 trailers are dropped unless they are enabled; the body then simply ends.
    fn trailing(&mut self, key: u64, direction: Direction, trailers: Headers) {
        if self.protocol(key, direction) == Protocol::Http1 && !self.state().options.http1_trailers {
            self.body(key, direction, Vec::new(), true);
            return;
        }
        let Some(stream) = self.stream(key) else { return };
        stream.flow(direction).trailers = Some(trailers);
        self.trailers(key, direction, false);
    }

    fn protocol(&mut self, key: u64, direction: Direction) -> Protocol {
        self.stream(key).map_or(Protocol::Http1, |stream| match direction {
            Direction::Request => stream.protocol,
            Direction::Response => stream.upstream_protocol,
        })
    }
}
