//! What a capture can hold, one thing a test.

use serde_json::{Value, json};
use tidegate::replay::{Sent, Settings};
use time::macros::datetime;

use crate::stage::{call, caller, decide, policy, replayer, settings};

const NOON: &str = "2026-11-23T12:00:00Z";

fn told(decision: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| decision[name].clone()).collect()
}

#[test]
fn rules_with_times_are_judged_by_the_time_of_the_capture() {
    let rules = json!([{"id": "window", "allow": {"tools": ["get_*"]},
        "not_before": "2026-11-23T00:00:00Z", "expires": "2026-11-24T00:00:00Z"}]);
    let policy = policy(&json!({"rules": rules}));
    let lines =
        [call("get_x", NOON), call("get_x", "2026-11-25T00:00:00+01:00"), call("get_x", "2026-11-23T23:59:59Z")];
    let verdicts = |settings: Settings, name: &str| -> Vec<Value> {
        let decided = decide(&replayer(&policy, settings), name, &lines);
        decided.iter().map(|(decision, _)| decision["verdict"].clone()).collect()
    };
    assert_eq!(verdicts(settings(true), "times"), ["allow", "deny", "allow"]);
    let now = Some(datetime!(2027-01-01 0:00 UTC));
    assert_eq!(verdicts(Settings { now, ..settings(true) }, "now"), ["deny", "deny", "deny"]);
    let (decision, _) = decide(&replayer(&policy, settings(true)), "told", &lines).remove(0);
    assert_eq!(decision["time"], "2026-11-23T12:00:00Z", "the filter's clock is the capture's");
}

#[test]
fn every_source_of_the_policy_can_supply_the_caller() {
    let source = |source: Value| json!({"identity": {"sources": [source], "anonymous": "deny"}});
    let jwt = source(json!({"jwt": {"issuer": "https://i", "audience": "a", "subject": "user.id", "team": "user.team",
        "groups": "roles", "scopes": "scope", "agent": "azp", "metadata_key": "claims"}}));
    let spiffe = source(json!({"spiffe": {}}));
    let header = source(json!({"header": {"peers": ["spiffe://e/gw"], "subject": "x-user", "team": "x-team",
        "groups": "x-groups", "scopes": "x-scopes", "agent": "x-agent"}}));
    let everything = json!([{"id": "all", "allow": {"tools": ["get_*"]}, "who": {"team": ["finance"],
        "groups": ["leads"], "scopes": ["write"], "agent": ["bot"]}}]);
    let said = "subject=ada,team=finance,groups=staff,leads,scopes=read write,agent=bot";
    for (name, mut members, said, expected) in [
        ("jwt", jwt, said, json!(["allow", "jwt", "ada", "finance", "https://i"])),
        ("header", header, said, json!(["allow", "header", "ada", "finance", "spiffe://e/gw"])),
        ("spiffe", spiffe, "subject=spiffe://e/sa/x", json!(["allow", "spiffe", "spiffe://e/sa/x", null, null])),
    ] {
        if name != "spiffe" {
            members["rules"] = everything.clone();
        }
        let policy = policy(&members);
        let mut line = call("get_x", NOON);
        // Whoever was recorded has no say.
        let recorded = json!({"name": "X-User", "value": "mallory"});
        line["request"]["headers"].as_array_mut().unwrap().push(recorded);
        for hold in [true, false] {
            let settings = Settings { caller: caller(&policy, said), ..settings(hold) };
            let (decision, replayed) =
                decide(&replayer(&policy, settings), name, std::slice::from_ref(&line)).remove(0);
            let found = told(&decision, &["verdict", "source", "principal", "team", "issuer"]);
            assert_eq!(json!(found), expected, "{decision}");
            assert_eq!(replayed.sent, Sent::Whole);
        }
    }
}

#[test]
fn equal_refusals_are_told_one_by_one() {
    let lines = vec![call("delete_x", NOON); 20];
    let decided = decide(&replayer(&policy(&json!({})), settings(true)), "equal", &lines);
    for (decision, replayed) in decided {
        assert_eq!(json!(told(&decision, &["verdict", "rule", "repeat"])), json!(["deny", "no-deletes", null]));
        assert_eq!(replayed.decisions.len(), 1);
    }
}

#[test]
fn allowed_calls_are_told_though_the_policy_does_not_audit_them() {
    let policy = policy(&json!({"audit": {"allowed": false}}));
    let (decision, _) = decide(&replayer(&policy, settings(true)), "quiet", &[call("get_x", NOON)]).remove(0);
    assert_eq!(json!(told(&decision, &["verdict", "rule"])), json!(["allow", "reading"]));
}

