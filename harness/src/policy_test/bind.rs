//! A test file together with its policy: every name in it stands for something, every caller can be supplied.

use tidegate_filter::policy::{Configuration, Diagnostic, Policy, Server};
use time::OffsetDateTime;

use super::document::{Mark, Report};
use super::message::{AUTHORITY, exchange, target};
use super::read::help_for;
use super::test_file::{Circumstances, Expect, Message, TestFile};
use crate::capture::{Exchange, Target};
use crate::replay::{Caller, Claimed, supply};

/// A message that is ready to be sent.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) caller: Caller,
    pub(super) now: Option<OffsetDateTime>,
    pub(super) route: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) exchange: Exchange,
}

/// The steps of each test, in the order of the file.
///
/// # Errors
/// Every name of a server or rule that the policy does not have, and every caller that its sources cannot supply.
pub(super) fn bind(file: &TestFile, configuration: &Configuration) -> Result<Vec<Vec<Step>>, Vec<Diagnostic>> {
    let mut report = Report::new(&file.source);
    let policy = &configuration.policy;
    let mut tests = Vec::with_capacity(file.tests.len());
    for test in &file.tests {
        let steps = test.messages.iter().enumerate();
        tests.push(steps.filter_map(|(at, message)| step(message, at + 1, policy, &mut report)).collect());
    }
    if report.errors.is_empty() { Ok(tests) } else { Err(report.errors) }
}

fn step(message: &Message, number: usize, policy: &Policy, report: &mut Report<'_>) -> Option<Step> {
    known_rules(&message.expect, policy, report);
    let circumstances = &message.circumstances;
    let caller = caller(circumstances, policy, report);
    let (target, server) = addressed(circumstances, &message.mark, policy, report)?;
    let name = |own: &Option<String>, of_server: Option<&String>| own.clone().or_else(|| of_server.cloned());
    Some(Step {
        caller: caller?,
        now: circumstances.now,
        route: name(&circumstances.route, server.and_then(|it| it.matcher.route.as_ref())),
        cluster: name(&circumstances.cluster, server.and_then(|it| it.matcher.cluster.as_ref())),
        exchange: exchange(message, target, number),
    })
}

fn known_rules(expect: &Expect, policy: &Policy, report: &mut Report<'_>) {
    let rules = || policy.rules.iter().map(|rule| rule.id.as_str());
    for wanted in expect.wanted.iter().filter(|it| ["rule", "would_rule"].contains(&it.key)) {
        if let Some(name) = wanted.value.as_str().filter(|name| !rules().any(|rule| rule == *name)) {
            let message = format!("policy `{}` has no rule `{name}`", policy.name);
            report.error("unknown_rule", &wanted.mark, message, help_for(name, &rules().collect::<Vec<_>>()));
        }
    }
}

fn caller(circumstances: &Circumstances, policy: &Policy, report: &mut Report<'_>) -> Option<Caller> {
    let Some(principal) = circumstances.principal.as_ref().filter(|it| !it.claims.is_empty()) else {
        return Some(Caller::Anonymous);
    };
    match Claimed::parse(&principal.claims).and_then(|claimed| supply(&policy.identity, &claimed)) {
        Ok(caller) => Some(caller),
        Err(error) => {
            // Defaults are read once and meant by many.
            if !report.errors.iter().any(|other| other.pointer == principal.mark.pointer) {
                let help = "see `identity.sources` in the policy; `tidegate check --explain` prints them";
                report.error("unsupplied", &principal.mark, error, help);
            }
            None
        }
    }
}

/// Where the request goes, and the server that the test names.
fn addressed<'p>(
    circumstances: &Circumstances,
    message: &Mark,
    policy: &'p Policy,
    report: &mut Report<'_>,
) -> Option<(Target, Option<&'p Server>)> {
    if let Some((url, mark)) = &circumstances.url {
        let found = target(url);
        if found.is_none() {
            let help = "write http://…, https://… or a path that begins with `/`";
            report.error("invalid_value", mark, format!("`{url}` is not a URL"), help);
        }
        return found.map(|target| (target, None));
    }
    let names = || policy.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>();
    let server = match (&circumstances.server, policy.servers.as_slice()) {
        (Some((name, mark)), servers) => {
            let found = servers.iter().find(|server| server.name == *name);
            if found.is_none() {
                let message = format!("policy `{}` has no server `{name}`", policy.name);
                report.error("unknown_server", mark, message, help_for(name, &names()));
            }
            found?
        }
        (None, [only]) => only,
        (None, _) => {
            let help = format!("write `server` here or in `defaults`: one of `{}`", names().join("`, `"));
            report.error("missing_key", message, "it is not said which server this is for", help);
            return None;
        }
    };
    let authority = server.matcher.authority.clone().unwrap_or_else(|| AUTHORITY.to_owned());
    let path = server.matcher.path.clone().unwrap_or_else(|| "/mcp".to_owned());
    Some((Target { scheme: "http".to_owned(), authority, path }, Some(server)))
}
