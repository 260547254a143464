//! The values of our own keywords: which facts they may name, and what they say when they are not met.

use std::collections::BTreeMap;

use super::fault::cut;
use super::vocabulary::{EQUALS, IN, LIST_FACTS, TEXT_FACTS};
use crate::order;

/// Characters of one quoted value.
pub(super) const VALUE: usize = 48;
/// Values in one list.
const LIST: usize = 8;

/// The path of a fact: `principal.team`.
pub(super) type FactPath = Box<str>;

/// Where `tidegate:in` looks.
#[derive(Debug)]
pub(super) enum Source {
    /// A set of the policy: its name and its members, sorted.
    Set(Box<str>, Vec<Box<str>>),
    /// A list of facts.
    Fact(FactPath),
}

/// What is wrong with a value, and what to do about it.
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) suggestion: String,
}

/// The value of `tidegate:equals`.
pub(super) fn text_fact(path: &str) -> Result<FactPath, Wrong> {
    if TEXT_FACTS.contains(&path) {
        return Ok(path.into());
    }
    let suggestion = match LIST_FACTS.contains(&path) {
        true => format!("it is a list: use `\"{IN}\": \"{path}\"`"),
        false => format!("the facts are {}", TEXT_FACTS.join(", ")),
    };
    Err(Wrong { message: format!("`{EQUALS}` names `{}`, which is no single fact", cut(path, VALUE)), suggestion })
}

/// The value of `tidegate:in`.
pub(super) fn source(path: &str, sets: &BTreeMap<String, Vec<String>>) -> Result<Source, Wrong> {
    if LIST_FACTS.contains(&path) {
        return Ok(Source::Fact(path.into()));
    }
    if let Some((name, members)) = path.strip_prefix("sets.").and_then(|name| sets.get_key_value(name)) {
        let mut sorted: Vec<&str> = members.iter().map(String::as_str).collect();
        order::distinct(&mut sorted);
        return Ok(Source::Set(name.as_str().into(), sorted.into_iter().map(Box::from).collect()));
    }
    let names: Vec<String> = sets.keys().map(|name| format!("sets.{name}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).chain(LIST_FACTS).take(20).collect();
    let message = format!("`{IN}` names `{}`, which is no set", cut(path, VALUE));
    Err(Wrong { message, suggestion: format!("there are {}", all.join(", ")) })
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text, VALUE))
}

/// The first items, and how many more there are.
pub(super) fn listed(items: impl Iterator<Item = String>) -> String {
    let mut shown = Vec::new();
    let mut left = 0_usize;
    for item in items {
        if shown.len() < LIST {
            shown.push(item);
        } else {
            left += 1;
        }
    }
    let more = if left > 0 { format!(" or one of {left} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

pub(super) fn equal_to_fact(path: &str, fact: &str) -> String {
    format!("must be {}, the caller's own {path}", quoted(fact))
}

pub(super) fn unknown_fact(path: &str) -> String {
    format!("must fit {path}, which is not known for this caller")
}

pub(super) fn in_set<'t>(path: &str, members: impl Iterator<Item = &'t str>) -> String {
    match listed(members.map(quoted)) {
        list if list.is_empty() => format!("must be in {path}, which is empty"),
        list => format!("must be in {path}: {list}"),
    }
}

pub(super) fn look_alike(known: &str) -> String {
    format!("must not be sent: the key is {}, and this one differs in case", quoted(known))
}

pub(super) fn look_alike_of_pattern() -> String {
    "must not be sent: a key that is constrained here differs from it only in case".to_owned()
}
