//! `tidegate learn`: what traffic shows, and the policy that allows just that.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use miette::miette;
use serde_json::json;
use tidegate_filter::policy::{Severity, check};

use super::{Outcome, input, runtime};
use crate::capture::{self, Truncated};
use crate::learn::{Caller, Callers, Learner, Starter, Token, list, starter};
use crate::output::PendingFile;
use crate::report::style::Style;
use crate::report::{inventory, json as findings, text};

/// Learns from captured traffic, or from servers that answer now: what there is, who uses what, and the policy that allows
/// just that
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate learn traffic.har                          what is there, and who uses it\n  \
    tidegate learn traffic.har --out policy.json        the policy that allows just that\n  \
    tidegate learn --trust-capture-tokens --out policy.json monday.jsonl tuesday.jsonl   rules for each team\n  \
    tidegate learn --url http://localhost:3000/mcp      ask a server for its lists; nothing is called\n  \
    tidegate learn --format json traffic.har | jq '.inventory.servers[].tools'\n\n\
    The policy allows each tool, resource and prompt that was used, to those who used it, and nothing that was only\n\
    listed, or that only ever failed. Secrets are counted by kind and place; no value is shown or kept. Of a server of which there is no traffic,\n\
    the policy allows the tools that it calls read-only.\n\n\
    Exits 0, or 2 if a capture, a server or the file to write cannot be used."
)]
pub(super) struct Learn {
    /// Captures: HAR files, or files of JSON lines, as `tidegate replay` reads them
    #[arg(required_unless_present = "url", value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Ask this MCP server for its lists; may be repeated
    #[arg(long, value_name = "URL")]
    url: Vec<String>,
    /// Environment variable with the bearer token for the servers of --url
    #[arg(long, value_name = "NAME", requires = "url")]
    token_env: Option<String>,
    /// Take callers from the bearer tokens in the captures. Nobody verifies them: never for captures of strangers
    #[arg(long)]
    trust_capture_tokens: bool,
    /// Who sent all of it: subject, issuer of its tokens, and team if it has one
    #[arg(long = "as", value_name = "KEY=VALUE,…", conflicts_with = "trust_capture_tokens")]
    caller: Option<String>,
    /// Read bodies of which only a part was recorded
    #[arg(long)]
    allow_truncated: bool,
    /// Allow as well what is on no list and only ever failed
    #[arg(long)]
    allow_attempts: bool,
    /// Write the policy to this file instead of printing it
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file of --out
    #[arg(long, requires = "out")]
    force: bool,
    /// The name of the policy
    #[arg(long, default_value = "learned")]
    name: String,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Learn {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        if let Some(out) = self.out.as_deref().filter(|out| out.exists() && !self.force) {
            let help = "choose another file, or overwrite it with --force";
            return Err(miette!(help = help, "{} is there already", out.display()));
        }
        let mut learner = Learner::new(self.callers()?);
        for path in &self.captures {
            let truncated = if self.allow_truncated { Truncated::Accept } else { Truncated::Refuse };
            for exchange in capture::open(path, truncated).map_err(|error| input::unusable(&error))? {
                learner.add(&exchange.map_err(|error| input::unusable(&error))?);
            }
        }
        self.ask_servers(&mut learner)?;
        let starter = starter(learner.inventory(), &self.name, self.allow_attempts);
        let policy = serde_json::to_string_pretty(&starter.policy).map_err(|error| miette!("{error}"))? + "\n";
        let warnings = warnings(&policy)?;
        if let Some(out) = &self.out {
            write(out, &policy).map_err(|error| miette!("cannot write {}: {error}", out.display()))?;
        }
        match self.format {
            Format::Text => self.print_text(&learner, &starter, &policy, &warnings),
            Format::Json => {
                let report = json!({
                    "inventory": inventory::json(learner.inventory()),
                    "policy": starter.policy,
                    "unused": starter.unused,
                    "notes": starter.notes,
                    "warnings": warnings.iter().map(findings::finding).collect::<Vec<_>>(),
                });
                println!("{}", serde_json::to_string_pretty(&report).map_err(|error| miette!("{error}"))?);
            }
        }
        if self.trust_capture_tokens {
            eprintln!("tidegate: callers are those that the recorded tokens name; nobody has verified these tokens");
        }
        Ok(Outcome::Fine)
    }

    fn callers(&self) -> miette::Result<Callers> {
        match &self.caller {
            Some(text) => {
                let help = "write it as subject=ada,team=finance,issuer=https://idp.example.com";
                Ok(Callers::One(Caller::parse(text).map_err(|why| miette!(help = help, "--as: {why}"))?))
            }
            None if self.trust_capture_tokens => Ok(Callers::Tokens),
            None => Ok(Callers::Unknown),
        }
    }

    fn ask_servers(&self, learner: &mut Learner) -> miette::Result<()> {
        if self.url.is_empty() {
            return Ok(());
        }
        let token = match &self.token_env {
            Some(name) => Some(Token(std::env::var(name).map_err(|_| {
                miette!(help = "export it before you call", "the environment variable {name} is not set")
            })?)),
            None => None,
        };
        let runtime = runtime()?;
        for url in &self.url {
            let help = "is it running, does it need --token-env, and is this its MCP endpoint?";
            let (key, server) =
                runtime.block_on(list(url, token.as_ref())).map_err(|error| miette!(help = help, "{error}"))?;
            learner.add_live(key, server);
        }
        Ok(())
    }

    fn print_text(
        &self,
        learner: &Learner,
        starter: &Starter,
        policy: &str,
        warnings: &[tidegate_filter::policy::Diagnostic],
    ) {
        let style = Style::for_stdout();
        print!("{}", inventory::text(learner.inventory(), style));
        let told = inventory::starter_text(starter, style);
        if !told.is_empty() {
            print!("\n{told}");
        }
        match &self.out {
            Some(out) => {
                println!("\nwritten: {}", out.display());
                print!("{}", text::findings(&out.display().to_string(), policy.as_bytes(), warnings, style));
            }
            None => print!("\n{policy}"),
        }
    }
}

/// What `check` says of the policy. That it has an error is a fault of this program.
fn warnings(policy: &str) -> miette::Result<Vec<tidegate_filter::policy::Diagnostic>> {
    let compiled = check(policy.as_bytes(), input::now()).map_err(|diagnostics| {
        let errors: Vec<String> = diagnostics.0.iter().map(|it| format!("{}: {}", it.pointer, it.message)).collect();
        let help = "this is a fault of Tidegate: please report it, with the capture if you may";
        miette!(help = help, "the policy that was learned does not pass `check`: {}", errors.join("; "))
    })?;
    Ok(compiled.warnings.into_iter().filter(|it| it.severity == Severity::Warning).collect())
}

fn write(out: &Path, policy: &str) -> std::io::Result<()> {
    let mut file = PendingFile::create(out)?;
    file.write_all(policy.as_bytes())?;
    file.finish()
}
