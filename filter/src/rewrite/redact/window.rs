//! A message, or plain text, while it is read: what has come and has not left.

use std::collections::VecDeque;

use super::encoded::{Encoded, Piece};
use super::fitting::{Fit, Fitting, Occurrence};
use super::flat::{Flat, QuoteLevels, Reader};
use super::placeholder::{self, Form};
use super::sweep::Sweep;
use super::{Findings, Plan};
use crate::policy::{Direction, HiddenText, Strategy};
use crate::rewrite::hidden;
use crate::secret::verify::{Levels, placeholder as secret_placeholder};
use crate::secret::{Hit, LOOKBACK, Memo, Text};

/// Bytes that are looked at in one go: what is made of them stays in the nearest cache.
const BLOCK: usize = 16 * 1024;
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

/// Something that was found, in the flat text.
#[derive(Debug)]
struct Find {
    start: usize,
    end: usize,
    what: What,
}

impl Find {
    /// By place. A run of base64 that has begun goes on; else what the scanner found comes before what was swept, and a
    /// secret before the run that it begins with.
    fn order(&self) -> (usize, u8) {
        let rank = match &self.what {
            What::Encoded(piece) if !piece.is_first => 0,
            What::Secret { is_swept: false, .. } | What::Hidden { .. } => 1,
            What::Secret { .. } => 2,
            What::Encoded(_) => 3,
        };
        (self.start, rank)
    }
}

