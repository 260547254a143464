//! How many run at a time, without counting forever those that a crashed VM never gave back.
//!
//! The state is an epoch of half a lease (32 bits, modulo 2^32) above three counts (32 bits each) of those that began
//! in it, in the one before, and in the one before that.

use super::{Held, Level, SECOND, low, low_half, share};

pub(super) struct Concurrent {
    limit: u64,
    now: u64,
    /// Half a lease in nanoseconds.
    half: u64,
    /// The epoch of the first count.
    epoch: u64,
    /// From the youngest to the oldest.
    counts: [u32; 3],
    is_set_back: bool,
}

impl Concurrent {
    pub(super) fn read(limit: u64, lease: u32, state: Option<u128>, now: u64) -> Self {
        let half = u64::from(lease.max(1)).saturating_mul(SECOND / 2);
        let epoch = now.checked_div(half).unwrap_or(0);
        // What is counted has to fit its 32 bits.
        let limit = limit.min(u32::MAX.into());
        let current = Self { limit, now, half, epoch, counts: [0; 3], is_set_back: false };
        let Some(state) = state else { return current };
        let (upper, lower) = (low(state >> 64), low(state));
        let counts = [low_half(upper), low_half(lower >> 32), low_half(lower)];
        let [young, middle, _] = counts;
        let elapsed = low_half(epoch).wrapping_sub(low_half(upper >> 32)).cast_signed();
        let counts = match elapsed {
            1 => [0, young, middle],
            2 => [0, 0, young],
            3.. => [0; 3],
            _ => counts,
        };
        // After a small step back the later epoch goes on, and what began in it can be given back; after a larger one
        // its counts would be kept for too long.
        let epoch =
            if (-2..0).contains(&elapsed) { epoch.saturating_add(elapsed.unsigned_abs().into()) } else { epoch };
        Self { epoch, counts, is_set_back: elapsed < -2, ..current }
    }

    fn used(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Nanoseconds since the Unix epoch from which on nothing is counted.
    fn end(&self) -> u64 {
        let Some(age) = self.counts.iter().position(|count| *count > 0) else { return 0 };
        let kept = 3_u64.saturating_sub(age as u64);
        self.epoch.saturating_add(kept).saturating_mul(self.half)
    }
}

impl Level for Concurrent {
    fn fits(&self, amount: u64) -> bool {
        self.used().checked_add(amount).is_some_and(|used| used <= self.limit)
    }

    fn add(&mut self, amount: u64) {
        let [young, ..] = &mut self.counts;
        *young = young.saturating_add(u32::try_from(amount).unwrap_or(u32::MAX));
    }

    fn give_back(&mut self, mark: u64, amount: u64) -> bool {
        let age = low_half(self.epoch).wrapping_sub(low_half(mark));
        let count = usize::try_from(age).ok().and_then(|age| self.counts.get_mut(age)).filter(|count| **count > 0);
        let Some(count) = count else { return false };
        *count = count.saturating_sub(u32::try_from(amount).unwrap_or(u32::MAX));
        true
    }

    fn held(&self) -> Held {
        let [young, middle, old] = self.counts.map(u128::from);
        let used = self.used();
        Held {
            state: u128::from(low_half(self.epoch)) << 96 | young << 64 | middle << 32 | old,
            mark: self.epoch,
            expires: self.end().div_ceil(SECOND),
            fullness: share(used.into(), self.limit.into()),
            remaining: self.limit.saturating_sub(used),
        }
    }

    fn retry_after(&self, amount: u64) -> Option<u64> {
        // Nobody knows when a call ends.
        (amount <= self.limit).then_some(1)
    }

    fn reset(&self) -> u64 {
        self.end().saturating_sub(self.now).div_ceil(SECOND)
    }

    fn is_set_back(&self) -> bool {
        self.is_set_back
    }
}
