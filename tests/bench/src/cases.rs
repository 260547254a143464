//! The whole exchanges that are measured without Envoy: every load with ten rules, and the small call and the lists with
//! more, and the calls with redaction.

use serde_json::Value;

use crate::messages::{self, Load};
use crate::{policies, schemas};

/// An exchange under a policy.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name in the report.
    pub title: String,
    /// The policy.
    pub policy: Value,
    /// The exchange.
    pub load: Load,
}

/// Every case, in the order of the report.
pub fn all() -> Vec<Case> {
    let loads = messages::loads();
    let case = |title: String, policy: Value, load: &Load| Case { title, policy, load: load.clone() };
    let mut cases: Vec<Case> =
        loads.iter().map(|load| case(load.title.to_owned(), policies::allowlist(true), load)).collect();
    for load in loads.iter().filter(|load| ["2k", "list", "list500"].contains(&load.name)) {
        cases.push(case(format!("{}; 1,000 rules", load.title), policies::of_rules(1000), load));
    }
    for load in loads.iter().filter(|load| ["2k", "64k", "1m"].contains(&load.name)) {
        cases.push(case(format!("{}; redaction", load.title), policies::with_redaction(), load));
    }
    if let Some(call) = loads.first() {
        for condition in schemas::all() {
            let policy = policies::with_arguments(&condition.schema);
            cases.push(case(format!("{}; {} schema", call.title, condition.name), policy, call));
        }
    }
    cases
}
