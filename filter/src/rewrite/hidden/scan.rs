//! Skips plain text, sixteen bytes at a time, as [`crate::json::scan`] does.

/// Length of the run of bytes at the start of `bytes` with which nothing hidden begins.
#[inline]
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    wide::plain_run(bytes)
}

/// Whether something hidden may begin with this byte: a control, or the first byte of characters of which some are
/// hidden.
#[inline]
fn is_suspect(byte: u8) -> bool {
    match byte {
        b'\t' | b'\n' => false,
        ..0x20 | 0x7f => true,
        // Two bytes: C1 controls and U+00AD; U+034F; U+061C.
        0xc2 | 0xcd | 0xd8 => true,
        // Three bytes: U+1000 to U+3FFF; U+F000 to U+FFFF.
        0xe1..=0xe3 | 0xef => true,
        // Four bytes: from U+C0000.
        0xf3 => true,
        _ => false,
    }
}

fn plain_tail(tail: &[u8], before: usize) -> usize {
    before + tail.iter().position(|byte| is_suspect(*byte)).unwrap_or(tail.len())
}

#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
mod wide {
    use super::plain_tail;
    use crate::json::scan::lanes::{Lanes, at_most, eq, load, or, splat, sub, tops, without};

    /// Bytes below 0x20 but for tab and line feed, 0x7f, and bytes of 0x80 and above.
    struct Unplain {
        low: Lanes,
        tab: Lanes,
        feed: Lanes,
        delete: Lanes,
    }

    impl Unplain {
        #[inline(always)]
        fn new() -> Self {
            Self { low: splat(0x1f), tab: splat(b'\t'), feed: splat(b'\n'), delete: splat(0x7f) }
        }

        #[inline(always)]
        fn mask(&self, v: Lanes) -> u32 {
            let space = or(eq(v, self.tab), eq(v, self.feed));
            // Of a byte of 0x80 and above the top bit is set as it is.
            tops(or(or(v, eq(v, self.delete)), without(at_most(v, self.low), space)))
        }
    }

    /// Of bytes of 0x80 and above those with which nothing hidden begins.
    fn harmless(v: Lanes) -> u32 {
        let is = |byte: u8| eq(v, splat(byte));
        let two = or(is(0xc2), or(is(0xcd), is(0xd8)));
        let more = or(is(0xef), is(0xf3));
        let three = at_most(sub(v, splat(0xe1)), splat(2));
        tops(without(v, or(two, or(more, three))))
    }

    #[inline]
    pub(super) fn plain_run(bytes: &[u8]) -> usize {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let mut before = 0;
        let unplain = Unplain::new();
        for block in blocks {
            let v = load(block);
            let unplain = unplain.mask(v);
            if unplain != 0 {
                let suspect = unplain & !harmless(v);
                if suspect != 0 {
                    return before + suspect.trailing_zeros() as usize;
                }
            }
            before += 16;
        }
        plain_tail(tail, before)
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
use narrow as wide;

#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
mod narrow {
    use super::{is_suspect, plain_tail};

    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;

    #[inline]
    pub(super) fn plain_run(bytes: &[u8]) -> usize {
        let (blocks, tail) = bytes.as_chunks::<8>();
        let mut before = 0;
        for block in blocks {
            let word = u64::from_le_bytes(*block);
            // A borrow may mark a byte falsely: which it is, is told byte by byte.
            let low = word.wrapping_sub(ONES * 0x20) & !word;
            let delete = word ^ (ONES * 0x7f);
            if (low | word | (delete.wrapping_sub(ONES) & !delete)) & HIGH != 0
                && let Some(at) = block.iter().position(|byte| is_suspect(*byte))
            {
                return before + at;
            }
            before += 8;
        }
        plain_tail(tail, before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_agrees_at_every_byte_and_position() {
        for filler in [b'a', b'\n', 0xd0, 0xe4] {
            for length in [0, 1, 7, 8, 15, 16, 17, 40] {
                let mut bytes = vec![filler; length];
                assert_eq!((plain_run(&bytes), narrow::plain_run(&bytes)), (length, length));
                for position in 0..length {
                    for byte in 0..=255 {
                        bytes[position] = byte;
                        let plain = plain_tail(&bytes, 0);
                        assert_eq!(plain, if is_suspect(byte) { position } else { length });
                        assert_eq!(plain_run(&bytes), plain, "{bytes:x?}");
                        assert_eq!(narrow::plain_run(&bytes), plain, "{bytes:x?}");
                    }
                    bytes[position] = filler;
                }
            }
        }
    }
}
