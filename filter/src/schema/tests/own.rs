use super::{Caller, caller, compile, is_valid, judge};
use crate::schema::{MissKind, Verdict};

const TEAM: &str = r#"{"tidegate:equals": "principal.team"}"#;
const REPOS: &str = r#"{"tidegate:in": "sets.our-repos"}"#;
const GROUPS: &str = r#"{"tidegate:in": "principal.groups"}"#;

fn kind(verdict: &Verdict) -> MissKind {
    match verdict {
        Verdict::Invalid(miss) => miss.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn facts_and_sets() {
    for (schema, valid, invalid) in [
        (TEAM, &["\"finance\"", "\"fin\\u0061nce\""][..], &["\"Finance\"", "\"\"", "1", "null", "[\"finance\"]"][..]),
        (REPOS, &["\"acme/api\"", "\"acme\\/web\""], &["\"acme/other\"", "\"\"", "[]"]),
        (GROUPS, &["\"sre\"", "\"leads\""], &["\"finance\"", "null"]),
        (r#"{"tidegate:in": "sets.none"}"#, &[], &["\"\""]),
    ] {
        for instance in valid {
            assert!(is_valid(schema, instance), "{schema} {instance}");
        }
        for instance in invalid {
            assert_eq!(kind(&judge(schema, instance)), MissKind::Unmet, "{schema} {instance}");
        }
    }
}

#[test]
fn a_fact_that_is_not_known_is_met_by_nothing_and_denied_by_nothing() {
    let nobody = Caller { team: None, groups: None };
    let judge = |schema: &str| compile(schema).unwrap().judge(br#""finance""#, &nobody);
    for fact in [TEAM, GROUPS] {
        for schema in [
            fact.to_owned(),
            format!(r#"{{"not": {fact}}}"#),
            format!(r#"{{"not": {{"not": {fact}}}}}"#),
            format!(r#"{{"oneOf": [{fact}, true]}}"#),
            format!(r#"{{"anyOf": [{fact}, false]}}"#),
            format!(r#"{{"if": {fact}, "then": false}}"#),
            format!(r#"{{"if": {fact}, "else": false}}"#),
        ] {
            assert_eq!(kind(&judge(&schema)), MissKind::UnknownFact, "{schema}");
        }
        // Another way to be valid is one.
        assert_eq!(judge(&format!(r#"{{"anyOf": [{fact}, {{"const": "finance"}}]}}"#)), Verdict::Valid);
    }
}

#[test]
fn keys_that_look_alike() {
    let schema = |inner: &str| format!("{{{inner}}}");
    for (rules, instance) in [
        (r#""properties": {"amount": true}"#, r#"{"Amount": 1}"#),
        (r#""properties": {"amount": true}"#, r#"{"amount": 1, "AMOUNT": 1}"#),
        (r#""properties": {"amount": true}"#, r#"{"am\u006fUnt": 1}"#),
        (r#""properties": {"size": true}"#, "{\"\u{17f}ize\": 1}"),
        (r#""properties": {"key": true}"#, "{\"\u{212a}ey\": 1}"),
        (r#""properties": {"Größe": true}"#, r#"{"GRÖßE": 1}"#),
        (r#""required": ["amount"]"#, r#"{"Amount": 1}"#),
        (r#""dependentRequired": {"a": ["amount"]}"#, r#"{"Amount": 1}"#),
        (r#""dependentRequired": {"amount": []}"#, r#"{"Amount": 1}"#),
        (r#""dependentSchemas": {"amount": true}"#, r#"{"Amount": 1}"#),
        (r#""patternProperties": {"^amount": true}"#, r#"{"Amount_x": 1}"#),
        (r#""patternProperties": {"^[a-z]+$": true}"#, r#"{"Amount": 1}"#),
    ] {
        let alone = schema(rules);
        let inside = format!(r#"{{"items": {alone}}}"#);
        for (schema, instance) in [
            (alone.clone(), instance.to_owned()),
            (inside, format!("[{instance}]")),
            // What some servers read as the constrained key is never what a `not` was looking for.
            (format!(r#"{{"not": {alone}}}"#), instance.to_owned()),
            (format!(r#"{{"oneOf": [{alone}, false]}}"#), instance.to_owned()),
            (format!(r#"{{"if": {alone}, "then": true, "else": true}}"#), instance.to_owned()),
            (format!(r#"{{"contains": {alone}}}"#), format!("[{instance}]")),
        ] {
            assert_eq!(kind(&judge(&schema, &instance)), MissKind::LooksAlike, "{schema} {instance}");
        }
    }
    for (rules, instance) in [
        (r#""properties": {"amount": true, "Amount": true}"#, r#"{"Amount": 1, "amount": 2}"#),
        (r#""properties": {"amount": true}"#, r#"{"amounts": 1, "amoun": 2, "other": 3}"#),
        (r#""properties": {"a": {"properties": {"b": true}}}"#, r#"{"a": {"A": 1}, "B": 1}"#),
        (r#""patternProperties": {"^[a-z]+$": true, "^[A-Z]+$": true}"#, r#"{"ABC": 1, "abc": 1}"#),
        (r#""patternProperties": {"^[^a]$": true}"#, r#"{"a": 1}"#),
        (r#""maxProperties": 2"#, r#"{"a": 1, "A": 1}"#),
    ] {
        assert_eq!(judge(&schema(rules), instance), Verdict::Valid, "{rules} {instance}");
    }
}

#[test]
fn a_look_alike_comes_before_what_is_missing() {
    // The bypass that this is for: `Admin` is read as `admin` behind us, and here as nothing.
    let schema = r#"{"not": {"properties": {"admin": {"const": true}}, "required": ["admin"]}}"#;
    assert_eq!(kind(&judge(schema, r#"{"Admin": true}"#)), MissKind::LooksAlike);
    assert_eq!(kind(&judge(schema, r#"{"admin": true}"#)), MissKind::Unmet);
    assert!(is_valid(schema, r#"{"admin": false}"#));
    assert!(is_valid(schema, "{}"));
}

#[test]
fn facts_are_asked_at_every_call() {
    let schema = compile(TEAM).unwrap();
    assert_eq!(schema.judge(b"\"finance\"", &caller()), Verdict::Valid);
    let other = Caller { team: Some("data"), groups: None };
    assert_eq!(kind(&schema.judge(b"\"finance\"", &other)), MissKind::Unmet);
    assert_eq!(schema.judge(b"\"data\"", &other), Verdict::Valid);
}
