//! The resumable lexer.

use super::keys::{KeyHash, Keys};
use super::number::{Number, Piece};
use super::string::{Reader, Want};
use super::{Error, Fault, Kind, Limits, Scalar, Span, Text, Visitor, scan};

/// What may come next, between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Root,
    Value,
    FirstElement,
    FirstKey,
    Key,
    Colon,
    AfterMember,
    AfterElement,
    End,
}

impl Expect {
    fn is_value(self) -> bool {
        matches!(self, Self::Root | Self::Value | Self::FirstElement)
    }

    fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::FirstKey)
    }
}

/// The token that a chunk ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    None,
    Key,
    String,
    Number,
    Literal { word: Word, matched: usize },
    ByteOrderMark { matched: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    True,
    False,
    Null,
}

impl Word {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::True => b"true",
            Self::False => b"false",
            Self::Null => b"null",
        }
    }

    fn scalar(self) -> Scalar<'static> {
        match self {
            Self::True => Scalar::True,
            Self::False => Scalar::False,
            Self::Null => Scalar::Null,
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    at: usize,
    keys: usize,
}

/// Reads one document, pushed in chunks, and refuses all that strict RFC 8259 and [`Limits`] do not allow.
///
/// Any split of the same bytes into chunks gives the same calls and the same [`Error`]. Memory is bounded by the
/// limits and [`TEXT_CAPTURE`](super::TEXT_CAPTURE). There is no recursion.
#[derive(Debug)]
pub struct Lexer {
    limits: Limits,
    /// Offset of the chunk that is being read.
    base: usize,
    expect: Expect,
    token: Token,
    token_at: usize,
    frames: Vec<Frame>,
    keys: Keys,
    string: Reader,
    number: Number,
    failed: Option<Error>,
}

/// Reads a whole document: [`Lexer::feed`] and [`Lexer::finish`].
pub fn check<V: Visitor>(bytes: &[u8], limits: Limits, v: &mut V) -> Result<(), Error> {
    let mut lexer = Lexer::new(limits);
    lexer.feed(bytes, v)?;
    lexer.finish(v)
}

