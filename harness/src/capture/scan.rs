//! JSON values out of a stream, one at a time: what lies in memory is one value, however long the stream is.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use memchr::{memchr_iter, memchr2, memrchr};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::jsonl::told;
use super::{CaptureError, Place};

/// The longest exchange in bytes of its capture, and the longest part of a capture that is no exchange.
pub const LONGEST: usize = 64 << 20;

/// Where a byte stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    /// Offset, from 0.
    byte: usize,
    /// From 1.
    line: usize,
    /// In bytes, from 1.
    column: usize,
}

impl Position {
    const START: Self = Self { byte: 0, line: 1, column: 1 };

    fn pass(&mut self, bytes: &[u8]) {
        self.byte += bytes.len();
        match memrchr(b'\n', bytes) {
            Some(last) => {
                self.line += memchr_iter(b'\n', bytes).count();
                self.column = bytes.len() - last;
            }
            None => self.column += bytes.len(),
        }
    }
}

/// Reads the values of a stream of JSON: those that follow one another, and the parts of one that is too long to be
/// taken whole.
pub(super) struct Scanner {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + Send>>,
    /// Of the next byte.
    at: Position,
    longest: usize,
    value: Vec<u8>,
    /// Of the first byte of `value`.
    start: Position,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("path", &self.path).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Scanner {
    /// A scanner of `reader`, which is named `path` in errors.
    pub(super) fn new(path: &Path, reader: Box<dyn Read + Send>) -> Self {
        Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(64 * 1024, reader),
            at: Position::START,
            longest: LONGEST,
            value: Vec::new(),
            start: Position::START,
        }
    }

    #[cfg(test)]
    pub(super) fn with_longest(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// How many bytes values take up at most, as it has turned out.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.value.capacity() + self.reader.capacity()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Passes over a byte order mark, which Windows puts first.
    pub(super) fn skip_mark(&mut self) -> Result<(), CaptureError> {
        if self.fill()?.starts_with(b"\xef\xbb\xbf") {
            self.reader.consume(3);
            self.at.byte += 3;
        }
        Ok(())
    }

    /// The next byte that is no white space; it is not passed over. `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, CaptureError> {
        loop {
            let buffer = self.fill()?;
            let blank = buffer.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(buffer.len());
            let (found, over) = (buffer.get(blank).copied(), buffer.is_empty());
            self.pass(blank);
            if found.is_some() || over {
                return Ok(found);
            }
        }
    }

    /// Passes over one of these punctuation marks, and says which.
    pub(super) fn mark(&mut self, marks: &[u8]) -> Result<u8, CaptureError> {
        let found = self.peek()?;
        match found.filter(|byte| marks.contains(byte)) {
            Some(byte) => {
                self.pass(1);
                Ok(byte)
            }
            None => {
                let names: Vec<String> = marks.iter().map(|mark| format!("`{}`", char::from(*mark))).collect();
                let wanted = format!("expected {}", names.join(" or "));
                Err(self.broken(if found.is_none() { format!("{wanted}: the capture was cut off") } else { wanted }))
            }
        }
    }

    /// Reads one whole value. It is there until the next one is read.
    ///
    /// # Errors
    /// The file cannot be read, ends in the value, or goes on for too long; or what comes is no JSON.
    pub(super) fn value(&mut self, place: impl FnOnce() -> Place) -> Result<(), CaptureError> {
        self.value.clear();
        let first = self.peek()?;
        self.start = self.at;
        let mut ending = Ending::new(first);
        loop {
            if self.fill()?.is_empty() {
                // A number or a word needs nothing after it.
                return self.valid().map(|_| ());
            }
            let buffer = self.reader.buffer();
            let end = ending.find(buffer);
            let used = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or(buffer);
            let room = self.longest.saturating_sub(self.value.len());
            if used.len() > room {
                self.value.extend_from_slice(used.get(..room).unwrap_or_default());
                return Err(self.too_long(place()));
            }
            self.value.extend_from_slice(used);
            let length = used.len();
            self.pass(length);
            if end.is_some() {
                return if self.value.is_empty() { Err(self.broken("expected a value".to_owned())) } else { Ok(()) };
            }
        }
    }

    /// Reads one value that is of no concern.
    pub(super) fn skip(&mut self) -> Result<(), CaptureError> {
        let byte = self.at.byte;
        self.value(|| Place::Byte(byte))?;
        self.valid().map(|_| ())
    }

