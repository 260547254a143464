//! Rules over resources, prompts and methods, in both directions.

use serde_json::{Value, json};

use super::{Driver, Edit, asked};

/// A policy with rules over every kind of thing.
fn policy(methods: &str) -> String {
    format!(
        r#"{{"version":"tidegate/v1","name":"test","identity":{{"anonymous":"allow"}},
        "servers":[{{"name":"main","match":{{"path":"/mcp"}}}}],
        "rules":[{{"id":"notes","allow":{{"tools":["get_*"],"resources":["file:///notes/*","db://*"],"prompts":["review*"]}}}},
                 {{"id":"private","deny":{{"resources":["file:///notes/private/*","db://secrets/*"]}}}},
                 {{"id":"ghost","deny":{{"prompts":["review_ghost"],"resources":["file:///notes/ghost"]}},"deny_style":"hide"}},
                 {{"id":"methods","allow":{{"methods":["x/none"{methods}]}}}},
                 {{"id":"quiet","deny":{{"methods":["logging/setLevel"]}}}}]}}"#
    )
}

/// What becomes of a request: none if it went on, else the answer.
fn judged(driver: &mut Driver, method: &str, params: &str) -> Option<Value> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
    (!driver.request("POST", "/mcp", &[], Some(body.as_bytes()))).then(|| driver.seen.json())
}

