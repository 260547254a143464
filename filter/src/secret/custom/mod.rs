//! Patterns that operators add: regular expressions, compiled at load to small automata.
//!
//! A pattern is cut at a literal that is in each of its matches. The prefilter finds the literal; from there one
//! automaton reads backwards over what may come before, at most [`BEFORE`] bytes, and another reads forwards. A match
//! is the longest of both ways, so a pattern costs time linear in the text, and its size is known before the first
//! byte arrives. What cannot be compiled like this is refused with a [`Fault`] that says what to do.
//!
//! ```
//! use tidegate_filter::secret::custom::Pattern;
//! use tidegate_filter::secret::verify::{Found, Text};
//!
//! let pattern = Pattern::compile("corp-token", r"\bcorp_[A-Za-z0-9]{8,}")?;
//! assert_eq!(pattern.literals().collect::<Vec<_>>(), [b"corp_"]);
//! let text = Text { bytes: b"key: corp_abcd1234, user: me", is_complete: true, levels: &() };
//! assert_eq!(pattern.verify(&text, 5, 10), Found::Secret { start: 5, end: 18 });
//!
//! let fault = Pattern::compile("anything", "[a-z]+").unwrap_err();
//! assert!(fault.to_string().starts_with("the pattern has no literal of 3 bytes that is in every match: "));
//! # Ok::<(), tidegate_filter::secret::custom::Fault>(())
//! ```
//!
//! The dialect is ECMA-262's as far as a finite automaton can run it, with `(?i)` at the very beginning to disregard
//! the case of ASCII letters. A match never holds a `"`, whatever the pattern says: in the flat text of a message a
//! quote delimits a string at some depth. A boundary (`\b`) is one between ASCII letters, digits and `_` and the rest.
//! If the literal comes twice within one match, the match is around the first.
//! The text matches as if it were endless on both sides of what is at hand: there are no anchors.

mod cost;
mod cut;
mod dfa;
mod fault;
mod nfa;
mod node;
#[cfg(test)]
mod tests;

use std::fmt;

use super::verify::{Found, Text};
use crate::regex::{PATTERN_BYTES, Refusal, parse};
use cost::{Cost, cost};
use dfa::{Budget, Dfa};
use nfa::{Nfa, Way};
use node::{Node, total};

pub use fault::{Fault, Mistake};

/// Most patterns of one policy.
pub const PATTERNS: usize = 64;
/// Longest match that is found, counted from its literal, in bytes: of a longer one, this much.
pub const LONGEST: usize = 4096;
/// Most bytes of a match before its literal.
pub const BEFORE: usize = 64;
/// Most states of all automata of a pattern.
pub const STATES: usize = 1024;
/// Most bytes of their tables.
pub const TABLE_BYTES: usize = 64 * 1024;
/// Longest name, in bytes.
pub const NAME_BYTES: usize = 64;
/// How often, at most, a byte may be read by candidates that overlap.
const REREAD: usize = 16;

/// An operator's pattern, ready to run.
pub struct Pattern {
    name: Box<str>,
    folds: bool,
    branches: Box<[Branch]>,
    /// Whether a run without a match rules out the candidates inside what it read.
    skips: bool,
    before: usize,
}

struct Branch {
    literals: Box<[Box<[u8]>]>,
    longest: usize,
    /// Reads backwards from the literal; `None` if nothing comes before it.
    before: Option<Dfa>,
    after: Dfa,
}

// What it was compiled to is tables, page after page.
impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.name)
    }
}

impl crate::secret::Pattern for Pattern {
    fn name(&self) -> &str {
        self.name()
    }

    fn literals(&self) -> Vec<&[u8]> {
        self.literals().collect()
    }

    fn folds(&self) -> bool {
        self.folds()
    }

    fn before(&self) -> usize {
        self.before()
    }

    fn verify(&self, text: &Text<'_>, at: usize, end: usize) -> Found {
        self.verify(text, at, end)
    }
}

