//! Input that is broken, huge or hostile.

use std::fmt::Write as _;

use tidegate::envoy::{Envoy, Options};
use tidegate_tests::case::Case;
use tidegate_tests::client::Connection;
use tidegate_tests::rig::{alone, binary, end_with_us, named, rendering, wasm};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::{Upstream, chunk, response};

use super::{KEY, OTHER_KEY, PLACEHOLDER, assert_clean, placeholders, text_result};
use crate::{call, executed, scripted};

async fn answer(case: &mut Case, media: &str, body: &[u8]) -> tidegate_tests::client::Response {
    case.answered(case.post(call("1", &case.tool("get"))), response(200, media, body)).await
}

#[test]
fn text_that_is_no_unicode() {
    scripted(Site::Redacting, async |mut case, _| {
        // Not UTF-8: nobody can say what it says.
        let broken = text_result("@").into_bytes();
        let at = broken.iter().position(|it| *it == b'@').unwrap();
        for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\xbd", b"\xf5\x80\x80\x80"] {
            let body = [&broken[..at], bytes, KEY.as_bytes(), &broken[at..]].concat();
            let got = answer(&mut case, "application/json", &body).await;
            assert_eq!(got.reason().as_deref(), Some("unreadable_response"), "{got}");
            assert_clean(&got.text(), "a refusal");
        }
        // Halves of surrogate pairs, escaped, are text to some peers and none to others.
        for text in [format!(r"\ud83d {KEY} \ude00"), format!(r"\ud83d{KEY}\ude00"), format!(r"\ude00\ud83d {KEY}")] {
            let body = text_result(&text);
            let got = answer(&mut case, "application/json", body.as_bytes()).await;
            assert_clean(&got.text(), "lone surrogates");
            assert!(got.complete && got.status == 200, "{got}");
        }
        let got = answer(&mut case, "application/json", text_result("x").as_bytes()).await;
        assert_eq!(got.text(), text_result("x"));
    });
}

#[test]
fn a_string_of_sixteen_mebibytes() {
    scripted(Site::Redacting, async |mut case, _| {
        let filler = "lorem ipsum dolor sit amet, ".repeat((16 << 20) / 56);
        let body = text_result(&format!("{filler}{KEY}, {filler}{OTHER_KEY}"));
        let got = answer(&mut case, "application/json", body.as_bytes()).await;
        assert!(got.complete, "{} bytes", got.body.len());
        let text = got.text();
        let [first, second] = placeholders(&text)[..] else { panic!("{:?}", placeholders(&text)) };
        assert!(text.replace(first, KEY).replace(second, OTHER_KEY) == body, "other text was changed");
    });
}

#[test]
fn ten_thousand_secrets_in_one_answer() {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut secret = || {
        (0..16).fold("AKIA".to_owned(), |mut secret, _| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            secret.push(char::from(ALPHABET[usize::try_from(state >> 59).unwrap()]));
            secret
        })
    };
    let secrets: Vec<String> = (0..10_000).map(|_| secret()).collect();
    let (held, long) = (text_result(&secrets.join(" ")), text_result(&secrets.join(" and then comes ")));
    assert!(held.len() < 256 * 1024 && long.len() > 256 * 1024);
    scripted(Site::Redacting, async |mut case, _| {
        for body in [&held, &long] {
            let got = answer(&mut case, "application/json", body.as_bytes()).await;
            let text = got.text();
            assert!(got.complete);
            assert_eq!(text.matches(PLACEHOLDER).count(), secrets.len());
            assert!(!text.contains("AKIA"));
        }
        let event = case.completion("answered").await;
        assert_eq!(event.json()["redactions"][0]["count"], secrets.len(), "{}", event.line());
    });
}

/// What scanners for secrets are slow at, as text in JSON.
fn hostile() -> Vec<String> {
    let mut brackets = String::new();
    for at in 0..20_000 {
        write!(brackets, "{{\\\"password{at}\\\":[").unwrap();
    }
    vec![
        "password=".repeat(100_000),
        "eyJ".repeat(100_000),
        "-----BEGIN ".repeat(100_000),
        "\\\\".repeat(1_000_000),
        "bearer AAAA".repeat(50_000),
        "token: \\\"".repeat(50_000),
        "[redacted:".repeat(50_000),
        "AKIA".repeat(100_000),
        "a@b".repeat(100_000),
        "\\u005cu005c".repeat(50_000),
        brackets,
    ]
}

