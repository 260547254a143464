//! What is assigned to a name, read once for all who ask.

use std::cell::Cell;

use super::Text;
use super::assign::{How, Place, Read, Value, place, read};

/// What was last assigned to a name, for several detectors and key names ask of the same one. It is good for one text as
/// it is at hand.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    last: Cell<Option<(Name, How, Value)>>,
}

/// The bounds of a name.
type Name = (usize, usize);

/// What is assigned to a name.
pub(super) enum Assigned {
    Nothing,
    More,
    Value(How, Value),
}

impl Assigned {
    /// What is assigned to the name, read to so many bytes as `most` says of the place where it begins.
    pub(super) fn to(name: Name, text: &Text<'_>, seen: &Seen, most: impl Fn(usize) -> usize) -> Self {
        if let Some((of, how, value)) = seen.last.get()
            && of == name
            && value.end - value.start < most(value.start)
        {
            return Self::Value(how, value);
        }
        let (place, how) = match place(text, name) {
            Place::Nowhere => return Self::Nothing,
            Place::More => return Self::More,
            Place::At(place, how) => (place, how),
        };
        match read(text, place, how.hold, most(place)) {
            Read::No => Self::Nothing,
            Read::More => Self::More,
            Read::Value(value) => {
                // More may have been read than is left of what a sentence ends with.
                if !value.is_open && !matches!(text.bytes.get(value.end), Some(b'.' | b':')) {
                    seen.last.set(Some((name, how, value)));
                }
                Self::Value(how, value)
            }
        }
    }
}
