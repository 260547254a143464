use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{check, keys};
use super::NOW;

const SCHEMA: &str = include_str!("../../../../policies/policy.schema.json");
const STARTER: &[u8] = include_bytes!("../../../../policies/starter.json");

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
fn the_starter_policy_compiles_without_warnings() {
    let compiled = check(STARTER, NOW).unwrap_or_else(|errors| panic!("{}", errors.render(STARTER, "starter.json")));
    assert_eq!(compiled.warnings, []);
}
