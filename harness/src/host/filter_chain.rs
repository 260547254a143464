//! The part of Envoy's HTTP filter manager that decides when a filter is called, what it holds back and what goes on.
//!
//! The chain is: codec, this filter, router. Requests run down it and responses up; both follow the same rules. What is
//! written here follows Envoy 1.40 as it was observed, with its traps: nothing is put right.

use super::ending::LAST_CALLBACKS;
use super::message::{LocalReply, Released, Side};
use super::state::{Action, Iteration, StreamState};
use super::vm::Core;
use super::{Direction, Protocol};

const STOP_SINGLE: u32 = 1;
const STOP_ALL_BUFFER: u32 = 3;
const STOP_ALL: u32 = 4;
const STOP_AND_BUFFER: u32 = 1;
const STOP_AND_WATERMARK: u32 = 2;
const STOP_NO_BUFFER: u32 = 3;

/// What a callback came to.
enum Called {
    Returned(u32),
    /// A local reply was asked for: the filter is stopped whatever it returned.
    Stopped,
    /// The VM has failed.
    Failed,
    /// The guest has no such callback.
    Skipped,
}

impl Core {
    pub(crate) fn stream(&mut self, key: u64) -> Option<&mut StreamState> {
        self.state().streams.get_mut(&key)
    }

    /// Whether what still arrives in this direction is dropped.
    fn blocked(&mut self, key: u64, direction: Direction) -> bool {
        self.stream(key).is_none_or(|s| match direction {
            Direction::Request => s.ended || s.local_complete || s.request.aborted,
            Direction::Response => s.ended || s.response.aborted,
        })
    }

    fn callback(&mut self, key: u64, direction: Direction, name: &'static str, arguments: &[u32]) -> Called {
        let generation = self.state().generation;
        let Some(stream) = self.stream(key) else { return Called::Failed };
        let (context, own) = (stream.context, stream.generation);
        stream.flow(direction).in_callback += 1;
        let outer = stream.during.replace(name);
        let called = if self.failure.is_some() || own != generation {
            self.fail_stream(key);
            Called::Failed
        } else if !self.has(name) {
            Called::Skipped
        } else {
            let returned = self.call(name, context, arguments);
            let stopped = std::mem::take(&mut self.state().stop_iteration);
            if self.failure.is_some() {
                self.fail_stream(key);
            }
            self.run_actions();
            match returned {
                _ if self.failure.is_some() => Called::Failed,
                _ if stopped => Called::Stopped,
                returned => Called::Returned(returned.unwrap_or(0)),
            }
        };
        if let Some(stream) = self.stream(key) {
            stream.flow(direction).in_callback -= 1;
            stream.during = outer;
        }
        called
    }

    /// A callback of the request was left: a local reply that waited for it goes out. True when the chain is cut.
    fn cut(&mut self, key: u64, direction: Direction) -> bool {
        let Some(stream) = self.stream(key) else { return true };
        if stream.ended {
            return true;
        }
        if !stream.flow(direction).aborted {
            return false;
        }
        if direction == Direction::Request
            && stream.request.in_callback == 0
            && let Some(reply) = stream.prepared.take()
        {
            self.reply_through_chain(key, reply);
        }
        true
    }

