//! Sums in windows of the calendar.
//!
//! The state is the window's begin (seconds since the Unix epoch, 64 bits) above what was used in it (64 bits).

use time::Date;

use super::{Held, Level, Period, SECOND, low, share};

const DAY: i64 = 86_400;

pub(super) struct Calendar {
    limit: u64,
    /// Seconds since the Unix epoch.
    now: i64,
    start: i64,
    end: i64,
    used: u64,
    is_set_back: bool,
}

impl Calendar {
    pub(super) fn read(limit: u64, period: Period, utc_offset: i32, state: Option<u128>, now: u64) -> Self {
        let now = (now / SECOND).cast_signed();
        let (start, end) = period.window(utc_offset, now);
        let current = Self { limit, now, start, end, used: 0, is_set_back: false };
        let Some(state) = state else { return current };
        let (stored, used) = (low(state >> 64).cast_signed(), low(state));
        if stored < start {
            return current;
        }
        if stored == start {
            return Self { used, ..current };
        }
        // The window lies ahead, so the clock was set back.
        if stored.saturating_sub(now) < end.saturating_sub(start) {
            return Self { used, start: stored, end: period.window(utc_offset, stored).1, ..current };
        }
        Self { used, is_set_back: true, ..current }
    }

    fn left(&self) -> u64 {
        u64::try_from(self.end.saturating_sub(self.now)).unwrap_or(0)
    }
}

impl Level for Calendar {
    fn fits(&self, amount: u64) -> bool {
        self.used.checked_add(amount).is_some_and(|used| used <= self.limit)
    }

    fn add(&mut self, amount: u64) {
        self.used = self.used.saturating_add(amount);
    }

    fn give_back(&mut self, mark: u64, amount: u64) -> bool {
        let counts = mark == self.start.cast_unsigned() && self.used > 0;
        if counts {
            self.used = self.used.saturating_sub(amount);
        }
        counts
    }

    fn held(&self) -> Held {
        let mark = self.start.cast_unsigned();
        Held {
            state: u128::from(mark) << 64 | u128::from(self.used),
            mark,
            expires: u64::try_from(self.end).unwrap_or(0),
            fullness: share(self.used.into(), self.limit.into()),
            remaining: self.limit.saturating_sub(self.used),
        }
    }

    fn retry_after(&self, amount: u64) -> Option<u64> {
        (amount <= self.limit).then(|| self.left())
    }

    fn reset(&self) -> u64 {
        if self.used == 0 { 0 } else { self.left() }
    }

    fn is_set_back(&self) -> bool {
        self.is_set_back
    }
}

impl Period {
    /// Begin and end of the window in which `at` lies. All in seconds since the Unix epoch.
    pub(super) fn window(self, utc_offset: i32, at: i64) -> (i64, i64) {
        let offset = i64::from(utc_offset);
        let local = at.saturating_add(offset);
        let day = local.div_euclid(DAY);
        let (start, end) = match self {
            Self::Hour => {
                let start = local - local.rem_euclid(3600);
                (start, start.saturating_add(3600))
            }
            Self::Day => (day * DAY, (day + 1) * DAY),
            Self::Week => {
                // The first of January 1970 was a Thursday.
                let monday = day - (day + 3).rem_euclid(7);
                (monday * DAY, (monday + 7) * DAY)
            }
            Self::Month => {
                let (first, next) = month(day);
                (first * DAY, next * DAY)
            }
        };
        (start.saturating_sub(offset), end.saturating_sub(offset))
    }
}

/// The first day of the month in which `day` lies, and of the next, in days since the Unix epoch. Beyond the calendar of
/// [`Date`], which no clock of 64 bits reaches, there is its last month.
fn month(day: i64) -> (i64, i64) {
    let epoch = i64::from(Date::from_ordinal_date(1970, 1).unwrap_or(Date::MIN).to_julian_day());
    let julian = i32::try_from(day.saturating_add(epoch)).unwrap_or(i32::MAX);
    let date = Date::from_julian_day(julian).unwrap_or(Date::MAX);
    let first = day.saturating_sub(i64::from(date.day()) - 1);
    (first, first.saturating_add(date.month().length(date.year()).into()))
}
