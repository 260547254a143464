//! Conditions on the arguments of a call, in three sizes. All of them fit the measured call ([`messages::call`]), so that
//! only the schema is another.
//!
//! [`messages::call`]: crate::messages::call

use serde_json::{Map, Value, json};

/// Properties of the large schema, and as many branches of its `anyOf`.
pub const LARGE: usize = 200;

/// A condition on arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Name in the report.
    pub name: &'static str,
    /// The JSON Schema, as a policy's rule has it under `arguments`.
    pub schema: Value,
}

/// Every condition, smallest first.
pub fn all() -> [Condition; 3] {
    [
        Condition { name: "small", schema: small() },
        Condition { name: "medium", schema: medium() },
        Condition { name: "large", schema: large() },
    ]
}

/// What most rules demand: bounds of one member, and another one's form.
pub fn small() -> Value {
    json!({
        "properties": {
            "path": {"type": "string", "maxLength": 256},
            "limit": {"type": "integer", "minimum": 1, "maximum": 500},
        },
        "required": ["path", "limit"],
    })
}

/// What a careful operator writes for one tool: every member is known, with enums, patterns and nested arrays.
pub fn medium() -> Value {
    let filter = json!({
        "type": "object",
        "properties": {
            "field": {"type": "string", "enum": ["state", "age_days", "owner", "region", "amount"]},
            "op": {"type": "string", "enum": ["eq", "ne", "lt", "le", "gt", "ge"]},
            "value": {"type": ["string", "number", "boolean"]},
        },
        "required": ["field", "op", "value"],
        "additionalProperties": false,
    });
    let mut properties = known(&filter);
    for number in properties.len()..20 {
        properties.insert(format!("option_{number}"), optional(number));
    }
    object(&properties)
}

/// What a generator writes: every member of a large tool, and each filter is one of many kinds, of which the last two
/// fit.
pub fn large() -> Value {
    let kinds = (2..LARGE).map(|number| format!("field_{number}")).chain(["state".to_owned(), "age_days".to_owned()]);
    let branches: Vec<Value> = kinds
        .map(|field| {
            json!({
                "properties": {"field": {"const": field}, "op": {"enum": ["eq", "lt", "gt"]}, "value": {"maxLength": 64}},
                "required": ["field", "op", "value"],
            })
        })
        .collect();
    let mut properties = known(&json!({"type": "object", "anyOf": branches}));
    for number in properties.len()..LARGE {
        properties.insert(format!("option_{number}"), optional(number));
    }
    object(&properties)
}

/// Arguments with every member that [`large`] knows.
pub fn all_members() -> Value {
    let mut members = Map::from_iter([
        ("path".to_owned(), json!("/exports/2026/q3/accounts.json")),
        ("limit".to_owned(), json!(50)),
        ("filters".to_owned(), json!([])),
        ("options".to_owned(), json!({"recursive": true, "encoding": "utf-8", "tags": ["finance", "eu"]})),
        ("query".to_owned(), json!("open invoices")),
    ]);
    for number in members.len()..LARGE {
        let value = match number % 4 {
            0 => json!("INV-2026-0042"),
            1 => json!(number),
            2 => json!(["eu", "us"]),
            _ => json!(number.is_multiple_of(2)),
        };
        members.insert(format!("option_{number}"), value);
    }
    Value::Object(members)
}

/// The members that the measured call has.
fn known(filter: &Value) -> Map<String, Value> {
    let options = json!({
        "type": "object",
        "properties": {
            "recursive": {"type": "boolean"},
            "encoding": {"type": "string", "enum": ["utf-8", "utf-16", "latin-1"]},
            "tags": {
                "type": "array",
                "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,31}$"},
                "maxItems": 16,
                "uniqueItems": true,
            },
        },
        "additionalProperties": false,
    });
    Map::from_iter([
        (
            "path".to_owned(),
            json!({"type": "string", "pattern": "^/exports/20[0-9]{2}/q[1-4]/[a-z0-9_-]+\\.(json|csv)$"}),
        ),
        ("limit".to_owned(), json!({"type": "integer", "minimum": 1, "maximum": 500})),
        ("filters".to_owned(), json!({"type": "array", "items": filter, "minItems": 0, "maxItems": 20})),
        ("options".to_owned(), options),
        ("query".to_owned(), json!({"type": "string", "minLength": 1, "maxLength": 2000})),
    ])
}

/// A member that the call may leave out.
fn optional(number: usize) -> Value {
    match number % 4 {
        0 => json!({"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}-[0-9]{4}$"}),
        1 => json!({"type": "integer", "minimum": 0, "maximum": 10_000}),
        2 => json!({"type": "array", "items": {"type": "string", "enum": ["eu", "us", "apac"]}, "maxItems": 8}),
        _ => json!({"type": "boolean"}),
    }
}

fn object(properties: &Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": ["path", "limit"],
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidegate_filter::schema::{Schema, Verdict};

    use super::*;
    use crate::messages::{self, ALLOWED};

    fn judge(schema: &Value, arguments: &Value) -> Verdict {
        let schema = Schema::compile(schema.to_string().as_bytes(), &BTreeMap::new()).unwrap();
        schema.judge(arguments.to_string().as_bytes(), &())
    }

    #[test]
    fn the_measured_call_fits_every_condition_and_another_does_not() {
        let call: Value = serde_json::from_slice(&messages::call(ALLOWED[9])).unwrap();
        let arguments = &call["params"]["arguments"];
        for condition in all() {
            assert_eq!(judge(&condition.schema, arguments), Verdict::Valid, "{}", condition.name);
            let mut greedy = arguments.clone();
            greedy["limit"] = json!(501);
            assert!(matches!(judge(&condition.schema, &greedy), Verdict::Invalid(_)), "{}", condition.name);
        }
        assert_eq!(medium()["properties"].as_object().unwrap().len(), 20);
    }

    #[test]
    fn all_members_of_the_large_condition_are_judged() {
        let mut members = all_members();
        assert_eq!(members.as_object().unwrap().len(), LARGE);
        assert_eq!(large()["properties"].as_object().unwrap().len(), LARGE);
        assert_eq!(judge(&large(), &members), Verdict::Valid);
        members["option_196"] = json!("inv-2026-0042");
        assert!(matches!(judge(&large(), &members), Verdict::Invalid(_)));
    }
}
