//! Thirty-two bytes at a time.

use core::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_alignr_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16,
};

use super::{Buckets, GROUP, Halves, Marks, PARTS, WIDTH, WORD};

type Lanes = __m256i;

#[allow(unsafe_code)]
pub(super) fn mark(buckets: &Buckets, text: &[[u8; GROUP]], marks: &mut [Marks]) {
    // SAFETY: only `Width::all` makes the width that leads here, after it saw that the processor has AVX2.
    unsafe { run(buckets, text, marks) }
}

kernel!(
    #[target_feature(enable = "avx2")]
    32
);

#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code)]
fn load(bytes: &[u8; 32]) -> Lanes {
    // SAFETY: the reference guarantees thirty-two readable bytes, and loadu asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code)]
fn table(of: &[u8; 16]) -> Lanes {
    // SAFETY: the reference guarantees sixteen readable bytes, and loadu asks for no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(of.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn tables(of: &Halves) -> [Lanes; WIDTH] {
    let [a, b, c, d, e] = of;
    [table(a), table(b), table(c), table(d), table(e)]
}

#[inline]
#[target_feature(enable = "avx2")]
fn none() -> Lanes {
    _mm256_setzero_si256()
}

#[inline]
#[target_feature(enable = "avx2")]
fn halves(v: Lanes, fifteen: Lanes) -> (Lanes, Lanes) {
    (_mm256_and_si256(v, fifteen), _mm256_and_si256(_mm256_srli_epi16::<4>(v), fifteen))
}

#[inline]
#[target_feature(enable = "avx2")]
fn looked_up(lows: &[Lanes; WIDTH], highs: &[Lanes; WIDTH], low: Lanes, high: Lanes) -> [Lanes; WIDTH] {
    let [a, b, c, d, e] = lows;
    let [f, g, h, i, j] = highs;
    [
        _mm256_and_si256(_mm256_shuffle_epi8(*a, low), _mm256_shuffle_epi8(*f, high)),
        _mm256_and_si256(_mm256_shuffle_epi8(*b, low), _mm256_shuffle_epi8(*g, high)),
        _mm256_and_si256(_mm256_shuffle_epi8(*c, low), _mm256_shuffle_epi8(*h, high)),
        _mm256_and_si256(_mm256_shuffle_epi8(*d, low), _mm256_shuffle_epi8(*i, high)),
        _mm256_and_si256(_mm256_shuffle_epi8(*e, low), _mm256_shuffle_epi8(*j, high)),
    ]
}

/// The upper half of `before`, then the lower half of `v`: what `alignr`, which works on halves, shifts in from.
#[inline]
#[target_feature(enable = "avx2")]
fn between(before: Lanes, v: Lanes) -> Lanes {
    _mm256_permute2x128_si256::<0x21>(before, v)
}

#[inline]
#[target_feature(enable = "avx2")]
fn up_1(before: Lanes, v: Lanes) -> Lanes {
    _mm256_alignr_epi8::<15>(v, between(before, v))
}

#[inline]
#[target_feature(enable = "avx2")]
fn up_2(before: Lanes, v: Lanes) -> Lanes {
    _mm256_alignr_epi8::<14>(v, between(before, v))
}

#[inline]
#[target_feature(enable = "avx2")]
fn up_3(before: Lanes, v: Lanes) -> Lanes {
    _mm256_alignr_epi8::<13>(v, between(before, v))
}

#[inline]
#[target_feature(enable = "avx2")]
fn up_4(before: Lanes, v: Lanes) -> Lanes {
    _mm256_alignr_epi8::<12>(v, between(before, v))
}

#[inline]
#[target_feature(enable = "avx2")]
fn and(a: Lanes, b: Lanes) -> Lanes {
    _mm256_and_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn in_both(low_table: Lanes, low: Lanes, high_table: Lanes, high: Lanes) -> Lanes {
    _mm256_and_si256(_mm256_shuffle_epi8(low_table, low), _mm256_shuffle_epi8(high_table, high))
}

#[inline]
#[target_feature(enable = "avx2")]
fn every(byte: u8) -> Lanes {
    _mm256_set1_epi8(byte.cast_signed())
}

/// A bit for each byte that is zero.
#[inline]
#[target_feature(enable = "avx2")]
fn none_of(v: Lanes) -> u32 {
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_setzero_si256())).cast_unsigned()
}
