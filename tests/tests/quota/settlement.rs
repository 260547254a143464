//! What a call cost reaches the rate limit service, whatever happens to the service or to the filter meanwhile.

use tidegate_rls::{Fault, Method, RateLimitServer};
use tidegate_tests::client::Connection;
use tidegate_tests::rig::wasm;
use tidegate_tests::site::Mode;
use tidegate_tests::upstream::{Arrival, Upstream};
use tidegate_tests::within;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::fleet::{asking, budget, costing, envoy, service, spent};
use crate::reload::{Reloading, other_module};
use crate::{TOKEN, call, parallel};

/// A call that costs $0.10, of the $0.40 that were reserved.
async fn spend(address: std::net::SocketAddr, arrivals: &mut UnboundedReceiver<Arrival>) {
    let mut connection = Connection::to(address).await;
    connection.send(call("get_a")).await;
    let arrival = within("a request", arrivals.recv()).await.unwrap();
    arrival.answer(200, "application/json", costing("0.1")).await;
    assert_eq!(connection.response().await.status, 200);
}

async fn committed(service: &RateLimitServer, count: u64) {
    within("the service to be told", service.until(Method::Commit, count)).await;
}

#[test]
fn what_was_spent_is_told_until_it_arrives_or_is_counted_as_lost() {
    parallel(async {
        let upstream = Upstream::start().await;
        let mut arrivals = upstream.script(TOKEN);
        let configuration = budget();
        let service = service(&configuration).await;
        let running = envoy(&configuration, Mode::Hold, &upstream, service.address(), 1).await;
        service.fault(Method::Commit, Some(Fault::Unavailable));
        spend(running.address(), &mut arrivals).await;
        committed(&service, 2).await;
        service.fault(Method::Commit, None);
        spent(&service, 100_000).await;
        let lost = "wasmcustom.tidegate.quotas.outcome.settle_error.quota.pot";
        assert_eq!(running.envoy.stats().await.unwrap().number(lost), 0);
        let before = service.arrived(Method::Commit);
        service.fault(Method::Commit, Some(Fault::Unavailable));
        spend(running.address(), &mut arrivals).await;
        running.stat(lost, 1).await;
        assert_eq!(service.arrived(Method::Commit), before + 5);
        let log = running.envoy.log_lines();
        assert_eq!(log.iter().filter(|line| line.contains("its count is now off by one call")).count(), 1);
    });
}

#[test]
fn a_settlement_that_is_pending_outlives_the_configuration() {
    let wasm = wasm();
    parallel(async {
        let upstream = Upstream::start().await;
        let mut arrivals = upstream.script(TOKEN);
        let configuration = budget();
        let service = service(&configuration).await;
        let rendered = |revision: u64| {
            let mut configuration = configuration.clone();
            configuration["layers"][0]["revision"] = revision.into();
            asking(&configuration, Mode::Hold, &upstream, service.address(), &wasm)
        };
        let mut envoy = Reloading::start("settlement", rendered(1), 1).await;
        service.fault(Method::Commit, Some(Fault::Unavailable));
        spend(envoy.port, &mut arrivals).await;
        committed(&service, 1).await;
        envoy.again(rendered(2)).await;
        envoy.running.stat("listener_manager.total_listeners_draining", 0).await;
        service.fault(Method::Commit, None);
        spent(&service, 100_000).await;
    });
}

#[test]
fn a_call_in_flight_while_the_module_changes_is_settled_once() {
    let (wasm, other) = (wasm(), other_module());
    parallel(async {
        let upstream = Upstream::start().await;
        let mut arrivals = upstream.script(TOKEN);
        let configuration = budget();
        let service = service(&configuration).await;
        let rendered = |wasm| asking(&configuration, Mode::Hold, &upstream, service.address(), wasm);
        let mut envoy = Reloading::start("flight", rendered(&wasm), 1).await;
        let mut connection = Connection::to(envoy.port).await;
        connection.send(call("get_a")).await;
        let arrival = within("a request", arrivals.recv()).await.unwrap();
        envoy.again(rendered(&other)).await;
        // The new module runs, while the old one still has a call to settle.
        spend(envoy.port, &mut arrivals).await;
        spent(&service, 100_000).await;
        arrival.answer(200, "application/json", costing("0.25")).await;
        assert_eq!(connection.response().await.status, 200);
        spent(&service, 350_000).await;
        assert_eq!(service.arrived(Method::Commit), 2);
    });
}
