use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{check, keys};
use super::{NOW, with};

const SCHEMA: &str = include_str!("../../../../policies/policy.schema.json");
const STARTER: &[u8] = include_bytes!("../../../../policies/starter.json");
const DEMO: &[u8] = include_bytes!("../../../../policies/demo.json");

#[test]
fn the_schema_has_the_keys_that_the_compiler_has() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let definitions = schema["$defs"].as_object().unwrap();
    for table in keys::ALL {
        let definition = definitions.get(table.name).unwrap_or_else(|| panic!("$defs/{}", table.name));
        let published: BTreeSet<&str> =
            definition["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let known: BTreeSet<&str> = table.known.iter().copied().collect();
        assert_eq!(published, known, "{}", table.name);
        assert_eq!(definition["additionalProperties"], Value::Bool(false), "{}", table.name);
        assert!(table.later.iter().all(|key| !known.contains(key)), "{}", table.name);
    }
    for (name, definition) in definitions {
        let compiled = keys::ALL.iter().any(|table| table.name == name);
        assert_eq!(compiled, definition.get("properties").is_some(), "{name}");
    }
}

#[test]
fn everything_in_the_schema_is_described() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        assert!(definition["description"].is_string(), "{name}");
        for (key, property) in definition.get("properties").and_then(Value::as_object).into_iter().flatten() {
            assert!(property["description"].is_string() || property["$ref"].is_string(), "{name}.{key}");
        }
    }
}

#[test]
fn the_schema_states_the_real_defaults() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let default = |definition: &str, key: &str| schema["$defs"][definition]["properties"][key]["default"].clone();
    let limits = super::super::Limits::default();
    for (key, value) in [
        ("request_bytes", limits.request_bytes),
        ("list_bytes", limits.list_bytes),
        ("event_bytes", limits.event_bytes),
        ("depth", limits.depth),
        ("buffered_bytes_per_worker", limits.buffered_bytes_per_worker),
        ("buffered_bytes_per_principal", limits.buffered_bytes_per_principal),
    ] {
        assert_eq!(default("limits", key), value, "{key}");
    }
    for row in super::super::FailModes::default().table() {
        assert_eq!(default("on", row.key), row.default.as_str());
        assert_eq!(schema["$defs"]["on"]["properties"][row.key]["enum"].is_array(), row.may_allow, "{}", row.key);
        let description = schema["$defs"]["on"]["properties"][row.key]["description"].as_str().unwrap();
        assert!(description.starts_with(row.meaning), "{description}");
    }
}

#[test]
fn the_published_policies_compile_without_warnings() {
    for text in [STARTER, DEMO] {
        let compiled = check(text, NOW).unwrap_or_else(|errors| panic!("{}", errors.render(text, "policy")));
        assert_eq!(compiled.warnings, []);
    }
}

/// What the compiler takes, the schema takes; of what the compiler refuses, the schema refuses what a schema can.
#[test]
fn editors_and_the_compiler_agree_about_quotas() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let quota = |more: &Value| {
        let mut quota = json!({ "id": "q", "limit": 60 });
        quota.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with("/quotas", json!([quota]))
    };
    for (policy, is_good) in [
        (quota(&json!({ "window": "1m", "by": ["team"], "methods": ["tools/call"], "refund_on": [] })), true),
        (quota(&json!({ "limit": 60.0, "window": "day", "utc_offset": "-05:30" })), true),
        (quota(&json!({ "count": "concurrent", "lease": "90s" })), true),
        (quota(&json!({ "limit": "$0.25", "window": "1h" })), true),
        (quota(&json!({ "limit": "$0.25", "window": "month", "count": "cost" })), true),
        (
            with("/costs", json!([{ "tools": ["*"], "result": { "pointer": "/a~1b", "price": "$1" }, "max": "$1" }])),
            true,
        ),
        (with("/costs", json!([{ "tools": ["*"], "result": { "pointer": "/a", "price": "$1" } }])), false),
        (with("/costs", json!([{ "tools": ["*"], "per_result_kb": "$1" }])), false),
        (with("/costs", json!([{ "tools": ["*"], "max": "$1" }])), false),
        (with("/cost_controls", json!({ "team_budgets": { "a": "$5000/month", "b": "$0.5/hour" } })), true),
        (with("/cost_controls", json!({ "team_budgets": { "a": "$5,000/month" } })), false),
        (with("/cost_controls", json!({ "team_budgets": { "a": "$5000/year" } })), false),
        (with("/cost_controls", json!({ "approval_thresholds": { "single_request": "$10/hour" } })), false),
        (
            with(
                "/cost_controls",
                json!({ "optimization": { "cache_ttl": "3600s", "model_routing": "cost_optimized" } }),
            ),
            true,
        ),
        (with("/cost_controls", json!({ "optimization": { "model_routing": "x" } })), false),
        (with("/registries", json!([{ "name": "a" }, { "name": "b", "parent": "a" }])), true),
        (with("/registries", json!([{ "name": "a/b" }])), false),
    ] {
        assert_eq!(schema.is_valid(&policy), is_good, "{policy}");
        assert_eq!(check(policy.to_string().as_bytes(), NOW).is_ok(), is_good, "{policy}");
    }
    // What depends on other parts of the document, or on arithmetic, only the compiler knows.
    let beyond = ["bad_pattern", "unknown_server", "unknown_registry"];
    let taken = super::quotas::faults().into_iter().filter(|(more, code, pointer, ..)| {
        let arithmetic = ["/burst", "/lease", "/utc_offset", "/window", "/limit", "/methods/0", "/methods/1"];
        let elsewhere = ["/scope", "/count", "/on_missing", "/refund_on"];
        !beyond.contains(code)
            && !arithmetic.contains(pointer)
            && !elsewhere.contains(pointer)
            && schema.is_valid(&quota(more))
    });
    assert_eq!(taken.map(|(more, ..)| more).collect::<Vec<_>>(), Vec::<Value>::new());
}

#[test]
fn the_schema_states_the_defaults_of_quotas_and_stores() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let default = |definition: &str, key: &str| schema["$defs"][definition]["properties"][key]["default"].clone();
    assert_eq!(default("host_stores", "counters"), super::super::Stores::default().counters);
    for (definition, key, value) in [
        ("host_stores_global", "domain", "tidegate"),
        ("host_stores_global", "protocol", "reserve"),
        ("host_stores_global", "timeout", "100ms"),
        ("host_stores_global", "hold", "60s"),
        ("quota", "count", "calls"),
        ("quota", "lease", "15m"),
        ("quota", "scope", "local"),
        ("quota", "on_store_error", "deny"),
        ("quota", "on_missing", "share"),
        ("quota", "mode", "enforce"),
    ] {
        assert_eq!(default(definition, key), value, "{definition}.{key}");
    }
}
