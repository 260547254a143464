//! Escapes of JSON undone at every depth at once, with the way back to the bytes they came from.
//!
//! Text in a JSON string is escaped once; JSON in a JSON string twice, and so on: a quote has 1, 3, 7 … backslashes
//! before it, a line break is `\n`, `\\n`, `\\\\n` …. A run of backslashes and the byte after it therefore collapse to
//! what they stand for at the innermost depth, and text reads the same at all of them:
//!
//! ```text
//! before n t r b f     the control character           before "    a quote, whose level is the number of
//! before uXXXX         that character                              trailing one bits of the run's length
//! before /             a slash                         otherwise   one backslash, and the byte as it is
//! ```
//!
//! At depth d an escape has 2^(d-1) backslashes, a quote 2^d - 1, and a backslash that stands for itself 2^d; so the
//! length of a run tells how much of it belongs to the escape. What is before that collapses to one backslash, but for
//! a slash, which some depths may escape and others not: it takes the whole run.
//!
//! The result is for looking at, and says which bytes of the message each byte of it came from; it is never sent.

use super::place::Place;
use crate::json::scan;
use crate::secret::verify::Levels;

/// Longest run of backslashes that is taken as one: 64 levels deep no text is JSON any more. Even, so that cutting a
/// longer run does not change what is escaped at the outermost level.
const RUN: usize = 64;

/// A place where the flat text and the message stop running in step.
#[derive(Clone, Copy, Debug)]
struct Turn {
    flat: usize,
    raw: usize,
}

/// Flat text of a window of a message.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) text: Vec<u8>,
    turns: Vec<Turn>,
}

/// Takes what [`Reader`] reads.
pub(super) trait Sink {
    /// Bytes that stand for themselves, from `raw` on.
    fn plain(&mut self, bytes: &[u8], raw: usize);
    /// One character that stands for the bytes `from..to` of the window.
    fn escape(&mut self, character: char, from: usize, to: usize);
}

impl Sink for Flat {
    #[inline]
    fn plain(&mut self, bytes: &[u8], raw: usize) {
        self.turn(raw);
        // Runs between escapes are short, and a copy of known size is much cheaper than one of any.
        match bytes.len() {
            0..=16 => self.text.extend(bytes.iter().copied()),
            _ => self.text.extend_from_slice(bytes),
        }
    }

    #[inline]
    fn escape(&mut self, character: char, from: usize, to: usize) {
        self.turn(from);
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => self.text.push(byte),
            _ => self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        self.turns.push(Turn { flat: self.text.len(), raw: to });
    }
}

/// Wants nothing: for following the places alone.
impl Sink for () {
    fn plain(&mut self, _: &[u8], _: usize) {}
    fn escape(&mut self, _: char, _: usize, _: usize) {}
}

impl Flat {
    /// The next byte of the text comes from `raw`: a turn, if that is not where it would come from anyway.
    #[inline]
    fn turn(&mut self, raw: usize) {
        let flat = self.text.len();
        if self.turns.last().is_none_or(|last| raw.wrapping_sub(last.raw) != flat.wrapping_sub(last.flat)) {
            self.turns.push(Turn { flat, raw });
        }
    }

    /// Where in the window the flat byte at `at` begins. `end` is where the window has been read to.
    pub(super) fn raw(&self, at: usize, end: usize) -> usize {
        if at >= self.text.len() {
            return end;
        }
        let after = self.turns.partition_point(|turn| turn.flat <= at);
        let turn = after.checked_sub(1).and_then(|last| self.turns.get(last));
        turn.map_or(at, |turn| turn.raw.saturating_add(at - turn.flat))
    }

    /// The end of the character that `at` lies inside of; `at` itself between two, or where the text is no UTF-8.
    pub(super) fn character_from(&self, at: usize) -> usize {
        self.character(at).map_or(at, |(_, end)| end)
    }

    /// The beginning of the character that `at` lies inside of; `at` itself between two, or where the text is no UTF-8.
    pub(super) fn character_to(&self, at: usize) -> usize {
        self.character(at).map_or(at, |(start, _)| start)
    }

