//! What the command does with the filter's `.wasm` in its own host: replaying, explaining, testing, learning, measuring.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests state what must hold"
)]

mod bench;
mod captures;
mod explain;
mod learn;
mod policy_tests;
mod replay;
mod replay_report;
#[path = "../typed/mod.rs"]
mod typed;

use typed::Scratch;

/// The names of all files in the directory of a test, hidden ones too.
fn names(scratch: &Scratch) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.directory()).unwrap();
    let mut names: Vec<String> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
