//! Sixteen bytes at a time.

use core::arch::x86_64::{
    __m128i, _mm_alignr_epi8, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
    _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi16,
};

use super::{Buckets, GROUP, Halves, Marks, PARTS, WIDTH, WORD};

type Lanes = __m128i;

#[allow(unsafe_code)]
pub(super) fn mark(buckets: &Buckets, text: &[[u8; GROUP]], marks: &mut [Marks]) {
    // SAFETY: only `Width::all` makes the width that leads here, after it saw that the processor has SSSE3.
    unsafe { run(buckets, text, marks) }
}

kernel!(
    #[target_feature(enable = "ssse3")]
    16
);

#[inline]
#[allow(unsafe_code)]
fn load(bytes: &[u8; 16]) -> Lanes {
    // SAFETY: the reference guarantees sixteen readable bytes, loadu asks for no alignment, and every x86_64 has SSE2.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "ssse3")]
fn tables(of: &Halves) -> [Lanes; WIDTH] {
    let [a, b, c, d, e] = of;
    [load(a), load(b), load(c), load(d), load(e)]
}

#[inline]
#[target_feature(enable = "ssse3")]
fn none() -> Lanes {
    _mm_setzero_si128()
}

#[inline]
#[target_feature(enable = "ssse3")]
fn halves(v: Lanes, fifteen: Lanes) -> (Lanes, Lanes) {
    (_mm_and_si128(v, fifteen), _mm_and_si128(_mm_srli_epi16::<4>(v), fifteen))
}

#[inline]
#[target_feature(enable = "ssse3")]
fn looked_up(lows: &[Lanes; WIDTH], highs: &[Lanes; WIDTH], low: Lanes, high: Lanes) -> [Lanes; WIDTH] {
    let [a, b, c, d, e] = lows;
    let [f, g, h, i, j] = highs;
    [
        _mm_and_si128(_mm_shuffle_epi8(*a, low), _mm_shuffle_epi8(*f, high)),
        _mm_and_si128(_mm_shuffle_epi8(*b, low), _mm_shuffle_epi8(*g, high)),
        _mm_and_si128(_mm_shuffle_epi8(*c, low), _mm_shuffle_epi8(*h, high)),
        _mm_and_si128(_mm_shuffle_epi8(*d, low), _mm_shuffle_epi8(*i, high)),
        _mm_and_si128(_mm_shuffle_epi8(*e, low), _mm_shuffle_epi8(*j, high)),
    ]
}

#[inline]
#[target_feature(enable = "ssse3")]
fn up_1(before: Lanes, v: Lanes) -> Lanes {
    _mm_alignr_epi8::<15>(v, before)
}

#[inline]
#[target_feature(enable = "ssse3")]
fn up_2(before: Lanes, v: Lanes) -> Lanes {
    _mm_alignr_epi8::<14>(v, before)
}

#[inline]
#[target_feature(enable = "ssse3")]
fn up_3(before: Lanes, v: Lanes) -> Lanes {
    _mm_alignr_epi8::<13>(v, before)
}

#[inline]
#[target_feature(enable = "ssse3")]
fn up_4(before: Lanes, v: Lanes) -> Lanes {
    _mm_alignr_epi8::<12>(v, before)
}

#[inline]
#[target_feature(enable = "ssse3")]
fn and(a: Lanes, b: Lanes) -> Lanes {
    _mm_and_si128(a, b)
}

#[inline]
fn table(of: &[u8; 16]) -> Lanes {
    load(of)
}

#[inline]
#[target_feature(enable = "ssse3")]
fn in_both(low_table: Lanes, low: Lanes, high_table: Lanes, high: Lanes) -> Lanes {
    _mm_and_si128(_mm_shuffle_epi8(low_table, low), _mm_shuffle_epi8(high_table, high))
}

#[inline]
#[target_feature(enable = "ssse3")]
fn every(byte: u8) -> Lanes {
    _mm_set1_epi8(byte.cast_signed())
}

/// A bit for each byte that is zero.
#[inline]
#[target_feature(enable = "ssse3")]
fn none_of(v: Lanes) -> u32 {
    _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())).cast_unsigned()
}
