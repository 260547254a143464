use core::fmt;

/// What kind of mistake a [`Fault`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The name is not kebab-case.
    Name,
    /// The pattern cannot be read, or needs look-around or backreferences.
    Syntax,
    /// `^` or `$`: a secret stands anywhere.
    Anchor,
    /// Every match would hold a `"`, or there is none at all.
    Nothing,
    /// It matches the empty text.
    Empty,
    /// It repeats nearly every character without a bound.
    Everything,
    /// No literal is in every match, near enough to its beginning.
    Literal,
    /// Every match would be longer than [`super::LONGEST`].
    Length,
    /// The automaton is too large.
    Size,
    /// The same text would be read again and again.
    Repeats,
    /// An example does not match.
    Example,
    /// A text that must pass matches.
    Pass,
}

/// Why an operator's pattern is refused. Shown, it is one sentence on what is wrong and one on what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of mistake it is.
    pub mistake: Mistake,
    /// What is wrong.
    pub what: String,
    /// Near which byte of the pattern; `None` if it is about the whole.
    pub at: Option<usize>,
    /// What to do about it.
    pub instead: &'static str,
}

impl Fault {
    pub(super) fn new(mistake: Mistake, what: impl Into<String>, instead: &'static str) -> Self {
        Self { mistake, what: what.into(), at: None, instead }
    }

    pub(super) fn at(self, at: usize) -> Self {
        Self { at: Some(at), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(at) = self.at {
            write!(f, " (near byte {at} of the pattern)")?;
        }
        write!(f, ": {}", self.instead)
    }
}

impl std::error::Error for Fault {}
