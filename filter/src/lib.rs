//! Tidegate: governs Model Context Protocol (MCP) traffic inside Envoy.
//!
//! This crate is built twice: as a library (the decision core, native) and as the `.wasm` that Envoy loads. Imports run
//! downward only:
//!
//! ```text
//! plugin      proxy-wasm in, effects out; the only code that knows the host (wasm32 alone)
//! exchange    one HTTP request and its response as a sans-IO state machine; audit and metrics as data
//! decide      facts + policy -> verdict; pure            rewrite   lists, listed schemas, members
//! policy      document -> compiled, immutable policy     state     what is held per worker
//! mcp         JSON-RPC envelope, methods, eras, mirrored headers, resource URIs, server-sent events, denial replies
//! schema      conditions on arguments: JSON Schema        pattern   name patterns
//! secret      detectors: text in, spans of secrets out
//! quota       windows, rates and money, and what they admit              ratelimit   rate limit services by gRPC
//! json        resumable lexer, strict check, spans; no tree          regex     the dialect of patterns, parsed
//! order       sorting in little code
//! ```

pub mod audit;
pub mod decide;
pub mod exchange;
pub mod json;
pub mod mcp;
pub mod metrics;
mod order;
pub mod pattern;
#[cfg(all(target_arch = "wasm32", not(feature = "library")))]
mod plugin;
pub mod policy;
pub mod quota;
pub mod ratelimit;
mod regex;
pub mod rewrite;
pub mod schema;
pub mod secret;
pub mod state;
