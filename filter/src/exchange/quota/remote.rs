//! Quotas that a rate limit service counts for the whole fleet.

use std::sync::Arc;

use super::super::refusal::Refusal;
use super::super::{Call, Core, Surroundings};
use super::said::{self, Short};
use crate::decide::quota::Values;
use crate::metrics::{QuotaCount, QuotaOutcome};
use crate::policy::{Counts, Quota, RateLimitProtocol, RateLimitService, Refunds};
use crate::quota::Limit;
use crate::ratelimit::{self, Descriptor, names};

/// A call to the rate limit service that is not answered.
#[derive(Clone, Debug)]
pub struct Asked {
    quota: Arc<Quota>,
    descriptor: Descriptor,
    domain: String,
    protocol: RateLimitProtocol,
    amount: u64,
}

/// What the rate limit service has counted or holds.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) asked: Asked,
    /// None where it was counted for good.
    id: Option<String>,
}

impl Asked {
    /// For an answer that nobody waits for any more: the call that gives back what it reserved, if it reserved anything.
    pub fn released(&self, answer: &[u8]) -> Option<Call> {
        if self.protocol != RateLimitProtocol::Reserve {
            return None;
        }
        let reserved = ratelimit::read_reserve(answer, self.amount).filter(|reserved| reserved.allowed)?;
        Some(self.commit(&reserved.reservation_id, 0))
    }

    fn call(&self, service: &RateLimitService) -> Call {
        match self.protocol {
            RateLimitProtocol::ShouldRateLimit => self.count(self.amount),
            RateLimitProtocol::Reserve => {
                let descriptors = std::slice::from_ref(&self.descriptor);
                let message = ratelimit::reserve(&self.domain, descriptors, self.amount, u64::from(service.hold));
                self.to(names::KUADRANT, names::RESERVE, message)
            }
        }
    }

    fn count(&self, hits: u64) -> Call {
        let descriptors = std::slice::from_ref(&self.descriptor);
        let message = ratelimit::should_rate_limit(&self.domain, descriptors, hits);
        self.to(names::ENVOY, names::SHOULD_RATE_LIMIT, message)
    }

    fn commit(&self, reservation: &str, actual: u64) -> Call {
        let descriptors = std::slice::from_ref(&self.descriptor);
        let message = ratelimit::commit(&self.domain, descriptors, reservation, actual);
        self.to(names::KUADRANT, names::COMMIT, message)
    }

    fn to(&self, service: &'static str, method: &'static str, message: Vec<u8>) -> Call {
        Call { service, method, message, quota: Arc::clone(&self.quota) }
    }

    /// Whether what is counted is certain as soon as the request is admitted.
    fn is_final(&self) -> bool {
        let counted_later = matches!(self.quota.counts, Counts::ResultBytes | Counts::Cost);
        !counted_later && self.quota.refund_on == Refunds::default()
    }
}

impl Reserved {
    /// The quota.
    pub(super) fn quota(&self) -> &Quota {
        &self.asked.quota
    }

    /// What was counted or is held.
    pub(super) fn amount(&self) -> u64 {
        self.asked.amount
    }

    /// The call that makes the count `actual`, if one is needed and the protocol has it.
    pub(super) fn settled(&self, actual: u64) -> Option<Call> {
        if let Some(id) = &self.id {
            return Some(self.asked.commit(id, actual));
        }
        // What was counted cannot be taken back, but more can be counted.
        let more = actual.checked_sub(self.asked.amount).filter(|more| *more > 0)?;
        Some(self.asked.count(more))
    }
}

impl Core {
    /// Asks the service for one counter. A refusal if that cannot be done and the quota says so.
    pub(super) fn ask_service(
        &mut self,
        quota: &Arc<Quota>,
        values: &Values<'_>,
        amount: u64,
        now: u64,
        env: &mut dyn Surroundings,
    ) -> Option<Refusal> {
        let configuration = Arc::clone(&self.configuration);
        let Some(service) = &configuration.host.stores.global else {
            return self.failed(quota, "no rate limit service is configured", env);
        };
        let period = match &quota.limit {
            Limit::Calendar { period, utc_offset, .. } => Some(period.name(now, *utc_offset)),
            Limit::Rate { .. } | Limit::Concurrent { .. } => None,
        };
        let dimensions = quota.by.iter().map(|dimension| dimension.as_str());
        let values = dimensions.zip(values.iter().map(|value| value.as_deref()));
        let descriptor = ratelimit::descriptor(&quota.id, values, period.as_deref());
        let asked = Asked {
            quota: Arc::clone(quota),
            descriptor,
            domain: service.domain.clone(),
            protocol: service.protocol,
            amount,
        };
        match env.ask(&asked.call(service)) {
            Some(token) => {
                self.charges.asked.push((token, asked));
                None
            }
            None => self.failed(quota, "the rate limit service cannot be reached", env),
        }
    }

    /// Takes an answer of the service, or, with None, that there is none. A refusal if that is what it means.
    pub(super) fn take_answer(
        &mut self,
        asked: Asked,
        answer: Option<&[u8]>,
        env: &mut dyn Surroundings,
    ) -> Option<Refusal> {
        let quota = Arc::clone(&asked.quota);
        let Some(answer) = answer else {
            return self.failed(&quota, "the rate limit service does not answer", env);
        };
        let read = match asked.protocol {
            RateLimitProtocol::ShouldRateLimit => ratelimit::read_should_rate_limit(answer)
                .map(|answer| (answer.allowed, None, answer.retry_after, answer.remaining)),
            RateLimitProtocol::Reserve => ratelimit::read_reserve(answer, asked.amount)
                .map(|answer| (answer.allowed, Some(answer.reservation_id), None, None)),
        };
        match read {
            None => self.failed(&quota, "the rate limit service gave an answer that cannot be read", env),
            Some((false, _, retry_after, remaining)) => {
                let retry_after = retry_after.or_else(|| said::next_window(&quota.limit, env.now()));
                let short = Short { retry_after, is_final: false, remaining };
                let refusal = said::over(&quota, asked.amount, short);
                self.over(&quota, refusal, env)
            }
            Some((true, id, ..)) => {
                env.count_quota(QuotaCount { outcome: QuotaOutcome::Admitted, quota: &quota.id });
                self.charges.reserved.push(Reserved { asked, id });
                None
            }
        }
    }

    /// Settles what is certain already, now that the request goes on: a hold that is committed cannot expire.
    pub(in super::super) fn commit_final(&mut self, env: &mut dyn Surroundings) {
        self.charges.reserved.retain(|reserved| {
            let call = reserved.settled(reserved.amount()).filter(|_| reserved.asked.is_final());
            let is_settled = call.is_some() || reserved.id.is_none() && reserved.asked.is_final();
            if let Some(call) = call {
                env.tell(call);
            }
            !is_settled
        });
    }
}
