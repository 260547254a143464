//! Refusals by quotas and budgets: what is used up, and when it is worth calling again.

use std::fmt;

use super::super::refusal::{Refusal, Shortage};
use crate::mcp::denial;
use crate::policy::{Counts, Dimension, Dollars, Quota, Reason};
use crate::quota::Limit;

/// What the threshold on single calls is called where quotas are named.
pub(super) const SINGLE_REQUEST: &str = "cost_controls.approval_thresholds.single_request";

/// How short a quota is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    /// Seconds after which the same request may pass.
    pub(super) retry_after: Option<u64>,
    /// The request alone is more than the quota ever admits.
    pub(super) is_final: bool,
    /// What is left, in what the quota counts.
    pub(super) remaining: Option<u64>,
}

/// A span of time in words.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded up: who comes earlier is refused again.
        let (count, unit) = match self.0 {
            0..=119 => (self.0, "second"),
            120..=7_199 => (self.0.div_ceil(60), "minute"),
            7_200..=172_799 => (self.0.div_ceil(3_600), "hour"),
            _ => (self.0.div_ceil(86_400), "day"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

/// What a quota allows: `60 calls per minute`.
struct Allowance<'a>(&'a Quota);

impl fmt::Display for Allowance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.0.limit.amount();
        match self.0.counts {
            Counts::Calls => write!(f, "{limit} call{}", if limit == 1 { "" } else { "s" })?,
            Counts::RequestBytes => write!(f, "{limit} bytes of requests")?,
            Counts::ResultBytes => write!(f, "{limit} bytes of results")?,
            Counts::Concurrent => return write!(f, "{limit} at a time"),
            Counts::Cost => write!(f, "{}", Dollars(limit))?,
        }
        write!(f, " per {}", self.0.limit.window_name())
    }
}

/// Seconds until the window of a calendar limit ends. None for other limits.
pub(super) fn next_window(limit: &Limit, now: u64) -> Option<u64> {
    match limit {
        Limit::Calendar { period, utc_offset, .. } => Some(period.rest(now, *utc_offset)),
        Limit::Rate { .. } | Limit::Concurrent { .. } => None,
    }
}

/// The refusal of a request that needs `amount`.
pub(super) fn over(quota: &Quota, amount: u64, short: Short) -> Refusal {
    let id = &quota.id;
    let allowance = Allowance(quota);
    let said = match (quota.exceeded, short.remaining) {
        (Reason::ApprovalRequired, left) => {
            let spent = left.map(|left| Dollars(quota.limit.amount().saturating_sub(left)).to_string());
            let spent = spent.map(|spent| format!(" {spent} is spent already.")).unwrap_or_default();
            format!(
                "This call may cost {}, and spending over {allowance} needs the approval of a person \
                 (threshold {id}).{spent}",
                Dollars(amount)
            )
        }
        (_, Some(left)) if quota.counts == Counts::Cost => format!(
            "The budget {id} does not suffice: this call may cost {}, and {} is left of {allowance}.",
            Dollars(amount),
            Dollars(left)
        ),
        _ if quota.counts == Counts::Cost => {
            format!("The budget {id} does not suffice: this call may cost {} of {allowance}.", Dollars(amount))
        }
        _ if quota.counts == Counts::Concurrent => {
            format!("Too many of your calls are running: the quota {id} allows {allowance}.")
        }
        _ if short.is_final => format!("This call alone is more than the quota {id} allows: {allowance}."),
        _ => format!("The quota {id} is used up: {allowance}."),
    };
    let advice = match (&quota.advice, quota.exceeded, short.retry_after) {
        (Some(advice), ..) => advice.clone(),
        (_, Reason::ApprovalRequired, _) => {
            "Do not retry. Tell the user what the call would cost; the operator can raise the threshold.".to_owned()
        }
        _ if quota.counts == Counts::Concurrent => "Wait until one of them has ended, then call again.".to_owned(),
        (_, _, Some(seconds)) => format!("Wait {}, then call again; do not call before.", Span(seconds)),
        _ => "Ask for less at once, or ask the operator for a larger limit.".to_owned(),
    };
    let mut refusal = Refusal::by_policy(quota.exceeded, said, &advice);
    refusal.code = code(quota.exceeded);
    refusal.quota = Some(Box::new(Shortage { retry_after: short.retry_after, ..unknown(quota) }));
    refusal
}

/// The refusal of a caller that a quota cannot tell from others.
pub(super) fn lacks(quota: &Quota, dimension: Dimension) -> Refusal {
    let said = format!("The quota {} counts by {}, and your identity has none.", quota.id, dimension.as_str());
    let mut refusal =
        Refusal::by_policy(Reason::PrincipalMissing, said, "Ask the operator to add it to your identity.");
    refusal.quota = Some(Box::new(unknown(quota)));
    refusal
}

/// The refusal of one call that costs more than may be spent without a person's approval, in micro-dollars.
pub(super) fn over_threshold(cost: u64, threshold: u64) -> Refusal {
    let said = format!(
        "This call may cost {}, and a single call over {} needs the approval of a person.",
        Dollars(cost),
        Dollars(threshold)
    );
    let advice = "Do not retry. Ask for less at once, or tell the user what the call would cost.";
    let mut refusal = Refusal::by_policy(Reason::ApprovalRequired, said, advice);
    refusal.code = denial::APPROVAL_REQUIRED;
    refusal
}

/// A quota of which nothing is known but that it refuses.
pub(super) fn unknown(quota: &Quota) -> Shortage {
    Shortage {
        quota: quota.id.clone(),
        limit: quota.limit.amount(),
        window: quota.limit.window_seconds(),
        retry_after: None,
    }
}

fn code(reason: Reason) -> i32 {
    match reason {
        Reason::ApprovalRequired => denial::APPROVAL_REQUIRED,
        _ => denial::QUOTA_EXCEEDED,
    }
}
