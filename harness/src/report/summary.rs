//! Policy tests for people, and as JSON.

use std::path::Path;

use serde_json::{Value, json};
use tidegate_filter::policy::{Effect, Severity};

use super::sarif::Finding;
use super::style::{Paint, Style, one_line};
use super::table::{Cell, Table};
use crate::policy_test::{Coverage, Difference, Failure, FileResult, Mismatch, Status, Suite, TestResult};

/// The widest text of one value.
const WIDTH: usize = 160;
/// The most places of one value that are told one by one.
const PLACES: usize = 12;
/// The most tests that a row of the coverage table names.
const NAMES: usize = 3;

/// Every file and every test that failed; with `verbose` also those that did not.
pub fn text(suite: &Suite, verbose: bool, style: Style) -> String {
    suite.files.iter().map(|file| of_file(file, verbose, style)).collect()
}

fn of_file(file: &FileResult, verbose: bool, style: Style) -> String {
    let policy = style.paint(Paint::Faint, &format!("(policy {})", file.policy.display()));
    let mut out = format!("{} {policy}\n", style.paint(Paint::Strong, &file.path.display().to_string()));
    for test in &file.tests {
        let name = one_line(&test.name, WIDTH);
        match &test.status {
            Status::Passed if verbose => out.push_str(&format!("  {}  {name}\n", style.paint(Paint::Good, "pass"))),
            Status::Passed => {}
            Status::Skipped(why) => {
                out.push_str(&format!("  {}  {name}: {}\n", style.paint(Paint::Notable, "skip"), one_line(why, WIDTH)));
            }
            Status::Failed(failures) => {
                let place = style.paint(Paint::Faint, &place(&file.path, test.place));
                out.push_str(&format!("  {}  {name}  {place}\n", style.paint(Paint::Bad, "FAIL")));
                for told in failures.iter().map(failure) {
                    out.extend(told.lines().map(|line| format!("        {line}\n")));
                }
            }
        }
    }
    let passed = file.tests.iter().filter(|it| matches!(it.status, Status::Passed)).count();
    if passed == file.tests.len() && !verbose {
        out.push_str(&format!("  {}  {}\n", style.paint(Paint::Good, "pass"), counted(passed, "test")));
    }
    out
}

