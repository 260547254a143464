//! Two policies compared by what they decide: what changes, for whom.
//!
//! Nothing is compared as text. Both policies are asked the same questions through the filter's own decision core
//! ([`tidegate_filter::decide`]): every caller, server and target that either of them can tell apart from others, at
//! every moment at which a rule of either begins or ends. What differs is a [`Change`]. Settings that no single decision
//! shows, such as limits, quotas and detectors, are compared by what is in force, defaults included.

mod callers;
mod decision;
mod grouping;
mod servers;
mod settings;
mod targets;

use std::collections::BTreeSet;

use tidegate_filter::decide::access;
use tidegate_filter::policy::{Compiled, Policy};

use decision::{Conditions, Decision, Outcome, decide};
pub use settings::SettingChange;
pub use targets::Names;

/// Moments that are looked at, at most.
const MOST_MOMENTS: usize = 32;

/// What differs between two policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Decisions, those that open something first.
    pub changes: Vec<Change>,
    /// What is in force beside decisions.
    pub settings: Vec<SettingChange>,
    /// How much was compared.
    pub space: Space,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.settings.is_empty()
    }

    /// Whether something that was refused may pass now. What cannot be told counts.
    pub fn allows_more(&self) -> bool {
        let more = |direction: Direction| matches!(direction, Direction::Wider | Direction::Unclear);
        self.changes.iter().any(|it| more(it.direction)) || self.settings.iter().any(|it| more(it.direction))
    }
}

/// How many questions both policies were asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// Kinds of callers.
    pub callers: usize,
    /// Pairs of servers to which requests lead.
    pub servers: usize,
    /// Kinds of things to ask for.
    pub targets: usize,
    /// Moments.
    pub moments: usize,
    /// False if the policies have so many rules that some combinations were left out.
    pub complete: bool,
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was refused and is allowed.
    Allowed,
    /// It was allowed and is refused.
    Refused,
    /// It is allowed under other conditions on its arguments.
    Conditions,
    /// It is refused as before, and the caller is told something else.
    Told,
    /// What shadow rules would do.
    Shadow,
}

impl Kind {
    /// The word of reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "newly allowed",
            Self::Refused => "newly refused",
            Self::Conditions => "other conditions",
            Self::Told => "told otherwise",
            Self::Shadow => "in shadow",
        }
    }
}

/// Whether a change lets more through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// More passes.
    Wider,
    /// More or less passes, which cannot be told from here.
    Unclear,
    /// Less passes.
    Narrower,
    /// As much passes.
    Neutral,
}

impl Direction {
    /// The word of reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Unclear => "unclear",
            Self::Narrower => "narrower",
            Self::Neutral => "neutral",
        }
    }
}

/// One change of decisions, for all whom it concerns alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What changes.
    pub kind: Kind,
    /// Whether it lets more through.
    pub direction: Direction,
    /// For whom.
    pub callers: String,
    /// On which server.
    pub server: String,
    /// What is asked for: names, patterns, or both.
    pub what: Vec<String>,
    /// The decision before.
    pub before: String,
    /// The decision now.
    pub after: String,
    /// Seconds since the Unix epoch from which it is so; `None` if it is now.
    pub from: Option<i64>,
    /// Seconds since the Unix epoch from which it is so no more; `None` if it stays.
    pub until: Option<i64>,
}

