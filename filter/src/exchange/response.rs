//! The response: whole JSON bodies, streams of server-sent events, and what is neither (DESIGN section 4).

use super::events::Events;
use super::headers::{Headers, Lookup, is_utf8, media_type};
use super::inbound::{Channel, Fate, withheld};
use super::reading::{Reading, Tap};
use super::redaction::Reads;
use super::refusal::{Addressee, Refusal};
use super::text::{self, PLAIN_TEXT};
use super::{ChunkStep, Core, Exchange, Progress, Removals, Reply, ResponseStep, Surroundings};
use crate::mcp::jsonrpc::Envelope;
use crate::mcp::method::Kind;
use crate::mcp::sse;
use crate::mcp::violation::{Invalid, Violation};
use crate::policy::{FailMode, Reason};
use crate::rewrite::redact::Redactor;

/// What a response with an unchanged body loses: the way to another server.
pub(super) const UNCHANGED: [&str; 1] = ["alt-svc"];
/// What a response loses whose headers leave before its body is known.
pub(super) const CHANGEABLE: [&str; 8] = [
    "alt-svc",
    "content-length",
    super::STALE_FIELDS[0],
    super::STALE_FIELDS[1],
    super::STALE_FIELDS[2],
    super::STALE_FIELDS[3],
    super::STALE_FIELDS[4],
    super::STALE_FIELDS[5],
];

/// How the response's body is treated.
#[derive(Debug, Default)]
pub(super) enum Body {
    /// The headers have not come.
    #[default]
    Unknown,
    /// Nothing of it is looked at.
    Open,
    /// Text that is no MCP message, and how many bytes of it may still pass.
    PlainText(usize),
    /// The same, held to be searched for secrets.
    HeldText(Vec<u8>),
    /// Text that is too long to be searched, in shadow mode: what was held, until the host has sent it on.
    PassedText(Vec<u8>),
    /// Text of any length that policy lets pass, without its secrets.
    Text(Box<Redactor>),
    Json(Box<JsonBody>),
    Events(Box<Events>),
    /// An answer was put in its place; the rest is swallowed.
    Swallow,
}

#[derive(Debug)]
pub(super) struct JsonBody {
    reading: Reading,
    held: Vec<u8>,
    /// The status is an error, so the body may be something else than JSON-RPC.
    error_status: bool,
    /// Nothing says what it is, so it may be plain text: what servers write that set no media type for their errors.
    untyped: bool,
}

impl JsonBody {
    /// Whether this is text that no client takes for JSON.
    fn is_plain_text(&self) -> bool {
        let first = self.held.trim_ascii_start().first();
        self.untyped
            && self.held.len() <= PLAIN_TEXT
            && first.is_some_and(|byte| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'['))
    }
}

impl Body {
    pub(super) fn take_held(&mut self) -> Vec<u8> {
        match self {
            Self::Json(json) => std::mem::take(&mut json.held),
            Self::HeldText(held) | Self::PassedText(held) => std::mem::take(held),
            _ => Vec::new(),
        }
    }

    /// What takes secrets out of a body that leaves before it is complete.
    pub(super) fn redactor(&mut self) -> Option<&mut Redactor> {
        match self {
            Self::Text(redactor) => Some(redactor),
            Self::Json(json) => json.reading.redactor.as_deref_mut(),
            Self::Events(events) => events.reading.redactor.as_deref_mut(),
            _ => None,
        }
    }
}

