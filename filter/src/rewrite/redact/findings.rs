//! What was found in one message, for the audit: detectors, places and counts, never values.

/// Places that are told apart before they are only counted.
const PLACES: usize = 32;
/// Longest pointer that is kept, in bytes.
const POINTER: usize = 256;

/// One detector at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The detector's name.
    pub detector: String,
    /// JSON pointer (RFC 6901) of the string; empty where text that is no JSON was read, `…` for places beyond those
    /// that are told apart.
    pub pointer: String,
    /// How often.
    pub count: u64,
}

/// What was found in one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// The findings, in the order in which they were first made.
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How often each detector found something.
    pub fn by_detector(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<(&str, u64)> = Vec::new();
        for finding in &self.list {
            match counts.iter_mut().find(|(name, _)| *name == finding.detector) {
                Some((_, count)) => *count += finding.count,
                None => counts.push((&finding.detector, finding.count)),
            }
        }
        counts
    }

    /// Adds what another message of the same exchange had.
    pub fn merge(&mut self, other: Self) {
        for finding in other.list {
            self.add(&finding.detector, &finding.pointer, finding.count);
        }
    }

    /// Adds `count` findings of `detector` at `pointer`.
    pub(super) fn add(&mut self, detector: &str, pointer: &str, count: u64) {
        let known = |list: &[Finding], pointer: &str| {
            list.iter().position(|finding| finding.detector == detector && finding.pointer == pointer)
        };
        let mut end = pointer.len().min(POINTER);
        while !pointer.is_char_boundary(end) {
            end -= 1;
        }
        let mut pointer = pointer.get(..end).unwrap_or_default();
        if known(&self.list, pointer).is_none() && self.list.len() >= PLACES {
            pointer = "…";
        }
        match known(&self.list, pointer).and_then(|at| self.list.get_mut(at)) {
            Some(finding) => finding.count += count,
            None => self.list.push(Finding { detector: detector.to_owned(), pointer: pointer.to_owned(), count }),
        }
    }
}
