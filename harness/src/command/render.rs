use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use miette::miette;

use super::Outcome;
use super::input::Attachment;
use crate::envoy::to_yaml;

/// Prints configuration with the policy inlined
#[derive(Debug, Args)]
pub(super) struct Render {
    #[command(subcommand)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Form {
    Envoy(RenderEnvoy),
}

/// A complete Envoy bootstrap configuration: the filter in front of one MCP server
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate build --out ./tidegate.wasm\n  \
    tidegate render envoy --policy policies/starter.json --upstream http://localhost:3000/mcp \\\n      \
    --wasm ./tidegate.wasm > envoy.yaml\n  envoy --mode validate -l info -c envoy.yaml && \
    envoy -c envoy.yaml --component-log-level wasm:info\n\n\
    Envoy 1.35 or later. With --no-hold any version that runs wasm filters.")]
struct RenderEnvoy {
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

impl Render {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let Form::Envoy(form) = &self.form;
        let (policy, mut rendering) = form.attachment.rendering(&form.wasm)?;
        rendering.admin = form.admin;
        let bootstrap = rendering.bootstrap();
        match form.format {
            Format::Yaml => {
                let policy = &policy.compiled.configuration.policy;
                println!("# Envoy with Tidegate and the policy `{}` ({}).", policy.name, policy.digest);
                println!("# Audit events are in Envoy's log: run it with --component-log-level wasm:info");
                print!("{}", to_yaml(&bootstrap));
            }
            Format::Json => {
                println!("{}", serde_json::to_string_pretty(&bootstrap).map_err(|error| miette!("{error}"))?);
            }
        }
        Ok(Outcome::Fine)
    }
}