    /// Headers enter the chain.
    pub(crate) fn headers(&mut self, key: u64, direction: Direction, end: bool) {
        if self.blocked(key, direction) {
            return;
        }
        let hold = self.state().options.hold_flag;
        let Some(stream) = self.stream(key) else { return };
        if direction == Direction::Response {
            stream.response_started = true;
            stream.local_complete |= end;
        }
        let silent = !stream.created || (direction == Direction::Response && stream.failed);
        stream.flow(direction).end_seen |= end;
        let mut status = 0;
        if !silent {
            stream.end_of_stream = end;
            let flow = stream.flow(direction);
            flow.headers_alive = true;
            let count = u32::try_from(flow.headers.as_ref().map_or(0, super::Headers::len)).unwrap_or(u32::MAX);
            let name = match direction {
                Direction::Request => "proxy_on_request_headers",
                Direction::Response => "proxy_on_response_headers",
            };
            status = match self.callback(key, direction, name, &[count, u32::from(end)]) {
                Called::Returned(STOP_SINGLE) if hold => STOP_SINGLE,
                Called::Returned(status) if status != STOP_SINGLE && status <= STOP_ALL => status,
                Called::Skipped => 0,
                _ => STOP_ALL,
            };
            // 2 is "continue and end the stream", which Envoy does not take from a guest.
            if status == 2 {
                status = 0;
            }
        }
        let cut = self.cut(key, direction);
        let Some(stream) = self.stream(key) else { return };
        let flow = stream.flow(direction);
        if status == 0 {
            flow.headers_alive = false;
        }
        if cut {
            return;
        }
        match status {
            STOP_SINGLE => flow.iteration = Iteration::StopSingle,
            STOP_ALL | STOP_ALL_BUFFER => flow.iteration = Iteration::StopAll,
            _ => {
                flow.headers_continued = true;
                self.release_headers(key, direction, end);
            }
        }
    }

    /// Part of a body enters the chain. `resumed`: it is what was held back while everything was stopped.
    pub(crate) fn data(&mut self, key: u64, direction: Direction, data: Vec<u8>, end: bool, resumed: bool) {
        if self.blocked(key, direction) {
            return;
        }
        let Some(stream) = self.stream(key) else { return };
        if direction == Direction::Response {
            stream.local_complete |= end;
        }
        let silent = !stream.created || (direction == Direction::Response && stream.failed);
        let flow = stream.flow(direction);
        flow.end_seen |= end;
        if !resumed && flow.iteration == Iteration::StopAll {
            self.hold_back(key, direction, &data);
            return;
        }
        let had_trailers = flow.trailers.is_some();
        let mut status = 0;
        let mut data = Some(data);
        if !silent {
            if flow.buffering {
                flow.in_callback += 1;
                self.hold_back(key, direction, &data.replace(Vec::new()).unwrap_or_default());
                let Some(stream) = self.stream(key) else { return };
                stream.flow(direction).in_callback -= 1;
                if stream.ended {
                    return;
                }
            }
            status = self.body_callback(key, direction, data.take().unwrap_or_default(), end);
        }
        let cut = self.cut(key, direction);
        let Some(stream) = self.stream(key) else { return };
        let flow = stream.flow(direction);
        let data = data.or_else(|| flow.current.take()).unwrap_or_default();
        flow.current_alive = false;
        flow.buffering = status == STOP_AND_BUFFER && !silent;
        if cut {
            return;
        }
        let made_trailers = !had_trailers && flow.trailers.is_some();
        match status {
            0 if flow.iteration == Iteration::StopSingle => {
                self.hold_back(key, direction, &data);
                self.resume(key, direction);
            }
            0 => {
                self.release_body(key, direction, data, end && !made_trailers);
                if made_trailers {
                    self.release_trailers(key, direction);
                }
            }
            STOP_AND_BUFFER | STOP_AND_WATERMARK => {
                flow.iteration = Iteration::StopSingle;
                if resumed {
                    flow.buffered = Some(data);
                } else if status == STOP_AND_BUFFER {
                    self.hold_back(key, direction, &data);
                } else {
                    flow.buffered.get_or_insert_default().extend_from_slice(&data);
                }
            }
            _ => {
                flow.iteration = Iteration::StopSingle;
                if flow.end_seen && flow.trailers.is_none() {
                    flow.buffered.get_or_insert_default();
                }
            }
        }
    }

    /// Calls the guest for a chunk, or for everything held back so far.
    fn body_callback(&mut self, key: u64, direction: Direction, data: Vec<u8>, end: bool) -> u32 {
        let Some(stream) = self.stream(key) else { return STOP_NO_BUFFER };
        stream.end_of_stream = end;
        let flow = stream.flow(direction);
        flow.current = Some(data);
        flow.current_alive = true;
        let size = u32::try_from(flow.body().map_or(0, |body| body.len())).unwrap_or(u32::MAX);
        let name = match direction {
            Direction::Request => "proxy_on_request_body",
            Direction::Response => "proxy_on_response_body",
        };
        match self.callback(key, direction, name, &[size, u32::from(end)]) {
            Called::Returned(status) if status <= STOP_NO_BUFFER => status,
            Called::Skipped => 0,
            _ => STOP_NO_BUFFER,
        }
    }

