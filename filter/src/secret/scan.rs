//! Scans text that may still be growing.

use super::detector::{Detector, detectors};
use super::prefilter::{Literal, Prefilter};
use super::verify::{Found, Text, verify};

/// How far back from a candidate a verifier looks, at most.
pub const LOOKBACK: usize = 256;

/// How much text a verifier looks at from the start of a candidate, at most: a candidate is decided once this many
/// bytes after it have come.
pub const REACH: usize = 16 * 1024;

/// A secret that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// Index of its first byte.
    pub start: usize,
    /// Index after its last byte.
    pub end: usize,
    /// The detector's number.
    pub detector: usize,
    /// It goes on where the hit before it ended, and gets no placeholder of its own.
    pub joins: bool,
}

/// What a scan remembers between calls for one text.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    /// Up to where the last hit reached: nothing before is reported again.
    taken: usize,
}

impl Memo {
    /// The caller dropped this many bytes from the beginning of the text.
    pub fn forget(&mut self, dropped: usize) {
        self.taken = self.taken.saturating_sub(dropped);
    }
}

/// Finds the secrets of the detectors that a policy switched on.
#[derive(Debug)]
pub struct Scanner {
    prefilter: Prefilter,
    /// The detector of each literal.
    owners: Vec<(usize, &'static Detector)>,
}

impl Scanner {
    /// A scanner for the detectors that `is_on` accepts.
    pub fn new(is_on: impl Fn(&Detector) -> bool) -> Self {
        let mut literals = Vec::new();
        let mut owners = Vec::new();
        for (number, detector) in detectors().enumerate().filter(|(_, detector)| is_on(detector)) {
            for literal in detector.literals {
                literals.push(Literal { bytes: literal.as_bytes().into(), folds: detector.folds, then: None });
                owners.push((number, detector));
            }
        }
        Self { prefilter: Prefilter::new(literals), owners }
    }

    /// The name of a detector.
    pub fn name(&self, detector: usize) -> &str {
        detectors().nth(detector).map_or("secret", |detector| detector.name)
    }

    /// Scans on from index `from`, appends what it finds to `hits` in the order of places, and gives the index up to
    /// which everything is decided: hits before it are final, and the bytes before it may leave. Of complete text that
    /// is its end. Hits do not overlap.
    ///
    /// For the next call the caller may drop bytes from the beginning (see [`Memo::forget`]), but must keep
    /// [`LOOKBACK`] bytes before the index given, and append to the end. Any way to cut one text into calls gives
    /// the same hits.
    pub fn scan(&self, text: &Text<'_>, from: usize, memo: &mut Memo, hits: &mut Vec<Hit>) -> usize {
        // A literal may begin in what has come and end in what has not.
        let tail = self.prefilter.reach().saturating_sub(1);
        let mut decided = if text.is_complete { text.bytes.len() } else { text.bytes.len().saturating_sub(tail) };
        self.prefilter.find(text.bytes, from, |literal, at| {
            if at >= decided {
                return false;
            }
            let Some((number, detector)) = self.owners.get(literal) else { return true };
            if at < memo.taken {
                return true;
            }
            let length = self.prefilter.length(literal);
            match verify(detector, text, at, at + length) {
                Found::Nothing { .. } => true,
                Found::Secret { start, end } | Found::Open { start, end, .. } => {
                    if start >= memo.taken {
                        memo.taken = end;
                        hits.push(Hit { start, end, detector: *number, joins: false });
                    }
                    true
                }
                Found::More => {
                    decided = at;
                    false
                }
            }
        });
        decided.max(from)
    }
}
