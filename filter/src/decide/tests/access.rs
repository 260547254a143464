use serde_json::{Value, json};

use super::{policy, principal};
use crate::decide::access::{
    Caller, Class, Verdict, Would, call_tool, depends_on_principal, has_right, next_time_bound,
};
use crate::decide::identity::Principal;
use crate::policy::{Policy, Reason};

/// 2026-12-01T00:00:00Z
const DECEMBER: i64 = 1_796_083_200;

fn caller<'a>(policy: &'a Policy, server: usize, principal: &'a Principal, now: i64) -> Caller<'a> {
    Caller { server: &policy.servers[server], principal, now }
}

fn decide<'p>(policy: &'p Policy, tool: &str) -> Verdict<'p> {
    call_tool(policy, &caller(policy, 0, &principal(), 0), tool)
}

fn rules(rules: Value) -> Policy {
    policy(&json!({ "rules": rules }))
}

/// Allowed or not, why, and by which rule.
fn brief<'p>(verdict: &Verdict<'p>) -> (bool, Option<Reason>, Option<&'p str>) {
    (verdict.allowed, verdict.reason, verdict.rule)
}

#[test]
fn what_no_rule_allows_is_denied() {
    let policy = rules(json!([{ "id": "get", "allow": { "tools": ["get_*"] } }]));
    assert_eq!(brief(&decide(&policy, "get_x")), (true, None, Some("get")));
    assert_eq!(brief(&decide(&policy, "put_x")), (false, Some(Reason::ToolNotAllowed), None));
    assert_eq!(brief(&decide(&policy, "")), (false, Some(Reason::ToolNotAllowed), None));
    assert_eq!(brief(&decide(&rules(json!([])), "get_x")), (false, Some(Reason::ToolNotAllowed), None));
}

#[test]
fn a_deny_wins_wherever_it_stands() {
    let allow = json!({ "id": "a", "allow": { "tools": ["x"] } });
    for deny in ["x", "*", "x*", "*x", "*x*", "a/x", "a*/x", "*/x"] {
        let deny = json!({ "id": "d", "deny": { "tools": [deny] } });
        for order in [json!([allow, deny]), json!([deny, allow])] {
            assert_eq!(brief(&decide(&rules(order), "x")), (false, Some(Reason::DeniedByRule), Some("d")), "{deny}");
        }
    }
}

#[test]
fn the_first_rule_in_document_order_is_named() {
    let policy = rules(json!([
        { "id": "a1", "allow": { "tools": ["*"] } },
        { "id": "a2", "allow": { "tools": ["a/x"] } },
        { "id": "d1", "deny": { "tools": ["*no*"] } },
        { "id": "d2", "deny": { "tools": ["a/no"] } }
    ]));
    assert_eq!(decide(&policy, "x").rule, Some("a1"));
    assert_eq!(decide(&policy, "no").rule, Some("d1"));
}

#[test]
fn servers_part_rules() {
    let policy = rules(json!([
        { "id": "one", "allow": { "tools": ["a/x"] } },
        { "id": "list", "allow": { "tools": ["y"] }, "servers": ["b"] },
        { "id": "both", "allow": { "tools": ["b/z", "a/z"] }, "servers": ["a"] },
        { "id": "slash", "allow": { "tools": [{ "tool": "p/q" }, { "server": "b", "tool": "r/s" }] } }
    ]));
    let allowed = |server, tool| call_tool(&policy, &caller(&policy, server, &principal(), 0), tool).allowed;
    let table = [
        ("x", true, false),
        ("y", false, true),
        ("z", true, false),
        ("p/q", true, true),
        ("r/s", false, true),
        ("a/x", false, false),
        ("b/z", false, false),
    ];
    for (tool, on_a, on_b) in table {
        assert_eq!((allowed(0, tool), allowed(1, tool)), (on_a, on_b), "{tool}");
    }
}

