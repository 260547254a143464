//! Durations: a whole number and a unit.

use super::document::{Report, Value};

/// What may stand in some place.
pub(super) struct Bounds {
    /// Milliseconds.
    pub(super) least: u64,
    /// Milliseconds.
    pub(super) most: u64,
    /// The units, from the smallest.
    pub(super) units: &'static [&'static str],
}

pub(super) const SECOND: u64 = 1000;
pub(super) const HOUR: u64 = 3600 * SECOND;
pub(super) const DAY: u64 = 24 * HOUR;

/// Seconds, minutes and hours.
pub(super) const SECONDS: &[&str] = &["s", "m", "h"];

/// The number and the unit of `90s`; `None` for anything else, such as `1.5h`, `01m`, `1 m` and `m`.
pub(super) fn parse(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    if number.len() > 1 && number.starts_with('0') {
        return None;
    }
    Some((number.parse().ok()?, unit))
}

/// Milliseconds of a unit.
fn scale(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(SECOND),
        "m" => Some(60 * SECOND),
        "h" => Some(HOUR),
        _ => None,
    }
}

/// Milliseconds of a duration in one of the units.
pub(super) fn parse_in(text: &str, units: &[&str]) -> Option<u64> {
    let (number, unit) = parse(text).filter(|(_, unit)| units.contains(unit))?;
    Some(number.saturating_mul(scale(unit)?))
}

/// Reads milliseconds.
pub(super) fn read(value: &Value<'_>, bounds: &Bounds, report: &mut Report<'_>) -> Option<u64> {
    let text = value.text(report)?;
    let example = shown(bounds.least.max(bounds.most.min(60 * SECOND)));
    let Some(duration) = parse_in(text, bounds.units) else {
        let help = format!("write a whole number and one of `{}`, as in \"{example}\"", bounds.units.join("`, `"));
        report.error("bad_duration", value, format!("`{text}` is not a duration"), &help);
        return None;
    };
    if !(bounds.least..=bounds.most).contains(&duration) {
        let (least, most) = (shown(bounds.least), shown(bounds.most));
        let message = format!("`{text}` is not from `{least}` to `{most}`");
        report.error("bad_duration", value, message, &format!("write a duration between them, as in \"{example}\""));
        return None;
    }
    Some(duration)
}

/// In the largest unit that leaves a whole number.
fn shown(milliseconds: u64) -> String {
    let fits = |(unit, scale): &(&str, u64)| milliseconds.is_multiple_of(*scale) && !unit.is_empty();
    let units = [("h", HOUR), ("m", 60 * SECOND), ("s", SECOND)];
    units
        .iter()
        .find(|it| fits(it))
        .map_or_else(|| format!("{milliseconds}ms"), |(unit, scale)| format!("{}{unit}", milliseconds / scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let all = &["ms", "s", "m", "h"];
        for (text, milliseconds) in [("100ms", 100), ("0s", 0), ("90s", 90_000), ("15m", 900_000), ("24h", DAY)] {
            assert_eq!(parse_in(text, all), Some(milliseconds), "{text}");
        }
        assert_eq!(parse_in("18446744073709551615h", all), Some(u64::MAX));
        for text in ["", "5", "m", "1 m", "01m", "1.5h", "-1s", "+1s", "1M", "1d", "1s ", "18446744073709551616s", "٥s"]
        {
            assert_eq!(parse_in(text, all), None, "{text}");
        }
        assert_eq!(parse_in("100ms", SECONDS), None);
    }

    #[test]
    fn durations_are_shown_in_the_largest_unit() {
        for text in ["1ms", "1500ms", "1s", "10s", "90s", "15m", "24h"] {
            assert_eq!(shown(parse_in(text, &["ms", "s", "m", "h"]).unwrap()), text);
        }
    }
}
