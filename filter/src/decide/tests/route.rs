use serde_json::{Value, json};

use super::policy;
use crate::decide::route::{RouteFacts, needs_route, server};

fn matching(matcher: Value, facts: &RouteFacts<'_>) -> bool {
    server(&policy(&json!({ "servers": [{ "name": "s", "match": matcher }] })), facts).is_some()
}

#[test]
fn a_path_matches_at_segment_boundaries() {
    for (wanted, path, expected) in [
        ("/mcp", "/mcp", true),
        ("/mcp", "/mcp/", true),
        ("/mcp", "/mcp/x", true),
        ("/mcp", "/mcpx", false),
        ("/mcp", "/mc", false),
        ("/mcp", "/MCP", false),
        ("/mcp", "/x/mcp", false),
        ("/mcp", "/", false),
        ("/", "/", true),
        ("/", "/anything/at/all", true),
        ("/a/b", "/a/b/c", true),
        ("/a/b", "/a", false),
    ] {
        let facts = RouteFacts { path, ..RouteFacts::default() };
        assert_eq!(matching(json!({ "path": wanted }), &facts), expected, "{wanted} {path}");
    }
}

#[test]
fn an_authority_matches_in_any_case_and_on_any_port_unless_one_is_given() {
    for (wanted, authority, expected) in [
        ("mcp.example.com", "mcp.example.com", true),
        ("mcp.example.com", "MCP.Example.COM", true),
        ("MCP.example.com", "mcp.example.com", true),
        ("mcp.example.com", "mcp.example.com:8443", true),
        ("mcp.example.com", "mcp.example.com.", true),
        ("mcp.example.com", "mcp.example.com.:443", true),
        ("mcp.example.com", "xmcp.example.com", false),
        ("mcp.example.com", "mcp.example.com.evil.org", false),
        ("mcp.example.com", "", false),
        ("mcp.example.com:8443", "mcp.example.com:8443", true),
        ("mcp.example.com:8443", "mcp.example.com:443", false),
        ("mcp.example.com:8443", "mcp.example.com", false),
        ("[::1]", "[::1]", true),
        ("[::1]", "[::1]:8080", true),
        ("[::1]:80", "[::1]", false),
        ("[::1]:80", "[::1]:80", true),
    ] {
        let facts = RouteFacts { authority, ..RouteFacts::default() };
        assert_eq!(matching(json!({ "authority": wanted }), &facts), expected, "{wanted} {authority}");
    }
}

#[test]
fn all_given_keys_must_agree() {
    let matcher = json!({ "path": "/mcp", "authority": "h", "route": "r", "cluster": "c" });
    let all = RouteFacts { authority: "h", path: "/mcp", route: Some("r"), cluster: Some("c") };
    assert!(matching(matcher.clone(), &all));
    for facts in [
        RouteFacts { authority: "x", ..all },
        RouteFacts { path: "/x", ..all },
        RouteFacts { route: Some("x"), ..all },
        RouteFacts { route: None, ..all },
        RouteFacts { cluster: Some("x"), ..all },
        RouteFacts { cluster: None, ..all },
    ] {
        assert!(!matching(matcher.clone(), &facts), "{facts:?}");
    }
}

#[test]
fn the_first_server_in_document_order_counts() {
    let servers = json!({ "servers": [
        { "name": "narrow", "match": { "path": "/mcp/x" }, "govern": false },
        { "name": "wide", "match": { "path": "/mcp" } },
        { "name": "never", "match": { "path": "/mcp/y" } }
    ] });
    let policy = policy(&servers);
    let name = |path| server(&policy, &RouteFacts { path, ..RouteFacts::default() }).map(|server| server.name.as_str());
    assert_eq!(name("/mcp/x"), Some("narrow"));
    assert_eq!(name("/mcp/y"), Some("wide"));
    assert_eq!(name("/other"), None);
}

#[test]
fn the_host_is_asked_for_routes_only_where_one_is_named() {
    let with = |matcher: Value| needs_route(&policy(&json!({ "servers": [{ "name": "s", "match": matcher }] })));
    assert!(!with(json!({ "path": "/", "authority": "h" })));
    assert!(with(json!({ "route": "r" })));
    assert!(with(json!({ "path": "/", "cluster": "c" })));
}
