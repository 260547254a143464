//! What the tests of rendered manifests share: schemas of CRDs, and a proxy that is governed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate::build::{self, Wasm};
use tidegate::envoy::audit::Event;
use tidegate::envoy::{Binary, Envoy, JwtProvider, Options, Rendering, Upstream};
use tidegate::report::progress::Lines;
use tidegate::sample::{Client, Era, Issuer, Principal, Reply, Server};

use crate::typed::{self, STARTER, code, stderr, tidegate};

pub(crate) const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) fn render(form: &str, arguments: &[&str]) -> Output {
    let policy: &[&str] = if arguments.contains(&"--policy") { &[] } else { &["--policy", STARTER] };
    tidegate(&[&["render", form][..], arguments, policy].concat())
}

pub(crate) fn manifest(form: &str, arguments: &[&str]) -> Value {
    let output = render(form, &[arguments, &["--format", "json"]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    typed::json(&output)
}

pub(crate) fn module() -> &'static Path {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE.get_or_init(|| build::build(&Wasm::filter(), &Lines).unwrap().path)
}

pub(crate) fn binary() -> &'static Binary {
    static BINARY: OnceLock<Binary> = OnceLock::new();
    BINARY.get_or_init(|| Binary::find(&Lines).unwrap())
}

/// What the API server has against a manifest; `schema` is what `crds/extract.py` made of the CRD.
pub(crate) fn faults(schema: &str, manifest: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let mut faults = Vec::new();
    for key in ["apiVersion", "kind"] {
        if manifest[key] != schema[key] {
            faults.push(format!("{key} is {}", manifest[key]));
        }
    }
    let validator = jsonschema::draft7::new(&schema["spec"]).unwrap();
    faults.extend(validator.iter_errors(&manifest["spec"]).map(|error| error.to_string()));
    faults
}

/// A proxy as a control plane makes it where callers' tokens are verified, before any filter of ours is in it.
pub(crate) fn proxy(server: SocketAddr, issuer: &Issuer) -> Value {
    let mut rendering = Rendering::new("", "");
    rendering.hold = false;
    rendering.upstreams.push(Upstream::plain("mcp", server));
    rendering.jwt.push(JwtProvider { issuer: issuer.name().to_owned(), audiences: vec![], jwks: issuer.jwks() });
    let mut bootstrap = rendering.bootstrap();
    filters(&mut bootstrap).retain(|filter| filter["name"] != "tidegate");
    bootstrap["node"] = json!({"id": "sidecar", "cluster": "mcp-server"});
    bootstrap
}

pub(crate) fn manager(bootstrap: &mut Value) -> &mut Value {
    bootstrap.pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config").unwrap()
}

pub(crate) fn filters(bootstrap: &mut Value) -> &mut Vec<Value> {
    manager(bootstrap)["http_filters"].as_array_mut().unwrap()
}

pub(crate) fn before_the_router(bootstrap: &mut Value, filter: Value) {
    let filters = filters(bootstrap);
    let router = filters.iter().position(|it| it["name"] == "envoy.filters.http.router").unwrap();
    filters.insert(router, filter);
}

/// An allowed call, a refused one and a list, in both eras, at the log levels of a proxy of Istio. Says how many requests
/// the server saw of a refused call.
pub(crate) async fn assert_governs(bootstrap: Value, server: &Server, issuer: &Issuer) -> u64 {
    let options = Options { component_log_level: "misc:error".to_owned(), ..Options::default() };
    let envoy = Envoy::start(binary(), bootstrap, &options).await.unwrap();
    let url = format!("http://{}/mcp/billing", envoy.listener("mcp").unwrap());
    let ada = Principal { subject: "ada", team: "finance", groups: &[] };
    let token = issuer.token(&ada, "https://mcp.example.com");
    for era in Era::ALL {
        let client = Client::connect(&url, Some(&token), era).await.unwrap();
        let tools = client.list_tools().await.unwrap();
        assert_eq!(tools, ["list_customers", "get_customer", "search_invoices"], "{era}");
        let refused = client.call("delete_customer", Map::new()).await;
        assert_eq!(refused.denial().unwrap()["reason"], "tool_not_allowed", "{era}: {refused:?}");
        let allowed = client.call("list_customers", Map::new()).await;
        assert!(matches!(allowed, Reply::Result { is_error: false, .. }), "{era}: {allowed:?}");
        client.close().await;
    }
    let calls: Vec<String> = server.calls().into_iter().map(|it| it.tool).collect();
    assert_eq!(calls, ["list_customers"; 2], "what was refused did not run");
    let refusal = |line: &str| Event::from_log_line(line).is_some_and(|it| it.target() == Some("delete_customer"));
    envoy.wait_for_log(refusal, Duration::from_secs(30)).await.unwrap();
    Client::connect(&url, None, Era::Legacy).await.unwrap_err();

    // In the modern era a client sends nothing but what it is asked to.
    let client = Client::connect(&url, Some(&token), Era::Modern).await.unwrap();
    let before = envoy.stats().await.unwrap().number("cluster.mcp.upstream_rq_total");
    client.call("delete_customer", Map::new()).await;
    envoy.stats().await.unwrap().number("cluster.mcp.upstream_rq_total") - before
}
