//! Why a document was refused.

use core::fmt;

/// The rule that a document breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no value.
    Empty,
    /// A byte sequence that is not UTF-8 (RFC 3629): overlong forms, surrogates and U+110000 upwards included.
    NotUtf8,
    /// The document starts with U+FEFF (RFC 8259 section 8.1).
    ByteOrderMark,
    /// NUL, as a raw byte or as `\u0000`.
    Nul,
    /// A raw control character inside a string.
    ControlCharacter,
    /// A backslash that starts no escape sequence.
    BadEscape,
    /// A `\u` escape that is half of a surrogate pair.
    LoneSurrogate,
    /// A number that does not follow RFC 8259 section 6.
    BadNumber,
    /// A number longer than [`NUMBER_LONGEST`](super::NUMBER_LONGEST).
    NumberTooLong,
    /// A byte that cannot stand where it does.
    UnexpectedByte,
    /// The document ends inside a value.
    UnexpectedEnd,
    /// A key that its object already has, compared decoded.
    DuplicateKey,
    /// Nesting beyond [`Limits::depth`](super::Limits::depth).
    TooDeep,
    /// More keys held than [`Limits::keys`](super::Limits::keys).
    TooManyKeys,
    /// Something other than white space after the value.
    TrailingBytes,
    /// More bytes than an offset can count (4 GiB in WebAssembly).
    TooLong,
}

impl Fault {
    /// A stable name for metrics and audit events.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotUtf8 => "not_utf8",
            Self::ByteOrderMark => "byte_order_mark",
            Self::Nul => "nul",
            Self::ControlCharacter => "control_character",
            Self::BadEscape => "bad_escape",
            Self::LoneSurrogate => "lone_surrogate",
            Self::BadNumber => "bad_number",
            Self::NumberTooLong => "number_too_long",
            Self::UnexpectedByte => "unexpected_byte",
            Self::UnexpectedEnd => "unexpected_end",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "too_deep",
            Self::TooManyKeys => "too_many_keys",
            Self::TrailingBytes => "trailing_bytes",
            Self::TooLong => "too_long",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no JSON value",
            Self::NotUtf8 => "a byte sequence that is not UTF-8",
            Self::ByteOrderMark => "a byte order mark",
            Self::Nul => "a NUL character",
            Self::ControlCharacter => "a raw control character in a string",
            Self::BadEscape => "an invalid escape sequence",
            Self::LoneSurrogate => "a lone surrogate escape",
            Self::BadNumber => "a malformed number",
            Self::NumberTooLong => "a number with too many digits",
            Self::UnexpectedByte => "an unexpected byte",
            Self::UnexpectedEnd => "an unexpected end of the document",
            Self::DuplicateKey => "a duplicate key",
            Self::TooDeep => "nesting that is too deep",
            Self::TooManyKeys => "too many object keys",
            Self::TrailingBytes => "bytes after the JSON value",
            Self::TooLong => "a document that is too long",
        })
    }
}

/// A [`Fault`] and where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The rule that was broken.
    pub fault: Fault,
    /// Offset from the start of the document, in bytes: of the byte, sequence, escape or key at fault.
    pub offset: usize,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.fault, self.offset)
    }
}

impl core::error::Error for Error {}
