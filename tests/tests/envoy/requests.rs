//! What well-formed requests get: passed untouched, refused in the shape that clients understand, or rewritten.

use serde_json::json;
use tidegate_tests::site::{Mode, RESOURCE_METADATA, Site, token};

use super::{call, executed, result, scripted};

#[test]
fn an_allowed_call_and_its_answer_pass_byte_for_byte() {
    scripted(Site::Main, async |mut case, _| {
        let tool = case.tool("get");
        // Spaces, escapes and number spellings that a re-serialiser would lose.
        let body = format!(
            "{{ \"jsonrpc\" : \"2.0\",\n\t\"id\":\"\\u0061\\/7\",\"method\":\"tools\\/call\",\"params\":{{\"arguments\":{{\"x\":1.50e+02,\"é\":[ ]}},\"name\":\"{tool}\"}} }}\n"
        );
        let answer = "{\"result\":{ \"structuredContent\":{\"a\":1.0e3},\"content\":[ ]},\r\n\"id\":\"a/7\",\"jsonrpc\":\"2.0\"}";
        let (visit, response) = case.round_trip(&body, answer).await;
        assert_eq!(String::from_utf8_lossy(&visit.body), body);
        assert_eq!((response.status, response.text().as_str()), (200, answer));
        let event = case.audit("allow", |event| event.text("verdict") == Some("allow")).await;
        assert_eq!((event.text("rule"), event.target()), (Some("reading"), Some(tool.as_str())));
        assert_eq!(event.json()["arguments"], json!(["x", "é"]));
        assert_eq!(event.json()["id"], "a/7");
    });
}

#[test]
fn a_refused_call_is_a_tool_error_that_echoes_the_id() {
    executed(Site::Main, async |case, _| {
        for (index, id) in
            ["7", "-3", "0", "9007199254740991", "-9007199254740991", r#""a\u0062\"\\\/é""#, r#""""#].iter().enumerate()
        {
            let tool = case.tool(&format!("delete_{index}"));
            let response = case.send(case.post(call(id, &tool))).await;
            assert_eq!(response.status, 200, "{response}");
            assert_eq!(response.head.get("content-type"), Some("application/json"));
            assert!(response.text().contains(&format!("\"id\":{id},")), "{response}");
            let json = response.json();
            assert_eq!(json["jsonrpc"], "2.0");
            assert_eq!(json["result"]["resultType"], "complete");
            assert_eq!(json["result"]["isError"], true);
            assert_eq!(json["result"]["content"].as_array().unwrap().len(), 1);
            assert_eq!(json["result"]["content"][0]["type"], "text");
            let text = json["result"]["content"][0]["text"].as_str().unwrap();
            assert!(text.contains("Deletion is done by the platform team."), "{text}");
            assert!(json["result"].get("structuredContent").is_none());
            let denial = &json["result"]["_meta"]["tidegate/denial"];
            assert_eq!(
                (&denial["reason"], &denial["rule"], &denial["policy"]),
                (&json!("denied_by_rule"), &json!("no-deletes"), &json!("main"))
            );
            let event = case.audit("the tool", |event| event.target() == Some(&tool)).await;
            assert_eq!(event.text("decision"), denial["decision"].as_str());
            assert_eq!((event.text("verdict"), event.text("era")), (Some("deny"), Some("legacy")));
        }
        case.assert_refused_before_server().await;
    });
}

#[test]
fn a_tool_that_no_rule_names_is_refused() {
    executed(Site::Main, async |case, _| {
        let response = case.send(case.post(call("1", &case.tool("frobnicate")))).await;
        assert_eq!((response.status, response.reason().as_deref()), (200, Some("tool_not_allowed")), "{response}");
        case.refusal("tool_not_allowed").await;
        case.assert_refused_before_server().await;
    });
}

#[test]
fn other_refused_requests_are_json_rpc_errors() {
    executed(Site::Main, async |case, _| {
        let uri = format!("file:///{}", case.token);
        for (method, params, reason) in [
            ("resources/read", json!({"uri": uri}), "resource_not_allowed"),
            ("prompts/get", json!({"name": case.token}), "prompt_not_allowed"),
            ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "p"}}), "prompt_not_allowed"),
            ("tasks/list", json!({}), "method_not_allowed"),
            ("sampling/createMessage", json!({}), "method_not_allowed"),
            (&format!("no/{}", case.token), json!({}), "method_not_allowed"),
        ] {
            let body = json!({"jsonrpc": "2.0", "id": "x", "method": method, "params": params});
            let response = case.send(case.post(body.to_string())).await;
            let json = response.json();
            assert_eq!(response.status, 200, "{method}: {response}");
            assert_eq!((&json["id"], &json["error"]["code"]), (&json!("x"), &json!(-31403)), "{method}: {response}");
            assert_eq!(json["error"]["data"]["reason"], reason, "{method}");
            assert!(json["error"]["message"].as_str().is_some_and(|it| !it.is_empty()));
        }
        case.refusal("resource_not_allowed").await;
        case.refusal("prompt_not_allowed").await;
        case.refusal("method_not_allowed").await;
        case.assert_refused_before_server().await;
    });
}