impl Pattern {
    /// Compiles `source`. The name, in kebab-case, is what placeholders and audit events say.
    pub fn compile(name: &str, source: &str) -> Result<Self, Fault> {
        check_name(name)?;
        if source.len() > PATTERN_BYTES {
            let what = format!("the pattern has more than {PATTERN_BYTES} bytes");
            return Err(Fault::new(Mistake::Syntax, what, "make several patterns of it"));
        }
        let (folds, rest) = source.strip_prefix("(?i)").map_or((false, source), |rest| (true, rest));
        let skipped = source.len() - rest.len();
        let placed = |fault: Fault| Fault { at: fault.at.map(|at| at + skipped), ..fault };
        let part = parse(rest).map_err(|Refusal { what, at, instead }| {
            // The hint of the dialect is for schemas: here there is a way.
            let instead = if what.contains("`(?` group") {
                "use `(…)` or `(?:…)`; `(?i)` may stand at the very beginning only"
            } else {
                instead
            };
            placed(Fault::new(Mistake::Syntax, format!("the pattern has {what}"), instead).at(at))
        })?;
        let Some(node) = Node::new(&part, folds).map_err(placed)? else {
            return Err(Fault::new(
                Mistake::Nothing,
                "nothing can match: a match never holds a `\"`, which delimits the strings of JSON",
                "describe what stands between the quotes; to redact by the name of a key, list it under `keys`",
            ));
        };
        let (shortest, _) = node.lengths();
        if shortest == 0 {
            let what = "the pattern matches the empty text, that is, everywhere";
            return Err(Fault::new(Mistake::Empty, what, "make the part optional no longer that every secret has"));
        }
        if shortest > LONGEST {
            let what = format!("every match of the pattern is longer than {LONGEST} bytes, the most that is looked at");
            return Err(Fault::new(
                Mistake::Length,
                what,
                "leave the end open, as in `{100,}`: the rest need not match",
            ));
        }
        Self::assemble(name, folds, cut::cut(node, folds)?)
    }

    fn assemble(name: &str, folds: bool, cut: Vec<cut::Branch>) -> Result<Self, Fault> {
        let mut budget = Budget { states: STATES, bytes: TABLE_BYTES };
        let is_only = cut.len() == 1;
        let mut skips = false;
        let mut branches = Vec::with_capacity(cut.len());
        let mut longest_before = 0;
        for cut::Branch { before, literals, after } in cut {
            let mut automaton = |nodes: &[Node], way| {
                Nfa::new(nodes, way).and_then(|nfa| Dfa::new(&nfa, &mut budget)).ok_or_else(too_large)
            };
            let bytes_before = total(&before).1.unwrap_or(BEFORE);
            let before = if before.is_empty() { None } else { Some(automaton(&before, Way::Backward)?) };
            let after = automaton(&after, Way::Forward)?;
            match cost(&after, &literals) {
                Cost::Linear => {}
                // What one branch rules out another may not.
                Cost::LinearIfSkipped if is_only => skips = true,
                _ => {
                    return Err(Fault::new(
                        Mistake::Repeats,
                        "the literal of the pattern may come again inside a match, and text that repeats it would be read again and again",
                        "leave the repetition open, as in `{20,}`, or take a character of the literal out of its class; \
                         make alternatives patterns of their own",
                    ));
                }
            }
            longest_before = longest_before.max(bytes_before);
            branches.push(Branch {
                longest: literals.iter().map(Vec::len).max().unwrap_or(0),
                literals: literals.into_iter().map(Vec::into_boxed_slice).collect(),
                before,
                after,
            });
        }
        Ok(Self { name: name.into(), folds, branches: branches.into_boxed_slice(), skips, before: longest_before })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The literals to look for: each match holds one. In lower case if [`Pattern::folds`]. Some may be equal.
    pub fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.branches.iter().flat_map(|branch| &branch.literals).map(|literal| &**literal)
    }

    /// Whether the literals are meant in any mix of ASCII cases.
    pub fn folds(&self) -> bool {
        self.folds
    }

    /// Most bytes of a match before its literal: a scanner must hold back so many before a literal that has not come.
    pub fn before(&self) -> usize {
        self.before
    }

