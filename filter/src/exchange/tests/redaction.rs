//! Secrets on their way through an exchange, in both directions.

use super::*;

const KEY: &str = "AKIAQ3EGRZ7PLM5VWXTD";
const ON: &str = r#","redaction":{}"#;

fn text_result(text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#)
}

fn call(policy: &str) -> Driver {
    asked("tools/call", r#"{"name":"get_x","arguments":{}}"#, policy, true)
}

fn respond(driver: &mut Driver, media: &str, body: &str, split: usize) {
    driver.respond(200, media, body.as_bytes().chunks(split));
    driver.end();
}

#[test]
fn a_result_loses_its_secrets_and_the_audit_names_them() {
    for split in [1, 7, 100_000] {
        let mut driver = call(&policy(ON));
        respond(&mut driver, "application/json", &text_result(&format!("key {KEY}!")), split);
        let text = driver.seen.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("key [redacted:aws-access-key-id:") && text.ends_with("]!"), "{text}");
        let event = driver.world.audit.iter().find(|event| event["event"] == "completion").unwrap();
        assert_eq!(
            event["redactions"],
            serde_json::json!([{"detector":"aws-access-key-id","path":"/result/content/0/text","count":1}])
        );
        assert!(!serde_json::to_string(&driver.world.audit).unwrap().contains(KEY));
        let counter = "tidegate.redactions.outcome.redacted.detector.aws-access-key-id.server.main 1";
        assert!(driver.world.counted.iter().any(|it| it == counter), "{:?}", driver.world.counted);
    }
}

#[test]
fn without_redaction_nothing_is_looked_for() {
    let mut driver = call(&policy(""));
    let body = text_result(KEY);
    respond(&mut driver, "application/json", &body, 50);
    assert_eq!(driver.seen.downstream, body.as_bytes());
}

#[test]
fn shadow_counts_and_changes_nothing() {
    for extra in [r#","redaction":{"mode":"shadow"}"#, r#","mode":"shadow","redaction":{"responses":"block"}"#] {
        for body in [text_result(KEY), text_result(&format!("{}{KEY} {}", "a ".repeat(90_000), "b ".repeat(90_000)))] {
            let mut driver = call(&policy(extra));
            respond(&mut driver, "application/json", &body, 5000);
            assert!(driver.seen.downstream == body.as_bytes(), "{extra}");
            let event = driver.world.audit.iter().find(|event| event["event"] == "completion").unwrap();
            assert_eq!(event["would_redact"][0]["count"], 1, "{event}");
            assert!(driver.world.counted.iter().any(|it| it.contains("outcome.would_redact")));
        }
    }
}

#[test]
fn a_long_result_streams_without_its_secrets() {
    let long = format!("{}{KEY}{}{KEY}", "lorem \\\"ipsum\\\" ".repeat(20_000), "\\n".repeat(5000));
    let body = text_result(&long);
    assert!(body.len() > 256 * 1024);
    let mut outputs = Vec::new();
    for split in [999, 16 * 1024, 1 << 20] {
        let mut driver = call(&policy(ON));
        respond(&mut driver, "application/json", &body, split);
        let text = driver.seen.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(!text.contains(KEY) && text.matches("[redacted:aws-access-key-id:").count() == 2);
        let event = driver.world.audit.iter().find(|event| event["event"] == "completion").unwrap();
        assert_eq!((&event["redactions"][0]["count"], &event["swept"]), (&2.into(), &false.into()));
        outputs.push(driver.seen.downstream);
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn events_lose_their_secrets_short_and_long() {
    let short = text_result(&format!("x {KEY}"));
    let long = text_result(&format!("{}{KEY}", "lorem ipsum ".repeat(30_000)));
    let note = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"{KEY}","message":"{KEY}"}}}}"#
    );
    for answer in [&short, &long] {
        let body = format!(": hi\n\nid: 4\ndata: {note}\n\nid: 5\nevent: message\ndata: {answer}\nretry: 7\n\n");
        let mut outputs = Vec::new();
        for split in [13, 4096, 1 << 22] {
            let mut driver = call(&policy(ON));
            respond(&mut driver, "text/event-stream", &body, split);
            assert!(!driver.seen.cut);
            outputs.push(String::from_utf8(driver.seen.downstream.clone()).unwrap());
            let event = driver.world.audit.iter().find(|event| event["event"] == "completion").unwrap();
            let places: Vec<_> = event["redactions"].as_array().unwrap().iter().map(|it| &it["path"]).collect();
            assert_eq!(places, ["/params/message", "/result/content/0/text"]);
        }
        assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
        let out = &outputs[0];
        assert_eq!(out.matches(KEY).count(), 1, "the progress token stays");
        assert!(out.starts_with(": hi\n\nid: 4\ndata: {") && out.contains("\n\nid: 5\n") && out.contains("retry: 7\n"));
        let data: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(data.len(), 2);
        let answer: serde_json::Value = serde_json::from_str(data[1]).unwrap();
        assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("[redacted:"));
    }
}