impl Exchange {
    /// Takes the response's headers. `end` tells that no body follows.
    pub fn on_response_headers(&mut self, headers: &Headers, end: bool, env: &mut dyn Surroundings) -> ResponseStep {
        let core = &mut self.core;
        let status = headers.text(":status").and_then(|status| status.parse::<u16>().ok()).unwrap_or(0);
        core.status = Some(status);
        match core.progress {
            Progress::Answered => {
                self.body = Body::Open;
                return ResponseStep::Open(&[]);
            }
            Progress::Arriving if status < 400 => return ResponseStep::Wait,
            Progress::Arriving => {
                core.progress = Progress::Overtaken;
                core.outcome = Some("early_response");
            }
            Progress::Forwarded | Progress::Overtaken => {}
        }
        if end {
            self.body = Body::Open;
            // A client waits for its id, whatever the status says.
            if status < 300 && core.awaiting.is_some() {
                let mode = core.configuration.policy.on.unreadable_response;
                if let Some(step) = core.refuse_headers(Reason::UnreadableResponse, mode, "it is empty", env) {
                    return step;
                }
            }
            return ResponseStep::Open(core.removals(&UNCHANGED));
        }
        self.govern(headers, status, env)
    }

    /// The response has waited for its request's verdict as long as it may.
    pub fn on_wait_over(&mut self, env: &mut dyn Surroundings) -> Reply {
        let core = &mut self.core;
        let problem = "it came before the request was complete";
        let refusal = withheld(Reason::UnreadableResponse, problem);
        let decision = core.record_response(Some(refusal.reason), problem, None, true, env);
        core.outcome = Some("early_response");
        core.progress = Progress::Answered;
        Reply { status: 502, ..refusal.reply(Addressee::Http, &core.configuration.policy.name, &decision) }
    }

    fn govern(&mut self, headers: &Headers, status: u16, env: &mut dyn Surroundings) -> ResponseStep {
        let core = &mut self.core;
        if let Some(step) = core.refuse_encoding(headers, env) {
            self.body = Body::Open;
            return step;
        }
        let media = match headers.get("content-type") {
            Lookup::One(value) => media_type(value).filter(|(_, charset)| is_utf8(charset.as_deref())),
            Lookup::Absent | Lookup::Many => None,
        };
        let untyped = status >= 300 && headers.get("content-type") == Lookup::Absent;
        match media.as_ref().map(|(essence, _)| essence.as_str()) {
            Some("text/event-stream") => {
                let engine = sse::Engine::new(core.configuration.policy.limits.event_bytes);
                self.body = Body::Events(Box::new(Events { engine, reading: Reading::new(core) }));
                core.is_streamed = true;
                ResponseStep::Continue(core.removals(&CHANGEABLE))
            }
            media if untyped || media == Some("application/json") => {
                let reading = Reading::new(core);
                let json = JsonBody { reading, held: Vec::new(), error_status: untyped || status >= 400, untyped };
                self.body = Body::Json(Box::new(json));
                let changeable = !core.configuration.host.hold_headers;
                ResponseStep::Hold(core.removals(if changeable { &CHANGEABLE } else { &UNCHANGED }))
            }
            // Nobody reads these as MCP: the text of an error, or an acknowledgement to what expects no answer.
            Some(essence) if status >= 300 && essence.starts_with("text/") => self.plain_text(),
            _ if status < 300 && core.awaiting.is_none() && !core.is_stream => self.plain_text(),
            essence => {
                let problem = "its media type is neither application/json nor text/event-stream";
                match core.refuse_headers(
                    Reason::UnreadableResponse,
                    core.configuration.policy.on.other_media_type,
                    problem,
                    env,
                ) {
                    Some(step) => step,
                    None => match core.redactor(Reads::Text).filter(|_| essence.is_some_and(text::is_text)) {
                        Some(redactor) => {
                            self.body = Body::Text(redactor);
                            ResponseStep::Continue(core.removals(&CHANGEABLE))
                        }
                        None => {
                            self.body = Body::Open;
                            ResponseStep::Open(core.removals(&UNCHANGED))
                        }
                    },
                }
            }
        }
    }

    /// The body ended in a way in which the host cannot send on what is held, over `most` bytes: with trailers, in
    /// no-hold mode. The host resets the stream.
    pub fn on_response_stranded(&mut self, most: usize, env: &mut dyn Surroundings) {
        let detail = format!("a body over {most} bytes that ends with trailers");
        self.core.record_response(Some(Reason::TooLarge), &detail, None, true, env);
        self.core.outcome = Some("response_cut");
    }

