//! Keys of placeholders: shared by the workers of an Envoy, and by Envoys that are given one.

use std::process::Child;

use serde_json::{Value, json};
use tidegate::envoy::{Envoy, EnvoyError, Options};
use tidegate_tests::client::once;
use tidegate_tests::rig::{alone, binary, end_with_us, named, rendering, wasm};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::{Upstream, response};

use super::{KEY, assert_clean, placeholders, text_result};
use crate::call;

/// Names the variable that holds the key, and sets it in the VM.
fn with_key(root: &mut Value, value: Option<&str>) {
    let filter = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0";
    let plugin = root.pointer_mut(&format!("{filter}/typed_config/config")).unwrap();
    let text = plugin["configuration"]["value"].as_str().unwrap();
    let mut configuration: Value = serde_json::from_str(text).unwrap();
    configuration["host"]["keys"] = json!({"redaction": {"env": "REDACTION_KEY"}});
    plugin["configuration"]["value"] = json!(configuration.to_string());
    if let Some(value) = value {
        plugin["vm_config"]["environment_variables"] = json!({"key_values": {"REDACTION_KEY": value}});
    }
}

async fn bootstrap(upstream: &Upstream) -> Value {
    named(&rendering(&Site::Redacting.policy(), Mode::Hold, upstream.address, &wasm()), "redacting")
}

/// A server that answers everything with a secret.
async fn leaking() -> Upstream {
    let upstream = Upstream::start().await;
    let mut arrivals = upstream.script("case-000001");
    tokio::spawn(async move {
        while let Some(mut arrival) = arrivals.recv().await {
            arrival.body().await;
            arrival.send(response(200, "application/json", text_result(&format!("it is {KEY}")))).await;
            arrival.done();
        }
    });
    upstream
}

async fn start(root: Value, options: &Options) -> (Envoy, Child) {
    let envoy = Envoy::start(&binary(), root, options).await.unwrap_or_else(|error| panic!("{error}"));
    let end = end_with_us(envoy.pid());
    (envoy, end)
}

async fn placeholder(envoy: &Envoy) -> String {
    let body = call("1", "get_x");
    let head = "POST /mcp/case-000001 HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let answer = once(envoy.listener("redacting").unwrap(), request).await;
    assert_clean(&answer.text(), "the answer");
    let text = answer.text();
    let [placeholder] = placeholders(&text)[..] else { panic!("{answer}") };
    placeholder.to_owned()
}

#[test]
fn every_worker_gives_a_secret_the_same_placeholder() {
    alone(async {
        let upstream = leaking().await;
        let (envoy, _end) = start(bootstrap(&upstream).await, &Options { concurrency: 3, ..Options::default() }).await;
        let first = placeholder(&envoy).await;
        // The kernel spreads connections: that a fair coin of three sides comes up the same 60 times is no worry.
        for _ in 0..60 {
            assert_eq!(placeholder(&envoy).await, first);
        }
        let stats = envoy.stats().await.unwrap();
        let workers = stats
            .with_prefix("listener.")
            .filter(|(name, served)| name.contains(".worker_") && name.ends_with("downstream_cx_total") && *served > 0);
        assert!(workers.count() > 1, "all connections went to one worker");
    });
}

#[test]
fn envoys_with_one_key_agree() {
    alone(async {
        let upstream = leaking().await;
        let mut seen = Vec::new();
        for key in [Some("0123456789abcdef-one"), Some("0123456789abcdef-one"), Some("0123456789abcdef-two"), None] {
            let mut root = bootstrap(&upstream).await;
            if key.is_some() {
                with_key(&mut root, key);
            }
            let (envoy, _end) = start(root, &Options::default()).await;
            seen.push(placeholder(&envoy).await);
        }
        assert_eq!(seen[0], seen[1]);
        // Four hexadecimal digits of three keys: all three alike once in four thousand million runs.
        assert!(seen[1..].windows(2).any(|pair| pair[0] != pair[1]), "{seen:?}");
    });
}

#[test]
fn a_key_that_is_missing_or_short_keeps_envoy_from_starting() {
    alone(async {
        let upstream = leaking().await;
        for key in [None, Some(""), Some("0123456789abcde")] {
            let mut root = bootstrap(&upstream).await;
            with_key(&mut root, key);
            let said = match Envoy::start(&binary(), root, &Options::default()).await {
                Err(EnvoyError::Refused(said)) => said,
                other => panic!("{other:?}"),
            };
            assert!(said.contains("REDACTION_KEY") && said.contains("vm_config.environment_variables"), "{said}");
            assert!(!said.contains("0123456789abcde"), "{said}");
        }
    });
}
