use std::collections::HashMap;

use serde_json::{Value, json};

use super::policy;
use crate::decide::identity::{Claim, Evidence, HeaderValue, Identified, Principal, Source, identify};

/// A host with one token payload under `payload`, a peer, and headers with their lines.
#[derive(Default)]
struct Host {
    payload: Option<Value>,
    peer: Option<&'static str>,
    headers: HashMap<&'static str, Vec<&'static [u8]>>,
    peer_calls: usize,
}

impl Evidence for Host {
    fn jwt_claim(&mut self, metadata_key: &str, path: &[String]) -> Claim {
        let mut value = match &self.payload {
            Some(payload) if metadata_key == "payload" => payload,
            _ => return Claim::Absent,
        };
        for name in path {
            match value.get(name) {
                Some(next) => value = next,
                None => return Claim::Absent,
            }
        }
        match value {
            Value::Null => Claim::Absent,
            Value::String(text) => Claim::Text(text.clone()),
            Value::Array(list) => {
                let texts: Option<Vec<String>> = list.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                texts.map_or(Claim::Other, Claim::List)
            }
            _ => Claim::Other,
        }
    }

    fn peer_spiffe(&mut self) -> Option<String> {
        self.peer_calls += 1;
        self.peer.map(str::to_owned)
    }

    fn header(&self, name: &str) -> HeaderValue {
        match self.headers.get(name).map(Vec::as_slice) {
            None => HeaderValue::Absent,
            Some([line]) => String::from_utf8(line.to_vec()).map_or(HeaderValue::Unreadable, HeaderValue::One),
            Some(_) => HeaderValue::Unreadable,
        }
    }
}

fn token(payload: Value) -> Host {
    Host { payload: Some(payload), ..Host::default() }
}

fn with_sources(sources: Value, host: &mut Host) -> Identified {
    identify(&policy(&json!({ "identity": { "sources": sources } })).identity, host)
}

fn jwt(host: &mut Host) -> Identified {
    let source = json!([{ "jwt": { "issuer": "https://idp", "audience": "mcp", "team": "org.team",
        "groups": ["https://x.org/groups"], "scopes": "scope", "agent": "azp" } }, { "spiffe": {} }]);
    with_sources(source, host)
}

fn someone(identified: Identified) -> Principal {
    match identified {
        Identified::Principal(principal) => principal,
        other => panic!("{other:?}"),
    }
}

