use std::path::PathBuf;

use clap::Args;
use miette::miette;
use tidegate_filter::policy::{Quota, Scope};

use super::super::{Outcome, input};
use super::{Document, Format};
use crate::engine;

/// The limits file of Limitador, from the policy's quotas of global scope
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate render limitador --policy policy.json > limits.yaml\n  \
    limitador-server limits.yaml\n\nLimitador reads the file again when it changes.")]
pub(super) struct Render {
    /// The policy whose quotas are counted
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    /// YAML, or JSON
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
}

impl Render {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let policy = input::policy(&self.policy)?;
        let configuration = &policy.compiled.configuration;
        let name = self.policy.display();
        let quotas: Vec<&Quota> = configuration
            .policy
            .quotas
            .iter()
            .map(AsRef::as_ref)
            .filter(|it: &&Quota| it.scope == Scope::Global)
            .collect();
        if quotas.is_empty() {
            let help = "write \"scope\": \"global\" in those that a fleet shares";
            return Err(miette!(
                help = help,
                "no quota of {name} has a global scope: there is nothing to count in an engine"
            ));
        }
        let Some(service) = &configuration.host.stores.global else {
            let help = "write host.stores.global: the cluster of the engine, and the domain of the limits";
            return Err(miette!(help = help, "{name} names no rate limit service"));
        };
        let limits = engine::limitador(&service.domain, quotas.iter().copied());
        let (title, digest) = (&configuration.policy.name, &configuration.policy.digest);
        let mut remarks = vec![format!("Limits for Limitador from the policy `{title}` ({digest}).")];
        remarks.extend(engine::limitador_remarks(service.hold, quotas));
        Document { manifests: vec![limits.document], remarks, warnings: limits.warnings }.print(self.format)
    }
}
