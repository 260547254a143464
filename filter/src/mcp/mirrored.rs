//! Header values that mirror parts of the body (MCP 2026-07-28, Streamable HTTP: `Mcp-Method`, `Mcp-Name`,
//! `Mcp-Param-*`). They are compared with the body and never trusted instead of it.

use std::borrow::Cow;

use crate::json::{self, Scalar, Span, Visitor};

const SENTINEL_START: &[u8] = b"=?base64?";
const SENTINEL_END: &[u8] = b"?=";

/// The text that a mirrored header value stands for: the base64 sentinel `=?base64?…?=` decoded, other values with
/// optional white space trimmed. `None` if it is not base64 of UTF-8, or not visible ASCII outside a sentinel.
pub fn decode_value(value: &[u8]) -> Option<Cow<'_, str>> {
    let value = value.trim_ascii();
    match value.strip_prefix(SENTINEL_START).and_then(|rest| rest.strip_suffix(SENTINEL_END)) {
        Some(encoded) => String::from_utf8(decode_base64(encoded)?).ok().map(Cow::Owned),
        None if value.iter().all(|b| (0x20..0x7f).contains(b)) => std::str::from_utf8(value).ok().map(Cow::Borrowed),
        None => None,
    }
}

/// Standard base64 with padding (RFC 4648 section 4). `None` on any other byte, wrong padding, or bits left over: two
/// readers must not be able to see different bytes.
fn decode_base64(encoded: &[u8]) -> Option<Vec<u8>> {
    if !encoded.len().is_multiple_of(4) {
        return None;
    }
    let digits = match encoded {
        [rest @ .., b'=', b'='] => rest,
        [rest @ .., b'='] => rest,
        all => all,
    };
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let mut bits = 0u32;
    let mut held = 0u32;
    for &digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits & 0xff) as u8);
        }
    }
    (held & ((1 << bits) - 1) == 0).then_some(out)
}

/// Whether some scalar inside `arguments` has the text `wanted`: strings by their decoded text, numbers by their
/// digits, booleans by name (SEP-2243 mirrors only such values).
pub fn some_scalar_equals(bytes: &[u8], arguments: Span, limits: json::Limits, wanted: &str) -> bool {
    struct Search<'a> {
        wanted: &'a str,
        found: bool,
    }
    impl Visitor for Search<'_> {
        fn scalar(&mut self, _: usize, scalar: Scalar<'_>, _: Span) {
            self.found |= match scalar {
                Scalar::String(text) => text.is(self.wanted),
                Scalar::Number(digits) => same_number(digits, self.wanted.as_bytes()),
                Scalar::True => self.wanted == "true",
                Scalar::False => self.wanted == "false",
                Scalar::Null => false,
            };
        }
    }
    let mut search = Search { wanted, found: false };
    json::check(arguments.of(bytes), limits, &mut search).is_ok() && search.found
}

/// Integers are compared as numbers, so that `42.0` mirrors `42`; everything else by its digits.
fn same_number(digits: &[u8], wanted: &[u8]) -> bool {
    fn integer(text: &[u8]) -> &[u8] {
        match text.iter().position(|&b| b == b'.') {
            Some(dot) if text.iter().skip(dot + 1).all(|&b| b == b'0') => text.get(..dot).unwrap_or(text),
            _ => text,
        }
    }
    integer(digits) == integer(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_before_they_are_compared() {
        for (value, text) in [
            ("get_customer", Some("get_customer")),
            ("  get_customer\t", Some("get_customer")),
            ("=?base64?w6k=?=", Some("é")),
            ("=?base64?Z2V0?=", Some("get")),
            ("=?base64?Z2V?=", None),
            ("=?base64?Z2V1Zh==?=", None),
            ("=?base64?/w==?=", None),
            ("=?BASE64?Z2V0?=", Some("=?BASE64?Z2V0?=")),
            ("é", None),
        ] {
            assert_eq!(decode_value(value.as_bytes()).as_deref(), text, "{value}");
        }
    }

    #[test]
    fn a_mirrored_parameter_equals_some_scalar() {
        let body = br#"{"region":"eu","nested":{"n":42,"dry":true},"list":["x"]}"#;
        let all = Span { start: 0, end: body.len() };
        for (wanted, found) in
            [("eu", true), ("42", true), ("42.0", true), ("true", true), ("x", true), ("us", false), ("4", false)]
        {
            assert_eq!(some_scalar_equals(body, all, json::Limits::default(), wanted), found, "{wanted}");
        }
    }
}
