use super::*;

const RESULT: &[u8] = br#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"ran"}]}}"#;
const LIST: &[u8] = br#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"get_a"},{"name":"drop_b"},{"name":"get_secret"}],"nextCursor":"c","cacheScope":"public"}}"#;
const FILTERED: &[u8] =
    br#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"get_a"}],"nextCursor":"c","cacheScope":"private"}}"#;

fn call(hold: bool) -> Driver {
    asked("tools/call", r#"{"name":"get_a"}"#, &policy(""), hold)
}

fn event(data: &[u8]) -> Vec<u8> {
    [b"id: 1\ndata: ", data, b"\n\n"].concat()
}

#[test]
fn lists_are_filtered_in_json_and_in_events() {
    for hold in [true, false] {
        let mut driver = asked("tools/list", "{}", &policy(""), hold);
        driver.respond(200, "application/json; charset=utf-8", [LIST]);
        assert_eq!(driver.seen.downstream, FILTERED);
        driver.end();
        let completion = driver.world.audit.last().unwrap();
        assert_eq!(completion["hidden"], serde_json::json!(["drop_b", "get_secret"]));

        let mut driver = asked("tools/list", "{}", &policy(""), hold);
        driver.respond(200, "text/event-stream", [event(LIST).as_slice()]);
        assert_eq!(driver.seen.downstream, event(FILTERED));
    }
}

#[test]
fn lists_are_filtered_by_shape_on_streams_of_their_own() {
    let mut driver = Driver::new(&policy(""), true);
    assert!(driver.request("GET", "/mcp", &[("mcp-session-id", "s")], None));
    driver.respond(200, "text/event-stream", [event(LIST).as_slice(), &event(RESULT)]);
    assert_eq!(driver.seen.downstream, [event(FILTERED), event(RESULT)].concat());
}

#[test]
fn an_unchanged_result_passes_byte_for_byte() {
    for hold in [true, false] {
        let mut driver = call(hold);
        driver.respond(200, "application/json", [RESULT]);
        assert_eq!((driver.seen.status, driver.seen.downstream.as_slice()), (200, RESULT));
        driver.end();
        assert_eq!(driver.world.audit.len(), 1, "the decision tells the whole story");

        let mut driver = call(hold);
        driver.respond(200, "text/event-stream", [event(RESULT).as_slice()]);
        driver.end();
        let [decision, completion] = driver.world.audit.as_slice() else { panic!("{:?}", driver.world.audit) };
        assert_eq!((&completion["outcome"], &completion["status"]), (&"answered".into(), &200.into()));
        assert_eq!(completion["decision"], decision["decision"]);
    }
}

#[test]
fn bodies_that_cannot_be_trusted_become_a_tool_error() {
    let cases: &[&[u8]] = &[
        br#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"content":[]}}"#,
        br#"{"jsonrpc":"2.0","id":8,"result":{"content":[]}}"#,
        br#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"tools":[{"name":"drop_b"}]}}"#,
        br#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#,
        br#"{"jsonrpc":"2.0","id":7,"result":{}"#,
        br#"[{"jsonrpc":"2.0","id":7,"result":{}}]"#,
        br#"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage"}"#,
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}",
        b"<html>",
    ];
    for body in cases {
        for hold in [true, false] {
            let mut driver = call(hold);
            driver.respond(200, "application/json", [*body]);
            let result = &driver.seen.json()["result"];
            assert_eq!(result["isError"], true, "{}", String::from_utf8_lossy(body));
            assert_eq!(result["_meta"]["tidegate/denial"]["reason"], "unreadable_response");
            assert_eq!(driver.seen.json()["id"], 7);
            driver.audited("unreadable_response");
        }
    }
}

#[test]
fn headers_alone_can_show_that_a_response_cannot_be_read() {
    for (headers, reason) in [
        (&[("content-type", "text/html")][..], "unreadable_response"),
        (&[("content-type", "application/json;charset=utf-16le")], "unreadable_response"),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], "encoding_refused"),
        (&[], "unreadable_response"),
    ] {
        let mut driver = call(true);
        driver.respond_with(200, headers, [RESULT]);
        assert_eq!((driver.seen.status, &driver.seen.json()["result"]["isError"]), (200, &true.into()));
        assert_eq!(driver.seen.json()["result"]["_meta"]["tidegate/denial"]["reason"], reason);
    }
}

