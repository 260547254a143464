//! What it would take to be allowed: the nearest rules and the smallest changes, each tried before it is told.

use serde_json::{Map, Value, json};
use tidegate_filter::decide::access::Caller;
use tidegate_filter::decide::explain::{Alone, Failed, Question, RuleStep, rules};
use tidegate_filter::decide::identity::{Principal, Source};
use tidegate_filter::exchange::explain::{Asking, Trace};
use tidegate_filter::policy::{Dollars, Effect, Mode, Noun, Policy, Reason, Rule, compile};

use crate::envoy::policy_text;
use crate::report::{explanation, steps};

/// Rules that are told, the nearest first.
const MOST: usize = 3;

/// What it would take.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Remedies {
    /// One way each.
    pub(super) ways: Vec<Way>,
    /// A rule to add to the policy, where no rule comes near.
    pub(super) rule: Option<Value>,
}

/// One way to be allowed.
#[derive(Debug, PartialEq)]
pub(super) struct Way {
    /// The rule that would then decide.
    pub(super) rule: Option<String>,
    /// What has to change: all of it.
    pub(super) changes: Vec<String>,
    /// What would still stand against it.
    pub(super) but: Option<String>,
}

impl Way {
    fn one(change: String) -> Self {
        Self { rule: None, changes: vec![change], but: None }
    }
}

impl Remedies {
    /// For tools.
    pub(super) fn json(&self) -> Value {
        let ways: Vec<Value> =
            self.ways.iter().map(|it| json!({"rule": it.rule, "changes": it.changes, "but": it.but})).collect();
        json!({"ways": ways, "suggested_rule": self.rule})
    }
}

/// What it would take for a request that was refused for `reason`; `text` is the policy as its author wrote it.
pub(super) fn remedies(text: &str, policy: &Policy, trace: &Trace<'_>, reason: &str) -> Remedies {
    let refused = |it: &&Asking<'_>| it.steps.verdict.reason.is_some_and(|it| it.as_str() == reason);
    // Without any right the reason is that of a method, whatever was asked for.
    let asking = if trace.has_right == Some(false) {
        trace.questions.last()
    } else {
        trace.questions.iter().rev().find(refused)
    };
    if let (Some(asking), Some(_), Some(principal)) = (asking, trace.server, &trace.principal)
        && reason != Reason::PrincipalMissing.as_str()
    {
        return by_rules(text, policy, trace, asking, principal);
    }
    let ways = match reason {
        "principal_missing" => vec![Way::one(unknown_caller(policy, trace))],
        "server_unknown" => {
            let servers = policy.servers.iter().map(|it| format!("{} ({})", it.name, explanation::matcher(it)));
            vec![Way::one(format!("call a server of the policy: {}", servers.collect::<Vec<_>>().join(", ")))]
        }
        "secret_blocked" => trace.secrets.iter().filter_map(|it| it.blocked.as_ref()).map(secret).collect(),
        "approval_required" | "quota_exceeded" | "budget_exceeded" => charges(policy, trace),
        _ => Vec::new(),
    };
    Remedies { ways, rule: None }
}

fn unknown_caller(policy: &Policy, trace: &Trace<'_>) -> String {
    if trace
        .identity
        .iter()
        .flat_map(|it| &it.sources)
        .any(|it| !it.asked.is_empty() && it.asked.iter().any(|asked| asked.answer.is_some()))
    {
        return "be identified by a source of the policy: see the step `identity`".to_owned();
    }
    let sources: Vec<&str> = policy.identity.sources.iter().map(|it| explanation::identity_source(it).0).collect();
    format!("be known by a source of the policy ({}): say who calls with --as", sources.join(", "))
}

fn secret((detector, pointer): &(String, String)) -> Way {
    Way::one(format!(
        "send no secret at {pointer}; if it is none, let it pass with an entry of redaction.allow that names the detector {detector}"
    ))
}

