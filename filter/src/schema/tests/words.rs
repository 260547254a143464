use super::judge;
use crate::schema::Verdict;

fn words(schema: &str, instance: &str) -> String {
    match judge(schema, instance) {
        Verdict::Invalid(miss) => format!("{miss} [{}]", miss.keyword),
        other => panic!("{schema} {instance}: {other:?}"),
    }
}

#[test]
fn what_a_model_is_told() {
    for (schema, instance, told) in [
        (r#"{"type": "object"}"#, "[]", "the arguments must be an object, and is an array [type]"),
        (
            r#"{"type": ["integer", "null"]}"#,
            "1.5",
            "the arguments must be null or an integer, and is a number with a fraction [type]",
        ),
        (r#"{"properties": {"a": {"enum": ["x", 1]}}}"#, r#"{"a": "secret"}"#, "/a must be one of \"x\", 1 [enum]"),
        (
            r#"{"enum": [1,2,3,4,5,6,7,8,9,10]}"#,
            "0",
            "the arguments must be one of 1, 2, 3, 4, 5, 6, 7, 8 or one of 2 more [enum]",
        ),
        (r#"{"const": "x"}"#, "0", "the arguments must be \"x\" [const]"),
        (r#"{"items": {"maximum": 500}}"#, "[1, 501]", "/1 must be at most 500 [maximum]"),
        (r#"{"exclusiveMinimum": 0}"#, "0", "the arguments must be more than 0 [exclusiveMinimum]"),
        (r#"{"multipleOf": 0.01}"#, "0.001", "the arguments must be a multiple of 0.01 [multipleOf]"),
        (r#"{"minLength": 1}"#, "\"\"", "the arguments must have at least 1 character [minLength]"),
        (r#"{"maxLength": 2}"#, "\"abc\"", "the arguments must have at most 2 characters [maxLength]"),
        (r#"{"pattern": "^a"}"#, "\"b\"", "the arguments must match the pattern \"^a\" [pattern]"),
        (r#"{"format": "ipv4"}"#, "\"b\"", "the arguments must be an IPv4 address, such as 192.0.2.1 [format]"),
        (r#"{"required": ["amount"]}"#, "{}", "the arguments must have the key \"amount\" [required]"),
        (
            r#"{"dependentRequired": {"a": ["b"]}}"#,
            r#"{"a": 1}"#,
            "the arguments must have the key \"b\" because it has \"a\" [dependentRequired]",
        ),
        (
            r#"{"properties": {"a": true}, "additionalProperties": false}"#,
            r#"{"x/y": 1}"#,
            "/x~1y must not be sent: the keys that are allowed here are \"a\" [additionalProperties]",
        ),
        (r#"{"prefixItems": [true], "items": false}"#, "[1, 2]", "the arguments must have at most 1 item [items]"),
        (
            r#"{"contains": {"const": 1}, "minContains": 2}"#,
            "[1]",
            "the arguments must have at least 2 items of the wanted form [minContains]",
        ),
        (r#"{"uniqueItems": true}"#, "[1, 1]", "the arguments must not have the same item twice [uniqueItems]"),
        (
            r#"{"anyOf": [{"required": ["a"]}, {"properties": {"b": {"type": "string"}}, "required": ["b"]}]}"#,
            r#"{"b": 1}"#,
            "the arguments must be of one of 2 forms: (1) the arguments must have the key \"a\"; (2) /b must be a string, and is a number [anyOf]",
        ),
        (
            r#"{"oneOf": [true, true]}"#,
            "1",
            "the arguments must be of exactly one of 2 alternative forms, and is of several [oneOf]",
        ),
        (r#"{"not": true}"#, "1", "the arguments must not be of the form that is excluded here [not]"),
        (
            r#"{"tidegate:equals": "principal.team"}"#,
            "\"x\"",
            "the arguments must be \"finance\", the caller's own principal.team [tidegate:equals]",
        ),
        (
            r#"{"tidegate:equals": "principal.agent"}"#,
            "\"x\"",
            "the arguments must fit principal.agent, which is not known for this caller [tidegate:equals]",
        ),
        (
            r#"{"tidegate:in": "sets.our-repos"}"#,
            "\"x\"",
            "the arguments must be in sets.our-repos: \"acme/api\", \"acme/web\" [tidegate:in]",
        ),
        (
            r#"{"properties": {"amount": true}}"#,
            r#"{"AMOUNT": 1}"#,
            "/AMOUNT must not be sent: the key is \"amount\", and this one differs in case [properties]",
        ),
        (
            r#"{"not": {"properties": {"amount": true}}}"#,
            r#"{"AMOUNT": 1}"#,
            "/AMOUNT must not be sent: the key is \"amount\", and this one differs in case [properties]",
        ),
    ] {
        assert_eq!(words(schema, instance), told);
    }
}

#[test]
fn nothing_long_is_echoed() {
    let secret = "s".repeat(5_000);
    for (schema, instance) in [
        (r#"{"const": 1}"#.to_owned(), format!("\"{secret}\"")),
        (format!(r#"{{"const": "{secret}"}}"#), "1".to_owned()),
        (format!(r#"{{"pattern": "{}"}}"#, "a".repeat(4_000)), "\"\"".to_owned()),
        (r#"{"additionalProperties": false}"#.to_owned(), format!(r#"{{"{secret}": 1}}"#)),
        (
            r#"{"additionalProperties": {"additionalProperties": false}}"#.to_owned(),
            format!(r#"{{"{secret}": {{"{secret}": 1}}}}"#),
        ),
        (format!(r#"{{"required": ["{secret}"]}}"#), "{}".to_owned()),
        (r#"{"propertyNames": {"maxLength": 3}}"#.to_owned(), format!(r#"{{"{secret}": 1}}"#)),
    ] {
        let told = words(&schema, &instance);
        assert!(told.chars().count() < 400, "{told}");
    }
    // A value that was sent is not echoed at all.
    assert!(!words(r#"{"properties": {"a": {"maxLength": 3}}}"#, r#"{"a": "hunter2"}"#).contains("hunter2"));
}
