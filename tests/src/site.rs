//! The policies that the tests' listeners run.

mod redaction;

use serde_json::{Value, json};
use tidegate::envoy::JwtProvider;

/// One policy, on one listener for each header mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Anonymous callers, rules over tools, shadow and timed rules, an ungoverned and a watched server.
    Main,
    /// Callers known by JWT; nobody else.
    Known,
    /// Callers known by JWT; others are sent to log in.
    Challenge,
    /// Read-only mode.
    ReadOnly,
    /// The whole policy in shadow mode.
    Shadow,
    /// Small limits.
    Small,
    /// Everything that may be let pass is let pass.
    Open,
    /// Envoy's buffers as small as Envoy Gateway makes them.
    Narrow,
    /// Rules over resources, prompts and methods.
    Rules,
    /// Redaction with all its defaults; what servers ask of clients passes.
    Redacting,
    /// The same, in shadow mode.
    RedactingShadow,
    /// Redaction with as many choices as a policy can make.
    Choosy,
    /// Answers with a secret are refused.
    Blocking,
    /// Redaction where members that an `outputSchema` constrains go; calls are audited with their arguments.
    Constrained,
}

/// The two header modes of one binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Request headers wait for the verdict.
    Hold,
    /// Request headers go on at once.
    NoHold,
}

/// Tokens that Envoy's jwt_authn accepts (HS256, no expiry).
pub mod token {
    /// `sub` ada, `team` finance, `groups` leads and sre.
    pub const ADA: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSIsInN1YiI6ImFkYSIsInRlYW0iOiJmaW5hbmNlIiwiZ3JvdXBzIjpbImxlYWRzIiwic3JlIl19.cjByiGvI4OuZMDGSwL0lTuC8rCpoLGIS1FCBi6vrH2M";
    /// `sub` bob, `team` support.
    pub const BOB: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSIsInN1YiI6ImJvYiIsInRlYW0iOiJzdXBwb3J0In0.Rvlm3fujnBD-lK9J5utyme5Mz6ipyDyLWp5zfhQlvZo";
    /// `sub` eve, `team` none: no rule is about her.
    pub const EVE: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSIsInN1YiI6ImV2ZSIsInRlYW0iOiJub25lIn0.38HNijJ9rLF9i7-kDb5nsKnWLCgvzWjTSqM5SbEhuwI";
    /// `sub` odd, and a `team` that is a list.
    pub const ODD: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSIsInN1YiI6Im9kZCIsInRlYW0iOlsiZmluYW5jZSJdfQ.ipqB9rC7tDmwkTXUYwWHDKtSm8kUvcaZEGrCWh7kzUA";
    pub(super) const KEYS: &str =
        r#"{"keys":[{"kty":"oct","alg":"HS256","kid":"k","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}"#;
}

const ISSUER: &str = "https://idp.example.com";

/// Where an anonymous caller of [`Site::Challenge`] is sent.
pub const RESOURCE_METADATA: &str = "https://mcp.example.com/.well-known/oauth-protected-resource";

/// `limits.request_bytes` and `limits.list_bytes` of [`Site::Small`].
pub const SMALL_BYTES: usize = 16 * 1024;
/// `limits.event_bytes` of [`Site::Small`].
pub const SMALL_EVENT: usize = 2048;
/// Envoy's buffer limit on [`Site::Narrow`].
pub const NARROW_BUFFER: u64 = 32 * 1024;

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hold, Self::NoHold];
}

impl Site {
    /// Every site.
    pub const ALL: [Self; 14] = [
        Self::Main,
        Self::Known,
        Self::Challenge,
        Self::ReadOnly,
        Self::Shadow,
        Self::Small,
        Self::Open,
        Self::Narrow,
        Self::Rules,
        Self::Redacting,
        Self::RedactingShadow,
        Self::Choosy,
        Self::Blocking,
        Self::Constrained,
    ];

    /// The name of its listener in `mode`.
    pub fn listener(self, mode: Mode) -> String {
        format!("{self:?}-{mode:?}")
    }

    /// The policy's name in denials and audit events.
    pub fn policy_name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Envoy's buffer limit, where the rendering's own will not do.
    pub fn buffer_bytes(self) -> Option<u64> {
        (self == Self::Narrow).then_some(NARROW_BUFFER)
    }

    /// Whose tokens Envoy verifies.
    pub fn jwt(self) -> Vec<JwtProvider> {
        if !matches!(self, Self::Known | Self::Challenge) {
            return Vec::new();
        }
        vec![JwtProvider { issuer: ISSUER.to_owned(), audiences: Vec::new(), jwks: token::KEYS.to_owned() }]
    }

