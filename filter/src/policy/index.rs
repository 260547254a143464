use super::{Effect, Field, Mode, Noun, Rule, TargetPattern};
use crate::pattern::{NameIndex, Pattern};

/// The rules, by position in the policy, that can apply to one server, or to all.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleIndex {
    /// By name or URI, for each noun.
    names: [NameIndex<Candidates>; 4],
    /// The enforcing allows, whatever the tool.
    pub(crate) rights: Candidates,
    /// The tools that count as reads.
    pub(crate) reads: NameIndex<()>,
    /// Whether an enforcing rule asks who calls.
    pub(crate) asks_who: bool,
}

impl RuleIndex {
    pub(crate) fn add(&mut self, number: u32, rule: &Rule) {
        if rule.mode == Mode::Enforce {
            self.asks_who |= rule.who.is_some();
            if rule.effect == Effect::Allow {
                self.rights.anyone.push(number);
            }
        }
    }

    /// Where rules about things of one kind are filed.
    pub(crate) fn names(&self, noun: Noun) -> Option<&NameIndex<Candidates>> {
        self.names.get(noun.ordinal())
    }

    /// Files a rule under one of its patterns.
    pub(crate) fn file(&mut self, number: u32, pattern: &TargetPattern) {
        if let Some(names) = self.names.get_mut(pattern.noun.ordinal()) {
            names.file(&pattern.name, |candidates| candidates.anyone.push(number));
        }
    }

    /// Files long lists under what they ask of the caller. To be called once, when all rules are in.
    pub(crate) fn finish(&mut self, rules: &[Rule]) {
        self.rights.finish(rules);
        self.names.iter_mut().flat_map(NameIndex::values_mut).for_each(|candidates| candidates.finish(rules));
    }
}

/// Rules that can apply, filed by one fact that each asks of the caller, so that a policy with one rule for each of a
/// thousand teams is as quick as a policy with ten.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    /// Rules that must be looked at whoever calls, in document order.
    pub(crate) anyone: Vec<u32>,
    /// Rules that only a caller with this value in this field can match.
    pub(crate) by_field: Vec<(Field, ByValue)>,
}

pub(crate) type ByValue = NameIndex<Vec<u32>>;

/// Shorter lists are looked through faster than any table is asked.
const SHORT: usize = 8;

impl Candidates {
    fn finish(&mut self, rules: &[Rule]) {
        self.anyone.dedup();
        if self.anyone.len() <= SHORT {
            return;
        }
        for number in std::mem::take(&mut self.anyone) {
            let rule = usize::try_from(number).ok().and_then(|number| rules.get(number));
            let asked =
                rule.and_then(|rule| rule.who.as_ref()).and_then(|who| who.0.iter().min_by_key(|(field, _)| *field));
            let Some((field, values)) = asked else {
                self.anyone.push(number);
                continue;
            };
            let at = self.by_field.iter().position(|(filed, _)| filed == field).unwrap_or_else(|| {
                self.by_field.push((*field, ByValue::default()));
                self.by_field.len() - 1
            });
            if let Some((_, by_value)) = self.by_field.get_mut(at) {
                for value in values {
                    by_value.file(&Pattern::Exact(value.as_str().into()), |numbers| numbers.push(number));
                }
            }
        }
    }
}
