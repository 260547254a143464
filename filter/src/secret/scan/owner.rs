//! What literals belong to.

use crate::secret::detector::{Detector, Form, Kind as Assigned};

/// What a literal belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) number: usize,
    pub(super) rank: u8,
    pub(super) kind: Kind,
    /// The index of an operator's key name, of all, that has the same literal.
    pub(super) key: Option<usize>,
}

impl Owner {
    /// An operator's key name; `number` is that of all.
    pub(super) fn of_key(number: usize, nth: usize) -> Self {
        // Before the generic detectors, which know no more than the name either.
        Self { number, rank: 3, kind: Kind::Key(nth), key: None }
    }

    /// Whether what it finds is what a key name of the same literal finds, or nothing.
    pub(super) fn yields_to_keys(&self) -> bool {
        matches!(self.kind, Kind::Detector(Detector { form: Form::Assignment(kind), .. }) if *kind != Assigned::Header)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Detector(&'static Detector),
    /// The index of an operator's key name, of all.
    Key(usize),
    /// The index of an operator's pattern, of all.
    Pattern(usize),
}
