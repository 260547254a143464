//! `window`, and `utc_offset` of the windows that a calendar has.

use crate::policy::document::{Report, Value};
use crate::policy::duration::{self, DAY, SECOND};
use crate::quota::Period;

/// Windows of the calendar, by the word of the policy document.
pub(in crate::policy) const PERIODS: [(&str, Period); 4] =
    [("hour", Period::Hour), ("day", Period::Day), ("week", Period::Week), ("month", Period::Month)];

/// A window as the document writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// Nanoseconds.
    Rate(u64),
    Calendar(Period),
}

/// Reads `window`. Money is spent in windows of the calendar alone.
pub(super) fn read(value: &Value<'_>, is_money: bool, report: &mut Report<'_>) -> Option<Window> {
    let text = value.text(report)?;
    let window = if is_money { money(text) } else { any(text) };
    if window.is_none() {
        let (message, help) = fault(text, is_money);
        report.error("bad_window", value, format!("`{text}` {message}"), &help);
    }
    window
}

fn money(text: &str) -> Option<Window> {
    let word = if text == "1h" { "hour" } else { text };
    period(word).map(Window::Calendar)
}

fn any(text: &str) -> Option<Window> {
    if let Some(period) = period(text).filter(|period| *period != Period::Hour) {
        return Some(Window::Calendar(period));
    }
    let milliseconds = duration::parse_in(text, duration::SECONDS)?;
    (SECOND..=DAY).contains(&milliseconds).then(|| Window::Rate(milliseconds.saturating_mul(1_000_000)))
}

pub(in crate::policy) fn period(word: &str) -> Option<Period> {
    PERIODS.iter().find(|(known, _)| *known == word).map(|(_, period)| *period)
}

/// What is wrong with a window, and what to write.
fn fault(text: &str, is_money: bool) -> (&'static str, String) {
    let near = near(text, is_money);
    let all = if is_money {
        "a budget has the window \"hour\", \"day\", \"week\" or \"month\"".to_owned()
    } else {
        "write a rate's window as in \"1s\", \"10m\" or \"1h\", or one of the calendar: \"day\", \"week\" or \"month\""
            .to_owned()
    };
    let help = near.map_or(all, |near| format!("write \"{near}\""));
    let message = match duration::parse_in(text, duration::SECONDS) {
        Some(_) if is_money => "is not a window of the calendar",
        Some(milliseconds) if milliseconds < SECOND => "is shorter than a second",
        Some(_) => "is longer than 24 hours",
        None => "is not a window",
    };
    (message, help)
}

/// The window that was probably meant.
fn near(text: &str, is_money: bool) -> Option<String> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let number = compact.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = compact.get(number.len()..)?;
    // `1M` is a month to some; what is a minute here has a small letter.
    let unit = if unit == "M" { "month".to_owned() } else { unit.to_ascii_lowercase() };
    let number = if number.is_empty() { "1" } else { number };
    let word = match (number, unit.as_str()) {
        ("1", "d" | "day" | "days" | "daily" | "perday") => "day",
        ("24", "h" | "hour" | "hours") if is_money => "day",
        ("1", "w" | "week" | "weeks" | "weekly" | "perweek") | ("7", "d" | "day" | "days") => "week",
        ("168", "h" | "hour" | "hours") => "week",
        ("1", "mo" | "mon" | "month" | "months" | "monthly" | "permonth") => "month",
        ("30" | "31", "d" | "day" | "days") | ("720", "h" | "hour" | "hours") => "month",
        ("1", "h" | "hr" | "hour" | "hours" | "hourly" | "perhour") | ("60", "m" | "min" | "minutes") if is_money => {
            "hour"
        }
        _ if is_money => return None,
        (_, unit) => {
            let unit = match unit {
                "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
                "m" | "min" | "mins" | "minute" | "minutes" => "m",
                "h" | "hr" | "hrs" | "hour" | "hours" | "hourly" => "h",
                _ => return None,
            };
            return Some(format!("{number}{unit}")).filter(|near| near != text && any(near).is_some());
        }
    };
    Some(word.to_owned())
}

