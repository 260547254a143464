//! Rules over resources, prompts and methods, in both directions.

use serde_json::{Value, json};
use tidegate_tests::client::once;
use tidegate_tests::site::Site;

use super::{call, executed, scripted};

fn request(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

#[test]
fn what_rules_allow_reaches_the_server_unchanged() {
    scripted(Site::Rules, async |mut case, _| {
        let prompt = case.tool("ask");
        for (method, params) in [
            ("resources/read", json!({"uri": "note://a/b"})),
            ("resources/subscribe", json!({"uri": "note://a/b"})),
            ("prompts/get", json!({"name": prompt, "arguments": {"x": "y"}})),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": prompt}, "argument": {"name": "x", "value": ""}}),
            ),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/resource", "uri": "note://{id}"}, "argument": {"name": "id", "value": ""}}),
            ),
            ("x/vendor", json!({"any": [1]})),
            ("tasks/get", json!({"taskId": "t"})),
        ] {
            let body = request(method, &params);
            let (visit, response) = case.round_trip(&body, r#"{"jsonrpc":"2.0","id":1,"result":{"ok":true}}"#).await;
            assert_eq!(visit.body, body.as_bytes(), "{method}");
            assert_eq!(response.json()["result"], json!({"ok": true}), "{method}: {response}");
        }
    });
}

#[test]
fn what_rules_do_not_allow_never_runs() {
    executed(Site::Rules, async |case, _| {
        let token = &case.token;
        for (method, params, reason) in [
            ("resources/read", json!({"uri": format!("file:///{token}")}), "resource_not_allowed"),
            ("resources/read", json!({"uri": format!("note://private/{token}")}), "denied_by_rule"),
            ("resources/read", json!({"uri": format!("note://a/../private/{token}")}), "resource_not_allowed"),
            ("resources/subscribe", json!({"uri": format!("note://private/{token}")}), "denied_by_rule"),
            (
                "subscriptions/listen",
                json!({"notifications": {"resourceSubscriptions": [format!("note://private/{token}")]}}),
                "denied_by_rule",
            ),
            ("prompts/get", json!({"name": token}), "prompt_not_allowed"),
            ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": token}}), "prompt_not_allowed"),
            ("logging/setLevel", json!({"level": "debug"}), "denied_by_rule"),
            ("tasks/list", json!({}), "method_not_allowed"),
        ] {
            let response = case.send(case.post(request(method, &params))).await;
            let json = response.json();
            assert_eq!((response.status, &json["error"]["code"]), (200, &json!(-31403)), "{method}: {response}");
            assert_eq!(json["error"]["data"]["reason"], reason, "{method}: {response}");
        }
        let ghost = case.tool("ask_ghost");
        let response = case.send(case.post(request("prompts/get", &json!({"name": ghost})))).await;
        assert_eq!(response.json()["error"], json!({"code": -32602, "message": format!("Unknown prompt: {ghost}")}));
        assert_eq!(case.refusal("denied_by_rule").await.kind(), "decision");
        case.assert_refused_before_server().await;
    });
}

#[test]
fn lists_of_every_kind_show_what_could_be_used() {
    scripted(Site::Rules, async |mut case, _| {
        for (method, member, key, names) in [
            ("resources/list", "resources", "uri", ["note://a", "note://private/b", "file:///c"]),
            (
                "resources/templates/list",
                "resourceTemplates",
                "uriTemplate",
                ["note://{id}", "note://private/{id}", "file:///{path}"],
            ),
            ("prompts/list", "prompts", "name", ["ask_a", "ask_ghost_b", "other"]),
        ] {
            let entries: Vec<Value> = names.iter().map(|name| json!({key: name, "title": "t"})).collect();
            let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {member: entries, "nextCursor": "n"}}).to_string();
            let (_, response) = case.round_trip(request(method, &json!({})), &answer).await;
            let wanted = json!({member: [{key: names[0], "title": "t"}], "nextCursor": "n"});
            assert_eq!(response.json()["result"], wanted, "{method}: {response}");
        }
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [], "nextCursor": "p"}}).to_string();
        let (_, response) = case.round_trip(request("tools/list", &json!({"cursor": "p"})), &answer).await;
        assert_eq!(response.json()["result"], json!({"tools": []}), "a page that leads to itself: {response}");
    });
}

#[test]
fn servers_see_only_the_capabilities_that_rules_open() {
    scripted(Site::Rules, async |mut case, _| {
        let capabilities = json!({"sampling": {}, "elicitation": {}, "roots": {"listChanged": true}, "x": {}});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "c", "version": "1"}});
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
        let (visit, response) = case.round_trip(request("initialize", &params), answer).await;
        assert_eq!(response.text(), answer);
        let seen: Value = serde_json::from_slice(&visit.body).unwrap();
        assert_eq!(seen["params"]["capabilities"], json!({"elicitation": {}, "x": {}}));
        assert_eq!(visit.complete, Some(true), "a changed length must not cut the body");
        let struck =
            |event: &tidegate::envoy::audit::Event| event.json()["struck_capabilities"] == json!(["sampling", "roots"]);
        case.audit("struck capabilities", struck).await;
    });
}

