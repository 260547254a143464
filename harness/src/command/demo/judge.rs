//! Was what came back what had to come back?

use super::scenario::{Expect, Step, Visit};
use crate::envoy::audit::Event;
use crate::sample::{Call, Era, Reply, SECRETS};

/// One step as it went.
#[derive(Debug)]
pub(super) struct Observed<'a> {
    pub(super) visit: &'a Visit,
    pub(super) step: &'a Step,
    pub(super) era: Era,
    pub(super) seen: Seen,
}

/// What the client saw.
#[derive(Debug)]
pub(super) enum Seen {
    Connected(Result<(), String>),
    List(Result<Vec<String>, String>),
    Reply(Reply),
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Who calls which server.
    pub(super) visit: String,
    pub(super) era: String,
    pub(super) call: String,
    pub(super) verdict: String,
    /// The rule that decided, and the reason of a refusal.
    pub(super) why: String,
    pub(super) saw: String,
    pub(super) refused: bool,
    pub(super) problem: Option<String>,
}

/// Holds a step against its expectation and against the audit events.
pub(super) fn judge(observed: &Observed<'_>, events: &[Event]) -> Row {
    let visit = observed.visit;
    let (call, saw, expected) = match (observed.step, &observed.seen) {
        (Step::Refused(reason), Seen::Connected(Err(error))) => {
            ("connect".to_owned(), refusal_text(error), Ok(Expect::Denied { reason, rule: None }))
        }
        (Step::Refused(reason), _) => {
            ("connect".to_owned(), "connected".to_owned(), Err(format!("the connection was to be refused as {reason}")))
        }
        (Step::List(expected), Seen::List(Ok(names))) => {
            let verdict = if names == expected {
                Ok(Expect::Runs { rule: "" })
            } else {
                Err(format!("the list was to be {}", expected.join(", ")))
            };
            ("list tools".to_owned(), names.join(", "), verdict)
        }
        (Step::List(_), seen) => ("list tools".to_owned(), failure(seen), Err("the list was to come".to_owned())),
        (Step::Call { tool, arguments, expect }, Seen::Reply(reply)) => {
            let call = format!("{tool} {}", super::arguments_text(arguments)).trim_end().to_owned();
            (call, reply.to_string(), check_reply(*expect, reply).map(|()| *expect))
        }
        (Step::Call { tool, .. }, seen) => {
            ((*tool).to_owned(), failure(seen), Err("the call was to be answered".to_owned()))
        }
    };
    let event = find_event(observed, events);
    let problem = match (&expected, event) {
        (Err(why), _) => Some(why.clone()),
        (Ok(_), None) => Some("no audit event tells of it".to_owned()),
        (Ok(expect), Some(event)) => check_event(*expect, event).and(check_redactions(*expect, event, events)).err(),
    };
    let refused = match observed.step {
        Step::Refused(_) => true,
        Step::List(_) => false,
        Step::Call { expect, .. } => !expect.runs(),
    };
    let visit = format!("{} on {}", visit.caller(), visit.server);
    let era = observed.era.to_string();
    let problem = problem.map(|why| format!("{visit}, {era}, {call}: {why}; the client saw: {saw}"));
    Row {
        visit,
        era,
        call,
        verdict: match event {
            Some(event) if !redacted(event, events).is_empty() => "redacted",
            Some(event) => verdict(event),
            None => "?",
        }
        .to_owned(),
        why: event.map(why).unwrap_or_default(),
        saw: without_reference(&saw),
        refused,
        problem,
    }
}

fn failure(seen: &Seen) -> String {
    match seen {
        Seen::Connected(Err(error)) | Seen::List(Err(error)) => error.clone(),
        other => format!("{other:?}"),
    }
}

/// The part of an SDK's error that the refusal put there.
fn refusal_text(error: &str) -> String {
    let known = ["JSON-RPC error: ", "Mcp error: "];
    let told = known.iter().find_map(|it| error.split_once(it)).map_or(error, |(_, rest)| rest);
    // The SDK appends the error's data.
    let told = told.split_once("({").map_or(told, |(told, _)| told);
    format!("JSON-RPC error {told}")
}

