//! Rules in words: which matched, and why the others did not.

use serde_json::{Value, json};
use tidegate_filter::decide::explain::{Alone, Failed, RuleStep, RuleSteps};
use tidegate_filter::policy::{Effect, Mode};

use super::trace::time;
use super::{Detail, Mark};
use crate::report::explanation;

/// A condition that is not met, in words.
pub fn condition(failed: &Failed) -> String {
    match failed {
        Failed::Server(on) => format!("is about another server: {}", on.join(", ")),
        Failed::Name(patterns) if patterns.is_empty() => "is about another kind of thing".to_owned(),
        Failed::Name(patterns) => format!("is about {}", shortened(patterns)),
        Failed::TooLong(bytes) => format!("no rule matches a name of {bytes} bytes"),
        Failed::Who { field, has, wants } => {
            let has = if has.is_empty() { "not known".to_owned() } else { has.join(", ") };
            format!("who.{} is {has}, not {}", field.as_str(), wants.join(" or "))
        }
        Failed::NotBefore(start) => format!("applies only from {}", time(*start)),
        Failed::Expired(end) => format!("expired at {}", time(*end)),
        Failed::Write => "opens no writes, and the policy is read-only".to_owned(),
        Failed::Arguments { said, found, .. } => match found {
            Some(found) => format!("argument {said}, and is {found}"),
            None => format!("arguments: {said}"),
        },
        Failed::SomeArguments => "denies only some arguments, which hides no entry of a list".to_owned(),
    }
}

/// A condition that is not met, for tools.
pub fn condition_json(failed: &Failed) -> Value {
    let mut value = match failed {
        Failed::Server(on) => json!({"condition": "server", "wants": on}),
        Failed::Name(patterns) => json!({"condition": "name", "wants": patterns}),
        Failed::TooLong(bytes) => json!({"condition": "name", "bytes": bytes}),
        Failed::Who { field, has, wants } => {
            json!({"condition": format!("who.{}", field.as_str()), "has": has, "wants": wants})
        }
        Failed::NotBefore(start) => json!({"condition": "not_before", "wants": time(*start)}),
        Failed::Expired(end) => json!({"condition": "expires", "wants": time(*end)}),
        Failed::Write => json!({"condition": "write"}),
        Failed::Arguments { pointer, keyword, found, .. } => {
            json!({"condition": "arguments", "pointer": pointer, "keyword": keyword, "has": found})
        }
        Failed::SomeArguments => json!({"condition": "arguments"}),
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("said".to_owned(), condition(failed).into());
    }
    value
}

/// One rule: matched, or the first condition that failed.
pub fn rule_detail(step: &RuleStep<'_>) -> Detail {
    let rule = step.rule;
    let effect = match rule.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let shadow = if rule.mode == Mode::Shadow { "shadow rule, changes nothing: " } else { "" };
    let pattern = step.pattern.map(explanation::tool).unwrap_or_default();
    let (outcome, mark, said) = match (step.alone, step.failed.as_slice()) {
        (Alone::Denies, []) => ("matched", Mark::Bad, format!("matches {pattern}")),
        (Alone::Denies, [first, ..]) => {
            ("matched", Mark::Bad, format!("matches {pattern}, in doubt: {}", condition(first)))
        }
        (Alone::Allows, _) => ("matched", Mark::Good, format!("matches {pattern}")),
        (_, failed) => {
            let said: Vec<String> = failed.iter().map(condition).collect();
            let mark = if step.pattern.is_some() { Mark::Notable } else { Mark::Faint };
            ("not_matched", mark, said.join("; also "))
        }
    };
    let mark = if shadow.is_empty() { mark } else { Mark::Faint };
    let failed: Vec<Value> = step.failed.iter().map(condition_json).collect();
    Detail {
        label: format!("{effect} {}", rule.id),
        mark,
        said: format!("{shadow}{said}"),
        json: json!({
            "rule": rule.id, "effect": effect, "mode": rule.mode.as_str(), "outcome": outcome,
            "pattern": step.pattern.map(explanation::tool), "failed": failed,
        }),
    }
}

/// What the rules came to, one line.
pub fn told(steps: &RuleSteps<'_>) -> (Mark, String) {
    let verdict = &steps.verdict;
    let would = verdict.would.map(|would| {
        let what = if would.allowed { "would allow" } else { "would deny" };
        format!("; shadow rule {} {what}", would.rule)
    });
    let would = would.unwrap_or_default();
    match (verdict.reason, verdict.rule) {
        (None, rule) => (Mark::Good, format!("allowed by {}{would}", rule.unwrap_or("no rule"))),
        (Some(reason), Some(rule)) => {
            let lacks = verdict.lacks.as_ref().map(|lacks| format!(": {lacks}")).unwrap_or_default();
            (Mark::Bad, format!("{} by {rule}{lacks}{would}", reason.as_str()))
        }
        (Some(reason), None) => (Mark::Bad, format!("{}: no rule allows it{would}", reason.as_str())),
    }
}

fn shortened(patterns: &[String]) -> String {
    const MOST: usize = 4;
    let shown: Vec<&str> = patterns.iter().take(MOST).map(String::as_str).collect();
    let more = match patterns.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
