//! How a stream ends, be it between two callbacks or inside a host call.

use wasmtime::{AsContextMut as _, Extern, Val};

use super::memory::Guest;
use super::message::{Event, LocalReply, Released, Side};
use super::state::StreamState;
use super::{Direction, Headers, Protocol};

/// What the guest is told at the end, in Envoy's order.
pub(crate) const LAST_CALLBACKS: [&str; 3] = ["proxy_on_log", "proxy_on_done", "proxy_on_delete"];

impl LocalReply {
    /// What Envoy answers when it would have to hold back more than the buffer limit.
    pub(crate) fn too_large(direction: Direction) -> Self {
        let (status, body, details) = match direction {
            Direction::Request => (413, "Payload Too Large", "request_payload_too_large"),
            Direction::Response => (500, "Internal Server Error", "response_payload_too_large"),
        };
        Self::new(status, &Headers::default(), body.as_bytes().to_vec(), details)
    }
}

impl StreamState {
    pub(crate) fn is_head(&self) -> bool {
        self.request.headers.as_ref().and_then(|headers| headers.text(":method")).as_deref() == Some("HEAD")
    }

    /// The response's headers are about to go out. HTTP/1.1 cannot keep a connection whose request did not end before.
    pub(crate) fn send_response_headers(&mut self) {
        self.response_headers_sent = true;
        if self.protocol == Protocol::Http1
            && !self.request.end_seen
            && let Some(headers) = &mut self.response.headers
        {
            headers.replace("connection", b"close");
        }
    }

    /// The response's headers have entered the chain and not left it: the reply goes past the filter.
    pub(crate) fn reply_past_filter(&mut self, reply: LocalReply) {
        let end = reply.body.is_empty() || self.is_head();
        self.response.aborted = true;
        self.response.headers = Some(reply.headers);
        self.response.trailers = None;
        self.send_response_headers();
        let headers = self.response.headers.clone().unwrap_or_default();
        self.release(Side::Downstream, Released::Headers(headers, end));
        if !end {
            self.release(Side::Downstream, Released::Body(reply.body, true));
        }
    }

    /// The exchange is over; the server's side is cut unless it is complete. False when it was over before.
    pub(crate) fn close(&mut self) -> bool {
        if std::mem::replace(&mut self.ended, true) {
            return false;
        }
        let complete = self.upstream.ended && self.upstream_response_ended;
        if self.upstream.headers.is_some() && !complete && !self.upstream.reset {
            self.upstream.reset = true;
            let (step, during) = (self.step, self.during);
            self.events.push(Event { step, during, side: Side::Upstream, what: Released::Reset });
        }
        true
    }
}

/// A body that a host call made larger than the buffer limit, once the response has begun: Envoy ends the stream at once,
/// and the guest gets its last callbacks inside the host call. `Err` when one of them trapped.
pub(crate) fn too_large_inside_call(guest: &mut Guest<'_>, key: u64, direction: Direction) -> wasmtime::Result<()> {
    let state = guest.data_mut();
    let generation = state.generation;
    let Some(stream) = state.streams.get_mut(&key) else { return Ok(()) };
    let reply = LocalReply::too_large(direction);
    stream.local_replies.push(reply.clone());
    stream.flow(direction).aborted = true;
    if stream.response_headers_sent {
        stream.release(Side::Downstream, Released::Reset);
    } else {
        stream.reply_past_filter(reply);
    }
    if !stream.close() || !stream.created || stream.generation != generation {
        return Ok(());
    }
    let context = stream.context;
    let saved = (state.current, state.effective);
    for callback in LAST_CALLBACKS {
        let state = guest.data_mut();
        (state.current, state.effective) = (context, 0);
        if let Some(stream) = state.streams.get_mut(&key) {
            stream.access_log = callback == "proxy_on_log";
        }
        let Some(Extern::Func(function)) = guest.get_export(callback) else { continue };
        let mut results = vec![Val::I32(0); function.ty(&mut *guest).results().len()];
        function.call(guest.as_context_mut(), &[Val::I32(context.cast_signed())], &mut results)?;
    }
    let state = guest.data_mut();
    (state.current, state.effective) = saved;
    state.contexts.remove(&context);
    Ok(())
}
