//! Captures that cannot be used, as `tidegate replay` is typed: what it says, how it exits, and what it leaves behind.

use std::fs;
use std::process::Output;

use crate::names;
use crate::typed::{STARTER, Scratch, capture, code, stderr, stdout, tidegate};

/// `tidegate replay` of a capture as ada of finance.
fn replay(capture: &str, more: &[&str]) -> Output {
    tidegate(&[&["replay", "--policy", STARTER, "--as", "subject=ada,team=finance"][..], more, &[capture]].concat())
}

const MCP: &str =
    r#"{"request":{"method":"POST","url":"http://h/mcp","headers":[{"name":"mcp-session-id","value":"1"}]}}"#;

#[test]
fn what_is_no_capture_is_refused_and_leaves_nothing() {
    let har = format!("{{\"log\":{{\"entries\":[{MCP},\n{{\"request\":,}}]}}}}");
    let web = r#"{"request":{"method":"GET","url":"http://h/logo.png"},"response":{"status":200}}"#;
    let cases: [(&str, &[u8], &str); 7] = [
        ("broken", har.as_bytes(), "is broken at line 2, column 12 (byte"),
        ("cut", har.as_bytes().get(..60).unwrap(), "the capture was cut off"),
        ("unknown", br#"{"resourceLogs":[]}"#, "begins with `resourceLogs` and is no capture format known here"),
        ("web", web.as_bytes(), "none of 1 exchanges is MCP"),
        ("empty", b"", "holds no exchange"),
        ("gzip", b"\x1f\x8b\x08\0\0", "begins with the gzip magic"),
        ("part", br#"{"log":{"entries":[{"request":{"method":"POST","url":"http://h/mcp","bodySize":9,"headers":[{"name":"mcp-method","value":"x"}]}}]}}"#, "0 of 9 bytes"),
    ];
    for (name, bytes, said) in cases {
        let scratch = Scratch::new();
        let capture = scratch.path("capture");
        fs::write(&capture, bytes).unwrap();
        let output = replay(&capture, &["--out", &scratch.path("out.har")]);
        assert_eq!(code(&output), 2, "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{name}: {}", stderr(&output));
        assert_eq!(names(&scratch), ["capture"], "{name}");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let scratch = Scratch::new();
    for (path, said) in [
        (scratch.directory().to_owned(), "name the files in it"),
        (scratch.path("missing.har"), "No such file or directory"),
    ] {
        let output = replay(&path, &[]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(stderr(&output).contains("cannot read") && stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn a_truncated_tap_is_replayed_only_if_allowed() {
    let capture = capture("recorders/envoy-tap-truncated.json");
    let output = replay(&capture, &[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("max_buffered_rx_bytes"), "{}", stderr(&output));
    let output = replay(&capture, &["--allow-truncated"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn traces_of_envoy_are_replayed_with_their_pieces() {
    for name in ["envoy-tap-buffered.json", "envoy-tap-streamed.json", "envoy-tap-admin.json", "mitmproxy.har"] {
        let output = replay(&capture(&format!("recorders/{name}")), &["--chunks", "adversarial"]);
        assert_eq!(code(&output), 0, "{name}: {}", stderr(&output));
        let text = stdout(&output);
        assert!(text.contains("/export_invoices"), "{name}: {text}");
        // Before that it may have waited for the .wasm, which other tests build as well.
        assert!(stderr(&output).ends_with("tidegate: compiling the module"), "no bar where no terminal is");
    }
}
