#[cfg(feature = "host")]
mod ask;
#[cfg(feature = "host")]
mod listing;
#[cfg(feature = "host")]
mod remedy;
#[cfg(feature = "host")]
mod run;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::simulation::{CallerOptions, ModuleOptions};
#[cfg(not(feature = "host"))]
use super::{Outcome, simulation};

/// Explains one decision step by step: which rules matched, why the others did not, and what it would take to be allowed
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate explain -p policy.json --as subject=ada,team=sales --server billing \\\n    \
    tools/call issue_refund --arguments '{\"amount\": 5000}'\n  \
    tidegate explain -p policy.json --as team=finance --server billing tools/list --capture traffic.har\n  \
    tidegate explain -p policy.json --as team=finance --url https://mcp.example.com/mcp resources/read file:///a.txt\n  \
    tidegate explain -p policy.json logging/setLevel --params '{\"level\": \"debug\"}'\n  \
    tidegate explain -p policy.json --message call.json --format json | jq .verdict\n\n\
    The verdict is that of the filter's .wasm, which is run without Envoy; the steps are told by the same code.\n\
    Quotas and budgets are counted from zero.\n\n\
    Exits 0 if the request passes, 1 if it is refused, 2 if what was typed or the policy cannot be used."
)]
// Without the host nothing reads them: they are handed over as they were typed.
#[cfg_attr(not(feature = "host"), allow(dead_code))]
pub(super) struct Explain {
    /// The method: tools/call, tools/list, resources/read, prompts/get, or any other
    #[arg(value_name = "METHOD", required_unless_present = "message")]
    method: Option<String>,
    /// The tool or prompt by its name, or the resource by its URI
    #[arg(value_name = "NAME", conflicts_with_all = ["params", "message"])]
    name: Option<String>,
    /// The policy
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    caller: CallerOptions,
    /// The server, by its name in the policy; not needed where there is only one
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    server: Option<String>,
    /// The URL that is called, or its path
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The arguments of the tool or prompt: a JSON object
    #[arg(long, value_name = "JSON", conflicts_with_all = ["params", "message"])]
    arguments: Option<String>,
    /// The parameters of the method: a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "message")]
    params: Option<String>,
    /// The whole JSON-RPC message, from a file, or from standard input with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "method")]
    message: Option<PathBuf>,
    /// A request header, `name: value`; it replaces the one that would be sent. Without a value none is sent
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// The protocol of the request: revisions up to 2025-11-25, or 2026-07-28 with its mirrored headers
    #[arg(long, value_enum, default_value_t = Era::Legacy, conflicts_with = "message")]
    era: Era,
    /// What the server answers to a list: a JSON array of entries, or a result that holds one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["capture", "message"])]
    tools: Option<PathBuf>,
    /// A capture that holds what the server answers to a list
    #[arg(long, value_name = "CAPTURE", conflicts_with = "message")]
    capture: Option<PathBuf>,
    /// The time of the request (RFC 3339) instead of now
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// The header mode: request headers wait for the verdict on the body, or they do not
    #[arg(long, value_enum, default_value_t = HostMode::Hold)]
    host: HostMode,
    /// Show every rule, those about other things too
    #[arg(long)]
    all: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    module: ModuleOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Era {
    Legacy,
    Modern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HostMode {
    Hold,
    NoHold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[cfg(not(feature = "host"))]
impl Explain {
    #[allow(clippy::unused_self, reason = "the other build has the same signature")]
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        simulation::again_with_host()
    }
}
