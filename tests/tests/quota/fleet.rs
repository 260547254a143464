//! Quotas that two Envoys share by a rate limit service.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tidegate::engine::limitador;
use tidegate::envoy::{Rendering, Upstream as Cluster};
use tidegate_filter::policy::compile;
use tidegate_rls::{Fault, Method, Options, RateLimitServer, read_limits};
use tidegate_tests::client::Connection;
use tidegate_tests::rig::wasm;
use tidegate_tests::site::Mode;
use tidegate_tests::upstream::Upstream;
use tidegate_tests::within;

use crate::{Outcomes, Running, TOKEN, call, flood, outcome, outcomes, parallel, policy, post, rendering, server};

const LIMIT: usize = 5_000;
const CALLS: usize = 20_000;

/// A service with the limits that `tidegate render limitador` makes of a plugin configuration.
pub(super) async fn service(configuration: &Value) -> RateLimitServer {
    let compiled = compile(configuration.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let limits = limitador("tidegate", compiled.configuration.policy.quotas.iter().map(|quota| &**quota));
    let limits = read_limits(&limits.document.to_string()).unwrap();
    RateLimitServer::start(([127, 0, 0, 1], 0).into(), limits, Options::default()).await.unwrap()
}

/// A plugin configuration whose global quotas are counted by the cluster `limits`.
fn configuration(protocol: &str, policy: &Value) -> Value {
    let global = json!({"cluster": "limits", "protocol": protocol, "timeout": "5s"});
    json!({"host": {"stores": {"global": global}}, "layers": [policy]})
}

/// A filter that asks the rate limit service at `service`.
pub(super) fn asking(
    configuration: &Value,
    mode: Mode,
    upstream: &Upstream,
    service: SocketAddr,
    wasm: &Path,
) -> Rendering {
    let mut rendering = rendering(configuration, mode, upstream.address, wasm);
    let mut limits = Cluster::plain("limits", service);
    limits.http2 = true;
    // Nothing is routed there.
    limits.prefix = "/limits".to_owned();
    rendering.upstreams.insert(0, limits);
    rendering
}

/// An Envoy with [`asking`].
pub(super) async fn envoy(
    configuration: &Value,
    mode: Mode,
    upstream: &Upstream,
    service: SocketAddr,
    workers: u32,
) -> Running {
    let wasm = tokio::task::spawn_blocking(wasm).await.unwrap();
    Running::start(asking(configuration, mode, upstream, service, &wasm).bootstrap(), workers).await
}

/// Waits until so much is counted under the only limit.
pub(super) async fn spent(service: &RateLimitServer, wanted: u64) {
    let counted = async {
        loop {
            let counters = service.counters("tidegate").await.unwrap();
            if counters.first().is_some_and(|counter| counter.used == wanted) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{wanted} to be counted"), counted).await;
}

#[test]
fn a_fleet_admits_exactly_its_limit() {
    parallel(async {
        let upstream = server().await;
        for protocol in ["reserve", "should_rate_limit"] {
            let policy = policy(json!({"quotas": [
                {"id": "shared", "limit": LIMIT, "window": "24h", "scope": "global"}]}));
            let configuration = configuration(protocol, &policy);
            let service = service(&configuration).await;
            let first = envoy(&configuration, Mode::Hold, &upstream, service.address(), 2).await;
            let second = envoy(&configuration, Mode::NoHold, &upstream, service.address(), 2).await;
            let half = CALLS / 2;
            let (a, b) = tokio::join!(
                flood(first.address(), half, |_| call("get_a")),
                flood(second.address(), half, |_| call("get_a"))
            );
            let mut all = Outcomes::new();
            for (outcome, count) in a.into_iter().chain(b) {
                *all.entry(outcome).or_default() += count;
            }
            assert_eq!(all, outcomes([("ran", LIMIT), ("quota_exceeded", CALLS - LIMIT)]), "{protocol}");
            spent(&service, LIMIT as u64).await;
        }
    });
}

/// A budget of $1, of which each call may take $0.40 at most.
pub(super) fn budget() -> Value {
    let policy = policy(json!({
        "costs": [{"tools": ["get_a"], "result": {"pointer": "/cost", "price": "$1"}, "max": "$0.40"}],
        "quotas": [{"id": "pot", "limit": "$1", "window": "month", "by": ["team"], "scope": "global"}],
    }));
    configuration("reserve", &policy)
}

/// The server's answer to a call that costs so many dollars.
pub(super) fn costing(dollars: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[],"_meta":{{"cost":{dollars}}}}}}}"#)
}

#[test]
fn a_fleet_never_overspends_and_gives_back_what_was_not_spent() {
    parallel(async {
        let upstream = Upstream::start().await;
        let mut arrivals = upstream.script(TOKEN);
        let configuration = budget();
        let service = service(&configuration).await;
        let first = envoy(&configuration, Mode::Hold, &upstream, service.address(), 1).await;
        let second = envoy(&configuration, Mode::Hold, &upstream, service.address(), 1).await;
        let mut open = Vec::new();
        for running in [&first, &second] {
            let mut connection = Connection::to(running.address()).await;
            connection.send(call("get_a")).await;
            open.push((connection, within("a request", arrivals.recv()).await.unwrap()));
        }
        for running in [&first, &second] {
            let refused = Connection::to(running.address()).await.exchange(call("get_a")).await;
            assert_eq!(refused.reason().as_deref(), Some("budget_exceeded"), "{refused}");
        }
        for (cost, (mut connection, arrival)) in ["0.1", "0.25"].into_iter().zip(open) {
            arrival.answer(200, "application/json", costing(cost)).await;
            connection.response().await;
        }
        spent(&service, 350_000).await;
        // A client that goes away while its call runs is charged what was held.
        let mut connection = Connection::to(first.address()).await;
        connection.send(call("get_a")).await;
        let mut arrival = within("a request", arrivals.recv()).await.unwrap();
        drop(connection);
        arrival.closed().await;
        spent(&service, 750_000).await;
        let entries = &service.calls()[0].descriptors[0];
        let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["quota", "team", "period"]);
        assert_eq!((entries[0].1.as_str(), entries[1].1.as_str()), ("pot", "~"));
    });
}

