use super::is_valid;

/// A schema, what it accepts, and what it does not.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

fn all(table: &[Row]) {
    for (schema, valid, invalid) in table {
        for instance in *valid {
            assert!(is_valid(schema, instance), "{schema} {instance}");
        }
        for instance in *invalid {
            assert!(!is_valid(schema, instance), "{schema} {instance}");
        }
    }
}

#[test]
fn any_value() {
    all(&[
        ("true", &["1", "null", "{}"], &[]),
        ("false", &[], &["1", "null", "{}"]),
        ("{}", &["1", " [ ] "], &[]),
        (r#"{"title": "t", "default": 1, "examples": [1], "$comment": "c"}"#, &["2"], &[]),
        (r#"{"$schema": "https://json-schema.org/draft/2020-12/schema"}"#, &["2"], &[]),
        (r#"{"type": "null"}"#, &["null"], &["0", "false", "\"\"", "\"null\""]),
        (r#"{"type": "boolean"}"#, &["true", "false"], &["0", "null", "\"true\""]),
        (r#"{"type": "integer"}"#, &["1", "-7", "1.0", "1e3", "10e-1", "1e400"], &["1.5", "1e-1", "\"1\"", "true"]),
        (r#"{"type": "number"}"#, &["1", "1.5", "-0"], &["\"1\"", "null"]),
        (r#"{"type": "string"}"#, &["\"\"", "\"1\""], &["1"]),
        (r#"{"type": "array"}"#, &["[]"], &["{}", "\"[]\""]),
        (r#"{"type": "object"}"#, &["{}"], &["[]", "null"]),
        (r#"{"type": ["integer", "null"]}"#, &["1", "null", "2.0"], &["1.5", "\"\""]),
        (r#"{"type": ["integer", "number"]}"#, &["1.5"], &["\"\""]),
        (
            r#"{"enum": [1, "a\u00e9", null, {"a": [1, {"b": 2}], "c": false}]}"#,
            &["1.0", "\"\\u0061é\"", "null", r#"{"c": false, "a": [1e0, {"b": 2}]}"#],
            &["2", "\"a\"", "false", r#"{"a": [1, {"b": 2}]}"#, r#"{"a": [{"b": 2}, 1], "c": false}"#],
        ),
        (r#"{"const": 1e400}"#, &["10e399", "1E+400"], &["1e401", "null"]),
        (r#"{"const": false}"#, &["false"], &["0", "null"]),
        (r#"{"const": [0]}"#, &["[0]", "[0.0]", "[-0]"], &["[false]", "[]", "[0, 0]"]),
    ]);
}

#[test]
fn numbers() {
    all(&[
        (r#"{"minimum": 1.1}"#, &["1.1", "1.10", "2", "\"0\""], &["1.0999999999999999999999", "-2"]),
        (r#"{"exclusiveMinimum": 0}"#, &["1e-400"], &["0", "-0.0", "-1e-400"]),
        (r#"{"maximum": 500}"#, &["500", "500.0", "5e2", "-1e999"], &["500.0000000000000000000000001", "501", "1e400"]),
        (r#"{"exclusiveMaximum": 9007199254740993}"#, &["9007199254740992"], &["9007199254740993"]),
        (r#"{"multipleOf": 0.01}"#, &["4.02", "0", "-7", "1e400", "\"a\""], &["4.021", "1e-3"]),
        (r#"{"multipleOf": 3}"#, &["9007199254740993", "-6", "3e0"], &["9007199254740992", "0.3"]),
    ]);
}

/// The other engine takes numbers with a fraction for floats.
#[cfg(not(feature = "full-schema"))]
#[test]
fn exact_decimals() {
    all(&[
        (r#"{"exclusiveMaximum": 9007199254740993}"#, &["9007199254740992.9"], &["9007199254740993.0"]),
        (r#"{"const": 0.3}"#, &["0.30", "3e-1"], &["0.30000000000000000001"]),
        (r#"{"multipleOf": 1.5}"#, &["9007199254740993"], &["9007199254740994"]),
    ]);
}

#[test]
fn strings() {
    all(&[
        (r#"{"minLength": 2}"#, &["\"ab\"", "\"é\u{1f600}\"", "1"], &["\"a\"", "\"\\ud83d\\ude00\"", "\"\""]),
        (r#"{"maxLength": 2.0}"#, &["\"ab\"", "\"\\ud83d\\ude00é\"", "[1,2,3]"], &["\"abc\"", "\"a\\u0301b\""]),
        (r#"{"pattern": "^a.c$"}"#, &["\"abc\"", "\"a\\u00e9c\"", "7"], &["\"abcd\"", "\"ac\""]),
        (r#"{"format": "ipv4"}"#, &["\"192.0.2.1\"", "1"], &["\"192.0.2\"", "\"\""]),
        (r#"{"format": "date-time"}"#, &["\"2026-11-23T12:00:00Z\""], &["\"2026-11-23\""]),
        (r#"{"format": "uri"}"#, &["\"https://example.com\""], &["\"/a\""]),
        (r#"{"format": "email"}"#, &["\"a@example.com\""], &["\"a\""]),
        (r#"{"format": "uuid"}"#, &["\"123e4567-e89b-12d3-a456-426614174000\""], &["\"123e4567\""]),
        (r#"{"format": "ipv6"}"#, &["\"::1\""], &["\"1\""]),
    ]);
}

#[test]
fn arrays() {
    all(&[
        (r#"{"minItems": 1, "maxItems": 2}"#, &["[1]", "[1, 2]", "{}"], &["[]", "[1, 2, 3]"]),
        (
            r#"{"uniqueItems": true}"#,
            &["[1, 2, true]", "[[1], [2]]", "[]"],
            &["[1, 1.0]", r#"[{"a": 1, "b": 2}, {"b": 2, "a": 1}]"#, "[\"a\", \"\\u0061\"]"],
        ),
        (r#"{"uniqueItems": false}"#, &["[1, 1]"], &[]),
        (r#"{"items": {"type": "string"}}"#, &["[]", "[\"a\"]", "1"], &["[1]", "[\"a\", 1]"]),
        (r#"{"prefixItems": [{"const": 1}, true], "items": false}"#, &["[]", "[1]", "[1, 2]"], &["[2]", "[1, 2, 3]"]),
        (r#"{"contains": {"const": 1}}"#, &["[0, 1]", "1"], &["[]", "[0]"]),
        (
            r#"{"contains": {"const": 1}, "minContains": 2, "maxContains": 3}"#,
            &["[1, 1]", "[1, 0, 1, 1]"],
            &["[1]", "[1, 1, 1, 1]"],
        ),
        (r#"{"contains": {"const": 1}, "minContains": 0, "maxContains": 1}"#, &["[]", "[1]"], &["[1, 1]"]),
        (r#"{"minContains": 2, "maxContains": 1}"#, &["[]", "[1, 1]"], &[]),
    ]);
}

#[test]
fn objects() {
    all(&[
        (r#"{"minProperties": 1, "maxProperties": 2}"#, &[r#"{"a": 1}"#, "[]"], &["{}", r#"{"a": 1, "b": 2, "c": 3}"#]),
        (r#"{"required": ["a", "a/b"]}"#, &[r#"{"a\/b": 1, "\u0061": 2}"#, "1"], &["{}", r#"{"a": 1}"#]),
        (
            r#"{"dependentRequired": {"a": ["b"], "c": []}}"#,
            &["{}", r#"{"b": 1}"#, r#"{"a": 1, "b": 1}"#, r#"{"c": 1}"#],
            &[r#"{"a": 1}"#],
        ),
        (
            r#"{"dependentSchemas": {"a": {"maxProperties": 1}}}"#,
            &[r#"{"a": 1}"#, r#"{"b": 1, "c": 1}"#],
            &[r#"{"a": 1, "b": 1}"#],
        ),
        (
            r#"{"properties": {"a": {"type": "string"}, "b": false}}"#,
            &["{}", r#"{"a": ""}"#, r#"{"c": 1}"#],
            &[r#"{"a": 1}"#, r#"{"b": 1}"#],
        ),
        (r#"{"properties": {"a": true}, "additionalProperties": false}"#, &["{}", r#"{"a": 1}"#], &[r#"{"b": 1}"#]),
        (
            r#"{"properties": {"a": true}, "patternProperties": {"^x-": {"type": "integer"}, "y$": {"minimum": 3}}, "additionalProperties": {"type": "null"}}"#,
            &[r#"{"a": 1, "x-b": 1, "c": null, "y": 3, "x-y": 3}"#],
            &[r#"{"x-b": ""}"#, r#"{"c": 1}"#, r#"{"x-y": 2}"#, r#"{"x-y": 3.5}"#],
        ),
        // Only the neighbours in the same schema count.
        (r#"{"allOf": [{"properties": {"a": true}}], "additionalProperties": false}"#, &["{}"], &[r#"{"a": 1}"#]),
        (r#"{"required": ["a"], "additionalProperties": false}"#, &[], &["{}", r#"{"a": 1}"#]),
        (
            r#"{"propertyNames": {"maxLength": 2, "pattern": "^[a\"]+$"}}"#,
            &[r#"{"a": 1, "a\"": 2}"#],
            &[r#"{"aaa": 1}"#, r#"{"b": 1}"#],
        ),
    ]);
}

#[test]
fn combinations() {
    all(&[
        (r#"{"allOf": [{"minimum": 1}, {"maximum": 3}]}"#, &["2"], &["0", "4"]),
        (r#"{"anyOf": [{"maximum": 1}, {"minimum": 3}]}"#, &["0", "4", "\"\""], &["2"]),
        (r#"{"oneOf": [{"maximum": 3}, {"minimum": 1}]}"#, &["0", "4"], &["2", "\"\""]),
        (r#"{"not": {"type": "string"}}"#, &["1"], &["\"\""]),
        (r#"{"not": {"not": {"type": "string"}}}"#, &["\"\""], &["1"]),
        (r#"{"if": {"minimum": 5}, "then": {"multipleOf": 2}, "else": {"const": 1}}"#, &["6", "1"], &["7", "2"]),
        (r#"{"if": {"minimum": 5}, "then": {"multipleOf": 2}}"#, &["6", "1"], &["7"]),
        (r#"{"then": false, "else": false}"#, &["1"], &[]),
        (r#"{"if": false}"#, &["1"], &[]),
    ]);
}

#[test]
fn references() {
    all(&[
        (r##"{"$ref": "#/$defs/a~1b%25", "maximum": 3, "$defs": {"a/b%": {"minimum": 1}}}"##, &["2"], &["0", "4"]),
        (
            r##"{"type": "object", "properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}}, "additionalProperties": false}"##,
            &[r#"{"n": 1, "next": {"next": {"n": 2}}}"#],
            &[r#"{"next": {"next": {"m": 2}}}"#, r#"{"next": {"next": 1}}"#],
        ),
        (
            r##"{"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}}"##,
            &[r#"{"b": ""}"#],
            &[r#"{"b": 1}"#],
        ),
        (r##"{"$ref": "#/anyOf/1/allOf/0", "anyOf": [true, {"allOf": [{"const": 1}]}]}"##, &["1"], &["2"]),
    ]);
}