fn check_reply(expect: Expect, reply: &Reply) -> Result<(), String> {
    let succeeded = matches!(reply, Reply::Result { is_error: false, .. });
    match expect {
        Expect::Runs { .. } | Expect::RunsInShadow { .. } if succeeded => Ok(()),
        Expect::Runs { .. } | Expect::RunsInShadow { .. } => Err("the call was to succeed".to_owned()),
        Expect::Redacted { .. } if !succeeded => Err("the call was to succeed".to_owned()),
        Expect::Redacted { detectors, .. } => check_redacted(detectors, reply),
        Expect::Denied { reason, rule } => {
            let denial = reply.denial().ok_or("a denial was to come")?;
            let told = |name: &str| denial.get(name).and_then(serde_json::Value::as_str);
            if told("reason") == Some(reason) && told("rule") == rule && !succeeded {
                Ok(())
            } else {
                Err(format!("the denial was to be {reason} by rule {}", rule.unwrap_or("-")))
            }
        }
        Expect::Hidden { .. } if succeeded || reply.denial().is_some() => {
            Err("the tool was to look as if it did not exist".to_owned())
        }
        Expect::Hidden { .. } => Ok(()),
    }
}

/// No secret is left, what stands for each says what it was, and both forms of the result say the same.
fn check_redacted(detectors: &[&str], reply: &Reply) -> Result<(), String> {
    let Reply::Result { text, structured: Some(structured), .. } = reply else {
        return Err("a structured result was to come".to_owned());
    };
    let twin: Option<serde_json::Value> = serde_json::from_str(text).ok();
    if SECRETS.iter().any(|secret| text.contains(secret) || structured.to_string().contains(secret)) {
        return Err("a secret is left in the result".to_owned());
    }
    if let Some(missing) = detectors.iter().find(|name| !text.contains(&format!("[redacted:{name}:"))) {
        return Err(format!("nothing stands for the {missing}"));
    }
    if twin.as_ref() == Some(structured) { Ok(()) } else { Err("text and structured result differ".to_owned()) }
}

