//! What servers answer: passed byte for byte, or withheld with a reason; nothing leaves that was not decided on.

use serde_json::json;
use tidegate_tests::case::Case;
use tidegate_tests::client::{Response, once};
use tidegate_tests::rig::{DOWN, run};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::{chunk, response};

use super::{call, result, scripted};

/// An allowed call that the server answers with exactly these bytes.
async fn answered(case: &mut Case, bytes: impl AsRef<[u8]>) -> Response {
    let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
    let mut arrival = case.arrival().await;
    arrival.body().await;
    arrival.send(bytes).await;
    // Closing here could hit the next request that Envoy sends on the same connection.
    arrival.done();
    client.await.unwrap()
}

fn refused_as(response: &Response, reason: &str) {
    assert_eq!((response.status, response.reason().as_deref()), (200, Some(reason)), "{response}");
    assert_eq!(response.json()["id"], 1, "{response}");
    assert_eq!(response.json()["result"]["isError"], true, "{response}");
    assert!(response.complete && !response.text().contains("leak"), "{response}");
}

#[test]
fn answers_that_cannot_be_read_for_certain_are_withheld() {
    run(async |rig| {
        for mode in Mode::ALL {
            for (media, body) in [
                ("application/json", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1,\"leak\":2}}".as_bytes()),
                ("application/json", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}{\"leak\":1}"),
                ("application/json", b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1}}"),
                ("application/json", b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1}}]"),
                ("application/json", b"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"leak\":1}}"),
                ("application/json", b"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{\"leak\":1}}"),
                ("application/json", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":\"\xff\"}}"),
                (
                    "application/json",
                    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{\"code\":1,\"message\":\"leak\"}}",
                ),
                (
                    "application/json",
                    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sampling/createMessage\",\"params\":{\"leak\":1}}",
                ),
                ("application/json", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":"),
                ("application/json", b"leak"),
                ("application/json", b""),
                ("application/json; charset=utf-16", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1}}"),
                ("application/jsonfoo", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1}}"),
                ("text/html", b"<p>leak</p>"),
                ("text/event-stream; charset=utf-16le", b"data: leak\n\n"),
            ] {
                let mut case = Case::scripted(rig, Site::Main, mode);
                let answer = answered(&mut case, response(200, media, body)).await;
                let what = String::from_utf8_lossy(body).into_owned();
                assert_eq!(answer.reason().as_deref(), Some("unreadable_response"), "{media} {what}: {answer}");
                refused_as(&answer, "unreadable_response");
                case.refusal("unreadable_response").await;
            }
        }
        rig.assert_no_trap().await;
    });
}

#[test]
fn an_encoded_answer_is_withheld() {
    scripted(Site::Main, async |mut case, _| {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nleak";
        refused_as(&answered(&mut case, answer).await, "encoding_refused");
        case.refusal("encoding_refused").await;
    });
}

#[test]
fn an_answer_without_a_media_type_is_withheld() {
    scripted(Site::Main, async |mut case, _| {
        let body = result("1");
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        refused_as(&answered(&mut case, answer).await, "unreadable_response");
    });
}

#[test]
fn policy_may_let_pass_what_it_cannot_read() {
    scripted(Site::Open, async |mut case, _| {
        for (media, body) in
            [("text/html", "<p>x</p>"), ("application/json", "no json"), ("application/json", "{\"a\":1,\"a\":2}")]
        {
            let answer = answered(&mut case, response(200, media, body)).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, body), "{media}");
        }
        case.audit("unreadable_response", |event| event.text("reason") == Some("unreadable_response")).await;
    });
}

#[test]
fn a_server_cannot_forge_our_denials() {
    scripted(Site::Main, async |mut case, _| {
        let forged = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"_meta":{"tidegate/denial":{"reason":"leak"},"Tidegate/x":2,"other":1},"isError":true}}"#;
        let answer = answered(&mut case, response(200, "application/json", forged)).await;
        let clean =
            json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "_meta": {"other": 1}, "isError": true}});
        assert_eq!(answer.json(), clean);
        // Shorter than what the server announced: the client must get the right length, or none.
        assert!(answer.complete);
        let announced = answer.head.get("content-length");
        assert!(announced.is_none_or(|it| it == answer.body.len().to_string()), "{:?}", answer.head);
        assert_eq!(announced.is_some(), case.mode == Mode::Hold, "{:?}", answer.head);
        let stream = format!("data: {forged}\n\n");
        let answer = answered(&mut case, response(200, "text/event-stream", stream)).await;
        assert!(
            !answer.text().to_lowercase().contains("tidegate") && answer.text().contains("\"other\":1"),
            "{answer}"
        );
    });
}

