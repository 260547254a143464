//! Looks a place up among all fingerprints.

use super::place::{Fingerprint, Set};
use crate::order;

/// Fingerprints by a hash of the bytes that they fix, so that a place costs the same however many there are: hostile
/// text can be full of false candidates.
#[derive(Debug)]
pub(super) struct Exact {
    /// For fingerprints that fix four bytes and more: a bit for each hash, in the upper half for those that are only looked
    /// up where a word begins.
    four: Box<[u64; BITS]>,
    /// For all others, by three bytes, whatever those may be: a bit for each hash.
    three: Box<[u32; BITS]>,
    /// The first entry of each slot, for those of `four` and of `three`.
    heads: [Box<[u16; SLOTS]>; 2],
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

/// Words of bits: few enough to stay in the fastest cache beside the text.
const BITS: usize = 512;

#[inline(always)]
fn hash(word: u64) -> u64 {
    word.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Index and bit of a hash.
#[inline(always)]
fn place(word: u64) -> (usize, u32) {
    let hash = hash(word) >> 50;
    // Fourteen bits fit.
    ((hash >> 5) as usize, (hash & 31) as u32)
}

impl Default for Exact {
    fn default() -> Self {
        let heads = || Box::new([NONE; SLOTS]);
        Self {
            four: Box::new([0; BITS]),
            three: Box::new([0; BITS]),
            heads: [heads(), heads()],
            shapes: Vec::new(),
            entries: Vec::new(),
        }
    }
}

#[inline(always)]
fn slot(word: u64) -> usize {
    (hash(word) >> 54) as usize
}

impl Exact {
    /// 1 if these eight bytes may begin with a fingerprint; nearly always right. `first` is 1 if no letter or digit stands
    /// before them.
    #[inline(always)]
    pub(super) fn may_have(&self, word: u64, first: u16) -> u16 {
        let (index, bit) = place(word & FOUR);
        let four = self.four.get(index).map_or(0, |bits| bits >> bit);
        let (index, bit) = place(word & THREE);
        let three = u64::from(self.three.get(index).map_or(0, |bits| bits >> bit));
        // One bit of each fits.
        ((four | three) & 1) as u16 | (four >> 32 & 1) as u16 & first
    }

    /// Opens the gate for a fingerprint, and gives the bytes by which its entry is found.
    fn open_gate(&mut self, fingerprint: &Fingerprint, is_first: bool) -> u64 {
        if fingerprint.mask & FOUR == FOUR {
            let (index, bit) = place(fingerprint.wanted & FOUR);
            if let Some(bits) = self.four.get_mut(index) {
                *bits |= 1 << if is_first { bit + 32 } else { bit };
            }
            return FOUR;
        }
        let mut words = vec![0];
        for (nth, set) in fingerprint.sets.iter().take(3).enumerate() {
            let members = members(*set, fingerprint.mask >> (8 * nth) & 0xdf, fingerprint.wanted >> (8 * nth) & 0xdf);
            words = words.iter().flat_map(|word| members.iter().map(move |byte| word | byte << (8 * nth))).collect();
        }
        for word in words {
            let (index, bit) = place(word);
            if let Some(bits) = self.three.get_mut(index) {
                *bits |= 1 << bit;
            }
        }
        let shape = fingerprint.mask & FOUR;
        if !self.shapes.contains(&shape) {
            self.shapes.push(shape);
        }
        shape
    }

    /// Adds a fingerprint of a literal; with `is_first` it need only be found where a word begins.
    pub(super) fn insert(&mut self, fingerprint: &Fingerprint, literal: usize, is_first: bool) {
        let (Ok(literal), Ok(offset), Ok(number)) =
            (u16::try_from(literal), u16::try_from(fingerprint.offset), u16::try_from(self.entries.len()))
        else {
            return;
        };
        let shape = self.open_gate(fingerprint, is_first);
        let [four, three] = &mut self.heads;
        let heads = if shape == FOUR { four } else { three };
        if let Some(head) = heads.get_mut(slot(fingerprint.wanted & shape)) {
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
        let [four, three] = &self.heads;
        let head = |heads: &[u16; SLOTS], word| heads.get(slot(word)).copied().unwrap_or(NONE);
        self.walk(head(four, word & FOUR), word, ANY, &mut found);
        let (index, bit) = place(word & THREE);
        if self.three.get(index).is_some_and(|bits| bits >> bit & 1 != 0) {
            for shape in &self.shapes {
                self.walk(head(three, word & shape), word, *shape, &mut found);
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
