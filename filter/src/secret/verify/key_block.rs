//! Private keys in PEM (RFC 7468), OpenPGP armor (RFC 9580, section 6.2) and PuTTY's format.

use super::{Found, Resume, Text, base64, class};
use crate::secret::scan::REACH;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// The longest label.
const LABEL: usize = 48;

/// White space before the body, at most; and the longest line of a header.
const LINE: usize = 128;

/// How far a secret was followed.
#[derive(Clone, Copy)]
pub(super) enum Followed {
    /// To its end.
    Ends(usize),
    /// To here, where the text at hand ends.
    Exhausted(usize),
    /// To here, where the reach ends.
    Reached(usize),
}

pub(super) fn verify(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let more = if text.is_complete { nothing } else { Found::More };
    let rest = text.bytes.get(end..).unwrap_or_default();
    let label = class::run(rest, class::UPPER | class::DIGIT | class::BLANK, LABEL);
    let name = rest.get(..label).unwrap_or_default();
    let Some(after) = rest.get(label..label + DASHES.len()) else {
        return more;
    };
    if !(name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK")) || after != DASHES {
        return nothing;
    }
    let mut here = end + label + DASHES.len();
    // Headers: `Proc-Type: 4,ENCRYPTED`, `Version: …`.
    for _ in 0..8 {
        here += gap(text.bytes, here);
        let line = text.bytes.get(here..).unwrap_or_default();
        let word = class::run(line, class::ALPHA | class::DASH, 24);
        match line.get(word..) {
            Some([b':', rest @ ..]) if word > 0 => {
                match rest.iter().take(LINE).position(|byte| matches!(byte, b'\n' | b'"')) {
                    Some(length) if rest.get(length) == Some(&b'\n') => here += word + 1 + length,
                    None if rest.len() < LINE => return more,
                    _ => return nothing,
                }
            }
            Some([]) | None => return more,
            _ => break,
        }
    }
    let body = text.bytes.get(here..).unwrap_or_default();
    let first = class::run(body, class::BASE64, 24);
    if first < 24 {
        return if first == body.len() { more } else { nothing };
    }
    found(at, swallow(text, here, at + REACH), Resume::Key)
}

/// White space, and escaped line ends that nobody undid.
fn gap(bytes: &[u8], at: usize) -> usize {
    class::run(bytes.get(at..).unwrap_or_default(), class::SPACE, LINE)
}

/// Follows the body of a key from `from` to its END, to the last of its bytes if that is missing, or to `most`.
pub(super) fn swallow(text: &Text<'_>, from: usize, most: usize) -> Followed {
    let bytes = text.bytes;
    let mut here = from;
    // The end of the last word that belongs to the key without doubt.
    let mut sure = from;
    loop {
        let rest = bytes.get(here..).unwrap_or_default();
        let word = rest.iter().take(REACH).take_while(|byte| class::is(**byte, class::BASE64 | class::EQUALS)).count();
        let after = here + word;
        // Short words are the last line of a key, or prose after one that was cut short.
        if here == from || word >= 16 || sure == here && word > 0 {
            sure = after;
        }
        if after >= most {
            return Followed::Reached(after);
        }
        let spaces = class::run(bytes.get(after..).unwrap_or_default(), class::SPACE, LINE);
        here = after + spaces;
        let rest = bytes.get(here..).unwrap_or_default();
        if rest.is_empty() {
            return if text.is_complete { Followed::Ends(sure) } else { Followed::Exhausted(sure) };
        }
        if rest.starts_with(END) {
            let label = class::run(
                rest.get(END.len()..).unwrap_or_default(),
                class::UPPER | class::DIGIT | class::BLANK,
                LABEL,
            );
            let after = rest.get(END.len() + label..).unwrap_or_default();
            if after.starts_with(DASHES) {
                return Followed::Ends(here + END.len() + label + DASHES.len());
            }
            if !text.is_complete && label < LABEL && DASHES.starts_with(after) {
                return Followed::Exhausted(sure);
            }
            return Followed::Ends(sure);
        }
        if !text.is_complete && END.starts_with(rest) {
            return Followed::Exhausted(sure);
        }
        let goes_on = rest.first().is_some_and(|byte| class::is(*byte, class::BASE64 | class::EQUALS));
        if !goes_on || word < 16 && sure != after {
            return Followed::Ends(sure);
        }
    }
}

/// Base64 of a PEM block.
pub(super) fn encoded(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    if super::token::begins_inside_word(text.bytes, at) {
        return nothing;
    }
    let rest = text.bytes.get(at..).unwrap_or_default();
    let mut head = Vec::with_capacity(64);
    base64::decode_prefix(rest.get(..80).unwrap_or(rest), 64, &mut head);
    if rest.len() < 80 && !text.is_complete {
        return Found::More;
    }
    let label = head.get(BEGIN.len()..).unwrap_or_default();
    if !head.starts_with(BEGIN) || !label.windows(11).any(|window| window == b"PRIVATE KEY") {
        return nothing;
    }
    found(at, encoded_end(text, at, at + REACH), Resume::Base64)
}

/// Follows base64 from `from` to its end or to `most`.
pub(super) fn encoded_end(text: &Text<'_>, from: usize, most: usize) -> Followed {
    let rest = text.bytes.get(from..).unwrap_or_default();
    let most = most.saturating_sub(from);
    let run = class::run(rest, class::BASE64URL | class::BASE64 | class::EQUALS, most);
    match from + run {
        here if run == most => Followed::Reached(here),
        here if run == rest.len() && !text.is_complete => Followed::Exhausted(here),
        here => Followed::Ends(here),
    }
}

fn found(start: usize, followed: Followed, resume: Resume) -> Found {
    match followed {
        Followed::Ends(end) => Found::Secret { start, end },
        Followed::Reached(end) => Found::Open { start, end, resume },
        Followed::Exhausted(_) => Found::More,
    }
}

/// `Private-Lines: 14`, then as many lines of base64.
pub(super) fn putty(text: &Text<'_>, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let rest = text.bytes.get(end..).unwrap_or_default();
    let digits = class::run(rest, class::DIGIT, 3);
    let start = end + digits + gap(text.bytes, end + digits);
    let body = text.bytes.get(start..).unwrap_or_default();
    let run = body
        .iter()
        .take(REACH / 2)
        .take_while(|byte| class::is(**byte, class::BASE64 | class::EQUALS | class::NEWLINE))
        .count();
    if run == body.len() && !text.is_complete {
        return Found::More;
    }
    // The next header's name stands on a line of its own.
    let lines = body.get(..run).unwrap_or_default();
    let cut = if body.get(run).is_some_and(|byte| matches!(byte, b':' | b'-')) {
        lines.iter().rposition(|byte| *byte == b'\n').unwrap_or(0)
    } else {
        run
    };
    let lines = lines.get(..cut).unwrap_or_default();
    let stop = cut - class::run_back(lines, class::NEWLINE, cut);
    if digits == 0 || stop < 24 { nothing } else { Found::Secret { start, end: start + stop } }
}
