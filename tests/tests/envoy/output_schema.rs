//! A tool's `outputSchema` holds for results without their secrets too, and the audit tells arguments without them.

use serde_json::{Value, json};
use tidegate_tests::client::once;
use tidegate_tests::site::Site;

use super::scripted;

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const KEY: &str = "AKIAQ3EGRZ7PLM5VWXTD";

#[test]
fn results_fit_the_schema_that_a_list_told() {
    scripted(Site::Constrained, async |mut case, _| {
        let tool = case.tool("get");
        let schema = json!({
            "type": "object",
            "properties": {
                "key": {"type": "string", "pattern": "^AKIA[A-Z0-9]{16}$"},
                "note": {"type": "string", "maxLength": 20},
            },
            "required": ["key"],
        });
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params":
            {"name": tool, "arguments": {"key": KEY, "n": 1}}})
        .to_string();
        let structured = json!({"key": KEY, "note": KEY, "n": 7});
        let answer = json!({"jsonrpc": "2.0", "id": 2, "result": {
            "content": [{"type": "text", "text": structured.to_string()}], "structuredContent": structured}})
        .to_string();
        let placeholder = |value: &Value| value.as_str().unwrap().starts_with("[redacted:aws-access-key-id:");

        let (visit, response) = case.round_trip(&call, &answer).await;
        assert!(!String::from_utf8_lossy(&visit.body).contains(KEY));
        assert!(
            placeholder(&response.json()["result"]["structuredContent"]["key"]),
            "nothing is known yet: {response}"
        );

        let tools = json!([{"name": tool, "inputSchema": {"type": "object"}, "outputSchema": schema}]);
        let page = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).to_string();
        let (_, response) = case.round_trip(LIST, page).await;
        assert_eq!(response.json()["result"]["tools"], tools);

        let wanted = json!({"key": "AKIAX0XXXX0XXX0XXXXX", "n": 7});
        let (_, response) = case.round_trip(&call, &answer).await;
        assert_eq!(response.json()["result"]["structuredContent"], wanted, "{response}");
        assert!(!response.text().contains(KEY), "{response}");
        let client = tokio::spawn(once(case.address, case.post(&call)));
        case.arrival().await.answer(200, "text/event-stream", format!("data: {answer}\n\n")).await;
        let text = client.await.unwrap().text();
        assert!(text.contains(&wanted["key"].to_string()) && !text.contains(KEY), "{text}");

        let event = case.audit("arguments", |event| event.json().get("arguments").is_some()).await;
        let told = event.json();
        assert!(placeholder(&told["arguments"]["key"]) && told["arguments"]["n"] == 1, "{told}");
        assert!(case.events().iter().all(|event| !event.json().to_string().contains(KEY)));
    });
}
