//! Rate limit services by gRPC: what is asked, and what their answers say. Bytes in, bytes out; who sends them is not
//! known here.
//!
//! Two protocols. `envoy.service.ratelimit.v3` counts at once and takes nothing back. `Reserve` and `Commit` of
//! `kuadrant.service.ratelimit.v1` hold an estimate until the actual amount is known, so that concurrent calls never
//! spend the same money twice. The bytes are messages without the five bytes that gRPC puts before them: the host adds
//! and removes those.
//!
//! ```
//! use tidegate_filter::ratelimit::{descriptor, read_reserve, reserve};
//!
//! let team = descriptor("searches", [("team", Some("platform"))], Some("2026-11"));
//! let request = reserve("tidegate", &[team], 20_000, 60);
//! assert!(!request.is_empty());
//! // Code OVER_LIMIT, and no reservation.
//! assert!(!read_reserve(&[0x08, 0x02], 20_000).unwrap().allowed);
//! // Not an answer: the quota's `on_store_error` decides.
//! assert!(read_reserve(b"overloaded", 20_000).is_none());
//! ```

mod answer;
mod descriptor;
mod message;
pub mod names;
mod request;

pub use answer::{Answer, Reserved, read_commit, read_reserve, read_should_rate_limit};
pub use descriptor::{Descriptor, descriptor, encode_value};
pub use request::{commit, reserve, should_rate_limit};

#[cfg(test)]
mod tests;
