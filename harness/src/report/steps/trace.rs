//! The steps of one request, in the order in which it is judged.

use serde_json::json;
use tidegate_filter::decide::access::Class;
use tidegate_filter::decide::explain::{
    ChargeSteps, IdentitySteps, ServerOutcome, ServerStep, SourceOutcome, SourceStep, Uncounted,
};
use tidegate_filter::decide::identity::{Identified, Principal};
use tidegate_filter::decide::quota::Uncountable;
use tidegate_filter::exchange::explain::{Asking, MessageFacts, Secrets, Trace};
use tidegate_filter::mcp::method::Kind;
use tidegate_filter::policy::{Counts, Dollars, Effect, Mode, Noun, Policy};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::rules::{rule_detail, told};
use super::{Detail, Mark, Step};
use crate::report::explanation;

/// Rules about other things that are shown one by one.
const FEW: usize = 12;

/// A moment as policies write it.
pub fn time(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|it| it.format(&Rfc3339).ok());
    time.unwrap_or_else(|| seconds.to_string())
}

/// The steps of a request. Of many rules that are about other things only the number is shown, unless `all` are wanted.
pub fn steps(policy: &Policy, trace: &Trace<'_>, all: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(fault) = trace.path_fault {
        steps.push(Step::new(
            "path",
            Mark::Bad,
            format!("the path has {fault}, which two readers could take differently"),
        ));
        return steps;
    }
    steps.push(server(policy, trace));
    steps.extend(trace.identity.as_ref().map(|it| identity(policy, it, trace.principal.as_ref())));
    if let (Some(has_right), Some(server)) = (trace.has_right, trace.server) {
        let known = trace.identity.as_ref().is_none_or(|it| !matches!(it.identified, Identified::Invalid(_)));
        let step = match (has_right, known) {
            (true, _) => {
                Step::new("access", Mark::Good, format!("some rule gives the caller a right on {}", server.name))
            }
            (false, _) => {
                Step::new("access", Mark::Bad, format!("no rule gives the caller any right on {}", server.name))
            }
        };
        steps.push(step);
    }
    match &trace.message {
        None => {}
        Some(Err(why)) => steps.push(Step::new("message", Mark::Bad, format!("cannot be read strictly: {why}"))),
        Some(Ok(message)) => steps.push(Step::new("message", Mark::Good, message_said(message))),
    }
    match &trace.era {
        None => {}
        Some(Ok(era)) => steps.push(Step::new("era", Mark::Good, format!("{era}; headers and body agree"))),
        Some(Err(why)) => steps.push(Step::new("era", Mark::Bad, why.clone())),
    }
    steps.extend(trace.secrets.as_ref().map(secrets));
    steps.extend(trace.questions.iter().filter_map(|asking| rules(trace, asking, all)));
    steps.extend(trace.questions.iter().filter_map(|asking| read_only(policy, asking)));
    steps.extend(trace.charges.iter().flat_map(|it| charges(policy, it)));
    steps
}

fn server(policy: &Policy, trace: &Trace<'_>) -> Step {
    let detail = |step: &ServerStep<'_>| {
        let (mark, said) = match &step.outcome {
            ServerOutcome::Chosen => (Mark::Good, "matches".to_owned()),
            ServerOutcome::NotReached => (Mark::Faint, "not asked: an earlier one matches".to_owned()),
            ServerOutcome::Differs(keys) => {
                let said: Vec<String> = keys
                    .iter()
                    .map(|it| {
                        format!("{} is {}, not {}", it.key, it.found.as_deref().unwrap_or("not known"), it.wanted)
                    })
                    .collect();
                (Mark::Faint, said.join("; "))
            }
        };
        let json = json!({"server": step.server.name, "matched": step.outcome == ServerOutcome::Chosen, "said": said});
        Detail { label: step.server.name.clone(), mark, said, json }
    };
    let details = trace.servers.iter().map(detail).collect();
    let chosen = trace.servers.iter().find(|it| it.outcome == ServerOutcome::Chosen).map(|it| it.server);
    let step = match chosen {
        None => Step::new(
            "server",
            Mark::Bad,
            format!("no server matches: on.server_unknown is {}", policy.on.server_unknown.as_str()),
        ),
        Some(server) if !server.govern => {
            Step::new("server", Mark::Notable, format!("{}, which is not governed", server.name))
        }
        Some(server) if server.mode == Mode::Shadow => {
            Step::new("server", Mark::Notable, format!("{}, in shadow mode: nothing is refused", server.name))
        }
        Some(server) => Step::new("server", Mark::Good, server.name.clone()),
    };
    step.with(details)
}

