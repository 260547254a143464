use serde_json::{Value, json};

use super::super::{Diagnostic, check, compile};
use super::{NOW, base, brief, errors, put, with};

#[test]
fn each_fault_has_code_pointer_and_help() {
    // (where, what, code, pointer, part of the message, part of the help)
    let table: &[(&str, Value, &str, &str, &str, &str)] = &[
        ("/nmae", json!(1), "unknown_key", "/nmae", "unknown key `nmae`", "did you mean `name`?"),
        ("/readOnly", json!({}), "unknown_key", "/readOnly", "unknown key", "did you mean `read_only`?"),
        ("/advice", json!(""), "unknown_key", "/advice", "unknown key", "`advice` is a key of `rule`, not of `policy`"),
        ("/xyzzy", json!(1), "unknown_key", "/xyzzy", "unknown key", "the keys of `policy` are `$schema`, `version`"),
        ("/a~1b", json!(1), "unknown_key", "/a~01b", "`a~1b`", ""),
        ("/version", json!("tidegate/v2"), "unknown_version", "/version", "another version", "of that version"),
        ("/version", json!(1), "wrong_type", "/version", "expected a string, found a number", ""),
        ("/name", json!(""), "empty", "/name", "an empty string", ""),
        ("/mode", json!("shadwo"), "invalid_value", "/mode", "`shadwo` is not a value", "did you mean `shadow`?"),
        ("/mode", json!("off"), "invalid_value", "/mode", "", "use one of `enforce`, `shadow`"),
        ("/servers", json!([]), "empty", "/servers", "an empty list", ""),
        ("/servers", json!({}), "wrong_type", "/servers", "expected a list, found an object", ""),
        ("/servers/1", json!("github"), "wrong_type", "/servers/1", "expected an object", ""),
        ("/servers/1/name", json!("github"), "duplicate_name", "/servers/1/name", "a second server named `github`", ""),
        ("/servers/1/name", json!("a/b"), "invalid_value", "/servers/1/name", "`a/b` is not a server name", "letters"),
        ("/servers/1/match", json!({}), "missing_key", "/servers/1/match", "every request", "`path`"),
        ("/servers/1/match/path", json!("/mcp/"), "invalid_value", "/servers/1/match/path", "", "write \"/mcp\""),
        ("/servers/1/match/path", json!("/mcp//x"), "invalid_value", "/servers/1/match/path", "contains `//`", ""),
        ("/servers/1/match/path", json!("/mcp*"), "invalid_value", "/servers/1/match/path", "`*` has no meaning", ""),
        ("/servers/1/match/path", json!("/m?x"), "invalid_value", "/servers/1/match/path", "`?` has no meaning", ""),
        (
            "/servers/1/match/authority",
            json!("a@b"),
            "invalid_value",
            "/servers/1/match/authority",
            "not an authority",
            "",
        ),
        ("/servers/1/govern", json!("no"), "wrong_type", "/servers/1/govern", "expected true or false", ""),
        ("/rules", json!({}), "wrong_type", "/rules", "expected a list", ""),
        ("/rules/1", json!({ "id": "r", "deny": { "tools": ["x"] } }), "duplicate_name", "/rules/1/id", "id `r`", ""),
        ("/rules/1", json!({ "deny": { "tools": ["x"] } }), "missing_key", "/rules/1", "needs the key `id`", ""),
        ("/rules/1", json!({ "id": "x" }), "missing_key", "/rules/1", "allows or denies", "add `allow` or `deny`"),
        ("/rules/0/deny", json!({ "tools": ["x"] }), "invalid_value", "/rules/0/deny", "either", "two rules"),
        (
            "/rules/0/tools",
            json!(["x"]),
            "unknown_key",
            "/rules/0/tools",
            "unknown key",
            "`tools` is a key of `target`",
        ),
        ("/rules/0/allow/tools", json!([]), "empty", "/rules/0/allow/tools", "an empty list", ""),
        ("/rules/0/allow/tools", json!("get_*"), "wrong_type", "/rules/0/allow/tools", "a list", "write [\"get_*\"]"),
        ("/rules/0/allow", json!({}), "missing_key", "/rules/0/allow", "needs one of `tools`", ""),
        (
            "/rules/0/allow",
            json!({ "resources": ["file:///a/../b"] }),
            "bad_pattern",
            "/rules/0/allow/resources/0",
            "a dot segment",
            "lower case",
        ),
        (
            "/rules/0/allow",
            json!({ "methods": ["resources/read"] }),
            "invalid_value",
            "/rules/0/allow/methods/0",
            "by naming resources",
            "write `resources`",
        ),
        (
            "/rules/1",
            json!({ "id": "d", "deny": { "methods": ["tools/list"] } }),
            "invalid_value",
            "/rules/1/deny/methods/0",
            "never refused",
            "themselves",
        ),
        (
            "/rules/0/allow/tools/0",
            json!("a*b"),
            "bad_pattern",
            "/rules/0/allow/tools/0",
            "`*` may stand only",
            "*middle*",
        ),
        ("/rules/0/allow/tools/0", json!("github/"), "bad_pattern", "/rules/0/allow/tools/0", "an empty pattern", ""),
        ("/rules/0/allow/tools/0", json!("/x"), "bad_pattern", "/rules/0/allow/tools/0", "an empty pattern", ""),
        ("/rules/0/allow/tools/0", json!(7), "wrong_type", "/rules/0/allow/tools/0", "expected a string", ""),
        (
            "/rules/0/allow/tools/0",
            json!("gihtub/x"),
            "unknown_server",
            "/rules/0/allow/tools/0",
            "no server of this policy is named `gihtub`",
            "did you mean `github`?; a tool whose name contains `/` is written { \"tool\": \"a/b\" }",
        ),
        (
            "/rules/0/allow/tools/0",
            json!({ "server": "crm", "tool": "x" }),
            "unknown_server",
            "/rules/0/allow/tools/0/server",
            "`crm`",
            "use one of `github`, `billing`",
        ),
        ("/rules/0/allow/tools/0", json!({}), "missing_key", "/rules/0/allow/tools/0", "needs the key `tool`", ""),
        ("/rules/0/servers", json!(["bilings"]), "unknown_server", "/rules/0/servers/0", "`bilings`", "`billing`?"),
        ("/rules/0/servers", json!(["x*"]), "unknown_server", "/rules/0/servers/0", "named `x*`", ""),
        ("/rules/0/servers", json!([]), "empty", "/rules/0/servers", "", ""),
        ("/rules/0/who", json!({}), "empty", "/rules/0/who", "an empty `who`", "leave `who` out"),
        ("/rules/0/who", json!({ "teams": ["x"] }), "unknown_key", "/rules/0/who/teams", "", "did you mean `team`?"),
        ("/rules/0/who", json!({ "team": [] }), "empty", "/rules/0/who/team", "", ""),
        ("/rules/0/who", json!({ "team": "x" }), "wrong_type", "/rules/0/who/team", "", "write [\"x\"]"),
        ("/rules/0/who", json!({ "team": [""] }), "empty", "/rules/0/who/team/0", "", ""),
        (
            "/rules/0/who",
            json!({ "groups": ["sre-*"] }),
            "bad_pattern",
            "/rules/0/who/groups/0",
            "compared exactly",
            "",
        ),
        ("/rules/0/not_before", json!("2026-12-01"), "bad_time", "/rules/0/not_before", "RFC 3339", "T00:00:00Z"),
        ("/rules/0/expires", json!("2026-12-01T00:00:00"), "bad_time", "/rules/0/expires", "RFC 3339", ""),
        ("/rules/0/expires", json!("2026-02-30T00:00:00Z"), "bad_time", "/rules/0/expires", "RFC 3339", ""),
        ("/rules/0/expires", json!("2026-12-01T00:00:00.5Z"), "bad_time", "/rules/0/expires", "fraction", "whole"),
        ("/rules/0/expires", json!(1_796_083_200), "wrong_type", "/rules/0/expires", "expected a string", ""),
        ("/rules/0/deny_style", json!("hidden"), "invalid_value", "/rules/0/deny_style", "", "did you mean `hide`?"),
        ("/rules/0/advice", json!(""), "empty", "/rules/0/advice", "", ""),
        ("/read_only", json!({}), "missing_key", "/read_only", "needs the key `enabled`", ""),
        ("/read_only", json!(true), "wrong_type", "/read_only", "expected an object, found a boolean", ""),
        ("/read_only", json!({ "enabled": true, "reads": ["g**"] }), "bad_pattern", "/read_only/reads/0", "", ""),
        (
            "/identity/anonymous",
            json!("challenge"),
            "invalid_value",
            "/identity/anonymous",
            "needs the URL",
            "challenge",
        ),
        ("/identity/anonymous", json!("alow"), "invalid_value", "/identity/anonymous", "", "did you mean `allow`?"),
        (
            "/identity/anonymous",
            json!({ "challenge": { "resource_metadata": "mcp.example.com" } }),
            "invalid_value",
            "/identity/anonymous/challenge/resource_metadata",
            "not an http or https URL",
            "RFC 9728",
        ),
        (
            "/identity/anonymous",
            json!({ "challenge": { "resource_metadata": "https://a\", x=\"" } }),
            "invalid_value",
            "/identity/anonymous/challenge/resource_metadata",
            "",
            "",
        ),
        ("/identity/sources", json!([]), "empty", "/identity/sources", "", ""),
        ("/identity/sources/0", json!({}), "missing_key", "/identity/sources/0", "exactly one of", ""),
        (
            "/identity/sources/0",
            json!({ "spiffe": {}, "jwt": { "issuer": "i" } }),
            "missing_key",
            "/identity/sources/0",
            "exactly one of",
            "a source of its own",
        ),
        ("/identity/sources/0/jwt", json!({}), "missing_key", "/identity/sources/0/jwt", "needs the key `issuer`", ""),
        (
            "/identity/sources/0/jwt/team",
            json!("a..b"),
            "invalid_value",
            "/identity/sources/0/jwt/team",
            "empty name",
            "",
        ),
        ("/identity/sources/0/jwt/team", json!([]), "empty", "/identity/sources/0/jwt/team", "", ""),
        (
            "/identity/sources/0/jwt/team",
            json!("https://x.org/team"),
            "invalid_value",
            "/identity/sources/0/jwt/team",
            "a URL",
            "write [\"https://x.org/team\"]",
        ),
        (
            "/identity/sources/0",
            json!({ "spiffe": { "subject": "path" } }),
            "invalid_value",
            "/identity/sources/0/spiffe/subject",
            "",
            "use one of `id`",
        ),
        (
            "/identity/sources/0",
            json!({ "header": { "peers": [], "subject": "x-user" } }),
            "empty",
            "/identity/sources/0/header/peers",
            "",
            "",
        ),
        (
            "/identity/sources/0",
            json!({ "header": { "subject": "x-user" } }),
            "missing_key",
            "/identity/sources/0/header",
            "needs the key `peers`",
            "",
        ),
        (
            "/identity/sources/0",
            json!({ "header": { "peers": ["spiffe://example.com/*"], "subject": "x-user" } }),
            "invalid_value",
            "/identity/sources/0/header/peers/0",
            "not a SPIFFE id",
            "whole id",
        ),
        (
            "/identity/sources/0",
            json!({ "header": { "peers": ["spiffe://example.com/gw"], "subject": "x user" } }),
            "invalid_value",
            "/identity/sources/0/header/subject",
            "not a header name",
            "",
        ),
        (
            "/identity/sources/0",
            json!({ "header": { "peers": ["spiffe://example.com/gw"], "subject": "Authorization" } }),
            "invalid_value",
            "/identity/sources/0/header/subject",
            "cannot say who calls",
            "",
        ),
        (
            "/rules/0/arguments",
            json!({ "properties": { "a": { "maximun": 1 } } }),
            "bad_schema",
            "/rules/0/arguments/properties/a/maximun",
            "maximun",
            "",
        ),
        (
            "/rules/0/arguments",
            json!({ "properties": { "a": { "tidegate:in": "sets.none" } } }),
            "bad_schema",
            "/rules/0/arguments/properties/a/tidegate:in",
            "sets.none",
            "",
        ),
        ("/rules/0/arguments", json!([]), "wrong_type", "/rules/0/arguments", "JSON Schema", ""),
        ("/sets", json!({ "a": "b" }), "wrong_type", "/sets/a", "expected a list", ""),
        ("/narrow_schemas", json!("yes"), "wrong_type", "/narrow_schemas", "true or false", ""),
        (
            "/rules/1",
            json!({ "id": "d", "deny": { "methods": ["x"] }, "arguments": {} }),
            "invalid_value",
            "/rules/1/arguments",
            "only calls of tools and prompts",
            "rule of their own",
        ),
        ("/limits", json!({ "depth": 200 }), "invalid_value", "/limits/depth", "from 8 to 127", ""),
        ("/on", json!({ "server_unkown": "deny" }), "unknown_key", "/on/server_unkown", "", "`server_unknown`?"),
        ("/on", json!({ "overloaded": "allow" }), "invalid_value", "/on/overloaded", "can only be \"deny\"", ""),
        (
            "/audit",
            json!({ "arguments": "all" }),
            "invalid_value",
            "/audit/arguments",
            "",
            "use one of `none`, `keys`, `redacted`",
        ),
    ];
    for (place, value, code, pointer, message, help) in table {
        let found = errors(&with(place, value.clone()));
        assert_eq!(brief(&found), [(*code, *pointer)], "{place} {value}: {found:#?}");
        assert!(found[0].message.contains(message), "{place} {value}: {:?}", found[0].message);
        assert!(found[0].help.as_deref().unwrap_or_default().contains(help), "{place} {value}: {:?}", found[0].help);
    }
}

