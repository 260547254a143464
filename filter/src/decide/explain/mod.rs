//! Decisions step by step, for people who ask why: which server and which source of identity were looked at, what each
//! rule says alone, which quotas count.
//!
//! Nothing is decided here. Each step asks the predicate that decides, of one rule, one source or one server alone, and of
//! one condition where that is what is to be told.

mod charges;
mod identity;
mod route;
mod rules;

#[cfg(test)]
mod tests;

pub use charges::{ChargeSteps, CostStep, QuotaStep, Uncounted, charges};
pub use identity::{Asked, IdentitySteps, SourceOutcome, SourceStep, identity};
pub use route::{Differs, ServerOutcome, ServerStep, servers};
pub use rules::{Alone, Failed, Question, RuleStep, RuleSteps, rules};
