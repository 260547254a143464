//! What a replay has come to: the same totals for the text, the JSON and the HTML report.
//!
//! Nothing here grows with the traffic: names are clipped and counted in [`Capped`] tables, times in a [`Timeline`], and
//! of single messages only the first are kept.

mod capped;
mod changes;
mod drift;
mod json;
mod timeline;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tidegate_filter::policy::{Effect, Mode, Policy};
use time::OffsetDateTime;

use crate::capture::Exchange;
use crate::envoy::audit::{Event, Redaction};
use crate::replay::Replayed;

pub use capped::Capped;
pub use changes::{Change, Changed, Changes, Seen};
pub use drift::{Drift, Drifted};
pub use timeline::{Counts, Timeline};

/// Messages that are kept one by one.
pub const SAMPLES: usize = 200;

/// Characters of a name that are kept.
const CLIP: usize = 200;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It passed.
    Allow,
    /// It was refused.
    Deny,
    /// It was refused, and would pass if what is in shadow mode were in force.
    WouldAllow,
    /// It passed, and would be refused if what is in shadow mode were in force.
    WouldDeny,
    /// Policy leaves its server alone.
    Ungoverned,
    /// The filter did not judge it.
    Passed,
}

impl Verdict {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Allow, Self::Deny, Self::WouldAllow, Self::WouldDeny, Self::Ungoverned, Self::Passed];

    /// What an event says; without one, what became of the exchange.
    pub fn of(event: Option<&Event>, ungoverned: bool) -> Self {
        let Some(event) = event else {
            return if ungoverned { Self::Ungoverned } else { Self::Passed };
        };
        match (event.text("verdict"), event.text("would_verdict")) {
            (Some("deny"), _) => Self::Deny,
            (_, Some("deny")) => Self::WouldDeny,
            (_, Some("allow")) => Self::WouldAllow,
            _ => Self::Allow,
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::WouldAllow => "would allow",
            Self::WouldDeny => "would deny",
            Self::Ungoverned => "ungoverned",
            Self::Passed => "passed",
        }
    }

    /// As a member of a JSON object, and as a class in HTML.
    pub const fn key(self) -> &'static str {
        match self {
            Self::WouldAllow => "would_allow",
            Self::WouldDeny => "would_deny",
            other => other.words(),
        }
    }
}

/// A rule of the policy and what it decided.
#[derive(Debug, Clone)]
pub struct RuleUse {
    /// Its id.
    pub id: String,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Whether it is in force.
    pub mode: Mode,
    /// Messages that passed by it.
    pub allowed: u64,
    /// Messages that were refused and name it.
    pub denied: u64,
    /// Messages of which it would have decided the verdict if shadow mode were in force.
    pub shadow: u64,
}

impl RuleUse {
    /// All messages that name it.
    pub fn decided(&self) -> u64 {
        self.allowed + self.denied + self.shadow
    }
}

/// What was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refused {
    /// Method and target, with the server.
    pub message: String,
    /// The reason code.
    pub reason: String,
    /// The rule, if one decided.
    pub rule: Option<String>,
}

/// Who called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The subject.
    pub subject: String,
    /// The team.
    pub team: Option<String>,
}

/// Money that priced calls cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    /// Priced calls.
    pub calls: u64,
    /// Millionths of a dollar.
    pub micro_usd: u64,
}

/// What became of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// A placeholder took its place.
    Redacted,
    /// Its message was refused.
    Refused,
    /// It passed: redaction is in shadow mode.
    Passed,
}

/// Secrets of one kind; never their values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret {
    /// The detector's name.
    pub detector: String,
    /// Server and tool, or method.
    pub place: String,
    /// What became of it.
    pub fate: Fate,
}

/// One refused message.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Number of its exchange in this replay.
    pub exchange: u64,
    /// When it was recorded.
    pub at: Option<OffsetDateTime>,
    /// Where it stands in which capture.
    pub place: String,
    /// Who sent it.
    pub caller: Caller,
    /// What was refused, and why.
    pub what: Refused,
    /// More about why: what could not be read, which secrets were found where.
    pub detail: String,
}

/// Input of one kind that could not be judged.
#[derive(Debug, Clone)]
pub struct Undecidable {
    /// Messages.
    pub count: u64,
    /// Where the first stands.
    pub first: String,
}

