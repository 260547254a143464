//! The clock that the guest reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The wall clock, or one that only moves when a test moves it. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Nanoseconds since 1970; `None` for the machine's own clock.
    fixed: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at this time until it is moved.
    pub fn fixed(at: SystemTime) -> Self {
        Self { fixed: Some(Arc::new(AtomicU64::new(nanoseconds(at)))) }
    }

    /// Moves a fixed clock on; the machine's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(fixed) = &self.fixed {
            fixed.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Sets a fixed clock, forward or back; the machine's clock is left alone.
    pub fn set(&self, at: SystemTime) {
        if let Some(fixed) = &self.fixed {
            fixed.store(nanoseconds(at), Ordering::Relaxed);
        }
    }

    /// Nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        match &self.fixed {
            Some(fixed) => fixed.load(Ordering::Relaxed),
            None => nanoseconds(SystemTime::now()),
        }
    }
}

fn nanoseconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
