//! Counters of quotas, in a table of fixed size that all workers of one Envoy share.
//!
//! Shared data never frees a key, so callers must not be able to make keys: every counter is hashed to one of a fixed
//! number of buckets, each of which is one value with room for [`WAYS`] counters. A counter that finds its bucket full
//! evicts, in this order: one that has expired (it says nothing more); the live one of which the least share is used,
//! the one that expires first among equals; and one that is to be kept, of money or concurrency, only if all of the
//! bucket are, by the same rule. To evict a live counter is to forgive what it has counted. It is therefore reported,
//! and a table in which it happens is too small.

mod slot;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fmt::Write;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::shared::{SharedData, StoreError};
use crate::quota::{Exceeded, Held, Limit};
use slot::{BUCKET_BYTES, Slot, WAYS};

/// How many lost races a counter takes before it gives up.
const ATTEMPTS: u32 = 64;
const SECOND: u64 = 1_000_000_000;

/// A set-associative table of counters over [`SharedData`].
#[derive(Debug, Clone)]
pub struct Counters {
    buckets: u32,
    key: [u8; 16],
    /// Every version of the values' layout has its own, and so has every size of the table.
    prefix: String,
}

/// Which counter is meant: where it lies, and its fingerprint there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterKey {
    bucket: u32,
    /// Never 0, which marks an empty slot.
    fingerprint: u64,
}

/// When something was taken, for [`Counters::give_back`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    window: u64,
    generation: u16,
}

/// A counter that admits, or has been charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// For [`Counters::give_back`].
    pub mark: Mark,
    /// What is left of the limit.
    pub remaining: u64,
    /// Another counter, which was live, has been evicted for this one, and what it had counted is forgiven.
    pub evicted: bool,
    /// The value in the store was no bucket, and all that was counted in it is lost.
    pub damaged: bool,
}

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeError {
    /// The limit does not admit it.
    Exceeded(Exceeded),
    /// The count could not be read or written.
    Store(StoreError),
}

impl From<StoreError> for TakeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What becomes of a counter.
enum Change<E> {
    /// It is written.
    Write(Held),
    /// It stays as it is.
    Keep(Held),
    /// It refuses, and stays as it is unless there is something to write.
    Refuse(Option<Held>, E),
}

impl From<Exceeded> for Change<Exceeded> {
    fn from(exceeded: Exceeded) -> Self {
        Self::Refuse(exceeded.set_back, exceeded)
    }
}

impl Counters {
    /// A table with room for `counters` of them, rounded down to a multiple of 8, at least 8. All workers must give the
    /// same secret `key`: it keeps callers from choosing names that share a counter or crowd a bucket.
    ///
    /// The table takes at most 32 bytes a counter, and about 100 more a bucket for the host's own map.
    pub fn new(counters: u32, key: [u8; 16]) -> Self {
        let buckets = (counters / WAYS).max(1);
        Self { buckets, key, prefix: format!("tidegate/q1/{buckets}/") }
    }

