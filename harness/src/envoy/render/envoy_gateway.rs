//! `render envoy-gateway`: an EnvoyExtensionPolicy, and an EnvoyPatchPolicy for what that cannot express.

use serde_json::{Value, json};
use tidegate_filter::policy::LogLevel;

use super::mesh::metadata;
use super::{Module, Target, held_bytes, host_settings, key_variable, plugin_configuration, policy_text, set};

const API: &str = "gateway.envoyproxy.io/v1alpha1";
const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";

/// Everything that manifests for Envoy Gateway depend on.
#[derive(Debug, Clone)]
pub struct GatewayExtension {
    /// The policy document as its author wrote it, or a plugin configuration with it.
    pub policy: String,
    /// Name of the manifests and of the plugin.
    pub name: String,
    /// Namespace of the manifests; `None` leaves it to `kubectl`.
    pub namespace: Option<String>,
    /// The routes or gateways that are governed.
    pub targets: Vec<Target>,
    /// The module.
    pub module: Module,
    /// The secret that opens the module's registry.
    pub pull_secret: Option<String>,
}

/// A listener of a Gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayListener {
    /// The Gateway's namespace.
    pub namespace: String,
    /// The Gateway.
    pub gateway: String,
    /// The listener's name in the Gateway.
    pub listener: String,
}

/// Why a module cannot be used with Envoy Gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Envoy Gateway fetches by HTTP or from a registry.
    #[error("Envoy Gateway cannot take a module from `{0}`; write oci://…, https://… or http://…")]
    Source(String),
    /// Only a registry is opened by a secret.
    #[error("`{0}` is fetched by HTTP, which takes no pull secret; use oci://… or leave --pull-secret out")]
    Secret(String),
    /// The policy is no JSON.
    #[error(transparent)]
    Policy(#[from] serde_json::Error),
}

impl GatewayExtension {
    /// The EnvoyExtensionPolicy. By itself it runs the filter without holding headers: the API has no field for it.
    ///
    /// # Errors
    /// The module is somewhere that Envoy Gateway does not fetch from, or the policy is no JSON.
    pub fn extension_policy(&self) -> Result<Value, GatewayError> {
        let policy: Value = serde_json::from_str(policy_text(&self.policy))?;
        let mut wasm = json!({
            "name": self.name,
            "code": self.code()?,
            // Envoy Gateway's Envoys log warnings, and would hide an audit log at `info`.
            "config": {"host": host_settings(&self.policy, false, LogLevel::Warn), "layers": [policy]},
            "failOpen": false,
        });
        if let Some(key) = key_variable(&self.policy) {
            set(&mut wasm, "env", json!({"hostKeys": [key]}));
        }
        let targets: Vec<Value> = self.targets.iter().map(Target::reference).collect();
        Ok(json!({
            "apiVersion": API,
            "kind": "EnvoyExtensionPolicy",
            "metadata": metadata(&self.name, self.namespace.as_deref()),
            "spec": {"targetRefs": targets, "wasm": [wasm]},
        }))
    }

    fn code(&self) -> Result<Value, GatewayError> {
        let url = self.module.url();
        let (kind, key, mut source) = match url.strip_prefix("oci://") {
            Some(image) => ("Image", "image", json!({"url": image})),
            None if self.module.file().is_some() => return Err(GatewayError::Source(url.to_owned())),
            None => ("HTTP", "http", json!({"url": url})),
        };
        if let Some(digest) = self.module.sha256() {
            set(&mut source, "sha256", json!(digest));
        }
        match (&self.pull_secret, kind) {
            (None, _) => {}
            (Some(secret), "Image") => set(&mut source, "pullSecretRef", json!({"name": secret})),
            (Some(_), _) => return Err(GatewayError::Secret(url.to_owned())),
        }
        Ok(json!({"type": kind, key: source, "pullPolicy": "IfNotPresent"}))
    }

    /// The EnvoyPatchPolicy for one listener, which puts the filter of the extension policy in `namespace` into hold mode
    /// there, lets a trapped VM be replaced and raises the buffer limit.
    ///
    /// The header mode stands in the patched configuration alone: where the patch is not applied, the filter does not
    /// hold, and no request waits for a flag that Envoy has not.
    pub fn patch_policy(&self, namespace: &str, listener: &GatewayListener) -> Value {
        let GatewayListener { namespace: home, gateway, listener: section } = listener;
        let filter = format!("envoy.filters.http.wasm/envoyextensionpolicy/{namespace}/{}/wasm/0", self.name);
        let configuration = plugin_configuration(&self.policy, true, LogLevel::Warn);
        let in_filter = |field: &str, value: Value| {
            let path = format!("$..http_filters[?(@.name=='{filter}')]");
            json!({"op": "add", "jsonPath": path, "path": format!("/typed_config/config/{field}"), "value": value})
        };
        let limit = json!(held_bytes(&self.policy));
        let operations = [
            // The flag comes before the configuration that needs it.
            in_filter("allow_on_headers_stop_iteration", json!(true)),
            in_filter("failure_policy", json!("FAIL_RELOAD")),
            in_filter(
                "configuration",
                json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration}),
            ),
            json!({"op": "add", "path": "/per_connection_buffer_limit_bytes", "value": limit}),
        ];
        // The name that Envoy Gateway gives a listener in xDS.
        let resource = format!("{home}/{gateway}/{section}");
        let patches: Vec<Value> =
            operations.iter().map(|it| json!({"type": LISTENER, "name": resource, "operation": it})).collect();
        json!({
            "apiVersion": API,
            "kind": "EnvoyPatchPolicy",
            "metadata": metadata(&format!("{}-{gateway}-{section}", self.name), Some(home)),
            "spec": {
                "targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway},
                "type": "JSONPatch",
                "jsonPatches": patches,
            },
        })
    }
}
