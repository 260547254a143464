//! Policy tests: what a policy must do, written down in `*.test.json` and tried on the very `.wasm` that enforces it.
//!
//! ```json
//! {
//!   "$schema": "test.schema.json",
//!   "policy": "starter.json",
//!   "defaults": {"principal": {"subject": "ada", "team": "finance"}, "server": "main"},
//!   "tests": [
//!     {"name": "reading is open", "tool": "get_customer", "expect": {"verdict": "allow", "rule": "reading"}},
//!     {"name": "nobody is let in", "principal": "anonymous", "tool": "get_customer",
//!      "expect": {"verdict": "deny", "reason": "principal_missing"}}
//!   ]
//! }
//! ```
//!
//! `policies/test.schema.json` describes every key. Nothing is decided here: a message becomes an HTTP exchange
//! ([`crate::capture::Exchange`]), goes through [`crate::replay::Replayer`], and what came of it is compared.

mod advice;
mod bind;
mod coverage;
mod difference;
mod discover;
mod document;
mod expectation;
mod keys;
mod message;
mod outcome;
mod read;
mod run;
mod test_file;

pub use coverage::{Coverage, RuleCoverage};
pub use difference::Difference;
pub use discover::discover;
pub use document::{Mark, position};
pub use expectation::{Mismatch, decisive, verdict};
pub use outcome::{Counts, Failure, FileResult, Status, Suite, TestResult};
pub use read::{SUFFIX, read};
pub use run::{RunError, Runner, Selection, Subject};
pub use test_file::{HostModes, TestFile};

use std::path::PathBuf;

use tidegate_filter::policy::Configuration;

/// The coverage of a policy of which no test has run yet.
pub fn uncovered(policy: PathBuf, configuration: &Configuration) -> Coverage {
    Coverage::new(policy, configuration)
}

#[cfg(test)]
mod tests;
