use std::sync::Arc;

use serde_json::{Value, json};

use super::super::*;
use super::{base, brief, compiled, errors, put, with};
use crate::quota::{Limit, Period};

const SECOND: u64 = 1_000_000_000;

pub(super) fn plus(mut object: Value, more: &Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

/// The base policy with a service that counts for a fleet, which speaks `protocol`.
pub(super) fn fleet(policy: &Value, protocol: &str) -> Value {
    json!({
        "host": { "stores": { "global": { "cluster": "ratelimit", "protocol": protocol } } },
        "layers": [policy]
    })
}

fn quota_of(policy: &Value) -> Arc<Quota> {
    let quotas = compiled(policy).configuration.policy.quotas;
    assert_eq!(quotas.len(), 1);
    quotas[0].clone()
}

fn quota(quota: &Value) -> Arc<Quota> {
    quota_of(&with("/quotas", json!([plus(json!({ "id": "q" }), quota)])))
}

#[test]
fn a_quota_that_says_little_has_defaults() {
    let read = quota(&json!({ "limit": 60, "window": "1m" }));
    let expected = Quota {
        id: "q".to_owned(),
        counts: Counts::Calls,
        limit: Limit::Rate { limit: 60, window: 60 * SECOND, burst: 6 },
        by: vec![],
        targets: vec![],
        servers: None,
        who: None,
        scope: Scope::Local,
        on_store_error: FailMode::Deny,
        on_missing: Missing::Share,
        refund_on: Refunds { upstream_failure: false, tool_error: false },
        mode: Mode::Enforce,
        advice: None,
        exceeded: Reason::QuotaExceeded,
    };
    assert_eq!(*read, expected);
}

#[test]
fn everything_can_be_said() {
    let document = fleet(
        &with(
            "/quotas",
            json!([{
                "id": "per-team.v1_x", "limit": "$12.50", "count": "cost", "window": "week", "utc_offset": "-05:30",
                "by": ["tool", "team"], "tools": ["github/get_*"], "resources": ["file:///a*"], "prompts": ["p"],
                "methods": ["tools/call", "tools/list", "tasks/list", "x-own/method"], "servers": ["git*"],
                "who": { "team": ["a"] }, "scope": "global", "on_store_error": "allow", "on_missing": "deny",
                "mode": "shadow", "advice": "Ask for more."
            }]),
        ),
        "reserve",
    );
    let read = quota_of(&document);
    assert_eq!(read.id, "per-team.v1_x");
    assert_eq!(read.counts, Counts::Cost);
    assert_eq!(read.limit, Limit::Calendar { limit: 12_500_000, period: Period::Week, utc_offset: -19_800 });
    assert_eq!(read.by, [Dimension::Team, Dimension::Tool], "in one order, however they are written");
    let nouns: Vec<Noun> = read.targets.iter().map(|target| target.noun).collect();
    assert_eq!(
        nouns,
        [Noun::Tool, Noun::Resource, Noun::Prompt, Noun::Method, Noun::Method, Noun::Method, Noun::Method]
    );
    assert_eq!(read.servers.as_deref(), Some(&["github".to_owned()][..]));
    assert_eq!(read.who, Some(Who(vec![(Field::Team, vec!["a".to_owned()])])));
    assert_eq!((read.scope, read.on_store_error, read.on_missing), (Scope::Global, FailMode::Allow, Missing::Deny));
    assert_eq!(read.refund_on, Refunds::default());
    assert_eq!((read.mode, read.advice.as_deref()), (Mode::Shadow, Some("Ask for more.")));
    assert_eq!(read.exceeded, Reason::BudgetExceeded);
}

#[test]
fn limits_follow_from_what_is_counted_and_the_window() {
    let rate = |limit, window, burst| Limit::Rate { limit, window: window * SECOND, burst };
    let calendar = |limit, period, utc_offset| Limit::Calendar { limit, period, utc_offset };
    for (written, counts, limit) in [
        (json!({ "limit": 1, "window": "1s" }), Counts::Calls, rate(1, 1, 1)),
        (json!({ "limit": 9, "window": "24h" }), Counts::Calls, rate(9, 86_400, 1)),
        (json!({ "limit": 500.0, "window": "1h" }), Counts::Calls, rate(500, 3600, 50)),
        (json!({ "limit": 60, "window": "90s", "burst": 60, "count": "calls" }), Counts::Calls, rate(60, 90, 60)),
        (
            json!({ "limit": 5000, "window": "1m", "count": "request_bytes" }),
            Counts::RequestBytes,
            rate(5000, 60, 5000),
        ),
        (
            json!({ "limit": 5000, "window": "1m", "count": "result_bytes", "burst": 5 }),
            Counts::ResultBytes,
            rate(5000, 60, 5),
        ),
        (json!({ "limit": 7, "window": "day" }), Counts::Calls, calendar(7, Period::Day, 0)),
        (
            json!({ "limit": 7, "window": "week", "utc_offset": "+02:00" }),
            Counts::Calls,
            calendar(7, Period::Week, 7200),
        ),
        (json!({ "limit": 7, "window": "month", "utc_offset": "Z" }), Counts::Calls, calendar(7, Period::Month, 0)),
        (
            json!({ "limit": 7, "window": "day", "count": "result_bytes" }),
            Counts::ResultBytes,
            calendar(7, Period::Day, 0),
        ),
        (json!({ "limit": "$50", "window": "hour" }), Counts::Cost, calendar(50_000_000, Period::Hour, 0)),
        (json!({ "limit": "$0.25", "window": "1h" }), Counts::Cost, calendar(250_000, Period::Hour, 0)),
        (
            json!({ "limit": "$1000000000", "window": "month", "count": "cost" }),
            Counts::Cost,
            calendar(1_000_000_000_000_000, Period::Month, 0),
        ),
        (json!({ "limit": 8, "count": "concurrent" }), Counts::Concurrent, Limit::Concurrent { limit: 8, lease: 900 }),
        (
            json!({ "limit": 8, "count": "concurrent", "lease": "10s" }),
            Counts::Concurrent,
            Limit::Concurrent { limit: 8, lease: 10 },
        ),
        (
            json!({ "limit": 8, "count": "concurrent", "lease": "24h" }),
            Counts::Concurrent,
            Limit::Concurrent { limit: 8, lease: 86_400 },
        ),
    ] {
        let read = quota(&written);
        assert_eq!((read.counts, &read.limit), (counts, &limit), "{written}");
    }
}

#[test]
fn refunds_are_said_at_the_quota_or_for_money_at_the_price() {
    let refund = |quota: &Quota| (quota.refund_on.upstream_failure, quota.refund_on.tool_error);
    for (more, expected) in [
        (json!({ "limit": "$5", "window": "hour" }), (false, false)),
        (json!({ "limit": 5, "window": "1h" }), (false, false)),
        (json!({ "limit": 5, "window": "1h", "refund_on": ["upstream_failure", "tool_error"] }), (true, true)),
        (json!({ "limit": 5, "count": "concurrent", "refund_on": [] }), (false, false)),
    ] {
        assert_eq!(refund(&quota(&more)), expected, "{more}");
    }
    let found = |more: Value, protocol: &str| {
        let mut quota = json!([{ "id": "q" }]);
        quota[0].as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        errors(&fleet(&with("/quotas", quota), protocol))
    };
    for (more, protocol, pointer, message) in [
        (
            json!({ "limit": "$5", "window": "hour", "refund_on": ["tool_error"] }),
            "reserve",
            "refund_on",
            "did not cost",
        ),
        (
            json!({ "limit": 5, "window": "1h", "scope": "global", "refund_on": ["upstream_failure"] }),
            "should_rate_limit",
            "refund_on",
            "nothing that was counted can be given back",
        ),
        (
            json!({ "limit": "$5", "window": "hour", "scope": "global" }),
            "should_rate_limit",
            "scope",
            "money cannot be held",
        ),
    ] {
        let found = found(more.clone(), protocol);
        assert_eq!(brief(&found), [("invalid_value", format!("/layers/0/quotas/0/{pointer}").as_str())], "{more}");
        assert!(found[0].message.contains(message), "{:?}", found[0]);
    }
    let empty = json!([{ "id": "q", "limit": 5, "window": "1h", "scope": "global", "refund_on": [] }]);
    assert_eq!(refund(&quota_of(&fleet(&with("/quotas", empty), "should_rate_limit"))), (false, false));
}

/// (what a quota says beside its id and `limit` 60, code, pointer below the quota, part of the message, of the help)
#[rustfmt::skip]
pub(super) fn faults() -> Vec<(Value, &'static str, &'static str, &'static str, &'static str)> {
    vec![
        (json!({ "windows": "1m", "window": "1m" }), "unknown_key", "/windows", "`windows`", "did you mean `window`?"),
        (json!({}), "missing_key", "", "needs the key `window`", "\"window\": \"1m\""),
        (json!({ "limit": null, "window": "1m" }), "wrong_type", "/limit", "expected a number, found null", ""),
        (json!({ "limit": 0, "window": "1m" }), "invalid_value", "/limit", "from 1 to", ""),
        (json!({ "limit": -1, "window": "1m" }), "invalid_value", "/limit", "from 1 to", ""),
        (json!({ "limit": 1.5, "window": "1m" }), "invalid_value", "/limit", "whole number", ""),
        (json!({ "limit": "60", "window": "1m" }), "wrong_type", "/limit", "found another string", "write 60 without quotation marks"),
        (json!({ "limit": "", "window": "1m" }), "wrong_type", "/limit", "expected a number", ""),
        (json!({ "limit": "60/m", "window": "1m" }), "wrong_type", "/limit", "", "its window into `window`"),
        (json!({ "limit": "$5000/month", "window": "month" }), "bad_amount", "/limit", "has its window in it", "\"limit\": \"$5000\", \"window\": \"month\""),
        (json!({ "limit": "$5,000", "window": "month" }), "bad_amount", "/limit", "commas", "write \"$5000\""),
        (json!({ "limit": "$0", "window": "month" }), "bad_amount", "/limit", "leaves nothing to spend", "`deny`"),
        (json!({ "limit": "$0.0000001", "window": "month" }), "bad_amount", "/limit", "six decimals", ""),
        (json!({ "limit": "$1000000001", "window": "month" }), "bad_amount", "/limit", "too much", "$1000000000"),
        (json!({ "limit": "$50", "count": "calls", "window": "day" }), "invalid_value", "/count", "no `calls` are", "take `count` out"),
        (json!({ "limit": "$50", "count": "concurrent", "window": "day" }), "invalid_value", "/count", "no `concurrent` are", ""),
        (json!({ "limit": 50, "count": "cost", "window": "day" }), "invalid_value", "/limit", "an amount of money", "write \"$50\""),
        (json!({ "count": "call", "window": "1m" }), "invalid_value", "/count", "`call`", "did you mean `calls`?"),
        (json!({ "count": "bytes", "window": "1m" }), "invalid_value", "/count", "`bytes`", ""),
        (json!({ "window": "1d" }), "bad_window", "/window", "`1d` is not a window", "write \"day\""),
        (json!({ "window": "0m" }), "bad_window", "/window", "shorter than a second", "\"10m\""),
        (json!({ "window": "90" }), "bad_window", "/window", "is not a window", "write \"90s\""),
        (json!({ "window": "1 month" }), "bad_window", "/window", "is not a window", "write \"month\""),
        (json!({ "window": "fortnight" }), "bad_window", "/window", "is not a window", "\"week\" or \"month\""),
        (json!({ "window": "25h" }), "bad_window", "/window", "longer than 24 hours", "\"day\""),
        (json!({ "window": "500ms" }), "bad_window", "/window", "is not a window", ""),
        (json!({ "window": "hour" }), "bad_window", "/window", "is not a window", "write \"1h\""),
        (json!({ "window": "-1m" }), "bad_window", "/window", "is not a window", ""),
        (json!({ "window": "99999999999999999999s" }), "bad_window", "/window", "is not a window", ""),
        (json!({ "window": "9999999999999999999h" }), "bad_window", "/window", "longer than 24 hours", ""),
        (json!({ "window": "" }), "empty", "/window", "", ""),
        (json!({ "window": 60 }), "wrong_type", "/window", "expected a string", ""),
        (json!({ "limit": "$5", "window": "30m" }), "bad_window", "/window", "not a window of the calendar", "\"hour\", \"day\""),
        (json!({ "limit": "$5", "window": "24h" }), "bad_window", "/window", "not a window of the calendar", "write \"day\""),
        (json!({ "limit": "$5" }), "missing_key", "", "needs the key `window`", "\"window\": \"month\""),
        (json!({ "count": "concurrent", "window": "1m" }), "invalid_value", "/window", "no meaning", "`lease`"),
        (json!({ "count": "concurrent", "burst": 5 }), "invalid_value", "/burst", "no meaning", ""),
        (json!({ "count": "concurrent", "utc_offset": "Z" }), "invalid_value", "/utc_offset", "no meaning", ""),
        (json!({ "count": "concurrent", "lease": "9s" }), "bad_duration", "/lease", "from `10s` to `24h`", "as in \"1m\""),
        (json!({ "count": "concurrent", "lease": "1 day" }), "bad_duration", "/lease", "not a duration", "`s`, `m`, `h`"),
        (json!({ "count": "concurrent", "lease": "60000ms" }), "bad_duration", "/lease", "not a duration", ""),
        (json!({ "count": "concurrent", "lease": 60 }), "wrong_type", "/lease", "expected a string", ""),
        (json!({ "count": "concurrent", "refund_on": ["tool_error"] }), "invalid_value", "/refund_on", "always given back", "take it out"),
        (json!({ "window": "1m", "lease": "1m" }), "invalid_value", "/lease", "open at a time", "\"concurrent\""),
        (json!({ "window": "1m", "burst": 0 }), "invalid_value", "/burst", "from 1 to 60", ""),
        (json!({ "window": "1m", "burst": 61 }), "invalid_value", "/burst", "from 1 to 60", ""),
        (json!({ "window": "day", "burst": 6 }), "invalid_value", "/burst", "about rates", "take it out"),
        (json!({ "window": "1m", "utc_offset": "+02:00" }), "invalid_value", "/utc_offset", "windows of the calendar", "\"day\""),
        (json!({ "window": "day", "utc_offset": "+2" }), "bad_time", "/utc_offset", "`+2` is not an offset", "\"-05:30\""),
        (json!({ "window": "day", "utc_offset": "+15:00" }), "bad_time", "/utc_offset", "", "at most 14 hours"),
        (json!({ "window": "day", "utc_offset": "Europe/Berlin" }), "bad_time", "/utc_offset", "", "summer time"),
        (json!({ "window": "1m", "by": [] }), "empty", "/by", "", ""),
        (json!({ "window": "1m", "by": "team" }), "wrong_type", "/by", "", "write [\"team\"]"),
        (json!({ "window": "1m", "by": ["group"] }), "invalid_value", "/by/0", "`group`", "did you mean `groups`?"),
        (json!({ "window": "1m", "by": ["agent"] }), "invalid_value", "/by/0", "`agent`", "`subject`, `team`"),
        (json!({ "window": "1m", "by": ["team", "tool", "team"] }), "duplicate_name", "/by/2", "`team` stands here twice", ""),
        (json!({ "window": "1m", "tools": ["a*b"] }), "bad_pattern", "/tools/0", "", ""),
        (json!({ "window": "1m", "tools": ["crm/x"] }), "unknown_server", "/tools/0", "`crm`", "`github`"),
        (json!({ "window": "1m", "tools": [] }), "empty", "/tools", "", ""),
        (json!({ "window": "1m", "resources": ["file:///a/../b"] }), "bad_pattern", "/resources/0", "", ""),
        (json!({ "window": "1m", "prompts": [7] }), "wrong_type", "/prompts/0", "", ""),
        (json!({ "window": "1m", "methods": ["initialize"] }), "invalid_value", "/methods/0", "never refused", "limit the calls"),
        (json!({ "window": "1m", "methods": ["tools/list", "ping"] }), "invalid_value", "/methods/1", "never refused", ""),
        (json!({ "window": "1m", "methods": ["server/discover"] }), "invalid_value", "/methods/0", "never refused", ""),
        (json!({ "window": "1m", "methods": ["notifications/progress"] }), "invalid_value", "/methods/0", "a notification", ""),
        (json!({ "window": "1m", "methods": ["sampling/createMessage"] }), "invalid_value", "/methods/0", "a server asks", ""),
        (json!({ "window": "1m", "servers": ["gihtub"] }), "unknown_server", "/servers/0", "", "did you mean `github`?"),
        (json!({ "window": "1m", "registries": ["production"] }), "unknown_registry", "/registries/0", "`production`", "\"registries\": [{ \"name\": \"production\" }]"),
        (json!({ "window": "1m", "who": {} }), "empty", "/who", "", ""),
        (json!({ "window": "1m", "scope": "fleet" }), "invalid_value", "/scope", "`fleet`", "`local`, `global`"),
        (json!({ "window": "1m", "scope": "global" }), "missing_key", "/scope", "`host.stores.global` is not there", "\"stores\": { \"global\": { \"cluster\""),
        (json!({ "window": "1m", "on_store_error": "open" }), "invalid_value", "/on_store_error", "`open`", "`deny`, `allow`"),
        (json!({ "window": "1m", "on_missing": "deny" }), "invalid_value", "/on_missing", "nothing that a caller could lack", "add `by`"),
        (json!({ "window": "1m", "by": ["team"], "on_missing": "allow" }), "invalid_value", "/on_missing", "", "`share`, `deny`"),
        (json!({ "window": "1m", "refund_on": ["upstream"] }), "invalid_value", "/refund_on/0", "", "`upstream_failure`"),
        (json!({ "window": "1m", "refund_on": "tool_error" }), "wrong_type", "/refund_on", "", "write [\"tool_error\"]"),
        (json!({ "window": "1m", "mode": "off" }), "invalid_value", "/mode", "", "`shadow`"),
        (json!({ "window": "1m", "advice": "" }), "empty", "/advice", "", ""),
        (json!({ "window": "1m", "id": "a b" }), "invalid_value", "/id", "not an id of a quota", "at most 128"),
        (json!({ "window": "1m", "id": "x".repeat(129) }), "invalid_value", "/id", "", ""),
        (json!({ "window": "1m", "id": "cost_controls.x" }), "invalid_value", "/id", "belong to `cost_controls`", "begins otherwise"),
        (json!({ "window": "1m", "id": 7 }), "wrong_type", "/id", "", ""),
    ]
}

#[test]
fn each_fault_has_code_pointer_and_help() {
    for (more, code, pointer, message, help) in faults() {
        let written = plus(json!({ "id": "q", "limit": 60 }), &more);
        let found = errors(&with("/quotas", json!([written])));
        let pointer = format!("/quotas/0{pointer}");
        assert_eq!(brief(&found), [(code, pointer.as_str())], "{more}: {found:#?}");
        assert!(found[0].message.contains(message), "{more}: {:?}", found[0].message);
        assert!(found[0].help.as_deref().unwrap_or_default().contains(help), "{more}: {:?}", found[0].help);
    }
}

#[test]
fn quotas_are_a_list_of_different_ones() {
    let one = json!({ "id": "q", "limit": 1, "window": "1m" });
    assert_eq!(brief(&errors(&with("/quotas", json!([])))), [("empty", "/quotas")]);
    assert_eq!(brief(&errors(&with("/quotas", json!({ "q": one })))), [("wrong_type", "/quotas")]);
    assert_eq!(
        brief(&errors(&with("/quotas", json!([{ "limit": 1, "window": "1m" }])))),
        [("missing_key", "/quotas/0")]
    );
    assert_eq!(
        brief(&errors(&with("/quotas", json!([{ "id": "q", "window": "1m" }])))),
        [("missing_key", "/quotas/0")]
    );
    let found = errors(&with("/quotas", json!([one, one])));
    assert_eq!(brief(&found), [("duplicate_name", "/quotas/1/id")]);
    assert!(found[0].message.contains("a second quota with the id `q`"), "{:?}", found[0]);
}

#[test]
fn no_service_counts_what_is_open_at_a_time() {
    let policy = with("/quotas", json!([{ "id": "q", "limit": 5, "count": "concurrent", "scope": "global" }]));
    let found = errors(&fleet(&policy, "reserve"));
    assert_eq!(brief(&found), [("invalid_value", "/layers/0/quotas/0/scope")]);
    assert!(found[0].message.contains("no service counts what is open"), "{:?}", found[0]);
}

#[test]
fn a_global_quota_needs_a_service() {
    let policy = with("/quotas", json!([{ "id": "q", "limit": 5, "window": "1m", "scope": "global" }]));
    for (document, pointer) in [
        (policy.clone(), "/quotas/0/scope"),
        (json!({ "layers": [policy] }), "/layers/0/quotas/0/scope"),
        (json!({ "host": {}, "layers": [policy] }), "/layers/0/quotas/0/scope"),
        (json!({ "host": { "stores": { "counters": 8 } }, "layers": [policy] }), "/layers/0/quotas/0/scope"),
    ] {
        assert_eq!(brief(&errors(&document)), [("missing_key", pointer)], "{document}");
    }
    // One that has a fault is reported once, and not at every quota.
    let faulty = json!({ "host": { "stores": { "global": {} } }, "layers": [policy] });
    assert_eq!(brief(&errors(&faulty)), [("missing_key", "/host/stores/global")]);
    assert_eq!(quota_of(&fleet(&policy, "reserve")).scope, Scope::Global);
}

fn estate() -> Value {
    let mut policy = with(
        "/registries",
        json!([
            { "name": "production" },
            { "name": "production-data", "parent": "production" },
            { "name": "staging" }
        ]),
    );
    put(&mut policy, "/servers/0/registry", json!("production"));
    put(&mut policy, "/servers/1/registry", json!("production-data"));
    policy
}

#[test]
fn registries_stand_for_the_servers_in_them_and_below() {
    let servers = |more: Value| {
        let mut policy = estate();
        put(&mut policy, "/quotas", json!([plus(json!({ "id": "q", "limit": 1, "window": "1m" }), &more)]));
        quota_of(&policy).servers.clone()
    };
    assert_eq!(servers(json!({})), None);
    assert_eq!(servers(json!({ "registries": ["production"] })).unwrap(), ["github", "billing"]);
    assert_eq!(servers(json!({ "registries": ["production-data"] })).unwrap(), ["billing"]);
    assert_eq!(servers(json!({ "registries": ["staging", "production-data"] })).unwrap(), ["billing"]);
    assert_eq!(servers(json!({ "registries": ["production"], "servers": ["git*"] })).unwrap(), ["github"]);
    for (more, message) in [
        (json!({ "registries": ["staging"] }), "no server is in these registries"),
        (
            json!({ "registries": ["production-data"], "servers": ["github"] }),
            "none of `servers` is in these registries",
        ),
    ] {
        let mut policy = estate();
        put(&mut policy, "/quotas", json!([plus(json!({ "id": "q", "limit": 1, "window": "1m" }), &more)]));
        let found = errors(&policy);
        assert_eq!(brief(&found), [("empty", "/quotas/0/registries")]);
        assert!(found[0].message.contains(message), "{:?}", found[0]);
    }
    // A fault in the server is not reported again at the quota.
    let mut policy = estate();
    put(&mut policy, "/quotas", json!([{ "id": "q", "limit": 1, "window": "1m", "registries": ["production-data"] }]));
    put(&mut policy, "/servers/1/mode", json!("x"));
    put(&mut policy, "/servers/1/match", json!({}));
    assert_eq!(errors(&policy).iter().filter(|error| error.pointer.starts_with("/quotas")).count(), 0);
}

/// `quotas`, `costs` and `cost_controls` as the design's own example has them.
#[test]
fn the_example_of_the_design_compiles() {
    let quotas = r#"[
    { "id": "per-agent",  "limit": 60,  "window": "1m", "by": ["subject"] },
    { "id": "searches",   "limit": 500, "window": "1h", "by": ["team", "tool"], "tools": ["search_*"], "scope": "global", "on_store_error": "deny" }
  ]"#;
    let mut policy = with("/quotas", serde_json::from_str(quotas).unwrap());
    put(&mut policy, "/costs", serde_json::from_str(r#"[{ "tools": ["search_*"], "per_call": "$0.02" }]"#).unwrap());
    let controls = r#"{
    "team_budgets": { "platform": "$5000/month", "data": "$3000/month" },
    "approval_thresholds": { "single_request": "$10", "hourly_spend": "$100", "daily_spend": "$500" },
    "optimization": { "cache_ttl": "3600s", "model_routing": "cost_optimized" }
  }"#;
    put(&mut policy, "/cost_controls", serde_json::from_str(controls).unwrap());
    assert_eq!(brief(&errors(&policy)), [("missing_key", "/quotas/1/scope")], "it needs a service");
    let policy = compiled(&fleet(&policy, "reserve")).configuration.policy;
    let ids: Vec<&str> = policy.quotas.iter().map(|quota| quota.id.as_str()).collect();
    // serde_json writes keys in alphabetical order.
    let expected = [
        "per-agent",
        "searches",
        "cost_controls.team_budgets.data",
        "cost_controls.team_budgets.platform",
        "cost_controls.approval_thresholds.hourly_spend",
        "cost_controls.approval_thresholds.daily_spend",
    ];
    assert_eq!(ids, expected);
    assert_eq!(policy.costs.single_request, Some(10_000_000));
    assert_eq!(policy.quotas[1].limit, Limit::Rate { limit: 500, window: 3600 * SECOND, burst: 50 });
}

#[test]
fn a_policy_without_quotas_has_none() {
    let policy = compiled(&base()).configuration.policy;
    assert!(policy.quotas.is_empty() && policy.registries.is_empty());
    assert_eq!(policy.costs, Costs::default());
    assert_eq!(policy.costs.single_request_mode, Mode::Enforce);
}
