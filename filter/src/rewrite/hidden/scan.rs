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

    #[cfg(target_arch = "x86_64")]
    mod lanes {
        use core::arch::x86_64::{
            __m128i, _mm_andnot_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_movemask_epi8,
            _mm_or_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_sub_epi8,
        };

        pub(super) type Lanes = __m128i;

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn load(bytes: &[u8; 16]) -> Lanes {
            // SAFETY: the reference guarantees sixteen readable bytes, and loadu asks for no alignment.
            unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
        }

        /// Bytes below 0x20 but for tab and line feed, 0x7f, and bytes of 0x80 and above.
        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn unplain(v: Lanes) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe {
                // Signed: what is above 0x7f is negative.
                let low = _mm_cmpgt_epi8(_mm_set1_epi8(0x20), v);
                let space =
                    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(0x0a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x09)));
                let delete = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
                _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(space, low), delete)).cast_unsigned()
            }
        }

        /// Of bytes of 0x80 and above those with which nothing hidden begins.
        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn harmless(v: Lanes) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe {
                let is = |byte: u8| _mm_cmpeq_epi8(v, _mm_set1_epi8(byte.cast_signed()));
                let two = _mm_or_si128(is(0xc2), _mm_or_si128(is(0xcd), is(0xd8)));
                let more = _mm_or_si128(is(0xef), is(0xf3));
                // 0xe1, 0xe2 and 0xe3 are 0x80, 0x81 and 0x82 after this, the lowest of signed bytes.
                let three = _mm_cmpgt_epi8(_mm_set1_epi8(0x83_u8.cast_signed()), _mm_sub_epi8(v, _mm_set1_epi8(0x61)));
                let suspect = _mm_or_si128(two, _mm_or_si128(more, three));
                let high = _mm_cmpgt_epi8(_mm_setzero_si128(), v);
                _mm_movemask_epi8(_mm_andnot_si128(suspect, high)).cast_unsigned()
            }
        }
    }

    #[cfg(target_arch = "wasm32")]
    mod lanes {
        use core::arch::wasm32::{
            i8x16_bitmask, i8x16_lt, i8x16_splat, u8x16_eq, u8x16_lt, u8x16_splat, u8x16_sub, v128, v128_andnot,
            v128_load, v128_or,
        };

        pub(super) type Lanes = v128;

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn load(bytes: &[u8; 16]) -> Lanes {
            // SAFETY: the reference guarantees sixteen readable bytes, and v128.load asks for no alignment.
            unsafe { v128_load(bytes.as_ptr().cast()) }
        }

        /// Bytes below 0x20 but for tab and line feed, 0x7f, and bytes of 0x80 and above.
        #[inline(always)]
        pub(super) fn unplain(v: Lanes) -> u32 {
            // Signed: what is above 0x7f is negative.
            let low = i8x16_lt(v, i8x16_splat(0x20));
            let space = v128_or(u8x16_eq(v, u8x16_splat(0x0a)), u8x16_eq(v, u8x16_splat(0x09)));
            let delete = u8x16_eq(v, u8x16_splat(0x7f));
            u32::from(i8x16_bitmask(v128_or(v128_andnot(low, space), delete)))
        }

        /// Of bytes of 0x80 and above those with which nothing hidden begins.
        #[inline(always)]
        pub(super) fn harmless(v: Lanes) -> u32 {
            let is = |byte: u8| u8x16_eq(v, u8x16_splat(byte));
            let two = v128_or(is(0xc2), v128_or(is(0xcd), is(0xd8)));
            let more = v128_or(is(0xef), is(0xf3));
            let three = u8x16_lt(u8x16_sub(v, u8x16_splat(0xe1)), u8x16_splat(3));
            let suspect = v128_or(two, v128_or(more, three));
            u32::from(i8x16_bitmask(v128_andnot(v, suspect)))
        }
    }

    #[inline]
    pub(super) fn plain_run(bytes: &[u8]) -> usize {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let mut before = 0;
        for block in blocks {
            let v = lanes::load(block);
            let unplain = lanes::unplain(v);
            if unplain != 0 {
                let suspect = unplain & !lanes::harmless(v);
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