/// What a replay has come to.
#[derive(Debug)]
pub struct Tally {
    /// Version of the filter that decided.
    pub filter_version: Option<String>,
    /// HTTP exchanges.
    pub exchanges: u64,
    /// Exchanges that the capture gives no time for.
    pub untimed: u64,
    /// Messages that were judged, and exchanges without one.
    pub messages: u64,
    /// When the first and the last exchange were recorded.
    pub range: Option<(OffsetDateTime, OffsetDateTime)>,
    /// Messages by verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Messages by reason code, also those that were only noted.
    pub reasons: BTreeMap<String, u64>,
    /// Verdicts over time.
    pub timeline: Timeline,
    /// Each rule of the policy in its order.
    pub rules: Vec<RuleUse>,
    /// What was refused.
    pub refused: Capped<Refused, u64>,
    /// Who called: how often, and how often that was refused.
    pub callers: Capped<Caller, (u64, u64)>,
    /// Spend by team; `None` is callers without one.
    pub spend: Capped<Option<String>, Spend>,
    /// Secrets.
    pub secrets: Capped<Secret, u64>,
    /// Secrets by what became of them and by detector.
    pub fates: BTreeMap<(Fate, String), u64>,
    /// List entries that were left out, with their server.
    pub hidden: Capped<String, u64>,
    /// Messages that nobody could have judged, by reason code.
    pub undecidable: BTreeMap<String, Undecidable>,
    /// Tool definitions that changed.
    pub drift: Drift,
    /// The first refused messages.
    pub refusals: Vec<Refusal>,
    /// Requests of which the server was sent another body.
    pub rewritten_requests: u64,
    /// Responses of which the client was sent another body.
    pub rewritten_responses: u64,
    /// Exchanges that did not end.
    pub hung: u64,
}

/// Reasons that say that the message could not be read or not be told apart from another.
const UNDECIDABLE: [&str; 10] = [
    "malformed",
    "duplicate_key",
    "batch_refused",
    "too_large",
    "encoding_refused",
    "header_mismatch",
    "transport_refused",
    "path_refused",
    "unreadable_response",
    "oversize_event",
];

impl Tally {
    /// Nothing yet, for a replay with this policy.
    pub fn new(policy: &Policy) -> Self {
        let rule = |rule: &tidegate_filter::policy::Rule| RuleUse {
            id: rule.id.clone(),
            effect: rule.effect,
            mode: rule.mode,
            allowed: 0,
            denied: 0,
            shadow: 0,
        };
        Self {
            filter_version: None,
            exchanges: 0,
            untimed: 0,
            messages: 0,
            range: None,
            verdicts: BTreeMap::new(),
            reasons: BTreeMap::new(),
            timeline: Timeline::default(),
            rules: policy.rules.iter().map(rule).collect(),
            refused: Capped::default(),
            callers: Capped::default(),
            spend: Capped::default(),
            secrets: Capped::default(),
            fates: BTreeMap::new(),
            hidden: Capped::default(),
            undecidable: BTreeMap::new(),
            drift: Drift::default(),
            refusals: Vec::new(),
            rewritten_requests: 0,
            rewritten_responses: 0,
            hung: 0,
        }
    }

    /// Messages with this verdict.
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    /// Whether every message has this reason.
    pub fn only(&self, reason: &str) -> bool {
        self.reasons.get(reason).is_some_and(|count| *count == self.messages)
    }

    /// Bodies that are not what was sent.
    pub fn rewritten(&self) -> u64 {
        self.rewritten_requests + self.rewritten_responses
    }

    /// What priced calls cost together.
    pub fn spent(&self) -> Spend {
        let spends = self.spend.sorted(|_| 0).into_iter().map(|(_, spend)| spend).chain(self.spend.rest());
        spends.fold(Spend::default(), |sum, it| Spend {
            calls: sum.calls + it.calls,
            micro_usd: sum.micro_usd.saturating_add(it.micro_usd),
        })
    }

    /// Counts an exchange.
    pub fn add(&mut self, capture: &Path, exchange: &Exchange, replayed: &Replayed) {
        self.exchanges += 1;
        self.hung += u64::from(replayed.hung);
        self.rewritten_requests += u64::from(replayed.request_rewritten);
        self.rewritten_responses += u64::from(replayed.response_rewritten);
        match exchange.at {
            Some(at) => {
                let (first, last) = self.range.unwrap_or((at, at));
                self.range = Some((first.min(at), last.max(at)));
            }
            None => self.untimed += 1,
        }
        let place = || format!("{}, {}", capture.display(), exchange.place);
        for event in &replayed.decisions {
            self.message(exchange, Some(event), replayed.ungoverned, &place);
        }
        if replayed.decisions.is_empty() {
            self.message(exchange, None, replayed.ungoverned, &place);
        }
        let request = replayed.decisions.iter().find(|event| !is_response(event));
        let server = request.and_then(|event| event.text("server"));
        for name in &replayed.hidden {
            *self.hidden.of(within(server, name)) += 1;
        }
        let place = request.map(subject_matter).unwrap_or_default();
        self.secrets(&replayed.redactions, &place, false);
        self.costs(replayed);
        let listed = request.filter(|event| event.text("method") == Some("tools/list")).zip(exchange.response.as_ref());
        if let Some((event, response)) = listed {
            let asked: Option<Value> = serde_json::from_slice(&exchange.request.body).ok();
            let paged = asked.is_some_and(|it| it.pointer("/params/cursor").is_some_and(|cursor| !cursor.is_null()));
            let caller = event.subject().unwrap_or_default();
            self.drift.list(server.unwrap_or_default(), caller, paged, response, self.exchanges);
        }
    }

