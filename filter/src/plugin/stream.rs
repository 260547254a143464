//! The HTTP context: Envoy's callbacks become calls of an [`Exchange`], and its steps become host calls.
//!
//! In hold mode Envoy keeps paused headers and bodies. In no-hold mode headers go on and every chunk is drained into the
//! filter, so that Envoy's buffer limit does not apply; the drained body returns to Envoy when it may go on.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::host::{self, Buffer, Level, Map, Status};
use super::root::{self, Envoy};
use crate::exchange::{
    ChunkStep, Edit, Exchange, GrowthStep, HeaderStep, Headers, Reply, RequestStep, ResponseStep, STALE_FIELDS,
    Surroundings,
};

const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;
/// Up to this many bytes a drained body is paused as well, which lets it return to Envoy even in the trailers' callback.
/// Beyond, it is not, because Envoy ends a stream of which a paused body is over its buffer limit (32 KiB on some).
const PAUSED: usize = 8 * 1024;
/// How long a response may wait for its request to be judged, in nanoseconds. Once Envoy has the whole response, it drops
/// what is still to come of the request and calls the filter no more: without an end such a stream would hang.
const WAIT: u64 = 5_000_000_000;
/// Asks for a whole buffer: Envoy ends at its end.
const ALL: usize = u32::MAX as usize;

thread_local! {
    static STREAMS: RefCell<HashMap<u32, Slot>> = RefCell::new(HashMap::new());
}

/// A stream's place in the table. The table is never borrowed while a callback runs: a host call in it can end the
/// stream, or let Envoy answer it (a body over its buffer limit), and Envoy then calls the filter again before that host
/// call returns.
enum Slot {
    Idle(Box<Stream>),
    Busy { ended: bool, deleted: bool, overruled: bool },
}

/// A response that came before its request was judged.
struct Waiting {
    headers: Headers,
    /// Whether it has no body.
    end: bool,
    /// When it came, in nanoseconds since the Unix epoch.
    since: u64,
}

/// How far the host's part of a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Judged piece by piece.
    Governed,
    /// Everything passes.
    Open,
    /// The filter has answered; its own answer runs through the response callbacks.
    Replied,
    /// The response was broken off: nothing more may go on.
    Cut,
}

pub(super) struct Stream {
    exchange: Exchange,
    envoy: Envoy,
    hold: bool,
    phase: Phase,
    /// The request's body, drained in no-hold mode.
    drained: Vec<u8>,
    waiting: Option<Waiting>,
    response_open: bool,
    response_ended: bool,
    response_headers_held: bool,
    /// Bytes of the response that Envoy holds and the exchange has seen.
    response_seen: usize,
    /// Bytes of the response that were drained in no-hold mode.
    response_drained: usize,
    /// No-hold mode: whether the last chunk was paused after it was drained.
    paused: bool,
    /// Bytes of the body of a request that waits for the rate limit service.
    suspended: usize,
}

pub(super) fn create(context: u32, root: u32) {
    let Some(filter) = root::filter(root) else { return };
    let mut envoy = Envoy::new(Rc::clone(&filter), root, context);
    let hold = filter.configuration.host.hold_headers;
    let exchange = Exchange::new(Arc::clone(&filter.configuration), Arc::clone(&filter.worker), envoy.now());
    let stream = Stream {
        exchange,
        envoy,
        hold,
        phase: Phase::Governed,
        drained: Vec::new(),
        waiting: None,
        response_open: false,
        response_ended: false,
        response_headers_held: false,
        response_seen: 0,
        response_drained: 0,
        paused: false,
        suspended: 0,
    };
    table(|table| table.insert(context, Slot::Idle(Box::new(stream))));
}

/// Runs a callback. A host call that fails, or a stream that is not known, stops the stream: nothing passes by accident.
pub(super) fn with(context: u32, call: impl FnOnce(&mut Stream) -> Result<u32, Status>) -> u32 {
    let Some(mut stream) = take(context) else { return PAUSE };
    let action = call(&mut stream).unwrap_or_else(|status| stream.fail(status));
    give_back(context, stream);
    action
}

/// Runs a callback of the response. One that comes while the stream is in a callback is Envoy's own answer, which passes.
pub(super) fn with_response(context: u32, call: impl FnOnce(&mut Stream) -> Result<u32, Status>) -> u32 {
    let is_overruled = table(|table| match table.get_mut(&context) {
        Some(Slot::Busy { overruled, .. }) => {
            *overruled = true;
            true
        }
        _ => false,
    });
    if is_overruled { CONTINUE } else { with(context, call) }
}

pub(super) fn end(context: u32) {
    if let Some(mut stream) = take(context) {
        stream.exchange.on_end(&mut stream.envoy);
        give_back(context, stream);
    } else {
        table(|table| {
            if let Some(Slot::Busy { ended, .. }) = table.get_mut(&context) {
                *ended = true;
            }
        });
    }
}