#[test]
fn errors_pass_whatever_they_are_written_in() {
    let error = br#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"Unknown tool"}}"#;
    for (status, media, body) in [
        (200, "application/json", &error[..]),
        (400, "application/json", br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#),
        (401, "application/json", br#"{"error":"invalid_token"}"#),
        (503, "text/plain", b"upstream connect error"),
    ] {
        let mut driver = call(true);
        driver.respond(status, media, if body.is_empty() { vec![] } else { vec![body] });
        assert_eq!((driver.seen.status, driver.seen.downstream.as_slice()), (status, body));
    }
    let mut driver = call(true);
    driver.respond(500, "application/json", [RESULT]);
    assert_eq!(driver.seen.downstream, RESULT, "an answer under an error status is still judged as one");
    let mut driver = call(true);
    driver.respond(503, "text/plain", [[b'x'; 40_000].as_slice(), &[b'x'; 40_000]]);
    assert!(driver.seen.cut, "but not without bound");
}

#[test]
fn a_server_cannot_forge_our_denials() {
    let mut driver = call(true);
    let forged =
        br#"{"jsonrpc":"2.0","id":7,"result":{"isError":true,"content":[],"_meta":{"tidegate/denial":{},"a":1}}}"#;
    driver.respond(200, "application/json", [&forged[..]]);
    assert_eq!(driver.seen.json()["result"]["_meta"], serde_json::json!({"a": 1}));
}

#[test]
fn what_a_server_asks_is_turned_into_something_no_client_knows() {
    let sampling = br#"{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{"messages":[]}}"#;
    let ping = br#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
    let progress = br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
    let odd = br#"{"jsonrpc":"2.0","method":"notifications/odd"}"#;
    let mut driver = call(true);
    let events = [event(sampling), event(ping), event(progress), event(odd), event(RESULT)];
    driver.respond(200, "text/event-stream", events.iter().map(Vec::as_slice));
    let refused = event(br#"{"jsonrpc":"2.0","id":"s1","method":"tidegate/refused"}"#);
    let expected = [refused, event(ping), event(progress), b"id: 1\n\n".to_vec(), event(RESULT)].concat();
    assert_eq!(String::from_utf8_lossy(&driver.seen.downstream), String::from_utf8_lossy(&expected));
    assert_eq!(driver.audited("method_not_allowed")["method"], "sampling/createMessage");
}

#[test]
fn a_modern_request_for_input_becomes_the_denial() {
    let mut driver = call(true);
    driver.respond(
        200,
        "application/json",
        [&br#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{}}}}}"#[..]],
    );
    assert_eq!(driver.seen.json()["result"]["resultType"], "complete");
    assert_eq!(driver.seen.json()["result"]["_meta"]["tidegate/denial"]["reason"], "method_not_allowed");
}

#[test]
fn only_the_awaited_answer_passes_and_only_once() {
    let other = br#"{"jsonrpc":"2.0","id":8,"result":{"content":["stolen"]}}"#;
    let mut driver = call(true);
    let events = [event(other), event(RESULT), event(RESULT)];
    driver.respond(200, "text/event-stream", events.iter().map(Vec::as_slice));
    assert_eq!(driver.seen.downstream, [b"id: 1\n\n".to_vec(), event(RESULT), b"id: 1\n\n".to_vec()].concat());

    let mut driver = call(true);
    driver.respond(200, "text/event-stream", [event(other).as_slice()]);
    let text = String::from_utf8(driver.seen.downstream).unwrap();
    let data = text.rsplit("data: ").next().unwrap();
    let denial: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&denial["id"], &denial["result"]["isError"]),
        (&7.into(), &true.into()),
        "the client must not wait for good"
    );
}

#[test]
fn events_of_the_old_transport_do_not_pass() {
    let mut driver = Driver::new(&policy(""), true);
    assert!(driver.request("GET", "/mcp", &[("last-event-id", "1")], None));
    driver.respond(200, "text/event-stream", [&b"event: endpoint\ndata: /messages?session=1\n\n"[..]]);
    assert_eq!(driver.seen.downstream, b"");
    driver.audited("transport_refused");
}

#[test]
fn an_oversize_event_is_replaced() {
    let mut driver = asked("tools/list", "{}", &policy(r#","limits":{"event_bytes":4096}"#), true);
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":7,"result":{{"tools":[{{"name":"get_a","description":"{}"}}]}}}}"#,
        "x".repeat(8000)
    );
    driver.respond(200, "text/event-stream", [event(long.as_bytes()).as_slice()]);
    let text = String::from_utf8(driver.seen.downstream.clone()).unwrap();
    assert!(text.contains("oversize_event") && !text.contains("xxxx"), "{text}");
    driver.audited("oversize_event");
}

#[test]
fn long_results_stream_and_a_late_fault_cuts_them() {
    let filler = "y".repeat(600_000);
    let good = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[{{"type":"text","text":"{filler}"}}]}}}}"#);
    let bad = format!(
        r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[{{"type":"text","text":"{filler}"}}],"tools":[{{"name":"drop_b"}}]}}}}"#
    );
    for hold in [true, false] {
        for sse in [true, false] {
            let media = if sse { "text/event-stream" } else { "application/json" };
            let wrap = |text: &str| if sse { event(text.as_bytes()) } else { text.as_bytes().to_vec() };
            let mut driver = call(hold);
            let body = wrap(&good);
            let mut released = 0;
            let headers = Headers::from_pairs([(":status", "200"), ("content-type", media)]);
            driver.exchange.on_response_headers(&headers, false, &mut driver.world);
            for chunk in body.chunks(16 * 1024) {
                if matches!(
                    driver.exchange.on_response_chunk(chunk, false, &mut driver.world),
                    ChunkStep::Pass | ChunkStep::Replace(_)
                ) {
                    released += 1;
                }
            }
            assert!(released > 10, "the result leaves while it comes ({hold}, {sse}): {released}");
            let mut driver = call(hold);
            driver.respond(200, media, body.chunks(5000));
            assert_eq!(driver.seen.downstream, body);
            for size in [1_000_000, 300_000, 5000] {
                let mut driver = call(hold);
                driver.respond(200, media, wrap(&bad).chunks(size));
                assert!(driver.seen.cut, "({hold}, {sse}) in chunks of {size}");
            }
            let mut driver = call(hold);
            driver.respond(200, media, wrap(&bad).chunks(5000));
            assert!(!String::from_utf8_lossy(&driver.seen.downstream).contains("drop_b"));
            driver.audited("unreadable_response");
        }
    }
}

