//! The filter as it ships, in real Envoy, in both header modes. One Envoy serves all tests; each has its own path.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod configuration;
mod discovery;
mod disguises;
mod elsewhere;
mod flood;
mod framing;
mod hostile;
mod lists;
mod misbehaviour;
mod output_schema;
mod peers;
mod reader;
mod redaction;
mod requests;
mod responses;
mod rules;
mod shared_vm;
mod streams;
mod transport;

use tidegate_tests::case::Case;
use tidegate_tests::rig::{Rig, run};
use tidegate_tests::site::{Mode, Site};

/// Runs a test with a scripted case of `site` in each header mode.
fn scripted(site: Site, test: impl AsyncFn(Case, &'static Rig)) {
    run(async |rig| {
        for mode in Mode::ALL {
            test(Case::scripted(rig, site, mode), rig).await;
        }
        rig.assert_no_trap().await;
    });
}

/// Runs a test with a case of `site` that the forgiving server answers, in each header mode.
fn executed(site: Site, test: impl AsyncFn(Case, &'static Rig)) {
    run(async |rig| {
        for mode in Mode::ALL {
            test(Case::executed(rig, site, mode), rig).await;
        }
        rig.assert_no_trap().await;
    });
}

/// A `tools/call` with this raw id.
fn call(id: &str, tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"n":1}}}}}}"#)
}

/// An empty result for this raw id.
fn result(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#)
}
