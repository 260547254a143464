mod envoy;
mod envoy_gateway;
mod istio;
mod limitador;
mod warnings;

use std::io::{self, Write as _};

use clap::{Args, Subcommand, ValueEnum};
use miette::miette;
use serde_json::{Value, json};
use tidegate_filter::policy::Policy;

use self::warnings::Host;
use super::Outcome;
use super::input::PolicyFile;
use crate::envoy::{Module, to_yaml};

/// Prints configuration with the policy inlined, for the Envoy that you run
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidegate render envoy --policy policies/starter.json --upstream http://localhost:3000/mcp > envoy.yaml\n  \
    tidegate render istio --help      the other forms, each with examples of its own\n\n\
    What a host cannot do of what the policy asks is said on standard error, and in comments of the YAML.")]
pub(super) struct Render {
    #[command(subcommand)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Form {
    Envoy(envoy::Render),
    Istio(istio::EnvoyFilter),
    IstioTrafficextension(istio::TrafficExtension),
    IstioWasmplugin(istio::WasmPlugin),
    EnvoyGateway(envoy_gateway::Render),
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
            Form::IstioTrafficextension(form) => form.run(),
            Form::IstioWasmplugin(form) => form.run(),
            Form::EnvoyGateway(form) => form.run(),
            Form::Limitador(form) => form.run(),
        }
    }
}

/// What is printed.
struct Document {
    manifests: Vec<Value>,
    /// What a reader of the file should know.
    remarks: Vec<String>,
    /// What will not be as the policy says, or not without somebody's help.
    warnings: Vec<String>,
}

impl Document {
    /// Manifests by which `host` runs `module` with the policy; `how` says in which mode, and from which version on.
    fn of(manifests: Vec<Value>, how: &str, host: Host, policy: &PolicyFile, module: &Module) -> Self {
        let configuration = &policy.compiled.configuration;
        let Policy { name, digest, .. } = &configuration.policy;
        let remarks = vec![
            format!("Tidegate with the policy `{name}` ({digest}), {how}."),
            "Audit events are in the proxies' log, at the level `warn`.".to_owned(),
        ];
        Self { manifests, remarks, warnings: warnings::of(host, configuration, module) }
    }

    /// Prints the manifests; in YAML below remarks and warnings, as comments. Warnings go to standard error as well.
    fn print(mut self, format: Format) -> miette::Result<Outcome> {
        self.warnings.extend(self.manifests.iter().filter_map(too_large));
        for warning in &self.warnings {
            eprintln!("tidegate: warning: {warning}");
        }
        let text = match format {
            Format::Yaml => {
                let comments = self.remarks.iter().cloned().chain(self.warnings.iter().flat_map(|it| comment(it)));
                let comments: String = comments.map(|line| format!("# {line}\n")).collect();
                let documents: Vec<String> = self.manifests.iter().map(to_yaml).collect();
                comments + &documents.join("---\n")
            }
            Format::Json => {
                let document = match self.manifests.as_slice() {
                    [one] => one.clone(),
                    several => json!({"apiVersion": "v1", "kind": "List", "items": several}),
                };
                format!("{document:#}\n")
            }
        };
        // A reader that has gone is no reason to panic.
        let written = io::stdout().write_all(text.as_bytes());
        written.map_err(|error| miette!("cannot write to standard output: {error}"))?;
        Ok(Outcome::Fine)
    }
}

/// A warning as comments of a width that people read.
fn comment(warning: &str) -> Vec<String> {
    let mut lines = vec!["Warning:".to_owned()];
    for word in warning.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 110 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines
}

/// What a cluster has against a manifest of this size. etcd takes 1.5 MiB, which the API server fills with more than the
/// manifest, and annotations together take 256 KiB: `kubectl apply` copies the manifest into one.
fn too_large(manifest: &Value) -> Option<String> {
    let kind = manifest.get("kind")?.as_str()?;
    let bytes = manifest.to_string().len();
    let (kib, what) = match bytes {
        0..=262_144 => return None,
        262_145..=1_048_576 => {
            ("kubectl apply cannot note it in an annotation: use kubectl apply --server-side", "over 256 KiB")
        }
        _ => (
            "a cluster refuses objects over 1.5 MiB, and takes this one hardly if at all: split the policy",
            "over 1 MiB",
        ),
    };
    Some(format!("this {kind} has {} KiB, {what}; {kib}", bytes.div_ceil(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_manifests_are_told_of() {
        let of = |bytes: usize| too_large(&json!({"kind": "EnvoyFilter", "spec": "x".repeat(bytes)}));
        assert_eq!(of(200_000), None);
        assert!(of(300_000).unwrap().contains("--server-side"));
        assert!(of(1 << 20).unwrap().contains("over 1 MiB"));
        assert_eq!(too_large(&json!({"static_resources": "x".repeat(1 << 20)})), None, "a file has no such limit");
    }

    #[test]
    fn comments_are_as_wide_as_people_read() {
        let lines = comment(&"word ".repeat(60));
        assert!(lines.len() > 2 && lines.iter().all(|line| line.chars().count() <= 112), "{lines:?}");
        assert!(lines[0].starts_with("Warning: word") && lines[1].starts_with("  word"), "{lines:?}");
    }
}
