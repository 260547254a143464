//! A run of policy tests from the command line.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use miette::miette;
use regex::Regex;
use tidegate_filter::policy::{self, Configuration, Diagnostic};
use time::OffsetDateTime;

use super::watch::Watched;
use super::{Format, Host, Test};
use crate::command::{Outcome, input, simulation};
use crate::host::Module;
use crate::output::PendingFile;
use crate::policy_test::{self, HostModes, RunError, Runner, SUFFIX, Selection, Subject, Suite, TestFile};
use crate::report::style::Style;
use crate::report::{junit, progress, sarif, summary, text};

/// A policy that compiles.
struct Policy {
    text: String,
    configuration: Configuration,
}

/// Policies by their path as test files name them.
type Policies = BTreeMap<PathBuf, Policy>;

impl Test {
    pub(in crate::command) fn run(&self) -> miette::Result<Outcome> {
        let pattern = match &self.run {
            Some(text) => Some(Regex::new(text).map_err(|error| {
                miette!(
                    help = "put it in single quotes; `.` is any character",
                    "--run is not a regular expression: {error}"
                )
            })?),
            None => None,
        };
        if self.watch {
            return self.watch(pattern.as_ref());
        }
        let mut module = None;
        let suite = self.once(pattern.as_ref(), &mut module, &mut Watched::default())?;
        self.tell(&suite)
    }

    /// Runs again and again; only a signal ends it.
    fn watch(&self, pattern: Option<&Regex>) -> miette::Result<Outcome> {
        let mut module = None;
        loop {
            let mut watched = Watched::default();
            let found = policy_test::discover(&self.paths).ok();
            match self.once(pattern, &mut module, &mut watched) {
                Ok(suite) => drop(self.tell(&suite)?),
                Err(error) => eprintln!("{error:?}"),
            }
            print("watching for changes; Ctrl-C ends it\n")?;
            watched.wait(|| policy_test::discover(&self.paths).ok() != found);
        }
    }

    fn once(
        &self,
        pattern: Option<&Regex>,
        module: &mut Option<(Watched, Module)>,
        watched: &mut Watched,
    ) -> miette::Result<Suite> {
        let (files, policies) = self.read(watched)?;
        let chosen = |name: &str| pattern.is_none_or(|pattern| pattern.is_match(name));
        let number = files.iter().flat_map(|file| &file.tests).filter(|test| chosen(&test.name)).count();
        if number == 0 {
            let help = "take it out, or see the names with --verbose";
            return Err(miette!(
                help = help,
                "no test has a name that --run {} finds",
                self.run.as_deref().unwrap_or("")
            ));
        }
        let module = self.module(module, watched)?;
        let host = match self.host {
            Host::Hold => HostModes::Hold,
            Host::NoHold => HostModes::NoHold,
            Host::Both => HostModes::Both,
        };
        let selection = Selection { host, chosen: &chosen };
        let runner = Runner::new(module, OffsetDateTime::now_utc());
        // Only a terminal has a use for it: what runs for a minute is the building of the module, which tells of itself.
        let progress: Box<dyn progress::Progress> = if io::IsTerminal::is_terminal(&io::stderr()) {
            progress::for_stderr()
        } else {
            Box::new(progress::Silent)
        };
        progress.stage("running tests");
        let mut suite = Suite::default();
        for file in &files {
            let Some(policy) = policies.get(&file.policy) else { continue };
            let subject = Subject { text: &policy.text, configuration: &policy.configuration };
            let at = suite.coverage.iter().position(|it| it.policy == file.policy);
            let mut coverage = match at {
                Some(at) => suite.coverage.remove(at),
                None => policy_test::uncovered(file.policy.clone(), &policy.configuration),
            };
            let result = runner.run(file, &subject, &selection, &mut coverage, &mut |name| progress.detail(name));
            suite.files.push(result.map_err(|error| {
                progress.finish();
                unrunnable(file, &error)
            })?);
            suite.coverage.push(coverage);
        }
        progress.finish();
        suite.files.retain(|file| !file.tests.is_empty());
        Ok(suite)
    }

    fn read(&self, watched: &mut Watched) -> miette::Result<(Vec<TestFile>, Policies)> {
        let paths = policy_test::discover(&self.paths)
            .map_err(|(path, error)| miette!("cannot read {}: {error}", path.display()))?;
        if paths.is_empty() {
            let named: Vec<String> = self.paths.iter().map(|it| it.display().to_string()).collect();
            let help = format!("a test file is called NAME{SUFFIX}; `tidegate test --help` shows one");
            return Err(miette!(help = help, "there is no *{SUFFIX} in {}", named.join(", ")));
        }
        let (mut files, mut policies, mut faults) = (Vec::new(), Policies::new(), Vec::new());
        for path in &paths {
            watched.note(path);
            match policy_test::read(path, input::read(path)?) {
                Ok(file) => files.push(file),
                Err((source, errors)) => faults.push(show(path, &source, &errors)),
            }
        }
        for file in &files {
            if policies.contains_key(&file.policy) {
                continue;
            }
            watched.note(&file.policy);
            let source = std::fs::read(&file.policy).map_err(|error| no_policy(file, &error))?;
            match policy::compile(&source) {
                Ok(configuration) => {
                    let text = String::from_utf8_lossy(&source).into_owned();
                    let configuration = configuration.configuration;
                    policies.insert(file.policy.clone(), Policy { text, configuration });
                }
                Err(diagnostics) => faults.push(show(&file.policy, &source, &diagnostics.0)),
            }
        }
        match faults.first() {
            None => Ok((files, policies)),
            Some(first) => Err(miette!(help = "nothing was run; correct what is shown above", "{first}")),
        }
    }