fn place(path: &Path, (line, column): (usize, usize)) -> String {
    format!("{}:{line}:{column}", path.display())
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A failure in one line: `verdict is deny, not allow`.
pub fn headline(failure: &Failure) -> String {
    let told = failure.mismatches.first().map(|it| lines(it).join("; ")).unwrap_or_default();
    one_line(&format!("{}: {told}", failure.call), WIDTH)
}

/// A failure in several lines: what was sent, what differs, what the filter tells, what to do next.
pub fn failure(failure: &Failure) -> String {
    let Failure { message: (at, all), repetition: (time, times), .. } = failure;
    let which = if *all > 1 { format!("message {at} of {all}: ") } else { String::new() };
    let repeated = if *times > 1 { format!(", time {time} of {times}") } else { String::new() };
    let mut out = vec![format!("{which}{}{repeated} ({})", one_line(&failure.call, WIDTH), failure.host)];
    out.extend(failure.mismatches.iter().flat_map(lines).map(|line| format!("  {line}")));
    out.push(format!("decided: {}; the server was sent {}", one_line(&failure.decision, WIDTH), failure.sent));
    out.extend(failure.advice.as_ref().map(|it| format!("advice to the caller: {}", one_line(it, WIDTH))));
    out.extend(failure.passes_in.map(|mode| {
        format!("in header mode {mode} this passes: write \"host\": \"{mode}\" if the test is about that one alone")
    }));
    out.push(format!("next: {}", failure.next));
    out.join("\n")
}

/// What is not as expected.
fn lines(mismatch: &Mismatch) -> Vec<String> {
    let key = mismatch.key;
    match key {
        "response_contains" => {
            vec![format!("the response lacks {}; it is {}", value(&mismatch.expected), value(&mismatch.got))]
        }
        "response_lacks" => {
            vec![format!("the response has {}; it is {}", value(&mismatch.expected), value(&mismatch.got))]
        }
        _ if mismatch.differences.is_empty() => {
            vec![format!("{key}: expected {}, got {}", value(&mismatch.expected), value(&mismatch.got))]
        }
        _ => {
            let mut lines: Vec<String> =
                mismatch.differences.iter().take(PLACES).map(|it| difference(key, it)).collect();
            let more = mismatch.differences.len().saturating_sub(PLACES);
            lines.extend((more > 0).then(|| format!("{key}: {} more", counted(more, "difference"))));
            lines
        }
    }
}

fn difference(key: &str, difference: &Difference) -> String {
    let at = if difference.pointer.is_empty() { String::new() } else { format!(" at {}", difference.pointer) };
    match (&difference.expected, &difference.got) {
        (Some(expected), Some(got)) => format!("{key}{at}: expected {}, got {}", value(expected), value(got)),
        (Some(expected), None) => format!("{key}{at}: expected {}, got nothing", value(expected)),
        (None, got) => format!("{key}{at}: expected nothing, got {}", got.as_ref().map(value).unwrap_or_default()),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        other => one_line(&other.to_string(), WIDTH),
    }
}

/// The last line: `14 tests, 13 passed, 1 failed, 0 skipped`.
pub fn last_line(suite: &Suite, style: Style) -> String {
    let counts = suite.counts();
    let text = format!(
        "{}, {} passed, {} failed, {} skipped",
        counted(counts.total(), "test"),
        counts.passed,
        counts.failed,
        counts.skipped
    );
    style.paint(if counts.failed > 0 { Paint::Bad } else { Paint::Good }, &text)
}

/// Which rule made a verdict in which tests.
pub fn coverage(coverage: &Coverage, style: Style) -> String {
    let mut table = Table::new(&["rule", "effect", "decided", "near", "tests"]);
    for rule in &coverage.rules {
        let decided = match rule.decided.len() {
            0 => Cell::painted("0", Paint::Bad),
            some => Cell::from(some.to_string()),
        };
        let tests = if rule.decided.is_empty() { &rule.near } else { &rule.decided };
        let mut names: Vec<String> = tests.iter().take(NAMES).map(|it| one_line(it, 40)).collect();
        names.extend((tests.len() > NAMES).then(|| format!("{} more", tests.len() - NAMES)));
        let names = names.join("; ");
        let names = if rule.decided.is_empty() && !names.is_empty() { format!("only near in: {names}") } else { names };
        let effect = match rule.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        table.row([rule.id.as_str().into(), effect.into(), decided, rule.near.len().to_string().into(), names.into()]);
    }
    let total = format!(
        "{} of {} covered, {:.0} %",
        coverage.covered(),
        counted(coverage.rules.len(), "rule"),
        percent(coverage)
    );
    let title = style.paint(Paint::Strong, &coverage.policy.display().to_string());
    format!("{title}: {total}\n{}", table.render(style))
}

/// Rounded down, so that 100 % means every rule.
fn percent(coverage: &Coverage) -> f64 {
    coverage.percent().floor()
}

/// The whole run for tools.
pub fn json(suite: &Suite) -> Value {
    let counts = suite.counts();
    let files: Vec<Value> = suite
        .files
        .iter()
        .map(|file| {
            let tests: Vec<Value> = file.tests.iter().map(test_json).collect();
            json!({"file": file.path.display().to_string(), "policy": file.policy.display().to_string(), "tests": tests})
        })
        .collect();
    let coverage: Vec<Value> = suite.coverage.iter().map(coverage_json).collect();
    json!({
        "tests": counts.total(),
        "passed": counts.passed,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "files": files,
        "coverage": coverage
    })
}

fn test_json(test: &TestResult) -> Value {
    let (line, column) = test.place;
    let (status, skipped, failures) = match &test.status {
        Status::Passed => ("passed", None, Vec::new()),
        Status::Skipped(why) => ("skipped", Some(why), Vec::new()),
        Status::Failed(failures) => ("failed", None, failures.iter().map(failure_json).collect()),
    };
    let milliseconds = u64::try_from(test.took.as_millis()).unwrap_or(u64::MAX);
    let mut value =
        json!({"name": test.name, "line": line, "column": column, "status": status, "milliseconds": milliseconds});
    if let Some(members) = value.as_object_mut() {
        members.extend(skipped.map(|why| ("why".to_owned(), json!(why))));
        members.extend((!failures.is_empty()).then(|| ("failures".to_owned(), json!(failures))));
    }
    value
}

fn failure_json(failure: &Failure) -> Value {
    let mismatches: Vec<Value> = failure
        .mismatches
        .iter()
        .map(|it| {
            let differences: Vec<Value> = it
                .differences
                .iter()
                .map(|it| json!({"pointer": it.pointer, "expected": it.expected, "got": it.got}))
                .collect();
            json!({"key": it.key, "line": it.place.0, "column": it.place.1, "expected": it.expected, "got": it.got,
                   "differences": differences})
        })
        .collect();
    json!({
        "host": failure.host,
        "passes_in": failure.passes_in,
        "message": failure.message.0,
        "repetition": failure.repetition.0,
        "call": failure.call,
        "mismatches": mismatches,
        "decision": failure.decision,
        "sent": failure.sent,
        "advice": failure.advice,
        "next": failure.next
    })
}

fn coverage_json(coverage: &Coverage) -> Value {
    let rules: Vec<Value> = coverage
        .rules
        .iter()
        .map(|rule| json!({"rule": rule.id, "covered": !rule.decided.is_empty(), "decided": rule.decided, "near": rule.near}))
        .collect();
    json!({"policy": coverage.policy.display().to_string(), "percent": coverage.percent(), "rules": rules})
}

/// What is not as expected, each at the place where it is expected.
pub fn findings(suite: &Suite) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &suite.files {
        for test in &file.tests {
            let Status::Failed(failures) = &test.status else { continue };
            for failure in failures {
                for mismatch in &failure.mismatches {
                    findings.push(Finding {
                        rule: format!("policy_test_{}", mismatch.key),
                        severity: Severity::Error,
                        message: format!(
                            "{} ({}): {}. Next: {}",
                            test.name,
                            failure.host,
                            lines(mismatch).join("; "),
                            failure.next
                        ),
                        file: file.path.display().to_string(),
                        line: mismatch.place.0,
                        column: mismatch.place.1,
                    });
                }
            }
        }
    }
    findings
}
