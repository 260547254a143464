use std::path::PathBuf;

use clap::Args;
use miette::miette;

use super::super::{Outcome, input};
use super::warnings::Host;
use super::{Document, Format};
use crate::envoy::{GatewayExtension, GatewayListener, Module, Target};

/// Envoy Gateway: an EnvoyExtensionPolicy, with --patch also what lets it hold headers
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate render envoy-gateway --policy policies/starter.json --target HTTPRoute/mcp \\\n      \
    --namespace mcp --module oci://registry.example.com/tidegate:0.1.0 --sha256 DIGEST | kubectl apply -f -\n  \
    tidegate render envoy-gateway --policy policies/starter.json --target Gateway/eg \\\n      \
    --namespace mcp --patch mcp/eg/http --module https://example.com/tidegate.wasm --sha256 DIGEST\n\n\
    Envoy Gateway 1.8 or later (Envoy 1.38). --patch makes an EnvoyPatchPolicy, which has to be enabled there: it holds \
    headers, so that a refused call never touches the server, sets FAIL_RELOAD and raises the buffer limit."
)]
pub(super) struct Render {
    /// The policy to enforce
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    /// What is governed: HTTPRoute/NAME, Gateway/NAME or Gateway/NAME/LISTENER; may be repeated
    #[arg(long, value_name = "KIND/NAME", required = true, value_parser = target)]
    target: Vec<Target>,
    /// Hold headers on this listener; may be repeated
    #[arg(long, value_name = "NAMESPACE/GATEWAY/LISTENER", value_parser = listener, requires = "namespace")]
    patch: Vec<GatewayListener>,
    /// Where Envoy Gateway gets the module: oci://, https:// or http://
    #[arg(long, visible_alias = "wasm-url", value_name = "URL")]
    module: String,
    /// Digest of the module, or of the OCI image that it is in
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// The secret that opens the module's registry
    #[arg(long, value_name = "NAME")]
    pull_secret: Option<String>,
    /// Name of the manifests
    #[arg(long, default_value = "tidegate")]
    name: String,
    /// Namespace of the EnvoyExtensionPolicy: that of its targets
    #[arg(long)]
    namespace: Option<String>,
    #[command(flatten)]
    redaction_key: input::RedactionKey,
    /// YAML, or JSON
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
}

fn target(text: &str) -> Result<Target, String> {
    Target::parse_with_section(text, &Target::ENVOY_GATEWAY)
}

fn listener(text: &str) -> Result<GatewayListener, String> {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [namespace, gateway, listener] if ![namespace, gateway, listener].iter().any(|it| it.is_empty()) => {
            let owned = |it: &str| it.to_owned();
            Ok(GatewayListener { namespace: owned(namespace), gateway: owned(gateway), listener: owned(listener) })
        }
        _ => Err("write it as NAMESPACE/GATEWAY/LISTENER, as in default/eg/http".to_owned()),
    }
}

impl Render {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let policy = input::keyed_policy(&self.policy, &self.redaction_key)?;
        let module = Module::new(&self.module, self.sha256.as_deref()).map_err(|error| miette!("{error}"))?;
        let extension = GatewayExtension {
            policy: policy.text.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            targets: self.target.clone(),
            module,
            pull_secret: self.pull_secret.clone(),
        };
        let mut manifests = vec![extension.extension_policy().map_err(|error| miette!("{error}"))?];
        if let Some(namespace) = &self.namespace {
            manifests.extend(self.patch.iter().map(|it| extension.patch_policy(namespace, it)));
        }
        let (host, how) = if self.patch.is_empty() {
            (Host::ExtensionPolicy, "in no-hold mode. Envoy Gateway 1.8 or later")
        } else {
            (Host::PatchedExtension, "in hold mode where it is patched. Envoy Gateway 1.8 or later")
        };
        Document::of(manifests, how, host, &policy, &extension.module).print(self.format)
    }
}