#[test]
fn a_call_with_a_secret_is_refused_by_detector_and_place() {
    let mut driver = Driver::new(&policy(ON), true);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"get_x","arguments":{{"q":"{KEY}"}}}}}}"#
    );
    driver.request("POST", "/mcp", &[], Some(body.as_bytes()));
    let answer = driver.seen.json();
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(
        text.contains("aws-access-key-id") && text.contains("/params/arguments/q") && !text.contains(KEY),
        "{text}"
    );
    assert_eq!(answer["result"]["_meta"]["tidegate/denial"]["reason"], "secret_blocked");
    let event = driver.audited("secret_blocked");
    assert_eq!(event["redactions"][0]["path"], "/params/arguments/q");
    assert!(!event.to_string().contains(KEY), "{event}");
}

#[test]
fn requests_can_be_rewritten_and_what_is_judged_is_what_is_sent() {
    let mut driver = Driver::new(&policy(r#","redaction":{"requests":"mask"}"#), true);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"get_x","arguments":{{"q":"{KEY}"}}}}}}"#
    );
    driver.request("POST", "/mcp", &[], Some(body.as_bytes()));
    let upstream = String::from_utf8(driver.seen.upstream.clone().unwrap()).unwrap();
    assert_eq!(upstream, body.replace(KEY, "********WXTD"));
}

#[test]
fn names_with_secrets_reach_neither_errors_nor_logs() {
    let mut driver = Driver::new(&policy(ON), true);
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"drop {KEY}"}}}}"#);
    driver.request("POST", "/mcp", &[], Some(body.as_bytes()));
    let answer = String::from_utf8(driver.seen.downstream.clone()).unwrap();
    assert!(answer.contains("drop [redacted:") && !answer.contains(KEY), "{answer}");
    let event = driver.audited("tool_not_allowed");
    assert!(event["tool"].as_str().unwrap().contains("[redacted:") && !event.to_string().contains(KEY));
}