#[test]
fn resources_prompts_and_methods_are_judged_by_their_rules() {
    let allowed = [
        ("resources/read", r#"{"uri":"file:///notes/a.md"}"#),
        ("resources/subscribe", r#"{"uri":"db://users/schema"}"#),
        ("resources/unsubscribe", r#"{"uri":"db://users/schema"}"#),
        ("prompts/get", r#"{"name":"review_code"}"#),
        ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"review"},"argument":{"name":"a","value":""}}"#),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"db://{table}/schema"},"argument":{"name":"a","value":""}}"#,
        ),
        ("subscriptions/listen", r#"{"notifications":{"resourceSubscriptions":["file:///notes/a.md"]}}"#),
        ("x/none", "{}"),
        ("tasks/get", r#"{"taskId":"t"}"#),
        ("resources/list", "{}"),
    ];
    for (method, params) in allowed {
        assert_eq!(judged(&mut Driver::new(&policy(""), true), method, params), None, "{method} {params}");
    }
    let refused = [
        ("resources/read", r#"{"uri":"file:///etc/passwd"}"#, "resource_not_allowed"),
        ("resources/read", r#"{"uri":"file:///notes/private/a"}"#, "denied_by_rule"),
        ("resources/read", r#"{"uri":"file:///notes/../etc/passwd"}"#, "resource_not_allowed"),
        ("resources/read", r#"{"uri":"FILE:///notes/a.md"}"#, "resource_not_allowed"),
        ("resources/read", r#"{"uri":"file:///notes/%70rivate/a"}"#, "resource_not_allowed"),
        ("resources/subscribe", r#"{"uri":"file:///etc/passwd"}"#, "resource_not_allowed"),
        ("prompts/get", r#"{"name":"other"}"#, "prompt_not_allowed"),
        ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"other"}}"#, "prompt_not_allowed"),
        ("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"db://secrets/{key}"}}"#, "denied_by_rule"),
        ("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"file:///{path}x"}}"#, ""),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"file:///notes/../etc/passwd"}}"#,
            "resource_not_allowed",
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":["db://a/b","file:///etc/x"]}}"#,
            "resource_not_allowed",
        ),
        ("logging/setLevel", r#"{"level":"debug"}"#, "denied_by_rule"),
        ("sampling/createMessage", "{}", "method_not_allowed"),
        ("tasks/list", "{}", "method_not_allowed"),
        ("x/other", "{}", "method_not_allowed"),
    ];
    for (method, params, reason) in refused {
        let answer = judged(&mut Driver::new(&policy(""), true), method, params);
        if reason.is_empty() {
            // Some expansion of this template is allowed.
            assert_eq!(answer, None, "{method} {params}");
            continue;
        }
        let answer = answer.unwrap_or_else(|| panic!("{method} {params} went on"));
        assert_eq!(answer["error"]["code"], -31403, "{answer}");
        assert_eq!(answer["error"]["data"]["reason"], reason, "{method} {params}");
        assert_eq!(answer["id"], 7);
    }
    let unreadable = judged(&mut Driver::new(&policy(""), true), "completion/complete", r#"{"ref":{"type":"x"}}"#);
    assert_eq!(unreadable.unwrap()["error"]["code"], -32600);
}

#[test]
fn hidden_things_look_as_if_they_did_not_exist() {
    let prompt = judged(&mut Driver::new(&policy(""), true), "prompts/get", r#"{"name":"review_ghost"}"#).unwrap();
    assert_eq!(prompt["error"], json!({"code": -32602, "message": "Unknown prompt: review_ghost"}));
    let mut driver = Driver::new(&policy(""), true);
    let resource = judged(&mut driver, "resources/read", r#"{"uri":"file:///notes/ghost"}"#).unwrap();
    assert_eq!(resource["error"], json!({"code": -32002, "message": "Resource not found: file:///notes/ghost"}));
    assert_eq!(driver.audited("denied_by_rule")["rule"], "ghost");
    assert_eq!(driver.audited("denied_by_rule")["resource"], "file:///notes/ghost");
}

#[test]
fn each_list_shows_what_could_be_used() {
    let table = [
        (
            "resources/list",
            "resources",
            "uri",
            ["file:///notes/a", "file:///notes/private/b", "file:///x", "db://a/./b"],
        ),
        ("prompts/list", "prompts", "name", ["review", "review_ghost", "other", "x"]),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
            ["db://{t}/schema", "db://secrets/{k}", "file:///etc/{f}", "http://{h}/"],
        ),
    ];
    for (method, member, key, names) in table {
        let mut driver = asked(method, "{}", &policy(""), true);
        let entries: Vec<Value> = names.iter().map(|name| json!({ key: name })).collect();
        let answer = json!({"jsonrpc": "2.0", "id": 7, "result": { member: entries }}).to_string();
        driver.respond(200, "application/json", [answer.as_bytes()]);
        assert_eq!(driver.seen.json()["result"][member], json!([{ key: names[0] }]), "{method}");
    }
}

#[test]
fn a_page_that_leads_to_itself_is_the_last() {
    let answer = |cursor: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"result":{{"tools":[{{"name":"get_x"}},{{"name":"z"}}],"nextCursor":"{cursor}","x":1}}}}"#
        )
    };
    for (cursor, next) in [("p2", Value::Null), ("p3", json!("p3"))] {
        let mut driver = asked("tools/list", r#"{"cursor":"p2"}"#, &policy(""), true);
        driver.respond(200, "application/json", [answer(cursor).as_bytes()]);
        let result = &driver.seen.json()["result"];
        assert_eq!(
            (&result["nextCursor"], &result["tools"], &result["x"]),
            (&next, &json!([{"name": "get_x"}]), &json!(1))
        );
    }
}

#[test]
fn capabilities_that_no_rule_opens_are_struck() {
    let capabilities = r#"{"sampling":{},"roots":{"listChanged":true},"elicitation":{"form":{}},"experimental":{}}"#;
    let mut driver = Driver::new(&policy(r#","elicitation/create""#), true);
    let params = format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{capabilities},"clientInfo":{{}}}}"#);
    assert_eq!(judged(&mut driver, "initialize", &params), None);
    let sent: Value = serde_json::from_slice(driver.seen.upstream.as_ref().unwrap()).unwrap();
    assert_eq!(sent["params"]["capabilities"], json!({"elicitation": {"form": {}}, "experimental": {}}));
    assert_eq!(sent["params"]["protocolVersion"], "2025-11-25");
    assert_eq!(driver.world.audit[0]["struck_capabilities"], json!(["sampling", "roots"]));

    let meta = format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","tidegate/grant":"g","io.modelcontextprotocol/clientCapabilities":{capabilities}}}"#
    );
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"get_x","_meta":{meta}}}}}"#);
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "get_x")];
    let mut driver = Driver::new(&policy(r#","sampling/createMessage","roots/list""#), true);
    assert!(driver.request("POST", "/mcp", &headers, Some(body.as_bytes())), "{:?}", driver.seen);
    let sent: Value = serde_json::from_slice(driver.seen.upstream.as_ref().unwrap()).unwrap();
    assert_eq!(
        sent["params"]["_meta"],
        json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"sampling": {}, "roots": {"listChanged": true}, "experimental": {}},
        })
    );
}

#[test]
fn what_a_server_asks_passes_where_a_rule_opens_it() {
    let sampling = r#"{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{"messages":[]}}"#;
    let roots = r#"{"jsonrpc":"2.0","id":"s2","method":"roots/list"}"#;
    let known = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"db://a/b"}}"#;
    let secret = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"db://secrets/b"}}"#;
    let mut driver = asked("tools/call", r#"{"name":"get_x"}"#, &policy(r#","sampling/createMessage""#), true);
    let stream: String = [sampling, roots, known, secret].map(|data| format!("data: {data}\n\n")).concat();
    driver.respond(200, "text/event-stream", [stream.as_bytes()]);
    let text = String::from_utf8_lossy(&driver.seen.downstream).into_owned();
    assert!(text.contains(sampling) && text.contains(known), "{text}");
    assert!(text.contains(r#""id":"s2","method":"tidegate/refused""#), "{text}");
    assert!(!text.contains("db://secrets"), "{text}");
}

#[test]
fn input_that_a_modern_server_requires_passes_where_a_rule_opens_it() {
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"elicitation/create","params":{}},"b":{"method":"roots/list"}}}}"#;
    for (methods, passes) in [(r#","elicitation/create","roots/list""#, true), (r#","elicitation/create""#, false)] {
        let mut driver = asked("tools/call", r#"{"name":"get_x"}"#, &policy(methods), true);
        driver.respond(200, "application/json", [answer.as_bytes()]);
        assert_eq!(driver.seen.downstream == answer.as_bytes(), passes);
        if !passes {
            assert_eq!(driver.seen.json()["result"]["isError"], true);
        }
    }
}

#[test]
fn a_response_leads_nowhere_but_back_here() {
    let table = [
        ("location", "/mcp/x?y=1", None),
        ("location", "https://example.com/mcp", None),
        ("location", "//evil.example/mcp", Some(Edit::Remove("location".to_owned()))),
        ("location", "https://evil.example/mcp", Some(Edit::Remove("location".to_owned()))),
        ("location", "https://example.com@evil.example/mcp", Some(Edit::Remove("location".to_owned()))),
        ("location", "https://example.com:99/mcp", Some(Edit::Remove("location".to_owned()))),
        ("location", "/other", Some(Edit::Remove("location".to_owned()))),
        ("location", "/mcp/../other", Some(Edit::Remove("location".to_owned()))),
        ("location", "mcp", Some(Edit::Remove("location".to_owned()))),
        ("www-authenticate", r#"Bearer resource_metadata="https://example.com/.well-known/x", scope="a""#, None),
        ("www-authenticate", r#"Bearer error="invalid_token""#, None),
        (
            "www-authenticate",
            r#"Bearer scope="a", Resource_Metadata = "https://evil.example/x""#,
            Some(Edit::Set("www-authenticate", "Bearer".to_owned())),
        ),
        (
            "www-authenticate",
            r#"Bearer resource_metadata="https://example.com/x", resource_metadata="https://evil.example/x""#,
            Some(Edit::Set("www-authenticate", "Bearer".to_owned())),
        ),
    ];
    for (name, value, edit) in table {
        let mut driver = asked("tools/call", r#"{"name":"get_x"}"#, &policy(""), true);
        driver.respond_with(307, &[(name, value)], []);
        assert_eq!(driver.seen.edited, edit.into_iter().collect::<Vec<_>>(), "{name}: {value}");
        if !driver.seen.edited.is_empty() {
            driver.audited("transport_refused");
        }
    }
}

#[test]
fn the_transport_of_2024_11_05_is_refused_with_a_reason() {
    let mut driver = Driver::new(&policy(""), true);
    assert!(!driver.request("GET", "/mcp", &[("accept", "text/event-stream")], None));
    assert_eq!(driver.seen.status, 405);
    let message = driver.seen.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("2024-11-05") && message.contains("Streamable HTTP"), "{message}");
    driver.audited("transport_refused");
    for header in [("mcp-protocol-version", "2025-06-18"), ("mcp-session-id", "s"), ("last-event-id", "9")] {
        assert!(Driver::new(&policy(""), true).request("GET", "/mcp", &[header], None), "{header:?}");
    }
}

/// Rules with conditions on arguments.
fn conditions(extra: &str) -> String {
    format!(
        r#"{{"version":"tidegate/v1","name":"test","identity":{{"anonymous":"allow"}},
        "servers":[{{"name":"main","match":{{"path":"/mcp"}}}}],"sets":{{"repos":["acme/api"]}},
        "rules":[{{"id":"small","allow":{{"tools":["refund"]}},"advice":"Large refunds are made by a person.",
                   "arguments":{{"properties":{{"amount":{{"type":"number","maximum":500}}}},"required":["amount"]}}}},
                 {{"id":"repos","allow":{{"prompts":["review"]}},"arguments":{{"properties":{{"repo":{{"tidegate:in":"sets.repos"}}}}}}}}]{extra}}}"#
    )
}

#[test]
fn arguments_decide_and_the_refusal_says_what_to_change() {
    let call = |arguments: &str| {
        let params = format!(r#"{{"name":"refund"{arguments}}}"#);
        judged(&mut Driver::new(&conditions(""), true), "tools/call", &params)
    };
    assert_eq!(call(r#","arguments":{"amount":500}"#), None);
    for arguments in [r#","arguments":{"amount":501}"#, r#","arguments":{}"#, r#","arguments":null"#, ""] {
        let answer = call(arguments).unwrap_or_else(|| panic!("{arguments} went on"));
        let denial = &answer["result"]["_meta"]["tidegate/denial"];
        assert_eq!((&denial["reason"], &denial["rule"]), (&json!("arguments_invalid"), &json!("small")), "{answer}");
        assert_eq!(denial["advice"], "Large refunds are made by a person.");
    }
    let answer = call(r#","arguments":{"amount":501,"secret":"hunter2"}"#).unwrap();
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("/amount must be at most 500") && !text.contains("hunter2"), "{text}");
    let prompt = |repo: &str| {
        let params = format!(r#"{{"name":"review","arguments":{{"repo":"{repo}"}}}}"#);
        judged(&mut Driver::new(&conditions(""), true), "prompts/get", &params)
    };
    assert_eq!(prompt("acme/api"), None);
    assert_eq!(prompt("evil/api").unwrap()["error"]["data"]["reason"], "arguments_invalid");
}

#[test]
fn listed_schemas_show_what_rules_demand() {
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"refund","inputSchema":{"type":"object","properties":{"amount":{"type":"number","maximum":9000}}}},{"name":"x"}]}}"#;
    for (extra, maximum) in [("", 500), (r#","narrow_schemas":false"#, 9000)] {
        let mut driver = asked("tools/list", "{}", &conditions(extra), true);
        driver.respond(200, "application/json", [answer.as_bytes()]);
        let tools = &driver.seen.json()["result"]["tools"];
        assert_eq!(tools.as_array().unwrap().len(), 1);
        assert_eq!(tools[0]["inputSchema"]["properties"]["amount"]["maximum"], maximum);
        assert_eq!(tools[0]["inputSchema"]["required"], if maximum == 500 { json!(["amount"]) } else { Value::Null });
    }
}

#[test]
fn a_revision_that_nobody_knows_is_for_the_server_to_answer() {
    let body = |meta: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"server/discover","params":{{"_meta":{{{meta}}}}}}}"#)
    };
    let claimed = body(r#""io.modelcontextprotocol/protocolVersion":"v999""#);
    let headers = [("mcp-protocol-version", "v999"), ("mcp-method", "server/discover")];
    let mut driver = Driver::new(&policy(""), true);
    assert!(driver.request("POST", "/mcp", &headers, Some(claimed.as_bytes())), "{:?}", driver.seen);
    assert!(driver.seen.removed.is_empty(), "mirrored headers stay: {:?}", driver.seen);
    for (headers, body) in [
        (&headers[..1], claimed.as_str()),
        (&headers[..], &body("")),
        (&[("mcp-protocol-version", "v998"), headers[1]][..], &claimed),
    ] {
        let mut driver = Driver::new(&policy(""), true);
        assert!(!driver.request("POST", "/mcp", headers, Some(body.as_bytes())), "{headers:?} {body}");
        assert_eq!((driver.seen.status, &driver.seen.json()["error"]["code"]), (400, &json!(-32020)));
    }
}

