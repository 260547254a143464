//! Sixteen bytes at a time: where a run of ordinary string bytes or a line ends.
//!
//! SSE2 on x86_64, simd128 on WebAssembly where it is enabled, and eight bytes in a `u64` everywhere else. All give
//! the same answers; the tests compare them byte by byte.

use super::string::short_escape;

/// How far ordinary string bytes reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Bytes before the first `"`, `\` or byte below 0x20; all of them if there is none.
    pub len: usize,
    /// True if none of these bytes is 0x80 or above.
    pub ascii: bool,
}

/// Length of the run of ordinary string bytes at the start of `bytes`.
#[inline]
pub fn string_run(bytes: &[u8]) -> Run {
    wide::string_run(bytes)
}

/// Length of the run of ordinary string bytes and whole two-byte escapes at the start of `bytes`. It ends before a `"`
/// that closes the string, a byte below 0x20, and a backslash with which no such escape begins in `bytes`.
#[inline]
pub fn escaped_run(bytes: &[u8]) -> Run {
    wide::escaped_run(bytes)
}

/// Index of the first CR or LF; the length of `bytes` if there is none.
#[inline]
pub fn line_end(bytes: &[u8]) -> usize {
    wide::line_end(bytes)
}

/// Which of sixty-four bytes are in an alphabet of base64, the standard one or the URL-safe one (RFC 4648): the lowest
/// bit is that of the first byte.
#[inline]
pub fn base64_mask(stretch: &[u8; 64]) -> u64 {
    masks(stretch, wide::base64_mask)
}

/// Which of sixty-four bytes lie between `+` and `z`, as all that [`base64_mask`] tells do; told sooner.
#[inline]
pub fn base64_range_mask(stretch: &[u8; 64]) -> u64 {
    masks(stretch, wide::base64_range_mask)
}

/// Which of sixty-four bytes are one of two: the lowest bit is that of the first byte.
#[inline]
pub fn either_mask(stretch: &[u8; 64], one: u8, other: u8) -> u64 {
    masks(stretch, |block| wide::either_mask(block, one, other))
}

#[inline(always)]
fn masks(stretch: &[u8; 64], of: impl Fn(&[u8; 16]) -> u32) -> u64 {
    let (blocks, _) = stretch.as_chunks::<16>();
    blocks.iter().rev().fold(0, |mask, block| mask << 16 | u64::from(of(block)))
}

