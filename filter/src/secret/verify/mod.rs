//! Looks at the place where a literal was found, and says what lies there.

pub(crate) mod base64;
pub mod class;
pub(crate) mod entropy;
mod plausible;
mod token;

use super::detector::{Detector, Form};

/// Flat text that is complete or still growing at its end.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// The bytes at hand. Only the first call for a text has its true beginning at index 0; later ones start with up to
    /// [`super::LOOKBACK`] bytes that were scanned before.
    pub bytes: &'a [u8],
    /// Whether no more will come.
    pub is_complete: bool,
    /// How deep in escapes a quote is.
    pub levels: &'a dyn Levels,
}

/// Tells quotes of JSON inside JSON apart.
pub trait Levels {
    /// At how many levels of JSON strings the quote at this index of the text is escaped: 0 for a quote that delimits a
    /// string of the outermost document (or stands in text that is no JSON), 1 for one inside such a string, and so on.
    fn level(&self, at: usize) -> u32;
}

/// Text without escapes: every quote is at level 0.
impl Levels for () {
    fn level(&self, _: usize) -> u32 {
        0
    }
}

/// What lies at a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No secret. Candidates of the same detector that begin before `examined` hold none either.
    Nothing {
        /// The index up to which the text was judged; the candidate's own end if only it was.
        examined: usize,
    },
    /// A secret: exactly the bytes to be replaced, which never include a quote that delimits a string.
    Secret {
        /// Index of its first byte.
        start: usize,
        /// Index after its last byte.
        end: usize,
    },
    /// A secret that had not ended where a verifier's reach ends: the bytes to be replaced so far. `resume` says how
    /// it goes on from `end`. Said of complete text too, if it is longer than the reach.
    Open {
        /// Index of its first byte.
        start: usize,
        /// Index after the last byte that was judged.
        end: usize,
    },
    /// It depends on text that has not come. Never said of complete text.
    More,
}

/// Judges the literal of `detector` found at `at..end`.
pub fn verify(detector: &Detector, text: &Text<'_>, at: usize, end: usize) -> Found {
    match detector.form {
        Form::Token(segments) => token::verify(detector, segments, text, at, end),
        Form::Within(classes, least, most, segments) => {
            token::within(detector, (classes, least, most), segments, text, at, end)
        }
        _ => Found::Nothing { examined: end },
    }
}
