//! Answers in pieces: events of every cut, long results, and streams that a client opens by itself.

use http::Request;
use tidegate_tests::case::Case;
use tidegate_tests::client::{Response, http2, once};
use tidegate_tests::site::Site;
use tidegate_tests::upstream::{chunk, response};

use super::{KEY, OTHER_KEY, PLACEHOLDER, assert_clean, messages, placeholders, text_result};
use crate::{call, scripted};

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\netag: \"1\"\r\ntransfer-encoding: chunked\r\n\r\n";
const JSON: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: \"1\"\r\ntransfer-encoding: chunked\r\n\r\n";

fn progress(text: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"{KEY}","progress":1,"message":"{text}"}}}}"#
    )
}

fn log(text: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":{{"line":"{text}"}}}}}}"#
    )
}

/// A call of which the server sends the answer in these chunks, with trailers if there are any.
async fn chunked(case: &mut Case, head: &str, chunks: &[&[u8]], trailers: &str) -> Response {
    let client = tokio::spawn(once(case.address, case.post(call("1", &case.tool("get")))));
    let mut arrival = case.arrival().await;
    arrival.body().await;
    arrival.send(head).await;
    for bytes in chunks.iter().filter(|it| !it.is_empty()) {
        arrival.send(chunk(bytes)).await;
    }
    arrival.send(format!("0\r\n{trailers}\r\n")).await;
    arrival.done();
    client.await.unwrap()
}

#[test]
fn an_event_leaves_without_its_secret_before_the_next_one_comes() {
    scripted(Site::Redacting, async |mut case, _| {
        let request = case.post(call("1", &case.tool("get")));
        for request in [
            request,
            case.get(),
            String::from_utf8(case.get()).unwrap().replacen("accept:", "last-event-id: 7\r\naccept:", 1).into_bytes(),
        ] {
            let is_post = request.starts_with(b"POST");
            let mut client = case.connect().await;
            client.send(request).await;
            let mut arrival = case.arrival().await;
            arrival.body().await;
            arrival.send(EVENTS).await;
            let (mut answer, mut framing) = client.head().await;
            assert!(!answer.head.has("etag") && !answer.head.has("content-length"), "{answer}");
            let mut sent = String::new();
            for event in [
                ": hello\n\n".to_owned(),
                format!("id: 1\ndata: {}\n\n", progress(&format!("with {KEY}."))),
                format!("id: 2\r\nevent: message\r\ndata: {}\r\n\r\n", log(OTHER_KEY)),
                format!("id: 3\nretry: 9\ndata: {}\n\n", progress("clean")),
                if is_post {
                    format!("id: 4\ndata: {}\n\n", text_result(&format!("{OTHER_KEY} {KEY}")))
                } else {
                    ":\n\n".to_owned()
                },
            ] {
                arrival.send(chunk(&event)).await;
                sent.push_str(&event);
                // The server sends the next event only after the client has this one.
                let blanks = |text: &str| text.matches("\n\n").count() + text.matches("\r\n\r\n").count();
                client.until(&mut answer, &mut framing, |body| blanks(body) == blanks(&sent)).await;
            }
            arrival.send("0\r\n\r\n").await;
            arrival.done();
            while client.piece(&mut answer, &mut framing).await {}
            let text = answer.text();
            assert!(answer.complete, "{answer}");
            let found = placeholders(&text);
            assert_eq!(found.len(), if is_post { 4 } else { 2 }, "{text}");
            if is_post {
                // One secret, one placeholder.
                assert!(found[0] == found[3] && found[1] == found[2] && found[0] != found[1], "{text}");
            }
            // With the secrets back in their places it is what was sent, byte for byte.
            let restored = text.replace(found[0], KEY).replace(found[1], OTHER_KEY);
            assert_eq!(restored, sent);
            assert_eq!(text.matches(KEY).count(), 2, "the progress tokens stay: {text}");
        }
        case.audit("what was found", |event| event.json()["redactions"].to_string().contains("/params/message")).await;
    });
}

