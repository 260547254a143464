//! Bodies in every framing: pieces, trailers, sizes over every limit, clients that leave, servers that answer early.

use http::{HeaderMap, Request};
use serde_json::json;
use tidegate_tests::case::Case;
use tidegate_tests::client::{http2, once};
use tidegate_tests::site::{Mode, NARROW_BUFFER, SMALL_BYTES, Site};
use tidegate_tests::upstream::{chunk, response};

use super::{call, executed, result, scripted};

/// The head of a chunked POST of JSON.
fn chunked(case: &Case) -> String {
    format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        case.path()
    )
}

fn post_in_http2(case: &Case) -> Request<()> {
    let uri = format!("http://localhost{}", case.path());
    Request::post(uri).header("content-type", "application/json").body(()).unwrap()
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "abc".parse().unwrap());
    trailers
}

fn long_call(case: &Case, beginning: &str, bytes: usize) -> String {
    let params = json!({"name": case.tool(beginning), "arguments": {"text": "x".repeat(bytes)}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
}

#[test]
fn a_body_cut_anywhere_is_judged_whole() {
    executed(Site::Main, async |case, _| {
        let body = call("1", "delete_x");
        for cut in 1..body.len() {
            let (before, after) = body.as_bytes().split_at(cut);
            let request = [chunked(&case).as_bytes(), &chunk(before), &chunk(after), b"0\r\n\r\n".as_slice()].concat();
            let answer = case.send(request).await;
            assert_eq!(answer.reason().as_deref(), Some("denied_by_rule"), "cut at {cut}: {answer}");
        }
        let every: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        let answer = http2(case.address, post_in_http2(&case), &every, None).await;
        assert_eq!(answer.reason().as_deref(), Some("denied_by_rule"), "{answer}");
        case.assert_refused_before_server().await;
    });
    scripted(Site::Main, async |mut case, _| {
        let body = call("1", &case.tool("get"));
        for cut in (1..body.len()).step_by(7) {
            let (before, after) = body.as_bytes().split_at(cut);
            let request = [chunked(&case).as_bytes(), &chunk(before), &chunk(after), b"0\r\n\r\n".as_slice()].concat();
            let (visit, answer) = case.round_trip_of(request, result("1")).await;
            assert_eq!((visit.body.as_slice(), answer.text()), (body.as_bytes(), result("1")), "cut at {cut}");
        }
    });
}

#[test]
fn http2_is_governed_like_http1() {
    scripted(Site::Main, async |mut case, _| {
        let body = call("1", &case.tool("get"));
        let (first, second) = body.as_bytes().split_at(20);
        let address = case.address;
        let (head, frames) = (post_in_http2(&case), [first.to_vec(), second.to_vec()]);
        let client = tokio::spawn(async move { http2(address, head, &[&frames[0], &frames[1]], None).await });
        let visit = case.arrival().await.answer(200, "application/json", result("1")).await;
        assert_eq!(visit.body, body.as_bytes());
        let answer = client.await.unwrap();
        assert_eq!((answer.status, answer.text(), answer.complete), (200, result("1"), true));
    });
    executed(Site::Main, async |case, _| {
        let body = call("1", &case.tool("delete"));
        let answer = http2(case.address, post_in_http2(&case), &[body.as_bytes()], None).await;
        assert_eq!((answer.status, answer.reason().as_deref()), (200, Some("denied_by_rule")), "{answer}");
        let twice = Request::post(format!("http://localhost{}", case.path()))
            .header("content-type", "application/json")
            .header("mcp-session-id", "a")
            .header("mcp-session-id", "b");
        let answer = http2(case.address, twice.body(()).unwrap(), &[body.as_bytes()], None).await;
        assert_eq!((answer.status, answer.reason().as_deref()), (400, Some("malformed")), "{answer}");
        case.assert_refused_before_server().await;
    });
}

#[test]
fn a_request_with_trailers_does_not_walk_past() {
    executed(Site::Main, async |case, _| {
        let body = call("1", &case.tool("delete"));
        let answer = http2(case.address, post_in_http2(&case), &[body.as_bytes()], Some(trailers())).await;
        assert_eq!(answer.reason().as_deref(), Some("denied_by_rule"), "{answer}");
        let answer = http2(case.address, post_in_http2(&case), &[b"{\"a\":1,", b"\"a\":1}"], Some(trailers())).await;
        assert_eq!((answer.status, answer.reason().as_deref()), (400, Some("duplicate_key")), "{answer}");
        let answer = http2(case.address, post_in_http2(&case), &[], Some(trailers())).await;
        assert!(answer.status == 400, "{answer}");
        let request = [chunked(&case).as_bytes(), &chunk(&body), b"0\r\nx-checksum: abc\r\n\r\n"].concat();
        let answer = case.send(request).await;
        assert_eq!(answer.reason().as_deref(), Some("denied_by_rule"), "{answer}");
        case.assert_refused_before_server().await;
    });
    scripted(Site::Main, async |mut case, _| {
        let body = call("1", &case.tool("get"));
        let (address, head, sent) = (case.address, post_in_http2(&case), body.clone());
        let client = tokio::spawn(async move { http2(address, head, &[sent.as_bytes()], Some(trailers())).await });
        let visit = case.arrival().await.answer(200, "application/json", result("1")).await;
        assert_eq!((visit.body.as_slice(), visit.complete), (body.as_bytes(), Some(true)));
        assert_eq!(visit.trailers, [("x-checksum".to_owned(), b"abc".to_vec())]);
        assert_eq!(client.await.unwrap().text(), result("1"));
        let request = [chunked(&case).as_bytes(), &chunk(&body), b"0\r\nx-checksum: abc\r\n\r\n"].concat();
        let (visit, answer) = case.round_trip_of(request, result("1")).await;
        assert_eq!((visit.body.as_slice(), answer.text()), (body.as_bytes(), result("1")));
    });
}

#[test]
fn a_response_with_trailers_is_judged_and_keeps_them() {
    scripted(Site::Main, async |mut case, _| {
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let page = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete_x"},{"name":"get_x"}]}}"#;
        let shown = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_x"}]}}"#;
        for (media, body, wanted) in [
            ("application/json", page.to_owned(), shown.to_owned()),
            ("text/event-stream", format!("data: {page}\n\n"), format!("data: {shown}\n\n")),
            // An event without the empty line that ends it is none.
            ("text/event-stream", format!("data: {page}"), String::new()),
        ] {
            for modern in [false, true] {
                let (address, head, request) = (case.address, post_in_http2(&case), case.post(list));
                let client = tokio::spawn(async move {
                    if modern {
                        http2(address, head, &[list.as_bytes()], None).await
                    } else {
                        once(address, request).await
                    }
                });
                let mut arrival = case.arrival().await;
                arrival.body().await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
                );
                arrival.send([head.as_bytes(), &chunk(&body), b"0\r\nx-sum: 7\r\n\r\n"].concat()).await;
                arrival.done();
                let answer = client.await.unwrap();
                assert!(answer.complete, "{answer}");
                let same = answer.text().replace(": ", ":") == wanted.replace(": ", ":");
                assert!(same, "{media}, http2 {modern}: {answer}");
                // Clients of HTTP/1.1 get none from Envoy, whatever the filter does.
                if modern {
                    assert_eq!(answer.trailers, [("x-sum".to_owned(), b"7".to_vec())], "{media}");
                }
            }
        }
    });
}

#[test]
fn a_body_over_envoys_buffer_is_no_way_around() {
    let bytes = usize::try_from(NARROW_BUFFER).unwrap() * 8;
    executed(Site::Narrow, async |case, _| {
        let answer = case.send(case.post(long_call(&case, "delete", bytes))).await;
        match case.mode {
            // The held body does not fit; Envoy itself refuses.
            Mode::Hold => assert_eq!(answer.status, 413, "{answer}"),
            Mode::NoHold => assert_eq!(answer.reason().as_deref(), Some("denied_by_rule"), "{answer}"),
        }
        case.assert_refused_before_server().await;
    });
    scripted(Site::Narrow, async |mut case, _| {
        if case.mode == Mode::NoHold {
            let body = long_call(&case, "get", bytes);
            let (visit, answer) = case.round_trip(&body, result("1")).await;
            assert!(visit.body == body.as_bytes(), "{} of {} bytes", visit.body.len(), body.len());
            assert_eq!(answer.text(), result("1"));
        }
    });
    scripted(Site::Main, async |mut case, _| {
        let body = long_call(&case, "get", 3 << 20);
        let (visit, answer) = case.round_trip(&body, result("1")).await;
        assert!(visit.body == body.as_bytes(), "{} of {} bytes", visit.body.len(), body.len());
        assert_eq!(answer.text(), result("1"));
    });
}

#[test]
fn a_body_over_the_policys_limit_is_refused() {
    executed(Site::Small, async |case, _| {
        for bytes in [SMALL_BYTES + 1, SMALL_BYTES * 20] {
            let body = long_call(&case, "get", bytes);
            let answer = case.send(case.post(&body)).await;
            assert_eq!((answer.status, answer.reason().as_deref()), (413, Some("too_large")), "{answer}");
            let parts: Vec<u8> = body.as_bytes().chunks(5000).flat_map(chunk).collect();
            let answer = case.send([chunked(&case).as_bytes(), &parts, b"0\r\n\r\n"].concat()).await;
            assert_eq!((answer.status, answer.reason().as_deref()), (413, Some("too_large")), "{answer}");
            let frames: Vec<&[u8]> = body.as_bytes().chunks(5000).collect();
            let answer = http2(case.address, post_in_http2(&case), &frames, None).await;
            assert_eq!((answer.status, answer.reason().as_deref()), (413, Some("too_large")), "{answer}");
        }
        case.refusal("too_large").await;
        case.assert_refused_before_server().await;
    });
    scripted(Site::Small, async |mut case, _| {
        // The limit itself is not over the limit.
        let rest = long_call(&case, "get", 0).len();
        let body = long_call(&case, "get", SMALL_BYTES - rest);
        assert_eq!(body.len(), SMALL_BYTES);
        let (visit, _) = case.round_trip(&body, result("1")).await;
        assert_eq!(visit.body.len(), SMALL_BYTES);
    });
}

#[test]
fn a_client_that_leaves_in_the_middle_has_sent_nothing() {
    executed(Site::Main, async |case, _| {
        let body = call("1", &case.tool("get"));
        let request = case.post(&body);
        let mut client = case.connect().await;
        client.send(&request[..request.len() - 5]).await;
        drop(client);
        let event = case.completion("request_incomplete").await;
        assert_eq!(event.text("server"), Some("main"));
        let mut client = case.connect().await;
        client.send([chunked(&case).as_bytes(), &chunk(&body)].concat()).await;
        drop(client);
        case.audit("two broken requests", |_| {
            let broken = |event: &&tidegate::envoy::audit::Event| event.text("outcome") == Some("request_incomplete");
            case.events().iter().filter(broken).count() == 2
        })
        .await;
        case.assert_refused_before_server().await;
    });
}

#[test]
fn a_server_that_answers_early_gets_no_unjudged_byte() {
    scripted(Site::Main, async |mut case, rig| {
        if case.mode == Mode::Hold {
            return;
        }
        for status in [400, 503] {
            let mut client = case.connect().await;
            let request = case.post(call("1", &case.tool("get")));
            let (before, after) = request.split_at(request.len() - 30);
            client.send(before).await;
            let mut arrival = case.arrival().await;
            let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"early"}}"#;
            arrival.send(response(status, "application/json", error)).await;
            let (mut answer, mut framing) = client.head().await;
            while client.piece(&mut answer, &mut framing).await {}
            assert_eq!((answer.status, answer.text().as_str()), (status, error), "an early error passes");
            client.send(after).await;
            assert_eq!(String::from_utf8_lossy(&arrival.closed().await), "", "and the rest of the request is dropped");
        }
        case.completion("early_response").await;

        for tool in ["get", "delete"] {
            let mut early = Case::scripted(rig, Site::Main, case.mode);
            let mut client = early.connect().await;
            let request = early.post(call("1", &early.tool(tool)));
            let (before, after) = request.split_at(request.len() - 30);
            client.send(before).await;
            let mut arrival = early.arrival().await;
            let event = format!("data: {}\n\n", result("1"));
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            arrival.send([head.as_bytes(), &chunk(&event)].concat()).await;
            // Time for it to pass, if it were to.
            early.fence().await;
            client.send(after).await;
            if tool == "get" {
                let (mut answer, mut framing) = client.head().await;
                client.until(&mut answer, &mut framing, |body| body == event).await;
                assert_eq!(answer.status, 200, "an early success waits for the verdict");
                assert_eq!(arrival.body().await.body, request[request.len() - call("1", &early.tool(tool)).len()..]);
                arrival.send("0\r\n\r\n").await;
                arrival.done();
                while client.piece(&mut answer, &mut framing).await {}
                assert!(answer.complete, "{answer}");
            } else {
                let answer = client.response().await;
                assert_eq!(answer.reason().as_deref(), Some("denied_by_rule"), "{answer}");
                assert_eq!(answer.json()["id"], 1);
                early.refusal("denied_by_rule").await;
                assert_eq!(String::from_utf8_lossy(&arrival.closed().await), "");
            }
        }
    });
}

