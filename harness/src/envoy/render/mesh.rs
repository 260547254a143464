//! What Istio's two manifests have in common: which proxies, which port, where the module comes from.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Everything that a manifest for Istio depends on.
///
/// ```
/// use tidegate::envoy::{Mesh, Module, Proxies};
/// let mesh = Mesh {
///     policy: "{}".to_owned(),
///     name: "tidegate".to_owned(),
///     namespace: None,
///     selector: [("app".to_owned(), "mcp-server".to_owned())].into(),
///     proxies: Proxies::Sidecars,
///     port: Some(8080),
///     module: Module::new("file:///etc/tidegate/tidegate.wasm", None)?,
///     pull_secret: None,
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
    /// Labels of the pods whose proxies get the filter.
    pub selector: BTreeMap<String, String>,
    /// What these pods are.
    pub proxies: Proxies,
    /// The one port that is governed; `None`: every HTTP port.
    pub port: Option<u16>,
    /// The module.
    pub module: Module,
    /// The secret that opens the module's registry, where the manifest can name one.
    pub pull_secret: Option<String>,
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
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), json!(self.name));
        if let Some(namespace) = &self.namespace {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        Value::Object(metadata)
    }
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
