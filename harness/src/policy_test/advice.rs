//! What to do about a test that failed.

use serde_json::Value;

use super::expectation::{Mismatch, decisive, verdict};
use super::test_file::{Test, TestFile};
use crate::replay::Replayed;

/// What the filter tells the caller to do, if anything.
pub(super) fn advice(replayed: &Replayed) -> Option<String> {
    let body = replayed.result.response.as_ref()?.body();
    let answer: Value = serde_json::from_slice(&body).ok()?;
    let denial = answer
        .get("result")
        .and_then(|it| it.get("_meta")?.get("tidegate/denial"))
        .or_else(|| answer.get("error")?.get("data"))?;
    denial.get("advice")?.as_str().map(str::to_owned)
}

/// What to do: in the policy, if the test is right, or else in the test.
pub(super) fn next(file: &TestFile, test: &Test, mismatches: &[Mismatch], replayed: &Replayed) -> String {
    let first = mismatches.first();
    let (line, column) = first.map_or(test.place, |it| it.place);
    let in_test = format!("change the expectation at {}:{line}:{column}", file.path.display());
    let key = first.map_or("", |it| it.key);
    let wanted = first.and_then(|it| it.expected.as_str()).unwrap_or_default();
    let in_policy = match key {
        "verdict" if wanted == "allow" || wanted == "passed" => Some(to_allow(replayed)),
        "verdict" if wanted == "deny" && verdict(replayed) == "would_deny" => {
            Some("set `mode` to `enforce`: in shadow mode a refusal is only audited".to_owned())
        }
        "verdict" if wanted == "deny" => Some(to_deny(replayed)),
        "hidden" | "listed" => {
            Some("look at the rules for the tools that differ: a list shows what the caller may use".to_owned())
        }
        "redactions" | "response" | "response_contains" | "response_lacks" => {
            Some("look at `redaction`; `tidegate check --explain` tells what is in force".to_owned())
        }
        _ => None,
    };
    match in_policy {
        Some(in_policy) => format!("if the test is right, {in_policy}; else {in_test}"),
        None => format!("correct the policy, or {in_test}"),
    }
}

fn to_allow(replayed: &Replayed) -> String {
    let Some(event) = decisive(replayed) else { return "look at which server the request is for".to_owned() };
    let rule = event.text("rule").unwrap_or("?");
    let target = event.target().unwrap_or("what is asked for");
    match event.text("reason").unwrap_or_default() {
        "tool_not_allowed" | "resource_not_allowed" | "prompt_not_allowed" | "method_not_allowed" => {
            match event.text("rule") {
                Some(rule) => format!("open rule `{rule}` to this caller, or add an allow for `{target}`"),
                None => format!("add an allow rule that matches `{target}` and this caller"),
            }
        }
        "denied_by_rule" => format!("narrow deny rule `{rule}`"),
        "read_only" => {
            format!(
                "write `\"write\": true` in rule `{rule}`, or name `{target}` in `read_only.reads` if it only reads"
            )
        }
        "arguments_invalid" => format!("see what `arguments` of rule `{rule}` ask for"),
        "outside_time" => format!("give the test a `now` at which rule `{rule}` applies"),
        "principal_missing" => "say who calls with `principal`".to_owned(),
        "server_unknown" => "send it to a server of the policy with `server`".to_owned(),
        "quota_exceeded" | "budget_exceeded" => {
            format!(
                "raise `limit` of `{}`, or send fewer messages before this one",
                event.text("quota").unwrap_or("the quota")
            )
        }
        "secret_blocked" => "send no secret, or add it to `redaction.allow`".to_owned(),
        "header_mismatch" => "take the mirrored headers out of `headers`: a short form sends the right ones".to_owned(),
        reason => format!("look at what `{reason}` stands for in the policy"),
    }
}

fn to_deny(replayed: &Replayed) -> String {
    match decisive(replayed).and_then(|event| event.text("rule")) {
        Some(rule) => format!("narrow rule `{rule}`, which allowed it, or add a deny rule"),
        None => "add a deny rule: no rule was needed for this message".to_owned(),
    }
}