#[test]
fn a_response_that_is_over_before_its_request_ends_in_an_error() {
    scripted(Site::Main, async |mut case, _| {
        if case.mode == Mode::Hold {
            return;
        }
        let mut client = case.connect().await;
        let request = case.post(call("1", &case.tool("get")));
        let (before, after) = request.split_at(request.len() - 30);
        client.send(before).await;
        let mut arrival = case.arrival().await;
        arrival.send(response(200, "application/json", result("1"))).await;
        // Envoy lets nothing of the request through any more, not even to the filter.
        assert_eq!(String::from_utf8_lossy(&arrival.closed().await), "");
        client.send(after).await;
        let answer = client.response().await;
        assert_eq!((answer.status, answer.reason().as_deref()), (502, Some("unreadable_response")), "{answer}");
        case.refusal("unreadable_response").await;
        case.completion("early_response").await;
    });
}

#[test]
fn a_connection_goes_on_after_a_refusal() {
    scripted(Site::Main, async |mut case, _| {
        if case.mode == Mode::NoHold {
            return;
        }
        let mut client = case.connect().await;
        for round in 0..3 {
            let answer = client.exchange(case.post(call("1", &case.tool("delete")))).await;
            assert_eq!(answer.reason().as_deref(), Some("denied_by_rule"), "round {round}: {answer}");
            client.send(case.post(call("2", &case.tool("get")))).await;
            case.arrival().await.answer(200, "application/json", result("2")).await;
            assert_eq!(client.response().await.text(), result("2"), "round {round}");
        }
    });
    executed(Site::Main, async |case, _| {
        let mut client = case.connect().await;
        for id in ["1", "2", "3"] {
            let answer = client.exchange(case.post(call(id, &case.tool("delete")))).await;
            assert_eq!(answer.json()["id"].to_string(), id, "{answer}");
        }
        case.assert_refused_before_server().await;
    });
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    executed(Site::Main, async |case, _| {
        let mut client = case.connect().await;
        let requests: Vec<u8> =
            ["delete", "get", "delete", "get"].iter().flat_map(|tool| case.post(call("1", &case.tool(tool)))).collect();
        client.send(requests).await;
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(client.response().await.reason());
        }
        let refused = Some("denied_by_rule".to_owned());
        assert_eq!(answers, [refused.clone(), None, refused, None]);
        assert_eq!(case.ledger().tools().await, [case.tool("get"), case.tool("get")]);
    });
}

#[test]
fn two_framings_in_one_request_are_refused() {
    executed(Site::Main, async |case, _| {
        let inner = String::from_utf8(case.post(call("9", &case.tool("delete")))).unwrap();
        for fields in [
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "content-length: 5\r\ncontent-length: 6\r\n",
            "transfer-encoding: chunked, identity\r\n",
            "transfer-encoding: xchunked\r\n",
        ] {
            let head = format!(
                "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{fields}\r\n",
                case.path()
            );
            let answer = case.send(format!("{head}0\r\n\r\n{inner}")).await;
            assert!((400..=501).contains(&answer.status), "{fields}: {answer}");
        }
        assert_eq!(case.ledger().tools().await, Vec::<String>::new());
        case.assert_refused_before_server().await;
    });
}