#[derive(Debug)]
enum What {
    Encoded(Box<Piece>),
    Secret { detector: usize, joins: bool, is_swept: bool },
    Hidden { kind: hidden::Kind, joins: bool },
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
        let most = if plan.direction == Direction::Request { chunk.len() } else { BLOCK };
        let mut rest = chunk;
        loop {
            let (block, after) = rest.split_at_checked(most).unwrap_or((rest, &[]));
            rest = after;
            self.raw.extend_from_slice(block);
            let is_last = rest.is_empty();
            self.step(plan, learnt, end && is_last, out.as_deref_mut());
            if is_last {
                return;
            }
        }
    }

    fn step(&mut self, plan: &Plan<'_>, learnt: &mut Learnt, is_complete: bool, mut out: Option<&mut Vec<u8>>) {
        if self.marks.back().is_none_or(|(at, _)| self.read - at >= STRIDE) {
            self.marks.push_back((self.read, self.reader.clone()));
        }
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
        self.forget();
    }

    fn find_secrets(&mut self, plan: &Plan<'_>, is_complete: bool) -> usize {
        let levels = QuoteLevels { flat: &self.flat, raw: &self.raw };
        let text = Text { bytes: &self.flat.text, is_complete, levels: &levels };
        let scanner = &plan.redaction.scanner;
        self.scanned = scanner.scan(&text, self.scanned, &mut self.memo, &mut self.hits);
        let (hits, waiting) = (&mut self.hits, &mut self.waiting);
        waiting.extend(hits.drain(..).map(|Hit { start, end, detector, joins }| Find {
            start,
            end,
            what: What::Secret { detector, joins, is_swept: false },
        }));
        waiting.sort_by_key(Find::order);
        self.scanned
    }

    /// Looks for values that are known, and gives the index up to which that is decided.
    fn sweep(&mut self, learnt: &mut Learnt, is_complete: bool) -> usize {
        if learnt.sweep.is_empty() || learnt.sweeping == Sweeping::Surveying || self.task == Task::HiddenText {
            self.swept = self.flat.text.len();
            return self.swept;
        }
        let known = self.waiting.len();
        let waiting = &mut self.waiting;
        self.swept = learnt.sweep.find(&self.flat.text, self.swept, is_complete, |start, end, detector| {
            waiting.push(Find { start, end, what: What::Secret { detector, joins: false, is_swept: true } });
        });
        if waiting.len() > known {
            waiting.sort_by_key(Find::order);
        }
        self.swept
    }

    /// Placeholders of ours that a model sends on. Requests are judged whole, so none is cut off.
    fn find_placeholders(&mut self, plan: &Plan<'_>, decided: usize) {
        let rest = self.flat.text.get(self.replaced..).unwrap_or_default();
        let finds = placeholder_finds(rest, self.replaced, plan.redaction.placeholder());
        self.replaced = decided;
        if !finds.is_empty() {
            self.waiting.retain(|find| !finds.iter().any(|it| it.start < find.end && find.start < it.end));
            self.waiting.extend(finds);
            self.waiting.sort_by_key(Find::order);
        }
    }

    fn find_encoded(&mut self, plan: &Plan<'_>, learnt: &mut Learnt, is_complete: bool) -> usize {
        let mut pieces = Vec::new();
        let decided = self.encoded.find(plan, learnt, &self.flat.text, is_complete, &mut pieces);
        if !pieces.is_empty() {
            let finds = pieces.into_iter().map(|piece| Find {
                start: piece.start,
                end: piece.end,
                what: What::Encoded(Box::new(piece)),
            });
            self.waiting.extend(finds);
            self.waiting.sort_by_key(Find::order);
        }
        decided
    }

    fn find_hidden(&mut self, is_complete: bool) -> usize {
        let text = Text { bytes: &self.flat.text, is_complete, levels: &() };
        let mut hits = Vec::new();
        self.unhidden = hidden::find(&text, self.unhidden, &mut self.hidden_memo, &mut hits);
        if !hits.is_empty() {
            let finds = hits.into_iter().map(|hidden::Hit { start, end, kind, joins }| Find {
                start,
                end,
                what: What::Hidden { kind, joins },
            });
            self.waiting.extend(finds);
            self.waiting.sort_by_key(Find::order);
        }
        self.unhidden
    }

    /// Lets go what lies before the flat index `decided`. False if it stopped at a value that is new, after which all
    /// has to be swept.
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
                    is_new = self.secret(plan, learnt, reader, located, &mut out);
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
        waiting.drain(..done);
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

    /// Deals with a secret. True if its value is new, and to be looked for from here on.
    fn secret(
        &mut self,
        plan: &Plan<'_>,
        learnt: &mut Learnt,
        reader: &Reader,
        located: Located,
        out: &mut Option<&mut Vec<u8>>,
    ) -> bool {
        let Located { start, end, from, to, detector, joins } = located;
        let Some(value) = self.flat.text.get(start..end) else { return false };
        let literal = self.literal(start, end);
        if reader.is_in_structure() && literal.is_none() {
            return false;
        }
        let pointer = reader.pointer();
        let strategy = plan.strategy(detector, &pointer);
        if strategy == Strategy::Allow {
            return false;
        }
        let name = plan.redaction.name(detector);
        let usual = |out: &mut Vec<u8>| {
            let form = match strategy {
                Strategy::Mask => Form::Mask,
                Strategy::Hash => Form::Hash,
                _ => Form::Typed,
            };
            placeholder::write(out, form, name, value, reader.is_in_key(), plan.hash);
        };
        let mut fit = Fit::Free;
        if literal.is_none() && !joins && strategy != Strategy::Block {
            let written = self.raw.get(from..to).unwrap_or_default();
            let may_drop = learnt.sweeping != Sweeping::Forward;
            let occurrence = Occurrence { pointer: &pointer, value, written, is_key: reader.is_in_key(), may_drop };
            fit = learnt.fitting.of(plan, &occurrence, || {
                let mut text = Vec::new();
                usual(&mut text);
                text
            });
        }
        if fit == Fit::Leave {
            return false;
        }
        if !joins {
            learnt.findings.add(name, &pointer, 1);
            learnt.changes += 1;
        }
        if strategy == Strategy::Block && learnt.blocked.is_none() {
            learnt.blocked = Some(Blocked { detector: name.to_owned(), pointer });
        }
        let is_new = literal.is_none()
            && learnt.sweeping != Sweeping::Surveyed
            && learnt.sweep.learn(value, detector)
            && learnt.sweeping == Sweeping::Forward;
        if let Some(out) = out.as_deref_mut() {
            out.extend_from_slice(self.raw.get(self.sent..from).unwrap_or_default());
            match (joins, literal, fit) {
                (true, ..) => {}
                (_, Some(literal), _) => out.extend_from_slice(literal),
                (_, _, Fit::Text(text)) => out.extend_from_slice(&text),
                (_, _, fit) => {
                    if fit == Fit::Drop {
                        learnt.fitting.drop_at(out.len());
                    }
                    usual(out);
                }
            }
        }
        self.sent = to;
        self.taken = end;
        is_new
    }

    /// Sends a part of a run of base64.
    fn encoded_piece(
        &mut self,
        learnt: &mut Learnt,
        pointer: &str,
        piece: Piece,
        from: usize,
        to: usize,
        out: Option<&mut Vec<u8>>,
    ) {
        for (detector, count) in piece.findings.by_detector() {
            learnt.findings.add(detector, pointer, count);
        }
        learnt.changes += piece.changes;
        if let Some(blocked) = piece.blocked.filter(|_| learnt.blocked.is_none()) {
            learnt.blocked = Some(Blocked { pointer: pointer.to_owned(), ..blocked });
        }
        if let Some(at) = piece.break_at {
            let (begins, more) = (self.flat.raw(at, self.read), usize::from(self.flat.text.get(at) == Some(&b'\r')));
            let ends = self.flat.raw(at + 1 + more, self.read);
            self.line_break = self.raw.get(begins..ends).unwrap_or_default().to_vec();
        }
        if let Some(out) = out {
            out.extend_from_slice(self.raw.get(self.sent..from).unwrap_or_default());
            for line in piece.text.split_inclusive(|byte| *byte == b'\n') {
                match line.strip_suffix(b"\n") {
                    Some(line) => {
                        out.extend_from_slice(line);
                        out.extend_from_slice(&self.line_break);
                    }
                    None => out.extend_from_slice(line),
                }
            }
        }
        self.sent = to;
    }

    /// Whether something is part of a placeholder: its suffix looks like a key that is assigned to its name.
    fn is_in_placeholder(&self, start: usize, end: usize) -> bool {
        let least = start.saturating_sub(secret_placeholder::LONGEST);
        let before = self.flat.text.get(least..start).unwrap_or_default();
        let begins = before.iter().rposition(|byte| *byte == b'[').map(|at| least + at);
        begins.and_then(|at| secret_placeholder::at(&self.flat.text, at)).is_some_and(|after| after >= end)
    }

    /// Counts hidden text, and says whether it is stripped.
    fn hidden(&self, plan: &Plan<'_>, learnt: &mut Learnt, reader: &Reader, kind: hidden::Kind, joins: bool) -> bool {
        let pointer = reader.pointer();
        let strips = match plan.hidden_text(&pointer) {
            HiddenText::Allow => return false,
            HiddenText::Strip => true,
            HiddenText::Count | HiddenText::Refuse => false,
        };
        learnt.strips |= strips;
        if strips != (self.task == Task::HiddenText) {
            return false;
        }
        if !joins {
            learnt.findings.add(kind.detector(), &pointer, 1);
        }
        learnt.changes += u64::from(strips);
        strips
    }

    /// Whether a reader of the innermost string sees the character that begins at `from`, and not an escape of it: what
    /// is escaped more than once, or in text that is no JSON, is in plain sight.
    fn is_at_face_value(&self, from: usize) -> bool {
        let run = self.raw.get(from..).unwrap_or_default().iter().take_while(|byte| **byte == b'\\').count();
        run == 0 || run == 1 && !self.reader.is_plain()
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

/// The placeholders in `text`, which begins at `from`.
fn placeholder_finds(text: &[u8], from: usize, detector: usize) -> Vec<Find> {
    let mut finds = Vec::new();
    let mut at = 0;
    while let Some((start, end)) = text.get(at..).and_then(secret_placeholder::find) {
        let what = What::Secret { detector, joins: false, is_swept: false };
        finds.push(Find { start: from + at + start, end: from + at + end, what });
        at += end;
    }
    finds
}

/// Whether a JSON value holds hidden text.
pub(super) fn holds_hidden_text(value: &[u8]) -> bool {
    let mut window = Window::new(Task::HiddenText, Reader::message());
    window.raw.extend_from_slice(value);
    window.read = window.reader.read(&window.raw, 0, true, &mut window.flat);
    window.find_hidden(true);
    window.waiting.iter().any(|find| window.is_at_face_value(window.flat.raw(find.start, window.read)))
}
