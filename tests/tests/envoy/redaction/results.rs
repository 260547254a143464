//! Answers of one piece: JSON.

use serde_json::{Value, json};
use tidegate_tests::case::Case;
use tidegate_tests::client::Response;
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::response;

use super::{KEY, OTHER_KEY, PLACEHOLDER, TOKEN, assert_clean, placeholders};
use crate::{call, scripted};

/// A request of this method.
fn ask(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

/// What the client gets of `answer`, which has to be framed right and free of secrets.
async fn passed(case: &mut Case, request: &str, answer: &Value) -> Value {
    let (_, response) = case.round_trip(request, answer.to_string()).await;
    assert_framed(case, &response);
    assert_clean(&response.text(), request);
    response.json()
}

/// A length that is announced is right; where the headers wait for the body, one is announced.
fn assert_framed(case: &Case, response: &Response) {
    assert!(response.status == 200 && response.complete, "{response}");
    let announced = response.head.get("content-length").map(|it| it.parse().unwrap());
    assert!(announced.is_none_or(|it: usize| it == response.body.len()), "{:?}", response.head);
    assert_eq!(announced.is_some(), case.mode == Mode::Hold, "{:?}", response.head);
}

#[test]
fn the_twins_of_a_result_agree() {
    scripted(Site::Redacting, async |mut case, _| {
        let request = call("1", &case.tool("get"));
        // In the text the key has no keyword before it, and the password no quotes of JSON but those of its own depth.
        let structured = json!({"user": "ada", "password": "tr0ub4dor&3-Zq", "key": KEY, "list": [TOKEN, {"deep\u{e9}": OTHER_KEY}]});
        let twin = serde_json::to_string_pretty(&structured).unwrap();
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {
            "content": [{"type": "text", "text": twin}, {"type": "text", "text": format!("the word is tr0ub4dor&3-Zq, the key {KEY}")}],
            "structuredContent": structured,
        }});
        let got = passed(&mut case, &request, &answer).await;
        let result = &got["result"];
        let inner: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(inner, result["structuredContent"]);
        assert!(!got.to_string().contains("tr0ub4dor"), "{got}");
        assert_eq!(inner["user"], "ada");
        let prose = result["content"][1]["text"].as_str().unwrap();
        let [word, key] = placeholders(prose)[..] else { panic!("{prose}") };
        assert_eq!((&inner["password"], &inner["key"]), (&json!(word), &json!(key)));
        assert!(
            key.starts_with(PLACEHOLDER) && placeholders(&got.to_string()).iter().filter(|it| **it == key).count() == 3
        );
        let event = case.completion("answered").await;
        let found = event.json()["redactions"].to_string();
        assert!(found.contains("/result/structuredContent/key") && found.contains("aws-access-key-id"), "{found}");
        assert_clean(event.line(), "the audit event");
    });
}

#[test]
fn every_kind_of_answer_loses_its_secrets() {
    scripted(Site::Redacting, async |mut case, _| {
        let tool = case.tool("get");

        let blob = base64(&format!("# settings\naws_key = {KEY}\nregion = eu-west-1\n"));
        let answers = [
            (
                "tools/call",
                json!({"name": tool}),
                json!({"content": [{"type": "resource", "resource": {"uri": "file:///env", "mimeType": "text/plain", "text": format!("K={KEY}")}}]}),
            ),
            (
                "tools/call",
                json!({"name": tool}),
                json!({"content": [{"type": "resource_link", "uri": "file:///env", "name": "env", "description": format!("holds {KEY}")}]}),
            ),
            (
                "tools/call",
                json!({"name": tool}),
                json!({"isError": true, "content": [{"type": "text", "text": format!("401 for {KEY}")}]}),
            ),
            (
                "tools/call",
                json!({"name": tool}),
                json!({"content": [], "structuredContent": {KEY: 1, "x": {"y": [[KEY]]}}}),
            ),
            (
                "tools/call",
                json!({"name": tool}),
                json!({"content": [{"type": "text", "text": json!({"a": json!({"k": KEY}).to_string()}).to_string()}]}),
            ),
            (
                "resources/read",
                json!({"uri": format!("note://{tool}")}),
                json!({"contents": [{"uri": "note://1", "text": format!("{KEY}\n")}]}),
            ),
            (
                "resources/read",
                json!({"uri": format!("note://{tool}")}),
                json!({"contents": [{"uri": "note://1", "mimeType": "text/plain", "blob": blob}]}),
            ),
            (
                "prompts/get",
                json!({"name": tool}),
                json!({"description": KEY, "messages": [{"role": "user", "content": {"type": "text", "text": format!("use {KEY}")}}]}),
            ),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": tool}, "argument": {"name": "key", "value": "A"}}),
                json!({"completion": {"values": [KEY, "AKIB"], "total": 2}}),
            ),
            (
                "tools/list",
                json!({}),
                json!({"tools": [{"name": "get_a", "description": format!("log in with {KEY}"), "inputSchema": {"type": "object", "properties": {"k": {"type": "string", "description": KEY, "default": KEY}}}}]}),
            ),
        ];
        for (method, params, result) in answers {
            let answer = json!({"jsonrpc": "2.0", "id": 1, "result": result});
            let got = passed(&mut case, &ask(method, &params), &answer).await;
            let text = if got.to_string().contains(&blob[..24]) {
                let blob = got["result"]["contents"][0]["blob"].as_str().unwrap();
                let text = unbase64(blob);
                assert!(
                    text.starts_with("# settings\naws_key = [") && text.ends_with("]\nregion = eu-west-1\n"),
                    "{text}"
                );
                text
            } else {
                got.to_string()
            };
            assert!(text.contains(PLACEHOLDER), "{method}: {text}");
            assert_clean(&text, method);
            if method != "resources/read" || !answer.to_string().contains(&blob) {
                let restored = placeholders(&text).iter().fold(text.clone(), |text, it| text.replace(it, KEY));
                assert_eq!(restored, answer.to_string(), "{method}");
            }
        }
        let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": format!("denied for {KEY}"), "data": {"trace": [format!("at {KEY}")]}}});
        let got = passed(&mut case, &call("1", &tool), &error).await;
        assert_eq!(placeholders(&got.to_string()).len(), 2, "{got}");
        assert_eq!(got["error"]["code"], -32000);
    });
}

