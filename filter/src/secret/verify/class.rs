//! Classes of bytes, as bits.

/// `0-9`
pub const DIGIT: u16 = 1;
/// `A-Z`
pub const UPPER: u16 = 1 << 1;
/// `a-z`
pub const LOWER: u16 = 1 << 2;
/// `A-Z2-7`
pub const BASE32: u16 = 1 << 3;
/// `0-9a-fA-F`
pub const HEX: u16 = 1 << 4;
/// `_`
pub const UNDERSCORE: u16 = 1 << 5;
/// `-`
pub const DASH: u16 = 1 << 6;
/// `+` and `/`
pub const PLUS_SLASH: u16 = 1 << 7;
/// `.`
pub const DOT: u16 = 1 << 8;
/// `=`
pub const EQUALS: u16 = 1 << 9;
/// `~`
pub const TILDE: u16 = 1 << 10;
/// `%`
pub const PERCENT: u16 = 1 << 11;
/// `:`
pub const COLON: u16 = 1 << 12;
/// Space and tab.
pub const BLANK: u16 = 1 << 13;
/// Carriage return and line feed.
pub const NEWLINE: u16 = 1 << 14;
/// `"`, `'` and `` ` ``
pub const QUOTE: u16 = 1 << 15;

/// Letters and digits.
pub const ALNUM: u16 = DIGIT | UPPER | LOWER;
/// `A-Za-z`
pub const ALPHA: u16 = UPPER | LOWER;
/// Letters, digits and `_`.
pub const WORD: u16 = ALNUM | UNDERSCORE;
/// The alphabet of base64 (RFC 4648, section 4), without padding.
pub const BASE64: u16 = ALNUM | PLUS_SLASH;
/// The URL-safe alphabet of base64 (RFC 4648, section 5), without padding.
pub const BASE64URL: u16 = WORD | DASH;
/// What prefixes of tokens and what follows them consist of.
pub const TOKEN: u16 = BASE64URL | DOT;
/// Space, tab and line ends.
pub const SPACE: u16 = BLANK | NEWLINE;

const fn of(byte: u8) -> u16 {
    let mut bits = match byte {
        b'0'..=b'9' => DIGIT | HEX,
        b'A'..=b'Z' => UPPER | BASE32,
        b'a'..=b'z' => LOWER,
        b'_' => UNDERSCORE,
        b'-' => DASH,
        b'+' | b'/' => PLUS_SLASH,
        b'.' => DOT,
        b'=' => EQUALS,
        b'~' => TILDE,
        b'%' => PERCENT,
        b':' => COLON,
        b' ' | b'\t' => BLANK,
        b'\n' | b'\r' => NEWLINE,
        b'"' | b'\'' | b'`' => QUOTE,
        _ => 0,
    };
    if matches!(byte, b'2'..=b'7') {
        bits |= BASE32;
    }
    if matches!(byte, b'a'..=b'f' | b'A'..=b'F') {
        bits |= HEX;
    }
    bits
}

#[allow(clippy::indexing_slicing, reason = "evaluated when compiling; a byte is an index")]
const fn table() -> [u16; 256] {
    let mut table = [0_u16; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = of(byte);
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

/// How many bytes at the beginning of `text`, at most `most`, are of the `classes`.
pub fn run(text: &[u8], classes: u16, most: usize) -> usize {
    let mut length = 0;
    for byte in text.get(..most).unwrap_or(text) {
        if !is(*byte, classes) {
            break;
        }
        length += 1;
    }
    length
}

/// How many bytes at the end of `text`, at most `most`, are of the `classes`.
pub fn run_back(text: &[u8], classes: u16, most: usize) -> usize {
    let mut length = 0;
    for byte in text.get(text.len().saturating_sub(most)..).unwrap_or_default().iter().rev() {
        if !is(*byte, classes) {
            break;
        }
        length += 1;
    }
    length
}
