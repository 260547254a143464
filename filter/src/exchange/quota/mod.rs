//! Quotas and budgets of a request: taken when nothing else refuses it, settled when its exchange ends (DESIGN section 4).
//!
//! Counters of this Envoy come first, for they answer at once; those of the fleet are asked all together, and the
//! request waits. A refusal gives back what was taken before it, so that a refused request uses nothing up.

mod remote;
mod said;
mod settle;

use std::borrow::Cow;
use std::sync::Arc;

pub use remote::Asked;
use remote::Reserved;
use said::Short;

use super::refusal::Refusal;
use super::request::Message;
use super::{Core, Exchange, Progress, RequestStep, Surroundings};
use crate::decide::cost::{self, Estimate};
use crate::decide::quota::{Ask, Uncountable, Values};
use crate::mcp::jsonrpc;
use crate::mcp::method::Kind;
use crate::metrics::{QuotaCount, QuotaOutcome};
use crate::policy::{Cost, Counts, FailMode, Mode, Noun, Policy, Quota, Reason, Scope};
use crate::state::counters::{CounterKey, Mark, TakeError};
use crate::state::shared::StoreError;

/// What one request holds of quotas and budgets.
#[derive(Debug, Default)]
pub(super) struct Charges {
    taken: Vec<Taken>,
    reserved: Vec<Reserved>,
    /// Calls to the rate limit service that are not answered.
    asked: Vec<(u32, Asked)>,
    priced: Option<Priced>,
    /// The request has gone to the server.
    pub(super) is_spent: bool,
    /// Ids of quotas whose store failed, and that let the request pass all the same.
    pub(super) unknown: Vec<String>,
    /// Ids of shadow quotas that would have refused it.
    pub(super) would: Vec<String>,
}

/// What was taken from a counter of this Envoy.
#[derive(Debug)]
struct Taken {
    quota: Arc<Quota>,
    key: CounterKey,
    mark: Mark,
    amount: u64,
}

/// A call that costs something.
#[derive(Debug)]
struct Priced {
    cost: Arc<Cost>,
    estimate: Estimate,
    /// The pattern that matched: metrics name nothing that callers choose.
    tool: String,
    /// What the server reported as its cost: the JSON text at the pointer that the price names.
    reported: Option<Vec<u8>>,
}

/// A request that waits for the rate limit service.
#[derive(Debug)]
pub(super) struct Suspended {
    body: Vec<u8>,
    /// It is not what the client sent.
    is_changed: bool,
}

/// Whether quotas let a request pass.
#[derive(Debug)]
pub(super) enum Admission {
    /// They do.
    Passed,
    /// They do not.
    Refused(Box<Refusal>),
    /// The rate limit service was asked.
    Waiting,
}

impl Charges {
    /// What the call costs at most, in micro-dollars, if it costs anything.
    pub(super) fn reserved_cost(&self) -> Option<u64> {
        self.priced.as_ref().map(|priced| priced.estimate.reserved)
    }

    /// Whether there is something that an audit event of an allowed request has to tell.
    pub(super) fn is_telling(&self) -> bool {
        self.priced.is_some() || !self.would.is_empty() || !self.unknown.is_empty()
    }

    /// The pattern that priced the call's tool.
    pub(super) fn priced_tool(&self) -> Option<&str> {
        self.priced.as_ref().map(|priced| priced.tool.as_str())
    }

    /// Whether the price depends on what the server reports.
    pub(super) fn wants_report(&self) -> bool {
        self.priced.as_ref().is_some_and(|priced| priced.cost.result.is_some())
    }
}

/// Whether its counters are evicted last: to forgive money, or to lose count of what runs, is worst.
fn keeps(quota: &Quota) -> bool {
    matches!(quota.counts, Counts::Cost | Counts::Concurrent)
}

