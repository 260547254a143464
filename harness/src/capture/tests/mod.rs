mod inspector;
mod long;
mod recorders;

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A capture on disk, removed when the test ends.
struct Capture(PathBuf);

impl Capture {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("tidegate-capture-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn read(&self) -> Vec<Exchange> {
        open(&self.0, Truncated::Refuse).unwrap().map(|it| it.unwrap()).collect()
    }

    fn error(&self, truncated: Truncated) -> CaptureError {
        match open(&self.0, truncated) {
            Err(error) => error,
            Ok(exchanges) => exchanges.filter_map(Result::err).next().unwrap(),
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const LINE: &str = r#"{"time":"2026-11-23T09:00:00.5Z","request":{"method":"POST","url":"https://h:1/mcp/../x?a=b#f","headers":[{"name":"Host","value":"mcp.example.com"},{"name":"X","value":"1"}],"body":"{\"jsonrpc\":\"2.0\"}"},"response":{"status":200,"headers":[],"body":"abcdef","chunks":[2,0,4]}}"#;

#[test]
fn a_line_is_an_exchange_with_its_chunks_and_its_own_path() {
    let capture = Capture::new("line", format!("{LINE}\r\n\n{LINE}"));
    let exchanges = capture.read();
    assert_eq!(exchanges.len(), 2);
    assert_eq!((exchanges[0].place, exchanges[1].place), (Place::Line(1), Place::Line(3)));
    let first = &exchanges[0];
    assert_eq!(first.request.target.url(), "https://mcp.example.com/mcp/../x?a=b", "as sent: host, no tidying");
    assert_eq!(first.request.headers, [("X".to_owned(), "1".to_owned())]);
    assert_eq!(first.response.as_ref().unwrap().chunks, [&b"ab"[..], b"", b"cdef"]);
    assert_eq!(first.at.unwrap().unix_timestamp_nanos() % 1_000_000_000, 500_000_000);
    assert!(!first.http2);
}

#[test]
fn a_har_of_http2_with_base64_and_compression_is_read() {
    let har = r#"{"log":{"entries":[{"startedDateTime":"2026-11-23T10:00:00+01:00","request":{"method":"POST",
        "url":"https://h/mcp","httpVersion":"h2","headers":[{"name":":authority","value":"mcp.example.com"},
        {"name":":path","value":"/mcp/x"},{"name":"content-type","value":"application/json"}],"bodySize":-1,
        "postData":{"mimeType":"application/json","text":"{\"jsonrpc\":\"2.0\"}"}},
        "response":{"status":200,"headers":[{"name":"Content-Encoding","value":"gzip"},
        {"name":"content-length","value":"999"},{"name":"content-type","value":"text/event-stream"}],
        "content":{"size":6,"encoding":"base64","text":"ZGF0YTog"}}},
        {"request":{"method":"GET","url":"https://h/mcp"},"response":{"status":0}}]}}"#;
    let capture = Capture::new("har", format!("\u{feff}{har}"));
    let exchanges = capture.read();
    let first = &exchanges[0];
    assert!(first.http2 && exchanges[1].response.is_none());
    assert_eq!(
        (first.request.target.authority.as_str(), first.request.target.path.as_str()),
        ("mcp.example.com", "/mcp/x")
    );
    assert_eq!(first.request.headers.len(), 1, "pseudo-headers are in the target: {:?}", first.request.headers);
    let response = first.response.as_ref().unwrap();
    assert_eq!(response.body(), b"data: ");
    assert_eq!(header(&response.headers, "content-encoding"), None, "the text is decoded");
}

#[test]
fn http_versions_are_told_apart() {
    for version in ["h2", "HTTP/2.0", "HTTP/2", "http/2.0", "h3", "HTTP/3", "2", "2.0"] {
        assert!(har::is_http2(version), "{version}");
    }
    for version in ["HTTP/1.1", "http/1.0", "1.1", "", "unknown"] {
        assert!(!har::is_http2(version), "{version}");
    }
}