    /// Takes a chunk of the response's body. `end` tells that it was the last.
    pub fn on_response_chunk(&mut self, chunk: &[u8], end: bool, env: &mut dyn Surroundings) -> ChunkStep {
        let core = &mut self.core;
        core.response_bytes += chunk.len();
        let step = match &mut self.body {
            Body::Unknown | Body::Open | Body::PassedText(_) => ChunkStep::Pass,
            Body::Swallow => ChunkStep::Replace(Vec::new()),
            Body::PlainText(left) => match left.checked_sub(chunk.len()) {
                Some(rest) => {
                    *left = rest;
                    ChunkStep::Pass
                }
                None if core.enforces() => {
                    core.outcome = Some("text_too_long");
                    ChunkStep::Cut
                }
                None => ChunkStep::Pass,
            },
            Body::HeldText(held) => core.text_chunk(held, chunk, end, env),
            Body::Text(redactor) => {
                let mut out = Vec::with_capacity(chunk.len());
                let passes = core.redact_piece(redactor, chunk, end, &mut out, env);
                if passes { ChunkStep::Rewrite(out) } else { ChunkStep::Cut }
            }
            Body::Json(json) => core.json_chunk(json, chunk, end, env),
            Body::Events(events) => core.event_chunk(events, chunk, end, env),
        };
        match step {
            ChunkStep::Deny(_) if !end => self.body = Body::Swallow,
            ChunkStep::Pass if !end && matches!(self.body, Body::HeldText(_)) => {
                self.body = Body::PassedText(self.body.take_held());
            }
            // In hold mode the host has these bytes still.
            ChunkStep::Pass if core.configuration.host.hold_headers => drop(self.body.take_held()),
            _ => {}
        }
        step
    }
}

impl Core {
    /// Shadow mode changes nothing.
    pub(super) fn removals(&self, fields: Removals) -> Removals {
        if self.enforces() { fields } else { &[] }
    }

    fn refuse_encoding(&mut self, headers: &Headers, env: &mut dyn Surroundings) -> Option<ResponseStep> {
        let plain = match headers.get("content-encoding") {
            Lookup::Absent => true,
            Lookup::One(value) => value.trim_ascii().eq_ignore_ascii_case(b"identity"),
            Lookup::Many => false,
        };
        if plain {
            return None;
        }
        let mode = self.configuration.policy.on.encoded_response;
        let problem = "its body is encoded, and the server was asked for plain bytes";
        self.refuse_headers(Reason::EncodingRefused, mode, problem, env)
            .or(Some(ResponseStep::Open(self.removals(&UNCHANGED))))
    }

    /// Refuses a response whose headers alone show that it cannot be read. None: policy lets it pass.
    fn refuse_headers(
        &mut self,
        reason: Reason,
        mode: FailMode,
        problem: &str,
        env: &mut dyn Surroundings,
    ) -> Option<ResponseStep> {
        if mode == FailMode::Allow {
            self.record_response(Some(reason), problem, None, false, env);
            return None;
        }
        let refusal = withheld(reason, problem);
        match self.deny(&refusal, problem, Channel::Body, env) {
            Fate::Deny(body) => {
                let addressed = self.awaiting.is_some();
                let mut reply = refusal.reply(Addressee::Http, &self.configuration.policy.name, "");
                reply.body = body;
                reply.status = if addressed { 200 } else { 502 };
                self.progress = Progress::Answered;
                Some(ResponseStep::Reply(reply))
            }
            _ => None,
        }
    }

