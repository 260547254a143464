//! Findings for tools.

use serde_json::{Value, json};
use tidegate_filter::policy::{AllowedLint, Diagnostic, Severity};

use super::explanation::time;

/// One finding: `severity`, `code`, `pointer` (RFC 6901), `line`, `column` (from 1), `start`, `end` (bytes), `message`
/// and, if there is one, `help`.
pub fn finding(finding: &Diagnostic) -> Value {
    let mut value = json!({
        "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "code": finding.code,
        "pointer": finding.pointer,
        "line": finding.line,
        "column": finding.column,
        "start": finding.span.start,
        "end": finding.span.end,
        "message": finding.message,
    });
    if let (Some(help), Some(object)) = (&finding.help, value.as_object_mut()) {
        object.insert("help".to_owned(), json!(help));
    }
    value
}

/// A lint that the policy allows: as [`finding`], with its `reason` and, if it ends, the time it `expires` (RFC 3339).
pub fn allowed(lint: &AllowedLint) -> Value {
    let mut value = finding(&lint.finding);
    if let Some(object) = value.as_object_mut() {
        object.insert("reason".to_owned(), json!(lint.reason));
        if let Some(end) = lint.expires {
            object.insert("expires".to_owned(), json!(time(end)));
        }
    }
    value
}
