//! Rules beside each other, and beside what was seen.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Seen, check, check_against};
use super::{NOW, base, brief, compiled, put, with};

fn rules(rules: &Value) -> Vec<(String, String)> {
    let warnings = compiled(&with("/rules", rules.clone())).warnings;
    brief(&warnings).into_iter().map(|(code, at)| (code.to_owned(), at.to_owned())).collect()
}

fn expect(list: &Value, expected: &[(&str, &str)]) {
    let found = rules(list);
    let found: Vec<(&str, &str)> = found.iter().map(|(code, at)| (code.as_str(), at.as_str())).collect();
    assert_eq!(found, expected, "{list}");
}

#[test]
fn an_allow_and_a_deny_of_the_same_contradict_each_other() {
    let allow = json!({ "id": "a", "allow": { "tools": ["github/get_*", "put"] }, "who": { "team": ["x"] } });
    let deny = json!({ "id": "d", "deny": { "tools": ["put", "github/get_*"] }, "who": { "team": ["x"] } });
    expect(&json!([allow, deny]), &[("contradictory_rules", "/rules/0/id")]);
    let wider = json!({ "id": "d", "deny": { "tools": ["put", "get_*"] }, "who": { "team": ["x"] } });
    expect(&json!([allow, wider]), &[("dead_rule", "/rules/0/id")]);
    let others = json!({ "id": "d", "deny": { "tools": ["put", "get_*"] }, "who": { "team": ["y"] } });
    expect(&json!([allow, others]), &[]);
}

#[test]
fn arguments_count_only_where_they_are_the_same() {
    let small = json!({ "properties": { "n": { "type": "number", "maximum": 5 } } });
    let large = json!({ "properties": { "n": { "type": "number", "maximum": 9 } } });
    let allow = |arguments: &Value| json!({ "id": "a", "allow": { "tools": ["put"] }, "arguments": arguments });
    let deny = |arguments: &Value| json!({ "id": "d", "deny": { "tools": ["put"] }, "arguments": arguments });
    expect(&json!([allow(&small), deny(&small)]), &[("contradictory_rules", "/rules/0/id")]);
    expect(&json!([allow(&small), deny(&large)]), &[]);
    expect(&json!([allow(&small), { "id": "d", "deny": { "tools": ["*"] } }]), &[("dead_rule", "/rules/0/id")]);
    expect(&json!([{ "id": "a", "allow": { "tools": ["put"] } }, deny(&small)]), &[]);
    let unconditional = json!({ "id": "b", "allow": { "tools": ["p*"] } });
    expect(&json!([unconditional, allow(&small)]), &[("shadowed_rule", "/rules/1/id")]);
    expect(&json!([allow(&small), unconditional]), &[]);
}

#[test]
fn several_rules_can_cover_one() {
    let list = json!([
        { "id": "a", "allow": { "tools": ["get_*"] } },
        { "id": "b", "allow": { "tools": ["list_*"] } },
        { "id": "c", "allow": { "tools": ["get_x", "list_y"] } }
    ]);
    expect(&list, &[("shadowed_rule", "/rules/2/id")]);
    let message = &compiled(&with("/rules", list)).warnings[0].message;
    assert_eq!(message, "`c` adds nothing: `a` and `b` together say the same or more");
    expect(
        &json!([
            { "id": "a", "allow": { "tools": ["get_*", "put"] } },
            { "id": "d", "deny": { "tools": ["get_*"] } },
            { "id": "e", "deny": { "tools": ["p*"] } }
        ]),
        &[("dead_rule", "/rules/0/id")],
    );
    expect(
        &json!([{ "id": "a", "allow": { "tools": ["get_*", "put"] } }, { "id": "e", "deny": { "tools": ["p*"] } }]),
        &[("dead_pattern", "/rules/0/allow/tools/1")],
    );
}

#[test]
fn what_a_rule_says_twice() {
    expect(
        &json!([{ "id": "a", "allow": { "tools": ["get_x", "get_*", "get_*", "put"] },
                 "who": { "team": ["a", "b", "a"] } }]),
        &[
            ("duplicate_condition", "/rules/0/allow/tools/0"),
            ("duplicate_condition", "/rules/0/allow/tools/2"),
            ("duplicate_condition", "/rules/0/who/team/2"),
        ],
    );
    expect(&json!([{ "id": "a", "allow": { "tools": ["github/get_x", "billing/get_x"], "prompts": ["get_x"] } }]), &[]);
}

#[test]
fn shadow_and_audit_left_open() {
    let mut policy = base();
    put(&mut policy, "/quotas", json!([{ "id": "q", "limit": 60, "window": "1m", "mode": "shadow" }]));
    put(&mut policy, "/audit", json!({ "arguments": "redacted" }));
    assert_eq!(
        brief(&compiled(&policy).warnings),
        [("arguments_audited", "/audit/arguments"), ("shadow_quota", "/quotas/0/mode")]
    );
    let text = json!({ "host": { "audit": { "sink": "none" } }, "layers": [base()] }).to_string();
    assert_eq!(brief(&check(text.as_bytes(), NOW).unwrap().warnings), [("audit_off", "/host/audit/sink")]);
}