impl Lexer {
    /// A lexer at the start of a document.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            base: 0,
            expect: Expect::Root,
            token: Token::None,
            token_at: 0,
            frames: Vec::new(),
            keys: Keys::default(),
            string: Reader::default(),
            number: Number::default(),
            failed: None,
        }
    }

    /// Goes to the start of another document and keeps the memory.
    pub fn reset(&mut self) {
        self.base = 0;
        self.expect = Expect::Root;
        self.token = Token::None;
        self.frames.clear();
        self.keys.clear();
        self.failed = None;
    }

    /// Reads the next bytes. After an error, every call gives that error again.
    pub fn feed<V: Visitor>(&mut self, chunk: &[u8], v: &mut V) -> Result<(), Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let read = match self.base.checked_add(chunk.len()) {
            Some(end) => self.read(chunk, v).map(|()| self.base = end),
            None => Err(Error { fault: Fault::TooLong, offset: self.base }),
        };
        self.failed = read.err();
        read
    }

    /// Says that the document has ended. A number at the root is complete only now.
    pub fn finish<V: Visitor>(&mut self, v: &mut V) -> Result<(), Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let end = |fault| Err(Error { fault, offset: self.base });
        let finished = match self.token {
            Token::Number if self.frames.is_empty() && self.number.may_end() => {
                let span = Span { start: self.token_at, end: self.base };
                self.token = Token::None;
                self.expect = Expect::End;
                v.scalar(0, Scalar::Number(self.number.kept()), span);
                Ok(())
            }
            Token::ByteOrderMark { .. } => Err(Error { fault: Fault::UnexpectedByte, offset: 0 }),
            Token::None if self.expect == Expect::End => Ok(()),
            Token::None if self.expect == Expect::Root => end(Fault::Empty),
            _ => end(Fault::UnexpectedEnd),
        };
        self.failed = finished.err();
        finished
    }

    /// Bytes read so far, those of a chunk that was refused not included.
    pub fn offset(&self) -> usize {
        self.base
    }

    /// True once the root value has closed. A number at the root closes with the byte after it, or at the end.
    pub fn is_complete(&self) -> bool {
        self.expect == Expect::End && self.failed.is_none()
    }

    fn read<V: Visitor>(&mut self, chunk: &[u8], v: &mut V) -> Result<(), Error> {
        let mut at = self.resume(chunk, 0, v)?;
        while let Some(&byte) = chunk.get(at) {
            at = match byte {
                b' ' | b'\t' | b'\n' | b'\r' => skip_space(chunk, at + 1),
                b'"' if self.expect.is_key() => self.key(chunk, at, v)?,
                b'"' if self.expect.is_value() => self.text(chunk, at, v)?,
                b':' if self.expect == Expect::Colon => {
                    self.expect = Expect::Value;
                    at + 1
                }
                b',' if self.expect == Expect::AfterMember => {
                    self.expect = Expect::Key;
                    at + 1
                }
                b',' if self.expect == Expect::AfterElement => {
                    self.expect = Expect::Value;
                    at + 1
                }
                b'{' if self.expect.is_value() => self.open(Kind::Object, at, v)?,
                b'[' if self.expect.is_value() => self.open(Kind::Array, at, v)?,
                b'}' if matches!(self.expect, Expect::AfterMember | Expect::FirstKey) => self.close(at, v),
                b']' if matches!(self.expect, Expect::AfterElement | Expect::FirstElement) => self.close(at, v),
                b'-' | b'0'..=b'9' if self.expect.is_value() => self.number(chunk, at, byte, v)?,
                b't' if self.expect.is_value() => self.literal(Word::True, chunk, at, v)?,
                b'f' if self.expect.is_value() => self.literal(Word::False, chunk, at, v)?,
                b'n' if self.expect.is_value() => self.literal(Word::Null, chunk, at, v)?,
                0xef if self.expect == Expect::Root && self.base + at == 0 => {
                    self.token = Token::ByteOrderMark { matched: 0 };
                    self.resume(chunk, at, v)?
                }
                _ => return Err(Error { fault: self.unexpected(byte), offset: self.base + at }),
            };
        }
        Ok(())
    }

    /// Goes on with the token that the last chunk ended in; gives the index after it, or after the chunk.
    fn resume<V: Visitor>(&mut self, chunk: &[u8], at: usize, v: &mut V) -> Result<usize, Error> {
        match self.token {
            Token::None => Ok(at),
            Token::Key | Token::String => {
                let Some(end) = self.string.read(chunk, at, self.base)? else { return Ok(chunk.len()) };
                let span = Span { start: self.token_at, end: self.base + end };
                let depth = self.frames.len();
                if self.token == Token::Key {
                    self.add_key(self.string.hash())?;
                    v.key(depth, &self.string.text(), span);
                } else {
                    v.scalar(depth, Scalar::String(self.string.text()), span);
                    self.after_value();
                }
                self.token = Token::None;
                Ok(end)
            }
            Token::Number => {
                let rest = chunk.get(at..).unwrap_or_default();
                match self.number.read(rest).map_err(|(fault, more)| self.fault(fault, at + more))? {
                    Piece::Open => {
                        self.number.keep(rest);
                        Ok(chunk.len())
                    }
                    Piece::Ends(more) => {
                        self.number.keep(rest.get(..more).unwrap_or_default());
                        let span = Span { start: self.token_at, end: self.base + at + more };
                        v.scalar(self.frames.len(), Scalar::Number(self.number.kept()), span);
                        self.token = Token::None;
                        self.after_value();
                        Ok(at + more)
                    }
                }
            }
            Token::Literal { word, matched } => {
                let left = word.bytes().get(matched..).unwrap_or_default();
                let more = self.same(left, chunk, at)?;
                if more < left.len() {
                    self.token = Token::Literal { word, matched: matched + more };
                } else {
                    let span = Span { start: self.token_at, end: self.base + at + more };
                    v.scalar(self.frames.len(), word.scalar(), span);
                    self.token = Token::None;
                    self.after_value();
                }
                Ok(at + more)
            }
            Token::ByteOrderMark { matched } => {
                let left = BYTE_ORDER_MARK.get(matched..).unwrap_or_default();
                let more = self.same(left, chunk, at).map_err(|error| Error { offset: 0, ..error })?;
                if more == left.len() {
                    return Err(Error { fault: Fault::ByteOrderMark, offset: 0 });
                }
                self.token = Token::ByteOrderMark { matched: matched + more };
                Ok(at + more)
            }
        }
    }

    /// How many bytes of `left` the chunk has from `at`; an error at the first that differs.
    fn same(&self, left: &[u8], chunk: &[u8], at: usize) -> Result<usize, Error> {
        let rest = chunk.get(at..).unwrap_or_default();
        match left.iter().zip(rest).position(|(want, have)| want != have) {
            None => Ok(left.len().min(rest.len())),
            Some(more) => {
                let fault = if rest.get(more) == Some(&0) { Fault::Nul } else { Fault::UnexpectedByte };
                Err(self.fault(fault, at + more))
            }
        }
    }

    #[inline]
    fn key<V: Visitor>(&mut self, chunk: &[u8], at: usize, v: &mut V) -> Result<usize, Error> {
        self.token_at = self.base + at;
        if let Some((plain, end)) = borrow(chunk, at) {
            self.add_key(KeyHash::default().finish(plain))?;
            let span = Span { start: self.token_at, end: self.base + end };
            v.key(self.frames.len(), &Text { bytes: Some(plain) }, span);
            return Ok(end);
        }
        self.token = Token::Key;
        self.string.begin(Want::Key);
        self.resume(chunk, at + 1, v)
    }

    #[inline]
    fn text<V: Visitor>(&mut self, chunk: &[u8], at: usize, v: &mut V) -> Result<usize, Error> {
        self.token_at = self.base + at;
        let depth = self.frames.len();
        let wanted = v.wants_text(depth);
        if let Some((plain, end)) = borrow(chunk, at) {
            let span = Span { start: self.token_at, end: self.base + end };
            v.scalar(depth, Scalar::String(Text { bytes: wanted.then_some(plain) }), span);
            self.after_value();
            return Ok(end);
        }
        self.token = Token::String;
        self.string.begin(if wanted { Want::Text } else { Want::Nothing });
        self.resume(chunk, at + 1, v)
    }

    #[inline]
    fn number<V: Visitor>(&mut self, chunk: &[u8], at: usize, first: u8, v: &mut V) -> Result<usize, Error> {
        self.token_at = self.base + at;
        self.number.begin(first);
        let rest = chunk.get(at + 1..).unwrap_or_default();
        match self.number.read(rest).map_err(|(fault, more)| self.fault(fault, at + 1 + more))? {
            Piece::Ends(more) => {
                let end = at + 1 + more;
                let span = Span { start: self.token_at, end: self.base + end };
                v.scalar(self.frames.len(), Scalar::Number(chunk.get(at..end).unwrap_or_default()), span);
                self.after_value();
                Ok(end)
            }
            Piece::Open => {
                self.token = Token::Number;
                self.number.keep(chunk.get(at..).unwrap_or_default());
                Ok(chunk.len())
            }
        }
    }

    #[inline(always)]
    fn literal<V: Visitor>(&mut self, word: Word, chunk: &[u8], at: usize, v: &mut V) -> Result<usize, Error> {
        self.token_at = self.base + at;
        let bytes = word.bytes();
        let end = at + bytes.len();
        if chunk.get(at..end) == Some(bytes) {
            v.scalar(self.frames.len(), word.scalar(), Span { start: self.token_at, end: self.base + end });
            self.after_value();
            return Ok(end);
        }
        self.token = Token::Literal { word, matched: 0 };
        self.resume(chunk, at, v)
    }

    #[inline]
    fn open<V: Visitor>(&mut self, kind: Kind, at: usize, v: &mut V) -> Result<usize, Error> {
        let depth = self.frames.len();
        if depth >= self.limits.depth {
            return Err(self.fault(Fault::TooDeep, at));
        }
        self.frames.push(Frame { kind, at: self.base + at, keys: self.keys.mark() });
        self.expect = match kind {
            Kind::Object => Expect::FirstKey,
            Kind::Array => Expect::FirstElement,
        };
        v.open(depth, kind, self.base + at);
        Ok(at + 1)
    }

    #[inline]
    fn close<V: Visitor>(&mut self, at: usize, v: &mut V) -> usize {
        if let Some(frame) = self.frames.pop() {
            self.keys.close(frame.keys);
            self.after_value();
            v.close(self.frames.len(), frame.kind, Span { start: frame.at, end: self.base + at + 1 });
        }
        at + 1
    }

    #[inline]
    fn add_key(&mut self, hash: u64) -> Result<(), Error> {
        let mark = self.frames.last().map_or(0, |frame| frame.keys);
        self.expect = Expect::Colon;
        let offset = self.token_at;
        self.keys.insert(mark, hash, self.limits.keys).map_err(|fault| Error { fault, offset })
    }

    #[inline]
    fn after_value(&mut self) {
        self.expect = match self.frames.last() {
            None => Expect::End,
            Some(Frame { kind: Kind::Object, .. }) => Expect::AfterMember,
            Some(Frame { kind: Kind::Array, .. }) => Expect::AfterElement,
        };
    }

    /// Which rule a byte breaks that cannot stand between tokens. Told from the byte alone, so that the answer does
    /// not depend on how much of the document has arrived.
    fn unexpected(&self, byte: u8) -> Fault {
        match byte {
            0 => Fault::Nul,
            _ if self.expect == Expect::End => Fault::TrailingBytes,
            0x80..=0xc1 | 0xf5..=0xff => Fault::NotUtf8,
            b'+' | b'.' if self.expect.is_value() => Fault::BadNumber,
            _ => Fault::UnexpectedByte,
        }
    }

    fn fault(&self, fault: Fault, at: usize) -> Error {
        Error { fault, offset: self.base + at }
    }
}

/// The text between the quote at `at` and the next one, and the index after that, if the text needs no decoding.
#[inline]
fn borrow(chunk: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = chunk.get(at + 1..)?;
    let run = scan::string_run(rest);
    let (plain, after) = rest.split_at_checked(run.len)?;
    let whole = after.first() == Some(&b'"') && (run.ascii || core::str::from_utf8(plain).is_ok());
    whole.then_some((plain, at + run.len + 2))
}

#[inline]
fn skip_space(chunk: &[u8], mut at: usize) -> usize {
    while chunk.get(at..at + 8) == Some(b"        ") {
        at += 8;
    }
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = chunk.get(at) {
        at += 1;
    }
    at
}
