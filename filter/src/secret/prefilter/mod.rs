//! Finds the literals of all detectors in one pass, in two ways.
//!
//! Most tokens begin with a prefix, at the beginning of a word, and are long: [`RUN`] bytes or more of letters, digits,
//! `_`, `-` and `.`. Such places are rare, and so nothing else is asked of them ([`Literal::in_run`]). All other
//! literals are looked for by Teddy (Langdale's, of Hyperscan) over fingerprints of five bytes that lie where a literal
//! is rarest, in eight buckets.
//!
//! [`lanes`] marks both kinds of places, sixteen or more at a time; [`exact`] looks such a place up, at a cost that
//! does not grow with the number of literals; and a queue brings what is found into the order of places. Which five
//! bytes of a literal are looked for, and in which bucket, was tuned on a sample of tool results and is committed in
//! [`tables`]; literals that are not there are placed at load ([`place`]).
//!
//! Where a run begins that may be the value of an assignment, the prefilter says so too ([`VALUE`]): values that only
//! their names give away are found from there.

mod exact;
mod lanes;
pub mod place;
mod tables;

use exact::Exact;
pub use lanes::Width;
use lanes::{Buckets, GROUP, Marks};
use place::Placer;

use super::verify::valued::{may_be_value, may_stand_before};
use super::verify::{begins_inside_word, class};

/// No literal may be longer: what a stream holds back at its end must stay small.
pub const LONGEST: usize = 29;

/// How long a run of token bytes must be to be looked at. Few names and words are as long, and nearly all tokens are.
pub const RUN: usize = 15;

/// The number by which [`Prefilter::find`] tells that a run of [`RUN`] token bytes begins there that may be a value.
pub const VALUE: usize = usize::MAX;

/// A literal to look for.
#[derive(Clone, Debug)]
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
    /// Whether it matters only where it begins a word with a letter or digit, and [`RUN`] bytes of tokens stand from
    /// there on; elsewhere it need not be found.
    pub in_run: bool,
    /// Says of the index after it whether it does not matter there, and need not be found.
    pub unless: Option<fn(&[u8], usize) -> bool>,
}

impl Literal {
    /// Whether it stands at `start`, where the eight bytes after its first `known` were compared.
    #[inline]
    fn stands(&self, text: &[u8], start: usize, known: usize) -> bool {
        let is_same = |from: usize, to: usize| {
            let (Some(mine), Some(here)) = (self.bytes.get(from..to), text.get(start + from..start + to)) else {
                return false;
            };
            if self.folds { here.eq_ignore_ascii_case(mine) } else { here == mine }
        };
        let length = self.bytes.len();
        let rest = length.min(known + 8);
        start + length <= text.len() && (known == 0 || is_same(0, known)) && (rest == length || is_same(rest, length))
    }

    /// Whether `text` begins with it.
    #[cfg(test)]
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
    /// Whether it tells of values.
    wants_values: bool,
    before: Box<[u16; 256]>,
}

impl Prefilter {
    /// A prefilter for these literals, which are numbered in this order.
    pub fn new(mut literals: Vec<Literal>) -> Self {
        let mut placer = Placer::new();
        let mut exact = Exact::default();
        let mut behind = 0;
        for literal in &mut literals {
            if literal.bytes.len() > LONGEST {
                literal.bytes = literal.bytes.get(..LONGEST).unwrap_or_default().into();
                literal.then = None;
            }
        }
        let mut reach = RUN;
        for (number, literal) in literals.iter().enumerate().filter(|it| it.1.in_run) {
            if let Some(first) = place::fingerprints(literal).next() {
                exact.insert(&first, number, true);
            }
        }
        for (number, fingerprint) in placer.place_all(&literals) {
            behind = behind.max(fingerprint.offset);
            reach = reach.max(fingerprint.offset + place::WIDTH);
            // In a long row of one letter it would be looked up at every place.
            let is_row = |it: &Literal| it.begins_word && it.bytes.iter().all(|byte| Some(byte) == it.bytes.first());
            let is_first = fingerprint.offset == 0 && literals.get(number).is_some_and(is_row);
            exact.insert(&fingerprint, number, is_first);
        }
        let reach = literals.iter().map(|literal| literal.bytes.len()).fold(reach, usize::max);
        let buckets = Buckets::new(placer.buckets());
        Self {
            literals: literals.into_boxed_slice(),
            buckets,
            exact,
            behind,
            reach,
            width: Width::best(),
            wants_values: false,
            before: before(),
        }
    }

