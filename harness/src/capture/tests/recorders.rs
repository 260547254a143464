//! What real recorders wrote (`tests/captures/recorders/`): Envoy 1.40.0, mitmproxy 11.0.2, MCP Inspector 2.12.0.

use super::*;

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures/recorders").join(name)
}

fn exchanges(name: &str) -> Vec<Exchange> {
    open(&recorded(name), Truncated::Refuse).unwrap().map(|it| it.unwrap()).collect()
}

fn text(exchange: &Exchange) -> String {
    String::from_utf8(exchange.response.as_ref().unwrap().body()).unwrap()
}

#[test]
fn a_buffered_tap_is_an_exchange() {
    let exchanges = exchanges("envoy-tap-buffered.json");
    let [exchange] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    assert_eq!(exchange.place, Place::Trace(1));
    assert_eq!(exchange.request.method, "POST");
    assert_eq!(exchange.request.target.url(), "http://mcp.example.com/mcp");
    assert_eq!(header(&exchange.request.headers, "mcp-protocol-version"), Some("2025-11-25"));
    assert!(exchange.request.headers.iter().all(|(name, _)| !name.starts_with(':')));
    assert!(exchange.request.body.starts_with(br#"{"jsonrpc":"2.0","id":4,"method":"tools/call""#));
    assert_eq!(exchange.response.as_ref().unwrap().status, 200);
    assert_eq!(text(exchange).matches("notifications/progress").count(), 3);
}

#[test]
fn documents_that_follow_one_another_are_exchanges_in_their_order() {
    let exchanges = exchanges("envoy-tap-buffered-string.json");
    let methods: Vec<&str> = exchanges.iter().map(|it| it.request.method.as_str()).collect();
    assert_eq!(methods, ["POST", "POST", "GET", "POST", "POST", "POST", "POST", "DELETE"]);
    assert!(
        text(&exchanges[4]).contains("Zo\\\\u00eb") || text(&exchanges[4]).contains("Zoë"),
        "{}",
        text(&exchanges[4])
    );
    // The same as JSON lines.
    let pretty = fs::read_to_string(recorded("envoy-tap-buffered-string.json")).unwrap();
    let documents = serde_json::Deserializer::from_str(&pretty).into_iter::<serde_json::Value>();
    let lines: String = documents.map(|it| format!("{}\n", it.unwrap())).collect();
    assert_eq!(Capture::new("tap-lines", lines).read(), exchanges);
}

#[test]
fn a_streamed_tap_keeps_the_pieces_in_which_the_response_came() {
    let exchanges = exchanges("envoy-tap-streamed.json");
    let [exchange] = exchanges.as_slice() else { panic!("{exchanges:?}") };
    let chunks = &exchange.response.as_ref().unwrap().chunks;
    assert_eq!(chunks.len(), 4);
    assert!(chunks.iter().all(|it| it.starts_with(b"event: message\r\ndata: ")), "{chunks:?}");
    assert_eq!(header(&exchange.request.headers, "mcp-name"), Some("export_invoices"));
}

#[test]
fn interleaved_segments_come_as_the_exchanges_end() {
    let path = recorded("envoy-tap-admin.json");
    let together = fs::read(&path).unwrap();
    let ended = exchanges("envoy-tap-admin.json");
    let places: Vec<Place> = ended.iter().map(|it| it.place).collect();
    // The first of them streams its progress while others begin and end.
    assert_ne!(places[0], Place::Trace(1), "{places:?}");
    assert!(ended.iter().any(|it| it.response.as_ref().is_some_and(|it| it.chunks.len() == 4)), "{ended:?}");
    // Through a pipe nobody knows which segment is the last: then they come in the order in which they began.
    let piped = read(&path, Box::new(Cursor::new(together)), Truncated::Refuse, None).unwrap();
    let mut piped: Vec<Exchange> = piped.map(|it| it.unwrap()).collect();
    let order: Vec<Place> = piped.iter().map(|it| it.place).collect();
    assert_eq!(order, (1..=5).map(Place::Trace).collect::<Vec<_>>());
    piped.sort_by_key(|it| places.iter().position(|place| *place == it.place));
    assert_eq!(piped, ended);
}

#[test]
fn what_a_tap_cut_off_is_refused_unless_it_is_accepted() {
    let path = recorded("envoy-tap-truncated.json");
    let error = open(&path, Truncated::Refuse).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(error, CaptureError::Truncated { place: Place::Trace(1), .. }), "{error}");
    assert!(error.to_string().contains("max_buffered_rx_bytes"), "{error}");
    let accepted: Vec<Exchange> = open(&path, Truncated::Accept).unwrap().map(|it| it.unwrap()).collect();
    assert_eq!(accepted[0].request.body.len(), 100);
}

#[test]
fn a_har_of_mitmproxy_is_read() {
    let exchanges = exchanges("mitmproxy.har");
    let methods: Vec<&str> = exchanges.iter().map(|it| it.request.method.as_str()).collect();
    assert_eq!(methods, ["POST", "POST", "POST", "POST", "POST", "POST", "GET", "DELETE"]);
    assert_eq!(text(&exchanges[4]).matches("data: ").count(), 4);
    assert!(exchanges.iter().all(|it| it.at.is_some() && !it.http2));
}

#[test]
fn a_har_of_a_mitmproxy_that_streams_has_no_bodies_and_says_so() {
    let error = open(&recorded("mitmproxy-streamed.har"), Truncated::Refuse).unwrap().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("entry 1: 0 of 245 bytes of the request's body were recorded"), "{error}");
}

#[test]
fn both_exports_of_an_inspector_hold_its_calls() {
    for (name, kind) in
        [("inspector-network.json", "text/event-stream"), ("inspector-protocol.json", "application/json")]
    {
        let exchanges = exchanges(name);
        let call = exchanges.iter().find(|it| it.request.body.windows(10).any(|it| it == b"tools/call")).unwrap();
        assert!(text(call).contains("done"), "{name}: {}", text(call));
        let headers = &call.response.as_ref().unwrap().headers;
        assert_eq!(header(headers, "content-type"), Some(kind), "{name}");
        assert!(header(&call.request.headers, "mcp-protocol-version").is_some(), "{name}");
    }
}