#[test]
fn bodies_wait_for_the_service_unharmed() {
    parallel(async {
        let sizes = |mode| [100, 40_000, 3 << 20].map(|size| (mode, size));
        for (mode, size) in Mode::ALL.into_iter().flat_map(sizes) {
            let upstream = Upstream::start().await;
            let ledger = upstream.execute(TOKEN);
            let policy = policy(json!({"quotas": [
                {"id": "shared", "limit": 5, "window": "1h", "scope": "global"}]}));
            let configuration = configuration("reserve", &policy);
            let service = service(&configuration).await;
            let running = envoy(&configuration, mode, &upstream, service.address(), 1).await;
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get_a","arguments":{{"x":"{}"}}}}}}"#,
                "y".repeat(size)
            );
            let answer = Connection::to(running.address()).await.exchange(post(&body)).await;
            if mode == Mode::NoHold && size > 1 << 20 {
                // What waits is in Envoy's buffer when it goes on, and Envoy itself refuses what is over its limit.
                assert_eq!(answer.status, 413, "{answer}");
                continue;
            }
            assert_eq!(outcome(&answer), "ran", "{mode:?} {size}");
            let visits = ledger.settled().await;
            assert!(visits.len() == 1 && visits[0].body == body.as_bytes(), "{mode:?} {size}");
        }
    });
}

#[test]
fn every_failure_of_the_service_is_decided_by_the_quota() {
    parallel(async {
        let upstream = server().await;
        let policy = policy(json!({"quotas": [
            {"id": "closed", "limit": 5, "window": "1h", "scope": "global", "tools": ["get_closed"]},
            {"id": "open", "limit": 5, "window": "1h", "scope": "global", "tools": ["get_open"], "on_store_error": "allow"},
        ]}));
        let service = service(&configuration("reserve", &policy)).await;
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        for mode in Mode::ALL {
            for (protocol, method) in [("reserve", Method::Reserve), ("should_rate_limit", Method::ShouldRateLimit)] {
                let mut configuration = configuration(protocol, &policy);
                configuration["host"]["stores"]["global"]["timeout"] = json!("50ms");
                let mut wrong = configuration.clone();
                wrong["host"]["stores"]["global"]["cluster"] = json!("nowhere");
                let faults = [Fault::Silent, Fault::Garbage(b"garbage".to_vec()), Fault::Unimplemented];
                let running = envoy(&configuration, mode, &upstream, service.address(), 1).await;
                for fault in faults {
                    service.fault(method, Some(fault.clone()));
                    assert_eq!(two(&running).await, ["store_unavailable", "ran"], "{fault:?}");
                }
                service.fault(method, None);
                let refused = envoy(&configuration, mode, &upstream, nobody, 1).await;
                assert_eq!(two(&refused).await, ["store_unavailable", "ran"], "a refused connection");
                let unknown = envoy(&wrong, mode, &upstream, service.address(), 1).await;
                assert_eq!(two(&unknown).await, ["store_unavailable", "ran"], "an unknown cluster");
                let stats = unknown.envoy.stats().await.unwrap();
                for quota in ["closed", "open"] {
                    let name = format!("wasmcustom.tidegate.quotas.outcome.store_error.quota.{quota}");
                    assert_eq!(stats.number(&name), 1);
                }
            }
        }
    });
}

/// What becomes of a call under the quota that fails closed, and of one under that which fails open.
async fn two(running: &Running) -> [String; 2] {
    let mut connection = Connection::to(running.address()).await;
    [outcome(&connection.exchange(call("get_closed")).await), outcome(&connection.exchange(call("get_open")).await)]
}

#[test]
fn a_client_that_does_not_wait_uses_nothing_up() {
    parallel(async {
        let upstream = Upstream::start().await;
        let ledger = upstream.execute(TOKEN);
        let policy = policy(json!({"quotas": [
            {"id": "here", "limit": 1, "window": "month"},
            {"id": "shared", "limit": 1, "window": "24h", "scope": "global"}]}));
        let configuration = configuration("reserve", &policy);
        let service = service(&configuration).await;
        let running = envoy(&configuration, Mode::Hold, &upstream, service.address(), 1).await;
        service.fault(Method::Reserve, Some(Fault::Late(std::time::Duration::from_secs(2))));
        let mut connection = Connection::to(running.address()).await;
        connection.send(call("get_a")).await;
        within("the service to be asked", service.until(Method::Reserve, 1)).await;
        drop(connection);
        running.stat("http.mcp.downstream_rq_active", 0).await;
        service.fault(Method::Reserve, None);
        // The late answer reserves, and is given back.
        within("the hold to be given back", service.until(Method::Commit, 1)).await;
        let answer = Connection::to(running.address()).await.exchange(call("get_a")).await;
        assert_eq!(outcome(&answer), "ran", "{answer}");
        assert_eq!(ledger.tools().await.len(), 1);
    });
}
