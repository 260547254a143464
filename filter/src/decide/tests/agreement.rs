//! The index against a reading of the rules one by one, and the cost of a decision in rules looked at.

use proptest::prelude::*;
use serde_json::json;

use super::{call_tool, policy, principal};
use crate::decide::access::{Caller, has_right};
use crate::decide::identity::Principal;
use crate::policy::{Effect, Mode, Policy, Reason, Rule, TargetPattern};

/// What the documentation of [`crate::decide::access`] says, in the plainest way.
fn naive(
    policy: &Policy,
    caller: &Caller<'_>,
    tool: &str,
    with_shadow: bool,
) -> (bool, Option<Reason>, Option<String>) {
    let on = |pattern: &TargetPattern| pattern.server.as_ref().is_none_or(|server| server.matches(&caller.server.name));
    let write =
        policy.read_only.enabled && !policy.read_only.reads.iter().any(|read| on(read) && read.name.matches(tool));
    let values = |rule: &Rule| {
        rule.who.iter().flat_map(|who| &who.0).all(|(field, wanted)| {
            let principal = caller.principal;
            let own: Vec<&String> = match field.as_str() {
                "subject" => vec![&principal.subject],
                "team" => principal.team.iter().collect(),
                "groups" => principal.groups.iter().collect(),
                "scopes" => principal.scopes.iter().collect(),
                "agent" => principal.agent.iter().collect(),
                "workload" => principal.workload.iter().collect(),
                _ => principal.issuer.iter().collect(),
            };
            own.iter().any(|value| wanted.contains(value))
        })
    };
    let about: Vec<&Rule> = policy
        .rules
        .iter()
        .filter(|rule| with_shadow || rule.mode == Mode::Enforce)
        .filter(|rule| rule.servers.as_ref().is_none_or(|names| names.contains(&caller.server.name)))
        .filter(|rule| rule.targets.iter().any(|pattern| on(pattern) && pattern.name.matches(tool)))
        .filter(|rule| values(rule))
        .collect();
    let first = |test: &dyn Fn(&Rule) -> bool| about.iter().find(|rule| test(rule)).map(|rule| rule.id.clone());
    let timely = |rule: &Rule| rule.in_time(caller.now);
    let writes = |rule: &Rule| rule.write || !write;
    if let Some(id) = first(&|rule| rule.effect == Effect::Deny && timely(rule)) {
        return (false, Some(Reason::DeniedByRule), Some(id));
    }
    let allow = |rule: &Rule| rule.effect == Effect::Allow;
    if let Some(id) = first(&|rule| allow(rule) && timely(rule) && writes(rule)) {
        return (true, None, Some(id));
    }
    if let Some(id) = first(&|rule| allow(rule) && timely(rule)) {
        return (false, Some(Reason::ReadOnly), Some(id));
    }
    if let Some(id) = first(&|rule| allow(rule) && writes(rule)) {
        return (false, Some(Reason::OutsideTime), Some(id));
    }
    (false, Some(Reason::ToolNotAllowed), None)
}

fn rule() -> impl Strategy<Value = serde_json::Value> {
    let tool = prop_oneof!["[xy]{1,3}", "[xy]{1,2}\\*", "\\*[xy]{1,2}", "\\*[xy]{1,2}\\*", Just("*".to_owned())];
    let pattern = (prop_oneof![Just(""), Just("a/"), Just("b/"), Just("*/")], tool)
        .prop_map(|(server, tool)| format!("{server}{tool}"));
    let field = |name: &'static str| {
        proptest::option::weighted(0.4, prop::collection::vec("[12]", 1..3)).prop_map(move |values| (name, values))
    };
    let who = (field("subject"), field("team"), field("groups"), field("agent"));
    let servers = proptest::option::weighted(0.2, prop_oneof![Just("a"), Just("b"), Just("*")]);
    let time = prop_oneof![3 => Just(None), 1 => Just(Some("not_before")), 1 => Just(Some("expires"))];
    let tools = prop::collection::vec(pattern, 1..3);
    (tools, who, servers, time, any::<[bool; 2]>(), prop::bool::weighted(0.3)).prop_map(
        |(tools, who, servers, time, [shadow, write], deny)| {
            let mut rule = json!({ if deny { "deny" } else { "allow" }: { "tools": tools } });
            let conditions: serde_json::Map<_, _> = [who.0, who.1, who.2, who.3]
                .into_iter()
                .filter_map(|(name, values)| Some((name.to_owned(), json!(values?))))
                .collect();
            if !conditions.is_empty() {
                rule["who"] = json!(conditions);
            }
            if let Some(server) = servers {
                rule["servers"] = json!([server]);
            }
            if let Some(bound) = time {
                rule[bound] = json!("2026-12-01T00:00:00Z");
            }
            if shadow {
                rule["mode"] = json!("shadow");
            }
            if write && !deny {
                rule["write"] = json!(true);
            }
            rule
        },
    )
}

