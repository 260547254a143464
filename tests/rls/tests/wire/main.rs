//! The filter's messages against the service's, by gRPC, and against Envoy's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod client;
mod exact;
mod faults;
mod messages;
mod quotas;
