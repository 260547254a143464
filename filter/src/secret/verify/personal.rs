//! Personal data: forms with check digits, mail addresses and telephone numbers.

use super::{Found, Text, class, national};
use crate::secret::detector::Personal;

pub(super) fn verify(kind: Personal, text: &Text<'_>, at: usize, end: usize) -> Found {
    match kind {
        Personal::Card => card(text, at, end),
        Personal::Iban => iban(text, at, end),
        Personal::Email => email(text, at, end),
        Personal::Phone => phone(text, at, end),
        Personal::Ssn => ssn(text, at, end),
        Personal::Named(id) => national::verify(id, text, at, end),
    }
}

/// Digits with single separators between them: how many there are, and where they end.
struct Digits {
    digits: [u8; 40],
    count: usize,
    end: usize,
}

/// Reads digits (and letters, where `letters` says so) with single `separators` between them; `None` if the text ends first.
fn read(text: &Text<'_>, from: usize, most: usize, separators: &[u8], classes: u16) -> Option<Digits> {
    let mut found = Digits { digits: [0; 40], count: 0, end: from };
    let mut here = from;
    loop {
        let Some(byte) = text.bytes.get(here).copied() else {
            return text.is_complete.then_some(found);
        };
        if class::is(byte, classes) {
            if found.count >= most {
                // Too long to be one.
                found.count = most + 1;
                return Some(found);
            }
            if let Some(slot) = found.digits.get_mut(found.count) {
                *slot = byte;
            }
            found.count += 1;
            here += 1;
            found.end = here;
        } else if separators.contains(&byte) && found.end == here && found.count > 0 {
            here += 1;
        } else {
            return Some(found);
        }
    }
}

/// Whether a number goes on before `at`.
fn follows_number(bytes: &[u8], at: usize) -> bool {
    match bytes.get(..at).unwrap_or_default() {
        [.., a, b'.' | b'-' | b',' | b'/'] => a.is_ascii_digit(),
        [.., a] => class::is(*a, class::WORD),
        [] => false,
    }
}

/// ISO/IEC 7812: 13 to 19 digits of a known network, in one run or in groups of four (4-6-5 of American Express).
fn card(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    if follows_number(text.bytes, at) {
        return nothing;
    }
    let Some(found) = read(text, at, 19, b" -", class::DIGIT) else { return Found::More };
    let digits = found.digits.get(..found.count).unwrap_or_default();
    let span = text.bytes.get(at..found.end).unwrap_or_default();
    let is_grouped = span.len() == digits.len()
        || span.split(|byte| matches!(byte, b' ' | b'-')).enumerate().all(|(index, group)| {
            match (digits.len(), index) {
                (15, 1) => group.len() == 6,
                (15, 2) => group.len() == 5,
                (14, 1) => group.len() == 6,
                (_, _) => group.len() == 4 || index >= 3 && group.len() < 4,
            }
        });
    let length = match digits {
        [b'3', b'4' | b'7', ..] => digits.len() == 15,
        [b'3', b'0' | b'6' | b'8', ..] => digits.len() == 14,
        [b'4', ..] => matches!(digits.len(), 13 | 16 | 19),
        [b'5' | b'2', ..] => digits.len() == 16,
        _ => (16..=19).contains(&digits.len()),
    };
    let goes_on = text.bytes.get(found.end).is_some_and(|byte| class::is(*byte, class::WORD))
        || matches!(text.bytes.get(found.end..found.end + 2), Some([b'.' | b'-', next]) if next.is_ascii_digit());
    let is_varied = digits.iter().any(|digit| digits.first() != Some(digit));
    if !length || !is_grouped || goes_on || !is_varied || !luhn(digits) {
        return nothing;
    }
    Found::Secret { start: at, end: found.end }
}

/// ISO/IEC 7812-1, annex B, over ASCII digits.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            if index % 2 == 0 { digit } else { digit * 2 - if digit > 4 { 9 } else { 0 } }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 13616: country, two check digits, up to 30 letters and digits in groups of four.
fn iban(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let begins_word =
        at.checked_sub(1).and_then(|before| text.bytes.get(before)).is_none_or(|byte| !class::is(*byte, class::WORD));
    let follow = text.bytes.get(end..end + 2);
    if follow.is_none() && !text.is_complete {
        return Found::More;
    }
    if !begins_word || !follow.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit)) {
        return nothing;
    }
    let Some(found) = read(text, at, 35, b" ", class::UPPER | class::DIGIT) else { return Found::More };
    let code = found.digits.get(..found.count).unwrap_or_default();
    let length =
        LENGTHS.iter().find(|(country, _)| code.starts_with(*country)).map_or(0, |(_, length)| usize::from(*length));
    let code = match code.get(..length) {
        Some(code) if length > 0 && mod97(code) => code,
        _ => return nothing,
    };
    // Words in capitals may follow after a blank: the end is where the country's length says.
    let mut left = code.len();
    let span = text.bytes.get(at..found.end).unwrap_or_default();
    let taken = span
        .iter()
        .take_while(|byte| {
            let takes = left > 0;
            left -= usize::from(takes && **byte != b' ');
            takes
        })
        .count();
    if text.bytes.get(at + taken).is_some_and(|byte| class::is(*byte, class::ALNUM)) {
        return nothing;
    }
    Found::Secret { start: at, end: at + taken }
}

