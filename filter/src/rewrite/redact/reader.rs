//! Reads a message, or plain text, and hands its strings on with their escapes undone.

use super::escape::{self, Undone};
use super::flat::{Sink, length};
use super::place::Place;
use crate::json::scan;

/// What the reader is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// Between the tokens of the message.
    Structure,
    Key,
    Text,
    /// A string that is never touched.
    Kept,
    /// Text that is no JSON: it never ends.
    Plain,
}

/// Reads a message, or plain text, and flattens it. It takes for granted that JSON is strict JSON: the caller reads it
/// strictly as well, and does not send what is not.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    place: Place,
    inside: Inside,
}

impl Reader {
    /// A reader at the start of a JSON-RPC message.
    pub(super) fn message() -> Self {
        Self { place: Place::message(), inside: Inside::Structure }
    }

    /// A reader at the start of text that is no JSON.
    pub(super) fn plain() -> Self {
        Self { place: Place::message(), inside: Inside::Plain }
    }

    /// Where it is.
    pub(super) fn pointer(&self) -> String {
        self.place.pointer()
    }

    /// Whether it is outside all strings.
    pub(super) fn is_in_structure(&self) -> bool {
        self.inside == Inside::Structure
    }

    /// Whether the value that comes next is never touched, whatever it is.
    pub(super) fn keeps_value(&self) -> bool {
        self.inside == Inside::Structure && self.place.keeps()
    }

    /// Whether it reads text that is no JSON.
    pub(super) fn is_plain(&self) -> bool {
        self.inside == Inside::Plain
    }

    /// Whether it is inside a key.
    pub(super) fn is_in_key(&self) -> bool {
        self.inside == Inside::Key
    }

    /// Reads the window from `at` on, and gives the index up to which it was read: an escape or a character whose end
    /// has not come is left, unless `is_complete`.
    pub(super) fn read(&mut self, raw: &[u8], mut at: usize, is_complete: bool, sink: &mut impl Sink) -> usize {
        while at < raw.len() {
            let (next, goes_on) = match self.inside {
                Inside::Structure => (self.structure(raw, at, sink), true),
                _ => self.string(raw, at, is_complete, sink),
            };
            at = next;
            if !goes_on {
                break;
            }
        }
        at
    }

    /// Reads up to the next string, its opening quote included.
    fn structure(&mut self, raw: &[u8], from: usize, sink: &mut impl Sink) -> usize {
        let mut at = from;
        for &byte in raw.get(from..).unwrap_or_default() {
            at += 1;
            if byte == b'"' {
                self.inside = if self.place.is_key() {
                    self.place.begin_key();
                    Inside::Key
                } else if self.place.keeps() {
                    Inside::Kept
                } else {
                    Inside::Text
                };
                break;
            }
            self.place.structural(byte);
        }
        sink.plain(raw.get(from..at).unwrap_or_default(), from);
        at
    }

    /// Reads a run of ordinary bytes, an escape, or the end of the string. Gives the index after it, and whether to go
    /// on.
    fn string(&mut self, raw: &[u8], at: usize, is_complete: bool, sink: &mut impl Sink) -> (usize, bool) {
        let to = match self.inside {
            Inside::Text => sink.text(raw, at, Some(b'"')),
            Inside::Plain => sink.text(raw, at, None),
            _ => at,
        };
        if to > at {
            return (to, true);
        }
        let rest = raw.get(at..).unwrap_or_default();
        let run = scan::string_run(rest).len;
        if run > 0 {
            let mut run = rest.get(..run).unwrap_or_default();
            if run.len() == rest.len() && !is_complete {
                run = whole_characters(run);
            }
            self.ordinary(run, at, sink);
            return (at + run.len(), !run.is_empty());
        }
        match rest.first() {
            Some(b'"') if self.inside != Inside::Plain => {
                sink.plain(b"\"", at);
                if self.inside == Inside::Key {
                    self.place.end_key();
                }
                self.inside = Inside::Structure;
                (at + 1, true)
            }
            Some(b'\\') => match escape::undo(rest, is_complete) {
                Some(undone) => (self.escape(raw, at, undone, sink), true),
                None => (at, false),
            },
            Some(_) => {
                self.ordinary(rest.get(..1).unwrap_or_default(), at, sink);
                (at + 1, true)
            }
            None => (at, false),
        }
    }

    fn ordinary(&mut self, bytes: &[u8], at: usize, sink: &mut impl Sink) {
        match self.inside {
            Inside::Kept => return,
            Inside::Key => self.place.key_bytes(bytes),
            _ => {}
        }
        sink.plain(bytes, at);
    }

    /// Takes an escape, and gives the index after it.
    fn escape(&mut self, raw: &[u8], at: usize, undone: Undone, sink: &mut impl Sink) -> usize {
        let Undone { backslash, character, length } = undone;
        let end = at + length;
        if self.inside == Inside::Key {
            self.place.key_bytes(raw.get(at..end).unwrap_or_default());
        }
        if self.inside != Inside::Kept {
            let begins = at + backslash;
            if backslash > 0 {
                sink.escape('\\', at, begins);
            }
            if let Some(character) = character {
                sink.escape(character, begins, end);
            }
        }
        end
    }
}

/// `bytes` without a character at their end that is not all there.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let tail = bytes.iter().rev().take(4).position(|byte| byte & 0xc0 != 0x80);
    let Some(back) = tail else { return bytes };
    let start = bytes.len() - 1 - back;
    let needed = bytes.get(start).copied().map_or(1, length);
    if back + 1 < needed { bytes.get(..start).unwrap_or_default() } else { bytes }
}
