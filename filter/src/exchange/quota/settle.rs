//! What becomes of charges when their exchange ends.

use super::super::{Core, Surroundings};
use super::Taken;
use crate::decide::cost;
use crate::json::locate;
use crate::metrics::{CostKind, QuotaCount, QuotaOutcome};
use crate::policy::{Counts, Quota, Refunds};

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Bill {
    /// Micro-dollars that were charged when it was admitted.
    pub(in super::super) reserved: u64,
    /// Micro-dollars that it cost.
    pub(in super::super) cost: u64,
    /// The pattern that priced its tool.
    pub(in super::super) tool: String,
}

impl Core {
    /// Keeps what the server reports as the call's cost; `meta` is the text of the result's `_meta`.
    pub(in super::super) fn note_report(&mut self, meta: &[u8]) {
        let Some(priced) = &mut self.charges.priced else { return };
        let Some(result) = &priced.cost.result else { return };
        priced.reported = locate(meta, &result.pointer).map(|span| span.of(meta).to_vec());
    }

    /// Gives back everything: the request is not made.
    pub(in super::super) fn give_back(&mut self, env: &mut dyn Surroundings) {
        let charges = &mut self.charges;
        charges.priced = None;
        let taken = std::mem::take(&mut charges.taken);
        let reserved = std::mem::take(&mut charges.reserved);
        for (token, asked) in std::mem::take(&mut charges.asked) {
            env.abandon(token, asked);
        }
        for taken in &taken {
            self.settle_taken(taken, 0, env);
        }
        for reserved in reserved {
            if let Some(call) = reserved.settled(0) {
                env.tell(call);
            }
        }
    }

    /// Settles what the request was charged. What it cost, if it was priced.
    pub(in super::super) fn settle_charges(&mut self, env: &mut dyn Surroundings) -> Option<Bill> {
        if !self.charges.is_spent {
            self.give_back(env);
            return None;
        }
        let taken = std::mem::take(&mut self.charges.taken);
        let reserved = std::mem::take(&mut self.charges.reserved);
        let priced = self.charges.priced.take();
        let cost = priced.as_ref().filter(|priced| !self.is_refunded(priced.cost.refund_on)).map_or(0, |priced| {
            cost::settled(&priced.cost, priced.estimate, self.response_bytes, priced.reported.as_deref())
        });
        for taken in &taken {
            let actual = self.actual(&taken.quota, taken.amount, cost);
            self.settle_taken(taken, actual, env);
        }
        for reserved in reserved {
            let actual = self.actual(reserved.quota(), reserved.amount(), cost);
            if let Some(call) = reserved.settled(actual) {
                env.tell(call);
            }
        }
        priced.map(|priced| Bill { reserved: priced.estimate.reserved, cost, tool: priced.tool })
    }

    /// What a quota is charged in the end.
    fn actual(&self, quota: &Quota, amount: u64, cost: u64) -> u64 {
        if self.is_refunded(quota.refund_on) {
            return 0;
        }
        match quota.counts {
            Counts::Calls | Counts::RequestBytes => amount,
            Counts::Concurrent => 0,
            Counts::ResultBytes => self.response_bytes as u64,
            Counts::Cost => cost,
        }
    }

    /// Whether the exchange ended in a way that gives back what was charged. A client that goes away gets nothing back:
    /// the server may have done the work.
    fn is_refunded(&self, refunds: Refunds) -> bool {
        let has_failed = self.status.is_some_and(|status| status >= 500);
        refunds.upstream_failure && has_failed || refunds.tool_error && self.is_error
    }

    fn settle_taken(&self, taken: &Taken, actual: u64, env: &mut dyn Surroundings) {
        let Taken { quota, key, mark, amount } = taken;
        let now = env.now();
        let counters = &self.worker.counters;
        let data = env.shared_data();
        let settled = match amount.checked_sub(actual) {
            Some(0) => return,
            Some(less) => counters.give_back(data, key, &quota.limit, now, *mark, less).map(|()| false),
            None => counters
                .charge(data, key, &quota.limit, super::keeps(quota), now, actual - amount)
                .map(|charged| charged.evicted || charged.damaged),
        };
        let outcome = match settled {
            Ok(false) => return,
            Ok(true) => QuotaOutcome::Evicted,
            Err(_) => QuotaOutcome::SettleError,
        };
        env.count_quota(QuotaCount { outcome, quota: &quota.id });
    }

    /// Counts what a call was charged, or got back, for those who have to account for it.
    pub(in super::super) fn count_cost(&self, kind: CostKind, tool: &str, micro_usd: u64, env: &mut dyn Surroundings) {
        if micro_usd == 0 {
            return;
        }
        let Some(parties) = &self.parties else { return };
        let policy = &self.configuration.policy;
        let principal = &parties.principal;
        env.count_cost(crate::metrics::Charge {
            kind,
            micro_usd,
            tool,
            team: policy.named.team(principal.team.as_deref()),
            subject: policy.named.subject(&principal.subject),
            server: self.counted_server(),
        });
    }
}
