//! The keys of each object of the document. The compiler opens every object through one of these tables, and a test
//! compares them with `policies/policy.schema.json`.

use super::settings::FailModes;

/// The keys of one kind of object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// What a message calls the object; also its name in the schema's `$defs`.
    pub(super) name: &'static str,
    pub(super) known: &'static [&'static str],
    /// Keys of later versions. Refused by name, so that no policy runs with a part ignored.
    pub(super) later: &'static [&'static str],
}

pub(super) const CONFIGURATION: Keys = Keys { name: "configuration", known: &["host", "layers"], later: &[] };
pub(super) const HOST: Keys =
    Keys { name: "host", known: &["hold_headers", "audit", "keys", "stores"], later: &["store", "metrics"] };
pub(super) const HOST_AUDIT: Keys = Keys { name: "host_audit", known: &["sink", "level"], later: &["sinks"] };
pub(super) const HOST_KEYS: Keys = Keys { name: "host_keys", known: &["redaction"], later: &["grants"] };
pub(super) const HOST_KEY: Keys = Keys { name: "host_key", known: &["env"], later: &["previous"] };
pub(super) const HOST_STORES: Keys = Keys { name: "host_stores", known: &["counters", "global"], later: &[] };
pub(super) const HOST_STORES_GLOBAL: Keys =
    Keys { name: "host_stores_global", known: &["cluster", "domain", "protocol", "timeout", "hold"], later: &[] };
pub(super) const POLICY: Keys = Keys {
    name: "policy",
    known: &[
        "$schema",
        "version",
        "name",
        "revision",
        "mode",
        "identity",
        "servers",
        "sets",
        "rules",
        "narrow_schemas",
        "read_only",
        "redaction",
        "limits",
        "on",
        "audit",
        "registries",
        "quotas",
        "costs",
        "cost_controls",
        "lint",
    ],
    later: &["lock", "locks", "approvals", "compat"],
};
pub(super) const IDENTITY: Keys = Keys { name: "identity", known: &["sources", "anonymous"], later: &[] };
pub(super) const SOURCE: Keys = Keys { name: "source", known: &["jwt", "spiffe", "header"], later: &[] };
pub(super) const JWT: Keys = Keys {
    name: "jwt",
    known: &["issuer", "audience", "metadata_key", "subject", "team", "groups", "scopes", "agent"],
    later: &[],
};
pub(super) const SPIFFE: Keys = Keys { name: "spiffe", known: &["subject"], later: &[] };
pub(super) const HEADER: Keys =
    Keys { name: "header", known: &["peers", "subject", "team", "groups", "scopes", "agent"], later: &[] };
pub(super) const ANONYMOUS: Keys = Keys { name: "anonymous", known: &["challenge"], later: &[] };
pub(super) const CHALLENGE: Keys = Keys { name: "challenge", known: &["resource_metadata"], later: &["scope"] };
pub(super) const SERVER: Keys =
    Keys { name: "server", known: &["name", "match", "mode", "govern", "registry"], later: &["lock", "quotas"] };
pub(super) const MATCH: Keys = Keys { name: "match", known: &["path", "authority", "route", "cluster"], later: &[] };
pub(super) const RULE: Keys = Keys {
    name: "rule",
    known: &[
        "id",
        "allow",
        "deny",
        "who",
        "servers",
        "arguments",
        "write",
        "not_before",
        "expires",
        "mode",
        "advice",
        "deny_style",
    ],
    later: &["approval"],
};
pub(super) const TARGET: Keys =
    Keys { name: "target", known: &["tools", "resources", "prompts", "methods"], later: &[] };
pub(super) const TOOL: Keys = Keys { name: "tool", known: &["server", "tool"], later: &[] };
pub(super) const WHO: Keys =
    Keys { name: "who", known: &["subject", "team", "groups", "agent", "workload", "scopes", "issuer"], later: &[] };
pub(super) const READ_ONLY: Keys = Keys { name: "read_only", known: &["enabled", "reads"], later: &[] };
pub(super) const REDACTION: Keys = Keys {
    name: "redaction",
    known: &[
        "detectors",
        "keys",
        "patterns",
        "requests",
        "responses",
        "strategies",
        "allow",
        "mode",
        "sweep_bytes",
        "hidden_text",
        "constrained",
    ],
    later: &[],
};
pub(super) const REDACTION_PATTERN: Keys =
    Keys { name: "redaction_pattern", known: &["name", "pattern", "examples", "passes"], later: &[] };
