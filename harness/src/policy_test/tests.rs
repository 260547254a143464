use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tidegate_filter::policy::{Diagnostic, Reason};

use super::read::{REACHED, VERDICTS};
use super::{TestFile, keys, read};

const SCHEMA: &str = include_str!("../../../policies/test.schema.json");
const SHIPPED: [&str; 2] =
    [include_str!("../../../policies/demo.test.json"), include_str!("../../../policies/starter.test.json")];

fn reading(source: &str) -> Result<TestFile, Vec<Diagnostic>> {
    read(Path::new("dir/p.test.json"), source.as_bytes().to_vec()).map_err(|(_, errors)| errors)
}

/// A file with one test of these members.
fn one(members: &str) -> String {
    format!("{{\"tests\": [{{\"name\": \"n\", {members}}}]}}")
}

#[test]
fn the_schema_has_the_keys_that_the_reader_has() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for table in keys::ALL {
        let definition = &schema["$defs"][table.name];
        let published: BTreeSet<&str> =
            definition["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let known: BTreeSet<&str> = table.known.iter().copied().collect();
        assert_eq!(published, known, "{}", table.name);
        assert_eq!(definition["additionalProperties"], false, "{}", table.name);
        for (key, property) in definition["properties"].as_object().unwrap() {
            assert!(property["description"].is_string() || property["$ref"].is_string(), "{}.{key}", table.name);
        }
    }
    let words = |key: &str| schema["$defs"]["expect"]["properties"][key]["enum"].clone();
    assert_eq!((words("verdict"), words("sent")), (json!(VERDICTS), json!(REACHED)));
    let reasons: Vec<Value> = Reason::ALL.iter().map(|it| it.as_str().into()).chain([Value::Null]).collect();
    assert_eq!(words("reason"), json!(reasons));
}

#[test]
fn the_schema_accepts_what_ships_and_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    for shipped in SHIPPED {
        let document: Value = serde_json::from_str(shipped).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|it| format!("{it} {}", it.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
        reading(shipped).unwrap();
    }
    for wrong in [
        r#"{"tests": []}"#.to_owned(),
        one(r#""tool": "a", "expect": {}"#),
        one(r#""tool": "a", "expect": {"verdict": "alow"}"#),
        one(r#""tool": "a", "expect": {"verdict": "allow"}, "repeat": 0"#),
        one(r#""tool": "a", "expekt": {"verdict": "allow"}"#),
        one(r#""tool": "a""#),
        one(r#""principal": {}, "tool": "a", "expect": {"verdict": "allow"}"#),
    ] {
        assert!(!validator.is_valid(&serde_json::from_str(&wrong).unwrap()), "{wrong}");
        assert!(reading(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_fault_is_told_with_its_place_and_the_remedy() {
    let source = "{\n  \"tests\": [\n    {\"nmae\": \"a\", \"tool\": \"t\", \"expect\": {\"verdit\": \"allow\"}},\n    \
                  {\"name\": \"b\", \"tool\": \"t\", \"method\": \"m\", \"expect\": {\"reason\": \"read-only\"}}\n  ]\n}";
    let told: Vec<(usize, usize, String, String)> = reading(source)
        .unwrap_err()
        .into_iter()
        .map(|it| (it.line, it.column, it.message, it.help.unwrap_or_default()))
        .collect();
    let has = |line: usize, message: &str, help: &str| {
        let found = told.iter().any(|it| it.0 == line && it.2 == message && it.3.contains(help));
        assert!(found, "{message}: {told:#?}");
    };
    has(3, "unknown key `nmae`", "did you mean `name`?");
    has(3, "unknown key `verdit`", "did you mean `verdict`?");
    has(4, "`method` beside `tool`", "keep one");
    has(4, "`read-only` is not a value of this key", "did you mean `read_only`?");
    assert_eq!(told.iter().find(|it| it.2.contains("nmae")).map(|it| it.1), Some(6));
}

#[test]
fn broken_json_is_told_with_its_byte() {
    let errors = reading("{\"tests\": [,]}").unwrap_err();
    assert!(errors[0].message.ends_with("at byte 11"), "{}", errors[0].message);
    let twice = reading("{\"tests\": [], \"tests\": []}").unwrap_err();
    assert_eq!(twice[0].code, "duplicate_key");
}

#[test]
fn a_message_takes_what_it_does_not_say_from_its_test_and_that_from_the_defaults() {
    let source = r#"{"defaults": {"principal": {"subject": "ada"}, "server": "a", "headers": {"X-A": "1", "x-b": "2"}},
        "tests": [{"name": "n", "url": "/x", "messages": [
            {"tool": "t", "headers": {"x-a": null}, "expect": {"verdict": "allow"}},
            {"tool": "t", "principal": "anonymous", "server": "b", "expect": {"verdict": "allow"}}]}]}"#;
    let file = reading(source).unwrap();
    assert_eq!(file.policy, Path::new("dir/p.json"));
    let [first, second] = file.tests[0].messages.as_slice() else { panic!("two messages") };
    let (first, second) = (&first.circumstances, &second.circumstances);
    assert_eq!(first.principal.as_ref().unwrap().claims, ["subject=ada"]);
    assert_eq!((first.server.is_none(), first.url.as_ref().unwrap().0.as_str()), (true, "/x"));
    assert_eq!(first.headers, [("x-b".to_owned(), Some("2".to_owned())), ("x-a".to_owned(), None)]);
    assert!(second.principal.as_ref().unwrap().claims.is_empty());
    assert_eq!((second.server.as_ref().unwrap().0.as_str(), second.url.is_none()), ("b", true));
}