#[test]
fn an_answer_with_a_secret_can_be_refused() {
    for split in [40, 1 << 20] {
        let mut driver = call(&policy(r#","redaction":{"responses":"block"}"#));
        respond(&mut driver, "application/json", &text_result(KEY), split);
        let answer = driver.seen.json();
        assert_eq!(answer["result"]["isError"], true);
        assert_eq!(answer["result"]["_meta"]["tidegate/denial"]["reason"], "secret_blocked");
        assert!(!answer.to_string().contains(KEY));
        let mut driver = call(&policy(r#","redaction":{"responses":"block"}"#));
        respond(&mut driver, "text/event-stream", &format!("data: {}\n\n", text_result(KEY)), split);
        assert!(String::from_utf8(driver.seen.downstream).unwrap().contains("secret_blocked"));
    }
    let mut driver = call(&policy(r#","redaction":{"responses":"block"}"#));
    let long = text_result(&format!("{}{KEY}", "lorem ipsum ".repeat(30_000)));
    respond(&mut driver, "application/json", &long, 9000);
    assert!(driver.seen.cut && !driver.seen.downstream.windows(KEY.len()).any(|it| it == KEY.as_bytes()));
}

#[test]
fn errors_and_their_text_lose_secrets_too() {
    let error =
        format!(r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":1,"message":"{KEY}","data":{{"x":["{KEY}"]}}}}}}"#);
    let mut driver = call(&policy(ON));
    respond(&mut driver, "application/json", &error, 30);
    let answer = driver.seen.json();
    assert!(
        answer["error"]["message"].as_str().unwrap().starts_with("[redacted:") && !answer.to_string().contains(KEY)
    );
    for (media, body) in [
        ("text/plain", format!("boom {KEY}\n")),
        ("application/json", format!(r#"{{"error":"invalid_token","hint":"{KEY}"}}"#)),
    ] {
        let mut driver = call(&policy(ON));
        driver.respond(401, media, body.as_bytes().chunks(11));
        let out = String::from_utf8(driver.seen.downstream).unwrap();
        assert!(out.contains("[redacted:aws-access-key-id:") && !out.contains(KEY), "{out}");
    }
}

#[test]
fn a_clients_answer_with_a_secret_becomes_an_error_for_the_server() {
    let mut driver = Driver::new(&policy(ON), true);
    let body = format!(r#"{{"jsonrpc":"2.0","id":3,"result":{{"action":"accept","content":{{"pin":"{KEY}"}}}}}}"#);
    driver.request("POST", "/mcp", &[], Some(body.as_bytes()));
    let upstream: serde_json::Value = serde_json::from_slice(&driver.seen.upstream.unwrap()).unwrap();
    assert_eq!(upstream["id"], 3);
    assert!(upstream["error"]["message"].as_str().unwrap().contains("/result/content/pin"), "{upstream}");
}

#[test]
fn an_allowance_for_a_tool_is_none_for_a_prompt_of_its_name() {
    let allows = r#","redaction":{"allow":[{"tools":["get_x"]}]}"#;
    for (method, goes_on) in [("tools/call", true), ("prompts/get", false)] {
        let mut driver = Driver::new(&policy(allows), true);
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{"name":"get_x","arguments":{{"q":"{KEY}"}}}}}}"#
        );
        driver.request("POST", "/mcp", &[], Some(body.as_bytes()));
        assert_eq!(driver.seen.upstream.is_some(), goes_on, "{method}");
        let found = driver.world.audit.iter().any(|event| event["reason"] == "secret_blocked");
        assert_eq!(found, !goes_on, "{method}");
    }
}

#[test]
fn what_was_found_in_a_result_that_breaks_off_is_recorded() {
    for media in ["application/json", "text/event-stream"] {
        let mut driver = call(&policy(ON));
        let text = text_result(&format!("{KEY} {}", "lorem ipsum ".repeat(30_000)));
        let body = if media == "application/json" { text } else { format!("data: {text}") };
        let (most, _) = body.as_bytes().split_at(body.len() - 100);
        let headers = Headers::from_pairs([(":status", "200"), ("content-type", media)]);
        driver.exchange.on_response_headers(&headers, false, &mut driver.world);
        for chunk in most.chunks(5000) {
            driver.exchange.on_response_chunk(chunk, false, &mut driver.world);
        }
        driver.end();
        let event = driver.world.audit.iter().find(|event| event["event"] == "completion").unwrap();
        assert_eq!(event["redactions"][0]["detector"], "aws-access-key-id", "{media}: {event}");
        assert!(driver.world.counted.iter().any(|it| it.contains("aws-access-key-id")), "{media}");
    }
}

#[test]
fn long_text_of_an_error_is_cut_or_in_shadow_passes() {
    let text = "lorem ipsum ".repeat(10_000);
    let mut driver = call(&policy(ON));
    driver.respond(500, "text/plain", text.as_bytes().chunks(3000));
    assert!(driver.seen.cut);
    let mut driver = call(&policy(r#","mode":"shadow","redaction":{}"#));
    driver.respond(500, "text/plain", text.as_bytes().chunks(3000));
    assert!(!driver.seen.cut && driver.seen.downstream == text.as_bytes());
}

#[test]
fn ids_and_headers_with_secrets_reach_no_log() {
    let mut driver = Driver::new(&policy(ON), true);
    let body = format!(r#"{{"jsonrpc":"2.0","id":"{KEY}","method":"tools/call","params":{{"name":"get_x"}}}}"#);
    let own = format!("trace {KEY}");
    driver.request("POST", "/mcp", &[("x-request-id", &own)], Some(body.as_bytes()));
    let answer = text_result(&format!("a {KEY}")).replace("\"id\":7", &format!("\"id\":\"{KEY}\""));
    respond(&mut driver, "application/json", &answer, 60);
    assert_eq!(driver.seen.json()["id"], KEY, "a client waits for its id");
    let told = serde_json::to_string(&driver.world.audit).unwrap();
    assert!(told.contains("\"event\":\"completion\"") && !told.contains(KEY), "{told}");
}

#[test]
fn hidden_entries_are_counted_beyond_those_that_are_named() {
    let mut driver = asked("tools/list", "{}", &policy(ON), true);
    let tools: Vec<String> = (0..100).map(|at| format!(r#"{{"name":"no_{at}"}}"#)).collect();
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"tools":[{}]}}}}"#, tools.join(","));
    respond(&mut driver, "application/json", &body, 500);
    let event = driver.world.audit.iter().find(|event| event["event"] == "completion").unwrap();
    let hidden = event["hidden"].as_array().unwrap();
    assert_eq!((hidden.len(), &hidden[0], &hidden[64]), (65, &"no_0".into(), &"… and 36 more".into()));
}
