#[cfg(feature = "host")]
mod against;
#[cfg(feature = "host")]
mod line;
#[cfg(feature = "host")]
mod run;
#[cfg(feature = "host")]
mod summary;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::simulation::{CallerOptions, ModuleOptions};
#[cfg(not(feature = "host"))]
use super::{Outcome, simulation};

/// Runs captured traffic through the filter, without Envoy, and shows what it decides and changes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate replay --policy policy.json traffic.har\n  \
    tidegate replay -p policy.json --as subject=ada,team=finance --host both traffic.har\n  \
    tidegate replay -p policy.json --trust-capture-tokens --out governed.har traffic.jsonl\n  \
    tidegate replay -p policy.json --format json --fail-on deny *.jsonl | jq 'select(.verdict == \"deny\")'\n  \
    tidegate replay -p policy.json --trust-capture-tokens --rules --html report.html traffic.har\n  \
    tidegate replay -p new.json --against policy.json --fail-on newly-denied --as team=finance traffic.har\n\n\
    A capture is a HAR, traces of Envoy's HTTP tap in JSON, the network or protocol export of the MCP Inspector, or \
    JSON lines with one exchange a line:\n  \
    {\"request\":{\"method\",\"url\",\"headers\":[{\"name\",\"value\"}],\"body\"},\"response\":{\"status\",\"headers\",\"body\"}}\n\n\
    With --format json the last line is {\"summary\":{…}}: the totals, and what each rule decided.\n\n\
    Exits 0 whatever was decided, 1 if --fail-on says so, 2 if a capture or the policy cannot be used.")]
// Without the host nothing reads them: they are handed over as they were typed.
#[cfg_attr(not(feature = "host"), allow(dead_code))]
pub(super) struct Replay {
    /// Captures: HAR, Envoy's HTTP tap in JSON, exports of the MCP Inspector, JSON lines
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// The policy to replay with
    #[arg(long, short, value_name = "FILE")]
    policy: PathBuf,
    /// The policy that is in force now: show only what --policy changes, for each message of this traffic
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// The header mode: request headers wait for the verdict on the body, or they do not
    #[arg(long, value_enum, default_value_t = HostMode::Hold)]
    host: HostMode,
    #[command(flatten)]
    caller: CallerOptions,
    /// Take callers from the bearer tokens in the capture. Nobody verifies them: never for captures of strangers
    #[arg(long, conflicts_with = "claims")]
    trust_capture_tokens: bool,
    /// The time of every exchange (RFC 3339), instead of the capture's own
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// The pieces in which bodies arrive
    #[arg(long, value_enum, default_value_t = Chunks::Auto)]
    chunks: Chunks,
    /// Replay bodies of which only a part was recorded
    #[arg(long)]
    allow_truncated: bool,
    /// Where the messages of an MCP Inspector's protocol export went: it does not say it
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Write the traffic as the filter changed it, as HAR
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a report to read in a browser or to pass on: one HTML file that loads nothing
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// List every rule of the policy with what it decided; rules that decided nothing too
    #[arg(long)]
    rules: bool,
    /// Exit with 1 if there is such a message; may be repeated. Those from `change` on need --against
    #[arg(long, value_enum, value_name = "VERDICT")]
    fail_on: Vec<FailOn>,
    /// The form of the report: a table, or one JSON object a line and message
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Envoy's name of the route, for policies that match servers by it
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Envoy's name of the cluster, for policies that match servers by it
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    #[command(flatten)]
    module: ModuleOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HostMode {
    Hold,
    NoHold,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Chunks {
    /// As recorded; event streams of which that is not known come byte by byte
    Auto,
    /// As recorded, and otherwise whole
    Recorded,
    /// As recorded, and a second time byte by byte, which must come out the same
    Adversarial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// It is denied
    Deny,
    /// It passes, and would be denied if what is in shadow mode were in force
    WouldDeny,
    /// Anything about it is not as with the other policy
    Change,
    /// It is denied, and is not with the other policy
    NewlyDenied,
    /// It is not denied, and is with the other policy
    NewlyAllowed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[cfg(not(feature = "host"))]
impl Replay {
    #[allow(clippy::unused_self, reason = "the other build has the same signature")]
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        simulation::again_with_host()
    }
}
