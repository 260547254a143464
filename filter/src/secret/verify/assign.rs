//! Values that are assigned to names: in code, JSON, YAML, INI, XML, headers, query strings and command lines.

use super::assigned::{Assigned, Seen};
use super::name::{self, Says};
use super::token::{Matched, begins_inside_word, matched, passes};
use super::{Found, Resume, Text, class, plausible, sibling};
use crate::secret::detector::{Detector, Kind, Segment};
use crate::secret::scan::REACH;

/// The longest value that is judged.
pub(super) const MOST: usize = 4096;

/// White space between the parts of an assignment, at most.
pub(super) const GAP: usize = 64;

/// What stands after a name.
pub(super) enum Place {
    /// No value.
    Nowhere,
    /// Not known yet.
    More,
    /// A value begins here.
    At(usize, How),
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// What holds it.
    pub(super) hold: Hold,
    /// Whether the assignment is unusual, so that the value must speak for itself.
    pub(super) is_strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Whatever comes: a quoted or a bare value.
    Any,
    /// Quotes.
    Quotes,
    /// An XML element.
    Element,
}

/// A value with its bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The quote before it, or 0.
    pub(super) quote: u8,
    /// Whether it goes on beyond what may be read.
    pub(super) is_open: bool,
}

pub(super) enum Read {
    No,
    More,
    Value(Value),
}

pub(super) fn verify(
    detector: &Detector,
    kind: Kind,
    text: &Text<'_>,
    (at, end): (usize, usize),
    seen: &Seen,
) -> Found {
    let Some(name) = name::around(text, at, end) else { return Found::More };
    let nothing = Found::Nothing { examined: name.1.max(end) };
    if name.0 == name.1 {
        return nothing;
    }
    if text.bytes.get(name.1).is_some_and(|byte| !may_follow_name(*byte)) {
        return Found::Nothing { examined: name.1.max(end) };
    }
    let says = match kind {
        Kind::Header if name.1 != end => Says::Other,
        Kind::Header => Says::Secret,
        kind => name::says(text.bytes, name, (at, end), kind),
    };
    if says == Says::Other {
        // Another literal in the same name may say more: `_pass` says nothing of `DB_PASSWORD`, `password` does.
        return Found::Nothing { examined: end };
    }
    let (how, mut value) = match Assigned::to(name, text, seen, |_| MOST) {
        Assigned::Nothing => return nothing,
        Assigned::More => return Found::More,
        // So long a run is not read again from within.
        Assigned::Value(_, value) if value.is_open && value.quote == 0 => {
            return Found::Nothing { examined: value.end };
        }
        Assigned::Value(_, value) if value.is_open => return nothing,
        Assigned::Value(how, value) => (how, value),
    };
    if kind == Kind::Header {
        match scheme(text, &value) {
            Read::No => return nothing,
            Read::More => return Found::More,
            Read::Value(rest) => value = rest,
        }
    }
    let bytes = text.bytes.get(value.start..value.end).unwrap_or_default();
    let is_secret = plausible::is_secret(&plausible::Claim {
        kind,
        value: bytes,
        is_quoted: value.quote != 0 || how.hold == Hold::Element,
        is_strict: how.is_strict || says == Says::Maybe,
        floor: u32::from(detector.entropy) * 10,
    });
    if is_secret {
        Found::Secret { start: value.start, end: value.end }
    } else if value.quote == 0 && bytes.len() > 64 {
        Found::Nothing { examined: value.end }
    } else {
        nothing
    }
}

/// A value of the form that `segments` give, whose name holds the literal and speaks of a secret.
pub(super) fn keyed(
    detector: &Detector,
    segments: &[Segment],
    text: &Text<'_>,
    (at, end): (usize, usize),
    seen: &Seen,
) -> Found {
    let Some(name) = name::around(text, at, end) else { return Found::More };
    let nothing = Found::Nothing { examined: name.1.max(end) };
    if name.0 == name.1 || !name::mentions_secret(text.bytes.get(name.0..name.1).unwrap_or_default()) {
        return nothing;
    }
    // A longer value is of another form. What is cut off its end (`bare`) is shorter than the rest.
    let most = longest(segments) + 32;
    let value = match Assigned::to(name, text, seen, |_| most) {
        Assigned::Nothing => return nothing,
        Assigned::More => return Found::More,
        Assigned::Value(_, value) => value,
    };
    match matched(segments, text, value.start, value.start) {
        Matched::More => Found::More,
        Matched::Yes(start, stop) if stop <= value.end && !begins_inside_word(text.bytes, start) => {
            let bytes = text.bytes.get(start..stop).unwrap_or_default();
            if stop < value.end || passes(detector, bytes, bytes) {
                nothing
            } else {
                Found::Secret { start, end: stop }
            }
        }
        _ => nothing,
    }
}

