// `json!(…)` literals read best when they are handed over.
#![allow(clippy::needless_pass_by_value)]

mod agreement;
mod identity;
mod route;
mod rules;

use serde_json::{Value, json};

use super::access::{self as access, Caller, Verdict};
use super::identity::{Principal, Source};
use crate::policy::{Noun, Policy, compile};

/// A policy with the servers `a` at `/a` and `b` at `/b`, and callers by JWT, with other keys put in or replaced.
fn policy(more: &Value) -> Policy {
    let mut document = json!({
        "version": "tidegate/v1",
        "name": "test",
        "identity": { "sources": [{ "jwt": { "issuer": "https://idp.example.com" } }] },
        "servers": [{ "name": "a", "match": { "path": "/a" } }, { "name": "b", "match": { "path": "/b" } }],
        "rules": []
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let text = document.to_string();
    let compiled =
        compile(text.as_bytes()).unwrap_or_else(|errors| panic!("{}", errors.render(text.as_bytes(), "policy")));
    compiled.configuration.policy
}

fn call_tool<'p>(policy: &'p Policy, caller: &Caller<'_>, tool: &str) -> Verdict<'p> {
    access::access(policy, caller, Noun::Tool, tool, Some(b"{}"))
}

fn principal() -> Principal {
    Principal {
        subject: "alice".to_owned(),
        issuer: Some("https://idp.example.com".to_owned()),
        team: Some("finance".to_owned()),
        groups: vec!["sre".to_owned(), "leads".to_owned()],
        scopes: vec!["mcp:read".to_owned()],
        agent: Some("bot".to_owned()),
        workload: Some("spiffe://example.com/gw".to_owned()),
        source: Source::Jwt,
    }
}
