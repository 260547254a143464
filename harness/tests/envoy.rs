//! The configuration that is rendered and shipped, in real Envoy with the real filter.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests state what must hold"
)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use tidegate::build::{self, Wasm};
use tidegate::envoy::{
    Binary, Codec, Envoy, EnvoyError, JwtProvider, Options, Rendering, Upstream, UpstreamError, to_yaml,
};
use tidegate::report::progress::Lines;
use tidegate::sample::{Client, Era, Issuer, Principal, Reply, Server};

const POLICY: &str = include_str!("../../policies/demo.json");
const ADA: Principal = Principal { subject: "ada", team: "finance", groups: &[] };

fn module() -> &'static Path {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE.get_or_init(|| build::build(&Wasm::filter(), &Lines).unwrap().path)
}

fn binary() -> &'static Binary {
    static BINARY: OnceLock<Binary> = OnceLock::new();
    BINARY.get_or_init(|| Binary::find(&Lines).unwrap())
}

fn nowhere() -> Upstream {
    Upstream::plain("mcp", SocketAddr::from(([127, 0, 0, 1], 9)))
}

fn rendering() -> Rendering {
    let mut rendering = Rendering::new(POLICY, module());
    rendering.upstreams.push(nowhere());
    rendering
}

#[tokio::test]
async fn every_rendering_is_one_that_envoy_accepts_as_json_and_as_yaml() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let mut everything = rendering();
    everything.hold = false;
    everything.codec = Codec::Http2;
    everything.http1_trailers = true;
    everything.buffer_bytes = Some(1 << 20);
    everything.jwt.push(JwtProvider {
        issuer: issuer.name().to_owned(),
        audiences: vec!["a".to_owned()],
        jwks: issuer.jwks(),
    });
    everything.upstreams =
        vec![Upstream { name: "h2".to_owned(), http2: true, ..Upstream::from_url("http://localhost:1/mcp").unwrap() }];
    match Upstream::from_url("https://mcp.example.com/mcp") {
        Ok(tls) => {
            assert!(tls.tls.as_ref().is_some_and(|it| it.0.is_file()), "{tls:?}");
            everything.upstreams.insert(0, Upstream { prefix: "/tls".to_owned(), name: "tls".to_owned(), ..tls });
        }
        Err(error) => assert!(matches!(error, UpstreamError::NoRoots(_)), "{error}"),
    }
    for rendering in [rendering(), everything] {
        let bootstrap = rendering.bootstrap();
        Envoy::validate(binary(), bootstrap.clone()).await.unwrap();
        Envoy::validate(binary(), to_yaml(&bootstrap).as_str()).await.unwrap();
    }
}

#[tokio::test]
async fn the_example_in_the_repository_is_valid() {
    let text = include_str!("../../envoy/envoy.yaml");
    assert_eq!(text.matches("/etc/envoy/tidegate.wasm        # CHANGE").count(), 1);
    let text = text.replace("/etc/envoy/tidegate.wasm        # CHANGE", &module().display().to_string());
    Envoy::validate(binary(), text.as_str()).await.unwrap();
}

#[tokio::test]
async fn a_policy_with_a_typo_is_refused_in_the_filters_words() {
    let mut rendering = rendering();
    rendering.policy = POLICY.replace("\"rules\"", "\"ruels\"");
    let refused = Envoy::validate(binary(), rendering.bootstrap()).await.unwrap_err();
    let EnvoyError::Refused(message) = refused else { panic!("{refused}") };
    assert!(message.contains("unknown key `ruels`"), "{message}");
    assert!(message.contains("did you mean `rules`"), "{message}");
    assert!(!message.contains("source/"), "Envoy's own noise:\n{message}");
    let refused = Envoy::start(binary(), rendering.bootstrap(), &Options::default()).await.unwrap_err();
    assert!(matches!(refused, EnvoyError::Refused(_)), "{refused}");
}

