//! `tidegate-full.wasm`, the build whose arguments are judged by all of JSON Schema, in real Envoy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};
use tidegate::build::{Wasm, build};
use tidegate::envoy::{Envoy, Options};
use tidegate::report::progress::Lines;
use tidegate_filter::policy;
use tidegate_tests::client::once;
use tidegate_tests::rig::{alone, binary, end_with_us, named, rendering};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::Upstream;

const TOKEN: &str = "case-900000";

/// A condition that the compact validator refuses to compile.
fn policy() -> Value {
    let mut policy = Site::Main.policy();
    policy["rules"] = json!([{"id": "whole", "allow": {"tools": ["get_*"]}, "arguments": {
        "allOf": [{"properties": {"kind": {"const": "a"}}, "required": ["kind"]}],
        "properties": {"team": {"tidegate:in": "sets.teams"}},
        "unevaluatedProperties": false,
    }}]);
    policy["sets"] = json!({"teams": ["red"]});
    policy
}

#[test]
fn the_compact_build_names_the_keyword_that_it_lacks() {
    let refused = policy::compile(policy().to_string().as_bytes()).unwrap_err();
    assert!(refused.to_string().contains("unevaluatedProperties"), "{refused}");
}

#[test]
fn every_keyword_is_judged_in_envoy() {
    let wasm = build(&Wasm::full_filter(), &Lines).unwrap_or_else(|error| panic!("{error}")).path;
    let binary = binary();
    alone(async {
        let upstream = Upstream::start().await;
        let ledger = upstream.execute(TOKEN);
        let root = named(&rendering(&policy(), Mode::Hold, upstream.address, &wasm), "full");
        let envoy = Envoy::start(&binary, root, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"));
        let mut end = end_with_us(envoy.pid());
        let address = envoy.listener("full").unwrap();
        for (arguments, runs) in [
            (json!({"kind": "a", "team": "red"}), true),
            (json!({"kind": "a", "team": "blue"}), false),
            (json!({"kind": "a", "other": 1}), false),
            (json!({"kind": "b"}), false),
            (json!({"kind": "a", "Team": "red"}), false),
            (json!({}), false),
        ] {
            let params = json!({"name": "get_x", "arguments": arguments});
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
            let head = format!("POST /mcp/{TOKEN} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n");
            let response = once(address, format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
            let reason = (!runs).then_some("arguments_invalid");
            assert_eq!((response.status, response.reason().as_deref()), (200, reason), "{arguments}: {response}");
        }
        assert_eq!(ledger.tools().await, ["get_x"]);
        drop(end.stdin.take());
        end.wait().unwrap();
    });
}
