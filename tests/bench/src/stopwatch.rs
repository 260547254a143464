//! CPU time per call of something that takes nanoseconds to milliseconds, on this thread: what else the machine does
//! takes no part in it.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

use crate::statistics::Estimate;

/// Batches whose median is taken.
const BATCHES: usize = 15;

/// Nanoseconds that one call of `work` takes; in all it is called for about `seconds`.
pub fn nanoseconds<T>(seconds: f64, work: impl FnMut() -> T) -> Estimate {
    let mut stopwatch = Stopwatch::start(seconds / (BATCHES as f64 + 2.0), work);
    Estimate::of((0..BATCHES).map(|_| stopwatch.batch()))
}

/// Work that is measured in batches, so that others can be measured between them.
#[derive(Debug)]
pub struct Stopwatch<F> {
    work: F,
    calls: u32,
}

impl<T, F: FnMut() -> T> Stopwatch<F> {
    /// Warms up, and sees how many calls take about `seconds`.
    pub fn start(seconds: f64, work: F) -> Self {
        let mut stopwatch = Self { work, calls: 1 };
        while stopwatch.batch() * f64::from(stopwatch.calls) < seconds * 1e9 / 2.0 {
            stopwatch.calls = stopwatch.calls.saturating_mul(2);
        }
        stopwatch
    }

    /// Runs a batch; returns nanoseconds for each call.
    pub fn batch(&mut self) -> f64 {
        let start = thread_seconds();
        for _ in 0..self.calls {
            black_box((self.work)());
        }
        (thread_seconds() - start) * 1e9 / f64::from(self.calls)
    }
}

fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
