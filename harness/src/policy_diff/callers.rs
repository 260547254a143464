//! Who can call, as few as two policies can tell apart.

use std::collections::BTreeMap;

use tidegate_filter::decide::identity::{Principal, Source};
use tidegate_filter::policy::{Field, Policy, Who};

use super::decision::{as_known, is_meant};

/// Combinations of two callers that are tried, at most: one whom an allow means and one whom a deny means, or two that
/// allows mean, are one person with both facts.
const MOST_PAIRS: usize = 20_000;
/// Callers that one `who` is spelled out to, at most.
const MOST_SPELLED: usize = 64;

/// A caller who stands for all whom the same rules of both policies are about.
#[derive(Debug, Clone)]
pub(super) struct Class {
    /// What is known of them.
    pub(super) kind: Kind,
    /// How to name them; several if several are the same to both policies.
    pub(super) labels: Vec<String>,
    /// As the old and the new policy know them.
    pub(super) principals: [Principal; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Anonymous,
    /// Identified, and named by no rule.
    Other,
    Named,
    /// Two named ones in one: their places in the list.
    Both(usize, usize),
}

/// The callers that matter to either policy, and whether every combination of two is among them.
pub(super) fn enumerate(policies: [&Policy; 2]) -> (Vec<Class>, bool) {
    let whos: Vec<&Who> =
        policies.into_iter().flat_map(|policy| &policy.rules).filter_map(|rule| rule.who.as_ref()).collect();
    let mut classes = Classes { policies, whos: &whos, list: Vec::new(), seen: BTreeMap::new() };
    classes.add(Kind::Anonymous, "anonymous callers", &Principal::anonymous());
    let nobody = Principal { source: Source::Jwt, subject: "\u{0}".to_owned(), ..Principal::anonymous() };
    classes.add(Kind::Other, "everybody else", &nobody);
    let mut named: BTreeMap<String, Principal> = BTreeMap::new();
    let mut complete = true;
    for who in &whos {
        let spelled = spell(who, &nobody);
        complete &= spelled.1;
        named.extend(spelled.0);
    }
    let mut bases: Vec<(usize, Principal)> = Vec::new();
    for (label, principal) in &named {
        if let Some(at) = classes.add(Kind::Named, label, principal) {
            bases.push((at, principal.clone()));
        }
    }
    let mut tried = 0;
    'all: for (at, (first, one)) in bases.iter().enumerate() {
        for (second, other) in bases.iter().skip(at + 1) {
            tried += 1;
            if tried > MOST_PAIRS {
                complete = false;
                break 'all;
            }
            if let Some(both) = merge(one, other) {
                let name = |at: &usize| classes.list.get(*at).map(Class::label).unwrap_or_default();
                let label = format!("{} with {}", name(first), name(second));
                classes.add(Kind::Both(*first, *second), &label, &both);
            }
        }
    }
    (classes.list, complete)
}

impl Class {
    pub(super) fn label(&self) -> String {
        match self.labels.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [some @ .., last] if some.len() < 4 => format!("{} or {last}", some.join(", ")),
            [first, .., last] => format!("{first}, {} others or {last}", self.labels.len() - 2),
        }
    }
}

struct Classes<'p> {
    policies: [&'p Policy; 2],
    whos: &'p [&'p Who],
    list: Vec<Class>,
    seen: BTreeMap<Vec<bool>, usize>,
}

impl Classes<'_> {
    /// Adds a caller, if the policies can tell it from those before.
    fn add(&mut self, kind: Kind, label: &str, principal: &Principal) -> Option<usize> {
        let principals = self.policies.map(|policy| match kind {
            Kind::Anonymous => Principal::anonymous(),
            _ => as_known(policy, principal),
        });
        // Nobody can come as an anonymous caller where nobody is anonymous to begin with.
        let known = |at: usize| principals.get(at).is_some_and(|it: &Principal| it.source != Source::Anonymous);
        let mut signature = vec![known(0), known(1)];
        for known in &principals {
            signature.extend(self.whos.iter().map(|who| is_meant(Some(who), known)));
        }
        if let Some(at) = self.seen.get(&signature).copied() {
            if let (Kind::Named, Some(class)) = (kind, self.list.get_mut(at))
                && class.kind == Kind::Named
            {
                class.labels.push(label.to_owned());
            }
            return None;
        }
        self.seen.insert(signature, self.list.len());
        self.list.push(Class { kind, labels: vec![label.to_owned()], principals });
        Some(self.list.len() - 1)
    }
}

/// One caller for each choice of one value of every field, and whether those are all.
fn spell(who: &Who, nobody: &Principal) -> (Vec<(String, Principal)>, bool) {
    let mut callers = vec![(String::new(), nobody.clone())];
    let mut complete = true;
    for (field, values) in &who.0 {
        let mut next = Vec::new();
        for (label, principal) in &callers {
            for value in values {
                if next.len() >= MOST_SPELLED {
                    complete = false;
                    break;
                }
                let own = format!("{} {value}", singular(*field));
                let label = if label.is_empty() { own } else { format!("{label} and {own}") };
                let mut principal = principal.clone();
                principal.meet(*field, value.clone());
                next.push((label, principal));
            }
        }
        callers = next;
    }
    (callers, complete)
}

fn singular(field: Field) -> &'static str {
    match field {
        Field::Groups => "group",
        Field::Scopes => "scope",
        other => other.as_str(),
    }
}

/// One caller of whom all is true that is true of two, if there can be one.
fn merge(a: &Principal, b: &Principal) -> Option<Principal> {
    let one = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => Some(a.clone().or_else(|| b.clone())),
    };
    let unnamed = "\u{0}";
    let subject = match (a.subject.as_str(), b.subject.as_str()) {
        (a, b) if a == b || b == unnamed => a,
        (a, b) if a == unnamed => b,
        _ => return None,
    };
    Some(Principal {
        subject: subject.to_owned(),
        issuer: one(&a.issuer, &b.issuer)?,
        team: one(&a.team, &b.team)?,
        groups: a.groups.iter().chain(&b.groups).cloned().collect(),
        scopes: a.scopes.iter().chain(&b.scopes).cloned().collect(),
        agent: one(&a.agent, &b.agent)?,
        workload: one(&a.workload, &b.workload)?,
        source: a.source,
    })
}
