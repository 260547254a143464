//! Finds the literals of all detectors in one pass: Teddy (Langdale's, of Hyperscan) over fingerprints of five bytes
//! that lie where a literal is rarest, in sixteen buckets.
//!
//! [`lanes`] marks the places where a fingerprint may be, sixteen or more at a time; [`exact`] looks such a place up,
//! at a cost that does not grow with the number of literals; and a queue brings what is found into the order of
//! places. Which five bytes of a literal are looked for, and in which bucket, was tuned on a sample of tool results
//! and is committed in [`tables`]; literals that are not there are placed at load ([`place`]).

mod exact;
mod lanes;
pub mod place;
mod tables;

use exact::Exact;
pub use lanes::Width;
use lanes::{Buckets, GROUP};
use place::Placer;

use super::verify::begins_inside_word;

/// No literal may be longer: what a stream holds back at its end must stay small.
pub const LONGEST: usize = 29;

/// A literal to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its bytes, at least one and at most [`LONGEST`]; of a longer one only the beginning is looked for.
    pub bytes: Box<[u8]>,
    /// Whether any mix of ASCII cases is meant.
    pub folds: bool,
    /// The class of the bytes that follow wherever it matters, and how many of them follow at least. Literals that are
    /// not so followed need not be found.
    pub then: Option<(u16, usize)>,
    /// Whether it matters only where [`begins_inside_word`] says no; elsewhere it need not be found.
    pub begins_word: bool,
}

impl Literal {
    /// Whether `text` begins with it.
    fn begins(&self, text: &[u8]) -> bool {
        let Some(here) = text.get(..self.bytes.len()) else { return false };
        if self.folds { here.eq_ignore_ascii_case(&self.bytes) } else { *here == *self.bytes }
    }
}

/// Looks for a fixed set of literals.
#[derive(Debug)]
pub struct Prefilter {
    literals: Box<[Literal]>,
    buckets: Buckets,
    exact: Exact,
    /// Most bytes by which a fingerprint lies behind the beginning of its literal.
    behind: usize,
    reach: usize,
    width: Width,
}

impl Prefilter {
    /// A prefilter for these literals, which are numbered in this order.
    pub fn new(mut literals: Vec<Literal>) -> Self {
        let mut placer = Placer::new();
        let mut exact = Exact::default();
        let (mut behind, mut reach) = (0, 0);
        for literal in &mut literals {
            if literal.bytes.len() > LONGEST {
                literal.bytes = literal.bytes.get(..LONGEST).unwrap_or_default().into();
                literal.then = None;
            }
        }
        for (number, fingerprint) in placer.place_all(&literals) {
            behind = behind.max(fingerprint.offset);
            reach = reach.max(fingerprint.offset + place::WIDTH);
            exact.insert(&fingerprint, number);
        }
        let reach = literals.iter().map(|literal| literal.bytes.len()).fold(reach, usize::max);
        let buckets = Buckets::new(placer.buckets());
        Self { literals: literals.into_boxed_slice(), buckets, exact, behind, reach, width: Width::best() }
    }

    /// The same with another width of the machine's registers; all give the same results.
    #[must_use]
    pub fn with_width(mut self, width: Width) -> Self {
        self.width = width;
        self
    }

    /// How many bytes from the beginning of a literal must be at hand for it to be found, at most.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// Length of a literal; 0 of a number that it does not have.
    pub fn length(&self, literal: usize) -> usize {
        self.literals.get(literal).map_or(0, |literal| literal.bytes.len())
    }

    /// The bytes of a literal; empty of a number that it does not have.
    pub fn literal(&self, literal: usize) -> &[u8] {
        self.literals.get(literal).map_or(&[], |literal| &literal.bytes)
    }

    /// Calls `found(literal, at)` for every occurrence that begins at or after `from`, in the order of places, and at
    /// one place in the order of numbers. Stops when it returns false.
    pub fn find(&self, text: &[u8], from: usize, mut found: impl FnMut(usize, usize) -> bool) {
        let mut queue = Queue::default();
        let is_done = self.places(text, from, |at, word| {
            // Fingerprints come in order, so nothing that is still to come begins before this.
            if !queue.release(at.saturating_sub(self.behind), &mut found) {
                return false;
            }
            self.exact.look(word, |literal, offset| {
                let Some(start) = at.checked_sub(offset).filter(|start| *start >= from) else { return };
                let Some(wanted) = self.literals.get(literal) else { return };
                if wanted.begins_word && begins_inside_word(text, start) {
                    return;
                }
                if text.get(start..).is_some_and(|rest| wanted.begins(rest)) {
                    queue.insert(start, literal);
                }
            });
            true
        });
        if is_done {
            queue.release(usize::MAX, &mut found);
        }
    }

