//! The servers behind Envoy: cluster and route of each.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{set, socket_address};

/// One server behind Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Cluster name.
    pub name: String,
    /// Requests whose path starts so are routed here.
    pub prefix: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Certificates to trust if the server speaks TLS.
    pub tls: Option<TrustedRoots>,
    /// Whether the server is spoken to in HTTP/2.
    pub http2: bool,
    /// The `host` header that the server shall see; `None` keeps the client's.
    pub authority: Option<String>,
    /// The path of the URL that the user gave.
    pub path: String,
}

/// A file of root certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedRoots(pub PathBuf);

/// Why a URL cannot be an upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// It is not a URL.
    #[error("`{0}` is not a URL: {1}; write it as http://localhost:3000/mcp")]
    NotUrl(String, String),
    /// It is of a scheme that no MCP server is reached by.
    #[error("`{0}` has the scheme `{1}`; an MCP server is reached by http or https")]
    Scheme(String, String),
    /// It carries something that has no place in a route.
    #[error("`{0}` has {1}, which Envoy would not send; leave it out")]
    Part(String, &'static str),
    /// There are no root certificates to check the server by.
    #[error("no root certificates found to verify `{0}`; install ca-certificates")]
    NoRoots(String),
}

impl Upstream {
    /// A server on plain HTTP/1.1, reached by every path.
    pub fn plain(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            prefix: "/".to_owned(),
            host: address.ip().to_string(),
            port: address.port(),
            tls: None,
            http2: false,
            authority: None,
            path: "/".to_owned(),
        }
    }

    /// The server of a URL. Paths are not rewritten: a client that used `http://server/mcp` uses `/mcp` on Envoy.
    pub fn from_url(text: &str) -> Result<Self, UpstreamError> {
        let given = text.to_owned();
        let url = reqwest::Url::parse(text).map_err(|error| UpstreamError::NotUrl(given.clone(), error.to_string()))?;
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(UpstreamError::Scheme(given, other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UpstreamError::Part(given, "a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UpstreamError::Part(given, "a query or fragment"));
        }
        let host = url.host_str().unwrap_or_default();
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let tls = match (https, system_roots()) {
            (false, _) => None,
            (true, Some(roots)) => Some(TrustedRoots(roots)),
            (true, None) => return Err(UpstreamError::NoRoots(given)),
        };
        Ok(Self {
            name: "mcp".to_owned(),
            prefix: "/".to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            tls,
            http2: false,
            authority: Some(authority),
            path: url.path().to_owned(),
        })
    }

    pub(super) fn route(&self, buffer_bytes: Option<u64>) -> Value {
        // No route timeout: an SSE answer lasts as long as the call does.
        let mut action = json!({"cluster": self.name, "timeout": "0s"});
        let mut route = json!({"match": {"prefix": self.prefix}});
        if let Some(authority) = &self.authority {
            set(&mut action, "host_rewrite_literal", json!(authority));
        }
        set(&mut route, "route", action);
        if let Some(bytes) = buffer_bytes {
            set(&mut route, "request_body_buffer_limit", json!(bytes));
        }
        route
    }

    pub(super) fn cluster(&self) -> Value {
        let is_address = self.host.parse::<std::net::IpAddr>().is_ok();
        let endpoint = json!({"endpoint": {"address": socket_address(&self.host, self.port)}});
        let mut cluster = json!({
            "name": self.name,
            "connect_timeout": "5s",
            "type": if is_address { "STATIC" } else { "STRICT_DNS" },
            "load_assignment": {"cluster_name": self.name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        });
        if !is_address {
            set(&mut cluster, "dns_lookup_family", json!("ALL"));
        }
        if let Some(TrustedRoots(roots)) = &self.tls {
            let mut validation = json!({"trusted_ca": {"filename": roots}});
            let san = if is_address { "IP_ADDRESS" } else { "DNS" };
            set(
                &mut validation,
                "match_typed_subject_alt_names",
                json!([{"san_type": san, "matcher": {"exact": self.host}}]),
            );
            let mut context = json!({
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {"validation_context": validation},
            });
            if !is_address {
                set(&mut context, "sni", json!(self.host));
            }
            let socket = json!({"name": "envoy.transport_sockets.tls", "typed_config": context});
            set(&mut cluster, "transport_socket", socket);
        }
        if self.http2 {
            let options = json!({
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            });
            set(
                &mut cluster,
                "typed_extension_protocol_options",
                json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}),
            );
        }
        cluster
    }
}

fn system_roots() -> Option<PathBuf> {
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_upstreams() {
        let upstream = Upstream::from_url("http://localhost:3000/mcp").unwrap();
        assert_eq!((upstream.host.as_str(), upstream.port), ("localhost", 3000));
        assert_eq!(upstream.authority.as_deref(), Some("localhost:3000"));
        assert_eq!(upstream.path, "/mcp");
        assert_eq!(upstream.cluster()["type"], "STRICT_DNS");
        let v6 = Upstream::from_url("http://[::1]:80/").unwrap();
        assert_eq!(v6.host, "::1");
        assert_eq!(v6.cluster()["type"], "STATIC");
    }

    #[test]
    fn https_is_verified_against_the_host() {
        let mut upstream = Upstream::plain("mcp", SocketAddr::from(([127, 0, 0, 1], 443)));
        upstream.host = "mcp.example.com".to_owned();
        upstream.tls = Some(TrustedRoots("/roots.pem".into()));
        let cluster = upstream.cluster();
        let context = &cluster["transport_socket"]["typed_config"];
        assert_eq!(context["sni"], "mcp.example.com");
        let validation = &context["common_tls_context"]["validation_context"];
        assert_eq!(validation["trusted_ca"]["filename"], "/roots.pem");
        assert_eq!(validation["match_typed_subject_alt_names"][0]["matcher"]["exact"], "mcp.example.com");
    }

    #[test]
    fn what_cannot_be_an_upstream_says_why() {
        let error = |text: &str| Upstream::from_url(text).unwrap_err().to_string();
        assert!(error("localhost:3000").contains("scheme `localhost`"), "{}", error("localhost:3000"));
        assert!(error("nonsense").contains("is not a URL"));
        assert!(error("ftp://x/").contains("http or https"));
        assert!(error("http://user:secret@x/").contains("user name"));
        assert!(error("http://x/?a=b").contains("query"));
    }
}
