use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{Kind, Report, Value};
use crate::schema::Schema;

/// The policy's named sets of strings, for `tidegate:in`.
pub type Sets = BTreeMap<String, Vec<String>>;

/// A rule's condition on the arguments of a call.
#[derive(Debug, Clone)]
pub struct Arguments {
    schema: Arc<Schema>,
    /// As it is written, which is all that two conditions are compared by.
    text: Box<[u8]>,
}

impl Arguments {
    /// The condition.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The condition as the policy writes it, JSON.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

impl PartialEq for Arguments {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Arguments {}

/// Reads a rule's `arguments`.
pub(super) fn read(value: &Value<'_>, sets: &Sets, report: &mut Report<'_>) -> Option<Arguments> {
    let Kind::Object(_) = &value.kind else {
        value.wrong_type("an object, a JSON Schema", report);
        return None;
    };
    let text = report.text(value);
    match Schema::compile(text, sets) {
        Ok(schema) => Some(Arguments { schema: Arc::new(schema), text: text.into() }),
        Err(fault) => {
            let at = value.below(&fault.pointer).unwrap_or(value);
            let help = fault.suggestion.as_deref().unwrap_or("write what JSON Schema (2020-12) has under this keyword");
            report.error("bad_schema", at, fault.message, help);
            None
        }
    }
}

/// Reads `sets`.
pub(super) fn read_sets(value: &Value<'_>, report: &mut Report<'_>) -> Sets {
    let Kind::Object(members) = &value.kind else {
        value.wrong_type("an object, a list of strings under each name", report);
        return Sets::new();
    };
    let mut sets = Sets::new();
    for member in members {
        let Some(list) = member.value.list(report) else { continue };
        let texts = list.iter().filter_map(|value| value.text(report).map(str::to_owned));
        sets.insert(member.key.clone().into_owned(), texts.collect());
    }
    sets
}