#[test]
fn a_refused_notification_is_accepted_and_dropped() {
    executed(Site::Main, async |case, _| {
        for body in [
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/{}"}}"#, case.token),
            format!(r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"name":"{}"}}}}"#, case.tool("delete")),
        ] {
            let response = case.send(case.post(&body)).await;
            assert_eq!((response.status, response.body.len()), (202, 0), "{response}");
        }
        case.audit("deny", |event| event.text("verdict") == Some("deny")).await;
        case.assert_refused_before_server().await;
    });
}

#[test]
fn plumbing_passes() {
    scripted(Site::Main, async |mut case, _| {
        for (method, params) in [
            (
                "initialize",
                json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}),
            ),
            ("ping", json!({})),
            ("logging/setLevel", json!({"level": "info"})),
        ] {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
            let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"x":[]}}"#;
            let (visit, response) = case.round_trip(&body, answer).await;
            assert_eq!((visit.body, response.text().as_str()), (body.into_bytes(), answer), "{method}");
        }
        let body = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let client = tokio::spawn(tidegate_tests::client::once(case.address, case.post(body)));
        let mut arrival = case.arrival().await;
        assert_eq!(arrival.body().await.body, body.as_bytes());
        arrival.send("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
        arrival.done();
        assert_eq!(client.await.unwrap().status, 202);
        let request = format!("DELETE {} HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: s1\r\n\r\n", case.path());
        let client = tokio::spawn(tidegate_tests::client::once(case.address, request));
        let arrival = case.arrival().await;
        assert_eq!(arrival.head.get("mcp-session-id"), Some("s1"));
        arrival.answer(200, "application/json", "").await;
        assert_eq!(client.await.unwrap().status, 200);
        let event = case.audit("the session", |event| event.text("session").is_some()).await;
        assert!(!event.json().to_string().contains("\"s1\""), "{event:?}");
    });
}

#[test]
fn who_calls_comes_from_the_verified_token_alone() {
    scripted(Site::Known, async |mut case, _| {
        let request = |case: &tidegate_tests::case::Case, bearer: &str, more: &str, tool: &str| {
            let fields = format!("authorization: Bearer {bearer}\r\n{more}content-type: application/json\r\n");
            case.post_with(&fields, call("1", &case.tool(tool)))
        };
        for tool in ["get", "pay", "hire"] {
            let (_, response) = case.round_trip_of(request(&case, token::ADA, "", tool), result("1")).await;
            assert_eq!(response.text(), result("1"), "ada, {tool}");
        }
        let event = case.audit("ada", |event| event.subject() == Some("ada")).await;
        assert_eq!((event.text("team"), event.text("issuer")), (Some("finance"), Some("https://idp.example.com")));
        let (_, response) = case.round_trip_of(request(&case, token::BOB, "", "get"), result("1")).await;
        assert_eq!(response.text(), result("1"), "bob, get");
        for tool in ["pay", "hire"] {
            let claims = "x-team: finance\r\nx-forwarded-client-cert: URI=spiffe://a/b\r\nx-jwt-payload: {}\r\n";
            let response = case.send(request(&case, token::BOB, claims, tool)).await;
            assert_eq!(response.reason().as_deref(), Some("tool_not_allowed"), "bob, {tool}: {response}");
        }
    });
    executed(Site::Known, async |case, _| {
        let body = call("1", &case.tool("get"));
        let response = case.send(case.post(&body)).await;
        // Without the hold the server must not even see the headers of somebody unknown, so the id is not known yet.
        let status = if case.mode == Mode::Hold { 200 } else { 400 };
        assert_eq!((response.status, response.reason().as_deref()), (status, Some("principal_missing")), "{response}");
        assert_eq!(response.json()["id"], if case.mode == Mode::Hold { json!(1) } else { json!(null) });
        let odd = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", token::ODD);
        let response = case.send(case.post_with(&odd, &body)).await;
        assert_eq!((response.status, response.reason().as_deref()), (status, Some("principal_missing")), "{response}");
        let eve = format!("authorization: Bearer {}\r\n", token::EVE);
        let response = case.send(case.post_with(&format!("{eve}content-type: application/json\r\n"), &body)).await;
        assert_eq!((response.status, response.reason().as_deref()), (status, Some("method_not_allowed")), "{response}");
        for method in ["GET", "DELETE"] {
            for fields in ["", &eve] {
                let request = format!("{method} {} HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n", case.path());
                let response = case.send(request).await;
                assert!((400..500).contains(&response.status) && response.status != 401, "{method} {response}");
            }
        }
        case.refusal("principal_missing").await;
        case.assert_refused_before_server().await;
    });
}