#[test]
fn who_needs_every_field_and_any_value() {
    let table = [
        (json!({ "subject": ["alice"] }), true),
        (json!({ "subject": ["Alice"] }), false),
        (json!({ "subject": ["bob", "alice"] }), true),
        (json!({ "team": ["finance"] }), true),
        (json!({ "team": ["financ"] }), false),
        (json!({ "groups": ["leads"] }), true),
        (json!({ "groups": ["sre", "other"] }), true),
        (json!({ "groups": ["other"] }), false),
        (json!({ "scopes": ["mcp:read"] }), true),
        (json!({ "scopes": ["mcp"] }), false),
        (json!({ "agent": ["bot"] }), true),
        (json!({ "workload": ["spiffe://example.com/gw"] }), true),
        (json!({ "issuer": ["https://idp.example.com"] }), true),
        (json!({ "issuer": ["https://idp.example.org"] }), false),
        (json!({ "team": ["finance"], "groups": ["sre"] }), true),
        (json!({ "team": ["finance"], "groups": ["other"] }), false),
        (json!({ "team": ["other"], "groups": ["sre"] }), false),
    ];
    let nobody = Principal::anonymous();
    for (who, expected) in table {
        let policy = rules(json!([{ "id": "r", "allow": { "tools": ["x"] }, "who": who }]));
        assert_eq!(decide(&policy, "x").allowed, expected, "{who}");
        assert_eq!(has_right(&policy, &caller(&policy, 0, &principal(), 0)), expected, "{who}");
        // What the caller does not have matches nothing.
        assert!(!call_tool(&policy, &caller(&policy, 0, &nobody, 0), "x").allowed, "{who}");
        assert!(!has_right(&policy, &caller(&policy, 0, &nobody, 0)), "{who}");
        let policy = rules(json!([
            { "id": "a", "allow": { "tools": ["x"] } },
            { "id": "d", "deny": { "tools": ["x"] }, "who": who }
        ]));
        assert_eq!(decide(&policy, "x").allowed, !expected, "{who}");
        assert!(call_tool(&policy, &caller(&policy, 0, &nobody, 0), "x").allowed, "{who}");
    }
}

#[test]
fn time_bounds_begin_inclusive_and_end_exclusive() {
    let policy = rules(json!([{ "id": "r", "allow": { "tools": ["x"] }, "advice": "Come back in December.",
        "not_before": "2026-12-01T00:00:00Z", "expires": "2026-12-01T01:01:00+01:00" }]));
    for (now, allowed) in [(-1, false), (0, true), (59, true), (60, false), (i64::MAX - DECEMBER, false)] {
        let principal = principal();
        let caller = caller(&policy, 0, &principal, DECEMBER + now);
        let verdict = call_tool(&policy, &caller, "x");
        assert_eq!(verdict.allowed, allowed, "{now}");
        assert_eq!(has_right(&policy, &caller), allowed, "{now}");
        let reason = (!allowed).then_some(Reason::OutsideTime);
        assert_eq!((verdict.reason, verdict.rule, verdict.advice), (reason, Some("r"), Some("Come back in December.")));
        assert_eq!(call_tool(&policy, &caller, "y").reason, Some(Reason::ToolNotAllowed));
    }
    assert_eq!(next_time_bound(&policy, DECEMBER - 1), Some(DECEMBER));
    assert_eq!(next_time_bound(&policy, DECEMBER), Some(DECEMBER + 60));
    assert_eq!(next_time_bound(&policy, DECEMBER + 60), None);
}

#[test]
fn a_deny_outside_its_time_does_not_match() {
    let policy = rules(json!([
        { "id": "a", "allow": { "tools": ["x"] } },
        { "id": "freeze", "deny": { "tools": ["x"] }, "not_before": "2026-12-01T00:00:00Z" }
    ]));
    assert_eq!(brief(&decide(&policy, "x")), (true, None, Some("a")));
    let verdict = call_tool(&policy, &caller(&policy, 0, &principal(), DECEMBER), "x");
    assert_eq!(brief(&verdict), (false, Some(Reason::DeniedByRule), Some("freeze")));
}

#[test]
fn outside_time_is_said_only_to_whom_the_rule_is_about() {
    let policy = rules(json!([{ "id": "r", "allow": { "tools": ["x"] }, "who": { "team": ["other"] },
        "not_before": "2026-12-01T00:00:00Z" }]));
    assert_eq!(brief(&decide(&policy, "x")), (false, Some(Reason::ToolNotAllowed), None));
}

