use super::*;

fn call(tool: &str) -> Vec<u8> {
    format!(
        r#"{{"jsonrpc":"2.0","id":"a\u0041","method":"tools/call","params":{{"name":"{tool}","arguments":{{"b":1}}}}}}"#
    )
    .into_bytes()
}

#[test]
fn an_allowed_call_goes_on_byte_for_byte() {
    for hold in [true, false] {
        let mut driver = Driver::new(&policy(""), hold);
        let body = call("get_invoice");
        assert!(driver.request("POST", "/mcp", &[("content-length", "9"), ("accept-encoding", "gzip")], Some(&body)));
        assert_eq!(driver.seen.upstream.as_deref(), Some(body.as_slice()));
        let removed: &[&str] = if hold { &["accept-encoding"] } else { &["accept-encoding", "content-length"] };
        assert_eq!(driver.seen.removed, removed);
        assert_eq!(driver.world.counted, ["tidegate.decisions.verdict.allow.reason.none.server.main"]);
        assert_eq!(driver.world.audit[0]["arguments"], serde_json::json!(["b"]));
        assert_eq!(driver.world.audit[0]["rule"], "reading");
    }
}

#[test]
fn a_refused_call_becomes_a_tool_error_that_echoes_the_id() {
    let mut driver = Driver::new(&policy(""), true);
    assert!(!driver.request("POST", "/mcp", &[], Some(&call("get_secret"))));
    assert_eq!(driver.seen.upstream, None);
    assert_eq!(driver.seen.status, 200);
    assert!(driver.seen.downstream.starts_with(br#"{"jsonrpc":"2.0","id":"a\u0041","result":"#));
    let result = &driver.seen.json()["result"];
    assert_eq!(result["isError"], true);
    assert_eq!(result["_meta"]["tidegate/denial"]["advice"], "Ask a person.");
    let event = driver.audited("denied_by_rule");
    assert_eq!(event["decision"], result["_meta"]["tidegate/denial"]["decision"]);
    assert_eq!(
        (&event["verdict"], &event["tool"], &event["rule"]),
        (&"deny".into(), &"get_secret".into(), &"no-deletes".into())
    );
}

#[test]
fn other_requests_get_an_error_and_notifications_an_acknowledgement() {
    let mut driver = Driver::new(&policy(""), true);
    let read = br#"{"jsonrpc":"2.0","id":-3,"method":"resources/read","params":{"uri":"file:///x"}}"#;
    assert!(!driver.request("POST", "/mcp", &[], Some(read)));
    assert_eq!((driver.seen.status, &driver.seen.json()["error"]["code"]), (200, &(-31403).into()));
    assert_eq!(driver.seen.json()["error"]["data"]["reason"], "resource_not_allowed");
    assert_eq!(driver.seen.json()["id"], -3);

    let mut driver = Driver::new(&policy(""), true);
    let odd = br#"{"jsonrpc":"2.0","method":"notifications/odd"}"#;
    assert!(!driver.request("POST", "/mcp", &[], Some(odd)));
    assert_eq!((driver.seen.status, driver.seen.downstream.len()), (202, 0));
    driver.audited("method_not_allowed");
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let cases: &[(&[u8], &str)] = &[
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","name":"drop_b"}}"#, "duplicate_key"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","n\u0061me":"drop_b"}}"#, "duplicate_key"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","arguments":{"a":{"b":1,"b":2}}}}"#, "duplicate_key"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","NAME":"drop_b"}}"#, "malformed"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"get_a\"},\"param\u{17f}\":{}}".as_bytes(), "malformed"),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a"}}]"#, "batch_refused"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a"},"result":{}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a"},"error":{}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a"},"extra":1}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1e3,"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":9007199254740992,"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":true,"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["get_a"]}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","arguments":"x"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","arguments":[]}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["get_a"]}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, "malformed"),
        (br#"{"jsonrpc":"1.0","id":1,"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"id":1,"method":"tools/call","params":{"name":"get_a"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1}"#, "malformed"),
        (b"\"tools/call\"", "malformed"),
        (b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", "malformed"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}{}", "malformed"),
        (b"{\0\"\0j\0", "malformed"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"x\":\"\xff\"}}", "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\ud800"}}"#, "malformed"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}"#, "malformed"),
    ];
    for (body, reason) in cases {
        for hold in [true, false] {
            let mut driver = Driver::new(&policy(""), hold);
            let text = String::from_utf8_lossy(body);
            assert!(!driver.request("POST", "/mcp", &[], Some(body)), "{text}");
            assert_eq!((driver.seen.status, &driver.seen.upstream), (400, &None), "{text}");
            assert_eq!(driver.seen.json()["error"]["data"]["reason"], *reason, "{text}");
            driver.audited(reason);
        }
    }
}

#[test]
fn eras_and_mirrored_headers_must_agree() {
    const MODERN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","arguments":{"r":"eu"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    const LEGACY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a"}}"#;
    const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
    const METHOD: (&str, &str) = ("mcp-method", "tools/call");
    const NAME: (&str, &str) = ("mcp-name", "get_a");
    let cases: &[(&str, &[(&str, &str)], bool)] = &[
        (MODERN, &[VERSION, METHOD, NAME], true),
        (MODERN, &[VERSION, METHOD, ("mcp-name", "=?base64?Z2V0X2E=?=")], true),
        (MODERN, &[VERSION, METHOD, NAME, ("mcp-param-region", "eu")], true),
        (MODERN, &[VERSION, METHOD, NAME, ("mcp-param-region", "us")], false),
        (MODERN, &[VERSION, METHOD, NAME, ("mcp-param-r", "eu"), ("mcp-param-r", "eu")], false),
        (MODERN, &[VERSION, METHOD, ("mcp-name", "get_b")], false),
        (MODERN, &[VERSION, METHOD, ("mcp-name", "=?base64?!!?=")], false),
        (MODERN, &[VERSION, METHOD], false),
        (MODERN, &[VERSION, NAME], false),
        (MODERN, &[VERSION, ("mcp-method", "ping"), NAME], false),
        (MODERN, &[("mcp-protocol-version", "2027-01-01"), METHOD, NAME], false),
        (MODERN, &[("mcp-protocol-version", "2025-11-25"), METHOD, NAME], false),
        (MODERN, &[], false),
        (MODERN, &[("mcp-protocol-version", "zzzz")], false),
        (LEGACY, &[VERSION], true),
        (LEGACY, &[VERSION, METHOD, NAME], true),
        (LEGACY, &[VERSION, METHOD, ("mcp-name", "get_b")], false),
        (LEGACY, &[("mcp-protocol-version", "2025-11-25")], true),
    ];
    for (body, headers, passes) in cases {
        let mut driver = Driver::new(&policy(""), true);
        assert_eq!(driver.request("POST", "/mcp", headers, Some(body.as_bytes())), *passes, "{headers:?} {body}");
        if !passes {
            assert_eq!(
                (driver.seen.status, &driver.seen.json()["error"]["code"]),
                (400, &(-32020).into()),
                "{headers:?}"
            );
            driver.audited("header_mismatch");
        }
    }
    let mut driver = Driver::new(&policy(""), true);
    assert!(driver.request(
        "POST",
        "/mcp",
        &[METHOD, ("mcp-name", "get_b"), ("mcp-param-x", "1")],
        Some(LEGACY.as_bytes())
    ));
    assert_eq!(driver.seen.removed, ["mcp-method", "mcp-name", "mcp-param-x"], "a legacy request keeps none of them");
}