#[test]
fn any_way_of_cutting_a_stream_gives_the_same() {
    scripted(Site::Redacting, async |mut case, _| {
        let escaped: String = OTHER_KEY.chars().map(|it| format!("\\u{:04x}", u32::from(it))).collect();
        let inner = format!(r#"{{\"path\":\"a\/b\",\"key\":\"{KEY}\"}}"#);
        let stream = format!(
            ": hé\r\nid: 1\r\ndata: {}\r\n\r\nid: 2\rretry: 5\rdata:{{\"jsonrpc\":\"2.0\",\rdata: \"id\":1,\"result\":\rdata:{{\"content\":[{{\"type\":\"text\",\"text\":\"a\\n{escaped}\\n{inner}\"}}]}}}}\r\r: end\n\n",
            progress(KEY)
        );
        let mut whole: Option<String> = None;
        let secrets = [stream.find(KEY).unwrap(), stream.find(&escaped).unwrap(), stream.find(&inner).unwrap()];
        // Inside the secrets and the escapes at every byte, elsewhere at some.
        let near = |cut: usize| secrets.iter().any(|at| (*at..at + 26).contains(&cut));
        for cut in (1..stream.len()).filter(|cut| near(*cut) || cut % 9 == 0) {
            let (before, after) = stream.as_bytes().split_at(cut);
            let answer = chunked(&mut case, EVENTS, &[before, after], "").await;
            assert!(answer.complete, "{answer}");
            let first = whole.get_or_insert_with(|| answer.text());
            assert_eq!(*first, answer.text(), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        let whole = whole.unwrap();
        assert_eq!(chunked(&mut case, EVENTS, &bytes, "").await.text(), whole);
        assert_eq!(whole.matches(KEY).count(), 1, "the progress token: {whole}");
        assert!(!whole.contains(&escaped[..60]), "{whole}");
        assert!(
            whole.starts_with(": hé\r\nid: 1\r\ndata: ")
                && whole.contains("id: 2\rretry: 5\r")
                && whole.ends_with(": end\n\n"),
            "{whole}"
        );
        let messages = messages(&whole);
        assert_eq!(placeholders(&whole).len(), 3, "{whole}");
        let text = messages[1]["result"]["content"][0]["text"].as_str().unwrap();
        assert!(
            text.starts_with(&format!("a\n{PLACEHOLDER}")) && text.contains(r#"{"path":"a/b","key":"[redacted:"#),
            "{text}"
        );
    });
}

/// A long result with secrets early, late, and one of them again; some of its text is nested JSON.
fn long(bytes: usize) -> String {
    let filler = "lorem \\\"ipsum\\\" dolor \\n".repeat(bytes / 48);
    text_result(&format!("first {KEY} {filler} second {OTHER_KEY} {filler} again {KEY}"))
}

fn assert_long(got: &str, sent: &str, what: &str) {
    let found = placeholders(got);
    assert_eq!(found.len(), 3, "{what}: {} bytes", got.len());
    assert!(found[0] == found[2] && found[0] != found[1], "{what}: {found:?}");
    assert!(got.replace(found[0], KEY).replace(found[1], OTHER_KEY) == sent, "{what}: other text was changed");
    assert_clean(got, what);
}

#[test]
fn long_results_lose_their_secrets_in_any_framing() {
    scripted(Site::Redacting, async |mut case, _| {
        for size in [300 * 1024, 1200 * 1024] {
            let body = long(size);
            let key = body.find(OTHER_KEY).unwrap();
            for trailers in ["", "x-checksum: abc\r\n"] {
                for cut in [key + 7, 262_144, 262_145] {
                    let (before, after) = body.as_bytes().split_at(cut);
                    let answer = chunked(&mut case, JSON, &[before, after], trailers).await;
                    let what = format!("{size} bytes of JSON cut at {cut}, trailers {trailers:?}");
                    assert!(answer.complete && !answer.head.has("content-length"), "{what}");
                    assert!(!answer.head.has("etag"), "{what}: {:?}", answer.head);
                    assert_long(&answer.text(), &body, &what);
                }
                let stream = format!("id: 4\nevent: message\ndata: {body}\n\n");
                let parts: Vec<&[u8]> = stream.as_bytes().chunks(9973).collect();
                let answer = chunked(&mut case, EVENTS, &parts, trailers).await;
                assert!(answer.complete, "{answer}");
                assert_long(&answer.text(), &stream, "an event");
            }
        }
        let event = case.completion("answered").await;
        assert_eq!(event.json()["swept"], false, "{}", event.line());
        assert_clean(event.line(), "the audit event");
    });
}

#[test]
fn a_long_result_of_announced_length_is_framed_right() {
    scripted(Site::Redacting, async |mut case, _| {
        let body = long(300 * 1024);
        let request = case.post(call("1", &case.tool("get")));
        let answer = case.answered(request, response(200, "application/json", &body)).await;
        assert!(answer.complete, "{:?}", answer.head);
        let announced = answer.head.get("content-length");
        assert!(announced.is_none_or(|it| it == answer.body.len().to_string()), "{:?}", answer.head);
        assert_long(&answer.text(), &body, "a known length");
    });
}

#[test]
fn http2_clients_get_the_same() {
    scripted(Site::Redacting, async |mut case, _| {
        let body = long(300 * 1024);
        let stream = format!("data: {}\n\ndata: {body}\n\n", progress("x"));
        let short = text_result(&format!("{KEY} and {OTHER_KEY} and {KEY}"));
        for (head, sent) in [(JSON, &short), (JSON, &body), (EVENTS, &stream)] {
            for trailers in ["", "x-checksum: abc\r\n"] {
                let post = Request::post(format!("http://localhost{}", case.path()));
                let post = post.header("content-type", "application/json").body(()).unwrap();
                let (address, request) = (case.address, call("1", &case.tool("get")));
                let client = tokio::spawn(async move { http2(address, post, &[request.as_bytes()], None).await });
                let mut arrival = case.arrival().await;
                arrival.body().await;
                arrival.send(head).await;
                for part in sent.as_bytes().chunks(30_011) {
                    arrival.send(chunk(part)).await;
                }
                arrival.send(format!("0\r\n{trailers}\r\n")).await;
                arrival.done();
                let answer = client.await.unwrap();
                assert!(answer.complete && answer.status == 200, "{answer}");
                assert_eq!(answer.trailers.len(), usize::from(!trailers.is_empty()));
                let token = format!(r#""progressToken":"{KEY}""#);
                let got = answer.text().replace(&token, "");
                assert_long(&got, &sent.replace(&token, ""), "HTTP/2");
            }
        }
    });
}
