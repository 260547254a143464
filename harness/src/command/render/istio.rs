use std::path::PathBuf;

use clap::Args;
use miette::miette;
use tidegate_filter::policy::{IdentitySource, Policy};

use super::super::Outcome;
use super::super::input::{self, PolicyFile};
use super::Format;
use crate::envoy::{Mesh, Module, Proxies};

/// What both manifests are made of.
#[derive(Debug, Args)]
struct Attachment {
    /// The policy to enforce
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    /// Label of the pods whose proxies get the filter; may be repeated, then a pod must have all
    #[arg(long, value_name = "KEY=VALUE", required = true, value_parser = label)]
    selector: Vec<(String, String)>,
    /// These pods are a gateway, and not MCP servers with sidecars
    #[arg(long)]
    gateway: bool,
    /// Govern this port alone: the container's, or the one that the gateway listens on
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Where the proxies get the module: oci://, https://, http:// or file:///
    #[arg(long, value_name = "URL")]
    module: String,
    /// Digest of the module, or of the OCI image that it is in
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Name of the manifest
    #[arg(long, default_value = "tidegate")]
    name: String,
    /// Namespace of the manifest
    #[arg(long)]
    namespace: Option<String>,
    #[command(flatten)]
    redaction_key: input::RedactionKey,
    /// YAML, or JSON
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
}

/// An Istio EnvoyFilter, in hold mode: a refused call never touches the server
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tidegate render istio --policy policies/starter.json --selector app=mcp-server \\\n      \
    --port 8080 --module oci://registry.example.com/tidegate:0.1.0 --sha256 DIGEST | kubectl apply -n mcp -f -\n\n\
    Istio 1.28 or later (Envoy 1.36)."
)]
pub(super) struct EnvoyFilter {
    #[command(flatten)]
    attachment: Attachment,
}

/// An Istio WasmPlugin, in no-hold mode
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate render istio-wasmplugin --policy policies/starter.json \\\n      \
    --selector app=mcp-server --port 8080 --module oci://registry.example.com/tidegate:0.1.0 \\\n      \
    --sha256 DIGEST | kubectl apply -n mcp -f -\n\n\
    Istio 1.27 or later (failStrategy FAIL_RELOAD).")]
pub(super) struct WasmPlugin {
    #[command(flatten)]
    attachment: Attachment,
    /// The secret that opens the module's registry
    #[arg(long, value_name = "NAME")]
    pull_secret: Option<String>,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !text.contains('*') => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE, without wildcards".to_owned()),
    }
}

impl Attachment {
    fn mesh(&self, pull_secret: Option<&String>) -> miette::Result<(PolicyFile, Mesh)> {
        let policy = input::keyed_policy(&self.policy, &self.redaction_key)?;
        let module = Module::new(&self.module, self.sha256.as_deref()).map_err(|error| miette!("{error}"))?;
        let mesh = Mesh {
            policy: policy.text.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            selector: self.selector.iter().cloned().collect(),
            proxies: if self.gateway { Proxies::Gateways } else { Proxies::Sidecars },
            port: self.port,
            module,
            pull_secret: pull_secret.cloned(),
        };
        Ok((policy, mesh))
    }
}

impl EnvoyFilter {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (policy, mesh) = self.attachment.mesh(None)?;
        let manifest = mesh.envoy_filter().map_err(|error| miette!("{error}"))?;
        let policy = &policy.compiled.configuration.policy;
        warn(&of_any_mesh(policy));
        let remarks = remarks("in hold mode. Istio 1.28 or later", policy);
        super::print(&manifest, &remarks, self.attachment.format)
    }
}

impl WasmPlugin {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (policy, mesh) = self.attachment.mesh(self.pull_secret.as_ref())?;
        let manifest = mesh.wasm_plugin().map_err(|error| miette!("{error}"))?;
        let policy = &policy.compiled.configuration.policy;
        warn(&[of_a_wasm_plugin(&mesh.module), of_any_mesh(policy)].concat());
        let remarks = remarks("in no-hold mode. Istio 1.27 or later", policy);
        super::print(&manifest, &remarks, self.attachment.format)
    }
}

fn remarks(how: &str, policy: &Policy) -> Vec<String> {
    vec![
        format!("Tidegate with the policy `{}` ({}), {how}.", policy.name, policy.digest),
        "Audit events are in the proxies' log, at the level `warn`.".to_owned(),
    ]
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("tidegate: warning: {warning}");
    }
}

/// What a WasmPlugin cannot do, whatever the policy.
fn of_a_wasm_plugin(module: &Module) -> Vec<String> {
    let mut warnings = vec![
        "a WasmPlugin cannot hold headers: the server sees those of a refused call, never its body, and a reset stream. \
         `tidegate render istio` makes an EnvoyFilter, which holds them"
            .to_owned(),
        "istiod writes the policy anew: `policy_digest` in audit events is not that of the file, and line and column in \
         the filter's errors are not its"
            .to_owned(),
    ];
    if module.sha256().is_none() && module.file().is_none() {
        warnings.push(format!("whoever can replace {} decides what runs in the proxies: give --sha256", module.url()));
    }
    warnings
}

/// What the policy asks of a mesh that no manifest of the filter's can give.
fn of_any_mesh(policy: &Policy) -> Vec<String> {
    let mut warnings = Vec::new();
    for source in &policy.identity.sources {
        if let IdentitySource::Jwt(source) = source {
            warnings.push(format!(
                "the policy takes callers from JWTs of {}: without a RequestAuthentication with this issuer for the same \
                 pods, such callers have no identity",
                source.issuer
            ));
        }
    }
    for server in &policy.servers {
        let by = &server.matcher;
        for (part, name) in [("route", &by.route), ("cluster", &by.cluster)] {
            if let Some(name) = name {
                warnings.push(format!(
                    "server `{}` is matched by the {part} `{name}`: in a mesh istiod names them, as in inbound|8080||; \
                     match it by path or authority",
                    server.name
                ));
            }
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_exact() {
        assert_eq!(label("app=mcp"), Ok(("app".to_owned(), "mcp".to_owned())));
        assert_eq!(label("a/b="), Ok(("a/b".to_owned(), String::new())));
        for wrong in ["app", "=mcp", "app=*", ""] {
            label(wrong).unwrap_err();
        }
    }

    #[test]
    fn what_a_mesh_cannot_give_is_named() {
        let policy = r#"{"version": "tidegate/v1", "name": "p",
            "identity": {"sources": [{"jwt": {"issuer": "https://idp.example.com"}}]},
            "servers": [{"name": "crm", "match": {"route": "crm"}}, {"name": "hr", "match": {"path": "/hr"}}],
            "rules": [{"id": "r", "allow": {"tools": ["get_*"]}}]}"#;
        let compiled = tidegate_filter::policy::compile(policy.as_bytes()).unwrap();
        let warnings = of_any_mesh(&compiled.configuration.policy);
        let [issuer, route] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert!(issuer.contains("JWTs of https://idp.example.com: without a RequestAuthentication"), "{issuer}");
        assert!(route.contains("server `crm` is matched by the route `crm`"), "{route}");
        let pinned = |digest| of_a_wasm_plugin(&Module::new("oci://h/t:1", digest).unwrap()).len();
        assert_eq!((pinned(None), pinned(Some("0".repeat(64).as_str()))), (3, 2));
    }
}
