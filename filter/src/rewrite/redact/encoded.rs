//! Text in base64 (RFC 4648): decoded, redacted, and encoded again, while it comes.
//!
//! A run of the alphabet that begins like text is taken for text: of random bytes, one run in a hundred million would
//! be. What is no text, pictures above all, is left alone after its first bytes.

use super::reader::Reader;
use super::window::{Blocked, Learnt, Sweeping, Task, Window};
use super::{Findings, Plan};
use crate::json::scan::stretch::Base64;

/// Shortest run that is looked into, in bytes: 18 bytes of text.
const SHORTEST: usize = 24;
/// Bytes that are looked at in one go where no run is.
const STRETCH: usize = 64;
/// Bytes of a run that must decode to text.
const TASTE: usize = 64;
/// Shortest line after which a run may go on in the next one (RFC 2045 has 76, RFC 7468 has 64).
const LINE: usize = 60;

/// A part of a run, as it is to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Base64, with a line feed for each line break.
    pub(super) text: Vec<u8>,
    /// Where in the flat text its first line break is.
    pub(super) break_at: Option<usize>,
    /// Whether it begins a run.
    pub(super) is_first: bool,
    pub(super) findings: Findings,
    pub(super) blocked: Option<Blocked>,
    pub(super) changes: u64,
}

/// Looks for runs in flat text.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    state: State,
    /// Up to where the flat text was looked at.
    at: usize,
    base64: Base64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Looking,
    /// Inside a run that is no text.
    Dead,
    Open(Box<Run>),
}

/// A run that is text.
#[derive(Debug)]
struct Run {
    window: Window,
    learnt: Learnt,
    url_safe: bool,
    /// Bits that do not make a byte yet, and how many.
    bits: u32,
    count: u32,
    /// Bytes of the alphabet so far, and in the current line.
    length: usize,
    column: usize,
    /// How long lines are, once one has ended.
    width: Option<usize>,
    is_first: bool,
    /// What is to be encoded and does not make three bytes yet, and the column it goes to.
    carry: Vec<u8>,
    out_column: usize,
}

/// What no byte of either alphabet stands for.
const NONE: u8 = 64;

/// The six bits of each byte of either alphabet.
#[allow(clippy::indexing_slicing, reason = "where it is evaluated, a mistake does not compile")]
static SEXTETS: [u8; 256] = {
    let mut sextets = [NONE; 256];
    let mut at = 0_u8;
    while at < 26 {
        sextets[(b'A' + at) as usize] = at;
        sextets[(b'a' + at) as usize] = at + 26;
        at += 1;
    }
    at = 0;
    while at < 10 {
        sextets[(b'0' + at) as usize] = at + 52;
        at += 1;
    }
    sextets[b'+' as usize] = 62;
    sextets[b'-' as usize] = 62;
    sextets[b'/' as usize] = 63;
    sextets[b'_' as usize] = 63;
    sextets
};

/// The value of a byte of either alphabet.
#[inline]
fn value(byte: u8) -> Option<u32> {
    let sextet = SEXTETS.get(usize::from(byte)).copied().unwrap_or(NONE);
    (sextet != NONE).then_some(u32::from(sextet))
}

impl Encoded {
    /// Forgets the first bytes of the text.
    pub(super) fn forget(&mut self, flat: usize) {
        self.at = self.at.saturating_sub(flat);
    }

    /// Goes on to `at`, if it is not there yet.
    pub(super) fn skip_to(&mut self, at: usize) {
        self.at = self.at.max(at);
    }

    /// Looks on, and appends the parts of runs that it read to `pieces`, in order. Gives the index up to which it is
    /// decided where runs are.
    pub(super) fn find(
        &mut self,
        plan: &Plan<'_>,
        learnt: &mut Learnt,
        text: &[u8],
        is_complete: bool,
        pieces: &mut Vec<Piece>,
    ) -> usize {
        while self.at < text.len() {
            match &mut self.state {
                State::Looking => match look(&self.base64, text, self.at, is_complete) {
                    Look::Nothing(upto) => {
                        self.at = upto;
                        return upto;
                    }
                    Look::Binary(from) => {
                        self.at = from;
                        self.state = State::Dead;
                    }
                    Look::Text(from) => {
                        self.at = from;
                        self.state = State::Open(Box::new(Run::new()));
                    }
                },
                State::Dead => {
                    self.at = run_end(&self.base64, text, self.at);
                    if self.at < text.len() {
                        self.state = State::Looking;
                    }
                }
                State::Open(run) => {
                    let start = self.at;
                    let mut decoded = Vec::new();
                    let (end, ends, break_at) = run.decode(text, start, is_complete, &mut decoded);
                    let mut piece = run.piece(plan, learnt, text, end, &decoded, ends);
                    self.at = piece.end;
                    let end = piece.end;
                    piece.start = start;
                    piece.break_at = break_at;
                    pieces.push(piece);
                    if ends {
                        self.state = State::Looking;
                    } else {
                        return end;
                    }
                }
            }
        }
        text.len()
    }
}

