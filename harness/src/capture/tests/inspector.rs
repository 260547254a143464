//! Exports in the shapes that version 2.12.0 of the MCP Inspector writes.

use serde_json::json;

use super::*;

#[test]
fn the_network_export_is_exchanges() {
    let list = json!([
        {"id": "1-a", "timestamp": "2026-11-24T02:40:32.100Z", "method": "POST", "url": "http://h:1/mcp",
         "requestHeaders": {"accept": "application/json, text/event-stream", "authorization": "[REDACTED]",
                            "content-type": "application/json"},
         "requestBody": "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\"}", "responseStatus": 200,
         "responseStatusText": "OK", "responseHeaders": {"content-type": "text/event-stream", "content-length": "999",
         "content-encoding": "gzip"}, "responseBody": "data: {}\n\n", "duration": 5, "category": "transport"},
        {"id": "2-b", "timestamp": "2026-11-24T02:40:33.100Z", "method": "GET", "url": "http://h:1/mcp",
         "requestHeaders": {"accept": "text/event-stream"}, "responseStatus": 200,
         "responseHeaders": {"content-type": "text/event-stream"}, "duration": 5, "eventCount": 3},
        {"id": "3-c", "timestamp": "2026-11-24T02:40:34.100Z", "method": "POST", "url": "http://h:1/mcp",
         "requestHeaders": {}, "requestBody": "{}", "error": "fetch failed", "duration": 5},
    ]);
    let exchanges = Capture::new("network", serde_json::to_string_pretty(&list).unwrap()).read();
    assert_eq!(exchanges.len(), 3);
    let first = exchanges[0].response.as_ref().unwrap();
    assert_eq!(exchanges[0].request.target.url(), "http://h:1/mcp");
    assert_eq!(first.headers, [("content-type".to_owned(), "text/event-stream".to_owned())]);
    assert_eq!(first.body(), b"data: {}\n\n");
    assert!(exchanges[1].response.as_ref().unwrap().chunks.is_empty());
    assert_eq!(exchanges[2].response, None);

    let mut cut = list.clone();
    cut[0]["responseBody"] = "{\n[truncated]".into();
    let mut early = list;
    early[0].as_object_mut().unwrap().remove("responseBody");
    for (name, list) in [("network-cut", cut), ("network-early", early)] {
        let error = Capture::new(name, list.to_string()).error(Truncated::Refuse);
        assert!(matches!(error, CaptureError::Truncated { place: Place::Entry(1), .. }), "{error}");
    }
}

#[test]
fn the_protocol_export_is_the_requests_that_would_have_sent_it() {
    let list = json!([
        {"id": "a", "timestamp": "2026-11-24T02:40:32.100Z", "direction": "request", "origin": "client", "duration": 9,
         "message": {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}},
         "response": {"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": "2025-06-18"}}},
        {"id": "b", "timestamp": "2026-11-24T02:40:32.200Z", "direction": "notification", "origin": "client",
         "message": {"jsonrpc": "2.0", "method": "notifications/initialized"}},
        {"id": "c", "timestamp": "2026-11-24T02:40:32.300Z", "direction": "request", "origin": "server",
         "message": {"jsonrpc": "2.0", "id": 7, "method": "roots/list"},
         "response": {"jsonrpc": "2.0", "id": 7, "result": {"roots": []}}},
        {"id": "d", "timestamp": "2026-11-24T02:40:32.400Z", "direction": "request", "origin": "client",
         "message": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "é",
                     "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}}},
    ]);
    let capture = Capture::new("protocol", list.to_string());
    let url = Some("https://mcp.example.com/mcp/billing");
    let exchanges: Vec<Exchange> =
        open_with_url(&capture.0, Truncated::Refuse, url).unwrap().map(|it| it.unwrap()).collect();
    let seen: Vec<(&str, Option<u16>, Option<&str>)> = exchanges
        .iter()
        .map(|it| {
            let revision = header(&it.request.headers, "mcp-protocol-version");
            (it.request.method.as_str(), it.response.as_ref().map(|it| it.status), revision)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("POST", Some(200), None),
            ("POST", Some(202), Some("2025-06-18")),
            ("GET", Some(200), Some("2025-06-18")),
            ("POST", Some(202), Some("2025-06-18")),
            ("POST", None, Some("2026-07-28")),
        ]
    );
    assert!(exchanges.iter().all(|it| it.request.target.path == "/mcp/billing"));
    assert_eq!(exchanges[2].place, exchanges[3].place);
    let event = exchanges[2].response.as_ref().unwrap().body();
    assert!(event.starts_with(b"data: {") && event.ends_with(b"}\n\n"));
    let headers = &exchanges[4].request.headers;
    assert_eq!(header(headers, "mcp-method"), Some("tools/call"));
    assert_eq!(header(headers, "mcp-name"), Some("=?base64?w6k=?="));
}

#[test]
fn a_list_of_something_else_is_named() {
    let error = Capture::new("list", r#"[{"name":"x"}]"#).error(Truncated::Refuse);
    assert!(error.to_string().contains("but `name`"), "{error}");
    assert!(matches!(Capture::new("list-empty", "[]").error(Truncated::Refuse), CaptureError::Empty { .. }));
    let error = Capture::new("list-cut", r#"[{"url":"http://h/","method":"GET"}"#).error(Truncated::Refuse);
    assert!(matches!(error, CaptureError::Json { .. }), "{error}");
}
