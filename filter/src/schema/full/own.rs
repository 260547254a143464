//! Our own keywords, as the `jsonschema` crate calls them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jsonschema::{Keyword, ValidationError};
use serde_json::Value;

use crate::schema::Sets;
use crate::schema::facts::{self, FactPath, Source};
use crate::schema::verdict::Facts;

/// What is known about the caller of the judgement that runs.
#[derive(Default)]
struct Asked {
    texts: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
    /// What a fact that is not known is taken to be met by: everything or nothing.
    assume: bool,
    /// A fact that was asked for and is not known.
    unknown: Option<String>,
}

thread_local! {
    // The crate gives its keywords the instance and nothing of the call.
    static ASKED: RefCell<Asked> = RefCell::new(Asked::default());
}

/// Runs `judge` with these facts; gives what it gave, and a fact that was asked for and is not known.
pub(super) fn asking<T>(
    paths: &BTreeSet<String>,
    facts: &dyn Facts,
    assume: bool,
    judge: impl FnOnce() -> T,
) -> (T, Option<String>) {
    let texts = paths.iter().filter_map(|path| Some((path.clone(), facts.text(path)?.to_owned()))).collect();
    let lists = paths.iter().filter_map(|path| Some((path.clone(), facts.list(path)?.to_vec()))).collect();
    ASKED.replace(Asked { texts, lists, assume, unknown: None });
    let judged = judge();
    (judged, ASKED.take().unknown)
}

struct Equals(FactPath);

impl Equals {
    /// `None` if the instance is as it must be, else what it must be.
    fn missed(&self, instance: &Value) -> Option<String> {
        ASKED.with_borrow_mut(|asked| match asked.texts.get(&*self.0) {
            Some(fact) => (instance.as_str() != Some(fact)).then(|| facts::equal_to_fact(&self.0, fact)),
            None => unknown(asked, &self.0),
        })
    }
}

struct In(Source);

impl In {
    fn missed(&self, instance: &Value) -> Option<String> {
        match &self.0 {
            Source::Set(name, members) => {
                let found = |text| members.binary_search_by(|it| (**it).cmp(text)).is_ok();
                let wanted = || facts::in_set(&format!("sets.{name}"), members.iter().map(|it| &**it));
                (!instance.as_str().is_some_and(found)).then(wanted)
            }
            Source::Fact(path) => ASKED.with_borrow_mut(|asked| match asked.lists.get(&**path) {
                Some(list) => {
                    let found = |text| list.iter().any(|it| it == text);
                    let wanted = || facts::in_set(path, list.iter().map(String::as_str));
                    (!instance.as_str().is_some_and(found)).then(wanted)
                }
                None => unknown(asked, path),
            }),
        }
    }
}

fn unknown(asked: &mut Asked, path: &str) -> Option<String> {
    asked.unknown = Some(path.to_owned());
    (!asked.assume).then(|| facts::unknown_fact(path))
}

impl<'i> Keyword<'i> for Equals {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.missed(instance).map_or(Ok(()), |wanted| Err(ValidationError::custom(wanted)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.missed(instance).is_none()
    }
}

impl<'i> Keyword<'i> for In {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.missed(instance).map_or(Ok(()), |wanted| Err(ValidationError::custom(wanted)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.missed(instance).is_none()
    }
}

type Made<'a> = Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>>;

/// Makes `tidegate:equals`.
pub(super) fn equals<'a>(value: &Value) -> Made<'a> {
    let path = facts::text_fact(value.as_str().unwrap_or_default());
    Ok(Box::new(Equals(path.map_err(|wrong| ValidationError::custom(wrong.message))?)))
}

/// Makes `tidegate:in`.
pub(super) fn is_in<'a>(value: &Value, sets: &Sets) -> Made<'a> {
    let source = facts::source(value.as_str().unwrap_or_default(), sets);
    Ok(Box::new(In(source.map_err(|wrong| ValidationError::custom(wrong.message))?)))
}
