use serde_json::{Value, json};

use super::{call_tool, policy, principal};
use crate::decide::access::{
    Caller, Class, Verdict, Would, access, depends_on_principal, has_right, next_time_bound, only_condition,
};
use crate::decide::identity::Principal;
use crate::policy::{Noun, Policy, Reason};

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

fn with(
    policy: &Policy,
    principal: &Principal,
    tool: &str,
    arguments: &Value,
) -> (bool, Option<Reason>, Option<String>) {
    let caller = caller(policy, 0, principal, 0);
    let verdict = access(policy, &caller, Noun::Tool, tool, Some(arguments.to_string().as_bytes()));
    (verdict.allowed, verdict.reason, verdict.lacks)
}

#[test]
fn an_allow_needs_its_conditions_met_and_the_nearest_says_what_lacks() {
    let policy = rules(json!([
        { "id": "teams", "allow": { "tools": ["transfer"] }, "arguments": { "properties": { "team": { "tidegate:equals": "principal.team" } }, "required": ["team"] } },
        { "id": "small", "allow": { "tools": ["refund"] }, "who": { "team": ["finance"] },
          "arguments": { "properties": { "amount": { "type": "number", "maximum": 500 } }, "required": ["amount"] } },
        { "id": "other", "allow": { "tools": ["refund"] }, "arguments": { "properties": { "amount": { "const": 7000 } }, "required": ["amount"] } },
    ]));
    let alice = principal();
    assert_eq!(with(&policy, &alice, "refund", &json!({ "amount": 500 })), (true, None, None));
    assert_eq!(with(&policy, &alice, "refund", &json!({ "amount": 7000 })), (true, None, None));
    for (arguments, lacks) in [
        (json!({ "amount": 501 }), "/amount must be at most 500"),
        (json!({ "amount": "500" }), "/amount must be a number"),
        (json!({ "amount": 1, "Amount": 9000 }), "/Amount must not be sent"),
        (json!({}), "amount"),
        (json!({ "amount": null }), "/amount must be a number"),
    ] {
        let (allowed, reason, said) = with(&policy, &alice, "refund", &arguments);
        assert_eq!((allowed, reason), (false, Some(Reason::ArgumentsInvalid)), "{arguments}");
        let said = said.unwrap();
        assert!(said.contains(lacks), "{arguments}: {said}");
    }
    assert_eq!(with(&policy, &alice, "transfer", &json!({ "team": "finance" })).1, None);
    assert_eq!(with(&policy, &alice, "transfer", &json!({ "team": "support" })).1, Some(Reason::ArgumentsInvalid));
    let nobody = Principal::anonymous();
    assert_eq!(with(&policy, &nobody, "transfer", &json!({ "team": "" })).1, Some(Reason::ArgumentsInvalid));
    // What could be used with some arguments is listed.
    let listed = |tool| access(&policy, &caller(&policy, 0, &alice, 0), Noun::Tool, tool, None).allowed;
    assert!(listed("refund") && listed("transfer") && !listed("else"));
}

#[test]
fn a_deny_holds_unless_its_conditions_are_known_not_to_be_met() {
    let policy = rules(json!([
        { "id": "all", "allow": { "tools": ["*"] } },
        { "id": "large", "deny": { "tools": ["refund"] },
          "arguments": { "properties": { "amount": { "type": "number", "minimum": 1000 } }, "required": ["amount"] } },
        { "id": "foreign", "deny": { "tools": ["read"] }, "arguments": { "not": { "properties": { "team": { "tidegate:equals": "principal.team" } } } } },
    ]));
    let alice = principal();
    for (arguments, denied) in [
        (json!({ "amount": 1000 }), true),
        (json!({ "amount": 999.99 }), false),
        (json!({ "amount": "1000" }), true),
        (json!({}), true),
        (json!({ "amount": 1, "AMOUNT": 1000 }), true),
    ] {
        let (allowed, reason, _) = with(&policy, &alice, "refund", &arguments);
        assert_eq!((!allowed, reason), (denied, denied.then_some(Reason::DeniedByRule)), "{arguments}");
    }
    assert!(with(&policy, &alice, "read", &json!({ "team": "finance" })).0);
    assert!(!with(&policy, &alice, "read", &json!({ "team": "support" })).0);
    let nobody = Principal { team: None, ..principal() };
    assert!(!with(&policy, &nobody, "read", &json!({ "team": "finance" })).0, "an unknown fact is no way out");
    assert!(access(&policy, &caller(&policy, 0, &alice, 0), Noun::Tool, "refund", None).allowed, "it stays listed");
}

#[test]
fn only_a_single_condition_narrows_what_is_listed() {
    let condition = |maximum: u32| json!({ "properties": { "a": { "maximum": maximum } } });
    let policy = rules(json!([
        { "id": "one", "allow": { "tools": ["one", "two", "denied", "free", "timed"] }, "arguments": condition(1) },
        { "id": "two", "allow": { "tools": ["two"] }, "arguments": condition(2) },
        { "id": "denied", "deny": { "tools": ["denied"] }, "arguments": condition(3) },
        { "id": "free", "allow": { "tools": ["free"] } },
        { "id": "later", "allow": { "tools": ["timed"] }, "not_before": "2999-01-01T00:00:00Z" },
        { "id": "trial", "allow": { "tools": ["one"] }, "mode": "shadow" },
    ]));
    let alice = principal();
    for (tool, narrows) in
        [("one", true), ("two", false), ("denied", false), ("free", false), ("timed", true), ("no", false)]
    {
        let found = only_condition(&policy, &caller(&policy, 0, &alice, 0), tool);
        assert_eq!(found.is_some(), narrows, "{tool}");
    }
}