fn why(identified: Identified) -> String {
    match identified {
        Identified::Invalid(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_supplies_the_whole_caller() {
    let payload = json!({ "iss": "https://idp", "aud": ["x", "mcp"], "sub": "alice", "org": { "team": "finance" },
        "https://x.org/groups": ["sre", "leads"], "scope": "mcp:read  mcp:write", "azp": "bot" });
    let mut host = token(payload);
    host.peer = Some("spiffe://example.com/gw");
    let expected = Principal {
        subject: "alice".to_owned(),
        issuer: Some("https://idp".to_owned()),
        team: Some("finance".to_owned()),
        groups: vec!["sre".to_owned(), "leads".to_owned()],
        scopes: vec!["mcp:read".to_owned(), "mcp:write".to_owned()],
        agent: Some("bot".to_owned()),
        workload: Some("spiffe://example.com/gw".to_owned()),
        source: Source::Jwt,
    };
    assert_eq!(someone(jwt(&mut host)), expected);
}

#[test]
fn optional_claims_may_be_absent_null_or_empty() {
    let bare = Principal {
        subject: "s".to_owned(),
        issuer: Some("https://idp".to_owned()),
        source: Source::Jwt,
        ..Principal::anonymous()
    };
    let full = json!({ "iss": "https://idp", "aud": "mcp", "sub": "s", "azp": null, "scope": "", "org": { "team": "" },
        "https://x.org/groups": [] });
    for payload in [json!({ "iss": "https://idp", "aud": "mcp", "sub": "s" }), full] {
        assert_eq!(someone(jwt(&mut token(payload))), bare);
    }
    let scopes = json!({ "iss": "https://idp", "aud": "mcp", "sub": "s", "scope": ["a", "b c"] });
    assert_eq!(someone(jwt(&mut token(scopes))).scopes, ["a", "b c"]);
}

#[test]
fn a_source_that_does_not_apply_leaves_the_caller_to_the_next() {
    for payload in [
        json!({ "iss": "https://idp/", "aud": "mcp", "sub": "s" }),
        json!({ "aud": "mcp", "sub": "s" }),
        json!({ "iss": "https://idp", "sub": "s" }),
        json!({ "iss": "https://idp", "aud": "other", "sub": "s" }),
        json!({ "iss": "https://idp", "aud": ["mcp2", "MCP"], "sub": "s" }),
    ] {
        assert_eq!(jwt(&mut token(payload.clone())), Identified::Anonymous, "{payload}");
        let mut host = token(payload.clone());
        host.peer = Some("spiffe://example.com/a");
        let principal = someone(jwt(&mut host));
        assert_eq!(
            (principal.source, principal.subject.as_str()),
            (Source::Spiffe, "spiffe://example.com/a"),
            "{payload}"
        );
    }
}

#[test]
fn a_token_that_applies_is_never_passed_over() {
    let good = json!({ "iss": "https://idp", "aud": "mcp", "sub": "s" });
    for (key, value, message) in [
        ("sub", json!(null), "no claim `sub`"),
        ("sub", json!(""), "no claim `sub`"),
        ("sub", json!(7), "`sub` is not a string"),
        ("sub", json!(["s"]), "`sub` is not a string"),
        ("iss", json!(1), "`iss` is not a string"),
        ("iss", json!(["https://idp"]), "`iss` is not a string"),
        ("aud", json!({ "mcp": true }), "`aud` is neither"),
        ("aud", json!(["mcp", 1]), "`aud` is neither"),
        ("org", json!({ "team": ["finance"] }), "`org.team` is not a string"),
        ("org", json!({ "team": true }), "`org.team` is not a string"),
        ("https://x.org/groups", json!("sre"), "`https://x.org/groups` is not a list of strings"),
        ("https://x.org/groups", json!(["sre", 1]), "`https://x.org/groups` is not a list of strings"),
        ("scope", json!(1), "`scope` is not a list of strings, or"),
        ("azp", json!({}), "`azp` is not a string"),
    ] {
        let mut payload = good.clone();
        payload[key] = value;
        let mut host = token(payload.clone());
        // A peer that the next source would take for the caller.
        host.peer = Some("spiffe://example.com/a");
        let found = why(jwt(&mut host));
        assert!(found.contains(message), "{payload}: {found}");
    }
}

fn header_sources() -> Value {
    json!([
        { "header": { "peers": ["spiffe://example.com/gw"], "subject": "X-User", "team": "x-team",
                      "groups": "x-groups", "scopes": "x-scopes", "agent": "x-agent" } },
        { "spiffe": { "subject": "id" } }
    ])
}

#[test]
fn headers_of_a_named_peer_supply_the_caller() {
    let lines: [(&'static str, &'static [u8]); 5] = [
        ("x-user", b" alice "),
        ("x-team", b"finance"),
        ("x-groups", b"sre, leads,,"),
        ("x-scopes", b"a  b"),
        ("x-agent", b"bot"),
    ];
    let headers = lines.into_iter().map(|(name, line)| (name, vec![line])).collect();
    let mut host = Host { peer: Some("spiffe://example.com/gw"), headers, ..Host::default() };
    let principal = someone(with_sources(header_sources(), &mut host));
    let expected = Principal {
        subject: "alice".to_owned(),
        issuer: Some("spiffe://example.com/gw".to_owned()),
        team: Some("finance".to_owned()),
        groups: vec!["sre".to_owned(), "leads".to_owned()],
        scopes: vec!["a".to_owned(), "b".to_owned()],
        agent: Some("bot".to_owned()),
        workload: Some("spiffe://example.com/gw".to_owned()),
        source: Source::Header,
    };
    assert_eq!(principal, expected);
    assert_eq!(host.peer_calls, 1);
}

#[test]
fn headers_of_anyone_else_are_not_looked_at() {
    for peer in [None, Some("spiffe://example.com/gw2"), Some("spiffe://example.com/GW"), Some("")] {
        let headers = HashMap::from([("x-user", vec![&b"admin"[..]])]);
        let mut host = Host { peer, headers, ..Host::default() };
        match with_sources(header_sources(), &mut host) {
            Identified::Principal(principal) => assert_eq!(Some(principal.subject.as_str()), peer),
            Identified::Anonymous => assert!(peer.unwrap_or_default().is_empty()),
            Identified::Invalid(why) => panic!("{why}"),
        }
    }
}

#[test]
fn a_named_peer_without_a_readable_subject_is_not_the_caller_itself() {
    for (lines, message) in [
        (vec![], "no header `x-user`"),
        (vec![&b""[..]], "no header `x-user`"),
        (vec![&b"  "[..]], "no header `x-user`"),
        (vec![&b"a"[..], b"b"], "`x-user` comes several times or is not UTF-8"),
        (vec![&b"\xff"[..]], "`x-user` comes several times or is not UTF-8"),
    ] {
        let headers = if lines.is_empty() { HashMap::new() } else { HashMap::from([("x-user", lines)]) };
        let mut host = Host { peer: Some("spiffe://example.com/gw"), headers, ..Host::default() };
        let found = why(with_sources(header_sources(), &mut host));
        assert!(found.contains(message), "{found}");
    }
    let headers = HashMap::from([("x-user", vec![&b"a"[..]]), ("x-groups", vec![&b"sre"[..], b"admin"])]);
    let mut host = Host { peer: Some("spiffe://example.com/gw"), headers, ..Host::default() };
    assert!(why(with_sources(header_sources(), &mut host)).contains("`x-groups`"));
}

#[test]
fn nobody_asks_for_a_peer_that_the_policy_does_not_need() {
    let mut host = Host { peer: Some("spiffe://example.com/a"), ..Host::default() };
    assert_eq!(with_sources(json!([{ "jwt": { "issuer": "i" } }]), &mut host), Identified::Anonymous);
    assert_eq!(host.peer_calls, 0);
}

#[test]
fn no_two_principals_have_one_key() {
    let principal = |source, issuer: Option<&str>, subject: &str| Principal {
        subject: subject.to_owned(),
        issuer: issuer.map(str::to_owned),
        source,
        ..Principal::anonymous()
    };
    let all = [
        Principal::anonymous(),
        principal(Source::Jwt, Some("i"), "s"),
        principal(Source::Jwt, Some("i|s"), ""),
        principal(Source::Jwt, Some("i"), "|s"),
        principal(Source::Jwt, Some("i|"), "s"),
        principal(Source::Jwt, Some("i%7C"), "s"),
        principal(Source::Jwt, Some("j"), "s"),
        principal(Source::Header, Some("i"), "s"),
        principal(Source::Spiffe, None, "s"),
        principal(Source::Spiffe, None, "i|s"),
    ];
    let mut keys: Vec<String> = all.iter().map(Principal::key).collect();
    assert_eq!(keys[1], "jwt:i|s");
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all.len());
}
