//! An explanation from the command line.

use std::sync::Arc;

use miette::miette;
use serde_json::{Value, json};
use tidegate_filter::exchange::explain::{Explained, Outcome as Came};
use tidegate_filter::policy::Policy;
use time::OffsetDateTime;

use super::listing::{Listing, list_of};
use super::remedy::{Remedies, remedies};
use super::{Explain, Format, HostMode};
use crate::capture::Exchange;
use crate::command::{Outcome, input, simulation};
use crate::envoy::audit::Event;
use crate::replay::{Replayed, Replayer, Sent, Settings, as_started, trace};
use crate::report::steps;
use crate::report::style::{Paint, Style, one_line};

/// Members of a decision in which the module and the native steps must agree.
const DECIDED: [&str; 12] = [
    "verdict",
    "mode",
    "reason",
    "rule",
    "would_verdict",
    "would_rule",
    "quota",
    "would_quota",
    "reserved_micro_usd",
    "server",
    "method",
    "era",
];

/// The verdict of the module.
struct Verdict {
    /// `allow`, `deny` or `ungoverned`.
    word: &'static str,
    event: Option<Event>,
}

impl Explain {
    pub(in crate::command) fn run(&self) -> miette::Result<Outcome> {
        let policy = input::policy(&self.policy)?;
        let configuration = &policy.compiled.configuration;
        let started = OffsetDateTime::now_utc();
        let now = self.now.as_deref().map(simulation::time).transpose()?.unwrap_or(started);
        let asked = self.ask(&configuration.policy, now)?;
        let mut exchange = asked.exchange;
        let listing = self.listing(&exchange)?;
        exchange.response = listing.as_ref().map(|it| it.response(&exchange.request.body));
        let settings = Settings {
            hold_headers: self.host == HostMode::Hold,
            caller: self.caller.supplied(&configuration.policy.identity)?,
            now: Some(now),
            started,
            route: asked.route,
            cluster: asked.cluster,
            byte_by_byte: false,
        };
        let native = as_started(&policy.text, settings.hold_headers);
        let native = Arc::new(native.map_err(|error| miette!("the filter does not start with this policy: {error}"))?);
        let module = self.module.load()?;
        let replayer = Replayer::start(&module, &policy.text, configuration, settings.clone());
        let replayed = replayer.and_then(|it| it.replay(&exchange)).map_err(|error| internal(&error.to_string()))?;
        let explained = trace(&native, &settings, &exchange);
        let verdict = verdict(&replayed);
        agree(&verdict, &explained).map_err(|what| internal(&what))?;

        let mut told = steps::steps(&native.policy, &explained.trace, self.all);
        if let (Some(listing), "allow") = (&listing, verdict.word) {
            let answer = replayed.result.response.as_ref().map(crate::capture::Response::body).unwrap_or_default();
            told.extend(listing.step(&native.policy, &explained.trace, &answer).map_err(|what| internal(&what))?);
        }
        let refused = verdict
            .event
            .as_ref()
            .filter(|it| it.text("verdict") == Some("deny") || it.text("would_verdict") == Some("deny"));
        let remedies = refused
            .and_then(|it| it.text("reason"))
            .map(|reason| remedies(&policy.text, &native.policy, &explained.trace, reason))
            .unwrap_or_default();
        let answer = answered(&replayed);
        match self.format {
            Format::Text => {
                print!("{}", heading(&exchange, &native.policy, Style::for_stdout()));
                print!("{}", steps::text(&told, Style::for_stdout()));
                print!("{}", verdict.text(answer.as_deref(), &remedies, Style::for_stdout()));
                if listing.is_none() && list_asked(&exchange).is_some() && verdict.word == "allow" {
                    println!(
                        "\nwhich entries are shown: give what the server lists with --tools FILE or --capture FILE"
                    );
                }
            }
            Format::Json => {
                let report = json!({
                    "policy": native.policy.name,
                    "verdict": verdict.word,
                    "decision": verdict.event.as_ref().map(Event::json),
                    "reason": verdict.event.as_ref().and_then(|it| it.text("reason")),
                    "rule": verdict.event.as_ref().and_then(|it| it.text("rule")),
                    "steps": steps::json(&told),
                    "answer": answer,
                    "remedies": remedies.json(),
                });
                println!("{}", serde_json::to_string_pretty(&report).map_err(|error| miette!("{error}"))?);
            }
        }
        Ok(if verdict.word == "deny" { Outcome::Findings } else { Outcome::Fine })
    }

