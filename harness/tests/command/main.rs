//! What the command does without the host that runs the filter's `.wasm`: checking, comparing, rendering, and what it
//! starts in real Envoy.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests state what must hold"
)]

mod check;
mod cli;
mod demo_and_up;
mod diff;
mod istio;
mod render;
mod rendered;
#[path = "../typed/mod.rs"]
mod typed;
