//! Streams of server-sent events: each leaves as soon as it is decided, and any way of cutting the bytes gives the same.

use serde_json::{Value, json};
use tidegate_tests::client::once;
use tidegate_tests::site::{SMALL_EVENT, Site};
use tidegate_tests::upstream::{chunk, response};

use super::{call, result, scripted};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
const PROGRESS: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;

#[test]
fn an_event_leaves_before_the_next_one_comes() {
    scripted(Site::Main, async |mut case, _| {
        let mut client = case.connect().await;
        client.send(case.post(call("1", &case.tool("get")))).await;
        let mut arrival = case.arrival().await;
        arrival.body().await;
        arrival.send(HEAD).await;
        let (mut answer, mut framing) = client.head().await;
        assert_eq!(answer.status, 200);
        let mut expected = String::new();
        for event in [
            ": priming\n\n".to_owned(),
            "id: 1\ndata:\n\n".to_owned(),
            "retry: 10\n\n".to_owned(),
            format!("id: 2\ndata: {PROGRESS}\n\n"),
            format!("event: message\nid: 3\ndata: {}\n\n", result("1")),
        ] {
            arrival.send(chunk(&event)).await;
            expected.push_str(&event);
            // The server sends the next event only after the client has this one.
            client.until(&mut answer, &mut framing, |body| body == expected).await;
        }
        arrival.send("0\r\n\r\n").await;
        arrival.done();
        while client.piece(&mut answer, &mut framing).await {}
        assert!(answer.complete);
        assert_eq!(answer.text(), expected);
        case.completion("answered").await;
    });
}

#[test]
fn any_way_of_cutting_the_bytes_gives_the_same_bytes() {
    scripted(Site::Main, async |mut case, _| {
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let stream = format!(
            ": hé\r\nid: 1\r\ndata: {PROGRESS}\r\n\r\nid: 2\rretry: 5\rdata:{{\"jsonrpc\":\"2.0\",\rdata: \"id\":1,\"result\":{{\"tools\":[{{\"name\":\"delete_x\"}},{{\"name\":\"get_é\"}}]}}}}\r\r: end\n\n"
        );
        let mut whole = None;
        for cut in (0..stream.len()).step_by(3).chain([1, stream.len() - 1]) {
            let client = tokio::spawn(once(case.address, case.post(list)));
            let mut arrival = case.arrival().await;
            arrival.body().await;
            let (before, after) = stream.as_bytes().split_at(cut);
            arrival.send(HEAD).await;
            if !before.is_empty() {
                arrival.send(chunk(before)).await;
            }
            arrival.send(chunk(after)).await;
            arrival.send("0\r\n\r\n").await;
            arrival.done();
            let answer = client.await.unwrap();
            assert!(answer.complete && answer.status == 200, "{answer}");
            assert!(answer.text().contains("get_é") && !answer.text().contains("delete_x"), "{answer}");
            let first = whole.get_or_insert_with(|| answer.text());
            assert_eq!(*first, answer.text(), "cut at {cut}");
        }
        // And byte by byte.
        let client = tokio::spawn(once(case.address, case.post(list)));
        let mut arrival = case.arrival().await;
        arrival.body().await;
        arrival.send(HEAD).await;
        for byte in stream.as_bytes() {
            arrival.send(chunk([*byte])).await;
        }
        arrival.send("0\r\n\r\n").await;
        arrival.done();
        assert_eq!(client.await.unwrap().text(), whole.unwrap());
    });
}

#[test]
fn requests_of_the_server_are_turned_into_ones_that_no_client_knows() {
    scripted(Site::Main, async |mut case, _| {
        let ask = |id: &str, method: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"message":"leak","messages":["leak"]}}}}"#
            )
        };
        for on_get in [false, true] {
            let mut stream = String::new();
            for (at, (id, method)) in [
                ("77", "sampling/createMessage"),
                ("\"e-1\"", "elicitation/create"),
                ("78", "roots/list"),
                ("79", "some/thing"),
                ("80", "ping"),
            ]
            .iter()
            .enumerate()
            {
                stream.push_str(&format!("event: message\nid: {at}\ndata: {}\n\n", ask(id, method)));
            }
            stream.push_str("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/leak\"}\n\n");
            if !on_get {
                stream.push_str(&format!("data: {}\n\n", result("1")));
            }
            let request = if on_get { case.get() } else { case.post(call("1", &case.tool("get"))) };
            let client = tokio::spawn(once(case.address, request));
            case.arrival().await.answer(200, "text/event-stream", &stream).await;
            let answer = client.await.unwrap();
            let text = answer.text();
            let data: Vec<Value> = text
                .lines()
                .filter_map(|it| it.strip_prefix("data:"))
                .map(|it| serde_json::from_str(it.trim()).unwrap())
                .collect();
            for (at, id) in [json!(77), json!("e-1"), json!(78), json!(79)].iter().enumerate() {
                assert_eq!(&data[at]["id"], id, "{text}");
                let method = data[at]["method"].as_str().unwrap();
                assert!(method.starts_with("tidegate/"), "{text}");
                assert!(data[at].get("params").is_none(), "{text}");
                assert!(text.contains(&format!("id: {at}\n")), "{text}");
            }
            assert_eq!(data[4]["method"], "ping");
            let rest: Vec<Value> = if on_get { vec![] } else { vec![serde_json::from_str(&result("1")).unwrap()] };
            assert_eq!(data[5..], rest, "{text}");
        }
        let event = case.audit("sampling", |event| event.text("method") == Some("sampling/createMessage")).await;
        assert_eq!((event.text("reason"), event.text("verdict")), (Some("method_not_allowed"), Some("deny")));
    });
}

