//! What a request costs, and which quotas count it.

use std::sync::Arc;

use crate::decide::cost::{self, Estimate};
use crate::decide::quota::{Ask, Uncountable};
use crate::policy::{Cost, Counts, Policy, Quota};

/// Price and quotas of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeSteps<'p> {
    /// Its price; `None` if it costs nothing.
    pub cost: Option<CostStep<'p>>,
    /// The quotas in document order.
    pub quotas: Vec<QuotaStep<'p>>,
}

/// The price of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostStep<'p> {
    /// The entry of `costs` that prices it: the first that names it.
    pub cost: &'p Arc<Cost>,
    /// The pattern that names it.
    pub pattern: String,
    /// What it comes to.
    pub estimate: Estimate,
    /// The threshold for single calls that it is over, in micro-dollars.
    pub over_threshold: Option<u64>,
}

/// One quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaStep<'p> {
    /// The quota.
    pub quota: &'p Arc<Quota>,
    /// How much it takes of which counters, or why it does not count the request.
    pub counted: Result<(u64, Vec<String>), Uncounted>,
}

/// Why a quota does not count a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncounted {
    /// It is about other things.
    Target,
    /// It is about other servers.
    Server,
    /// It is about other callers.
    Who,
    /// The request costs nothing.
    Free,
    /// The caller cannot be counted, which the quota or its store's fail mode decides.
    Uncountable(Uncountable),
}

/// What `ask` is charged: a request of so many bytes, with the JSON text of its `arguments`.
pub fn charges<'p>(
    policy: &'p Policy,
    ask: &Ask<'_>,
    request_bytes: usize,
    arguments: Option<&[u8]>,
) -> ChargeSteps<'p> {
    let cost = ask.cost(policy).map(|(cost, pattern)| {
        let estimate = cost::estimate(cost, request_bytes, arguments);
        let over_threshold = policy.costs.single_request.filter(|threshold| estimate.reserved > *threshold);
        CostStep { cost, pattern: pattern.to_string(), estimate, over_threshold }
    });
    let reserved = cost.as_ref().map_or(0, |it| it.estimate.reserved);
    let step = |quota: &'p Arc<Quota>| {
        let amount = match quota.counts {
            Counts::Calls | Counts::Concurrent | Counts::ResultBytes => 1,
            Counts::RequestBytes => request_bytes as u64,
            Counts::Cost => reserved,
        };
        QuotaStep { quota, counted: counted(ask, quota, amount) }
    };
    ChargeSteps { quotas: policy.quotas.iter().map(step).collect(), cost }
}

fn counted(ask: &Ask<'_>, quota: &Quota, amount: u64) -> Result<(u64, Vec<String>), Uncounted> {
    if !ask.is_counted(quota) {
        let of_anyone = Quota { who: None, ..quota.clone() };
        let anywhere = Quota { servers: None, ..of_anyone.clone() };
        return Err(match (ask.is_counted(&of_anyone), ask.is_counted(&anywhere)) {
            (true, _) => Uncounted::Who,
            (false, true) => Uncounted::Server,
            (false, false) => Uncounted::Target,
        });
    }
    if amount == 0 {
        return Err(Uncounted::Free);
    }
    let counters = ask.counters(quota).map_err(Uncounted::Uncountable)?;
    let named = |values: &crate::decide::quota::Values<'_>| {
        let pairs = quota.by.iter().zip(values);
        let pairs =
            pairs.map(|(dimension, value)| format!("{} {}", dimension.as_str(), value.as_deref().unwrap_or("-")));
        pairs.collect::<Vec<_>>().join(", ")
    };
    Ok((amount, counters.iter().map(named).collect()))
}
