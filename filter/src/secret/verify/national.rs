//! National numbers after their names, told by their check digits.

use super::{Found, Text, class, personal};
use crate::secret::detector::NationalId;

/// What may stand between a name and its number.
const GAP: usize = 24;

pub(super) fn verify(id: NationalId, text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let bytes = text.bytes;
    let begins_word =
        at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|byte| !class::is(*byte, class::ALPHA));
    if !begins_word || bytes.get(end).is_some_and(|byte| class::is(*byte, class::LOWER)) && !is_long_name(end - at) {
        return nothing;
    }
    let rest = bytes.get(end..).unwrap_or_default();
    // Words, quotes, colons: up to the first digit, or to the capital that begins the number.
    let gap = if begins_with_letters(id) {
        rest.iter().take(GAP).enumerate().position(|(index, byte)| {
            class::is(*byte, class::UPPER | class::DIGIT)
                && index
                    .checked_sub(1)
                    .and_then(|before| rest.get(before))
                    .is_none_or(|byte| !class::is(*byte, class::ALPHA))
        })
    } else {
        rest.iter().take(GAP).position(u8::is_ascii_digit)
    };
    let Some(gap) = gap else {
        return if rest.len() < GAP && !text.is_complete { Found::More } else { nothing };
    };
    let start = end + gap;
    let mut code = [0_u8; 20];
    let mut count = 0;
    let mut stop = start;
    for (offset, byte) in bytes.get(start..).unwrap_or_default().iter().enumerate() {
        let here = start + offset;
        if class::is(*byte, class::ALNUM) {
            match code.get_mut(count) {
                Some(slot) => *slot = byte.to_ascii_uppercase(),
                None => return nothing,
            }
            count += 1;
            stop = here + 1;
        } else if !(matches!(byte, b' ' | b'-' | b'.' | b'/') && here == stop) {
            break;
        }
    }
    if start + 40 > bytes.len() && stop + 2 > bytes.len() && !text.is_complete {
        return Found::More;
    }
    let code = code.get(..count).unwrap_or_default();
    // More words may follow after a blank: the number has the length of its kind.
    let length = length(id, code);
    let Some(number) = code.get(..length).filter(|number| !number.is_empty() && is_valid(id, number)) else {
        return nothing;
    };
    let mut left = number.len();
    let taken = bytes
        .get(start..stop)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| {
            let takes = left > 0;
            left -= usize::from(takes && class::is(**byte, class::ALNUM));
            takes
        })
        .count();
    if bytes.get(start + taken).is_some_and(|byte| class::is(*byte, class::ALNUM)) {
        return nothing;
    }
    Found::Secret { start, end: start + taken }
}

/// Whether a name is long enough to be one within a longer word.
fn is_long_name(length: usize) -> bool {
    length > 4
}

fn begins_with_letters(id: NationalId) -> bool {
    matches!(id, NationalId::ItFiscalCode | NationalId::EsDni | NationalId::UkNino)
}

fn length(id: NationalId, code: &[u8]) -> usize {
    match id {
        NationalId::UsSsn
        | NationalId::NlBsn
        | NationalId::CaSin
        | NationalId::EsDni
        | NationalId::UkNino
        | NationalId::AuTfn => 9,
        NationalId::DeTaxId | NationalId::BrCpf | NationalId::PlPesel => 11,
        NationalId::ItFiscalCode => 16,
        NationalId::FrNir => 15,
        NationalId::InAadhaar => 12,
        NationalId::UkNhs => 10,
        NationalId::SePersonnummer if code.len() >= 12 => 12,
        NationalId::SePersonnummer => 10,
    }
}

