//! What a replay has come to, at its end: totals, rules, and what a person should know about how it was made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidegate_filter::policy::{Configuration, Effect, Mode};

use super::{Chunks, HostMode, Replay};
use crate::replay::TokenFault;
use crate::report::style::{Paint, Style};
use crate::report::table::{Cell, Table};
use crate::report::tally::{Changes, Fate, Tally, Verdict};

/// What a whole run has come to.
#[derive(Debug)]
pub(super) struct Totals {
    /// Of the first header mode; two modes do not make two messages of one.
    pub(super) tally: Tally,
    /// What differs from the other policy.
    pub(super) changes: Option<Changes>,
    /// Verdicts in any header mode.
    pub(super) seen: BTreeSet<Verdict>,
    /// Exchanges that differ between the header modes.
    pub(super) unlike: usize,
    /// Exchanges that did not end, in any header mode.
    pub(super) hung: usize,
    pub(super) tokens: BTreeMap<TokenFault, usize>,
}

impl Totals {
    pub(super) fn new(configuration: &Configuration, changes: Option<Changes>) -> Self {
        Self {
            tally: Tally::new(&configuration.policy),
            changes,
            seen: BTreeSet::new(),
            unlike: 0,
            hung: 0,
            tokens: BTreeMap::new(),
        }
    }

    pub(super) fn text(&self, replay: &Replay, style: Style) -> String {
        let tally = &self.tally;
        let verdicts: Vec<String> =
            tally.verdicts.iter().map(|(verdict, count)| format!("{count} {}", verdict.words())).collect();
        let mut text = if replay.rules { format!("\n{}", self.rules(style)) } else { String::new() };
        text += &format!(
            "\n{}, {}: {}; {} rewritten",
            counted(tally.exchanges, "exchange", "exchanges"),
            counted(tally.messages, "message", "messages"),
            verdicts.join(", "),
            counted(tally.rewritten(), "body", "bodies"),
        );
        if replay.host == HostMode::Both {
            text += &match self.unlike {
                0 => "; the same in both header modes".to_owned(),
                number => {
                    let number = u64::try_from(number).unwrap_or(u64::MAX);
                    format!("; {} not alike in both header modes", counted(number, "exchange is", "exchanges are"))
                }
            };
        }
        if replay.chunks == Chunks::Adversarial {
            text += "; byte by byte the same";
        }
        for (what, fate) in
            [("redacted", Fate::Redacted), ("refused for", Fate::Refused), ("would redact", Fate::Passed)]
        {
            let of_fate = tally.fates.iter().filter(|((other, _), _)| *other == fate);
            let counts: Vec<String> = of_fate.map(|((_, detector), count)| format!("{detector} {count}")).collect();
            if !counts.is_empty() {
                text += &format!("\n{what}: {}", counts.join(", "));
            }
        }
        if let Some(changes) = &self.changes {
            text += &format!("\nagainst {}: {}", changes.against, changes.sentence());
        }
        text
    }

    fn rules(&self, style: Style) -> String {
        let mut table = Table::new(&["rule", "effect", "decided", "allowed", "denied", "shadow"]);
        for rule in &self.tally.rules {
            let effect = match (rule.effect, rule.mode) {
                (Effect::Allow, Mode::Enforce) => "allow",
                (Effect::Allow, Mode::Shadow) => "allow (shadow)",
                (Effect::Deny, Mode::Enforce) => "deny",
                (Effect::Deny, Mode::Shadow) => "deny (shadow)",
            };
            let number = |count: u64| Cell::from(count.to_string());
            let decided = match rule.decided() {
                0 => Cell::painted("never", Paint::Notable),
                count => number(count),
            };
            let counts = [rule.allowed, rule.denied, rule.shadow].map(number);
            table.row([rule.id.as_str().into(), effect.into(), decided].into_iter().chain(counts));
        }
        if self.tally.rules.is_empty() { "  the policy has no rules\n".to_owned() } else { table.render(style) }
    }

    /// The last line of JSON.
    pub(super) fn json(&self, replay: &Replay, configuration: &Configuration) -> Value {
        let policy = &configuration.policy;
        let mut summary = self.tally.json();
        summary.insert(
            "policy".to_owned(),
            json!({"name": policy.name, "revision": policy.revision, "digest": policy.digest}),
        );
        if replay.host == HostMode::Both {
            summary.insert("unlike_in_header_modes".to_owned(), self.unlike.into());
        }
        if let Some(changes) = &self.changes {
            summary.insert("changes".to_owned(), changes.json());
        }
        json!({"summary": summary})
    }

    /// What a person should know of how this came about, on standard error.
    pub(super) fn warn(&self, replay: &Replay, configuration: &Configuration) {
        let tally = &self.tally;
        for (fault, count) in &self.tokens {
            eprintln!("tidegate: {count} of {} requests have {fault}; their callers are anonymous", tally.exchanges);
        }
        if replay.trust_capture_tokens {
            eprintln!("tidegate: callers are those that the recorded tokens name; nobody has verified these tokens");
        }
        if tally.only("server_unknown") {
            let paths: Vec<&str> =
                configuration.policy.servers.iter().filter_map(|server| server.matcher.path.as_deref()).collect();
            eprintln!(
                "tidegate: nothing here is for a server of the policy, which has the paths {}; where servers are matched \
                 by route or cluster, give --route or --cluster",
                paths.join(", ")
            );
        }
        if replay.caller.is_empty() && !replay.trust_capture_tokens && tally.reasons.contains_key("principal_missing") {
            eprintln!(
                "tidegate: nobody is known to the policy here; say who calls with --as or --trust-capture-tokens"
            );
        }
        if self.hung > 0 {
            eprintln!("tidegate: warning: {} exchanges would not end in Envoy; please report this", self.hung);
        }
    }
}

pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
