use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use miette::miette;
use serde_json::{Value, json};
use tidegate_filter::policy::{self, Compiled, Diagnostic, Severity};

use super::{Outcome, input};
use crate::report::style::{Paint, Style};
use crate::report::{explanation, json, redaction, text};

/// Checks policies: errors that Envoy would refuse, and lints such as rules that can never apply
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate check policies/*.json\n  \
    tidegate check --explain policies/starter.json   what is in force, defaults included\n  \
    tidegate check --detectors                       every kind of secret that redaction knows\n  \
    tidegate check --format json policy.json | jq '.files[].findings'\n\n\
    Exits 1 if a policy has an error (with --strict: or a warning), 2 if a file cannot be read.")]
pub(super) struct Check {
    /// Policy files
    #[arg(required_unless_present = "detectors", value_name = "POLICY")]
    policies: Vec<PathBuf>,
    /// Print what is in force, and what happens in every case of doubt
    #[arg(long)]
    explain: bool,
    /// List every detector of secrets; with policies, what each does with it
    #[arg(long)]
    detectors: bool,
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
}

/// One file that was checked.
struct Checked {
    name: String,
    source: Vec<u8>,
    findings: Vec<Diagnostic>,
    compiled: Option<Compiled>,
}

impl Checked {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|it| it.severity == severity).count()
    }
}

impl Check {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        if self.policies.is_empty() {
            match self.format {
                Format::Text => print!("{}", redaction::detector_table(None, Style::for_stdout())),
                Format::Json => print_pretty(&json!({"detectors": redaction::detector_list(None)}))?,
            }
            return Ok(Outcome::Fine);
        }
        let checked: Vec<Checked> = self.policies.iter().map(|path| check(path)).collect::<miette::Result<_>>()?;
        let errors: usize = checked.iter().map(|it| it.count(Severity::Error)).sum();
        let warnings: usize = checked.iter().map(|it| it.count(Severity::Warning)).sum();
        match self.format {
            Format::Text => self.print_text(&checked),
            Format::Json => self.print_json(&checked, errors, warnings)?,
        }
        let findings = errors > 0 || (self.strict && warnings > 0);
        Ok(if findings { Outcome::Findings } else { Outcome::Fine })
    }

    fn print_text(&self, checked: &[Checked]) {
        let style = Style::for_stdout();
        for file in checked {
            print!("{}", text::findings(&file.name, &file.source, &file.findings, style));
            let (errors, warnings) = (file.count(Severity::Error), file.count(Severity::Warning));
            let verdict = match (&file.compiled, warnings) {
                (None, _) => style.paint(Paint::Bad, "refused"),
                (Some(_), 0) => style.paint(Paint::Good, "ok"),
                (Some(_), _) => style.paint(Paint::Notable, "ok, with warnings"),
            };
            println!("{}: {verdict}{}", file.name, counts(errors, warnings));
            if let (true, Some(compiled)) = (self.explain, &file.compiled) {
                println!("\n{}", explanation::text(compiled, style));
            }
            if let (true, Some(compiled)) = (self.detectors, &file.compiled) {
                match compiled.configuration.policy.redaction.as_deref() {
                    Some(it) => println!("\n{}", redaction::detector_table(Some(it), style)),
                    None => println!("\nThis policy has no `redaction`: nothing is looked for."),
                }
            }
        }
    }

    fn print_json(&self, checked: &[Checked], errors: usize, warnings: usize) -> miette::Result<()> {
        let files: Vec<Value> = checked
            .iter()
            .map(|file| {
                let findings: Vec<Value> = file.findings.iter().map(json::finding).collect();
                let mut entry = json!({"file": file.name, "ok": file.compiled.is_some(), "findings": findings});
                if let (true, Some(compiled), Some(object)) = (self.explain, &file.compiled, entry.as_object_mut()) {
                    object.insert("effective".to_owned(), explanation::json(compiled));
                }
                if let (true, Some(compiled), Some(object)) = (self.detectors, &file.compiled, entry.as_object_mut()) {
                    let of_policy = compiled.configuration.policy.redaction.as_deref();
                    let list = of_policy.map(|it| redaction::detector_list(Some(it)));
                    object.insert("detectors".to_owned(), list.into());
                }
                entry
            })
            .collect();
        print_pretty(&json!({"files": files, "errors": errors, "warnings": warnings}))
    }
}

fn print_pretty(report: &Value) -> miette::Result<()> {
    println!("{}", serde_json::to_string_pretty(report).map_err(|error| miette!("{error}"))?);
    Ok(())
}

fn counts(errors: usize, warnings: usize) -> String {
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let counts: Vec<String> = [count(errors, "error"), count(warnings, "warning")].into_iter().flatten().collect();
    if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) }
}

fn check(path: &Path) -> miette::Result<Checked> {
    let source = input::read(path)?;
    let name = path.display().to_string();
    Ok(match policy::check(&source, input::now()) {
        Ok(compiled) => Checked { name, source, findings: compiled.warnings.clone(), compiled: Some(compiled) },
        Err(diagnostics) => Checked { name, source, findings: diagnostics.0, compiled: None },
    })
}
