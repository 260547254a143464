//! Values under the key names that an operator chose.

use std::fmt;

use crate::secret::verify::Text;
use crate::secret::{REACH, prefilter};

/// Most separators before, after and between the words of a name, and most blanks around what assigns.
const MOST: usize = 64;

/// A key name: the value under it is redacted whatever it looks like. Case, `_`, `-` and camelCase make no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name without separators, in lower case.
    name: Box<[u8]>,
    /// How texts with it begin, in lower case.
    literals: Vec<Box<[u8]>>,
}

/// Why a text is no key name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Fewer than three letters and digits.
    Short,
    /// More than 64 bytes.
    Long,
    /// A character that is no letter, digit, `_` or `-`.
    Character,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "a key name needs at least three letters or digits, or it would be found everywhere",
            Self::Long => "a key name may have 64 bytes at most",
            Self::Character => {
                "a key name is one identifier of letters, digits, `_` and `-`; name the last part of a path alone"
            }
        })
    }
}

impl std::error::Error for KeyError {}

/// What lies at a place where the name of a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Nothing,
    /// All of it.
    Whole {
        start: usize,
        end: usize,
    },
    /// As much as may be looked at; the rest goes on until what ends it.
    Begun {
        start: usize,
        end: usize,
        closer: Closer,
    },
    More,
}

/// What ends a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closer {
    /// A double quote that is escaped at most this often.
    Quote(u32),
    /// This quote, a double quote or the end of the line.
    Mark(u8),
    /// A blank or a delimiter.
    Word,
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn is_separator(byte: u8) -> bool {
    byte == b'_' || byte == b'-'
}

impl Key {
    /// A key by one of its spellings. Words that some texts separate must be separate in it: `api_key` also means
    /// `apiKey` and `APIKEY`, but `apikey` does not mean `api_key`.
    pub fn new(spelling: &str) -> Result<Self, KeyError> {
        if spelling.len() > 64 {
            return Err(KeyError::Long);
        }
        if !spelling.bytes().all(|byte| is_name(byte) || is_separator(byte)) {
            return Err(KeyError::Character);
        }
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut before = b'_';
        for byte in spelling.bytes() {
            if is_name(byte) {
                let begins = is_separator(before) || before.is_ascii_lowercase() && byte.is_ascii_uppercase();
                match words.last_mut() {
                    Some(word) if !begins => word.push(byte.to_ascii_lowercase()),
                    _ => words.push(vec![byte.to_ascii_lowercase()]),
                }
            }
            before = byte;
        }
        let name = words.concat();
        if name.len() < 3 {
            return Err(KeyError::Short);
        }
        let mut literals: Vec<Vec<u8>> = vec![Vec::new()];
        // Three words make nine literals; the others are compared at the place.
        for (nth, word) in words.iter().take(3).enumerate() {
            let joints: &[&[u8]] = if nth == 0 { &[b""] } else { &[b"", b"_", b"-"] };
            let with = |joint: &[u8], before: &Vec<u8>| [before.as_slice(), joint, word.as_slice()].concat();
            literals = joints.iter().flat_map(|joint| literals.iter().map(move |it| with(joint, it))).collect();
        }
        literals.iter_mut().for_each(|it| it.truncate(prefilter::LONGEST));
        literals.sort();
        literals.dedup();
        Ok(Self { name: name.into(), literals: literals.into_iter().map(Into::into).collect() })
    }

    pub(super) fn literals(&self) -> &[Box<[u8]>] {
        &self.literals
    }

    /// What lies at `at`, where one of the literals begins.
    pub(super) fn value(&self, text: &Text<'_>, at: usize) -> Value {
        let bytes = text.bytes;
        let before = bytes.get(..at).unwrap_or_default().iter().rev().take(MOST);
        let dashes = before.take_while(|byte| is_separator(**byte)).count();
        let outside = at.checked_sub(dashes + 1).and_then(|at| bytes.get(at));
        if dashes == MOST || outside.is_some_and(|byte| is_name(*byte)) {
            return Value::Nothing;
        }
        let is_option = dashes >= 2 && bytes.get(at - dashes..at) == Some(b"--");
        let cursor = Cursor { text, at };
        cursor.assigned(&self.name, outside.copied(), is_option).unwrap_or_else(|end| match end {
            End::Nothing => Value::Nothing,
            End::More => Value::More,
        })
    }
}

