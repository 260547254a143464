//! Classes of bytes, as bits.

/// `0-9`
pub const DIGIT: u16 = 1;
/// `A-Z`
pub const UPPER: u16 = 2;
/// `a-z`
pub const LOWER: u16 = 4;
/// `A-Z2-7`
pub const BASE32: u16 = 8;
/// Letters and digits.
pub const ALNUM: u16 = DIGIT | UPPER | LOWER;

const fn table() -> [u16; 256] {
    let mut table = [0_u16; 256];
    let mut byte = 0_u8;
    loop {
        let mut bits = 0;
        if byte.is_ascii_digit() {
            bits |= DIGIT;
        }
        if byte.is_ascii_uppercase() {
            bits |= UPPER;
        }
        if byte.is_ascii_lowercase() {
            bits |= LOWER;
        }
        if byte.is_ascii_uppercase() || (byte >= b'2' && byte <= b'7') {
            bits |= BASE32;
        }
        table[byte as usize] = bits;
        if byte == 255 {
            return table;
        }
        byte += 1;
    }
}

static TABLE: [u16; 256] = table();

/// Whether `byte` is of one of the `classes`.
#[inline]
pub fn is(byte: u8, classes: u16) -> bool {
    TABLE.get(usize::from(byte)).is_some_and(|bits| bits & classes != 0)
}