    /// Judges the literal found at `at..end`. Of all matches with the literal there it gives the one that begins
    /// first and ends last.
    pub fn verify(&self, text: &Text<'_>, at: usize, end: usize) -> Found {
        let literal = text.bytes.get(at..end).unwrap_or_default();
        let same = |known: &[u8]| if self.folds { known.eq_ignore_ascii_case(literal) } else { known == literal };
        let mut best: Option<(usize, usize)> = None;
        let mut examined = end;
        for branch in self.branches.iter().filter(|branch| branch.literals.iter().any(|known| same(known))) {
            match branch.verify(text, at, end) {
                Found::More => return Found::More,
                Found::Secret { start, end } | Found::Open { start, end, .. } => {
                    best = Some(best.map_or((start, end), |(first, last)| (first.min(start), last.max(end))));
                }
                Found::Nothing { examined: read } => examined = examined.max(read),
            }
        }
        match best {
            Some((start, end)) => Found::Secret { start, end },
            None => Found::Nothing { examined: if self.skips { examined } else { end } },
        }
    }

    /// Checks that each of `examples` holds a match and none of `passes` does.
    pub fn check<'t>(
        &self,
        examples: impl IntoIterator<Item = &'t str>,
        passes: impl IntoIterator<Item = &'t str>,
    ) -> Result<(), Fault> {
        for (number, example) in examples.into_iter().enumerate() {
            if !self.matches(example) {
                let what = format!("example {} does not match the pattern", number + 1);
                return Err(Fault::new(Mistake::Example, what, "correct the pattern, or the example"));
            }
        }
        for (number, pass) in passes.into_iter().enumerate() {
            if self.matches(pass) {
                let what = format!("text {} of those that must pass matches the pattern", number + 1);
                return Err(Fault::new(Mistake::Pass, what, "narrow the pattern, or remove the text from `passes`"));
            }
        }
        Ok(())
    }

    fn matches(&self, text: &str) -> bool {
        let text = Text { bytes: text.as_bytes(), is_complete: true, levels: &() };
        let mut skipped = 0;
        (0..text.bytes.len()).any(|at| {
            self.literals().any(|literal| {
                let end = at + literal.len();
                let here = text.bytes.get(at..end).unwrap_or_default();
                if at < skipped || !(here == literal || self.folds && here.eq_ignore_ascii_case(literal)) {
                    return false;
                }
                match self.verify(&text, at, end) {
                    Found::Secret { .. } | Found::Open { .. } => true,
                    Found::Nothing { examined } => {
                        skipped = if self.skips { examined.max(skipped) } else { skipped };
                        false
                    }
                    Found::More => false,
                }
            })
        })
    }
}

impl Branch {
    fn verify(&self, text: &Text<'_>, at: usize, end: usize) -> Found {
        let mut start = at;
        if let Some(before) = &self.before {
            let bytes = text.bytes.get(..at).unwrap_or_default();
            let first = text.bytes.get(at).copied();
            // One more than may belong to the match, to know whether a word goes on.
            let run = before.run(before.start(first), bytes.iter().rev().copied(), true, BEFORE);
            match run.longest {
                Some(length) => start = at - length,
                None => return Found::Nothing { examined: end },
            }
        }
        let rest = text.bytes.get(end..).unwrap_or_default();
        let last = end.checked_sub(1).and_then(|last| text.bytes.get(last)).copied();
        let run = self.after.run(self.after.start(last), rest.iter().copied(), text.is_complete, LONGEST);
        if run.is_open {
            return Found::More;
        }
        match run.longest {
            Some(length) => Found::Secret { start, end: end + length },
            // Of a literal that begins later than this, the end was not read.
            None => Found::Nothing { examined: (end + run.read + 1).saturating_sub(self.longest).max(end) },
        }
    }
}

fn too_large() -> Fault {
    Fault::new(
        Mistake::Size,
        format!("the pattern compiles to more than {STATES} states or {} KiB", TABLE_BYTES / 1024),
        "bound less: `{20,}` costs far less than `{20,500}`; use ASCII classes in place of `.` and `[^…]`",
    )
}

fn check_name(name: &str) -> Result<(), Fault> {
    let is_good = name.len() <= NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_good {
        return Ok(());
    }
    Err(Fault::new(
        Mistake::Name,
        format!("the name is not kebab-case, or is longer than {NAME_BYTES} bytes"),
        "write a lower-case letter, then lower-case letters, digits and `-`, as in `corp-token`",
    ))
}
