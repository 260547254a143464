//! Looks a place up among all fingerprints.

use super::place::{Fingerprint, Set};
use crate::order;

/// Fingerprints by a hash of the bytes that they fix, so that a place costs the same however many there are: hostile
/// text can be full of false candidates.
#[derive(Debug)]
pub(super) struct Exact {
    /// For fingerprints that fix four bytes and more.
    four: Gate,
    /// For those of them that are only looked up where a word begins: the others' bits are not set in it.
    first: Box<Bits>,
    /// For all others, by three bytes, whatever those may be.
    three: Gate,
    /// Which of the first four bytes are fixed, for each such choice that occurs among those of `three`.
    shapes: Vec<u64>,
    entries: Vec<Entry>,
}

const SLOTS: usize = 1024;
const NONE: u16 = u16::MAX;
/// Letters differ from their other case in one bit alone, which is not looked at.
const FOUR: u64 = 0xdfdf_dfdf;
const THREE: u64 = 0xdf_dfdf;
/// No shape.
const ANY: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    mask: u64,
    wanted: u64,
    literal: u16,
    offset: u16,
    next: u16,
}

/// A bit for each hash.
type Bits = [u32; 2048];

/// A bit for each hash, set where a fingerprint has it, and the fingerprints.
#[derive(Debug)]
struct Gate {
    bits: Box<Bits>,
    /// The first entry of each slot.
    heads: Box<[u16; SLOTS]>,
}

#[inline(always)]
fn hash(word: u64) -> u64 {
    word.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Index and bit of a hash.
#[inline(always)]
fn place(word: u64) -> (usize, u32) {
    let hash = hash(word) >> 48;
    // Sixteen bits fit.
    ((hash >> 5) as usize, (hash & 31) as u32)
}

/// 1 if the bit of these bytes is set.
#[inline(always)]
fn is_open(bits: &Bits, word: u64) -> u32 {
    let (index, bit) = place(word);
    bits.get(index).map_or(0, |bits| bits >> bit & 1)
}

fn open(bits: &mut Bits, word: u64) {
    let (index, bit) = place(word);
    if let Some(bits) = bits.get_mut(index) {
        *bits |= 1 << bit;
    }
}

impl Gate {
    #[inline(always)]
    fn head(&self, word: u64) -> u16 {
        self.heads.get(slot(word)).copied().unwrap_or(NONE)
    }
}

impl Default for Exact {
    fn default() -> Self {
        let gate = || Gate { bits: Box::new([0; 2048]), heads: Box::new([NONE; SLOTS]) };
        Self { four: gate(), first: Box::new([0; 2048]), three: gate(), shapes: Vec::new(), entries: Vec::new() }
    }
}

#[inline(always)]
fn slot(word: u64) -> usize {
    (hash(word) >> 54) as usize
}

impl Exact {
    /// Whether these eight bytes may begin with a fingerprint; nearly always right. `is_first` tells that no letter or
    /// digit stands before them.
    #[inline(always)]
    pub(super) fn may_have(&self, word: u64, is_first: bool) -> bool {
        let four = is_open(&self.four.bits, word & FOUR) | is_open(&self.first, word & FOUR) & u32::from(is_first);
        four | is_open(&self.three.bits, word & THREE) != 0
    }

    /// The gate that a fingerprint goes through, opened for it, and the bytes by which the gate's entries are found.
    fn open_gate(&mut self, fingerprint: &Fingerprint, is_first: bool) -> (&mut Gate, u64) {
        if fingerprint.mask & FOUR == FOUR {
            open(if is_first { &mut self.first } else { &mut self.four.bits }, fingerprint.wanted & FOUR);
            return (&mut self.four, FOUR);
        }
        let mut words = vec![0];
        for (nth, set) in fingerprint.sets.iter().take(3).enumerate() {
            let members = members(*set, fingerprint.mask >> (8 * nth) & 0xdf, fingerprint.wanted >> (8 * nth) & 0xdf);
            words = words.iter().flat_map(|word| members.iter().map(move |byte| word | byte << (8 * nth))).collect();
        }
        words.into_iter().for_each(|word| open(&mut self.three.bits, word));
        let shape = fingerprint.mask & FOUR;
        if !self.shapes.contains(&shape) {
            self.shapes.push(shape);
        }
        (&mut self.three, shape)
    }

    /// Adds a fingerprint of a literal; with `is_first` it need only be found where a word begins.
    pub(super) fn insert(&mut self, fingerprint: &Fingerprint, literal: usize, is_first: bool) {
        let (Ok(literal), Ok(offset), Ok(number)) =
            (u16::try_from(literal), u16::try_from(fingerprint.offset), u16::try_from(self.entries.len()))
        else {
            return;
        };
        let (gate, shape) = self.open_gate(fingerprint, is_first);
        if let Some(head) = gate.heads.get_mut(slot(fingerprint.wanted & shape)) {
            let entry = Entry {
                mask: fingerprint.mask,
                wanted: fingerprint.wanted,
                literal,
                offset,
                next: std::mem::replace(head, number),
            };
            self.entries.push(entry);
        }
    }

    /// Calls `found(literal, offset)` for every fingerprint with which these eight bytes begin, as far as they tell.
    #[inline]
    pub(super) fn look(&self, word: u64, mut found: impl FnMut(usize, usize)) {
        self.walk(self.four.head(word & FOUR), word, ANY, &mut found);
        if is_open(&self.three.bits, word & THREE) != 0 {
            for shape in &self.shapes {
                self.walk(self.three.head(word & shape), word, *shape, &mut found);
            }
        }
    }

    #[inline(always)]
    fn walk(&self, mut next: u16, word: u64, shape: u64, found: &mut impl FnMut(usize, usize)) {
        while let Some(entry) = self.entries.get(usize::from(next)) {
            if word & entry.mask == entry.wanted && (shape == ANY || entry.mask & FOUR == shape) {
                found(usize::from(entry.literal), usize::from(entry.offset));
            }
            next = entry.next;
        }
    }
}

/// What a byte may be when the bit by which cases differ is not looked at.
fn members(set: Set, mask: u64, wanted: u64) -> Vec<u64> {
    if mask != 0 {
        return vec![wanted];
    }
    let mut members: Vec<u64> =
        (0..=u8::MAX).filter(|byte| set.has(*byte)).map(|byte| u64::from(byte & 0xdf)).collect();
    order::distinct(&mut members);
    members
}
