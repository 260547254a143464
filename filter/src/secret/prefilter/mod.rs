//! Finds the literals of all detectors in one pass: Teddy (Langdale's, of Hyperscan) over fingerprints of four bytes
//! that lie where a literal is rarest, in sixteen buckets.
//!
//! [`lanes`] marks the places where a fingerprint may be, sixteen or more at a time; [`exact`] looks such a place up,
//! at a cost that does not grow with the number of literals; and a queue brings what is found into the order of
//! places. Which four bytes of a literal are looked for, and in which bucket, was tuned on a sample of tool results
//! and is committed in [`tables`]; literals that are not there are placed at load ([`place`]).

mod exact;
mod lanes;
pub mod place;
mod tables;

use exact::Exact;
use lanes::Buckets;
pub use lanes::Width;
use place::Placer;

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

    /// Calls `found(literal, at)` for every occurrence that begins at or after `from`, in the order of places, and at
    /// one place in the order of numbers. Stops when it returns false.
    pub fn find(&self, text: &[u8], from: usize, mut found: impl FnMut(usize, usize) -> bool) {
        let mut queue = Queue::default();
        let mut look = |at: usize, word: u32| {
            // Fingerprints come in order, so nothing that is still to come begins before this.
            if !queue.release(at.saturating_sub(self.behind), &mut found) {
                return false;
            }
            self.exact.look(word, |literal, offset| {
                let Some(start) = at.checked_sub(offset).filter(|start| *start >= from) else { return };
                let Some(wanted) = self.literals.get(literal) else { return };
                if text.get(start..).is_some_and(|rest| wanted.begins(rest)) {
                    queue.insert(start, literal);
                }
            });
            true
        };
        let Some(rest) = self.buckets.find(self.width, &self.exact, text, from, &mut look) else { return };
        // The last three places, where four bytes do not fit: as if zeros followed.
        for at in rest..text.len() {
            let mut bytes = [0; 4];
            bytes.iter_mut().zip(text.get(at..).unwrap_or_default()).for_each(|(byte, is)| *byte = *is);
            if !look(at, u32::from_le_bytes(bytes)) {
                return;
            }
        }
        queue.release(usize::MAX, &mut found);
    }

    /// How many places [`Self::find`] looks up after the gate, found or not.
    pub fn lookups(&self, text: &[u8]) -> usize {
        let mut count = 0;
        self.buckets.find(self.width, &self.exact, text, 0, &mut |_, _| {
            count += 1;
            true
        });
        count
    }
}

/// Literals that were found by a fingerprint at their end, while others that begin earlier may follow.
#[derive(Default)]
struct Queue {
    /// Place and literal, sorted.
    waiting: Vec<(usize, usize)>,
}

impl Queue {
    #[inline]
    fn insert(&mut self, at: usize, literal: usize) {
        let place = self.waiting.iter().rposition(|it| *it < (at, literal)).map_or(0, |before| before + 1);
        self.waiting.insert(place, (at, literal));
    }

    /// Hands out what begins before `bound`; false if `found` wants no more.
    #[inline]
    fn release(&mut self, bound: usize, found: &mut impl FnMut(usize, usize) -> bool) -> bool {
        if self.waiting.first().is_none_or(|(at, _)| *at >= bound) {
            return true;
        }
        let ready = self.waiting.iter().take_while(|(at, _)| *at < bound).count();
        self.waiting.drain(..ready).all(|(at, literal)| found(literal, at))
    }
}

#[cfg(test)]
mod tests;