    fn json_chunk(&mut self, json: &mut JsonBody, chunk: &[u8], end: bool, env: &mut dyn Surroundings) -> ChunkStep {
        if json.reading.streaming {
            json.reading.feed(chunk);
            return self.rewritten_chunk(&mut json.reading, chunk, end, env);
        }
        // Whether a result streams is decided at one and the same byte, however the body is cut into chunks.
        let held_result = self.held_result();
        let room = (held_result + 1).saturating_sub(json.held.len());
        let (upto, rest) = chunk.split_at_checked(room).unwrap_or((chunk, &[]));
        json.reading.feed(upto);
        json.held.extend_from_slice(upto);
        let crosses = !upto.is_empty() && json.held.len() > held_result;
        let streams = crosses && !json.reading.is_broken() && self.may_stream(&json.held, &json.reading.envelope);
        json.reading.feed(rest);
        json.held.extend_from_slice(rest);
        if streams {
            return self.begin_streaming(json, end, env);
        }
        let limit = self.configuration.policy.limits.list_bytes;
        let over = json.held.len() > limit;
        let overloaded = self.lease.as_mut().is_some_and(|lease| !lease.hold(json.held.len()));
        let fate = if overloaded {
            let said = "The server's answer was withheld: too many bytes are being held for you or on this proxy.";
            let refusal = Refusal::by_policy(Reason::Overloaded, said.to_owned(), "Wait a second, then retry.");
            self.deny(&refusal, "overloaded", Channel::Body, env)
        } else if end && !over {
            self.json_end(json, env)
        } else if json.reading.is_broken() && self.is_whole_body_refused(json) {
            let read = json.reading.finish();
            self.fate(&json.held, &json.reading.envelope, read, Channel::Body, env)
        } else if over {
            let problem = format!("it is over the limit of {limit} bytes for what must be seen whole");
            self.unreadable(Reason::TooLarge, &problem, Channel::Body, env)
        } else {
            return ChunkStep::Hold;
        };
        if let Some(lease) = &mut self.lease {
            let _ = lease.hold(0);
        }
        match fate {
            Fate::Pass => {
                if end {
                    return ChunkStep::Pass;
                }
                // What passes before its end is not judged again.
                json.reading.streaming = true;
                json.reading.unjudged = true;
                let reads = if json.reading.is_broken() { Reads::Text } else { Reads::Message };
                self.begin_rewriting(json, reads, end, env)
            }
            Fate::Replace(body) => ChunkStep::Replace(body),
            Fate::Deny(body) => ChunkStep::Deny(body),
            Fate::Drop => ChunkStep::Cut,
        }
    }

    /// The result is long: what is held goes on now, and the rest as it comes.
    fn begin_streaming(&mut self, json: &mut JsonBody, end: bool, env: &mut dyn Surroundings) -> ChunkStep {
        json.reading.streaming = true;
        self.answered = true;
        self.is_streamed = true;
        if let Some(lease) = &mut self.lease {
            let _ = lease.hold(0);
        }
        self.begin_rewriting(json, Reads::Message, end, env)
    }

    /// What is held leaves, and the rest as it comes, without their secrets.
    fn begin_rewriting(
        &mut self,
        json: &mut JsonBody,
        reads: Reads,
        end: bool,
        env: &mut dyn Surroundings,
    ) -> ChunkStep {
        json.reading.redactor = self.redactor(reads);
        if json.reading.redactor.is_none() {
            return self.rewritten_chunk(&mut json.reading, &[], end, env);
        }
        let held = std::mem::take(&mut json.held);
        self.rewritten_chunk(&mut json.reading, &held, end, env)
    }

    /// The next chunk of a message of which the beginning has gone on.
    fn rewritten_chunk(
        &mut self,
        reading: &mut Reading,
        chunk: &[u8],
        end: bool,
        env: &mut dyn Surroundings,
    ) -> ChunkStep {
        let step = if reading.unjudged { ChunkStep::Pass } else { self.streaming_chunk(reading, end, env) };
        if step != ChunkStep::Pass || reading.redactor.is_none() {
            return step;
        }
        if reading.is_redacted {
            if chunk.iter().all(u8::is_ascii_whitespace) {
                return ChunkStep::Pass;
            }
            // Policy lets pass what cannot be read.
            reading.redactor = self.redactor(Reads::Text);
        }
        // Nothing may be left for the end: where trailers make it, there is no body to put it into.
        reading.is_redacted = !reading.unjudged && reading.is_whole();
        let Some(redactor) = reading.redactor.as_mut() else { return step };
        let mut out = Vec::with_capacity(chunk.len());
        let passes = self.redact_piece(redactor, chunk, end || reading.is_redacted, &mut out, env);
        if passes { ChunkStep::Rewrite(out) } else { ChunkStep::Cut }
    }

