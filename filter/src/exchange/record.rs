//! What is recorded of an exchange: audit events and counters (DESIGN section 7).

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::headers::Headers;
use super::refusal::Refusal;
use super::request::{Message, Mirrored};
use super::{Core, Progress, Surroundings};
use crate::audit::Record;
use crate::decide::access::Verdict;
use crate::json::write_string;
use crate::mcp::jsonrpc::Shape;
use crate::mcp::method::Kind;
use crate::metrics::{CostKind, Decision, Outcome};
use crate::policy::Reason;
use crate::rewrite::redact::Findings;
use crate::state::collapse::Fate;

/// Microseconds from which an exchange counts as long.
const LONG: u64 = 1_000_000;
/// Names that one audit event lists before it only counts.
const LISTED: usize = 64;

/// What was taken from the request's headers for later: they are gone when the body comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) started: u64,
    pub(super) http_method: String,
    pub(super) authority: String,
    /// Without the query.
    pub(super) path: String,
    pub(super) route: Option<String>,
    pub(super) mirrored: Mirrored,
    /// Place in the policy of the server that is declared ungoverned.
    pub(super) ungoverned_server: Option<usize>,
    /// The rule that lets the message pass.
    pub(super) rule: Option<String>,
    /// What shadow rules would have made of the message: allowed, and by which rule.
    pub(super) would: Option<(bool, String)>,
    /// Micro-dollars that the call may cost, if its tool has a price.
    pub(super) estimated: Option<u64>,
    /// Id of the decision on the request, which its completion repeats.
    decision: Option<String>,
    /// Client capabilities that the server does not get to see.
    pub(super) struck: Vec<&'static str>,
    /// Names of list entries that were left out.
    pub(super) hidden: Vec<String>,
    /// Secrets in the request, and in what the server sent.
    pub(super) request_redactions: Findings,
    pub(super) redactions: Findings,
    /// What is to be told of arguments that were rewritten; within, None if they are too long.
    pub(super) arguments: Option<Option<Vec<u8>>>,
    /// They passed: redaction is in shadow mode.
    pub(super) would_redact: bool,
    /// They were found in something that left before it was complete.
    pub(super) not_swept: bool,
    request_id: Option<String>,
    session: Option<String>,
    trace: Option<(String, String)>,
}

impl Facts {
    pub(super) fn new(started: u64) -> Self {
        Self { started, ..Self::default() }
    }

    pub(super) fn take(&mut self, headers: &Headers) {
        let own = |name: &str| headers.text(name).map(str::to_owned);
        self.http_method = own(":method").unwrap_or_default();
        self.authority = own(":authority").or_else(|| own("host")).unwrap_or_default();
        // A path that is not UTF-8 is kept lossily: the replacement character fails the path gate.
        let target = match headers.get(":path") {
            super::headers::Lookup::One(path) => String::from_utf8_lossy(path).into_owned(),
            _ => String::new(),
        };
        self.path = target.split(['?', '#']).next().unwrap_or_default().to_owned();
        self.request_id = own("x-request-id");
        self.session = own("mcp-session-id");
        self.trace = headers.text("traceparent").and_then(|value| {
            // W3C Trace Context: version-traceid-parentid-flags.
            let mut parts = value.split('-').skip(1);
            let (trace, span) = (parts.next()?, parts.next()?);
            (trace.len() == 32 && span.len() == 16).then(|| (trace.to_owned(), span.to_owned()))
        });
    }
}

