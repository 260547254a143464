use serde_json::{Value, json};
use tidegate_filter::policy::compile;

use super::*;

const NOW: i64 = 1_795_000_000;

fn policy(rules: &Value) -> Value {
    json!({
        "version": "tidegate/v1", "name": "p",
        "identity": {"sources": [{"jwt": {"issuer": "https://idp.example.com", "team": "team", "groups": "groups"}}]},
        "servers": [{"name": "crm", "match": {"path": "/crm"}}, {"name": "ops", "match": {"path": "/ops"}}],
        "rules": rules,
    })
}

fn difference(old: &Value, new: &Value) -> Difference {
    let [old, new] = [old, new].map(|it| compile(it.to_string().as_bytes()).unwrap());
    compare(&old, &new, NOW, &Names::default())
}

fn lines(difference: &Difference) -> Vec<String> {
    let line = |it: &Change| format!("{}: {} on {}: {}", it.callers, it.kind.as_str(), it.server, it.what.join(", "));
    difference.changes.iter().map(line).collect()
}

fn reads() -> Value {
    json!({"id": "reads", "allow": {"tools": ["crm/get_*", "crm/delete_*"]}, "who": {"team": ["finance"]}})
}

#[test]
fn order_form_and_names_of_rules_make_no_difference() {
    let sre = json!({"id": "sre", "allow": {"tools": ["ops/*"]}, "who": {"groups": ["sre", "oncall"]},
        "arguments": {"type": "object", "required": ["a", "b"]}});
    let other = json!({"id": "operators", "allow": {"tools": ["ops/*"]}, "who": {"groups": ["oncall", "sre"]},
        "arguments": {"required": ["b", "a"], "type": "object"}});
    let found = difference(&policy(&json!([reads(), sre])), &policy(&json!([other, reads()])));
    assert!(found.is_empty(), "{found:#?}");
    assert!(found.space.complete && found.space.callers >= 5, "{:?}", found.space);
}

#[test]
fn a_new_deny_is_told_for_whom_it_takes_something_away() {
    let deny = json!({"id": "no-deletes", "deny": {"tools": ["delete_*"]}});
    let found = difference(&policy(&json!([reads()])), &policy(&json!([reads(), deny])));
    assert_eq!(lines(&found), ["team finance: newly refused on crm: delete_*"]);
    assert_eq!(found.changes[0].after, "refused by no-deletes (denied_by_rule)");
    assert!(!found.allows_more() && found.settings.is_empty());
}

#[test]
fn what_only_a_caller_with_two_facts_loses_is_found() {
    let deny = json!({"id": "no-sre", "deny": {"tools": ["crm/get_*"]}, "who": {"groups": ["sre"]}});
    let found = difference(&policy(&json!([reads()])), &policy(&json!([reads(), deny])));
    assert_eq!(lines(&found), ["group sre with team finance: newly refused on crm: get_*"]);
}

#[test]
fn a_rule_for_everybody_is_told_as_such() {
    let all = json!({"id": "all", "allow": {"tools": ["crm/get_x"]}});
    let found = difference(&policy(&json!([])), &policy(&json!([all])));
    assert_eq!(
        lines(&found),
        [
            "every identified caller: newly allowed on crm: the server itself, with its lists and methods that need no rule",
            "every identified caller: newly allowed on crm: get_x"
        ]
    );
    assert!(found.allows_more());
}

#[test]
fn overlaps_of_patterns_are_looked_at() {
    let rules =
        |deny: &str| json!([{"id": "a", "allow": {"tools": ["crm/get_*"]}}, {"id": "d", "deny": {"tools": [deny]}}]);
    let found = difference(&policy(&rules("*_key")), &policy(&rules("*_keys")));
    assert_eq!(
        lines(&found),
        [
            "every identified caller: newly allowed on crm: *_key and get_*",
            "every identified caller: newly refused on crm: *_keys and get_*"
        ]
    );
}

