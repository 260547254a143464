//! The places where a fingerprint may be: SSSE3 or AVX2 where the processor has them, simd128 on WebAssembly where it
//! is enabled, and tables of 256 entries everywhere else. All mark the same places; the tests compare them.

use super::exact::Exact;
use super::place::{BUCKETS, Bucket, WIDTH};

/// The registers that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte after the other.
    Scalar,
    /// Sixteen bytes.
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    /// Thirty-two bytes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Sixteen bytes.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
}

impl Width {
    /// All that this machine has, the widest last.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(std::is_x86_feature_detected!("ssse3").then_some(Self::Ssse3));
            all.extend(std::is_x86_feature_detected!("avx2").then_some(Self::Avx2));
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        all.push(Self::Simd128);
        all
    }

    /// The widest.
    pub fn best() -> Self {
        Self::all().last().copied().unwrap_or(Self::Scalar)
    }
}

/// For each position of a fingerprint and each half of a byte: in which of eight buckets it occurs there.
type Halves = [[u8; 16]; WIDTH];

/// The buckets as tables.
#[derive(Debug)]
pub(super) struct Buckets {
    /// Of the lower halves: buckets 0 to 7, and 8 to 15.
    low: [Halves; 2],
    high: [Halves; 2],
    /// For each position and byte: in which of all buckets it is.
    whole: Box<[[u16; 256]; WIDTH]>,
}

impl Buckets {
    pub(super) fn new(buckets: &[Bucket; BUCKETS]) -> Self {
        let mut low = [[[0; 16]; WIDTH]; 2];
        let mut high = [[[0; 16]; WIDTH]; 2];
        for (group, eight) in buckets.chunks(8).enumerate() {
            for (bit, bucket) in eight.iter().enumerate() {
                for (position, set) in bucket.iter().enumerate() {
                    for (tables, halves) in [(&mut low, set.low), (&mut high, set.high)] {
                        let table = tables.get_mut(group).and_then(|group| group.get_mut(position));
                        for (half, entry) in table.into_iter().flatten().enumerate() {
                            *entry |= u8::from(halves >> half & 1 != 0) << bit;
                        }
                    }
                }
            }
        }
        let mut whole = Box::new([[0; 256]; WIDTH]);
        for (position, table) in whole.iter_mut().enumerate() {
            for (byte, entry) in (0..=u8::MAX).zip(table) {
                for (number, bucket) in buckets.iter().enumerate() {
                    *entry |= u16::from(bucket.get(position).is_some_and(|set| set.has(byte))) << number;
                }
            }
        }
        Self { low, high, whole }
    }

    /// Calls `look` with each place from `from` on where some bucket has all four bytes and these may be a fingerprint
    /// of `exact`; in order. Gives the first place where four bytes do not fit, or `None` once `look` returned false.
    #[inline]
    pub(super) fn find(
        &self,
        width: Width,
        exact: &Exact,
        text: &[u8],
        from: usize,
        look: &mut impl FnMut(usize, u32) -> bool,
    ) -> Option<usize> {
        let mut places = Places { exact, text, look };
        let rest = match width {
            Width::Scalar => Some(from),
            #[cfg(target_arch = "x86_64")]
            Width::Ssse3 => ssse3::find(self, text, from, &mut places),
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => avx2::find(self, text, from, &mut places),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Width::Simd128 => simd128::find(self, text, from, &mut places),
        }?;
        self.narrow(text, rest, &mut places)
    }

    fn narrow(
        &self,
        text: &[u8],
        from: usize,
        found: &mut Places<'_, impl FnMut(usize, u32) -> bool>,
    ) -> Option<usize> {
        let [first, second, third, fourth] = &*self.whole;
        let of = |table: &[u16; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
        let four = |a, b, c, d| of(first, a) & of(second, b) & of(third, c) & of(fourth, d);
        let mut at = from;
        let mut rest = text.get(from..).unwrap_or_default();
        while let Some(&[a, b, c, d, e, f, g]) = rest.first_chunk() {
            let places = [four(a, b, c, d), four(b, c, d, e), four(c, d, e, f), four(d, e, f, g)];
            if places != [0; 4] {
                for (nth, buckets) in places.into_iter().enumerate() {
                    if buckets != 0 && !found.look(at + nth) {
                        return None;
                    }
                }
            }
            at += 4;
            rest = rest.get(4..).unwrap_or_default();
        }
        for window in rest.windows(WIDTH) {
            if let &[a, b, c, d] = window
                && four(a, b, c, d) != 0
                && !found.look(at)
            {
                return None;
            }
            at += 1;
        }
        Some(at)
    }
}

/// What is done about a place where a fingerprint may be.
struct Places<'a, F> {
    exact: &'a Exact,
    text: &'a [u8],
    look: &'a mut F,
}

impl<F: FnMut(usize, u32) -> bool> Places<'_, F> {
    /// Inlined wherever places are found: one in ten or twenty bytes is, and hardly any passes.
    #[inline(always)]
    fn look(&mut self, at: usize) -> bool {
        let Some(bytes) = self.text.get(at..).and_then(|rest| rest.first_chunk()) else { return true };
        let word = u32::from_le_bytes(*bytes);
        !self.exact.may_have(word) || (self.look)(at, word)
    }
}

/// The kernel, over the operations of the module it stands in.
///
/// Each position's tables are looked up where the bytes lie, and the results shifted up to the last position's: so
/// place `p` of a block's result is about the fingerprint that begins three bytes before `p`.
macro_rules! kernel {
    ($(#[$attribute:meta])* $width:literal) => {
        $(#[$attribute])*
        fn run(
            buckets: &Buckets,
            text: &[u8],
            from: usize,
            found: &mut Places<'_, impl FnMut(usize, u32) -> bool>,
        ) -> Option<usize> {
            let (blocks, _) = text.get(from..).unwrap_or_default().as_chunks::<$width>();
            let [low_first, low_second] = &buckets.low;
            let [high_first, high_second] = &buckets.high;
            let (low_first, high_first) = (tables(low_first), tables(high_first));
            let (low_second, high_second) = (tables(low_second), tables(high_second));
            let mut before_first = [none(); 3];
            let mut before_second = [none(); 3];
            let mut at = from;
            for block in blocks {
                let (low, high) = halves(load(block));
                let [a, b, c, d] = looked_up(&low_first, &high_first, low, high);
                let [before_a, before_b, before_c] = before_first;
                let first = and(and(up_3(before_a, a), up_2(before_b, b)), and(up_1(before_c, c), d));
                before_first = [a, b, c];
                let [a, b, c, d] = looked_up(&low_second, &high_second, low, high);
                let [before_a, before_b, before_c] = before_second;
                let second = and(and(up_3(before_a, a), up_2(before_b, b)), and(up_1(before_c, c), d));
                before_second = [a, b, c];
                let mut places = some(or(first, second));
                while places != 0 {
                    // Nothing was before the first block, so no place there is below 3.
                    if !found.look((at + places.trailing_zeros() as usize).saturating_sub(3)) {
                        return None;
                    }
                    places &= places - 1;
                }
                at += $width;
            }
            Some(if at == from { from } else { at - 3 })
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(target_arch = "x86_64")]
mod ssse3;
