//! The tables are what their docs say.

use super::{Form, Group, detectors};

#[test]
fn names_are_unique_and_kebab_case() {
    let mut names: Vec<_> = detectors().map(|detector| detector.name).collect();
    names.extend(Group::ALL.iter().map(|group| group.as_str()));
    for name in &names {
        assert!(
            name.split('-')
                .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())),
            "{name}"
        );
        assert!(name.len() <= 48, "{name}");
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn there_are_enough_of_them() {
    assert!(detectors().filter(|detector| detector.group.is_default()).count() >= 150);
    for group in Group::ALL {
        assert!(detectors().any(|detector| detector.group == *group), "{group:?}");
    }
}

#[test]
fn literals_can_be_looked_for() {
    for detector in detectors() {
        assert!(!detector.literals.is_empty());
        for literal in detector.literals {
            let least =
                if detector.group == Group::Personal || matches!(detector.form, Form::Within(..)) { 2 } else { 3 };
            assert!(literal.len() >= least || detector.name == "asana-pat", "{}: {literal}", detector.name);
            assert!(
                !detector.folds || !literal.bytes().any(|byte| byte.is_ascii_uppercase()),
                "{}: {literal}",
                detector.name
            );
            if detector.group.is_default() {
                assert!(literal.len() + detector.before() <= 33, "{}: {literal}", detector.name);
            }
        }
    }
}

#[test]
fn personal_data_is_off_by_default() {
    assert!(!Group::Personal.is_default());
    assert!(Group::ALL.iter().filter(|group| !group.is_default()).count() == 1);
}
