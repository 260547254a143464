//! `pattern` and `patternProperties`: regular expressions in time linear in the text.
//!
//! The dialect is the part of ECMA-262 (with the `u` flag) that a finite automaton can run: literals, escapes, `.`,
//! classes, anchors, `\b`, groups, alternation, greedy and lazy quantifiers. What needs memory of the match
//! (backreferences, look-around) and Unicode property classes are refused when the pattern is compiled. All live
//! states advance together over the characters of the text (Thompson 1968), so no pattern and no text makes it
//! backtrack.

mod emit;
mod exec;
mod parse;

use super::work::{Undecidable, Work};

/// Most instructions of one compiled pattern. Each character of a text costs at most this many steps.
pub const PATTERN_INSTRUCTIONS: usize = 4096;
/// Longest pattern, in bytes.
pub const PATTERN_BYTES: usize = 4096;
/// Deepest nesting of groups in a pattern.
pub const PATTERN_NESTING: usize = 32;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Regex {
    program: Box<[Instruction]>,
    classes: Box<[Class]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instruction {
    /// Takes this character.
    Char(char),
    /// Takes a character of the class with this number.
    Class(u32),
    /// Goes on at the next instruction and there.
    Split(u32),
    Jump(u32),
    Assert(Assertion),
    Match,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assertion {
    Start,
    End,
    WordBoundary,
    NotWordBoundary,
}

/// Characters by code point.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Class {
    /// Sorted, and not touching.
    ranges: Box<[(u32, u32)]>,
    /// Written as what it is not: without regard for case, all cases of a character must then be in it.
    negated: bool,
}

impl Class {
    fn new(ranges: &[(u32, u32)]) -> Self {
        // Inserted one by one: a sort would be more code than all of this, and classes are short.
        let mut sorted: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (mut first, mut last) in ranges.iter().copied() {
            let from = sorted.partition_point(|(_, end)| end.saturating_add(1) < first);
            let to = sorted.partition_point(|(start, _)| *start <= last.saturating_add(1));
            for (start, end) in sorted.drain(from..to.max(from)) {
                first = first.min(start);
                last = last.max(end);
            }
            sorted.insert(from, (first, last));
        }
        Self { ranges: sorted.into_boxed_slice(), negated: false }
    }

    fn negated(&self) -> Self {
        let mut from = 0;
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        for (first, last) in &self.ranges {
            if from < *first {
                ranges.push((from, first - 1));
            }
            from = last + 1;
        }
        if from <= u32::from(char::MAX) {
            ranges.push((from, u32::from(char::MAX)));
        }
        Self { ranges: ranges.into_boxed_slice(), negated: !self.negated }
    }

    fn has(&self, character: char) -> bool {
        let code = u32::from(character);
        let after = self.ranges.partition_point(|(first, _)| *first <= code);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| code <= *last)
    }
}

/// Why a pattern is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What is wrong, as a phrase that can follow "the pattern has".
    pub(super) what: String,
    /// What to do about it.
    pub(super) instead: &'static str,
}

impl Regex {
    /// Compiles a pattern.
    pub(super) fn new(pattern: &str) -> Result<Self, Refusal> {
        if pattern.len() > PATTERN_BYTES {
            let what = format!("more than {PATTERN_BYTES} bytes");
            return Err(Refusal { what, instead: "use `enum`, or several patterns under `anyOf`" });
        }
        emit::program(&parse::pattern(pattern)?)
    }

    /// Instructions of the program.
    pub(super) fn len(&self) -> usize {
        self.program.len()
    }

    /// True if the pattern matches somewhere in the text.
    pub(super) fn matches(&self, text: &str, work: &mut Work) -> Result<bool, Undecidable> {
        self.run(text, work, false)
    }

    /// True if the pattern matches the text or another text that case-folds to it.
    pub(super) fn matches_folded(&self, text: &str, work: &mut Work) -> Result<bool, Undecidable> {
        self.run(text, work, true)
    }
}

#[cfg(test)]
mod tests;
