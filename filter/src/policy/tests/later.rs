//! What later versions will have is refused by name.

use serde_json::json;

use super::super::{compile, keys};
use super::{base, brief, errors, put, with};

/// Every key that a later version owns is refused by name wherever it stands.
#[test]
fn keys_of_later_versions_are_refused() {
    let places = [
        (&keys::POLICY, ""),
        (&keys::SERVER, "/servers/0"),
        (&keys::RULE, "/rules/0"),
        (&keys::TARGET, "/rules/0/allow"),
        (&keys::ON, "/on"),
        (&keys::REGISTRY, "/registries/0"),
    ];
    for (table, place) in places {
        for key in table.later {
            let mut policy = with("/on", json!({}));
            put(&mut policy, "/registries", json!([{ "name": "r" }]));
            let pointer = format!("{place}/{key}");
            put(&mut policy, &pointer, json!({}));
            let found = errors(&policy);
            assert_eq!(brief(&found), [("not_yet", pointer.as_str())]);
            assert_eq!(found[0].message, format!("`{key}` is not supported by this version of Tidegate"));
        }
    }
    for key in keys::HOST.later {
        let found = errors(&json!({ "host": { *key: {} }, "layers": [base()] }));
        assert_eq!(brief(&found), [("not_yet", format!("/host/{key}").as_str())]);
    }
}

/// A policy that uses everything later versions will have: every part that this version lacks is named, and nothing else
/// is wrong with it.
#[test]
fn a_policy_of_a_later_version_is_refused_for_what_is_missing_alone() {
    let text = r#"{
  "version": "tidegate/v1",
  "name": "production",
  "revision": 41,
  "mode": "enforce",
  "identity": {
    "sources": [
      { "jwt": { "issuer": "https://idp.example.com", "subject": "sub", "team": "team", "groups": "groups", "scopes": "scope", "agent": "azp" } },
      { "spiffe": { "subject": "id" } }
    ],
    "anonymous": "deny"
  },
  "registries": [
    { "name": "production", "auto_upgrade": false, "approval_required": true, "multiple_approvers": true },
    { "name": "production-data", "parent": "production", "owners": ["data-team"] }
  ],
  "servers": [
    { "name": "github",  "match": { "path": "/mcp/github" },  "registry": "production" },
    { "name": "billing", "match": { "path": "/mcp/billing" }, "registry": "production-data", "mode": "shadow" }
  ],
  "sets": { "our-repos": ["acme/api", "acme/web"] },
  "rules": [
    { "id": "read-code",     "allow": { "tools": ["github/get_*", "github/list_*", "github/search_*"] } },
    { "id": "small-refunds", "allow": { "tools": ["billing/refund"] }, "who": { "team": ["finance"] }, "write": true,
      "arguments": { "properties": { "amount": { "type": "number", "minimum": 0, "maximum": 500 } }, "required": ["amount"] } },
    { "id": "large-refunds", "allow": { "tools": ["billing/refund"] }, "who": { "team": ["finance"] }, "write": true,
      "approval": { "count": 2, "from": ["group:finance-leads"], "not_requester": true } },
    { "id": "on-call",       "allow": { "tools": ["restart_*"] }, "who": { "groups": ["sre"] }, "write": true,
      "not_before": "2026-12-01T00:00:00Z", "expires": "2026-12-08T00:00:00Z" },
    { "id": "no-deletes",    "deny": { "tools": ["delete_*", "drop_*"] }, "advice": "Deletion is done by the platform team." }
  ],
  "read_only": { "enabled": true, "reads": ["get_*", "list_*", "search_*", "read_*"] },
  "redaction": { "detectors": "default", "keys": ["password", "api_key"], "requests": "block", "responses": "replace",
                 "allow": [{ "tools": ["get_commit"], "detectors": ["aws-access-key-id"] }] },
  "quotas": [
    { "id": "per-agent",  "limit": 60,  "window": "1m", "by": ["subject"] },
    { "id": "searches",   "limit": 500, "window": "1h", "by": ["team", "tool"], "tools": ["search_*"], "scope": "global", "on_store_error": "deny" }
  ],
  "costs": [{ "tools": ["search_*"], "per_call": "$0.02" }],
  "cost_controls": {
    "team_budgets": { "platform": "$5000/month", "data": "$3000/month" },
    "approval_thresholds": { "single_request": "$10", "hourly_spend": "$100", "daily_spend": "$500" },
    "optimization": { "cache_ttl": "3600s", "model_routing": "cost_optimized" }
  },
  "limits": { "request_bytes": 4194304, "list_bytes": 4194304, "event_bytes": 1048576, "depth": 64, "buffered_bytes_per_worker": 268435456, "buffered_bytes_per_principal": 33554432 },
  "on": { "server_unknown": "deny", "unknown_method": "deny", "unreadable_response": "deny", "oversize_event": "deny", "lock_missing": "deny" },
  "audit": { "arguments": "keys", "allowed": true }
}"#;
    let text = format!(r#"{{ "host": {{ "stores": {{ "global": {{ "cluster": "r" }} }} }}, "layers": [{text}] }}"#);
    let found = compile(text.as_bytes()).unwrap_err().0;
    assert!(found.iter().all(|error| error.code == "not_yet"), "{:?}", brief(&found));
    let pointers: Vec<_> = found.iter().map(|error| error.pointer.as_str()).collect();
    let expected = [
        "/layers/0/registries/0/auto_upgrade",
        "/layers/0/registries/0/approval_required",
        "/layers/0/registries/0/multiple_approvers",
        "/layers/0/registries/1/owners",
        "/layers/0/rules/2/approval",
        "/layers/0/on/lock_missing",
    ];
    assert_eq!(pointers, expected);
}
