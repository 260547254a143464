use serde_json::json;

use super::*;

fn at<'s>(schema: &'s OutputSchema, pointer: &str) -> Option<Constraint<'s>> {
    schema.constraint(pointer, &mut Work::new(100_000))
}

fn read(schema: &serde_json::Value) -> Option<OutputSchema> {
    OutputSchema::read(schema.to_string().as_bytes())
}

#[test]
fn constraints_are_found_by_place() {
    let schema = read(&json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "note": {"type": "string", "description": "any", "minLength": 1},
            "list": {"type": "array", "prefixItems": [{}, {"maxLength": 9}], "items": {"$ref": "#/$defs/to~0ken%25"}},
            "both": {"allOf": [{"$ref": "#/$defs/to~0ken%25"}, {"required": ["a"]}]},
            "either": {"anyOf": [{"type": "null"}, {"type": "string", "enum": ["a", 7]}]},
            "a/b~": {"const": "x"},
            "tree": {"$ref": "#"},
        },
        "patternProperties": {"^x-": {"pattern": "^a$"}, "(?=b)": {"pattern": "b"}},
        "additionalProperties": {"maxLength": 3},
        "required": ["id", "note"],
        "$defs": {"to~ken%": {"type": "string", "pattern": "^t"}},
    }))
    .unwrap();
    // The pattern that cannot be read could match any key of the root.
    let count = |pointer: &str| at(&schema, pointer).map_or(0, |it| it.checks.len());
    for (pointer, wanted) in [
        ("", 0),
        ("/id", 2),
        ("/note", 1),
        ("/list/0", 0),
        ("/list/1", 1),
        ("/list/2", 1),
        ("/list/x", 0),
        ("/both", 2),
        ("/either", 2),
        ("/a~1b~0", 2),
        ("/tree/tree/id", 2),
        ("/other", 1),
        ("/x-other", 2),
        ("/other/id", 0),
    ] {
        assert_eq!(count(pointer), wanted, "{pointer}");
    }
    assert!(!at(&schema, "/id").unwrap().is_optional);
    assert!(at(&schema, "/either").unwrap().is_optional);
    assert!(!at(&schema, "/list/2").unwrap().is_optional);
    assert!(schema.bytes() > 500 && schema.bytes() < 8192, "{}", schema.bytes());
}

#[test]
fn schemas_without_a_constraint_are_not_kept() {
    for schema in [
        json!({}),
        json!(true),
        json!({"type": "object", "properties": {"a": {"type": "string", "minLength": 1, "title": "A"}}, "required": ["a"]}),
        json!({"$ref": "#"}),
        json!({"properties": {"tree": {"items": {"$ref": "#/properties/tree"}}}}),
        json!({"properties": {"n": {"enum": [1, 2]}, "p": {"format": "password"}}}),
    ] {
        assert!(read(&schema).is_none(), "{schema}");
    }
}

#[test]
fn what_a_schema_may_cost_is_bounded() {
    let many: serde_json::Map<_, _> = (0..2000).map(|n| (format!("k{n}"), json!({"pattern": "^.{1,200}$"}))).collect();
    let schema = read(&json!({"properties": many})).unwrap();
    assert!(schema.nodes.len() <= NODES && schema.bytes() < 100_000, "{}", schema.bytes());
    let checks = schema.nodes.iter().map(|node| node.checks.len()).sum::<usize>();
    assert_eq!(checks, CHECKS);
    let chain: serde_json::Map<_, _> =
        (0..1000).map(|n| (format!("d{n}"), json!({"$ref": format!("#/$defs/d{}", n + 1), "maxLength": 3}))).collect();
    assert!(read(&json!({"$ref": "#/$defs/d0", "$defs": chain})).is_some());
}

#[test]
fn required_members_stay() {
    for (schema, is_optional) in [
        (json!({"properties": {"a": {"maxLength": 3}}}), true),
        (json!({"properties": {"a": {"maxLength": 3}}, "required": ["b"]}), true),
        (json!({"properties": {"a": {"maxLength": 3}}, "anyOf": [{"required": ["b"]}, {"required": ["a"]}]}), false),
        (
            json!({"properties": {"a": {"maxLength": 3}}, "$ref": "#/$defs/x", "$defs": {"x": {"required": ["a"]}}}),
            false,
        ),
        (json!({"properties": {"a": {"maxLength": 3}}, "minProperties": 1}), false),
        (json!({"properties": {"a": {"maxLength": 3}}, "dependentRequired": {"b": ["a"]}}), false),
        (json!({"additionalProperties": {"maxLength": 3}}), true),
    ] {
        assert_eq!(at(&read(&schema).unwrap(), "/a").unwrap().is_optional, is_optional, "{schema}");
    }
}

#[test]
fn alike_is_judged_keyword_by_keyword() {
    let schema = read(&json!({"oneOf": [{"pattern": "^a"}, {"pattern": "^b", "maxLength": 4}]})).unwrap();
    let constraint = at(&schema, "").unwrap();
    let mut work = Work::new(10_000);
    for (one, other, wanted) in [
        ("abcd", "axxx", true),
        ("abcd", "xxxx", false),
        ("bbcd", "bbbbb", false),
        ("cccc", "xxxx", true),
        ("cccc", "axxx", false),
    ] {
        assert_eq!(constraint.is_alike(one, other, &mut work), wanted, "{one} {other}");
    }
    assert!(!constraint.is_alike("abcd", "axxx", &mut Work::new(0)));
}

#[test]
fn samples_match_their_patterns() {
    for pattern in [
        "^ghp_[A-Za-z0-9]{36}$",
        "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        "^(a|b)+[^0-9xX]?é$",
        "^\\d{4}\\s\\w+$",
    ] {
        let schema = read(&json!({"pattern": pattern})).unwrap();
        let constraint = at(&schema, "").unwrap();
        let sample = constraint.samples().next().unwrap();
        let Check::Pattern { regex: Some(regex), .. } = constraint.checks[0] else { panic!() };
        assert!(regex.matches(sample, &mut Work::new(10_000)).unwrap(), "{pattern}: {sample}");
    }
}
