//! Sixty-four bytes at a time: a bit for each, that of the first byte lowest.

/// Tells bytes that are one of two.
#[derive(Clone, Copy, Debug)]
pub struct Either(wide::Either);

impl Either {
    /// For these two.
    #[inline]
    pub fn new(one: u8, other: u8) -> Self {
        Self(wide::Either::new(one, other))
    }

    /// Which bytes are one of them.
    #[inline(always)]
    pub fn mask(&self, stretch: &[u8; 64]) -> u64 {
        masks(stretch, |block| self.0.mask(block))
    }
}

/// Tells bytes of the alphabets of base64, the standard one and the URL-safe one (RFC 4648).
#[derive(Clone, Copy, Debug)]
pub struct Base64(wide::Base64);

impl Default for Base64 {
    #[inline]
    fn default() -> Self {
        Self(wide::Base64::new())
    }
}

impl Base64 {
    /// Which bytes are in one of them.
    #[inline(always)]
    pub fn mask(&self, stretch: &[u8; 64]) -> u64 {
        masks(stretch, |block| self.0.mask(block))
    }
}

// One block after the other: where size comes first, a loop becomes a call for each stretch.
#[inline(always)]
fn masks(stretch: &[u8; 64], of: impl Fn(&[u8; 16]) -> u32) -> u64 {
    let [a, b, c, d] = stretch.as_chunks::<16>().0 else { return 0 };
    let (a, b, c, d) = (of(a), of(b), of(c), of(d));
    u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48
}

/// What a stretch of text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Which bytes are ASCII letters and digits.
    pub word: u64,
    /// Which bytes are from 0x2b to 0x7f.
    pub dense: u64,
}

/// Tells letters and digits.
#[derive(Clone, Copy, Debug)]
pub struct Words(wide::Words);

impl Default for Words {
    #[inline]
    fn default() -> Self {
        Self(wide::Words::new())
    }
}

impl Words {
    /// Which bytes are such.
    #[inline(always)]
    pub fn masks(&self, stretch: &[u8; 64]) -> Word {
        let [a, b, c, d] = stretch.as_chunks::<16>().0 else { return Word { word: 0, dense: 0 } };
        let (a, b, c, d) = (self.0.masks(a), self.0.masks(b), self.0.masks(c), self.0.masks(d));
        Word {
            word: u64::from(a.0) | u64::from(b.0) << 16 | u64::from(c.0) << 32 | u64::from(d.0) << 48,
            dense: u64::from(a.1) | u64::from(b.1) << 16 | u64::from(c.1) << 32 | u64::from(d.1) << 48,
        }
    }
}

/// Copies sixty-four bytes. In WebAssembly a copy of that length is else a call into the machine, which costs more than
/// all that is done here with the bytes.
#[inline(always)]
pub fn copy(from: &[u8; 64], to: &mut [u8; 64]) {
    let ([a, b, c, d], [to_a, to_b, to_c, to_d]) = (from.as_chunks::<16>().0, to.as_chunks_mut::<16>().0) else {
        return;
    };
    // A loop would be made a copy of that length again.
    wide::copy(a, to_a);
    wide::copy(b, to_b);
    wide::copy(c, to_c);
    wide::copy(d, to_d);
}

/// Index of the first of `bytes` where one of `pairs` stands, or else of the last byte: what comes after it is not known.
pub fn pair(bytes: &[u8], pairs: &[[u8; 2]]) -> usize {
    let mut before = 0;
    while let Some(next) = bytes.get(before + 1..).and_then(|rest| rest.first_chunk())
        && let Some(block) = bytes.get(before..).and_then(|rest| rest.first_chunk())
    {
        let mask = wide::pair_mask(block, next, pairs);
        if mask != 0 {
            return before + mask.trailing_zeros() as usize;
        }
        before += 16;
    }
    let tail = bytes.get(before..).unwrap_or_default();
    let found = tail.array_windows().position(|two| pairs.contains(two));
    found.map_or(bytes.len().saturating_sub(1), |at| before + at)
}

#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
mod wide {
    use crate::json::scan::lanes::{Lanes, above, and, at_most, eq, load, or, splat, store, sub, tops, without};

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Either {
        one: Lanes,
        other: Lanes,
    }

    impl Either {
        #[inline(always)]
        pub(super) fn new(one: u8, other: u8) -> Self {
            Self { one: splat(one), other: splat(other) }
        }

