//! Results of tools whose `outputSchema` a list has told: a client that validates them takes them, secrets or not.

use serde_json::{Value, json};

use super::*;

const KEY: &str = "AKIAQ3EGRZ7PLM5VWXTD";
const TOKEN: &str = "ghp_R7kQz2mXv9LpTn4WcYb6HdJf8GsA1e3ZqUiM";
const UUID: &str = "3f2c9a41-7be8-4d06-9c15-e8a0b7d4f263";

/// One worker, a list and calls through it.
struct Site {
    worker: Arc<Worker>,
    policy: String,
}

impl Site {
    fn new(redaction: &str) -> Self {
        let worker = Arc::new(Worker::with_key(1 << 28, 1 << 25, b"the same in every run"));
        Self { worker, policy: policy(&format!(r#","redaction":{redaction}"#)) }
    }

    fn ask(&self, method: &str, params: &Value) -> Driver {
        let mut driver = Driver::on(&self.worker, &self.policy, true);
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string();
        assert!(driver.request("POST", "/mcp", &[], Some(body.as_bytes())), "{:?}", driver.seen);
        driver
    }

    fn list(&self, media: &str, tools: &Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 7, "result": {"tools": tools}}).to_string();
        let body = if media == "text/event-stream" { format!("data: {body}\n\n") } else { body };
        let mut driver = self.ask("tools/list", &json!({}));
        driver.respond(200, media, body.as_bytes().chunks(50));
        let out = String::from_utf8(driver.seen.downstream).unwrap();
        serde_json::from_str(out.trim().trim_start_matches("data: ")).unwrap()
    }

    /// The result of a call that answers with `structured` and its text twin.
    fn call(&self, structured: &Value, media: &str, padding: usize) -> (Value, Value) {
        let text = structured.to_string();
        let result = json!({"content": [{"type": "text", "text": text}], "pad": "lorem ".repeat(padding)});
        let mut body = json!({"jsonrpc": "2.0", "id": 7, "result": result});
        body["result"]["structuredContent"] = structured.clone();
        let body = if media == "text/event-stream" { format!("data: {body}\n\n") } else { body.to_string() };
        let mut driver = self.ask("tools/call", &json!({"name": "get_x", "arguments": {}}));
        driver.respond(200, media, body.as_bytes().chunks(900));
        driver.end();
        assert!(!driver.seen.cut);
        let out = String::from_utf8(driver.seen.downstream.clone()).unwrap();
        let message: Value = serde_json::from_str(out.trim().trim_start_matches("data: ")).unwrap();
        let told = driver.world.audit.iter().find(|event| event["event"] == "completion").cloned();
        (message["result"].clone(), told.unwrap_or_default())
    }
}

#[test]
fn clients_that_validate_take_what_they_get() {
    let schemas = [
        (json!({"properties": {"key": {"pattern": "^AKIA[A-Z0-9]{16}$"}}}), json!({"key": KEY})),
        (json!({"properties": {"key": {"maxLength": 20}}, "additionalProperties": false}), json!({"key": KEY})),
        (
            json!({"type": "object", "properties": {"api_key": {"type": "string", "format": "uuid"}}, "required": ["api_key"]}),
            json!({"api_key": UUID, "pin": 7}),
        ),
        (json!({"properties": {"kind": {"enum": [KEY, "other"]}}}), json!({"kind": KEY})),
        (json!({"properties": {"kind": {"const": KEY}}}), json!({"kind": KEY, "more": TOKEN})),
        (
            json!({"properties": {"list": {"type": "array", "items": {"$ref": "#/$defs/key"}, "minItems": 2}},
                   "$defs": {"key": {"type": "object", "properties": {"id": {"type": "string", "maxLength": 40, "pattern": "^ghp_"}},
                             "required": ["id"]}}}),
            json!({"list": [{"id": TOKEN}, {"id": TOKEN, "note": format!("see {TOKEN}")}]}),
        ),
        (
            json!({"anyOf": [{"properties": {"key": {"type": "null"}}}, {"properties": {"key": {"pattern": "^[A-Z2-7]{20}$"}}}]}),
            json!({"key": KEY}),
        ),
        (
            json!({"properties": {"url": {"format": "uri", "maxLength": 60}}, "required": ["url"]}),
            json!({"url": "postgres://app:Zk8vQ2mLx9Wp@db.internal/main"}),
        ),
        (json!({"additionalProperties": {"type": "string", "minLength": 40, "maxLength": 40}}), json!({"any": TOKEN})),
        (
            json!({"properties": {"pin": {"type": "integer"}, "password": {"type": ["number", "null"]}}}),
            json!({"password": 493_021}),
        ),
        (json!({"properties": {"key": {"pattern": "^(?!x)AKIA"}, "n": {}}}), json!({"key": KEY, "n": 1})),
    ];
    for choice in ["fit", "drop"] {
        for (schema, structured) in &schemas {
            let site = Site::new(&format!(r#"{{"constrained":"{choice}","sweep_bytes":4096}}"#));
            let valid = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
            assert!(valid.is_valid(structured), "{schema}");
            for (media, padding) in [("application/json", 0), ("text/event-stream", 0), ("application/json", 2_000)] {
                let list = site.list(media, &json!([{"name": "get_x", "inputSchema": {}, "outputSchema": schema}]));
                assert_eq!(&list["result"]["tools"][0]["outputSchema"], schema, "a schema is never touched");
                let (result, told) = site.call(structured, media, padding);
                let got = &result["structuredContent"];
                let streams = padding > 0;
                assert!(
                    valid.is_valid(got) || streams && schema.to_string().contains("?!"),
                    "{choice} {schema}: {got}"
                );
                let spelt_out = schema.to_string().contains(KEY);
                assert!(spelt_out || got != structured, "{schema}");
                assert!(spelt_out || !told["redactions"].as_array().unwrap().is_empty());
                let twin: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
                if !streams && choice == "fit" && !schema.to_string().contains("?!") {
                    assert_eq!(&twin, got, "{schema}");
                }
                assert!(!twin.to_string().contains(TOKEN) && !got.to_string().contains(TOKEN));
            }
        }
    }
}

#[test]
fn a_member_goes_by_declared_choice() {
    let schema = json!({"properties": {"key": {"pattern": "^AKIA"}, "n": {"type": "integer"}}, "required": ["n"]});
    let structured = json!({"n": 1, "key": KEY});
    for (choice, wanted) in [("drop", json!({"n": 1})), ("fit", json!({"n": 1, "key": "AKIAX0XXXX0XXX0XXXXX"}))] {
        let site = Site::new(&format!(r#"{{"constrained":"{choice}"}}"#));
        site.list("application/json", &json!([{"name": "get_x", "outputSchema": schema}]));
        let (result, told) = site.call(&structured, "application/json", 0);
        assert_eq!(result["structuredContent"], wanted);
        assert!(!result.to_string().contains(KEY));
        let paths: Vec<_> = told["redactions"].as_array().unwrap().iter().map(|it| it["path"].clone()).collect();
        assert_eq!(paths, ["/result/content/0/text", "/result/structuredContent/key"], "the audit tells the same");
    }
}

#[test]
fn only_what_was_listed_at_last_counts() {
    let site = Site::new("{}");
    let placeholder = |structured: &Value| structured["key"].as_str().unwrap().starts_with("[redacted:");
    let key = || site.call(&json!({"key": KEY}), "application/json", 0).0["structuredContent"].clone();
    assert!(placeholder(&key()), "nothing is known");
    let schema = json!({"properties": {"key": {"maxLength": 20}}});
    site.list(
        "application/json",
        &json!([{"name": "get_y", "outputSchema": schema}, {"name": "set_x", "outputSchema": schema}]),
    );
    assert!(placeholder(&key()), "that was another tool");
    site.list("application/json", &json!([{"name": "get_x", "outputSchema": schema}]));
    assert_eq!(key(), json!({"key": "XXXXX0XXXX0XXX0XXXXX"}));
    site.list(
        "application/json",
        &json!([{"name": "get_x", "outputSchema": {"properties": {"key": {"pattern": "^AKIA"}}}}]),
    );
    assert_eq!(key(), json!({"key": "AKIAX0XXXX0XXX0XXXXX"}));
    site.list("application/json", &json!([{"name": "get_x"}]));
    assert!(placeholder(&key()));
}
