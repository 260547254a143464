//! What a judgement comes to.

use core::fmt;

use super::work::Undecidable;

/// What is known about the caller. Paths are those of the policy language: `principal.team`.
pub trait Facts {
    /// A fact that is one text; `None` if it is not known.
    fn text(&self, path: &str) -> Option<&str>;
    /// A fact that is a list, such as `principal.groups`; `None` if it is not known.
    fn list(&self, path: &str) -> Option<&[String]>;
}

/// Knows nothing.
impl Facts for () {
    fn text(&self, _path: &str) -> Option<&str> {
        None
    }

    fn list(&self, _path: &str) -> Option<&[String]> {
        None
    }
}

/// Whether an instance conforms to a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Valid,
    /// It does not.
    Invalid(Miss),
    /// Nobody can say. An allow must then not hold, and a deny must.
    Undecidable(Undecidable),
}

/// What an instance lacks: the first thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Which sort of miss it is.
    pub kind: MissKind,
    /// JSON pointer (RFC 6901) within the instance, cut if it is long; empty for the whole of it.
    pub pointer: String,
    /// The keyword that is not met.
    pub keyword: &'static str,
    /// What the value must be, as a phrase that starts with "must", for a model to act on. Holds what the schema says
    /// and never the value that was sent.
    pub wanted: String,
}

/// The sorts of [`Miss`]. With a deny, only [`MissKind::Unmet`] says that the deny does not match: the others say
/// that it could not be told, which `not` does not turn into its opposite either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissKind {
    /// A keyword is not met.
    Unmet,
    /// A key differs only in case from one that the schema constrains: some servers would take it for that one.
    LooksAlike,
    /// A fact about the caller that the schema asks for is not known.
    UnknownFact,
}

impl fmt::Display for Miss {
    /// `/amount must be at most 500`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.pointer.is_empty() { "the arguments" } else { &self.pointer };
        write!(f, "{subject} {}", self.wanted)
    }
}
