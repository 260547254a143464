//! Names and values side by side: `{"name": "DB_PASSWORD", "value": "…"}` and its like.

use super::assign::{GAP, Hold, How, MOST, Place, Read, quote, read};
use super::name::{self, Says};
use super::{Found, Text, class, plausible};
use crate::secret::detector::{Form, assignments};

/// `{"name": "DB_PASSWORD", "value": "…"}` and its like: the name stands where a value does, and the value beside it.
/// `None` if this is not such a place.
pub(super) fn place(text: &Text<'_>, start: usize, stop: usize, is_quoted: bool) -> Option<Place> {
    let bytes = text.bytes;
    let back = |at: usize, classes| at - class::run_back(bytes.get(..at).unwrap_or_default(), classes, 8);
    let before = back(start, class::BLANK);
    let separator = before.checked_sub(1).and_then(|at| bytes.get(at))?;
    if !matches!(separator, b':' | b'=') {
        return None;
    }
    let is_attribute = *separator == b'=';
    if is_attribute && !is_quoted {
        return None;
    }
    let key = back(before - 1, class::QUOTE | class::BLANK);
    let from = back(key, class::ALPHA);
    let word = bytes.get(from..key)?;
    if ![&b"name"[..], b"key", b"header", b"variable", b"field"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
        return None;
    }
    let mut here = stop;
    if is_attribute && bytes.get(here) == Some(&b'>') {
        return Some(Place::At(here + 1, How { hold: Hold::Element, is_strict: false }));
    }
    // Other members may stand between.
    for _ in 0..5 {
        here += class::run(bytes.get(here..).unwrap_or_default(), class::SPACE, GAP);
        if bytes.get(here) == Some(&b',') {
            here += 1;
            here += class::run(bytes.get(here..).unwrap_or_default(), class::SPACE, GAP);
        }
        let rest = bytes.get(here..).unwrap_or_default();
        let open = usize::from(rest.first().copied().is_some_and(quote));
        let member = class::run(rest.get(open..).unwrap_or_default(), class::WORD, 24);
        let after = rest.get(open + member + open..).unwrap_or_default();
        let gap = class::run(after, class::BLANK, GAP);
        let sign = after.get(gap).copied();
        if sign.is_none() && !text.is_complete {
            return Some(Place::More);
        }
        if member == 0 || !matches!(sign, Some(b':' | b'=')) {
            return Some(Place::Nowhere);
        }
        here += open + member + open + gap + 1;
        here += class::run(bytes.get(here..).unwrap_or_default(), class::SPACE, GAP);
        let hold = if is_attribute { Hold::Quotes } else { Hold::Any };
        let name = rest.get(open..open + member).unwrap_or_default();
        if [&b"value"[..], b"stringvalue", b"val", b"content"].iter().any(|value| name.eq_ignore_ascii_case(value)) {
            return Some(Place::At(here, How { hold, is_strict: false }));
        }
        match read(text, here, hold, 128) {
            Read::No => return Some(Place::Nowhere),
            Read::More => return Some(Place::More),
            Read::Value(value) => here = value.end + usize::from(value.quote != 0),
        }
    }
    Some(Place::Nowhere)
}

/// `{"value": "…", "name": "DB_PASSWORD"}`: the literal is the name of the value's member.
pub(super) fn before(text: &Text<'_>, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let bytes = text.bytes;
    let separator = end + class::run(bytes.get(end..).unwrap_or_default(), class::BLANK, GAP);
    let is_attribute = bytes.get(end - 1) == Some(&b'=');
    let start = if is_attribute { end } else { separator + 1 };
    match bytes.get(separator) {
        None if !text.is_complete => return Found::More,
        _ if is_attribute => {}
        Some(b':') => {}
        _ => return nothing,
    }
    let start = start + class::run(bytes.get(start..).unwrap_or_default(), class::BLANK, GAP);
    let value = match read(text, start, Hold::Quotes, MOST) {
        Read::No => return nothing,
        Read::More => return Found::More,
        Read::Value(value) => value,
    };
    let mut here = value.end + 1;
    // Other members may stand between.
    for _ in 0..4 {
        here += class::run(bytes.get(here..).unwrap_or_default(), class::SPACE, GAP);
        here += usize::from(bytes.get(here) == Some(&b','));
        here += class::run(bytes.get(here..).unwrap_or_default(), class::SPACE, GAP);
        let open = usize::from(bytes.get(here).copied().is_some_and(quote));
        let rest = bytes.get(here + open..).unwrap_or_default();
        let member = class::run(rest, class::WORD, 24);
        let after = here + open + member + open;
        let after = after + class::run(bytes.get(after..).unwrap_or_default(), class::BLANK, GAP);
        match bytes.get(after) {
            None if !text.is_complete => return Found::More,
            Some(b':' | b'=') if member > 0 => {}
            _ => return nothing,
        }
        let after = after + 1;
        let after = after + class::run(bytes.get(after..).unwrap_or_default(), class::SPACE, GAP);
        let key = match read(text, after, Hold::Any, 256) {
            Read::No => return nothing,
            Read::More => return Found::More,
            Read::Value(key) => key,
        };
        let member = rest.get(..member).unwrap_or_default();
        if [&b"name"[..], b"key"].iter().any(|name| member.eq_ignore_ascii_case(name)) {
            let is_secret = bytes
                .get(value.start..value.end)
                .zip(bytes.get(key.start..key.end))
                .is_some_and(|(value, name)| is_secret(value, name));
            return if is_secret { Found::Secret { start: value.start, end: value.end } } else { nothing };
        }
        here = key.end + usize::from(key.quote != 0);
    }
    nothing
}

/// Whether a detector of assignments would take the value under this name.
fn is_secret(value: &[u8], name: &[u8]) -> bool {
    assignments().any(|detector| {
        let Form::Assignment(kind) = detector.form else { return false };
        detector.literals.iter().any(|literal| {
            let found = name.windows(literal.len()).position(|window| window.eq_ignore_ascii_case(literal.as_bytes()));
            let says = found.map(|at| name::says(name, (0, name.len()), (at, at + literal.len()), kind));
            says.is_some_and(|says| {
                says != Says::Other
                    && plausible::is_secret(&plausible::Claim {
                        kind,
                        value,
                        is_quoted: true,
                        is_strict: says == Says::Maybe,
                        floor: u32::from(detector.entropy) * 10,
                    })
            })
        })
    })
}
