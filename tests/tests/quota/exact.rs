//! Admitted counts over four workers.

use serde_json::json;
use tidegate_tests::rig::wasm;
use tidegate_tests::site::Mode;

use crate::{Running, call, flood, outcomes, parallel, policy, rendering, server};

const CALLS: usize = 20_000;
const LIMIT: usize = 5_000;

#[test]
fn every_algorithm_admits_exactly_its_limit() {
    let wasm = wasm();
    parallel(async {
        let upstream = server().await;
        let policy = policy(json!({
            "costs": [{"tools": ["get_priced"], "per_call": "$0.01"}],
            "quotas": [
                // Longer than any test: nothing comes back meanwhile.
                {"id": "rate", "limit": LIMIT, "window": "24h", "burst": LIMIT, "tools": ["get_rated"]},
                {"id": "month", "limit": LIMIT, "window": "month", "tools": ["get_monthly"]},
                {"id": "pot", "limit": "$50", "window": "month"},
            ],
        }));
        let root = rendering(&policy, Mode::Hold, upstream.address, &wasm).bootstrap();
        let running = Running::start(root, 4).await;
        for (tool, reason) in
            [("get_rated", "quota_exceeded"), ("get_monthly", "quota_exceeded"), ("get_priced", "budget_exceeded")]
        {
            // A rate gives one back every 17 seconds, which is why the count is compared from below as well.
            let started = std::time::Instant::now();
            let mut seen = flood(running.address(), CALLS, |_| call(tool)).await;
            let back = usize::try_from(started.elapsed().as_secs() * LIMIT as u64 / 86_400).unwrap() + 1;
            let (ran, refused) = (seen.remove("ran").unwrap_or(0), seen.remove(reason).unwrap_or(0));
            assert_eq!(seen, outcomes([]), "{tool}");
            assert_eq!(ran + refused, CALLS);
            let most = if tool == "get_rated" { LIMIT + back } else { LIMIT };
            assert!((LIMIT..=most).contains(&ran), "{tool}: {ran} of {CALLS}");
        }
        let stats = running.envoy.stats().await.unwrap();
        assert_eq!(stats.number("wasmcustom.tidegate.quotas.outcome.denied.quota.month"), (CALLS - LIMIT) as u64);
        assert_eq!(stats.number("wasmcustom.tidegate.quotas.outcome.admitted.quota.month"), LIMIT as u64);
        assert_eq!(stats.number("wasmcustom.tidegate.quotas.outcome.store_error.quota.month"), 0);
    });
}

#[test]
fn new_counters_are_exact_from_their_first_call() {
    const TOOLS: usize = 400;
    const EACH: usize = 12;
    let wasm = wasm();
    parallel(async {
        let upstream = server().await;
        let policy = policy(json!({"quotas": [{"id": "once", "limit": 1, "window": "month", "by": ["tool"]}]}));
        let root = rendering(&policy, Mode::NoHold, upstream.address, &wasm).bootstrap();
        let running = Running::start(root, 4).await;
        // The calls of one tool follow each other at once, so that workers meet at a counter that is not there yet.
        let seen = flood(running.address(), TOOLS * EACH, |number| call(&format!("get_{}", number / EACH))).await;
        assert_eq!(seen, outcomes([("ran", TOOLS), ("quota_exceeded", TOOLS * (EACH - 1))]));
    });
}