    /// The name of the next member of an object, up to its value.
    pub(super) fn name(&mut self) -> Result<String, CaptureError> {
        let byte = self.at.byte;
        if self.peek()? != Some(b'"') {
            return Err(self.broken("expected the name of a member in `\"`".to_owned()));
        }
        self.value(|| Place::Byte(byte))?;
        let name = serde_json::from_slice(&self.value).map_err(|error| self.unparsed(&error))?;
        self.mark(b":")?;
        Ok(name)
    }

    /// Parses the value that was read last.
    ///
    /// # Errors
    /// It is no JSON, which is placed by its bytes, or JSON of another shape, which is placed by `place`.
    pub(super) fn parse<T: DeserializeOwned>(&self, place: Place) -> Result<T, CaptureError> {
        serde_json::from_slice(&self.value).map_err(|error| {
            // What has the wrong shape before its end may be broken behind that.
            if error.is_data()
                && let Ok(()) = self.valid().map(|_| ())
            {
                return CaptureError::Shape { path: self.path.clone(), place, message: told(&error) };
            }
            self.unparsed(&error)
        })
    }

    /// An error at the next byte.
    pub(super) fn broken(&self, message: String) -> CaptureError {
        let Position { byte, line, column } = self.at;
        CaptureError::Json { path: self.path.clone(), line, column, byte, message }
    }

    fn too_long(&self, place: Place) -> CaptureError {
        // What is broken at its beginning has no end, and that is what is wrong with it.
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(&self.value)
            && !error.is_eof()
        {
            return self.unparsed(&error);
        }
        CaptureError::TooLong { path: self.path.clone(), place, byte: self.start.byte, longest: self.longest }
    }

    fn valid(&self) -> Result<IgnoredAny, CaptureError> {
        serde_json::from_slice(&self.value).map_err(|error| self.unparsed(&error))
    }

    /// An error in the value, placed in the file.
    fn unparsed(&self, error: &serde_json::Error) -> CaptureError {
        let (line, column) = (error.line().max(1), error.column().max(1));
        let before: usize = self.value.split_inclusive(|byte| *byte == b'\n').take(line - 1).map(<[u8]>::len).sum();
        let first = if line == 1 { self.start.column - 1 } else { 0 };
        CaptureError::Json {
            path: self.path.clone(),
            line: self.start.line + line - 1,
            column: first + column,
            byte: self.start.byte + before + column - 1,
            message: told(error),
        }
    }

    fn fill(&mut self) -> Result<&[u8], CaptureError> {
        loop {
            match self.reader.fill_buf() {
                Ok(_) => return Ok(self.reader.buffer()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(CaptureError::Unreadable { path: self.path.clone(), source }),
            }
        }
    }

    fn pass(&mut self, length: usize) {
        self.at.pass(self.reader.buffer().get(..length).unwrap_or_default());
        self.reader.consume(length);
    }
}

/// Finds the end of a value by its quotes and brackets alone. Whether it is JSON, its parser says.
struct Ending {
    kind: Kind,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

#[derive(PartialEq)]
enum Kind {
    String,
    Nested,
    /// A number, `true`, `false`, `null`, or nothing that JSON knows.
    Word,
}

impl Ending {
    fn new(first: Option<u8>) -> Self {
        let kind = match first {
            Some(b'"') => Kind::String,
            Some(b'{' | b'[') => Kind::Nested,
            _ => Kind::Word,
        };
        Self { kind, depth: 0, in_string: false, escaped: false }
    }

    /// How many of these bytes, which follow those of the last call, belong to the value; `None` if all do.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.kind == Kind::Word {
            return bytes.iter().position(|byte| byte.is_ascii_whitespace() || b",]}:{[\"".contains(byte));
        }
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.escaped {
                self.escaped = false;
                at += 1;
            } else if self.in_string {
                at += memchr2(b'"', b'\\', rest)? + 1;
                match bytes.get(at - 1) {
                    Some(b'\\') => self.escaped = true,
                    _ => self.in_string = false,
                }
                if !self.in_string && self.kind == Kind::String {
                    return Some(at);
                }
            } else {
                at += rest.iter().position(|byte| b"\"{}[]".contains(byte))? + 1;
                match bytes.get(at - 1) {
                    Some(b'"') => self.in_string = true,
                    Some(b'{' | b'[') => self.depth += 1,
                    _ => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at);
                        }
                    }
                }
            }
        }
        None
    }
}
