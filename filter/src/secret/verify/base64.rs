//! Base64 (RFC 4648, sections 4 and 5).

/// The value of a byte of either alphabet.
fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Length of the base64 at the beginning of `text`, padding included: bytes of one alphabet (the standard or the
/// URL-safe one, as its first special byte says) and up to two `=`.
pub(crate) fn extent(text: &[u8]) -> usize {
    let mut is_url_safe = None;
    let digits = text
        .iter()
        .take_while(|byte| match **byte {
            b'+' | b'/' => !*is_url_safe.get_or_insert(false),
            b'-' | b'_' => *is_url_safe.get_or_insert(true),
            byte => byte.is_ascii_alphanumeric(),
        })
        .count();
    digits + text.get(digits..).unwrap_or_default().iter().take(2).take_while(|byte| **byte == b'=').count()
}

/// Appends what the first bytes of `text` decode to, and stops before the quantum that would take `out` beyond `most`
/// bytes, or that holds a byte of no alphabet or padding. Gives how many bytes of `text` were decoded, a multiple of
/// four unless `text` is not.
pub(crate) fn decode_prefix(text: &[u8], most: usize, out: &mut Vec<u8>) -> usize {
    let mut read = 0;
    for quantum in text.chunks(4) {
        if out.len() + 3 > most {
            break;
        }
        let mut bits = 0;
        for byte in quantum {
            let Some(value) = sextet(*byte) else { return read };
            bits = bits << 6 | value;
        }
        let [_, bytes @ ..] = (bits << (6 * (4 - quantum.len()))).to_be_bytes();
        match quantum.len() {
            4 => out.extend_from_slice(&bytes),
            length @ 2..=3 => out.extend_from_slice(bytes.get(..length - 1).unwrap_or_default()),
            _ => return read,
        }
        read += quantum.len();
    }
    read
}

/// Decodes all of `text` strictly: one alphabet, padding complete or left out, no bits set that do not count. Nothing
/// if it is not base64 or decodes to more than `most` bytes.
pub(crate) fn decode(text: &[u8], most: usize) -> Option<Vec<u8>> {
    if extent(text) != text.len() {
        return None;
    }
    let digits = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let (digits, padding) = text.split_at_checked(digits)?;
    let rest = digits.len() % 4;
    if rest == 1 || !(padding.is_empty() || rest + padding.len() == 4) || digits.len() / 4 * 3 > most {
        return None;
    }
    if let Some(last) = digits.last().filter(|_| rest > 0) {
        let unused = if rest == 2 { 0xF } else { 3 };
        if sextet(*last)? & unused != 0 {
            return None;
        }
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    (decode_prefix(digits, usize::MAX, &mut out) == digits.len() && out.len() <= most).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_prefix, extent};

    #[test]
    fn test_vectors_of_rfc_4648() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zg", "f"),
            ("Zm8", "fo"),
        ] {
            assert_eq!(decode(text.as_bytes(), 100).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decode(b"-_-_", 3).as_deref(), Some(&[0xfb, 0xff, 0xbf][..]));
        assert_eq!(decode(b"+/+/", 3).as_deref(), Some(&[0xfb, 0xff, 0xbf][..]));
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["Z", "Zg=", "Zh==", "Zm9=", "Zm9v=", "Zm 9", "+/-_", "Zg==Zg==", "=", "===="] {
            assert_eq!(decode(text.as_bytes(), 100), None, "{text}");
        }
        assert_eq!(decode(b"Zm9vYmFy", 5), None);
    }

    #[test]
    fn a_prefix_stops_where_it_must() {
        let mut out = Vec::new();
        assert_eq!(decode_prefix(b"Zm9vYmFy!!!!", 100, &mut out), 8);
        assert_eq!(out, b"foobar");
        out.clear();
        assert_eq!(decode_prefix(b"Zm9vYmFy", 4, &mut out), 4);
        assert_eq!(out, b"foo");
        assert_eq!(extent(b"Zm9v+/==\""), 8);
        assert_eq!(extent(b"Zm9v+_"), 5);
    }
}