enum Look {
    /// No run before this index, and what is after it may be the beginning of one.
    Nothing(usize),
    /// A run that begins here, or goes on, and is no text.
    Binary(usize),
    /// A run of text.
    Text(usize),
}

/// Looks for the next run at or after `from`.
fn look(base64: &Base64, text: &[u8], from: usize, is_complete: bool) -> Look {
    let mut start = from;
    loop {
        start = skipped(base64, text, start);
        let mut is_seen = false;
        if let Some(stretch) = text.get(start..).and_then(|rest| rest.first_chunk::<STRETCH>()) {
            let one = base64.mask(stretch);
            // Bits that so many more follow.
            let two = one & one >> 1;
            let four = two & two >> 2;
            let eight = four & four >> 4;
            let runs = eight & eight >> 8 & eight >> 16;
            if runs == 0 {
                // What is at its end may go on.
                start += STRETCH - one.leading_ones() as usize;
                continue;
            }
            start += runs.trailing_zeros() as usize;
            is_seen = true;
        }
        let Some(stretch) = text.get(start..start + SHORTEST) else { break };
        if !is_seen && let Some(last) = stretch.iter().rposition(|byte| value(*byte).is_none()) {
            start += last + 1;
            continue;
        }
        // What more follows makes no text of it.
        if !is_text(stretch) {
            return Look::Binary(start);
        }
        let rest = text.get(start..).unwrap_or_default();
        let taste = rest.get(..TASTE).unwrap_or(rest);
        let length = taste.iter().position(|byte| value(*byte).is_none()).unwrap_or(taste.len());
        if length == rest.len() && length < TASTE && !is_complete {
            return Look::Nothing(start);
        }
        return if is_text(taste.get(..length).unwrap_or(taste)) { Look::Text(start) } else { Look::Binary(start) };
    }
    if is_complete {
        return Look::Nothing(text.len());
    }
    let rest = text.get(start..).unwrap_or_default();
    let last = rest.iter().rposition(|byte| value(*byte).is_none());
    Look::Nothing(last.map_or(start, |last| start + last + 1))
}

/// Where the run ends that goes on at `from`, or all there is of the text.
fn run_end(base64: &Base64, text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(stretch) = text.get(at..).and_then(|rest| rest.first_chunk::<STRETCH>()) {
        let length = base64.mask(stretch).trailing_ones() as usize;
        at += length;
        if length < STRETCH {
            return at;
        }
    }
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| value(*byte).is_none()).unwrap_or(rest.len())
}

/// The index at or after `from` before which no run begins that is long enough, told a stretch at a time. Of eight bytes
/// and eight more from wherever, such a run covers two in a row; and it holds no byte beyond the range of its alphabet.
fn skipped(base64: &Base64, text: &[u8], from: usize) -> usize {
    const FIRST: u64 = 0x0101_0101_0101_0101;
    // The first bit of each eight that are set.
    let full = |one: u64| {
        let two = one & one >> 1;
        let four = two & two >> 2;
        four & four >> 4 & FIRST
    };
    let mut at = from;
    let mut last_is_full = false;
    while let Some(stretch) = text.get(at..).and_then(|rest| rest.first_chunk::<STRETCH>()) {
        let eights = full(base64.mask(stretch));
        if eights & eights >> 8 != 0 || last_is_full && eights & 1 != 0 {
            break;
        }
        last_is_full = eights >> 56 != 0;
        at += STRETCH;
    }
    // The run may begin before the eight bytes that it covers.
    at.saturating_sub(16).max(from)
}

/// Whether the beginning of a run decodes to text: UTF-8 without control characters.
fn is_text(run: &[u8]) -> bool {
    let mut decoded = [0_u8; TASTE];
    let mut length = 0;
    for four in run.chunks_exact(4) {
        let bits = four.iter().fold(0, |bits, byte| bits << 6 | value(*byte).unwrap_or(0));
        let [_, bytes @ ..] = bits.to_be_bytes();
        if bytes.iter().any(|byte| matches!(byte, ..b'\t' | 0x0b | 0x0c | 0x0e..0x20 | 0x7f | 0xf8..)) {
            return false;
        }
        if let Some(slot) = decoded.get_mut(length..length + 3) {
            slot.copy_from_slice(&bytes);
            length += 3;
        }
    }
    match std::str::from_utf8(decoded.get(..length).unwrap_or_default()) {
        Ok(_) => true,
        // A character may be cut off.
        Err(error) => error.error_len().is_none(),
    }
}