impl Core {
    /// Records a refusal and returns its decision id. `message` is what was refused, if it could be read.
    pub(super) fn record_refusal(
        &mut self,
        refusal: &Refusal,
        message: Option<&Message<'_>>,
        env: &mut dyn Surroundings,
    ) -> String {
        let id = self.worker.decision_id();
        let enforces = self.enforces();
        let outcome = if enforces { Outcome::Deny } else { Outcome::WouldDeny };
        env.count(Decision { outcome, reason: Some(refusal.reason), server: self.counted_server() });
        let would = self.facts.would.take();
        if enforces && would.as_ref().is_some_and(|(allowed, _)| *allowed) {
            env.count(Decision { outcome: Outcome::WouldAllow, reason: None, server: self.counted_server() });
        }
        let now = env.now();
        let target = message.and_then(|message| message.target.as_deref().or(message.method.as_deref()));
        let principal = self.parties.as_ref().map(|parties| parties.principal.key()).unwrap_or_default();
        let key = [refusal.reason.as_str(), self.server_name(), &principal, target.unwrap_or(&self.facts.path)];
        let line = || {
            let mut record = self.begin("decision", &id, now);
            record.text("verdict", if enforces { "deny" } else { "allow" });
            record.text("mode", if enforces { "enforce" } else { "shadow" });
            record.text("reason", refusal.reason.as_str());
            record.optional("rule", refusal.rule.as_deref());
            match &would {
                Some((allowed, rule)) if enforces => {
                    record.text("would_verdict", if *allowed { "allow" } else { "deny" });
                    record.text("would_rule", rule);
                }
                _ if !enforces => record.text("would_verdict", "deny"),
                _ => {}
            }
            if let Some(shortage) = &refusal.quota {
                record.text("quota", &shortage.quota);
                if let Some(seconds) = shortage.retry_after {
                    record.number("retry_after", seconds);
                }
            }
            if let Some(estimated) = self.facts.estimated {
                record.number("estimated_micro_usd", estimated);
            }
            self.describe(&mut record, message);
            record.open()
        };
        if env.audits() && self.worker.collapse.note(&key, now, line) == Fate::Write {
            env.audit(&format!("{}}}", line()));
        }
        self.facts.decision = Some(id.clone());
        id
    }

    /// Takes note of the rule that lets a message pass.
    pub(super) fn note_verdict(&mut self, verdict: &Verdict<'_>) {
        if let Some(would) = &verdict.would {
            self.facts.would = Some((would.allowed, would.rule.to_owned()));
        }
        self.facts.rule = verdict.rule.map(str::to_owned);
    }

    /// Records that a message passed, by a rule or the lack of a need for one.
    pub(super) fn record_passed(&mut self, message: &Message<'_>, env: &mut dyn Surroundings) {
        let rule = self.facts.rule.take();
        self.write_allow(Some(message), None, rule.as_deref(), env);
        if let (Some(reserved), Some(tool)) = (self.charges.reserved_cost(), self.charges.priced_tool()) {
            self.count_cost(CostKind::Charged, tool, reserved, env);
        }
    }

    /// Records that an HTTP request without a message passed; `method` is the HTTP method.
    pub(super) fn record_allow(&mut self, method: Option<&str>, env: &mut dyn Surroundings) {
        self.write_allow(None, method, None, env);
    }

    fn write_allow(
        &mut self,
        message: Option<&Message<'_>>,
        method: Option<&str>,
        rule: Option<&str>,
        env: &mut dyn Surroundings,
    ) {
        let would = self.facts.would.take();
        env.count(Decision { outcome: Outcome::Allow, reason: None, server: self.counted_server() });
        if let Some((false, _)) = &would {
            let reason = Some(Reason::DeniedByRule);
            env.count(Decision { outcome: Outcome::WouldDeny, reason, server: self.counted_server() });
        }
        // What the operator waits to see, or has to account for, is written even when allowed calls are not.
        let is_special = would.is_some() || self.charges.is_telling();
        if !env.audits() || !self.configuration.policy.audit.allowed && !is_special {
            return;
        }
        let id = self.worker.decision_id();
        let mut record = self.begin("decision", &id, env.now());
        self.facts.decision = Some(id);
        record.text("verdict", "allow");
        record.text("mode", if self.enforces() { "enforce" } else { "shadow" });
        record.optional("rule", rule);
        if let Some((allowed, rule)) = &would {
            record.text("would_verdict", if *allowed { "allow" } else { "deny" });
            record.text("would_rule", rule);
        } else if !self.charges.would.is_empty() {
            record.text("would_verdict", "deny");
        }
        record.list("would_quota", &self.charges.would, LISTED);
        record.list("uncounted", &self.charges.unknown, LISTED);
        if let Some(reserved) = self.charges.reserved_cost() {
            record.number("reserved_micro_usd", reserved);
        }
        if message.is_none() {
            record.optional("method", method);
        }
        self.describe(&mut record, message);
        env.audit(&record.finish());
    }

