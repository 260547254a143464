//! Policies that redact.

use serde_json::{Value, json};

use super::Site;

/// Everything but a few tools, so that nothing but a secret is in the way.
pub(super) fn rules() -> Value {
    json!([
        {"id": "all", "allow": {
            "tools": ["*"], "resources": ["*"], "prompts": ["*"],
            "methods": ["elicitation/create", "sampling/createMessage", "logging/setLevel", "x/*"],
        }},
        {"id": "no-deletes", "deny": {"tools": ["delete_*"]}},
    ])
}

/// The site's `redaction`.
pub(super) fn of(site: Site) -> Value {
    match site {
        Site::RedactingShadow => json!({"mode": "shadow"}),
        Site::Blocking => json!({"responses": "block"}),
        Site::Choosy => json!({
            "detectors": ["default", "personal", "!slack-bot-token"],
            "keys": ["door_code"],
            "patterns": [{
                "name": "acme-ticket", "pattern": "ACME-[0-9]{8}",
                "examples": ["ACME-20261123"], "passes": ["ACME-1234"],
            }],
            "requests": "mask",
            "strategies": {
                "github-pat": {"responses": "mask"},
                "gitlab-pat": {"responses": "hash"},
                "acme-ticket": {"requests": "block"},
            },
            "allow": [
                {"tools": ["keyring_*"], "detectors": ["aws-access-key-id"]},
                {"paths": ["*/sha"]},
                {"detectors": ["digitalocean-pat"], "paths": ["/result/structuredContent/*"]},
            ],
            "hidden_text": {"definitions": "refuse", "results": "strip"},
        }),
        _ => json!({}),
    }
}