fn identity(policy: &Policy, steps: &IdentitySteps<'_>, principal: Option<&Principal>) -> Step {
    let detail = |step: &SourceStep<'_>| {
        let (kind, configured) = explanation::identity_source(step.source);
        let (mark, outcome, said) = match &step.outcome {
            SourceOutcome::Supplied => (Mark::Good, "supplied", "supplies the caller".to_owned()),
            SourceOutcome::DoesNotApply => (Mark::Faint, "does_not_apply", "does not apply".to_owned()),
            SourceOutcome::NotReached => (Mark::Faint, "not_reached", "not asked: an earlier one applied".to_owned()),
            SourceOutcome::Unusable(why) => (Mark::Bad, "unusable", why.clone()),
        };
        let asked: Vec<String> = step
            .asked
            .iter()
            .map(|it| match &it.answer {
                Some(answer) => format!("{} is {answer}", it.what),
                None => format!("no {}", it.what),
            })
            .collect();
        let asked_json: Vec<_> = step.asked.iter().map(|it| json!({"asked": it.what, "answer": it.answer})).collect();
        let colon = if asked.is_empty() { "" } else { ": " };
        Detail {
            label: kind.to_owned(),
            mark,
            said: format!("{said}{colon}{}", asked.join(", ")),
            json: json!({"source": kind, "configured": configured, "outcome": outcome, "said": said, "asked": asked_json}),
        }
    };
    let details = steps.sources.iter().map(detail).collect();
    let step = match (&steps.identified, principal) {
        (Identified::Invalid(why), _) => Step::new("identity", Mark::Bad, format!("nobody: {why}")),
        (Identified::Principal(_), Some(principal)) => Step::new("identity", Mark::Good, who(principal)),
        _ => {
            let anonymous = explanation::anonymous(&policy.identity.anonymous);
            let passes = policy.identity.anonymous == tidegate_filter::policy::Anonymous::Allow;
            let mark = if passes { Mark::Good } else { Mark::Bad };
            Step::new("identity", mark, format!("nobody: no source applies; identity.anonymous is {anonymous}"))
        }
    };
    step.with(details)
}

/// A caller in words.
fn who(principal: &Principal) -> String {
    let one = |name: &str, value: Option<&String>| value.map(|value| format!("{name} {value}"));
    let many = |name: &str, values: &[String]| (!values.is_empty()).then(|| format!("{name} {}", values.join(", ")));
    let parts = [
        Some(format!("subject {}", principal.subject)),
        one("team", principal.team.as_ref()),
        many("groups", &principal.groups),
        many("scopes", &principal.scopes),
        one("agent", principal.agent.as_ref()),
        one("workload", principal.workload.as_ref()),
    ];
    format!("{} (by {})", parts.into_iter().flatten().collect::<Vec<_>>().join("; "), principal.source.as_str())
}

fn message_said(message: &MessageFacts) -> String {
    let Some(method) = &message.method else { return "a client's response".to_owned() };
    let target = message.target.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
    let governed = match message.kind {
        Kind::CallTool => "needs a rule about the tool",
        Kind::Resource => "needs a rule about the resource",
        Kind::Prompt => "needs a rule about the prompt",
        Kind::Completion => "needs a rule about the prompt or resource that is completed",
        Kind::List(_) => "filtered, never refused to a caller with some right",
        Kind::Handshake => "never refused to a caller with some right",
        Kind::Plumbing => "needs some right on the server",
        Kind::Restricted => "needs a rule that names the method",
        Kind::Unknown => "no revision of MCP knows this method",
    };
    match &message.id {
        Some(id) => format!("{method}{target}, request {id}: {governed}"),
        None => format!("{method}{target}, a notification"),
    }
}

