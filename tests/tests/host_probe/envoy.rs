//! Scripts in real Envoy.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::build::{self, Wasm};
use tidegate::envoy::{Binary, Envoy, Follower, Options};
use tidegate::host::Protocol;
use tidegate::report::progress::Lines;
use tokio::time::timeout;

use super::peers::{Client, Server};
use super::script::{Outcome, Script, Step};

pub(crate) const PLUGINS: &[&str] = &["plain", "hold", "plain_limit", "hold_limit", "closed", "reload"];

/// How long an effect that the harness foretold may take before the two are found to differ.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same once they differ.
const IMPATIENCE: Duration = Duration::from_millis(200);

pub(crate) struct Running {
    envoy: Envoy,
    log: Follower,
    server: Server,
    lines: HashMap<String, Vec<String>>,
}

fn plugin(name: &str, wasm: &str) -> Value {
    let string = |text: &str| json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text});
    json!({"name": "wasm", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": "probe",
            "configuration": string("the configuration"),
            "failure_policy": if name == "reload" { "FAIL_RELOAD" } else { "FAIL_CLOSED" },
            "allow_on_headers_stop_iteration": name.starts_with("hold"),
            "vm_config": {"vm_id": name, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": wasm}}}
        }
    }})
}

fn listener(name: &str, wasm: &str) -> Value {
    let metadata = json!({
        "text": "a text", "number": 1.5, "flag": true, "list": ["a", 2, "c\u{e9}"], "map": {"k": "v"}, "empty": ""
    });
    let route = |prefix: &str, cluster: &str| {
        json!({
            "name": "the-route",
            "match": {"prefix": prefix},
            "metadata": {"filter_metadata": {"tidegate": {"policy": "strict"}}},
            "route": {"cluster": cluster, "timeout": "0s"}
        })
    };
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": "AUTO",
        "generate_request_id": false,
        "skip_xff_append": true,
        "server_header_transformation": "PASS_THROUGH",
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"], "routes": [route("/h1/", "upstream"), route("/h2/", "upstream2")]
        }]},
        "http_filters": [
            {"name": "metadata", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
                "metadata": [{"metadata_namespace": "probe", "value": metadata}]
            }},
            plugin(name, wasm),
            {"name": "router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                "suppress_envoy_headers": true
            }}
        ]
    });
    let mut listener = json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]
    });
    if name.ends_with("limit") {
        listener["per_connection_buffer_limit_bytes"] = json!(super::LIMIT);
    }
    listener
}

fn cluster(name: &str, port: u16, protocol: &str) -> Value {
    json!({
        "name": name,
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address":
            {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {protocol: {}}
        }}
    })
}

/// The probe, built once for all tests.
pub(crate) fn wasm() -> String {
    build::build(&Wasm::package("tidegate-probe"), &Lines).unwrap().path.display().to_string()
}

impl Running {
    pub(crate) async fn start() -> Self {
        let server = Server::start().await;
        let wasm = wasm();
        let bootstrap = json!({"static_resources": {
            "listeners": PLUGINS.iter().map(|name| listener(name, &wasm)).collect::<Vec<_>>(),
            "clusters": [
                cluster("upstream", server.port(Protocol::Http1), "http_protocol_options"),
                cluster("upstream2", server.port(Protocol::Http2), "http2_protocol_options")
            ]
        }});
        let binary = Binary::find(&Lines).unwrap();
        let envoy = Envoy::start(&binary, bootstrap, &Options::default()).await.unwrap();
        let log = envoy.follow_log();
        Self { envoy, log, server, lines: HashMap::new() }
    }

    /// Reads the log until the script has this many lines; false when patience ends before.
    async fn read_until(&mut self, script: &str, count: usize, patience: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + patience;
        while self.lines.get(script).map_or(0, Vec::len) < count {
            let Ok(Some(line)) = tokio::time::timeout_at(deadline, self.log.next()).await else { return false };
            self.keep(&line);
        }
        true
    }

    fn keep(&mut self, line: &str) {
        // A stream's line names plugin and VM, one of the root context the VM alone.
        let Some((_, rest)) = line.split_once("] wasm log ") else { return };
        let Some((names, text)) = rest.split_once(": ") else { return };
        let plugin = names.strip_prefix("probe ").unwrap_or(names);
        let Some((script, said)) = text.split_once(' ') else { return };
        let script = if script == "root" { format!("root {plugin}") } else { script.to_owned() };
        self.lines.entry(script).or_default().push(said.to_owned());
    }

    /// What the first VM of a plugin said while it started.
    pub(crate) async fn start_lines(&mut self, plugin: &str, count: usize) -> Vec<String> {
        let key = format!("root {plugin}");
        self.read_until(&key, count, PATIENCE).await;
        self.lines.get(&key).map(|lines| lines.iter().take(count).cloned().collect()).unwrap_or_default()
    }

    /// Runs a script step by step: each waits for the effects that it had in the harness.
    pub(crate) async fn run(&mut self, script: &Script, expected: &Outcome) -> Outcome {
        self.run_within(script, expected, PATIENCE).await
    }

    /// The same with another patience.
    pub(crate) async fn run_within(&mut self, script: &Script, expected: &Outcome, patience: Duration) -> Outcome {
        let mut patience = patience;
        self.server.expect();
        let (upstream, address) = (self.server.seen(), self.envoy.listener(script.plugin).unwrap());
        let mut client = Client::connect(address, script.downstream).await;
        let downstream = client.seen.clone();
        for (step, progress) in script.steps.iter().zip(&expected.after_step) {
            match step {
                Step::Request(headers, end) => client.request(headers, *end).await,
                Step::RequestBody(bytes, end) => client.body(bytes, *end),
                Step::RequestTrailers(trailers) => client.trailers(trailers),
                Step::Response(headers, end) => self.server.respond(headers, *end),
                Step::ResponseBody(bytes, end) => self.server.body(bytes, *end),
                Step::ResponseTrailers(trailers) => self.server.trailers(trailers),
                Step::ClientGone => client.leave(),
                Step::ServerGone => self.server.leave(),
            }
            let mut came = self.read_until(&script.name, progress.lines, patience).await;
            for (side, wanted) in [(&downstream, &progress.downstream), (&upstream, &progress.upstream)] {
                let wait = if came { patience } else { IMPATIENCE };
                came &= timeout(wait, side.until(|seen| seen == wanted)).await.is_ok();
            }
            if !came {
                patience = IMPATIENCE;
            }
        }
        let (upstream, downstream) = (upstream.now(), downstream.now());
        client.leave();
        self.read_until(&script.name, expected.lines.len(), patience).await;
        let lines = self.lines.get(&script.name).cloned().unwrap_or_default();
        Outcome { lines, after_step: expected.after_step.clone(), upstream, downstream }
    }
}
