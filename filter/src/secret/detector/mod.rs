//! The kinds of secrets, declared as data: one file a group.

mod cloud;

/// What detectors are switched by, beside their own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Keys of cloud providers.
    Cloud,
}

impl Group {
    /// All groups.
    pub const ALL: &'static [Self] = &[Self::Cloud];

    /// Its name in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
        }
    }

    /// Whether a policy that says `"default"` means it.
    pub fn is_default(self) -> bool {
        true
    }
}

/// One kind of secret.
#[derive(Debug)]
pub struct Detector {
    /// Stable, kebab-case: in policies, placeholders, audit events and metrics.
    pub name: &'static str,
    /// What it is switched with.
    pub group: Group,
    /// Texts of which one stands in, or right before, every secret of this kind; each at least three bytes long (two,
    /// where the form allows no longer one).
    pub literals: &'static [&'static str],
    /// Whether the literals are taken in any mix of ASCII cases.
    pub folds: bool,
    /// What must surround the literal.
    pub form: Form,
    /// Least Shannon entropy of the value in tenths of a bit a byte; 0 asks for none.
    pub entropy: u8,
    /// Values that look like secrets and are none: published examples.
    pub passes: &'static [&'static str],
}

/// What must surround a literal.
#[derive(Debug)]
pub enum Form {
    /// The literal, then these segments, then the end of the word.
    Token(&'static [Segment]),
}

/// A part of a token.
#[derive(Clone, Copy, Debug)]
pub enum Segment {
    /// A run of bytes of a class ([`crate::secret::verify::class`]): the class, the fewest and the most bytes.
    Run(u16, u16, u16),
    /// Exactly this text.
    Text(&'static str),
}

/// All of them; a detector's number is its index here.
pub fn detectors() -> impl Iterator<Item = &'static Detector> {
    [cloud::DETECTORS].into_iter().flatten()
}
