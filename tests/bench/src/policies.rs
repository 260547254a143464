//! The policies that are measured.

use serde_json::{Value, json};

use crate::messages::ALLOWED;

/// What most variants carry out: ten allow rules of one tool each, read-only mode, no identity asked for, allowed calls
/// audited.
pub fn allowlist(govern: bool) -> Value {
    let rules: Vec<Value> =
        ALLOWED.iter().map(|tool| json!({"id": format!("allow-{tool}"), "allow": {"tools": [tool]}})).collect();
    json!({
        "version": "tidegate/v1",
        "name": "bench",
        "identity": {"anonymous": "allow"},
        "servers": [{"name": "main", "match": {"path": "/mcp"}, "govern": govern}],
        "rules": rules,
        "read_only": {"enabled": true, "reads": ["get_*", "list_*", "search_*", "read_*"]},
        "audit": {"arguments": "keys", "allowed": true},
    })
}

/// So many rules: parts of tool names, prefixes and exact names in turn that no measured call or list has; the last one,
/// `last`, allows what [`allowlist`] allows.
pub fn of_rules(count: usize) -> Value {
    let pattern = |index: usize| match index % 4 {
        0 => format!("get_record_{index}"),
        1 => format!("list_{index}_*"),
        2 => format!("*_report_{index}"),
        _ => format!("*_kind_{index}_*"),
    };
    let mut rules: Vec<Value> = (1..count)
        .map(|index| {
            let effect = if index % 5 == 0 { "deny" } else { "allow" };
            json!({"id": format!("rule-{index}"), effect: {"tools": [pattern(index)]}})
        })
        .collect();
    rules.push(json!({"id": "last", "allow": {"tools": ALLOWED}}));
    let mut policy = allowlist(true);
    if let Some(place) = policy.get_mut("rules") {
        *place = Value::Array(rules);
    }
    policy
}

/// [`allowlist`], with a condition on the arguments of the tool that is called.
pub fn with_arguments(schema: &Value) -> Value {
    let mut policy = allowlist(true);
    if let Some(rule) = policy.pointer_mut("/rules/9").and_then(Value::as_object_mut) {
        rule.insert("arguments".to_owned(), schema.clone());
    }
    policy
}

/// [`allowlist`], with the default detectors in both directions.
pub fn with_redaction() -> Value {
    with(json!({"redaction": {}}))
}

/// [`allowlist`], with so many quotas that nobody uses up, each with a counter for every tool.
pub fn with_quotas(count: usize) -> Value {
    let quota =
        |at| json!({"id": format!("quota-{at}"), "limit": PLENTY, "window": "1h", "burst": PLENTY, "by": ["tool"]});
    with(json!({"quotas": (0..count).map(quota).collect::<Vec<_>>()}))
}

/// [`allowlist`], with a price for every call and one budget that nobody uses up.
pub fn with_budget() -> Value {
    with(json!({
        "costs": [{"tools": ["*"], "per_call": "$0.0001"}],
        "quotas": [{"id": "pot", "limit": "$1000000000", "window": "month"}],
    }))
}

/// More than any measurement makes in an hour.
const PLENTY: u64 = 1_000_000_000;

fn with(extra: Value) -> Value {
    let mut policy = allowlist(true);
    if let (Some(members), Value::Object(mut extra)) = (policy.as_object_mut(), extra) {
        members.append(&mut extra);
    }
    policy
}

/// The plugin's configuration: the policy, in hold mode or not, with an audit channel (`log` or `none`).
pub fn configuration(policy: &Value, hold: bool, sink: &str) -> Value {
    json!({"host": {"hold_headers": hold, "audit": {"sink": sink}}, "layers": [policy]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas;

    #[test]
    fn they_compile_and_have_the_rules_that_the_report_says() {
        let policies = [
            (10, of_rules(10)),
            (1000, of_rules(1000)),
            (10, with_arguments(&schemas::large())),
            (10, with_quotas(10)),
            (10, with_budget()),
        ];
        for (rules, policy) in policies {
            let text = configuration(&policy, true, "log").to_string();
            let compiled = tidegate_filter::policy::compile(text.as_bytes());
            let policy = compiled.unwrap_or_else(|faults| panic!("{faults:?}")).configuration.policy;
            assert_eq!(policy.rules.len(), rules);
            let last = policy.rules.last().unwrap();
            assert!(last.id.starts_with("allow-") || last.id == "last" || last.arguments.is_some(), "{}", last.id);
        }
    }
}