pub(super) const HIDDEN_TEXT: Keys = Keys { name: "hidden_text", known: &["definitions", "results"], later: &[] };
pub(super) const REDACTION_STRATEGY: Keys =
    Keys { name: "redaction_strategy", known: &["requests", "responses"], later: &[] };
pub(super) const REDACTION_ALLOW: Keys =
    Keys { name: "redaction_allow", known: &["tools", "paths", "detectors"], later: &[] };
pub(super) const REGISTRY: Keys = Keys {
    name: "registry",
    known: &["name", "parent"],
    later: &["auto_upgrade", "approval_required", "multiple_approvers", "owners", "approval_floor"],
};
pub(super) const QUOTA: Keys = Keys {
    name: "quota",
    known: &[
        "id",
        "limit",
        "count",
        "window",
        "burst",
        "lease",
        "utc_offset",
        "by",
        "tools",
        "resources",
        "prompts",
        "methods",
        "servers",
        "registries",
        "who",
        "scope",
        "on_store_error",
        "on_missing",
        "refund_on",
        "mode",
        "advice",
    ],
    later: &[],
};
pub(super) const COST: Keys = Keys {
    name: "cost",
    known: &["tools", "per_call", "per_request_kb", "per_result_kb", "argument", "result", "max", "refund_on"],
    later: &[],
};
pub(super) const COST_ARGUMENT: Keys =
    Keys { name: "cost_argument", known: &["pointer", "price", "per", "default"], later: &[] };
pub(super) const COST_RESULT: Keys = Keys { name: "cost_result", known: &["pointer", "price", "per"], later: &[] };
pub(super) const COST_CONTROLS: Keys = Keys {
    name: "cost_controls",
    known: &["team_budgets", "approval_thresholds", "optimization", "utc_offset", "scope", "on_store_error", "mode"],
    later: &[],
};
pub(super) const APPROVAL_THRESHOLDS: Keys =
    Keys { name: "approval_thresholds", known: &["single_request", "hourly_spend", "daily_spend"], later: &[] };
pub(super) const OPTIMIZATION: Keys = Keys { name: "optimization", known: &["cache_ttl", "model_routing"], later: &[] };
pub(super) const LIMITS: Keys = Keys {
    name: "limits",
    known: &[
        "request_bytes",
        "list_bytes",
        "event_bytes",
        "depth",
        "buffered_bytes_per_worker",
        "buffered_bytes_per_principal",
    ],
    later: &[],
};
pub(super) const ON: Keys =
    Keys { name: "on", known: FailModes::KEYS, later: &["lock_missing", "store_error", "quota_error"] };
pub(super) const AUDIT: Keys = Keys { name: "audit", known: &["arguments", "allowed"], later: &[] };
pub(super) const LINT: Keys = Keys { name: "lint", known: &["allow"], later: &[] };
pub(super) const LINT_ALLOW: Keys =
    Keys { name: "lint_allow", known: &["lint", "at", "reason", "expires"], later: &[] };

/// Every table.
pub(super) const ALL: &[&Keys] = &[
    &CONFIGURATION,
    &HOST,
    &HOST_AUDIT,
    &HOST_KEYS,
    &HOST_KEY,
    &HOST_STORES,
    &HOST_STORES_GLOBAL,
    &POLICY,
    &IDENTITY,
    &SOURCE,
    &JWT,
    &SPIFFE,
    &HEADER,
    &ANONYMOUS,
    &CHALLENGE,
    &SERVER,
    &MATCH,
    &RULE,
    &TARGET,
    &TOOL,
    &WHO,
    &READ_ONLY,
    &REDACTION,
    &REDACTION_PATTERN,
    &HIDDEN_TEXT,
    &REDACTION_STRATEGY,
    &REDACTION_ALLOW,
    &REGISTRY,
    &QUOTA,
    &COST,
    &COST_ARGUMENT,
    &COST_RESULT,
    &COST_CONTROLS,
    &APPROVAL_THRESHOLDS,
    &OPTIMIZATION,
    &LIMITS,
    &ON,
    &AUDIT,
    &LINT,
    &LINT_ALLOW,
];
