//! Lists show what the caller may use, wherever they turn up: in JSON, in events, on streams that answer to any request.

use serde_json::{Value, json};
use tidegate_tests::case::Case;
use tidegate_tests::client::{Response, once};
use tidegate_tests::rig::run;
use tidegate_tests::site::{Mode, Site, token};
use tidegate_tests::upstream::response;

use super::scripted;

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"c=="}}"#;

/// A page with tools that differ in every way that a rewrite could spoil.
const PAGE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{ "ttlMs":5000, "tools":[ {"name":"get_b","inputSchema":{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"Region"}}},"é":1.50e2} , {"name":"delete_a","description":"}],"},
 {"n\u0061me":"get_\u0061","annotations":{"readOnlyHint":true}},{"name":"unknown"} ],"nextCursor":"d==","cacheScope":"public","x":[]}}"#;
const FILTERED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{ "ttlMs":5000, "tools":[{"name":"get_b","inputSchema":{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"Region"}}},"é":1.50e2},{"n\u0061me":"get_\u0061","annotations":{"readOnlyHint":true}}],"nextCursor":"d==","cacheScope":"private","x":[]}}"#;

fn events(messages: &[&str]) -> String {
    messages.iter().enumerate().map(|(at, it)| format!("id: {at}\nevent: message\ndata: {it}\n\n")).collect()
}

/// The messages in a stream of events, in their order.
fn messages(stream: &Response) -> Vec<Value> {
    let text = stream.text();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data.trim()).unwrap_or_else(|error| panic!("{error}: {text}"))).collect()
}

async fn assert_page(case: &Case) {
    let event = case.audit("hidden entries", |event| event.json().get("hidden").is_some()).await;
    let hidden = event.json()["hidden"].to_string();
    assert!(hidden.contains("delete_a") && hidden.contains("unknown"), "{hidden}");
}

#[test]
fn a_json_list_keeps_the_bytes_of_what_is_shown() {
    scripted(Site::Main, async |mut case, _| {
        let (visit, response) = case.round_trip(LIST, PAGE).await;
        assert_eq!(visit.body, LIST.as_bytes());
        assert_eq!((response.status, response.text().as_str()), (200, FILTERED));
        assert!(response.complete);
        assert_page(&case).await;
    });
}

#[test]
fn a_list_in_events_on_a_post_is_filtered() {
    scripted(Site::Main, async |mut case, _| {
        let progress =
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
        let page = PAGE.replace('\n', " ");
        let stream = events(&[progress, &page]);
        let client = tokio::spawn(once(case.address, case.post(LIST)));
        case.arrival().await.answer(200, "text/event-stream", &stream).await;
        let response = client.await.unwrap();
        let wanted: Value = serde_json::from_str(FILTERED).unwrap();
        assert_eq!(messages(&response), [serde_json::from_str::<Value>(progress).unwrap(), wanted]);
        assert!(response.text().contains("id: 1\n"), "{response}");
        assert_page(&case).await;
    });
}

#[test]
fn a_list_on_a_stream_of_its_own_is_filtered_by_its_shape() {
    scripted(Site::Main, async |mut case, _| {
        for fields in ["", "last-event-id: 7\r\n"] {
            let request = String::from_utf8(case.get()).unwrap().replacen("accept:", &format!("{fields}accept:"), 1);
            let client = tokio::spawn(once(case.address, request));
            let arrival = case.arrival().await;
            assert_eq!(arrival.head.has("last-event-id"), !fields.is_empty());
            arrival.answer(200, "text/event-stream", events(&[&PAGE.replace('\n', " ")])).await;
            let response = client.await.unwrap();
            assert_eq!(messages(&response), [serde_json::from_str::<Value>(FILTERED).unwrap()]);
        }
        assert_page(&case).await;
        case.completion("stream_ended").await;
    });
}

#[test]
fn lists_of_what_no_rule_can_allow_yet_are_empty_and_never_refused() {
    scripted(Site::Main, async |mut case, _| {
        for (method, key) in [
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
            ("prompts/list", "prompts"),
        ] {
            let request = json!({"jsonrpc": "2.0", "id": "l", "method": method}).to_string();
            let entry = json!({"name": "n", "uri": "file:///x", "uriTemplate": "file:///{x}"});
            let answer = json!({"jsonrpc": "2.0", "id": "l", "result": {key: [entry], "nextCursor": "n"}}).to_string();
            let (_, response) = case.round_trip(request, answer).await;
            let empty = json!({"jsonrpc": "2.0", "id": "l", "result": {key: [], "nextCursor": "n"}});
            assert_eq!(response.json(), empty, "{method}");
        }
    });
}

