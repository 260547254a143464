//! Operations on sixteen bytes at a time: SSE2 on x86_64, simd128 on WebAssembly.

#[cfg(target_arch = "x86_64")]
mod machine {
    use core::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_andnot_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_min_epu8,
        _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8, _mm_storeu_si128, _mm_sub_epi8,
    };

    /// Sixteen bytes.
    pub(crate) type Lanes = __m128i;

    /// The bytes.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) fn load(bytes: &[u8; 16]) -> Lanes {
        // SAFETY: the reference guarantees sixteen readable bytes, and loadu asks for no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// Writes the bytes.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) fn store(v: Lanes, bytes: &mut [u8; 16]) {
        // SAFETY: the reference guarantees sixteen writable bytes, and storeu asks for no alignment.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), v) }
    }

    /// Sixteen times one byte.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) fn splat(byte: u8) -> Lanes {
        // SAFETY: works on values, and every x86_64 has SSE2.
        unsafe { _mm_set1_epi8(byte.cast_signed()) }
    }

    macro_rules! operations {
        ($($(#[$attribute:meta])* $name:ident($a:ident, $b:ident) $operation:expr;)*) => {
            $(
                $(#[$attribute])*
                #[inline(always)]
                #[allow(unsafe_code)]
                pub(crate) fn $name($a: Lanes, $b: Lanes) -> Lanes {
                    // SAFETY: works on values, and every x86_64 has SSE2.
                    unsafe { $operation }
                }
            )*
        };
    }

    operations! {
        /// All bits where bytes are equal.
        eq(a, b) _mm_cmpeq_epi8(a, b);
        /// All bits where a byte of `a` is at most that of `b`.
        at_most(a, b) _mm_cmpeq_epi8(_mm_min_epu8(a, b), a);
        /// All bits where a byte of `a` is above that of `b`, both with a sign.
        above(a, b) _mm_cmpgt_epi8(a, b);
        /// Byte by byte, wrapping.
        sub(a, b) _mm_sub_epi8(a, b);
        /// Bit by bit.
        and(a, b) _mm_and_si128(a, b);
        /// Bit by bit.
        or(a, b) _mm_or_si128(a, b);
        /// `a` without the bits of `b`.
        without(a, b) _mm_andnot_si128(b, a);
    }

    /// The top bit of each byte, that of the first byte lowest.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) fn tops(v: Lanes) -> u32 {
        // SAFETY: works on values, and every x86_64 has SSE2.
        unsafe { _mm_movemask_epi8(v) }.cast_unsigned()
    }
}

#[cfg(target_arch = "wasm32")]
mod machine {
    use core::arch::wasm32::{
        i8x16_bitmask, i8x16_gt, u8x16_eq, u8x16_min, u8x16_splat, u8x16_sub, v128, v128_and, v128_andnot, v128_load,
        v128_or, v128_store,
    };

    pub(crate) type Lanes = v128;

    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) fn load(bytes: &[u8; 16]) -> Lanes {
        // SAFETY: the reference guarantees sixteen readable bytes, and v128.load asks for no alignment.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) fn store(v: Lanes, bytes: &mut [u8; 16]) {
        // SAFETY: the reference guarantees sixteen writable bytes, and v128.store asks for no alignment.
        unsafe { v128_store(bytes.as_mut_ptr().cast(), v) }
    }

    // V8 makes a constant anew wherever it is used, in three instructions; what it does not know to be one is kept in a
    // register, or in memory that is near. So this is for outside of loops.
    #[inline(always)]
    pub(crate) fn splat(byte: u8) -> Lanes {
        core::hint::black_box(u8x16_splat(byte))
    }

    #[inline(always)]
    pub(crate) fn eq(a: Lanes, b: Lanes) -> Lanes {
        u8x16_eq(a, b)
    }

    // Half the instructions that V8 makes of a comparison.
    #[inline(always)]
    pub(crate) fn at_most(a: Lanes, b: Lanes) -> Lanes {
        u8x16_eq(u8x16_min(a, b), a)
    }

    #[inline(always)]
    pub(crate) fn above(a: Lanes, b: Lanes) -> Lanes {
        i8x16_gt(a, b)
    }

    #[inline(always)]
    pub(crate) fn sub(a: Lanes, b: Lanes) -> Lanes {
        u8x16_sub(a, b)
    }

    #[inline(always)]
    pub(crate) fn and(a: Lanes, b: Lanes) -> Lanes {
        v128_and(a, b)
    }

    #[inline(always)]
    pub(crate) fn or(a: Lanes, b: Lanes) -> Lanes {
        v128_or(a, b)
    }

    #[inline(always)]
    pub(crate) fn without(a: Lanes, b: Lanes) -> Lanes {
        v128_andnot(a, b)
    }

    #[inline(always)]
    pub(crate) fn tops(v: Lanes) -> u32 {
        u32::from(i8x16_bitmask(v))
    }
}

pub(crate) use machine::{Lanes, above, and, at_most, eq, load, or, splat, store, sub, tops, without};
