//! Sixteen bytes at a time.

use core::arch::wasm32::{
    i8x16_bitmask, u8x16_eq, u8x16_shuffle, u8x16_splat, u8x16_swizzle, u16x8_shr, v128, v128_and, v128_load,
};

use super::{Buckets, GROUP, Halves, Marks, PARTS, WIDTH, WORD};

type Lanes = v128;

pub(super) fn mark(buckets: &Buckets, text: &[[u8; GROUP]], marks: &mut [Marks]) {
    run(buckets, text, marks)
}

kernel!(16);

#[inline(always)]
#[allow(unsafe_code)]
fn load(bytes: &[u8; 16]) -> Lanes {
    // SAFETY: the reference guarantees sixteen readable bytes, and v128.load asks for no alignment.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn tables(of: &Halves) -> [Lanes; WIDTH] {
    let [a, b, c, d, e] = of;
    [load(a), load(b), load(c), load(d), load(e)]
}

#[inline(always)]
fn none() -> Lanes {
    u8x16_splat(0)
}

#[inline(always)]
fn halves(v: Lanes, fifteen: Lanes) -> (Lanes, Lanes) {
    (v128_and(v, fifteen), v128_and(u16x8_shr(v, 4), fifteen))
}

#[inline(always)]
fn looked_up(lows: &[Lanes; WIDTH], highs: &[Lanes; WIDTH], low: Lanes, high: Lanes) -> [Lanes; WIDTH] {
    let [a, b, c, d, e] = lows;
    let [f, g, h, i, j] = highs;
    [
        v128_and(u8x16_swizzle(*a, low), u8x16_swizzle(*f, high)),
        v128_and(u8x16_swizzle(*b, low), u8x16_swizzle(*g, high)),
        v128_and(u8x16_swizzle(*c, low), u8x16_swizzle(*h, high)),
        v128_and(u8x16_swizzle(*d, low), u8x16_swizzle(*i, high)),
        v128_and(u8x16_swizzle(*e, low), u8x16_swizzle(*j, high)),
    ]
}

#[inline(always)]
fn up_1(before: Lanes, v: Lanes) -> Lanes {
    u8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(before, v)
}

#[inline(always)]
fn up_2(before: Lanes, v: Lanes) -> Lanes {
    u8x16_shuffle::<14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29>(before, v)
}

#[inline(always)]
fn up_3(before: Lanes, v: Lanes) -> Lanes {
    u8x16_shuffle::<13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28>(before, v)
}

#[inline(always)]
fn up_4(before: Lanes, v: Lanes) -> Lanes {
    u8x16_shuffle::<12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27>(before, v)
}

#[inline(always)]
fn and(a: Lanes, b: Lanes) -> Lanes {
    v128_and(a, b)
}

// As below: the bytes are constants.
#[inline(always)]
fn table(of: &[u8; 16]) -> Lanes {
    core::hint::black_box(load(of))
}

#[inline(always)]
fn in_both(low_table: Lanes, low: Lanes, high_table: Lanes, high: Lanes) -> Lanes {
    v128_and(u8x16_swizzle(low_table, low), u8x16_swizzle(high_table, high))
}

// V8 would make a constant anew wherever it is used.
#[inline(always)]
fn every(byte: u8) -> Lanes {
    core::hint::black_box(u8x16_splat(byte))
}

/// A bit for each byte that is zero.
#[inline(always)]
fn none_of(v: Lanes) -> u32 {
    u32::from(i8x16_bitmask(u8x16_eq(v, u8x16_splat(0))))
}