pub(super) fn delete(context: u32) {
    table(|table| match table.get_mut(&context) {
        Some(Slot::Busy { deleted, .. }) => *deleted = true,
        Some(Slot::Idle(_)) => drop(table.remove(&context)),
        None => {}
    });
}

/// Answers for the servers whose responses have waited too long for their requests.
pub(super) fn end_waits(now: u64) {
    let is_over = |slot: &Slot| match slot {
        Slot::Idle(stream) => stream.waiting.as_ref().is_some_and(|it| now.saturating_sub(it.since) > WAIT),
        Slot::Busy { .. } => false,
    };
    let over: Vec<u32> = table(|table| table.iter().filter(|(_, slot)| is_over(slot)).map(|(it, _)| *it).collect());
    for context in over {
        with(context, |stream| {
            stream.waiting = None;
            host::set_effective_context(context)?;
            let reply = stream.exchange.on_wait_over(&mut stream.envoy);
            stream.reply(&reply)
        });
    }
}

/// Takes an answer of the rate limit service for a stream that waits for it; None if the call failed.
pub(super) fn answered(context: u32, token: u32, answer: Option<&[u8]>) {
    with(context, |stream| {
        host::set_effective_context(context)?;
        match stream.exchange.on_answer(token, answer, &mut stream.envoy) {
            None | Some(RequestStep::Suspend) => Ok(PAUSE),
            Some(RequestStep::Reply(reply)) => stream.reply(&reply),
            Some(RequestStep::Forward(changed)) => {
                let drained = std::mem::take(&mut stream.drained);
                stream.forward(changed.as_deref(), stream.suspended, &drained)?;
                host::continue_request()?;
                Ok(CONTINUE)
            }
        }
    });
}

fn table<T>(change: impl FnOnce(&mut HashMap<u32, Slot>) -> T) -> T {
    STREAMS.with_borrow_mut(change)
}

/// Takes a stream out for a callback. None if it is not known, or in a callback already.
fn take(context: u32) -> Option<Box<Stream>> {
    table(|table| match table.get_mut(&context) {
        Some(slot @ Slot::Idle(_)) => {
            match std::mem::replace(slot, Slot::Busy { ended: false, deleted: false, overruled: false }) {
                Slot::Idle(stream) => Some(stream),
                Slot::Busy { .. } => None,
            }
        }
        _ => None,
    })
}

/// Puts a stream back after its callback, or ends it if Envoy did so meanwhile.
fn give_back(context: u32, mut stream: Box<Stream>) {
    let (ended, deleted, overruled) = table(|table| match table.get(&context) {
        Some(Slot::Busy { ended, deleted, overruled }) => (*ended, *deleted, *overruled),
        _ => (true, true, false),
    });
    if overruled && stream.phase == Phase::Governed {
        stream.phase = Phase::Open;
    }
    if ended {
        stream.exchange.on_end(&mut stream.envoy);
    }
    table(|table| if deleted { table.remove(&context) } else { table.insert(context, Slot::Idle(stream)) });
}