impl Core {
    /// Takes what the request needs of every quota that counts it.
    pub(super) fn admit(&mut self, message: &Message<'_>, env: &mut dyn Surroundings) -> Admission {
        let configuration = Arc::clone(&self.configuration);
        let policy = &configuration.policy;
        // Clients fall back to another era, or break, when a handshake is refused.
        let is_free = policy.quotas.is_empty() && policy.costs.list.is_empty() || message.kind == Kind::Handshake;
        let (Some(parties), false) = (self.parties.clone(), is_free || !message.is_request()) else {
            return Admission::Passed;
        };
        let Some(server) = policy.servers.get(parties.server) else { return Admission::Passed };
        let now = env.now();
        let caller = crate::decide::access::Caller { server, principal: &parties.principal, now: Self::seconds(now) };
        let method = message.method.as_deref().unwrap_or_default();
        let noun = match message.kind {
            Kind::CallTool => Some(Noun::Tool),
            Kind::Resource => Some(Noun::Resource),
            Kind::Prompt => Some(Noun::Prompt),
            _ => None,
        };
        let name = message.target.as_deref().filter(|_| noun.is_some()).unwrap_or(method);
        let ask = Ask { caller, method, noun, name };
        if let Some(refusal) = self.price(policy, &ask, message) {
            return Admission::Refused(Box::new(refusal));
        }
        let refused = self.take_all(policy, &ask, message.bytes.len(), now, env);
        if let Some(refusal) = refused {
            self.give_back(env);
            return Admission::Refused(Box::new(refusal));
        }
        if self.charges.asked.is_empty() { Admission::Passed } else { Admission::Waiting }
    }

    /// Looks up what the call costs. A refusal if that alone needs an approval.
    fn price(&mut self, policy: &Policy, ask: &Ask<'_>, message: &Message<'_>) -> Option<Refusal> {
        let (cost, tool) = ask.cost(policy)?;
        let arguments = message.envelope.arguments.map(|arguments| arguments.span.of(message.bytes));
        let estimate = cost::estimate(cost, message.bytes.len(), arguments);
        self.facts.estimated = Some(estimate.reserved);
        let threshold = policy.costs.single_request.filter(|threshold| estimate.reserved > *threshold);
        if let Some(threshold) = threshold {
            if policy.costs.single_request_mode == Mode::Enforce {
                return Some(said::over_threshold(estimate.reserved, threshold));
            }
            self.charges.would.push(said::SINGLE_REQUEST.to_owned());
        }
        self.charges.priced = Some(Priced { cost: Arc::clone(cost), estimate, tool: tool.to_string(), reported: None });
        None
    }

    fn take_all(
        &mut self,
        policy: &Policy,
        ask: &Ask<'_>,
        request_bytes: usize,
        now: u64,
        env: &mut dyn Surroundings,
    ) -> Option<Refusal> {
        for scope in [Scope::Local, Scope::Global] {
            for quota in ask.quotas(policy).filter(|quota| quota.scope == scope) {
                let amount = match quota.counts {
                    Counts::Calls | Counts::Concurrent | Counts::ResultBytes => 1,
                    Counts::RequestBytes => request_bytes as u64,
                    Counts::Cost => self.charges.reserved_cost().unwrap_or(0),
                };
                if amount == 0 {
                    continue;
                }
                let counters = match ask.counters(quota) {
                    Ok(counters) => counters,
                    Err(Uncountable::Lacks(dimension)) => {
                        let refusal = said::lacks(quota, dimension);
                        if let Some(refusal) = self.over(quota, refusal, env) {
                            return Some(refusal);
                        }
                        continue;
                    }
                    Err(Uncountable::TooManyGroups) => {
                        if let Some(refusal) = self.failed(quota, "you are in too many groups to be counted", env) {
                            return Some(refusal);
                        }
                        continue;
                    }
                };
                for values in counters {
                    let refusal = match scope {
                        Scope::Local => self.take(policy, quota, &values, amount, now, env),
                        Scope::Global => self.ask_service(quota, &values, amount, now, env),
                    };
                    if refusal.is_some() {
                        return refusal;
                    }
                }
            }
        }
        None
    }

    /// Takes from one counter of this Envoy.
    fn take(
        &mut self,
        policy: &Policy,
        quota: &Arc<Quota>,
        values: &Values<'_>,
        amount: u64,
        now: u64,
        env: &mut dyn Surroundings,
    ) -> Option<Refusal> {
        let key = self.counter_key(policy, quota, values);
        let counters = &self.worker.counters;
        let keeps = keeps(quota);
        let taken = match quota.counts {
            Counts::ResultBytes => counters.peek(env.shared_data(), &key, &quota.limit, keeps, now),
            _ => counters.take(env.shared_data(), &key, &quota.limit, keeps, now, amount),
        };
        match taken {
            Ok(taken) => {
                if taken.evicted || taken.damaged {
                    env.count_quota(QuotaCount { outcome: QuotaOutcome::Evicted, quota: &quota.id });
                }
                env.count_quota(QuotaCount { outcome: QuotaOutcome::Admitted, quota: &quota.id });
                let amount = if quota.counts == Counts::ResultBytes { 0 } else { amount };
                self.charges.taken.push(Taken { quota: Arc::clone(quota), key, mark: taken.mark, amount });
                None
            }
            Err(TakeError::Exceeded(exceeded)) => {
                let short = Short {
                    retry_after: exceeded.retry_after,
                    is_final: exceeded.retry_after.is_none(),
                    remaining: Some(exceeded.remaining),
                };
                let refusal = said::over(quota, amount, short);
                self.over(quota, refusal, env)
            }
            Err(TakeError::Store(error)) => {
                let why = match error {
                    StoreError::Unavailable => "the proxy does not hand over its counters",
                    StoreError::Contended => "too many calls want the same counter at once",
                };
                self.failed(quota, why, env)
            }
        }
    }