#[test]
fn anonymous_callers_are_sent_to_log_in_where_policy_says_so() {
    executed(Site::Challenge, async |case, _| {
        for request in [case.post(call("1", &case.tool("get"))), case.get()] {
            let response = case.send(request).await;
            assert_eq!(response.status, 401, "{response}");
            let challenge = format!("Bearer resource_metadata=\"{RESOURCE_METADATA}\"");
            assert_eq!(response.head.get("www-authenticate"), Some(challenge.as_str()));
        }
        case.refusal("principal_missing").await;
        case.assert_refused_before_server().await;
    });
    scripted(Site::Challenge, async |mut case, _| {
        let fields = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", token::ADA);
        let request = case.post_with(&fields, call("1", &case.tool("get")));
        let (_, response) = case.round_trip_of(request, result("1")).await;
        assert_eq!((response.status, response.text()), (200, result("1")));
        // How a client finds out where to log in.
        let path = format!("/.well-known/oauth-protected-resource/mcp/{}", case.token);
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let (_, response) = case.round_trip_of(request.into_bytes(), r#"{"resource":"x"}"#).await;
        assert_eq!((response.status, response.text().as_str()), (200, r#"{"resource":"x"}"#));
    });
}

#[test]
fn read_only_mode_refuses_what_is_not_known_to_read() {
    scripted(Site::ReadOnly, async |mut case, _| {
        for tool in ["get", "update"] {
            let (_, response) = case.round_trip(call("1", &case.tool(tool)), result("1")).await;
            assert_eq!(response.text(), result("1"), "{tool}");
        }
        let response = case.send(case.post(call("1", &case.tool("create")))).await;
        assert_eq!(response.reason().as_deref(), Some("read_only"), "{response}");
        case.refusal("read_only").await;
    });
}

#[test]
fn rules_hold_inside_their_time_only() {
    executed(Site::Main, async |case, _| {
        for tool in ["past", "future"] {
            let response = case.send(case.post(call("1", &case.tool(tool)))).await;
            assert_eq!(response.reason().as_deref(), Some("outside_time"), "{tool}: {response}");
        }
        case.assert_refused_before_server().await;
    });
    scripted(Site::Main, async |mut case, _| {
        let (_, response) = case.round_trip(call("1", &case.tool("now")), result("1")).await;
        assert_eq!(response.text(), result("1"));
    });
}

#[test]
fn a_hidden_tool_is_an_unknown_tool() {
    executed(Site::Main, async |case, _| {
        let tool = case.tool("secret");
        let response = case.send(case.post(call("5", &tool))).await;
        let unknown =
            json!({"jsonrpc": "2.0", "id": 5, "error": {"code": -32602, "message": format!("Unknown tool: {tool}")}});
        assert_eq!((response.status, response.json()), (200, unknown));
        assert!(!response.head.raw.to_ascii_lowercase().windows(8).any(|it| it == b"tidegate"), "{response}");
        let event = case.refusal("denied_by_rule").await;
        assert_eq!(event.text("rule"), Some("hidden"));
        case.assert_refused_before_server().await;
    });
}

#[test]
fn shadow_changes_nothing_and_records_what_would_have_been() {
    let messages = |case: &tidegate_tests::case::Case| {
        vec![
            call("1", &case.tool("delete")),
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_x"},"extra":1}"#.to_owned(),
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"no/{}","params":{{"_meta":{{"tidegate/x":1}}}}}}"#,
                case.token
            ),
            "no json at all".to_owned(),
        ]
    };
    scripted(Site::Shadow, async |mut case, _| {
        for body in messages(&case) {
            let answer =
                r#"{"jsonrpc":"2.0","id":99,"result":{"tools":[{"name":"delete_x"}],"_meta":{"tidegate/denial":1}}}"#;
            let (visit, response) = case.round_trip(&body, answer).await;
            assert_eq!((String::from_utf8(visit.body).unwrap(), response.text().as_str()), (body, answer));
        }
        let event = case.refusal("denied_by_rule").await;
        assert_eq!((event.text("verdict"), event.text("would_verdict")), (Some("allow"), Some("deny")));
        case.refusal("malformed").await;
    });
    scripted(Site::Main, async |mut case, rig| {
        // One server in shadow mode, and single rules.
        let tool = case.tool("delete");
        let body = call("1", &tool);
        let request = String::from_utf8(case.post(&body)).unwrap().replace("POST /mcp/", "POST /watched/");
        let (_, response) = case.round_trip_of(request.into_bytes(), result("1")).await;
        assert_eq!(response.text(), result("1"));
        let event = case.refusal("denied_by_rule").await;
        assert_eq!((event.text("server"), event.text("would_verdict")), (Some("watched"), Some("deny")));
        let (_, response) = case.round_trip(call("1", &case.tool("get_trial")), result("1")).await;
        assert_eq!(response.text(), result("1"));
        let event = case.audit("trial-deny", |event| event.text("would_rule") == Some("trial-deny")).await;
        assert_eq!((event.text("verdict"), event.text("would_verdict")), (Some("allow"), Some("deny")));
        let response = case.send(case.post(call("1", &case.tool("try")))).await;
        assert_eq!(response.reason().as_deref(), Some("tool_not_allowed"), "{response}");
        let event = case.audit("trial-allow", |event| event.text("would_rule") == Some("trial-allow")).await;
        assert_eq!((event.text("verdict"), event.text("would_verdict")), (Some("deny"), Some("allow")));
        let stats = rig.stats().await;
        let counter = "wasmcustom.tidegate.decisions.verdict.would_deny.reason.denied_by_rule.server.watched";
        assert!(stats.number(counter) > 0);
    });
}

