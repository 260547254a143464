mod costs;
mod diagnostics;
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

use super::{Compiled, Diagnostic, Diagnostics, check};

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
    check(text.as_bytes(), NOW).unwrap_or_else(|errors| panic!("{}", errors.render(text.as_bytes(), "policy")))
}

fn errors(policy: &Value) -> Vec<Diagnostic> {
    let Diagnostics(errors) = check(policy.to_string().as_bytes(), NOW).expect_err("the policy must be refused");
    errors
}

/// Code and pointer of each.
fn brief(diagnostics: &[Diagnostic]) -> Vec<(&str, &str)> {
    diagnostics.iter().map(|diagnostic| (diagnostic.code, diagnostic.pointer.as_str())).collect()
}