#[test]
fn keys_inside_params_that_some_servers_would_fold_open_no_way_past() {
    for (method, params) in [
        ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"review","Name":"other"}}"#),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"review","TYPE":"ref/resource","uri":"file:///x"}}"#,
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":[],"ResourceSubscriptions":["file:///x"]}}"#,
        ),
        ("subscriptions/listen", r#"{"notifications":{"resourceSubscriptions":"file:///x"}}"#),
    ] {
        let answer = judged(&mut Driver::new(&policy(""), true), method, params);
        let answer = answer.unwrap_or_else(|| panic!("{method} {params} went on"));
        assert_eq!(answer["error"]["data"]["reason"], "malformed", "{method} {params}");
    }
    let mut driver = Driver::new(&policy(""), true);
    assert_eq!(judged(&mut driver, "initialize", r#"{"capabilities":{"Sampling":{},"experimental":{}}}"#), None);
    let sent: Value = serde_json::from_slice(driver.seen.upstream.as_ref().unwrap()).unwrap();
    assert_eq!(sent["params"]["capabilities"], json!({"experimental": {}}));
    let mut driver = asked("tools/call", r#"{"name":"get_x"}"#, &policy(r#","elicitation/create""#), true);
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","Method":"roots/list"}}}}"#;
    driver.respond(200, "application/json", [answer.as_bytes()]);
    assert_eq!(driver.seen.json()["result"]["isError"], true);
}
