//! `render envoy`, `up`, `demo` and the tests: a complete bootstrap configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tidegate_filter::policy::LogLevel;

use super::{NAME, Upstream, held_bytes, plugin_configuration, set, socket_address, wasm};

/// Name of the listener in the rendered configuration.
const LISTENER: &str = "mcp";

/// Everything that the rendered configuration depends on.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The policy document as its author wrote it, which is inlined verbatim, or a plugin configuration with it: its
    /// `host` settings are kept, but for the header mode.
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
    /// Services that the filter itself asks, such as one that counts for a fleet. Nothing is routed there.
    pub services: Vec<Upstream>,
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
            services: Vec::new(),
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
        plugin_configuration(&self.policy, self.hold, LogLevel::Info)
    }

    /// The filter's own entry in `http_filters`.
    pub fn wasm_filter(&self) -> Value {
        let code = json!({"local": {"filename": self.wasm}});
        json!({"name": NAME, "typed_config": wasm(NAME, &code, self.hold, &self.plugin_configuration(), &self.policy)})
    }

    fn buffer_limit(&self) -> Option<u64> {
        self.buffer_bytes.or_else(|| self.hold.then(|| held_bytes(&self.policy)))
    }

    /// The complete bootstrap configuration.
    pub fn bootstrap(&self) -> Value {
        let mut root = json!({
            "admin": {"address": socket_address(&self.admin.ip().to_string(), self.admin.port())},
            "static_resources": {
                "listeners": [self.listener()],
                "clusters": self.upstreams.iter().chain(&self.services).map(Upstream::cluster).collect::<Vec<_>>(),
            },
        });
        if self.stats_tags {
            set(&mut root, "stats_config", stats_config());
        }
        root
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

/// Envoy's wasm metrics have no labels; these expressions cut them out of the name again.
fn stats_config() -> Value {
    json!({"stats_tags": [
        {"tag_name": "verdict", "regex": r"^wasmcustom\.tidegate\.decisions(\.verdict\.([a-z_]+))\.reason\."},
        {"tag_name": "reason", "regex": r"^wasmcustom\.tidegate\.decisions\.verdict\.[a-z_]+(\.reason\.([a-z_]+))\.server\."},
        {"tag_name": "outcome", "regex": r"^wasmcustom\.tidegate\.(?:redactions|quotas)(\.outcome\.([a-z_]+))\.(?:detector|quota)\."},
        {"tag_name": "detector", "regex": r"^wasmcustom\.tidegate\.redactions\.outcome\.[a-z_]+(\.detector\.([a-z0-9-]+))\.server\."},
        {"tag_name": "quota", "regex": r"^wasmcustom\.tidegate\.quotas\.outcome\.[a-z_]+(\.quota\.(.+))$"},
        {"tag_name": "kind", "regex": r"^wasmcustom\.tidegate\.cost_micro_usd(\.kind\.([a-z]+))\.tool\."},
        {"tag_name": "tool", "regex": r"^wasmcustom\.tidegate\.cost_micro_usd\..*?(\.tool\.([^.]+))\.team\."},
        {"tag_name": "team", "regex": r"^wasmcustom\.tidegate\.cost_micro_usd\..*?(\.team\.([^.]+))\.subject\."},
        {"tag_name": "subject", "regex": r"^wasmcustom\.tidegate\.cost_micro_usd\..*?(\.subject\.([^.]+))\.server\."},
        {"tag_name": "server", "regex": r"^wasmcustom\.tidegate\..*?(\.server\.(.+))$"},
    ]})
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_key_of_placeholders_reaches_the_vm_by_name() {
        let document = |host: &str| format!("{{\"host\": {host}, \"layers\": [ {{\"name\": \"x\"}} ]}}");
        let named = document(r#"{"keys": {"redaction": {"env": "REDACTION_KEY"}}, "hold_headers": false}"#);
        let rendering = Rendering::new(named, "t.wasm");
        let config = &rendering.wasm_filter()["typed_config"]["config"];
        assert_eq!(config["vm_config"]["environment_variables"], json!({"host_env_keys": ["REDACTION_KEY"]}));
        let configuration: Value = serde_json::from_str(&rendering.plugin_configuration()).unwrap();
        assert_eq!(configuration["host"]["keys"]["redaction"]["env"], "REDACTION_KEY");
        assert_eq!(
            (&configuration["host"]["hold_headers"], &configuration["layers"]),
            (&json!(true), &json!([{"name": "x"}]))
        );
        for other in [document("{}"), "{\"name\": \"x\"}".to_owned()] {
            let config = &Rendering::new(other, "t.wasm").wasm_filter()["typed_config"]["config"];
            assert!(config["vm_config"].get("environment_variables").is_none());
        }
    }

    #[test]
    fn the_listener_holds_what_the_policy_lets_it_hold() {
        let policy = r#"{"version": "tidegate/v1", "name": "p", "identity": {"sources": [{"spiffe": {}}]},
            "servers": [{"name": "s", "match": {"path": "/"}}],
            "rules": [{"id": "r", "allow": {"tools": ["*"]}}], "limits": {"list_bytes": 8388608}}"#;
        let mut rendering = Rendering::new(policy, "t.wasm");
        assert_eq!(rendering.listener()["per_connection_buffer_limit_bytes"], 16 << 20);
        rendering.hold = false;
        assert!(rendering.listener().get("per_connection_buffer_limit_bytes").is_none(), "Envoy's own");
    }
}
