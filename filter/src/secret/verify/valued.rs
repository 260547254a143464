//! Values of a known shape that only their names give away, looked for from where the value begins: the names of
//! products are everywhere, such values are not.

use super::assign::{GAP, keyed, quote};
use super::assigned::Seen;
use super::name::{MOST as LONGEST_NAME, NAME, may_mention_secret};
use super::token::{Matched, matched};
use super::{Found, Text, class};
use crate::secret::detector::{Detector, Form};
use crate::secret::prefilter::RUN;

/// How far before a value its name is looked for.
const ZONE: usize = 192;

/// As many of the literals that stand before a value are tried.
const TRIES: usize = 8;

/// Whether the secrets of a detector are found from where the value begins.
pub(crate) fn is_valued(detector: &Detector) -> bool {
    matches!(detector.form, Form::Keyed(segments) if super::token::least_run("", segments) >= RUN)
}

/// Whether the value of an assignment to a name that may speak of a secret may begin at `at`, where a run of [`RUN`]
/// token bytes begins.
#[inline(always)]
pub(crate) fn may_be_value(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(0);
    may_stand_before(before)
        && bytes.get(at..).and_then(|rest| rest.first_chunk()).is_some_and(looks_random)
        && is_named(bytes, at)
}

/// What may stand right before a value: a quote, a blank, the sign of an assignment, or the end of an escaped one.
#[inline(always)]
pub(crate) fn may_stand_before(byte: u8) -> bool {
    class::is(byte, class::SPACE | class::QUOTE | class::EQUALS | class::COLON) || b">Dd|,".contains(&byte)
}

/// Whether bytes of tokens hold a digit, or letters of both cases and nothing that joins words. Hardly a value of so
/// many random bytes does not, and most names of programs do not.
#[inline(always)]
fn looks_random(bytes: &[u8; RUN]) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) else { return false };
    let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    // Of the bytes of tokens, digits alone have the fifth bit and not the seventh; small letters have the sixth and it,
    // capital ones and `_` it alone.
    let some = |of: fn(u64) -> u64| (of(first) | of(last)) & EVERY != 0;
    some(|it| it >> 4 & !(it >> 6))
        || some(|it| it >> 5 & it >> 6)
            && some(|it| !(it >> 5) & it >> 6)
            && !bytes.iter().any(|byte| matches!(byte, b'_' | b'.'))
}

/// The lowest bit of every byte.
const EVERY: u64 = 0x0101_0101_0101_0101;

#[inline(never)]
fn is_named(bytes: &[u8], at: usize) -> bool {
    // A member of an object, as most are.
    if let Some(end) = at.checked_sub(3)
        && bytes.get(end..at) == Some(b"\":\"")
    {
        let before = bytes.get(..end).unwrap_or_default();
        let from = end - class::run_back(before, NAME, LONGEST_NAME);
        let name = bytes.get(from..end).unwrap_or_default();
        return holds_values(name) || may_mention_secret(name);
    }
    zone(bytes, at)
        .is_some_and(|(from, to, is_wide)| is_wide || may_mention_secret(bytes.get(from..to).unwrap_or_default()))
}

/// Where the name of a value that begins at `at` stands, and whether much else may stand there too.
fn zone(bytes: &[u8], at: usize) -> Option<(usize, usize, bool)> {
    let (end, has_sign) = name_end(bytes, at)?;
    let before = |end: usize| bytes.get(..end).unwrap_or_default();
    let mut end = end;
    if before(end).last() == Some(&b']') {
        end -= 1;
    }
    if before(end).last().is_some_and(|byte| quote(*byte)) {
        end -= 1;
    }
    let from = end - class::run_back(before(end), NAME, LONGEST_NAME);
    let name = bytes.get(from..end).unwrap_or_default();
    if holds_values(name) {
        return Some((at.saturating_sub(ZONE), from, true));
    }
    // `const KEY: &str = …`, `var key string = …`: the name stands before its type.
    let joint = before(from).iter().rev().take(4).take_while(|byte| b" \t:&*<".contains(byte)).count();
    if has_sign && joint > 0 {
        let from = from - joint;
        return Some((from - class::run_back(before(from), NAME, LONGEST_NAME), end, false));
    }
    Some((from, end, false))
}

/// Whether what is called so is a value of something named elsewhere.
#[inline]
fn holds_values(name: &[u8]) -> bool {
    matches!(name.first().map(|first| first | 0x20), Some(b'v' | b's' | b'c' | b'i'))
        && [&b"value"[..], b"stringvalue", b"val", b"content", b"string", b"is"]
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it))
}

