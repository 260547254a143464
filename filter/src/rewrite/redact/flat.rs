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

use super::escape::{self, RUN};
use crate::json::scan::{self, stretch};
use crate::secret::verify::Levels;

/// Bytes that are copied at once: a copy of known size is much cheaper than one of any.
const STRETCH: usize = 64;
/// Bytes that must be at hand for that: the stretch, and as much after an escape at its end.
const SURE: usize = 2 * STRETCH + 2;
/// Bytes that are made room for at once, at most.
const ROOM: usize = 4 * 1024;

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

/// Takes what [`super::reader::Reader`] reads.
pub(super) trait Sink {
    /// Bytes that stand for themselves, from `raw` on.
    fn plain(&mut self, bytes: &[u8], raw: usize);
    /// One character that stands for the bytes `from..to` of the window.
    fn escape(&mut self, character: char, from: usize, to: usize);
    /// Text from `at` on, which ends at a `quote` if there is one, as far as that is done fast; gives the index after
    /// what was taken.
    fn text(&mut self, raw: &[u8], at: usize, quote: Option<u8>) -> usize;
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

    fn text(&mut self, raw: &[u8], from: usize, quote: Option<u8>) -> usize {
        let mut at = from;
        if raw.len() < at + SURE {
            return at;
        }
        self.turn(at);
        // How much of the text is true: each copy is of a whole stretch, and what follows overwrites its end.
        let mut here = self.text.len();
        let mut room = 2 * STRETCH;
        let special = stretch::Either::new(b'\\', quote.unwrap_or(b'\\'));
        'stretches: while let Some(bytes) = raw.get(at..at + SURE).and_then(|rest| rest.first_chunk::<STRETCH>()) {
            if self.text.len() < here + 2 * STRETCH {
                self.text.resize(here + room, 0);
                room = (2 * room).min(ROOM);
            }
            let mut ends = special.mask(bytes);
            let mut done = 0;
            while done < STRETCH {
                let Some(from) = raw.get(at + done..).and_then(|rest| rest.first_chunk()) else { break };
                let Some(to) = self.text.get_mut(here..).and_then(|rest| rest.first_chunk_mut()) else { break };
                stretch::copy(from, to);
                let next = ends.trailing_zeros() as usize;
                here += next - done;
                done = next;
                if next < STRETCH {
                    let escape = raw.get(at + next..).filter(|rest| rest.first() == Some(&b'\\'));
                    let (Some(byte), Some(slot)) = (escape.and_then(escape::short), self.text.get_mut(here)) else {
                        at += done;
                        break 'stretches;
                    };
                    *slot = byte;
                    here += 1;
                    done += 2;
                    self.turns.push(Turn { flat: here, raw: at + done });
                    ends &= !(0b11 << next);
                }
            }
            at += done;
        }
        self.text.truncate(here);
        at
    }
}

/// Wants nothing: for following the places alone.
impl Sink for () {
    fn plain(&mut self, _: &[u8], _: usize) {}
    fn escape(&mut self, _: char, _: usize, _: usize) {}

    fn text(&mut self, raw: &[u8], at: usize, quote: Option<u8>) -> usize {
        match quote {
            Some(_) => at + scan::escaped_run(raw.get(at..).unwrap_or_default()).len,
            None => raw.len(),
        }
    }
}

impl Flat {
    /// So many bytes more of the window will be read.
    pub(super) fn expect(&mut self, raw: usize) {
        self.text.reserve(raw + STRETCH);
        // One escape in thirty-two bytes is much.
        self.turns.reserve(raw / 32);
    }

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

/// How many bytes the character has that begins with this one (RFC 3629).
pub(super) fn length(first: u8) -> usize {
    match first {
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
        _ => 1,
    }
}