#[test]
fn hostile_text_is_answered_and_the_proxy_serves_on() {
    let inputs = hostile();
    scripted(Site::Redacting, async |mut case, _| {
        for input in &inputs {
            let what = &input[..input.len().min(20)];
            // Before it and after it, so that neither is lost in what looks like a secret.
            let body = text_result(&format!("{KEY} {input} \\n\\n {OTHER_KEY}"));
            let got = answer(&mut case, "application/json", body.as_bytes()).await;
            assert!(got.complete && got.status == 200, "{what}: {got}");
            assert_clean(&got.text(), what);
            let text = got.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
            assert!(text.starts_with(PLACEHOLDER), "{what}: {got}");
            let event = format!("data: {body}\n\n");
            let got = answer(&mut case, "text/event-stream", event.as_bytes()).await;
            assert!(got.complete, "{what}: {got}");
            assert_clean(&got.text(), what);
        }
        let got = answer(&mut case, "application/json", text_result("x").as_bytes()).await;
        assert_eq!(got.text(), text_result("x"));
    });
}

#[test]
fn hostile_arguments_are_refused() {
    let inputs = hostile();
    executed(Site::Redacting, async |case, _| {
        for input in &inputs {
            let what = &input[..input.len().min(20)];
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{}","arguments":{{"q":"{KEY} {input}"}}}}}}"#,
                case.tool("get")
            );
            let got = case.send(case.post(body)).await;
            assert!([200, 413].contains(&got.status) && got.reason().is_some(), "{what}: {got}");
        }
        case.assert_refused_before_server().await;
    });
}

/// Resident memory of a process, in bytes.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_hundred_megabytes_stream_in_constant_memory() {
    const BYTES: usize = 100_000_000;
    alone(async {
        let upstream = Upstream::start().await;
        let policy = Site::Redacting.policy();
        let root = named(&rendering(&policy, Mode::NoHold, upstream.address, &wasm()), "memory");
        let envoy = Envoy::start(&binary(), root, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"));
        let mut guard = end_with_us(envoy.pid());
        let mut arrivals = upstream.script("case-000001");
        let mut line = format!("it is {KEY}, or \\\"{OTHER_KEY}\\\" \\u00e9 ");
        line.push_str(&"lorem ipsum dolor sit amet ".repeat(2400));
        let repeats = BYTES / line.len();
        tokio::spawn(async move {
            while let Some(mut arrival) = arrivals.recv().await {
                let (before, after) =
                    ("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"", "\"}]}}");
                arrival.body().await;
                let events = !arrival.head.has("mcp-session-id");
                let (media, open, close) =
                    if events { ("text/event-stream", "data: ", "\n\n") } else { ("application/json", "", "") };
                arrival
                    .send(format!("HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ntransfer-encoding: chunked\r\n\r\n"))
                    .await;
                arrival.send(chunk(format!("{open}{before}"))).await;
                let piece = chunk(&line);
                for _ in 0..repeats {
                    arrival.send(&piece).await;
                }
                arrival.send(chunk(format!("{after}{close}"))).await;
                arrival.send("0\r\n\r\n").await;
                arrival.done();
            }
        });
        for fields in ["", "mcp-session-id: s\r\n"] {
            let mut client = Connection::to(envoy.listener("memory").unwrap()).await;
            let body = call("1", "get_x");
            let head =
                format!("POST /mcp/case-000001 HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{fields}");
            client.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
            let (mut answer, mut framing) = client.head().await;
            let (mut received, mut found, mut early, mut most) = (0, 0, None, 0);
            let mut tail = Vec::new();
            while client.piece(&mut answer, &mut framing).await {
                received += answer.body.len();
                tail.append(&mut answer.body);
                let text = String::from_utf8_lossy(&tail).into_owned();
                assert_clean(&text, "the stream");
                found += text.matches(PLACEHOLDER).count();
                // What may be the beginning of a placeholder or a secret is looked at again.
                let keep =
                    text.rfind('[').map_or(KEY.len(), |at| (text.len() - at).clamp(KEY.len(), 40)).min(tail.len());
                let kept = tail.split_off(tail.len() - keep);
                found -= String::from_utf8_lossy(&kept).matches(PLACEHOLDER).count();
                tail = kept;
                let now = resident(envoy.pid());
                if received > BYTES / 10 {
                    let early = *early.get_or_insert(now);
                    most = most.max(now.saturating_sub(early));
                }
            }
            found += String::from_utf8_lossy(&tail).matches(PLACEHOLDER).count();
            assert!(answer.complete && received > BYTES * 9 / 10, "{received} bytes");
            assert_eq!(found, 2 * repeats);
            assert!(most < 16 << 20, "memory grew by {most} bytes");
        }
        drop(guard.stdin.take());
        guard.wait().unwrap();
    });
}