impl Run {
    fn new() -> Self {
        Self {
            window: Window::new(Task::Decoded, Reader::plain()),
            learnt: Learnt::default(),
            url_safe: false,
            bits: 0,
            count: 0,
            length: 0,
            column: 0,
            width: None,
            is_first: true,
            carry: Vec::new(),
            out_column: 0,
        }
    }

    /// Decodes on from `at`; gives where it stopped, whether the run ends there, and where its first line break was.
    fn decode(
        &mut self,
        text: &[u8],
        mut at: usize,
        is_complete: bool,
        decoded: &mut Vec<u8>,
    ) -> (usize, bool, Option<usize>) {
        let mut break_at = None;
        while let Some(byte) = text.get(at) {
            if let Some(value) = value(*byte) {
                self.url_safe |= matches!(byte, b'-' | b'_');
                self.bits = self.bits << 6 | value;
                self.count += 6;
                if self.count >= 8 {
                    self.count -= 8;
                    decoded.extend(self.bits.checked_shr(self.count).and_then(|bits| u8::try_from(bits & 0xff).ok()));
                }
                self.length += 1;
                self.column += 1;
                at += 1;
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            let line_break: &[u8] = match rest {
                [b'\r', b'\n', ..] => b"\r\n",
                [b'\n', ..] => b"\n",
                // More of a line break, or of the padding, may come.
                [b'\r'] | [b'='] if !is_complete => return (at, false, break_at),
                _ => return (at, true, break_at),
            };
            if self.column < LINE || !self.column.is_multiple_of(4) || self.width.is_some_and(|it| it != self.column) {
                return (at, true, break_at);
            }
            match rest.get(line_break.len()) {
                None if !is_complete => return (at, false, break_at),
                Some(next) if value(*next).is_some() => {}
                _ => return (at, true, break_at),
            }
            self.width = Some(self.column);
            break_at.get_or_insert(at);
            self.column = 0;
            at += line_break.len();
        }
        (at, is_complete, break_at)
    }

    /// Redacts what was decoded and encodes what may leave of it.
    fn piece(
        &mut self,
        plan: &Plan<'_>,
        outer: &mut Learnt,
        text: &[u8],
        mut end: usize,
        decoded: &[u8],
        ends: bool,
    ) -> Piece {
        let mut clean = Vec::with_capacity(decoded.len());
        // What is swept forward depends on what came before, and this is read ahead of what surrounds it.
        let shares = outer.sweeping != Sweeping::Forward;
        self.learnt.sweeping = outer.sweeping;
        if shares {
            std::mem::swap(&mut self.learnt.sweep, &mut outer.sweep);
        }
        self.window.feed(plan, &mut self.learnt, decoded, ends, Some(&mut clean));
        if shares {
            std::mem::swap(&mut self.learnt.sweep, &mut outer.sweep);
        }
        let mut out = Vec::with_capacity(clean.len() / 3 * 4 + 8);
        self.carry.extend_from_slice(&clean);
        let carry = std::mem::take(&mut self.carry);
        let whole = carry.len() / 3 * 3;
        let (now, later) = carry.split_at_checked(whole).unwrap_or((&carry, &[]));
        for three in now.chunks_exact(3) {
            self.encode(three, &mut out);
        }
        if ends && !later.is_empty() {
            self.encode(later, &mut out);
        } else {
            self.carry = later.to_vec();
        }
        // What came with padding goes with as much as it now needs.
        let expects = match self.length % 4 {
            2 => 2,
            3 => 1,
            _ => 0,
        };
        let had = text.get(end..).unwrap_or_default().iter().take(2).take_while(|byte| **byte == b'=').count();
        let is_padded = expects > 0 && had >= expects;
        if ends && (is_padded || self.length.is_multiple_of(4)) {
            out.extend(std::iter::repeat_n(b'=', (3 - later.len()) % 3));
            end += if is_padded { expects } else { 0 };
        }
        Piece {
            start: end,
            end,
            text: out,
            break_at: None,
            is_first: std::mem::take(&mut self.is_first),
            findings: std::mem::take(&mut self.learnt.findings),
            blocked: self.learnt.blocked.take(),
            changes: std::mem::take(&mut self.learnt.changes),
        }
    }

    /// Encodes up to three bytes, on a new line if the line is full.
    fn encode(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.width.is_some_and(|width| self.out_column >= width) {
            out.push(b'\n');
            self.out_column = 0;
        }
        let padded = bytes.iter().chain(&[0; 3]).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in 0..=bytes.len() {
            let sextet = padded >> (18 - 6 * place) & 63;
            out.push(match u8::try_from(sextet).unwrap_or(0) {
                six @ 0..26 => b'A' + six,
                six @ 26..52 => b'a' + six - 26,
                six @ 52..62 => b'0' + six - 52,
                62 if self.url_safe => b'-',
                62 => b'+',
                _ if self.url_safe => b'_',
                _ => b'/',
            });
        }
        self.out_column += 4;
    }
}
