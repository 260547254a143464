//! Envoy runs plugins with equal code and `vm_id` in one VM: each keeps the policy that it was configured with.

use serde_json::{Value, json};
use tidegate::envoy::{Envoy, Options};
use tidegate_tests::client::once;
use tidegate_tests::rig::{alone, binary, end_with_us, named, rendering, wasm};
use tidegate_tests::site::Mode;
use tidegate_tests::upstream::Upstream;

use crate::call;

fn policy(name: &str, allowed: &str) -> Value {
    json!({
        "version": "tidegate/v1",
        "name": name,
        "identity": {"anonymous": "allow"},
        "servers": [{"name": "main", "match": {"path": "/mcp"}}],
        "rules": [{"id": "only", "allow": {"tools": [allowed]}}],
    })
}

#[test]
fn plugins_in_one_vm_keep_their_policies() {
    let (wasm, binary) = (wasm(), binary());
    alone(async {
        let upstream = Upstream::start().await;
        let ledger = upstream.execute("case-000001");
        let mut all: Option<Value> = None;
        for (name, tool) in [("first", "get_a"), ("second", "get_b")] {
            let mut root = named(&rendering(&policy(name, tool), Mode::Hold, upstream.address, &wasm), name);
            let filters = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
            for filter in root.pointer_mut(filters).unwrap().as_array_mut().unwrap() {
                if let Some(vm) = filter.pointer_mut("/typed_config/config/vm_config/vm_id") {
                    *vm = json!("shared");
                }
            }
            match &mut all {
                None => all = Some(root),
                Some(all) => {
                    let listener = root["static_resources"]["listeners"][0].take();
                    all["static_resources"]["listeners"].as_array_mut().unwrap().push(listener);
                }
            }
        }
        let envoy = Envoy::start(&binary, all.unwrap(), &Options::default()).await.unwrap();
        let mut guard = end_with_us(envoy.pid());
        for (listener, tool, passes) in
            [("first", "get_a", true), ("first", "get_b", false), ("second", "get_b", true), ("second", "get_a", false)]
        {
            let body = call("1", tool);
            let request = format!(
                "POST /mcp/case-000001 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = once(envoy.listener(listener).unwrap(), request).await;
            let refused = answer.reason().as_deref() == Some("tool_not_allowed");
            assert_eq!(refused, !passes, "{listener} {tool}: {answer}");
        }
        assert_eq!(ledger.tools().await, ["get_a", "get_b"]);
        drop(guard.stdin.take());
        guard.wait().unwrap();
    });
}
