//! The request's body: read strictly, sorted, judged. The first refusal wins (DESIGN section 4).

use std::borrow::Cow;

use super::arrival::DOOMED_BYTES;
use super::headers::{Headers, Lookup};
use super::quota::Admission;
use super::refusal::{Addressee, Refusal, Reply};
use super::{Awaiting, Core, Exchange, GrowthStep, Progress, RequestStep, Surroundings};
use crate::json::{Fault, decode, locate};
use crate::mcp::denial;
use crate::mcp::era::{self, Era};
use crate::mcp::jsonrpc::{self, Envelope, Shape};
use crate::mcp::method::{self, Kind, NameParameter};
use crate::mcp::mirrored;
use crate::mcp::violation::{Invalid, Violation};
use crate::policy::Reason;
use crate::rewrite;

/// Header values that a body is compared with, kept from the header phase.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirrored {
    version: Option<String>,
    method: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    parameters: Vec<(String, Vec<u8>)>,
}

impl Mirrored {
    pub(super) fn take(headers: &Headers) -> Self {
        let one = |name: &str| match headers.get(name) {
            Lookup::One(value) => Some(value.to_vec()),
            Lookup::Absent | Lookup::Many => None,
        };
        let parameters = headers
            .iter()
            .filter_map(|(name, value)| {
                let name = Some(name).filter(|name| name.starts_with(b"mcp-param-"))?;
                Some((std::str::from_utf8(name).ok()?.to_owned(), value.to_vec()))
            })
            .collect();
        Self {
            version: headers.text("mcp-protocol-version").map(|version| version.trim().to_owned()),
            method: one("mcp-method"),
            name: one("mcp-name"),
            parameters,
        }
    }

    pub(super) fn is_modern(&self) -> bool {
        self.version.as_deref().is_some_and(era::is_modern)
    }
}

/// A message that was read, with what deciding and answering needs of it.
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) envelope: Envelope,
    /// Decoded method; none in a client's response.
    pub(super) method: Option<Cow<'a, str>>,
    /// Decoded tool, prompt, or URI, where the method has one.
    pub(super) target: Option<Cow<'a, str>>,
    pub(super) kind: Kind,
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8], envelope: Envelope) -> Self {
        let method = envelope.method.map(|span| decode(span.of(bytes)));
        let kind = method.as_deref().map_or(Kind::Plumbing, method::kind);
        let target = match kind {
            Kind::CallTool | Kind::Prompt => envelope.name,
            Kind::Resource => envelope.uri,
            _ => None,
        };
        Self { bytes, target: target.map(|span| decode(span.of(bytes))), method, kind, envelope }
    }

    pub(super) fn id(&self) -> Option<&'a [u8]> {
        self.envelope.id.map(|id| id.of(self.bytes))
    }

    pub(super) fn is_request(&self) -> bool {
        self.method.is_some() && self.envelope.id.is_some()
    }

    pub(super) fn addressee(&self) -> Addressee<'_> {
        match self.id() {
            Some(id) if self.kind == Kind::CallTool => Addressee::Tool(id),
            Some(id) if self.method.is_some() => Addressee::Request(id),
            _ => Addressee::Notification,
        }
    }
}

impl Exchange {
    /// Takes note that the request's body has `total` bytes by now, before it is complete.
    pub fn on_request_growth(&mut self, total: usize, env: &mut dyn Surroundings) -> GrowthStep {
        let core = &mut self.core;
        core.request_bytes = total;
        let cap = core.configuration.policy.limits.request_bytes;
        let cap = if core.doomed.is_some() { cap.min(DOOMED_BYTES) } else { cap };
        let refusal = if total > cap {
            let said = format!("The request's body is over the limit of {cap} bytes.");
            Refusal::of_form(Reason::TooLarge, 413, denial::INVALID_REQUEST, said, "Send less at once.")
        } else if core.lease.as_mut().is_some_and(|lease| !lease.hold(total)) {
            let said = "Too many bytes are being held for you or on this proxy.".to_owned();
            Refusal::of_form(Reason::Overloaded, 503, denial::REFUSED, said, "Wait a second, then retry.")
        } else {
            return GrowthStep::Hold;
        };
        let decision = core.record_refusal(&refusal, None, env);
        if !core.enforces() {
            core.progress = Progress::Forwarded;
            return GrowthStep::Forward;
        }
        core.progress = Progress::Answered;
        GrowthStep::Reply(refusal.reply(Addressee::Http, &core.configuration.policy.name, &decision))
    }

