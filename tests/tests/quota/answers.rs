//! What a refused client gets, and what runs at a time.

use serde_json::json;
use tidegate::envoy::audit::Event;
use tidegate_tests::client::Connection;
use tidegate_tests::rig::wasm;
use tidegate_tests::site::Mode;
use tidegate_tests::upstream::{Arrival, Upstream};
use tidegate_tests::within;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{Running, TOKEN, call, outcome, parallel, policy, post, rendering, server};

#[test]
fn a_refusal_names_the_quota_and_when_to_come_again() {
    let wasm = wasm();
    parallel(async {
        for mode in Mode::ALL {
            let upstream = server().await;
            let policy = policy(json!({
                "rules": [{"id": "all", "allow": {"tools": ["get_*"], "resources": ["file:///*"]}}],
                "quotas": [
                    {"id": "per-hour", "limit": 2, "window": "1h", "burst": 1, "tools": ["get_a"]},
                    {"id": "files", "limit": 1, "window": "day", "utc_offset": "+01:00", "resources": ["*"]},
                ],
            }));
            let root = rendering(&policy, mode, upstream.address, &wasm).bootstrap();
            let running = Running::start(root, 1).await;
            let mut connection = Connection::to(running.address()).await;
            assert_eq!(outcome(&connection.exchange(call("get_a")).await), "ran");
            let refused = connection.exchange(call("get_a")).await;
            assert_eq!((refused.status, refused.reason().as_deref()), (200, Some("quota_exceeded")), "{refused}");
            let denial = &refused.json()["result"]["_meta"]["tidegate/denial"];
            let seconds = denial["retry_after"].as_u64().unwrap();
            assert!((1_700..=1_800).contains(&seconds), "{denial}");
            assert_eq!(refused.head.get("retry-after"), Some(seconds.to_string().as_str()));
            assert_eq!(refused.head.get("ratelimit-policy"), Some("\"per-hour\";q=2;w=3600"));
            assert_eq!(refused.head.get("ratelimit"), Some(format!("\"per-hour\";r=0;t={seconds}").as_str()));
            let text = refused.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
            assert!(text.contains("2 calls per hour") && text.contains("Wait 30 minutes"), "{text}");
            let read = post(r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}}"#);
            assert_eq!(connection.exchange(&read).await.reason(), None);
            let refused = connection.exchange(&read).await;
            assert_eq!((refused.status, &refused.json()["error"]["code"]), (200, &json!(-31429)), "{refused}");
            assert_eq!(outcome(&connection.exchange(call("get_b")).await), "ran", "the connection goes on");
        }
    });
}

/// A call that has reached the server whole, and its connection. Where nothing is held, the head of one that is refused
/// may reach it too, before Envoy hangs up; and Envoy says that a request has ended just before the filter hears of it.
async fn admitted(running: &Running, arrivals: &mut UnboundedReceiver<Arrival>) -> (Connection, Arrival) {
    let reached = async {
        loop {
            let mut connection = Connection::to(running.address()).await;
            connection.send(call("get_a")).await;
            let arrived = async {
                loop {
                    let mut arrival = arrivals.recv().await.unwrap();
                    if arrival.body().await.complete == Some(true) {
                        return arrival;
                    }
                }
            };
            tokio::select! {
                arrival = arrived => return (connection, arrival),
                refused = connection.response() => assert_eq!(refused.reason().as_deref(), Some("quota_exceeded")),
            }
        }
    };
    within("a call to be admitted", reached).await
}

#[test]
fn what_runs_at_a_time_is_bounded_and_comes_back_when_clients_go_away() {
    let wasm = wasm();
    parallel(async {
        for mode in Mode::ALL {
            let upstream = Upstream::start().await;
            let mut arrivals = upstream.script(TOKEN);
            let policy = policy(json!({"quotas": [{"id": "width", "limit": 3, "count": "concurrent"}]}));
            let root = rendering(&policy, mode, upstream.address, &wasm).bootstrap();
            let running = Running::start(root, 2).await;
            // Some answered, some broken off: all come back.
            for round in 0..4 {
                let mut open = Vec::new();
                for _ in 0..3 {
                    open.push(admitted(&running, &mut arrivals).await);
                }
                let mut late = Connection::to(running.address()).await;
                let refused = late.exchange(call("get_a")).await;
                assert_eq!(refused.reason().as_deref(), Some("quota_exceeded"), "{round}: {refused}");
                for (at, (mut connection, mut arrival)) in open.into_iter().enumerate() {
                    if (at + round) % 2 == 0 {
                        drop(connection);
                        arrival.closed().await;
                    } else {
                        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
                        arrival.answer(200, "application/json", body).await;
                        assert_eq!(connection.response().await.status, 200);
                    }
                }
                // Envoy ends a stream on its own time.
                running.stat("http.mcp.downstream_rq_active", 0).await;
            }
        }
    });
}

#[test]
fn missing_identity_and_separators_are_what_the_policy_says() {
    let wasm = wasm();
    parallel(async {
        let upstream = server().await;
        let policy = policy(json!({"quotas": [
            {"id": "by-team", "limit": 1, "window": "day", "by": ["team"], "on_missing": "deny", "tools": ["get_team"]},
            {"id": "by-subject", "limit": 1, "window": "day", "by": ["subject"], "tools": ["get_subject"]},
            {"id": "by-tool", "limit": 1, "window": "day", "by": ["server", "tool"], "tools": ["get_x*"]},
        ]}));
        let root = rendering(&policy, Mode::Hold, upstream.address, &wasm).bootstrap();
        let running = Running::start(root, 1).await;
        let mut outcomes = Vec::new();
        let mut connection = Connection::to(running.address()).await;
        for tool in ["get_team", "get_subject", "get_subject", "get_x", "get_x/main", "get_x|main", "get_x,", "get_x"] {
            let answer = connection.exchange(call(tool)).await;
            outcomes.push(outcome(&answer));
        }
        assert_eq!(outcomes[0], "principal_missing");
        assert_eq!(outcomes[1..3], ["ran", "quota_exceeded"], "those whom nobody knows share one");
        assert_eq!(outcomes[3..], ["ran", "ran", "ran", "ran", "quota_exceeded"]);
        let events = Event::from_log(running.envoy.log_lines().iter().map(|line| &**line));
        let refused: Vec<_> = events.iter().filter_map(|event| event.text("quota")).collect();
        assert_eq!(refused, ["by-team", "by-subject", "by-tool"]);
    });
}
