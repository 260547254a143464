//! What redaction does with a text, and texts to do it with.
//!
//! Natively a library of the benchmarks. Compiled for WebAssembly it is a proxy-wasm module that runs every row while
//! it is configured, and logs a line for each: `kernel-row NAME BYTES NANOSECONDS`. The plugin configuration is how
//! many milliseconds each row may take.

pub mod corpus;
pub mod hostile;
pub mod messages;
pub mod random;
pub mod rows;
pub mod secrets;
mod words;

#[cfg(target_arch = "wasm32")]
mod guest;
