use super::*;

mod calendar;
mod clock;
mod concurrent;
mod extremes;
mod rate;

/// Some time in November 2023, at a full second.
const NOW: u64 = 1_700_000_000 * SECOND;

fn rate(limit: u64, window: u64, burst: u64) -> Limit {
    Limit::Rate { limit, window, burst }
}

fn calendar(limit: u64, period: Period) -> Limit {
    Limit::Calendar { limit, period, utc_offset: 0 }
}

fn concurrent(limit: u64, lease: u32) -> Limit {
    Limit::Concurrent { limit, lease }
}

/// Takes 1 at each of `times` and counts what is admitted.
fn admitted(limit: &Limit, state: &mut Option<u128>, times: impl Iterator<Item = u64>) -> u64 {
    let mut count = 0;
    for now in times {
        match limit.take(*state, now, 1) {
            Ok(held) => {
                *state = Some(held.state);
                count += 1;
            }
            Err(exceeded) => {
                if let Some(held) = exceeded.set_back {
                    *state = Some(held.state);
                }
            }
        }
    }
    count
}
