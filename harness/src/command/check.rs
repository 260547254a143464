mod documents;
mod observed;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use miette::miette;
use serde_json::{Value, json};
use tidegate_filter::policy::{self, Compiled, Diagnostic, Diagnostics, Severity};

use self::documents::Document;
use self::observed::Observed;
use super::{Outcome, input};
use crate::report::style::{Paint, Style, one_line};
use crate::report::{explanation, json, lints, redaction, sarif, text};

/// Checks policies: errors that Envoy would refuse, and lints such as rules that can never apply
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate check policies/*.json\n  \
    tidegate check policies                          all policies of a directory\n  \
    tidegate check - < policy.json                   standard input\n  \
    tidegate check --explain policies/starter.json   what is in force, defaults included\n  \
    tidegate check --against traffic.har policy.json do the patterns match the tools that are there?\n  \
    tidegate check --lints                           every lint, what it means and what to do\n  \
    tidegate check --detectors                       every kind of secret that redaction knows\n  \
    tidegate check --format json policy.json | jq '.files[].findings'\n\n\
    A lint that is right as it is can be allowed in the policy, with the reason:\n  \
    \"lint\": { \"allow\": [{ \"lint\": \"fail_open\", \"at\": \"/on\", \"reason\": \"health checks\" }] }\n\n\
    Exits 1 if a policy has an error (with --strict: or a warning), 2 if a file cannot be read.")]
pub(super) struct Check {
    /// Policy files, directories of them (`*.json` but tests, schemas and locks), or - for standard input
    #[arg(required_unless_present_any = ["detectors", "lints"], value_name = "POLICY")]
    policies: Vec<PathBuf>,
    /// Print what is in force, what happens in every case of doubt, and the lints that are allowed
    #[arg(long)]
    explain: bool,
    /// List every detector of secrets; with policies, what each does with it
    #[arg(long)]
    detectors: bool,
    /// List every lint, what it means and what to do, and check nothing
    #[arg(long, conflicts_with_all = ["policies", "detectors", "explain"])]
    lints: bool,
    /// Compare patterns with the tools of a capture (HAR, JSON lines) or of a list (the result of tools/list, or
    /// ["server/tool", …]); may be repeated
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Count warnings as findings
    #[arg(long)]
    strict: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

/// One document that was checked, or could not be.
struct Checked {
    name: String,
    source: Vec<u8>,
    findings: Vec<Diagnostic>,
    compiled: Option<Compiled>,
    /// Why there is nothing to check.
    unreadable: Option<String>,
    beside: Option<Beside>,
}

/// A policy beside what was observed.
struct Beside {
    /// How many tools were seen on each server.
    counts: BTreeMap<String, usize>,
    /// Servers and tools that no rule names.
    unmentioned: Vec<(String, String)>,
    /// Authorities with paths that no server matches.
    unknown: Vec<String>,
}

impl Checked {
    fn new(document: Document, observed: Option<&Observed>) -> Self {
        let Document { name, source } = document;
        let empty =
            Self { name, source: Vec::new(), findings: Vec::new(), compiled: None, unreadable: None, beside: None };
        let source = match source {
            Ok(source) => source,
            Err(what) => return Self { unreadable: Some(what), ..empty },
        };
        let (result, beside) = check(&source, observed);
        match result {
            Ok(compiled) => {
                Self { source, findings: compiled.warnings.clone(), compiled: Some(compiled), beside, ..empty }
            }
            Err(diagnostics) => Self { source, findings: diagnostics.0, ..empty },
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|it| it.severity == severity).count()
    }

    fn allowed(&self) -> usize {
        self.compiled.as_ref().map_or(0, |it| it.allowed.len())
    }
}

fn check(source: &[u8], observed: Option<&Observed>) -> (Result<Compiled, Diagnostics>, Option<Beside>) {
    let now = input::now();
    let Some(observed) = observed else { return (policy::check(source, now), None) };
    // Which server is meant by what was observed, the policy says.
    let policy = match policy::compile(source) {
        Ok(compiled) => compiled.configuration.policy,
        Err(diagnostics) => return (Err(diagnostics), None),
    };
    let placed = observed.placed(&policy);
    let unmentioned = placed.seen.unmentioned(&policy);
    let beside = Beside {
        counts: placed.seen.0.iter().map(|(server, tools)| (server.clone(), tools.len())).collect(),
        unmentioned: unmentioned.into_iter().map(|(server, tool)| (server.to_owned(), tool.to_owned())).collect(),
        unknown: placed.unknown,
    };
    (policy::check_against(source, now, &placed.seen), Some(beside))
}

impl Check {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        if self.lints {
            match self.format {
                Format::Text => print(&lints::table(Style::for_stdout()))?,
                Format::Json | Format::Sarif => print_pretty(&json!({"lints": lints::list()}))?,
            }
            return Ok(Outcome::Fine);
        }
        if self.policies.is_empty() {
            match self.format {
                Format::Text => print(&redaction::detector_table(None, Style::for_stdout()))?,
                Format::Json | Format::Sarif => print_pretty(&json!({"detectors": redaction::detector_list(None)}))?,
            }
            return Ok(Outcome::Fine);
        }
        let observed = match self.against.as_slice() {
            [] => None,
            paths => Some(Observed::read(paths.iter().map(PathBuf::as_path))?),
        };
        let checked: Vec<Checked> =
            documents::read(&self.policies).into_iter().map(|it| Checked::new(it, observed.as_ref())).collect();
        let errors: usize = checked.iter().map(|it| it.count(Severity::Error)).sum();
        let warnings: usize = checked.iter().map(|it| it.count(Severity::Warning)).sum();
        match self.format {
            Format::Text => print(&self.text(&checked))?,
            Format::Json => {
                let files: Vec<Value> = checked.iter().map(|file| self.entry(file)).collect();
                print_pretty(&json!({"files": files, "errors": errors, "warnings": warnings}))?;
            }
            Format::Sarif => print_sarif(&checked)?,
        }
        let mut unreadable = checked.iter().filter_map(|it| it.unreadable.as_deref());
        if let Some(first) = unreadable.next() {
            let more: String = unreadable.map(|what| format!("\n{what}")).collect();
            return Err(miette!(
                help = "name a policy file, a directory of them, or - for standard input",
                "{first}{more}"
            ));
        }
        let findings = errors > 0 || (self.strict && warnings > 0);
        Ok(if findings { Outcome::Findings } else { Outcome::Fine })
    }

    fn text(&self, checked: &[Checked]) -> String {
        let style = Style::for_stdout();
        let mut out = String::new();
        for file in checked.iter().filter(|it| it.unreadable.is_none()) {
            out.push_str(&text::findings(&file.name, &file.source, &file.findings, style));
            let (errors, warnings) = (file.count(Severity::Error), file.count(Severity::Warning));
            let verdict = match (&file.compiled, warnings) {
                (None, _) => style.paint(Paint::Bad, "refused"),
                (Some(_), 0) => style.paint(Paint::Good, "ok"),
                (Some(_), _) => style.paint(Paint::Notable, "ok, with warnings"),
            };
            let counts = counts(errors, warnings, file.allowed());
            out.push_str(&format!("{}: {verdict}{counts}\n", file.name));
            if let Some(beside) = &file.beside {
                out.push_str(&beside.text());
            }
            if let (true, Some(compiled)) = (self.explain, &file.compiled) {
                out.push_str(&format!("\n{}\n", explanation::text(compiled, style)));
            }
            if let (true, Some(compiled)) = (self.detectors, &file.compiled) {
                match compiled.configuration.policy.redaction.as_deref() {
                    Some(it) => out.push_str(&format!("\n{}\n", redaction::detector_table(Some(it), style))),
                    None => out.push_str("\nThis policy has no `redaction`: nothing is looked for.\n"),
                }
            }
        }
        out
    }

    /// One file, for tools.
    fn entry(&self, file: &Checked) -> Value {
        let mut entry = serde_json::Map::new();
        let mut add = |key: &str, value: Value| entry.insert(key.to_owned(), value);
        add("file", json!(file.name));
        add("ok", json!(file.compiled.is_some()));
        add("findings", file.findings.iter().map(json::finding).collect());
        if let Some(what) = &file.unreadable {
            add("unreadable", json!(what));
        }
        let Some(compiled) = &file.compiled else { return Value::Object(entry) };
        add("allowed", compiled.allowed.iter().map(json::allowed).collect());
        if let Some(beside) = &file.beside {
            add("against", beside.json());
        }
        if self.explain {
            add("effective", explanation::json(compiled));
        }
        if self.detectors {
            let of_policy = compiled.configuration.policy.redaction.as_deref();
            add("detectors", of_policy.map(|it| redaction::detector_list(Some(it))).into());
        }
        Value::Object(entry)
    }
}

impl Beside {
    fn text(&self) -> String {
        let mut out = String::new();
        if self.counts.is_empty() {
            out.push_str("  note: no tool was seen on a server of this policy\n");
        }
        let names = |names: &mut dyn Iterator<Item = String>| one_line(&names.collect::<Vec<_>>().join(", "), WIDTH);
        if !self.unmentioned.is_empty() {
            let listed = names(&mut self.unmentioned.iter().map(|(server, tool)| format!("{server}/{tool}")));
            let tools = if self.unmentioned.len() == 1 { "tool that was" } else { "tools that were" };
            out.push_str(&format!(
                "  note: no rule names {} {tools} seen, so nobody may call: ",
                self.unmentioned.len()
            ));
            out.push_str(&format!("{listed}\n"));
        }
        if !self.unknown.is_empty() {
            let listed = names(&mut self.unknown.iter().cloned());
            out.push_str(&format!("  note: no server of this policy matches what was captured at {listed}\n"));
        }
        out
    }

    fn json(&self) -> Value {
        let unmentioned = self.unmentioned.iter().map(|(server, tool)| json!({"server": server, "tool": tool}));
        json!({
            "seen": self.counts,
            "unmentioned": unmentioned.collect::<Vec<_>>(),
            "unknown": self.unknown,
        })
    }
}

/// How much of a list of names is printed, in characters.
const WIDTH: usize = 300;

fn print_sarif(checked: &[Checked]) -> miette::Result<()> {
    let of = |file: &Checked| -> Vec<sarif::Finding> {
        file.findings.iter().map(|it| sarif::Finding::of_policy(&file.name, it)).collect()
    };
    print_pretty(&sarif::log(&checked.iter().flat_map(of).collect::<Vec<_>>()))
}

fn print_pretty(report: &Value) -> miette::Result<()> {
    let text = serde_json::to_string_pretty(report).map_err(|error| miette!("{error}"))?;
    print(&format!("{text}\n"))
}

/// Writes to standard output. A reader that has seen enough, as `head` has, is no fault.
fn print(text: &str) -> miette::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(miette!("cannot write the report: {error}")),
        _ => Ok(()),
    }
}

fn counts(errors: usize, warnings: usize, allowed: usize) -> String {
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let allowed = (allowed > 0).then(|| format!("{allowed} allowed"));
    let counts: Vec<String> =
        [count(errors, "error"), count(warnings, "warning"), allowed].into_iter().flatten().collect();
    if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) }
}
