//! `tidegate diff` as it is typed.

use std::fs;

use serde_json::Value;

use crate::typed::{DEMO, Written, altered, capture, code, json, stderr, stdout, tidegate};

fn diff(arguments: &[&str]) -> (i32, String, String) {
    let output = tidegate(&[&["diff"][..], arguments].concat());
    (code(&output), stdout(&output), stderr(&output))
}

#[test]
fn another_form_of_the_same_policy_is_no_change() {
    let reformatted = altered(|text| {
        let mut policy: Value = serde_json::from_str(&text).unwrap();
        policy["rules"].as_array_mut().unwrap().reverse();
        policy["revision"] = 2.into();
        serde_json::to_string(&policy).unwrap()
    });
    let (code, text, error) = diff(&["--fail-on", "wider", DEMO, reformatted.path()]);
    assert_eq!(code, 0, "{text}{error}");
    assert!(!text.contains("newly"), "{text}");
    let same = diff(&[DEMO, DEMO]);
    assert_eq!(same.0, 0);
    assert!(same.1.contains("decide alike"), "{}", same.1);
}

#[test]
fn what_changes_for_whom_is_told() {
    let policy = altered(|text| {
        text.replace(r#""deny": { "tools": ["delete_*"] }"#, r#""deny": { "tools": ["delete_*", "issue_*"] }"#)
    });
    let (code, text, _) = diff(&[DEMO, policy.path()]);
    assert_eq!(code, 1);
    assert!(text.contains("team finance: newly refused on billing: issue_refund"), "{text}");
    assert!(text.contains("now:    refused by no-deletes (denied_by_rule)"), "{text}");
    assert_eq!(diff(&["--fail-on", "wider", DEMO, policy.path()]).0, 0, "only less is allowed");
    assert_eq!(diff(&["--fail-on", "wider", policy.path(), DEMO]).0, 1, "the way back allows more");
    let json = json(&tidegate(&["diff", "--format", "json", policy.path(), DEMO]));
    assert_eq!(json["allows_more"], true);
    let change = json["changes"].as_array().unwrap().iter().find(|it| it["callers"] == "team finance").unwrap();
    assert_eq!((&change["kind"], &change["direction"]), (&"newly allowed".into(), &"wider".into()));
    assert_eq!(change["what"][0], "issue_refund");
}

#[test]
fn captures_lend_patterns_their_names() {
    let policy = altered(|text| text.replace(r#""billing/get_*", "#, ""));
    let (code, text, _) = diff(&["--capture", &capture("rmcp-modern.jsonl"), DEMO, policy.path()]);
    assert_eq!(code, 1);
    assert!(text.contains("team finance: newly refused on billing: get_* (get_customer"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_said_and_exits_with_2() {
    let broken = altered(|text| text.replace("\"rules\"", "\"ruels\""));
    let lock = Written::new("tidegate.lock.json", &fs::read_to_string(DEMO).unwrap());
    for (path, expected) in [
        (broken.path(), "is not a policy that can run"),
        (lock.path(), "is a lock, and only policies are compared"),
        ("/nowhere/policy.json", "cannot read /nowhere/policy.json"),
    ] {
        let (code, text, error) = diff(&[DEMO, path]);
        assert_eq!((code, text.as_str()), (2, ""), "{path}");
        assert!(error.contains(expected), "{error}");
    }
    assert!(diff(&["--now", "tomorrow", DEMO, DEMO]).2.contains("is not a time"));
}
