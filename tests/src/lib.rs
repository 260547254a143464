//! Shared rig of the end-to-end tests.
//!
//! ```text
//! rig       one Envoy for all tests of a binary: the real `.wasm`, a listener for each site and header mode
//! case      one test's own path, tool names and audit events on one of these listeners
//! site      the policies that the listeners run
//! client    HTTP/1.1 as exact bytes, HTTP/2 frame by frame
//! upstream  the servers behind Envoy: scripted by the test, or the forgiving executor
//! lenient   how the executor reads: whatever any real server would run, it runs
//! wire      HTTP/1.1 messages on a TCP connection
//! node      Node and npm packages, for tests that run JavaScript
//! ```
//!
//! Nothing waits for time to pass: whatever a test waits for is an event, and [`within`] ends a wait that is in vain.
// The rig is test code in a library's clothes: it fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

pub mod case;
pub mod client;
pub mod lenient;
pub mod node;
pub mod rig;
pub mod site;
pub mod upstream;
pub mod wire;

use std::process::{Command, Stdio};
use std::time::Duration;

/// Waits for something that must happen.
pub async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), event).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Runs a program to its end; panics with what it said and `advice` if it fails.
pub fn execute(command: &mut Command, advice: &str) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {advice}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}\n{}\n{advice}", output.status, String::from_utf8_lossy(&said));
}
