use std::fmt;

/// Why a message was refused. The codes are stable: callers, audit queries and alerts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No verified source says who calls, or what it says cannot be used.
    PrincipalMissing,
    /// No server of the policy matches the request.
    ServerUnknown,
    /// The MCP method is not open to this caller.
    MethodNotAllowed,
    /// No rule allows the tool.
    ToolNotAllowed,
    /// No rule allows the resource.
    ResourceNotAllowed,
    /// No rule allows the prompt.
    PromptNotAllowed,
    /// A deny rule matched.
    DeniedByRule,
    /// A rule allows the tool, but the policy is read-only and the rule does not open writes.
    ReadOnly,
    /// A rule would allow the tool at another time.
    OutsideTime,
    /// The arguments do not meet the conditions of the rule.
    ArgumentsInvalid,
    /// The server is not the one that was locked.
    Drift,
    /// The call waits for a person to approve it.
    ApprovalRequired,
    /// A quota is used up.
    QuotaExceeded,
    /// A budget is used up.
    BudgetExceeded,
    /// A mirrored header says something else than the body.
    HeaderMismatch,
    /// A JSON object has the same key twice, or two keys that some server would take for one.
    DuplicateKey,
    /// The message is not strict JSON-RPC.
    Malformed,
    /// A JSON-RPC batch.
    BatchRefused,
    /// The message, or its nesting, is over a limit.
    TooLarge,
    /// The body is compressed or in another charset.
    EncodingRefused,
    /// The server's response cannot be read strictly.
    UnreadableResponse,
    /// The store that holds the state for this decision did not answer.
    StoreUnavailable,
    /// The request carries a secret.
    SecretBlocked,
    /// The approval grant is forged, expired, used up, or made out for another call.
    GrantInvalid,
    /// A server-sent event is over its limit.
    OversizeEvent,
    /// The HTTP request is not one that the MCP transport allows.
    TransportRefused,
    /// The path could be read differently by the proxy and the server.
    PathRefused,
    /// The worker holds as many unread bytes as it may.
    Overloaded,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 28] = [
        Self::PrincipalMissing,
        Self::ServerUnknown,
        Self::MethodNotAllowed,
        Self::ToolNotAllowed,
        Self::ResourceNotAllowed,
        Self::PromptNotAllowed,
        Self::DeniedByRule,
        Self::ReadOnly,
        Self::OutsideTime,
        Self::ArgumentsInvalid,
        Self::Drift,
        Self::ApprovalRequired,
        Self::QuotaExceeded,
        Self::BudgetExceeded,
        Self::HeaderMismatch,
        Self::DuplicateKey,
        Self::Malformed,
        Self::BatchRefused,
        Self::TooLarge,
        Self::EncodingRefused,
        Self::UnreadableResponse,
        Self::StoreUnavailable,
        Self::SecretBlocked,
        Self::GrantInvalid,
        Self::OversizeEvent,
        Self::TransportRefused,
        Self::PathRefused,
        Self::Overloaded,
    ];

    /// The stable code, in snake_case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrincipalMissing => "principal_missing",
            Self::ServerUnknown => "server_unknown",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::ToolNotAllowed => "tool_not_allowed",
            Self::ResourceNotAllowed => "resource_not_allowed",
            Self::PromptNotAllowed => "prompt_not_allowed",
            Self::DeniedByRule => "denied_by_rule",
            Self::ReadOnly => "read_only",
            Self::OutsideTime => "outside_time",
            Self::ArgumentsInvalid => "arguments_invalid",
            Self::Drift => "drift",
            Self::ApprovalRequired => "approval_required",
            Self::QuotaExceeded => "quota_exceeded",
            Self::BudgetExceeded => "budget_exceeded",
            Self::HeaderMismatch => "header_mismatch",
            Self::DuplicateKey => "duplicate_key",
            Self::Malformed => "malformed",
            Self::BatchRefused => "batch_refused",
            Self::TooLarge => "too_large",
            Self::EncodingRefused => "encoding_refused",
            Self::UnreadableResponse => "unreadable_response",
            Self::StoreUnavailable => "store_unavailable",
            Self::SecretBlocked => "secret_blocked",
            Self::GrantInvalid => "grant_invalid",
            Self::OversizeEvent => "oversize_event",
            Self::TransportRefused => "transport_refused",
            Self::PathRefused => "path_refused",
            Self::Overloaded => "overloaded",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_snake_case() {
        let mut codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
