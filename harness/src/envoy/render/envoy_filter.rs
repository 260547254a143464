//! `render istio`: an EnvoyFilter, the one form in which Istio lets a filter hold headers.

use serde_json::{Value, json};
use tidegate_filter::policy::LogLevel;

use super::{Mesh, ModuleError, Proxies, held_bytes, plugin_configuration, set, wasm};

const MANAGER: &str = "envoy.filters.network.http_connection_manager";
const ROUTER: &str = "envoy.filters.http.router";
const WASM_TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// What istio-agent puts in the place of a filter whose module it cannot fetch: one that refuses everything.
const RBAC_TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

impl Mesh {
    /// An EnvoyFilter that puts the filter, in hold mode, before the router, and raises the buffer limit of the governed
    /// routes to what the policy lets the filter hold.
    ///
    /// A module that has to be fetched is a configuration of its own (ECDS), because istio-agent fetches for those
    /// alone.
    ///
    /// # Errors
    /// A module that has to be fetched has no digest.
    pub fn envoy_filter(&self) -> Result<Value, ModuleError> {
        // Istio's proxies log warnings, and would hide an audit log at `info`.
        let configuration = plugin_configuration(&self.policy, true, LogLevel::Warn);
        let mut patches = Vec::new();
        let filter = match self.module.file() {
            Some(path) => {
                let code = json!({"local": {"filename": path}});
                json!({"name": self.name, "typed_config": wasm(&self.name, &code, true, &configuration, &self.policy)})
            }
            None => {
                let digest = self.module.sha256();
                let digest = digest.ok_or_else(|| ModuleError::NoDigest(self.module.url().to_owned()))?;
                let code = json!({"remote": {
                    // Envoy demands a cluster; istio-agent has put a local file here before Envoy sees it.
                    "http_uri": {"uri": self.module.url(), "timeout": "30s", "cluster": "_"},
                    "sha256": digest,
                }});
                let extension = json!({
                    "name": self.name,
                    "typed_config": wasm(&self.name, &code, true, &configuration, &self.policy),
                });
                patches.push(self.patch("EXTENSION_CONFIG", "ADD", None, &extension));
                json!({"name": self.name, "config_discovery": {
                    // Zero waits for the module: nothing passes before the filter is there.
                    "config_source": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
                    "type_urls": [WASM_TYPE, RBAC_TYPE],
                }})
            }
        };
        let mut listener = json!({"filterChain": {"filter": {"name": MANAGER, "subFilter": {"name": ROUTER}}}});
        if let Some(port) = self.port {
            set(&mut listener, "portNumber", json!(port));
        }
        patches.push(self.patch("HTTP_FILTER", "INSERT_BEFORE", Some(("listener", listener)), &filter));
        // A gateway's routes are for its servers' ports and not for those that it listens on.
        let port = self.port.filter(|_| self.proxies == Proxies::Sidecars);
        let routes = port.map(|port| ("routeConfiguration", json!({"portNumber": port})));
        let limit = json!({"request_body_buffer_limit": held_bytes(&self.policy)});
        patches.push(self.patch("HTTP_ROUTE", "MERGE", routes, &limit));
        Ok(json!({
            "apiVersion": "networking.istio.io/v1alpha3",
            "kind": "EnvoyFilter",
            "metadata": self.metadata(),
            "spec": {"workloadSelector": {"labels": self.selector}, "configPatches": patches},
        }))
    }

    fn patch(&self, target: &str, operation: &str, part: Option<(&str, Value)>, value: &Value) -> Value {
        let context = match self.proxies {
            Proxies::Sidecars => "SIDECAR_INBOUND",
            Proxies::Gateways => "GATEWAY",
        };
        let mut wanted = json!({"context": context});
        if let Some((key, part)) = part {
            set(&mut wanted, key, part);
        }
        json!({"applyTo": target, "match": wanted, "patch": {"operation": operation, "value": value}})
    }
}
