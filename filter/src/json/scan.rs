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

/// Which of sixteen bytes are of an alphabet of base64, the standard one or the URL-safe one (RFC 4648): the lowest bit
/// is that of the first byte.
#[inline]
pub fn base64_mask(block: &[u8; 16]) -> u32 {
    wide::base64_mask(block)
}

#[cfg(any(test, not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))))]
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
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
        pub(super) fn high(v: Lanes) -> u32 {
            u32::from(i8x16_bitmask(v))
        }
    }

    #[inline]
    pub(super) fn base64_mask(block: &[u8; 16]) -> u32 {
        lanes::base64(lanes::load(block))
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
    use super::{Run, is_base64, line_tail, string_tail};
    use crate::json::string::short_escape;

    #[inline]
    pub(super) fn base64_mask(block: &[u8; 16]) -> u32 {
        block.iter().enumerate().fold(0, |mask, (at, byte)| mask | u32::from(is_base64(*byte)) << at)
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
mod tests {
    use super::*;

    fn plainly(bytes: &[u8]) -> Run {
        string_tail(bytes, 0, true)
    }

    #[test]
    fn every_width_agrees_at_every_length_and_position() {
        let interesting =
            [0, 1, 0x0a, 0x0d, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0x9f, 0xa2, 0xff];
        for length in 0..100 {
            for filler in [b'a', 0xc3, 0x20] {
                let mut bytes = vec![filler; length];
                assert_eq!(wide::string_run(&bytes), plainly(&bytes));
                assert_eq!(narrow::string_run(&bytes), plainly(&bytes));
                for position in 0..length {
                    for byte in interesting {
                        bytes[position] = byte;
                        assert_eq!(wide::string_run(&bytes), plainly(&bytes), "{bytes:x?}");
                        assert_eq!(narrow::string_run(&bytes), plainly(&bytes), "{bytes:x?}");
                        assert_eq!(wide::escaped_run(&bytes), escaped_tail(&bytes, 0, true, false), "{bytes:x?}");
                        assert_eq!(narrow::escaped_run(&bytes), escaped_tail(&bytes, 0, true, false), "{bytes:x?}");
                        assert_eq!(wide::line_end(&bytes), line_tail(&bytes, 0), "{bytes:x?}");
                        assert_eq!(narrow::line_end(&bytes), line_tail(&bytes, 0), "{bytes:x?}");
                    }
                    bytes[position] = filler;
                }
            }
        }
    }

    #[test]
    fn alphabets_of_base64_are_told_alike() {
        for byte in 0..=255_u8 {
            for place in 0..16 {
                let mut block = [b' '; 16];
                block[place] = byte;
                assert_eq!(wide::base64_mask(&block), narrow::base64_mask(&block), "{byte:x} at {place}");
                assert_eq!(narrow::base64_mask(&block), u32::from(is_base64(byte)) << place);
            }
        }
    }

    #[test]
    fn escapes_are_passed_alike_wherever_they_lie() {
        // Runs of backslashes of every length before every kind of byte, at every place in the blocks.
        for length in 0..40 {
            for backslashes in 0..8 {
                for end in [b'n', b'"', b'u', b'x', 0, 0xc3] {
                    let mut bytes = vec![b'a'; length];
                    bytes.extend(std::iter::repeat_n(b'\\', backslashes));
                    bytes.push(end);
                    for tail in 0..20 {
                        bytes.extend(std::iter::repeat_n(b'b', tail));
                        let plain = escaped_tail(&bytes, 0, true, false);
                        assert_eq!(wide::escaped_run(&bytes), plain, "{bytes:x?}");
                        assert_eq!(narrow::escaped_run(&bytes), plain, "{bytes:x?}");
                        bytes.truncate(length + backslashes + 1);
                    }
                }
            }
        }
        assert_eq!(escaped_run(br#"a\\"b"#).len, 3);
        assert_eq!(escaped_run(br#"a\"b\u0041"#).len, 4);
        assert_eq!(escaped_run(br#"a\"b\"#).len, 4);
    }

    #[test]
    fn neighbours_do_not_mislead_the_narrow_scan() {
        // Every pair of bytes side by side: a borrow from a hit must not move the hit.
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let mut bytes = [b'x'; 24];
                bytes[3] = first;
                bytes[4] = second;
                assert_eq!(narrow::string_run(&bytes), plainly(&bytes), "{first:x} {second:x}");
                assert_eq!(wide::string_run(&bytes), plainly(&bytes), "{first:x} {second:x}");
                assert_eq!(narrow::line_end(&bytes), line_tail(&bytes, 0), "{first:x} {second:x}");
            }
        }
    }
}
