//! Runs tests: every verdict is the `.wasm`'s own.

use std::time::Instant;

use serde_json::Value;
use tidegate_filter::policy::{Configuration, Diagnostic};
use time::OffsetDateTime;

use super::advice::{advice, next};
use super::bind::{Step, bind};
use super::coverage::Coverage;
use super::expectation::{decisive, mismatches, reached, verdict};
use super::outcome::{Failure, FileResult, Status, TestResult};
use super::test_file::{HostModes, Message, Test, TestFile};
use crate::capture::Exchange;
use crate::host::Module;
use crate::replay::{Caller, ReplayError, Replayed, Replayer, Settings};

/// A policy that tests run against.
#[derive(Debug)]
pub struct Subject<'p> {
    /// As its author wrote it.
    pub text: &'p str,
    /// What it compiles to.
    pub configuration: &'p Configuration,
}

/// What a run is asked for.
pub struct Selection<'s> {
    /// The header modes to run; a test that holds in none of them is skipped.
    pub host: HostModes,
    /// Whether the test of this name is to run. What is not chosen is not told of.
    pub chosen: &'s dyn Fn(&str) -> bool,
}

/// Why a file cannot be run.
#[derive(Debug)]
pub enum RunError {
    /// The file and the policy do not fit.
    Unfit(Vec<Diagnostic>),
    /// The filter did not do its work, in the test of this name. Nothing that a test says can be the cause.
    Fault(String, ReplayError),
}

/// Runs tests on one module.
#[derive(Debug)]
pub struct Runner<'m> {
    module: &'m Module,
    started: OffsetDateTime,
}

impl<'m> Runner<'m> {
    /// A runner for which it is always `started`, unless a test gives another time.
    pub fn new(module: &'m Module, started: OffsetDateTime) -> Self {
        Self { module, started }
    }

    /// Runs the tests of a file; `on_test` is told the name of each before it runs.
    ///
    /// # Errors
    /// The file does not fit the policy, or the filter trapped or did not start.
    pub fn run(
        &self,
        file: &TestFile,
        subject: &Subject<'_>,
        selection: &Selection<'_>,
        coverage: &mut Coverage,
        on_test: &mut dyn FnMut(&str),
    ) -> Result<FileResult, RunError> {
        let bound = bind(file, subject.configuration).map_err(RunError::Unfit)?;
        let mut machines = Machines { runner: self, subject, kept: [None, None] };
        let mut tests = Vec::new();
        for (test, steps) in file.tests.iter().zip(&bound).filter(|(test, _)| (selection.chosen)(&test.name)) {
            on_test(&test.name);
            let began = Instant::now();
            let status = machines
                .test(file, test, steps, selection.host, coverage)
                .map_err(|error| RunError::Fault(test.name.clone(), error))?;
            tests.push(TestResult { name: test.name.clone(), place: test.place, status, took: began.elapsed() });
        }
        Ok(FileResult { path: file.path.clone(), policy: file.policy.clone(), tests })
    }
}

/// The VMs of one file.
struct Machines<'r> {
    runner: &'r Runner<'r>,
    subject: &'r Subject<'r>,
    /// One for each header mode, if one test cannot notice another.
    kept: [Option<Replayer>; 2],
}