fn charges(policy: &Policy, trace: &Trace<'_>) -> Vec<Way> {
    let Some(charges) = &trace.charges else { return Vec::new() };
    let mut ways = Vec::new();
    if let (Some(cost), Mode::Enforce) = (&charges.cost, policy.costs.single_request_mode)
        && let Some(over) = cost.over_threshold
    {
        ways.push(Way::one(format!(
            "cost at most {} instead of {}, or raise cost_controls.approval_thresholds.single_request",
            Dollars(over),
            Dollars(cost.estimate.reserved)
        )));
        return ways;
    }
    for step in &charges.quotas {
        let limit = step.quota.limit.amount();
        if let Ok((amount, _)) = &step.counted
            && *amount > limit
            && step.quota.mode == Mode::Enforce
        {
            ways.push(Way::one(format!(
                "ask for at most {limit} instead of {amount}, or raise the quota {}",
                step.quota.id
            )));
        }
    }
    ways
}

fn by_rules(text: &str, policy: &Policy, trace: &Trace<'_>, asking: &Asking<'_>, principal: &Principal) -> Remedies {
    let mut remedies = Remedies::default();
    let denies: Vec<&RuleStep<'_>> =
        asking.steps.rules.iter().filter(|it| it.alone == Alone::Denies && it.rule.mode == Mode::Enforce).collect();
    for step in denies.iter().take(MOST) {
        remedies.ways.push(undenied(step, &asking.steps.rules));
    }
    if !denies.is_empty() {
        return remedies;
    }
    let near = |it: &&RuleStep<'_>| {
        it.rule.effect == Effect::Allow
            && it.rule.mode == Mode::Enforce
            && it.pattern.is_some()
            && !it.failed.is_empty()
    };
    let mut nearest: Vec<&RuleStep<'_>> = asking.steps.rules.iter().filter(near).collect();
    nearest.sort_by_key(|it| it.failed.len());
    for step in nearest.iter().take(MOST) {
        remedies.ways.push(met(policy, trace, asking, principal, step));
    }
    if nearest.is_empty() {
        remedies.rule = suggested(text, policy, trace, asking, principal);
    }
    remedies
}

/// How a deny would not hold.
fn undenied(step: &RuleStep<'_>, all: &[RuleStep<'_>]) -> Way {
    let rule = step.rule;
    let pattern = step.pattern.map(explanation::tool).unwrap_or_default();
    let mut conditions = Vec::new();
    if let Some(who) = &rule.who {
        conditions.push(format!("it denies {}", explanation::who_of(Some(who))));
    }
    if let Some(arguments) = &rule.arguments {
        conditions.push(format!("it denies arguments {}", String::from_utf8_lossy(arguments.text())));
    }
    if let Some(end) = rule.expires {
        conditions.push(format!("it ends at {}", steps::time(end)));
    }
    let conditions = if conditions.is_empty() { "it denies everyone".to_owned() } else { conditions.join(", ") };
    let allowed = all.iter().find(|it| it.alone == Alone::Allows && it.rule.mode == Mode::Enforce);
    let but = match allowed {
        Some(allow) => format!("then rule {} allows it", allow.rule.id),
        None => "even then a rule that allows it is needed".to_owned(),
    };
    Way {
        rule: Some(rule.id.clone()),
        changes: vec![format!("it must not deny {pattern}: {conditions}, and a deny goes before every allow")],
        but: Some(but),
    }
}