    /// The counter of `limit` for these parts, such as a quota's id and whom it counts. A part that is absent differs
    /// from every text, and no text can pass for two parts. A rate that is changed in the policy gets new counters, and
    /// so does another period or lease; a calendar's limit may change, and what was used stays.
    pub fn key<'a>(&self, limit: &Limit, parts: impl IntoIterator<Item = Option<&'a str>>) -> CounterKey {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        for word in limit.shape() {
            hasher.write(&word.to_le_bytes());
        }
        for part in parts {
            let length = part.map_or(0, |part| (part.len() as u64).saturating_add(1));
            hasher.write(&length.to_le_bytes());
            hasher.write(part.unwrap_or_default().as_bytes());
        }
        let hash = hasher.finish128();
        let bucket = u32::try_from(hash.h1 % u64::from(self.buckets)).unwrap_or(0);
        CounterKey { bucket, fingerprint: hash.h2.max(1) }
    }

    /// Takes `amount` from what `limit` admits, if all of it fits, as [`Limit::take`]. `keeps` is for counters of money
    /// and concurrency, which are evicted last; `now` is in nanoseconds since the Unix epoch. Reads and writes once,
    /// but for lost races; a refusal only reads.
    ///
    /// # Errors
    /// It does not fit, or the store fails.
    pub fn take(
        &self,
        data: &mut dyn SharedData,
        key: &CounterKey,
        limit: &Limit,
        keeps: bool,
        now: u64,
        amount: u64,
    ) -> Result<Taken, TakeError> {
        let admitted = self.update(data, key, keeps, now, &mut |state| match limit.take(state, now, amount) {
            Ok(held) if amount == 0 => Change::Keep(held),
            Ok(held) => Change::Write(held),
            Err(exceeded) => exceeded.into(),
        })?;
        admitted.map_err(TakeError::Exceeded)
    }

    /// Whether `limit` has anything left, as [`Limit::peek`]; nothing is written. For what is charged at the end.
    ///
    /// # Errors
    /// Nothing is left, or the store fails.
    pub fn peek(
        &self,
        data: &mut dyn SharedData,
        key: &CounterKey,
        limit: &Limit,
        keeps: bool,
        now: u64,
    ) -> Result<Taken, TakeError> {
        let admitted = self.update(data, key, keeps, now, &mut |state| match limit.peek(state, now) {
            Ok(held) => Change::Keep(held),
            Err(exceeded) => exceeded.into(),
        })?;
        admitted.map_err(TakeError::Exceeded)
    }

    /// Charges `amount` whether it fits or not, as [`Limit::charge`].
    ///
    /// # Errors
    /// The store fails.
    pub fn charge(
        &self,
        data: &mut dyn SharedData,
        key: &CounterKey,
        limit: &Limit,
        keeps: bool,
        now: u64,
        amount: u64,
    ) -> Result<Taken, StoreError> {
        let Ok(taken) = self.update::<Infallible>(data, key, keeps, now, &mut |state| {
            let held = limit.charge(state, now, amount);
            if amount == 0 { Change::Keep(held) } else { Change::Write(held) }
        })?;
        Ok(taken)
    }

    /// Gives back `amount` of what was taken under `mark`, as [`Limit::give_back`]. Nothing happens if the counter has
    /// been evicted meanwhile.
    ///
    /// # Errors
    /// The store fails.
    pub fn give_back(
        &self,
        data: &mut dyn SharedData,
        key: &CounterKey,
        limit: &Limit,
        now: u64,
        mark: Mark,
        amount: u64,
    ) -> Result<(), StoreError> {
        if amount == 0 {
            return Ok(());
        }
        let name = self.name(key);
        for _ in 0..ATTEMPTS {
            let Some((mut value, version)) = data.get(&name)? else { return Ok(()) };
            let Some((place, slot)) = slot::find(&value, key.fingerprint) else { return Ok(()) };
            if slot.generation != mark.generation {
                return Ok(());
            }
            let Some(held) = limit.give_back(slot.state, now, mark.window, amount) else { return Ok(()) };
            slot::put(&mut value, place, slot.with(&held));
            if data.set(&name, &value, Some(version))? {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }

    fn update<E>(
        &self,
        data: &mut dyn SharedData,
        key: &CounterKey,
        keeps: bool,
        now: u64,
        change: &mut dyn FnMut(Option<u128>) -> Change<E>,
    ) -> Result<Result<Taken, E>, StoreError> {
        let name = self.name(key);
        let seconds = now / SECOND;
        for _ in 0..ATTEMPTS {
            let (mut value, version) = data.get(&name)?.map_or((Vec::new(), None), |(value, at)| (value, Some(at)));
            let damaged = version.is_some() && value.len() != BUCKET_BYTES;
            if damaged {
                value.clear();
            }
            let found = slot::find(&value, key.fingerprint);
            let state = found.as_ref().filter(|(_, slot)| slot.is_live(seconds)).map(|(_, slot)| slot.state);
            let (held, refusal) = match change(state) {
                Change::Keep(held) => {
                    let generation = found.map_or(0, |(_, slot)| slot.generation);
                    let mark = Mark { window: held.mark, generation };
                    return Ok(Ok(Taken { mark, remaining: held.remaining, evicted: false, damaged }));
                }
                Change::Write(held) => (held, None),
                Change::Refuse(None, refusal) => return Ok(Err(refusal)),
                Change::Refuse(Some(held), refusal) => (held, Some(refusal)),
            };
            value.resize(BUCKET_BYTES, 0);
            let (place, evicted, generation) = match found {
                Some((place, slot)) => (place, false, slot.generation),
                None => {
                    let (place, evicted) = slot::victim(&value, seconds);
                    (place, evicted, Slot::generation(version))
                }
            };
            let slot = Slot { fingerprint: key.fingerprint, keeps, generation, ..Slot::default() };
            slot::put(&mut value, place, slot.with(&held));
            if data.set(&name, &value, version)? {
                let mark = Mark { window: held.mark, generation };
                let taken = Taken { mark, remaining: held.remaining, evicted, damaged };
                return Ok(refusal.map_or(Ok(taken), Err));
            }
        }
        Err(StoreError::Contended)
    }

    fn name(&self, key: &CounterKey) -> String {
        let mut name = String::with_capacity(self.prefix.len() + 10);
        name.push_str(&self.prefix);
        // Writing to a String cannot fail.
        let _ = write!(name, "{}", key.bucket);
        name
    }
}
