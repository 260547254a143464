//! One counter in 32 bytes, little endian: fingerprint (8), expiry in seconds since the Unix epoch (4), a word (4) of
//! fullness (16 bits), generation (15 bits) and the flag that it is to be kept (1 bit), and the limit's state (16).

use crate::quota::Held;

/// Counters of one bucket.
pub(super) const WAYS: u32 = 8;
const SLOT_BYTES: usize = 32;
/// Bytes of a bucket's value.
pub(super) const BUCKET_BYTES: usize = WAYS as usize * SLOT_BYTES;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Slot {
    /// 0 marks a slot that is empty.
    pub(super) fingerprint: u64,
    /// `u32::MAX`, in the year 2106, is never.
    pub(super) expires: u32,
    /// 16 bits of the share that is used.
    pub(super) fullness: u16,
    /// 15 bits that differ when a counter has been evicted and begun anew: what was taken from the old one must not be
    /// given back to the new one.
    pub(super) generation: u16,
    /// Evicted only if all of the bucket are such.
    pub(super) keeps: bool,
    pub(super) state: u128,
}

impl Slot {
    /// The generation of a counter that is written over the bucket's `version`.
    pub(super) fn generation(version: Option<u32>) -> u16 {
        // The host numbers all writes in sequence, so 2^15 writes lie between two that are alike.
        (version.unwrap_or(0) & 0x7fff) as u16
    }

    /// The same counter after a change.
    pub(super) fn with(self, held: &Held) -> Self {
        let expires = u32::try_from(held.expires).unwrap_or(u32::MAX);
        let [.., low, high] = held.fullness.to_le_bytes();
        Self { expires, fullness: u16::from_le_bytes([low, high]), state: held.state, ..self }
    }

    /// Whether its state still says something at `seconds` since the Unix epoch.
    pub(super) fn is_live(&self, seconds: u64) -> bool {
        self.expires == u32::MAX || u64::from(self.expires) > seconds
    }

    fn read(bytes: &[u8; SLOT_BYTES]) -> Self {
        let (head, state) = halves(bytes);
        let word = (head >> 96) as u32;
        Self {
            fingerprint: (head & 0xffff_ffff_ffff_ffff) as u64,
            expires: (head >> 64 & 0xffff_ffff) as u32,
            fullness: (word & 0xffff) as u16,
            generation: (word >> 16 & 0x7fff) as u16,
            keeps: word >> 31 == 1,
            state,
        }
    }

    fn write(&self, bytes: &mut [u8; SLOT_BYTES]) {
        let word = u32::from(self.keeps) << 31 | u32::from(self.generation) << 16 | u32::from(self.fullness);
        let head = u128::from(word) << 96 | u128::from(self.expires) << 64 | u128::from(self.fingerprint);
        for (half, number) in bytes.as_chunks_mut().0.iter_mut().zip([head, self.state]) {
            *half = number.to_le_bytes();
        }
    }
}

fn halves(bytes: &[u8; SLOT_BYTES]) -> (u128, u128) {
    match bytes.as_chunks().0 {
        [head, state] => (u128::from_le_bytes(*head), u128::from_le_bytes(*state)),
        _ => (0, 0),
    }
}

fn slots(value: &[u8]) -> impl Iterator<Item = &[u8; SLOT_BYTES]> {
    value.as_chunks().0.iter()
}

/// The counter with this fingerprint, and its place.
pub(super) fn find(value: &[u8], fingerprint: u64) -> Option<(usize, Slot)> {
    let place = slots(value).position(|slot| slot.starts_with(&fingerprint.to_le_bytes()))?;
    Some((place, Slot::read(slots(value).nth(place)?)))
}

/// Where a new counter goes, and whether a live one has to go for it.
pub(super) fn victim(value: &[u8], seconds: u64) -> (usize, bool) {
    let rank = |slot: Slot| match slot {
        Slot { fingerprint: 0, .. } => (0, false, 0, 0),
        slot if !slot.is_live(seconds) => (1, false, 0, 0),
        slot => (2, slot.keeps, slot.fullness, slot.expires),
    };
    let ranks = slots(value).map(|slot| rank(Slot::read(slot)));
    ranks.enumerate().min_by_key(|(_, rank)| *rank).map_or((0, false), |(place, (class, ..))| (place, class == 2))
}

/// Writes a counter into its place.
pub(super) fn put(value: &mut [u8], place: usize, slot: Slot) {
    if let Some(bytes) = value.as_chunks_mut().0.get_mut(place) {
        slot.write(bytes);
    }
}
