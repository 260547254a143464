//! Captured traffic through the filter as it ships, in wasmtime: the captures of `tests/captures` decided as expected in
//! both header modes, and what a capture can hold beyond them.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod captures;
mod envoy;
mod exchanges;
mod stage;