#[test]
fn a_deny_has_no_write() {
    let rule = json!({ "id": "d", "deny": { "tools": ["x"] }, "write": true });
    assert_eq!(brief(&errors(&with("/rules/1", rule))), [("invalid_value", "/rules/1/write")]);
}

#[test]
fn a_rule_that_ends_before_it_begins_is_refused() {
    let rule = json!({ "id": "x", "allow": { "tools": ["x"] },
        "not_before": "2026-12-02T00:00:00Z", "expires": "2026-12-02T01:00:00+01:00" });
    assert_eq!(brief(&errors(&with("/rules/1", rule))), [("invalid_value", "/rules/1/expires")]);
}

#[test]
fn keys_that_are_needed() {
    for key in ["version", "name", "servers", "rules"] {
        let mut policy = base();
        policy.as_object_mut().unwrap().remove(key);
        if key == "servers" {
            put(&mut policy, "/rules", json!([]));
        }
        let found = errors(&policy);
        assert_eq!(brief(&found), [("missing_key", "")]);
        assert_eq!(found[0].message, format!("this object needs the key `{key}`"));
    }
}

#[test]
fn arguments_are_not_told_where_no_secret_is_looked_for() {
    let mut policy = with("/audit", json!({ "arguments": "redacted" }));
    put(&mut policy, "/redaction", json!({ "detectors": "none" }));
    assert_eq!(brief(&errors(&policy)), [("missing_key", "/audit/arguments")]);
    policy.as_object_mut().unwrap().remove("redaction");
    let found = errors(&policy);
    assert_eq!(brief(&found), [("missing_key", "/audit/arguments")]);
    assert!(found[0].message.contains("needs `redaction`"), "{:?}", found[0].message);
    assert!(found[0].help.as_deref().unwrap().contains("add \"redaction\": {}"), "{:?}", found[0].help);
}

