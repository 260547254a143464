//! What audit events tell of the arguments of a call with `"arguments": "redacted"`.

use serde_json::{Value, json};

use super::*;

const KEY: &str = "AKIAQ3EGRZ7PLM5VWXTD";

/// The event of a call with these arguments, as they are written.
fn event(redaction: &str, arguments: &str) -> Value {
    let policy = policy(&format!(r#","redaction":{redaction},"audit":{{"arguments":"redacted"}}"#));
    let mut driver = Driver::new(&policy, true);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"get_x","arguments":{arguments}}}}}"#
    );
    driver.request("POST", "/mcp", &[], Some(body.as_bytes()));
    assert_eq!(driver.world.audit.len(), 1);
    driver.world.audit.remove(0)
}

#[test]
fn arguments_are_told_without_secrets_whatever_the_policy_does_with_those() {
    let arguments =
        format!(r#"{{ "q" : "a {KEY}" , "list":[1.50e2,null,{{"password":"Tr0ub4dor&Zebra9"}}],"n":"é\n\"" }}"#);
    for redaction in [
        "{}",
        r#"{"requests":"mask"}"#,
        r#"{"requests":"allow"}"#,
        r#"{"mode":"shadow"}"#,
        r#"{"allow":[{"paths":["*"]}]}"#,
    ] {
        let event = event(redaction, &arguments);
        let told = &event["arguments"];
        let text = event.to_string();
        assert!(!text.contains(KEY) && !text.contains("Tr0ub4dor") && !text.contains("WXTD"), "{redaction}: {text}");
        assert!(told["q"].as_str().unwrap().starts_with("a "), "{redaction}: {text}");
        assert_eq!((&told["list"][0], &told["list"][1], &told["n"]), (&json!(150.0), &Value::Null, &json!("é\n\"")));
        assert!(told["list"][2]["password"].as_str().unwrap().starts_with("[redacted:"), "{text}");
        assert!(event.get("arguments_cut").is_none());
    }
}

#[test]
fn secrets_in_names_and_encodings_are_not_told() {
    let encoded = "QVdTX1NFQ1JFVD1BS0lBUTNFR1JaN1BMTTVWV1hURA==";
    for arguments in [
        format!(r#"{{"{KEY}":1}}"#),
        format!(r#"{{"a":"\u0041{}"}}"#, KEY.trim_start_matches("A")),
        format!(r#"{{"a":"{{\"k\":\"{KEY}\"}}"}}"#),
        format!(r#"{{"a":"{encoded}"}}"#),
        // What would be cut in two is replaced first.
        format!(r#"{{"a":"{} {KEY}"}}"#, "x".repeat(245)),
        format!(r#"{{"{KEY}":"{}"}}"#, "long ".repeat(20_000)),
        format!(r#"{{"{KEY}":[{}]}}"#, "1234,".repeat(2000) + "1"),
    ] {
        let text = event(r#"{"requests":"allow"}"#, &arguments).to_string();
        assert!(!text.contains("AKIAQ3EGRZ7P") && !text.contains(encoded), "{text}");
    }
}

#[test]
fn long_arguments_are_cut_and_stay_json() {
    let one = event("{}", &json!({"a": "é".repeat(4000), "b": 1}).to_string());
    let told = one["arguments"]["a"].as_str().unwrap();
    assert!(told.len() < 300 && told.ends_with("é…"), "{told}");
    assert_eq!(one["arguments"]["b"], 1);
    let many: serde_json::Map<_, _> = (0..100).map(|n| (format!("k{n:03}"), json!("v".repeat(100)))).collect();
    for arguments in [
        Value::Object(many).to_string(),
        json!({"k000": vec!["\u{1}".repeat(200); 200]}).to_string(),
        json!({"k000": "v".repeat(100_000)}).to_string(),
        format!(r#"{{"k000":{}{}}}"#, "[".repeat(50), "]".repeat(50))
            .replace("[]", &format!("[{}]", "\"y\",".repeat(1000) + "0")),
    ] {
        let event = event("{}", &arguments);
        assert_eq!(event["arguments"][0], "k000");
        assert_eq!(event["arguments_cut"], true);
        assert!(event["arguments"].to_string().len() < 5000);
    }
    let long = event("{}", &json!({"n".repeat(5000): "v".repeat(100_000)}).to_string());
    assert!(long["arguments"][0].as_str().unwrap().len() < 70);
}
