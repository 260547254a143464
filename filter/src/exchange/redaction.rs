//! Secrets in the messages of an exchange: taken out, refused, or counted (DESIGN section 4).

use std::borrow::Cow;
use std::sync::Arc;

use super::inbound::{Channel, Fate};
use super::refusal::Refusal;
use super::request::Message;
use super::{Core, Surroundings};
use crate::json::{Span, locate};
use crate::mcp::denial;
use crate::mcp::jsonrpc::Envelope;
use crate::mcp::method::Kind;
use crate::metrics;
use crate::policy::{Direction, Mode, PLACEHOLDER, Reason, Redaction};
use crate::rewrite::redact::{self, Blocked, Findings, Outcome, Plan, Redactor};
use crate::schema::OutputSchema;

/// How the bytes of something that goes to the client are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// As a JSON-RPC message.
    Message,
    /// As text: it is none, or could not be read strictly.
    Text,
}

impl Core {
    pub(super) fn redaction(&self) -> Option<Arc<Redaction>> {
        self.configuration.policy.redaction.clone()
    }

    /// Whether secrets are taken out, or only counted.
    pub(super) fn redacts(&self, redaction: &Redaction) -> bool {
        self.enforces() && redaction.mode == Mode::Enforce
    }

    /// The largest result that is held whole, in bytes.
    pub(super) fn held_result(&self) -> usize {
        self.configuration.policy.redaction.as_ref().map_or(crate::policy::SWEEP_BYTES, |it| it.sweep_bytes)
    }

