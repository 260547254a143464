//! What quotas cost in real Envoy: latency with counters of its own and with a rate limit service, and memory with a
//! million distinct keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};
use tidegate::envoy::{Envoy, Options, Rendering, Upstream as Cluster};
use tidegate_rls::{RateLimitServer, read_limits};
use tidegate_tests::client::Connection;
use tidegate_tests::rig::{binary, end_with_us, wasm};

/// Measures what quotas cost in real Envoy.
#[derive(Debug, Parser)]
#[command(name = "quota")]
struct Arguments {
    /// How often each latency is measured
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Calls of one measurement
    #[arg(long, default_value_t = 1000)]
    calls: u32,
    /// Distinct keys, each counted once
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap().block_on(async {
        latencies(&arguments).await;
        memory(arguments.keys).await;
    });
}

fn policy(quotas: &Value) -> Value {
    json!({
        "version": "tidegate/v1", "name": "quotas", "identity": {"anonymous": "allow"},
        "servers": [{"name": "main", "match": {"path": "/mcp"}}],
        "rules": [{"id": "gets", "allow": {"tools": ["get_*"]}}],
        "audit": {"allowed": false},
        "quotas": quotas,
    })
}

/// A running Envoy, and what ends it with this process.
struct Running {
    envoy: Envoy,
    _guard: std::process::Child,
}

async fn start(
    policy: &Value,
    stores: Option<&Value>,
    upstream: SocketAddr,
    limits: SocketAddr,
    workers: u32,
) -> Running {
    let (wasm, binary) = tokio::task::spawn_blocking(|| (wasm(), binary())).await.unwrap();
    let host = stores.map_or(json!({}), |stores| json!({"stores": stores}));
    let mut rendering = Rendering::new(json!({"host": host, "layers": [policy]}).to_string(), wasm);
    let mut service = Cluster::plain("limits", limits);
    (service.http2, service.prefix) = (true, "/limits".to_owned());
    rendering.upstreams = vec![service, Cluster::plain("mcp", upstream)];
    let options = Options { concurrency: workers, ..Options::default() };
    let envoy = Envoy::start(&binary, rendering.bootstrap(), &options).await.unwrap();
    Running { _guard: end_with_us(envoy.pid()), envoy }
}

fn call(tool: &str) -> String {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"n":1}}}}}}"#
    );
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A server that answers every request at once.
async fn server() -> SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let body = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"ran"}]}}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let mut bytes = vec![0; 1 << 16];
                let mut seen = Vec::new();
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    seen.extend_from_slice(&bytes[..read]);
                    // The only body is that of `call`, which ends so.
                    if seen.ends_with(b"}}}") {
                        seen.clear();
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

async fn latencies(arguments: &Arguments) {
    const PLENTY: u64 = 1_000_000_000;
    let upstream = server().await;
    let limits = read_limits(&format!(
        "- {{namespace: tidegate, max_value: {PLENTY}, seconds: 86400, conditions: [\"descriptors[0]['quota'] == 'q'\"], variables: []}}"
    ));
    let service = RateLimitServer::start(([127, 0, 0, 1], 0).into(), limits.unwrap(), tidegate_rls::Options::default());
    let service = service.await.unwrap();
    let local = json!([{"id": "q", "limit": PLENTY, "window": "24h", "burst": PLENTY}]);
    let global = json!([{"id": "q", "limit": PLENTY, "window": "24h", "scope": "global"}]);
    let store = |protocol: &str| json!({"global": {"cluster": "limits", "protocol": protocol, "timeout": "5s"}});
    let variants = [
        ("no quota", json!(null), None),
        ("a quota of this Envoy", local, None),
        ("a quota of the fleet, should_rate_limit", global.clone(), Some(store("should_rate_limit"))),
        ("a quota of the fleet, reserve", global, Some(store("reserve"))),
    ];
    let mut running = Vec::new();
    for (name, quotas, stores) in variants {
        let mut policy = policy(&quotas);
        if quotas.is_null() {
            policy.as_object_mut().unwrap().remove("quotas");
        }
        let envoy = start(&policy, stores.as_ref(), upstream, service.address(), 1).await;
        let connection = Connection::to(envoy.envoy.listener("mcp").unwrap()).await;
        running.push((name, envoy, connection, Vec::new()));
    }
    let request = call("get_a");
    for _ in 0..arguments.rounds {
        for (name, _, connection, samples) in &mut running {
            for _ in 0..arguments.calls {
                let begun = Instant::now();
                let answer = connection.exchange(&request).await;
                samples.push(begun.elapsed());
                assert!(answer.text().contains("ran"), "{name}: {answer}");
            }
        }
    }
    println!("{:<42} {:>8} {:>8}", "latency of a call, one connection, µs", "least", "median");
    for (name, _, _, mut samples) in running {
        samples.sort_unstable();
        println!("{name:<42} {:>8} {:>8}", samples[0].as_micros(), samples[samples.len() / 2].as_micros());
    }
}

async fn memory(keys: u64) {
    let quotas = json!([{"id": "q", "limit": 10, "window": "month", "by": ["tool"]}]);
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let running = start(&policy(&quotas), None, server().await, nobody, 2).await;
    let address = running.envoy.listener("mcp").unwrap();
    let resident = || {
        let status = fs::read_to_string(format!("/proc/{}/status", running.envoy.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    };
    println!("\n{:>10} {:>24} {:>10}", "keys", "Envoy's memory, MiB", "evicted");
    let next = Arc::new(AtomicU64::new(0));
    for mark in [1_000, keys / 10, keys] {
        let clients = (0..16).map(|_| {
            let next = Arc::clone(&next);
            tokio::spawn(async move {
                let mut connection = Connection::to(address).await;
                while next.load(Ordering::Relaxed) < mark {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    connection.exchange(call(&format!("get_{number}"))).await;
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        let evicted = running.envoy.stats().await.unwrap().number("wasmcustom.tidegate.quotas.outcome.evicted.quota.q");
        println!("{mark:>10} {:>24.1} {evicted:>10}", resident());
    }
}