/// The most bytes that segments match.
fn longest(segments: &[Segment]) -> usize {
    let length = |segment: &Segment| match *segment {
        Segment::Run(_, _, most) => usize::from(most),
        Segment::Text(text) | Segment::Maybe(text) => text.len(),
        Segment::Any(texts) => texts.iter().map(|text| text.len()).max().unwrap_or(0),
        Segment::Until(_, most, text) => usize::from(most) + text.len(),
        Segment::Start | Segment::End(_) => 0,
    };
    segments.iter().map(length).sum()
}

/// The value assigned to the name `at..end`, which must be a whole name, prefixes aside: a quoted string, or a bare word,
/// number or boolean, of at least one byte.
pub(crate) fn assigned_value(text: &Text<'_>, (at, end): (usize, usize), seen: &Seen) -> Found {
    let nothing = Found::Nothing { examined: end };
    let Some(name) = name::around(text, at, end) else { return Found::More };
    if name.0 == name.1 || name.1 != end || begins_inside_word(text.bytes, at) {
        return nothing;
    }
    let value = match Assigned::to(name, text, seen, |place| REACH.saturating_sub(place.saturating_sub(at))) {
        Assigned::Nothing => return nothing,
        Assigned::More => return Found::More,
        Assigned::Value(_, value) => value,
    };
    let bytes = text.bytes.get(value.start..value.end).unwrap_or_default();
    if value.is_open {
        let resume = match value.quote {
            0 => Resume::Bare,
            quote => Resume::Quoted { quote, level: text.levels.level(value.start.saturating_sub(1)) },
        };
        Found::Open { start: value.start, end: value.end, resume }
    } else if value.quote == 0 && matches!(bytes.first(), Some(b'{' | b'['))
        || bytes.is_empty()
        || super::placeholder::is_whole(bytes)
    {
        nothing
    } else {
        Found::Secret { start: value.start, end: value.end }
    }
}

/// Takes the scheme off the value of an `Authorization` field; those that have detectors of their own are left to them.
fn scheme(text: &Text<'_>, value: &Value) -> Read {
    let bytes = text.bytes.get(value.start..).unwrap_or_default();
    let word = class::run(bytes, class::ALPHA | class::DASH, 20);
    let is_scheme = bytes.get(word) == Some(&b' ');
    let first = bytes.get(..word).unwrap_or_default();
    if first.eq_ignore_ascii_case(b"bearer") || first.eq_ignore_ascii_case(b"basic") {
        return Read::No;
    }
    if !is_scheme {
        return Read::Value(Value { ..*value });
    }
    let start = value.start + word + 1;
    if value.quote != 0 {
        return if start < value.end { Read::Value(Value { start, ..*value }) } else { Read::No };
    }
    read(text, start, Hold::Any, MOST)
}

/// What may stand between a name and its value, after the name; see [`place`].
fn may_follow_name(byte: u8) -> bool {
    class::is(byte, class::SPACE | class::QUOTE | class::COLON | class::EQUALS | class::PERCENT)
        || b"?|>,<]".contains(&byte)
}

pub(super) fn quote(byte: u8) -> bool {
    class::is(byte, class::QUOTE)
}

