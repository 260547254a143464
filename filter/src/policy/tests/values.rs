use serde_json::json;

use super::super::*;
use super::{base, brief, compiled, errors, put, with};

#[test]
fn a_bare_policy_has_default_settings() {
    let Configuration { host, policy } = compiled(&base()).configuration;
    assert_eq!(
        host,
        HostSettings {
            hold_headers: false,
            audit_log: AuditLog { enabled: true, level: LogLevel::Info },
            redaction_key_env: None,
            stores: Stores::default(),
        }
    );
    assert_eq!((policy.name.as_str(), policy.revision, policy.mode), ("test", None, Mode::Enforce));
    assert_eq!(policy.limits, Limits::default());
    assert_eq!(policy.limits.request_bytes, 4_194_304);
    assert_eq!(policy.limits.buffered_bytes_per_worker, 268_435_456);
    assert_eq!(policy.audit, AuditSettings { arguments: ArgumentsAudit::Keys, allowed: true });
    assert!(policy.on.table().iter().all(|row| row.value == FailMode::Deny && row.default == FailMode::Deny));
    assert_eq!(policy.identity.anonymous, Anonymous::Deny);
    assert!(!policy.read_only.enabled);
    assert!(!policy.identity.reads_peer);
    assert!(policy.servers.iter().all(|server| server.govern && server.mode == Mode::Enforce));
}

#[test]
fn the_envelope_carries_host_settings() {
    let document = json!({
        "host": { "hold_headers": true, "audit": { "sink": "none", "level": "warn" } }, "layers": [base()]
    });
    let host = compiled(&document).configuration.host;
    assert_eq!(
        host,
        HostSettings {
            hold_headers: true,
            audit_log: AuditLog { enabled: false, level: LogLevel::Warn },
            redaction_key_env: None,
            stores: Stores::default(),
        }
    );

    assert_eq!(brief(&errors(&json!({ "host": {} }))), [("missing_key", "")]);
    assert_eq!(brief(&errors(&json!({ "layers": [] }))), [("empty", "/layers")]);
    assert_eq!(brief(&errors(&json!({ "layers": [base(), base()] }))), [("not_yet", "/layers/1")]);
    let misplaced = errors(&json!({ "layers": [base()], "mode": "shadow" }));
    assert_eq!(brief(&misplaced), [("unknown_key", "/mode")]);
    let mut broken = json!({ "layers": [base()] });
    put(&mut broken, "/layers/0/mode", json!("shadwo"));
    assert_eq!(brief(&errors(&broken)), [("invalid_value", "/layers/0/mode")]);
}

#[test]
fn the_digest_is_of_the_policy_alone() {
    let bare = base().to_string();
    let wrapped = format!("{{ \"host\": {{}}, \"layers\": [ {bare} ] }}");
    let digest = |text: &str| compile(text.as_bytes()).unwrap().configuration.policy.digest;
    assert_eq!(digest(&bare), digest(&wrapped));
    assert_ne!(digest(&bare), digest(&with("/revision", json!(1)).to_string()));
    assert_eq!(digest(&bare).len(), "sha256:".len() + 16);
}

#[test]
fn the_digest_is_sha256_of_the_text() {
    // printf '…' | sha256sum
    let text = r#"{"version":"tidegate/v1","name":"n","servers":[{"name":"s","match":{"path":"/"}}],"rules":[]}"#;
    assert_eq!(compile(text.as_bytes()).unwrap().configuration.policy.digest, "sha256:3df28fba838dafcc");
}

#[test]
fn whole_numbers_may_have_a_fraction_of_zero() {
    for (number, expected) in
        [("60", 60), ("60.0", 60), ("6e1", 60), ("6.0E+1", 60), ("9007199254740991", (1 << 53) - 1)]
    {
        let text = base().to_string().replacen('{', &format!("{{\"revision\":{number},"), 1);
        assert_eq!(compile(text.as_bytes()).unwrap().configuration.policy.revision, Some(expected), "{number}");
    }
    for number in ["60.5", "-1", "1e300", "9007199254740992", "\"60\"", "true", "null"] {
        let text = base().to_string().replacen('{', &format!("{{\"revision\":{number},"), 1);
        assert_eq!(compile(text.as_bytes()).unwrap_err().0[0].pointer, "/revision", "{number}");
    }
}

#[test]
fn limits_are_read_and_bounded() {
    let limits = json!({ "request_bytes": 1024, "list_bytes": 2048.0, "event_bytes": 4096, "depth": 127,
        "buffered_bytes_per_worker": 1_073_741_824, "buffered_bytes_per_principal": 8192 });
    let read = compiled(&with("/limits", limits)).configuration.policy.limits;
    let expected = Limits {
        request_bytes: 1024,
        list_bytes: 2048,
        event_bytes: 4096,
        depth: 127,
        buffered_bytes_per_worker: 1 << 30,
        buffered_bytes_per_principal: 8192,
    };
    assert_eq!(read, expected);
    for (key, value) in
        [("depth", 128), ("depth", 7), ("request_bytes", 1023), ("list_bytes", 0), ("event_bytes", 1 << 31)]
    {
        let found = errors(&with("/limits", json!({ key: value })));
        assert_eq!(brief(&found), [("invalid_value", format!("/limits/{key}").as_str())], "{key} {value}");
    }
}