        #[inline(always)]
        pub(super) fn mask(&self, block: &[u8; 16]) -> u32 {
            let v = load(block);
            tops(or(eq(v, self.one), eq(v, self.other)))
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Base64 {
        case: Lanes,
        letters: [Lanes; 2],
        digits: [Lanes; 2],
        marks: [Lanes; 2],
        dot: Lanes,
    }

    impl Base64 {
        #[inline(always)]
        pub(super) fn new() -> Self {
            Self {
                case: splat(0x20),
                letters: [splat(b'a'), splat(25)],
                // The dash, the dot, the slash and the digits lie side by side.
                digits: [splat(b'-'), splat(b'9' - b'-')],
                marks: [splat(b'+'), splat(b'_')],
                dot: splat(b'.'),
            }
        }

        #[inline(always)]
        pub(super) fn mask(&self, block: &[u8; 16]) -> u32 {
            let v = load(block);
            let [first, count] = self.letters;
            let letter = at_most(sub(or(v, self.case), first), count);
            let [first, count] = self.digits;
            let digit = at_most(sub(v, first), count);
            let [plus, underscore] = self.marks;
            let mark = or(eq(v, plus), eq(v, underscore));
            tops(or(or(mark, letter), without(digit, eq(v, self.dot))))
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Words {
        case: Lanes,
        letters: [Lanes; 2],
        digits: [Lanes; 2],
        asterisk: Lanes,
    }

    impl Words {
        #[inline(always)]
        pub(super) fn new() -> Self {
            Self {
                case: splat(0x20),
                letters: [splat(b'a'), splat(25)],
                digits: [splat(b'0'), splat(9)],
                asterisk: splat(b'*'),
            }
        }

        #[inline(always)]
        pub(super) fn masks(&self, block: &[u8; 16]) -> (u32, u32) {
            let v = load(block);
            let [first, count] = self.letters;
            let letter = at_most(sub(or(v, self.case), first), count);
            let [first, count] = self.digits;
            let digit = at_most(sub(v, first), count);
            (tops(or(letter, digit)), tops(above(v, self.asterisk)))
        }
    }

    #[inline(always)]
    pub(super) fn copy(from: &[u8; 16], to: &mut [u8; 16]) {
        store(load(from), to);
    }

    #[inline(always)]
    pub(super) fn pair_mask(block: &[u8; 16], next: &[u8; 16], pairs: &[[u8; 2]]) -> u32 {
        let (block, next) = (load(block), load(next));
        pairs
            .iter()
            .fold(0, |mask, [first, second]| mask | tops(and(eq(block, splat(*first)), eq(next, splat(*second)))))
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
use narrow as wide;

#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
mod narrow {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Either {
        one: u64,
        other: u64,
    }

    impl Either {
        #[inline]
        pub(super) fn new(one: u8, other: u8) -> Self {
            Self { one: ONES * u64::from(one), other: ONES * u64::from(other) }
        }

        #[inline]
        pub(super) fn mask(&self, block: &[u8; 16]) -> u32 {
            gathered(block, |word| zeros(word ^ self.one) | zeros(word ^ self.other))
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Base64;

    impl Base64 {
        #[inline]
        pub(super) fn new() -> Self {
            Self
        }

        #[inline]
        pub(super) fn mask(&self, block: &[u8; 16]) -> u32 {
            gathered(block, |word| {
                let low = word & !HIGH;
                // No sum of two such bytes carries over: the top bit tells whether the byte has come to 0x80.
                let within = |word: u64, first: u8, last: u8| {
                    (word + ONES * u64::from(0x80 - first)) & !(word + ONES * u64::from(0x7f - last))
                };
                let letter = within(low | (ONES * 0x20), b'a', b'z');
                let digit = within(low, b'-', b'9') & !zeros(word ^ (ONES * u64::from(b'.')));
                let mark = zeros(word ^ (ONES * u64::from(b'+'))) | zeros(word ^ (ONES * u64::from(b'_')));
                (letter | digit | mark) & !word & HIGH
            })
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Words;

    impl Words {
        #[inline]
        pub(super) fn new() -> Self {
            Self
        }

        #[inline]
        pub(super) fn masks(&self, block: &[u8; 16]) -> (u32, u32) {
            // No sum of two such bytes carries over: the top bit tells whether the byte has come to 0x80.
            let within = |word: u64, first: u8, last: u8| {
                (word + ONES * u64::from(0x80 - first)) & !(word + ONES * u64::from(0x7f - last))
            };
            let word = gathered(block, |word| {
                let low = word & !HIGH;
                (within(low | (ONES * 0x20), b'a', b'z') | within(low, b'0', b'9')) & !word & HIGH
            });
            (word, gathered(block, |word| ((word & !HIGH) + ONES * (0x80 - 0x2b)) & !word & HIGH))
        }
    }

    #[inline]
    pub(super) fn copy(from: &[u8; 16], to: &mut [u8; 16]) {
        *to = *from;
    }

    #[inline]
    pub(super) fn pair_mask(block: &[u8; 16], next: &[u8; 16], pairs: &[[u8; 2]]) -> u32 {
        let is = |block, byte| Either::new(byte, byte).mask(block);
        pairs.iter().fold(0, |mask, [first, second]| mask | is(block, *first) & is(next, *second))
    }

    // The top bit of each byte that is zero, and of no other.
    #[inline(always)]
    fn zeros(word: u64) -> u64 {
        !(((word & !HIGH) + !HIGH) | word | !HIGH)
    }

    // The top bits that are given for both halves, side by side: each is moved to the last byte by a factor of its own.
    #[inline(always)]
    fn gathered(block: &[u8; 16], tops: impl Fn(u64) -> u64) -> u32 {
        let (words, _) = block.as_chunks::<8>();
        words.iter().rev().fold(0, |mask, word| {
            let tops = tops(u64::from_le_bytes(*word));
            mask << 8 | ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_two_kinds_are_marked_where_they_lie() {
        let mut stretch = [0; 64];
        let mut wanted = 0_u64;
        for (place, byte) in stretch.iter_mut().enumerate() {
            *byte = [b'\\', b'"', b'a', 0xdc, 0xa2, 0, b'#', b'['][place * place % 17 % 8];
            wanted |= u64::from(matches!(*byte, b'"' | b'\\')) << place;
        }
        assert_eq!(Either::new(b'"', b'\\').mask(&stretch), wanted);
        for block in stretch.as_chunks().0 {
            assert_eq!(wide::Either::new(b'"', b'\\').mask(block), narrow::Either::new(b'"', b'\\').mask(block));
        }
    }

    #[test]
    fn bytes_of_base64_are_marked_where_they_lie() {
        let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        for byte in 0..=255_u8 {
            for place in 0..64 {
                for filler in [b'a', b' ', 0xff, b'*', b'{', b'9'] {
                    let mut stretch = [filler; 64];
                    stretch[place] = byte;
                    let wanted = stretch.iter().rev().fold(0, |mask, it| mask << 1 | u64::from(is(*it)));
                    assert_eq!(Base64::default().mask(&stretch), wanted, "{byte:x} at {place}");
                    for block in stretch.as_chunks().0 {
                        assert_eq!(wide::Base64::new().mask(block), narrow::Base64::new().mask(block), "{byte:x}");
                    }
                }
            }
        }
    }

    #[test]
    fn words_are_marked_where_they_lie() {
        for byte in 0..=255_u8 {
            for filler in [b'a', b' ', 0xff, b'/', b'[', b'9'] {
                for place in [0, 5, 16, 63] {
                    let mut stretch = [filler; 64];
                    stretch[place] = byte;
                    let mask =
                        |is: fn(&u8) -> bool| stretch.iter().rev().fold(0, |mask, it| mask << 1 | u64::from(is(it)));
                    let (word, dense) = (mask(u8::is_ascii_alphanumeric), mask(|it| (0x2b..0x80).contains(it)));
                    assert_eq!(Words::default().masks(&stretch), Word { word, dense }, "{byte:x} at {place}");
                    for block in stretch.as_chunks().0 {
                        assert_eq!(wide::Words::new().masks(block), narrow::Words::new().masks(block), "{byte:x}");
                    }
                }
            }
        }
    }

    #[test]
    fn stretches_are_copied() {
        let from = std::array::from_fn(|at| u8::try_from(at).unwrap() ^ 0x55);
        let mut to = [0; 64];
        copy(&from, &mut to);
        assert_eq!(to, from);
        narrow::copy(&[7; 16], to.first_chunk_mut().unwrap());
        assert_eq!(to[..16], [7; 16]);
    }

    #[test]
    fn pairs_are_found_wherever_they_lie() {
        let pairs = [*b"ab", *b"xx"];
        for length in 0..80 {
            let plain = vec![b'a'; length];
            assert_eq!(pair(&plain, &pairs), length.saturating_sub(1));
            for at in 0..length {
                for two in [*b"ab", *b"xx", *b"xa", *b"bx"] {
                    let mut bytes = plain.clone();
                    bytes.splice(at.., two);
                    bytes.resize(length, b'c');
                    let plainly = bytes.windows(2).position(|it| pairs.iter().any(|pair| pair == it));
                    assert_eq!(pair(&bytes, &pairs), plainly.unwrap_or(length - 1), "{bytes:?}");
                    for (block, next) in bytes.windows(17).map(|it| (it.first_chunk(), it.last_chunk())) {
                        let (block, next) = (block.unwrap(), next.unwrap());
                        assert_eq!(wide::pair_mask(block, next, &pairs), narrow::pair_mask(block, next, &pairs));
                    }
                }
            }
        }
    }
}
