//! A literal, then runs of byte classes.

use super::{Found, Text, class, entropy, plausible};
use crate::secret::detector::{Checksum, Detector, Segment};

/// Where segments ended.
#[derive(Clone, Copy)]
pub(super) enum Matched {
    /// Nowhere: the text is not of this form; how far it was read.
    No(usize),
    /// Beyond the text at hand.
    More,
    /// Start of the secret, and its end.
    Yes(usize, usize),
}

pub(super) fn verify(detector: &Detector, segments: &[Segment], text: &Text<'_>, at: usize, end: usize) -> Found {
    if begins_inside_word(text.bytes, at) {
        return Found::Nothing { examined: end };
    }
    judge(detector, text, (at, end), end, matched(segments, text, at, end))
}

pub(super) fn within(
    detector: &Detector,
    (classes, least, most): (u16, u8, u8),
    segments: &[Segment],
    text: &Text<'_>,
    at: usize,
    end: usize,
) -> Found {
    let nothing = Found::Nothing { examined: end };
    let before = text.bytes.get(..at).unwrap_or_default();
    let run = class::run_back(before, classes, usize::from(most));
    if run < usize::from(least)
        || begins_inside_word(text.bytes, at - run)
            && !before.get(..at - run).is_some_and(|before| before.ends_with(b"/bot"))
    {
        return nothing;
    }
    judge(detector, text, (at - run, at - run), end, matched(segments, text, at - run, end))
}

/// Whether what begins at `at` is the rest of a longer word. The last digit of an octet in percent-encoding is none.
#[inline]
pub(crate) fn begins_inside_word(bytes: &[u8], at: usize) -> bool {
    match bytes.get(..at).unwrap_or_default() {
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => false,
        [.., last] => class::is(*last, class::ALNUM),
        [] => false,
    }
}

fn judge(detector: &Detector, text: &Text<'_>, (at, value): (usize, usize), end: usize, matched: Matched) -> Found {
    let nothing = Found::Nothing { examined: end };
    let (start, stop) = match matched {
        // Long runs are not read again from within.
        Matched::No(here) if here > end + 32 => return Found::Nothing { examined: here },
        Matched::No(_) => return nothing,
        Matched::More => return Found::More,
        Matched::Yes(start, stop) => (start, stop),
    };
    let whole = text.bytes.get(start..stop).unwrap_or_default();
    let value = text.bytes.get(start.max(value)..stop).unwrap_or_default();
    if passes(detector, whole, value) || text.bytes.get(at..stop).is_some_and(|all| passes(detector, all, value)) {
        return Found::Nothing { examined: if stop > end + 32 { stop } else { end } };
    }
    Found::Secret { start, end: stop }
}

/// Whether a value of the right form is no secret after all.
pub(super) fn passes(detector: &Detector, whole: &[u8], value: &[u8]) -> bool {
    detector.passes.iter().any(|pass| pass.as_bytes() == whole)
        || !proves(detector.checksum, whole, value)
            && (entropy::hundredths(value) < u32::from(detector.entropy) * 10 || plausible::is_masked(value))
}

/// How many bytes of tokens ([`class::TOKEN`]) stand at least where `literal` and these segments match, from there on.
/// Padding at the end of base64 counts as such, for it cannot come this early.
pub(crate) fn least_run(literal: &str, segments: &[Segment]) -> usize {
    let bytes = |text: &str| class::run(text.as_bytes(), class::TOKEN, text.len());
    let mut length = bytes(literal);
    let mut goes_on = length == literal.len();
    for segment in segments {
        let (least, is_all) = match *segment {
            _ if !goes_on => break,
            Segment::Run(classes, least, _) => {
                let is_all =
                    (0..=u8::MAX).all(|it| !class::is(it, classes) || class::is(it, class::TOKEN | class::EQUALS));
                (if is_all { usize::from(least) } else { 0 }, is_all)
            }
            Segment::Text(text) | Segment::Until(_, _, text) => (bytes(text), bytes(text) == text.len()),
            Segment::Any(texts) => (
                texts.iter().map(|text| bytes(text)).min().unwrap_or(0),
                texts.iter().all(|text| bytes(text) == text.len()),
            ),
            Segment::Maybe(text) => (0, bytes(text) == text.len()),
            Segment::Start | Segment::End(_) => (0, true),
        };
        length += least;
        goes_on = is_all;
    }
    length
}

