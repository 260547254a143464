//! `tidegate diff` as it is typed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests state what must hold"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/demo.json");
const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/captures/rmcp-modern.jsonl");

fn diff(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_tidegate")).arg("diff").args(arguments).output().unwrap();
    let words = String::from_utf8(stderr).unwrap();
    let words = words.split_whitespace().filter(|it| *it != "│").collect::<Vec<_>>().join(" ");
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), words)
}

/// The demo's policy, changed; removed when the test ends.
struct Altered(PathBuf);

impl Altered {
    fn new(name: &str, change: impl FnOnce(String) -> String) -> Self {
        let path = std::env::temp_dir().join(format!("tidegate-diff-{}-{name}", std::process::id()));
        let text = fs::read_to_string(DEMO).unwrap();
        let changed = change(text.clone());
        assert_ne!(text, changed);
        fs::write(&path, changed).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Altered {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn another_form_of_the_same_policy_is_no_change() {
    let reformatted = Altered::new("form.json", |text| {
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
    let altered = Altered::new("who.json", |text| {
        text.replace(r#""deny": { "tools": ["delete_*"] }"#, r#""deny": { "tools": ["delete_*", "issue_*"] }"#)
    });
    let (code, text, _) = diff(&[DEMO, altered.path()]);
    assert_eq!(code, 1);
    assert!(text.contains("team finance: newly refused on billing: issue_refund"), "{text}");
    assert!(text.contains("now:    refused by no-deletes (denied_by_rule)"), "{text}");
    assert_eq!(diff(&["--fail-on", "wider", DEMO, altered.path()]).0, 0, "only less is allowed");
    assert_eq!(diff(&["--fail-on", "wider", altered.path(), DEMO]).0, 1, "the way back allows more");
    let (_, json, _) = diff(&["--format", "json", altered.path(), DEMO]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["allows_more"], true);
    let change = json["changes"].as_array().unwrap().iter().find(|it| it["callers"] == "team finance").unwrap();
    assert_eq!((&change["kind"], &change["direction"]), (&"newly allowed".into(), &"wider".into()));
    assert_eq!(change["what"][0], "issue_refund");
}

#[test]
fn captures_lend_patterns_their_names() {
    let altered = Altered::new("names.json", |text| text.replace(r#""billing/get_*", "#, ""));
    let (code, text, _) = diff(&["--capture", CAPTURE, DEMO, altered.path()]);
    assert_eq!(code, 1);
    assert!(text.contains("team finance: newly refused on billing: get_* (get_customer"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_said_and_exits_with_2() {
    let broken = Altered::new("broken.json", |text| text.replace("\"rules\"", "\"ruels\""));
    let lock = Altered::new("tidegate.lock.json", |text| text + " ");
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
