//! Captures that cannot be used, as `tidegate replay` is typed: what it says, how it exits, and what it leaves behind.
#![allow(clippy::unwrap_used, reason = "helpers of tests state what must hold")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/starter.json");
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/captures/recorders");

/// A directory of one test, removed when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidegate-captures-cli-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(&self.0).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `tidegate replay` of a capture as ada of finance.
fn replay(capture: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["replay", "--policy", POLICY, "--as", "subject=ada,team=finance"]);
    command.args(more).arg(capture).output().unwrap()
}

/// Standard error on one line: messages are wrapped to a width that is none of a test's business.
fn stderr(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    text.split_whitespace().filter(|it| *it != "│").collect::<Vec<_>>().join(" ")
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
        let scratch = Scratch::new(name);
        let capture = scratch.0.join("capture");
        fs::write(&capture, bytes).unwrap();
        let out = scratch.0.join("out.har");
        let output = replay(&capture, &["--out", out.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{name}: {}", stderr(&output));
        assert_eq!(scratch.names(), ["capture"], "{name}");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let scratch = Scratch::new("unreadable");
    for (path, said) in
        [(scratch.0.clone(), "name the files in it"), (scratch.0.join("missing.har"), "No such file or directory")]
    {
        let output = replay(&path, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("cannot read") && stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn a_truncated_tap_is_replayed_only_if_allowed() {
    let capture = Path::new(RECORDED).join("envoy-tap-truncated.json");
    let output = replay(&capture, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("max_buffered_rx_bytes"), "{}", stderr(&output));
    let output = replay(&capture, &["--allow-truncated"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn traces_of_envoy_are_replayed_with_their_pieces() {
    for name in ["envoy-tap-buffered.json", "envoy-tap-streamed.json", "envoy-tap-admin.json", "mitmproxy.har"] {
        let output = replay(&Path::new(RECORDED).join(name), &["--chunks", "adversarial"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(text.contains("/export_invoices"), "{name}: {text}");
        assert!(!output.stderr.contains(&b'\r'), "no bar where no terminal is: {}", stderr(&output));
    }
}
