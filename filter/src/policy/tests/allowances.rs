//! Lints that a policy allows.

use serde_json::{Value, json};

use super::super::{Compiled, check, compile};
use super::{NOW, brief, compiled, errors, put, with};

/// A policy that fails open in two cases, with these entries of `lint.allow`.
fn open(allow: &[Value]) -> Value {
    let mut policy = with("/on", json!({ "server_unknown": "allow", "oversize_list": "allow" }));
    put(&mut policy, "/lint", json!({ "allow": allow }));
    policy
}

#[test]
fn an_allowed_lint_is_no_warning_and_keeps_its_reason() {
    let policy = open(&[json!({ "lint": "fail_open", "at": "/on/server_unknown", "reason": "health checks" })]);
    let Compiled { warnings, allowed, .. } = compiled(&policy);
    assert_eq!(brief(&warnings), [("fail_open", "/on/oversize_list")]);
    let [allowed] = allowed.as_slice() else { panic!("{allowed:?}") };
    assert_eq!((allowed.finding.pointer.as_str(), allowed.reason.as_str()), ("/on/server_unknown", "health checks"));
    assert_eq!(allowed.expires, None);

    let everywhere = open(&[json!({ "lint": "fail_open", "reason": "a test" })]);
    assert_eq!((compiled(&everywhere).warnings, compiled(&everywhere).allowed.len()), (vec![], 2));
    let below = open(&[json!({ "lint": "fail_open", "at": "/on", "reason": "a test" })]);
    assert_eq!((compiled(&below).warnings, compiled(&below).allowed.len()), (vec![], 2));
}

/// `/on/server` is not above `/on/server_unknown`, and a lint of another name is another lint.
#[test]
fn an_allowance_that_allows_nothing_is_a_warning() {
    for entry in [
        json!({ "lint": "fail_open", "at": "/on/server", "reason": "a test" }),
        json!({ "lint": "shadow_policy", "reason": "a test" }),
        json!({ "lint": "unused_allowance", "reason": "a test" }),
    ] {
        let compiled = compiled(&open(std::slice::from_ref(&entry)));
        assert_eq!(compiled.allowed, [], "{entry}");
        let mut codes: Vec<&str> = compiled.warnings.iter().map(|it| it.code).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["fail_open", "fail_open", "unused_allowance"], "{entry}");
    }
}

#[test]
fn an_allowance_that_has_expired_counts_no_more() {
    let until = |time: &str| open(&[json!({ "lint": "fail_open", "reason": "a test", "expires": time })]);
    let over = compiled(&until("2026-11-23T12:00:00Z"));
    assert_eq!((over.allowed.len(), over.warnings.len()), (0, 3));
    assert!(over.warnings.iter().any(|it| it.message.contains("has expired")), "{:?}", over.warnings);
    let not_yet = until("2026-11-23T12:00:01Z");
    assert_eq!((compiled(&not_yet).allowed.len(), compiled(&not_yet).warnings.len()), (2, 0));
    // Envoy has no clock at load: it says what may no longer be allowed.
    assert_eq!(compile(not_yet.to_string().as_bytes()).unwrap().warnings.len(), 2);
}

#[test]
fn envoy_is_not_told_what_is_allowed() {
    let policy = open(&[json!({ "lint": "fail_open", "reason": "a test" })]).to_string();
    let Compiled { warnings, allowed, .. } = compile(policy.as_bytes()).unwrap();
    assert_eq!((warnings.len(), allowed.len()), (0, 2));
    let unused = open(&[json!({ "lint": "shadow_policy", "reason": "a test" })]).to_string();
    assert_eq!(compile(unused.as_bytes()).unwrap().warnings.len(), 2, "what is unused needs all lints");
}

#[test]
fn in_a_plugin_configuration_the_pointer_is_the_policys_or_the_documents() {
    for at in ["/on", "/layers/0/on", "/layers"] {
        let policy = open(&[json!({ "lint": "fail_open", "at": at, "reason": "a test" })]);
        let text = json!({ "host": {}, "layers": [policy] }).to_string();
        assert_eq!(check(text.as_bytes(), NOW).unwrap().warnings, [], "{at}");
    }
    let policy = with("/lint", json!({ "allow": [{ "lint": "audit_off", "at": "/host", "reason": "a test" }] }));
    let text = json!({ "host": { "audit": { "sink": "none" } }, "layers": [policy] }).to_string();
    let compiled = check(text.as_bytes(), NOW).unwrap();
    assert_eq!((compiled.warnings.len(), compiled.allowed.len()), (0, 1));
}

#[test]
fn faults_of_allowances() {
    // (entry, code, pointer, part of the help)
    let table: &[(Value, &str, &str, &str)] = &[
        (
            json!({ "lint": "fail-opn", "reason": "a" }),
            "unknown_lint",
            "/lint/allow/0/lint",
            "did you mean `fail_open`?",
        ),
        (json!({ "lint": "qqqqqqqqqqqq", "reason": "a" }), "unknown_lint", "/lint/allow/0/lint", "check --lints"),
        (json!({ "lint": "fail_open" }), "missing_key", "/lint/allow/0", "\"reason\""),
        (json!({ "reason": "a" }), "missing_key", "/lint/allow/0", "\"lint\""),
        (json!({ "lint": "fail_open", "reason": "" }), "empty", "/lint/allow/0/reason", ""),
        (json!({ "lint": "fail_open", "reason": " \t" }), "empty", "/lint/allow/0/reason", "why this is right"),
        (json!({ "lint": "fail_open", "reason": 1 }), "wrong_type", "/lint/allow/0/reason", "double quotes"),
        (
            json!({ "lint": "fail_open", "reason": "a", "at": "on" }),
            "invalid_value",
            "/lint/allow/0/at",
            "JSON pointer",
        ),
        (json!({ "lint": "fail_open", "reason": "a", "expires": "soon" }), "bad_time", "/lint/allow/0/expires", ""),
        (json!({ "lint": "fail_open", "reasn": "a" }), "unknown_key", "/lint/allow/0/reasn", "did you mean `reason`?"),
    ];
    for (entry, code, pointer, help) in table {
        let errors = errors(&open(std::slice::from_ref(entry)));
        let found = errors.iter().find(|it| (it.code, it.pointer.as_str()) == (*code, *pointer));
        let found = found.unwrap_or_else(|| panic!("{entry}: {:?}", brief(&errors)));
        assert!(found.help.as_ref().unwrap().contains(help), "{found:?}");
    }
    assert_eq!(brief(&errors(&with("/lint", json!({ "allow": [] })))), [("empty", "/lint/allow")]);
    assert_eq!(brief(&errors(&with("/lint", json!({})))), [("missing_key", "/lint")]);
}