impl Machines<'_> {
    fn test(
        &mut self,
        file: &TestFile,
        test: &Test,
        steps: &[Step],
        host: HostModes,
        coverage: &mut Coverage,
    ) -> Result<Status, ReplayError> {
        if let Some(why) = &test.skip {
            return Ok(Status::Skipped(why.clone()));
        }
        let modes = test.host.and(host);
        let mut failures: Vec<Failure> = Vec::new();
        for hold in &modes {
            let Some(failure) = self.mode(file, test, steps, *hold, coverage)? else { continue };
            match failures.first_mut() {
                // How far a refused call gets is what sets the two apart.
                Some(first)
                    if Failure { host: first.host.clone(), sent: first.sent.clone(), ..failure.clone() } == *first =>
                {
                    if first.sent != failure.sent {
                        first.sent = format!("{} in {}, {} in {}", first.sent, first.host, failure.sent, failure.host);
                    }
                    first.host = format!("{} and {}", first.host, failure.host);
                }
                _ => failures.push(failure),
            }
        }
        if let ([failure], [_, _]) = (failures.as_mut_slice(), modes.as_slice()) {
            failure.passes_in = match failure.host.as_str() {
                "hold" => Some("no-hold"),
                "no-hold" => Some("hold"),
                _ => None,
            };
        }
        Ok(match (modes.is_empty(), failures.is_empty()) {
            (true, _) => Status::Skipped("it holds in another header mode than --host".to_owned()),
            (_, true) => Status::Passed,
            (_, false) => Status::Failed(failures),
        })
    }

    /// Sends the messages of a test, up to the first that is not as expected.
    fn mode(
        &mut self,
        file: &TestFile,
        test: &Test,
        steps: &[Step],
        hold: bool,
        coverage: &mut Coverage,
    ) -> Result<Option<Failure>, ReplayError> {
        let mut machine = self.take(hold)?;
        let mut failure = None;
        'messages: for (at, (message, step)) in test.messages.iter().zip(steps).enumerate() {
            machine.situate(step.caller.clone(), step.now, step.route.clone(), step.cluster.clone());
            for repetition in 1..=message.repeat {
                let replayed = machine.replay(&step.exchange)?;
                coverage.note(&test.name, &replayed);
                let mismatches = mismatches(&message.expect, &replayed);
                if !mismatches.is_empty() {
                    failure = Some(Failure {
                        host: if hold { "hold" } else { "no-hold" }.to_owned(),
                        passes_in: None,
                        message: (at + 1, test.messages.len()),
                        repetition: (repetition, message.repeat),
                        call: call(message, &step.exchange),
                        decision: decision(&replayed),
                        sent: match reached(replayed.sent) {
                            "whole" => "all of it",
                            "headers" => "the headers",
                            other => other,
                        }
                        .to_owned(),
                        advice: advice(&replayed),
                        next: next(file, test, &mismatches, &replayed),
                        mismatches,
                    });
                    break 'messages;
                }
            }
        }
        self.give_back(machine, hold);
        Ok(failure)
    }

    fn take(&mut self, hold: bool) -> Result<Replayer, ReplayError> {
        if let Some(machine) = self.kept.get_mut(usize::from(hold)).and_then(Option::take) {
            return Ok(machine);
        }
        let settings = Settings {
            hold_headers: hold,
            caller: Caller::Anonymous,
            now: None,
            started: self.runner.started,
            route: None,
            cluster: None,
            byte_by_byte: false,
        };
        Replayer::start(self.runner.module, self.subject.text, self.subject.configuration, settings)
    }

    /// Keeps a VM for the next test. Where calls are counted, each test begins with a VM of its own.
    fn give_back(&mut self, machine: Replayer, hold: bool) {
        let counts = !self.subject.configuration.policy.quotas.is_empty();
        if let (Some(place), false) = (self.kept.get_mut(usize::from(hold)), counts) {
            *place = Some(machine);
        }
    }
}

/// What was sent, and by whom.
fn call(message: &Message, exchange: &Exchange) -> String {
    let request = &exchange.request;
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let what = match body.get("method").and_then(Value::as_str) {
        Some(method) => {
            let of = |key: &str| body.get("params").and_then(|it| it.get(key)).and_then(Value::as_str);
            of("name").or_else(|| of("uri")).map_or_else(|| method.to_owned(), |target| format!("{method} {target}"))
        }
        None => request.method.clone(),
    };
    let claims = message.circumstances.principal.as_ref().map(|it| it.claims.join(",")).unwrap_or_default();
    let who = if claims.is_empty() { "nobody" } else { claims.as_str() };
    format!("{what} to {} as {who}", request.target.path)
}

/// What the filter tells of its decision, in one line.
fn decision(replayed: &Replayed) -> String {
    let mut parts = vec![verdict(replayed).to_owned()];
    if let Some(event) = decisive(replayed) {
        parts.extend(event.text("reason").map(str::to_owned));
        for (name, word) in
            [("rule", "rule"), ("would_rule", "shadow rule"), ("quota", "quota"), ("direction", "about the")]
        {
            parts.extend(event.text(name).map(|it| format!("{word} {it}")));
        }
        if let Some(first) = event.redactions().first() {
            parts.push(format!("{} at {}", first.detector, first.path));
        }
    }
    parts.join(", ")
}