#[test]
fn what_is_declared_ungoverned_passes_untouched_and_is_counted() {
    scripted(Site::Main, async |mut case, rig| {
        let counter = "wasmcustom.tidegate.decisions.verdict.ungoverned.reason.none.server.plain";
        let before = rig.stats().await.number(counter);
        let path = format!("/plain/{}", case.token);
        let request =
            format!("PATCH {path} HTTP/1.1\r\nhost: localhost\r\nx-tidegate-x: 1\r\ncontent-length: 3\r\n\r\n[1,");
        let (visit, response) = case.round_trip_of(request.into_bytes(), "not json").await;
        assert_eq!((visit.body.as_slice(), response.text().as_str()), (b"[1,".as_slice(), "not json"));
        assert!(visit.head.has("x-tidegate-x"));
        assert!(rig.stats().await.number(counter) > before);
        assert_eq!(case.events(), []);
    });
}

#[test]
fn our_own_keys_are_taken_out_of_requests() {
    scripted(Site::Main, async |mut case, _| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{}","_meta":{{"tidegate/grant":"g","progressToken":7}}}}}}"#,
            case.tool("get")
        );
        let (visit, _) = case.round_trip(&body, result("1")).await;
        let seen = String::from_utf8(visit.body).unwrap();
        assert!(seen.contains("progressToken") && !seen.contains("tidegate"), "{seen}");
        if case.mode == Mode::Hold {
            // Envoy corrects no length; a stale one lets the server read a second request out of the first.
            assert_eq!(visit.head.get("content-length"), Some(seen.len().to_string().as_str()));
        } else {
            assert!(!visit.head.has("content-length"), "{:?}", visit.head.line);
        }
        assert_eq!(visit.complete, Some(true));
    });
}