fn seen(tools: &[(&str, &[&str])]) -> Seen {
    let names = |tools: &[&str]| tools.iter().map(|tool| (*tool).to_owned()).collect::<BTreeSet<_>>();
    Seen(tools.iter().map(|(server, tools)| ((*server).to_owned(), names(tools))).collect::<BTreeMap<_, _>>())
}

#[test]
fn patterns_beside_the_tools_that_were_seen() {
    let list = json!([
        { "id": "a", "allow": { "tools": ["github/get_*", "github/lsit_issues", "billing/refund"] } },
        { "id": "d", "deny": { "tools": ["delete_*", "drop"] } }
    ]);
    let text = with("/rules", list).to_string();
    let warnings = |seen: &Seen| check_against(text.as_bytes(), NOW, seen).unwrap().warnings;
    let only_github = seen(&[("github", &["get_issue", "list_issues", "put"])]);
    let found = warnings(&only_github);
    // Nothing is known of billing, so neither its patterns nor those of all servers are judged.
    assert_eq!(brief(&found), [("unmatched_pattern", "/rules/0/allow/tools/1")]);
    assert_eq!(found[0].help.as_deref(), Some("did you mean `list_issues`?"));
    let both = seen(&[("github", &["get_issue"]), ("billing", &["refund", "charge"])]);
    assert_eq!(
        brief(&warnings(&both)),
        [("unmatched_pattern", "/rules/0/allow/tools/1"), ("unmatched_pattern", "/rules/1/deny/tools/1")]
    );
    let policy = check(text.as_bytes(), NOW).unwrap().configuration.policy;
    assert_eq!(both.unmentioned(&policy), [("billing", "charge")]);
    assert_eq!(only_github.unmentioned(&policy), [("github", "list_issues"), ("github", "put")]);
    assert_eq!(warnings(&Seen::default()), []);
}

#[test]
fn what_only_a_capture_shows_is_unused_only_beside_one() {
    let allow = json!({ "allow": [{ "lint": "unmatched_pattern", "reason": "a precaution" }] });
    let text = with("/lint", allow).to_string();
    assert_eq!(check(text.as_bytes(), NOW).unwrap().warnings, []);
    let matched = check_against(text.as_bytes(), NOW, &seen(&[("github", &["get_x"])])).unwrap();
    assert_eq!(brief(&matched.warnings), [("unused_allowance", "/lint/allow/0/lint")]);
    let unmatched = check_against(text.as_bytes(), NOW, &seen(&[("github", &["put"])])).unwrap();
    assert_eq!((unmatched.warnings.len(), unmatched.allowed.len()), (0, 1));
}

fn rule(id: usize) -> impl Strategy<Value = Value> {
    let name = prop_oneof!["[ab]{1,3}", "[ab]{1,2}\\*", "\\*[ab]{1,2}", "\\*[ab]{1,2}\\*", Just("*".to_owned())];
    let tool =
        (prop_oneof![Just(""), Just("github/"), Just("billing/")], name).prop_map(|(on, name)| format!("{on}{name}"));
    let team = prop::option::of(prop::collection::vec(prop_oneof![Just("x"), Just("y")], 1..3));
    (any::<bool>(), prop::collection::vec(tool, 1..3), team).prop_map(move |(allow, tools, team)| {
        let mut rule = json!({ "id": format!("r{id}"), (if allow { "allow" } else { "deny" }): { "tools": tools } });
        if let Some(team) = team {
            put(&mut rule, "/who", json!({ "team": team }));
        }
        rule
    })
}

proptest! {
    /// What is called dead, contradicted or superfluous changes no verdict when it is taken out.
    #[test]
    fn only_what_changes_nothing_is_reported(
        list in (0usize..6).prop_flat_map(|count| (0..count).map(rule).collect::<Vec<_>>()),
    ) {
        let text = with("/rules", json!(list)).to_string();
        let verdicts = |without: Option<usize>| {
            let policy = check(text.as_bytes(), NOW).unwrap().configuration.policy;
            let mut verdicts = Vec::new();
            for server in &policy.servers {
                for team in ["x", "y", "z"] {
                    for tool in ["a", "b", "ab", "ba", "aab", "bba", "abab", "c"] {
                        let matches = |rule: &super::super::Rule| {
                            rule.who.as_ref().is_none_or(|who| who.0.iter().all(|(_, teams)| teams.iter().any(|it| it == team)))
                                && rule.targets.iter().any(|it| it.name.matches(tool) && rule.reaches(it, server))
                        };
                        let rules = policy.rules.iter().enumerate().filter(|(at, _)| Some(*at) != without);
                        let matching: Vec<_> = rules.filter(|(_, rule)| matches(rule)).map(|(_, rule)| rule.effect).collect();
                        let denied = matching.contains(&super::super::Effect::Deny);
                        verdicts.push(!denied && !matching.is_empty());
                    }
                }
            }
            verdicts
        };
        let whole = verdicts(None);
        for warning in check(text.as_bytes(), NOW).unwrap().warnings {
            if ["dead_rule", "contradictory_rules", "shadowed_rule"].contains(&warning.code) {
                let at: usize = warning.pointer.split('/').nth(2).unwrap().parse().unwrap();
                prop_assert_eq!(&verdicts(Some(at)), &whole, "{} {}", text, warning.message);
            }
        }
    }
}
