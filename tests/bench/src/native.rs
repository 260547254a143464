//! Whole exchanges through the decision core: no proxy-wasm host, no wasm.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use serde_json::Value;
use tidegate_filter::decide::identity::Claim;
use tidegate_filter::exchange::{
    Asked, Call, ChunkStep, Exchange, GrowthStep, HeaderStep, Headers, RequestStep, Surroundings,
};
use tidegate_filter::metrics;
use tidegate_filter::policy::{self, Configuration};
use tidegate_filter::state::Worker;
use tidegate_filter::state::shared::{SharedData, StoreError};

use crate::messages::{CHUNK_BYTES, Load};
use crate::policies;

/// Why an exchange cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The policy does not compile; the text says where.
    #[error("{0}")]
    Policy(String),
    /// The core did not let the exchange pass; the text says where.
    #[error("{0}")]
    Refused(&'static str),
}

/// A worker's core, with its policy.
#[derive(Debug)]
pub struct Core {
    configuration: Arc<Configuration>,
    worker: Arc<Worker>,
}

/// Compiles a policy or a plugin configuration.
pub fn compile(policy: &Value) -> Result<Configuration, Wrong> {
    let text = policy.to_string();
    let compiled = policy::compile(text.as_bytes());
    Ok(compiled.map_err(|faults| Wrong::Policy(faults.render(text.as_bytes(), "policy")))?.configuration)
}

impl Core {
    /// In hold mode, audit on.
    pub fn new(policy: &Value) -> Result<Self, Wrong> {
        let configuration = Arc::new(compile(&policies::configuration(policy, true, "log"))?);
        let limits = &configuration.policy.limits;
        let worker = Arc::new(Worker::new(limits.buffered_bytes_per_worker, limits.buffered_bytes_per_principal));
        Ok(Self { configuration, worker })
    }

    /// One exchange as a host drives it; returns how many bytes of the response went on.
    pub fn exchange(&self, load: &Load) -> Result<usize, Wrong> {
        let mut host = Host::default();
        let mut exchange = Exchange::new(Arc::clone(&self.configuration), Arc::clone(&self.worker), host.now());
        let request = headers(&load.request_headers());
        if !matches!(exchange.on_request_headers(&request, false, &mut host), HeaderStep::Hold(_)) {
            return Err(Wrong::Refused("the request's headers do not wait"));
        }
        if exchange.on_request_growth(load.request.len(), &mut host) != GrowthStep::Hold {
            return Err(Wrong::Refused("the request does not wait"));
        }
        if exchange.on_request_end(&load.request, &mut host) != RequestStep::Forward(None) {
            return Err(Wrong::Refused("the request does not go on as it is"));
        }
        let response = headers(&load.response_headers());
        let _ = exchange.on_response_headers(&response, false, &mut host);
        let mut sent = 0;
        let mut pieces = load.response.chunks(CHUNK_BYTES).peekable();
        let mut held = 0;
        while let Some(piece) = pieces.next() {
            held += piece.len();
            match exchange.on_response_chunk(piece, pieces.peek().is_none(), &mut host) {
                ChunkStep::Hold => {}
                ChunkStep::Pass => sent += std::mem::take(&mut held),
                ChunkStep::Replace(body) | ChunkStep::Rewrite(body) => {
                    held = 0;
                    sent += body.len();
                }
                ChunkStep::Deny(_) | ChunkStep::Cut => return Err(Wrong::Refused("the response is refused")),
            }
        }
        exchange.on_end(&mut host);
        Ok(sent)
    }
}

fn headers(lines: &[(&str, String)]) -> Headers {
    let mut bytes = Vec::with_capacity(512);
    let mut put = |text: &str| {
        let start = bytes.len();
        bytes.extend_from_slice(text.as_bytes());
        (start, bytes.len())
    };
    let ranges: Vec<_> = lines.iter().map(|(name, value)| (put(name), put(value))).collect();
    Headers::from_ranges(bytes, ranges)
}

/// A host that costs nothing.
#[derive(Default)]
struct Host(Counts);

impl Surroundings for Host {
    fn now(&mut self) -> u64 {
        1_790_000_000_000_000_000
    }

    fn jwt_claim(&mut self, _: &str, _: &[String]) -> Claim {
        Claim::Absent
    }

    fn peer_spiffe(&mut self) -> Option<String> {
        None
    }

    fn upstream_address(&mut self) -> Option<String> {
        None
    }

    fn route(&mut self) -> Option<String> {
        None
    }

    fn cluster(&mut self) -> Option<String> {
        None
    }

    fn audits(&self) -> bool {
        true
    }

    fn audit(&mut self, event: &str) {
        black_box(event);
    }

    fn count(&mut self, decision: metrics::Decision<'_>) {
        black_box(decision.name());
    }

    fn count_redactions(&mut self, redaction: metrics::Redaction<'_>) {
        black_box(redaction.name());
    }

    fn observe(&mut self, server: metrics::Server<'_>, micros: u64) {
        black_box((server, micros));
    }

    fn count_quota(&mut self, count: metrics::QuotaCount<'_>) {
        black_box(count.name());
    }

    fn count_cost(&mut self, charge: metrics::Charge<'_>) {
        black_box(charge.name());
    }

    fn shared_data(&mut self) -> &mut dyn SharedData {
        &mut self.0
    }

    fn ask(&mut self, _: &Call) -> Option<u32> {
        None
    }

    fn abandon(&mut self, _: u32, _: Asked) {}

    fn tell(&mut self, _: Call) {}
}

/// Counters in a map of this process.
#[derive(Default)]
struct Counts(HashMap<String, (Vec<u8>, u32)>);

impl SharedData for Counts {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn set(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        let known = self.0.get(key).map(|(_, version)| *version);
        let fits = known == version;
        if fits {
            self.0.insert(key.to_owned(), (value.to_vec(), known.unwrap_or(0) + 1));
        }
        Ok(fits)
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
