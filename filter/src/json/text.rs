//! JSON strings, decoded and written; and keys that only look alike.

use std::borrow::Cow;

use super::scan;
use super::string::short_escape;

/// The text of a string token, quotes included, that [`check`](super::check) accepted. On other input nothing panics:
/// what cannot be decoded becomes U+FFFD.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let inner = bytes.strip_prefix(b"\"").unwrap_or(bytes);
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    if !inner.contains(&b'\\') {
        return String::from_utf8_lossy(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let plain = rest.iter().position(|&byte| byte == b'\\').unwrap_or(rest.len());
        let (before, after) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        out.push_str(&String::from_utf8_lossy(before));
        rest = unescape(after, &mut out);
    }
    Cow::Owned(out)
}

/// Decodes the escape that `bytes` starts with; gives what follows it.
fn unescape<'a>(bytes: &'a [u8], out: &mut String) -> &'a [u8] {
    let (character, rest) = match bytes {
        [] => return &[],
        [_, b'u', rest @ ..] => match (unit(rest), rest.get(4..).unwrap_or_default()) {
            (Some(high @ 0xd800..=0xdbff), after) => match after {
                [b'\\', b'u', low @ ..] if matches!(unit(low), Some(0xdc00..=0xdfff)) => {
                    let low_unit = unit(low).unwrap_or_default();
                    let code = 0x1_0000 + ((high - 0xd800) << 10) + (low_unit.saturating_sub(0xdc00));
                    (char::from_u32(code), low.get(4..).unwrap_or_default())
                }
                _ => (None, after),
            },
            (code, after) => (code.and_then(char::from_u32), after),
        },
        [_, byte, rest @ ..] => (short_escape(*byte).map(char::from), rest),
        [_] => (None, &[][..]),
    };
    out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn unit(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.iter().try_fold(0, |unit, &byte| Some(unit << 4 | char::from(byte).to_digit(16)?))
}

/// Writes `text` as a JSON string with its quotes. Escapes only what RFC 8259 demands, in the form of RFC 8785.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let run = scan::string_run(rest).len;
        let (plain, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = after.split_first() else { break };
        rest = after;
        let short = match byte {
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => byte,
            _ => {
                let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
}

/// True if the decoded `key` equals `known`, which is ASCII, under Unicode simple case folding, and is not the very
/// same bytes: some server would take it for `known`, others would not.
pub fn folds_to(key: &[u8], known: &str) -> bool {
    if key == known.as_bytes() {
        return false;
    }
    let mut left = key;
    for want in known.bytes() {
        // The two characters outside ASCII that fold into it (Unicode CaseFolding.txt, status C).
        let (have, rest) = match left {
            [0xc5, 0xbf, rest @ ..] => (b's', rest),
            [0xe2, 0x84, 0xaa, rest @ ..] => (b'k', rest),
            [byte, rest @ ..] => (byte.to_ascii_lowercase(), rest),
            [] => return false,
        };
        if have != want.to_ascii_lowercase() {
            return false;
        }
        left = rest;
    }
    left.is_empty()
}
