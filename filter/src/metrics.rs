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
