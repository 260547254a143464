#[cfg(feature = "host")]
mod run;
#[cfg(feature = "host")]
mod watch;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::simulation::ModuleOptions;
#[cfg(not(feature = "host"))]
use super::{Outcome, simulation};

/// Runs policy tests: what a policy must do, tried on the very filter that enforces it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate test policies                       every *.test.json below policies/\n  \
    tidegate test --coverage --min-coverage 90 policies\n  \
    tidegate test --run 'refund|delete' --watch policies/demo.test.json\n  \
    tidegate test --format junit --out report.xml policies\n\n\
    A test file, starter.test.json, is about the policy beside it, starter.json:\n  \
    {\"defaults\": {\"principal\": {\"subject\": \"ada\", \"team\": \"finance\"}, \"server\": \"main\"},\n   \
    \"tests\": [{\"name\": \"reading is open\", \"tool\": \"get_customer\", \"arguments\": {\"id\": \"c1\"},\n              \
    \"expect\": {\"verdict\": \"allow\", \"rule\": \"reading\"}}]}\n\
    policies/test.schema.json describes every key; name it in \"$schema\", and editors complete them.\n\n\
    Exits 1 if a test fails or too few rules are covered, 2 if there is no test or one cannot be run."
)]
// Without the host nothing reads them: they are handed over as they were typed.
#[cfg_attr(not(feature = "host"), allow(dead_code))]
pub(super) struct Test {
    /// Test files, or directories that are searched for *.test.json
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only the tests whose name this regular expression finds
    #[arg(long, value_name = "REGEX")]
    run: Option<String>,
    /// The header modes to run: in both, what a test expects must hold in both, unless it names one
    #[arg(long, value_enum, default_value_t = Host::Both)]
    host: Host,
    /// Run again whenever a test file, a policy or the module changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Show which rules made a verdict in which tests
    #[arg(long)]
    coverage: bool,
    /// Exit with 1 if fewer rules of a policy make a verdict in a test
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min_coverage: Option<f64>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the report to a file, and the text to standard output
    #[arg(long, short, value_name = "FILE", conflicts_with = "watch")]
    out: Option<PathBuf>,
    /// Name the tests that pass as well
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    module: ModuleOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Host {
    Hold,
    NoHold,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
    Sarif,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    number.filter(|it| (0.0..=100.0).contains(it)).ok_or_else(|| "write a number from 0 to 100".to_owned())
}

#[cfg(not(feature = "host"))]
impl Test {
    #[allow(clippy::unused_self, reason = "the other build has the same signature")]
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        simulation::again_with_host()
    }
}
