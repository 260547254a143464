//! CPU time per call of something that takes nanoseconds to milliseconds, on this thread: what else the machine does
//! takes no part in it.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

use crate::statistics::Estimate;

/// Batches whose median is taken.
const BATCHES: usize = 15;

/// Nanoseconds that one call of `work` takes; in all it is called for about `seconds`.
pub fn nanoseconds<T>(seconds: f64, mut work: impl FnMut() -> T) -> Estimate {
    let per_batch = seconds / (BATCHES as f64 + 2.0);
    let mut calls = 1_u64;
    // Doubles until a batch is long enough; that also warms up.
    while batch(calls, &mut work) < per_batch / 2.0 {
        calls *= 2;
    }
    Estimate::of((0..BATCHES).map(|_| batch(calls, &mut work) * 1e9 / calls as f64))
}

fn batch<T>(calls: u64, work: &mut impl FnMut() -> T) -> f64 {
    let start = thread_seconds();
    for _ in 0..calls {
        black_box(work());
    }
    thread_seconds() - start
}

fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
