mod envoy;
mod istio;
mod limitador;

use clap::{Args, Subcommand, ValueEnum};
use miette::miette;
use serde_json::Value;

use super::Outcome;
use crate::envoy::to_yaml;

/// Prints configuration with the policy inlined
#[derive(Debug, Args)]
pub(super) struct Render {
    #[command(subcommand)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Form {
    Envoy(envoy::Render),
    Istio(istio::EnvoyFilter),
    IstioWasmplugin(istio::WasmPlugin),
    Limitador(limitador::Render),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

impl Render {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        match &self.form {
            Form::Envoy(form) => form.run(),
            Form::Istio(form) => form.run(),
            Form::IstioWasmplugin(form) => form.run(),
            Form::Limitador(form) => form.run(),
        }
    }
}

/// Prints `configuration`; in YAML below `remarks`, as comments.
fn print(configuration: &Value, remarks: &[String], format: Format) -> miette::Result<Outcome> {
    match format {
        Format::Yaml => {
            for remark in remarks {
                println!("# {remark}");
            }
            print!("{}", to_yaml(configuration));
        }
        Format::Json => {
            println!("{}", serde_json::to_string_pretty(configuration).map_err(|error| miette!("{error}"))?);
        }
    }
    Ok(Outcome::Fine)
}
