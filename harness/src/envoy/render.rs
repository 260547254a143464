//! The Envoy configuration around the filter: one renderer for `demo`, `up`, `render envoy` and the tests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tidegate_filter::policy;

/// Name of the listener in the rendered configuration.
const LISTENER: &str = "mcp";

/// Everything that the rendered configuration depends on.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The policy document as its author wrote it. It is inlined verbatim.
    pub policy: String,
    /// Path of the `.wasm`, as Envoy will open it.
    pub wasm: PathBuf,
    /// Hold mode: headers wait until the body is judged, so a refused call never touches the server.
    pub hold: bool,
    /// Where clients connect; port 0 lets the operating system choose.
    pub listen: SocketAddr,
    /// Where Envoy's own admin endpoint listens.
    pub admin: SocketAddr,
    /// The MCP servers behind Envoy, most specific path prefix first.
    pub upstreams: Vec<Upstream>,
    /// Issuers whose JWTs Envoy verifies before the filter looks at them.
    pub jwt: Vec<JwtProvider>,
    /// The protocol that clients speak.
    pub codec: Codec,
    /// Whether trailers of HTTP/1.1 messages are taken (those of HTTP/2 always are).
    pub http1_trailers: bool,
    /// Buffer limit of connections and held bodies in bytes; `None` follows the policy's limits in hold mode and is
    /// Envoy's own (1 MiB) without.
    pub buffer_bytes: Option<u64>,
    /// Transport socket of the listener, for TLS.
    pub listener_tls: Option<Value>,
    /// Whether the filter's metric names are split into Prometheus labels.
    pub stats_tags: bool,
}

/// The protocol on Envoy's client side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// What the connection starts with decides.
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without TLS by prior knowledge.
    Http2,
}

/// One issuer of JWTs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtProvider {
    /// The `iss` claim, compared exactly.
    pub issuer: String,
    /// The `aud` claims of which one must be there; empty: any.
    pub audiences: Vec<String>,
    /// The issuer's keys, a JWKS document as text.
    pub jwks: String,
}

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

    fn route(&self, buffer_bytes: Option<u64>) -> Value {
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

    fn cluster(&self) -> Value {
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

impl Rendering {
    /// Hold mode on a free port of the loopback address, with the rest at its defaults and no upstream yet.
    pub fn new(policy: impl Into<String>, wasm: impl AsRef<Path>) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            policy: policy.into(),
            wasm: wasm.as_ref().to_owned(),
            hold: true,
            listen: loopback,
            admin: loopback,
            upstreams: Vec::new(),
            jwt: Vec::new(),
            codec: Codec::Auto,
            http1_trailers: false,
            buffer_bytes: None,
            listener_tls: None,
            stats_tags: true,
        }
    }

    /// The plugin's configuration: the host's settings and the policy as the one layer.
    pub fn plugin_configuration(&self) -> String {
        // The policy is spliced in as text: what the filter's errors point at is what its author wrote.
        format!("{{\"host\":{{\"hold_headers\":{}}},\"layers\":[{}]}}", self.hold, self.policy.trim())
    }

    /// The complete bootstrap configuration.
    pub fn bootstrap(&self) -> Value {
        let mut root = json!({
            "admin": {"address": socket_address(&self.admin.ip().to_string(), self.admin.port())},
            "static_resources": {
                "listeners": [self.listener()],
                "clusters": self.upstreams.iter().map(Upstream::cluster).collect::<Vec<_>>(),
            },
        });
        if self.stats_tags {
            set(&mut root, "stats_config", stats_config());
        }
        root
    }

    fn buffer_limit(&self) -> Option<u64> {
        self.buffer_bytes.or_else(|| self.hold.then(|| held_bytes(&self.policy)))
    }

    fn listener(&self) -> Value {
        let chain = json!({"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": self.connection_manager(),
        }]});
        let mut listener = json!({
            "name": LISTENER,
            "address": socket_address(&self.listen.ip().to_string(), self.listen.port()),
            "filter_chains": [chain],
        });
        if let Some(bytes) = self.buffer_limit() {
            set(&mut listener, "per_connection_buffer_limit_bytes", json!(bytes));
        }
        if let Some(chain) = listener.pointer_mut("/filter_chains/0")
            && let Some(tls) = &self.listener_tls
        {
            set(chain, "transport_socket", tls.clone());
        }
        listener
    }

    fn connection_manager(&self) -> Value {
        let routes: Vec<Value> = self.upstreams.iter().map(|it| it.route(self.buffer_limit())).collect();
        let mut filters = Vec::new();
        if !self.jwt.is_empty() {
            filters.push(self.jwt_authn());
        }
        filters.push(self.wasm_filter());
        filters.push(json!({
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }));
        let mut manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": LISTENER,
            "codec_type": match self.codec { Codec::Auto => "AUTO", Codec::Http1 => "HTTP1", Codec::Http2 => "HTTP2" },
            "use_remote_address": true,
            // The filter refuses paths that two parsers may read differently, so it must see them as they came.
            "normalize_path": false,
            "merge_slashes": false,
            "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
            // A GET stream may be silent for long; a request must arrive whole within a minute.
            "stream_idle_timeout": "3600s",
            "request_headers_timeout": "10s",
            "request_timeout": "60s",
            "route_config": {"virtual_hosts": [{"name": "mcp", "domains": ["*"], "routes": routes}]},
            "http_filters": filters,
        });
        if self.http1_trailers {
            set(&mut manager, "http_protocol_options", json!({"enable_trailers": true}));
        }
        manager
    }

    /// The filter's own entry in `http_filters`.
    pub fn wasm_filter(&self) -> Value {
        let mut plugin = json!({
            "name": "tidegate",
            // A VM of its own: a trap in another filter does not end this one.
            "vm_config": {
                "vm_id": "tidegate",
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": self.wasm}},
            },
            // A Struct would arrive as protobuf bytes.
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": self.plugin_configuration(),
            },
            "failure_policy": "FAIL_RELOAD",
        });
        if self.hold {
            set(&mut plugin, "allow_on_headers_stop_iteration", json!(true));
        }
        json!({
            "name": "tidegate",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": plugin},
        })
    }

    fn jwt_authn(&self) -> Value {
        let mut providers = Map::new();
        let mut requirements = Vec::new();
        for (index, provider) in self.jwt.iter().enumerate() {
            let name = format!("provider-{index}");
            let mut entry = json!({
                "issuer": provider.issuer,
                "local_jwks": {"inline_string": provider.jwks},
                "payload_in_metadata": "payload",
                "forward": true,
            });
            if !provider.audiences.is_empty() {
                set(&mut entry, "audiences", json!(provider.audiences));
            }
            requirements.push(json!({"provider_name": name}));
            providers.insert(name, entry);
        }
        // No token at all is the filter's to judge (`identity.anonymous`); a bad one is refused here.
        requirements.push(json!({"allow_missing": {}}));
        let rule = json!({"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": requirements}}});
        json!({
            "name": "envoy.filters.http.jwt_authn",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
                "providers": providers,
                "rules": [rule],
            },
        })
    }
}