    /// Where the character lies that `at` is inside of, and not at the beginning of.
    fn character(&self, at: usize) -> Option<(usize, usize)> {
        let before = self.text.get(at.saturating_sub(3)..at).unwrap_or_default();
        let back = 1 + before.iter().rev().position(|byte| byte & 0xc0 != 0x80)?;
        let start = at.checked_sub(back)?;
        let end = start + length(*self.text.get(start)?);
        let rest = self.text.get(at..end).filter(|rest| !rest.is_empty())?;
        rest.iter().all(|byte| byte & 0xc0 == 0x80).then_some((start, end))
    }

    /// Forgets the first `flat` bytes of the text, and that the window's first `raw` bytes were there.
    pub(super) fn forget(&mut self, flat: usize, raw: usize) {
        let first = self.turns.partition_point(|turn| turn.flat <= flat).saturating_sub(1);
        self.text.drain(..flat.min(self.text.len()));
        self.turns.drain(..first.min(self.turns.len()));
        for turn in &mut self.turns {
            // Only the first may lie before the cut; it is moved along its own slope.
            let short = flat.saturating_sub(turn.flat);
            turn.raw = (turn.raw + short).saturating_sub(raw);
            turn.flat = (turn.flat + short) - flat;
        }
    }
}

/// The levels of the quotes of a window's flat text.
pub(super) struct QuoteLevels<'a> {
    pub(super) flat: &'a Flat,
    pub(super) raw: &'a [u8],
}

impl Levels for QuoteLevels<'_> {
    fn level(&self, at: usize) -> u32 {
        let from = self.flat.raw(at, self.raw.len());
        let rest = self.raw.get(from..).unwrap_or_default();
        let run = rest.iter().take(RUN).take_while(|byte| **byte == b'\\').count();
        // `\u0022` is a quote in the string that it is an escape of.
        if rest.get(run) != Some(&b'u') {
            return run.trailing_ones();
        }
        let depth = run.trailing_zeros() + 1;
        depth + (run >> depth).trailing_ones()
    }
}

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
            Some(b'\\') => match simple(rest).filter(|_| matches!(self.inside, Inside::Text)) {
                Some(character) => {
                    sink.escape(character, at, at + 2);
                    (at + 2, true)
                }
                None => self.escape(raw, at, is_complete, sink),
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

    /// Reads a run of backslashes and what it makes of the bytes after it.
    fn escape(&mut self, raw: &[u8], at: usize, is_complete: bool, sink: &mut impl Sink) -> (usize, bool) {
        let rest = raw.get(at..).unwrap_or_default();
        let run = rest.iter().take(RUN).take_while(|byte| **byte == b'\\').count();
        let after = rest.get(run..).unwrap_or_default();
        // How many bytes after the run it takes with it, and the character that all of them stand for.
        let (taken, character) = match after {
            [] if !is_complete => return (at, false),
            [b'n', ..] => (1, '\n'),
            [b't', ..] => (1, '\t'),
            [b'r', ..] => (1, '\r'),
            [b'b', ..] => (1, '\u{8}'),
            [b'f', ..] => (1, '\u{c}'),
            [b'/', ..] => (1, '/'),
            [b'"', ..] if run % 2 == 1 => (1, '"'),
            [b'u', digits @ ..] => match code(1 << run.trailing_zeros(), digits) {
                Code::Unfinished if !is_complete => return (at, false),
                Code::Character(character, length) => (1 + length, character),
                Code::Unfinished | Code::None => (0, '\\'),
            },
            _ => (0, '\\'),
        };
        // At its depth the escape has so many backslashes; those before them stand for themselves.
        let own = match (taken, after.first()) {
            (0, _) => 0,
            (_, Some(b'"')) => (1 << run.trailing_ones()) - 1,
            // A slash may be escaped at some depths and not at others.
            (_, Some(b'/')) => run,
            _ => 1 << run.trailing_zeros(),
        };
        let mut escape = Escape { character, own, taken };
        if after.first() == Some(&b'u') && taken > 0 {
            match escape.again(run, after.get(taken..).unwrap_or_default()) {
                Some(inner) => escape = inner,
                None if is_complete => {}
                None => return (at, false),
            }
        }
        let Escape { character, own, taken } = escape;
        let end = at + run + taken;
        if self.inside == Inside::Key {
            self.place.key_bytes(raw.get(at..end).unwrap_or_default());
        }
        if self.inside != Inside::Kept {
            let begins = at + run - own;
            if begins > at {
                sink.escape('\\', at, begins);
            }
            if taken > 0 {
                sink.escape(character, begins, end);
            }
        }
        (end, true)
    }
}

