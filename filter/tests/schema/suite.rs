use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use tidegate_filter::json::{self, Limits};
use tidegate_filter::schema::{MissKind, Schema, Verdict};

use super::fetch;

#[derive(Deserialize)]
struct Group {
    description: String,
    schema: Box<RawValue>,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    description: String,
    data: Box<RawValue>,
    valid: bool,
}

fn groups(directory: &Path, prefix: &str, into: &mut Vec<(String, Group)>) {
    let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = format!("{prefix}{}", path.file_stem().unwrap().to_str().unwrap());
        if path.is_dir() {
            groups(&path, &format!("{name}/"), into);
            continue;
        }
        let read: Vec<Group> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        into.extend(read.into_iter().map(|group| (name.clone(), group)));
    }
}

/// How many groups are refused, by the keyword that the fault names. The empty keyword: the schema is not strict JSON.
#[cfg(not(feature = "full-schema"))]
const REFUSED: &[(&str, usize)] = &[
    ("", 2),
    ("$anchor", 2),
    ("$dynamicRef", 1),
    ("$id", 55),
    ("$ref", 13),
    ("$schema", 1),
    ("array_of_schemas", 1),
    ("contentEncoding", 1),
    ("contentMediaType", 3),
    ("dependencies", 7),
    ("format", 29),
    ("pattern", 2),
    ("patternProperties", 2),
    ("unevaluatedItems", 26),
    ("unevaluatedProperties", 42),
    ("unknown-keyword", 2),
];
#[cfg(not(feature = "full-schema"))]
const ACCEPTED: usize = 249;
#[cfg(not(feature = "full-schema"))]
const JUDGED: usize = 1054;
#[cfg(not(feature = "full-schema"))]
const FORMATS: usize = 6;

#[cfg(feature = "full-schema")]
const REFUSED: &[(&str, usize)] = &[
    ("", 2),
    ("$ref", 21),
    ("$schema", 4),
    ("array_of_schemas", 1),
    ("dependencies", 7),
    ("format", 6),
    ("patternProperties", 2),
    ("unknown-keyword", 2),
];
#[cfg(feature = "full-schema")]
const ACCEPTED: usize = 393;
#[cfg(feature = "full-schema")]
const JUDGED: usize = 1702;
#[cfg(feature = "full-schema")]
const FORMATS: usize = 17;

/// Formats are annotations in the standard, and asserted here.
const ASSERTED: &str = "is only an annotation by default";
/// Keys do not hide behind case here.
const CASE: &str =
    "patternProperties: regexes are not anchored by default and are case sensitive: regexes are case sensitive";

#[test]
fn the_official_suite() {
    let mut all = Vec::new();
    groups(&fetch::suite(), "", &mut all);
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let (mut accepted, mut judged, mut asserted) = (0, 0, 0);
    let mut alike = Vec::new();
    let mut wrong = Vec::new();
    for (file, group) in &all {
        let schema = match Schema::compile(group.schema.get().as_bytes(), &BTreeMap::new()) {
            Ok(schema) => schema,
            Err(fault) => {
                assert!(fault.message.contains(&fault.keyword), "{fault}: names what it refuses");
                assert!(fault.suggestion.is_some(), "{fault}: says what to do");
                *refused.entry(fault.keyword).or_default() += 1;
                continue;
            }
        };
        accepted += 1;
        for case in &group.tests {
            let instance = case.data.get().as_bytes();
            json::check(instance, Limits::default(), &mut ()).unwrap();
            judged += 1;
            let name = format!("{file}: {}: {}", group.description, case.description);
            match schema.judge(instance, &()) {
                Verdict::Valid if case.valid => {}
                Verdict::Invalid(_) if !case.valid => {}
                Verdict::Invalid(_) if name.ends_with(ASSERTED) => asserted += 1,
                Verdict::Invalid(miss) if miss.kind == MissKind::LooksAlike => alike.push(name),
                verdict => wrong.push(format!("{name}: {verdict:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(alike, [CASE]);
    let refused: Vec<_> = refused.iter().map(|(keyword, count)| (keyword.as_str(), *count)).collect();
    assert_eq!(refused, REFUSED);
    assert_eq!((accepted, judged, asserted), (ACCEPTED, JUDGED, FORMATS));
}
