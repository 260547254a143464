//! `tidegate learn` as it is typed: what is learned from captures allows them when they are replayed.

use std::fs;
use std::net::SocketAddr;
use std::process::Output;

use serde_json::Value;
use tidegate::sample::Server;

use crate::typed::{self, Scratch, capture, code, stderr, tidegate};

/// Standard output of a run in which all was fine.
fn stdout(output: &Output) -> String {
    assert_eq!(code(output), 0, "{}", stderr(output));
    typed::stdout(output)
}

/// Reasons of all denials when captures are replayed.
fn denials(policy: &str, trust: bool, captures: &[String]) -> Vec<String> {
    let mut arguments = vec!["replay", "--format", "json", "--policy", policy];
    if trust {
        arguments.push("--trust-capture-tokens");
    }
    arguments.extend(captures.iter().map(String::as_str));
    let text = stdout(&tidegate(&arguments));
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!rows.is_empty());
    let denied = rows.iter().filter(|row| row["verdict"] == "deny");
    denied.map(|row| row["reason"].as_str().unwrap().to_owned()).collect()
}

const SDKS: [&str; 8] = [
    "rmcp-legacy.jsonl",
    "rmcp-modern.jsonl",
    "python-1.30-legacy.jsonl",
    "python-2.3-legacy.jsonl",
    "python-2.3-modern.har",
    "typescript-1-legacy.jsonl",
    "typescript-2-legacy.jsonl",
    "typescript-2-modern.jsonl",
];

#[test]
fn what_was_seen_is_allowed_when_it_is_replayed_and_nothing_else_is() {
    let scratch = Scratch::new();
    let captures: Vec<String> = SDKS.iter().map(|name| capture(name)).collect();
    for trust in [true, false] {
        let policy = scratch.path(&format!("{trust}.json"));
        let mut arguments = vec!["learn", "--allow-attempts", "--out", &policy];
        if trust {
            arguments.push("--trust-capture-tokens");
        }
        arguments.extend(captures.iter().map(String::as_str));
        stdout(&tidegate(&arguments));
        assert_eq!(denials(&policy, trust, &captures), Vec::<String>::new(), "trust {trust}");

        let other = fs::read_to_string(capture("rmcp-legacy.jsonl")).unwrap().replace("get_customer", "put_customer");
        let path = scratch.file("other.jsonl", &other);
        assert_eq!(denials(&policy, trust, &[path]), ["tool_not_allowed"], "trust {trust}");
    }
    let check = tidegate(&["check", "--strict", &scratch.path("true.json")]);
    assert_eq!(code(&check), 0, "{}", typed::stdout(&check));
    // Another team has no right at all.
    let policy = scratch.path("true.json");
    let stranger = tidegate(&["replay", "--policy", &policy, "--as", "team=sales", "--fail-on", "deny", &captures[0]]);
    assert_eq!(code(&stranger), 1);
}

#[test]
fn attempts_and_secrets_are_refused_as_the_report_says() {
    let scratch = Scratch::new();
    let policy = scratch.path("policy.json");
    let captures = [capture("rmcp-modern.jsonl"), capture("secrets.jsonl")];
    let output = tidegate(&["learn", "--out", &policy, &captures[0], &captures[1]]);
    let text = stdout(&output);
    assert!(text.contains("billing: the tool `get_weather` was asked for and is not allowed"), "{text}");
    assert!(text.contains("platform: 2 requests were seen with secrets in them"), "{text}");
    assert!(text.contains("listed, never called, not allowed: billing: list_customers, update_customer"), "{text}");
    assert!(text.contains("aws-secret-access-key"), "{text}");
    for secret in ["AKIAQ3EGRZ7PLM5VWXTD", "Vx7mT2qLw9zR"] {
        assert!(!text.contains(secret));
    }
    let mut reasons = denials(&policy, false, &captures);
    reasons.sort();
    assert_eq!(reasons, ["secret_blocked", "secret_blocked", "tool_not_allowed"]);
}

#[test]
fn the_report_for_machines_has_the_inventory_and_the_policy() {
    let output = tidegate(&["learn", "--format", "json", "--trust-capture-tokens", &capture("rmcp-modern.jsonl")]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let billing = &report["inventory"]["servers"][0];
    assert_eq!((&billing["path"], &billing["name"]), (&"/mcp/billing".into(), &"billing".into()));
    assert_eq!(billing["eras"], serde_json::json!(["modern"]));
    let delete = billing["tools"].as_array().unwrap().iter().find(|it| it["name"] == "delete_customer").unwrap();
    assert_eq!(delete["annotations"]["destructiveHint"], true);
    assert_eq!(delete["by"], serde_json::json!([{"team": "finance", "calls": 1}]));
    assert_eq!(report["policy"]["version"], "tidegate/v1");
    assert!(stderr(&output).contains("nobody has verified these tokens"));
    // The same in any order of captures.
    let of = |names: [&str; 2]| stdout(&tidegate(&["learn", &capture(names[0]), &capture(names[1])]));
    assert_eq!(of(["rmcp-legacy.jsonl", "rmcp-modern.jsonl"]), of(["rmcp-modern.jsonl", "rmcp-legacy.jsonl"]));
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let scratch = Scratch::new();
    let (policy, har) = (scratch.file("policy.json", "mine"), capture("rmcp-modern.jsonl"));
    let output = tidegate(&["learn", "--out", &policy, &har]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("is there already"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&policy).unwrap(), "mine");
    stdout(&tidegate(&["learn", "--out", &policy, "--force", &har]));
    assert!(fs::read_to_string(&policy).unwrap().starts_with("{\n  \"version\""));
}

#[test]
fn what_cannot_be_read_exits_with_2_and_leaves_no_file() {
    let scratch = Scratch::new();
    let (policy, bad) = (scratch.path("policy.json"), scratch.file("bad.jsonl", "{\"request\": 7}\n"));
    let output = tidegate(&["learn", "--out", &policy, &capture("rmcp-modern.jsonl"), &bad]);
    assert_eq!(code(&output), 2);
    assert!(!std::path::Path::new(&policy).exists());
    let output = tidegate(&["learn", "--as", "team=finance", &capture("rmcp-modern.jsonl")]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("`issuer` is missing"), "{}", stderr(&output));
    for (url, expected) in [
        ("https://mcp.example.com/mcp", "is not an http:// URL"),
        ("http://127.0.0.1:9/mcp", "does not answer as an MCP server"),
    ] {
        let output = tidegate(&["learn", "--url", url]);
        assert_eq!(code(&output), 2, "{url}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_server_is_asked_for_its_lists_and_nothing_is_called() {
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}/mcp/billing", server.address());
    let output = tokio::task::spawn_blocking(move || tidegate(&["learn", "--format", "json", "--url", &url]));
    let report: Value = serde_json::from_str(&stdout(&output.await.unwrap())).unwrap();
    let billing = &report["inventory"]["servers"][0];
    assert_eq!((&billing["name"], &billing["live"]), (&"billing".into(), &true.into()));
    assert!(billing["tools"].as_array().unwrap().len() > 5, "{billing}");
    let allowed = report["policy"]["rules"][0]["allow"]["tools"].as_array().unwrap();
    assert!(allowed.contains(&"billing/get_customer".into()) && !allowed.contains(&"billing/delete_customer".into()));
    assert!(server.calls().is_empty());
}
