use serde_json::{Value, json};

use super::super::*;
use super::quotas::{fleet, plus};
use super::{brief, compiled, put, with};

#[test]
fn each_lint() {
    let call = |more: Value| plus(json!({ "id": "q", "limit": 60, "window": "1m" }), &more);
    let money = |more: Value| plus(json!({ "id": "q", "limit": "$5", "window": "hour" }), &more);
    let priced = json!([{ "tools": ["github/get_*"], "per_call": "$0.01" }]);
    // (the quota, `costs`, code, pointer below the quota)
    let table: &[(Value, Value, &str, &str)] = &[
        (money(json!({ "window": "day" })), priced.clone(), "budget_in_memory", "/window"),
        (money(json!({ "window": "week" })), priced.clone(), "budget_in_memory", "/window"),
        (money(json!({ "window": "month", "utc_offset": "Z" })), priced.clone(), "budget_in_memory", "/window"),
        (money(json!({})), json!(null), "budget_without_costs", "/limit"),
        (
            money(json!({ "servers": ["billing"], "tools": ["get_*"] })),
            priced.clone(),
            "budget_without_costs",
            "/limit",
        ),
        (money(json!({ "tools": ["github/put_*", "get"] })), priced.clone(), "budget_without_costs", "/limit"),
        (money(json!({ "methods": ["tools/list"] })), priced, "budget_without_costs", "/limit"),
        (call(json!({ "on_store_error": "allow" })), json!(null), "fail_open", "/on_store_error"),
        (call(json!({ "burst": 60 })), json!(null), "quota_burst", "/burst"),
        (call(json!({ "servers": ["billing"] })), json!(null), "quota_unreachable", "/id"),
        (call(json!({ "tools": ["get_*", "put_*"] })), json!(null), "quota_unreachable", "/tools/1"),
        (call(json!({ "tools": ["get_*"], "prompts": ["x"] })), json!(null), "quota_unreachable", "/prompts/0"),
        (
            call(json!({ "tools": ["get_*"], "resources": ["file:///x"] })),
            json!(null),
            "quota_unreachable",
            "/resources/0",
        ),
    ];
    for (quota, costs, code, pointer) in table {
        let mut policy = with("/quotas", json!([quota]));
        if !costs.is_null() {
            put(&mut policy, "/costs", costs.clone());
        }
        let warnings = compiled(&policy).warnings;
        let rest: Vec<_> =
            brief(&warnings).into_iter().filter(|it| it.0 == *code || it.0 != "quota_unreachable").collect();
        assert_eq!(rest, [(*code, format!("/quotas/0{pointer}").as_str())], "{quota}");
        assert!(warnings.iter().all(|warning| warning.help.is_some()));
    }
    let global = fleet(&with("/quotas", json!([call(json!({ "scope": "global", "burst": 60 }))])), "reserve");
    assert_eq!(brief(&compiled(&global).warnings), [("engine_window", "/layers/0/quotas/0/scope")]);
}

#[test]
fn quotas_on_what_no_source_supplies() {
    let mut policy = with("/identity/sources", json!([{ "jwt": { "issuer": "i", "team": "team" } }]));
    put(
        &mut policy,
        "/quotas",
        json!([{ "id": "q", "limit": 1, "window": "1m", "by": ["team", "groups"], "who": { "groups": ["a"] } }]),
    );
    let warnings = compiled(&policy).warnings;
    let expected = [("claim_without_source", "/quotas/0/by"), ("claim_without_source", "/quotas/0/who/groups")];
    assert_eq!(brief(&warnings), expected);
    assert!(warnings[0].message.contains("all callers share one counter"), "{:?}", warnings[0]);
    put(&mut policy, "/quotas/0/on_missing", json!("deny"));
    assert!(compiled(&policy).warnings[0].message.contains("every call is refused"));
}

#[test]
fn what_a_careful_author_writes_has_no_lint() {
    let priced = json!([{ "tools": ["github/get_*"], "per_call": "$0.01" }]);
    for quota in [
        json!({ "limit": 60, "window": "1m", "by": ["subject"] }),
        json!({ "limit": 1, "window": "1s", "burst": 1 }),
        json!({ "limit": 60, "window": "1m", "burst": 59 }),
        json!({ "limit": 1_000_000, "window": "1m", "count": "request_bytes" }),
        json!({ "limit": 60, "window": "month" }),
        json!({ "limit": 8, "count": "concurrent", "by": ["team", "groups"] }),
        json!({ "limit": "$5", "window": "hour" }),
        json!({ "limit": "$5", "window": "hour", "tools": ["*_x"] }),
        json!({ "limit": "$5", "window": "hour", "methods": ["tools/call"] }),
        json!({ "limit": 60, "window": "1m", "methods": ["tools/list", "resources/read"] }),
        json!({ "limit": 60, "window": "1m", "tools": ["get_x"] }),
    ] {
        let mut policy = with("/quotas", json!([plus(json!({ "id": "q" }), &quota)]));
        put(&mut policy, "/costs", priced.clone());
        assert_eq!(compiled(&policy).warnings, [], "{quota}");
    }
    let mut global = with("/quotas", json!([{ "id": "q", "limit": "$5", "window": "month", "scope": "global" }]));
    put(&mut global, "/costs", priced);
    assert_eq!(compiled(&fleet(&global, "reserve")).warnings, []);
}

#[test]
fn envoy_is_told_that_a_budget_is_kept_in_memory() {
    let mut policy = with("/quotas", json!([{ "id": "q", "limit": "$5", "window": "month", "servers": ["billing"] }]));
    put(&mut policy, "/costs", json!([{ "tools": ["*"], "per_call": "$0.01" }]));
    let warnings = compile(policy.to_string().as_bytes()).unwrap().warnings;
    assert_eq!(brief(&warnings), [("budget_in_memory", "/quotas/0/window")]);
    assert!(warnings[0].message.contains("starts at $0 when Envoy restarts"), "{:?}", warnings[0]);
    assert!(warnings[0].help.as_ref().unwrap().contains("\"scope\": \"global\""), "{:?}", warnings[0]);
}