#[test]
fn shadow_verdicts_change_nothing_and_are_told() {
    let policy = policy(&json!({"mode": "shadow"}));
    let (decision, replayed) =
        decide(&replayer(&policy, settings(true)), "shadow", &[call("delete_x", NOON)]).remove(0);
    assert_eq!(json!(told(&decision, &["verdict", "would_verdict", "rule"])), json!(["allow", "deny", "no-deletes"]));
    assert!(replayed.sent == Sent::Whole && !replayed.response_rewritten);
}

#[test]
fn servers_can_be_matched_by_route_and_cluster() {
    for key in ["route", "cluster"] {
        let policy = policy(&json!({"servers": [{"name": "main", "match": {key: "billing"}}]}));
        let name = Some("billing".to_owned());
        let named = match key {
            "route" => Settings { route: name, ..settings(true) },
            _ => Settings { cluster: name, ..settings(true) },
        };
        let reason = |settings: Settings| {
            let (decision, _) = decide(&replayer(&policy, settings), key, &[call("get_x", NOON)]).remove(0);
            decision["reason"].clone()
        };
        assert_eq!((reason(named), reason(settings(true))), (Value::Null, "server_unknown".into()), "{key}");
    }
}

#[test]
fn an_ungoverned_server_is_told_as_such_and_left_alone() {
    let servers = json!([{"name": "free", "match": {"path": "/mcp"}, "govern": false}, {"name": "main", "match": {"path": "/x"}}]);
    let policy = policy(&json!({"servers": servers}));
    let (_, replayed) = decide(&replayer(&policy, settings(true)), "free", &[call("delete_x", NOON)]).remove(0);
    assert!(replayed.ungoverned && replayed.decisions.is_empty());
    assert!(replayed.request_headers.is_empty() && replayed.response_headers.is_empty());
}

#[test]
fn a_request_that_nobody_answered_is_judged_all_the_same() {
    for (tool, sent) in [("get_x", Sent::Whole), ("delete_x", Sent::Nothing)] {
        let mut line = call(tool, NOON);
        line.as_object_mut().unwrap().remove("response");
        let (_, replayed) = decide(&replayer(&policy(&json!({})), settings(true)), tool, &[line]).remove(0);
        assert_eq!((replayed.sent, replayed.hung), (sent, false));
        assert_eq!(replayed.result.response.is_none(), sent == Sent::Whole);
    }
}

#[test]
fn a_list_is_filtered_whatever_the_pieces_and_the_protocol() {
    let tools = json!([{"name": "get_x", "inputSchema": {"type": "object"}}, {"name": "delete_x", "inputSchema": {"type": "object"}}]);
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).to_string();
    let events = format!(
        "id: 1\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":\"é\"}}}}\n\nid: 2\ndata: {answer}\n\n"
    );
    for version in ["1.1", "2"] {
        for (kind, body) in [("application/json", &answer), ("text/event-stream", &events)] {
            let mut line = call("get_x", NOON);
            line["httpVersion"] = json!(version);
            line["request"]["body"] = json!(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string());
            line["response"] = json!({"status": 200, "headers": [{"name": "content-type", "value": kind}], "body": body,
                "chunks": [7, 20, body.len() - 27]});
            for hold in [true, false] {
                let replayer = replayer(&policy(&json!({})), settings(hold));
                let (_, replayed) = decide(&replayer, "list", std::slice::from_ref(&line)).remove(0);
                assert_eq!(replayed.hidden, ["delete_x"], "{version} {kind}");
                let got = String::from_utf8(replayed.result.response.unwrap().body()).unwrap();
                assert!(replayed.response_rewritten && got.contains("get_x") && !got.contains("delete_x"), "{got}");
            }
        }
    }
}

#[test]
fn a_response_that_is_refused_is_a_decision_of_its_own() {
    let mut line = call("get_x", NOON);
    line["response"]["body"] = json!(r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{}}"#);
    let (_, replayed) = decide(&replayer(&policy(&json!({})), settings(true)), "response", &[line]).remove(0);
    let told: Vec<_> =
        replayed.decisions.iter().map(|it| (it.text("direction"), it.text("verdict"), it.text("reason"))).collect();
    assert_eq!(told, [(None, Some("allow"), None), (Some("response"), Some("deny"), Some("unreadable_response"))]);
    assert!(replayed.response_rewritten);
}

#[test]
fn what_is_too_long_is_refused_whatever_the_pieces() {
    let policy = policy(&json!({"limits": {"request_bytes": 1024}}));
    let mut line = call("get_x", NOON);
    line["request"]["body"] = json!(format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{}\"}}", "x".repeat(4096)));
    for hold in [true, false] {
        let (decision, replayed) =
            decide(&replayer(&policy, settings(hold)), "long", std::slice::from_ref(&line)).remove(0);
        assert_eq!(json!(told(&decision, &["verdict", "reason"])), json!(["deny", "too_large"]));
        assert_eq!(replayed.status(), Some(413));
    }
}
