//! Limits as arithmetic: what has been used in a window, what is admitted, and when the next is.
//!
//! A counter's state is sixteen bytes, so that it fits a slot of the table in [`crate::state`]; time comes from the
//! caller, in nanoseconds since the Unix epoch, and may step. A clock that is set back never gives a fresh budget, and
//! never locks a caller out until it has caught up. Sums that overflow saturate, and are refused.

mod calendar;
mod concurrent;
mod rate;
#[cfg(test)]
mod tests;
mod words;

const SECOND: u64 = 1_000_000_000;

/// How much is admitted in which window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// A rate with a burst: the generic cell rate algorithm (ITU-T I.371).
    Rate {
        /// How much in one window.
        limit: u64,
        /// The window in nanoseconds.
        window: u64,
        /// How much at once, from a counter that has rested.
        burst: u64,
    },
    /// A sum in a window of the calendar.
    Calendar {
        /// How much in one window.
        limit: u64,
        /// The window.
        period: Period,
        /// Seconds that local time is ahead of UTC.
        utc_offset: i32,
    },
    /// How many at a time.
    Concurrent {
        /// How many.
        limit: u64,
        /// Seconds after which one that was not given back is forgotten, at least; at most one and a half times that.
        lease: u32,
    },
}

/// A window of the calendar. Weeks begin on Monday (ISO 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// From the full hour.
    Hour,
    /// From midnight.
    Day,
    /// From Monday, midnight.
    Week,
    /// From the first of the month, midnight.
    Month,
}

/// A counter that admits, or has been charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The counter's state.
    pub state: u128,
    /// What [`Limit::give_back`] is told, so that it gives back nothing that has come back by itself.
    pub mark: u64,
    /// Seconds since the Unix epoch from which on the state says no more than no state at all.
    pub expires: u64,
    /// The share of the limit that is used; `u32::MAX` is all of it, or more.
    pub fullness: u32,
    /// What is left.
    pub remaining: u64,
}

/// A counter that does not admit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Seconds until it might, rounded up, at least 1. None: never, as the amount alone is more than the limit.
    pub retry_after: Option<u64>,
    /// What is left.
    pub remaining: u64,
    /// Seconds until all is back, rounded up. What runs concurrently is back then at the latest.
    pub reset: u64,
    /// What to write all the same: the clock was set back, and time has to count from here on.
    pub set_back: Option<Held>,
}

impl Limit {
    /// Admits `amount` if all of it fits, else says when to come again. Nothing (0) always fits.
    ///
    /// `state` is what the last [`Held`] said, None for a counter that is new or has expired; `now` is in nanoseconds
    /// since the Unix epoch.
    ///
    /// # Errors
    /// It does not fit.
    pub fn take(&self, state: Option<u128>, now: u64, amount: u64) -> Result<Held, Exceeded> {
        self.with(state, now, |level| {
            if amount > 0 && !level.fits(amount) {
                return Err(exceeded(level, amount));
            }
            level.add(amount);
            Ok(level.held())
        })
    }

    /// Whether anything at all is left, that is, whether 1 would be admitted; takes nothing. For what is charged at the
    /// end, such as a result's bytes.
    ///
    /// # Errors
    /// Nothing is left.
    pub fn peek(&self, state: Option<u128>, now: u64) -> Result<Held, Exceeded> {
        self.with(state, now, |level| if level.fits(1) { Ok(level.held()) } else { Err(exceeded(level, 1)) })
    }

    /// Charges `amount` whether it fits or not: a result's bytes, or what a call cost over its estimate. What is over
    /// counts as debt: a rate admits nothing before it is paid by waiting, a calendar's window nothing to its end.
    pub fn charge(&self, state: Option<u128>, now: u64, amount: u64) -> Held {
        self.with(state, now, |level| {
            level.add(amount);
            level.held()
        })
    }

    /// Gives back what was taken under `mark`. None if there is nothing to write: the window is over, the lease has
    /// ended, or the rate has made up for it meanwhile.
    pub fn give_back(&self, state: u128, now: u64, mark: u64, amount: u64) -> Option<Held> {
        self.with(Some(state), now, |level| (amount > 0 && level.give_back(mark, amount)).then(|| level.held()))
    }

    /// What states have to have in common to be read by this limit. Raising a calendar's limit keeps what was used;
    /// another rate begins anew, since its state is in time, not in units.
    pub(crate) fn shape(&self) -> [u64; 3] {
        match *self {
            Self::Rate { limit, window, .. } => [1, limit, window],
            Self::Calendar { period, .. } => [2, period as u64, 0],
            Self::Concurrent { lease, .. } => [3, lease.into(), 0],
        }
    }

    fn with<T>(&self, state: Option<u128>, now: u64, then: impl FnOnce(&mut dyn Level) -> T) -> T {
        match *self {
            Self::Rate { limit, window, burst } => then(&mut rate::Rate::read(limit, window, burst, state, now)),
            Self::Calendar { limit, period, utc_offset } => {
                then(&mut calendar::Calendar::read(limit, period, utc_offset, state, now))
            }
            Self::Concurrent { limit, lease } => then(&mut concurrent::Concurrent::read(limit, lease, state, now)),
        }
    }
}

/// A counter as it stands at a given time.
trait Level {
    /// Whether `amount`, which is not 0, is admitted.
    fn fits(&self, amount: u64) -> bool;
    /// Adds `amount`, saturating.
    fn add(&mut self, amount: u64);
    /// Takes `amount` off again. False if it has come back by itself.
    fn give_back(&mut self, mark: u64, amount: u64) -> bool;
    fn held(&self) -> Held;
    /// Seconds until `amount` might fit; None for never.
    fn retry_after(&self, amount: u64) -> Option<u64>;
    /// Seconds until all is back.
    fn reset(&self) -> u64;
    /// Whether the clock was found to be set back.
    fn is_set_back(&self) -> bool;
}

fn exceeded(level: &dyn Level, amount: u64) -> Exceeded {
    let held = level.held();
    Exceeded {
        retry_after: level.retry_after(amount).map(|seconds| seconds.max(1)),
        remaining: held.remaining,
        reset: level.reset(),
        set_back: level.is_set_back().then_some(held),
    }
}

/// The lowest 64 bits.
const fn low(value: u128) -> u64 {
    (value & 0xffff_ffff_ffff_ffff) as u64
}

/// The lowest 32 bits.
const fn low_half(value: u64) -> u32 {
    (value & 0xffff_ffff) as u32
}

/// `used` of `limit` as a share of `u32::MAX`; `used` is below 2^96.
fn share(used: u128, limit: u128) -> u32 {
    if used >= limit {
        return u32::MAX;
    }
    let share = used.saturating_mul(u32::MAX.into()).checked_div(limit).unwrap_or(u128::MAX);
    u32::try_from(share).unwrap_or(u32::MAX)
}
