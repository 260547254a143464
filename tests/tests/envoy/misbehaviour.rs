//! Servers that answer twice, never, with another request's id, with lists where none belong, or that send the client
//! elsewhere.

use serde_json::{Value, json};
use tidegate_tests::client::{Response, once};
use tidegate_tests::site::Site;
use tidegate_tests::upstream::{chunk, response};

use super::{call, reader, result, scripted};

const ASK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"c=="}}"#;
const PROGRESS: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
const ERROR: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}"#;

/// A page of tools for this raw id.
fn page(id: &str, names: &[&str]) -> String {
    let tools: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":{}}}}}"#, json!(tools))
}

fn events(messages: &[&str]) -> Vec<u8> {
    response(200, "text/event-stream", messages.iter().map(|it| format!("data: {it}\n\n")).collect::<String>())
}

fn body(message: &str) -> Vec<u8> {
    response(200, "application/json", message)
}

/// A response with these fields, which are whole lines.
fn fielded(status: u16, fields: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\n{fields}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn seen(response: &Response) -> Vec<Value> {
    reader::messages(&response.head, &response.body)
}

fn values(messages: &[&str]) -> Vec<Value> {
    messages.iter().map(|message| serde_json::from_str(message).unwrap()).collect()
}

/// The reason of a refusal in place of a message.
fn reason(message: &Value) -> &Value {
    let call = &message["result"]["_meta"]["tidegate/denial"];
    if call.is_null() { &message["error"]["data"]["reason"] } else { &call["reason"] }
}

#[test]
fn only_the_first_answer_counts() {
    scripted(Site::Main, async |mut case, _| {
        let (good, bad) = (page("1", &["get_ok"]), page("1", &["delete_x", "get_leak"]));
        for (sent, wanted) in [
            (vec![&*good, &bad], vec![&*good]),
            (vec![&good, PROGRESS, &bad, &bad], vec![&good, PROGRESS]),
            (vec![ERROR, &bad], vec![ERROR]),
            (vec![PROGRESS, ERROR, &good], vec![PROGRESS, ERROR]),
        ] {
            let answer = case.answered(case.post(ASK), events(&sent)).await;
            assert!(answer.complete, "{answer}");
            assert_eq!(seen(&answer), values(&wanted), "{sent:?}: {answer}");
            assert!(!reader::revealed(&answer.body).contains("delete_x"), "{answer}");
        }
        // A refusal is an answer as well.
        let broken = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[]}}"#;
        let answer = case.answered(case.post(ASK), events(&[broken, &good])).await;
        let messages = seen(&answer);
        assert_eq!((messages.len(), reason(&messages[0])), (1, &json!("unreadable_response")), "{answer}");
        case.refusal("unreadable_response").await;
    });
}

#[test]
fn answers_to_others_reach_nobody() {
    scripted(Site::Main, async |mut case, _| {
        let good = page("1", &["get_ok"]);
        for id in ["2", "\"1\"", "\"\"", "-1", "10", "9007199254740991"] {
            let foreign = page(id, &["get_leak"]);
            let answer = case.answered(case.post(ASK), events(&[&foreign, &good, &foreign])).await;
            assert_eq!(seen(&answer), values(&[&good]), "{id}: {answer}");
            // Whoever waits is told, at the latest when the stream ends.
            for bytes in [events(&[&foreign]), events(&[PROGRESS, &foreign]), body(&foreign)] {
                let answer = case.answered(case.post(ASK), bytes).await;
                assert!(answer.complete && !answer.text().contains("leak"), "{id}: {answer}");
                let messages = seen(&answer);
                let last = messages.last().unwrap_or_else(|| panic!("{id}: {answer}"));
                assert_eq!((&last["id"], reason(last)), (&json!(1), &json!("unreadable_response")), "{id}: {answer}");
            }
        }
        case.refusal("unreadable_response").await;
    });
}

#[test]
fn an_answer_that_never_comes_is_not_made_up() {
    scripted(Site::Main, async |mut case, _| {
        for sent in [vec![PROGRESS], vec![PROGRESS, PROGRESS]] {
            let bytes = events(&sent);
            let answer = case.answered(case.post(ASK), &bytes).await;
            assert!(answer.complete && bytes.ends_with(&answer.body), "{answer}");
            assert_eq!(seen(&answer), values(&sent), "{answer}");
        }
        // But a client that cannot come back for it would wait for good.
        for bytes in [events(&[]), body(""), fielded(202, "", ""), fielded(204, "", "")] {
            let answer = case.answered(case.post(ASK), bytes).await;
            assert_eq!((answer.status, answer.reason().as_deref()), (200, Some("unreadable_response")), "{answer}");
            assert_eq!(answer.json()["id"], 1, "{answer}");
        }
        case.refusal("unreadable_response").await;
    });
}

