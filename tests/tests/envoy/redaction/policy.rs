//! What the operator chose.

use serde_json::{Value, json};
use tidegate_tests::client::once;
use tidegate_tests::rig::Rig;
use tidegate_tests::site::Site;
use tidegate_tests::upstream::{chunk, response};

use super::{KEY, OTHER_KEY, SLACK, TOKEN, assert_clean, placeholders, text_result};
use crate::{call, scripted};

/// The sum of the counters of this outcome and detector.
async fn counted(rig: &Rig, outcome: &str, detector: &str) -> u64 {
    let stats = rig.stats().await;
    let name = format!("wasmcustom.tidegate.redactions.outcome.{outcome}.detector.{detector}.server.main");
    stats.number(&name)
}

#[test]
fn shadow_changes_nothing_and_counts() {
    scripted(Site::RedactingShadow, async |mut case, rig| {
        let before = counted(rig, "would_redact", "aws-access-key-id").await;
        let tool = case.tool("get");
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"q":"{KEY} [redacted:jwt:0000]"}}}}}}"#
        );
        let long = text_result(&format!("{}{KEY} {}", "a ".repeat(90_000), "b ".repeat(90_000)));
        for body in [text_result(&format!("{KEY} \u{202e}x")), long] {
            let (visit, answer) = case.round_trip(&request, &body).await;
            assert_eq!(visit.body, request.as_bytes());
            assert!(answer.text() == body && answer.complete, "{answer}");
            let stream = format!("data: {body}\n\n");
            let answer = case.answered(case.post(&request), response(200, "text/event-stream", &stream)).await;
            assert!(answer.text() == stream, "{answer}");
        }
        let event = case.audit("what would be", |event| event.json().get("would_redact").is_some()).await;
        assert!(event.json().get("redactions").is_none(), "{}", event.line());
        assert_clean(event.line(), "the audit event");
        assert!(counted(rig, "would_redact", "aws-access-key-id").await >= before + 8);
    });
}

#[test]
fn allowances_groups_patterns_and_keys_do_what_they_say() {
    scripted(Site::Choosy, async |mut case, _| {
        let ocean = format!("dop_v1_{}", "3f9a1c07e2b84d56".repeat(4));
        let github = "ghp_zQ7WkR2mXv9TbLc4NdPs8HyFj3Ga5K0EtUoi";
        let structured = json!({
            "sha": KEY, "key": KEY, "ocean": ocean, "door_code": "4711", "ticket": "ACME-20261123, ACME-1234",
            "lab": TOKEN, "slack": SLACK, "card": "4556737586899855", "mail": "ada.lovelace@northwind.io", "hub": github,
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "structuredContent": structured}});
        let (_, answer) = case.round_trip(call("1", &case.tool("get")), body.to_string()).await;
        let got = answer.json()["result"]["structuredContent"].clone();
        let starts = |key: &str, with: &str| {
            assert!(got[key].as_str().unwrap().starts_with(with), "{key}: {got}");
        };
        for same in ["ocean", "slack"] {
            assert_eq!(got[same], structured[same], "{got}");
        }
        starts("key", "[redacted:aws-access-key-id:");
        starts("door_code", "[redacted:key-name:");
        starts("ticket", "[redacted:acme-ticket:");
        assert!(got["ticket"].as_str().unwrap().ends_with(", ACME-1234"), "{got}");
        starts("lab", "[redacted:hash:");
        starts("card", "[redacted:card-number:");
        starts("mail", "[redacted:email-address:");
        assert_eq!(got["hub"], format!("********{}", &github[github.len() - 4..]));
        // A place that is allowed, and a tool that is.
        let body = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "structuredContent": {"sha": KEY}}});
        let (_, answer) = case.round_trip(call("1", &case.tool("get")), body.to_string()).await;
        assert_eq!(answer.json(), body);
        let body = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": format!("{KEY} {TOKEN}")}]}});
        let (_, answer) = case.round_trip(call("1", &case.tool("keyring")), body.to_string()).await;
        let text = answer.text();
        assert!(text.contains(KEY) && !text.contains(TOKEN) && placeholders(&text).len() == 1, "{text}");
    });
}