    fn message(&mut self, exchange: &Exchange, event: Option<&Event>, ungoverned: bool, place: &impl Fn() -> String) {
        let verdict = Verdict::of(event, ungoverned);
        self.messages += 1;
        *self.verdicts.entry(verdict).or_default() += 1;
        if let Some(at) = exchange.at {
            let milliseconds = i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
            self.timeline.count(milliseconds, verdict);
        }
        let Some(event) = event else { return };
        if self.filter_version.is_none() {
            self.filter_version = event.text("filter_version").map(str::to_owned);
        }
        self.rule(event);
        let is_denied = verdict == Verdict::Deny;
        let caller = Caller { subject: clip(event.subject().unwrap_or("-")), team: event.text("team").map(clip) };
        if !is_response(event) {
            let (calls, denied) = self.callers.of(caller.clone());
            *calls += 1;
            *denied += u64::from(is_denied);
        }
        self.secrets(&event.redactions(), &subject_matter(event), is_denied);
        let Some(reason) = event.text("reason") else { return };
        *self.reasons.entry(reason.to_owned()).or_default() += 1;
        if UNDECIDABLE.contains(&reason) {
            let first = || Undecidable { count: 0, first: place() };
            self.undecidable.entry(reason.to_owned()).or_insert_with(first).count += 1;
        }
        if is_denied {
            let what = Refused {
                message: message(event, exchange),
                reason: reason.to_owned(),
                rule: event.text("rule").map(str::to_owned),
            };
            if self.refusals.len() < SAMPLES {
                self.refusals.push(Refusal {
                    exchange: self.exchanges,
                    at: exchange.at,
                    place: place(),
                    caller,
                    what: what.clone(),
                    detail: detail(event),
                });
            }
            *self.refused.of(what) += 1;
        }
    }

    fn rule(&mut self, event: &Event) {
        let denied = event.text("verdict") == Some("deny");
        // In shadow mode the rule that would refuse is named like one that does.
        let shadow = !denied && event.text("would_verdict") == Some("deny") && event.text("would_rule").is_none();
        for (name, is_shadow) in [("rule", shadow), ("would_rule", true)] {
            let Some(id) = event.text(name) else { continue };
            if let Some(rule) = self.rules.iter_mut().find(|rule| rule.id == id) {
                let count = match (is_shadow, denied) {
                    (true, _) => &mut rule.shadow,
                    (false, true) => &mut rule.denied,
                    (false, false) => &mut rule.allowed,
                };
                *count += 1;
            }
        }
    }

    fn secrets(&mut self, redactions: &[Redaction], place: &str, is_denied: bool) {
        for redaction in redactions {
            let fate = match (redaction.passed, is_denied) {
                (true, _) => Fate::Passed,
                (false, true) => Fate::Refused,
                (false, false) => Fate::Redacted,
            };
            let detector = redaction.detector.clone();
            *self.fates.entry((fate, detector.clone())).or_default() += redaction.count;
            *self.secrets.of(Secret { detector, place: place.to_owned(), fate }) += redaction.count;
        }
    }

    /// A charge is what its completion settles, or else what its decision reserved.
    fn costs(&mut self, replayed: &Replayed) {
        let number = |event: &Event, name: &str| event.json().get(name).and_then(Value::as_u64);
        for event in &replayed.decisions {
            let Some(reserved) = number(event, "reserved_micro_usd") else { continue };
            let settled = replayed.completions.iter().find(|it| it.text("decision") == event.text("decision"));
            let cost = settled.and_then(|it| number(it, "cost_micro_usd")).unwrap_or(reserved);
            let spend = self.spend.of(event.text("team").map(clip));
            spend.calls += 1;
            spend.micro_usd = spend.micro_usd.saturating_add(cost);
        }
    }
}

fn is_response(event: &Event) -> bool {
    event.text("direction") == Some("response")
}

fn text_of<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// A name of bounded length.
fn clip(text: &str) -> String {
    match text.char_indices().nth(CLIP) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn within(server: Option<&str>, name: &str) -> String {
    server.map_or_else(|| clip(name), |server| clip(&format!("{server}/{name}")))
}

/// Server and target; the method where there is no target.
fn subject_matter(event: &Event) -> String {
    within(event.text("server"), event.target().or(event.text("method")).unwrap_or("(no message)"))
}

fn message(event: &Event, exchange: &Exchange) -> String {
    let http = || format!("HTTP {}", exchange.request.method);
    let method = event.text("method").map_or_else(http, str::to_owned);
    let what = match (event.target(), event.text("server")) {
        (Some(target), server) => within(server, target),
        (None, Some(server)) => server.to_owned(),
        (None, None) => clip(event.text("path").unwrap_or_default()),
    };
    let side = if is_response(event) { "response: " } else { "" };
    clip(&format!("{side}{method} {what}"))
}

fn detail(event: &Event) -> String {
    let mut parts: Vec<String> = event.text("outcome").map(|it| it.replace('_', " ")).into_iter().collect();
    parts.extend(event.text("quota").map(|quota| format!("quota {quota}")));
    parts.extend(event.redactions().iter().map(|it| format!("{} at {}", it.detector, it.path)));
    clip(&parts.join("; "))
}