/// Why reading stopped.
enum End {
    Nothing,
    More,
}

struct Cursor<'a, 't> {
    text: &'a Text<'t>,
    at: usize,
}

impl Cursor<'_, '_> {
    /// The next byte; 0 at the end of complete text.
    fn peek(&self) -> Result<u8, End> {
        match self.text.bytes.get(self.at) {
            Some(byte) => Ok(*byte),
            None if self.text.is_complete => Ok(0),
            None => Err(End::More),
        }
    }

    fn eat(&mut self, accepts: impl Fn(u8) -> bool) -> Result<usize, End> {
        let mut count = 0;
        while accepts(self.peek()?) {
            self.at += 1;
            count += 1;
            if count > MOST {
                return Err(End::Nothing);
            }
        }
        Ok(count)
    }

    fn name(&mut self, name: &[u8]) -> Result<(), End> {
        for wanted in name {
            self.eat(is_separator)?;
            if self.peek()?.to_ascii_lowercase() != *wanted {
                return Err(End::Nothing);
            }
            self.at += 1;
        }
        self.eat(is_separator)?;
        if is_name(self.peek()?) { Err(End::Nothing) } else { Ok(()) }
    }

    fn assigned(mut self, name: &[u8], before: Option<u8>, is_option: bool) -> Result<Value, End> {
        self.name(name)?;
        let quote = before.filter(|it| matches!(it, b'"' | b'\'' | b'`') && self.peek().is_ok_and(|next| next == *it));
        self.at += usize::from(quote.is_some());
        if self.peek()? == b']' {
            self.at += 1;
        }
        let is_blank = |byte| matches!(byte, b' ' | b'\t');
        // Between the name and the value of a member lines may end; elsewhere the next line is another matter.
        let is_space = |byte| is_blank(byte) || quote.is_some() && matches!(byte, b'\n' | b'\r');
        let blanks = self.eat(is_space)?;
        match self.peek()? {
            b'=' => {
                self.at += 1;
                match self.peek()? {
                    b'=' => return Err(End::Nothing),
                    b'>' => self.at += 1,
                    _ => {}
                }
            }
            b':' => {
                self.at += 1;
                match self.peek()? {
                    b':' => return Err(End::Nothing),
                    b'=' => self.at += 1,
                    _ => {}
                }
            }
            _ if is_option && blanks > 0 => {}
            _ => return Err(End::Nothing),
        }
        self.eat(is_space)?;
        let closer = match self.peek()? {
            b'"' => Closer::Quote(self.text.levels.level(self.at)),
            mark @ (b'\'' | b'`') => Closer::Mark(mark),
            _ => Closer::Word,
        };
        self.at += usize::from(closer != Closer::Word);
        self.value(closer)
    }

    fn value(self, closer: Closer) -> Result<Value, End> {
        let start = self.at;
        let end = match closer.end(self.text, start) {
            Extent::Ends(end) => end,
            Extent::Begun(end) => return Ok(Value::Begun { start, end, closer }),
            Extent::More => return Err(End::More),
        };
        let value = self.text.bytes.get(start..end).unwrap_or_default();
        let is_nothing = match closer {
            Closer::Word => matches!(value, b"" | b"null" | b"true" | b"false") || value.starts_with(b"{"),
            _ => value.iter().all(u8::is_ascii_whitespace),
        };
        // An array or our own placeholder: a word ends before the bracket that closes either.
        let is_redacted = value.starts_with(b"[redacted:") && (closer == Closer::Word || value.ends_with(b"]"));
        if is_nothing || is_redacted || closer == Closer::Word && value.starts_with(b"[") {
            return Err(End::Nothing);
        }
        Ok(Value::Whole { start, end })
    }
}

