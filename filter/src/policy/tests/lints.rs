use serde_json::{Value, json};

use super::super::{Severity, check, compile};
use super::{NOW, base, brief, compiled, put, with};

fn allow(id: &str, tools: &[&str]) -> Value {
    json!({ "id": id, "allow": { "tools": tools } })
}

fn deny(id: &str, tools: &[&str]) -> Value {
    json!({ "id": id, "deny": { "tools": tools } })
}

fn plus(mut rule: Value, more: &Value) -> Value {
    let members = rule.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    rule
}

#[test]
fn a_good_policy_has_no_warnings() {
    assert_eq!(compiled(&base()).warnings, []);
}

#[test]
fn each_lint() {
    let header = json!([{ "header": { "peers": ["spiffe://example.com/gw"], "subject": "x-user", "team": "x-team" } }]);
    let reads = json!({ "enabled": true, "reads": ["get_*"] });
    // (where, what, code, pointer)
    let table: &[(&str, Value, &str, &str)] = &[
        ("/mode", json!("shadow"), "shadow_policy", "/mode"),
        ("/servers/1/mode", json!("shadow"), "shadow_server", "/servers/1/mode"),
        ("/servers/1/govern", json!(false), "ungoverned_server", "/servers/1/govern"),
        ("/servers/1/match/path", json!("/mcp/github/x"), "unreachable_server", "/servers/1/match"),
        ("/servers/1/match/path", json!("/mcp/github"), "unreachable_server", "/servers/1/match"),
        ("/identity/anonymous", json!("allow"), "anonymous_allowed", "/identity/anonymous"),
        ("/identity", json!({}), "no_identity", "/identity"),
        ("/identity/sources", header, "trusted_header", "/identity/sources/0/header/peers"),
        ("/on", json!({ "server_unknown": "allow" }), "fail_open", "/on/server_unknown"),
        (
            "/limits",
            json!({ "buffered_bytes_per_principal": 4096 }),
            "limits_conflict",
            "/limits/buffered_bytes_per_principal",
        ),
        ("/read_only", json!({ "enabled": true }), "dead_rule", "/rules/0/id"),
        ("/rules", json!([]), "nothing_allowed", "/rules"),
        ("/rules/1", plus(deny("d", &["put"]), &json!({ "mode": "shadow" })), "shadow_rule", "/rules/1/mode"),
        ("/rules/0/allow/tools/0", json!("*"), "broad_allow", "/rules/0/allow"),
        ("/rules/0/expires", json!("2026-11-23T12:00:00Z"), "expired_rule", "/rules/0/expires"),
        ("/rules/0/servers", json!(["billing"]), "dead_rule", "/rules/0/id"),
        ("/rules/0/allow/tools/1", json!("billing/*x"), "dead_pattern", "/rules/0/allow/tools/1"),
        (
            "/rules/0/who",
            json!({ "issuer": ["https://idp.example.org"] }),
            "claim_without_source",
            "/rules/0/who/issuer",
        ),
        ("/rules/1", allow("again", &["github/get_x", "github/get_y*"]), "shadowed_rule", "/rules/1/id"),
        ("/rules/1", deny("all", &["get_*"]), "dead_rule", "/rules/0/id"),
    ];
    for (place, value, code, pointer) in table {
        let mut policy = with(place, value.clone());
        if *code == "dead_pattern" {
            put(&mut policy, "/rules/0/servers", json!(["github"]));
        }
        let warnings = compiled(&policy).warnings;
        assert!(brief(&warnings).contains(&(*code, *pointer)), "{place} {value}: {:?}", brief(&warnings));
        let rest: Vec<_> = brief(&warnings).into_iter().filter(|warning| warning.0 != "no_reads").collect();
        assert_eq!(rest.len(), 1, "{place} {value}: {rest:?}");
        assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning && warning.help.is_some()));
    }
    let mut policy = with("/read_only", reads);
    assert_eq!(compiled(&policy).warnings, []);
    put(&mut policy, "/rules/1", allow("put", &["github/put", "*_get_x"]));
    assert_eq!(brief(&compiled(&policy).warnings), [("dead_pattern", "/rules/1/allow/tools/0")]);
    put(&mut policy, "/rules/1/write", json!(true));
    assert_eq!(brief(&compiled(&policy).warnings), [("write_for_everyone", "/rules/1/write")]);
    put(&mut policy, "/rules/1/who", json!({ "team": ["a"] }));
    assert_eq!(compiled(&policy).warnings, []);
}

