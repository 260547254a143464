//! A response that is a stream of server-sent events: each leaves as soon as it is decided.

use super::inbound::{Channel, Fate};
use super::reading::Reading;
use super::redaction::Reads;
use super::{ChunkStep, Core, Surroundings};
use crate::mcp::sse::{self, Decision, EventHead, Judge};
use crate::policy::Reason;

/// The members that tell what a streamed event is must lie within its first bytes.
const EVENT_HEAD: usize = 4 * 1024;

#[derive(Debug)]
pub(super) struct Events {
    pub(super) engine: sse::Engine,
    pub(super) reading: Reading,
}

impl Core {
    pub(super) fn event_chunk(
        &mut self,
        events: &mut Events,
        chunk: &[u8],
        end: bool,
        env: &mut dyn Surroundings,
    ) -> ChunkStep {
        let mut out = Vec::with_capacity(chunk.len());
        let before = events.engine.held();
        let mut judge = EventJudge { core: &mut *self, reading: &mut events.reading, env: &mut *env };
        let mut cut = events.engine.feed(chunk, &mut judge, &mut out).is_err();
        if end && !cut {
            cut = events.engine.finish(&mut judge, &mut out).is_err();
            if let Some(message) = self.unanswered() {
                out.extend_from_slice(b"event: message\ndata: ");
                out.extend_from_slice(&one_line(message));
                out.extend_from_slice(b"\n\n");
            }
        }
        if !self.enforces() {
            return ChunkStep::Pass;
        }
        let held = events.engine.held();
        if self.lease.as_mut().is_some_and(|lease| !lease.hold(held)) && self.enforces() {
            self.record_response(Some(Reason::Overloaded), "overloaded", None, true, env);
            cut = true;
        }
        if cut {
            self.outcome = Some("response_cut");
            return ChunkStep::Cut;
        }
        if before == 0 && held == 0 && out == chunk { ChunkStep::Pass } else { ChunkStep::Replace(out) }
    }
}

/// Decides on the events of one stream.
struct EventJudge<'a> {
    core: &'a mut Core,
    reading: &'a mut Reading,
    env: &'a mut dyn Surroundings,
}

impl EventJudge<'_> {
    fn redact(&mut self, data: &[u8], end: bool, out: &mut Vec<u8>) -> bool {
        let Some(redactor) = &mut self.reading.redactor else { return true };
        self.core.redact_piece(redactor, data, end, out, self.env)
    }

    fn decision(fate: Fate) -> Decision {
        match fate {
            Fate::Pass => Decision::Pass,
            Fate::Replace(message) | Fate::Deny(message) => Decision::Replace(one_line(message)),
            Fate::Drop => Decision::Drop,
        }
    }
}

impl Judge for EventJudge<'_> {
    fn begin(&mut self) {
        *self.reading = Reading::new(self.core);
    }

    fn data(&mut self, bytes: &[u8]) -> sse::Progress {
        let reading = &mut *self.reading;
        let room = EVENT_HEAD.saturating_sub(reading.head.len()).min(bytes.len());
        reading.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        // Whether a result streams is decided at one and the same byte, however the event is cut into chunks.
        let held_result = self.core.held_result();
        let room = (held_result + 1).saturating_sub(reading.read);
        let (upto, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        reading.feed(upto);
        if !reading.streaming
            && !upto.is_empty()
            && reading.read > held_result
            && !reading.is_broken()
            && self.core.may_stream(&reading.head, &reading.envelope)
        {
            reading.streaming = true;
            reading.redactor = self.core.redactor(Reads::Message);
            self.core.answered = true;
        }
        reading.feed(rest);
        if !reading.streaming {
            return sse::Progress::Hold;
        }
        match self.core.streaming_chunk(reading, false, self.env) {
            ChunkStep::Cut => sse::Progress::Refuse,
            _ if reading.redactor.is_some() => sse::Progress::Rewrite,
            _ => sse::Progress::Stream,
        }
    }

    fn end(&mut self, head: &EventHead<'_>, data: &[u8]) -> Decision {
        if data.is_empty() {
            return Decision::Pass;
        }
        if !matches!(head.event, b"" | b"message") {
            // No client of Streamable HTTP listens to other events; those of the 2024-11-05 transport are `endpoint`.
            let name = String::from_utf8_lossy(head.event).into_owned();
            let problem = format!("a server-sent event of the type {name}");
            let fate = self.core.foreign_event(&problem, self.env);
            return Self::decision(fate);
        }
        let read = self.reading.finish();
        let fate = self.core.fate(data, &self.reading.envelope, read, Channel::Event, self.env);
        Self::decision(fate)
    }

    fn end_streamed(&mut self) -> bool {
        self.core.streaming_chunk(self.reading, true, self.env) != ChunkStep::Cut
    }

    fn rewrite(&mut self, data: &[u8], out: &mut Vec<u8>) -> bool {
        self.redact(data, false, out)
    }

    fn end_rewritten(&mut self, out: &mut Vec<u8>) -> bool {
        self.redact(&[], true, out)
    }

    fn oversize(&mut self) -> Option<Vec<u8>> {
        let problem = format!(
            "a server-sent event over the limit of {} bytes that must be seen whole",
            self.core.configuration.policy.limits.event_bytes
        );
        match self.core.unreadable(Reason::OversizeEvent, &problem, Channel::Event, self.env) {
            Fate::Replace(message) | Fate::Deny(message) => Some(one_line(message)),
            Fate::Pass | Fate::Drop => None,
        }
    }
}

/// JSON has line breaks only between tokens, where a space says the same; an event's data must not have them.
fn one_line(mut message: Vec<u8>) -> Vec<u8> {
    for byte in &mut message {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    message
}
