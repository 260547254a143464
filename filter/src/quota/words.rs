//! What limits and windows are called, in refusals and in the keys of rate limit services.

use time::{OffsetDateTime, UtcOffset};

use super::{Limit, Period, SECOND};

impl Limit {
    /// How much is admitted in one window, or at a time.
    pub fn amount(&self) -> u64 {
        match self {
            Self::Rate { limit, .. } | Self::Calendar { limit, .. } | Self::Concurrent { limit, .. } => *limit,
        }
    }

    /// The window in words that go after "per": `minute`, `30 seconds`, `month`. Empty where there is none.
    pub fn window_name(&self) -> String {
        match self {
            Self::Calendar { period, .. } => period.as_str().to_owned(),
            Self::Concurrent { .. } => String::new(),
            Self::Rate { window, .. } => {
                let seconds = window / SECOND;
                let (count, unit) = match seconds {
                    _ if seconds.is_multiple_of(3600) => (seconds / 3600, "hour"),
                    _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
                    _ => (seconds, "second"),
                };
                if count == 1 { unit.to_owned() } else { format!("{count} {unit}s") }
            }
        }
    }

    /// Seconds of the window, if all are equally long.
    pub fn window_seconds(&self) -> Option<u64> {
        match self {
            Self::Rate { window, .. } => Some(window / SECOND),
            Self::Calendar { period, .. } => period.seconds(),
            Self::Concurrent { .. } => None,
        }
    }
}

impl Period {
    /// The word of the policy document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Seconds of the window; months differ.
    const fn seconds(self) -> Option<u64> {
        match self {
            Self::Hour => Some(3_600),
            Self::Day => Some(86_400),
            Self::Week => Some(604_800),
            Self::Month => None,
        }
    }

    /// The name of the window in which `now` (nanoseconds since the Unix epoch) lies, where local time is `utc_offset`
    /// seconds ahead: `2026-11-23T14`, `2026-11-23`, `2026-W48` (ISO 8601), `2026-11`.
    pub fn name(self, now: u64, utc_offset: i32) -> String {
        let at =
            OffsetDateTime::from_unix_timestamp((now / SECOND).cast_signed()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let at = at.to_offset(UtcOffset::from_whole_seconds(utc_offset).unwrap_or(UtcOffset::UTC));
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        match self {
            Self::Hour => format!("{year:04}-{month:02}-{day:02}T{:02}", at.hour()),
            Self::Day => format!("{year:04}-{month:02}-{day:02}"),
            Self::Week => {
                let (year, week, _) = at.to_iso_week_date();
                format!("{year:04}-W{week:02}")
            }
            Self::Month => format!("{year:04}-{month:02}"),
        }
    }

    /// Seconds from `now` (nanoseconds since the Unix epoch) to the window's end, at least 1.
    pub fn rest(self, now: u64, utc_offset: i32) -> u64 {
        let seconds = (now / SECOND).cast_signed();
        let (_, end) = self.window(utc_offset, seconds);
        u64::try_from(end.saturating_sub(seconds)).unwrap_or(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_names_that_change_when_they_do() {
        // 2026-12-31T23:30:00Z, a Thursday.
        let now = 1_798_759_800 * SECOND;
        for (period, utc, ahead) in [
            (Period::Hour, "2026-12-31T23", "2027-01-01T00"),
            (Period::Day, "2026-12-31", "2027-01-01"),
            (Period::Week, "2026-W53", "2026-W53"),
            (Period::Month, "2026-12", "2027-01"),
        ] {
            assert_eq!((period.name(now, 0).as_str(), period.name(now, 3600).as_str()), (utc, ahead));
            let rest = period.rest(now, 0) * SECOND;
            assert_eq!(period.name(now + rest - SECOND, 0), utc);
            assert_ne!(period.name(now + rest, 0), utc);
        }
    }

    #[test]
    fn limits_are_told_in_words() {
        let rate = |seconds: u64| Limit::Rate { limit: 1, window: seconds * SECOND, burst: 1 }.window_name();
        assert_eq!(
            [1, 30, 60, 300, 3600, 86_400].map(rate),
            ["second", "30 seconds", "minute", "5 minutes", "hour", "24 hours"]
        );
        let month = Limit::Calendar { limit: 7, period: Period::Month, utc_offset: 0 };
        assert_eq!((month.amount(), month.window_name().as_str(), month.window_seconds()), (7, "month", None));
    }
}
