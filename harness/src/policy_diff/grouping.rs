//! Single findings put together: one change for all whom it concerns alike.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_filter::policy::Noun;

use super::callers::{Class, Kind as ClassKind};
use super::servers::Destination;
use super::targets::Target;
use super::{Change, Finding, classify};

/// The changes, those that open something first, then by server and caller.
pub(super) fn group(
    findings: Vec<Finding>,
    destinations: &[Destination<'_>],
    targets: &[Target],
    classes: &[Class],
) -> Vec<Change> {
    type Same = (usize, usize, String, String, Option<i64>, Option<i64>);
    // First whom one change of one target concerns, then which targets change alike for the same callers.
    let mut concerned: BTreeMap<Same, (BTreeSet<usize>, Option<Finding>)> = BTreeMap::new();
    for finding in findings {
        let (before, after) = (finding.decisions.0.describe(), finding.decisions.1.describe());
        let key = (finding.place, finding.target, before, after, finding.from, finding.until);
        let entry = concerned.entry(key).or_default();
        entry.0.insert(finding.caller);
        entry.1.get_or_insert(finding);
    }
    // A caller with two facts is worth a line only where the change is news for one who has either.
    let mut told: BTreeMap<(usize, usize, (super::Kind, super::Direction)), BTreeSet<usize>> = BTreeMap::new();
    for ((place, target, ..), (callers, finding)) in &concerned {
        if let Some(finding) = finding {
            let kind = classify(&finding.decisions.0, &finding.decisions.1);
            told.entry((*place, *target, kind)).or_default().extend(callers);
        }
    }
    let mut changes: Vec<(Change, Vec<&Target>)> = Vec::new();
    for ((place, target, before, after, from, until), (callers, finding)) in concerned {
        let Some(finding) = finding else { continue };
        let (kind, direction) = classify(&finding.decisions.0, &finding.decisions.1);
        let nobody = BTreeSet::new();
        let all = told.get(&(place, target, (kind, direction))).unwrap_or(&nobody);
        let Some(callers) = name(&callers, all, classes) else { continue };
        let server = destinations.get(place).map(|it| it.label.clone()).unwrap_or_default();
        let Some(target) = targets.get(target) else { continue };
        let change = Change { kind, direction, callers, server, what: Vec::new(), before, after, from, until };
        match changes.iter_mut().find(|(other, _)| is_alike(other, &change)) {
            Some((_, of_it)) => of_it.push(target),
            None => changes.push((change, vec![target])),
        }
    }
    let mut changes: Vec<Change> =
        changes.into_iter().map(|(change, of_it)| Change { what: describe(&of_it, targets), ..change }).collect();
    changes.sort_by(|a, b| {
        let key = |it: &Change| (it.direction, it.kind, it.server.clone(), it.callers.clone(), it.from);
        key(a).cmp(&key(b))
    });
    changes
}

fn is_alike(a: &Change, b: &Change) -> bool {
    let key = |it: &Change| (it.kind, it.direction, it.from, it.until);
    key(a) == key(b) && (&a.callers, &a.server, &a.before, &a.after) == (&b.callers, &b.server, &b.before, &b.after)
}

/// Targets in words, without those that others of the list stand for.
fn describe(of_it: &[&Target], all: &[Target]) -> Vec<String> {
    let whole_server = of_it.iter().any(|target| target.noun.is_none());
    let mut words: Vec<String> = Vec::new();
    if whole_server {
        words.push("the server itself, with its lists and methods that need no rule".to_owned());
    }
    for noun in Noun::ALL.into_iter().filter(|noun| !(whole_server && *noun == Noun::Method)) {
        let own: Vec<&&Target> = of_it.iter().filter(|target| target.noun == Some(noun)).collect();
        let count = all.iter().filter(|target| target.noun == Some(noun)).count();
        if own.len() == count && count > 1 {
            words.push(format!("every {}", noun.as_str()));
            continue;
        }
        let is_implied = |target: &Target| {
            let within = |other: &Target| {
                !other.parts.is_empty()
                    && other.parts.len() < target.parts.len()
                    && other.parts.iter().all(|part| target.parts.contains(part))
            };
            own.iter().any(|other| within(other))
        };
        words.extend(own.iter().filter(|target| !is_implied(target)).map(|target| {
            let prefix = if noun == Noun::Tool || target.parts.is_empty() {
                String::new()
            } else {
                format!("{} ", noun.as_str())
            };
            let examples =
                if target.examples.is_empty() { String::new() } else { format!(" ({})", target.examples.join(", ")) };
            format!("{prefix}{}{examples}", target.label)
        }));
    }
    words
}

/// The callers in words, or none if all of them are told of elsewhere. `all` are those for whom the same kind of change
/// is told, of the same thing.
fn name(callers: &BTreeSet<usize>, all: &BTreeSet<usize>, classes: &[Class]) -> Option<String> {
    let kind = |at: &usize| classes.get(*at).map(|it| it.kind);
    let label = |at: &usize| classes.get(*at).map(Class::label).unwrap_or_default();
    let single = |at: &usize| !matches!(kind(at), Some(ClassKind::Both(..)) | None);
    let others = callers.iter().any(|at| kind(at) == Some(ClassKind::Other));
    let anonymous = callers.iter().any(|at| kind(at) == Some(ClassKind::Anonymous));
    let everybody: Vec<usize> = (0..classes.len()).filter(single).collect();
    let missing: Vec<&usize> = everybody.iter().filter(|at| !callers.contains(at)).collect();
    let named: Vec<String> = callers.iter().filter(|at| kind(at) == Some(ClassKind::Named)).map(label).collect();
    let pairs: Vec<String> = callers
        .iter()
        .filter(|at| match kind(at) {
            Some(ClassKind::Both(a, b)) => !others && !all.contains(&a) && !all.contains(&b),
            _ => false,
        })
        .map(label)
        .collect();
    if missing.is_empty() {
        return Some("everybody".to_owned());
    }
    if others {
        // Nobody is anonymous where that is refused before and now: then it is not worth a word.
        let but: Vec<String> = missing.into_iter().filter(|at| kind(at) == Some(ClassKind::Named)).map(label).collect();
        let whole = if anonymous { "everybody" } else { "every identified caller" };
        return Some(if but.is_empty() { whole.to_owned() } else { format!("{whole} but {}", but.join(", ")) });
    }
    let mut parts = named;
    if anonymous {
        parts.push("anonymous callers".to_owned());
    }
    parts.extend(pairs);
    (!parts.is_empty()).then(|| parts.join(", "))
}
