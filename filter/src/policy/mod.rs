//! The policy: a JSON document compiled once into an immutable, indexed form.
//!
//! ```
//! use tidegate_filter::policy::compile;
//! let text = br#"{
//!   "version": "tidegate/v1", "name": "example",
//!   "identity": { "sources": [{ "spiffe": {} }] },
//!   "servers": [{ "name": "crm", "match": { "path": "/mcp" } }],
//!   "rules": [{ "id": "read", "allow": { "tools": ["crm/get_*"] } }]
//! }"#;
//! let policy = compile(text)?.configuration.policy;
//! assert_eq!(policy.servers[0].name, "crm");
//! # Ok::<(), tidegate_filter::policy::Diagnostics>(())
//! ```
//!
//! [`compile()`] is what Envoy runs at load; `check` adds the lints that need a clock or compare all rules with each
//! other, and is not part of the `.wasm`. A document with any error compiles to nothing: the caller keeps the policy it has, or refuses every request.

mod arguments;
mod compile;
mod cost;
mod cost_controls;
mod diagnostic;
mod document;
mod duration;
mod identity;
mod index;
mod keys;
mod lint;
mod money;
mod path;
mod quota;
mod reason;
mod redaction;
mod registry;
mod rule;
mod server;
mod settings;

use std::sync::Arc;

pub use arguments::{Arguments, Sets};
pub use compile::{VERSION, compile};
#[cfg(not(target_family = "wasm"))]
pub use compile::{check, check_against};
pub use diagnostic::{Diagnostic, Diagnostics, Severity, suggestion};
pub use identity::{Anonymous, ClaimPath, HeaderSource, Identity, IdentitySource, JwtSource};
pub(crate) use index::{Candidates, RuleIndex};
pub use lint::AllowedLint;
#[cfg(not(target_family = "wasm"))]
pub use lint::{LINTS, LintEntry, Seen};
pub use money::Dollars;
pub use path::path_fault;
pub(crate) use path::{is_below, same_authority};
pub use quota::{Cost, Costs, Counts, Dimension, Missing, PricedArgument, Quota, Refunds, ReportedCost, Scope};
pub use reason::Reason;
pub use redaction::{Allowance, Constrained, Direction, HiddenText, PLACEHOLDER, Redaction, SWEEP_BYTES, Strategy};
pub use registry::{Registry, is_within};
pub use rule::{DenyStyle, Effect, Field, Noun, Rule, TargetPattern, Who};
pub use server::{Server, ServerMatch};
pub use settings::{
    ArgumentsAudit, AuditLog, AuditSettings, FailMode, FailModeRow, FailModes, HostSettings, Limits, LogLevel,
    RateLimitProtocol, RateLimitService, ReadOnly, Stores,
};

/// What the plugin is configured with: settings of the deployment, and the policy.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// What belongs to the deployment and not to the policy.
    pub host: HostSettings,
    /// The one policy layer of this version.
    pub policy: Policy,
}

/// A configuration that may run, with what a reviewer should know about it.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The configuration, ready to decide with.
    pub configuration: Configuration,
    /// Lints. They never block.
    pub warnings: Vec<Diagnostic>,
    /// Lints that the policy allows, with its reasons.
    pub allowed: Vec<AllowedLint>,
}

/// Whether verdicts take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Verdicts take effect.
    #[default]
    Enforce,
    /// Verdicts are computed, counted and audited, and change nothing.
    Shadow,
}

impl Mode {
    /// The word of the policy document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }
}

/// A compiled policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The name that denials and audit events carry.
    pub name: String,
    /// The operator's own revision number, if the document gives one.
    pub revision: Option<u64>,
    /// `sha256:` and the first 16 hexadecimal digits of the SHA-256 of the policy's text, byte for byte.
    pub digest: String,
    /// Whether the policy is enforced. Already folded into each [`Server::mode`].
    pub mode: Mode,
    /// How callers are identified.
    pub identity: Identity,
    /// The environments and domains that servers have joined, in document order.
    pub registries: Vec<Registry>,
    /// The servers in document order; the first that matches a request is the one.
    pub servers: Vec<Server>,
    /// The rules in document order.
    pub rules: Vec<Rule>,
    /// The named sets that conditions on arguments refer to.
    pub sets: Sets,
    /// Whether listed tools show in their `inputSchema` what rules demand of the arguments.
    pub narrow_schemas: bool,
    /// Read-only mode and the tools that count as reads.
    pub read_only: ReadOnly,
    /// Which secrets are looked for; none without `redaction`.
    pub redaction: Option<Arc<Redaction>>,
    /// Limits on calls, bytes, concurrency and money, in document order; those of `cost_controls` come last.
    pub quotas: Vec<Arc<Quota>>,
    /// What calls cost.
    pub costs: Costs,
    /// Teams and subjects that the policy names, sorted: metrics name no others.
    pub(crate) named: Named,
    /// Sizes and depth.
    pub limits: Limits,
    /// The verdict for each cause of indecision.
    pub on: FailModes,
    /// What audit events contain.
    pub audit: AuditSettings,
    /// Rules and reads that apply to every server.
    pub(crate) global: RuleIndex,
    /// Rules and reads of each server alone, in the order of `servers`.
    pub(crate) by_server: Vec<RuleIndex>,
    /// Every `not_before` and `expires`, sorted.
    pub(crate) time_bounds: Vec<i64>,
}

/// Teams and subjects that a policy names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    teams: Vec<String>,
    subjects: Vec<String>,
}

impl Named {
    /// Those of every `who`.
    fn of<'w>(all: impl Iterator<Item = &'w Who>) -> Self {
        let mut named = Self::default();
        for (field, values) in all.flat_map(|who| &who.0) {
            match field {
                Field::Team => named.teams.extend_from_slice(values),
                Field::Subject => named.subjects.extend_from_slice(values),
                _ => {}
            }
        }
        crate::order::distinct(&mut named.teams);
        crate::order::distinct(&mut named.subjects);
        named
    }

    /// A team as metrics name it.
    pub(crate) fn team(&self, team: Option<&str>) -> &str {
        Self::label(&self.teams, team)
    }

    /// A subject as metrics name it.
    pub(crate) fn subject(&self, subject: &str) -> &str {
        Self::label(&self.subjects, Some(subject).filter(|subject| !subject.is_empty()))
    }

    fn label<'n>(names: &'n [String], name: Option<&str>) -> &'n str {
        let Some(name) = name else { return "none" };
        let found = names.binary_search_by(|known| known.as_str().cmp(name)).ok().and_then(|at| names.get(at));
        found.map_or("other", String::as_str)
    }
}

#[cfg(test)]
mod tests;