fn read_only(enabled: bool, rules: Value) -> Policy {
    policy(&json!({ "rules": rules, "read_only": { "enabled": enabled, "reads": ["get_*", "b/only_b"] } }))
}

#[test]
fn read_only_refuses_writes_that_no_rule_opens() {
    let open = json!([
        { "id": "all", "allow": { "tools": ["*"] }, "advice": "Ask for a rule." },
        { "id": "refunds", "allow": { "tools": ["refund"] }, "write": true }
    ]);
    let policy = read_only(true, open.clone());
    let verdict = decide(&policy, "get_x");
    assert_eq!((brief(&verdict), verdict.class), ((true, None, Some("all")), Class::Read));
    let verdict = decide(&policy, "delete");
    assert_eq!((brief(&verdict), verdict.class), ((false, Some(Reason::ReadOnly), Some("all")), Class::Write));
    assert_eq!(verdict.advice, Some("Ask for a rule."));
    let verdict = decide(&policy, "refund");
    assert_eq!((brief(&verdict), verdict.class), ((true, None, Some("refunds")), Class::Write));
    // A read of one server is a write of another.
    assert_eq!(decide(&policy, "only_b").class, Class::Write);
    let on_b = call_tool(&policy, &caller(&policy, 1, &principal(), 0), "only_b");
    assert_eq!((on_b.allowed, on_b.class), (true, Class::Read));

    let policy = read_only(false, open);
    let verdict = decide(&policy, "delete");
    assert_eq!((brief(&verdict), verdict.class), ((true, None, Some("all")), Class::Write));
}

#[test]
fn a_deny_wins_over_write() {
    let policy = read_only(
        true,
        json!([{ "id": "a", "allow": { "tools": ["x"] }, "write": true }, { "id": "d", "deny": { "tools": ["x"] } }]),
    );
    assert_eq!(brief(&decide(&policy, "x")), (false, Some(Reason::DeniedByRule), Some("d")));
}

#[test]
fn the_nearest_allow_is_named() {
    let late =
        json!({ "id": "late", "allow": { "tools": ["x"] }, "write": true, "not_before": "2026-12-01T00:00:00Z" });
    let closed = json!({ "id": "closed", "allow": { "tools": ["x"] } });
    let both = json!({ "id": "both", "allow": { "tools": ["x"] }, "not_before": "2026-12-01T00:00:00Z" });
    for (order, expected) in [
        (json!([late]), (false, Some(Reason::OutsideTime), Some("late"))),
        (json!([closed]), (false, Some(Reason::ReadOnly), Some("closed"))),
        (json!([late, closed]), (false, Some(Reason::ReadOnly), Some("closed"))),
        // It lacks two things, so it is not near.
        (json!([both]), (false, Some(Reason::ToolNotAllowed), None)),
        (json!([both, late]), (false, Some(Reason::OutsideTime), Some("late"))),
    ] {
        assert_eq!(brief(&decide(&read_only(true, order.clone()), "x")), expected, "{order}");
    }
}

#[test]
fn shadow_rules_change_nothing_and_say_what_they_would() {
    let allow = json!({ "id": "a", "allow": { "tools": ["x"] } });
    let shadow_allow = json!({ "id": "sa", "allow": { "tools": ["*"] }, "mode": "shadow" });
    let deny = json!({ "id": "d", "deny": { "tools": ["x"] } });
    let shadow_deny = json!({ "id": "sd", "deny": { "tools": ["x"] }, "mode": "shadow" });
    let would = |allowed, rule, reason| Some(Would { allowed, rule, reason });
    let not_allowed = (false, Some(Reason::ToolNotAllowed), None);
    for (order, verdict, expected) in [
        (json!([shadow_allow]), not_allowed, would(true, "sa", None)),
        (json!([shadow_deny]), not_allowed, None),
        (json!([shadow_allow, shadow_deny]), not_allowed, None),
        (json!([allow, shadow_deny]), (true, None, Some("a")), would(false, "sd", Some(Reason::DeniedByRule))),
        (json!([shadow_deny, allow]), (true, None, Some("a")), would(false, "sd", Some(Reason::DeniedByRule))),
        (json!([shadow_allow, allow]), (true, None, Some("a")), None),
        (json!([deny, allow, shadow_allow]), (false, Some(Reason::DeniedByRule), Some("d")), None),
        (json!([deny, shadow_deny]), (false, Some(Reason::DeniedByRule), Some("d")), None),
    ] {
        let policy = rules(order.clone());
        let found = decide(&policy, "x");
        assert_eq!((brief(&found), found.would), (verdict, expected), "{order}");
    }
    let only_shadow = rules(json!([shadow_allow]));
    assert!(!has_right(&only_shadow, &caller(&only_shadow, 0, &principal(), 0)), "a shadow allow grants nothing");
}