    /// Records that something in the response was withheld or changed, and returns the decision id.
    pub(super) fn record_response(
        &mut self,
        reason: Option<Reason>,
        detail: &str,
        method: Option<&str>,
        refused: bool,
        env: &mut dyn Surroundings,
    ) -> String {
        let id = self.worker.decision_id();
        let effective = refused && self.enforces();
        let outcome = match (refused, effective) {
            (true, true) => Outcome::Deny,
            (true, false) => Outcome::WouldDeny,
            (false, _) => Outcome::Allow,
        };
        env.count(Decision { outcome, reason, server: self.counted_server() });
        let is_plain = !refused && reason.is_none() && self.facts.redactions.is_empty();
        if !env.audits() || is_plain && !self.configuration.policy.audit.allowed {
            return id;
        }
        let now = env.now();
        let line = || {
            let mut record = self.begin("decision", &id, now);
            record.text("verdict", if effective { "deny" } else { "allow" });
            record.text("mode", if self.enforces() { "enforce" } else { "shadow" });
            record.optional("reason", reason.map(Reason::as_str));
            if refused && !effective {
                record.text("would_verdict", "deny");
            }
            record.text("direction", "response");
            record.optional("method", method.map(|it| self.scrubbed(it)).as_deref());
            record.optional(
                "tool",
                self.awaiting
                    .as_ref()
                    .and_then(|awaiting| awaiting.tool.as_deref())
                    .map(|it| self.scrubbed(it))
                    .as_deref(),
            );
            record.text("outcome", &self.scrubbed(detail));
            self.describe_redactions(&mut record, &self.facts.redactions);
            record.open()
        };
        let principal = self.parties.as_ref().map(|parties| parties.principal.key()).unwrap_or_default();
        let target = method.or(self.awaiting.as_ref().and_then(|awaiting| awaiting.tool.as_deref()));
        let key = [detail, self.server_name(), &principal, target.unwrap_or(&self.facts.path)];
        if self.worker.collapse.note(&key, now, line) == Fate::Write {
            env.audit(&format!("{}}}", line()));
        }
        id
    }

    /// Counts an exchange that policy leaves alone.
    pub(super) fn count_ungoverned(&self, env: &mut dyn Surroundings) {
        env.count(Decision { outcome: Outcome::Ungoverned, reason: None, server: self.counted_server() });
    }

    /// The duration, and the completion event of an exchange whose decision does not tell the whole story: it was long,
    /// it failed, or something of its answer was changed or withheld.
    pub(super) fn complete(&mut self, env: &mut dyn Surroundings) {
        if self.parties.is_none() || self.facts.ungoverned_server.is_some() {
            return;
        }
        let bill = self.settle_charges(env);
        if let Some(bill) = &bill {
            self.count_cost(CostKind::Refunded, &bill.tool, bill.reserved.saturating_sub(bill.cost), env);
        }
        let now = env.now();
        let micros = now.saturating_sub(self.facts.started) / 1000;
        env.observe(self.counted_server(), micros);
        let broken_off = self.progress == Progress::Arriving;
        let outcome = match (broken_off, &self.suspended) {
            (true, Some(_)) => Some("left_while_waiting"),
            (true, None) => Some("request_incomplete"),
            (false, _) => self.outcome,
        };
        let told = self.progress == Progress::Answered
            || !self.configuration.policy.audit.allowed
            || !self.is_streamed && !self.is_error && micros < LONG && self.status.is_none_or(|status| status < 300);
        let told = told
            && outcome.is_none()
            && bill.is_none()
            && self.facts.hidden.is_empty()
            && self.facts.redactions.is_empty();
        if told || !env.audits() {
            return;
        }
        let id = self.facts.decision.take().unwrap_or_else(|| self.worker.decision_id());
        let mut record = self.begin("completion", &id, now);
        record.optional("era", self.era.map(|era| era.as_str()));
        if let Some(awaiting) = &self.awaiting {
            record.raw("id", self.scrubbed(&String::from_utf8_lossy(&awaiting.id)).as_bytes());
            record.optional("tool", awaiting.tool.as_deref().map(|it| self.scrubbed(it)).as_deref());
        }
        // Of those beyond, only the number is told.
        let name = |(at, name)| if at < LISTED { self.scrubbed(name) } else { Cow::Borrowed("") };
        let hidden: Vec<_> = self.facts.hidden.iter().map(String::as_str).enumerate().map(name).collect();
        record.list("hidden", &hidden, LISTED);
        self.describe_redactions(&mut record, &self.facts.redactions);
        if self.facts.not_swept {
            record.flag("swept", false);
        }
        record.optional("upstream", env.upstream_address().as_deref());
        if let Some(status) = self.status {
            record.number("status", u64::from(status));
        }
        if self.awaiting.as_ref().is_some_and(|awaiting| awaiting.kind == Kind::CallTool) && self.answered {
            record.flag("is_error", self.is_error);
        }
        record.text("outcome", outcome.unwrap_or(if self.is_stream { "stream_ended" } else { "answered" }));
        if let Some(bill) = bill {
            record.number("cost_micro_usd", bill.cost);
        }
        record.number("request_bytes", self.request_bytes as u64);
        record.number("response_bytes", self.response_bytes as u64);
        record.number("duration_us", micros);
        env.audit(&record.finish());
    }

