//! A message, or plain text, while it is read: what has come and has not left.

mod finds;
mod replacing;

use std::collections::VecDeque;

pub(super) use finds::holds_hidden_text;
use finds::{Find, What};

use super::encoded::Encoded;
use super::fitting::Fitting;
use super::flat::Flat;
use super::reader::Reader;
use super::sweep::Sweep;
use super::{Findings, Plan};
use crate::policy::Direction;
use crate::rewrite::hidden;
use crate::secret::{Hit, LOOKBACK, Memo};

/// Bytes that are looked at in one go: what is made of them stays in the nearest cache.
const BLOCK: usize = 16 * 1024;
/// The same where there are many secrets: all that follows in a block is swept again for each that is new in it.
const DENSE_BLOCK: usize = 1024;
/// Of so many bytes one secret is many.
const DENSE: usize = 512;
/// Bytes between places that are remembered, and least that is dropped at once.
const STRIDE: usize = 4 * 1024;

/// When values that were found in one place are looked for in others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sweeping {
    /// From where they were found on.
    #[default]
    Forward,
    /// Not yet: they are collected.
    Surveying,
    /// Everywhere: all were collected before.
    Surveyed,
}

/// What one pass over a message has learnt.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    pub(super) findings: Findings,
    pub(super) sweep: Sweep,
    pub(super) sweeping: Sweeping,
    pub(super) fitting: Fitting,
    /// The first secret that the policy does not let pass in any form.
    pub(super) blocked: Option<Blocked>,
    /// There is hidden text that has to go.
    pub(super) strips: bool,
    /// Places that were changed, or would have been.
    pub(super) changes: u64,
}

/// A secret that stops its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The detector's name.
    pub detector: String,
    /// JSON pointer of the string that holds it.
    pub pointer: String,
}

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Secrets are replaced, and hidden text is counted.
    Secrets,
    /// Secrets are replaced in what was decoded from base64: once is enough.
    Decoded,
    /// Hidden text is stripped where the policy says so. It comes first, or it could break up a secret.
    HiddenText,
}

/// A secret, in the flat text and in the window.
#[derive(Clone, Copy, Debug)]
struct Located {
    start: usize,
    end: usize,
    from: usize,
    to: usize,
    detector: usize,
    joins: bool,
}

/// One pass over a message.
#[derive(Debug)]
pub(super) struct Window {
    task: Task,
    raw: Vec<u8>,
    /// Up to where `raw` was flattened, and up to where it left.
    read: usize,
    sent: usize,
    flat: Flat,
    reader: Reader,
    /// The reader as it was at some places of `raw`, in order; the first at or before `sent`.
    marks: VecDeque<(usize, Reader)>,
    memo: Memo,
    hidden_memo: hidden::Memo,
    encoded: Encoded,
    /// How the line breaks of the run of base64 that is read are written in the message.
    line_break: Vec<u8>,
    /// The run that is read was part of something else, and stays as it is.
    leaves_run: bool,
    /// Up to where the flat text was scanned, swept, and searched for hidden text.
    scanned: usize,
    swept: usize,
    unhidden: usize,
    /// Up to where it was searched for placeholders.
    replaced: usize,
    /// Up to where it left changed, and up to where it left.
    taken: usize,
    decided: usize,
    /// Found, and not delivered yet, by start.
    waiting: Vec<Find>,
    /// How many secrets were found, and for how many blocks more they are taken to be many.
    found: usize,
    dense: usize,
    /// Nothing that was read or found is forgotten: it is delivered again.
    keeps: bool,
    /// Kept for its memory.
    hits: Vec<Hit>,
}