#[test]
fn the_mode_of_the_server_is_left_to_whoever_carries_the_verdict_out() {
    let policy = policy(&json!({ "mode": "shadow", "rules": [{ "id": "d", "deny": { "tools": ["x"] } }] }));
    assert_eq!(brief(&decide(&policy, "x")), (false, Some(Reason::DeniedByRule), Some("d")));
}

#[test]
fn only_a_refusal_is_hidden() {
    let policy = rules(json!([
        { "id": "a", "allow": { "tools": ["x", "y"] }, "deny_style": "hide", "expires": "2026-12-01T00:00:00Z" },
        { "id": "d", "deny": { "tools": ["y"] }, "deny_style": "hide", "advice": "Use x." },
        { "id": "e", "deny": { "tools": ["z"] } }
    ]));
    assert!(!decide(&policy, "x").hide);
    assert!(call_tool(&policy, &caller(&policy, 0, &principal(), DECEMBER), "x").hide);
    let verdict = decide(&policy, "y");
    assert!(verdict.hide && verdict.advice == Some("Use x."));
    assert!(!decide(&policy, "z").hide);
    assert!(!decide(&policy, "unknown").hide);
}

#[test]
fn a_right_is_about_one_server() {
    let policy = rules(json!([
        { "id": "a", "allow": { "tools": ["a/x"] } },
        { "id": "d", "deny": { "tools": ["b/*"] } }
    ]));
    let principal = principal();
    assert!(has_right(&policy, &caller(&policy, 0, &principal, 0)));
    assert!(!has_right(&policy, &caller(&policy, 1, &principal, 0)));
}

#[test]
fn lists_are_private_where_rules_or_identification_tell_callers_apart() {
    let open = json!({ "sources": [{ "jwt": { "issuer": "i" } }], "anonymous": "allow" });
    let depends = |identity: &Value, rules: Value| {
        let policy = policy(&json!({ "identity": identity, "rules": rules }));
        [0, 1].map(|server| depends_on_principal(&policy, &policy.servers[server]))
    };
    let everyone = json!({ "id": "e", "allow": { "tools": ["x"] } });
    let someone = json!({ "id": "s", "allow": { "tools": ["a/y"] }, "who": { "subject": ["z"] } });
    assert_eq!(depends(&open, json!([everyone])), [false, false]);
    assert_eq!(depends(&open, json!([everyone, someone])), [true, false]);
    assert_eq!(depends(&json!({ "anonymous": "deny" }), json!([everyone])), [true, true]);
    let mut shadow = someone.clone();
    shadow["mode"] = json!("shadow");
    assert_eq!(depends(&open, json!([shadow])), [false, false]);
    let mut global = someone;
    global["allow"]["tools"] = json!(["y"]);
    assert_eq!(depends(&open, json!([global])), [true, true]);
}

#[test]
fn a_name_too_long_to_look_for_is_refused() {
    let policy = policy(&json!({
        "rules": [{ "id": "a", "allow": { "tools": ["*"] } }], "read_only": { "enabled": false, "reads": ["*"] }
    }));
    assert!(decide(&policy, &"x".repeat(1024)).allowed);
    let verdict = decide(&policy, &"x".repeat(1025));
    assert_eq!(brief(&verdict), (false, Some(Reason::ToolNotAllowed), None));
    assert_eq!(verdict.class, Class::Write);
}
