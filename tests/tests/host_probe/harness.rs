//! Scripts in the harness.

use tidegate::host::{FailurePolicy, Message, Module, Options, Properties, Protocol, Released, Side, Stream, Vm};

use super::script::{Outcome, Progress, Script, Seen, Step, telling};

/// The plugin instances of `envoy.rs`, by the same names.
pub(crate) fn options(plugin: &str) -> Options {
    let metadata = serde_json::json!({
        "text": "a text", "number": 1.5, "flag": true, "list": ["a", 2, "c\u{e9}"], "map": {"k": "v"}, "empty": ""
    });
    let mut properties = Properties::new()
        .with("metadata/filter_metadata/probe", metadata)
        .with("xds/route_metadata/filter_metadata/tidegate/policy", "strict")
        .with("xds/route_name", "the-route")
        .with("connection/mtls", false);
    properties.set("xds/cluster_name", "upstream");
    Options {
        configuration: b"the configuration".to_vec(),
        plugin_name: "probe".to_owned(),
        vm_id: plugin.to_owned(),
        hold_flag: plugin.starts_with("hold"),
        failure_policy: if plugin == "reload" { FailurePolicy::FailReload } else { FailurePolicy::FailClosed },
        buffer_limit: if plugin.ends_with("limit") { super::LIMIT } else { 1 << 20 },
        properties,
        clusters: vec!["upstream".to_owned(), "upstream2".to_owned()],
        ..Options::default()
    }
}

pub(crate) fn start(module: &Module, plugin: &str) -> Vm {
    Vm::start(module, options(plugin)).unwrap()
}

fn play(stream: &Stream, step: &Step) {
    let pairs = |headers: &[(String, Vec<u8>)]| headers.to_vec();
    match step {
        Step::Request(headers, end) => {
            let mut headers = pairs(headers);
            headers.push(("x-forwarded-proto".to_owned(), b"http".to_vec()));
            stream.request_headers(headers, *end)
        }
        Step::RequestBody(bytes, end) => stream.request_body(bytes, *end),
        Step::RequestTrailers(trailers) => stream.request_trailers(pairs(trailers)),
        Step::Response(headers, end) => stream.response_headers(pairs(headers), *end),
        Step::ResponseBody(bytes, end) => stream.response_body(bytes, *end),
        Step::ResponseTrailers(trailers) => stream.response_trailers(pairs(trailers)),
        Step::ClientGone => stream.client_gone(),
        Step::ServerGone => stream.server_gone(),
    };
}

fn seen(message: &Message) -> Seen {
    Seen {
        headers: message.headers.as_ref().map(|headers| telling(headers.iter())),
        body: message.body.clone(),
        trailers: message.trailers.as_ref().map(|trailers| telling(trailers.iter())),
        ended: message.ended,
        cut: message.reset,
    }
}

/// Over HTTP/1.1 a body is complete once it has its announced length, whatever becomes of the connection.
fn has_its_length(protocol: Protocol, message: &Message) -> bool {
    let announced = message.headers.as_ref().and_then(|headers| headers.text("content-length")?.parse().ok());
    protocol == Protocol::Http1 && announced == Some(message.body.len())
}

fn upstream(script: &Script, stream: &Stream) -> Seen {
    let message = stream.upstream();
    let mut seen = seen(&message);
    seen.ended |= has_its_length(script.upstream, &message);
    seen
}

fn downstream(script: &Script, stream: &Stream) -> Seen {
    let message = stream.downstream();
    let mut seen = seen(&message);
    if has_its_length(script.downstream, &message) {
        (seen.ended, seen.cut) = (true, false);
    }
    // Envoy's HTTP/1.1 codec gives a response without a body a length.
    let bare =
        |what: &Released| matches!(what, Released::Headers(headers, true) if headers.get("content-length").is_none());
    if script.downstream == Protocol::Http1
        && message.status() != Some(204)
        && stream.events().iter().any(|event| event.side == Side::Downstream && bare(&event.what))
        && let Some(headers) = &mut seen.headers
    {
        headers.push("content-length: 0".to_owned());
        headers.sort();
    }
    seen
}

/// Runs a script. A stream that is open at its end is left so until the outcome is read.
pub(crate) fn run(vm: &Vm, script: &Script) -> Outcome {
    vm.take_logs();
    let stream = vm.stream_between(script.downstream, script.upstream);
    if script.upstream == Protocol::Http2 {
        stream.set_property("xds/cluster_name", "upstream2");
    }
    let prefix = format!("{} ", script.name);
    let lines = || -> Vec<String> {
        vm.logs().iter().filter_map(|line| line.text.strip_prefix(&prefix).map(str::to_owned)).collect()
    };
    let mut after_step = Vec::new();
    for step in &script.steps {
        play(&stream, step);
        let (upstream, downstream) = (upstream(script, &stream), downstream(script, &stream));
        after_step.push(Progress { lines: lines().len(), upstream, downstream });
    }
    let (upstream, downstream) = (upstream(script, &stream), downstream(script, &stream));
    stream.client_gone();
    Outcome { lines: lines(), after_step, upstream, downstream }
}
