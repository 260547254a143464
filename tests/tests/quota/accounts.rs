//! Who spent what: in metrics and audit, once.

use serde_json::json;
use tidegate::envoy::audit::Event;
use tidegate_tests::client::Connection;
use tidegate_tests::rig::wasm;
use tidegate_tests::site::Mode;
use tidegate_tests::upstream::Upstream;
use tidegate_tests::within;

use crate::{Running, TOKEN, call, parallel, policy, rendering};

/// The final cost of each decision that the audit tells of: of the completion, or else what the decision reserved.
fn costs(running: &Running) -> Vec<u64> {
    let events = Event::from_log(running.envoy.log_lines().iter().map(|line| &**line));
    let of = |kind: &str, field: &str| -> Vec<(String, u64)> {
        let events = events.iter().filter(|event| event.kind() == kind);
        events.filter_map(|it| Some((it.text("decision")?.to_owned(), it.json()[field].as_u64()?))).collect()
    };
    let settled = of("completion", "cost_micro_usd");
    let mut ids: Vec<&str> = settled.iter().map(|(id, _)| id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), settled.len(), "a charge is settled once");
    let reserved = of("decision", "reserved_micro_usd");
    let last = |(id, amount): &(String, u64)| settled.iter().find(|(other, _)| other == id).map_or(*amount, |it| it.1);
    reserved.iter().map(last).collect()
}

#[test]
fn every_cent_is_attributed_once_however_a_call_ends() {
    let wasm = wasm();
    parallel(async {
        for mode in Mode::ALL {
            let upstream = Upstream::start().await;
            let mut arrivals = upstream.script(TOKEN);
            let policy = policy(json!({
                "costs": [{"tools": ["get_a"], "per_call": "$0.01",
                           "result": {"pointer": "/cost", "price": "$1"}, "max": "$0.10"}],
                "quotas": [{"id": "pot", "limit": "$1", "window": "month"}],
            }));
            let root = rendering(&policy, mode, upstream.address, &wasm).bootstrap();
            let running = Running::start(root, 1).await;
            let answers = [
                // Reported, clamped, not reported, of an event stream, failed.
                (200, "application/json", r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"_meta":{"cost":0.02}}}"#),
                (200, "application/json", r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"_meta":{"cost":7}}}"#),
                (200, "application/json", r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#),
                (
                    200,
                    "text/event-stream",
                    "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"_meta\":{\"cost\":0.03},\"content\":[]}}\n\n",
                ),
                (503, "text/plain", "no"),
            ];
            let mut expected = vec![30_000, 100_000, 100_000, 40_000, 0];
            for (status, media, body) in answers {
                let mut connection = Connection::to(running.address()).await;
                connection.send(call("get_a")).await;
                let arrival = within("a request", arrivals.recv()).await.unwrap();
                arrival.answer(status, media, body).await;
                assert_eq!(connection.response().await.status, status);
            }
            // The client goes away in the middle.
            let mut connection = Connection::to(running.address()).await;
            connection.send(call("get_a")).await;
            let mut arrival = within("a request", arrivals.recv()).await.unwrap();
            drop(connection);
            arrival.closed().await;
            expected.push(100_000);
            running.stat("http.mcp.downstream_rq_active", 0).await;
            let told = async {
                while costs(&running) != expected {
                    tokio::task::yield_now().await;
                }
            };
            within(&format!("the audit to tell {expected:?}; it tells {:?}", costs(&running)), told).await;
            let stats = running.envoy.stats().await.unwrap();
            let counted = |kind: &str| {
                let name = format!(
                    "wasmcustom.tidegate.cost_micro_usd.kind.{kind}.tool.get_a.team.none.subject.none.server.main"
                );
                stats.number(&name)
            };
            assert_eq!(counted("charged"), 600_000);
            assert_eq!(counted("charged") - counted("refunded"), expected.iter().sum::<u64>());
            // $0.63 is left: six more may be reserved, and a seventh not.
            let mut open = Vec::new();
            for _ in 0..6 {
                let mut connection = Connection::to(running.address()).await;
                connection.send(call("get_a")).await;
                open.push((connection, within("a request", arrivals.recv()).await.unwrap()));
            }
            let mut late = Connection::to(running.address()).await;
            let refused = late.exchange(call("get_a")).await;
            assert_eq!(refused.reason().as_deref(), Some("budget_exceeded"), "{refused}");
            assert!(refused.text().contains("$0.03 is left of $1 per month"), "{refused}");
        }
    });
}