#[test]
fn an_error_that_does_not_say_what_it_is_passes_as_text_alone() {
    for (body, passes) in [
        (&b"Not Found: Session not found"[..], true),
        (br#"{"error":"invalid_token"}"#, true),
        (br#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"drop_b"}]}}"#, false),
        (br#"[{"jsonrpc":"2.0","id":7,"result":{}}]"#, false),
        (b"{\0\"\0", false),
        (b"\xff\xfe{\0", false),
    ] {
        for hold in [true, false] {
            let mut driver = call(hold);
            driver.respond_with(404, &[], body.chunks(3));
            assert_eq!(driver.seen.downstream == body, passes, "{:?} {hold}", String::from_utf8_lossy(body));
            assert!(!passes || driver.seen.status == 404);
        }
    }
}

#[test]
fn a_list_over_its_limit_is_refused_however_it_comes() {
    let names = r#"{"name":"get_x"},"#.repeat(2000);
    let list = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"tools":[{names}{{"name":"get_y"}}]}}}}"#);
    for (limit, passes) in [(list.len(), true), (list.len() - 1, false)] {
        for size in [list.len(), 4096, 1000] {
            let policy = policy(&format!(r#","limits":{{"list_bytes":{limit}}}"#));
            let mut driver = asked("tools/list", "{}", &policy, true);
            driver.respond(200, "application/json", list.as_bytes().chunks(size));
            assert_eq!(driver.seen.downstream == list.as_bytes(), passes, "{limit} in chunks of {size}");
        }
    }
}

#[test]
fn an_early_error_passes_and_an_early_success_waits() {
    let headers = Headers::from_pairs([(":method", "POST"), (":path", "/mcp"), ("content-type", "application/json")]);
    let mut driver = Driver::new(&policy(""), false);
    driver.exchange.on_request_headers(&headers, false, &mut driver.world);
    let ok = Headers::from_pairs([(":status", "200"), ("content-type", "application/json")]);
    assert_eq!(driver.exchange.on_response_headers(&ok, false, &mut driver.world), ResponseStep::Wait);

    let mut driver = Driver::new(&policy(""), false);
    driver.exchange.on_request_headers(&headers, false, &mut driver.world);
    driver.respond(503, "text/plain", [&b"busy"[..]]);
    assert_eq!((driver.seen.status, driver.seen.downstream.as_slice()), (503, &b"busy"[..]));
    assert!(driver.exchange.is_overtaken());
}
