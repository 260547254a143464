//! The library behind the `tidegate` command.
//!
//! ```text
//! command     one file a subcommand; the only code that reads arguments and sets exit codes
//! capture     HAR and JSON lines: recorded traffic in, HAR out
//! engine      limits for the rate limit services that count for a fleet
//! envoy       find or install Envoy, render its configuration, start and stop it, read its audit lines
//! measure     what the filter costs, natively and in wasmtime
//! output      files that are there whole or not at all
//! host        the proxy-wasm ABI on wasmtime, behaving as Envoy was measured to behave
//! learn       what captures and live servers show: an inventory, and the policy that allows just that
//! policy_diff two policies compared by what they decide, for whom
//! policy_test what a policy must do, tried on the `.wasm`
//! replay      captured traffic through the `.wasm`: what was decided, and what became of the bytes
//! sample      an MCP server and clients that stand in for a company's own
//! build       the `.wasm`, on any machine that can run cargo
//! report      what a person or a tool reads: progress, tables
//! ```

pub mod build;
pub mod capture;
pub mod command;
pub mod engine;
pub mod envoy;
#[cfg(feature = "host")]
pub mod host;
pub mod learn;
pub mod measure;
pub mod output;
pub mod policy_diff;
#[cfg(feature = "host")]
pub mod policy_test;
#[cfg(feature = "host")]
pub mod replay;
pub mod report;
pub mod sample;
