use std::path::PathBuf;

use clap::Args;
use miette::miette;
use serde_json::Value;

use super::super::Outcome;
use super::super::input::{self, PolicyFile};
use super::warnings::Host;
use super::{Document, Format};
use crate::envoy::{Mesh, Module, Proxies, Target};

/// What the manifests are made of.
#[derive(Debug, Args)]
struct Attachment {
    /// The policy to enforce
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    /// These pods are a gateway, and not MCP servers with sidecars
    #[arg(long)]
    gateway: bool,
    /// Govern this port alone: the container's, or the one that the gateway listens on
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Where the proxies get the module: oci://, https://, http:// or file:///
    #[arg(long, visible_alias = "wasm-url", value_name = "URL")]
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
    /// Label of the pods whose proxies get the filter; may be repeated, then a pod must have all
    #[arg(long, value_name = "KEY=VALUE", required = true, value_parser = label)]
    selector: Vec<(String, String)>,
}

/// What a WasmPlugin and a TrafficExtension are made of besides.
#[derive(Debug, Args)]
struct Plugin {
    #[command(flatten)]
    attachment: Attachment,
    #[command(flatten)]
    place: Place,
    /// The secret that opens the module's registry
    #[arg(long, value_name = "NAME")]
    pull_secret: Option<String>,
    /// The order among plugins behind jwt_authn, highest first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i32>,
}

/// Which proxies.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// Label of the pods whose proxies get the filter; may be repeated, then a pod must have all
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    selector: Vec<(String, String)>,
    /// A waypoint (Gateway/NAME), or a Service or ServiceEntry behind one; may be repeated
    #[arg(long, value_name = "KIND/NAME", value_parser = target, conflicts_with = "gateway")]
    target: Vec<Target>,
}

/// An Istio WasmPlugin, in no-hold mode
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate render istio-wasmplugin --policy policies/starter.json \\\n      \
    --selector app=mcp-server --port 8080 --module oci://registry.example.com/tidegate:0.1.0 \\\n      \
    --sha256 DIGEST | kubectl apply -n mcp -f -\n\n\
    Istio 1.27 or later (failStrategy FAIL_RELOAD).")]
pub(super) struct WasmPlugin {
    #[command(flatten)]
    plugin: Plugin,
}

/// An Istio TrafficExtension, which succeeds the WasmPlugin, in no-hold mode
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate render istio-trafficextension --policy policies/starter.json \\\n      \
    --selector app=mcp-server --port 8080 --module oci://registry.example.com/tidegate:0.1.0 \\\n      \
    --sha256 DIGEST | kubectl apply -n mcp -f -\n  \
    tidegate render istio-trafficextension --policy policies/starter.json --target Gateway/mcp-waypoint \\\n      \
    --module oci://registry.example.com/tidegate:0.1.0 --sha256 DIGEST      in ambient mode\n\n\
    Istio 1.30 or later.")]
pub(super) struct TrafficExtension {
    #[command(flatten)]
    plugin: Plugin,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !text.contains('*') => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE, without wildcards".to_owned()),
    }
}

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text, &Target::ISTIO)
}

impl Attachment {
    fn mesh(&self, selector: &[(String, String)]) -> miette::Result<(PolicyFile, Mesh)> {
        let policy = input::keyed_policy(&self.policy, &self.redaction_key)?;
        let module = Module::new(&self.module, self.sha256.as_deref()).map_err(|error| miette!("{error}"))?;
        let mesh = Mesh {
            policy: policy.text.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            selector: selector.iter().cloned().collect(),
            targets: Vec::new(),
            proxies: if self.gateway { Proxies::Gateways } else { Proxies::Sidecars },
            port: self.port,
            module,
            pull_secret: None,
            priority: None,
        };
        Ok((policy, mesh))
    }

    fn print(&self, manifest: Value, host: Host, mesh: &Mesh, policy: &PolicyFile) -> miette::Result<Outcome> {
        let how = match host {
            Host::EnvoyFilter => "in hold mode. Istio 1.28 or later",
            Host::TrafficExtension => "in no-hold mode. Istio 1.30 or later",
            _ => "in no-hold mode. Istio 1.27 or later",
        };
        Document::of(vec![manifest], how, host, policy, &mesh.module).print(self.format)
    }
}

impl EnvoyFilter {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (policy, mesh) = self.attachment.mesh(&self.selector)?;
        let manifest = mesh.envoy_filter().map_err(|error| miette!("{error}"))?;
        self.attachment.print(manifest, Host::EnvoyFilter, &mesh, &policy)
    }
}

impl Plugin {
    fn mesh(&self) -> miette::Result<(PolicyFile, Mesh)> {
        let (policy, mut mesh) = self.attachment.mesh(&self.place.selector)?;
        mesh.targets.clone_from(&self.place.target);
        mesh.pull_secret.clone_from(&self.pull_secret);
        mesh.priority = self.priority;
        Ok((policy, mesh))
    }
}

impl WasmPlugin {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (policy, mesh) = self.plugin.mesh()?;
        let manifest = mesh.wasm_plugin().map_err(|error| miette!("{error}"))?;
        self.plugin.attachment.print(manifest, Host::WasmPlugin, &mesh, &policy)
    }
}

impl TrafficExtension {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (policy, mesh) = self.plugin.mesh()?;
        let manifest = mesh.traffic_extension().map_err(|error| miette!("{error}"))?;
        self.plugin.attachment.print(manifest, Host::TrafficExtension, &mesh, &policy)
    }
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
}