    /// The policy document.
    pub fn policy(self) -> Value {
        let mut policy = json!({
            "version": "tidegate/v1",
            "name": self.policy_name(),
            "identity": {"anonymous": "allow"},
            "servers": [{"name": "main", "match": {"path": "/mcp"}}],
            "rules": [
                {"id": "reading", "allow": {"tools": ["get_*"]}},
                {"id": "no-deletes", "deny": {"tools": ["delete_*"]},
                 "advice": "Deletion is done by the platform team."},
            ],
        });
        let jwt = json!({"jwt": {"issuer": ISSUER, "subject": "sub", "team": "team", "groups": "groups"}});
        let of_teams = json!([
            {"id": "everyone", "allow": {"tools": ["get_*"]}, "who": {"team": ["finance", "support"]}},
            {"id": "finance", "allow": {"tools": ["pay_*"]}, "who": {"team": ["finance"]}},
            {"id": "leads", "allow": {"tools": ["hire_*"]}, "who": {"groups": ["leads"]}},
        ]);
        match self {
            Self::Main => {
                policy["servers"] = json!([
                    {"name": "main", "match": {"path": "/mcp"}},
                    {"name": "plain", "match": {"path": "/plain"}, "govern": false},
                    {"name": "watched", "match": {"path": "/watched"}, "mode": "shadow"},
                ]);
                policy["rules"].as_array_mut().unwrap().extend(rules_of_main());
            }
            Self::Known => {
                policy["identity"] = json!({"sources": [jwt], "anonymous": "deny"});
                policy["rules"] = of_teams;
            }
            Self::Challenge => {
                let challenge = json!({"challenge": {"resource_metadata": RESOURCE_METADATA}});
                policy["identity"] = json!({"sources": [jwt], "anonymous": challenge});
                policy["rules"] = of_teams;
            }
            Self::ReadOnly => {
                policy["rules"] = json!([
                    {"id": "all", "allow": {"tools": ["*"]}},
                    {"id": "writers", "allow": {"tools": ["update_*"]}, "write": true},
                ]);
                policy["read_only"] = json!({"enabled": true, "reads": ["get_*"]});
            }
            Self::Shadow => policy["mode"] = json!("shadow"),
            Self::Small => {
                policy["limits"] = json!({"request_bytes": SMALL_BYTES, "list_bytes": SMALL_BYTES, "event_bytes": SMALL_EVENT, "depth": 16});
            }
            Self::Open => {
                policy["on"] = json!({
                    "server_unknown": "allow", "unknown_method": "allow", "unreadable_response": "allow",
                    "other_media_type": "allow", "encoded_response": "allow", "oversize_event": "allow",
                });
            }
            Self::Narrow => {}
            Self::Rules => policy["rules"] = rules_over_everything(),
            Self::Redacting | Self::RedactingShadow | Self::Choosy | Self::Blocking => {
                policy["rules"] = redaction::rules();
                policy["redaction"] = redaction::of(self);
            }
            Self::Constrained => {
                policy["redaction"] = json!({"requests": "mask", "constrained": "drop"});
                policy["audit"] = json!({"arguments": "redacted"});
            }
        }
        policy
    }
}

fn rules_over_everything() -> Value {
    json!([
        {"id": "reading", "allow": {"tools": ["get_*"], "resources": ["note://*"], "prompts": ["ask_*"]}},
        {"id": "private", "deny": {"resources": ["note://private/*"]}, "advice": "These are a person's own."},
        {"id": "asking", "allow": {"methods": ["elicitation/create", "x/*"]}},
        {"id": "ghosts", "deny": {"prompts": ["ask_ghost*"]}, "deny_style": "hide"},
        {"id": "quiet", "deny": {"methods": ["logging/setLevel"]}},
        {"id": "small", "allow": {"tools": ["pay_*"]}, "advice": "Large payments are made by a person.",
         "arguments": {"properties": {"amount": {"type": "number", "maximum": 500}}, "required": ["amount"]}},
    ])
}

fn rules_of_main() -> Vec<Value> {
    vec![
        json!({"id": "hidden", "deny": {"tools": ["secret_*"]}, "deny_style": "hide"}),
        json!({"id": "past", "allow": {"tools": ["past_*"]}, "expires": "2020-01-01T00:00:00Z"}),
        json!({"id": "future", "allow": {"tools": ["future_*"]}, "not_before": "2999-01-01T00:00:00Z"}),
        json!({"id": "now", "allow": {"tools": ["now_*"]},
               "not_before": "2020-01-01T00:00:00Z", "expires": "2999-01-01T00:00:00Z"}),
        json!({"id": "trial-deny", "deny": {"tools": ["get_trial_*"]}, "mode": "shadow"}),
        json!({"id": "trial-allow", "allow": {"tools": ["try_*"]}, "mode": "shadow"}),
    ]
}