#[test]
fn what_is_listed_depends_on_who_asks() {
    scripted(Site::Known, async |mut case, _| {
        let tools = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result":
            {"tools": tools(&["hire_a", "get_a", "pay_a", "fire_a"]), "cacheScope": "public", "ttlMs": 60000}});
        for (bearer, shown) in [(token::ADA, vec!["hire_a", "get_a", "pay_a"]), (token::BOB, vec!["get_a"])] {
            let fields = format!("authorization: Bearer {bearer}\r\ncontent-type: application/json\r\n");
            let request = case.post_with(&fields, LIST);
            let (_, response) = case.round_trip_of(request, answer.to_string()).await;
            let json = response.json();
            assert_eq!(json["result"]["tools"], json!(tools(&shown)));
            assert_eq!(json["result"]["cacheScope"], "private");
        }
        // Nothing is hidden, but somebody else would see another list.
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools(&["get_a"]), "cacheScope": "public"}});
        let fields = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", token::ADA);
        let (_, response) = case.round_trip_of(case.post_with(&fields, LIST), answer.to_string()).await;
        assert_eq!(response.json()["result"]["cacheScope"], "private");
    });
}

#[test]
fn entries_that_two_clients_could_read_differently_are_not_shown() {
    scripted(Site::Main, async |mut case, _| {
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":7},"get_a",{"title":"get_a"},{"name":"get_a","Name":"delete_a"},null,{"name":"get_a\u0000"},{"name":"get_ok"}]}}"#;
        let (_, response) = case.round_trip(LIST, answer.replace("{\"name\":\"get_a\\u0000\"},", "")).await;
        assert_eq!(response.json()["result"]["tools"], json!([{"name": "get_ok"}]));
        let mut again = case;
        let (_, response) = again.round_trip(LIST, answer).await;
        assert_eq!(response.reason().as_deref(), Some("unreadable_response"), "{response}");
    });
}

#[test]
fn a_list_in_an_answer_to_something_else_is_refused() {
    run(async |rig| {
        for mode in Mode::ALL {
            let call = |tool: &str| super::call("1", tool);
            for (media, wrap) in [("application/json", false), ("text/event-stream", true)] {
                let mut case = Case::scripted(rig, Site::Main, mode);
                let page = PAGE.replace('\n', " ");
                let body = if wrap { events(&[&page]) } else { page };
                let client = tokio::spawn(once(case.address, case.post(call(&case.tool("get")))));
                case.arrival().await.answer(200, media, body).await;
                let response = client.await.unwrap();
                assert!(
                    !response.text().contains("delete_a") && response.text().contains("unreadable_response"),
                    "{response}"
                );
                assert_eq!(response.status, 200);
                case.refusal("unreadable_response").await;
            }
        }
        rig.assert_no_trap().await;
    });
}

#[test]
fn a_modern_list_is_filtered_like_a_legacy_one() {
    scripted(Site::Main, async |mut case, _| {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
        let fields = "content-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/list\r\n";
        let request = case.post_with(fields, body);
        let (visit, response) = case.round_trip_of(request, PAGE).await;
        assert_eq!((visit.body.as_slice(), visit.head.get("mcp-method")), (body.as_bytes(), Some("tools/list")));
        assert_eq!(response.text(), FILTERED);
    });
}

#[test]
fn a_long_list_is_filtered_and_one_over_the_limit_refused() {
    scripted(Site::Small, async |mut case, _| {
        let list = |count: usize| {
            let tools: Vec<Value> = (0..count)
                .map(|n| json!({"name": format!("{}_{n}", ["get", "delete"][n % 2]), "description": "d".repeat(40)}))
                .collect();
            json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).to_string()
        };
        let (_, response) = case.round_trip(LIST, list(150)).await;
        assert_eq!(response.json()["result"]["tools"].as_array().unwrap().len(), 75);
        let (_, response) = case.round_trip(LIST, list(600)).await;
        assert!(response.json().get("result").is_none(), "{response}");
        assert!(!response.text().contains("get_5"), "{response}");
        case.refusal("too_large").await;
    });
    scripted(Site::Narrow, async |mut case, _| {
        // Over Envoy's buffer: in no-hold mode the filter holds it itself. In hold mode Envoy itself answers with an
        // error, and leaks nothing.
        let tools: Vec<Value> =
            (0..2000).map(|n| json!({"name": format!("{}_{n}", ["get", "delete"][n % 2])})).collect();
        let answer =
            json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "x": "y".repeat(40_000)}}).to_string();
        let request = case.post(LIST);
        let client = tokio::spawn(once(case.address, request));
        let mut arrival = case.arrival().await;
        arrival.body().await;
        arrival.send(response(200, "application/json", answer)).await;
        let response = client.await.unwrap();
        assert!(!response.text().contains("delete_"), "{response}");
        if case.mode == Mode::NoHold {
            assert_eq!(response.json()["result"]["tools"].as_array().unwrap().len(), 1000);
        } else {
            assert_eq!(response.status, 500, "{response}");
        }
    });
}