#[test]
fn fail_modes_are_read() {
    let all_open: serde_json::Map<_, _> = FailModes::default()
        .table()
        .iter()
        .map(|row| (row.key.to_owned(), json!(if row.may_allow { "allow" } else { "deny" })))
        .collect();
    let policy = compiled(&with("/on", json!(all_open))).configuration.policy;
    for row in policy.on.table() {
        assert_eq!(row.value == FailMode::Allow, row.may_allow, "{}", row.key);
        assert!(!row.meaning.starts_with(' ') && row.meaning.ends_with('.'), "{:?}", row.meaning);
    }
    assert_eq!(policy.on.server_unknown, FailMode::Allow);
    for row in policy.on.table().iter().filter(|row| !row.may_allow) {
        let found = errors(&with("/on", json!({ row.key: "allow" })));
        assert_eq!(brief(&found), [("invalid_value", format!("/on/{}", row.key).as_str())]);
    }
}

#[test]
fn audit_settings_are_read() {
    let audit = compiled(&with("/audit", json!({ "arguments": "none", "allowed": false }))).configuration.policy.audit;
    assert_eq!(audit, AuditSettings { arguments: ArgumentsAudit::None, allowed: false });
    let mut policy = with("/audit", json!({ "arguments": "redacted" }));
    put(&mut policy, "/redaction", json!({}));
    let audit = compiled(&policy).configuration.policy.audit;
    assert_eq!(audit, AuditSettings { arguments: ArgumentsAudit::Redacted, allowed: true });
}

#[test]
fn identity_sources_are_read() {
    let identity = json!({
        "sources": [
            { "jwt": { "issuer": "i", "audience": "a", "metadata_key": "m", "subject": "a.b",
                       "team": ["https://example.com/team"], "groups": ["realm_access", "roles"] } },
            { "header": { "peers": ["spiffe://example.com/gw"], "subject": "X-User", "groups": "x-groups" } },
            { "spiffe": { "subject": "id" } }
        ],
        "anonymous": { "challenge": { "resource_metadata": "https://mcp.example.com/.well-known/oauth-protected-resource" } }
    });
    let identity = compiled(&with("/identity", identity)).configuration.policy.identity;
    let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let IdentitySource::Jwt(jwt) = &identity.sources[0] else { panic!("{identity:?}") };
    assert_eq!(jwt.audience.as_deref(), Some("a"));
    assert_eq!(jwt.metadata_key, "m");
    assert_eq!(jwt.subject, path(&["a", "b"]));
    assert_eq!(jwt.team, Some(path(&["https://example.com/team"])));
    assert_eq!(jwt.groups, Some(path(&["realm_access", "roles"])));
    let IdentitySource::Header(header) = &identity.sources[1] else { panic!("{identity:?}") };
    assert_eq!((header.subject.as_str(), header.groups.as_deref()), ("x-user", Some("x-groups")));
    assert_eq!(identity.sources[2], IdentitySource::Spiffe);
    assert!(identity.reads_peer);
    assert!(
        matches!(&identity.anonymous, Anonymous::Challenge { resource_metadata } if resource_metadata.ends_with("resource"))
    );

    let jwt = compiled(&base()).configuration.policy.identity;
    let IdentitySource::Jwt(jwt) = &jwt.sources[0] else { panic!("{jwt:?}") };
    assert_eq!((jwt.metadata_key.as_str(), &jwt.subject), ("payload", &path(&["sub"])));
}

#[test]
fn the_peer_is_read_where_a_rule_asks_for_the_workload() {
    let policy = with("/rules/0/who", json!({ "workload": ["spiffe://example.com/a"] }));
    assert!(compiled(&policy).configuration.policy.identity.reads_peer);
}

#[test]
fn rules_are_read() {
    let rule = json!({
        "id": "x", "allow": { "tools": ["github/a/b", "get_*", "*/put", { "tool": "c/d" }, { "server": "bill*", "tool": "*" }] },
        "who": { "team": ["t"], "subject": ["s1", "s2"] }, "servers": ["git*", "billing"], "write": true,
        "not_before": "2026-12-01T01:00:00+01:00", "expires": "2026-12-08T00:00:00.000Z",
        "mode": "shadow", "advice": "ask", "deny_style": "hide"
    });
    let policy = compiled(&with("/rules/1", rule)).configuration.policy;
    let rule = &policy.rules[1];
    let shown: Vec<_> = rule
        .targets
        .iter()
        .map(|TargetPattern { server, name, .. }| (server.as_ref().map(ToString::to_string), name.to_string()))
        .collect();
    let expected = [(Some("github"), "a/b"), (None, "get_*"), (None, "put"), (None, "c/d"), (Some("bill*"), "*")];
    assert_eq!(shown, expected.map(|(server, tool)| (server.map(str::to_owned), tool.to_owned())));
    assert_eq!(rule.servers.as_deref(), Some(&["billing".to_owned(), "github".to_owned()][..]));
    let who = rule.who.as_ref().unwrap();
    assert!(who.asks(Field::Team) && who.asks(Field::Subject) && !who.asks(Field::Groups));
    assert_eq!((rule.not_before, rule.expires), (Some(1_796_083_200), Some(1_796_688_000)));
    assert_eq!((rule.mode, rule.deny_style, rule.write), (Mode::Shadow, DenyStyle::Hide, true));
    assert_eq!(rule.advice.as_deref(), Some("ask"));
}

#[test]
fn a_shadow_policy_makes_every_server_shadow() {
    let mut policy = with("/servers/1/mode", json!("enforce"));
    put(&mut policy, "/servers/0/mode", json!("shadow"));
    let modes = |policy: &serde_json::Value| {
        compiled(policy).configuration.policy.servers.iter().map(|server| server.mode).collect::<Vec<_>>()
    };
    assert_eq!(modes(&policy), [Mode::Shadow, Mode::Enforce]);
    put(&mut policy, "/mode", json!("shadow"));
    assert_eq!(modes(&policy), [Mode::Shadow, Mode::Shadow]);
}