#[test]
fn read_only_without_reads() {
    let warnings = compiled(&with("/read_only", json!({ "enabled": true }))).warnings;
    assert_eq!(brief(&warnings), [("no_reads", "/read_only"), ("dead_rule", "/rules/0/id")]);
}

#[test]
fn conditions_that_no_source_supplies() {
    let mut policy = with("/identity/sources", json!([{ "jwt": { "issuer": "i" } }]));
    put(&mut policy, "/rules/0/who", json!({ "team": ["x"], "subject": ["y"], "workload": ["spiffe://a/b"] }));
    assert_eq!(brief(&compiled(&policy).warnings), [("claim_without_source", "/rules/0/who/team")]);
}

#[test]
fn sources_that_are_never_used_and_issuers_that_are_mixed() {
    let jwt = |issuer: &str, audience: Option<&str>| match audience {
        Some(audience) => json!({ "jwt": { "issuer": issuer, "audience": audience } }),
        None => json!({ "jwt": { "issuer": issuer } }),
    };
    let unreachable = |sources: Value| {
        let policy = with("/identity/sources", sources);
        let warnings = compiled(&policy).warnings;
        brief(&warnings).into_iter().filter(|(code, _)| *code == "unreachable_source").count()
    };
    assert_eq!(unreachable(json!([jwt("a", None), jwt("b", None)])), 0);
    assert_eq!(unreachable(json!([jwt("a", Some("x")), jwt("a", None)])), 0);
    assert_eq!(unreachable(json!([jwt("a", None), jwt("a", Some("x"))])), 1);
    let header = json!({ "header": { "peers": ["spiffe://a/gw"], "subject": "x-user" } });
    assert_eq!(unreachable(json!([header, { "spiffe": {} }])), 0);
    assert_eq!(unreachable(json!([{ "spiffe": {} }, header])), 1);

    let mut policy = with("/identity/sources", json!([jwt("a", None), jwt("b", None)]));
    put(&mut policy, "/rules/0/who", json!({ "subject": ["x"] }));
    assert_eq!(brief(&compiled(&policy).warnings), [("any_issuer", "/identity/sources")]);
    put(&mut policy, "/rules/0/who", json!({ "subject": ["x"], "issuer": ["a"] }));
    assert_eq!(compiled(&policy).warnings, []);
}

/// A rule is called superfluous only if it is: each of these differs from the earlier one in a way that matters.
#[test]
fn rules_that_add_something_are_left_alone() {
    let wide = plus(allow("wide", &["github/get_*"]), &json!({ "who": { "team": ["a", "b"] } }));
    let narrow = plus(allow("narrow", &["github/get_x"]), &json!({ "who": { "team": ["a"] } }));
    let lints =
        |rules: Value| compiled(&with("/rules", rules)).warnings.iter().filter(|it| it.code != "shadow_rule").count();
    assert_eq!(lints(json!([wide, narrow])), 1);
    assert_eq!(lints(json!([narrow, wide])), 0);
    for more in [
        json!({ "who": { "team": ["a", "c"] } }),
        json!({ "who": { "groups": ["a"] } }),
        json!({ "write": true }),
        json!({ "allow": { "tools": ["get_x"] } }),
        json!({ "allow": { "tools": ["github/get_x", "github/put"] } }),
    ] {
        assert_eq!(lints(json!([wide, plus(narrow.clone(), &more)])), 0, "{more}");
    }
    for more in [
        json!({ "mode": "shadow" }),
        json!({ "expires": "2030-01-01T00:00:00Z" }),
        json!({ "not_before": "2030-01-01T00:00:00Z" }),
        json!({ "servers": ["github"], "allow": { "tools": ["put_*"] } }),
    ] {
        assert_eq!(lints(json!([plus(wide.clone(), &more), narrow])), 0, "{more}");
    }
    // A deny that has limits of its own leaves something of the allow.
    for more in [json!({ "who": { "team": ["a"] } }), json!({ "servers": ["billing"] }), json!({ "mode": "shadow" })] {
        let rules = json!([allow("a", &["get_*"]), plus(deny("d", &["get_*"]), &more)]);
        assert_eq!(lints(rules), 0, "{more}");
    }
}

#[test]
fn envoy_gets_the_cheap_lints_and_the_same_policy() {
    let policy = with("/rules/1", allow("again", &["github/get_x"])).to_string();
    let quick = compile(policy.as_bytes()).unwrap();
    assert_eq!(quick.warnings, []);
    let full = check(policy.as_bytes(), NOW).unwrap();
    assert_eq!(full.warnings.len(), 1);
    assert_eq!(quick.configuration.policy.rules, full.configuration.policy.rules);
}
