//! Lints that the policy's author has looked at and allows, with a reason: `lint.allow`.

use super::catalogue::NAMES;
use crate::policy::document::{Fields, Report, Value};
use crate::policy::{Diagnostic, diagnostic, keys, rule};

/// A lint that would be a warning but for `lint.allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedLint {
    /// What would be warned of.
    pub finding: Diagnostic,
    /// Why it is allowed, in the words of the policy.
    pub reason: String,
    /// Seconds since the Unix epoch from which it is allowed no more.
    pub expires: Option<i64>,
}

/// One entry of `lint.allow`.
#[derive(Debug)]
pub(in super::super) struct LintAllowance {
    lint: String,
    /// The pointer as it is written, and from the root of the document; `None` is everywhere.
    at: Option<[String; 2]>,
    reason: String,
    expires: Option<i64>,
    /// Where the entry names its lint.
    #[cfg(not(target_family = "wasm"))]
    place: (String, crate::json::Span),
    used: bool,
}

impl LintAllowance {
    fn covers(&self, finding: &Diagnostic, now: Option<i64>) -> bool {
        let is_within = |at: &String| {
            let rest = finding.pointer.strip_prefix(at.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.lint == finding.code
            && self.at.as_ref().is_none_or(|at| at.iter().any(is_within))
            // Without a clock an entry that expires at some time may have.
            && self.expires.is_none_or(|end| now.is_some_and(|now| now < end))
    }
}

/// Reads `lint` of the policy that stands at the pointer `policy`.
pub(in super::super) fn read(value: &Value<'_>, policy: &str, report: &mut Report<'_>) {
    let Some(fields) = Fields::open(value, &keys::LINT, report) else { return };
    for entry in fields.required("allow", report).and_then(|value| value.list(report)).unwrap_or_default() {
        let allowance = read_entry(entry, policy, report);
        report.allowances.extend(allowance);
    }
}

fn read_entry(value: &Value<'_>, policy: &str, report: &mut Report<'_>) -> Option<LintAllowance> {
    let fields = Fields::open(value, &keys::LINT_ALLOW, report)?;
    let named = fields.required("lint", report);
    let lint = named.and_then(|value| read_name(value, report));
    let at = fields.get("at").and_then(|value| {
        let text = value.text(report)?;
        if !text.starts_with('/') {
            let help = "write a JSON pointer below the policy, such as \"/rules/0\", or leave `at` out";
            report.error("invalid_value", value, format!("`{text}` is not a JSON pointer"), help);
        }
        Some([text.to_owned(), format!("{policy}{text}")])
    });
    let reason = fields.required("reason", report).and_then(|value| {
        let text = value.text(report)?;
        if text.trim().is_empty() {
            report.error("empty", value, "no reason", "say why this is right here, for whoever reads the policy next");
        }
        Some(text.to_owned())
    });
    let expires = fields.get("expires").and_then(|value| rule::read_time(value, report));
    Some(LintAllowance {
        lint: lint?,
        at,
        reason: reason?,
        expires,
        #[cfg(not(target_family = "wasm"))]
        place: named.map(|value| (value.pointer.clone(), value.span))?,
        used: false,
    })
}

fn read_name(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    if NAMES.contains(&text) {
        return Some(text.to_owned());
    }
    let help = match diagnostic::suggestion(text, NAMES.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`tidegate check --lints` names every lint".to_owned(),
    };
    report.error("unknown_lint", value, format!("no lint is named `{text}`"), &help);
    None
}

/// Takes out of the warnings what is allowed at `now`, in seconds since the Unix epoch.
pub(in super::super) fn apply(report: &mut Report<'_>, now: Option<i64>) -> Vec<AllowedLint> {
    let mut allowed = Vec::new();
    for finding in std::mem::take(&mut report.warnings) {
        let mut why = None;
        for allowance in &mut report.allowances {
            if allowance.covers(&finding, now) {
                allowance.used = true;
                why = why.or_else(|| Some((allowance.reason.clone(), allowance.expires)));
            }
        }
        match why {
            Some((reason, expires)) => allowed.push(AllowedLint { finding, reason, expires }),
            None => report.warnings.push(finding),
        }
    }
    allowed
}

/// Warns of entries that allow nothing. What only a capture can bring up is left alone unless there was one.
#[cfg(not(target_family = "wasm"))]
pub(in super::super) fn report_unused(report: &mut Report<'_>, now: i64, has_capture: bool) {
    for allowance in std::mem::take(&mut report.allowances) {
        let LintAllowance { lint, expires, place, used, .. } = &allowance;
        if *used || (lint == super::seen::UNMATCHED && !has_capture) {
            continue;
        }
        let (message, help) = if expires.is_some_and(|end| end <= now) {
            (
                format!("this allowance of `{lint}` has expired"),
                "look at it again: then take it out, or give it a new time",
            )
        } else {
            (format!("there is no `{lint}` here that it could allow"), "take it out, or correct `at`")
        };
        report.warn_at("unused_allowance", (&place.0, place.1), message, help);
    }
}
