use proptest::prelude::*;

use super::{caller, compile, sets};
use crate::json::{self, Limits};
use crate::schema::{Schema, Verdict};

/// JSON that leans towards what schemas look like.
fn document() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(super::super::vocabulary::KEYWORDS),
        prop::sample::select(vec![
            "a",
            "A",
            "b",
            "string",
            "object",
            "#",
            "#/$defs/a",
            "^a*$",
            "[",
            "ipv4",
            "sets.none"
        ]),
    ];
    let key = word.prop_map(|word| format!("\"{word}\""));
    let text = "[ -~é\u{1f600}\\PC]{0,8}".prop_map(|text| {
        let mut out = Vec::new();
        json::write_string(&mut out, &text);
        String::from_utf8(out).unwrap()
    });
    let number = prop_oneof![
        Just("1e400".to_owned()),
        Just("-0.0".to_owned()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,20})?",
        any::<i8>().prop_map(|it| it.to_string()),
    ];
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
        number,
        key.clone(),
        text,
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,"))),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|members| {
                let members: Vec<String> = members.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) })]

    #[test]
    fn compiling_and_judging_never_panics(schema in document(), instance in document()) {
        let checked = json::check(instance.as_bytes(), Limits::default(), &mut ());
        if let Ok(schema) = Schema::compile(schema.as_bytes(), &sets()) {
            let verdict = schema.judge(instance.as_bytes(), &caller());
            let _ = schema.narrowing();
            if let (Verdict::Invalid(miss), Ok(())) = (&verdict, checked) {
                // The pointer leads somewhere, or to the key that is at fault.
                let whole = miss.pointer.ends_with('…') || json::locate(instance.as_bytes(), &miss.pointer).is_some();
                prop_assert!(whole, "{miss:?}");
            }
            prop_assert_eq!(schema.judge(instance.as_bytes(), &caller()), verdict);
        }
    }

    #[test]
    fn any_bytes_are_taken(schema in prop::collection::vec(any::<u8>(), 0..40), instance in "\\PC{0,30}") {
        let _ = Schema::compile(&schema, &sets());
        let rules = r#"{"type": "object", "properties": {"a": {"pattern": "a"}}, "patternProperties": {"b": {"items": {"const": 1}}}, "propertyNames": true, "uniqueItems": true}"#;
        let _ = compile(rules).unwrap().judge(instance.as_bytes(), &caller());
    }

    #[test]
    fn any_pattern_is_refused_or_linear(
        pattern in "[ab.|()*+?{}0-9,\\\\^$\\[\\]-]{0,24}",
        text in "[ab0-9]{0,30}",
    ) {
        use crate::schema::regex::Regex;
        use crate::schema::work::Work;
        if let Ok(regex) = Regex::new(&pattern) {
            let bound = (text.chars().count() + 1) * (2 * regex.len() + 2);
            prop_assert!(regex.matches(&text, &mut Work::new(bound)).is_ok());
            // Without regard for case everything matches that matches with it, negated classes apart.
            let as_it_is = regex.matches(&text, &mut Work::new(bound)).unwrap();
            prop_assert!(pattern.contains(['[', '\\']) || !as_it_is || regex.matches_folded(&text, &mut Work::new(bound)).unwrap());
        }
    }
}
