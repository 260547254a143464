//! Looks four bytes up among all fingerprints.

use super::place::{Fingerprint, Set};

/// Fingerprints by a hash of the bytes that they fix, so that a place costs the same however many there are: hostile
/// text can be full of false candidates.
#[derive(Debug)]
pub(super) struct Exact {
    /// A bit for each hash of the first three bytes, set where a fingerprint has it.
    gate: Box<[u32; GATE / 32]>,
    /// Which of the four bytes are fixed, for each such choice that occurs.
    shapes: Vec<u32>,
    /// The first entry of each slot.
    heads: Box<[u16; SLOTS]>,
    entries: Vec<Entry>,
}

const GATE: usize = 1 << 16;
const SLOTS: usize = 1024;
const NONE: u16 = u16::MAX;
/// Letters differ from their other case in this bit alone.
const FOLDED: u32 = 0xdfdf_dfdf;

#[derive(Clone, Copy, Debug)]
struct Entry {
    mask: u32,
    wanted: u32,
    literal: u16,
    offset: u16,
    next: u16,
}

impl Default for Exact {
    fn default() -> Self {
        Self { gate: Box::new([0; GATE / 32]), shapes: Vec::new(), heads: Box::new([NONE; SLOTS]), entries: Vec::new() }
    }
}

#[inline]
fn slot(word: u32, shape: u32) -> usize {
    ((word & shape).wrapping_mul(0x9e37_79b1) >> 22) as usize
}

/// Where the gate has its bit.
#[inline]
fn place(word: u32) -> (usize, u32) {
    let hash = ((word & FOLDED & 0x00ff_ffff).wrapping_mul(0x9e37_79b1) >> 16) as usize;
    (hash / 32, 1 << (hash % 32))
}

impl Exact {
    /// Whether these four bytes may be a fingerprint; nearly always right.
    #[inline]
    pub(super) fn may_have(&self, word: u32) -> bool {
        let (index, bit) = place(word);
        self.gate.get(index).is_some_and(|bits| bits & bit != 0)
    }

    fn open_gate(&mut self, fingerprint: &Fingerprint) {
        let [first, second, third, _] = fingerprint.sets;
        let fixed = fingerprint.mask.to_le_bytes().map(|mask| mask != 0);
        let members = |set: Set, is_fixed: bool, wanted: u32| {
            let all = (0..=u8::MAX)
                .filter(move |byte| set.has(*byte) && (!is_fixed || u32::from(byte & 0xdf) == wanted & 0xdf));
            all.map(u32::from)
        };
        let wanted = fingerprint.wanted;
        for a in members(first, fixed[0], wanted) {
            for b in members(second, fixed[1], wanted >> 8) {
                for c in members(third, fixed[2], wanted >> 16) {
                    let (index, bit) = place(a | b << 8 | c << 16);
                    if let Some(bits) = self.gate.get_mut(index) {
                        *bits |= bit;
                    }
                }
            }
        }
    }

    /// Adds a fingerprint of a literal.
    pub(super) fn insert(&mut self, fingerprint: &Fingerprint, literal: usize) {
        let shape = fingerprint.mask & FOLDED;
        let (Ok(literal), Ok(offset), Ok(number)) =
            (u16::try_from(literal), u16::try_from(fingerprint.offset), u16::try_from(self.entries.len()))
        else {
            return;
        };
        self.open_gate(fingerprint);
        if !self.shapes.contains(&shape) {
            self.shapes.push(shape);
        }
        if let Some(head) = self.heads.get_mut(slot(fingerprint.wanted, shape)) {
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

    /// Calls `found(literal, offset)` for every fingerprint that these four bytes are.
    #[inline]
    pub(super) fn look(&self, word: u32, mut found: impl FnMut(usize, usize)) {
        for shape in &self.shapes {
            let mut next = self.heads.get(slot(word, *shape)).copied().unwrap_or(NONE);
            while let Some(entry) = self.entries.get(usize::from(next)) {
                if word & entry.mask == entry.wanted && entry.mask & FOLDED == *shape {
                    found(usize::from(entry.literal), usize::from(entry.offset));
                }
                next = entry.next;
            }
        }
    }
}