    fn listing(&self, exchange: &Exchange) -> miette::Result<Option<Listing>> {
        if self.tools.is_none() && self.capture.is_none() {
            return Ok(None);
        }
        let Some(list) = list_asked(exchange) else {
            let help = "ask for tools/list, resources/list, resources/templates/list or prompts/list";
            return Err(miette!(help = help, "--tools and --capture tell what a server lists, and this is no list"));
        };
        let path = exchange.request.target.path.split('?').next().unwrap_or_default();
        match (&self.tools, &self.capture) {
            (Some(file), _) => Listing::of_file(file, list).map(Some),
            (None, Some(capture)) => Listing::of_capture(capture, list, path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn list_asked(exchange: &Exchange) -> Option<tidegate_filter::mcp::method::List> {
    let body = &exchange.request.body;
    tidegate_filter::json::check(body, tidegate_filter::json::Limits::default(), &mut ()).ok()?;
    let method = tidegate_filter::json::locate(body, "/method")?;
    list_of(&tidegate_filter::json::decode(method.of(body)))
}

fn internal(what: &str) -> miette::Report {
    let help = "this is a fault of Tidegate: please report it, with the policy and the call if you may";
    miette!(help = help, "internal error: {what}")
}

fn verdict(replayed: &Replayed) -> Verdict {
    let event = replayed.decisions.iter().find(|it| it.text("direction") != Some("response")).cloned();
    let word = match &event {
        _ if replayed.ungoverned => "ungoverned",
        Some(event) if event.text("verdict") == Some("deny") => "deny",
        Some(_) => "allow",
        None if replayed.sent == Sent::Whole => "allow",
        None => "deny",
    };
    Verdict { word, event }
}

/// Whether the module and the native steps say the same.
fn agree(verdict: &Verdict, explained: &Explained<'_>) -> Result<(), String> {
    let came = match explained.trace.outcome {
        Came::Ungoverned => "ungoverned",
        Came::Passed => "allow",
        Came::Answered => "deny",
    };
    let native = explained.events.iter().filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let native = native.into_iter().find(|it| it.get("event").and_then(Value::as_str) == Some("decision"));
    let shadowed = native.as_ref().is_some_and(|it| it.get("mode").and_then(Value::as_str) == Some("shadow"));
    if came != verdict.word && !shadowed {
        return Err(format!("the module says {}, and the steps say {came}", verdict.word));
    }
    for member in DECIDED {
        let module = verdict.event.as_ref().and_then(|it| it.json().get(member));
        let steps = native.as_ref().and_then(|it| it.get(member));
        if module != steps {
            let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            return Err(format!("of `{member}` the module says {}, and the steps say {}", shown(module), shown(steps)));
        }
    }
    Ok(())
}

/// What the client is told, if the filter answered.
fn answered(replayed: &Replayed) -> Option<String> {
    if replayed.sent == Sent::Whole {
        return None;
    }
    let body: Value = serde_json::from_slice(&replayed.result.response.as_ref()?.body()).ok()?;
    let text = body.pointer("/result/content/0/text").or_else(|| body.pointer("/error/message"))?;
    text.as_str().map(str::to_owned)
}

fn heading(exchange: &Exchange, policy: &Policy, style: Style) -> String {
    let body = &exchange.request.body;
    let known = tidegate_filter::json::check(body, tidegate_filter::json::Limits::default(), &mut ()).is_ok();
    let method = tidegate_filter::json::locate(body, "/method").filter(|_| known);
    let method = method.map_or("a message".into(), |it| tidegate_filter::json::decode(it.of(body)));
    let line = format!("{method} to {}, policy {}", exchange.request.target.url(), policy.name);
    format!("{}\n\n", style.paint(Paint::Strong, &one_line(&line, 160)))
}

impl Verdict {
    fn text(&self, answer: Option<&str>, remedies: &Remedies, style: Style) -> String {
        let part = |name: &str| self.event.as_ref().and_then(|it| it.text(name));
        let paint = if self.word == "deny" { Paint::Bad } else { Paint::Good };
        let mut out = format!("\nverdict: {}", style.paint(paint, self.word));
        for (name, word) in [("reason", "reason"), ("rule", "rule"), ("quota", "quota")] {
            if let Some(value) = part(name) {
                out += &format!(", {word} {value}");
            }
        }
        if part("mode") == Some("shadow") {
            out += ", in shadow mode";
        }
        if let Some(would) = part("would_verdict") {
            let rule = part("would_rule").map(|it| format!(" by {it}")).unwrap_or_default();
            out += &format!("; enforced it would be {would}{rule}");
        }
        out.push('\n');
        if let Some(answer) = answer {
            out += &format!("the client is told: {}\n", one_line(answer, 400));
        }
        out + &what_it_takes(remedies, style)
    }
}

fn what_it_takes(remedies: &Remedies, style: Style) -> String {
    if remedies.ways.is_empty() && remedies.rule.is_none() {
        return String::new();
    }
    let mut out = format!("\n{}\n", style.paint(Paint::Strong, "what it would take"));
    for way in &remedies.ways {
        let rule = way.rule.as_ref().map(|it| format!("by rule {it}: ")).unwrap_or_default();
        out += &format!("  - {rule}{}\n", way.changes.join(", and "));
        if let Some(but) = &way.but {
            out += &format!("    {but}\n");
        }
    }
    if let Some(rule) = &remedies.rule {
        out += "  - no rule comes near; this one, added to `rules`, would allow it:\n    ";
        out += &rule.to_string();
        out.push('\n');
    }
    out
}
