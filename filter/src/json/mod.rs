//! The ground floor: strict JSON (RFC 8259) read without building a tree.
//!
//! [`Lexer`] is pushed chunks of a document, in any split, and tells a [`Visitor`] what it read, with the absolute
//! [`Span`] of every token. It refuses what two real peers could read differently: duplicate keys (compared decoded),
//! lone surrogates, NUL, a byte order mark, bytes that are not UTF-8. [`check`] does the same for a whole document.
//! Over bytes that were accepted, [`members`], [`elements`] and [`locate`] find spans again without allocating.
//!
//! ```
//! use tidegate_filter::json::{self, Limits, Span, Text, Visitor};
//!
//! #[derive(Default)]
//! struct Keys(Vec<String>);
//! impl Visitor for Keys {
//!     fn key(&mut self, _depth: usize, key: &Text<'_>, _span: Span) {
//!         self.0.extend(key.as_str().map(str::to_owned));
//!     }
//! }
//!
//! let mut keys = Keys::default();
//! json::check(br#"{"method": "ping", "id": 1}"#, Limits::default(), &mut keys)?;
//! assert_eq!(keys.0, ["method", "id"]);
//!
//! let refused = json::check(br#"{"name": 1, "n\u0061me": 2}"#, Limits::default(), &mut keys).unwrap_err();
//! assert_eq!(refused.to_string(), "a duplicate key at byte 12");
//! # Ok::<(), json::Error>(())
//! ```

mod decimal;
mod fault;
mod keys;
mod lexer;
mod number;
pub mod scan;
mod string;
mod text;
mod walk;

#[cfg(test)]
mod tests;

pub use decimal::{DIVISOR_DIGITS, Decimal};
pub use fault::{Error, Fault};
pub use lexer::{Lexer, check};
pub use text::{decode, folds_to, write_string};
pub use walk::{Elements, Member, Members, elements, locate, locate_key, members};

/// Longest decoded string, in bytes, that is kept when it cannot be borrowed from one chunk.
pub const TEXT_CAPTURE: usize = 4096;

/// Longest number, in bytes, that is accepted.
pub const NUMBER_LONGEST: usize = 1024;

/// Where a token lies: absolute offsets from the start of the document, `end` exclusive. Strings and keys include
/// their quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes of the span; empty if the span is not inside `bytes`.
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// True if the span holds no byte.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// What a document may cost. Both bound the memory of a [`Lexer`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deepest nesting allowed: 1 allows `[]`, and refuses `[[]]`.
    pub depth: usize,
    /// Most keys of open objects held at once for the duplicate check (8 bytes each).
    pub keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, keys: 65_536 }
    }
}

/// The two containers of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
}

/// A value that holds no other value.
#[derive(Clone, Copy, Debug)]
pub enum Scalar<'a> {
    /// A string, decoded.
    String(Text<'a>),
    /// A number, as it was written.
    Number(&'a [u8]),
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

/// The decoded text of a key or a string.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    bytes: Option<&'a [u8]>,
}

impl<'a> Text<'a> {
    /// The decoded UTF-8 bytes. `None` when the text is longer than [`TEXT_CAPTURE`] and was escaped or split between
    /// chunks, and for a string value that the visitor did not want.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        self.bytes
    }

    /// The decoded text, under the conditions of [`Text::as_bytes`].
    pub fn as_str(&self) -> Option<&'a str> {
        self.bytes.and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// True if the text is known and equals `s`.
    pub fn is(&self, s: &str) -> bool {
        self.bytes == Some(s.as_bytes())
    }
}

/// Is told what a [`Lexer`] reads, in document order. The root value is at depth 0, members and elements of the root
/// at depth 1, and so on; a key has the depth of its value.
///
/// Calls stop at the first fault; what was told before it is part of a document that must be refused.
pub trait Visitor {
    /// A key that is no duplicate in its object.
    fn key(&mut self, depth: usize, key: &Text<'_>, span: Span) {
        let _ = (depth, key, span);
    }

    /// An object or array opens at offset `at`.
    fn open(&mut self, depth: usize, kind: Kind, at: usize) {
        let _ = (depth, kind, at);
    }

    /// The object or array that lies at `span` has closed.
    fn close(&mut self, depth: usize, kind: Kind, span: Span) {
        let _ = (depth, kind, span);
    }

    /// A string, number, boolean or null.
    fn scalar(&mut self, depth: usize, scalar: Scalar<'_>, span: Span) {
        let _ = (depth, scalar, span);
    }

    /// Whether the text of string values at `depth` is wanted. If not, they are checked all the same and reported
    /// without text. Keys always have text.
    fn wants_text(&self, depth: usize) -> bool {
        let _ = depth;
        true
    }
}

/// Wants nothing: for checking alone.
impl Visitor for () {
    fn wants_text(&self, _depth: usize) -> bool {
        false
    }
}