#[test]
fn other_conditions_say_which_and_whether_they_are_wider() {
    let rules = |arguments: Value| {
        let mut rule = reads();
        rule["arguments"] = arguments;
        json!([rule])
    };
    let limited = policy(&rules(json!({"properties": {"n": {"maximum": 5}}})));
    let free = policy(&json!([reads()]));
    let found = difference(&limited, &free);
    assert_eq!(lines(&found), ["team finance: other conditions on crm: delete_*, get_*"]);
    assert_eq!(found.changes[0].direction, Direction::Wider);
    assert!(found.changes[0].before.contains(r#""maximum":5"#), "{:?}", found.changes[0]);
    assert_eq!(difference(&free, &limited).changes[0].direction, Direction::Narrower);
    let other = policy(&rules(json!({"properties": {"n": {"maximum": 6}}})));
    assert_eq!(difference(&limited, &other).changes[0].direction, Direction::Unclear);
}

#[test]
fn a_rule_that_begins_later_changes_something_later() {
    let mut rule = reads();
    rule["not_before"] = json!("2030-01-01T00:00:00Z");
    rule["expires"] = json!("2031-01-01T00:00:00Z");
    let found = difference(&policy(&json!([])), &policy(&json!([rule])));
    let of_tools: Vec<&Change> = found.changes.iter().filter(|it| it.what.contains(&"get_*".to_owned())).collect();
    let allowed: Vec<_> = of_tools.iter().filter(|it| it.kind == Kind::Allowed).collect();
    assert_eq!(allowed.len(), 1, "{found:#?}");
    assert_eq!((allowed[0].from, allowed[0].until), (Some(1_893_456_000), Some(1_924_992_000)));
}

#[test]
fn servers_that_move_or_go_are_told_by_the_requests_that_lead_there() {
    let old = policy(&json!([reads()]));
    let mut new = old.clone();
    new["servers"][0]["match"]["path"] = json!("/crm/v2");
    let found = difference(&old, &new);
    assert!(
        lines(&found).contains(&"team finance: newly refused on crm (requests for /crm): delete_*, get_*".to_owned()),
        "{found:#?}"
    );
    assert!(found.changes.iter().all(|it| it.server != "crm"), "what still leads there decides alike: {found:#?}");
}

#[test]
fn a_claim_that_no_source_reads_any_more_takes_rights_away() {
    let old = policy(&json!([reads()]));
    let mut new = old.clone();
    new["identity"]["sources"][0]["jwt"].as_object_mut().unwrap().remove("team");
    let found = difference(&old, &new);
    assert!(lines(&found).contains(&"team finance: newly refused on crm: delete_*, get_*".to_owned()), "{found:#?}");
    assert!(found.settings.iter().any(|it| it.name == "identity.sources.1.team"), "{found:#?}");
}

#[test]
fn settings_are_compared_by_what_is_in_force() {
    let old = policy(&json!([reads()]));
    let with = |key: &str, value: Value| {
        let mut new = old.clone();
        new[key] = value;
        difference(&old, &new)
    };
    let same = with("on", json!({"server_unknown": "deny"}));
    assert!(same.is_empty(), "a default that is written down: {same:#?}");
    for (key, value, name, direction) in [
        ("on", json!({"other_media_type": "allow"}), "on.other_media_type", Direction::Wider),
        ("limits", json!({"depth": 20}), "limits.depth", Direction::Narrower),
        ("audit", json!({"arguments": "none"}), "audit.arguments", Direction::Neutral),
        ("redaction", json!({}), "redaction.mode", Direction::Narrower),
    ] {
        let found = with(key, value);
        let change = found.settings.iter().find(|it| it.name.contains(name.rsplit('.').next().unwrap()));
        assert_eq!(change.map(|it| it.direction), Some(direction), "{name}: {found:#?}");
    }
    let found = with("quotas", json!([{"id": "q", "count": "calls", "limit": 10, "window": "1m", "by": ["subject"]}]));
    assert!(found.settings.iter().all(|it| it.name.starts_with("spending.quotas.q")), "{found:#?}");
    assert!(!found.allows_more() && !found.is_empty());
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).unwrap() % bound
    }

    fn pick<'v>(&mut self, values: &[&'v str]) -> &'v str {
        values[self.below(values.len())]
    }
}