    /// Trailers enter the chain. `resumed`: after everything was stopped.
    pub(crate) fn trailers(&mut self, key: u64, direction: Direction, resumed: bool) {
        if self.blocked(key, direction) {
            return;
        }
        let Some(stream) = self.stream(key) else { return };
        if direction == Direction::Response {
            stream.local_complete = true;
        }
        let silent = !stream.created || (direction == Direction::Response && stream.failed);
        let flow = stream.flow(direction);
        flow.end_seen = true;
        if !resumed && flow.iteration == Iteration::StopAll {
            return;
        }
        let mut stopped = false;
        if !silent {
            flow.trailers_alive = true;
            let count = u32::try_from(flow.trailers.as_ref().map_or(0, super::Headers::len)).unwrap_or(u32::MAX);
            let name = match direction {
                Direction::Request => "proxy_on_request_trailers",
                Direction::Response => "proxy_on_response_trailers",
            };
            stopped = !matches!(self.callback(key, direction, name, &[count]), Called::Returned(0) | Called::Skipped);
        }
        let cut = self.cut(key, direction);
        let Some(stream) = self.stream(key) else { return };
        let flow = stream.flow(direction);
        flow.trailers_alive &= stopped;
        if cut {
            return;
        }
        match flow.iteration {
            Iteration::StopSingle if !stopped => self.resume(key, direction),
            Iteration::Continue if stopped => flow.iteration = Iteration::StopSingle,
            _ if !stopped => self.release_trailers(key, direction),
            _ => {}
        }
    }

    /// Adds to what is held back; over the limit Envoy answers by itself.
    fn hold_back(&mut self, key: u64, direction: Direction, data: &[u8]) {
        let limit = self.state().options.buffer_limit;
        let Some(stream) = self.stream(key) else { return };
        let flow = stream.flow(direction);
        flow.buffered.get_or_insert_default().extend_from_slice(data);
        if flow.overflows(limit) {
            self.too_large(key, direction);
        }
    }

    fn too_large(&mut self, key: u64, direction: Direction) {
        let reply = LocalReply::too_large(direction);
        self.local_reply(key, reply);
    }

    /// Lets go what is held back, as far as the chain allows.
    pub(crate) fn resume(&mut self, key: u64, direction: Direction) {
        if self.blocked(key, direction) {
            return;
        }
        let Some(stream) = self.stream(key) else { return };
        let flow = stream.flow(direction);
        let from_here = flow.iteration == Iteration::StopAll;
        flow.iteration = Iteration::Continue;
        let had_trailers = flow.trailers.is_some();
        let end = flow.end_seen;
        if !flow.headers_continued {
            flow.headers_continued = true;
            let whole = end && flow.buffered.is_none() && !had_trailers;
            self.release_headers(key, direction, whole);
        }
        let Some(stream) = self.stream(key) else { return };
        let flow = stream.flow(direction);
        if let Some(data) = flow.buffered.take() {
            if from_here {
                self.data(key, direction, data, end && !had_trailers, true);
            } else {
                flow.buffered = Some(Vec::new());
                self.release_body(key, direction, data, end && !had_trailers);
            }
        }
        if had_trailers {
            if from_here {
                self.trailers(key, direction, true);
            } else {
                self.release_trailers(key, direction);
            }
        }
    }

    fn release_headers(&mut self, key: u64, direction: Direction, end: bool) {
        let Some(stream) = self.stream(key) else { return };
        if direction == Direction::Response {
            stream.send_response_headers();
        }
        let headers = stream.flow_ref(direction).headers.clone().unwrap_or_default();
        self.release(key, direction, Released::Headers(headers, end), end);
    }

    fn release_body(&mut self, key: u64, direction: Direction, data: Vec<u8>, end: bool) {
        if !data.is_empty() || end {
            self.release(key, direction, Released::Body(data, end), end);
        }
    }

