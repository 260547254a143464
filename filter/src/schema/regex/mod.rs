//! `pattern` and `patternProperties`: regular expressions in time linear in the text.
//!
//! The dialect is that of [`crate::regex`]. All live states advance together over the characters of the text
//! (Thompson 1968), so no pattern and no text makes it backtrack.

mod emit;
mod exec;

use super::work::{Undecidable, Work};
use crate::regex::{Assertion, Class, PATTERN_BYTES, PATTERN_INSTRUCTIONS, Refusal, parse};

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

impl Regex {
    /// Compiles a pattern.
    pub(super) fn new(pattern: &str) -> Result<Self, Refusal> {
        if pattern.len() > PATTERN_BYTES {
            let what = format!("more than {PATTERN_BYTES} bytes");
            return Err(Refusal { what, at: 0, instead: "use `enum`, or several patterns under `anyOf`" });
        }
        emit::program(&parse(pattern)?)
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
