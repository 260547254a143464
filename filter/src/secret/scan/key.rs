//! Values under the key names that an operator chose.

use std::fmt;

use crate::order;
use crate::secret::prefilter;
use crate::secret::verify::{Found, Seen, Text, assigned_value};

/// Most separators before, after and between the words of a name.
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
        order::distinct(&mut literals);
        Ok(Self { name: name.into(), literals: literals.into_iter().map(Into::into).collect() })
    }

    pub(super) fn literals(&self) -> &[Box<[u8]>] {
        &self.literals
    }

    /// What lies at `at..end`, where one of the literals is.
    pub(super) fn value(&self, text: &Text<'_>, at: usize, end: usize, seen: &Seen) -> Found {
        let nothing = Found::Nothing { examined: end };
        let before = text.bytes.get(..at).unwrap_or_default().iter().rev().take(MOST);
        let dashes = before.take_while(|byte| is_separator(**byte)).count();
        let outside = at.checked_sub(dashes + 1).and_then(|at| text.bytes.get(at));
        if dashes == MOST || outside.is_some_and(|byte| is_name(*byte)) {
            return nothing;
        }
        match self.name_end(text, at) {
            Ok(end) => match assigned_value(text, (at, end), seen) {
                Found::Secret { start, end } if is_bare_constant(text.bytes, start, end) => nothing,
                found => found,
            },
            Err(Stop::More) => Found::More,
            Err(Stop::Nothing) => nothing,
        }
    }

    /// Where the name ends that begins at `at`, if it is this one.
    fn name_end(&self, text: &Text<'_>, at: usize) -> Result<usize, Stop> {
        let mut here = at;
        let peek = |here: usize| match text.bytes.get(here) {
            Some(byte) => Ok(*byte),
            None if text.is_complete => Ok(0),
            None => Err(Stop::More),
        };
        let most = at + self.name.len() + MOST;
        for wanted in self.name.iter().map(Some).chain([None]) {
            while is_separator(peek(here)?) {
                here += 1;
                if here > most {
                    return Err(Stop::Nothing);
                }
            }
            match wanted {
                Some(wanted) if peek(here)?.to_ascii_lowercase() == *wanted => here += 1,
                None if !is_name(peek(here)?) => {}
                _ => return Err(Stop::Nothing),
            }
        }
        Ok(here)
    }
}

/// Whether a value without quotes says that there is none, or that there is one.
fn is_bare_constant(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_quoted =
        start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|it| matches!(it, b'"' | b'\'' | b'`'));
    !is_quoted && matches!(bytes.get(start..end), Some(b"null" | b"true" | b"false"))
}

/// Why a name was not read to its end.
enum Stop {
    Nothing,
    More,
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
        let mut found = places.filter_map(|at| match key.value(&flat, at, at + 3, &Seen::default()) {
            Found::Secret { start, end } => text.get(start..end).map(str::to_owned),
            Found::Nothing { .. } => None,
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