    /// The module, compiled again only if it is another one.
    fn module<'m>(&self, kept: &'m mut Option<(Watched, Module)>, watched: &mut Watched) -> miette::Result<&'m Module> {
        let path = self.module.path()?;
        watched.note(&path);
        let (_, module) = match kept.take().filter(|(stamp, _)| !stamp.has_changed()) {
            Some(same) => kept.insert(same),
            None => {
                let mut stamp = Watched::default();
                stamp.note(&path);
                kept.insert((stamp, simulation::compile(&path)?))
            }
        };
        Ok(module)
    }

    fn tell(&self, suite: &Suite) -> miette::Result<Outcome> {
        let report = match self.format {
            Format::Text => self.text(suite, if self.out.is_some() { Style::PLAIN } else { Style::for_stdout() }),
            Format::Json => pretty(&summary::json(suite))?,
            Format::Junit => junit::report(suite).map_err(|error| miette!("{error}"))?,
            Format::Sarif => pretty(&sarif::log(&summary::findings(suite)))?,
        };
        match &self.out {
            None => print(&report)?,
            Some(out) => {
                write(out, &report).map_err(|error| miette!("cannot write {}: {error}", out.display()))?;
                print(&self.text(suite, Style::for_stdout()))?;
            }
        }
        let mut outcome = if suite.counts().failed > 0 { Outcome::Findings } else { Outcome::Fine };
        for coverage in &suite.coverage {
            if let Some(wanted) = self.min_coverage.filter(|wanted| coverage.percent() < *wanted) {
                let uncovered: Vec<&str> =
                    coverage.rules.iter().filter(|it| it.decided.is_empty()).map(|it| it.id.as_str()).collect();
                eprintln!(
                    "tidegate: {}: {} of {} rules are covered, and --min-coverage is {wanted} %; no test makes a verdict \
                     by {}",
                    coverage.policy.display(),
                    coverage.covered(),
                    coverage.rules.len(),
                    shortened(&uncovered)
                );
                outcome = Outcome::Findings;
            }
        }
        Ok(outcome)
    }

    fn text(&self, suite: &Suite, style: Style) -> String {
        let mut text = summary::text(suite, self.verbose, style);
        if self.coverage {
            text.extend(suite.coverage.iter().map(|it| format!("\n{}", summary::coverage(it, style))));
        }
        format!("{text}\n{}\n", summary::last_line(suite, style))
    }
}

fn shortened(names: &[&str]) -> String {
    let shown = names.iter().take(10).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(10) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Shows what is wrong with a file, and says so in a few words.
fn show(path: &Path, source: &[u8], errors: &[Diagnostic]) -> String {
    let name = path.display().to_string();
    eprint!("{}", text::findings(&name, source, errors, Style::for_stderr()));
    let plural = if errors.len() == 1 { "" } else { "s" };
    format!("{name} cannot be used: {} error{plural}", errors.len())
}

fn no_policy(file: &TestFile, error: &io::Error) -> miette::Report {
    let (line, column) = policy_test::position(&file.source, file.policy_mark.span.start);
    let help = match file.policy_mark.span.is_empty() {
        true => "write \"policy\": the path of the policy, from where the test file is".to_owned(),
        false => format!("`policy` at line {line}, column {column} is a path from where the test file is"),
    };
    miette!(help = help, "cannot read {}, the policy of {}: {error}", file.policy.display(), file.path.display())
}

fn unrunnable(file: &TestFile, error: &RunError) -> miette::Report {
    match error {
        RunError::Unfit(errors) => {
            let told = show(&file.path, &file.source, errors);
            miette!(help = format!("it is about {}; see what that declares", file.policy.display()), "{told}")
        }
        RunError::Fault(test, error) => {
            let help = "this is a fault of Tidegate or of the module, whatever the test says: please report it";
            miette!(help = help, "internal error in {}, test `{test}`: {error}", file.path.display())
        }
    }
}

fn pretty(value: &serde_json::Value) -> miette::Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| miette!("{error}"))
}

fn write(out: &Path, report: &str) -> io::Result<()> {
    let mut file = PendingFile::create(out)?;
    file.write_all(report.as_bytes())?;
    file.finish()
}

fn print(text: &str) -> miette::Result<()> {
    let mut stdout = io::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| miette!("cannot write to standard output: {error}"))
}
