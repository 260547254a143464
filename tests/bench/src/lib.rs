//! What Tidegate costs, measured. None of this runs in `cargo test`.
//!
//! ```text
//! cargo bench -p tidegate-bench --bench envoy                      CPU, latency, size, start-up, in real Envoy
//! cargo bench -p tidegate-bench --bench core                       the decision core, native
//! cargo bench -p tidegate-bench --bench wasm --features host       whole exchanges in wasmtime, next to native
//! cargo bench -p tidegate-bench --bench redaction --features host  MB/s of redaction, natively, in wasmtime and in Envoy
//! cargo bench -p tidegate-bench --bench memory --features host     the .wasm's memory over a million exchanges
//! cargo bench -p tidegate-bench --bench scanners                   what other scanners of secrets find, and how fast
//! ```
//!
//! Envoy runs one worker on a core of its own; clients and upstream are in this process, on the others. Every variant is
//! measured once a round, in an order that is new in every round, so that whatever else the machine does falls on
//! all of them. What counts is CPU time per request, and of that what a variant adds to Envoy without a filter in the
//! same round: requests per second and latency depend on the machine, this hardly does.

pub mod budget;
pub mod cases;
pub mod client;
pub mod machine;
pub mod messages;
pub mod native;
pub mod policies;
pub mod report;
pub mod schemas;
pub mod start;
pub mod statistics;
pub mod stopwatch;
pub mod upstream;
pub mod variant;

mod http;
