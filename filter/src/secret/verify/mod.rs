//! Looks at the place where a literal was found, and says what lies there.

mod assign;
mod assigned;
pub(crate) mod base64;
pub mod class;
pub(crate) mod entropy;
mod header;
mod jwt;
mod key_block;
mod name;
mod national;
mod parts;
mod personal;
pub mod placeholder;
mod plausible;
mod sibling;
mod token;
mod url;
pub(crate) mod valued;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use assign::assigned_value;
pub(crate) use assigned::Seen;
pub(crate) use token::{begins_inside_word, least_run};
pub(crate) use url::has_no_userinfo;

use super::detector::{Detector, Form};
use key_block::Followed;

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
    /// A secret that had not ended where a verifier's reach ends: the bytes to be replaced so far. [`resume`] says how
    /// it goes on from `end`. Said of complete text too, if it is longer than the reach.
    Open {
        /// Index of its first byte.
        start: usize,
        /// Index after the last byte that was judged.
        end: usize,
        /// What [`resume`] needs to know.
        resume: Resume,
    },
    /// It depends on text that has not come. Never said of complete text.
    More,
}

/// What a secret consists of that goes on beyond the reach of its verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// The body of a PEM or PGP block.
    Key,
    /// Base64 of either alphabet.
    Base64,
    /// The parts of a JWT.
    Token,
    /// A value in quotes.
    Quoted {
        /// The quote that ends it.
        quote: u8,
        /// The level that its end is at, or less.
        level: u32,
    },
    /// A value without quotes.
    Bare,
}

/// How an open secret goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// It ends before this index, which may be the one that was asked for.
    Ends(usize),
    /// All text up to this index belongs to it, and more may follow; what lies between here and the end of the text at
    /// hand (at most 128 bytes) cannot be judged before more comes. Never said of complete text.
    Goes(usize),
}

/// Follows an open secret on from index `from`, up to which it is known.
pub fn resume(resume: Resume, text: &Text<'_>, from: usize) -> Resumed {
    let rest = text.bytes.get(from..).unwrap_or_default();
    let run = match resume {
        Resume::Key => match key_block::swallow(text, from, usize::MAX) {
            Followed::Ends(end) => return Resumed::Ends(end),
            Followed::Exhausted(end) | Followed::Reached(end) => return Resumed::Goes(end),
        },
        Resume::Base64 => class::run(rest, class::BASE64 | class::BASE64URL | class::EQUALS, usize::MAX),
        Resume::Token => class::run(rest, class::BASE64URL | class::DOT, usize::MAX),
        Resume::Quoted { quote, level } => rest
            .iter()
            .enumerate()
            .position(|(offset, byte)| match byte {
                b'"' => quote != b'"' || text.levels.level(from + offset) <= level,
                byte => *byte == quote,
            })
            .unwrap_or(rest.len()),
        Resume::Bare => rest
            .iter()
            .take_while(|byte| **byte > b' ' && !class::is(**byte, class::QUOTE) && !b",;)}]><&|".contains(byte))
            .count(),
    };
    if run == rest.len() && !text.is_complete { Resumed::Goes(from + run) } else { Resumed::Ends(from + run) }
}

/// Judges the literal of `detector` found at `at..end`.
pub(crate) fn verify(detector: &Detector, text: &Text<'_>, (at, end): (usize, usize), seen: &Seen) -> Found {
    match detector.form {
        Form::Token(segments) => token::verify(detector, segments, text, at, end),
        Form::Within(classes, least, most, segments) => {
            token::within(detector, (classes, least, most), segments, text, at, end)
        }
        Form::Keyed(segments) => assign::keyed(detector, segments, text, (at, end), seen),
        Form::Assignment(kind) => assign::verify(detector, kind, text, (at, end), seen),
        Form::ValueBefore => sibling::before(text, end),
        Form::Command(flag) => header::command(flag, text, at, end),
        Form::PrivateKey => key_block::verify(text, at, end),
        Form::EncodedPrivateKey => key_block::encoded(text, at, end),
        Form::PuttyKey => key_block::putty(text, end),
        Form::Jwt => jwt::verify(text, at, end),
        Form::Url => url::verify(text, at, end),
        Form::Bearer => header::bearer(detector, text, at, end),
        Form::Basic => header::basic(text, at, end),
        Form::Cookie => header::cookie(detector, text, at, end),
        Form::UserArgument => header::user_argument(text, at, end),
        Form::PgPass => url::pgpass(text, at, end),
        Form::Personal(kind) => personal::verify(kind, text, at, end),
    }
}
