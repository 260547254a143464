//! A message, or plain text, while it is read: what has come and has not left.

use std::collections::VecDeque;

use super::flat::{Flat, QuoteLevels, Reader};
use super::placeholder::{self, Form};
use super::sweep::Sweep;
use super::{Findings, Plan};
use crate::policy::Strategy;
use crate::secret::verify::Levels;
use crate::secret::{Hit, LOOKBACK, Memo, Text};

/// Bytes that are looked at in one go: what is made of them stays in the nearest cache.
const BLOCK: usize = 16 * 1024;
/// Bytes between places that are remembered, and least that is dropped at once.
const STRIDE: usize = 4 * 1024;

/// What one pass over a message has learnt.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    pub(super) findings: Findings,
    pub(super) sweep: Sweep,
    /// The first secret that the policy does not let pass in any form.
    pub(super) blocked: Option<Blocked>,
    /// Secrets that were replaced, or would have been.
    pub(super) replaced: u64,
}

/// A secret that stops its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The detector's name.
    pub detector: String,
    /// JSON pointer of the string that holds it.
    pub pointer: String,
}

/// One pass over a message.
#[derive(Debug)]
pub(super) struct Window {
    raw: Vec<u8>,
    /// Up to where `raw` was flattened, and up to where it left.
    read: usize,
    sent: usize,
    flat: Flat,
    reader: Reader,
    /// The reader as it was at some places of `raw`, in order; the first at or before `sent`.
    marks: VecDeque<(usize, Reader)>,
    memo: Memo,
    /// Up to where the flat text was scanned, and swept.
    scanned: usize,
    swept: usize,
    /// Found, and not delivered yet; with whether it was swept.
    waiting: Vec<Hit>,
}

