use serde_json::{Value, json};
use tidegate_filter::policy::{Severity, check};

use super::*;
use crate::capture::{Exchange, Place, Request, Response, Target};

fn exchange(path: &str, token: Option<&Value>, message: &Value, answer: &Value) -> Exchange {
    use base64::Engine as _;
    let json = ("content-type".to_owned(), "application/json".to_owned());
    let mut headers = vec![json.clone()];
    if let Some(claims) = token {
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
        headers.push(("authorization".to_owned(), format!("Bearer e30.{payload}.x")));
    }
    Exchange {
        place: Place::Line(1),
        at: None,
        http2: false,
        request: Request {
            method: "POST".to_owned(),
            target: Target { scheme: "http".to_owned(), authority: "h:1".to_owned(), path: path.to_owned() },
            headers,
            body: message.to_string().into_bytes(),
        },
        response: Some(Response { status: 200, headers: vec![json], chunks: vec![answer.to_string().into_bytes()] }),
    }
}

fn call(tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}})
}

fn ok() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})
}

fn token(subject: &str, team: Option<&str>) -> Value {
    json!({"iss": "https://idp.example.com", "sub": subject, "team": team, "aud": "https://mcp.example.com"})
}

/// The policy as `check` reads it; it may have these warnings.
fn policy(learner: &Learner, warnings: &[&str]) -> Value {
    let starter = starter(learner.inventory(), "learned", false);
    let text = serde_json::to_string(&starter.policy).unwrap();
    let compiled = check(text.as_bytes(), 1_795_000_000).unwrap();
    let codes: Vec<&str> =
        compiled.warnings.iter().filter(|it| it.severity == Severity::Warning).map(|it| it.code).collect();
    assert_eq!(codes, warnings, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn each_group_is_allowed_what_it_used() {
    let mut learner = Learner::new(Callers::Tokens);
    let listed = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [
        {"name": "get", "annotations": {"readOnlyHint": true}}, {"name": "put"}, {"name": "drop"}]}});
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let (ada, bob) = (token("ada", Some("finance")), token("bob", None));
    learner.add(&exchange("/mcp/crm", Some(&ada), &list, &listed));
    learner.add(&exchange("/mcp/crm", Some(&ada), &call("get"), &ok()));
    learner.add(&exchange("/mcp/crm/", Some(&bob), &call("put"), &ok()));
    learner.add(&exchange("/mcp/ops?x=1", Some(&bob), &list, &listed));
    let policy = policy(&learner, &[]);
    assert_eq!(
        policy["rules"],
        json!([
            {"id": "crm-bob-calls", "allow": {"tools": ["crm/put"]}, "who": {"subject": ["bob"]}},
            {"id": "crm-finance-reads", "allow": {"tools": ["crm/get"]}, "who": {"team": ["finance"]}},
            {"id": "ops-bob-lists", "allow": {"methods": ["tools/list"]}, "servers": ["ops"], "who": {"subject": ["bob"]}},
        ])
    );
    assert_eq!(policy["identity"]["anonymous"], "deny");
    assert_eq!(policy["identity"]["sources"][0]["jwt"]["audience"], "https://mcp.example.com");
    let starter = starter(learner.inventory(), "learned", false);
    assert_eq!(starter.unused["crm"], ["drop"]);
}

#[test]
fn nobody_is_told_apart_where_tokens_are_not_trusted() {
    let mut learner = Learner::new(Callers::Unknown);
    learner.add(&exchange("/mcp", Some(&token("ada", None)), &call("a/b"), &ok()));
    let policy = policy(&learner, &["anonymous_allowed"]);
    let server = policy["servers"][0]["name"].as_str().unwrap();
    assert_eq!(policy["rules"][0]["allow"]["tools"], json!([{"server": server, "tool": "a/b"}]));
    assert!(policy["rules"][0].get("who").is_none());
    assert!(!format!("{:?}", learner.inventory()).contains("\"ada\""));
}

