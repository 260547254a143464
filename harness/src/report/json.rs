//! Findings for tools.

use serde_json::{Value, json};
use tidegate_filter::policy::{Diagnostic, Severity};

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