/// Finds where the value of the name begins.
pub(super) fn place(text: &Text<'_>, (start, stop): (usize, usize)) -> Place {
    let bytes = text.bytes;
    let end_of_text = if text.is_complete { Place::Nowhere } else { Place::More };
    let before = start.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(0);
    let mut how = How { hold: Hold::Any, is_strict: false };
    let mut here = stop;
    let mut is_quoted = false;
    let Some(next) = bytes.get(here).copied() else { return end_of_text };
    if quote(next) && next == before {
        is_quoted = true;
        here += 1;
    }
    if let Some(found) = sibling::place(text, if is_quoted { start - 1 } else { start }, here, is_quoted) {
        return found;
    }
    if is_quoted && bytes.get(here) == Some(&b']') {
        here += 1;
    }
    let gap =
        class::run(bytes.get(here..).unwrap_or_default(), if is_quoted { class::SPACE } else { class::BLANK }, GAP);
    here += gap;
    let rest = bytes.get(here..).unwrap_or_default();
    // The separators are at most this long: less text cannot tell.
    if rest.len() < 16 && !text.is_complete {
        return Place::More;
    }
    let is_option = bytes.get(start) == Some(&b'-') && bytes.get(start + 1) != Some(&b' ');
    let mut is_colon = false;
    here += match rest {
        [b':', b':', ..] | [b'=', b'=' | b'~', ..] | [b'!', ..] => return Place::Nowhere,
        [b':' | b'?', b'=', ..] => 2,
        [b'?', b':', ..] => {
            is_colon = true;
            2
        }
        [b':', ..] => {
            is_colon = true;
            1
        }
        [b'=', b'>', ..] => 2,
        [b'=', ..] => 1,
        [b'|', b'|', b'=', ..] | [b'%', b'3', b'D' | b'd', ..] => 3,
        [b'>', ..] if before == b'<' || before == b':' => {
            how.hold = Hold::Element;
            1
        }
        [b',', ..] if is_quoted => {
            how = How { hold: Hold::Quotes, is_strict: before != b'\'' };
            1
        }
        _ if rest.starts_with(b"</key>") => {
            let rest = rest.get(6..).unwrap_or_default();
            let gap = class::run(rest, class::SPACE, GAP);
            let rest = rest.get(gap..).unwrap_or_default();
            if rest.len() < 8 && !text.is_complete {
                return Place::More;
            }
            if !rest.starts_with(b"<string>") {
                return Place::Nowhere;
            }
            how.hold = Hold::Element;
            6 + gap + 8
        }
        [b'i', b's', b' ' | b':', ..] if gap > 0 && !is_quoted => {
            how.is_strict = true;
            3
        }
        [b'|', b' ', ..] if gap > 0 => 1,
        [b'\'', ..] if gap > 0 && !is_quoted => {
            how.hold = Hold::Quotes;
            0
        }
        // Columns: `password    S3cret`.
        _ if gap > 2 && !is_quoted && before == b'\n' => {
            how.is_strict = true;
            0
        }
        _ if gap > 0 && (is_option || !is_quoted && takes_blank(bytes, (start, stop))) => 0,
        // Go: `name string = "…"`.
        _ if gap > 0 && !is_quoted => match annotation(text, here) {
            Some(Some(after)) => {
                how.hold = Hold::Quotes;
                after - here
            }
            Some(None) => return Place::Nowhere,
            None => return Place::More,
        },
        _ => return Place::Nowhere,
    };
    if how.hold == Hold::Element {
        return Place::At(here, how);
    }
    let blanks = if is_quoted && is_colon { class::SPACE } else { class::BLANK };
    here += class::run(bytes.get(here..).unwrap_or_default(), blanks, GAP);
    if is_colon && !is_quoted {
        match annotation(text, here) {
            Some(Some(after)) => {
                how.hold = Hold::Quotes;
                here = after;
            }
            Some(None) => {}
            None => return Place::More,
        }
    }
    Place::At(here, how)
}

/// Skips a type between `:` and `=`: the index of the quote after it. `None` if the text ends before that is known.
fn annotation(text: &Text<'_>, from: usize) -> Option<Option<usize>> {
    let rest = text.bytes.get(from..).unwrap_or_default();
    let lifetime = if rest.starts_with(b"&'") { 2 } else { 0 };
    let from = from + lifetime;
    let rest = rest.get(lifetime..).unwrap_or_default();
    let length = rest
        .iter()
        .take(48)
        .take_while(|byte| class::is(**byte, class::WORD | class::DOT | class::BLANK) || b"<>[]?&|:".contains(*byte))
        .count();
    let after = rest.get(length..).unwrap_or_default();
    if length == 48 || length == 0 {
        return Some(None);
    }
    match after {
        [b'=', b'=' | b'>', ..] => Some(None),
        [b'=', rest @ ..] => {
            let gap = class::run(rest, class::BLANK, GAP);
            match rest.get(gap) {
                None if !text.is_complete => None,
                Some(byte) if quote(*byte) => Some(Some(from + length + 1 + gap)),
                _ => Some(None),
            }
        }
        [] if !text.is_complete => None,
        _ => Some(None),
    }
}

/// Whether a blank separates name and value here: in netrc and Redis files, and after commands that set variables.
fn takes_blank(bytes: &[u8], (start, stop): (usize, usize)) -> bool {
    let name = bytes.get(start..stop).unwrap_or_default();
    let before = bytes.get(start.saturating_sub(160)..start).unwrap_or_default();
    name.eq_ignore_ascii_case(b"requirepass")
        || name.eq_ignore_ascii_case(b"masterauth")
        || [&b"ENV "[..], b"ARG ", b"setx ", b"SETX ", b"configure set ", b"config set ", b"secret set ", b"env:set "]
            .iter()
            .any(|command| before.ends_with(command))
        || name.eq_ignore_ascii_case(b"password") && follows_login(before)
}

