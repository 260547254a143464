//! Judging objects and arrays.

use std::borrow::Cow;

use super::equal::all_differ;
use super::judge::{Halt, Judge, Judged, Step};
use super::node::{ArrayRules, Known, Node, NodeId, ObjectRules};
use super::wanted;
use crate::json;
use crate::schema::value::Value;
use crate::schema::verdict::MissKind;
use crate::schema::{facts, vocabulary};

/// Applies the keywords about objects.
pub(super) fn object<'s, 'i>(judge: &mut Judge<'s, 'i>, rules: &'s ObjectRules, value: Value<'i>) -> Judged {
    let mut present = vec![false; rules.known.len()];
    let mut count = 0_u64;
    // The look-alikes first: where one stands, what else holds says nothing.
    for (key, _) in value.members() {
        judge.work.read(key.span.len())?;
        count += 1;
        let name = json::decode(key.raw());
        match place(rules, &name) {
            Some(place) => {
                if let Some(present) = present.get_mut(place) {
                    *present = true;
                }
            }
            None => look_alike(judge, rules, name)?,
        }
    }
    requirements(judge, rules, &present, count)?;
    for (key, member) in value.members() {
        self::member(judge, rules, key, member)?;
    }
    for (known, present) in rules.known.iter().zip(&present) {
        if let (Some(node), true) = (known.dependent, present) {
            judge.apply(node, value)?;
        }
    }
    Ok(())
}

fn place(rules: &ObjectRules, name: &str) -> Option<usize> {
    rules.known.binary_search_by(|known| (*known.name).cmp(name)).ok()
}

/// Refuses a key that a peer without regard for case would take for one that the schema constrains.
fn look_alike<'i>(judge: &mut Judge<'_, 'i>, rules: &ObjectRules, name: Cow<'i, str>) -> Judged {
    if !rules.folded.is_empty() {
        let folded = vocabulary::folded(&name);
        let at = rules.folded.partition_point(|(known, _)| *known < folded);
        let twin = rules.folded.get(at).filter(|(known, _)| *known == folded).and_then(|(_, at)| rules.known.get(*at));
        if let Some(Known { name: twin, .. }) = twin {
            let wanted = || facts::look_alike(twin);
            return Err(judge.miss_within(Step::Key(name), MissKind::LooksAlike, "properties", &wanted));
        }
    }
    for (pattern, _) in &rules.patterns {
        if pattern.matches(&name, &mut judge.work)? {
            return Ok(());
        }
    }
    for (pattern, _) in &rules.patterns {
        if pattern.matches_folded(&name, &mut judge.work)? {
            let wanted = facts::look_alike_of_pattern;
            return Err(judge.miss_within(Step::Key(name), MissKind::LooksAlike, "patternProperties", &wanted));
        }
    }
    Ok(())
}

/// What can be told from the keys alone.
fn requirements(judge: &mut Judge<'_, '_>, rules: &ObjectRules, present: &[bool], count: u64) -> Judged {
    let is_present = |place: usize| present.get(place).copied().unwrap_or_default();
    judge.work.spend(rules.known.len())?;
    for (at, known) in rules.known.iter().enumerate() {
        if known.required && !is_present(at) {
            return Err(judge.miss("required", &|| wanted::key(&known.name)));
        }
        if !is_present(at) {
            continue;
        }
        judge.work.spend(known.brings.len())?;
        let brought = known.brings.iter().find(|place| !is_present(**place)).and_then(|place| rules.known.get(*place));
        if let Some(brought) = brought {
            return Err(judge.miss("dependentRequired", &|| wanted::key_beside(&brought.name, &known.name)));
        }
    }
    if count < rules.least {
        return Err(judge.miss("minProperties", &|| wanted::count("have", "at least", rules.least, "member")));
    }
    match rules.most.filter(|most| count > *most) {
        Some(most) => Err(judge.miss("maxProperties", &|| wanted::count("have", "at most", most, "member"))),
        None => Ok(()),
    }
}

/// Applies what is said about one member.
fn member<'s, 'i>(judge: &mut Judge<'s, 'i>, rules: &'s ObjectRules, key: Value<'i>, value: Value<'i>) -> Judged {
    judge.work.read(key.span.len())?;
    let name = json::decode(key.raw());
    if let Some(node) = rules.names {
        judge.within(Step::Key(name.clone()), node, key)?;
    }
    let property = place(rules, &name).and_then(|place| rules.known.get(place)?.property);
    let mut described = property.is_some();
    if let Some(node) = property {
        judge.within(Step::Key(name.clone()), node, value)?;
    }
    for (pattern, node) in &rules.patterns {
        if pattern.matches(&name, &mut judge.work)? {
            described = true;
            judge.within(Step::Key(name.clone()), *node, value)?;
        }
    }
    match rules.additional.filter(|_| !described) {
        None => Ok(()),
        Some(node) if never(judge, node) => {
            let names = rules.known.iter().filter(|known| known.property.is_some()).map(|known| &*known.name);
            let wanted = || wanted::no_such_key(names.clone());
            Err(judge.miss_within(Step::Key(name), MissKind::Unmet, "additionalProperties", &wanted))
        }
        Some(node) => judge.within(Step::Key(name), node, value),
    }
}

fn never(judge: &Judge<'_, '_>, node: NodeId) -> bool {
    matches!(judge.schema.nodes.get(node.0 as usize), Some(Node::Boolean(false)))
}

/// Applies the keywords about arrays.
pub(super) fn array<'s, 'i>(judge: &mut Judge<'s, 'i>, rules: &'s ArrayRules, value: Value<'i>) -> Judged {
    judge.work.read(value.span.len())?;
    let count = u64::try_from(value.elements().count()).unwrap_or(u64::MAX);
    if count < rules.least {
        return Err(judge.miss("minItems", &|| wanted::count("have", "at least", rules.least, "item")));
    }
    if let Some(most) = rules.most.filter(|most| count > *most) {
        return Err(judge.miss("maxItems", &|| wanted::count("have", "at most", most, "item")));
    }
    for (index, element) in value.elements().enumerate() {
        judge.work.spend(1)?;
        match rules.prefix.get(index).copied().or(rules.items) {
            None => {}
            Some(node) if index >= rules.prefix.len() && never(judge, node) => {
                let most = u64::try_from(rules.prefix.len()).unwrap_or(u64::MAX);
                return Err(judge.miss("items", &|| wanted::count("have", "at most", most, "item")));
            }
            Some(node) => judge.within(Step::Index(index), node, element)?,
        }
    }
    if rules.unique && !all_differ(value, &mut judge.work)? {
        return Err(judge.miss("uniqueItems", &|| "must not have the same item twice".to_owned()));
    }
    contains(judge, rules, value)
}

fn contains<'i>(judge: &mut Judge<'_, 'i>, rules: &ArrayRules, value: Value<'i>) -> Judged {
    let Some(contains) = &rules.contains else { return Ok(()) };
    let mut found = 0_u64;
    for element in value.elements() {
        judge.work.spend(1)?;
        found += u64::from(judge.accepts(contains.node, element)?);
    }
    if found < contains.least {
        let keyword = if contains.least == 1 { "contains" } else { "minContains" };
        return Err(
            judge.miss(keyword, &|| wanted::count("have", "at least", contains.least, "item of the wanted form"))
        );
    }
    match contains.most.filter(|most| found > *most) {
        Some(most) => {
            Err(judge.miss("maxContains", &|| wanted::count("have", "at most", most, "item of the wanted form")))
        }
        None => Ok::<(), Halt>(()),
    }
}