    fn counter_key(&self, policy: &Policy, quota: &Quota, values: &Values<'_>) -> CounterKey {
        let fixed = [policy.name.as_str(), quota.id.as_str(), quota.counts.as_str()];
        let values = values.iter().map(|value| value.as_ref().map(Cow::as_ref));
        self.worker.counters.key(&quota.limit, fixed.into_iter().map(Some).chain(values))
    }

    /// A quota says no: a refusal, unless it only would.
    fn over(&mut self, quota: &Quota, refusal: Refusal, env: &mut dyn Surroundings) -> Option<Refusal> {
        let refuses = quota.mode == Mode::Enforce;
        let outcome = if refuses && self.enforces() { QuotaOutcome::Denied } else { QuotaOutcome::WouldDeny };
        env.count_quota(QuotaCount { outcome, quota: &quota.id });
        if refuses {
            return Some(refusal);
        }
        self.charges.would.push(quota.id.clone());
        None
    }

    /// The store did not say: the quota's fail mode decides.
    fn failed(&mut self, quota: &Quota, why: &str, env: &mut dyn Surroundings) -> Option<Refusal> {
        env.count_quota(QuotaCount { outcome: QuotaOutcome::StoreError, quota: &quota.id });
        if quota.on_store_error == FailMode::Deny && quota.mode == Mode::Enforce {
            let said = format!("The quota {} could not be counted: {why}.", quota.id);
            let mut refusal =
                Refusal::by_policy(Reason::StoreUnavailable, said, "Wait a few seconds, then call again.");
            refusal.quota = Some(Box::new(said::unknown(quota)));
            return Some(refusal);
        }
        self.charges.unknown.push(quota.id.clone());
        None
    }

    /// Keeps a request until the rate limit service has answered.
    pub(super) fn suspend(&mut self, message: &Message<'_>, is_changed: bool) -> RequestStep {
        self.suspended = Some(Box::new(Suspended { body: message.bytes.to_vec(), is_changed }));
        RequestStep::Suspend
    }

    fn resume(&mut self, refusal: Option<Refusal>, env: &mut dyn Surroundings) -> Option<RequestStep> {
        let suspended = self.suspended.take()?;
        if self.progress != Progress::Arriving {
            // The server has answered meanwhile, with an error: nothing goes on.
            self.give_back(env);
            return None;
        }
        let step = match jsonrpc::read(&suspended.body, self.json_limits()) {
            Ok(envelope) => {
                let message = Message::new(&suspended.body, envelope);
                self.conclude(&message, refusal, suspended.is_changed, env)
            }
            // It was read before; whatever is wrong, it does not pass.
            Err(invalid) => self.refuse_unreadable(&suspended.body, &invalid, env),
        };
        if let Some(lease) = &mut self.lease {
            // Shrinking always fits.
            let _ = lease.hold(0);
        }
        Some(step)
    }
}

impl Exchange {
    /// Whether the request waits for the rate limit service.
    pub fn is_suspended(&self) -> bool {
        self.core.suspended.is_some()
    }

    /// Takes the answer of the rate limit service to the call with this token; None if the call failed. The step is what
    /// becomes of the request; without one it waits for more, or nothing is to be done.
    pub fn on_answer(&mut self, token: u32, answer: Option<&[u8]>, env: &mut dyn Surroundings) -> Option<RequestStep> {
        let core = &mut self.core;
        let at = core.charges.asked.iter().position(|(known, _)| *known == token)?;
        let (_, asked) = core.charges.asked.swap_remove(at);
        let refusal = core.take_answer(asked, answer, env);
        if refusal.is_some() {
            core.give_back(env);
        } else if !core.charges.asked.is_empty() {
            return None;
        }
        core.resume(refusal, env)
    }
}