/// The kinds of secrets that were taken out of what `decision` let through.
fn redacted<'a>(decision: &Event, events: &'a [Event]) -> Vec<&'a str> {
    let id = decision.text("decision");
    let completions = events.iter().filter(|event| event.kind() == "completion" && event.text("decision") == id);
    let lists = completions.filter_map(|event| event.json().get("redactions")?.as_array());
    let mut kinds: Vec<&str> = lists.flatten().filter_map(|entry| entry.get("detector")?.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn check_redactions(expect: Expect, decision: &Event, events: &[Event]) -> Result<(), String> {
    let expected = match expect {
        Expect::Redacted { detectors, .. } => detectors,
        _ => &[],
    };
    let found = redacted(decision, events);
    if found == expected { Ok(()) } else { Err(format!("{expected:?} were to be audited as redacted, not {found:?}")) }
}

fn find_event<'a>(observed: &Observed<'_>, events: &'a [Event]) -> Option<&'a Event> {
    let subject = observed.visit.principal.map(|it| it.subject);
    let era = observed.era.to_string();
    let is_about = |event: &&Event| {
        let same_caller = match subject {
            Some(subject) => event.subject() == Some(subject),
            None => event.subject().is_none_or(|it| it == "anonymous"),
        };
        let same_server = event.text("server").is_none_or(|it| it == observed.visit.server);
        let same_era = event.text("era").is_none_or(|it| it == era);
        let same_message = match observed.step {
            Step::Refused(_) => event.text("verdict") == Some("deny"),
            Step::List(_) => event.text("method") == Some("tools/list"),
            Step::Call { tool, .. } => event.text("tool") == Some(tool),
        };
        event.kind() == "decision" && same_caller && same_server && same_era && same_message
    };
    // One connection's calls are made one after the other.
    let earlier = observed.visit.steps.iter().take_while(|step| !std::ptr::eq(*step, observed.step));
    let repeated = earlier.filter(|step| match (step, observed.step) {
        (Step::Call { tool, .. }, Step::Call { tool: asked, .. }) => tool == asked,
        _ => false,
    });
    events.iter().filter(is_about).nth(repeated.count())
}

fn check_event(expect: Expect, event: &Event) -> Result<(), String> {
    let is = |name: &str, value: &str| event.text(name) == Some(value);
    let ok = match expect {
        Expect::Redacted { rule, .. } => is("verdict", "allow") && is("rule", rule),
        Expect::Runs { rule } => is("verdict", "allow") && (rule.is_empty() || is("rule", rule)),
        Expect::RunsInShadow { rule, shadow } => {
            is("verdict", "allow") && is("rule", rule) && is("would_verdict", "deny") && is("would_rule", shadow)
        }
        Expect::Denied { reason, rule } => {
            is("verdict", "deny") && is("reason", reason) && rule.is_none_or(|rule| is("rule", rule))
        }
        Expect::Hidden { rule } => is("verdict", "deny") && is("rule", rule),
    };
    if ok { Ok(()) } else { Err(format!("{expect:?} does not fit its audit event {}", event.json())) }
}

fn verdict(event: &Event) -> &str {
    match (event.text("verdict"), event.text("would_verdict")) {
        (Some("allow"), Some("deny")) => "would deny",
        (verdict, _) => verdict.unwrap_or("?"),
    }
}

fn why(event: &Event) -> String {
    let rule = event.text("rule");
    match (event.text("reason"), event.text("would_rule")) {
        // A rule's own refusal has the rule's name; the reason would only say so again.
        (Some("denied_by_rule"), _) => rule.unwrap_or("denied_by_rule").to_owned(),
        (Some(reason), _) => rule.map_or_else(|| reason.to_owned(), |rule| format!("{rule}: {reason}")),
        (None, Some(shadow)) => format!("{}; shadow {shadow}", rule.unwrap_or("-")),
        (None, None) => rule.unwrap_or("-").to_owned(),
    }
}

/// A refusal without the part in parentheses that is meant for the operator: the table shows that in other columns.
fn without_reference(text: &str) -> String {
    let cut = text.split_once(" (reason ").and_then(|(said, rest)| Some((said, rest.split_once(") ")?.1)));
    cut.map_or_else(|| text.to_owned(), |(said, advice)| format!("{said} {advice}"))
}

/// Holds the sample servers' own log of what ran against what was to run.
pub(super) fn executed(observed: &[Observed<'_>], calls: &[Call]) -> Option<String> {
    let mut expected: Vec<(String, String)> = observed
        .iter()
        .filter_map(|it| match it.step {
            Step::Call { tool, expect, .. } if expect.runs() => Some((
                it.visit.principal.map_or("-", |it| it.subject).to_owned(),
                format!("{}/{tool}", it.visit.server),
            )),
            _ => None,
        })
        .collect();
    let subject = |call: &Call| call.subject.clone().unwrap_or_else(|| "-".to_owned());
    let mut ran: Vec<(String, String)> =
        calls.iter().map(|call| (subject(call), format!("{}/{}", call.server, call.tool))).collect();
    expected.sort();
    ran.sort();
    (expected != ran).then(|| format!("the servers ran {ran:?}, and were to run {expected:?}"))
}

/// The rows with those of both eras in one line where they do not differ.
pub(super) fn merged(rows: &[Row]) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        let twin = merged.iter_mut().find(|it| {
            it.era != row.era && Row { era: row.era.clone(), ..(*it).clone() } == *row && row.problem.is_none()
        });
        match twin {
            Some(twin) => twin.era = "both".to_owned(),
            None => merged.push(row.clone()),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::scenario::{POLICY, visits};
    use super::*;

    #[test]
    fn the_policy_of_the_demo_compiles_without_a_warning() {
        let compiled = tidegate_filter::policy::check(POLICY.as_bytes(), 0).unwrap();
        assert_eq!(compiled.warnings, []);
    }

    #[test]
    fn rules_that_the_scenario_names_are_in_the_policy() {
        let compiled = tidegate_filter::policy::compile(POLICY.as_bytes()).unwrap();
        let rules: Vec<&str> = compiled.configuration.policy.rules.iter().map(|it| it.id.as_str()).collect();
        for visit in visits() {
            for step in visit.steps {
                let Step::Call { expect, .. } = step else { continue };
                let named = match expect {
                    Expect::Runs { rule } | Expect::Redacted { rule, .. } | Expect::Hidden { rule } => vec![rule],
                    Expect::RunsInShadow { rule, shadow } => vec![rule, shadow],
                    Expect::Denied { rule, .. } => rule.into_iter().collect(),
                };
                assert!(named.iter().all(|it| rules.contains(it)), "{named:?}");
            }
        }
    }

    fn denial(reason: &str) -> Reply {
        let meta = json!({"tidegate/denial": {"reason": reason, "rule": "no-deletes"}});
        Reply::Result { text: "no".to_owned(), structured: None, is_error: true, meta: Some(meta) }
    }

    #[test]
    fn a_reply_that_does_not_fit_is_a_problem() {
        let ran = Reply::Result { text: "x".to_owned(), structured: None, is_error: false, meta: None };
        let expect = Expect::Denied { reason: "denied_by_rule", rule: Some("no-deletes") };
        assert!(check_reply(expect, &ran).is_err());
        assert!(check_reply(expect, &denial("read_only")).is_err());
        assert!(check_reply(expect, &denial("denied_by_rule")).is_ok());
        assert!(check_reply(Expect::Hidden { rule: "r" }, &denial("denied_by_rule")).is_err());
        assert!(check_reply(Expect::Hidden { rule: "r" }, &ran).is_err());
        assert!(check_reply(Expect::Runs { rule: "r" }, &denial("x")).is_err());
    }

    #[test]
    fn a_secret_that_is_left_is_a_problem() {
        let reply = |text: &str, structured: &str| Reply::Result {
            text: json!({"env": text}).to_string(),
            structured: Some(json!({"env": structured})),
            is_error: false,
            meta: None,
        };
        let expect = Expect::Redacted { rule: "r", detectors: &["jwt"] };
        let clean = "A=[redacted:jwt:7f3a]";
        assert!(check_reply(expect, &reply(clean, clean)).is_ok());
        assert!(check_reply(expect, &reply(clean, "A=[redacted:jwt:7f3b]")).is_err());
        assert!(check_reply(expect, &reply("A=", "A=")).is_err());
        let leak = format!("{clean} {}", SECRETS[1]);
        assert!(check_reply(expect, &reply(&leak, &leak)).is_err());
        assert!(check_reply(expect, &denial("secret_blocked")).is_err());
    }

    #[test]
    fn the_operators_part_of_a_refusal_is_left_out() {
        let text = "tool error: Not allowed. (reason read_only, policy p, decision 1f) Ask finance.";
        assert_eq!(without_reference(text), "tool error: Not allowed. Ask finance.");
        assert_eq!(without_reference("Unknown tool: x"), "Unknown tool: x");
    }

    #[test]
    fn a_refused_tool_that_ran_is_a_problem() {
        let visits = visits();
        let visit = &visits[0];
        let step = visit.steps.iter().find(|it| matches!(it, Step::Call { tool: "delete_customer", .. })).unwrap();
        let observed = [Observed { visit, step, era: Era::Legacy, seen: Seen::Reply(denial("denied_by_rule")) }];
        assert_eq!(executed(&observed, &[]), None);
        let call = Call {
            server: "billing",
            tool: "delete_customer".to_owned(),
            arguments: serde_json::Map::new(),
            subject: Some("ada".to_owned()),
        };
        assert!(executed(&observed, &[call]).unwrap().contains("delete_customer"));
    }
}