    /// The body ended in a way in which the host cannot send on more than `most` bytes: with trailers, in no-hold mode.
    /// The bytes are in the filter alone, so even shadow mode cannot let them pass.
    pub fn on_request_stranded(&mut self, most: usize, env: &mut dyn Surroundings) -> Reply {
        let core = &mut self.core;
        let said = format!("A request with trailers may have at most {most} bytes of body here.");
        let advice = "Send the request without trailers.";
        let refusal = Refusal::of_form(Reason::TooLarge, 413, denial::INVALID_REQUEST, said, advice);
        let decision = core.record_refusal(&refusal, None, env);
        core.progress = Progress::Answered;
        refusal.reply(Addressee::Http, &core.configuration.policy.name, &decision)
    }

    /// Judges the complete body.
    pub fn on_request_end(&mut self, body: &[u8], env: &mut dyn Surroundings) -> RequestStep {
        let core = &mut self.core;
        core.request_bytes = body.len();
        let step = match jsonrpc::read(body, core.json_limits()) {
            Ok(envelope) => core.judge(&Message::new(body, envelope), env),
            Err(invalid) => core.refuse_unreadable(body, &invalid, env),
        };
        if let Some(lease) = core.lease.as_mut().filter(|_| step != RequestStep::Suspend) {
            // Shrinking always fits.
            let _ = lease.hold(0);
        }
        step
    }
}

impl Core {
    pub(super) fn refuse_unreadable(
        &mut self,
        body: &[u8],
        invalid: &Invalid,
        env: &mut dyn Surroundings,
    ) -> RequestStep {
        let (reason, code) = match invalid {
            Invalid::Json(error) if error.fault == Fault::DuplicateKey => {
                (Reason::DuplicateKey, denial::INVALID_REQUEST)
            }
            Invalid::Json(_) => (Reason::Malformed, denial::PARSE_ERROR),
            Invalid::Envelope(Violation::Batch, _) => (Reason::BatchRefused, denial::INVALID_REQUEST),
            Invalid::Envelope(..) => (Reason::Malformed, denial::INVALID_REQUEST),
        };
        let said = format!("The request's body is refused: {invalid}.");
        let advice = "Send one strict JSON-RPC 2.0 message, in which no key is repeated.";
        let refusal = Refusal::of_form(reason, 400, code, said, advice);
        let id = match invalid {
            Invalid::Envelope(_, Some(id)) => Some(id.of(body)),
            _ => None,
        };
        let refusal = self.doomed.take().map_or(refusal, |doomed| Refusal { status: 400, ..doomed });
        let decision = self.record_refusal(&refusal, None, env);
        if !self.enforces() {
            self.progress = Progress::Forwarded;
            return RequestStep::Forward(None);
        }
        self.progress = Progress::Answered;
        let to = id.map_or(Addressee::Http, Addressee::Request);
        let mut reply = refusal.reply(to, &self.configuration.policy.name, &decision);
        reply.status = 400;
        RequestStep::Reply(reply)
    }

