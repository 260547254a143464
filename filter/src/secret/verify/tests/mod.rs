//! Verifiers against made-up secrets and against what only resembles one. No secret stands here in one piece: scanners
//! of source code would take it for a live one.

#![allow(clippy::string_slice, reason = "a test may panic")]

mod forms;
mod hard_negatives;
mod named;
mod personal;
mod plain;

use std::sync::OnceLock;

use super::{Found, Levels, Resumed, Seen, Text, resume, verify};
use crate::secret::detector::{Detector, Group, detectors};

/// Quotes after backslashes as the flattening of JSON sees them: text with its own levels.
struct Leveled(Vec<u32>);

impl Levels for Leveled {
    fn level(&self, at: usize) -> u32 {
        self.0.get(at).copied().unwrap_or(0)
    }
}

/// A secret found by the reference scan.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hit {
    name: &'static str,
    start: usize,
    end: usize,
}

/// What all detectors that are on by default find, by trying every literal at every place.
fn scan(text: &str) -> Vec<Hit> {
    scan_with(text.as_bytes(), &(), |detector| detector.group.is_default())
}

fn scan_with(bytes: &[u8], levels: &dyn Levels, is_on: impl Fn(&Detector) -> bool) -> Vec<Hit> {
    static LITERALS: OnceLock<Vec<Vec<(&Detector, &str)>>> = OnceLock::new();
    let literals = LITERALS.get_or_init(|| {
        let mut by_first = vec![Vec::new(); 256];
        for detector in detectors() {
            for literal in detector.literals {
                let first = literal.as_bytes()[0];
                by_first[usize::from(first)].push((detector, *literal));
                if detector.folds && first.is_ascii_lowercase() {
                    by_first[usize::from(first.to_ascii_uppercase())].push((detector, *literal));
                }
            }
        }
        by_first
    });
    let text = Text { bytes, is_complete: true, levels };
    let mut all = Vec::new();
    for (at, first) in bytes.iter().enumerate() {
        for (detector, literal) in &literals[usize::from(*first)] {
            if is_on(detector)
                && let Some((start, end)) = judged(detector, literal, &text, at)
            {
                all.push((start, detector.rank(), end, detector.name));
            }
        }
    }
    all.sort_by_key(|(start, rank, end, _)| (*start, *rank, usize::MAX - *end));
    let mut hits: Vec<Hit> = Vec::new();
    for (start, _, end, name) in all {
        if hits.last().is_none_or(|last| last.end <= start) {
            hits.push(Hit { name, start, end });
        }
    }
    hits
}

/// What one detector finds, overlapping or not.
fn candidates(detector: &Detector, text: &Text<'_>) -> Vec<(usize, usize)> {
    let places = (0..text.bytes.len()).flat_map(|at| detector.literals.iter().map(move |literal| (at, literal)));
    places.filter_map(|(at, literal)| judged(detector, literal, text, at)).collect()
}

/// The secret at this place of complete text, if the literal stands there.
fn judged(detector: &Detector, literal: &str, text: &Text<'_>, at: usize) -> Option<(usize, usize)> {
    let here = text.bytes.get(at..at + literal.len())?;
    let stands =
        if detector.folds { here.eq_ignore_ascii_case(literal.as_bytes()) } else { here == literal.as_bytes() };
    if !stands {
        return None;
    }
    match verify(detector, text, (at, at + literal.len()), &Seen::default()) {
        Found::Nothing { examined } => {
            assert!(examined > at, "{}", detector.name);
            None
        }
        Found::Secret { start, end } => Some((start, end)),
        Found::Open { end, start, resume: how } => match resume(how, text, end) {
            Resumed::Ends(end) => Some((start, end)),
            Resumed::Goes(_) => panic!("{}: complete text goes on", detector.name),
        },
        Found::More => panic!("{}: complete text asks for more", detector.name),
    }
}

/// The parts of `text` that all default detectors would replace, with the names of those that found them.
fn found(text: &str) -> Vec<(&'static str, String)> {
    scan(text).into_iter().map(|hit| (hit.name, text[hit.start..hit.end].to_owned())).collect()
}

/// Text that grows must give at every length either the final answer or ask for more.
fn assert_grows(detector: &Detector, text: &str) {
    let whole = Text { bytes: text.as_bytes(), is_complete: true, levels: &() };
    for at in 0..text.len() {
        for literal in detector.literals {
            let Some(here) = text.as_bytes().get(at..at + literal.len()) else { continue };
            if !(if detector.folds {
                here.eq_ignore_ascii_case(literal.as_bytes())
            } else {
                here == literal.as_bytes()
            }) {
                continue;
            }
            let last = verify(detector, &whole, (at, at + literal.len()), &Seen::default());
            for length in at + literal.len()..=text.len() {
                let part = Text { bytes: &text.as_bytes()[..length], is_complete: false, levels: &() };
                let now = verify(detector, &part, (at, at + literal.len()), &Seen::default());
                let same = match (now, last) {
                    (Found::More, _) => true,
                    (Found::Nothing { .. }, Found::Nothing { .. }) => true,
                    (now, last) => now == last,
                };
                assert!(same, "{}: {now:?} after {length} bytes, {last:?} in the end: {text}", detector.name);
            }
            // What was scanned before and lies further back than verifiers look makes no difference.
            let from = at.saturating_sub(crate::secret::LOOKBACK);
            let part = Text { bytes: &text.as_bytes()[from..], is_complete: true, levels: &() };
            let shifted = match verify(detector, &part, (at - from, at - from + literal.len()), &Seen::default()) {
                Found::Secret { start, end } => Found::Secret { start: start + from, end: end + from },
                Found::Nothing { examined } => Found::Nothing { examined: examined + from },
                other => other,
            };
            if from > 0 && !matches!(last, Found::Open { .. }) {
                assert_eq!(shifted, last, "{}: {text}", detector.name);
            }
        }
    }
}

fn by_name(name: &str) -> &'static Detector {
    detectors().find(|detector| detector.name == name).unwrap_or_else(|| panic!("no detector {name}"))
}

fn is_personal(detector: &Detector) -> bool {
    detector.group == Group::Personal
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// As many bytes of a class; digits and letters mostly.
    fn run(&mut self, classes: u16, length: usize) -> String {
        let all: Vec<u8> = (b'!'..=b'~').filter(|byte| super::class::is(*byte, classes)).collect();
        let plain: Vec<u8> = all.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
        let pool = if plain.is_empty() { &all } else { &plain };
        (0..length).map(|_| char::from(pool[self.below(pool.len())])).collect()
    }
}