#[test]
fn headers_alone_can_be_enough_to_refuse() {
    let body: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let json = ("content-type", "application/json");
    let cases: &[(&str, &str, &[(&str, &str)], Option<&[u8]>, u16, &str)] = &[
        ("POST", "/mcp", &[("content-type", "text/plain")], Some(body), 415, "malformed"),
        ("POST", "/mcp", &[("content-type", "application/json;charset=utf-16")], Some(body), 415, "malformed"),
        ("POST", "/mcp", &[json, json], Some(body), 415, "malformed"),
        ("POST", "/mcp", &[("content-encoding", "gzip")], Some(body), 415, "encoding_refused"),
        ("POST", "/mcp", &[("mcp-session-id", "a"), ("mcp-session-id", "b")], Some(body), 400, "malformed"),
        ("POST", "/mcp", &[json], None, 400, "malformed"),
        ("GET", "/mcp", &[], Some(body), 400, "malformed"),
        ("PUT", "/mcp", &[], Some(body), 405, "transport_refused"),
        ("GET", "/mcp", &[("upgrade", "websocket")], None, 400, "transport_refused"),
        ("CONNECT", "/mcp", &[], None, 400, "transport_refused"),
        ("POST", "/mcp//x", &[], Some(body), 400, "path_refused"),
        ("POST", "/%6dcp", &[], Some(body), 400, "path_refused"),
        ("POST", "/x/../mcp", &[], Some(body), 400, "path_refused"),
        ("POST", "/mcp;a", &[], Some(body), 400, "path_refused"),
        ("POST", "/MCP", &[], Some(body), 400, "server_unknown"),
        ("POST", "/other", &[], Some(body), 400, "server_unknown"),
    ];
    for (method, path, headers, body, status, reason) in cases {
        let mut driver = Driver::new(&policy(""), true);
        assert!(!driver.request(method, path, headers, *body), "{method} {path} {headers:?}");
        assert_eq!(driver.seen.status, *status, "{method} {path} {headers:?}");
        assert_eq!(driver.seen.json()["error"]["data"]["reason"], *reason);
        driver.audited(reason);
    }
}