fn secrets(secrets: &Secrets) -> Step {
    let found = secrets.found.iter().map(|(detector, pointer, count)| Detail {
        label: detector.clone(),
        mark: Mark::Notable,
        said: format!("{count} at {}", if pointer.is_empty() { "the text" } else { pointer }),
        json: json!({"detector": detector, "path": pointer, "count": count}),
    });
    let step = match (&secrets.blocked, secrets.found.is_empty()) {
        (Some((detector, pointer)), _) if secrets.enforced => Step::new(
            "redaction",
            Mark::Bad,
            format!("{pointer} holds a secret ({detector}), which is not let through"),
        ),
        (Some((detector, pointer)), _) => {
            Step::new("redaction", Mark::Notable, format!("shadow: {pointer} holds a secret ({detector})"))
        }
        (None, false) if secrets.enforced => {
            Step::new("redaction", Mark::Notable, "secrets are taken out of the request")
        }
        (None, false) => Step::new("redaction", Mark::Notable, "secrets are found and let through"),
        (None, true) => Step::new("redaction", Mark::Good, "no secret in the request"),
    };
    step.with(found.collect())
}

/// What a question is about, in words.
pub fn about(asking: &Asking<'_>) -> String {
    format!("{} {}", asking.noun.as_str(), asking.name)
}

/// A question to the rules; none about a method that no rule is about and that needs none.
fn rules(trace: &Trace<'_>, asking: &Asking<'_>, all: bool) -> Option<Step> {
    let verdict = &asking.steps.verdict;
    let is_method = asking.noun == Noun::Method;
    let kind = trace.message.as_ref().and_then(|it| it.as_ref().ok()).map(|it| it.kind);
    let needed = !is_method || matches!(kind, Some(Kind::Restricted | Kind::Unknown));
    let concerned = asking.steps.rules.iter().any(|it| it.pattern.is_some());
    if !needed && !concerned {
        return None;
    }
    let (mut mark, mut said) = told(&asking.steps);
    if !needed && verdict.reason.is_some_and(|it| it != tidegate_filter::policy::Reason::DeniedByRule) {
        (mark, said) = (Mark::Good, "not denied; needs no allow".to_owned());
    }
    let never_refused = matches!(kind, Some(Kind::Handshake | Kind::List(_)));
    if is_method && never_refused {
        (mark, said) = (Mark::Good, "never refused, whatever rules say".to_owned());
    }
    let conditions = asking.arguments.is_some();
    let detailed: Vec<_> = asking
        .steps
        .rules
        .iter()
        .filter(|it| all || it.pattern.is_some() || asking.steps.rules.len() <= FEW)
        .map(rule_detail)
        .collect();
    let others = asking.steps.rules.len() - detailed.len();
    let mut details = detailed;
    if others > 0 {
        details.push(Detail {
            label: format!("{others} other rules"),
            mark: Mark::Faint,
            said: "are about other things; --all shows them".to_owned(),
            json: json!({"others": others}),
        });
    }
    let denies = asking.steps.rules.iter().any(|it| it.rule.effect == Effect::Deny && it.pattern.is_some());
    let order = match (denies, conditions) {
        (true, _) => " (a deny goes before every allow)",
        _ => "",
    };
    Some(Step::new("rules", mark, format!("{}: {said}{order}", about(asking))).with(details))
}