fn random_policy(random: &mut Random) -> Value {
    let patterns = ["get_*", "*_key", "*admin*", "get_user", "crm/get_admin_key", "*", "ops/*_key", "drop_user"];
    let rules: Vec<Value> = (0..1 + random.below(4))
        .map(|number| {
            let effect = random.pick(&["allow", "allow", "deny"]);
            let mut rule = json!({"id": format!("r{number}"), effect: {"tools": [random.pick(&patterns), random.pick(&patterns)]}});
            match random.below(4) {
                0 => rule["who"] = json!({"team": [random.pick(&["a", "b"])]}),
                1 => rule["who"] = json!({"groups": [random.pick(&["g", "h"])]}),
                2 => rule["who"] = json!({"team": ["a"], "groups": [random.pick(&["g", "h"])]}),
                _ => {}
            }
            if random.below(5) == 0 {
                rule["mode"] = json!("shadow");
            }
            rule
        })
        .collect();
    let mut policy = policy(&json!(rules));
    if random.below(3) == 0 {
        policy["read_only"] = json!({"enabled": true, "reads": [random.pick(&["get_*", "*user"])]});
    }
    policy
}

/// Whether the core allows what, over a space that is written down here and not found by `compare`.
fn allowed(policy: &Policy) -> Vec<bool> {
    use tidegate_filter::decide::access::{Caller, access};
    use tidegate_filter::decide::identity::{Principal, Source};
    use tidegate_filter::policy::Noun;
    let tools = [
        "get_user",
        "get_admin_key",
        "drop_user",
        "get_x",
        "get_x_key",
        "x_key",
        "x_admin_y",
        "get_admin_x",
        "x_admin_key",
        "get_xadminx_key",
        "zzz",
        "xuser",
        "get_xuser",
        "x_admin_user",
        "get_admin_user",
    ];
    let mut verdicts = Vec::new();
    for server in &policy.servers {
        for team in [None, Some("a"), Some("b"), Some("c")] {
            for groups in [vec![], vec!["g"], vec!["h"], vec!["g", "h"]] {
                for tool in tools {
                    let principal = Principal {
                        subject: "s".to_owned(),
                        team: team.map(str::to_owned),
                        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
                        source: Source::Jwt,
                        ..Principal::anonymous()
                    };
                    let caller = Caller { server, principal: &principal, now: NOW };
                    verdicts.push(access(policy, &caller, Noun::Tool, tool, None).allowed);
                }
            }
        }
    }
    verdicts
}

#[test]
fn a_change_is_reported_if_and_only_if_a_decision_differs() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut same, mut differ) = (0, 0);
    for round in 0..600 {
        let old = random_policy(&mut random);
        let mut new = old.clone();
        match random.below(3) {
            0 => new = random_policy(&mut random),
            1 => {
                new["rules"].as_array_mut().unwrap().reverse();
            }
            _ => {
                new["rules"].as_array_mut().unwrap().pop();
            }
        }
        let compiled = [&old, &new].map(|it| compile(it.to_string().as_bytes()).unwrap());
        let [before, after] = [0, 1].map(|at: usize| allowed(&compiled[at].configuration.policy));
        let found = compare(&compiled[0], &compiled[1], NOW, &Names::default());
        let reported = found.changes.iter().any(|it| {
            matches!(it.kind, Kind::Allowed | Kind::Refused)
                && it.what.iter().any(|what| !what.contains("the server itself"))
        });
        assert_eq!(reported, before != after, "round {round}: {old}\n{new}\n{found:#?}");
        if reported { differ += 1 } else { same += 1 }
    }
    assert!(same > 50 && differ > 50, "the rounds are one-sided: {same} alike, {differ} not");
}