    fn judge(&mut self, message: &Message<'_>, env: &mut dyn Surroundings) -> RequestStep {
        let era = self.agreed_era(message);
        self.era = Some(era.as_ref().map_or(Era::Modern, |era| *era));
        if era.is_ok() && self.enforces() {
            self.facts.struck = self.capabilities_to_strike(message);
        }
        let (changed, secret) = match era {
            Ok(_) if self.doomed.is_none() => match self.redacted_request(message, env) {
                Ok(changed) => (changed, None),
                Err(refusal) => (None, Some(refusal)),
            },
            _ => (None, None),
        };
        // What is judged is what is sent.
        let reread = changed.as_deref().map(|bytes| (bytes, jsonrpc::read(bytes, self.json_limits())));
        let reread = match reread {
            Some((bytes, Ok(envelope))) => Some(Message::new(bytes, envelope)),
            Some((_, Err(invalid))) => return self.refuse_unreadable(message.bytes, &invalid, env),
            None => None,
        };
        let secret = secret.or_else(|| self.secret_in_header(reread.as_ref()?));
        let message = reread.as_ref().unwrap_or(message);
        let refusal = match (self.doomed.take(), era) {
            (Some(doomed), _) => Some(doomed),
            (None, Err(said)) => {
                let advice = "Send mirrored headers and body that say the same.";
                Some(Refusal::of_form(Reason::HeaderMismatch, 400, denial::HEADER_MISMATCH, said, advice))
            }
            (None, Ok(era)) => secret.or_else(|| self.refusal(message, era, env)),
        };
        let is_changed = reread.is_some();
        let refusal = match refusal {
            Some(refusal) => Some(refusal),
            None => match self.admit(message, env) {
                Admission::Passed => None,
                Admission::Refused(refusal) => Some(*refusal),
                Admission::Waiting => return self.suspend(message, is_changed),
            },
        };
        self.conclude(message, refusal, is_changed, env)
    }

    /// Carries out and records what was decided of a request; `is_changed` tells that `message` is not what the client
    /// sent.
    pub(super) fn conclude(
        &mut self,
        message: &Message<'_>,
        refusal: Option<Refusal>,
        is_changed: bool,
        env: &mut dyn Surroundings,
    ) -> RequestStep {
        if let Some(refusal) = refusal.map(|refusal| self.without_secrets(refusal)) {
            let decision = self.record_refusal(&refusal, Some(message), env);
            if self.enforces() {
                let policy = &self.configuration.policy.name;
                if let (Reason::SecretBlocked, None, Some(id)) = (refusal.reason, &message.method, message.id()) {
                    // A client's answer: the server, which waits for it, is told.
                    self.progress = Progress::Forwarded;
                    return RequestStep::Forward(Some(refusal.message(Addressee::Request(id), policy, &decision)));
                }
                self.progress = Progress::Answered;
                return RequestStep::Reply(refusal.reply(message.addressee(), policy, &decision));
            }
        } else {
            self.record_passed(message, env);
            self.charges.is_spent = true;
            self.commit_final(env);
        }
        self.progress = Progress::Forwarded;
        if let (Some(id), true) = (message.id(), message.is_request()) {
            let tool = message.target.as_deref().filter(|_| message.kind == Kind::CallTool).map(str::to_owned);
            let cursor = match message.kind {
                Kind::List(_) => locate(message.bytes, "/params/cursor").map(|span| decode(span.of(message.bytes))),
                _ => None,
            };
            let cursor = cursor.map(Cow::into_owned);
            let output = tool.as_deref().and_then(|tool| self.known_output(tool));
            self.awaiting = Some(Awaiting { id: id.to_vec(), kind: message.kind, tool, output, cursor });
        }
        let rewritten = if self.enforces() { self.rewritten_request(message) } else { None };
        RequestStep::Forward(rewritten.or_else(|| is_changed.then(|| message.bytes.to_vec())))
    }

    /// Why a request whose secrets were taken out is refused all the same: a header still has one.
    fn secret_in_header(&self, redacted: &Message<'_>) -> Option<Refusal> {
        self.compare_mirrored(redacted, false).err().map(|_| {
            let said = "A header mirrors an argument that holds a secret.".to_owned();
            let advice = "Call again without the secret: refer to it by name, or let the server read it.";
            Refusal::by_policy(Reason::SecretBlocked, said, advice)
        })
    }

