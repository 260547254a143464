//! Numbers as exact decimals: never as floats, which call 0.1 + 0.2 something else than 0.3 and lose `1e400`.

use core::cmp::Ordering;

/// Most significant digits of a `multipleOf`: a remainder is counted in 64 bits.
pub const DIVISOR_DIGITS: usize = 18;

/// A JSON number: its significant digits, borrowed from where it is written, and where they stand.
#[derive(Clone, Copy, Debug)]
pub struct Decimal<'a> {
    negative: bool,
    /// The digits around the point; the first of both is not 0, nor the last of both.
    whole: &'a [u8],
    fraction: &'a [u8],
    /// The power of ten that the last significant digit counts.
    unit: i64,
}

impl<'a> Decimal<'a> {
    /// Reads a JSON number. `None` for other bytes, and for an exponent of more than 17 digits.
    pub fn read(text: &'a [u8]) -> Option<Self> {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mantissa = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at_checked(mantissa)?;
        let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
        let (whole, fraction) = mantissa.split_at_checked(point)?;
        let fraction = fraction.strip_prefix(b".").unwrap_or(fraction);
        if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }

        let mut number = Self { negative, whole: leading(whole), fraction, unit: 0 };
        if number.whole.is_empty() {
            number.fraction = leading(fraction);
        }
        let places = i64::try_from(fraction.len()).ok()?;
        number.fraction = trailing(number.fraction);
        let mut cut = 0;
        if number.fraction.is_empty() {
            let kept = trailing(number.whole);
            cut = i64::try_from(number.whole.len() - kept.len()).ok()?;
            number.whole = kept;
        }
        if number.is_zero() {
            return Some(Self { negative: false, ..number });
        }
        // With a fraction left, the unit is its last kept place; without, the zeros cut from the whole part.
        let dropped = i64::try_from(fraction.len() - trailing(fraction).len()).ok()?;
        let unit = if number.fraction.is_empty() { cut } else { dropped - places };
        number.unit = unit + power(exponent)?;
        Some(number)
    }

    /// True for 0, however it is written.
    pub fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// True if there is nothing after the point, however it is written: 1.0 and 10e-1 are integers.
    pub fn is_integer(&self) -> bool {
        self.is_zero() || self.unit >= 0
    }

    /// True for a number below 0.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole.iter().chain(self.fraction).map(|digit| digit.wrapping_sub(b'0'))
    }

    fn count(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    /// The value as a count. Values beyond 2^64 - 1 become that; `None` unless it is a whole number from 0.
    pub fn to_count(self) -> Option<u64> {
        if self.negative || !self.is_integer() {
            return None;
        }
        let zeros = core::iter::repeat_n(0, usize::try_from(self.unit.clamp(0, 20)).unwrap_or_default());
        let value = self
            .digits()
            .chain(zeros)
            .fold(0_u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit)));
        Some(value)
    }

    /// A million times the value, rounded up. Values beyond 2^128 - 1 become that; `None` for a number below 0.
    pub fn millionths(self) -> Option<u128> {
        if self.negative {
            return None;
        }
        let places = self.unit.saturating_add(6);
        let cut = usize::try_from(places.saturating_neg()).unwrap_or_default();
        let zeros = usize::try_from(places.clamp(0, 40)).unwrap_or_default();
        let digits = self.digits().take(self.count().saturating_sub(cut)).chain(core::iter::repeat_n(0, zeros));
        let value = digits.fold(0_u128, |value, digit| value.saturating_mul(10).saturating_add(u128::from(digit)));
        // The last significant digit is not 0.
        Some(if cut > 0 && !self.is_zero() { value.saturating_add(1) } else { value })
    }

    /// The significant digits as a number, if they are at most [`DIVISOR_DIGITS`] and not 0.
    pub fn divisor(&self) -> Option<u64> {
        let few = !self.is_zero() && self.count() <= DIVISOR_DIGITS;
        few.then(|| self.digits().fold(0, |value, digit| value * 10 + u64::from(digit)))
    }

    /// True if the number is a whole multiple of `other`, whose [`Decimal::divisor`] is not `None`.
    pub fn is_multiple_of(&self, other: &Decimal<'_>) -> bool {
        let Some(divisor) = other.divisor() else { return false };
        if self.is_zero() {
            return true;
        }
        // The last significant digit is not 0, so nothing that counts in smaller units is a multiple.
        let Ok(shift) = u64::try_from(self.unit.saturating_sub(other.unit)) else { return false };
        let remainder = self.digits().fold(0, |rest, digit| times(rest, 10, divisor, digit));
        times(remainder, power_of_ten(shift, divisor), divisor, 0) == 0
    }

    /// Feeds what equal numbers have in common to `feed`.
    pub fn normal(&self, mut feed: impl FnMut(u8)) {
        feed(u8::from(self.negative));
        self.digits().for_each(&mut feed);
        if !self.is_zero() {
            self.unit.to_le_bytes().into_iter().for_each(feed);
        }
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal<'_> {}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let signs = sign(self).cmp(&sign(other));
        if signs.is_ne() || self.is_zero() {
            return signs;
        }
        let first = |number: &Self| number.unit.saturating_add(i64::try_from(number.count()).unwrap_or(i64::MAX));
        let size = first(self).cmp(&first(other)).then_with(|| self.digits().cmp(other.digits()));
        if self.negative { size.reverse() } else { size }
    }
}