/// The character of an escape that every text in a JSON string is full of: one backslash and one letter.
#[inline]
fn simple(bytes: &[u8]) -> Option<char> {
    match bytes {
        [_, b'n', ..] => Some('\n'),
        [_, b'"', ..] => Some('"'),
        [_, b't', ..] => Some('\t'),
        [_, b'r', ..] => Some('\r'),
        _ => None,
    }
}

/// A character, how many backslashes of the run belong to its escape, and how many bytes after the run.
#[derive(Clone, Copy, Debug)]
struct Escape {
    character: char,
    own: usize,
    taken: usize,
}

impl Escape {
    /// What a character that was written as a code makes of the backslashes before it, in the text that it is in:
    /// `\\\u006e` is `\n` there, a line break one level deeper. None if that depends on bytes that have not come.
    fn again(self, run: usize, after: &[u8]) -> Option<Self> {
        // Each backslash of that text is so many here.
        let unit = 2 * self.own;
        let left = (run - self.own).checked_div(unit).unwrap_or(0);
        let deeper =
            |character, own: usize, taken| Self { character, own: self.own + own * unit, taken: self.taken + taken };
        let lowest = |left: usize| 1 << left.trailing_zeros();
        Some(match self.character {
            _ if left == 0 => self,
            '"' => deeper('"', (1 << left.trailing_ones()) - 1, 0),
            'n' => deeper('\n', lowest(left), 0),
            't' => deeper('\t', lowest(left), 0),
            'r' => deeper('\r', lowest(left), 0),
            'b' => deeper('\u{8}', lowest(left), 0),
            'f' => deeper('\u{c}', lowest(left), 0),
            '/' => deeper('/', lowest(left), 0),
            'u' => match code(0, after) {
                Code::Character(character, length) => deeper(character, lowest(left), length),
                Code::Unfinished => return None,
                Code::None => self,
            },
            _ => self,
        })
    }
}

enum Code {
    Character(char, usize),
    /// More bytes may make it one.
    Unfinished,
    None,
}

/// The character of `XXXX`, or of `XXXX`, the same run of backslashes, and `uXXXX` (a surrogate pair); how many bytes
/// it takes.
fn code(run: usize, digits: &[u8]) -> Code {
    let unit = |bytes: &[u8]| {
        let known = bytes.get(..4).unwrap_or(bytes);
        if !known.iter().all(u8::is_ascii_hexdigit) {
            return Code::None;
        }
        let value = known.iter().fold(0, |unit, &byte| unit << 4 | char::from(byte).to_digit(16).unwrap_or(0));
        match known.len() {
            4 => Code::Character(char::from_u32(value).unwrap_or('\u{fffd}'), value as usize),
            _ => Code::Unfinished,
        }
    };
    let Code::Character(character, value) = unit(digits) else { return unit(digits) };
    if !(0xd800..0xdc00).contains(&value) {
        return Code::Character(character, 4);
    }
    let low = digits.get(4..).unwrap_or_default();
    let slashes = low.iter().take(run).take_while(|byte| **byte == b'\\').count();
    match low.get(slashes..) {
        Some([]) | None => Code::Unfinished,
        Some([b'u', rest @ ..]) if slashes == run => match unit(rest) {
            Code::Character(_, low @ 0xdc00..0xe000) => {
                let value = 0x1_0000 + ((value - 0xd800) << 10) + (low - 0xdc00);
                let character = u32::try_from(value).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                Code::Character(character, 4 + run + 5)
            }
            Code::Unfinished => Code::Unfinished,
            _ => Code::Character(character, 4),
        },
        Some(_) => Code::Character(character, 4),
    }
}

/// How many bytes the character has that begins with this one (RFC 3629).
fn length(first: u8) -> usize {
    match first {
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
        _ => 1,
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
