//! Strings that could not be borrowed from one chunk: escaped, split, or at fault.

use super::keys::KeyHash;
use super::{Error, Fault, TEXT_CAPTURE, Text, scan};

/// Where the reader is in an escape sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    Backslash,
    Hex {
        digits: u8,
        value: u32,
    },
    /// A high surrogate was read; its other half must follow.
    PairBackslash,
    PairU,
}

/// A string that is being read, from after its opening quote.
#[derive(Debug, Default)]
pub(super) struct Reader {
    escape: Escape,
    /// Offset of the backslash of the escape, of the first one in a surrogate pair.
    escape_at: usize,
    /// The high surrogate that waits for its other half, or 0.
    high: u32,
    /// The start of a character that a chunk ended in.
    split: [u8; 4],
    split_len: usize,
    capture: Capture,
}

/// What the text of a string is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Want {
    /// Checked, and not kept.
    #[default]
    Nothing,
    /// Kept if it fits.
    Text,
    /// Hashed whole, and kept if it fits.
    Key,
}

impl Reader {
    pub(super) fn begin(&mut self, want: Want) {
        self.escape = Escape::None;
        self.high = 0;
        self.split_len = 0;
        self.capture.begin(want);
    }

    /// The text of a string that has been read to its end.
    pub(super) fn text(&self) -> Text<'_> {
        Text { bytes: self.capture.kept.then_some(self.capture.bytes.as_slice()) }
    }

    /// The hash of a key that has been read to its end.
    pub(super) fn hash(&self) -> u64 {
        self.capture.hash.finish(&self.capture.bytes)
    }

    /// Reads `chunk` from index `at`; `base` is the offset of the chunk. Gives the index after the closing quote, or
    /// `None` if the chunk ends first.
    pub(super) fn read(&mut self, chunk: &[u8], mut at: usize, base: usize) -> Result<Option<usize>, Error> {
        loop {
            if self.escape == Escape::None && self.split_len == 0 {
                let Some(end) = self.plain(chunk, at, base)? else { return Ok(None) };
                at = end;
            }
            let Some(&byte) = chunk.get(at) else { return Ok(None) };
            let offset = base + at;
            at += 1;
            match self.escape {
                Escape::None if self.split_len != 0 => self.join(byte, offset)?,
                Escape::None => match byte {
                    b'"' => return Ok(Some(at)),
                    b'\\' => {
                        self.escape_at = offset;
                        self.escape = Escape::Backslash;
                    }
                    0 => return Err(Error { fault: Fault::Nul, offset }),
                    _ => return Err(Error { fault: Fault::ControlCharacter, offset }),
                },
                Escape::Backslash => self.escaped(byte, offset)?,
                Escape::Hex { digits, value } => self.hex(digits, value, byte, offset)?,
                Escape::PairBackslash if byte == b'\\' => self.escape = Escape::PairU,
                Escape::PairU if byte == b'u' => self.escape = Escape::Hex { digits: 0, value: 0 },
                Escape::PairBackslash | Escape::PairU => return Err(self.lone_surrogate()),
            }
        }
    }

    /// Takes ordinary bytes and short escapes from `at`; gives where they end, or `None` if a character goes on in the
    /// next chunk.
    fn plain(&mut self, chunk: &[u8], mut at: usize, base: usize) -> Result<Option<usize>, Error> {
        loop {
            let rest = chunk.get(at..).unwrap_or_default();
            // Without a text to decode, escapes need not be taken one by one.
            let unwanted = self.capture.want == Want::Nothing;
            let run = if unwanted { scan::escaped_run(rest) } else { scan::string_run(rest) };
            let (plain, after) = rest.split_at_checked(run.len).unwrap_or((rest, &[]));
            if !run.ascii && !self.checked(plain, after.is_empty(), base + at)? {
                return Ok(None);
            }
            self.capture.push(plain);
            at += run.len;
            let [b'\\', escaped, ..] = *after else { return Ok(Some(at)) };
            let Some(decoded) = short_escape(escaped) else { return Ok(Some(at)) };
            self.capture.push(&[decoded]);
            at += 2;
        }
    }

    /// Checks a run that is not ASCII. False if it is the last of its chunk and ends inside a character; then it has
    /// been taken.
    #[inline(never)]
    fn checked(&mut self, plain: &[u8], last: bool, base: usize) -> Result<bool, Error> {
        let Err(error) = core::str::from_utf8(plain) else { return Ok(true) };
        let valid = error.valid_up_to();
        if error.error_len().is_some() || !last {
            return Err(Error { fault: Fault::NotUtf8, offset: base + valid });
        }
        let (whole, split) = plain.split_at_checked(valid).unwrap_or((plain, &[]));
        self.capture.push(whole);
        self.split_len = split.len();
        for (slot, &byte) in self.split.iter_mut().zip(split) {
            *slot = byte;
        }
        Ok(false)
    }

    /// Takes the next byte of a character that was split between chunks.
    fn join(&mut self, byte: u8, offset: usize) -> Result<(), Error> {
        let not_utf8 = Error { fault: Fault::NotUtf8, offset: offset - self.split_len };
        let Some(slot) = self.split.get_mut(self.split_len) else { return Err(not_utf8) };
        *slot = byte;
        self.split_len += 1;
        let character = self.split.get(..self.split_len).unwrap_or_default();
        match core::str::from_utf8(character) {
            Ok(_) => {
                self.capture.push(character);
                self.split_len = 0;
                Ok(())
            }
            Err(error) if error.error_len().is_none() => Ok(()),
            Err(_) => Err(not_utf8),
        }
    }

    fn escaped(&mut self, byte: u8, offset: usize) -> Result<(), Error> {
        let decoded = match byte {
            b'u' => {
                self.escape = Escape::Hex { digits: 0, value: 0 };
                return Ok(());
            }
            0 => return Err(Error { fault: Fault::Nul, offset }),
            _ => short_escape(byte).ok_or(Error { fault: Fault::BadEscape, offset })?,
        };
        self.escape = Escape::None;
        self.capture.push(&[decoded]);
        Ok(())
    }

    fn hex(&mut self, digits: u8, value: u32, byte: u8, offset: usize) -> Result<(), Error> {
        let Some(digit) = char::from(byte).to_digit(16) else {
            return Err(Error { fault: Fault::BadEscape, offset });
        };
        let value = value << 4 | digit;
        self.escape = if digits < 3 { Escape::Hex { digits: digits + 1, value } } else { self.unit(value)? };
        Ok(())
    }

    /// Takes a UTF-16 code unit.
    fn unit(&mut self, unit: u32) -> Result<Escape, Error> {
        let code = match (self.high, unit) {
            (0, 0) => return Err(Error { fault: Fault::Nul, offset: self.escape_at }),
            (0, 0xd800..=0xdbff) => {
                self.high = unit;
                return Ok(Escape::PairBackslash);
            }
            (0, _) => unit,
            (high, 0xdc00..=0xdfff) => 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
            _ => return Err(self.lone_surrogate()),
        };
        self.high = 0;
        let Some(character) = char::from_u32(code) else { return Err(self.lone_surrogate()) };
        self.capture.push(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(Escape::None)
    }

    fn lone_surrogate(&self) -> Error {
        Error { fault: Fault::LoneSurrogate, offset: self.escape_at }
    }
}