const HIDDEN: &str = "read\u{200b} this\u{202e} and \u{1b}[8mobey\u{1b}[0m \u{e0041}\u{e0042}";

#[test]
fn hidden_text_is_stripped_refused_or_counted() {
    let page = |description: &str| {
        json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [
            {"name": "get_plain", "description": "zero \u{1f468}\u{200d}\u{1f469} width", "inputSchema": {"type": "object"}},
            {"name": "get_hidden", "description": description, "inputSchema": {"type": "object"}},
        ]}})
    };
    const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    scripted(Site::Redacting, async |mut case, rig| {
        let (_, answer) = case.round_trip(LIST, page(HIDDEN).to_string()).await;
        assert_eq!(answer.json(), page("read this and obey "));
        let text = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": HIDDEN}]}});
        let (_, answer) = case.round_trip(call("1", &case.tool("get")), text.to_string()).await;
        assert_eq!(answer.json(), text, "in results it is counted");
        let stats = rig.stats().await;
        let hidden = stats.with_prefix("wasmcustom.tidegate.redactions").filter(|(name, _)| name.contains("hidden"));
        assert!(hidden.map(|(_, count)| count).sum::<u64>() > 0);
    });
    scripted(Site::Choosy, async |mut case, _| {
        let (_, answer) = case.round_trip(LIST, page(HIDDEN).to_string()).await;
        let tools = answer.json()["result"]["tools"].as_array().unwrap().clone();
        assert_eq!((tools.len(), &tools[0]), (1, &page("")["result"]["tools"][0]), "{answer}");
        let text = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": format!("{HIDDEN} {KEY}")}]}});
        let (_, answer) = case.round_trip(call("1", &case.tool("get")), text.to_string()).await;
        let text = answer.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("read this and obey  [redacted:aws-access-key-id:"), "{text:?}");
    });
}

#[test]
fn answers_with_a_secret_can_be_refused() {
    scripted(Site::Blocking, async |mut case, rig| {
        let before = counted(rig, "blocked", "aws-access-key-id").await;
        let short = text_result(&format!("x {KEY}"));
        let (_, answer) = case.round_trip(call("1", &case.tool("get")), &short).await;
        let denied = |answer: &Value| {
            assert_eq!(answer["result"]["_meta"]["tidegate/denial"]["reason"], "secret_blocked", "{answer}");
            let said = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert!(said.contains("aws-access-key-id") && said.contains("/result/content/0/text"), "{said}");
            assert_clean(&answer.to_string(), "the refusal");
        };
        denied(&answer.json());
        let stream = format!("id: 1\ndata: {short}\n\n");
        let answer =
            case.answered(case.post(call("1", &case.tool("get"))), response(200, "text/event-stream", stream)).await;
        denied(&super::messages(&answer.text())[0]);
        // What has begun to leave is cut, whether its length was known or not.
        let long = text_result(&format!("{}{OTHER_KEY}{}", "lorem ipsum ".repeat(30_000), " dolor sit".repeat(30_000)));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut chunks = head.as_bytes().to_vec();
        long.as_bytes().chunks(50_000).for_each(|part| chunks.extend(chunk(part)));
        chunks.extend_from_slice(b"0\r\n\r\n");
        let event = format!("data: {long}\n\n");
        for bytes in [chunks, response(200, "application/json", &long), response(200, "text/event-stream", event)] {
            let answer = case.answered(case.post(call("1", &case.tool("get"))), bytes).await;
            assert!(!answer.complete || answer.reason().as_deref() == Some("secret_blocked"), "{:?}", answer.head);
            assert_clean(&answer.text(), "a cut answer");
        }
        assert!(counted(rig, "blocked", "aws-access-key-id").await >= before + 5);
        // A clean answer passes, and so does the next call.
        let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
        case.arrival().await.answer(200, "application/json", text_result("clean")).await;
        assert_eq!(client.await.unwrap().text(), text_result("clean"));
        case.refusal("secret_blocked").await;
    });
}
