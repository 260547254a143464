//! Limits for the rate limit services that count for a fleet, from the policy's quotas: the engine and the policy then
//! agree on every limit, and on how its counters are told apart.

use serde_json::{Value, json};
use tidegate_filter::policy::{Counts, Quota, Scope};
use tidegate_filter::quota::{Limit, Period};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;
/// Seconds that a counter of a calendar window outlives it: engine and Envoys need not have the same time.
const SLACK: u64 = 3_600;

/// Limits of an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The engine's configuration.
    pub document: Value,
    /// Where the engine cannot do what the policy says, and what it does instead.
    pub warnings: Vec<String>,
}

/// The limits file of Limitador for the global ones among `quotas`, in the namespace `domain`.
///
/// Each limit applies to the descriptor that [`tidegate_filter::ratelimit::descriptor`] makes for a counter of the quota,
/// which must be the request's first.
pub fn limitador<'a>(domain: &str, quotas: impl IntoIterator<Item = &'a Quota>) -> Limits {
    let mut limits = Vec::new();
    let mut warnings = Vec::new();
    for quota in quotas.into_iter().filter(|it| it.scope == Scope::Global) {
        let Some((max, seconds)) = window(quota, &mut warnings) else { continue };
        let mut names: Vec<&str> = quota.by.iter().map(|it| it.as_str()).collect();
        names.extend(matches!(quota.limit, Limit::Calendar { .. }).then_some("period"));
        let variables: Vec<String> = names.iter().map(|it| entry(it)).collect();
        limits.push(json!({
            "name": quota.id,
            "namespace": domain,
            "max_value": max,
            "seconds": seconds,
            "conditions": [format!("{} == {}", entry("quota"), text(&quota.id))],
            "variables": variables,
        }));
    }
    Limits { document: Value::Array(limits), warnings }
}

/// How much in how many seconds.
fn window(quota: &Quota, warnings: &mut Vec<String>) -> Option<(u64, u64)> {
    match quota.limit {
        // The policy's lints say what becomes of the burst.
        Limit::Rate { limit, window, .. } => {
            let seconds = window.div_ceil(SECOND).max(1);
            if seconds.checked_mul(SECOND) != Some(window) {
                warnings.push(format!(
                    "`{}`: the window is rounded up to {seconds} s, the engine knows no parts of a second",
                    quota.id
                ));
            }
            Some((limit, seconds))
        }
        Limit::Calendar { limit, period, .. } => Some((limit, longest(period) + SLACK)),
        Limit::Concurrent { .. } => {
            warnings.push(format!(
                "`{}`: left out, since engines count what has begun and not what has ended; write \"scope\": \"local\"",
                quota.id
            ));
            None
        }
    }
}

/// The seconds of the longest such window. The entry `period` ends it in time; these only free the counter.
const fn longest(period: Period) -> u64 {
    match period {
        Period::Hour => 3_600,
        Period::Day => 86_400,
        Period::Week => 7 * 86_400,
        Period::Month => 31 * 86_400,
    }
}

/// An entry of the first descriptor, in the Common Expression Language.
fn entry(name: &str) -> String {
    format!("descriptors[0][{}]", text(name))
}

/// A string literal of the Common Expression Language.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What an operator of Limitador must know of these quotas: each line stands for itself.
pub fn limitador_remarks<'a>(hold: u32, quotas: impl IntoIterator<Item = &'a Quota>) -> Vec<String> {
    let mut remarks = vec![
        "Unknown quotas pass in Limitador: load this file before the policy. With ShouldRateLimit nobody notices one that \
         is missing; with Reserve the quota's `on_store_error` decides."
            .to_owned(),
        "In memory Limitador counts for one replica, forgets counters above its cache size (10,000), and in version 0.14 \
         admits some more than the limit when calls race. Several replicas, or exact limits: Redis, and \
         `\"protocol\": \"reserve\"`."
            .to_owned(),
        format!(
            "For Reserve start it with --max-reservation-fraction 1, if it has the option: its default of 0.5 holds at most \
             half a limit for one call, and budgets are overspent. And with --max-reservation-ttl {hold} or more: the \
             default is 60 seconds."
        ),
    ];
    if quotas.into_iter().any(|it| it.scope == Scope::Global && it.counts == Counts::Cost) {
        remarks.push("Money is in micro-dollars: 1000000 is $1.".to_owned());
    }
    remarks
}

#[cfg(test)]
mod tests;
