//! Verdicts over time, in as few steps as a picture has room for.

use std::collections::BTreeMap;

use super::Verdict;

/// Steps that are kept at most.
const STEPS: i64 = 96;

/// Widths of a step in milliseconds; each divides the next. Beyond them the width doubles.
const WIDTHS: [i64; 15] = [
    1,
    10,
    50,
    100,
    500,
    1_000,
    5_000,
    15_000,
    60_000,
    300_000,
    900_000,
    3_600_000,
    21_600_000,
    86_400_000,
    604_800_000,
];

/// How often each verdict was seen, in the order of [`Verdict::ALL`].
pub type Counts = [u64; Verdict::ALL.len()];

/// Verdicts by the time at which their exchange was recorded. Steps grow wider as the time between the first and the
/// last grows longer.
#[derive(Debug, Clone)]
pub struct Timeline {
    width: i64,
    steps: BTreeMap<i64, Counts>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width: WIDTHS.first().copied().unwrap_or(1), steps: BTreeMap::new() }
    }
}

impl Timeline {
    /// Counts a verdict; `at` is in milliseconds since the Unix epoch.
    pub fn count(&mut self, at: i64, verdict: Verdict) {
        let step = self.steps.entry(at.div_euclid(self.width)).or_default();
        if let Some(count) = step.get_mut(verdict as usize) {
            *count += 1;
        }
        while self.span() > STEPS {
            self.widen();
        }
    }

    /// Milliseconds of one step.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Every step from the first to the last, empty ones too: when it begins in milliseconds since the Unix epoch, and
    /// its counts.
    pub fn steps(&self) -> Vec<(i64, Counts)> {
        let Some((first, last)) = self.ends() else { return Vec::new() };
        let step = |at| (at * self.width, self.steps.get(&at).copied().unwrap_or_default());
        (first..=last).map(step).collect()
    }

    fn ends(&self) -> Option<(i64, i64)> {
        Some((*self.steps.keys().next()?, *self.steps.keys().next_back()?))
    }

    fn span(&self) -> i64 {
        self.ends().map_or(0, |(first, last)| last - first + 1)
    }

    fn widen(&mut self) {
        let wider = WIDTHS.into_iter().find(|width| *width > self.width).unwrap_or(self.width * 2);
        let factor = wider / self.width;
        for (at, counts) in std::mem::take(&mut self.steps) {
            let merged = self.steps.entry(at.div_euclid(factor)).or_default();
            for (sum, count) in merged.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        self.width = wider;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_width_divides_the_next() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0));
    }

    #[test]
    fn steps_grow_wider_and_nothing_is_lost() {
        let mut timeline = Timeline::default();
        timeline.count(1_000, Verdict::Deny);
        timeline.count(1_003, Verdict::Allow);
        assert_eq!((timeline.width(), timeline.steps().len()), (1, 4));
        // Out of order, and before 1970.
        for at in [90_000, -5_000, 3_600_000, 7_000_000_000] {
            timeline.count(at, Verdict::Allow);
        }
        let steps = timeline.steps();
        assert!(steps.len() <= 96, "{}", steps.len());
        let sum = |verdict: Verdict| steps.iter().map(|(_, counts)| counts[verdict as usize]).sum::<u64>();
        assert_eq!((sum(Verdict::Allow), sum(Verdict::Deny)), (5, 1));
        assert!(steps[0].0 <= -5_000 && steps.last().unwrap().0 <= 7_000_000_000);
        assert_eq!(timeline.width(), 86_400_000);
    }
}