/// Reads the seconds that local time is ahead of UTC: `+02:00`, `-05:30`, `Z`.
pub(in crate::policy) fn read_utc_offset(value: &Value<'_>, report: &mut Report<'_>) -> Option<i32> {
    let text = value.text(report)?;
    let offset = utc_offset(text);
    if offset.is_none() {
        let help = if text.contains('/') {
            "the offset is fixed, and knows no summer time: write it as in \"+01:00\""
        } else {
            "write it as in \"+02:00\", \"-05:30\" or \"Z\", at most 14 hours"
        };
        report.error("bad_time", value, format!("`{text}` is not an offset from UTC"), help);
    }
    offset
}

fn utc_offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.as_bytes() {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let [a, b, b':', c, d] = rest else { return None };
    let two = |tens: &u8, ones: &u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
    };
    let (hours, minutes) = (two(a, b)?, two(c, d)?);
    let seconds = hours * 3600 + minutes * 60;
    (minutes < 60 && seconds <= 14 * 3600).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_rates_and_of_the_calendar() {
        let second = 1_000_000_000;
        for (text, window) in [
            ("1s", Window::Rate(second)),
            ("90s", Window::Rate(90 * second)),
            ("1m", Window::Rate(60 * second)),
            ("24h", Window::Rate(86_400 * second)),
            ("day", Window::Calendar(Period::Day)),
            ("week", Window::Calendar(Period::Week)),
            ("month", Window::Calendar(Period::Month)),
        ] {
            assert_eq!(any(text), Some(window), "{text}");
        }
        for text in ["hour", "25h", "0s", "0m", "86401s", "1d", "1", "60", "1M", "01m", "Day", "days"] {
            assert_eq!(any(text), None, "{text}");
        }
        for (text, period) in [
            ("hour", Period::Hour),
            ("1h", Period::Hour),
            ("day", Period::Day),
            ("week", Period::Week),
            ("month", Period::Month),
        ] {
            assert_eq!(money(text), Some(Window::Calendar(period)), "{text}");
        }
        for text in ["24h", "2h", "60m", "1m", "1d", "hours"] {
            assert_eq!(money(text), None, "{text}");
        }
    }

    #[test]
    fn each_suggestion_can_be_read() {
        let texts = [
            "1d",
            "d",
            "daily",
            "1 day",
            "24h",
            "7d",
            "1w",
            "weekly",
            "30d",
            "31 days",
            "1 month",
            "monthly",
            "1mo",
            "1M",
            "hour",
            "hourly",
            "1 h",
            "60m",
            "90",
            "5 min",
            "30 seconds",
            "10M",
            "per day",
            "720h",
        ];
        for text in texts {
            for (is_money, read) in [(false, any as fn(&str) -> Option<Window>), (true, money)] {
                if let Some(near) = near(text, is_money) {
                    assert!(read(&near).is_some(), "{text}: {near}");
                }
            }
        }
        for (text, is_money, expected) in [
            ("1d", false, Some("day")),
            ("1 month", false, Some("month")),
            ("1M", false, Some("month")),
            ("90", false, Some("90s")),
            ("hour", false, Some("1h")),
            ("hourly", true, Some("hour")),
            ("24h", true, Some("day")),
            ("1mo", true, Some("month")),
            ("30m", true, None),
            ("fortnight", false, None),
            ("0m", false, None),
            ("48h", false, None),
        ] {
            assert_eq!(near(text, is_money).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn offsets_have_a_sign_hours_and_minutes() {
        for (text, seconds) in
            [("Z", 0), ("+00:00", 0), ("-00:00", 0), ("+02:00", 7200), ("-05:30", -19_800), ("+14:00", 50_400)]
        {
            assert_eq!(utc_offset(text), Some(seconds), "{text}");
        }
        for text in ["", "z", "UTC", "+2", "+0200", "02:00", "+2:00", "+02:60", "+14:01", "-15:00", "+02:00 ", "+٠٢:00"]
        {
            assert_eq!(utc_offset(text), None, "{text}");
        }
    }
}