impl Window {
    pub(super) fn new(task: Task, reader: Reader) -> Self {
        Self {
            task,
            raw: Vec::new(),
            read: 0,
            sent: 0,
            flat: Flat::default(),
            reader,
            marks: VecDeque::new(),
            memo: Memo::default(),
            hidden_memo: hidden::Memo::default(),
            encoded: Encoded::default(),
            line_break: Vec::new(),
            leaves_run: false,
            scanned: 0,
            swept: 0,
            unhidden: 0,
            replaced: 0,
            taken: 0,
            decided: 0,
            waiting: Vec::new(),
            found: 0,
            dense: 0,
            keeps: false,
            hits: Vec::new(),
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
        // A request is judged whole, so that no placeholder is cut in two.
        let mut rest = chunk;
        loop {
            let most = match plan.direction {
                Direction::Request => chunk.len(),
                Direction::Response if self.dense > 0 => DENSE_BLOCK,
                Direction::Response => BLOCK,
            };
            let (block, after) = rest.split_at_checked(most).unwrap_or((rest, &[]));
            rest = after;
            self.raw.extend_from_slice(block);
            let is_last = rest.is_empty();
            let known = self.found;
            self.step(plan, learnt, end && is_last, out.as_deref_mut());
            let is_dense = (self.found - known) * DENSE > block.len();
            self.dense = if is_dense { BLOCK / DENSE_BLOCK } else { self.dense.saturating_sub(1) };
            if is_last {
                return;
            }
        }
    }

    /// Takes a whole message at once, of which nothing is sent yet. Gives the pass back if all that it found can be
    /// [delivered again](Self::deliver_again): if the message was one block, and no base64 is in it that was opened.
    pub(super) fn survey(mut self, plan: &Plan<'_>, learnt: &mut Learnt, message: &[u8]) -> Option<Self> {
        self.keeps = message.len() <= BLOCK || plan.direction == Direction::Request;
        self.feed(plan, learnt, message, true, None);
        (self.keeps && !self.waiting.iter().any(|find| matches!(find.what, What::Encoded(_)))).then_some(self)
    }

    /// Sends what was [surveyed](Self::survey), now that all values are known.
    pub(super) fn deliver_again(&mut self, plan: &Plan<'_>, learnt: &mut Learnt, out: &mut Vec<u8>) {
        self.waiting.retain(|find| !matches!(find.what, What::Secret { is_swept: true, .. }));
        (self.sent, self.taken, self.decided, self.swept) = (0, 0, 0, 0);
        let swept = self.sweep(learnt, true);
        self.deliver(plan, learnt, swept, true, Some(out));
    }

    fn step(&mut self, plan: &Plan<'_>, learnt: &mut Learnt, is_complete: bool, mut out: Option<&mut Vec<u8>>) {
        if self.marks.back().is_none_or(|(at, _)| self.read - at >= STRIDE) {
            self.marks.push_back((self.read, self.reader.clone()));
        }
        self.flat.expect(self.raw.len() - self.read);
        self.read = self.reader.read(&self.raw, self.read, is_complete, &mut self.flat);
        let mut decided = self.flat.text.len();
        if self.task != Task::HiddenText {
            decided = self.find_secrets(plan, is_complete);
        }
        if plan.direction == Direction::Request {
            self.find_placeholders(plan, decided);
        }
        if self.task == Task::Secrets {
            decided = decided.min(self.find_encoded(plan, learnt, is_complete));
        } else {
            self.encoded.skip_to(decided);
        }
        if self.task == Task::HiddenText || self.task == Task::Secrets && plan.looks_for_hidden_text() {
            decided = decided.min(self.find_hidden(is_complete));
        } else {
            self.unhidden = decided;
        }
        // A new value may stand again in what is at hand, so that is swept before any of it leaves.
        loop {
            let swept = self.sweep(learnt, is_complete);
            if self.deliver(plan, learnt, decided.min(swept), is_complete, out.as_deref_mut()) {
                break;
            }
        }
        if !self.keeps {
            self.forget();
        }
    }

    /// Lets go what lies before the flat index `decided`. False if it stopped at a value that is new and stands again in
    /// what is at hand, which has to be swept again.
    fn deliver(
        &mut self,
        plan: &Plan<'_>,
        learnt: &mut Learnt,
        mut decided: usize,
        is_complete: bool,
        mut out: Option<&mut Vec<u8>>,
    ) -> bool {
        let mut cursor: Option<(usize, Reader)> = None;
        let mut waiting = std::mem::take(&mut self.waiting);
        // What reaches beyond what is decided waits, and so does all from its beginning on.
        let due = waiting.iter().take_while(|find| find.end <= decided).count();
        if let Some(open) = waiting.get(due) {
            decided = decided.min(open.start);
        }
        let mut done = 0;
        let mut is_new = false;
        for find in waiting.iter_mut().take(due) {
            done += 1;
            let mut start = self.flat.character_to(find.start);
            let mut joins_last = false;
            // Of a secret that something else took a part of, what sticks out goes with it.
            if matches!(find.what, What::Secret { .. }) && start < self.taken && self.taken < find.end {
                (start, joins_last) = (self.taken, true);
            }
            let end = self.within_string(start, self.flat.character_from(find.end));
            let from = self.flat.raw(start, self.read);
            let to = self.flat.raw(end, self.read);
            if let What::Encoded(piece) = &find.what {
                self.leaves_run = from < self.sent || self.leaves_run && !piece.is_first;
            }
            if from < self.sent || to < from || to == from && !matches!(find.what, What::Encoded(_)) {
                continue;
            }
            if matches!(&find.what, What::Secret { detector, .. } if *detector != plan.redaction.placeholder())
                && self.is_in_placeholder(start, end)
            {
                continue;
            }
            let reader = self.reader_at(&mut cursor, from);
            match &mut find.what {
                What::Encoded(_) if self.leaves_run => {}
                What::Encoded(piece) => {
                    self.taken = end;
                    let piece = std::mem::take(&mut **piece);
                    self.encoded_piece(learnt, &reader.pointer(), piece, from, to, out.as_deref_mut());
                }
                What::Secret { detector, joins, .. } => {
                    let located = Located { start, end, from, to, detector: *detector, joins: *joins || joins_last };
                    let is_learnt = self.secret(plan, learnt, reader, located, &mut out);
                    let value = self.flat.text.get(start..end).unwrap_or_default();
                    is_new = is_learnt && Sweep::recurs(value, &self.flat.text, end, self.swept);
                    if is_new {
                        // Values that were known were looked for up to here already, and are found again.
                        self.swept = self.swept.min(end);
                        decided = end;
                        break;
                    }
                }
                What::Hidden { kind, joins } => {
                    if self.is_at_face_value(from) && self.hidden(plan, learnt, reader, *kind, *joins) {
                        self.taken = end;
                        if let Some(out) = out.as_deref_mut() {
                            out.extend_from_slice(self.raw.get(self.sent..from).unwrap_or_default());
                        }
                        self.sent = to;
                    }
                }
            }
        }
        if !self.keeps {
            waiting.drain(..done);
        }
        if is_new {
            waiting.retain(|find| find.start < decided || !matches!(find.what, What::Secret { is_swept: true, .. }));
        }
        self.waiting = waiting;
        let upto = if is_complete && !is_new { self.raw.len() } else { self.flat.raw(decided, self.read) };
        if upto > self.sent {
            if let Some(out) = out {
                out.extend_from_slice(self.raw.get(self.sent..upto).unwrap_or_default());
            }
            self.sent = upto;
        }
        self.decided = decided;
        !is_new
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

    /// Drops what neither a verifier nor a reader looks back at.
    fn forget(&mut self) {
        while self.marks.get(1).is_some_and(|(mark, _)| *mark <= self.sent) {
            self.marks.pop_front();
        }
        let flat = self.flat.character_to(self.decided.saturating_sub(LOOKBACK));
        if flat < STRIDE {
            return;
        }
        let mark = self.marks.front().map_or(self.read, |(mark, _)| *mark);
        let raw = self.flat.raw(flat, self.read).min(mark);
        self.flat.forget(flat, raw);
        self.memo.forget(flat);
        self.hidden_memo.forget(flat);
        self.encoded.forget(flat);
        self.scanned -= flat;
        self.swept -= flat;
        self.unhidden -= flat;
        self.replaced = self.replaced.saturating_sub(flat);
        self.taken = self.taken.saturating_sub(flat);
        self.decided -= flat;
        for find in &mut self.waiting {
            find.start -= flat;
            find.end -= flat;
        }
        self.raw.drain(..raw);
        self.read -= raw;
        self.sent -= raw;
        for (mark, _) in &mut self.marks {
            *mark -= raw;
        }
    }
}