fn caller() -> impl Strategy<Value = Principal> {
    ("[123]?", proptest::option::of("[123]"), prop::collection::vec("[123]", 0..3), proptest::option::of("[123]"))
        .prop_map(|(subject, team, groups, agent)| Principal { subject, team, groups, agent, ..Principal::anonymous() })
}

proptest! {
    #[test]
    fn the_index_and_a_plain_reading_agree(
        mut rules in prop::collection::vec(rule(), 0..24),
        principal in caller(),
        tool in "[xy]{0,4}",
        read_only in any::<bool>(),
        late in any::<bool>(),
    ) {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule["id"] = json!(number.to_string());
        }
        let policy = policy(&json!({
            "rules": rules, "read_only": { "enabled": read_only, "reads": ["x*", "a/*yy", "b/y"] }
        }));
        let now = 1_796_083_200 - i64::from(!late);
        for server in &policy.servers {
            let caller = Caller { server, principal: &principal, now };
            let found = call_tool(&policy, &caller, &tool);
            let expected = naive(&policy, &caller, &tool, false);
            prop_assert_eq!((found.allowed, found.reason, found.rule.map(str::to_owned)), expected);
            let shadow = naive(&policy, &caller, &tool, true);
            let would = found.would.map(|would| (would.allowed, would.reason, Some(would.rule.to_owned())));
            prop_assert_eq!(would, (shadow.0 != found.allowed).then_some(shadow));
            if found.allowed {
                prop_assert!(has_right(&policy, &caller));
            }
        }
    }
}

/// The number of rules that a verdict looks at does not grow with the number of rules, however they differ: by tool, by
/// pattern, by server, or by whom they are about.
#[test]
fn a_thousand_rules_are_as_near_as_ten() {
    let shapes: [fn(usize) -> serde_json::Value; 6] = [
        |n| json!({ "allow": { "tools": [format!("tool_{n}")] } }),
        |n| json!({ "allow": { "tools": [format!("p{n:04}*")] } }),
        |n| json!({ "deny": { "tools": [format!("*{n:04}s")] } }),
        |n| json!({ "deny": { "tools": [format!("*m{n:04}m*")] } }),
        |n| json!({ "allow": { "tools": ["*"] }, "who": { "team": [format!("team-{n}")] } }),
        |n| json!({ "allow": { "tools": ["get_*"] }, "who": { "groups": [format!("g{n}"), "none"], "scopes": ["x"] } }),
    ];
    for (number, shape) in shapes.iter().enumerate() {
        let looked_at = |count: usize| {
            let rules: Vec<_> = (0..count)
                .map(|n| {
                    let mut rule = shape(n);
                    rule["id"] = json!(n.to_string());
                    rule
                })
                .collect();
            let policy = policy(&json!({ "rules": rules }));
            let principal = Principal { team: Some("team-7".to_owned()), groups: vec!["g7".to_owned()], ..principal() };
            let caller = Caller { server: &policy.servers[0], principal: &principal, now: 0 };
            ["tool_7", "p0007x", "x0007s", "am0007mb", "get_x"]
                .map(|tool| crate::decide::access::candidates(&policy, &caller, tool))
                .into_iter()
                .max()
                .unwrap_or_default()
        };
        let (few, many) = (looked_at(10), looked_at(1000));
        assert!(few >= 1 && many <= few.max(2), "shape {number}: {few} of 10, {many} of 1000");
    }
}