fn read_only(policy: &Policy, asking: &Asking<'_>) -> Option<Step> {
    if asking.noun != Noun::Tool || !policy.read_only.enabled {
        return None;
    }
    let steps = &asking.steps;
    let opened = steps.verdict.rule.filter(|_| steps.verdict.allowed);
    let refused = steps.verdict.reason == Some(tidegate_filter::policy::Reason::ReadOnly);
    let (mark, said) = match (steps.class, steps.read_by, opened) {
        (Class::Read, Some(read), _) => (Mark::Good, format!("a read: {} is among the reads", explanation::tool(read))),
        (Class::Read, None, _) => (Mark::Good, "a read".to_owned()),
        (Class::Write, _, Some(rule)) => (Mark::Good, format!("a write, which rule {rule} opens")),
        (Class::Write, ..) if refused => (Mark::Bad, "a write: it is not among the reads".to_owned()),
        (Class::Write, ..) => (Mark::Faint, "a write: a rule that allows it must open writes".to_owned()),
    };
    Some(Step::new("read-only", mark, said))
}

fn charges(policy: &Policy, charges: &ChargeSteps<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(cost) = &charges.cost {
        let amount = Dollars(cost.estimate.reserved);
        let enforced = policy.costs.single_request_mode == Mode::Enforce;
        let (mark, said) = match cost.over_threshold {
            None => (Mark::Good, format!("at most {amount}, by the price of {}", cost.pattern)),
            Some(over) if enforced => {
                (Mark::Bad, format!("at most {amount}: over {} a single call needs an approval", Dollars(over)))
            }
            Some(over) => (Mark::Notable, format!("at most {amount}: over {}, in shadow mode", Dollars(over))),
        };
        steps.push(Step::new("cost", mark, said));
    }
    if charges.quotas.is_empty() {
        return steps;
    }
    let mut refuses = None;
    let mut counted = 0;
    let details: Vec<Detail> = charges
        .quotas
        .iter()
        .map(|step| {
            let quota = step.quota;
            let shown = |amount: u64| match quota.counts {
                Counts::Cost => Dollars(amount).to_string(),
                Counts::RequestBytes | Counts::ResultBytes => format!("{amount} bytes"),
                _ => amount.to_string(),
            };
            let (mark, said) = match &step.counted {
                Ok((amount, counters)) => {
                    counted += 1;
                    let of = shown(quota.limit.amount());
                    let per = quota.limit.window_name();
                    let per = if per.is_empty() { String::new() } else { format!(" per {per}") };
                    let counters: Vec<&str> = counters.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
                    let counter = if counters.is_empty() {
                        String::new()
                    } else {
                        format!(", counted by {}", counters.join(" and "))
                    };
                    let over = *amount > quota.limit.amount();
                    if over && quota.mode == Mode::Enforce {
                        refuses.get_or_insert(quota.id.as_str());
                    }
                    (
                        if over { Mark::Bad } else { Mark::Good },
                        format!("takes {} of {of}{per}{counter}", shown(*amount)),
                    )
                }
                Err(Uncounted::Target) => (Mark::Faint, "is about other calls".to_owned()),
                Err(Uncounted::Server) => (Mark::Faint, "is about other servers".to_owned()),
                Err(Uncounted::Who) => (Mark::Faint, "is about other callers".to_owned()),
                Err(Uncounted::Free) => (Mark::Faint, "counts money, and the call costs nothing".to_owned()),
                Err(Uncounted::Uncountable(Uncountable::Lacks(dimension))) => {
                    refuses.get_or_insert(quota.id.as_str());
                    (Mark::Bad, format!("counts by {}, and the caller has none", dimension.as_str()))
                }
                Err(Uncounted::Uncountable(Uncountable::TooManyGroups)) => {
                    (Mark::Notable, "the caller is in too many groups to be counted".to_owned())
                }
            };
            let json = json!({"quota": quota.id, "counts": step.counted.is_ok(), "said": said});
            Detail { label: quota.id.clone(), mark, said, json }
        })
        .collect();
    let step = match refuses {
        Some(id) => Step::new("quotas", Mark::Bad, format!("{id} refuses it")),
        None => Step::new("quotas", Mark::Good, format!("{counted} count it; counters start at zero here")),
    };
    steps.push(step.with(details));
    steps
}
