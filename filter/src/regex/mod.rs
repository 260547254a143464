//! The dialect of regular expressions: patterns read into parts. How they are run is its users' business.
//!
//! It is the part of ECMA-262 (with the `u` flag) that a finite automaton can run: literals, escapes, `.`, classes,
//! anchors, `\b`, groups, alternation, greedy and lazy quantifiers. What needs memory of the match (backreferences,
//! look-around) and Unicode property classes are refused.

mod class;
mod parse;

pub(crate) use class::Class;
pub(crate) use parse::parse;

/// Most instructions of one compiled pattern. Each character of a text costs at most this many steps.
pub const PATTERN_INSTRUCTIONS: usize = 4096;
/// Longest pattern, in bytes.
pub const PATTERN_BYTES: usize = 4096;
/// Deepest nesting of groups in a pattern.
pub const PATTERN_NESTING: usize = 32;

/// A part of a pattern.
#[derive(Debug)]
pub(crate) enum Part {
    Char(char),
    Class(Class),
    Assert {
        assertion: Assertion,
        /// Where it stands in the pattern, in bytes.
        at: usize,
    },
    /// One after the other.
    Sequence(Vec<Part>),
    /// Any of them.
    Choice(Vec<Part>),
    Repeat {
        part: Box<Part>,
        least: u32,
        /// Without a bound if `None`.
        most: Option<u32>,
        /// Where what is repeated begins in the pattern, in bytes.
        at: usize,
    },
}

/// A condition on a place between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assertion {
    Start,
    End,
    WordBoundary,
    NotWordBoundary,
}

/// Why a pattern is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What is wrong, as a phrase that can follow "the pattern has".
    pub(crate) what: String,
    /// Up to where the pattern had been read, in bytes; 0 if it is about the whole.
    pub(crate) at: usize,
    /// What to do about it.
    pub(crate) instead: &'static str,
}
