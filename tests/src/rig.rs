//! One Envoy for all tests of a binary.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tidegate::build::{self, Wasm};
use tidegate::envoy::{Binary, Envoy, Options, Rendering, Stats, Upstream as Cluster};
use tidegate::report::progress::Lines;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::site::{Mode, Site};
use crate::upstream::Upstream;

/// Paths that start so lead to a server that is not there.
pub const DOWN: &str = "/mcp/down";

/// Envoy with a listener for each site and mode, and the servers behind it.
#[derive(Debug)]
pub struct Rig {
    /// The process.
    pub envoy: Envoy,
    /// The servers behind it.
    pub upstream: Upstream,
    _end: Child,
}

/// Runs a test on the runtime that all tests share, with the rig that all tests share.
pub fn run<T>(test: impl AsyncFnOnce(&'static Rig) -> T) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    static RIG: OnceCell<Rig> = OnceCell::const_new();
    let runtime = RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap());
    runtime.block_on(async {
        let rig = RIG.get_or_init(|| async { tokio::spawn(Rig::start()).await.unwrap() }).await;
        test(rig).await
    })
}

/// Runs a test that needs no shared Envoy.
pub fn alone<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap().block_on(test)
}

/// The `.wasm` as it ships, built if its sources changed.
pub fn wasm() -> std::path::PathBuf {
    build::build(&Wasm::filter(), &Lines).unwrap_or_else(|error| give_up(&error.to_string())).path
}

/// Envoy's executable.
pub fn binary() -> Binary {
    Binary::find(&Lines).unwrap_or_else(|error| give_up(&error.to_string()))
}

/// Ends the whole run where no test could pass: every other one would say the same, or wait in vain.
fn give_up(why: &str) -> ! {
    // Past the test harness, which shows what a test prints only if it fails.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("\n{why}\n").as_bytes());
    std::process::exit(1)
}

/// Kills a process when this one ends, however it ends: statics are never dropped, and a test run may be interrupted.
/// The guard lives as long as its standard input is open.
pub fn end_with_us(process: u32) -> Child {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$0\" 2>/dev/null", &process.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The configuration of one listener and of the clusters behind it.
pub fn rendering(policy: &Value, mode: Mode, upstream: SocketAddr, wasm: &std::path::Path) -> Rendering {
    let mut down = Cluster::plain("down", SocketAddr::from(([127, 0, 0, 1], 1)));
    down.prefix = DOWN.to_owned();
    let mut rendering = Rendering::new(policy.to_string(), wasm);
    rendering.hold = mode == Mode::Hold;
    rendering.upstreams = vec![down, Cluster::plain("mcp", upstream)];
    rendering.http1_trailers = true;
    rendering
}

/// A rendered bootstrap whose listener, and VM, have a name of their own.
pub fn named(rendering: &Rendering, name: &str) -> Value {
    let mut root = rendering.bootstrap();
    let listener = &mut root["static_resources"]["listeners"][0];
    listener["name"] = json!(name);
    let filters = &mut listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
    for filter in filters.as_array_mut().unwrap() {
        if let Some(vm) = filter.pointer_mut("/typed_config/config/vm_config/vm_id") {
            *vm = json!(name);
        }
    }
    for cluster in root["static_resources"]["clusters"].as_array_mut().unwrap() {
        // Responses with trailers are among what is tested.
        cluster["typed_extension_protocol_options"] = json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}},
                // A server of one test may close a connection just when Envoy takes it for the request of another.
                "common_http_protocol_options": {"max_requests_per_connection": 1},
            },
        });
    }
    root
}

impl Rig {
    async fn start() -> Self {
        let (wasm, binary) = tokio::task::spawn_blocking(|| (wasm(), binary())).await.unwrap();
        let upstream = Upstream::start().await;
        let mut bootstrap: Option<Value> = None;
        for site in Site::ALL {
            for mode in Mode::ALL {
                let mut rendering = rendering(&site.policy(), mode, upstream.address, &wasm);
                rendering.jwt = site.jwt();
                rendering.buffer_bytes = site.buffer_bytes();
                let mut root = named(&rendering, &site.listener(mode));
                match &mut bootstrap {
                    None => bootstrap = Some(root),
                    Some(all) => {
                        let listener = root["static_resources"]["listeners"][0].take();
                        all["static_resources"]["listeners"].as_array_mut().unwrap().push(listener);
                    }
                }
            }
        }
        let envoy = Envoy::start(&binary, bootstrap.unwrap(), &Options::default()).await;
        let envoy = envoy.unwrap_or_else(|error| give_up(&error.to_string()));
        let end = end_with_us(envoy.pid());
        let mut lines = envoy.follow_log();
        let log = envoy.log().clone();
        tokio::spawn(async move {
            while lines.next().await.is_some() {}
            give_up(&format!("Envoy has ended by itself; the last lines of its log:\n{}", log.tail(60)));
        });
        Self { envoy, upstream, _end: end }
    }

    /// Where clients of a site connect.
    pub fn address(&self, site: Site, mode: Mode) -> SocketAddr {
        let name = site.listener(mode);
        self.envoy.listener(&name).unwrap_or_else(|| panic!("no listener {name}"))
    }

    /// Envoy's statistics as they are now.
    pub async fn stats(&self) -> Stats {
        self.envoy.stats().await.unwrap()
    }

    /// No VM was ever replaced: nothing that any test sent so far made the filter trap.
    pub async fn assert_no_trap(&self) {
        let stats = self.stats().await;
        let reloads: Vec<_> = stats.with_prefix("wasm.").filter(|(name, _)| name.contains("reload")).collect();
        assert!(reloads.iter().all(|(_, count)| *count == 0), "{reloads:?}");
    }
}
