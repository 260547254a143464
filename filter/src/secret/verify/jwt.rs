//! JWS and JWE in compact form (RFC 7515, section 7.1; RFC 7516, section 7.1).

use super::{Found, Resume, Text, base64, class, token::begins_inside_word};
use crate::secret::scan::REACH;

pub(super) fn verify(text: &Text<'_>, at: usize, end: usize) -> Found {
    if begins_inside_word(text.bytes, at) {
        return Found::Nothing { examined: end };
    }
    let rest = text.bytes.get(at..).unwrap_or_default();
    let rest = rest.get(..REACH).unwrap_or(rest);
    let mut ends = [0_usize; 5];
    let mut parts = 0;
    let mut here = 0;
    for end in &mut ends {
        here += class::run(rest.get(here..).unwrap_or_default(), class::BASE64URL, REACH);
        if here == rest.len() && rest.len() < REACH && !text.is_complete {
            return Found::More;
        }
        *end = here;
        parts += 1;
        if parts == 5 || rest.get(here) != Some(&b'.') {
            break;
        }
        if parts == 1 && !is_header(rest.get(..here).unwrap_or_default()) {
            return Found::Nothing { examined: at + here };
        }
        here += 1;
    }
    let [header, payload, signature, _, tag] = ends;
    // A signature that is missing (`alg: none`, or a text that was cut) does not make the claims public.
    let is_signed = parts >= 3 && signature - payload > 16;
    if here >= REACH && parts >= 2 {
        return Found::Open { start: at, end: at + here, resume: Resume::Token };
    }
    if parts == 5 && tag > 0 {
        return Found::Secret { start: at, end: at + tag };
    }
    if is_signed || parts >= 2 && payload - header > 40 {
        return Found::Secret { start: at, end: at + if parts >= 3 { signature.max(payload) } else { payload } };
    }
    Found::Nothing { examined: at + header }
}

/// Whether a part decodes to a JSON object with an `alg`.
fn is_header(part: &[u8]) -> bool {
    let mut header = Vec::with_capacity(96);
    base64::decode_prefix(part.get(..1024).unwrap_or(part), 768, &mut header);
    header.first() == Some(&b'{') && header.windows(5).any(|window| window == b"\"alg\"")
}