/// ISO 7064 mod 97-10: the first four characters move to the end, letters count from 10.
fn mod97(code: &[u8]) -> bool {
    let (head, body) = code.split_at_checked(4).unwrap_or_default();
    let rest = body.iter().chain(head).fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        b'A'..=b'Z' => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        _ => rest,
    });
    rest == 1
}

/// RFC 5322 as people use it: a dot-atom of up to 64 bytes, and a domain with a top level of letters.
fn email(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let before = text.bytes.get(..at).unwrap_or_default();
    let local = before
        .iter()
        .rev()
        .take(64)
        .take_while(|byte| class::is(**byte, class::WORD | class::DOT | class::DASH) || **byte == b'+')
        .count();
    let name = before.get(at - local..).unwrap_or_default();
    let dots = name.iter().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let local = local - dots;
    if local == 0 || local == 64 || name.last() == Some(&b'.') {
        return nothing;
    }
    let rest = text.bytes.get(at + 1..).unwrap_or_default();
    let run = class::run(rest, class::ALNUM | class::DOT | class::DASH, 253);
    if run == rest.len() && run < 253 && !text.is_complete {
        return Found::More;
    }
    let domain = rest.get(..run).unwrap_or_default();
    let domain = domain.get(..run - class::run_back(domain, class::DOT | class::DASH, run)).unwrap_or_default();
    let Some(dot) = domain.iter().rposition(|byte| *byte == b'.') else { return nothing };
    let top = domain.get(dot + 1..).unwrap_or_default();
    let is_real = top.len() >= 2
        && top.len() <= 18
        && top.iter().all(u8::is_ascii_alphabetic)
        && !domain.windows(2).any(|pair| pair == b"..")
        && domain.first() != Some(&b'.');
    // `git@github.com:owner/repository` and `npm:package@scope.name/…` name no person.
    let is_git = name.ends_with(b"git") && local == 3;
    if !is_real || is_git {
        return nothing;
    }
    Found::Secret { start: at - local, end: at + 1 + domain.len() }
}

/// ITU-T E.164: `+` and 8 to 15 digits, separated or not.
fn phone(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let begins = at
        .checked_sub(1)
        .and_then(|before| text.bytes.get(before))
        .is_none_or(|byte| !class::is(*byte, class::WORD | class::PLUS_SLASH | class::EQUALS) && *byte != b')');
    if !begins {
        return nothing;
    }
    let mut here = at + 1;
    let mut digits = 0;
    let mut stop = here;
    loop {
        let Some(byte) = text.bytes.get(here) else {
            if text.is_complete {
                break;
            }
            return Found::More;
        };
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                stop = here + 1;
                if digits > 15 {
                    return nothing;
                }
            }
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' if here - stop < 2 => {}
            _ => break,
        }
        here += 1;
    }
    let goes_on =
        text.bytes.get(stop).is_some_and(|byte| class::is(*byte, class::WORD | class::PLUS_SLASH | class::EQUALS));
    let span = text.bytes.get(at..stop).unwrap_or_default();
    // A number with a fraction, or a time zone.
    let is_number = span.iter().filter(|byte| **byte == b'.').count() == 1 && !span.contains(&b' ');
    if (8..=15).contains(&digits) && !goes_on && !is_number { Found::Secret { start: at, end: stop } } else { nothing }
}

/// `AAA-GG-SSSS`: the literal is the group between its dashes.
fn ssn(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let Some(start) = at.checked_sub(3) else { return nothing };
    if follows_number(text.bytes, start) {
        return nothing;
    }
    let Some(serial) =
        text.bytes.get(end..end + 5).or_else(|| text.bytes.get(end..end + 4).filter(|_| text.is_complete))
    else {
        return if text.is_complete { nothing } else { Found::More };
    };
    let area = text.bytes.get(start..at).unwrap_or_default();
    let group = text.bytes.get(at + 1..end - 1).unwrap_or_default();
    let (serial, after) = serial.split_at_checked(4).unwrap_or_default();
    if after.first().is_some_and(|byte| class::is(*byte, class::WORD | class::DASH))
        || !national::is_ssn(area, group, serial)
    {
        return nothing;
    }
    Found::Secret { start, end: end + 4 }
}

/// Lengths of the IBAN registry.
static LENGTHS: &[(&[u8; 2], u8)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];
