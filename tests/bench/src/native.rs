//! Whole exchanges through the decision core: no proxy-wasm host, no wasm.

use serde_json::Value;
use tidegate::measure::native::{Core as Driver, Ending, Message, Unknown};
use tidegate_filter::policy::{self, Configuration};

use crate::messages::{CHUNK_BYTES, Load};
use crate::policies;

/// When every exchange takes place, in nanoseconds since the Unix epoch.
const NOW: u64 = 1_790_000_000_000_000_000;

/// Why an exchange cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The policy does not compile; the text says where.
    #[error("{0}")]
    Policy(String),
    /// The core did not let the exchange pass as it is.
    #[error("the exchange does not pass as it is: {0:?}")]
    Refused(Ending),
}

/// A worker's core, with its policy.
#[derive(Debug)]
pub struct Core(Driver);

/// Compiles a policy or a plugin configuration.
pub fn compile(policy: &Value) -> Result<Configuration, Wrong> {
    let text = policy.to_string();
    let compiled = policy::compile(text.as_bytes());
    Ok(compiled.map_err(|faults| Wrong::Policy(faults.render(text.as_bytes(), "policy")))?.configuration)
}

impl Core {
    /// In hold mode, audit on.
    pub fn new(policy: &Value) -> Result<Self, Wrong> {
        Ok(Self(Driver::new(compile(&policies::configuration(policy, true, "log"))?, NOW)))
    }

    /// One exchange as a host drives it; returns how many bytes of the response went on.
    pub fn exchange(&self, load: &Load) -> Result<usize, Wrong> {
        let (request_headers, response_headers) = (load.request_headers(), load.response_headers());
        let message =
            Message { request_headers: &request_headers, request: &load.request, response_headers: &response_headers };
        match self.0.exchange(&message, load.response.chunks(CHUNK_BYTES), &Unknown) {
            Ending::Passed { rewritten: false, response_bytes } => Ok(response_bytes),
            other => Err(Wrong::Refused(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn every_case_passes_and_lists_are_shortened() {
        for case in cases::all() {
            let sent = Core::new(&case.policy).unwrap().exchange(&case.load).unwrap();
            let whole = case.load.response.len();
            if case.load.name.starts_with("list") {
                assert!(sent * 4 < whole, "{}: {sent} of {whole}", case.title);
            } else {
                assert_eq!(sent, whole, "{}", case.title);
            }
        }
    }
}
