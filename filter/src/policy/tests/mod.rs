mod allowances;
mod costs;
mod coverage;
mod diagnostics;
mod faults;
mod later;
mod lints;
mod paths;
mod quota_lints;
mod quotas;
mod redaction;
mod registries;
mod schema;
mod values;

use serde_json::{Value, json};

use super::{Compiled, Diagnostic, Diagnostics, LINTS, check};

/// 2026-11-23T12:00:00Z
const NOW: i64 = 1_795_435_200;

fn base() -> Value {
    json!({
        "version": "tidegate/v1",
        "name": "test",
        "identity": { "sources": [{ "jwt": {
            "issuer": "https://idp.example.com", "team": "team", "groups": "groups", "scopes": "scope", "agent": "azp"
        } }] },
        "servers": [
            { "name": "github", "match": { "path": "/mcp/github" } },
            { "name": "billing", "match": { "path": "/mcp/billing" } }
        ],
        "rules": [{ "id": "r", "allow": { "tools": ["github/get_*"] } }],
        "redaction": { "detectors": ["private-keys"] }
    })
}

/// The base policy with the value at a pointer put in, which may be a new key or one past a list's end.
fn with(pointer: &str, value: Value) -> Value {
    let mut policy = base();
    put(&mut policy, pointer, value);
    policy
}

fn put(policy: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match policy.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} of {pointer}")) {
        Value::Array(list) => match key.parse::<usize>().unwrap() {
            at if at == list.len() => list.push(value),
            at => list[at] = value,
        },
        Value::Object(members) => drop(members.insert(key.to_owned(), value)),
        other => panic!("{parent} is {other}"),
    }
}

fn compiled(policy: &Value) -> Compiled {
    let text = policy.to_string();
    let compiled =
        check(text.as_bytes(), NOW).unwrap_or_else(|errors| panic!("{}", errors.render(text.as_bytes(), "policy")));
    for warning in &compiled.warnings {
        assert!(LINTS.iter().any(|lint| lint.name == warning.code), "{} is in no catalogue", warning.code);
    }
    assert_useful(&compiled.warnings, &text);
    compiled
}

fn errors(policy: &Value) -> Vec<Diagnostic> {
    let text = policy.to_string();
    let Diagnostics(errors) = check(text.as_bytes(), NOW).expect_err("the policy must be refused");
    assert_useful(&errors, &text);
    errors
}

/// What every finding of every test must have: a place in the document, a picture of it and something to do about it.
fn assert_useful(findings: &[Diagnostic], text: &str) {
    let document: Value = serde_json::from_str(text).unwrap();
    for finding in findings {
        let Diagnostic { pointer, span, line, column, help, message, code, .. } = finding;
        assert!(document.pointer(pointer).is_some(), "{code} at {pointer}: no such place");
        assert!(span.start < span.end && span.end <= text.len(), "{code} at {pointer}: {span:?}");
        let before = text.get(..span.start).unwrap();
        assert_eq!((*line, *column), (1, before.chars().count() + 1), "{code} at {pointer}");
        assert!(!message.is_empty(), "{code} at {pointer}");
        assert!(help.as_ref().is_some_and(|help| !help.is_empty()), "{code} at {pointer}: nothing to do about it");
        let mut picture = String::new();
        finding.render(text.as_bytes(), "policy.json", &mut picture);
        assert!(picture.contains('^') && picture.contains("policy.json:1:"), "{picture}");
    }
}

/// Code and pointer of each.
fn brief(diagnostics: &[Diagnostic]) -> Vec<(&str, &str)> {
    diagnostics.iter().map(|diagnostic| (diagnostic.code, diagnostic.pointer.as_str())).collect()
}
