//! A server that answers now: what it says of itself and lists. Nothing is called.

use std::fmt;

use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::ServiceError;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt as _};
use serde_json::Value;

use super::inventory::{Server, ServerKey, Tool};
use super::traffic::annotations;

/// A bearer token, which is never shown.
#[derive(Clone)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Why a server could not be listed, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveError(String);

impl fmt::Display for LiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LiveError {}

/// Where the server of a URL is. Only `http` URLs are: the client speaks no TLS.
///
/// # Errors
/// It is no such URL.
fn key(url: &str) -> Result<ServerKey, LiveError> {
    let uri: http::Uri = url.parse().map_err(|_| LiveError(format!("`{url}` is not a URL")))?;
    if uri.scheme_str() != Some("http") {
        let said = "is not an http:// URL; for https, forward a local port to the server, or record a capture";
        return Err(LiveError(format!("`{url}` {said}")));
    }
    let authority = uri.authority().ok_or_else(|| LiveError(format!("`{url}` names no host")))?;
    let path = uri.path().trim_end_matches('/');
    let path = if path.is_empty() { "/" } else { path };
    Ok(ServerKey { authority: authority.as_str().to_ascii_lowercase(), path: path.to_owned() })
}

/// Asks a server for its name and its lists, all pages, in the era that it speaks.
///
/// # Errors
/// The URL cannot be used, the server does not answer, or it does not speak MCP.
pub async fn list(url: &str, token: Option<&Token>) -> Result<(ServerKey, Server), LiveError> {
    let key = key(url)?;
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    config.auth_header = token.map(|it| it.0.clone());
    let transport = StreamableHttpClientTransport::with_client(reqwest::Client::new(), config);
    let info = ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new("tidegate-learn", env!("CARGO_PKG_VERSION")),
    );
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    };
    let started = info.serve_with_lifecycle(transport, lifecycle).await;
    let service = started.map_err(|error| LiveError(format!("{url} does not answer as an MCP server: {error}")))?;
    let peer = service.peer();
    let mut server = Server { is_live: true, ..Server::default() };
    let said = peer.peer_info().and_then(|info| serde_json::to_value(&*info).ok()).unwrap_or(Value::Null);
    let text = |pointer: &str| said.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    server.info = text("/serverInfo/name").map(|name| (name, text("/serverInfo/version").unwrap_or_default()));
    server.revisions.extend(text("/protocolVersion"));

    let failed = |what: &str, error: &ServiceError| LiveError(format!("{url} does not list its {what}: {error}"));
    for tool in offered(peer.list_all_tools().await).map_err(|error| failed("tools", &error))? {
        let value = serde_json::to_value(&tool).unwrap_or(Value::Null);
        let entry = Tool { listed: true, annotations: annotations(value.get("annotations")), ..Tool::default() };
        server.tools.insert(tool.name.into_owned(), entry);
    }
    let resources = offered(peer.list_all_resources().await).map_err(|error| failed("resources", &error))?;
    let templates =
        offered(peer.list_all_resource_templates().await).map_err(|error| failed("resource templates", &error))?;
    let prompts = offered(peer.list_all_prompts().await).map_err(|error| failed("prompts", &error))?;
    let named = |values: Vec<Value>, key: &str| -> Vec<String> {
        values.iter().filter_map(|it| it.get(key).and_then(Value::as_str)).map(str::to_owned).collect()
    };
    for uri in named(values(&resources), "uri").into_iter().chain(named(values(&templates), "uriTemplate")) {
        server.resources.entry(uri).or_default().listed = true;
    }
    for name in named(values(&prompts), "name") {
        server.prompts.entry(name).or_default().listed = true;
    }
    // A session that the server has already ended is as closed as one that ends now.
    let _ = service.cancel().await;
    Ok((key, server))
}

fn values<T: serde::Serialize>(list: &[T]) -> Vec<Value> {
    list.iter().filter_map(|it| serde_json::to_value(it).ok()).collect()
}

/// A list, empty if the server does not have such lists at all.
fn offered<T>(listed: Result<Vec<T>, ServiceError>) -> Result<Vec<T>, ServiceError> {
    match listed {
        // -32601, method not found.
        Err(ServiceError::McpError(error)) if error.code.0 == -32601 => Ok(Vec::new()),
        other => other,
    }
}
