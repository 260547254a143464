//! Keys that differ only in case from constrained ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::LONG;
use super::survey::{Reach, Survey, address, constrained, schemas, target};
use crate::schema::facts::{self, VALUE};
use crate::schema::fault::{Fault, cut, push_token};
use crate::schema::regex::Regex;
use crate::schema::verdict::{Miss, MissKind};
use crate::schema::vocabulary::folded;
use crate::schema::work::{Undecidable, Work};
use crate::schema::{JUDGEMENT_DEPTH, SCHEMA_INSTRUCTIONS};

/// What it takes to find such keys.
#[derive(Debug)]
pub(super) struct Rules {
    patterns: BTreeMap<String, Regex>,
    /// All constrained keys, folded, if it cannot be told which apply where.
    everywhere: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl Rules {
    pub(super) fn new(survey: &Survey) -> Result<Self, Fault> {
        let compiled = survey.patterns.iter().map(|(pattern, pointer)| {
            let regex = Regex::new(pattern).map_err(|refusal| Fault {
                pointer: pointer.clone(),
                keyword: "patternProperties".to_owned(),
                message: format!("`patternProperties`: the pattern has {}", refusal.what),
                suggestion: Some(refusal.instead.to_owned()),
            })?;
            Ok((pattern.clone(), regex))
        });
        let patterns = compiled.collect::<Result<BTreeMap<String, Regex>, Fault>>()?;
        if patterns.values().map(Regex::len).sum::<usize>() > SCHEMA_INSTRUCTIONS {
            return Err(Fault {
                pointer: String::new(),
                keyword: "patternProperties".to_owned(),
                message: format!("`patternProperties`: all patterns compile to more than {SCHEMA_INSTRUCTIONS} steps"),
                suggestion: Some("use fewer patterns and smaller repetitions".to_owned()),
            });
        }
        let everywhere = survey.opaque.then(|| by_fold(survey.keys.iter().map(String::as_str)));
        Ok(Self { patterns, everywhere })
    }

    /// The first such key in an object that the schema could constrain, in whatever branch.
    pub(super) fn find(&self, schema: &Value, instance: &Value, work: &mut Work) -> Result<Option<Miss>, Undecidable> {
        let mut search = Search { rules: self, root: schema, seen: BTreeSet::new(), pointer: String::new(), work };
        match &self.everywhere {
            Some(keys) => search.everywhere(keys, instance, 0),
            None => search.look(schema, instance, 0),
        }
    }
}

fn by_fold<'k>(keys: impl Iterator<Item = &'k str>) -> BTreeMap<String, BTreeSet<String>> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in keys {
        known.entry(folded(key)).or_default().insert(key.to_owned());
    }
    known
}

struct Search<'s, 'w> {
    rules: &'s Rules,
    root: &'s Value,
    /// Schemas and instances that met already.
    seen: BTreeSet<(usize, usize)>,
    pointer: String,
    work: &'w mut Work,
}

type Found = Result<Option<Miss>, Undecidable>;

impl Search<'_, '_> {
    fn within(&mut self, token: &str, look: impl FnOnce(&mut Self) -> Found) -> Found {
        let length = self.pointer.len();
        push_token(&mut self.pointer, &cut(token, VALUE));
        let found = look(self)?;
        self.pointer.truncate(length);
        Ok(found)
    }

    fn miss(&self, key: &str, wanted: String) -> Miss {
        let mut pointer = self.pointer.clone();
        push_token(&mut pointer, &cut(key, VALUE));
        Miss { kind: MissKind::LooksAlike, pointer: cut(&pointer, LONG), keyword: "properties", wanted }
    }

    fn keys(&mut self, known: &BTreeMap<String, BTreeSet<String>>, object: &Map<String, Value>) -> Found {
        for key in object.keys() {
            self.work.read(key.len())?;
            if let Some(twins) = known.get(&folded(key))
                && let Some(twin) = twins.first()
                && !twins.contains(key)
            {
                return Ok(Some(self.miss(key, facts::look_alike(twin))));
            }
        }
        Ok(None)
    }

    fn patterns(&mut self, schema: &Map<String, Value>, object: &Map<String, Value>) -> Found {
        let Some(Value::Object(patterns)) = schema.get("patternProperties") else { return Ok(None) };
        let regexes: Vec<&Regex> = patterns.keys().filter_map(|pattern| self.rules.patterns.get(pattern)).collect();
        let named: BTreeSet<&str> = constrained(schema).collect();
        for key in object.keys().filter(|key| !named.contains(key.as_str())) {
            let (mut exact, mut alike) = (false, false);
            for regex in &regexes {
                exact |= regex.matches(key, self.work)?;
                alike |= regex.matches_folded(key, self.work)?;
            }
            if alike && !exact {
                return Ok(Some(self.miss(key, facts::look_alike_of_pattern())));
            }
        }
        Ok(None)
    }

    fn everywhere(&mut self, known: &BTreeMap<String, BTreeSet<String>>, instance: &Value, depth: usize) -> Found {
        if depth > JUDGEMENT_DEPTH {
            return Err(Undecidable::Depth);
        }
        if let Value::Object(object) = instance
            && let Some(miss) = self.keys(known, object)?
        {
            return Ok(Some(miss));
        }
        for (token, value) in children(instance) {
            if let Some(miss) = self.within(&token, |it| it.everywhere(known, value, depth + 1))? {
                return Ok(Some(miss));
            }
        }
        Ok(None)
    }

    fn look(&mut self, schema: &Value, instance: &Value, depth: usize) -> Found {
        if depth > JUDGEMENT_DEPTH {
            return Err(Undecidable::Depth);
        }
        self.work.spend(1)?;
        let Value::Object(members) = schema else { return Ok(None) };
        if !matches!(instance, Value::Object(_) | Value::Array(_))
            || !self.seen.insert((address(schema), address(instance)))
        {
            return Ok(None);
        }
        if let Value::Object(object) = instance {
            let found = match self.keys(&by_fold(constrained(members)), object)? {
                None => self.patterns(members, object)?,
                found => found,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        for (keyword, value) in members {
            if keyword == "$ref"
                && let Some(target) = target(self.root, value.as_str().unwrap_or_default())
                && let Some(miss) = self.look(target, instance, depth + 1)?
            {
                return Ok(Some(miss));
            }
            let (reach, schemas) = schemas(keyword, value);
            for (name, schema) in schemas {
                if let Some(miss) = self.apply(reach, name.as_deref(), schema, instance, depth + 1)? {
                    return Ok(Some(miss));
                }
            }
        }
        Ok(None)
    }

    fn apply(&mut self, reach: Reach, name: Option<&str>, schema: &Value, instance: &Value, depth: usize) -> Found {
        match reach {
            Reach::Here => return self.look(schema, instance, depth),
            Reach::Nowhere => return Ok(None),
            Reach::Members if !instance.is_object() => return Ok(None),
            Reach::Elements if !instance.is_array() => return Ok(None),
            Reach::Named => {
                let Some((name, value)) = name.and_then(|name| Some((name, instance.as_object()?.get(name)?))) else {
                    return Ok(None);
                };
                return self.within(name, |it| it.look(schema, value, depth));
            }
            Reach::Members | Reach::Elements => {}
        }
        for (token, value) in children(instance) {
            if let Some(miss) = self.within(&token, |it| it.look(schema, value, depth))? {
                return Ok(Some(miss));
            }
        }
        Ok(None)
    }
}

fn children(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}