impl Stream {
    fn fail(&mut self, status: Status) -> u32 {
        host::log(
            Level::Error,
            &format!("tidegate: a host call failed with status {}; the stream is stopped", status.0),
        );
        self.phase = Phase::Replied;
        // A reply cannot reach a client that has response headers already; Envoy then resets the stream itself.
        let body = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"The proxy failed to judge this message, so it was not sent. Retry; if it fails again, tell the operator."}}"#;
        let lines = [("content-type", "application/json".to_owned())];
        if host::reply(500, "tidegate_host_call", &lines, body).is_err() {
            let _ = host::reset_response();
        }
        PAUSE
    }

    fn reply(&mut self, reply: &Reply) -> Result<u32, Status> {
        self.phase = Phase::Replied;
        host::reply(reply.status, &reply.details, &reply.headers, &reply.body)?;
        Ok(PAUSE)
    }

    pub(super) fn request_headers(&mut self, end: bool) -> Result<u32, Status> {
        let headers = host::headers(Map::Request)?;
        match self.exchange.on_request_headers(&headers, end, &mut self.envoy) {
            HeaderStep::Ungoverned => {
                self.phase = Phase::Open;
                Ok(CONTINUE)
            }
            HeaderStep::Continue(edits) => {
                edit(Map::Request, &edits)?;
                Ok(CONTINUE)
            }
            HeaderStep::Hold(edits) => {
                edit(Map::Request, &edits)?;
                Ok(if self.hold { PAUSE } else { CONTINUE })
            }
            HeaderStep::Reply(reply) => self.reply(&reply),
        }
    }

    pub(super) fn request_body(&mut self, size: usize, end: bool) -> Result<u32, Status> {
        match self.phase {
            Phase::Open => return Ok(CONTINUE),
            Phase::Replied | Phase::Cut => return Ok(PAUSE),
            Phase::Governed if self.exchange.is_request_settled() => return self.settled_body(size),
            Phase::Governed if self.exchange.is_suspended() => return Ok(PAUSE),
            Phase::Governed => {}
        }
        let total = if self.hold {
            size
        } else {
            self.drained.append(&mut host::buffer(Buffer::RequestBody, 0, size)?);
            if size > 0 {
                host::replace_start(Buffer::RequestBody, size, b"")?;
            }
            self.drained.len()
        };
        match self.exchange.on_request_growth(total, &mut self.envoy) {
            GrowthStep::Hold if !end && self.hold => Ok(PAUSE),
            GrowthStep::Hold if !end => Ok(self.drain_action(total)),
            GrowthStep::Hold if self.hold => {
                let body = host::buffer(Buffer::RequestBody, 0, size)?;
                self.request_end(body)
            }
            GrowthStep::Hold => {
                let body = std::mem::take(&mut self.drained);
                self.request_end(body)
            }
            GrowthStep::Forward => {
                self.phase = Phase::Open;
                if !self.hold {
                    host::replace_start(Buffer::RequestBody, 0, &self.drained)?;
                }
                Ok(CONTINUE)
            }
            GrowthStep::Reply(reply) => self.reply(&reply),
        }
    }

    /// What to return for a drained chunk, when `total` bytes are held by now.
    fn drain_action(&mut self, total: usize) -> u32 {
        self.paused = total <= PAUSED;
        if self.paused { PAUSE } else { CONTINUE }
    }

    /// What still comes of a request whose fate is known: it was forwarded, or an early error of the upstream ended it.
    fn settled_body(&mut self, size: usize) -> Result<u32, Status> {
        if self.exchange.is_overtaken() && size > 0 {
            host::replace_start(Buffer::RequestBody, size, b"")?;
        }
        Ok(CONTINUE)
    }

    pub(super) fn request_trailers(&mut self) -> Result<u32, Status> {
        match self.phase {
            Phase::Open => return Ok(CONTINUE),
            Phase::Replied | Phase::Cut => return Ok(PAUSE),
            Phase::Governed if self.exchange.is_request_settled() => return Ok(CONTINUE),
            Phase::Governed if self.exchange.is_suspended() => return Ok(PAUSE),
            Phase::Governed => {}
        }
        // Trailers end a body too, and Envoy then never says so in the body callback.
        let body =
            if self.hold { host::buffer(Buffer::RequestBody, 0, ALL)? } else { std::mem::take(&mut self.drained) };
        self.request_end(body)
    }

    fn request_end(&mut self, body: Vec<u8>) -> Result<u32, Status> {
        match self.exchange.on_request_end(&body, &mut self.envoy) {
            RequestStep::Reply(reply) => self.reply(&reply),
            RequestStep::Suspend => {
                self.suspended = body.len();
                if !self.hold {
                    self.drained = body;
                }
                Ok(PAUSE)
            }
            RequestStep::Forward(changed) => {
                self.forward(changed.as_deref(), body.len(), &body)?;
                Ok(CONTINUE)
            }
        }
    }

    /// Hands a judged request back to Envoy, `changed` if that is given: in hold mode Envoy has the `size` bytes of its
    /// body, in no-hold mode they are in `drained`.
    fn forward(&mut self, changed: Option<&[u8]>, size: usize, drained: &[u8]) -> Result<(), Status> {
        match changed {
            Some(changed) if self.hold => {
                host::replace_start(Buffer::RequestBody, size, changed)?;
                // Envoy never corrects it, and a stale one lets the server read a second request.
                host::set_header(Map::Request, "content-length", &changed.len().to_string())?;
            }
            None if self.hold => {}
            _ => host::replace_start(Buffer::RequestBody, 0, changed.unwrap_or(drained))?,
        }
        if let Some(Waiting { headers, end, .. }) = self.waiting.take() {
            if self.judged_response_headers(&headers, end)? == CONTINUE {
                host::continue_response()?;
            }
        }
        Ok(())
    }

    pub(super) fn response_headers(&mut self, end: bool) -> Result<u32, Status> {
        if self.phase != Phase::Governed {
            return Ok(CONTINUE);
        }
        let headers = host::response_headers()?;
        self.judged_response_headers(&headers, end)
    }

    fn judged_response_headers(&mut self, headers: &Headers, end: bool) -> Result<u32, Status> {
        let step = self.exchange.on_response_headers(headers, end, &mut self.envoy);
        if !matches!(step, ResponseStep::Wait | ResponseStep::Reply(_)) {
            edit(Map::Response, &self.exchange.response_edits(headers, &mut self.envoy))?;
        }
        match step {
            ResponseStep::Open(edits) => {
                self.response_open = true;
                remove(Map::Response, edits)?;
                Ok(CONTINUE)
            }
            ResponseStep::Continue(edits) => {
                remove(Map::Response, edits)?;
                Ok(CONTINUE)
            }
            ResponseStep::Hold(edits) => {
                remove(Map::Response, edits)?;
                self.response_headers_held = self.hold;
                Ok(if self.hold { PAUSE } else { CONTINUE })
            }
            ResponseStep::Wait => {
                self.waiting = Some(Waiting { headers: headers.clone(), end, since: host::now() });
                Ok(PAUSE)
            }
            ResponseStep::Reply(reply) => self.reply(&reply),
        }
    }

    pub(super) fn response_body(&mut self, size: usize, end: bool) -> Result<u32, Status> {
        if let Some(action) = self.past_judging() {
            return Ok(action);
        }
        if self.waiting.is_some() {
            return Ok(PAUSE);
        }
        let chunk = host::buffer(Buffer::ResponseBody, self.response_seen, size.saturating_sub(self.response_seen))?;
        self.response_chunk(&chunk, size, end)
    }

    pub(super) fn response_trailers(&mut self) -> Result<u32, Status> {
        if let Some(action) = self.past_judging() {
            return Ok(action);
        }
        if self.response_drained > 0 && !self.paused {
            self.exchange.on_response_stranded(PAUSED, &mut self.envoy);
            return self.cut();
        }
        self.response_chunk(&[], self.response_seen, true)
    }

    fn cut(&mut self) -> Result<u32, Status> {
        self.phase = Phase::Cut;
        host::reset_response()?;
        Ok(PAUSE)
    }

    /// What to return for a part of the response that is not judged.
    fn past_judging(&self) -> Option<u32> {
        match self.phase {
            Phase::Cut => Some(PAUSE),
            Phase::Open | Phase::Replied => Some(CONTINUE),
            Phase::Governed => (self.response_open || self.response_ended).then_some(CONTINUE),
        }
    }

    /// `size` is what Envoy's buffer holds, `chunk` the part of it that the exchange has not seen.
    fn response_chunk(&mut self, chunk: &[u8], size: usize, end: bool) -> Result<u32, Status> {
        self.response_ended = end;
        let (body, refused) = match self.exchange.on_response_chunk(chunk, end, &mut self.envoy) {
            ChunkStep::Hold if self.hold => {
                self.response_seen = size;
                return Ok(PAUSE);
            }
            ChunkStep::Hold => {
                if size > 0 {
                    host::replace_start(Buffer::ResponseBody, size, b"")?;
                }
                self.response_drained += chunk.len();
                return Ok(self.drain_action(self.response_drained));
            }
            ChunkStep::Pass => {
                self.response_seen = 0;
                self.response_headers_held = false;
                if std::mem::take(&mut self.response_drained) > 0 {
                    let held = self.exchange.take_held();
                    host::replace_start(Buffer::ResponseBody, size, &held)?;
                }
                return Ok(CONTINUE);
            }
            ChunkStep::Cut => return self.cut(),
            ChunkStep::Rewrite(body) => {
                self.response_seen = 0;
                self.response_drained = 0;
                if size > 0 || !body.is_empty() {
                    host::replace_start(Buffer::ResponseBody, size, &body)?;
                }
                if std::mem::take(&mut self.response_headers_held) {
                    host::remove_header(Map::Response, "content-length")?;
                    remove(Map::Response, &STALE_FIELDS)?;
                }
                return Ok(CONTINUE);
            }
            ChunkStep::Replace(body) => (body, false),
            ChunkStep::Deny(body) => (body, true),
        };
        self.response_seen = 0;
        self.response_drained = 0;
        if size > 0 || !body.is_empty() {
            host::replace_start(Buffer::ResponseBody, size, &body)?;
        }
        if std::mem::take(&mut self.response_headers_held) {
            // The body is complete: what may still come of the server's is swallowed.
            host::set_header(Map::Response, "content-length", &body.len().to_string())?;
            remove(Map::Response, &STALE_FIELDS)?;
            if refused {
                host::set_header(Map::Response, ":status", "200")?;
                host::set_header(Map::Response, "content-type", "application/json")?;
            }
        }
        Ok(CONTINUE)
    }
}

fn edit(map: Map, edits: &[Edit]) -> Result<(), Status> {
    edits.iter().try_for_each(|edit| match edit {
        Edit::Remove(name) => host::remove_header(map, name),
        Edit::Set(name, value) => host::set_header(map, name, value),
    })
}

fn remove(map: Map, names: &[&str]) -> Result<(), Status> {
    names.iter().try_for_each(|name| host::remove_header(map, name))
}