fn leading(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

fn trailing(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    digits.get(..digits.len() - zeros).unwrap_or_default()
}

/// The exponent in `e+10`; 0 without one.
fn power(exponent: &[u8]) -> Option<i64> {
    let (negative, digits) = match exponent {
        [] => return Some(0),
        [_, b'-', digits @ ..] => (true, digits),
        [_, b'+', digits @ ..] | [_, digits @ ..] => (false, digits),
    };
    let digits = leading(digits);
    if digits.len() > 17 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(if negative { -size } else { size })
}

/// `(a * b + c) mod n`
fn times(a: u64, b: u64, n: u64, c: u8) -> u64 {
    let product = u128::from(a) * u128::from(b) + u128::from(c);
    u64::try_from(product.checked_rem(u128::from(n)).unwrap_or_default()).unwrap_or_default()
}

fn power_of_ten(mut exponent: u64, n: u64) -> u64 {
    let (mut result, mut base) = (times(1, 1, n, 0), times(10, 1, n, 0));
    while exponent != 0 {
        if exponent & 1 == 1 {
            result = times(result, base, n, 0);
        }
        base = times(base, base, n, 0);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal<'_> {
        Decimal::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn millionths_round_up() {
        for (text, expected) in [
            ("0", 0),
            ("0.0", 0),
            ("1", 1_000_000),
            ("1.5e3", 1_500_000_000),
            ("0.0000010", 1),
            ("0.0000011", 2),
            ("12.34567891", 12_345_679),
            ("1e-400", 1),
            ("100e-8", 1),
            ("1e400", u128::MAX),
        ] {
            assert_eq!(number(text).millionths(), Some(expected), "{text}");
        }
        assert_eq!(number("-1").millionths(), None);
        assert_eq!(number("-0").millionths(), Some(0));
    }

    #[test]
    fn equal_numbers_in_other_clothes() {
        for (a, b) in [
            ("0", "-0.000e7"),
            ("1", "1.0"),
            ("1", "10e-1"),
            ("1e400", "1E+400"),
            ("1e400", "0.01e402"),
            ("-120", "-1.20e2"),
            ("0.10", "1e-1"),
            ("1234.5600", "123456e-2"),
            ("100", "1e2"),
            ("0.001", "0.1e-2"),
            ("9007199254740993", "9007199254740993.0"),
        ] {
            assert_eq!(number(a), number(b), "{a} {b}");
            let normal = |text: &str| {
                let mut bytes = Vec::new();
                number(text).normal(|byte| bytes.push(byte));
                bytes
            };
            assert_eq!(normal(a), normal(b), "{a} {b}");
        }
    }

    #[test]
    fn order() {
        let sorted = ["-1e999", "-10", "-9.99", "-1", "-0.1", "0", "1e-999", "0.0999", "0.1", "0.11", "1", "1.5", "2"];
        let more =
            ["10", "11", "9007199254740992", "9007199254740993", "1e308", "1.0000000000000000000001e308", "1e999"];
        let sorted: Vec<_> = sorted.into_iter().chain(more).collect();
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(number(a).cmp(&number(b)), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn integers() {
        for (text, integer) in [
            ("1.0", true),
            ("1e3", true),
            ("10e-1", true),
            ("1.5", false),
            ("15e-1", false),
            ("0.0e-9", true),
            ("1e400", true),
            ("120e-2", false),
        ] {
            assert_eq!(number(text).is_integer(), integer, "{text}");
        }
    }

    #[test]
    fn counts() {
        for (text, count) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("20", Some(20)),
            ("2.0", Some(2)),
            ("1e2", Some(100)),
            ("18446744073709551615", Some(u64::MAX)),
            ("1e400", Some(u64::MAX)),
            ("-1", None),
            ("1.5", None),
        ] {
            assert_eq!(number(text).to_count(), count, "{text}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (number_text, of, multiple) in [
            ("0.3", "0.1", true),
            ("4.02", "0.01", true),
            ("1.1", "0.1", true),
            ("0.0075", "0.0001", true),
            ("0.00751", "0.0001", false),
            ("1e308", "0.123456789", false),
            ("12391239123", "1e-8", true),
            ("7", "2", false),
            ("-8", "2", true),
            ("0", "7", true),
            ("1e400", "8", true),
            ("1e2", "8", false),
            ("1e3", "8", true),
            ("9007199254740993", "3", true),
            ("9007199254740992", "3", false),
            ("35", "-3.5", true),
            ("10", "4", false),
            ("5", "10", false),
            ("500000000000000000", "999999999999999999", false),
        ] {
            assert_eq!(number(number_text).is_multiple_of(&number(of)), multiple, "{number_text} {of}");
        }
    }

    #[test]
    fn other_bytes_are_no_number() {
        for text in ["", "-", "\"1\"", "null", ".5", "1e\"", "--1", "[1]", "Infinity"] {
            assert!(Decimal::read(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn exponents_beyond_reach_are_no_number() {
        assert!(Decimal::read(b"1e999999999999999999").is_none());
        assert!(Decimal::read(b"0e999999999999999999").is_some_and(|it| it.is_zero()), "zero is zero");
        assert!(Decimal::read(b"1e00000000000000000000012").is_some());
    }
}