#[test]
fn control_headers_do_not_reach_the_server() {
    let mut driver = Driver::new(&policy(""), true);
    let headers = [
        ("x-tidegate-grant", "a"),
        ("x-envoy-retry-on", "5xx"),
        ("x-envoy-retry-on", "reset"),
        ("x-envoy-internal", "true"),
        ("x-other", "b"),
    ];
    assert!(driver.request("POST", "/mcp", &headers, Some(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)));
    assert_eq!(driver.seen.removed, ["x-tidegate-grant", "x-envoy-retry-on"]);
}

#[test]
fn our_name_space_is_taken_out_of_requests() {
    let mut driver = Driver::new(&policy(""), true);
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","_meta":{"tidegate/grant":"g","k":1}}}"#;
    assert!(driver.request("POST", "/mcp", &[], Some(body)));
    let upstream = String::from_utf8(driver.seen.upstream.unwrap()).unwrap();
    assert_eq!(upstream, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_a","_meta":{"k":1}}}"#);
}

#[test]
fn nobody_gets_past_the_headers_and_still_gets_an_answer_to_the_id() {
    let identity = r#"{"version":"tidegate/v1","name":"test","identity":{"sources":[{"jwt":{"issuer":"https://idp","subject":"sub"}}],"anonymous":"deny"},
        "servers":[{"name":"main","match":{"path":"/mcp"}}],"rules":[{"id":"r","allow":{"tools":["*"]},"who":{"subject":["alice"]}}]}"#;
    let body = br#"{"jsonrpc":"2.0","id":5,"method":"initialize","params":{}}"#;
    let mut driver = Driver::new(identity, true);
    assert!(!driver.request("POST", "/mcp", &[], Some(body)));
    assert_eq!((driver.seen.status, &driver.seen.json()["id"]), (200, &5.into()));
    assert_eq!(driver.seen.json()["error"]["data"]["reason"], "principal_missing");

    let mut driver = Driver::new(identity, false);
    assert!(!driver.request("POST", "/mcp", &[], Some(body)));
    assert_eq!(driver.seen.status, 400, "in no-hold mode its headers would go on");

    let mut driver = Driver::new(identity, true);
    driver.world.claims = Some(serde_json::json!({"iss": "https://idp", "sub": "bob"}));
    assert!(!driver.request("POST", "/mcp", &[], Some(body)));
    assert_eq!(driver.seen.json()["error"]["data"]["reason"], "method_not_allowed");

    let mut driver = Driver::new(identity, true);
    assert!(!driver.request("GET", "/mcp", &[], None));
    assert_eq!(driver.seen.status, 405);

    let mut driver = Driver::new(identity, true);
    assert!(!driver.request("POST", "/mcp", &[], Some(&vec![b' '; 70_000])));
    assert_eq!(driver.seen.status, 413, "a nobody cannot make the proxy hold much");

    let mut driver = Driver::new(identity, true);
    driver.world.claims = Some(serde_json::json!({"iss": "https://idp", "sub": "alice"}));
    assert!(driver.request("POST", "/mcp", &[], Some(body)));
    assert_eq!(driver.world.audit[0]["principal"], "alice");
}

