//! Looks four bytes up among all fingerprints.

use super::place::Fingerprint;

/// Fingerprints by a hash of the bytes that they fix, so that a place costs the same however many there are: hostile
/// text can be full of false candidates.
#[derive(Debug)]
pub(super) struct Exact {
    /// Which of the four bytes are fixed, for each such choice that occurs.
    shapes: Vec<u32>,
    /// The first entry of each slot.
    heads: Box<[u16; SLOTS]>,
    entries: Vec<Entry>,
}

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
        Self { shapes: Vec::new(), heads: Box::new([NONE; SLOTS]), entries: Vec::new() }
    }
}

#[inline]
fn slot(word: u32, shape: u32) -> usize {
    ((word & shape).wrapping_mul(0x9e37_79b1) >> 22) as usize
}

impl Exact {
    /// Adds a fingerprint of a literal.
    pub(super) fn insert(&mut self, fingerprint: &Fingerprint, literal: usize) {
        let shape = fingerprint.mask & FOLDED;
        let (Ok(literal), Ok(offset), Ok(number)) =
            (u16::try_from(literal), u16::try_from(fingerprint.offset), u16::try_from(self.entries.len()))
        else {
            return;
        };
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
