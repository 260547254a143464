//! The subcommands. Exit codes: 0 all is well, 1 there are findings, 2 the input or the machine is not as it must be.

mod bench;
mod build;
mod check;
mod completions;
mod decisions;
mod demo;
mod diff;
mod explain;
mod help;
mod input;
mod learn;
mod render;
mod replay;
mod simulation;
mod test;
mod up;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Governs Model Context Protocol (MCP) traffic inside the Envoy that you already run.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    arg_required_else_help = true,
    after_help = "Start with:\n  tidegate demo                                   see it work, in real Envoy\n  \
                  tidegate check policies/starter.json            is the policy right?\n  \
                  tidegate replay --policy policies/starter.json traffic.har     what would it do to this traffic?\n  \
                  tidegate test policies                          does it do what its tests say?\n  \
                  tidegate up --policy policies/starter.json --upstream http://localhost:3000/mcp\n  \
                  tidegate render istio --help                    put it where your Envoys run\n\n\
                  Every command has examples: tidegate check --help. Exit codes: 0 all is well, 1 there are findings, 2 wrong \
                  usage or input. Colours appear on terminals only, and never where NO_COLOR is set."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Up(up::Up),
    Check(check::Check),
    Explain(explain::Explain),
    Learn(learn::Learn),
    Diff(diff::Diff),
    Test(test::Test),
    Replay(replay::Replay),
    Build(build::Build),
    Render(render::Render),
    Bench(bench::Bench),
    Completions(completions::Completions),
}

/// How a command that could do its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Fine,
    /// There are findings.
    Findings,
}

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    let matches = help::grouped(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = match cli.command {
        Command::Demo(command) => command.run(),
        Command::Up(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Learn(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Build(command) => command.run(),
        Command::Render(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Completions(command) => command.run(),
    };
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::from(2)
        }
    }
}

/// The runtime of the commands that talk to Envoy.
fn runtime() -> miette::Result<tokio::runtime::Runtime> {
    use miette::IntoDiagnostic as _;
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().into_diagnostic()
}