#[test]
fn what_a_server_asks_passes_where_a_rule_opens_it() {
    scripted(Site::Rules, async |mut case, _| {
        let ask =
            |id: &str, method: &str| format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"{method}","params":{{}}}}"#);
        let updated = |uri: &str| {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#)
        };
        let stream: String = [
            ask("e", "elicitation/create"),
            ask("s", "sampling/createMessage"),
            updated("note://a"),
            updated("note://private/leak"),
        ]
        .map(|data| format!("data: {data}\n\n"))
        .concat();
        let client = tokio::spawn(once(case.address, case.get()));
        case.arrival().await.answer(200, "text/event-stream", &stream).await;
        let text = client.await.unwrap().text();
        assert!(text.contains(&ask("e", "elicitation/create")) && text.contains(&updated("note://a")), "{text}");
        assert!(text.contains(r#""id":"s","method":"tidegate/refused""#) && !text.contains("leak"), "{text}");
    });
}

#[test]
fn a_response_does_not_lead_past_the_filter() {
    scripted(Site::Rules, async |mut case, _| {
        for (status, field, wanted) in [
            (307, "location: https://elsewhere.example/mcp".to_owned(), None),
            (307, "location: /mcp/next".to_owned(), Some("/mcp/next")),
            (
                401,
                "www-authenticate: Bearer resource_metadata=\"https://elsewhere.example/m\"".to_owned(),
                Some("Bearer"),
            ),
            (401, "www-authenticate: Bearer scope=\"a\"".to_owned(), Some("Bearer scope=\"a\"")),
        ] {
            let request = case.post(call("1", &case.tool("get")));
            let bytes = format!("HTTP/1.1 {status} X\r\n{field}\r\ncontent-length: 0\r\n\r\n");
            let response = case.answered(request, bytes).await;
            let name = field.split(':').next().unwrap();
            assert_eq!((response.status, response.head.get(name)), (status, wanted), "{response}");
        }
        case.refusal("transport_refused").await;
    });
}

#[test]
fn the_transport_of_2024_11_05_is_refused_at_its_beginning() {
    executed(Site::Rules, async |case, _| {
        let path = case.path();
        let response =
            case.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n")).await;
        assert_eq!((response.status, response.reason().as_deref()), (405, Some("transport_refused")), "{response}");
        assert!(response.text().contains("Streamable HTTP"), "{response}");
        case.refusal("transport_refused").await;
        case.assert_refused_before_server().await;
    });
}

#[test]
fn arguments_decide_whether_a_tool_runs() {
    executed(Site::Rules, async |case, _| {
        let tool = case.tool("pay");
        for (arguments, lacks) in [
            (r#"{"amount":500.01}"#, "/amount must be at most 500"),
            (r#"{"amount":"1"}"#, "/amount must be a number"),
            (r#"{"amount":1,"AMOUNT":9000}"#, "/AMOUNT must not be sent"),
            ("{}", "amount"),
            ("null", "amount"),
        ] {
            let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
            let response = case.send(case.post(body)).await;
            assert_eq!((response.status, response.reason().as_deref()), (200, Some("arguments_invalid")), "{response}");
            let text = response.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
            assert!(text.contains(lacks) && text.contains("made by a person"), "{text}");
        }
        assert_eq!(case.refusal("arguments_invalid").await.text("rule"), Some("small"));
        case.assert_refused_before_server().await;
        let body = request("tools/call", &json!({"name": tool, "arguments": {"amount": 5e2}}));
        assert_eq!(case.send(case.post(body)).await.status, 200);
        assert_eq!(case.ledger().tools().await, [tool]);
    });
}

#[test]
fn a_listed_tool_shows_what_rules_demand_of_its_arguments() {
    scripted(Site::Rules, async |mut case, _| {
        let tool = |name: &str, amount: &Value| json!({"name": name, "inputSchema": {"type": "object", "properties": {"amount": amount}}});
        let plain = json!({"type": "number"});
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool("get_a", &plain), tool("pay_b", &plain), tool("x", &plain)]}});
        let (_, response) = case.round_trip(request("tools/list", &json!({})), answer.to_string()).await;
        let mut narrowed = tool("pay_b", &json!({"type": "number", "maximum": 500}));
        narrowed["inputSchema"]["required"] = json!(["amount"]);
        assert_eq!(response.json()["result"]["tools"], json!([tool("get_a", &plain), narrowed]), "{response}");
    });
}

#[test]
fn keys_inside_params_that_some_servers_would_fold_open_no_way_past() {
    executed(Site::Rules, async |case, _| {
        let (token, prompt) = (&case.token, case.tool("ask"));
        for (method, params) in [
            ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": prompt, "Name": token}})),
            (
                "subscriptions/listen",
                json!({"notifications": {"resourceSubscriptions": [], "ResourceSubscriptions": [format!("file:///{token}")]}}),
            ),
        ] {
            let response = case.send(case.post(request(method, &params))).await;
            assert_eq!(
                (response.status, response.reason().as_deref()),
                (400, Some("malformed")),
                "{method}: {response}"
            );
        }
        case.assert_refused_before_server().await;
    });
}