    /// The request without what is not meant for the server, if that changes it.
    fn rewritten_request(&self, message: &Message<'_>) -> Option<Vec<u8>> {
        let struck = self.struck_capabilities(message);
        let ours = message.envelope.meta.filter(|_| message.envelope.meta_ours);
        let Some(meta) = ours else {
            return struck.map(|splice| rewrite::apply(message.bytes, vec![splice]));
        };
        // Capabilities may lie inside `_meta`, and splices must not overlap: what is ours goes first, from the end.
        let bytes =
            rewrite::apply(message.bytes, rewrite::meta::without_ours(message.bytes, meta).into_iter().collect());
        let Ok(envelope) = jsonrpc::read(&bytes, self.json_limits()) else { return Some(bytes) };
        match self.struck_capabilities(&Message::new(&bytes, envelope)) {
            Some(splice) => Some(rewrite::apply(&bytes, vec![splice])),
            None => Some(bytes),
        }
    }

    /// The era that headers and body agree on, or what they disagree in.
    pub(super) fn agreed_era(&self, message: &Message<'_>) -> Result<Era, String> {
        let mirrored = &self.facts.mirrored;
        let claimed = match message.envelope.meta_version {
            None => None,
            Some(value) if value.shape == Shape::String => Some(decode(value.span.of(message.bytes))),
            Some(_) => return Err("The protocol version in _meta is not a string.".to_owned()),
        };
        let Some(claimed) = claimed else {
            // Some clients send the modern header over a legacy body. The body rules, and what is mirrored must agree.
            if mirrored.version.as_deref().is_some_and(|version| !era::is_revision(version)) {
                return Err("MCP-Protocol-Version is no revision of the form YYYY-MM-DD.".to_owned());
            }
            if mirrored.is_modern() {
                self.compare_mirrored(message, false)?;
            }
            return Ok(Era::Legacy);
        };
        match &mirrored.version {
            Some(version) if *version == claimed && !era::is_legacy(version) => {}
            Some(version) => {
                return Err(format!("MCP-Protocol-Version says {version}, but the body's _meta says {claimed}."));
            }
            None => return Err(format!("The body's _meta says {claimed}, but MCP-Protocol-Version is missing.")),
        }
        self.compare_mirrored(message, message.is_request())?;
        Ok(Era::Modern)
    }

    /// Compares `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` with the body.
    fn compare_mirrored(&self, message: &Message<'_>, required: bool) -> Result<(), String> {
        let mirrored = &self.facts.mirrored;
        let agree = |header: &str, value: Option<&Vec<u8>>, wanted: Option<&str>| match (value, wanted) {
            (None, Some(_)) if required => Err(format!("The header {header} is missing.")),
            (None, _) => Ok(()),
            (Some(_), None) => Err(format!("The header {header} mirrors nothing in the body.")),
            (Some(value), Some(wanted)) => match mirrored::decode_value(value) {
                Some(text) if text == wanted => Ok(()),
                Some(_) => Err(format!("The header {header} and the body disagree.")),
                None => Err(format!("The header {header} cannot be decoded.")),
            },
        };
        let method = message.method.as_deref();
        agree("Mcp-Method", mirrored.method.as_ref(), method)?;
        let name = match method.and_then(method::name_parameter) {
            Some(NameParameter::Name) => message.envelope.name,
            Some(NameParameter::Uri) => message.envelope.uri,
            Some(NameParameter::TaskId) => message.envelope.task_id,
            None => None,
        };
        let name = name.map(|span| decode(span.of(message.bytes)));
        agree("Mcp-Name", mirrored.name.as_ref(), name.as_deref())?;
        for (index, (header, value)) in mirrored.parameters.iter().enumerate() {
            if mirrored.parameters.iter().skip(index + 1).any(|(other, _)| other == header) {
                return Err(format!("The header {header} is sent more than once."));
            }
            let Some(text) = mirrored::decode_value(value) else {
                return Err(format!("The header {header} cannot be decoded."));
            };
            let arguments = message.envelope.arguments.map(|value| value.span).unwrap_or_default();
            if !mirrored::some_scalar_equals(message.bytes, arguments, self.json_limits(), &text) {
                return Err(format!("The header {header} equals none of the call's arguments."));
            }
        }
        Ok(())
    }
}
