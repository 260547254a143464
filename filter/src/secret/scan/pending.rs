//! Which of several findings at overlapping places are the hits.

use super::Hit;

/// A finding that later ones may still replace or shorten. Places count from the true beginning of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) detector: usize,
    /// Of two that begin at the same byte the lower rank stays, then the longer, then the detector with the lower number.
    pub(super) rank: u8,
    pub(super) joins: bool,
    /// Its true beginning lies inside of another.
    pub(super) is_rest: bool,
}

/// Findings in the order of places, none overlapping another.
///
/// What two findings cover is covered by what stays of them, but for one case: of two that begin at the same byte only
/// the more specific stays, because its detector knows best where the secret ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    findings: Vec<Finding>,
    /// Up to where final hits reach: nothing before may be found again.
    taken: u64,
}

impl Pending {
    /// Whether a candidate at `at` lies inside a finding that is at least as specific.
    pub(super) fn covers(&self, at: u64, rank: u8) -> bool {
        at < self.taken || self.findings.iter().any(|it| it.start < at && at < it.end && it.rank <= rank)
    }

    /// Up to where final hits reach.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Where the first one begins.
    pub(super) fn first(&self) -> Option<u64> {
        self.findings.first().map(|it| it.start)
    }

    pub(super) fn add(&mut self, mut new: Finding) {
        if new.start < self.taken {
            (new.start, new.is_rest) = (self.taken, true);
        }
        let mut at = 0;
        while let Some(old) = self.findings.get(at).copied() {
            if old.end <= new.start {
                at += 1;
            } else if old.start < new.start || old.start == new.start && (old.is_rest || new.is_rest) {
                (new.start, new.is_rest) = (old.end, true);
                at += 1;
            } else if old.start == new.start && new.start < new.end {
                let order = |it: &Finding| (it.rank, u64::MAX - it.end, it.detector);
                if order(&old) <= order(&new) {
                    return;
                }
                self.findings.remove(at);
            } else {
                break;
            }
        }
        if new.start >= new.end {
            return;
        }
        // From here on all begin after the new one does.
        while let Some(old) = self.findings.get_mut(at) {
            if old.end <= new.end {
                self.findings.remove(at);
            } else {
                if old.start < new.end {
                    (old.start, old.is_rest) = (new.end, true);
                }
                break;
            }
        }
        self.findings.insert(at, new);
    }

    /// Appends to `hits` what ends at or before `place`, now that every candidate before `place` was looked at; the
    /// text at hand begins at `base`.
    pub(super) fn settle(&mut self, place: u64, base: u64, hits: &mut Vec<Hit>) {
        let ready = self.findings.iter().take_while(|it| it.end <= place).count();
        for it in self.findings.drain(..ready) {
            self.taken = self.taken.max(it.end);
            let index = |place: u64| usize::try_from(place.saturating_sub(base)).unwrap_or(usize::MAX);
            hits.push(Hit { start: index(it.start), end: index(it.end), detector: it.detector, joins: it.joins });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finding((start, end, rank): (u64, u64, u8)) -> Finding {
        Finding { start, end, detector: usize::from(rank), rank, joins: false, is_rest: false }
    }

    fn spans(findings: &[(u64, u64, u8)]) -> Vec<(u64, u64, u8)> {
        let mut pending = Pending::default();
        findings.iter().for_each(|it| pending.add(finding(*it)));
        pending.findings.iter().map(|it| (it.start, it.end, it.rank)).collect()
    }

    #[test]
    fn the_more_specific_of_the_same_beginning_stays_and_the_first_of_others() {
        assert_eq!(spans(&[(7, 20, 3), (7, 15, 0)]), [(7, 15, 0)]);
        assert_eq!(spans(&[(7, 15, 0), (7, 20, 3)]), [(7, 15, 0)]);
        assert_eq!(spans(&[(7, 15, 1), (7, 20, 1)]), [(7, 20, 1)]);
        assert_eq!(spans(&[(7, 20, 3), (9, 15, 0)]), [(7, 20, 3)]);
        assert_eq!(spans(&[(9, 15, 0), (7, 20, 3)]), [(7, 20, 3)]);
    }

    #[test]
    fn what_sticks_out_is_covered_too() {
        assert_eq!(spans(&[(7, 20, 3), (9, 25, 0)]), [(7, 20, 3), (20, 25, 0)]);
        assert_eq!(spans(&[(9, 25, 0), (7, 20, 3)]), [(7, 20, 3), (20, 25, 0)]);
        assert_eq!(spans(&[(5, 6, 0), (10, 20, 0), (20, 30, 0), (8, 25, 1)]), [(5, 6, 0), (8, 25, 1), (25, 30, 0)]);
        assert_eq!(spans(&[(10, 20, 0), (20, 30, 0), (15, 25, 1)]), [(10, 20, 0), (20, 30, 0)]);
    }

    #[test]
    fn nothing_is_found_twice() {
        let mut pending = Pending::default();
        let mut hits = Vec::new();
        pending.add(finding((10, 20, 0)));
        pending.settle(19, 0, &mut hits);
        assert!(hits.is_empty());
        pending.settle(20, 5, &mut hits);
        assert_eq!(hits, [Hit { start: 5, end: 15, detector: 0, joins: false }]);
        pending.add(finding((15, 30, 0)));
        pending.settle(30, 5, &mut hits);
        assert_eq!(hits[1..], [Hit { start: 15, end: 25, detector: 0, joins: false }]);
    }

    proptest! {
        #[test]
        fn never_overlapping_always_sorted_and_everything_covered(
            findings in prop::collection::vec((0_u64..60, 1_u64..20, 0_u8..4), 0..12),
        ) {
            let findings: Vec<_> = findings.into_iter().map(|(start, length, rank)| (start, start + length, rank)).collect();
            let kept = spans(&findings);
            for pair in kept.windows(2) {
                prop_assert!(pair[0].1 <= pair[1].0, "{kept:?}");
            }
            prop_assert!(kept.iter().all(|(start, end, _)| start < end));
            let beginnings: Vec<_> = findings.iter().map(|it| it.0).collect();
            if beginnings.iter().all(|it| beginnings.iter().filter(|other| *other == it).count() == 1)
                && findings.iter().all(|it| findings.iter().all(|other| it.0 != other.1))
            {
                for place in 0..100 {
                    let inside = |it: &(u64, u64, u8)| it.0 <= place && place < it.1;
                    prop_assert_eq!(findings.iter().any(inside), kept.iter().any(inside), "{} {:?}", place, kept);
                }
            }
        }
    }
}
