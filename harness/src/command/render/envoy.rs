use std::path::PathBuf;

use clap::Args;

use super::super::Outcome;
use super::super::input::Attachment;
use super::{Document, Format};

/// A complete Envoy bootstrap configuration: the filter in front of one MCP server
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate build --out ./tidegate.wasm\n  \
    tidegate render envoy --policy policies/starter.json --upstream http://localhost:3000/mcp \\\n      \
    --wasm ./tidegate.wasm > envoy.yaml\n  envoy --mode validate -l info -c envoy.yaml && \
    envoy -c envoy.yaml --component-log-level wasm:info\n\n\
    Envoy 1.35 or later. With --no-hold any version that runs wasm filters.")]
pub(super) struct Render {
    #[command(flatten)]
    attachment: Attachment,
    /// Where Envoy will find the module
    #[arg(long, value_name = "FILE", default_value = "/etc/envoy/tidegate.wasm")]
    wasm: PathBuf,
    /// Where Envoy's admin endpoint shall listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9901")]
    admin: std::net::SocketAddr,
    /// YAML, or JSON
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
}

impl Render {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (policy, mut rendering, mut warnings) = self.attachment.rendering(&self.wasm)?;
        rendering.admin = self.admin;
        if let Some(key) = &policy.compiled.configuration.host.redaction_key_env {
            warnings.push(format!(
                "Envoy needs the environment variable {key}, of at least 16 bytes; without it it refuses to start"
            ));
        }
        let policy = &policy.compiled.configuration.policy;
        let remarks = vec![
            format!("Envoy with Tidegate and the policy `{}` ({}).", policy.name, policy.digest),
            "Audit events are in Envoy's log: run it with --component-log-level wasm:info".to_owned(),
        ];
        Document { manifests: vec![rendering.bootstrap()], remarks, warnings }.print(self.format)
    }
}
