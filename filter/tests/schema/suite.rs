use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use tidegate_filter::json::{self, Limits};
use tidegate_filter::schema::{Schema, Verdict};

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

/// Where the validator is stricter than the suite, on purpose: formats are asserted, and keys do not hide behind case.
const STRICTER: &[&str] = &[
    "format: email format: invalid email string is only an annotation by default",
    "format: ipv4 format: invalid ipv4 string is only an annotation by default",
    "format: ipv6 format: invalid ipv6 string is only an annotation by default",
    "format: date-time format: invalid date-time string is only an annotation by default",
    "format: uri format: invalid uri string is only an annotation by default",
    "format: uuid format: invalid uuid string is only an annotation by default",
    "patternProperties: regexes are not anchored by default and are case sensitive: regexes are case sensitive",
];

#[test]
fn the_official_suite() {
    let mut all = Vec::new();
    groups(&fetch::suite(), "", &mut all);
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let (mut accepted, mut judged) = (0, 0);
    let mut stricter = Vec::new();
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
                Verdict::Invalid(_) if STRICTER.contains(&name.as_str()) => stricter.push(name),
                verdict => wrong.push(format!("{name}: {verdict:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(stricter, STRICTER);
    let refused: Vec<_> = refused.iter().map(|(keyword, count)| (keyword.as_str(), *count)).collect();
    assert_eq!(refused, REFUSED);
    assert_eq!((accepted, judged), (ACCEPTED, JUDGED));
}