#[tokio::test]
async fn an_unknown_field_and_a_missing_module_are_refused_with_the_reason_alone() {
    let mut bootstrap = rendering().bootstrap();
    bootstrap["bogus"] = true.into();
    let message = Envoy::validate(binary(), bootstrap).await.unwrap_err().to_string();
    assert!(message.contains("no such field: 'bogus'") && !message.contains("tidegate-envoy-"), "{message}");

    let mut rendering = rendering();
    rendering.wasm = "/nonexistent/tidegate.wasm".into();
    let message = Envoy::start(binary(), rendering.bootstrap(), &Options::default()).await.unwrap_err().to_string();
    assert!(message.contains("/nonexistent/tidegate.wasm"), "{message}");
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut rendering = rendering();
    rendering.listen = taken.local_addr().unwrap();
    let refused = Envoy::start(binary(), rendering.bootstrap(), &Options::default()).await.unwrap_err();
    assert!(
        matches!(&refused, EnvoyError::AddressInUse(at) if at.contains(&rendering.listen.to_string())),
        "{refused}"
    );
}

/// The demo's sample behind Envoy; the policy trusts `issuer`.
async fn in_front_of(server: &Server, issuer: &Issuer) -> Envoy {
    let mut rendering = Rendering::new(POLICY, module());
    rendering.upstreams.push(Upstream::plain("mcp", server.address()));
    rendering.jwt.push(JwtProvider { issuer: issuer.name().to_owned(), audiences: vec![], jwks: issuer.jwks() });
    Envoy::start(binary(), rendering.bootstrap(), &Options::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_labels_and_audit_lines_are_found() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let envoy = in_front_of(&server, &issuer).await;
    let url = format!("http://{}/mcp/billing", envoy.listener("mcp").unwrap());
    let token = issuer.token(&ADA, "https://mcp.example.com");
    let client = Client::connect(&url, Some(&token), Era::Modern).await.unwrap();
    let reply = client.call("delete_customer", serde_json::Map::new()).await;
    assert_eq!(reply.denial().unwrap()["rule"], "no-deletes", "{reply:?}");
    assert!(matches!(
        client.call("list_customers", serde_json::Map::new()).await,
        Reply::Result { is_error: false, .. }
    ));
    client.close().await;
    let sre = Principal { subject: "sam", team: "platform", groups: &["sre"] };
    let token = issuer.token(&sre, "https://mcp.example.com");
    let url = format!("http://{}/mcp/platform", envoy.listener("mcp").unwrap());
    let client = Client::connect(&url, Some(&token), Era::Modern).await.unwrap();
    client.call("get_service_config", serde_json::Map::new()).await;
    client.close().await;

    let name = "wasmcustom.tidegate.decisions.verdict.deny.reason.denied_by_rule.server.billing";
    assert_eq!(envoy.stats().await.unwrap().number(name), 1);
    let metrics = envoy.prometheus().await.unwrap();
    let counter = metrics.lines().find(|it| it.starts_with("tidegate_decisions{") && it.contains("denied_by_rule"));
    let counter = counter.unwrap_or_else(|| panic!("no such metric in\n{metrics}"));
    for label in ["verdict=\"deny\"", "reason=\"denied_by_rule\"", "server=\"billing\""] {
        assert!(counter.contains(label), "{counter}");
    }
    let redacted =
        metrics.lines().find(|it| it.starts_with("tidegate_redactions{") && it.contains("aws-access-key-id"));
    let redacted = redacted.unwrap_or_else(|| panic!("no such metric in\n{metrics}"));
    for label in ["outcome=\"redacted\"", "detector=\"aws-access-key-id\"", "server=\"platform\""] {
        assert!(redacted.contains(label), "{redacted}");
    }
    let histogram = metrics.lines().find(|it| it.starts_with("tidegate_mcp_server_operation_duration_count"));
    assert!(histogram.is_some_and(|it| it.contains("server=\"billing\"")), "{histogram:?}");

    let calls: Vec<String> = server.calls().into_iter().map(|it| it.tool).collect();
    assert_eq!(calls, ["list_customers", "get_service_config"], "what was refused did not run");
    assert_eq!(server.calls()[0].subject.as_deref(), Some("ada"));
    let log = envoy.stop().await.unwrap();
    let lines = log.lines();
    let events = tidegate::envoy::audit::Event::from_log(lines.iter().map(AsRef::as_ref));
    let refused = events.iter().find(|it| it.target() == Some("delete_customer")).unwrap();
    assert_eq!((refused.text("verdict"), refused.subject()), (Some("deny"), Some("ada")));
}

/// With one key two Envoys write the same placeholder; with none each has its own.
#[tokio::test(flavor = "multi_thread")]
async fn placeholders_depend_on_the_key_of_the_environment() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let sre = Principal { subject: "sam", team: "platform", groups: &["sre"] };
    let token = issuer.token(&sre, "https://mcp.example.com");
    let keyed = format!(r#"{{"host":{{"keys":{{"redaction":{{"env":"REDACTION_KEY"}}}}}},"layers":[{POLICY}]}}"#);
    let rendering = || {
        let mut rendering = Rendering::new(keyed.clone(), module());
        rendering.upstreams.push(Upstream::plain("mcp", server.address()));
        rendering.jwt.push(JwtProvider { issuer: issuer.name().to_owned(), audiences: vec![], jwks: issuer.jwks() });
        rendering
    };
    let with_key =
        |key: &str| Options { variables: vec![("REDACTION_KEY".to_owned(), key.to_owned())], ..Options::default() };
    let mut seen = Vec::new();
    for key in ["0123456789abcdef0", "0123456789abcdef0", "0123456789abcdef1"] {
        let envoy = Envoy::start(binary(), rendering().bootstrap(), &with_key(key)).await.unwrap();
        let url = format!("http://{}/mcp/platform", envoy.listener("mcp").unwrap());
        let client = Client::connect(&url, Some(&token), Era::Modern).await.unwrap();
        let reply = client.call("get_service_config", serde_json::Map::new()).await;
        client.close().await;
        let Reply::Result { structured: Some(structured), .. } = reply else { panic!("{reply:?}") };
        seen.push(structured["values"]["AWS_SECRET_ACCESS_KEY"].clone());
    }
    assert!(seen[0].as_str().unwrap().starts_with("[redacted:aws-secret-access-key:"), "{seen:?}");
    assert!(seen[0] == seen[1] && seen[0] != seen[2], "{seen:?}");

    let refused = Envoy::start(binary(), rendering().bootstrap(), &with_key("short")).await.unwrap_err();
    let EnvoyError::Refused(message) = refused else { panic!("{refused}") };
    assert!(message.contains("REDACTION_KEY") && message.contains("16 bytes"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_envoy_cannot_verify_opens_nothing() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let forger = Issuer::new("https://idp.example.com").unwrap();
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let envoy = in_front_of(&server, &issuer).await;
    let url = format!("http://{}/mcp/billing", envoy.listener("mcp").unwrap());
    let wrong_audience = issuer.token(&ADA, "https://other.example.com");
    for token in [forger.token(&ADA, "https://mcp.example.com"), wrong_audience] {
        for era in Era::ALL {
            Client::connect(&url, Some(&token), era).await.unwrap_err();
        }
    }
    assert_eq!(server.calls(), []);
}

#[tokio::test]
async fn waiting_for_a_line_ends_when_envoy_does() {
    let envoy = Envoy::start(binary(), rendering().bootstrap(), &Options::default()).await.unwrap();
    envoy.wait_for_log(|line| line.contains("starting workers"), Duration::from_secs(60)).await.unwrap();
    let log = envoy.stop().await.unwrap();
    let mut lines = log.follow();
    while lines.next().await.is_some() {}
}
