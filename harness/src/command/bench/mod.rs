#[cfg(feature = "host")]
mod report;
#[cfg(feature = "host")]
mod run;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::simulation::{CallerOptions, ModuleOptions};
#[cfg(not(feature = "host"))]
use super::{Outcome, simulation};

/// Measures what a policy costs a message, in wasmtime and natively
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate bench --policy policies/starter.json --as team=finance\n  \
    tidegate bench -p policies/starter.json --as team=finance --messages traffic.har --seconds 30\n  \
    tidegate bench -p policies/starter.json --as team=finance --format json > bench.json\n\n\
    Only a release build has figures that mean something:\n  \
    cargo run --release --package tidegate --features host -- bench --policy policies/starter.json\n\n\
    Everything is measured in turns, so that what else the machine does falls on all alike. `no policy` is the same filter \
    with a policy that leaves the server ungoverned: compare ratios, not microseconds of different machines.")]
// Without the host nothing reads them: they are handed over as they were typed.
#[cfg_attr(not(feature = "host"), allow(dead_code))]
pub(super) struct Bench {
    /// The policy to measure
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    /// Measure the messages of a capture instead of the built-in ones; may be repeated
    #[arg(long, value_name = "CAPTURE")]
    messages: Vec<PathBuf>,
    /// How long to measure, in all
    #[arg(long, value_name = "N", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,
    /// The tool that built-in messages call; without it one that the policy's first rule about tools allows
    #[arg(long, value_name = "NAME", conflicts_with = "messages")]
    tool: Option<String>,
    /// The path that built-in messages go to; without it that of the policy's first server
    #[arg(long, value_name = "PATH", conflicts_with = "messages")]
    path: Option<String>,
    #[command(flatten)]
    caller: CallerOptions,
    /// Let headers go before the body is judged, as Istio's WasmPlugin and Envoy Gateway do
    #[arg(long)]
    no_hold: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    module: ModuleOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "write a number of seconds".to_owned())?;
    if (0.01..=86_400.0).contains(&seconds) { Ok(seconds) } else { Err("from 0.01 to 86400 seconds".to_owned()) }
}

#[cfg(not(feature = "host"))]
impl Bench {
    #[allow(clippy::unused_self, reason = "the other build has the same signature")]
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        simulation::again_with_host()
    }
}
