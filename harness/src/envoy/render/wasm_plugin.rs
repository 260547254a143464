//! `render istio-wasmplugin`: a WasmPlugin, which cannot hold headers.

use serde_json::{Value, json};

use tidegate_filter::policy::LogLevel;

use super::{Mesh, Proxies, host_settings, key_variable, policy_text, set};

impl Mesh {
    /// A WasmPlugin that puts the filter behind `jwt_authn` and before Istio's authorization.
    ///
    /// # Errors
    /// The policy is no JSON.
    pub fn wasm_plugin(&self) -> Result<Value, serde_json::Error> {
        let policy: Value = serde_json::from_str(policy_text(&self.policy))?;
        let mut traffic = json!({"mode": match self.proxies {
            Proxies::Sidecars => "SERVER",
            // Istio counts a gateway among the clients.
            Proxies::Gateways => "CLIENT",
        }});
        if let Some(port) = self.port {
            set(&mut traffic, "ports", json!([{"number": port}]));
        }
        let mut spec = json!({
            "selector": {"matchLabels": self.selector},
            "url": self.module.url(),
            "imagePullPolicy": "IfNotPresent",
            "pluginName": self.name,
            "phase": "AUTHZ",
            "failStrategy": "FAIL_RELOAD",
            "match": [traffic],
            // istiod hands it over as a string of JSON. Istio's proxies log warnings, and would hide an audit log at
            // `info`.
            "pluginConfig": {"host": host_settings(&self.policy, false, LogLevel::Warn), "layers": [policy]},
        });
        if let Some(key) = key_variable(&self.policy) {
            set(&mut spec, "vmConfig", json!({"env": [{"name": key, "valueFrom": "HOST"}]}));
        }
        if let Some(digest) = self.module.sha256() {
            set(&mut spec, "sha256", json!(digest));
        }
        if let Some(secret) = &self.pull_secret {
            set(&mut spec, "imagePullSecret", json!(secret));
        }
        Ok(json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "WasmPlugin",
            "metadata": self.metadata(),
            "spec": spec,
        }))
    }
}