    /// The fields that every event of this exchange shares.
    fn begin(&self, event: &str, id: &str, now: u64) -> Record {
        let policy = &self.configuration.policy;
        let mut record = Record::new(event, now);
        record.text("policy_digest", &policy.digest);
        if let Some(revision) = policy.revision {
            record.number("revision", revision);
        }
        record.text("decision", id);
        record.text("policy", &policy.name);
        if let Some(parties) = &self.parties {
            record.text("server", self.server_name());
            let principal = &parties.principal;
            let subject = if principal.subject.is_empty() { "anonymous" } else { &principal.subject };
            record.text("principal", subject);
            record.optional("team", principal.team.as_deref());
            record.optional("issuer", principal.issuer.as_deref());
            record.optional("peer", principal.workload.as_deref());
            record.text("source", principal.source.as_str());
        }
        if let Some(session) = &self.facts.session {
            // Whoever reads the audit must not be able to take over the session.
            let digest = Sha256::digest(session.as_bytes());
            let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            record.text("session", &short);
        }
        record.text("authority", &self.scrubbed(&self.facts.authority));
        record.text("path", &self.scrubbed(&self.facts.path));
        record.optional("route", self.facts.route.as_deref());
        record.optional("request_id", self.facts.request_id.as_deref().map(|it| self.scrubbed(it)).as_deref());
        if let Some((trace, span)) = &self.facts.trace {
            record.text("trace_id", trace);
            record.text("span_id", span);
        }
        record
    }

    /// Which secrets were found where: never values.
    fn describe_redactions(&self, record: &mut Record, findings: &Findings) {
        if findings.is_empty() {
            return;
        }
        let key = if self.facts.would_redact { "would_redact" } else { "redactions" };
        let mut list = vec![b'['];
        for finding in findings.list() {
            list.extend_from_slice(if list.len() > 1 { b",{\"detector\":" } else { b"{\"detector\":" });
            write_string(&mut list, &finding.detector);
            list.extend_from_slice(b",\"path\":");
            write_string(&mut list, &self.scrubbed(&finding.pointer));
            list.extend_from_slice(format!(",\"count\":{}}}", finding.count).as_bytes());
        }
        list.push(b']');
        record.raw(key, &list);
    }

    /// The fields that describe the request's message.
    fn describe(&self, record: &mut Record, message: Option<&Message<'_>>) {
        record.number("request_bytes", self.request_bytes as u64);
        let Some(message) = message else { return };
        record.optional("era", self.era.map(|era| era.as_str()));
        record.text("method", &self.scrubbed(message.method.as_deref().unwrap_or("response")));
        let target = message.target.as_deref().map(|target| self.scrubbed(target));
        let target = target.as_deref();
        match message.kind {
            Kind::CallTool => record.optional("tool", target),
            Kind::Resource => record.optional("resource", target),
            Kind::Prompt => record.optional("prompt", target),
            _ => {}
        }
        if let Some(id) = message.id() {
            record.raw("id", self.scrubbed(&String::from_utf8_lossy(id)).as_bytes());
        }
        self.describe_redactions(record, &self.facts.request_redactions);
        if !self.facts.struck.is_empty() {
            record.list("struck_capabilities", &self.facts.struck, LISTED);
        }
        let arguments = message.envelope.arguments.filter(|arguments| arguments.shape == Shape::Object);
        if let Some(arguments) = arguments {
            self.describe_arguments(record, message.bytes, arguments.span);
        }
    }
}
