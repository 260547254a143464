//! Amounts of money, in whole micro-dollars: integers add up exactly, and a millionth of a dollar is less than any call
//! costs.

use std::fmt;

use super::document::{Kind, Report, Value};

/// The largest amount of the policy document.
const MOST: u64 = 1_000_000_000 * DOLLAR;

const DOLLAR: u64 = 1_000_000;

/// An amount in micro-dollars, shown as the policy document writes it: `$5000`, `$0.25`, `$0.000001`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dollars(pub u64);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut fraction) = (self.0 / DOLLAR, self.0 % DOLLAR);
        if fraction == 0 {
            return write!(f, "${whole}");
        }
        let mut digits = 6;
        while digits > 2 && fraction % 10 == 0 {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, "${whole}.{fraction:0digits$}")
    }
}

/// What is wrong with an amount, and what to write.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: String,
}

/// Micro-dollars of an amount such as `$5000` or `$0.25`.
pub(super) fn parse(text: &str) -> Result<u64, Fault> {
    let fault = |message: &str, help: &str| Fault { message: message.to_owned(), help: help.to_owned() };
    let Some(number) = text.strip_prefix('$') else {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let help = if is_number { format!("write \"${text}\"") } else { EXAMPLES.to_owned() };
        return Err(fault(&format!("`{text}` is not an amount of US dollars: it has no `$` before it"), &help));
    };
    if number.contains(',') {
        let help = format!("write \"{}\"", text.replace(',', ""));
        return Err(fault(&format!("`{text}` has commas in it"), &help));
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    if !digits(whole) || !digits(fraction) || padded {
        return Err(fault(&format!("`{text}` is not an amount of money"), EXAMPLES));
    }
    if fraction.len() > 6 {
        let message = format!("`{text}` has more than six decimals");
        return Err(fault(&message, "the smallest amount is \"$0.000001\""));
    }
    let value = |text: &str| {
        text.bytes().try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
    };
    let scale = fraction.bytes().fold(DOLLAR, |scale, _| scale / 10);
    let micros = value(whole)
        .and_then(|dollars| dollars.checked_mul(DOLLAR))
        .and_then(|micros| micros.checked_add(value(fraction)?.checked_mul(scale)?))
        .filter(|micros| *micros <= MOST);
    micros
        .ok_or_else(|| fault(&format!("`{text}` is too much"), &format!("the largest amount is \"{}\"", Dollars(MOST))))
}

const EXAMPLES: &str = "write it as in \"$50\" or \"$0.25\"";

/// Reads an amount in micro-dollars, from `least` on.
pub(super) fn read(value: &Value<'_>, least: u64, report: &mut Report<'_>) -> Option<u64> {
    if let Kind::Number(number) = value.kind {
        let help = format!("write \"${number}\"");
        report.error("wrong_type", value, "expected an amount such as \"$0.25\", found a number", &help);
        return None;
    }
    let text = value.text(report)?;
    if let Some((amount, window)) = text.split_once('/') {
        let message = format!("`{text}` names a window: `{window}` has no meaning here");
        report.error("bad_amount", value, message, &format!("write \"{}\"", amount.trim_end()));
        return None;
    }
    read_text(text, value, least, report)
}

/// As [`read`], of a part of the value's text.
pub(super) fn read_text(text: &str, value: &Value<'_>, least: u64, report: &mut Report<'_>) -> Option<u64> {
    match parse(text) {
        Ok(micros) if micros >= least => return Some(micros),
        Ok(_) => {
            let help = "write an amount over $0; to forbid something, write a rule with `deny`";
            report.error("bad_amount", value, format!("`{text}` leaves nothing to spend"), help);
        }
        Err(Fault { message, help }) => report.error("bad_amount", value, message, &help),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_exact() {
        for (text, micros) in [
            ("$0", 0),
            ("$50", 50_000_000),
            ("$0.25", 250_000),
            ("$0.02", 20_000),
            ("$0.000001", 1),
            ("$12.3456", 12_345_600),
            ("$1000000000", 1_000_000_000_000_000),
            ("$1000000000.000000", 1_000_000_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_explained() {
        for (text, message, help) in [
            ("", "no `$`", "\"$50\""),
            ("50", "no `$`", "write \"$50\""),
            ("0.25", "no `$`", "write \"$0.25\""),
            ("€50", "no `$`", "\"$50\""),
            ("50$", "no `$`", "\"$50\""),
            ("$", "not an amount", "\"$0.25\""),
            ("$5,000", "commas", "write \"$5000\""),
            ("$1,000,000.50", "commas", "write \"$1000000.50\""),
            ("$.5", "not an amount", ""),
            ("$5.", "not an amount", ""),
            ("$05", "not an amount", ""),
            ("$-5", "not an amount", ""),
            ("$+5", "not an amount", ""),
            ("$ 5", "not an amount", ""),
            ("$5 ", "not an amount", ""),
            ("$5k", "not an amount", ""),
            ("$1e3", "not an amount", ""),
            ("$1.2.3", "not an amount", ""),
            ("$٥", "not an amount", ""),
            ("$0.0000001", "six decimals", "$0.000001"),
            ("$1000000000.000001", "too much", "$1000000000"),
            ("$99999999999999999999", "too much", ""),
            ("$18446744073710", "too much", ""),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.message.contains(message), "{text}: {fault:?}");
            assert!(fault.help.contains(help), "{text}: {fault:?}");
        }
    }

    #[test]
    fn amounts_are_shown_as_they_are_written() {
        for (micros, text) in [
            (0, "$0"),
            (1, "$0.000001"),
            (20_000, "$0.02"),
            (100_000, "$0.10"),
            (1_234_500, "$1.2345"),
            (5_000_000_000, "$5000"),
            (u64::MAX, "$18446744073709.551615"),
        ] {
            assert_eq!(Dollars(micros).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read(micros in 0..=MOST) {
            prop_assert_eq!(parse(&Dollars(micros).to_string()), Ok(micros));
        }

        #[test]
        fn any_text_is_read_or_explained(text in "\\$?[0-9.,/$ k-]{0,24}") {
            if let Ok(micros) = parse(&text) {
                prop_assert!(micros <= MOST);
            }
        }
    }
}