#[test]
fn errors_of_the_server_pass_as_they_are() {
    scripted(Site::Main, async |mut case, _| {
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool","data":[1]}}"#;
        for (status, media, body) in [
            (200, "application/json", error),
            (400, "application/json", error),
            (
                404,
                "application/json",
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#,
            ),
            (401, "application/json", r#"{"error":"invalid_token"}"#),
            (500, "text/plain", "Internal Server Error"),
            (403, "text/html", "<p>no</p>"),
        ] {
            let answer = answered(&mut case, response(status, media, body)).await;
            assert_eq!((answer.status, answer.text().as_str()), (status, body), "{answer}");
        }
        let answer = answered(&mut case, "HTTP/1.1 405 No\r\ncontent-length: 0\r\nallow: POST\r\n\r\n").await;
        assert_eq!((answer.status, answer.body.len(), answer.complete), (405, 0, true));
    });
}

#[test]
fn an_error_text_without_end_is_cut() {
    scripted(Site::Main, async |mut case, _| {
        let answer = answered(&mut case, response(500, "text/plain", "x".repeat(1 << 20))).await;
        assert!(answer.body.len() <= 64 * 1024 && !answer.complete, "{} bytes", answer.body.len());
    });
}

#[test]
fn fields_about_exact_bytes_and_other_ways_in_are_dropped() {
    scripted(Site::Main, async |mut case, _| {
        let body = result("1");
        let fields = "etag: \"1\"\r\ndigest: sha-256=x\r\nalt-svc: h3=\":443\"\r\naccept-ranges: bytes\r\nmcp-session-id: s\r\nx-other: 1\r\n";
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = answered(&mut case, answer).await;
        assert!(!answer.head.has("alt-svc"), "{answer}");
        // In hold mode it is known that the bytes have not changed.
        for name in ["etag", "digest", "accept-ranges"] {
            assert_eq!(answer.head.has(name), case.mode == Mode::Hold, "{name}");
        }
        assert_eq!((answer.head.get("mcp-session-id"), answer.head.get("x-other")), (Some("s"), Some("1")));
        assert_eq!(answer.text(), body);
    });
}

#[test]
fn a_long_result_passes_unchanged() {
    scripted(Site::Main, async |mut case, _| {
        let text = "0123456789abcdef é\\n".repeat(100_000);
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#);
        for announced in [true, false] {
            let bytes = if announced {
                response(200, "application/json", &body)
            } else {
                let mut bytes =
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
                body.as_bytes().chunks(7777).for_each(|part| bytes.extend(chunk(part)));
                bytes.extend_from_slice(b"0\r\n\r\n");
                bytes
            };
            let answer = answered(&mut case, bytes).await;
            assert!(answer.complete && answer.status == 200);
            assert!(answer.body == body.as_bytes(), "{} bytes of {}", answer.body.len(), body.len());
        }
        let event = case.completion("answered").await;
        assert_eq!(event.json()["response_bytes"], body.len());
    });
}

#[test]
fn a_long_result_that_turns_bad_is_cut_where_it_does() {
    scripted(Site::Main, async |mut case, _| {
        let text = "x".repeat(600_000);
        for bad in
            [r#""structuredContent":1,"structuredContent":2,"leak":1}}"#, "\u{1}leak", r#""tools":[{"name":"leak"}]}}"#]
        {
            let body =
                format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}],{bad}"#);
            let answer = answered(&mut case, response(200, "application/json", body)).await;
            assert!(!answer.text().contains("leak"), "{} bytes: {bad}", answer.body.len());
            // What has not left yet when the fault shows becomes a clean refusal.
            let refused = answer.reason().as_deref() == Some("unreadable_response");
            assert!(answer.complete == refused, "{} bytes: {bad}", answer.body.len());
        }
        case.refusal("unreadable_response").await;
    });
}

#[test]
fn a_server_that_is_not_there_is_an_error_with_a_record() {
    run(async |rig| {
        for mode in Mode::ALL {
            let case = Case::executed(rig, Site::Main, mode);
            let request = String::from_utf8(case.post(call("1", &case.tool("get")))).unwrap();
            let answer = case.send(request.replace("/mcp/", &format!("{DOWN}/"))).await;
            assert_eq!(answer.status, 503, "{answer}");
            let event = case.audit("a completion", |event| event.kind() == "completion").await;
            assert_eq!(event.json()["status"], 503);
        }
        rig.assert_no_trap().await;
    });
}

#[test]
fn a_server_that_dies_in_the_middle_leaks_nothing() {
    scripted(Site::Main, async |mut case, _| {
        let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
        let mut arrival = case.arrival().await;
        arrival.body().await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
        arrival.send(format!("{head}{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"leak\"")).await;
        drop(arrival);
        let answer = client.await.unwrap();
        assert!(!answer.text().contains("leak"), "{answer}");
        if case.mode == Mode::Hold {
            assert!(answer.status >= 500, "{answer}");
        } else {
            assert!(!answer.complete, "{answer}");
        }
        // Before any answer at all.
        let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
        let mut arrival = case.arrival().await;
        arrival.body().await;
        arrival.reset();
        let answer = client.await.unwrap();
        assert_eq!(answer.status, 503, "{answer}");
    });
}

#[test]
fn an_unsolicited_body_for_a_notification_is_withheld() {
    scripted(Site::Main, async |mut case, _| {
        let body = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let client = tokio::spawn(once(case.address, case.post(body)));
        let leak = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"leak"}]}}"#;
        case.arrival().await.answer(200, "application/json", leak).await;
        let answer = client.await.unwrap();
        assert!(!answer.text().contains("leak"), "{answer}");
    });
}
