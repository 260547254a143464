//! The duplicate check: hashes of the decoded keys of every open object, on one stack.
//!
//! A clash of two 64-bit hashes counts as a duplicate, so a wrong answer refuses and never lets through. Nothing here
//! depends on where hashes fall in a table: an object with chosen keys costs no more than any other.

use super::Fault;

/// Keys compared one by one before they are sorted.
const BLOCK: usize = 32;

/// Hash of a decoded key, which may be fed in pieces of whole words. Up to seven bytes stand for themselves; longer
/// keys are mixed in the manner of XXH64. Only equality is asked of it, so nothing is done to spread the values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyHash {
    state: u64,
    length: u64,
}

const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME_3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME_4: u64 = 0x85EB_CA77_C2B2_AE63;

impl KeyHash {
    /// Takes a piece that is not the last; its length is a multiple of eight.
    pub(super) fn absorb(&mut self, piece: &[u8]) {
        let (words, _) = piece.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        self.length = self.length.wrapping_add(piece.len() as u64);
    }

    /// Takes the last piece and gives the hash of everything.
    #[inline]
    pub(super) fn finish(self, last: &[u8]) -> u64 {
        match last.len() as u64 {
            length @ 0..8 if self.length == 0 => padded(last) | length << 56,
            _ => self.finish_long(last),
        }
    }

    fn finish_long(mut self, last: &[u8]) -> u64 {
        let (words, tail) = last.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        self.mix(padded(tail));
        let mixed = self.state ^ self.length.wrapping_add(last.len() as u64).wrapping_mul(PRIME_3);
        // The top bit tells long keys from short ones; of the others, the lowest is the weakest.
        mixed >> 1 | 1 << 63
    }

    #[inline]
    fn mix(&mut self, word: u64) {
        let word = word.wrapping_mul(PRIME_2).rotate_left(31).wrapping_mul(PRIME_1);
        self.state = (self.state ^ word).rotate_left(27).wrapping_mul(PRIME_1).wrapping_add(PRIME_4);
    }
}

/// Up to seven bytes as a little-endian word, in loads that may overlap instead of a loop.
#[inline]
fn padded(tail: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (tail.first_chunk::<4>(), tail.last_chunk::<4>()) {
        let last = u64::from(u32::from_le_bytes(*last));
        u64::from(u32::from_le_bytes(*first)) | last << ((tail.len() - 4) * 8)
    } else {
        let byte = |at: usize| u64::from(tail.get(at).copied().unwrap_or_default());
        byte(0) | byte(1) << 8 | byte(2) << 16
    }
}

/// The stack. The keys of one object are those from its mark to the top.
///
/// Of each object, whole blocks are kept in sorted runs whose lengths are the powers of two in the number of blocks,
/// longest first; what is left is not sorted. A look-up is a short scan and a few binary searches.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hashes: Vec<u64>,
}

impl Keys {
    /// The mark of an object that opens now.
    pub(super) fn mark(&self) -> usize {
        self.hashes.len()
    }

    /// Forgets the keys of the object with this mark, which is the innermost.
    pub(super) fn close(&mut self, mark: usize) {
        self.hashes.truncate(mark);
    }

    /// Adds a key to the innermost object.
    pub(super) fn insert(&mut self, mark: usize, hash: u64, limit: usize) -> Result<(), Fault> {
        let own = self.hashes.get(mark..).unwrap_or_default();
        let blocks = own.len() / BLOCK;
        let (sorted, loose) = own.split_at_checked(blocks * BLOCK).unwrap_or((own, &[]));
        if loose.contains(&hash) || in_runs(sorted, blocks, hash) {
            return Err(Fault::DuplicateKey);
        }
        if self.hashes.len() >= limit {
            return Err(Fault::TooManyKeys);
        }
        self.hashes.push(hash);
        let count = self.hashes.len() - mark;
        if count.is_multiple_of(BLOCK) {
            let blocks = count / BLOCK;
            let merged = BLOCK << blocks.trailing_zeros();
            let from = self.hashes.len() - merged;
            self.hashes.get_mut(from..).unwrap_or_default().sort_unstable();
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.hashes.clear();
    }
}

fn in_runs(mut sorted: &[u64], mut blocks: usize, hash: u64) -> bool {
    while blocks != 0 {
        let longest = 1 << blocks.ilog2();
        let Some((run, rest)) = sorted.split_at_checked(longest * BLOCK) else { return false };
        if run.binary_search(&hash).is_ok() {
            return true;
        }
        sorted = rest;
        blocks -= longest;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_remembered_at_every_size() {
        let hashes: Vec<u64> = (0..700_u64).map(|n| KeyHash::default().finish(&n.to_le_bytes())).collect();
        let mut keys = Keys::default();
        keys.insert(0, 7, 10_000).unwrap();
        let mark = keys.mark();
        for (count, &hash) in hashes.iter().enumerate() {
            assert_eq!(keys.insert(mark, hash, 10_000), Ok(()), "key {count}");
            if count % 37 == 0 || count < 100 {
                for &earlier in &hashes[..=count] {
                    assert_eq!(keys.insert(mark, earlier, 10_000), Err(Fault::DuplicateKey), "after {count}");
                }
            }
        }
        assert_eq!(keys.insert(mark, 7, 10_000), Ok(()), "an outer object's key is no duplicate");
        keys.close(mark);
        assert_eq!(keys.insert(0, hashes[0], 10_000), Ok(()), "a closed object's keys are forgotten");
        assert_eq!(keys.insert(0, 7, 10_000), Err(Fault::DuplicateKey));
    }

    #[test]
    fn the_limit_counts_all_open_objects() {
        let mut keys = Keys::default();
        keys.insert(0, 1, 3).unwrap();
        let mark = keys.mark();
        keys.insert(mark, 1, 3).unwrap();
        keys.insert(mark, 2, 3).unwrap();
        assert_eq!(keys.insert(mark, 3, 3), Err(Fault::TooManyKeys));
        keys.close(mark);
        assert_eq!(keys.insert(0, 3, 3), Ok(()));
    }

    #[test]
    fn pieces_hash_like_the_whole() {
        let text: Vec<u8> = (0..9000_u32).map(|n| (n * 31 % 251) as u8).collect();
        let whole = KeyHash::default().finish(&text);
        for cut in [0, 8, 4096, 8192, 8992] {
            let mut hash = KeyHash::default();
            hash.absorb(&text[..cut]);
            assert_eq!(hash.finish(&text[cut..]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn padding_is_zero() {
        for length in 0..8 {
            let tail = &b"\xf1\xe2\xd3\xc4\xb5\xa6\x97"[..length];
            let mut word = [0; 8];
            word[..length].copy_from_slice(tail);
            assert_eq!(padded(tail), u64::from_le_bytes(word), "{length} bytes");
        }
    }

    #[test]
    fn near_keys_differ() {
        let mut seen = std::collections::BTreeSet::new();
        for a in 0..=255_u8 {
            for b in 0..=255_u8 {
                assert!(
                    seen.insert(KeyHash::default().finish(&[b'k', b'e', b'y', b'_', b'_', b'_', b'_', a, b'x', b]))
                );
            }
        }
        for length in 0..40 {
            assert!(seen.insert(KeyHash::default().finish(&vec![1; length])), "length {length}");
        }
        // Zero bytes are told apart by length alone.
        for length in 1..9 {
            assert!(seen.insert(KeyHash::default().finish(&vec![0; length])), "{length} zero bytes");
        }
    }
}
