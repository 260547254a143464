//! `tidegate diff`: what another policy changes, for whom.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use miette::miette;
use serde_json::Value;
use tidegate_filter::policy::{Compiled, Noun, compile};

use super::{Outcome, input, simulation};
use crate::capture::{self, Truncated};
use crate::learn::{Callers, Learner};
use crate::policy_diff::{Names, compare};
use crate::report::style::Style;
use crate::report::{changes, text};

/// Compares two policies by what they decide: what changes, for whom
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate diff policy.json policy.new.json\n  \
    tidegate diff --fail-on wider old.json new.json       fail only if something more is allowed\n  \
    tidegate diff --capture traffic.har old.json new.json   name what is in use beside patterns\n  \
    git show HEAD:policy.json > /tmp/old.json && tidegate diff /tmp/old.json policy.json\n\n\
    Both policies are asked about every caller, server, tool, resource, prompt and method that either can tell apart,\n\
    and at every time at which a rule begins or ends. Order and form of the text make no difference.\n\n\
    Exits 0 if nothing changes, 1 if something does (--fail-on wider: if something more is allowed, or it cannot be\n\
    told), 2 if a file cannot be used.")]
pub(super) struct Diff {
    /// The policy as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Name the tools, resources and prompts of this capture beside the patterns that they match; may be repeated
    #[arg(long, value_name = "CAPTURE")]
    capture: Vec<PathBuf>,
    /// Which changes make the command exit with 1
    #[arg(long, value_enum, default_value_t = FailOn::Any)]
    fail_on: FailOn,
    /// Compare what is decided at this time and later (RFC 3339), instead of now and later
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Show as well what is refused as before, with other words
    #[arg(long)]
    refusals: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Any change
    Any,
    /// Something more is allowed, or that cannot be told
    Wider,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Diff {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (old, new) = (policy(&self.old)?, policy(&self.new)?);
        let now = match &self.now {
            Some(text) => simulation::time(text)?.unix_timestamp(),
            None => input::now(),
        };
        let difference = compare(&old, &new, now, &self.names()?);
        match self.format {
            Format::Text => {
                let [old, new] = [&self.old, &self.new].map(|path| path.display().to_string());
                print!("{}", changes::text(&difference, &old, &new, self.refusals, Style::for_stdout()));
            }
            Format::Json => {
                let report = serde_json::to_string_pretty(&changes::json(&difference));
                println!("{}", report.map_err(|error| miette!("{error}"))?);
            }
        }
        let is_finding = match self.fail_on {
            FailOn::Any => !difference.is_empty(),
            FailOn::Wider => difference.allows_more(),
        };
        Ok(if is_finding { Outcome::Findings } else { Outcome::Fine })
    }

    /// What the captures show to be in use.
    fn names(&self) -> miette::Result<Names> {
        let mut learner = Learner::new(Callers::Unknown);
        for path in &self.capture {
            for exchange in capture::open(path, Truncated::Accept).map_err(|error| input::unusable(&error))? {
                learner.add(&exchange.map_err(|error| input::unusable(&error))?);
            }
        }
        let mut names = Names::default();
        for server in learner.inventory().servers.values() {
            server.tools.keys().for_each(|name| names.add(Noun::Tool, name));
            server.resources.keys().for_each(|uri| names.add(Noun::Resource, uri));
            server.prompts.keys().for_each(|name| names.add(Noun::Prompt, name));
        }
        Ok(names)
    }
}

/// A policy that compiles. Its warnings are for `check` to tell.
fn policy(path: &Path) -> miette::Result<Compiled> {
    let bytes = input::read(path)?;
    if is_lock(path, &bytes) {
        let help = "give the two policies; the drift of locks is not known to this version of Tidegate";
        return Err(miette!(help = help, "{} is a lock, and only policies are compared", path.display()));
    }
    compile(&bytes).map_err(|diagnostics| {
        let name = path.display().to_string();
        eprint!("{}", text::findings(&name, &bytes, &diagnostics.0, Style::for_stderr()));
        let help = "`tidegate check` shows the same; docs and editors use policies/policy.schema.json";
        miette!(help = help, "{name} is not a policy that can run")
    })
}

/// Whether this is a `tidegate.lock.json`, by its name or by what it says.
fn is_lock(path: &Path, bytes: &[u8]) -> bool {
    let named = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".lock.json"));
    let version = serde_json::from_slice::<Value>(bytes).ok();
    let version = version.as_ref().and_then(|it| it.get("version")).and_then(Value::as_str);
    named || version.is_some_and(|it| it.starts_with("tidegate.lock") || it.starts_with("tidegate-lock"))
}
