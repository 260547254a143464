//! Quotas and budgets in real Envoy: exact over all workers, settled however a call ends, and kept over reloads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod accounts;
mod answers;
mod exact;
mod fleet;
mod reload;
mod settlement;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tidegate::envoy::{Envoy, Options, Rendering, Upstream as Cluster};
use tidegate_tests::client::{Connection, Response};
use tidegate_tests::rig::{binary, end_with_us};
use tidegate_tests::site::Mode;
use tidegate_tests::upstream::Upstream;
use tidegate_tests::within;

/// The token that sends a request to the test's own server.
const TOKEN: &str = "case-000001";

/// A policy that lets everybody call `get_*`, with further members.
fn policy(extra: Value) -> Value {
    let mut policy = json!({
        "version": "tidegate/v1",
        "name": "quotas",
        "identity": {"anonymous": "allow"},
        "servers": [{"name": "main", "match": {"path": "/mcp"}}],
        "rules": [{"id": "gets", "allow": {"tools": ["get_*"]}}],
    });
    let Value::Object(mut extra) = extra else { panic!("members") };
    policy.as_object_mut().unwrap().append(&mut extra);
    policy
}

/// A rendering for the test's own server.
fn rendering(policy: &Value, mode: Mode, upstream: SocketAddr, wasm: &Path) -> Rendering {
    let mut rendering = Rendering::new(policy.to_string(), wasm);
    rendering.hold = mode == Mode::Hold;
    rendering.upstreams = vec![Cluster::plain("mcp", upstream)];
    rendering
}

/// Envoy, ended when this goes.
struct Running {
    envoy: Envoy,
    guard: std::process::Child,
}

impl Running {
    async fn start(bootstrap: Value, concurrency: u32) -> Self {
        let options = Options { concurrency, ..Options::default() };
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        let envoy = Envoy::start(&binary, bootstrap, &options).await.unwrap_or_else(|error| panic!("{error}"));
        let guard = end_with_us(envoy.pid());
        Self { envoy, guard }
    }

    fn address(&self) -> SocketAddr {
        self.envoy.listener("mcp").unwrap()
    }

    /// Waits until a statistic has a value.
    async fn stat(&self, name: &str, wanted: u64) {
        let reached = async {
            while self.envoy.stats().await.unwrap().number(name) != wanted {
                tokio::task::yield_now().await;
            }
        };
        within(&format!("{name} to be {wanted}"), reached).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A call of a tool.
fn call(tool: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"n":1}}}}}}"#
    );
    post(&body)
}

fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /mcp/{TOKEN} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What became of many calls, by reason; `ran` are those that the server answered.
type Outcomes = BTreeMap<String, usize>;

/// Sends `calls` over many connections at once; `request` gives each by its number.
async fn flood(
    address: SocketAddr,
    calls: usize,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
) -> Outcomes {
    const CONNECTIONS: usize = 64;
    let next = Arc::new(AtomicUsize::new(0));
    let request = Arc::new(request);
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (next, request) = (Arc::clone(&next), Arc::clone(&request));
            tokio::spawn(async move {
                let mut outcomes = Outcomes::new();
                let mut connection = Connection::to(address).await;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= calls {
                        return outcomes;
                    }
                    let response = connection.exchange(request(number)).await;
                    *outcomes.entry(outcome(&response)).or_default() += 1;
                }
            })
        })
        .collect();
    let mut all = Outcomes::new();
    for client in clients {
        for (outcome, count) in client.await.unwrap() {
            *all.entry(outcome).or_default() += count;
        }
    }
    all
}

fn outcome(response: &Response) -> String {
    match response.reason() {
        Some(reason) => reason,
        None if response.status == 200 && response.text().contains("ran") => "ran".to_owned(),
        None => format!("{response}"),
    }
}

/// The outcomes as a test expects them.
fn outcomes<const N: usize>(expected: [(&str, usize); N]) -> Outcomes {
    expected.into_iter().map(|(outcome, count)| (outcome.to_owned(), count)).collect()
}

/// Runs a test with enough threads that clients are truly at once.
fn parallel<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap().block_on(test)
}

/// A server that answers every call of [`TOKEN`].
async fn server() -> Upstream {
    let upstream = Upstream::start().await;
    upstream.execute(TOKEN);
    upstream
}