/// What an allow lacks, and whether anything else stands in the way once it has it.
fn met(policy: &Policy, trace: &Trace<'_>, asking: &Asking<'_>, principal: &Principal, step: &RuleStep<'_>) -> Way {
    let mut principal = principal.clone();
    let mut now = trace.now;
    let mut arguments_as_sent = true;
    let mut opens_writes = false;
    let mut changes = Vec::new();
    for failed in &step.failed {
        changes.push(match failed {
            Failed::Who { field, wants, .. } => {
                if let Some(value) = wants.first() {
                    principal.meet(*field, value.clone());
                }
                format!("be in {} {}", field.as_str(), wants.join(" or "))
            }
            Failed::NotBefore(start) => {
                now = *start;
                format!("wait until {}", steps::time(*start))
            }
            Failed::Expired(end) => {
                now = end.saturating_sub(1);
                format!("have {}'s `expires` put off: it was {}", step.rule.id, steps::time(*end))
            }
            Failed::Write => {
                opens_writes = true;
                let tool = &asking.name;
                format!(
                    "have \"write\": true added to rule {}, or {tool} to read_only.reads if it only reads",
                    step.rule.id
                )
            }
            Failed::Arguments { said, .. } => {
                arguments_as_sent = false;
                format!("send other arguments: {said}")
            }
            other => steps::condition(other),
        });
    }
    let but = trace.server.and_then(|server| {
        let caller = Caller { server, principal: &principal, now };
        let after = if arguments_as_sent {
            rules(policy, &caller, asking.question())
        } else {
            // Which arguments those will be is not known: what counts is whether some are allowed.
            rules(policy, &caller, Question::Use { noun: asking.noun, name: &asking.name, arguments: None })
        };
        match (after.verdict.reason, after.verdict.rule) {
            (None, _) => None,
            (Some(Reason::ReadOnly), _) if opens_writes => None,
            (Some(reason), rule) => Some(format!(
                "it would still be refused: {}{}",
                reason.as_str(),
                rule.map(|it| format!(" by {it}")).unwrap_or_default()
            )),
        }
    });
    Way { rule: Some(step.rule.id.clone()), changes, but }
}

/// The narrowest rule that lets this caller do this, if adding it to the policy does.
fn suggested(
    text: &str,
    policy: &Policy,
    trace: &Trace<'_>,
    asking: &Asking<'_>,
    principal: &Principal,
) -> Option<Value> {
    let server = trace.server?;
    // A star in a pattern stands for other text.
    if asking.is_template || asking.name.contains('*') || asking.name.is_empty() {
        return None;
    }
    let mut rule = Map::new();
    rule.insert("id".to_owned(), fresh_id(policy, &asking.name).into());
    let target = match asking.noun {
        Noun::Tool if asking.name.contains('/') => json!({"server": server.name, "tool": asking.name}),
        Noun::Tool => json!(format!("{}/{}", server.name, asking.name)),
        Noun::Resource | Noun::Prompt | Noun::Method => json!(asking.name),
    };
    rule.insert("allow".to_owned(), json!({asking.noun.key(): [target]}));
    if asking.noun != Noun::Tool {
        rule.insert("servers".to_owned(), json!([server.name]));
    }
    match (&principal.team, principal.source) {
        (_, Source::Anonymous) => {}
        (Some(team), _) => drop(rule.insert("who".to_owned(), json!({"team": [team]}))),
        (None, _) => drop(rule.insert("who".to_owned(), json!({"subject": [principal.subject]}))),
    }
    if asking.steps.needs_write {
        rule.insert("write".to_owned(), json!(true));
    }
    let rule = Value::Object(rule);
    let mut document: Value = serde_json::from_str(policy_text(text)).ok()?;
    document.get_mut("rules")?.as_array_mut()?.push(rule.clone());
    let grown = compile(document.to_string().as_bytes()).ok()?.configuration.policy;
    let server = grown.servers.iter().find(|it| it.name == server.name)?;
    let caller = Caller { server, principal, now: trace.now };
    rules(&grown, &caller, asking.question()).verdict.allowed.then_some(rule)
}

fn fresh_id(policy: &Policy, name: &str) -> String {
    let plain: String = name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
    let plain: String =
        plain.split('-').filter(|it| !it.is_empty()).collect::<Vec<_>>().join("-").chars().take(60).collect();
    let taken = |id: &String| policy.rules.iter().any(|rule: &Rule| rule.id == *id);
    let first = format!("allow-{plain}");
    if !taken(&first) {
        return first;
    }
    (2..).map(|number| format!("{first}-{number}")).find(|id| !taken(id)).unwrap_or(first)
}