/// Twice the largest message that the policy lets the filter hold: Envoy checks its limit when data is added to what is
/// already held, and its refusal would be a bare 413 instead of the filter's answer.
fn held_bytes(policy: &str) -> u64 {
    // What does not compile is for Envoy and the filter to refuse; any limit does until then.
    let limits = policy::compile(policy.as_bytes()).map(|it| it.configuration.policy.limits).unwrap_or_default();
    let largest = limits.request_bytes.max(limits.list_bytes).max(limits.event_bytes);
    // The field is a 32-bit number of bytes.
    u64::try_from(largest).unwrap_or(u64::MAX).saturating_mul(2).min(u64::from(u32::MAX))
}

/// Envoy's wasm metrics have no labels; these expressions cut them out of the name again.
fn stats_config() -> Value {
    json!({"stats_tags": [
        {"tag_name": "verdict", "regex": r"^wasmcustom\.tidegate\.decisions(\.verdict\.([a-z_]+))\.reason\."},
        {"tag_name": "reason", "regex": r"^wasmcustom\.tidegate\.decisions\.verdict\.[a-z_]+(\.reason\.([a-z_]+))\.server\."},
        {"tag_name": "server", "regex": r"^wasmcustom\.tidegate\..*?(\.server\.(.+))$"},
    ]})
}

fn socket_address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
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

    #[test]
    fn the_policy_is_inlined_as_written_and_the_mode_beside_it() {
        let policy = "{\n  \"version\": \"tidegate/v1\",\n  \"name\": \"x\"\n}\n";
        let mut rendering = Rendering::new(policy, "t.wasm");
        assert_eq!(
            rendering.plugin_configuration(),
            format!("{{\"host\":{{\"hold_headers\":true}},\"layers\":[{}]}}", policy.trim())
        );
        assert_eq!(rendering.wasm_filter()["typed_config"]["config"]["allow_on_headers_stop_iteration"], true);
        rendering.hold = false;
        assert!(rendering.plugin_configuration().starts_with("{\"host\":{\"hold_headers\":false}"));
        let config = &rendering.wasm_filter()["typed_config"]["config"];
        assert!(config.get("allow_on_headers_stop_iteration").is_none());
        assert_eq!(config["failure_policy"], "FAIL_RELOAD");
    }

    #[test]
    fn held_bodies_fit_twice() {
        let policy = |limits: &str| {
            format!(
                r#"{{"version": "tidegate/v1", "name": "p", "identity": {{"sources": [{{"spiffe": {{}}}}]}},
                "servers": [{{"name": "s", "match": {{"path": "/"}}}}],
                "rules": [{{"id": "r", "allow": {{"tools": ["*"]}}}}], "limits": {limits}}}"#
            )
        };
        assert_eq!(held_bytes(&policy("{}")), 8 << 20);
        assert_eq!(held_bytes(&policy(r#"{"request_bytes": 10485760.0, "event_bytes": 65536}"#)), 20 << 20);
        assert_eq!(held_bytes("no policy"), 8 << 20);
        let mut rendering = Rendering::new(policy(r#"{"list_bytes": 8388608}"#), "t.wasm");
        assert_eq!(rendering.listener()["per_connection_buffer_limit_bytes"], 16 << 20);
        rendering.hold = false;
        assert!(rendering.listener().get("per_connection_buffer_limit_bytes").is_none(), "Envoy's own");
    }
}
