//! One look at a whole schema: what it names, and whether the other crate can be trusted with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::schema::fault::{Fault, cut, push_token};
use crate::schema::vocabulary::{self, EQUALS, IN};
use crate::schema::{JUDGEMENT_DEPTH, Sets, facts};

/// The keywords that only this validator understands.
pub(super) const MORE_KEYWORDS: &[&str] = &[
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$vocabulary",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// What the schemas in a keyword are applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The same instance.
    Here,
    /// The member of the same name.
    Named,
    /// Members, any of them.
    Members,
    /// Elements, any of them.
    Elements,
    /// Nothing that can be an object.
    Nowhere,
}

/// The schemas in a keyword, each with its token if the keyword has several, and what they are applied to.
pub(super) fn schemas<'s>(keyword: &str, value: &'s Value) -> (Reach, Vec<(Option<String>, &'s Value)>) {
    let one = |reach| (reach, vec![(None, value)]);
    let list = |reach| {
        let items = value.as_array().into_iter().flatten();
        (reach, items.enumerate().map(|(index, schema)| (Some(index.to_string()), schema)).collect())
    };
    let map = |reach| {
        let members = value.as_object().into_iter().flatten();
        (reach, members.map(|(key, schema)| (Some(key.clone()), schema)).collect())
    };
    match keyword {
        "not" | "if" | "then" | "else" => one(Reach::Here),
        "allOf" | "anyOf" | "oneOf" => list(Reach::Here),
        "dependentSchemas" => map(Reach::Here),
        "properties" => map(Reach::Named),
        "patternProperties" => map(Reach::Members),
        "additionalProperties" | "unevaluatedProperties" => one(Reach::Members),
        "items" | "contains" | "unevaluatedItems" => one(Reach::Elements),
        "prefixItems" => list(Reach::Elements),
        "propertyNames" | "contentSchema" => one(Reach::Nowhere),
        "$defs" => map(Reach::Nowhere),
        _ => (Reach::Nowhere, Vec::new()),
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) facts: BTreeSet<String>,
    /// Every key that is constrained somewhere.
    pub(super) keys: BTreeSet<String>,
    /// Every pattern of `patternProperties`, with where it was first seen.
    pub(super) patterns: BTreeMap<String, String>,
    /// True if a reference is no plain JSON pointer, so that nobody here can tell what applies where.
    pub(super) opaque: bool,
}

pub(super) fn survey(schema: &Value, sets: &Sets) -> Result<Survey, Fault> {
    let mut survey = Survey::default();
    look(schema, sets, &mut String::new(), &mut survey)?;
    if !survey.opaque {
        circle(schema, schema, &mut BTreeMap::new(), 0)?;
    }
    Ok(survey)
}

fn look(schema: &Value, sets: &Sets, pointer: &mut String, survey: &mut Survey) -> Result<(), Fault> {
    let Value::Object(members) = schema else { return Ok(()) };
    survey.keys.extend(constrained(members).map(str::to_owned));
    for (keyword, value) in members {
        let length = pointer.len();
        push_token(pointer, keyword);
        let fault = |message, suggestion| Fault {
            pointer: pointer.clone(),
            keyword: keyword.clone(),
            message,
            suggestion: Some(suggestion),
        };
        let known = [vocabulary::KEYWORDS, vocabulary::ANNOTATIONS, MORE_KEYWORDS];
        if !known.into_iter().any(|known| known.contains(&keyword.as_str())) {
            let suggestion = vocabulary::instead(keyword).unwrap_or_else(|| "remove it".to_owned());
            return Err(fault(format!("the keyword `{}` is not supported", cut(keyword, 60)), suggestion));
        }
        let text = value.as_str().unwrap_or_default();
        match keyword.as_str() {
            EQUALS => {
                facts::text_fact(text).map_err(|wrong| fault(wrong.message, wrong.suggestion))?;
                survey.facts.insert(text.to_owned());
            }
            IN => {
                facts::source(text, sets).map_err(|wrong| fault(wrong.message, wrong.suggestion))?;
                survey.facts.insert(text.to_owned());
            }
            "$schema" if text.strip_suffix('#').unwrap_or(text) != vocabulary::DIALECT => {
                let message = "`$schema` names a dialect other than JSON Schema 2020-12".to_owned();
                return Err(fault(message, format!("write \"{}\" or remove it", vocabulary::DIALECT)));
            }
            "$ref" => survey.opaque |= !text.starts_with("#/") && text != "#",
            "$id" | "$anchor" | "$dynamicAnchor" | "$dynamicRef" => survey.opaque = true,
            "patternProperties" => {
                for pattern in value.as_object().into_iter().flatten().map(|(pattern, _)| pattern) {
                    survey.patterns.entry(pattern.clone()).or_insert_with(|| pointer.clone());
                }
            }
            _ => {}
        }
        for (token, schema) in schemas(keyword, value).1 {
            let length = pointer.len();
            if let Some(token) = token {
                push_token(pointer, &token);
            }
            look(schema, sets, pointer, survey)?;
            pointer.truncate(length);
        }
        pointer.truncate(length);
    }
    Ok(())
}

/// The keys that a schema names.
pub(super) fn constrained(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let named = ["properties", "dependentRequired", "dependentSchemas"];
    let maps = named.into_iter().filter_map(|keyword| schema.get(keyword)?.as_object());
    let required = schema.get("required").into_iter();
    let brought = schema.get("dependentRequired").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let lists = required.chain(brought).filter_map(Value::as_array);
    maps.flat_map(Map::keys).map(String::as_str).chain(lists.flatten().filter_map(Value::as_str))
}

/// The schema that a local `$ref` points at.
pub(super) fn target<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    root.pointer(&vocabulary::percent_decoded(reference.strip_prefix('#')?)?)
}

/// The identity of a value: where it lies.
pub(super) fn address(value: &Value) -> usize {
    core::ptr::from_ref(value).addr()
}

/// Refuses references that come back to where they started without going deeper: the other crate would never end.
/// `open` has what is being looked at (`true`) and what was (`false`).
fn circle(root: &Value, schema: &Value, open: &mut BTreeMap<usize, bool>, depth: usize) -> Result<(), Fault> {
    let fault = |keyword: &str, message: String| Fault {
        pointer: String::new(),
        keyword: keyword.to_owned(),
        message,
        suggestion: Some("put the reference under a keyword that goes deeper, such as `properties`".to_owned()),
    };
    let Value::Object(members) = schema else { return Ok(()) };
    match open.get(&address(schema)) {
        Some(true) => return Err(fault("$ref", "a `$ref` comes back to itself without going deeper".to_owned())),
        Some(false) => return Ok(()),
        None if depth > JUDGEMENT_DEPTH => return Err(fault("$ref", "`$ref` chains are too long".to_owned())),
        None => open.insert(address(schema), true),
    };
    let mut elsewhere = Vec::new();
    for (keyword, value) in members {
        if keyword == "$ref" {
            let text = value.as_str().unwrap_or_default();
            let target = target(root, text).ok_or_else(|| {
                fault("$ref", format!("`$ref` to \"{}\" points at nothing in the schema", cut(text, 60)))
            })?;
            circle(root, target, open, depth + 1)?;
        }
        let (reach, schemas) = schemas(keyword, value);
        for (_, schema) in schemas {
            match reach {
                Reach::Here => circle(root, schema, open, depth + 1)?,
                _ => elsewhere.push(schema),
            }
        }
    }
    open.insert(address(schema), false);
    elsewhere.into_iter().try_for_each(|schema| circle(root, schema, open, depth + 1))
}
