//! What Istio's manifests have in common: which proxies, which port, where the module comes from.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_filter::policy::LogLevel;

use super::{Target, host_settings, key_variable, policy_text, set};

/// Everything that a manifest for Istio depends on.
///
/// ```
/// use tidegate::envoy::{Mesh, Module, Proxies};
/// let mesh = Mesh {
///     policy: "{}".to_owned(),
///     name: "tidegate".to_owned(),
///     namespace: None,
///     selector: [("app".to_owned(), "mcp-server".to_owned())].into(),
///     targets: Vec::new(),
///     proxies: Proxies::Sidecars,
///     port: Some(8080),
///     module: Module::new("file:///etc/tidegate/tidegate.wasm", None)?,
///     pull_secret: None,
///     priority: None,
/// };
/// assert_eq!(mesh.envoy_filter()?["kind"], "EnvoyFilter");
/// # Ok::<(), tidegate::envoy::ModuleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mesh {
    /// The policy document as its author wrote it, or a plugin configuration with it.
    pub policy: String,
    /// Name of the manifest, of the plugin and of its VM.
    pub name: String,
    /// Namespace of the manifest; `None` leaves it to `kubectl`.
    pub namespace: Option<String>,
    /// Labels of the pods whose proxies get the filter; empty if `targets` says where it goes.
    pub selector: BTreeMap<String, String>,
    /// The resources that a plugin is attached to, waypoints above all, which no selector reaches.
    pub targets: Vec<Target>,
    /// What these pods are.
    pub proxies: Proxies,
    /// The one port that is governed; `None`: every HTTP port.
    pub port: Option<u16>,
    /// The module.
    pub module: Module,
    /// The secret that opens the module's registry, where the manifest can name one.
    pub pull_secret: Option<String>,
    /// The order among plugins of the same phase, highest first.
    pub priority: Option<i32>,
}

/// The proxies of a mesh that a filter can be put into by selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxies {
    /// Those beside the MCP servers: what comes in is governed.
    Sidecars,
    /// A gateway's: what it takes is governed.
    Gateways,
}

/// Where the proxies get the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    url: String,
    sha256: Option<String>,
}

/// Why something cannot be the source of a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// The proxies fetch by none but these schemes.
    #[error("`{0}` is no source of a module; write oci://…, https://…, http://… or file:///…")]
    Scheme(String),
    /// A digest is 64 hexadecimal digits.
    #[error(
        "`{0}` is no SHA-256 digest; write the 64 lower-case hexadecimal digits that sha256sum prints, or for an OCI \
         image those of its digest"
    )]
    Digest(String),
    /// An EnvoyFilter's module is fetched by digest.
    #[error("an EnvoyFilter fetches `{0}` only with its digest: give --sha256")]
    NoDigest(String),
}

impl Module {
    /// The module at `url`. `sha256` is the file's digest, or that of the OCI image, in lower-case hexadecimal.
    pub fn new(url: &str, sha256: Option<&str>) -> Result<Self, ModuleError> {
        let known = ["oci://", "https://", "http://", "file:///"].iter().any(|scheme| {
            url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
        });
        if !known {
            return Err(ModuleError::Scheme(url.to_owned()));
        }
        if let Some(digest) = sha256 {
            let is_hexadecimal = digest.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
            if digest.len() != 64 || !is_hexadecimal {
                return Err(ModuleError::Digest(digest.to_owned()));
            }
        }
        Ok(Self { url: url.to_owned(), sha256: sha256.map(str::to_owned) })
    }

    /// Where it is fetched.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its digest, if it is pinned.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// The path, if Envoy itself reads the module from its own file system.
    pub fn file(&self) -> Option<&str> {
        self.url.strip_prefix("file://")
    }
}

impl Mesh {
    pub(super) fn metadata(&self) -> Value {
        metadata(&self.name, self.namespace.as_deref())
    }

    /// Where a WasmPlugin or TrafficExtension goes and in which place of the chain: behind `jwt_authn`, so that the
    /// filter sees verified claims, and before Istio's authorization.
    pub(super) fn placement(&self) -> Value {
        let mut traffic = json!({"mode": match self.proxies {
            // A waypoint is a server of the clients' and a client of the servers'.
            _ if !self.targets.is_empty() => "CLIENT_AND_SERVER",
            Proxies::Sidecars => "SERVER",
            // Istio counts a gateway among the clients.
            Proxies::Gateways => "CLIENT",
        }});
        if let Some(port) = self.port {
            set(&mut traffic, "ports", json!([{"number": port}]));
        }
        let mut placement = json!({"phase": "AUTHZ", "match": [traffic]});
        if self.targets.is_empty() {
            set(&mut placement, "selector", json!({"matchLabels": self.selector}));
        } else {
            let targets: Vec<Value> = self.targets.iter().map(Target::reference).collect();
            set(&mut placement, "targetRefs", json!(targets));
        }
        if let Some(priority) = self.priority {
            set(&mut placement, "priority", json!(priority));
        }
        placement
    }

    /// The module and its configuration, as a WasmPlugin and a TrafficExtension both spell them.
    ///
    /// # Errors
    /// The policy is no JSON.
    pub(super) fn plugin(&self) -> Result<Value, serde_json::Error> {
        let policy: Value = serde_json::from_str(policy_text(&self.policy))?;
        let mut plugin = json!({
            "url": self.module.url(),
            "imagePullPolicy": "IfNotPresent",
            "pluginName": self.name,
            "failStrategy": "FAIL_RELOAD",
            // istiod hands it over as a string of JSON. Istio's proxies log warnings, and would hide an audit log at
            // `info`.
            "pluginConfig": {"host": host_settings(&self.policy, false, LogLevel::Warn), "layers": [policy]},
        });
        if let Some(key) = key_variable(&self.policy) {
            set(&mut plugin, "vmConfig", json!({"env": [{"name": key, "valueFrom": "HOST"}]}));
        }
        if let Some(digest) = self.module.sha256() {
            set(&mut plugin, "sha256", json!(digest));
        }
        if let Some(secret) = &self.pull_secret {
            set(&mut plugin, "imagePullSecret", json!(secret));
        }
        Ok(plugin)
    }
}

/// A manifest's `metadata`.
pub(super) fn metadata(name: &str, namespace: Option<&str>) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    if let Some(namespace) = namespace {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    Value::Object(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_from_where_proxies_can_fetch() {
        let digest = "0".repeat(64);
        for url in ["oci://registry.example.com/tidegate:1", "https://example.com/t.wasm", "file:///t.wasm"] {
            assert_eq!(Module::new(url, Some(&digest)).unwrap().url(), url);
        }
        assert_eq!(Module::new("file:///a/t.wasm", None).unwrap().file(), Some("/a/t.wasm"));
        for url in ["registry.example.com/tidegate:1", "oci://", "file://t.wasm", "ftp://h/t", "https://h/a b", ""] {
            assert_eq!(Module::new(url, None), Err(ModuleError::Scheme(url.to_owned())));
        }
        for digest in ["", "abc", &"0".repeat(63), &"A".repeat(64), &"g".repeat(64)] {
            assert_eq!(Module::new("oci://h/t", Some(digest)), Err(ModuleError::Digest(digest.to_owned())));
        }
    }
}