#[test]
fn what_peers_compare_is_never_touched() {
    scripted(Site::Redacting, async |mut case, _| {
        let tool = case.tool("get");
        let id = format!(r#""{KEY}""#);
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}},"_meta":{{"progressToken":"{KEY}"}}}}}}"#
        );
        let image = base64(&format!("x{KEY}"));
        // Spaces, escapes and the order of members are those of the server.
        let kept = format!(
            r#"{{"jsonrpc" : "2.0","id":{id}, "result":{{"resultType":"complete","nextCursor":"{KEY}","requestState":"{KEY}","content":[{{"type":"image","mimeType":"image/png","data":"{image}{KEY}"}},{{"type":"audio","mimeType":"audio/wav","data":"{KEY}"}},{{"type":"resource_link","uri":"x://1","name":"{KEY}"}}],"_meta":{{"progressToken":"{KEY}","io.modelcontextprotocol/related-task":{{"taskId":"{KEY}"}}}},"n":1.50e2,"\u0061":"\/\u00e9"}}}}"#
        );
        let (visit, response) = case.round_trip(&request, &kept).await;
        assert_eq!(visit.body, request.as_bytes());
        assert_eq!(response.text(), kept);
        // The same beside a secret that goes.
        let dirty = kept.replacen(r#""n":1.50e2"#, &format!(r#""n":1.50e2,"x":"{OTHER_KEY}""#), 1);
        let (_, response) = case.round_trip(&request, &dirty).await;
        let text = response.text();
        let [placeholder] = placeholders(&text)[..] else { panic!("{text}") };
        assert_eq!(text.replacen(placeholder, OTHER_KEY, 1), dirty);
        let page = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{{"name":"get_{KEY}","inputSchema":{{"type":"object","properties":{{"k":{{"type":"string","pattern":"{KEY}","enum":["{KEY}"]}}}}}}}}],"nextCursor":"{KEY}"}}}}"#
        );
        let (_, response) = case.round_trip(ask("tools/list", &json!({"cursor": OTHER_KEY})), &page).await;
        assert_eq!(response.text(), page);
    });
}

#[test]
fn fields_about_the_bytes_go_with_them() {
    scripted(Site::Redacting, async |mut case, _| {
        for text in ["clean", KEY] {
            let body = super::text_result(text);
            let fields = "etag: \"1\"\r\ndigest: sha-256=x\r\ncontent-digest: sha-256=:x:\r\nmcp-session-id: s\r\n";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let request = case.post(call("1", &case.tool("get")));
            let response = case.answered(request, answer).await;
            assert_framed(&case, &response);
            assert_clean(&response.text(), "the body");
            for name in ["etag", "digest", "content-digest"] {
                assert!(!response.head.has(name) || text == "clean" && case.mode == Mode::Hold, "{name} {text}");
            }
            assert_eq!(response.head.get("mcp-session-id"), Some("s"));
        }
    });
}

#[test]
fn error_pages_lose_their_secrets() {
    scripted(Site::Redacting, async |mut case, _| {
        for (status, media, body) in [
            (500, "text/plain", format!("boom\n  at {KEY}\n")),
            (403, "text/html", format!("<p>{KEY}</p>")),
            (401, "application/json", format!(r#"{{"error":"invalid_token","hint":"{KEY}"}}"#)),
        ] {
            let request = case.post(call("1", &case.tool("get")));
            let got = case.answered(request, response(status, media, &body)).await;
            let text = got.text();
            assert_eq!((got.status, got.complete), (status, true), "{got}");
            let [placeholder] = placeholders(&text)[..] else { panic!("{media}: {text}") };
            assert_eq!(text.replacen(placeholder, KEY, 1), body);
        }
    });
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let digit = char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]);
            encoded.push(if at <= group.len() { digit } else { '=' });
        }
    }
    encoded
}

fn unbase64(text: &str) -> String {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("{text}"),
    };
    let mut bytes = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group.iter().fold(0, |bits, byte| bits << 6 | u32::from(value(*byte))) << (6 * (4 - group.len()));
        bytes.extend((0..group.len() - 1).map(|at| u8::try_from(bits >> (16 - 8 * at) & 0xff).unwrap()));
    }
    String::from_utf8(bytes).unwrap()
}
