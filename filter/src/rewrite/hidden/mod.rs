//! Hidden text: what a model reads and a person does not see, or what a terminal would act upon.
//!
//! [`find`] tells where it is and of what [`Kind`]; whether it is stripped, counted or refused is the caller's affair.
//! Text of every script stays whole: joiners in Persian or Malayalam, variation selectors of emoji and ideographs, the
//! flag of Scotland are no hits. Where the rules differ from Unicode's they are stricter: one selector for each base
//! character, no tags but those of the three flags that are in use (Unicode Technical Standard 51, appendix A).
//!
//! The text is flat, as for [`crate::secret`]: escapes of JSON, at every depth, have been undone.
//!
//! ```
//! use tidegate_filter::rewrite::hidden::{Hit, Kind, Memo, find};
//! use tidegate_filter::secret::verify::Text;
//!
//! let text = "a\u{200b}b \u{1b}[31mred".as_bytes();
//! let mut hits = Vec::new();
//! find(&Text { bytes: text, is_complete: true, levels: &() }, 0, &mut Memo::default(), &mut hits);
//! assert_eq!(hits[0], Hit { start: 1, end: 4, kind: Kind::Invisible, joins: false });
//! assert_eq!(hits[1], Hit { start: 6, end: 11, kind: Kind::Escape, joins: false });
//! ```

mod character;
mod escape;
mod scan;
#[cfg(test)]
mod tests;

use crate::secret::verify::Text;

/// Longest control string (OSC, DCS and their like) that is one hit, in bytes. Of a longer one only the introducer and
/// the terminator are hits, and what they hid stays, in plain sight.
pub const STRING_BYTES: usize = 4096;
/// Longest control sequence that is one hit, in bytes.
pub const SEQUENCE_BYTES: usize = 64;

/// Kinds of hidden text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Tag characters (U+E0000 to U+E007F): a whole message in invisible ASCII.
    Tag,
    /// Bidirectional controls: text that is shown in another order.
    Bidi,
    /// Characters without a shape: zero-width, fillers, soft hyphens.
    Invisible,
    /// Variation selectors that select nothing.
    Variation,
    /// Escape sequences of terminals (ECMA-48), in their 7-bit and 8-bit forms.
    Escape,
    /// Other control characters.
    Control,
    /// Backspace, and carriage return without a line feed: what comes after is written over what came before.
    Overwrite,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Tag, Self::Bidi, Self::Invisible, Self::Variation, Self::Escape, Self::Control, Self::Overwrite];

    /// What it is called among the detectors of secrets, in audit events and metrics.
    pub fn detector(self) -> &'static str {
        match self {
            Self::Tag => "hidden-tag",
            Self::Bidi => "hidden-bidi",
            Self::Invisible => "hidden-invisible",
            Self::Variation => "hidden-variation",
            Self::Escape => "hidden-escape",
            Self::Control => "hidden-control",
            Self::Overwrite => "hidden-overwrite",
        }
    }
}

/// One hidden character, or one escape sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of its first byte.
    pub start: usize,
    /// Index after its last byte.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// Whether it goes on where a hit of the same kind ended: to count runs, count the hits that do not.
    pub joins: bool,
}

/// What is remembered between calls for one text. Its size is fixed.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    /// Where the last hit ended, and of what kind it was.
    last: Option<(usize, Kind)>,
    /// Up to where the control string that is open has been read.
    read: usize,
}

impl Memo {
    /// The caller dropped this many bytes from the beginning of the text.
    pub fn forget(&mut self, dropped: usize) {
        self.last = self.last.and_then(|(end, kind)| Some((end.checked_sub(dropped)?, kind)));
        self.read = self.read.saturating_sub(dropped);
    }
}

/// What begins at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// So many bytes that stay.
    Nothing(usize),
    /// So many bytes that are hidden.
    Hidden(usize, Kind),
    /// It depends on text that has not come. Never said of complete text.
    More,
}

/// Looks on from index `from`, appends what it finds to `hits` in the order of places, and gives the index up to which
/// everything is decided: hits before it are final, and the bytes before it may leave. Of complete text that is its
/// end; else at most 32 bytes are left undecided, or [`STRING_BYTES`] and a few from where a control string began.
///
/// For the next call the caller may drop bytes from the beginning (see [`Memo::forget`]), but must keep
/// [`crate::secret::LOOKBACK`] bytes before the index given, and append to the end. Any way to cut one text into calls
/// gives the same hits. Hits do not overlap and hold no `"`.
pub fn find(text: &Text<'_>, from: usize, memo: &mut Memo, hits: &mut Vec<Hit>) -> usize {
    let mut at = from;
    loop {
        at += scan::plain_run(text.bytes.get(at..).unwrap_or_default());
        let found = match text.bytes.get(at) {
            None => return at.min(text.bytes.len()).max(from),
            Some(byte) if byte.is_ascii() => escape::control(text, at, *byte, memo),
            Some(_) => character::judge(text, at, memo),
        };
        match found {
            Found::Nothing(length) => at += length.max(1),
            Found::Hidden(length, kind) => {
                let end = at + length;
                hits.push(Hit { start: at, end, kind, joins: memo.last == Some((at, kind)) });
                memo.last = Some((end, kind));
                at = end;
            }
            Found::More => return at,
        }
    }
}
