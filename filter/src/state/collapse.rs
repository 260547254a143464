//! A flood of equal refusals becomes a few audit lines and one that counts the rest.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Nanoseconds over which equal refusals are counted together.
const WINDOW: u64 = 1_000_000_000;
/// Equal refusals in one window that are written out singly.
const SINGLE: u64 = 5;
/// Different refusals tracked at once; past that each is written out.
const TRACKED: usize = 1024;

#[derive(Debug)]
struct Run {
    since: u64,
    seen: u64,
    last: Option<String>,
}

/// Counts equal refusals. What makes two of them equal is the caller's choice of key.
#[derive(Debug, Default)]
pub struct Collapse {
    hasher: RandomState,
    runs: Mutex<HashMap<u64, Run>>,
}

/// What to write for one refusal.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// Write it now.
    Write,
    /// It is counted, and [`Collapse::due`] will bring it.
    Counted,
}

impl Collapse {
    /// Takes note of a refusal at `now` (nanoseconds). `line` is its audit event without the final brace.
    pub fn note(&self, key: &[&str], now: u64, line: impl FnOnce() -> String) -> Fate {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = self.hasher.hash_one(key);
        if !runs.contains_key(&hash) && runs.len() >= TRACKED {
            return Fate::Write;
        }
        let run = runs.entry(hash).or_insert(Run { since: now, seen: 0, last: None });
        run.seen += 1;
        if run.seen <= SINGLE {
            return Fate::Write;
        }
        if run.last.is_none() {
            run.last = Some(line());
        }
        Fate::Counted
    }

    /// The audit lines of runs whose window is over: the first refusal that was not written, with `repeat`, the number
    /// of refusals that it stands for. `all` closes every window.
    pub fn due(&self, now: u64, all: bool) -> Vec<String> {
        let mut due = Vec::new();
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, run| {
            let open = !all && now.saturating_sub(run.since) < WINDOW;
            if !open && let Some(line) = run.last.take() {
                due.push(format!("{line},\"repeat\":{}}}", run.seen - SINGLE));
            }
            open
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_nothing_is_lost() {
        let collapse = Collapse::default();
        let written = (0..100)
            .filter(|n| collapse.note(&["read_only", "alice"], *n, || format!("{{\"n\":{n}")) == Fate::Write)
            .count();
        assert_eq!(written, 5);
        assert_eq!(collapse.note(&["read_only", "bob"], 50, String::new), Fate::Write);
        assert!(collapse.due(500, false).is_empty());
        assert_eq!(collapse.due(WINDOW + 60, false), ["{\"n\":5,\"repeat\":95}"]);
        assert!(collapse.due(u64::MAX, true).is_empty());
    }
}