/// Whether `login`, a blank and a word end `before`: the lines of a netrc file.
fn follows_login(before: &[u8]) -> bool {
    let without = |of: &[u8], ends: fn(&u8) -> bool| of.len() - of.iter().rev().take_while(|it| ends(it)).count();
    let word = before.get(..without(before, u8::is_ascii_whitespace)).unwrap_or_default();
    let blank = word.get(..without(word, |it| !it.is_ascii_whitespace())).unwrap_or_default();
    let login = blank.get(..without(blank, u8::is_ascii_whitespace)).unwrap_or_default();
    word.len() < before.len() && login.len() < blank.len() && login.ends_with(b"login")
}

/// Reads the value at `at`.
pub(super) fn read(text: &Text<'_>, at: usize, hold: Hold, most: usize) -> Read {
    let bytes = text.bytes;
    let mut at = at;
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.len() < 4 && !text.is_complete {
        return Read::More;
    }
    if hold == Hold::Element {
        return until(text, at, most, |byte, _| byte == b'<', 0);
    }
    // A prefix of a string literal.
    if let [b'b' | b'B' | b'r' | b'R' | b'u' | b'U' | b'f' | b'F' | b'@' | b'L' | b'N' | b'$', next, ..] = rest
        && quote(*next)
    {
        at += 1;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(first) = rest.first().copied() else { return Read::No };
    if !quote(first) {
        return if hold == Hold::Quotes { Read::No } else { bare(text, at, most) };
    }
    let level = text.levels.level(at);
    let is_triple = rest.get(1) == Some(&first) && rest.get(2) == Some(&first);
    let start = at + if is_triple { 3 } else { 1 };
    until(text, start, most, |byte, here| byte == first && (first != b'"' || text.levels.level(here) <= level), first)
}

/// Reads up to the byte that `ends` names. A line end or a delimiting quote before it means that there is no value.
fn until(text: &Text<'_>, start: usize, most: usize, ends: impl Fn(u8, usize) -> bool, quote: u8) -> Read {
    let rest = text.bytes.get(start..).unwrap_or_default();
    let mut is_escaped = false;
    for (offset, byte) in rest.iter().enumerate() {
        let here = start + offset;
        if offset >= most {
            return Read::Value(Value { start, end: here, quote, is_open: true });
        }
        if !is_escaped && ends(*byte, here) {
            return Read::Value(Value { start, end: here, quote, is_open: false });
        }
        if matches!(byte, b'\n' | b'\r') || *byte == b'"' && quote != b'"' {
            return Read::No;
        }
        is_escaped = *byte == b'\\' && quote == b'\'' && !is_escaped;
    }
    if text.is_complete { Read::No } else { Read::More }
}

/// Reads a value without quotes.
fn bare(text: &Text<'_>, start: usize, most: usize) -> Read {
    let rest = text.bytes.get(start..).unwrap_or_default();
    let mut length = 0;
    let mut has_sign = false;
    loop {
        let Some(byte) = rest.get(length).copied() else {
            if text.is_complete {
                break;
            }
            return Read::More;
        };
        if length >= most {
            return Read::Value(Value { start, end: start + length, quote: 0, is_open: true });
        }
        if class::is(byte, class::WORD | class::DASH | class::DOT | class::PLUS_SLASH) {
            length += 1;
            continue;
        }
        let after = rest.get(length + 1..).unwrap_or_default();
        match byte {
            b',' | b';' | b')' | b'}' | b']' | b'>' | b'<' | b'|' | 0..=b' ' | 0x7F => break,
            _ if quote(byte) => break,
            // `a=b=c`: what stands before the sign is a name.
            b'=' if !has_sign => {
                let head = rest.get(..length).unwrap_or_default();
                if head.iter().all(|byte| class::is(*byte, class::ALPHA | class::UNDERSCORE | class::DASH | class::DOT))
                    && !plausible::is_random(head)
                {
                    break;
                }
                has_sign = true;
            }
            b'&' => {
                let name = class::run(after, class::WORD | class::DASH | class::DOT, 32);
                match after.get(name) {
                    None if !text.is_complete => return Read::More,
                    Some(b'=' | b'&' | b'[' | b';') => break,
                    _ if name == 0 => break,
                    _ => {}
                }
            }
            _ => {}
        }
        length += 1;
    }
    // What ends a sentence does not belong to the value.
    let trailing =
        rest.get(..length).unwrap_or_default().iter().rev().take_while(|byte| matches!(byte, b'.' | b':')).count();
    match length - trailing {
        0 => Read::No,
        length => Read::Value(Value { start, end: start + length, quote: 0, is_open: false }),
    }
}
