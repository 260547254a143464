//! The validator of the `jsonschema` crate, with our two keywords and our rule about case.
//!
//! It builds a tree of every instance, and its time is bounded by the schema and the instance alone. What it says of an
//! instance differs from the compact validator in words, and in this: numbers with a fraction are compared as floats;
//! and a key that differs only in case from a constrained one is refused wherever the schema could apply, branches that
//! another branch makes needless included.

mod alike;
mod own;
mod survey;

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::facts;
use super::fault::{Fault, cut};
use super::verdict::{Facts, Miss, MissKind, Verdict};
use super::vocabulary::{self, EQUALS, IN};
use super::work::{Undecidable, Work};
use super::{JUDGEMENT_STEPS, Sets, check_text};

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) text: Box<[u8]>,
    schema: Value,
    validator: Validator,
    alike: alike::Rules,
    /// The facts that the schema names.
    facts: BTreeSet<String>,
}

/// Characters of a message of the other crate.
const LONG: usize = 200;

/// See [`Schema::compile`](super::Schema::compile).
pub(super) fn compile(text: &[u8], sets: &Sets) -> Result<Compiled, Fault> {
    check_text(text)?;
    let schema: Value = serde_json::from_slice(text).map_err(|error| Fault {
        pointer: String::new(),
        keyword: String::new(),
        message: format!("the schema has {error}"),
        suggestion: Some("write strict JSON, not too deeply nested".to_owned()),
    })?;
    let survey = survey::survey(&schema, sets)?;
    let alike = alike::Rules::new(&survey)?;
    let sets = sets.clone();
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        // The engine that does not backtrack.
        .with_pattern_options(PatternOptions::regex())
        .with_keyword(EQUALS, |_, value, _| own::equals(value))
        .with_keyword(IN, move |_, value, _| own::is_in(value, &sets))
        .build(&schema)
        .map_err(|error| fault(&error))?;
    Ok(Compiled { text: text.into(), validator, alike, facts: survey.facts, schema })
}

fn fault(error: &ValidationError<'_>) -> Fault {
    if let ValidationErrorKind::Referencing(_) = error.kind() {
        return Fault {
            pointer: String::new(),
            keyword: "$ref".to_owned(),
            message: format!("a `$ref` leaves the document or points at nothing: {}", cut(&error.to_string(), LONG)),
            suggestion: Some("put the schema under `$defs` and write `\"$ref\": \"#/$defs/name\"`".to_owned()),
        };
    }
    let pointer = error.instance_path().to_string();
    let keyword = pointer.rsplit('/').find_map(keyword).unwrap_or("schema");
    let message = format!("`{keyword}`: {}", cut(&error.masked().to_string(), LONG));
    Fault { pointer, keyword: keyword.to_owned(), message, suggestion: Some("see JSON Schema 2020-12".to_owned()) }
}

fn keyword(token: &str) -> Option<&'static str> {
    let mut all = vocabulary::KEYWORDS.iter().chain(survey::MORE_KEYWORDS);
    all.find(|known| **known == token).copied()
}

/// See [`Schema::judge`](super::Schema::judge).
pub(super) fn judge(compiled: &Compiled, instance: &[u8], facts: &dyn Facts) -> Verdict {
    let Ok(instance) = serde_json::from_slice::<Value>(instance) else {
        return Verdict::Undecidable(Undecidable::Unreadable);
    };
    match compiled.alike.find(&compiled.schema, &instance, &mut Work::new(JUDGEMENT_STEPS)) {
        Ok(None) => {}
        Ok(Some(miss)) => return Verdict::Invalid(miss),
        Err(why) => return Verdict::Undecidable(why),
    }
    let ask = |assume| own::asking(&compiled.facts, facts, assume, || first_error(&compiled.validator, &instance));
    let (missed, unknown) = ask(false);
    match (missed, unknown) {
        (None, None) => Verdict::Valid,
        (Some(miss), None) => Verdict::Invalid(miss),
        // Valid, if it is valid whatever the fact may be.
        (missed, Some(path)) => match (missed, ask(true).0) {
            (None, None) => Verdict::Valid,
            (missed, other) => {
                let pointer = missed.or(other).map(|miss| miss.pointer).unwrap_or_default();
                let wanted = facts::unknown_fact(&path);
                Verdict::Invalid(Miss { kind: MissKind::UnknownFact, pointer, keyword: EQUALS, wanted })
            }
        },
    }
}

fn first_error(validator: &Validator, instance: &Value) -> Option<Miss> {
    let error = validator.iter_errors(instance).next()?;
    let schema_path = error.schema_path().to_string();
    let keyword = schema_path.rsplit('/').find_map(keyword).unwrap_or("schema");
    let said = error.masked().to_string();
    let wanted = match said.starts_with("must ") {
        true => said,
        false => format!("must conform to `{keyword}`: {}", cut(&said, LONG)),
    };
    Some(Miss { kind: MissKind::Unmet, pointer: cut(&error.instance_path().to_string(), LONG), keyword, wanted })
}