/// Where the name before the sign of an assignment ends (its quote included) whose value begins at `at`, and whether
/// the sign is `=`. What [`super::assign`] reads forwards is read backwards here, and less strictly.
fn name_end(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let before = |here: usize| here.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(0);
    let mut here = at;
    let opener = before(here);
    let is_quoted = quote(opener);
    if is_quoted {
        here -= bytes.get(..here)?.iter().rev().take(3).take_while(|byte| **byte == opener).count();
        // `b"…"`, `@"…"`.
        let is_prefix = class::is(before(here), class::ALPHA) || matches!(before(here), b'@' | b'$');
        if is_prefix && !class::is(before(here.saturating_sub(1)), class::WORD) {
            here -= 1;
        }
    }
    let is_escaped = |here: usize| {
        here.checked_sub(3).and_then(|sign| bytes.get(sign..here)).is_some_and(|it| it.eq_ignore_ascii_case(b"%3d"))
    };
    if is_escaped(here) {
        return Some((here - 3, false));
    }
    let gap = class::run_back(bytes.get(..here)?, class::SPACE, GAP);
    here -= gap;
    let sign = before(here);
    if matches!(sign, b'=' | b':' | b'>' | b',' | b'|') {
        let signs = bytes.get(..here)?.iter().rev().take(3).take_while(|byte| b"=:>,|?".contains(byte)).count();
        here -= signs;
        here -= class::run_back(bytes.get(..here)?, class::SPACE, GAP);
        return Some((here, sign == b'='));
    }
    if gap == 0 && !is_quoted {
        return None;
    }
    // Without a sign: `name is value`, `--name value`, `ENV NAME value`, `name 'value'`, and columns.
    let words = bytes.get(..here)?;
    if words.ends_with(b" is") {
        here -= 3;
        here -= class::run_back(bytes.get(..here)?, class::BLANK, GAP);
        return Some((here, false));
    }
    let name = class::run_back(words, NAME, LONGEST_NAME);
    let start = here - name;
    let is_name = bytes.get(start) == Some(&b'-')
        || opener == b'\''
        || before(start) == b'\n' && gap > 2
        || matches!(before(start), b' ' | b'\t') && b"VGxXt".contains(&before(start.saturating_sub(1)));
    (name > 0 && is_name).then_some((here, false))
}

/// Literals of detectors whose values are found first.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// A bit for each hash of the first four bytes of a literal.
    gate: [u64; 32],
    /// Literals, in lower case, with what they belong to.
    literals: Vec<(&'static str, usize)>,
}

impl Names {
    /// Adds a literal of a detector; `owner` is what [`Self::find`] gives for it.
    pub(crate) fn insert(&mut self, literal: &'static str, owner: usize) {
        let (index, bit) = place(literal.as_bytes());
        if let Some(bits) = self.gate.get_mut(index) {
            *bits |= bit;
        }
        self.literals.push((literal, owner));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }

    /// Calls `found` with the owner, and the bounds of each literal in the name of a value that begins at `at`.
    pub(crate) fn find(&self, bytes: &[u8], at: usize, mut found: impl FnMut(usize, usize, usize)) {
        let Some((from, to, _)) = zone(bytes, at) else { return };
        let mut tries = 0;
        for start in (from..to).rev() {
            let rest = bytes.get(start..to).unwrap_or_default();
            let (index, bit) = place(rest);
            if self.gate.get(index).is_none_or(|bits| bits & bit == 0) {
                continue;
            }
            let mut is_one = false;
            for (literal, owner) in &self.literals {
                if rest.get(..literal.len()).is_some_and(|here| here.eq_ignore_ascii_case(literal.as_bytes())) {
                    is_one = true;
                    found(*owner, start, start + literal.len());
                }
            }
            tries += usize::from(is_one);
            if tries == TRIES {
                return;
            }
        }
    }
}

/// Where in the gate a text with these first bytes is.
fn place(text: &[u8]) -> (usize, u64) {
    let word = text.first_chunk().map_or(0, |four| u32::from_le_bytes(*four) & 0xdfdf_dfdf);
    let hash = word.wrapping_mul(0x9e37_79b1) >> 21;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// Judges the value that begins at `at` by a literal of the detector in its name, at `name`.
pub(crate) fn verify(detector: &Detector, text: &Text<'_>, at: usize, name: (usize, usize), seen: &Seen) -> Found {
    let nothing = Found::Nothing { examined: at };
    let Form::Keyed(segments) = detector.form else { return nothing };
    if matches!(matched(segments, text, at, at), Matched::No(_)) {
        return nothing;
    }
    match keyed(detector, segments, text, name, seen) {
        Found::Secret { start, end } if start == at => Found::Secret { start, end },
        Found::More => Found::More,
        _ => nothing,
    }
}
