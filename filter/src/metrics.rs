//! What is counted, as data. Envoy's wasm metrics have no labels, so they are part of the name; `tidegate render`
//! writes the `stats_tags` that turn them into Prometheus labels again. Every part comes from the policy or a fixed set,
//! never from a caller: Envoy does not free metric names.

use crate::policy::Reason;

/// How a message or exchange was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Allow,
    /// It was refused.
    Deny,
    /// It passed, and enforcement would have refused it.
    WouldDeny,
    /// It was refused, and a shadow rule would have let it pass.
    WouldAllow,
    /// It was not governed, by declaration.
    Ungoverned,
}

impl Outcome {
    /// The word in metric names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::WouldDeny => "would_deny",
            Self::WouldAllow => "would_allow",
            Self::Ungoverned => "ungoverned",
        }
    }
}

/// One decision to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// How it was decided.
    pub outcome: Outcome,
    /// Why, if it was refused.
    pub reason: Option<Reason>,
    /// The server.
    pub server: Server<'a>,
}

/// What was done with secrets that were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redacted {
    /// They were replaced.
    Redacted,
    /// They were in a message that was refused for one of them.
    Blocked,
    /// They passed, and enforcement would have replaced or refused them.
    Would,
}

impl Redacted {
    /// The word in metric names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redacted => "redacted",
            Self::Blocked => "blocked",
            Self::Would => "would_redact",
        }
    }
}

/// Secrets of one kind that were found in one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redaction<'a> {
    /// What was done with them.
    pub outcome: Redacted,
    /// The detector's name.
    pub detector: &'a str,
    /// How many.
    pub count: u64,
    /// The server.
    pub server: Server<'a>,
}

impl Redaction<'_> {
    /// The counter's name.
    pub fn name(&self) -> String {
        let outcome = self.outcome.as_str();
        format!("tidegate.redactions.outcome.{outcome}.detector.{}.server.{}", self.detector, self.server.name)
    }
}

/// What a quota said of a request, or what became of its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaOutcome {
    /// It admitted the request.
    Admitted,
    /// It refused the request.
    Denied,
    /// It would have refused the request, and is in shadow mode.
    WouldDeny,
    /// Its store did not answer: the fail mode decided.
    StoreError,
    /// Its counter took the place of another that was still alive.
    Evicted,
    /// What a request came to in the end could not be counted.
    SettleError,
}

impl QuotaOutcome {
    /// The word in metric names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Denied => "denied",
            Self::WouldDeny => "would_deny",
            Self::StoreError => "store_error",
            Self::Evicted => "evicted",
            Self::SettleError => "settle_error",
        }
    }
}

/// One count of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaCount<'a> {
    /// What happened.
    pub outcome: QuotaOutcome,
    /// The quota's id.
    pub quota: &'a str,
}

impl QuotaCount<'_> {
    /// The counter's name.
    pub fn name(&self) -> String {
        format!("tidegate.quotas.outcome.{}.quota.{}", self.outcome.as_str(), self.quota)
    }
}

/// Which of the two counters of money. What was spent is the difference: both only grow, and what was charged stays
/// counted when a VM ends before its calls do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostKind {
    /// Charged when a call was admitted.
    Charged,
    /// Given back when it ended.
    Refunded,
}

impl CostKind {
    /// The word in metric names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Charged => "charged",
            Self::Refunded => "refunded",
        }
    }
}

/// Money that a call was charged, or got back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge<'a> {
    /// Charged, or given back.
    pub kind: CostKind,
    /// How much, in micro-dollars.
    pub micro_usd: u64,
    /// The pattern of the policy's `costs` that priced the tool.
    pub tool: &'a str,
    /// The team, if the policy names it; else `other`, or `none`.
    pub team: &'a str,
    /// The subject, if the policy names it; else `other`, or `none`.
    pub subject: &'a str,
    /// The server.
    pub server: Server<'a>,
}

impl Charge<'_> {
    /// The counter's name.
    pub fn name(&self) -> String {
        let Self { kind, tool, team, subject, server, .. } = self;
        let kind = kind.as_str();
        let (tool, team, subject) = (label(tool), label(team), label(subject));
        format!("tidegate.cost_micro_usd.kind.{kind}.tool.{tool}.team.{team}.subject.{subject}.server.{}", server.name)
    }
}

/// A label's value in a metric name: the dots that part labels are percent-encoded.
fn label(value: &str) -> String {
    value.replace('%', "%25").replace('.', "%2E")
}

/// A server as metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server<'a> {
    /// Its place in the policy; one past the last if no server matched.
    pub ordinal: usize,
    /// Its name in the policy; `none` if no server matched.
    pub name: &'a str,
}

/// What makes two decisions count as one metric.
pub type Key = (Outcome, Option<Reason>, usize);

impl Decision<'_> {
    /// What makes two decisions count as one metric.
    pub fn key(&self) -> Key {
        (self.outcome, self.reason, self.server.ordinal)
    }

    /// The counter's name.
    pub fn name(&self) -> String {
        let reason = self.reason.map_or("none", Reason::as_str);
        format!("tidegate.decisions.verdict.{}.reason.{reason}.server.{}", self.outcome.as_str(), self.server.name)
    }
}

/// The name of the histogram of an exchange's duration in microseconds, after OpenTelemetry's
/// `mcp.server.operation.duration`.
pub fn duration_name(server: &str) -> String {
    format!("tidegate.mcp_server_operation_duration.server.{server}")
}