#[test]
fn attempts_and_what_cannot_be_named_are_told_and_not_allowed() {
    let mut learner = Learner::new(Callers::Unknown);
    let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no such tool"}});
    let read = |uri: &str| json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}});
    let path = "/mcp/crm";
    learner.add(&exchange(path, None, &call("steal"), &error));
    learner.add(&exchange(path, None, &call("star*"), &ok()));
    learner.add(&exchange(path, None, &read("file:///a/../b"), &ok()));
    learner.add(&exchange(path, None, &read("file:///a/b"), &ok()));
    let policy = policy(&learner, &["anonymous_allowed"]);
    assert_eq!(policy["rules"].as_array().unwrap().len(), 1);
    assert_eq!(policy["rules"][0]["allow"], json!({"resources": ["file:///a/b"]}));
    let notes = starter(learner.inventory(), "learned", false).notes.join("\n");
    for expected in ["`steal`", "`star*`", "`file:///a/../b`"] {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }
    let all = serde_json::to_string(&starter(learner.inventory(), "learned", true).policy).unwrap();
    assert!(all.contains("crm/steal"), "{all}");
}

#[test]
fn what_a_server_asks_of_its_clients_is_learned_from_both_eras() {
    let mut learner = Learner::new(Callers::Unknown);
    let events = "data: {\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"sampling/createMessage\",\"params\":{}}\r\n\r\n\
                  data: {\"jsonrpc\":\"2.0\",\rdata: \"id\":1,\"result\":{}}\n\n";
    let mut legacy = exchange("/mcp/crm", None, &call("a"), &ok());
    legacy.response = Some(Response {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "text/event-stream".to_owned())],
        chunks: vec![events.into()],
    });
    learner.add(&legacy);
    let input = json!({"jsonrpc": "2.0", "id": 1, "result": {"resultType": "input_required",
        "inputRequests": {"x": {"method": "elicitation/create", "params": {}}}}});
    learner.add(&exchange("/mcp/crm", None, &call("a"), &input));
    let policy = policy(&learner, &["anonymous_allowed"]);
    let methods = json!({"id": "crm-methods", "allow": {"methods": ["elicitation/create", "sampling/createMessage"]}, "servers": ["crm"]});
    assert!(policy["rules"].as_array().unwrap().contains(&methods), "{policy}");
}

#[test]
fn secrets_are_counted_and_never_kept() {
    let mut learner = Learner::new(Callers::Unknown);
    let secret = "AKIAQ3EGRZ7PLM5VWXTD";
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": secret}]}});
    learner.add(&exchange("/mcp/crm", None, &call("env"), &answer));
    let server = learner.inventory().servers.values().next().unwrap();
    let (seen, count) = server.secrets.iter().next().unwrap();
    assert_eq!((seen.detector.as_str(), seen.of.as_str(), *count), ("aws-access-key-id", "env", 1));
    assert_eq!(seen.pointer, "/result/content/0/text");
    assert!(!format!("{learner:?}").contains(secret));
}

#[test]
fn what_is_no_mcp_or_was_refused_by_the_server_teaches_nothing() {
    let mut learner = Learner::new(Callers::Unknown);
    let mut page = exchange("/mcp/crm", None, &json!("<html>"), &ok());
    page.request.method = "GET".to_owned();
    learner.add(&page);
    learner.add(&exchange("/mcp/crm", None, &json!([call("a"), call("b")]), &ok()));
    let mut refused = exchange("/mcp/crm", None, &call("a"), &ok());
    refused.response.as_mut().unwrap().status = 401;
    learner.add(&refused);
    let seen = learner.inventory();
    assert_eq!((seen.exchanges, seen.other, seen.unreadable, seen.unauthorized), (3, 1, 1, 1));
    assert!(seen.servers.is_empty());
}

#[test]
fn one_caller_may_have_sent_everything() {
    let caller = Caller::parse("subject=ada,team=finance,issuer=https://idp.example.com").unwrap();
    let mut learner = Learner::new(Callers::One(caller));
    learner.add(&exchange("/mcp/crm", None, &call("put"), &ok()));
    let policy = policy(&learner, &[]);
    assert_eq!(policy["rules"][0]["who"], json!({"team": ["finance"]}));
    assert_eq!(policy["identity"]["sources"][0]["jwt"]["team"], "team");
    for (text, expected) in [
        ("subject=ada", "`issuer` is missing"),
        ("subject=ada,subject=bob", "one value for each key"),
        ("name=ada", "none of the keys"),
        ("subject=", "not KEY=VALUE"),
    ] {
        assert!(Caller::parse(text).unwrap_err().contains(expected), "{text}");
    }
}