/// Compares two policies as they are at `now`, in seconds since the Unix epoch, and later. `names` are known to be used,
/// and stand as examples beside the patterns that they match.
pub fn compare(old: &Compiled, new: &Compiled, now: i64, names: &Names) -> Difference {
    let policies = [&old.configuration.policy, &new.configuration.policy];
    let (destinations, all_servers) = servers::enumerate(policies);
    let (classes, all_callers) = callers::enumerate(policies);
    let (targets, all_targets) = targets::enumerate(policies, names);
    let (moments, all_moments) = moments(policies, now);
    let mut findings = Vec::new();
    for (place, destination) in destinations.iter().enumerate() {
        for (target, asked) in targets.iter().enumerate() {
            for (caller, class) in classes.iter().enumerate() {
                let at = |moment: &i64| {
                    let [before, after] = [0, 1].map(|side: usize| {
                        let (policy, principal) = (policies.get(side)?, class.principals.get(side)?);
                        let server = destination.servers.get(side).copied().flatten();
                        Some(decide(policy, server, principal, asked, *moment))
                    });
                    before.zip(after).filter(|(before, after)| !before.same_effect(after))
                };
                let decisions: Vec<Option<(Decision, Decision)>> = moments.iter().map(at).collect();
                findings.extend(phases(&decisions, &moments).map(|(decisions, from, until)| Finding {
                    place,
                    target,
                    caller,
                    decisions,
                    from,
                    until,
                }));
            }
        }
    }
    let space = Space {
        callers: classes.len(),
        servers: destinations.len(),
        targets: targets.len(),
        moments: moments.len(),
        complete: all_servers && all_callers && all_targets && all_moments,
    };
    let changes = grouping::group(findings, &destinations, &targets, &classes);
    Difference { changes, settings: settings::compare(old, new), space }
}

/// One decision that differs, for one caller, on one server.
struct Finding {
    place: usize,
    target: usize,
    caller: usize,
    decisions: (Decision, Decision),
    from: Option<i64>,
    until: Option<i64>,
}

/// `now`, and every later moment at which a rule begins or ends.
fn moments(policies: [&Policy; 2], now: i64) -> (Vec<i64>, bool) {
    let mut bounds = BTreeSet::from([now]);
    for policy in policies {
        let mut at = now;
        while let Some(next) = access::next_time_bound(policy, at) {
            bounds.insert(next);
            at = next;
        }
    }
    let complete = bounds.len() <= MOST_MOMENTS;
    (bounds.into_iter().take(MOST_MOMENTS).collect(), complete)
}

/// What two policies decide, from when, until when.
type Phase = ((Decision, Decision), Option<i64>, Option<i64>);

/// Stretches of time in which the two decisions stay what they are, and differ.
fn phases(decisions: &[Option<(Decision, Decision)>], moments: &[i64]) -> impl Iterator<Item = Phase> {
    let mut found: Vec<Phase> = Vec::new();
    let mut open: Option<((Decision, Decision), Option<i64>)> = None;
    for (number, (pair, moment)) in decisions.iter().zip(moments).enumerate() {
        if open.as_ref().map(|(pair, _)| pair) == pair.as_ref() {
            continue;
        }
        if let Some((pair, from)) = open.take() {
            found.push((pair, from, Some(*moment)));
        }
        open = pair.clone().map(|pair| (pair, (number > 0).then_some(*moment)));
    }
    found.extend(open.map(|(pair, from)| (pair, from, None)));
    found.into_iter()
}

/// What kind of change it is, and whether it lets more through.
fn classify(before: &Decision, after: &Decision) -> (Kind, Direction) {
    match (&before.outcome, &after.outcome) {
        (Outcome::Refused { .. }, Outcome::Allowed(_)) => (Kind::Allowed, Direction::Wider),
        (Outcome::Allowed(_), Outcome::Refused { .. }) => (Kind::Refused, Direction::Narrower),
        (Outcome::Allowed(old), Outcome::Allowed(new)) if old != new => (Kind::Conditions, weigh(old, new)),
        (Outcome::Refused { hide, advice, .. }, Outcome::Refused { hide: hides, advice: advises, .. })
            if (hide, advice) != (hides, advises) =>
        {
            (Kind::Told, Direction::Neutral)
        }
        _ => (Kind::Shadow, Direction::Neutral),
    }
}

/// Whether other conditions let more through.
fn weigh(old: &Conditions, new: &Conditions) -> Direction {
    // No condition is the widest of all; of several, one is enough.
    let alternatives = |narrow: &Conditions, wide: &Conditions| {
        wide.one_of.is_empty() || (!narrow.one_of.is_empty() && narrow.one_of.is_subset(&wide.one_of))
    };
    let wider =
        |narrow: &Conditions, wide: &Conditions| alternatives(narrow, wide) && wide.none_of.is_subset(&narrow.none_of);
    match (wider(old, new), wider(new, old)) {
        (true, false) => Direction::Wider,
        (false, true) => Direction::Narrower,
        _ => Direction::Unclear,
    }
}

#[cfg(test)]
mod tests;
