//! What clients send: refused or rewritten before a server has it.

use serde_json::{Value, json};
use tidegate_tests::case::Case;
use tidegate_tests::client::Response;
use tidegate_tests::site::Site;
use tidegate_tests::upstream::chunk;

use super::{KEY, assert_clean};
use crate::{executed, result, scripted};

fn call_with(case: &Case, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{}","arguments":{arguments}}}}}"#,
        case.tool("get")
    )
}

/// A tool error that says which detector found what where, and not what.
fn assert_refused(response: &Response, detector: &str, pointer: &str) {
    assert_eq!((response.status, response.reason().as_deref()), (200, Some("secret_blocked")), "{response}");
    let result = &response.json()["result"];
    assert_eq!(result["isError"], true, "{response}");
    let said = result["content"][0]["text"].as_str().unwrap();
    assert!(said.contains(detector) && said.contains(pointer), "{said}");
    assert_clean(&response.text(), "the refusal");
}

#[test]
fn arguments_with_a_secret_never_reach_the_server() {
    executed(Site::Redacting, async |case, _| {
        let escaped: String = KEY.chars().map(|it| format!("\\u{:04x}", u32::from(it))).collect();
        let inner = json!({"env": {"KEY": KEY}}).to_string();
        for (arguments, pointer) in [
            (json!({"q": KEY}).to_string(), "/params/arguments/q"),
            (json!({"a": [{"b/c": format!("x {KEY}")}]}).to_string(), "/params/arguments/a/0/b~1c"),
            (format!(r#"{{"q":"{escaped}"}}"#), "/params/arguments/q"),
            (json!({"file": inner}).to_string(), "/params/arguments/file"),
            (json!({KEY: 1}).to_string(), "/params/arguments/"),
        ] {
            let body = call_with(&case, &arguments);
            assert_refused(&case.send(case.post(&body)).await, "aws-access-key-id", pointer);
            let (before, after) = body.split_at(body.len() - 12);
            let head = format!(
                "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
                case.path()
            );
            let request = [head.as_bytes(), &chunk(before), &chunk(after), b"0\r\n\r\n"].concat();
            assert_refused(&case.send(request).await, "aws-access-key-id", pointer);
        }
        let password = call_with(&case, r#"{"user":"ada","password":"tr0ub4dor&3-Zq"}"#);
        let answer = case.send(case.post(password)).await;
        assert_eq!(answer.reason().as_deref(), Some("secret_blocked"), "{answer}");
        assert!(!answer.text().contains("tr0ub4dor"), "{answer}");
        case.assert_refused_before_server().await;
        let event = case.refusal("secret_blocked").await;
        assert_eq!(event.json()["redactions"][0]["path"], "/params/arguments/q", "{}", event.line());
        assert_clean(event.line(), "the audit event");
    });
}

#[test]
fn a_placeholder_is_refused_and_the_session_goes_on() {
    executed(Site::Redacting, async |case, _| {
        for placeholder in ["[redacted:aws-access-key-id:7f3a]", "[redacted:hash:0123456789abcdef]"] {
            let body = call_with(&case, &json!({"content": format!("KEY={placeholder}\n")}).to_string());
            let answer = case.send(case.post(body)).await;
            assert_eq!(answer.reason().as_deref(), Some("secret_blocked"), "{answer}");
            let said = answer.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
            assert!(said.contains("placeholder") && said.contains("/params/arguments/content"), "{said}");
        }
        case.assert_refused_before_server().await;
        let answer = case.send(case.post(call_with(&case, r#"{"content":"clean"}"#))).await;
        assert_eq!((answer.status, answer.reason()), (200, None), "{answer}");
        assert_eq!(case.ledger().tools().await, [case.tool("get")]);
    });
}

#[test]
fn a_request_can_be_rewritten_with_its_length() {
    scripted(Site::Choosy, async |mut case, _| {
        let body = call_with(&case, &json!({"q": format!("x {KEY} y"), "n": 1}).to_string());
        let (visit, answer) = case.round_trip(&body, result("1")).await;
        assert_eq!(answer.text(), result("1"));
        let masked = body.replace(KEY, "********WXTD");
        assert_eq!(String::from_utf8_lossy(&visit.body), masked);
        let announced = visit.head.get("content-length").map(|it| it.parse::<usize>().unwrap());
        assert!(visit.complete == Some(true) && announced.is_none_or(|it| it == masked.len()), "{:?}", visit.head);
        // Detectors can be stricter than the rest.
        let body = call_with(&case, r#"{"q":"see ACME-20261123"}"#);
        assert_refused(&case.send(case.post(body)).await, "acme-ticket", "/params/arguments/q");
    });
}

#[test]
fn a_mirrored_parameter_with_a_secret_is_refused() {
    for site in [Site::Redacting, Site::Choosy] {
        executed(site, async |case, _| {
            let tool = case.tool("get");
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                "name": tool, "arguments": {"region": KEY},
                "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                          "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
                          "io.modelcontextprotocol/clientCapabilities": {}},
            }})
            .to_string();
            let fields = format!(
                "content-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}\r\nmcp-param-region: {KEY}\r\n"
            );
            let answer = case.send(case.post_with(&fields, body)).await;
            assert_clean(&answer.text(), "the answer");
            if site == Site::Redacting || case.mode == tidegate_tests::site::Mode::NoHold {
                assert_eq!(answer.reason().as_deref(), Some("secret_blocked"), "{answer}");
                case.assert_refused_before_server().await;
            } else {
                for visit in case.ledger().settled().await {
                    assert_clean(&String::from_utf8_lossy(&visit.head.raw), "the request's head");
                    assert_clean(&String::from_utf8_lossy(&visit.body), "the request's body");
                }
            }
        });
    }
}

#[test]
fn an_answer_of_a_person_with_a_secret_reaches_the_server_as_an_error() {
    scripted(Site::Redacting, async |mut case, _| {
        let answer = json!({"jsonrpc": "2.0", "id": "e-1", "result": {"action": "accept", "content": {"pin": KEY}}});
        let request = case.post(answer.to_string());
        let client = tokio::spawn(tidegate_tests::client::once(case.address, request));
        let mut arrival = case.arrival().await;
        let visit = arrival.body().await;
        arrival.send("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
        arrival.done();
        assert_eq!(client.await.unwrap().status, 202);
        let text = String::from_utf8(visit.body).unwrap();
        assert_clean(&text, "what the server got");
        let message: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&message["id"], message.get("result")), (&json!("e-1"), None), "{text}");
        assert!(message["error"]["message"].as_str().unwrap().contains("/result/content/pin"), "{text}");
        let announced = visit.head.get("content-length").map(|it| it.parse::<usize>().unwrap());
        assert!(announced.is_none_or(|it| it == text.len()), "{:?}", visit.head);
    });
}

#[test]
fn names_with_secrets_are_in_no_error() {
    executed(Site::Redacting, async |case, _| {
        let token = &case.token;
        for (method, params) in [
            ("tools/call", json!({"name": format!("delete_{token} {KEY}"), "arguments": {}})),
            ("resources/read", json!({"uri": format!("NOTE://{token}/../{KEY}")})),
            (KEY, json!({})),
            ("x/none", json!([KEY])),
        ] {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
            let answer = case.send(case.post(body)).await;
            assert_clean(&answer.text(), method);
        }
        // What cannot be read is not repeated either.
        for body in [
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","{KEY}":1,"{KEY}":2}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{KEY}"#),
            KEY.to_owned(),
        ] {
            let answer = case.send(case.post(body)).await;
            assert_eq!(answer.status, 400, "{answer}");
            assert_clean(&answer.text(), "the error");
        }
        for event in case.events() {
            assert_clean(event.line(), "the audit log");
        }
    });
}