#[test]
fn lists_where_none_belong_are_refused() {
    scripted(Site::Main, async |mut case, _| {
        let tool = case.tool("get");
        let ask =
            |method: &str, params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let result = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let initialize =
            r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}"#;
        for (asked, list) in [
            (call("1", &tool), r#"{"content":[],"tools":[{"name":"leak"}]}"#),
            (call("1", &tool), r#"{"content":[],"resources":[{"uri":"file:///leak","name":"leak"}]}"#),
            (call("1", &tool), r#"{"prompts":[{"name":"leak"}],"content":[]}"#),
            (ask("tools/list", "{}"), r#"{"tools":[],"prompts":[{"name":"leak"}]}"#),
            (ask("tools/list", "{}"), r#"{"prompts":[{"name":"leak"}]}"#),
            (ask("tools/list", "{}"), r#"{"tools":{"leak":{"name":"leak"}}}"#),
            (ask("tools/list", "{}"), r#"{"tools":null,"leak":1}"#),
            (ask("prompts/list", "{}"), r#"{"prompts":[],"resourceTemplates":[{"name":"leak"}]}"#),
            (ask("resources/list", "{}"), r#"{"resourceTemplates":[{"name":"leak"}]}"#),
            (ask("initialize", initialize), r#"{"protocolVersion":"2025-06-18","tools":[{"name":"leak"}]}"#),
            (ask("ping", "{}"), r#"{"tools":[{"name":"leak"}]}"#),
            (ask("tasks/result", r#"{"taskId":"t"}"#), r#"{"tools":[{"name":"leak"}]}"#),
        ] {
            for bytes in [body(&result(list)), events(&[&result(list)])] {
                let answer = case.answered(case.post(&asked), bytes).await;
                let messages = seen(&answer);
                assert_eq!(messages.len(), 1, "{asked} {list}: {answer}");
                assert_eq!(reason(&messages[0]), "unreadable_response", "{asked} {list}: {answer}");
                assert!(!answer.text().contains("leak"), "{asked} {list}: {answer}");
            }
        }
        // What a tool returns is its own: no client takes it for a list.
        let data = result(r#"{"content":[],"structuredContent":{"tools":[{"name":"delete_x"}]}}"#);
        let answer = case.answered(case.post(call("1", &tool)), body(&data)).await;
        assert_eq!(answer.text(), data);
        case.refusal("unreadable_response").await;
    });
}

#[test]
fn every_list_of_one_answer_on_a_stream_is_filtered() {
    scripted(Site::Main, async |mut case, _| {
        let all = r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"delete_x"},{"name":"get_ok"}],"prompts":[{"name":"leak"}],"resources":[{"uri":"file:///leak"}],"resourceTemplates":[{"uriTemplate":"file:///leak{x}"}]}}"#;
        let answer = case.answered(case.get(), events(&[all, PROGRESS])).await;
        let messages = seen(&answer);
        let empty: [Value; 0] = [];
        let filtered =
            json!({"tools": [{"name": "get_ok"}], "prompts": empty, "resources": empty, "resourceTemplates": empty});
        assert_eq!((&messages[0]["result"], messages.len()), (&filtered, 2), "{answer}");
    });
}

#[test]
fn a_delete_brings_no_lists() {
    scripted(Site::Main, async |mut case, _| {
        let request = format!("DELETE {} HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: s\r\n\r\n", case.path());
        for bytes in [body(&page("1", &["leak"])), events(&[&page("1", &["leak"])])] {
            let answer = case.answered(request.clone().into_bytes(), bytes).await;
            assert!(!answer.text().contains("leak"), "{answer}");
        }
        let answer = case.answered(request.clone().into_bytes(), fielded(204, "", "")).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer}");
    });
}

/// Decoders that fold case act on these: Go's encoding/json, System.Text.Json with web defaults.
#[test]
fn keys_of_a_result_that_fold_to_known_ones_are_refused() {
    scripted(Site::Main, async |mut case, _| {
        for folded in [
            r#"{"content":[],"resulttype":"input_required","inputrequests":{"a":{"method":"roots/list"}}}"#,
            r#"{"content":[],"_Meta":{"tidegate/denial":{"reason":"forged"}}}"#,
        ] {
            let message = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{folded}}}"#);
            for bytes in [body(&message), events(&[&message])] {
                let request = case.post(call("1", &case.tool("get")));
                let answer = case.answered(request, bytes).await;
                let messages = seen(&answer);
                assert_eq!((messages.len(), reason(&messages[0])), (1, &json!("unreadable_response")), "{answer}");
                assert!(!answer.text().contains("forged") && !answer.text().contains("roots/list"), "{answer}");
            }
        }
    });
}

/// A client that followed it would never end.
#[test]
fn a_page_that_points_to_itself_is_the_last() {
    scripted(Site::Main, async |mut case, _| {
        for (names, shown) in [(vec!["get_ok", "delete_x"], json!([{"name": "get_ok"}])), (vec!["delete_x"], json!([]))]
        {
            let page = page("1", &names).replace("]}}", r#"],"nextCursor":"c=="}}"#);
            let answer = case.answered(case.post(ASK), body(&page)).await;
            assert_eq!(answer.json()["result"], json!({"tools": shown}), "{answer}");
        }
    });
}

#[test]
fn no_answer_names_another_way_to_the_server() {
    scripted(Site::Main, async |mut case, _| {
        let alt = "alt-svc: h3=\":443\"; ma=86400\r\nAlt-Svc: h2=\"evil.example:443\"\r\n";
        let typed = |media: &str| format!("content-type: {media}\r\n{alt}");
        let event = format!("data: {}\n\n", result("1"));
        let (post, get) = (case.post(call("1", &case.tool("get"))), case.get());
        let notification = case.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        for (request, status, bytes) in [
            (&post, 200, fielded(200, &typed("application/json"), &result("1"))),
            (&post, 200, fielded(200, &typed("text/event-stream"), &event)),
            (&post, 400, fielded(400, &typed("application/json"), ERROR)),
            (&post, 404, fielded(404, &typed("text/plain"), "gone")),
            (&post, 503, fielded(503, alt, "")),
            (&post, 200, fielded(200, &typed("text/html"), "refused")),
            (&notification, 202, fielded(202, alt, "")),
            (&get, 200, fielded(200, &typed("text/event-stream"), ": x\n\n")),
            (&get, 405, fielded(405, alt, "")),
        ] {
            let answer = case.answered(request.clone(), &bytes).await;
            let what = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(answer.status, status, "{what}: {answer}");
            assert!(!answer.head.has("alt-svc"), "{what}: {:?}", answer.head);
        }
    });
}

#[test]
fn what_is_no_final_answer_does_not_reach_the_client() {
    scripted(Site::Main, async |mut case, _| {
        let (good, bad) = (body(&page("1", &["get_ok", "delete_x"])), body(&page("1", &["get_leak"])));
        let hint: &[u8] = b"HTTP/1.1 103 X\r\nlink: </leak>; rel=preload\r\nalt-svc: h3=\":443\"\r\n\r\n";
        let wait: &[u8] = b"HTTP/1.1 102 X\r\nx-leak: leak\r\n\r\n";
        for bytes in [[hint, &good].concat(), [wait, wait, &good].concat()] {
            let answer = case.answered(case.post(ASK), bytes).await;
            assert_eq!(answer.json()["result"]["tools"], json!([{"name": "get_ok"}]), "{answer}");
            assert!(!String::from_utf8_lossy(&answer.head.raw).contains("leak"), "{:?}", answer.head);
        }
        // A second response on the connection answers nothing.
        let mut client = case.connect().await;
        client.send(case.post(ASK)).await;
        let mut arrival = case.arrival().await;
        arrival.body().await;
        arrival.send([&*good, &*bad].concat()).await;
        drop(arrival);
        let answer = client.response().await;
        assert_eq!(answer.json()["result"]["tools"], json!([{"name": "get_ok"}]), "{answer}");
        client.send(case.post(ASK)).await;
        let arrival = case.arrival().await;
        arrival.answer(200, "application/json", page("1", &["get_next"])).await;
        let answer = client.response().await;
        assert_eq!(answer.json()["result"]["tools"], json!([{"name": "get_next"}]), "{answer}");
        // Codings of the transfer hide nothing either.
        let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: gzip, chunked\r\n\r\n";
        let coded = [head.as_bytes(), &chunk(page("1", &["leak"])), b"0\r\n\r\n"].concat();
        let answer = case.answered(case.post(ASK), coded).await;
        assert!(answer.status != 200 && !answer.text().contains("leak"), "{answer}");
    });
}

#[test]
fn an_answer_without_length_is_filtered_like_any_other() {
    scripted(Site::Main, async |mut case, _| {
        let page = page("1", &["get_ok", "delete_x"]);
        let event = format!("data: {page}\n\n");
        for version in ["HTTP/1.0", "HTTP/1.1"] {
            for (media, body) in [("application/json", &page), ("text/event-stream", &event)] {
                let client = tokio::spawn(once(case.address, case.post(ASK)));
                let mut arrival = case.arrival().await;
                arrival.body().await;
                arrival.send(format!("{version} 200 X\r\ncontent-type: {media}\r\n\r\n{body}")).await;
                // It ends with the connection.
                drop(arrival);
                let answer = client.await.unwrap();
                assert!(answer.complete, "{answer}");
                assert_eq!(seen(&answer)[0]["result"]["tools"], json!([{"name": "get_ok"}]), "{answer}");
            }
        }
    });
}
