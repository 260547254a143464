//! The words of a miss: what the value must be. They quote the schema, cut where it is long, and never the instance.

use super::judge::Step;
use super::node::{NumberRule, Types};
use crate::schema::facts::{VALUE, listed, quoted};
use crate::schema::fault::{cut, push_token};
use crate::schema::value::{Type, Value};
use crate::schema::verdict::Miss;

/// Characters of a pointer, and of the words of one alternative.
const LONG: usize = 200;

pub(super) fn pointer(path: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    for step in path {
        match step {
            Step::Key(key) => push_token(&mut pointer, &cut(key, VALUE)),
            Step::Index(index) => push_token(&mut pointer, &index.to_string()),
        }
    }
    cut(&pointer, LONG)
}

/// JSON as it is written in the schema.
fn written(value: Value<'_>) -> String {
    cut(&String::from_utf8_lossy(value.raw()), VALUE)
}

pub(super) fn types(types: Types, kind: Type) -> String {
    let is = match kind {
        Type::Null => "null",
        Type::Boolean => "a boolean",
        Type::Number if types.has_integer() => "a number with a fraction",
        Type::Number => "a number",
        Type::String => "a string",
        Type::Array => "an array",
        Type::Object => "an object",
    };
    let wanted: Vec<&str> = types
        .names()
        .map(|name| match name {
            "null" => "null",
            "boolean" => "a boolean",
            "integer" => "an integer",
            "number" => "a number",
            "string" => "a string",
            "array" => "an array",
            _ => "an object",
        })
        .collect();
    format!("must be {}, and is {is}", wanted.join(" or "))
}

pub(super) fn one_of(constants: &[Value<'_>]) -> String {
    let list = listed(constants.iter().map(|it| written(*it)));
    match constants {
        [_] => format!("must be {list}"),
        _ => format!("must be one of {list}"),
    }
}

pub(super) fn number(rule: NumberRule, bound: Value<'_>) -> String {
    let relation = match rule {
        NumberRule::Minimum => "at least",
        NumberRule::ExclusiveMinimum => "more than",
        NumberRule::Maximum => "at most",
        NumberRule::ExclusiveMaximum => "less than",
        NumberRule::MultipleOf => "a multiple of",
    };
    format!("must be {relation} {}", written(bound))
}

/// "must have at least 2 items"
pub(super) fn count(verb: &str, relation: &str, count: u64, what: &str) -> String {
    if count == 1 {
        return format!("must {verb} {relation} 1 {what}");
    }
    // The first word is what is counted.
    let (noun, rest) = what.split_once(' ').map_or((what, String::new()), |(noun, rest)| (noun, format!(" {rest}")));
    format!("must {verb} {relation} {count} {noun}s{rest}")
}

pub(super) fn pattern(pattern: Value<'_>) -> String {
    format!("must match the pattern {}", written(pattern))
}

pub(super) fn key(name: &str) -> String {
    format!("must have the key {}", quoted(name))
}

pub(super) fn key_beside(name: &str, beside: &str) -> String {
    format!("must have the key {} because it has {}", quoted(name), quoted(beside))
}

pub(super) fn no_such_key<'t>(known: impl Iterator<Item = &'t str>) -> String {
    match listed(known.map(quoted)) {
        list if list.is_empty() => "must not be sent: no such key is allowed here".to_owned(),
        list => format!("must not be sent: the keys that are allowed here are {list}"),
    }
}

pub(super) fn alternatives(misses: &[Miss]) -> String {
    let shown: Vec<String> = misses
        .iter()
        .take(3)
        .enumerate()
        .map(|(number, miss)| format!("({}) {}", number + 1, cut(&miss.to_string(), LONG)))
        .collect();
    let more = match misses.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("must be of one of {} forms: {}{more}", misses.len(), shown.join("; "))
}
