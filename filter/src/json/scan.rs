//! Sixteen bytes at a time: where a run of ordinary string bytes or a line ends.
//!
//! SSE2 on x86_64, simd128 on WebAssembly where it is enabled, and eight bytes in a `u64` everywhere else. All give
//! the same answers; the tests compare them byte by byte.

#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) mod lanes;
pub mod stretch;

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
    use super::lanes::{Lanes, at_most, eq, load, or, splat, tops};
    use super::{Run, escaped_tail, line_tail, string_tail};
    use crate::json::string::short_escape;

    /// What ends a run.
    struct Ends {
        control: Lanes,
        quote: Lanes,
        backslash: Lanes,
    }

    impl Ends {
        #[inline(always)]
        fn new() -> Self {
            Self { control: splat(0x1f), quote: splat(b'"'), backslash: splat(b'\\') }
        }

        #[inline(always)]
        fn mask(&self, v: Lanes) -> u32 {
            tops(or(at_most(v, self.control), or(eq(v, self.quote), eq(v, self.backslash))))
        }
    }

    #[inline]
    pub(super) fn string_run(bytes: &[u8]) -> Run {
        let (blocks, tail) = bytes.as_chunks::<16>();
        if blocks.is_empty() {
            return string_tail(tail, 0, true);
        }
        let mut before = 0;
        let mut high = 0;
        let ends_run = Ends::new();
        for block in blocks {
            let v = load(block);
            let ends = ends_run.mask(v);
            if ends != 0 {
                let at = ends.trailing_zeros();
                high |= tops(v) & !(u32::MAX << at);
                return Run { len: before + at as usize, ascii: high == 0 };
            }
            high |= tops(v);
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
        let ends_run = Ends::new();
        for block in blocks {
            let v = load(block);
            let mut ends = ends_run.mask(v);
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
                    high |= tops(v) & !(u32::MAX << at);
                    return Run { len: before + at as usize, ascii: high == 0 };
                }
                ends &= !(0b11 << at);
            }
            high |= tops(v);
            before += 16;
        }
        escaped_tail(tail, before, high == 0, escaped)
    }

    #[inline]
    pub(super) fn line_end(bytes: &[u8]) -> usize {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let mut before = 0;
        let (feed, carriage_return) = (splat(b'\n'), splat(b'\r'));
        for block in blocks {
            let v = load(block);
            let ends = tops(or(eq(v, feed), eq(v, carriage_return)));
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
