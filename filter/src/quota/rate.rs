//! The generic cell rate algorithm (ITU-T I.371), in exact time.
//!
//! The state is the theoretical arrival time (TAT), in nanoseconds since the Unix epoch with 32 bits of fraction, above
//! the second in which it was written last (32 bits). The fraction makes limits that do not divide their window exact.
//! The second tells a clock that was set back from a debt: both put the TAT far ahead.

use super::{Held, Level, SECOND, low, low_half, share};

const FRACTION: u32 = 32;
const LATEST: u128 = (1 << (64 + FRACTION)) - 1;
/// Workers read their clocks before they are served, so one may come with a time that is a little older.
const TOLERATED: u32 = 1;

/// All in the state's fixed-point nanoseconds, but for `burst`.
pub(super) struct Rate {
    burst: u64,
    /// What one unit costs.
    increment: u128,
    now: u128,
    /// Not before `now`, and not after [`LATEST`].
    tat: u128,
    /// The second of the state's last change.
    seen: u32,
    is_set_back: bool,
}

impl Rate {
    pub(super) fn read(limit: u64, window: u64, burst: u64, state: Option<u128>, now: u64) -> Self {
        // A limit of 0 admits nothing; a window of 0 is as short as time can be told.
        let burst = if limit == 0 { 0 } else { burst };
        let increment = (u128::from(window) << FRACTION).checked_div(limit.into()).unwrap_or(LATEST).max(1);
        let second = u32::try_from(now / SECOND).unwrap_or(u32::MAX);
        let now = u128::from(now) << FRACTION;
        let (tat, seen) = state.map_or((0, 0), |state| (state >> 32, low_half(low(state))));
        // Both seconds are rounded down, so the clock was set back by more than this.
        let step = seen.saturating_sub(second).saturating_sub(TOLERATED);
        let is_set_back = step > 0;
        let tat = tat.saturating_sub(u128::from(step) * (u128::from(SECOND) << FRACTION)).max(now);
        Self { burst, increment, now, tat, seen: if is_set_back { second } else { seen.max(second) }, is_set_back }
    }

    fn cost(&self, amount: u64) -> u128 {
        self.increment.saturating_mul(amount.into())
    }

    /// How far the TAT may lie ahead.
    fn tolerance(&self) -> u128 {
        self.cost(self.burst).min(LATEST - self.now)
    }

    fn ahead(&self) -> u128 {
        self.tat.saturating_sub(self.now)
    }
}

/// Whole units of 2^-32 nanoseconds, rounded up.
fn ceil(time: u128, unit: u64) -> u64 {
    let nanoseconds = u64::try_from(time.saturating_add((1 << FRACTION) - 1) >> FRACTION).unwrap_or(u64::MAX);
    nanoseconds.div_ceil(unit)
}

impl Level for Rate {
    fn fits(&self, amount: u64) -> bool {
        self.ahead().saturating_add(self.cost(amount)) <= self.tolerance()
    }

    fn add(&mut self, amount: u64) {
        self.tat = self.tat.saturating_add(self.cost(amount)).min(LATEST);
    }

    fn give_back(&mut self, mark: u64, amount: u64) -> bool {
        // While the TAT that a call left behind lies ahead, the counter has not rested, and its TAT without that call
        // is certain. Later, taking off its cost might give back what others took.
        let counts = u128::from(mark) << FRACTION > self.now && self.tat > self.now;
        if counts {
            self.tat = self.tat.saturating_sub(self.cost(amount)).max(self.now);
        }
        counts
    }

    fn held(&self) -> Held {
        let (ahead, tolerance) = (self.ahead(), self.tolerance());
        let remaining = tolerance.saturating_sub(ahead).checked_div(self.increment).unwrap_or(0);
        Held {
            state: self.tat << 32 | u128::from(self.seen),
            mark: ceil(self.tat, 1),
            expires: ceil(self.tat, SECOND),
            fullness: share(ahead, tolerance),
            remaining: u64::try_from(remaining).unwrap_or(u64::MAX).min(self.burst),
        }
    }

    fn retry_after(&self, amount: u64) -> Option<u64> {
        let (cost, tolerance) = (self.cost(amount), self.tolerance());
        if cost > tolerance {
            return None;
        }
        Some(ceil(self.ahead().saturating_add(cost).saturating_sub(tolerance), SECOND))
    }

    fn reset(&self) -> u64 {
        ceil(self.ahead(), SECOND)
    }

    fn is_set_back(&self) -> bool {
        self.is_set_back
    }
}
