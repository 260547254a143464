//! `demo` and `up` as a user runs them, with the real filter in real Envoy.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Map;
use tidegate::sample::{Client, Era, Server};

use crate::typed::{Written, code, command, stdout, tidegate};

#[test]
fn the_demo_goes_as_expected_in_both_header_modes() {
    for arguments in [&["demo"][..], &["demo", "--no-hold"]] {
        let output = tidegate(arguments);
        let text = stdout(&output);
        assert_eq!(code(&output), 0, "{arguments:?}\n{text}");
        for expected in [
            "read_only",
            "no-credentials",
            "shadow release-freeze",
            "principal_missing",
            "[redacted:aws-access-key-id:",
            "secret_blocked",
            "All as expected",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }
}

/// A running `tidegate up`; killed if a test fails before it is stopped.
struct Up {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Up {
    fn start(policy: &str, upstream: &str) -> Self {
        let arguments = ["up", "--policy", policy, "--upstream", upstream, "--listen", "127.0.0.1:0"];
        let mut child = command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that contains all of `wanted`.
    fn line(&mut self, wanted: &[&str]) -> String {
        let mut seen = String::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            if wanted.iter().all(|it| line.contains(it)) {
                return line;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        panic!("no line with {wanted:?} in\n{seen}");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A policy by which whoever calls may read.
fn reads() -> Written {
    let text = r#"{"version": "tidegate/v1", "name": "up", "identity": {"anonymous": "allow"},
        "servers": [{"name": "main", "match": {"path": "/mcp"}}],
        "rules": [{"id": "reads", "allow": {"tools": ["get_*", "list_*"]}}]}"#;
    Written::new("policy.json", text)
}

#[tokio::test(flavor = "multi_thread")]
async fn up_shows_decisions_as_they_are_made_and_stops_on_ctrl_c() {
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let policy = reads();
    let upstream = format!("http://{}/mcp/billing", server.address());
    let mut up = Up::start(policy.path(), &upstream);

    let banner = up.line(&["Point the MCP client at http://"]);
    let url = banner.split_whitespace().find(|it| it.starts_with("http://")).unwrap().to_owned();
    assert!(url.ends_with("/mcp/billing"), "the server's path is kept: {url}");
    let client = Client::connect(&url, None, Era::Legacy).await.unwrap();
    let denied = client.call("delete_customer", Map::new()).await;
    assert_eq!(denied.denial().unwrap()["reason"], "tool_not_allowed");
    up.line(&["deny", "tools/call main/delete_customer", "anonymous", "tool_not_allowed"]);
    client.call("get_customer", Map::new()).await;
    up.line(&["allow", "tools/call main/get_customer", "rule reads"]);
    client.close().await;

    up.signal("-INT");
    let summary = up.line(&["tidegate: stopped"]);
    assert!(summary.contains("1 deny"), "{summary}");
    assert_eq!(up.child.wait().unwrap().code(), Some(0));
    assert_eq!(server.calls().len(), 1);
}

/// Waits for the end of Envoy's admin endpoint: it is gone when the process is.
async fn until_gone(admin: SocketAddr) {
    while tokio::net::TcpStream::connect(admin).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_does_not_outlive_a_command_that_is_killed() {
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let policy = reads();
    let mut up = Up::start(policy.path(), &format!("http://{}/mcp", server.address()));
    let banner = up.line(&["Metrics: http://"]);
    let admin = banner.split_once("Metrics: http://").unwrap().1.split('/').next().unwrap().parse().unwrap();
    up.child.kill().unwrap();
    up.child.wait().unwrap();
    until_gone(admin).await;
}

#[test]
fn up_starts_in_front_of_a_server_that_is_down_and_says_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let policy = reads();
    let upstream = format!("http://{free}/mcp");
    let arguments = ["up", "--policy", policy.path(), "--upstream", &upstream, "--listen", "127.0.0.1:0"];
    let mut child = command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let warning = lines.find(|line| line.contains("does not answer"));
    // Not SIGKILL: it may be starting Envoy by now.
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    child.wait().unwrap();
    assert!(warning.is_some_and(|it| it.contains(&upstream)));
}