    /// The same that also tells of values ([`VALUE`]).
    #[must_use]
    pub fn with_values(mut self) -> Self {
        self.wants_values = true;
        self
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
    /// one place in the order of numbers; [`VALUE`] comes last. Stops when it returns false.
    pub fn find(&self, text: &[u8], from: usize, mut found: impl FnMut(usize, usize) -> bool) {
        let mut queue = Queue::default();
        let is_done = self.places(text, from, |at, word, is_value| {
            // Places come in order, but for two bytes of percent-encoding: nothing still to come begins before this.
            if !queue.is_empty() && !queue.release(at.saturating_sub(self.behind + 2), &mut found) {
                return false;
            }
            if is_value {
                queue.insert(at, VALUE);
            }
            self.exact.look(word, |literal, offset| {
                let Some(start) = at.checked_sub(offset).filter(|start| *start >= from) else { return };
                let Some(wanted) = self.literals.get(literal) else { return };
                if wanted.begins_word && begins_inside_word(text, start) {
                    return;
                }
                if wanted.stands(text, start, offset)
                    && wanted.unless.is_none_or(|is_nothing| !is_nothing(text, start + wanted.bytes.len()))
                {
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
        self.places(text, 0, |_, _, _| {
            count += 1;
            true
        });
        count
    }

    /// How many places are marked in `text`: by a fingerprint, or by a run.
    pub fn marks(&self, text: &[u8]) -> (usize, usize) {
        let mut counts = (0, 0);
        self.blocks(text, 0, |_, _, turn| {
            for places in turn {
                counts.0 += places.fingerprints.count_ones() as usize;
                counts.1 += places.words.count_ones() as usize;
            }
            true
        });
        counts
    }

    /// Calls `look` with each place from `from` on where something may be, eight bytes (zeros follow the text), and
    /// whether a value may begin; in order. False if `look` wanted no more.
    #[inline]
    fn places(&self, text: &[u8], from: usize, mut look: impl FnMut(usize, u64, bool) -> bool) -> bool {
        let wants_values = self.wants_values;
        let may_be_value = |at: usize| wants_values && may_be_value(text, at);
        // Those two digits may stand before `from`.
        for at in [from, from + 1] {
            if at.checked_sub(3).and_then(|sign| text.get(sign)) == Some(&b'%') && at < text.len() {
                let (word, is_value) = (word_at(text, at), may_be_value(at));
                if (is_value || self.exact.may_have(word, FIRST) != 0) && !look(at, word, is_value) {
                    return false;
                }
            }
        }
        let mut spots = [0; SPOTS];
        self.blocks(text, from, |at, bytes, turn| {
            // One place in thirty is marked and hardly any passes the gate: nothing here is left to a branch that could
            // be foretold wrongly.
            let count = spread(turn, &mut spots);
            let mut passed = 0;
            for nth in 0..count {
                let Some(spot) = spots.get(nth).copied() else { break };
                let here = usize::from(spot & !RUNS);
                let before = text.get((at + here).wrapping_sub(1)).map_or(0, |byte| *byte);
                let before = self.before.get(usize::from(before)).map_or(0, |is| *is);
                let may_have = self.exact.may_have(word_at(bytes, here), before & FIRST);
                if let Some(slot) = spots.get_mut(passed) {
                    *slot = spot | may_have << 14;
                }
                passed += usize::from(may_have | before >> 1 & spot >> 15);
            }
            for spot in spots.iter().take(passed) {
                let nth = usize::from(spot & !(RUNS | PASSED));
                let (here, word) = (at + nth, word_at(bytes, nth));
                let is_run = spot & RUNS != 0;
                let is_value = is_run && may_be_value(here);
                if (is_value || spot & PASSED != 0) && !look(here, word, is_value) {
                    return false;
                }
                // The two digits of an octet in percent-encoding end no word: what follows them begins one.
                if is_run && here.checked_sub(1).and_then(|before| text.get(before)) == Some(&b'%') {
                    let (word, is_value) = (word_at(bytes, nth + 2), may_be_value(here + 2));
                    if (is_value || self.exact.may_have(word, FIRST) != 0) && !look(here + 2, word, is_value) {
                        return false;
                    }
                }
            }
            true
        })
    }

    /// Calls `look` with the index of the first of some groups of bytes, the bytes from there on, and the places in each.
    #[inline]
    fn blocks(&self, text: &[u8], from: usize, mut look: impl FnMut(usize, &[u8], &[Places]) -> bool) -> bool {
        let mut last = [[0; GROUP]; GROUPS + 1];
        let mut marks = [Marks::default(); GROUPS + 2];
        let mut at = from;
        let mut before = from.checked_sub(1).and_then(|before| text.get(before)).map_or(0, |byte| *byte);
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let is_last = rest.len() < GROUPS * GROUP;
            let (bytes, groups, count) = if is_last {
                last.as_flattened_mut().iter_mut().zip(rest).for_each(|(byte, is)| *byte = *is);
                (last.as_flattened(), (rest.len() + place::WIDTH - 1).div_ceil(GROUP), rest.len())
            } else {
                (rest, GROUPS, STEP)
            };
            self.buckets.mark(self.width, bytes.as_chunks().0.get(..groups).unwrap_or_default(), &mut marks);
            if let Some(next) = marks.get_mut(groups) {
                *next = Marks::default();
            }
            let mut carry = Carry::of(before);
            for first in (0..count.div_ceil(GROUP)).step_by(TURN) {
                let mut turn = [Places::default(); TURN];
                let mut filled = 0;
                for (pair, places) in marks.get(first..).unwrap_or_default().windows(2).zip(&mut turn) {
                    let [here, next] = pair else { return true };
                    let Some(left) = count.checked_sub((first + filled) * GROUP).filter(|left| *left > 0) else {
                        break;
                    };
                    *places = carry.places(here, next, if left < GROUP { (1 << left) - 1 } else { u64::MAX });
                    filled += 1;
                }
                let offset = first * GROUP;
                let turn = turn.get(..filled).unwrap_or_default();
                if !look(at + offset, bytes.get(offset..).unwrap_or_default(), turn) {
                    return false;
                }
            }
            if is_last {
                return true;
            }
            before = bytes.get(STEP - 1).copied().unwrap_or(0);
            at += STEP;
        }
    }
}

/// Where in a group something may begin: bit n is for its byte n.
#[derive(Clone, Copy, Default)]
struct Places {
    /// A fingerprint.
    fingerprints: u64,
    /// A word that begins a run of tokens' bytes, or stands in it with enough of it left.
    words: u64,
    /// A run.
    runs: u64,
}

/// As many groups are gone through at a time.
const TURN: usize = 8;
/// Room for every place in a turn, and for what is written beyond the last.
const SPOTS: usize = TURN * GROUP + SURE;
/// As many places of a group are written out whether it has them or not.
const SURE: usize = 4;
/// The bit by which a spot tells that a run begins there.
const RUNS: u16 = 1 << 15;
/// The bit by which it tells that it passed the gate.
const PASSED: u16 = 1 << 14;

/// Writes the places of a turn out one after the other, and gives how many there are.
#[inline(always)]
fn spread(turn: &[Places], spots: &mut [u16; SPOTS]) -> usize {
    let mut count = 0;
    let mut base = 0;
    for places in turn {
        let runs = places.runs;
        let mut left = places.fingerprints | places.words | runs;
        let end = count + left.count_ones() as usize;
        let mut next = || {
            let nth = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            // A group has 64 places.
            (base + (nth & 63) as u16) | ((runs.wrapping_shr(nth) & 1) as u16) << 15
        };
        if let Some(slots) = spots.get_mut(count..).and_then(|slots| slots.first_chunk_mut::<SURE>()) {
            *slots = [next(), next(), next(), next()];
        }
        for slot in spots.get_mut(count + SURE..end).unwrap_or_default() {
            *slot = next();
        }
        count = end;
        base += 64;
    }
    count
}

/// What a byte says of the place after it: [`FIRST`], and in the second bit whether a run there may be a value, or an
/// octet in percent-encoding.
fn before() -> Box<[u16; 256]> {
    let mut table = Box::new([0; 256]);
    for (byte, entry) in (0..=u8::MAX).zip(table.iter_mut()) {
        let is_told = byte == b'%' || may_stand_before(byte);
        *entry = u16::from(!class::is(byte, class::ALNUM)) | u16::from(is_told) << 1;
    }
    table
}

/// No letter or digit stands there.
const FIRST: u16 = 1;

/// What the byte before a group is: 1 if so.
struct Carry {
    token: u64,
    word: u64,
}

impl Carry {
    fn of(byte: u8) -> Self {
        Self { token: u64::from(class::is(byte, class::TOKEN)), word: u64::from(class::is(byte, class::ALNUM)) }
    }

    #[inline(always)]
    fn places(&mut self, here: &Marks, next: &Marks, mask: u64) -> Places {
        let long = long(here.token, next.token) & mask;
        let firsts = !(here.word << 1 | self.word);
        let places = Places {
            fingerprints: (here.ends >> (place::WIDTH - 1) | next.ends << (64 - (place::WIDTH - 1))) & mask,
            words: long & here.word & firsts,
            runs: long & !(here.token << 1 | self.token),
        };
        (self.token, self.word) = (here.token >> 63, here.word >> 63);
        places
    }
}

/// Bits from which [`RUN`] bits are set, in `here` and on into `next`.
#[inline(always)]
fn long(here: u64, next: u64) -> u64 {
    let both = longer::<4>(longer::<2>(longer::<1>((here, next))));
    longer::<{ RUN - 8 }>(both).0
}

/// Of bits from which some are set, those from which `SHIFT` more are. Not in a loop: optimised for size it would stay one.
#[inline(always)]
fn longer<const SHIFT: usize>((here, next): (u64, u64)) -> (u64, u64) {
    (here & (here >> SHIFT | next << (64 - SHIFT)), next & next >> SHIFT)
}

/// Eight bytes, the first one lowest; zeros follow the end.
#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// As many groups are marked at a time: their marks stay in the fastest cache, and the tables are loaded once.
const GROUPS: usize = 32;

/// So far apart such blocks are: what begins in the last bytes of one, be it a fingerprint or a run, ends beyond it.
const STEP: usize = GROUPS * GROUP - 16;
const _: () = assert!(RUN > 8 && RUN <= 16 && place::WIDTH <= 16);

/// Literals that were found by a fingerprint at their end, while others that begin earlier may follow.
#[derive(Default)]
struct Queue {
    /// Place and literal, sorted.
    waiting: Vec<(usize, usize)>,
    /// How many of them were handed out.
    gone: usize,
}

impl Queue {
    #[inline]
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn insert(&mut self, at: usize, literal: usize) {
        let waiting = self.waiting.get(self.gone..).unwrap_or_default();
        let place = waiting.iter().rposition(|it| *it <= (at, literal)).map_or(0, |before| before + 1);
        if place.checked_sub(1).and_then(|before| waiting.get(before)) == Some(&(at, literal)) {
            return;
        }
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