#[test]
fn a_modern_result_that_asks_for_input_becomes_a_denial() {
    scripted(Site::Main, async |mut case, _| {
        let ask = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"sampling/createMessage","params":{"leak":1}}}}}"#;
        for (media, body) in
            [("application/json", ask.to_owned()), ("text/event-stream", format!("id: 9\ndata: {ask}\n\n"))]
        {
            let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
            case.arrival().await.answer(200, media, body).await;
            let answer = client.await.unwrap();
            assert!(!answer.text().contains("leak") && answer.text().contains("method_not_allowed"), "{answer}");
            assert_eq!(answer.text().contains("id: 9"), media == "text/event-stream", "{answer}");
        }
        case.refusal("method_not_allowed").await;
    });
}

#[test]
fn events_that_cannot_be_read_for_certain_are_withheld() {
    scripted(Site::Main, async |mut case, _| {
        for bad in [
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1,\"leak\":2}}\n\n",
            "data: leak\n\n",
            "data: [{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1}}]\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{\"leak\":1}}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"leak\"}]}}\n\n",
            "\u{feff}data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":1,\"leak\":2}}\n\n",
        ] {
            let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
            case.arrival().await.answer(200, "text/event-stream", bad).await;
            let answer = client.await.unwrap();
            assert!(!answer.text().contains("leak"), "{bad}: {answer}");
            assert!(answer.text().contains("unreadable_response"), "{bad}: {answer}");
            let data: Vec<Value> = answer
                .text()
                .lines()
                .filter_map(|it| it.strip_prefix("data:"))
                .map(|it| serde_json::from_str(it.trim()).unwrap())
                .collect();
            assert_eq!(
                (data.len(), &data[0]["id"], &data[0]["result"]["isError"]),
                (1, &json!(1), &json!(true)),
                "{answer}"
            );
        }
        case.refusal("unreadable_response").await;
    });
}

#[test]
fn a_second_answer_does_not_pass() {
    scripted(Site::Main, async |mut case, _| {
        let second = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"leak"}]}}"#;
        let stream = format!("data: {}\n\ndata: {second}\n\ndata: {PROGRESS}\n\n", result("1"));
        let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
        case.arrival().await.answer(200, "text/event-stream", &stream).await;
        let answer = client.await.unwrap();
        assert!(answer.text().contains(&result("1")) && !answer.text().contains("leak"), "{answer}");
        assert!(answer.text().contains("notifications/progress"), "{answer}");
        case.refusal("unreadable_response").await;
    });
}

#[test]
fn the_event_that_starts_the_old_transport_does_not_pass() {
    scripted(Site::Main, async |mut case, _| {
        let stream =
            format!("event: endpoint\ndata: /mcp?sessionId=leak\n\nevent: other\ndata: leak\n\ndata: {PROGRESS}\n\n");
        let client = tokio::spawn(once(case.address, case.get()));
        case.arrival().await.answer(200, "text/event-stream", &stream).await;
        let answer = client.await.unwrap();
        assert!(!answer.text().contains("leak") && answer.text().contains("notifications/progress"), "{answer}");
        case.refusal("transport_refused").await;
    });
}

#[test]
fn an_event_that_must_be_seen_whole_has_a_limit() {
    scripted(Site::Small, async |mut case, _| {
        let long = "leak".repeat(SMALL_EVENT);
        let ask = format!(r#"{{"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{{"a":"{long}"}}}}"#);
        let stream = format!("data: {ask}\n\ndata: {PROGRESS}\n\n");
        let client = tokio::spawn(once(case.address, case.get()));
        case.arrival().await.answer(200, "text/event-stream", &stream).await;
        let answer = client.await.unwrap();
        assert!(!answer.text().contains("leak"), "{answer}");
        case.refusal("oversize_event").await;
    });
}

#[test]
fn a_long_result_in_an_event_passes_unchanged() {
    scripted(Site::Main, async |mut case, _| {
        let text = "0123456789 é\\n".repeat(100_000);
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#);
        let stream = format!("id: 4\nevent: message\ndata: {body}\n\n");
        let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
        let mut arrival = case.arrival().await;
        arrival.body().await;
        arrival.send(response(200, "text/event-stream", &stream)).await;
        arrival.done();
        let answer = client.await.unwrap();
        assert!(answer.complete && answer.text() == stream, "{} bytes of {}", answer.body.len(), stream.len());
    });
}

#[test]
fn a_stream_whose_server_dies_ends_where_the_last_decided_event_does() {
    scripted(Site::Main, async |mut case, _| {
        let mut client = case.connect().await;
        client.send(case.post(call("1", &case.tool("get")))).await;
        let mut arrival = case.arrival().await;
        arrival.body().await;
        arrival.send(HEAD).await;
        let whole = format!("data: {PROGRESS}\n\n");
        arrival.send(chunk(&whole)).await;
        let (mut answer, mut framing) = client.head().await;
        client.until(&mut answer, &mut framing, |body| body == whole).await;
        arrival.send(chunk("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"leak\":")).await;
        arrival.reset();
        while client.piece(&mut answer, &mut framing).await {}
        assert!(!answer.complete && answer.text() == whole, "{answer}");
    });
}