    /// How many places [`Self::find`] looks up, found or not.
    pub fn lookups(&self, text: &[u8]) -> usize {
        let mut count = 0;
        self.places(text, 0, |_, _| {
            count += 1;
            true
        });
        count
    }

    /// Calls `look` with each place from `from` on where a fingerprint may be, and eight bytes (zeros follow the
    /// text); in order. False if `look` wanted no more.
    #[inline]
    fn places(&self, text: &[u8], from: usize, mut look: impl FnMut(usize, u64) -> bool) -> bool {
        let mut last = [[0; GROUP]; GROUPS + 1];
        let mut at = from;
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let is_last = rest.len() < GROUPS * GROUP;
            let (bytes, groups) = if is_last {
                last.as_flattened_mut().iter_mut().zip(rest).for_each(|(byte, is)| *byte = *is);
                (last.as_flattened(), (rest.len() + place::WIDTH - 1).div_ceil(GROUP))
            } else {
                (rest, GROUPS)
            };
            if !self.marked(bytes, groups, |offset, word| offset >= rest.len() || look(at + offset, word)) {
                return false;
            }
            if is_last {
                return true;
            }
            // What begins in the last four places ends beyond them.
            at += GROUPS * GROUP - (place::WIDTH - 1);
        }
    }

    /// Calls `look` with the places where a fingerprint may begin that ends in the first `groups` groups of `bytes`.
    #[inline]
    fn marked(&self, bytes: &[u8], groups: usize, mut look: impl FnMut(usize, u64) -> bool) -> bool {
        let mut marks = [0; GROUPS + 1];
        self.buckets.mark(self.width, bytes.as_chunks().0.get(..groups).unwrap_or_default(), &mut marks);
        // One in twenty places is marked and hardly any passes the gate: nothing here is left to a branch that
        // could be foretold wrongly, but how many marks a group has.
        let mut passed = [(0_u16, 0_u64); GROUP];
        for (nth, mut mark) in marks.into_iter().take(groups).enumerate() {
            let mut count = 0;
            while mark != 0 {
                let at = (nth * GROUP + mark.trailing_zeros() as usize).saturating_sub(place::WIDTH - 1);
                mark &= mark - 1;
                let word = word_at(bytes, at);
                if let Some(passed) = passed.get_mut(count) {
                    *passed = (u16::try_from(at).unwrap_or(0), word);
                }
                count += self.exact.may_have(word);
            }
            for (at, word) in passed.get(..count).unwrap_or_default() {
                if !look(usize::from(*at), *word) {
                    return false;
                }
            }
        }
        true
    }
}

/// Eight bytes, the first one lowest; zeros follow the end.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// As many groups are marked at a time: their marks stay in the fastest cache, and the tables are loaded once.
const GROUPS: usize = 16;

/// Literals that were found by a fingerprint at their end, while others that begin earlier may follow.
#[derive(Default)]
struct Queue {
    /// Place and literal, sorted.
    waiting: Vec<(usize, usize)>,
    /// How many of them were handed out.
    gone: usize,
}

impl Queue {
    fn insert(&mut self, at: usize, literal: usize) {
        let waiting = self.waiting.get(self.gone..).unwrap_or_default();
        let place = waiting.iter().rposition(|it| *it < (at, literal)).map_or(0, |before| before + 1);
        self.waiting.insert(self.gone + place, (at, literal));
    }

    /// Hands out what begins before `bound`; false if `found` wants no more.
    #[inline]
    fn release(&mut self, bound: usize, found: &mut impl FnMut(usize, usize) -> bool) -> bool {
        while let Some((at, literal)) = self.waiting.get(self.gone).copied() {
            if at >= bound {
                return true;
            }
            self.gone += 1;
            if !found(literal, at) {
                return false;
            }
        }
        self.waiting.clear();
        self.gone = 0;
        true
    }
}

#[cfg(test)]
mod tests;
