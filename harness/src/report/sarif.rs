//! Findings as SARIF 2.1.0, for code hosts that show them beside the lines they are about.

use serde_json::{Value, json};
use tidegate_filter::policy::{Diagnostic, Severity};

/// Something to show at a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable id of the kind of finding, such as `unknown_key`.
    pub rule: String,
    /// What it counts as.
    pub severity: Severity,
    /// What is wrong, and what to do.
    pub message: String,
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Finding {
    /// A finding in a policy.
    pub fn of_policy(file: &str, finding: &Diagnostic) -> Self {
        let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        Self {
            rule: finding.code.to_owned(),
            severity: finding.severity,
            message: format!("{}{help}", finding.message),
            file: file.to_owned(),
            line: finding.line,
            column: finding.column,
        }
    }
}

/// The log of one run (SARIF section 3.13).
pub fn log(findings: &[Finding]) -> Value {
    let mut rules: Vec<&str> = findings.iter().map(|it| it.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let results: Vec<Value> = findings.iter().map(|it| result(it, &rules)).collect();
    let rules: Vec<Value> = rules.iter().map(|id| json!({"id": id})).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "tidegate", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results
        }]
    })
}

fn result(finding: &Finding, rules: &[&str]) -> Value {
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.binary_search(&finding.rule.as_str()).unwrap_or_default(),
        "level": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&finding.file)},
            "region": {"startLine": finding.line.max(1), "startColumn": finding.column.max(1)}
        }}]
    })
}

/// A path as a URI reference (RFC 3986): relative to the root of the repository, or absolute.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.strip_prefix("./").unwrap_or(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_stands_at_its_line_under_its_rule() {
        let finding = |rule: &str, file: &str, line| Finding {
            rule: rule.to_owned(),
            severity: Severity::Warning,
            message: "dead".to_owned(),
            file: file.to_owned(),
            line,
            column: 3,
        };
        let log = log(&[finding("dead_rule", "./a b/ü.json", 7), finding("bad", "/x.json", 1), finding("bad", "y", 2)]);
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"], json!([{"id": "bad"}, {"id": "dead_rule"}]));
        let first = &run["results"][0];
        assert_eq!((&first["ruleId"], &first["ruleIndex"]), (&json!("dead_rule"), &json!(1)));
        assert_eq!(first["level"], "warning");
        let place = &first["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%BC.json");
        assert_eq!(place["region"], json!({"startLine": 7, "startColumn": 3}));
        let second = &run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(second, "file:///x.json");
    }

    #[test]
    fn a_finding_of_a_policy_keeps_its_place_and_remedy() {
        let source = b"{\n  \"version\": \"tidegate/v1\",\n  \"nmae\": \"x\"\n}";
        let diagnostics = tidegate_filter::policy::compile(source).unwrap_err();
        let typo = diagnostics.0.iter().find(|it| it.code == "unknown_key").unwrap();
        let finding = Finding::of_policy("p.json", typo);
        assert_eq!((finding.line, finding.column, finding.severity), (3, 3, Severity::Error));
        assert_eq!(finding.message, "unknown key `nmae` (did you mean `name`?)");
    }
}
