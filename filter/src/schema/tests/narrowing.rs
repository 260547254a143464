use super::compile;

#[test]
fn what_can_be_merged_plainly() {
    let schema = compile(
        r##"{
            "type": "object", "title": "refund", "$defs": {"d": true},
            "properties": {
                "amount": { "maximum": 500 },
                "repo": { "tidegate:in": "sets.our-repos" },
                "deep": { "properties": { "team": { "tidegate:equals": "principal.team" } } },
                "ref": { "$ref": "#/$defs/d" },
                "never": false,
                "a\"b": {"enum": ["x"]}
            },
            "required": ["amount", "repo"]
        }"##,
    )
    .unwrap();
    let narrowing = schema.narrowing().unwrap();
    assert_eq!(
        narrowing.properties,
        [("amount".to_owned(), &b"{ \"maximum\": 500 }"[..]), ("a\"b".to_owned(), &b"{\"enum\": [\"x\"]}"[..]),]
    );
    assert_eq!(narrowing.required, ["amount", "repo"]);
    assert!(narrowing.partial);
}

#[test]
fn the_whole_of_a_plain_schema() {
    let schema = compile(r#"{"properties": {"a": {"type": "string"}, "b": true}, "required": ["a"]}"#).unwrap();
    let narrowing = schema.narrowing().unwrap();
    assert_eq!(narrowing.properties.len(), 1);
    assert!(!narrowing.partial);
}

#[test]
fn a_closed_object_is_merged_in_part() {
    let schema = compile(r#"{"properties": {"a": {"type": "string"}}, "additionalProperties": false}"#).unwrap();
    assert!(schema.narrowing().unwrap().partial);
}

#[test]
fn what_cannot_be_merged() {
    for schema in [
        "true",
        "{}",
        r#"{"title": "t"}"#,
        r#"{"maxProperties": 1}"#,
        r#"{"properties": {}}"#,
        r#"{"properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}]}"#,
        r#"{"properties": {"a": {"type": "string"}}, "not": {"required": ["b"]}}"#,
        r##"{"required": ["a"], "$ref": "#/$defs/a", "$defs": {"a": true}}"##,
        r#"{"required": ["a"], "patternProperties": {"^b": true}}"#,
        r#"{"required": ["a"], "if": true, "then": true}"#,
        r#"{"required": ["a"], "dependentRequired": {"a": ["b"]}}"#,
        r#"{"required": ["a"], "type": ["object", "null"]}"#,
        r#"{"required": ["a"], "const": {"a": 1}}"#,
    ] {
        assert_eq!(compile(schema).unwrap().narrowing(), None, "{schema}");
    }
}
