//! The bound on the work of one judgement.

use core::fmt;

/// Why an instance could be judged neither valid nor invalid. Whoever asked must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undecidable {
    /// The judgement would take more than [`JUDGEMENT_STEPS`](super::JUDGEMENT_STEPS).
    Work,
    /// Schema and instance together nest deeper than [`JUDGEMENT_DEPTH`](super::JUDGEMENT_DEPTH).
    Depth,
    /// A number has an exponent that cannot be counted with.
    Number,
    /// The instance is not JSON as [`json::check`](crate::json::check) accepts it.
    Unreadable,
}

impl Undecidable {
    /// A stable snake_case name for metrics and audit events.
    pub fn code(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Depth => "depth",
            Self::Number => "number",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Undecidable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work => "judging the arguments would take too long; send shorter or fewer values",
            Self::Depth => "the arguments are nested too deeply to be judged; send flatter values",
            Self::Number => "a number in the arguments has an exponent that is too large; send a smaller one",
            Self::Unreadable => "the arguments are not strict JSON",
        })
    }
}

impl core::error::Error for Undecidable {}

/// The steps that are left.
#[derive(Debug)]
pub(crate) struct Work {
    left: usize,
}

/// Bytes that are read in about the time of one step.
const BYTES: usize = 16;

impl Work {
    pub(crate) fn new(steps: usize) -> Self {
        Self { left: steps }
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Undecidable> {
        self.left = self.left.checked_sub(steps).ok_or(Undecidable::Work)?;
        Ok(())
    }

    /// One step, and what reading `bytes` bytes takes.
    pub(super) fn read(&mut self, bytes: usize) -> Result<(), Undecidable> {
        self.spend(1 + bytes / BYTES)
    }

    /// The steps that are left.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.left
    }
}