#[test]
fn broken_json_is_placed_by_line_column_and_byte() {
    let capture = Capture::new("broken", format!("{LINE}\n{{\"request\":}}\n"));
    let error = capture.error(Truncated::Refuse);
    let CaptureError::Json { line: 2, column: 12, byte, .. } = &error else { panic!("{error:?}") };
    assert_eq!(fs::read(&capture.0).unwrap()[*byte], b'}', "{error}");

    let har = "{\"log\":{\n \"entries\": [,]}}";
    let capture = Capture::new("broken-har", har);
    let error = capture.error(Truncated::Refuse);
    let CaptureError::Json { line: 2, byte, .. } = &error else { panic!("{error:?}") };
    assert_eq!(har.as_bytes()[*byte], b',', "{error}");
}

#[test]
fn a_capture_that_was_cut_off_says_so() {
    for (name, text) in [("cut", LINE.trim_end_matches("4]}}")), ("cut-har", r#"{"log":{"entries":[{"request""#)] {
        let error = Capture::new(name, text).error(Truncated::Refuse).to_string();
        assert!(error.contains("the capture was cut off"), "{error}");
    }
}

#[test]
fn what_is_no_capture_is_named() {
    for (name, text, said, advice) in [
        ("otlp", r#"{"resourceLogs":[]}"#, "`resourceLogs`", "HAR"),
        ("rpc", r#"{"jsonrpc":"2.0","id":1}"#, "`jsonrpc`", "HTTP exchanges"),
        ("servers", "{\n\"mcpServers\":{}}", "`mcpServers`", "export Network or Protocol"),
        ("socket", r#"{"socket_buffered_trace":{}}"#, "`socket_buffered_trace`", "envoy.filters.http.tap"),
        ("text", "GET /", "`G`", "HAR"),
        ("word", "null", "`n`", "HAR"),
        ("number", "17", "`1`", "HAR"),
        ("flows", "5432:9:websocket;0:~", "mitmproxy's own flows", "hardump"),
        ("gzip", "\u{1f}\u{8b}\u{8}", "the gzip magic", "gunzip it"),
        ("zip", "PK\u{3}\u{4}", "the zip magic", "unzip it"),
        ("utf16", "\u{ff}\u{fe}{\0", "UTF-16", "UTF-8"),
        ("packets", "\u{a}\u{d}\u{d}\u{a}", "pcapng", "record HTTP"),
        ("control", "\u{1f}x", "0x1f", "HAR"),
    ] {
        // Each character is one byte here.
        let bytes: Vec<u8> = text.chars().map(|it| u8::try_from(it).unwrap()).collect();
        let error = Capture::new(name, bytes).error(Truncated::Refuse);
        assert!(matches!(error, CaptureError::Unknown { .. }) && error.to_string().contains(said), "{error:?}");
        assert!(error.help().unwrap().contains(advice), "{name}: {:?}", error.help());
    }
    for (name, text) in [("empty", ""), ("blank", " \n\n"), ("no-entries", r#"{"log":{"entries":[]}}"#)] {
        assert!(matches!(Capture::new(name, text).error(Truncated::Refuse), CaptureError::Empty { .. }), "{name}");
    }
    let error = open(Path::new("/nonexistent/x.har"), Truncated::Refuse).unwrap_err();
    assert!(error.to_string().starts_with("cannot read /nonexistent/x.har"), "{error}");
}

#[test]
fn what_is_no_exchange_is_placed() {
    for (name, text, said) in [
        ("no-request", r#"{"response":{"status":200}}"#, "missing field `request`"),
        ("typo", r#"{"request":{"method":"GET","url":"http://h/","boddy":""}}"#, "unknown field `boddy`"),
        ("url", r#"{"request":{"method":"GET","url":"mcp"}}"#, "is not a URL"),
        ("scheme", r#"{"request":{"method":"GET","url":"ftp://h/"}}"#, "scheme `ftp`"),
        ("host", r#"{"request":{"method":"GET","url":"/mcp"}}"#, "names no host"),
        ("time", r#"{"time":"noon","request":{"method":"GET","url":"http://h/"}}"#, "`noon` is not a time"),
        ("base64", r#"{"request":{"method":"GET","url":"http://h/","body":"?","encoding":"base64"}}"#, "base64"),
        (
            "chunks",
            r#"{"request":{"method":"GET","url":"http://h/"},"response":{"status":200,"chunks":[1]}}"#,
            "add up",
        ),
        ("status", r#"{"request":{"method":"GET","url":"http://h/"},"response":{"status":"ok"}}"#, "expected u16"),
        ("entry", r#"{"log":{"entries":[{"request":{"method":"GET","url":"mcp"}}]}}"#, "entry 1: `mcp` is not a URL"),
    ] {
        let error = Capture::new(name, text).error(Truncated::Refuse);
        assert!(matches!(error, CaptureError::Shape { .. }) && error.to_string().contains(said), "{name}: {error}");
    }
}

#[test]
fn half_a_body_is_refused_unless_it_is_accepted() {
    let rpc = r#""body":"{\"jsonrpc\"}""#;
    for (name, text) in [
        ("length", format!(r#"{{"request":{{"method":"POST","url":"http://h/","headers":[{{"name":"Content-Length","value":"99"}}],{rpc}}}}}"#)),
        ("flag", format!(r#"{{"request":{{"method":"POST","url":"http://h/",{rpc}}},"response":{{"status":200,"truncated":true}}}}"#)),
        ("size", r#"{"log":{"entries":[{"request":{"method":"GET","url":"http://h/","headers":[{"name":"mcp-session-id","value":"1"}]},"response":{"status":200,"content":{"size":5}}}]}}"#.to_owned()),
        ("posted", r#"{"log":{"entries":[{"request":{"method":"POST","url":"http://h/","bodySize":9,"headers":[{"name":"mcp-session-id","value":"1"}]}}]}}"#.to_owned()),
    ] {
        let capture = Capture::new(name, text);
        let error = capture.error(Truncated::Refuse);
        assert!(matches!(error, CaptureError::Truncated { .. }), "{name}: {error:?}");
        assert!(error.help().unwrap().contains("--allow-truncated"));
        assert!(open(&capture.0, Truncated::Accept).unwrap().all(|it| it.is_ok()), "{name}");
    }
}

#[test]
fn traffic_without_mcp_is_refused_at_its_end() {
    let capture =
        Capture::new("web", r#"{"request":{"method":"GET","url":"http://h/logo.png"},"response":{"status":200}}"#);
    let read: Vec<_> = open(&capture.0, Truncated::Refuse).unwrap().collect();
    assert!(matches!(read.as_slice(), [Ok(_), Err(CaptureError::NotMcp { exchanges: 1, .. })]), "{read:?}");
}

#[test]
fn what_is_written_as_har_is_read_back() {
    let capture = Capture::new("again", LINE);
    let mut exchange = capture.read().remove(0);
    exchange.request.body.push(0xff);
    let target = capture.0.with_added_extension("har");
    let mut writer = HarWriter::create(&target).unwrap();
    let note = Annotation::from_iter([("verdict".to_owned(), "deny".into())]);
    writer.add(&exchange, OffsetDateTime::UNIX_EPOCH, &note).unwrap();
    let unanswered = Exchange { response: None, at: None, http2: true, ..exchange.clone() };
    writer.add(&unanswered, OffsetDateTime::UNIX_EPOCH, &Annotation::new()).unwrap();
    assert!(!target.exists(), "not before it is whole");
    writer.finish().unwrap();
    let written = Capture(target);
    let read = written.read();
    exchange.place = Place::Entry(1);
    assert_eq!(read[0], exchange);
    assert_eq!((read[1].http2, &read[1].response, read[1].at), (true, &None, Some(OffsetDateTime::UNIX_EPOCH)));
    let text = fs::read_to_string(&written.0).unwrap();
    assert!(text.contains(r#""_tidegate":{"verdict":"deny"}"#), "{text}");
}

#[test]
fn a_har_that_is_not_finished_leaves_nothing() {
    let capture = Capture::new("dropped", LINE);
    let target = capture.0.with_added_extension("har");
    let before: Vec<_> = partials(&target);
    let mut writer = HarWriter::create(&target).unwrap();
    writer.add(&capture.read()[0], OffsetDateTime::UNIX_EPOCH, &Annotation::new()).unwrap();
    drop(writer);
    assert_eq!((partials(&target), target.exists()), (before, false));
}

fn partials(target: &Path) -> Vec<PathBuf> {
    let name = target.file_name().unwrap().to_str().unwrap().to_owned();
    let entries = fs::read_dir(target.parent().unwrap()).unwrap().map(|it| it.unwrap().path());
    entries.filter(|it| it.to_str().unwrap().contains(&name)).collect()
}
