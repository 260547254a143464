use super::compile;
#[cfg(not(feature = "full-schema"))]
use super::judge;
use crate::schema::{SCHEMA_BYTES, Schema, Undecidable, Verdict};

fn is_shareable<T: Send + Sync + std::fmt::Debug>() {}

#[test]
fn a_schema_can_be_shared() {
    is_shareable::<Schema>();
}

#[test]
fn a_schema_that_is_too_large_is_refused() {
    let long = format!(r#"{{"title": "{}"}}"#, "a".repeat(SCHEMA_BYTES));
    assert!(compile(&long).unwrap_err().message.contains("bytes"));
    let deep = format!("{}true{}", r#"{"not":"#.repeat(70), "}".repeat(70));
    assert!(compile(&deep).unwrap_err().message.contains("too deep"));
    for text in ["", "{", r#"{"type": "string", "type": "object"}"#, "{} {}", "\u{feff}{}"] {
        let fault = compile(text).unwrap_err();
        assert!(fault.message.starts_with("the schema has "), "{fault}");
    }
}

#[cfg(not(feature = "full-schema"))]
#[test]
fn more_schemas_or_steps_than_are_allowed_are_refused() {
    use crate::schema::{SCHEMA_INSTRUCTIONS, SCHEMA_NODES};
    let many = format!(r#"{{"allOf": [{}]}}"#, vec!["true"; SCHEMA_NODES].join(","));
    assert!(compile(&many).unwrap_err().message.contains("more than"));
    let patterns = vec![r#"{"pattern": "^[a-z]{4000}$"}"#; SCHEMA_INSTRUCTIONS / 4000 + 1];
    let fault = compile(&format!(r#"{{"allOf": [{}]}}"#, patterns.join(","))).unwrap_err();
    assert!(fault.message.contains("all patterns"), "{fault}");
}

#[cfg(not(feature = "full-schema"))]
#[test]
fn work_that_explodes_is_undecidable() {
    // Each level asks the next one twice: 2^20 judgements of one leaf.
    let levels: Vec<String> = (0..20)
        .map(|n| format!(r##""l{n}": {{"oneOf": [{{"$ref": "#/$defs/l{0}"}}, {{"$ref": "#/$defs/l{0}"}}]}}"##, n + 1))
        .collect();
    let schema = format!(r##"{{"$ref": "#/$defs/l0", "$defs": {{{}, "l20": false}}}}"##, levels.join(","));
    assert_eq!(judge(&schema, "1"), Verdict::Undecidable(Undecidable::Work));

    let long = format!("\"{}\"", "a".repeat(900_000));
    assert_eq!(judge(r#"{"pattern": "^(a?){50}b"}"#, &long), Verdict::Undecidable(Undecidable::Work));
    assert_eq!(judge(r#"{"not": {"pattern": "^(a?){50}b"}}"#, &long), Verdict::Undecidable(Undecidable::Work));
    assert_eq!(judge(r#"{"maxLength": 1000000}"#, &long), Verdict::Valid);
}

#[cfg(not(feature = "full-schema"))]
#[test]
fn nesting_that_is_too_deep_is_undecidable() {
    let chain: Vec<String> = (0..300).map(|n| format!(r##""c{n}": {{"$ref": "#/$defs/c{}"}}"##, n + 1)).collect();
    let schema = format!(r##"{{"$ref": "#/$defs/c0", "$defs": {{{}, "c300": true}}}}"##, chain.join(","));
    assert_eq!(judge(&schema, "1"), Verdict::Undecidable(Undecidable::Depth));
}

#[cfg(not(feature = "full-schema"))]
#[test]
fn a_number_beyond_reach_is_undecidable() {
    for schema in [r#"{"maximum": 1}"#, r#"{"const": 1}"#, r#"{"type": "integer"}"#] {
        assert_eq!(judge(schema, "1e999999999999999999"), Verdict::Undecidable(Undecidable::Number), "{schema}");
    }
    assert_eq!(judge(r#"{"type": "number"}"#, "1e999999999999999999"), Verdict::Valid);
}

#[test]
fn what_is_no_json_is_undecidable() {
    let schema = compile("true").unwrap();
    assert_eq!(schema.judge(b"", &()), Verdict::Undecidable(Undecidable::Unreadable));
}

#[cfg(feature = "full-schema")]
#[test]
fn references_that_go_round_in_circles_end() {
    let fault = compile(r##"{"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#"}}}}"##).unwrap_err();
    assert!(fault.message.contains("comes back to itself"), "{fault}");
    for schema in [
        r##"{"$id": "http://example.com/a", "$ref": "#"}"##,
        r##"{"$dynamicAnchor": "a", "$dynamicRef": "#a"}"##,
        r##"{"$id": "http://example.com/a", "anyOf": [{"$ref": "b"}, {"$id": "b", "$ref": "a"}]}"##,
    ] {
        // The other crate goes round once.
        assert_eq!(compile(schema).unwrap().judge(b"1", &()), Verdict::Valid, "{schema}");
    }
}

#[cfg(feature = "full-schema")]
#[test]
fn keys_look_alike_whatever_is_referred_to() {
    let schema = r##"{"$defs": {"a": {"$anchor": "here", "properties": {"amount": {"maximum": 1}}}}, "items": {"$ref": "#here"}}"##;
    let Verdict::Invalid(miss) = compile(schema).unwrap().judge(br#"[{"Amount": 2}]"#, &()) else { panic!() };
    assert_eq!((miss.kind, miss.pointer.as_str()), (crate::schema::MissKind::LooksAlike, "/0/Amount"));
}