/// How far a value goes.
pub(super) enum Extent {
    /// To this index.
    Ends(usize),
    /// [`REACH`] bytes, to this index, and on.
    Begun(usize),
    /// It depends on text that has not come.
    More,
}

impl Closer {
    /// Where the value that `start` is in, or at the beginning of, ends.
    pub(super) fn end(self, text: &Text<'_>, start: usize) -> Extent {
        let rest = text.bytes.get(start..).unwrap_or_default();
        let rest = rest.get(..REACH).unwrap_or(rest);
        let ends = |(at, byte): (usize, &u8)| match self {
            Self::Quote(level) => *byte == b'"' && text.levels.level(start + at) <= level,
            Self::Mark(mark) => *byte == mark || matches!(byte, b'"' | b'\n' | b'\r'),
            Self::Word => {
                byte.is_ascii_whitespace()
                    || matches!(
                        byte,
                        b'"' | b'\'' | b'`' | b',' | b';' | b'}' | b']' | b')' | b'<' | b'>' | b'&' | b'|'
                    )
            }
        };
        match rest.iter().enumerate().position(ends) {
            Some(length) => Extent::Ends(start + length),
            None if text.is_complete && rest.len() < REACH => Extent::Ends(start + rest.len()),
            None if rest.len() == REACH => Extent::Begun(start + REACH),
            None => Extent::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(spelling: &str, text: &str) -> Option<String> {
        let key = Key::new(spelling).unwrap();
        let lower = text.to_ascii_lowercase();
        let places = (0..text.len())
            .filter(|at| key.literals().iter().any(|literal| lower.as_bytes()[*at..].starts_with(literal)));
        let flat = Text { bytes: text.as_bytes(), is_complete: true, levels: &() };
        let mut found = places.filter_map(|at| match key.value(&flat, at) {
            Value::Whole { start, end } => text.get(start..end).map(str::to_owned),
            Value::Nothing => None,
            other => panic!("{other:?}"),
        });
        found.next()
    }

    #[test]
    fn spelling_makes_no_difference_and_other_names_do() {
        for text in [
            "api_key=abc",
            "apiKey: abc",
            "APIKEY = abc",
            "api-key: 'abc'",
            r#""Api_Key" : "abc""#,
            "--api-key abc",
            "x.api_key=abc",
            "config['apiKey'] = `abc`",
            "api_key => abc",
            "api_key := \"abc\"",
            "\"api_key\":\n\t\"abc\"",
            "?api_key=abc&x=y",
            "{api_key: abc}",
            "--api_key=abc",
            "_api_key_=abc",
        ] {
            assert_eq!(value("api_key", text).as_deref(), Some("abc"), "{text}");
        }
        for text in [
            "my_api_key=abc",
            "api_key_id=abc",
            "apikeys=abc",
            "api_key",
            "api_key abc",
            "api_key == abc",
            "api_key::abc",
            "api_key:\nabc: d",
            "éapi_key=abc",
            "api_key=",
            "api_key: \"\"",
            "api_key: null",
            "api_key: [1]",
            "api_key: {}",
            "api_key: true",
            "\"api_key\": \"[redacted:key-name:7f3a]\"",
            "api_key=[redacted:jwt:7f3a]",
        ] {
            assert_eq!(value("api_key", text), None, "{text}");
        }
        assert_eq!(value("clientSecretKeyValue", "client-secret_key-VALUE=abc").as_deref(), Some("abc"));
        assert_eq!(value("contraseña", "contraseña: abc").as_deref(), Some("abc"));
        assert_eq!(value("pin", "\"pin\": 493021}").as_deref(), Some("493021"));
        assert_eq!(value("pin", "\"pin\": \"a b, c\"}").as_deref(), Some("a b, c"));
    }

    #[test]
    fn names_that_cannot_be() {
        assert_eq!(Key::new("a_b"), Err(KeyError::Short));
        assert_eq!(Key::new("db.password"), Err(KeyError::Character));
        assert_eq!(Key::new(&"a".repeat(65)), Err(KeyError::Long));
    }
}
