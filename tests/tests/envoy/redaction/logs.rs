//! No secret is in anything that Envoy writes or counts, whatever is to be audited.

use serde_json::{Value, json};
use tidegate::envoy::{Envoy, Options};
use tidegate_tests::client::once;
use tidegate_tests::rig::{alone, binary, end_with_us, named, rendering, wasm};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::{Upstream, response};

use super::{KEY, OTHER_KEY, TOKEN, assert_clean, text_result};
use crate::run;

const FILTERS: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// What each listener is to write: the host's audit settings and the policy's.
fn settings() -> Vec<(Value, Value)> {
    vec![
        (json!({}), json!({})),
        (json!({"level": "warn"}), json!({"arguments": "keys", "allowed": true})),
        (json!({"level": "info"}), json!({"arguments": "none", "allowed": false})),
        (json!({"sink": "none"}), json!({})),
    ]
}

async fn bootstrap(upstream: &Upstream) -> (Value, Vec<String>) {
    let mut all: Option<Value> = None;
    let mut listeners = Vec::new();
    for (at, (host, audit)) in settings().into_iter().enumerate() {
        for site in [Site::Redacting, Site::RedactingShadow, Site::Blocking] {
            let mode = Mode::ALL[at % 2];
            let mut policy = site.policy();
            policy["audit"] = audit.clone();
            let name = format!("{site:?}-{at}");
            let mut root = named(&rendering(&policy, mode, upstream.address, &wasm()), &name);
            let manager = root.pointer_mut(FILTERS).unwrap();
            manager["access_log"] = json!([{"name": "stderr", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
            }}]);
            let text = manager.pointer_mut("/http_filters/0/typed_config/config/configuration/value").unwrap();
            let mut configuration: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
            configuration["host"]["audit"] = host.clone();
            *text = json!(configuration.to_string());
            listeners.push(name);
            match &mut all {
                None => all = Some(root),
                Some(all) => {
                    let listener = root["static_resources"]["listeners"][0].take();
                    all["static_resources"]["listeners"].as_array_mut().unwrap().push(listener);
                }
            }
        }
    }
    (all.unwrap(), listeners)
}

/// A server that puts secrets into everything it says, in JSON and in events by turns.
async fn leaking() -> Upstream {
    let upstream = Upstream::start().await;
    let mut arrivals = upstream.script("case-000001");
    tokio::spawn(async move {
        let long = text_result(&format!("{}{KEY}{}", "lorem ipsum ".repeat(30_000), " dolor".repeat(20_000)));
        let answers = [
            response(200, "application/json", text_result(&format!("{KEY} password={TOKEN}"))),
            response(200, "text/event-stream", format!("data: {}\n\n", text_result(OTHER_KEY))),
            response(
                200,
                "application/json",
                json!({"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": {KEY: OTHER_KEY}, "content": []}})
                    .to_string(),
            ),
            response(
                200,
                "application/json",
                json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": KEY, "data": TOKEN}}).to_string(),
            ),
            response(
                200,
                "application/json",
                format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"{KEY}":1,"{KEY}":2}}}}"#),
            ),
            response(
                200,
                "text/event-stream",
                format!(
                    "data: {}\n\ndata: {}\n\n",
                    json!({"jsonrpc": "2.0", "id": 5, "method": format!("x/{KEY}"), "params": {}}),
                    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": KEY}})
                ),
            ),
            response(200, "application/json", long),
            response(200, &format!("text/{KEY}"), KEY),
            response(500, "text/plain", KEY),
        ];
        for answer in answers.iter().cycle() {
            let Some(mut arrival) = arrivals.recv().await else { return };
            arrival.body().await;
            arrival.send(answer).await;
            arrival.done();
        }
    });
    upstream
}

fn bodies() -> Vec<String> {
    let ask = |method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let mut bodies = vec![ask("tools/call", json!({"name": "get_x", "arguments": {}})); 9];
    bodies.extend([
        ask("tools/call", json!({"name": "get_x", "arguments": {"q": KEY, OTHER_KEY: {TOKEN: 1}}})),
        ask("tools/call", json!({"name": format!("delete_{KEY}"), "arguments": {}})),
        ask("tools/call", json!({"name": format!("get {KEY}"), "arguments": {KEY: 1}})),
        ask("resources/read", json!({"uri": format!("note://{KEY}")})),
        ask("resources/read", json!({"uri": format!("NOTE://a/../{OTHER_KEY}")})),
        ask("prompts/get", json!({"name": TOKEN})),
        ask(KEY, json!({})),
        ask(&format!("x/{TOKEN}"), json!({})),
        ask("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": [format!("note://{KEY}")]}})),
        ask(
            "initialize",
            json!({"protocolVersion": KEY, "clientInfo": {"name": KEY, "version": TOKEN}, "capabilities": {}}),
        ),
        json!({"jsonrpc": "2.0", "id": KEY, "result": {"action": "accept", "content": {"pin": KEY}}}).to_string(),
        json!({"jsonrpc": "2.0", "id": KEY, "method": format!("delete/{KEY}")}).to_string(),
        json!({"jsonrpc": "2.0", "method": format!("notifications/{KEY}")}).to_string(),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","{KEY}":1,"{KEY}":2}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{KEY}"#),
        KEY.to_owned(),
    ]);
    bodies
}

#[test]
fn no_secret_is_logged_or_counted_whatever_is_audited() {
    alone(async {
        let upstream = leaking().await;
        let (root, listeners) = bootstrap(&upstream).await;
        let envoy = Envoy::start(&binary(), root, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"));
        let mut guard = end_with_us(envoy.pid());
        for listener in &listeners {
            let address = envoy.listener(listener).unwrap();
            for body in bodies() {
                let fields = [
                    String::new(),
                    format!(
                        "mcp-protocol-version: 2026-07-28\r\nmcp-method: {KEY}\r\nmcp-name: {TOKEN}\r\nmcp-param-x: {OTHER_KEY}\r\n"
                    ),
                    format!("mcp-session-id: {KEY}\r\nlast-event-id: {TOKEN}\r\nmcp-protocol-version: {KEY}\r\n"),
                ];
                for fields in fields {
                    let request = format!(
                        "POST /mcp/case-000001 HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{fields}content-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    once(address, request).await;
                }
            }
        }
        for path in ["/stats", "/stats/prometheus", "/listeners", "/clusters"] {
            assert_clean(&envoy.get(path).await.unwrap(), path);
        }
        let stats = envoy.stats().await.unwrap();
        assert!(stats.with_prefix("wasm.").filter(|(name, _)| name.contains("reload")).all(|(_, count)| count == 0));
        let log = envoy.stop().await.unwrap();
        let lines = log.lines();
        for kind in ["\"redactions\"", "\"would_redact\"", "secret_blocked", "[redacted:", "POST /mcp/case-000001"] {
            assert!(lines.iter().any(|line| line.contains(kind)), "no line with {kind}");
        }
        for line in lines {
            assert_clean(&line, "the log");
        }
        drop(guard.stdin.take());
        let _ = guard.wait();
    });
}

/// What the tests so far made the shared Envoy write; they may run at the same time.
#[test]
fn no_secret_is_in_the_shared_envoys_log() {
    run(async |rig| {
        for line in rig.envoy.log_lines() {
            assert_clean(&line, "the log");
        }
        assert_clean(&rig.envoy.get("/stats").await.unwrap(), "the statistics");
    });
}
