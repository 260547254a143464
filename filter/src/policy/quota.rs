mod read;
mod window;

use std::sync::Arc;

pub(super) use read::{Engine, Names, RESERVED, check_budget, read, read_on_store_error, read_refund_list, read_scope};
pub(super) use window::{PERIODS, period, read_utc_offset};

use super::{FailMode, Mode, Reason, TargetPattern, Who};
use crate::quota::Limit;

/// A limit on what callers do in a window of time: on calls, bytes, concurrency or, as a budget, money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The unique name that refusals, audit events and metrics carry: letters, digits, `.`, `_` and `-`. What
    /// `cost_controls` declares has ids of the form `cost_controls.team_budgets.<team>`, with other characters of the
    /// team percent-encoded.
    pub id: String,
    /// What is counted.
    pub counts: Counts,
    /// How much in which window, in calls, bytes, or micro-dollars.
    pub limit: Limit,
    /// What has a counter of its own; empty for one counter in all.
    pub by: Vec<Dimension>,
    /// What is counted; empty for every `tools/call`.
    pub targets: Vec<TargetPattern>,
    /// Names of the servers it is about; `None` is all of them.
    pub servers: Option<Vec<String>>,
    /// Whom it is about; `None` is everyone.
    pub who: Option<Who>,
    /// Where the count is kept.
    pub scope: Scope,
    /// The verdict where the store does not answer.
    pub on_store_error: FailMode,
    /// What is done about a caller that lacks something of `by`.
    pub on_missing: Missing,
    /// When what was charged is given back. Of budgets the prices say so themselves ([`Cost::refund_on`]).
    pub refund_on: Refunds,
    /// A shadow quota counts, and refuses nothing.
    pub mode: Mode,
    /// What a refused caller can do next.
    pub advice: Option<String>,
    /// The reason of a refusal: [`Reason::QuotaExceeded`], [`Reason::BudgetExceeded`], or [`Reason::ApprovalRequired`]
    /// for the thresholds of `cost_controls`.
    pub exceeded: Reason,
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counts {
    /// Requests.
    Calls,
    /// Bytes of their bodies.
    RequestBytes,
    /// Bytes of the responses' bodies, charged when they end: a request is refused while what came before is over.
    ResultBytes,
    /// Requests that have not ended.
    Concurrent,
    /// What they cost, in micro-dollars.
    Cost,
}

impl Counts {
    /// The word of the policy document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::RequestBytes => "request_bytes",
            Self::ResultBytes => "result_bytes",
            Self::Concurrent => "concurrent",
            Self::Cost => "cost",
        }
    }
}

/// What can have a counter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Who calls, qualified by who vouches for it.
    Subject,
    /// The caller's team.
    Team,
    /// Each of the caller's groups: all of them are charged, and each may refuse.
    Groups,
    /// The server, by its name in the policy.
    Server,
    /// The tool, prompt, resource or method that is asked for, by its name.
    Tool,
    /// The server's registry.
    Registry,
}

impl Dimension {
    /// All dimensions, in the order in which keys name them.
    pub const ALL: [Self; 6] = [Self::Subject, Self::Team, Self::Groups, Self::Server, Self::Tool, Self::Registry];

    /// The word of the policy document, and of the descriptors of a rate limit service.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Team => "team",
            Self::Groups => "groups",
            Self::Server => "server",
            Self::Tool => "tool",
            Self::Registry => "registry",
        }
    }
}

/// Where a count is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In the memory that the workers of one Envoy share.
    Local,
    /// In the rate limit service of `host.stores.global`.
    Global,
}

/// What is done about a caller that lacks something of `by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// All such callers share one counter.
    Share,
    /// They are refused.
    Deny,
}

/// When what was charged is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refunds {
    /// The server answered with a status of 500 or more, or with nothing.
    pub upstream_failure: bool,
    /// The tool says that it failed (`isError`), or the answer is a JSON-RPC error.
    pub tool_error: bool,
}

/// What calls of some tools cost. All prices are in micro-dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The tools; never empty.
    pub tools: Vec<TargetPattern>,
    /// For each call.
    pub per_call: u64,
    /// For each 1024 bytes of the request's body, begun bytes counted exactly and rounded up at the end.
    pub per_request_kb: u64,
    /// For each 1024 bytes of the response's body.
    pub per_result_kb: u64,
    /// For a number among the arguments.
    pub argument: Option<PricedArgument>,
    /// What the server says it was, in the result's `_meta`.
    pub result: Option<ReportedCost>,
    /// When a call costs nothing after all.
    pub refund_on: Refunds,
    /// What a call costs at most. There is one wherever the price depends on the result: it is what is reserved.
    pub max: Option<u64>,
}

/// A price for a number among a call's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedArgument {
    /// JSON pointer (RFC 6901) below `arguments`.
    pub pointer: String,
    /// Micro-dollars for every `per` units.
    pub price: u64,
    /// Units.
    pub per: u64,
    /// The number that is taken where the argument is absent or no number that is not negative.
    pub default: u64,
}

/// A cost that the server reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedCost {
    /// JSON pointer (RFC 6901) below the result's `_meta`.
    pub pointer: String,
    /// Micro-dollars for every `per` units of the number there.
    pub price: u64,
    /// Units.
    pub per: u64,
}

/// The prices, and the threshold on single calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Costs {
    /// The first that matches a tool prices its calls; a tool that none matches costs nothing.
    pub list: Vec<Arc<Cost>>,
    /// Micro-dollars over which one call needs an approval (`cost_controls.approval_thresholds.single_request`).
    pub single_request: Option<u64>,
    /// Whether that refuses anything; the quotas of `cost_controls` have modes of their own, which are the same.
    pub single_request_mode: Mode,
}
