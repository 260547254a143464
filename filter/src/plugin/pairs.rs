//! The proxy-wasm encoding of a list of pairs: header maps, and structured property values.
//!
//! `count`, then `count` times (key length, value length), then key NUL value NUL …; numbers are 32 bits, little endian.

use crate::exchange::Headers;

/// Ranges (start, end) of a key and a value inside the encoded bytes.
pub(super) type Ranges = ((usize, usize), (usize, usize));

/// The ranges of every pair. `None` if the bytes are not such a list in full.
pub(super) fn ranges(bytes: &[u8]) -> Option<Vec<Ranges>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let count = number(bytes, 0)?;
    let mut at = 4usize.checked_add(count.checked_mul(8)?)?;
    if at > bytes.len() {
        return None;
    }
    let mut ranges = Vec::with_capacity(count);
    for index in 0..count {
        let key_size = number(bytes, 4 + index * 8)?;
        let value_size = number(bytes, 8 + index * 8)?;
        let key_end = at.checked_add(key_size)?;
        let value = key_end.checked_add(1)?;
        let value_end = value.checked_add(value_size)?;
        if bytes.get(key_end) != Some(&0) || bytes.get(value_end) != Some(&0) {
            return None;
        }
        ranges.push(((at, key_end), (value, value_end)));
        at = value_end + 1;
    }
    (at == bytes.len()).then_some(ranges)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let word: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(word)).ok()
}

/// A header map as the exchange reads it.
pub(super) fn headers(bytes: Vec<u8>) -> Headers {
    let ranges = ranges(&bytes).unwrap_or_default();
    Headers::from_ranges(bytes, ranges)
}

/// Encodes header lines for a local response.
pub(super) fn encode(lines: &[(&str, String)]) -> Vec<u8> {
    let word = |length: usize| u32::try_from(length).unwrap_or(0).to_le_bytes();
    let mut out = word(lines.len()).to_vec();
    for (name, value) in lines {
        out.extend_from_slice(&word(name.len()));
        out.extend_from_slice(&word(value.len()));
    }
    for (name, value) in lines {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(value.as_bytes());
        out.push(0);
    }
    out
}
