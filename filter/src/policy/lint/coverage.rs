//! Rules that others make dead, contradict or make superfluous. Only what can be proven is reported: a rule is covered if
//! for each of its patterns one other rule matches, with effect, whenever it does.

use std::collections::{HashMap, HashSet};

use super::{Lint, Step};
use crate::pattern::{NameIndex, Pattern};
use crate::policy::{Effect, Field, Mode, Policy, Rule, TargetPattern, Who};

/// How many rules a message names.
const NAMED: usize = 3;

/// Patterns found again by what they may cover, at a cost that does not grow with rules about other callers.
#[derive(Default)]
struct Filed<'p>([NameIndex<Numbers<'p>>; 4]);

/// Numbers under one pattern.
#[derive(Default)]
struct Numbers<'p> {
    /// Those that ask nothing of the caller.
    anyone: Vec<usize>,
    /// The others, by each value of the first field that they ask for.
    by_value: HashMap<(Field, &'p str), Vec<usize>>,
}

impl<'p> Filed<'p> {
    fn file(&mut self, pattern: &TargetPattern, who: Option<&'p Who>, number: usize) {
        let Some(index) = self.0.get_mut(pattern.noun.ordinal()) else { return };
        index.file(&pattern.name, |numbers| match who.and_then(|who| who.0.first()) {
            None => numbers.anyone.push(number),
            Some((field, values)) => {
                for value in values {
                    numbers.by_value.entry((*field, value)).or_default().push(number);
                }
            }
        });
    }

