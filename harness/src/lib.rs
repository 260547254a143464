//! The library behind the `tidegate` command.
//!
//! ```text
//! command     one file a subcommand; the only code that reads arguments and sets exit codes
//! envoy       find or install Envoy, render its configuration, start and stop it, read its audit lines
//! host        the proxy-wasm ABI on wasmtime, behaving as Envoy was measured to behave
//! sample      an MCP server and clients that stand in for a company's own
//! build       the `.wasm`, on any machine that can run cargo
//! report      what a person or a tool reads: progress, tables
//! ```

pub mod build;
pub mod command;
pub mod envoy;
#[cfg(feature = "host")]
pub mod host;
pub mod report;
pub mod sample;