/// What a backslash and `byte` stand for, if they are a whole escape sequence.
#[inline]
pub(super) fn short_escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0c,
        _ => return None,
    })
}

/// Decoded text in bounded memory.
#[derive(Debug, Default)]
struct Capture {
    want: Want,
    bytes: Vec<u8>,
    /// True while `bytes` is the whole text.
    kept: bool,
    hash: KeyHash,
}

impl Capture {
    fn begin(&mut self, want: Want) {
        self.want = want;
        self.bytes.clear();
        self.kept = want != Want::Nothing;
        self.hash = KeyHash::default();
    }

    #[inline]
    fn push(&mut self, piece: &[u8]) {
        if self.want != Want::Nothing {
            self.keep(piece);
        }
    }

    fn keep(&mut self, mut piece: &[u8]) {
        loop {
            let room = TEXT_CAPTURE - self.bytes.len();
            let Some((fits, rest)) = piece.split_at_checked(room) else {
                return self.bytes.extend_from_slice(piece);
            };
            self.bytes.extend_from_slice(fits);
            if rest.is_empty() {
                return;
            }
            self.kept = false;
            if self.want == Want::Text {
                self.want = Want::Nothing;
                return;
            }
            self.hash.absorb(&self.bytes);
            self.bytes.clear();
            piece = rest;
        }
    }
}