#[test]
fn an_anonymous_client_can_be_sent_to_log_in() {
    let challenge = r#"{"version":"tidegate/v1","name":"test","identity":{"sources":[{"jwt":{"issuer":"https://idp","subject":"sub"}}],"anonymous":{"challenge":{"resource_metadata":"https://mcp.example.com/.well-known/oauth-protected-resource"}}},
        "servers":[{"name":"main","match":{"path":"/mcp"}}],"rules":[{"id":"r","allow":{"tools":["*"]}}]}"#;
    let mut driver = Driver::new(challenge, true);
    assert!(!driver.request("POST", "/mcp", &[], Some(br#"{"jsonrpc":"2.0","id":5,"method":"initialize"}"#)));
    assert_eq!(driver.seen.status, 401);
    let mut driver = Driver::new(challenge, true);
    assert!(driver.request("GET", "/.well-known/oauth-protected-resource/mcp", &[], None));
    assert!(!driver.request("GET", "/.well-known/oauth-protected-resourcex", &[], None));
}

#[test]
fn a_body_over_the_limit_is_413_and_audited() {
    let mut driver = Driver::new(&policy(r#","limits":{"request_bytes":1024}"#), true);
    assert!(!driver.request("POST", "/mcp", &[], Some(&[b' '; 1025])));
    assert_eq!((driver.seen.status, &driver.seen.json()["error"]["data"]["reason"]), (413, &"too_large".into()));
    driver.audited("too_large");
}

#[test]
fn shadow_mode_records_and_changes_nothing() {
    let mut driver = Driver::new(&policy(r#","mode":"shadow""#), true);
    let body =
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_secret","_meta":{"tidegate/x":1}}}"#;
    assert!(driver.request("POST", "/mcp", &[("x-tidegate-a", "1"), ("accept-encoding", "br")], Some(body)));
    assert_eq!(driver.seen.upstream.as_deref(), Some(&body[..]));
    assert_eq!(driver.seen.removed, ["accept-encoding"]);
    let event = driver.audited("denied_by_rule");
    assert_eq!(
        (&event["verdict"], &event["would_verdict"], &event["mode"]),
        (&"allow".into(), &"deny".into(), &"shadow".into())
    );
    assert_eq!(driver.world.counted, ["tidegate.decisions.verdict.would_deny.reason.denied_by_rule.server.main"]);
    let list = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_secret"}]}}"#;
    driver.respond(200, "application/json", [&list[..]]);
    assert_eq!(driver.seen.downstream, list);

    let mut driver = Driver::new(&policy(r#","mode":"shadow""#), true);
    let twice = br#"{"id":1,"id":2}"#;
    assert!(driver.request("POST", "/mcp", &[], Some(twice)));
    assert_eq!(driver.seen.upstream.as_deref(), Some(&twice[..]));
}

#[test]
fn a_flood_of_equal_refusals_is_counted() {
    let text = format!(r#"{{"host":{{"hold_headers":true}},"layers":[{}]}}"#, policy(""));
    let configuration = Arc::new(policy::compile(text.as_bytes()).ok().unwrap().configuration);
    let worker = Arc::new(Worker::new(1 << 20, 1 << 20));
    let mut world = World::default();
    let headers = Headers::from_pairs([(":method", "PUT"), (":path", "/mcp"), (":authority", "a")]);
    for _ in 0..50 {
        let mut exchange = Exchange::new(Arc::clone(&configuration), Arc::clone(&worker), NOW);
        exchange.on_request_headers(&headers, true, &mut world);
    }
    assert_eq!((world.audit.len(), world.counted.len()), (5, 50));
    let rest = worker.collapse.due(NOW + 2_000_000_000, false);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&rest[0]).unwrap()["repeat"], 45);
}

#[test]
fn an_upload_that_breaks_off_is_recorded() {
    let mut driver = Driver::new(&policy(""), true);
    let headers = Headers::from_pairs([(":method", "POST"), (":path", "/mcp"), ("content-type", "application/json")]);
    driver.exchange.on_request_headers(&headers, false, &mut driver.world);
    driver.exchange.on_request_growth(10, &mut driver.world);
    driver.end();
    let event = driver.world.audit.last().unwrap();
    assert_eq!((&event["event"], &event["outcome"]), (&"completion".into(), &"request_incomplete".into()));
}