    fn release_trailers(&mut self, key: u64, direction: Direction) {
        let Some(stream) = self.stream(key) else { return };
        let trailers = stream.flow_ref(direction).trailers.clone().unwrap_or_default();
        let protocol = match direction {
            Direction::Request => stream.upstream_protocol,
            Direction::Response => stream.protocol,
        };
        let sent = !trailers.is_empty() && (protocol == Protocol::Http2 || self.state().options.http1_trailers);
        let last = if sent { Released::Trailers(trailers) } else { Released::Body(Vec::new(), true) };
        self.release(key, direction, last, true);
    }

    fn release(&mut self, key: u64, direction: Direction, what: Released, end: bool) {
        let Some(stream) = self.stream(key) else { return };
        match direction {
            Direction::Request => stream.release(Side::Upstream, what),
            Direction::Response => {
                stream.release(Side::Downstream, what);
                if end {
                    self.end(key);
                }
            }
        }
    }

    /// A response that does not come from the server: the guest's, or Envoy's own.
    pub(crate) fn local_reply(&mut self, key: u64, reply: LocalReply) {
        let Some(stream) = self.stream(key) else { return };
        if stream.ended {
            return;
        }
        stream.local_replies.push(reply.clone());
        let in_request = stream.request.in_callback > 0;
        if in_request {
            stream.request.aborted = true;
        } else if stream.response.in_callback > 0 {
            stream.response.aborted = true;
        }
        if !stream.response_started {
            if in_request {
                stream.prepared.get_or_insert(reply);
            } else {
                self.reply_through_chain(key, reply);
            }
        } else if !stream.response_headers_sent {
            stream.reply_past_filter(reply);
            self.end(key);
        } else {
            self.reset(key);
        }
    }

    /// The filter's own response callbacks run on its local reply.
    fn reply_through_chain(&mut self, key: u64, reply: LocalReply) {
        let Some(stream) = self.stream(key) else { return };
        let end = reply.body.is_empty() || stream.is_head();
        stream.response.headers = Some(reply.headers);
        self.headers(key, Direction::Response, end);
        if !end {
            self.data(key, Direction::Response, reply.body, true, false);
        }
    }

    /// Cuts the stream.
    pub(crate) fn reset(&mut self, key: u64) {
        let Some(stream) = self.stream(key) else { return };
        stream.release(Side::Downstream, Released::Reset);
        self.end(key);
    }

    /// The VM has failed: 503 while that is possible, else the stream is cut. The guest is not called for it.
    pub(crate) fn fail_stream(&mut self, key: u64) {
        let Some(stream) = self.stream(key) else { return };
        if std::mem::replace(&mut stream.failed, true) {
            return;
        }
        let reply = LocalReply::new(503, &super::Headers::default(), Vec::new(), "wasm_fail_stream");
        self.local_reply(key, reply);
    }

    /// The exchange is over: `proxy_on_log`, `proxy_on_done`, `proxy_on_delete`, in Envoy's order.
    pub(crate) fn end(&mut self, key: u64) {
        let generation = self.state().generation;
        let Some(stream) = self.stream(key) else { return };
        if !stream.close() {
            return;
        }
        let (context, own, created) = (stream.context, stream.generation, stream.created);
        if !created || own != generation {
            return;
        }
        for callback in LAST_CALLBACKS {
            if let Some(stream) = self.stream(key) {
                stream.access_log = callback == "proxy_on_log";
            }
            self.call(callback, context, &[]);
            self.state().stop_iteration = false;
            self.run_actions();
        }
        self.state().contexts.remove(&context);
    }

    /// Does what host calls put off until the callback was over.
    pub(crate) fn run_actions(&mut self) {
        for action in std::mem::take(&mut self.state().actions) {
            match action {
                Action::LocalReply { stream, status, headers, body, details } => {
                    self.local_reply(stream, LocalReply::new(status, &headers, body, &details));
                }
                Action::Continue { stream, direction } => self.resume(stream, direction),
                Action::Close { stream } => self.reset(stream),
                Action::TooLarge { stream, direction } => self.too_large(stream, direction),
            }
        }
    }
}