impl Window {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            raw: Vec::new(),
            read: 0,
            sent: 0,
            flat: Flat::default(),
            reader,
            marks: VecDeque::new(),
            memo: Memo::default(),
            scanned: 0,
            swept: 0,
            waiting: Vec::new(),
        }
    }

    /// Bytes held back.
    pub(super) fn held(&self) -> usize {
        self.raw.len() - self.sent
    }

    /// Takes the next bytes, and appends to `out`, if there is one, what may leave.
    pub(super) fn feed(
        &mut self,
        plan: &Plan<'_>,
        learnt: &mut Learnt,
        chunk: &[u8],
        end: bool,
        mut out: Option<&mut Vec<u8>>,
    ) {
        let mut rest = chunk;
        loop {
            let (block, after) = rest.split_at_checked(BLOCK).unwrap_or((rest, &[]));
            rest = after;
            self.raw.extend_from_slice(block);
            let is_last = rest.is_empty();
            self.step(plan, learnt, end && is_last, out.as_deref_mut());
            if is_last {
                return;
            }
        }
    }

    fn step(&mut self, plan: &Plan<'_>, learnt: &mut Learnt, is_complete: bool, out: Option<&mut Vec<u8>>) {
        if self.marks.back().is_none_or(|(at, _)| self.read - at >= STRIDE) {
            self.marks.push_back((self.read, self.reader.clone()));
        }
        self.read = self.reader.read(&self.raw, self.read, is_complete, &mut self.flat);
        let levels = QuoteLevels { flat: &self.flat, raw: &self.raw };
        let text = Text { bytes: &self.flat.text, is_complete, levels: &levels };
        let scanner = &plan.redaction.scanner;
        self.scanned = scanner.scan(&text, self.scanned, &mut self.memo, &mut self.waiting);
        let mut decided = self.scanned;
        if learnt.sweep.is_empty() {
            self.swept = self.scanned;
        } else {
            learnt.sweep.settle();
            let waiting = &mut self.waiting;
            self.swept = learnt.sweep.find(&self.flat.text, self.swept, is_complete, |start, end, detector| {
                waiting.push(Hit { start, end, detector, ..Hit::default() });
            });
            decided = decided.min(self.swept);
            // What the scanner found comes first among those that begin at one place.
            self.waiting.sort_by_key(|hit| hit.start);
        }
        self.deliver(plan, learnt, decided, is_complete, out);
    }

    /// Lets go what lies before the flat index `decided`.
    fn deliver(
        &mut self,
        plan: &Plan<'_>,
        learnt: &mut Learnt,
        mut decided: usize,
        is_complete: bool,
        mut out: Option<&mut Vec<u8>>,
    ) {
        let mut cursor: Option<(usize, Reader)> = None;
        let mut waiting = std::mem::take(&mut self.waiting);
        let due = waiting.iter().take_while(|hit| hit.start < decided || is_complete).count();
        for hit in waiting.drain(..due) {
            let start = self.flat.character_to(hit.start);
            let end = self.within_string(start, self.flat.character_from(hit.end));
            let from = self.flat.raw(start, self.read);
            let to = self.flat.raw(end, self.read);
            decided = decided.max(end);
            if from < self.sent || to <= from {
                continue;
            }
            let reader = self.reader_at(&mut cursor, from);
            let pointer = reader.pointer();
            let Some(value) = self.flat.text.get(start..end) else { continue };
            let literal = self.literal(start, end);
            if reader.is_in_structure() && literal.is_none() {
                continue;
            }
            let strategy = plan.strategy(hit.detector, &pointer);
            if strategy == Strategy::Allow {
                continue;
            }
            let name = plan.redaction.scanner.name(hit.detector);
            if !hit.joins {
                learnt.findings.add(name, &pointer, 1);
                learnt.replaced += 1;
            }
            if strategy == Strategy::Block && learnt.blocked.is_none() {
                learnt.blocked = Some(Blocked { detector: name.to_owned(), pointer });
            }
            if literal.is_none() {
                learnt.sweep.learn(value, hit.detector);
            }
            if let Some(out) = out.as_deref_mut() {
                out.extend_from_slice(self.raw.get(self.sent..from).unwrap_or_default());
                match (hit.joins, literal) {
                    (true, _) => {}
                    (_, Some(literal)) => out.extend_from_slice(literal),
                    _ => {
                        let form = match strategy {
                            Strategy::Mask => Form::Mask,
                            Strategy::Hash => Form::Hash,
                            _ => Form::Typed,
                        };
                        placeholder::write(out, form, name, value, reader.is_in_key(), plan.hash);
                    }
                }
            }
            self.sent = to;
        }
        self.waiting = waiting;
        let upto = if is_complete { self.raw.len() } else { self.flat.raw(decided, self.read) };
        if upto > self.sent {
            if let Some(out) = out {
                out.extend_from_slice(self.raw.get(self.sent..upto).unwrap_or_default());
            }
            self.sent = upto;
        }
        self.scanned = self.scanned.max(decided);
        self.swept = self.swept.max(decided);
        self.forget(decided);
    }

    /// The reader as it is at `at`, which is not before an earlier call's.
    fn reader_at<'c>(&self, cursor: &'c mut Option<(usize, Reader)>, at: usize) -> &'c Reader {
        let nearest = self.marks.iter().rev().find(|(mark, _)| *mark <= at);
        let behind = cursor.as_ref().is_none_or(|(here, _)| nearest.is_some_and(|(mark, _)| here < mark));
        if behind && let Some((mark, reader)) = nearest {
            *cursor = Some((*mark, reader.clone()));
        }
        let (here, reader) = cursor.get_or_insert_with(|| (at, self.reader.clone()));
        *here = reader.read(self.raw.get(..at).unwrap_or_default(), *here, true, &mut ());
        reader
    }

    /// `end`, or where the string that holds `start` ends, if that is before.
    fn within_string(&self, start: usize, end: usize) -> usize {
        if self.reader.is_plain() {
            return end;
        }
        let levels = QuoteLevels { flat: &self.flat, raw: &self.raw };
        let value = self.flat.text.get(start..end).unwrap_or_default();
        let quotes = value.iter().enumerate().filter(|(_, byte)| **byte == b'"').map(|(at, _)| start + at);
        quotes.into_iter().find(|at| levels.level(*at) == 0).unwrap_or(end)
    }

    /// What stands for a number or a boolean that is the value of a member: something of the same type.
    fn literal(&self, start: usize, end: usize) -> Option<&'static [u8]> {
        let stands_for: &[u8] = match self.flat.text.get(start..end)? {
            b"true" | b"false" => b"false",
            [b'-' | b'0'..=b'9', rest @ ..]
                if rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) =>
            {
                b"0"
            }
            _ => return None,
        };
        let mut before = self.flat.text.get(..start)?.iter().rev().filter(|byte| !byte.is_ascii_whitespace());
        (before.next() == Some(&b':') && before.next() == Some(&b'"')).then_some(stands_for)
    }

    /// Drops what neither a verifier nor a reader looks back at.
    fn forget(&mut self, decided: usize) {
        while self.marks.get(1).is_some_and(|(mark, _)| *mark <= self.sent) {
            self.marks.pop_front();
        }
        let flat = self.flat.character_to(decided.saturating_sub(LOOKBACK));
        if flat < STRIDE {
            return;
        }
        let mark = self.marks.front().map_or(self.read, |(mark, _)| *mark);
        let raw = self.flat.raw(flat, self.read).min(mark);
        self.flat.forget(flat, raw);
        self.memo.forget(flat);
        self.scanned -= flat;
        self.swept -= flat;
        for hit in &mut self.waiting {
            hit.start -= flat;
            hit.end -= flat;
        }
        self.raw.drain(..raw);
        self.read -= raw;
        self.sent -= raw;
        for (mark, _) in &mut self.marks {
            *mark -= raw;
        }
    }
}