#[test]
fn all_independent_errors_are_reported_in_the_order_of_the_text() {
    let mut policy = with("/servers/0/mtach", json!({}));
    policy.as_object_mut().unwrap().insert("audit".to_owned(), json!({ "allowed": 1 }));
    policy["servers"][1]["mode"] = json!("x");
    policy["rules"][0]["allow"]["tools"] = json!(["nope/x", "a*b"]);
    // serde_json writes keys in alphabetical order.
    let expected = [
        ("wrong_type", "/audit/allowed"),
        ("unknown_server", "/rules/0/allow/tools/0"),
        ("bad_pattern", "/rules/0/allow/tools/1"),
        ("unknown_key", "/servers/0/mtach"),
        ("invalid_value", "/servers/1/mode"),
    ];
    assert_eq!(brief(&errors(&policy)), expected);
}

#[test]
fn a_broken_server_is_not_reported_again_where_it_is_named() {
    let found = errors(&with("/servers/0/match", json!({ "paht": "/x" })));
    assert_eq!(brief(&found), [("missing_key", "/servers/0/match"), ("unknown_key", "/servers/0/match/paht")]);
}

fn only(text: &str) -> Diagnostic {
    let mut errors = compile(text.as_bytes()).unwrap_err().0;
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

#[test]
fn json_faults_are_shown_where_they_are() {
    for (text, code, line, column, help) in [
        ("", "syntax", 1, 1, "an empty policy allows nothing"),
        ("{\n  \"name\": 'x'\n}", "syntax", 2, 11, "double quotes"),
        ("{\n  // rules\n}", "syntax", 2, 3, "no comments"),
        ("{\n  \"name\": \"x\",\n}", "syntax", 3, 1, "take out the comma"),
        ("{ \"name\": \"x\"\n  \"mode\": 1 }", "syntax", 2, 3, "a comma or a colon"),
        ("{ \"name\": \"x\"", "syntax", 1, 14, "is missing"),
        ("{ \"name\": 1, \"name\": 2 }", "duplicate_key", 1, 14, "keep one of the two"),
        ("\u{feff}{}", "syntax", 1, 1, "without a byte order mark"),
    ] {
        let found = only(text);
        assert_eq!((found.code, found.line, found.column), (code, line, column), "{text:?} {found:?}");
        assert!(found.help.as_deref().unwrap_or_default().contains(help), "{text:?}: {:?}", found.help);
    }
    assert_eq!(only("[]").message, "expected an object, found a list");
}

#[test]
fn a_refused_policy_shows_line_column_pointer_picture_and_help() {
    let text = r#"{
  "version": "tidegate/v1",
  "name": "production",
  "servers": [{ "name": "github", "match": { "path": "/mcp/github" } }],
  "rules": [
    { "id": "read", "allow": { "tools": ["gitub/get_*"] } }
  ],
  "approvals": []
}
"#;
    let found = check(text.as_bytes(), NOW).unwrap_err();
    assert_eq!((found.0[0].line, found.0[0].column), (6, 42));
    let expected = r#"error[unknown_server]: no server of this policy is named `gitub`
 --> policy.json:6:42 at /rules/0/allow/tools/0
  |
6 |     { "id": "read", "allow": { "tools": ["gitub/get_*"] } }
  |                                          ^^^^^^^^^^^^^
  = help: did you mean `github`?; a tool whose name contains `/` is written { "tool": "a/b" }

error[not_yet]: `approvals` is not supported by this version of Tidegate
 --> policy.json:8:3 at /approvals
  |
8 |   "approvals": []
  |   ^^^^^^^^^^^
  = help: take it out: a policy never runs with a part of it ignored

policy.json: 2 errors; the policy is not in force
"#;
    assert_eq!(found.render(text.as_bytes(), "policy.json"), expected);
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the text, compiling ends without a panic, and what it reports can be shown.
        #[test]
        fn any_text_is_compiled_or_explained(cut in 0usize..2000, junk in "[ -~é\n\"{}\\[\\],:]{0,6}") {
            let mut text = serde_json::to_string_pretty(&base()).unwrap();
            let mut cut = cut % text.len();
            while !text.is_char_boundary(cut) { cut -= 1; }
            text.insert_str(cut, &junk);
            if let Err(errors) = check(text.as_bytes(), NOW) {
                prop_assert!(!errors.0.is_empty());
                let shown = errors.render(text.as_bytes(), "p");
                prop_assert!(shown.contains("error["));
                for error in &errors.0 {
                    prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                }
            }
        }
    }
}