    /// The numbers of all that may cover this pattern for these callers, in order, and of some that do not.
    fn candidates(&self, pattern: &TargetPattern, who: Option<&Who>) -> Vec<usize> {
        // A pattern that covers another matches the text without its stars.
        let text: &str = match &pattern.name {
            Pattern::Exact(text) | Pattern::Prefix(text) | Pattern::Suffix(text) | Pattern::Middle(text) => text,
            Pattern::Any => "",
        };
        let mut found = Vec::new();
        if let Some(index) = self.0.get(pattern.noun.ordinal()) {
            index.any_match(text, |numbers| {
                found.extend_from_slice(&numbers.anyone);
                // Who takes all of these values takes the first one.
                for (field, values) in who.iter().flat_map(|who| &who.0) {
                    let first = values.first().and_then(|value| numbers.by_value.get(&(*field, value.as_str())));
                    found.extend(first.into_iter().flatten());
                }
                false
            });
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Lint<'_, '_, '_> {
    /// Everything that compares rules with each other.
    pub(super) fn covered(&mut self, now: i64) {
        let policy = self.policy;
        let (mut allows, mut denies) = (Filed::default(), Filed::default());
        for (number, rule) in policy.rules.iter().enumerate().filter(|(_, rule)| rule.mode == Mode::Enforce) {
            let filed = if rule.effect == Effect::Allow { &mut allows } else { &mut denies };
            rule.targets.iter().for_each(|pattern| filed.file(pattern, rule.who.as_ref(), number));
        }
        let dead: HashSet<String> = self.report.warnings.iter().map(|warning| warning.pointer.clone()).collect();
        let mut compared: Vec<(usize, bool)> = vec![(usize::MAX, false); policy.rules.len()];
        for (at, rule) in policy.rules.iter().enumerate() {
            let id = [Step::Key("rules"), Step::Element(at), Step::Key("id")];
            let is_over = rule.expires.is_some_and(|end| end <= now);
            if is_over || dead.contains(&self.at(&id).pointer) {
                continue;
            }
            let mut first = |filed: &Filed<'_>, pattern: &TargetPattern, may: &dyn Fn(usize, &Rule) -> bool| {
                let mut candidates = filed.candidates(pattern, rule.who.as_ref()).into_iter();
                candidates.find(|&number| {
                    let Some(other) = policy.rules.get(number).filter(|other| number != at && may(number, other))
                    else {
                        return false;
                    };
                    let Some(known) = compared.get_mut(number) else { return false };
                    if known.0 != at {
                        *known = (at, conditions_cover(other, rule));
                    }
                    let mut patterns = other.targets.iter();
                    known.1 && patterns.any(|wide| pattern_covers(policy, other, wide, rule, pattern))
                })
            };
            if rule.effect == Effect::Allow {
                let denied: Vec<_> = rule.targets.iter().map(|pattern| first(&denies, pattern, &|_, _| true)).collect();
                if self.denied(at, rule, &denied, &dead) {
                    continue;
                }
            }
            let same = if rule.effect == Effect::Allow { &allows } else { &denies };
            let is_earlier = |number: usize, other: &Rule| number < at && (other.write || !rule.write);
            let earlier: Option<Vec<usize>> =
                rule.targets.iter().map(|pattern| first(same, pattern, &is_earlier)).collect();
            if let Some(earlier) = earlier {
                let (names, are_many) = self.names(&earlier);
                let say = if are_many { "together say" } else { "before it says" };
                let message = format!("`{}` adds nothing: {names} {say} the same or more", rule.id);
                self.warn("shadowed_rule", &id, &message, "take one of them out, or put the narrower one first");
            }
        }
    }

    /// Reports what denies take back of an allow; `denied` has a deny for each of its patterns. Whether that is all.
    fn denied(&mut self, at: usize, rule: &Rule, denied: &[Option<usize>], dead: &HashSet<String>) -> bool {
        let id = [Step::Key("rules"), Step::Element(at), Step::Key("id")];
        let all: Option<Vec<usize>> = denied.iter().copied().collect();
        if let Some(all) = all {
            let (names, are_many) = self.names(&all);
            let only = all.first().and_then(|number| self.policy.rules.get(*number)).filter(|_| !are_many);
            if only.is_some_and(|deny| self.is_same(rule, deny)) {
                let message = format!("`{}` allows exactly what {names} denies, and the deny wins", rule.id);
                let help = "decide which of the two is meant, and take the other out";
                self.warn("contradictory_rules", &id, &message, help);
            } else {
                let deny = if are_many { "together deny" } else { "denies" };
                let message = format!("`{}` never takes effect: {names} {deny} all of it", rule.id);
                self.warn("dead_rule", &id, &message, "narrow the deny, or take the allow out");
            }
            return true;
        }
        for (number, (pattern, deny)) in rule.targets.iter().zip(denied).enumerate() {
            let Some(deny) = deny.and_then(|deny| self.policy.rules.get(deny)) else { continue };
            let path = pattern_path(at, rule, number, pattern);
            if !dead.contains(&self.at(&path).pointer) {
                let message = format!("this pattern never takes effect: `{}` denies all of it", deny.id);
                self.warn("dead_pattern", &path, &message, "narrow the deny, or take the pattern out");
            }
        }
        false
    }

    /// Whether two rules are about the same calls of the same callers at the same times.
    fn is_same(&self, a: &Rule, b: &Rule) -> bool {
        let all_within = |narrow: &Rule, wide: &Rule| {
            let covered =
                |pattern| wide.targets.iter().any(|it| pattern_covers(self.policy, wide, it, narrow, pattern));
            conditions_cover(wide, narrow) && narrow.targets.iter().all(covered)
        };
        all_within(a, b) && all_within(b, a)
    }

    /// The ids of rules, each once, and whether they are several.
    fn names(&self, numbers: &[usize]) -> (String, bool) {
        let mut distinct: Vec<usize> = numbers.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let ids = distinct.iter().filter_map(|number| self.policy.rules.get(*number)).map(|rule| rule.id.as_str());
        let mut names: Vec<String> = ids.take(NAMED).map(|id| format!("`{id}`")).collect();
        if distinct.len() > NAMED {
            names.push(format!("{} more", distinct.len() - NAMED));
        }
        (names.join(" and "), distinct.len() > 1)
    }

    /// What a rule says twice.
    pub(super) fn duplicates(&mut self) {
        let policy = self.policy;
        for (at, rule) in policy.rules.iter().enumerate() {
            let mut filed = Filed::default();
            rule.targets.iter().enumerate().for_each(|(number, pattern)| filed.file(pattern, None, number));
            for (number, pattern) in rule.targets.iter().enumerate() {
                let covers =
                    |wide: &TargetPattern, narrow: &TargetPattern| pattern_covers(policy, rule, wide, rule, narrow);
                let wider = filed.candidates(pattern, None).into_iter().find_map(|other| {
                    let wide = rule.targets.get(other).filter(|wide| other != number && covers(wide, pattern))?;
                    // Of two that are alike the second is the one too many.
                    (other < number || !covers(pattern, wide)).then_some(wide)
                });
                if let Some(wide) = wider {
                    let message = format!("`{}` of the same rule matches all that this pattern does", wide.name);
                    let path = pattern_path(at, rule, number, pattern);
                    self.warn("duplicate_condition", &path, &message, "take it out");
                }
            }
            for (field, values) in rule.who.iter().flat_map(|who| &who.0) {
                let mut known = HashSet::new();
                for (number, value) in values.iter().enumerate() {
                    if !known.insert(value) {
                        let path = [Step::Key("who"), Step::Key(field.as_str()), Step::Element(number)];
                        let path = [[Step::Key("rules"), Step::Element(at)].as_slice(), &path].concat();
                        let message = format!("`{value}` is named twice");
                        self.warn("duplicate_condition", &path, &message, "take one of them out");
                    }
                }
            }
        }
    }
}

/// Where the pattern with this number among all of a rule stands.
pub(super) fn pattern_path(at: usize, rule: &Rule, number: usize, pattern: &TargetPattern) -> [Step; 5] {
    let number = rule.targets.iter().take(number).filter(|other| other.noun == pattern.noun).count();
    let target = Step::Key(if rule.effect == Effect::Allow { "allow" } else { "deny" });
    [Step::Key("rules"), Step::Element(at), target, Step::Key(pattern.noun.key()), Step::Element(number)]
}

/// Whether `wide` is about everybody, all arguments and all times that `narrow` is about.
fn conditions_cover(wide: &Rule, narrow: &Rule) -> bool {
    wide.who.as_ref().is_none_or(|who| narrow.who.as_ref().is_some_and(|narrow| narrow.is_within(who)))
        && (wide.arguments.is_none() || wide.arguments == narrow.arguments)
        && wide.not_before.is_none_or(|start| narrow.not_before.is_some_and(|from| start <= from))
        && wide.expires.is_none_or(|end| narrow.expires.is_some_and(|to| to <= end))
}

/// Whether a pattern of `wide` matches, on the servers of both rules, whatever a pattern of `narrow` does.
fn pattern_covers(policy: &Policy, wide: &Rule, other: &TargetPattern, narrow: &Rule, pattern: &TargetPattern) -> bool {
    let mut reached = policy.servers.iter().filter(|server| narrow.reaches(pattern, server));
    other.noun == pattern.noun && other.name.covers(&pattern.name) && reached.all(|server| wide.reaches(other, server))
}

impl Who {
    /// Whether whoever meets these conditions meets those of `wide`.
    fn is_within(&self, wide: &Self) -> bool {
        wide.0.iter().all(|(field, values)| {
            let own = self.0.iter().find(|(own, _)| own == field);
            own.is_some_and(|(_, own)| own.iter().all(|value| values.contains(value)))
        })
    }
}