    /// A fault in a body of an error status is judged at its end, where it may turn out to be no JSON-RPC at all.
    fn is_whole_body_refused(&self, json: &JsonBody) -> bool {
        !json.error_status && self.enforces() && self.configuration.policy.on.unreadable_response == FailMode::Deny
    }

    fn json_end(&mut self, json: &mut JsonBody, env: &mut dyn Surroundings) -> Fate {
        let read = json.reading.finish();
        let envelope = &json.reading.envelope;
        let plain_error = json.error_status
            && matches!(read, Err(Invalid::Envelope(violation, _)) if violation != Violation::Batch)
            && envelope.result.is_none()
            && envelope.method.is_none()
            && json.held.len() <= PLAIN_TEXT;
        if plain_error || json.is_plain_text() {
            let reads = if plain_error { Reads::Message } else { Reads::Text };
            return self.redacted(&json.held, Fate::Pass, reads, None, Channel::Body, env);
        }
        self.fate(&json.held, envelope, read, Channel::Body, env)
    }

    pub(super) fn streaming_chunk(
        &mut self,
        reading: &mut Reading,
        end: bool,
        env: &mut dyn Surroundings,
    ) -> ChunkStep {
        if end {
            self.is_error = reading.envelope.is_error;
            self.note_report(reading.meta.as_ref().map(Tap::bytes).unwrap_or_default());
        }
        if !self.enforces() {
            return ChunkStep::Pass;
        }
        match self.streaming_problem(reading, end) {
            None => ChunkStep::Pass,
            Some(_) if self.configuration.policy.on.unreadable_response == FailMode::Allow => ChunkStep::Pass,
            Some(problem) => {
                self.record_response(Some(Reason::UnreadableResponse), &problem, None, true, env);
                self.outcome = Some("response_cut");
                ChunkStep::Cut
            }
        }
    }

    /// What is wrong with a message of which the beginning has already gone on.
    fn streaming_problem(&self, reading: &mut Reading, end: bool) -> Option<String> {
        if let Some(fault) = reading.fault {
            return Some(fault.to_string());
        }
        if end && let Err(invalid) = reading.finish() {
            return Some(invalid.to_string());
        }
        if let Some(violation) = reading.envelope.violation() {
            return Some(violation.to_string());
        }
        let envelope = &reading.envelope;
        if envelope.method.is_some() || envelope.error.is_some() {
            return Some("a result that turns out to be something else as well".to_owned());
        }
        if envelope.input_required || envelope.meta_ours {
            return Some("a long result that would have had to be changed".to_owned());
        }
        self.misplaced_list(envelope).map(str::to_owned)
    }

    /// Whether the rest of a message may leave as it comes: it is the awaited answer to something that is no list, and
    /// nothing in it so far asks for more than being read strictly.
    pub(super) fn may_stream(&self, bytes: &[u8], envelope: &Envelope) -> bool {
        let Some(awaiting) = &self.awaiting else { return false };
        !matches!(awaiting.kind, Kind::List(_))
            && !self.answered
            && envelope.violation().is_none()
            && envelope.id.is_some()
            && envelope.result.is_some()
            && envelope.error.is_none()
            && envelope.method.is_none()
            && !envelope.input_required
            && !envelope.meta_ours
            && self.is_awaited(bytes, envelope)
            && self.misplaced_list(envelope).is_none()
    }
}