    pub(super) fn plan<'a>(
        &'a self,
        redaction: &'a Redaction,
        direction: Direction,
        tool: Option<&'a str>,
    ) -> Plan<'a> {
        Plan {
            redaction,
            hash: &self.worker.secret_hash,
            direction,
            server: self.server_name(),
            tool,
            output: None,
            everything: false,
        }
    }

    fn response_plan<'a>(&'a self, redaction: &'a Redaction) -> Plan<'a> {
        let tool = self.awaiting.as_ref().and_then(|awaiting| awaiting.tool.as_deref());
        let output = self.awaiting.as_ref().and_then(|awaiting| awaiting.output.as_deref());
        Plan { output, ..self.plan(redaction, Direction::Response, tool) }
    }

    /// What the `outputSchema` of a tool of this server demands, if secrets are looked for and a list told it.
    pub(super) fn known_output(&self, tool: &str) -> Option<Arc<OutputSchema>> {
        self.configuration.policy.redaction.as_ref()?;
        self.worker.outputs.get(self.server_name(), tool)
    }

    /// Takes note of what a listed tool promises of its results.
    pub(super) fn learn_output(&self, bytes: &[u8], tool: &str, entry: Span) {
        if self.configuration.policy.redaction.is_some() {
            let entry = entry.of(bytes);
            let schema = locate(entry, "/outputSchema").map(|span| span.of(entry));
            self.worker.outputs.learn(self.server_name(), tool, schema);
        }
    }

    /// `text` as it may stand in a log line or an error: without secrets.
    pub(super) fn scrubbed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(redaction) = &self.configuration.policy.redaction else { return Cow::Borrowed(text) };
        let plan = Plan { everything: true, ..self.plan(redaction, Direction::Response, None) };
        match redact::text(&plan, text.as_bytes()).message {
            Some(clean) => Cow::Owned(String::from_utf8_lossy(&clean).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// The refusal without the secrets that a caller put into names.
    pub(super) fn without_secrets(&self, mut refusal: Refusal) -> Refusal {
        refusal.said = self.scrubbed(&refusal.said).into_owned();
        refusal.hidden_as = refusal.hidden_as.map(|(code, message)| (code, self.scrubbed(&message).into_owned()));
        refusal
    }

    /// The request without its secrets, if that is another one, or why it is refused.
    pub(super) fn redacted_request(
        &mut self,
        message: &Message<'_>,
        env: &mut dyn Surroundings,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(redaction) = self.redaction() else { return Ok(None) };
        let tool = message.target.as_deref().filter(|_| message.kind == Kind::CallTool);
        let Outcome { message: changed, findings, blocked } =
            redact::message(&self.plan(&redaction, Direction::Request, tool), message.bytes);
        if findings.is_empty() {
            return Ok(None);
        }
        let redacts = self.redacts(&redaction);
        self.count_findings(&findings, blocked.is_some(), redacts, env);
        self.facts.request_redactions.merge(findings);
        self.facts.would_redact = !redacts;
        match blocked {
            _ if !redacts => Ok(None),
            Some(blocked) => Err(secret_in_request(&blocked)),
            None => {
                if let Some(arguments) = message.envelope.arguments.filter(|_| changed.is_some() && env.audits()) {
                    self.keep_arguments(message.bytes, arguments.span);
                }
                Ok(changed)
            }
        }
    }

    /// What goes on of something that the server sent and that was decided: without its secrets.
    pub(super) fn redacted(
        &mut self,
        bytes: &[u8],
        fate: Fate,
        reads: Reads,
        envelope: Option<&Envelope>,
        channel: Channel,
        env: &mut dyn Surroundings,
    ) -> Fate {
        let Some(redaction) = self.redaction() else { return fate };
        let given = match &fate {
            Fate::Pass => bytes,
            Fate::Replace(message) => message,
            Fate::Deny(_) | Fate::Drop => return fate,
        };
        let plan = self.response_plan(&redaction);
        let Outcome { message, findings, blocked } = match reads {
            Reads::Message => redact::message(&plan, given),
            Reads::Text => redact::text(&plan, given),
        };
        if findings.is_empty() {
            return fate;
        }
        let redacts = self.redacts(&redaction);
        self.count_findings(&findings, blocked.is_some(), redacts, env);
        self.note_findings(findings, redacts, env);
        match blocked {
            _ if !redacts => fate,
            Some(blocked) => self.refuse_secret(&blocked, bytes, envelope, channel, env),
            None => message.map_or(fate, Fate::Replace),
        }
    }

    /// Refuses a message of the server for a secret that may not pass in any form.
    fn refuse_secret(
        &mut self,
        blocked: &Blocked,
        bytes: &[u8],
        envelope: Option<&Envelope>,
        channel: Channel,
        env: &mut dyn Surroundings,
    ) -> Fate {
        let said = format!(
            "The server's answer was withheld: it holds a secret ({}) at {}.",
            blocked.detector,
            self.scrubbed(place(blocked))
        );
        let advice = "Do not retry; ask for less, or ask the operator how to get at this without the secret.";
        let refusal = Refusal::by_policy(Reason::SecretBlocked, said, advice);
        match envelope.filter(|envelope| envelope.method.is_some()) {
            None => {
                // It was taken for the answer just now, and does not go.
                self.answered = false;
                self.deny(&refusal, "secret_blocked", channel, env)
            }
            Some(envelope) => {
                self.record_response(Some(Reason::SecretBlocked), "secret_blocked", None, true, env);
                match envelope.id {
                    Some(id) => Fate::Replace(denial::unknown_request(id.of(bytes))),
                    None => Fate::Drop,
                }
            }
        }
    }

    /// A redactor for something that leaves before it is complete. None where nothing is looked for.
    pub(super) fn redactor(&self, reads: Reads) -> Option<Box<Redactor>> {
        let redaction = self.configuration.policy.redaction.as_ref()?;
        Some(Box::new(match reads {
            Reads::Message => Redactor::message(&self.response_plan(redaction)),
            Reads::Text => Redactor::text(),
        }))
    }

    /// Takes the next bytes of something that leaves before it is complete; appends what may go. False if it holds a
    /// secret that may not pass in any form: nothing more may go. In shadow mode the bytes go as they came.
    pub(super) fn redact_piece(
        &mut self,
        redactor: &mut Redactor,
        piece: &[u8],
        end: bool,
        out: &mut Vec<u8>,
        env: &mut dyn Surroundings,
    ) -> bool {
        let Some(redaction) = self.redaction() else { return true };
        let redacts = self.redacts(&redaction);
        let begun = out.len();
        redactor.feed(&self.response_plan(&redaction), piece, end, out);
        if !redacts {
            out.truncate(begun);
            out.extend_from_slice(piece);
        }
        let blocked = redactor.blocked().is_some();
        if end || blocked && redacts {
            let findings = redactor.take_findings();
            if !findings.is_empty() {
                self.facts.not_swept = true;
                self.count_findings(&findings, blocked, redacts, env);
                self.note_findings(findings, redacts, env);
            }
        }
        if blocked && redacts {
            out.truncate(begun);
            self.record_response(Some(Reason::SecretBlocked), "secret_blocked", None, true, env);
            self.outcome = Some("response_cut");
            return false;
        }
        true
    }

    /// Records what was found in something that broke off.
    pub(super) fn redaction_broken_off(&mut self, redactor: &mut Redactor, env: &mut dyn Surroundings) {
        let Some(redaction) = self.redaction() else { return };
        let redacts = self.redacts(&redaction);
        let findings = redactor.take_findings();
        if !findings.is_empty() {
            self.facts.not_swept = true;
            self.count_findings(&findings, false, redacts, env);
            self.note_findings(findings, redacts, env);
        }
    }

    fn count_findings(&self, findings: &Findings, blocked: bool, redacts: bool, env: &mut dyn Surroundings) {
        let outcome = match (redacts, blocked) {
            (false, _) => metrics::Redacted::Would,
            (true, true) => metrics::Redacted::Blocked,
            (true, false) => metrics::Redacted::Redacted,
        };
        for (detector, count) in findings.by_detector() {
            env.count_redactions(metrics::Redaction { outcome, detector, count, server: self.counted_server() });
        }
    }

    /// Keeps what was found for the event that tells of the whole exchange; a stream that is tied to no request may
    /// last for days, so each of its messages is told of at once.
    fn note_findings(&mut self, findings: Findings, redacts: bool, env: &mut dyn Surroundings) {
        self.facts.redactions.merge(findings);
        self.facts.would_redact |= !redacts;
        if self.is_stream {
            self.record_response(None, "secrets_found", None, false, env);
            self.facts.redactions = Findings::default();
        }
    }
}

fn place(blocked: &Blocked) -> &str {
    if blocked.pointer.is_empty() { "its text" } else { &blocked.pointer }
}

fn secret_in_request(blocked: &Blocked) -> Refusal {
    let (said, advice) = if blocked.detector == PLACEHOLDER {
        (
            format!(
                "{} holds a placeholder that stands for a redacted secret; the secret itself is not known here.",
                place(blocked)
            ),
            "Do not send placeholders on: leave the value as it is where it lies, refer to it by name, or ask a person for it.",
        )
    } else {
        (
            format!(
                "{} holds a secret ({}), which this policy does not let through.",
                place(blocked),
                blocked.detector
            ),
            "Call again without the secret: refer to it by name, or let the server read it from where it is kept.",
        )
    };
    Refusal::by_policy(Reason::SecretBlocked, said, advice)
}