fn ends_run(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn ends_line(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

fn string_tail(tail: &[u8], before: usize, mut ascii: bool) -> Run {
    for (at, &byte) in tail.iter().enumerate() {
        if ends_run(byte) {
            return Run { len: before + at, ascii };
        }
        ascii &= byte.is_ascii();
    }
    Run { len: before + tail.len(), ascii }
}

/// `escaped` tells that the byte before the tail is a backslash that may begin an escape.
fn escaped_tail(tail: &[u8], before: usize, mut ascii: bool, mut escaped: bool) -> Run {
    for (at, &byte) in tail.iter().enumerate() {
        if escaped {
            if short_escape(byte).is_none() {
                return Run { len: before + at - 1, ascii };
            }
            escaped = false;
            continue;
        }
        escaped = byte == b'\\';
        if !escaped && ends_run(byte) {
            return Run { len: before + at, ascii };
        }
        ascii &= byte.is_ascii();
    }
    Run { len: before + tail.len() - usize::from(escaped), ascii }
}

fn line_tail(tail: &[u8], before: usize) -> usize {
    before + tail.iter().position(|&byte| ends_line(byte)).unwrap_or(tail.len())
}

#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
mod wide {
    use super::{Run, escaped_tail, line_tail, string_tail};
    use crate::json::string::short_escape;

    #[cfg(target_arch = "x86_64")]
    mod lanes {
        use core::arch::x86_64::{
            __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
            _mm_sub_epi8,
        };

        pub(super) type Lanes = __m128i;

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn load(bytes: &[u8; 16]) -> Lanes {
            // SAFETY: the reference guarantees sixteen readable bytes, and loadu asks for no alignment.
            unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn ends_run(v: Lanes) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe {
                let control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
                let quote = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x22));
                let backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x5c));
                _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))).cast_unsigned()
            }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn ends_line(v: Lanes) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe {
                let feed = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x0a));
                let carriage_return = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x0d));
                _mm_movemask_epi8(_mm_or_si128(feed, carriage_return)).cast_unsigned()
            }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn base64(v: Lanes) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe {
                let within = |v, first: i8, count: i8| {
                    let from = _mm_sub_epi8(v, _mm_set1_epi8(first));
                    _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8(count - 1)), from)
                };
                let is = |byte: u8| _mm_cmpeq_epi8(v, _mm_set1_epi8(byte.cast_signed()));
                let letter = within(_mm_or_si128(v, _mm_set1_epi8(0x20)), 0x61, 26);
                let digit = within(v, 0x30, 10);
                let mark = _mm_or_si128(_mm_or_si128(is(b'+'), is(b'/')), _mm_or_si128(is(b'-'), is(b'_')));
                _mm_movemask_epi8(_mm_or_si128(mark, _mm_or_si128(letter, digit))).cast_unsigned()
            }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn base64_range(v: Lanes) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe {
                let from = _mm_sub_epi8(v, _mm_set1_epi8(b'+'.cast_signed()));
                let inside = _mm_min_epu8(from, _mm_set1_epi8((b'z' - b'+').cast_signed()));
                _mm_movemask_epi8(_mm_cmpeq_epi8(inside, from)).cast_unsigned()
            }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn either(v: Lanes, one: u8, other: u8) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe {
                let one = _mm_cmpeq_epi8(v, _mm_set1_epi8(one.cast_signed()));
                let other = _mm_cmpeq_epi8(v, _mm_set1_epi8(other.cast_signed()));
                _mm_movemask_epi8(_mm_or_si128(one, other)).cast_unsigned()
            }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn high(v: Lanes) -> u32 {
            // SAFETY: works on values, and every x86_64 has SSE2.
            unsafe { _mm_movemask_epi8(v) }.cast_unsigned()
        }
    }

    #[cfg(target_arch = "wasm32")]
    mod lanes {
        use core::arch::wasm32::{i8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u8x16_sub, v128, v128_load, v128_or};

        pub(super) type Lanes = v128;

        #[inline(always)]
        #[allow(unsafe_code)]
        pub(super) fn load(bytes: &[u8; 16]) -> Lanes {
            // SAFETY: the reference guarantees sixteen readable bytes, and v128.load asks for no alignment.
            unsafe { v128_load(bytes.as_ptr().cast()) }
        }

        #[inline(always)]
        pub(super) fn ends_run(v: Lanes) -> u32 {
            let control = u8x16_lt(v, u8x16_splat(0x20));
            let quote = u8x16_eq(v, u8x16_splat(0x22));
            let backslash = u8x16_eq(v, u8x16_splat(0x5c));
            u32::from(i8x16_bitmask(v128_or(control, v128_or(quote, backslash))))
        }

        #[inline(always)]
        pub(super) fn ends_line(v: Lanes) -> u32 {
            u32::from(i8x16_bitmask(v128_or(u8x16_eq(v, u8x16_splat(0x0a)), u8x16_eq(v, u8x16_splat(0x0d)))))
        }

        #[inline(always)]
        pub(super) fn base64(v: Lanes) -> u32 {
            let within = |v, first: u8, count: u8| u8x16_lt(u8x16_sub(v, u8x16_splat(first)), u8x16_splat(count));
            let is = |byte: u8| u8x16_eq(v, u8x16_splat(byte));
            let letter = within(v128_or(v, u8x16_splat(0x20)), 0x61, 26);
            let digit = within(v, 0x30, 10);
            let mark = v128_or(v128_or(is(b'+'), is(b'/')), v128_or(is(b'-'), is(b'_')));
            u32::from(i8x16_bitmask(v128_or(mark, v128_or(letter, digit))))
        }

        #[inline(always)]
        pub(super) fn base64_range(v: Lanes) -> u32 {
            u32::from(i8x16_bitmask(u8x16_lt(u8x16_sub(v, u8x16_splat(b'+')), u8x16_splat(b'z' - b'+' + 1))))
        }

        #[inline(always)]
        pub(super) fn either(v: Lanes, one: u8, other: u8) -> u32 {
            u32::from(i8x16_bitmask(v128_or(u8x16_eq(v, u8x16_splat(one)), u8x16_eq(v, u8x16_splat(other)))))
        }

        #[inline(always)]
        pub(super) fn high(v: Lanes) -> u32 {
            u32::from(i8x16_bitmask(v))
        }
    }

    #[inline(always)]
    pub(super) fn base64_mask(block: &[u8; 16]) -> u32 {
        lanes::base64(lanes::load(block))
    }

    #[inline(always)]
    pub(super) fn base64_range_mask(block: &[u8; 16]) -> u32 {
        lanes::base64_range(lanes::load(block))
    }

    #[inline(always)]
    pub(super) fn either_mask(block: &[u8; 16], one: u8, other: u8) -> u32 {
        lanes::either(lanes::load(block), one, other)
    }

    #[inline]
    pub(super) fn string_run(bytes: &[u8]) -> Run {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let mut before = 0;
        let mut high = 0;
        for block in blocks {
            let v = lanes::load(block);
            let ends = lanes::ends_run(v);
            if ends != 0 {
                let at = ends.trailing_zeros();
                high |= lanes::high(v) & !(u32::MAX << at);
                return Run { len: before + at as usize, ascii: high == 0 };
            }
            high |= lanes::high(v);
            before += 16;
        }
        string_tail(tail, before, high == 0)
    }

    #[inline]
    pub(super) fn escaped_run(bytes: &[u8]) -> Run {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let mut before = 0;
        let mut high = 0;
        let mut escaped = false;
        for block in blocks {
            let v = lanes::load(block);
            let mut ends = lanes::ends_run(v);
            if escaped {
                if short_escape(block[0]).is_none() {
                    return Run { len: before - 1, ascii: high == 0 };
                }
                ends &= !1;
                escaped = false;
            }
            while ends != 0 {
                let at = ends.trailing_zeros();
                let whole = match block.get(at as usize..) {
                    Some([b'\\', byte, ..]) => short_escape(*byte).is_some(),
                    Some([b'\\']) => {
                        escaped = true;
                        true
                    }
                    _ => false,
                };
                if !whole {
                    high |= lanes::high(v) & !(u32::MAX << at);
                    return Run { len: before + at as usize, ascii: high == 0 };
                }
                ends &= !(0b11 << at);
            }
            high |= lanes::high(v);
            before += 16;
        }
        escaped_tail(tail, before, high == 0, escaped)
    }

    #[inline]
    pub(super) fn line_end(bytes: &[u8]) -> usize {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let mut before = 0;
        for block in blocks {
            let ends = lanes::ends_line(lanes::load(block));
            if ends != 0 {
                return before + ends.trailing_zeros() as usize;
            }
            before += 16;
        }
        line_tail(tail, before)
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
use narrow as wide;

#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
mod narrow {
    use super::{Run, line_tail, string_tail};
    use crate::json::string::short_escape;

    #[inline]
    pub(super) fn base64_mask(block: &[u8; 16]) -> u32 {
        let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        block.iter().enumerate().fold(0, |mask, (at, byte)| mask | u32::from(is(*byte)) << at)
    }

    #[inline]
    pub(super) fn base64_range_mask(block: &[u8; 16]) -> u32 {
        let (words, _) = block.as_chunks::<8>();
        words.iter().rev().fold(0, |mask, word| {
            let word = u64::from_le_bytes(*word);
            let low = word & !HIGH;
            // No sum of two such bytes carries over: the top bit tells whether the byte has come to 0x80.
            let from = low + ONES * u64::from(0x80 - b'+');
            let beyond = low + ONES * u64::from(0x7f - b'z');
            mask << 8 | gathered(from & !beyond & !word & HIGH)
        })
    }

    #[inline]
    pub(super) fn either_mask(block: &[u8; 16], one: u8, other: u8) -> u32 {
        let (words, _) = block.as_chunks::<8>();
        words.iter().rev().fold(0, |mask, word| {
            let word = u64::from_le_bytes(*word);
            mask << 8 | gathered(zeros(word ^ (ONES * u64::from(one))) | zeros(word ^ (ONES * u64::from(other))))
        })
    }

    // The top bit of each byte that is zero, and of no other.
    #[inline(always)]
    fn zeros(word: u64) -> u64 {
        !(((word & !HIGH) + !HIGH) | word | !HIGH)
    }

    // The top bits of eight bytes side by side: each is moved to the last byte by a factor of its own.
    #[inline(always)]
    fn gathered(tops: u64) -> u32 {
        ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    }

    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;

    // The top bit of each byte that is `byte`. A borrow can mark bytes above a true one falsely, never below it, so
    // the lowest mark is always right.
    #[inline(always)]
    fn equal(word: u64, byte: u8) -> u64 {
        let zero = word ^ (ONES * u64::from(byte));
        zero.wrapping_sub(ONES) & !zero & HIGH
    }

    #[inline(always)]
    fn below(word: u64, bound: u8) -> u64 {
        word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGH
    }

    #[inline]
    pub(super) fn string_run(bytes: &[u8]) -> Run {
        let (blocks, tail) = bytes.as_chunks::<8>();
        let mut before = 0;
        let mut high = 0;
        for block in blocks {
            let word = u64::from_le_bytes(*block);
            let ends = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
            if ends != 0 {
                let at = ends.trailing_zeros() / 8;
                high |= word & HIGH & !(u64::MAX << (at * 8));
                return Run { len: before + at as usize, ascii: high == 0 };
            }
            high |= word & HIGH;
            before += 8;
        }
        string_tail(tail, before, high == 0)
    }

    #[inline]
    pub(super) fn escaped_run(bytes: &[u8]) -> Run {
        let (mut before, mut ascii) = (0, true);
        loop {
            let rest = bytes.get(before..).unwrap_or_default();
            let run = string_run(rest);
            before += run.len;
            ascii &= run.ascii;
            match rest.get(run.len..) {
                Some([b'\\', byte, ..]) if short_escape(*byte).is_some() => before += 2,
                _ => return Run { len: before, ascii },
            }
        }
    }

    #[inline]
    pub(super) fn line_end(bytes: &[u8]) -> usize {
        let (blocks, tail) = bytes.as_chunks::<8>();
        let mut before = 0;
        for block in blocks {
            let word = u64::from_le_bytes(*block);
            let ends = equal(word, b'\n') | equal(word, b'\r');
            if ends != 0 {
                return before + ends.trailing_zeros() as usize / 8;
            }
            before += 8;
        }
        line_tail(tail, before)
    }
}

#[cfg(test)]
mod tests;