/// Matches segments from `end` on; the secret begins at `at` unless a segment says otherwise.
pub(super) fn matched(segments: &[Segment], text: &Text<'_>, at: usize, end: usize) -> Matched {
    let mut start = at;
    let mut here = end;
    let mut stop = None;
    let mut last = 0;
    for segment in segments {
        let rest = text.bytes.get(here..).unwrap_or_default();
        let is_cut =
            |wanted: &str| !text.is_complete && rest.len() < wanted.len() && wanted.as_bytes().starts_with(rest);
        let begins = |wanted: &str| rest.starts_with(wanted.as_bytes());
        match *segment {
            Segment::Start => start = here,
            Segment::End(less) => stop = Some(here.saturating_sub(usize::from(less))),
            Segment::Run(classes, least, most) => {
                let run = class::run(rest, classes, usize::from(most));
                if run == rest.len() && run < usize::from(most) && !text.is_complete {
                    return Matched::More;
                }
                if run < usize::from(least) {
                    return Matched::No(here + run);
                }
                here += run;
                last = classes;
            }
            Segment::Until(classes, most, wanted) => {
                let span = class::run(rest, classes, usize::from(most) + wanted.len());
                let run = rest.get(..span).unwrap_or_default();
                match position(run, wanted.as_bytes()) {
                    Some(before) => here += before + wanted.len(),
                    None if span == rest.len() && span < usize::from(most) + wanted.len() && !text.is_complete => {
                        return Matched::More;
                    }
                    None => return Matched::No(here + span),
                }
                last = classes;
            }
            Segment::Text(wanted) if begins(wanted) => {
                here += wanted.len();
                last = 0;
            }
            Segment::Text(wanted) => return if is_cut(wanted) { Matched::More } else { Matched::No(here) },
            Segment::Any(texts) => match texts.iter().find(|wanted| begins(wanted)) {
                Some(wanted) => {
                    here += wanted.len();
                    last = 0;
                }
                None => {
                    return if texts.iter().any(|wanted| is_cut(wanted)) { Matched::More } else { Matched::No(here) };
                }
            },
            Segment::Maybe(wanted) if begins(wanted) => {
                here += wanted.len();
                last = 0;
            }
            Segment::Maybe(wanted) => {
                if is_cut(wanted) {
                    return Matched::More;
                }
            }
        }
    }
    match text.bytes.get(here) {
        None if !text.is_complete => Matched::More,
        Some(byte) if class::is(*byte, last | if last == 0 { 0 } else { class::ALNUM }) => Matched::No(here),
        _ => {
            // A full stop ends a sentence, not a token.
            let dots = if last & class::DOT == 0 {
                0
            } else {
                class::run_back(text.bytes.get(start..here).unwrap_or_default(), class::DOT, 3)
            };
            Matched::Yes(start, stop.unwrap_or(here - dots))
        }
    }
}

/// Where `wanted` begins in `run`.
fn position(run: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted.first()?;
    (0..run.len()).find(|at| run.get(*at) == Some(first) && run.get(*at..).is_some_and(|rest| rest.starts_with(wanted)))
}

fn proves(checksum: Checksum, whole: &[u8], value: &[u8]) -> bool {
    match checksum {
        Checksum::None => false,
        Checksum::Crc32Base62 => value.split_last_chunk::<6>().is_some_and(|(body, sum)| {
            let mut left = crc32(body);
            let mut digits = [0; 6];
            for digit in digits.iter_mut().rev() {
                *digit = match u8::try_from(left % 62).unwrap_or(0) {
                    value @ 0..10 => b'0' + value,
                    value @ 10..36 => b'A' + value - 10,
                    value => b'a' + value - 36,
                };
                left /= 62;
            }
            digits == *sum
        }),
        Checksum::Crc32Hex => whole.split_last_chunk::<9>().is_some_and(|(body, sum)| {
            std::str::from_utf8(sum)
                .ok()
                .and_then(|sum| sum.strip_prefix('_'))
                .is_some_and(|sum| u32::from_str_radix(sum, 16) == Ok(crc32(body)))
        }),
    }
}

/// CRC-32 (ISO-HDLC) of `bytes`.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc_is_the_one_of_the_catalogue() {
        assert_eq!(super::crc32(b"123456789"), 0xCBF4_3926);
    }
}
