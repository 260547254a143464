mod keywords;
mod limits;
mod narrowing;
mod own;
mod properties;
#[cfg(not(feature = "full-schema"))]
mod refusals;
#[cfg(not(feature = "full-schema"))]
mod words;

use std::collections::BTreeMap;

use super::{Facts, Fault, Schema, Verdict};
use crate::json::{self, Limits};

struct Caller {
    team: Option<&'static str>,
    groups: Option<Vec<String>>,
}

impl Facts for Caller {
    fn text(&self, path: &str) -> Option<&str> {
        (path == "principal.team").then_some(self.team).flatten()
    }

    fn list(&self, path: &str) -> Option<&[String]> {
        (path == "principal.groups").then_some(self.groups.as_deref()).flatten()
    }
}

fn caller() -> Caller {
    Caller { team: Some("finance"), groups: Some(vec!["sre".to_owned(), "leads".to_owned()]) }
}

fn sets() -> BTreeMap<String, Vec<String>> {
    [("our-repos".to_owned(), vec!["acme/web".to_owned(), "acme/api".to_owned()]), ("none".to_owned(), Vec::new())]
        .into()
}

fn compile(schema: &str) -> Result<Schema, Fault> {
    Schema::compile(schema.as_bytes(), &sets())
}

fn judge(schema: &str, instance: &str) -> Verdict {
    json::check(instance.as_bytes(), Limits::default(), &mut ()).unwrap_or_else(|error| panic!("{instance}: {error}"));
    let schema = compile(schema).unwrap_or_else(|fault| panic!("{schema}: {fault}"));
    schema.judge(instance.as_bytes(), &caller())
}

fn is_valid(schema: &str, instance: &str) -> bool {
    match judge(schema, instance) {
        Verdict::Valid => true,
        Verdict::Invalid(_) => false,
        Verdict::Undecidable(why) => panic!("{schema} {instance}: {why}"),
    }
}
