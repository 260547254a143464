//! `tidegate check` as it is typed: what it reads, what it says and how it exits.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tidegate_filter::policy::LINTS;

use crate::typed::{self, DEMO, POLICIES, Scratch, capture, code, command, stderr, stdout, tidegate};

const SCHEMA: &str = include_str!("../../../policies/policy.schema.json");

fn check(arguments: &[&str]) -> Output {
    tidegate(&[&["check"][..], arguments].concat())
}

fn check_stdin(arguments: &[&str], text: &str) -> Output {
    let mut command = command(&[&["check"][..], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn demo() -> Value {
    serde_json::from_str(&fs::read_to_string(DEMO).unwrap()).unwrap()
}

#[test]
fn a_directory_is_its_policies_and_nothing_else() {
    let folder = Scratch::new();
    let text = fs::read_to_string(DEMO).unwrap();
    for name in ["b.json", "a/c.json"] {
        folder.file(name, &text);
    }
    for name in ["b.test.json", "policy.schema.json", "tidegate.lock.json", ".hidden.json", ".git/x.json", "notes.md"] {
        folder.file(name, "no policy");
    }
    let output = check(&["--format", "json", folder.directory()]);
    let report = typed::json(&output);
    let files: Vec<&str> = report["files"].as_array().unwrap().iter().map(|it| it["file"].as_str().unwrap()).collect();
    assert_eq!(files, [format!("{}/a/c.json", folder.directory()), format!("{}/b.json", folder.directory())]);
    assert_eq!(code(&output), 0);

    let empty = Scratch::new();
    let output = check(&[empty.directory()]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("holds no policy"), "{}", stderr(&output));
}

/// What the repository publishes is right by its own tool's lights.
#[test]
fn the_published_policies_have_no_warnings() {
    let output = check(&["--strict", POLICIES]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}

#[test]
fn standard_input_is_a_policy_too() {
    let output = check_stdin(&["-"], &demo().to_string());
    assert_eq!((code(&output), stdout(&output).as_str()), (0, "<stdin>: ok (1 allowed)\n"));
    let broken = check_stdin(&["--format", "json", "-"], "{\n  \"version\": \"tidegate/v1\",\n}");
    let finding = &typed::json(&broken)["files"][0]["findings"][0];
    assert_eq!(code(&broken), 1);
    assert_eq!(finding["code"], "syntax");
    assert_eq!((&finding["line"], &finding["column"], &finding["start"]), (&json!(3), &json!(1), &json!(30)));
    assert!(finding["help"].as_str().unwrap().contains("comma"), "{finding}");
}

#[test]
fn what_cannot_be_read_is_said_beside_what_can() {
    let output = check(&["--format", "json", "no-such-file.json", DEMO, "no-other.json"]);
    assert_eq!(code(&output), 2);
    let errors = stderr(&output);
    assert!(errors.contains("no-such-file.json") && errors.contains("no-other.json"), "{errors}");
    let report = typed::json(&output);
    assert_eq!((&report["files"][0]["ok"], &report["files"][1]["ok"]), (&json!(false), &json!(true)));
    assert!(report["files"][0]["unreadable"].as_str().unwrap().contains("no-such-file.json"));
}

#[test]
fn a_newer_policy_is_told_which_version_this_is() {
    let mut policy = demo();
    policy["version"] = json!("tidegate/v2");
    policy["of_v2"] = json!(1);
    let output = check_stdin(&["-"], &policy.to_string());
    let text = stdout(&output);
    assert_eq!(code(&output), 1);
    assert!(
        text.contains("tidegate/v2") && text.contains("reads \"tidegate/v1\"") && text.contains("1 error"),
        "{text}"
    );
}

#[test]
fn every_lint_can_be_listed() {
    let text = stdout(&check(&["--lints"]));
    let list = typed::json(&check(&["--lints", "--format", "json"]));
    assert_eq!(list["lints"].as_array().unwrap().len(), LINTS.len());
    for (lint, listed) in LINTS.iter().zip(list["lints"].as_array().unwrap()) {
        assert_eq!((&listed["name"], &listed["fix"]), (&json!(lint.name), &json!(lint.fix)));
        assert!(text.contains(lint.name) && text.contains(lint.meaning) && text.contains(lint.fix), "{}", lint.name);
    }
    assert_eq!(code(&check(&["--lints", DEMO])), 2);
}

#[test]
fn an_allowed_lint_is_no_finding_and_is_listed_with_its_reason() {
    let mut policy = demo();
    policy["on"] = json!({ "other_media_type": "allow" });
    assert_eq!(code(&check_stdin(&["--strict", "-"], &policy.to_string())), 1);
    let allowance = json!({ "lint": "fail_open", "at": "/on/other_media_type", "reason": "Exports are CSV files.",
                            "expires": "2126-01-01T00:00:00Z" });
    policy["lint"]["allow"].as_array_mut().unwrap().push(allowance);
    let output = check_stdin(&["--strict", "--explain", "-"], &policy.to_string());
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    let row = text.lines().find(|line| line.contains("Exports are CSV files.")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains("fail_open") && row.contains("2126-01-01T00:00:00Z"), "{row}");
    let report = typed::json(&check_stdin(&["--format", "json", "-"], &policy.to_string()));
    let allowed = &report["files"][0]["allowed"][0];
    assert_eq!((&allowed["code"], &allowed["pointer"]), (&json!("fail_open"), &json!("/on/other_media_type")));
    assert_eq!(allowed["reason"], "Exports are CSV files.");
    assert_eq!(report["warnings"], 0);
}

#[test]
fn patterns_are_compared_with_the_tools_of_captures() {
    let mut policy = demo();
    policy["rules"][1]["allow"]["tools"] = json!(["billing/isue_refund"]);
    let text = policy.to_string();
    let captures = ["typescript-2-modern.jsonl", "python-2.3-modern.har", "rmcp-legacy.jsonl"];
    for name in captures {
        let path = capture(name);
        let output = check_stdin(&["--format", "json", "--against", &path, "-"], &text);
        let report = typed::json(&output);
        let file = &report["files"][0];
        assert!(file["against"]["seen"]["billing"].as_u64().is_some_and(|count| count > 3), "{name}: {file}");
        let findings = file["findings"].as_array().unwrap();
        let unmatched: Vec<&Value> = findings.iter().filter(|it| it["code"] == "unmatched_pattern").collect();
        assert_eq!(unmatched.len(), 1, "{name}: {findings:#?}");
        assert_eq!(unmatched[0]["pointer"], "/rules/1/allow/tools/0");
        assert_eq!(unmatched[0]["help"], "did you mean `issue_refund`?");
    }
    // The demo's own rules fit what its servers have.
    let output = check(&["--strict", "--against", &capture(captures[0]), DEMO]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}

#[test]
fn lists_of_tools_do_as_well_and_tools_without_a_rule_are_named() {
    let folder = Scratch::new();
    let mut policy = demo();
    policy["rules"].as_array_mut().unwrap().retain(|rule| rule["id"] != "analysts-read");
    policy["lint"] = json!({ "allow": [{ "lint": "shadow_rule", "reason": "a test" }] });
    let policy = folder.file("policy.json", &policy.to_string());
    let named = folder.file("named.list", r#"["billing/get_invoice", "billing/wipe", "platform/restart"]"#);
    let output = check(&["--against", &named, &policy]);
    let text = stdout(&output);
    assert!(text.contains("no rule names 1 tool that was seen, so nobody may call: billing/wipe"), "{text}");
    let result = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_invoice"},{"name":"wipe"}]}}"#;
    let result = folder.file("result.list", result);
    let report = typed::json(&check(&["--format", "json", "--against", &result, &policy]));
    let against = &report["files"][0]["against"];
    assert_eq!(against["seen"], json!({ "billing": 2, "platform": 2 }));
    assert_eq!(against["unmentioned"], json!([{ "server": "billing", "tool": "wipe" }]));

    let nothing = folder.file("nothing.list", r#"{"tools": []}"#);
    let broken = folder.file("broken.list", "[");
    for (path, what) in [(&nothing, "names no tool"), (&broken, "is broken at line 1")] {
        let output = check(&["--against", path, &policy]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(what), "{}", stderr(&output));
    }
}

/// Every setting that the schema knows, with values that stand out.
fn everything() -> Value {
    json!({
        "host": {
            "hold_headers": true,
            "audit": { "sink": "log", "level": "warn" },
            "keys": { "redaction": { "env": "PLACEHOLDER_KEY" } },
            "stores": { "counters": 4096, "global": {
                "cluster": "limiter", "domain": "mcp", "protocol": "reserve", "timeout": "250ms", "hold": "45s"
            } }
        },
        "layers": [{
            "$schema": "policy.schema.json", "version": "tidegate/v1", "name": "every-key", "revision": 77,
            "mode": "enforce",
            "identity": {
                "sources": [
                    { "jwt": { "issuer": "https://idp.example.com", "audience": "https://aud.example.com",
                               "metadata_key": "verified", "subject": "uid", "team": "squad", "groups": "realm.roles",
                               "scopes": "scp", "agent": "client" } },
                    { "header": { "peers": ["spiffe://example.com/gateway"], "subject": "x-user", "team": "x-team",
                                  "groups": "x-groups", "scopes": "x-scopes", "agent": "x-agent" } },
                    { "spiffe": { "subject": "id" } }
                ],
                "anonymous": { "challenge": { "resource_metadata": "https://mcp.example.com/.well-known/oauth-protected-resource" } }
            },
            "registries": [{ "name": "production" }, { "name": "production-data", "parent": "production" }],
            "servers": [
                { "name": "crm", "match": { "path": "/mcp/crm", "authority": "crm.example.com", "route": "crm-route",
                                            "cluster": "crm-cluster" },
                  "mode": "shadow", "registry": "production-data" },
                { "name": "files", "match": { "path": "/files" }, "govern": false }
            ],
            "sets": { "repos": ["acme/api"] },
            "rules": [
                { "id": "all-keys",
                  "allow": { "tools": ["crm/get_*", { "server": "crm", "tool": "a/b" }], "prompts": ["summary"] },
                  "who": { "subject": ["ann"], "team": ["finance"], "groups": ["leads"], "agent": ["bot"],
                           "workload": ["spiffe://example.com/w"], "scopes": ["crm.read"],
                           "issuer": ["https://idp.example.com"] },
                  "servers": ["crm"], "arguments": { "properties": { "limit": { "maximum": 31 } } },
                  "write": true, "not_before": "2026-12-01T00:00:00Z", "expires": "2126-12-08T00:00:00Z",
                  "mode": "enforce", "advice": "Ask the owners." },
                { "id": "no-wipe", "deny": { "tools": ["wipe"], "resources": ["file:///etc/*"], "methods": ["x/*"] },
                  "deny_style": "hide" }
            ],
            "narrow_schemas": false,
            "read_only": { "enabled": true, "reads": ["list_*"] },
            "redaction": {
                "detectors": ["cloud"], "keys": ["license_code"],
                "patterns": [{ "name": "ticket", "pattern": "TCK-[0-9]{8}", "examples": ["TCK-12345678"],
                               "passes": ["TCK-1"] }],
                "requests": "mask", "responses": "hash",
                "strategies": { "ticket": { "requests": "allow", "responses": "block" } },
                "allow": [{ "tools": ["get_commit"], "paths": ["/result/sha"], "detectors": ["ticket"] }],
                "mode": "shadow", "sweep_bytes": 12288, "hidden_text": { "definitions": "count", "results": "strip" },
                "constrained": "drop"
            },
            "quotas": [
                { "id": "calls", "limit": 601, "count": "calls", "window": "7m", "burst": 13, "by": ["subject"],
                  "tools": ["get_*"], "resources": ["file:///x/*"], "prompts": ["summary"], "methods": ["tasks/get"],
                  "servers": ["crm"], "registries": ["production-data"], "who": { "team": ["sales"] },
                  "scope": "local", "on_store_error": "allow", "on_missing": "deny",
                  "refund_on": ["upstream_failure"], "mode": "shadow", "advice": "Wait a while." },
                { "id": "month", "limit": "$31", "window": "month", "utc_offset": "+05:30" },
                { "id": "running", "limit": 17, "count": "concurrent", "lease": "11m" }
            ],
            "costs": [{
                "tools": ["search_*"], "per_call": "$0.07", "per_request_kb": "$0.08", "per_result_kb": "$0.09",
                "argument": { "pointer": "/n", "price": "$0.11", "per": 19, "default": 23 },
                "result": { "pointer": "/usage", "price": "$0.12", "per": 29 }, "refund_on": ["tool_error"],
                "max": "$3.70"
            }],
            "cost_controls": {
                "team_budgets": { "platform": "$5000/month" },
                "approval_thresholds": { "single_request": "$10", "hourly_spend": "$100", "daily_spend": "$501" },
                "optimization": { "cache_ttl": "3600s", "model_routing": "cost_optimized" },
                "utc_offset": "-03:00", "scope": "local", "on_store_error": "deny", "mode": "enforce"
            },
            "limits": { "request_bytes": 2097152, "list_bytes": 3145728, "event_bytes": 524288, "depth": 33,
                        "buffered_bytes_per_worker": 134217728, "buffered_bytes_per_principal": 16777216 },
            "on": { "server_unknown": "allow", "unknown_method": "allow", "unreadable_response": "allow",
                    "other_media_type": "allow", "encoded_response": "allow", "oversize_list": "allow",
                    "oversize_event": "allow", "overloaded": "deny", "host_error": "deny" },
            "audit": { "arguments": "none", "allowed": false },
            "lint": { "allow": [{ "lint": "fail_open", "at": "/on", "reason": "a test of the table",
                                  "expires": "2126-01-01T00:00:00Z" }] }
        }]
    })
}

/// Collects the keys of the schema's definitions that `value` has, and its leaves with the key they stand under.
fn walk(
    schema: &Value,
    node: &Value,
    value: &Value,
    home: &str,
    keys: &mut BTreeSet<String>,
    leaves: &mut Vec<(String, Value)>,
) {
    if let Some(name) = node["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/")) {
        let definition = &schema["$defs"][name];
        // A definition of a form of text is a part of the key that has it.
        let home = if definition["properties"].is_object() { name } else { home };
        return walk(schema, definition, value, home, keys, leaves);
    }
    for choice in ["oneOf", "anyOf"] {
        let resolve = |it: &Value| match it["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/")) {
            Some(name) => schema["$defs"][name].clone(),
            None => it.clone(),
        };
        let fits = |it: &&Value| {
            let it = resolve(it);
            match value {
                Value::Object(_) => it["type"] == "object",
                Value::Array(_) => it["type"] == "array",
                _ => false,
            }
        };
        if node["properties"].is_null()
            && let Some(branch) = node[choice].as_array().and_then(|all| all.iter().find(fits))
        {
            return walk(schema, branch, value, home, keys, leaves);
        }
    }
    match value {
        Value::Object(members) if node["properties"].is_object() => {
            for (key, value) in members {
                let property = &node["properties"][key];
                assert!(!property.is_null(), "{home}.{key} is in no schema");
                let place = format!("{}.{key}", home.split('.').next().unwrap());
                keys.insert(place.clone());
                walk(schema, property, value, &place, keys, leaves);
            }
        }
        Value::Object(members) => {
            for value in members.values() {
                walk(schema, &node["additionalProperties"], value, home, keys, leaves);
            }
        }
        Value::Array(list) => {
            for value in list {
                walk(schema, &node["items"], value, home, keys, leaves);
            }
        }
        leaf => leaves.push((home.to_owned(), leaf.clone())),
    }
}

/// Every key that a policy can have is in the test's policy, and the explanation tells its value.
#[test]
fn explain_shows_every_setting_of_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (mut keys, mut leaves) = (BTreeSet::new(), Vec::new());
    let document = everything();
    walk(&schema, &json!({ "$ref": "#/$defs/configuration" }), &document, "", &mut keys, &mut leaves);
    let mut published = BTreeSet::new();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for key in definition["properties"].as_object().into_iter().flat_map(serde_json::Map::keys) {
            published.insert(format!("{name}.{key}"));
        }
    }
    let missing: Vec<&String> = published.difference(&keys).collect();
    assert!(missing.is_empty(), "the test's policy lacks {missing:?}");

    let output = check_stdin(&["--explain", "-"], &document.to_string());
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    let explained = text.split("\n\nPolicy\n").nth(1).unwrap_or_else(|| panic!("{text}"));
    let flat = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    for (key, value) in &leaves {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let shown = match key.as_str() {
            // Of no effect on what happens to a message, or tested when the policy is loaded.
            "policy.$schema"
            | "policy.version"
            | "redaction_pattern.pattern"
            | "redaction_pattern.examples"
            | "redaction_pattern.passes"
            | "optimization.cache_ttl"
            | "optimization.model_routing"
            | "spiffe.subject" => continue,
            "host_stores_global.timeout" => "250 ms",
            "limits.request_bytes" => "2 MiB",
            "limits.list_bytes" => "3 MiB",
            "limits.event_bytes" => "512 KiB",
            "limits.buffered_bytes_per_worker" => "128 MiB",
            "limits.buffered_bytes_per_principal" => "16 MiB",
            "redaction.sweep_bytes" => "12 KiB",
            "server.govern" => "not governed",
            "rule.write" => "writes too",
            "rule.deny_style" => "looks like an unknown tool",
            "quota.count" if value == "calls" => "601 calls",
            "quota.count" => "17 at a time",
            "quota.on_missing" => "callers without these are refused",
            "quota.utc_offset" => "(UTC+05:30)",
            "cost_controls.utc_offset" => "(UTC-03:00)",
            "cost_controls.team_budgets" => "$5000 each month",
            "quota.scope" | "cost_controls.scope" => "in this Envoy",
            "read_only.enabled" => "on; reads are",
            _ => value.as_str(),
        };
        assert!(flat.contains(shown), "{key}: `{shown}` is missing in\n{explained}");
    }
    // Every cause of doubt has its row, with its verdict and the default.
    let causes = schema["$defs"]["on"]["properties"].as_object().unwrap();
    for (cause, property) in causes {
        let row = explained.lines().find(|line| line.trim_start().starts_with(&format!("{cause} "))).unwrap();
        let verdict = document["layers"][0]["on"][cause].as_str().unwrap();
        let default = property["default"].as_str().or(property["const"].as_str()).unwrap();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!((words[1], words[2].trim_end_matches(',')), (verdict, default), "{row}");
    }
    assert_eq!(causes.len(), document["layers"][0]["on"].as_object().unwrap().len());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let mut command = command(&["check", "--explain", DEMO]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
}

/// What the directory of this test's captures is for.
#[test]
fn a_directory_is_no_capture() {
    let captures = capture("");
    assert!(Path::new(&captures).is_dir());
    let output = check(&["--against", &captures, DEMO]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("cannot read"), "{}", stderr(&output));
}