fn is_valid(id: NationalId, code: &[u8]) -> bool {
    let is_numeric = code.iter().all(u8::is_ascii_digit);
    let is_varied = code.iter().any(|byte| code.first() != Some(byte));
    let digit = |index: usize| code.get(index).map_or(0, |byte| u32::from(byte.wrapping_sub(b'0')));
    let weighted =
        |weights: &[u32]| -> u32 { weights.iter().enumerate().map(|(index, weight)| weight * digit(index)).sum() };
    if !is_varied || !is_numeric && !begins_with_letters(id) && id != NationalId::FrNir {
        return false;
    }
    match id {
        NationalId::UsSsn => is_ssn(
            code.get(..3).unwrap_or_default(),
            code.get(3..5).unwrap_or_default(),
            code.get(5..).unwrap_or_default(),
        ),
        NationalId::DeTaxId => {
            code.first() != Some(&b'0') && {
                let product = (0..10).fold(10, |product, index| {
                    let sum = (digit(index) + product) % 10;
                    (if sum == 0 { 10 } else { sum }) * 2 % 11
                });
                (11 - product) % 10 == digit(10)
            }
        }
        NationalId::BrCpf => {
            let check = |count: usize| {
                let sum: u32 = (0..count)
                    .zip((2..).take(count).collect::<Vec<u32>>().iter().rev())
                    .map(|(index, weight)| digit(index) * weight)
                    .sum();
                sum * 10 % 11 % 10
            };
            check(9) == digit(9) && check(10) == digit(10)
        }
        NationalId::NlBsn => (weighted(&[9, 8, 7, 6, 5, 4, 3, 2]) + 10 * digit(8)).is_multiple_of(11),
        NationalId::PlPesel => weighted(&[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10),
        NationalId::EsDni => is_dni(code),
        NationalId::ItFiscalCode => is_fiscal_code(code),
        NationalId::FrNir => is_nir(code),
        NationalId::CaSin => !matches!(code.first(), Some(b'0' | b'8')) && personal::luhn(code),
        NationalId::InAadhaar => !matches!(code.first(), Some(b'0' | b'1')) && verhoeff(code),
        NationalId::AuTfn => weighted(&[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11),
        NationalId::UkNhs => (11 - weighted(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == digit(9),
        NationalId::SePersonnummer => personal::luhn(code.get(code.len().saturating_sub(10)..).unwrap_or_default()),
        NationalId::UkNino => is_nino(code),
    }
}

/// Areas, groups and serial numbers that the Social Security Administration gives out.
pub(super) fn is_ssn(area: &[u8], group: &[u8], serial: &[u8]) -> bool {
    let is_numeric = [area, group, serial].iter().all(|part| part.iter().all(u8::is_ascii_digit));
    is_numeric
        && area.len() == 3
        && serial.len() == 4
        && area != b"000"
        && area != b"666"
        && area.first() != Some(&b'9')
        && group != b"00"
        && serial != b"0000"
        // Printed in wallets and advertisements.
        && !(area == b"078" && group == b"05" && serial == b"1120")
        && !(area == b"219" && group == b"09" && serial == b"9999")
}

/// HMRC: two letters, six digits, A to D.
fn is_nino(code: &[u8]) -> bool {
    match code {
        [a, b, digits @ .., suffix] => {
            a.is_ascii_uppercase()
                && b.is_ascii_uppercase()
                && !b"DFIQUV".contains(a)
                && !b"DFIOQUV".contains(b)
                && ![b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].contains(&&[*a, *b])
                && digits.iter().all(u8::is_ascii_digit)
                && (b'A'..=b'D').contains(suffix)
        }
        _ => false,
    }
}

/// Eight digits (for foreigners X, Y or Z for the first) and a letter that is their rest mod 23.
fn is_dni(code: &[u8]) -> bool {
    let [first, middle @ .., letter] = code else { return false };
    let first = match first {
        b'0'..=b'9' => u32::from(first - b'0'),
        b'X'..=b'Z' => u32::from(first - b'X'),
        _ => return false,
    };
    if !middle.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = middle.iter().fold(first, |number, byte| number * 10 + u32::from(byte - b'0'));
    b"TRWAGMYFPDXBNJZSQVHLCKE".get(usize::try_from(number % 23).unwrap_or(0)) == Some(letter)
}

/// Decree of 23 December 1976: characters at odd places count by a table, the others by their value.
fn is_fiscal_code(code: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let is_shaped = code.iter().enumerate().all(|(index, byte)| match index {
        0..=5 | 8 | 11 | 15 => byte.is_ascii_uppercase(),
        // Digits become letters where two people would have the same code.
        _ => byte.is_ascii_digit() || b"LMNPQRSTUV".contains(byte),
    });
    let Some((last, body)) = code.split_last() else { return false };
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(index, byte)| {
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A') };
            if index % 2 == 1 { u32::from(value) } else { ODD.get(usize::from(value)).copied().unwrap_or(0) }
        })
        .sum();
    is_shaped && sum % 26 == u32::from(last.wrapping_sub(b'A'))
}

/// INSEE: 13 characters (2A and 2B for Corsica) and 97 less their rest mod 97.
fn is_nir(code: &[u8]) -> bool {
    let (body, key) = code.split_at_checked(13).unwrap_or_default();
    if !matches!(body.first(), Some(b'1' | b'2')) || !key.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let less = match body.get(5..7) {
        Some(b"2A") => 1_000_000,
        Some(b"2B") => 2_000_000,
        _ => 0,
    };
    let mut number = 0_u64;
    for (index, byte) in body.iter().enumerate() {
        number = number * 10
            + match byte {
                b'0'..=b'9' => u64::from(byte - b'0'),
                b'A' | b'B' if index == 6 => 0,
                _ => return false,
            };
    }
    let key = key.iter().fold(0, |key, byte| key * 10 + u64::from(byte - b'0'));
    97 - number.saturating_sub(less) % 97 == key
}

/// Verhoeff's check over ASCII digits: permuted digits multiply in the dihedral group of order ten.
fn verhoeff(code: &[u8]) -> bool {
    const PERMUTED: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: u8, b: u8| match (a / 5, b / 5) {
        (0, 0) => (a + b) % 5,
        (0, _) => (a + b % 5) % 5 + 5,
        (_, 0) => (a % 5 + 5 - b) % 5 + 5,
        _ => (a + 5 - b) % 5,
    };
    let product = code.iter().rev().enumerate().fold(0, |product, (index, byte)| {
        let digit = (0..index % 8)
            .fold(byte.wrapping_sub(b'0'), |digit, _| PERMUTED.get(usize::from(digit)).copied().unwrap_or(0));
        times(product, digit)
    });
    product == 0
}
