//! What is found in a window: secrets, values that are known, placeholders, base64 and hidden text.

use super::{Learnt, Sweeping, Task, Window};
use crate::rewrite::hidden;
use crate::rewrite::redact::Plan;
use crate::rewrite::redact::encoded::Piece;
use crate::rewrite::redact::flat::QuoteLevels;
use crate::rewrite::redact::reader::Reader;
use crate::secret::verify::placeholder;
use crate::secret::{Hit, Text};

/// Something that was found, in the flat text.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) what: What,
}

impl Find {
    /// By place. A run of base64 that has begun goes on; else what the scanner found comes before what was swept, and a
    /// secret before the run that it begins with.
    pub(super) fn order(&self) -> (usize, u8) {
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
pub(super) enum What {
    Encoded(Box<Piece>),
    Secret { detector: usize, joins: bool, is_swept: bool },
    Hidden { kind: hidden::Kind, joins: bool },
}

impl Window {
    pub(super) fn find_secrets(&mut self, plan: &Plan<'_>, is_complete: bool) -> usize {
        let levels = QuoteLevels { flat: &self.flat, raw: &self.raw };
        let text = Text { bytes: &self.flat.text, is_complete, levels: &levels };
        let scanner = &plan.redaction.scanner;
        self.scanned = scanner.scan(&text, self.scanned, &mut self.memo, &mut self.hits);
        let what = |detector, joins| What::Secret { detector, joins, is_swept: false };
        let find = |Hit { start, end, detector, joins }| Find { start, end, what: what(detector, joins) };
        self.found += self.hits.len();
        let finds = self.hits.drain(..).map(find).collect();
        self.await_all(finds);
        self.scanned
    }

    /// Puts what was found, in order, among what waits.
    fn await_all(&mut self, finds: Vec<Find>) {
        let Some(first) = finds.first() else { return };
        let before = self.waiting.partition_point(|it| it.order() <= first.order());
        let mut later = self.waiting.split_off(before).into_iter().peekable();
        for find in finds {
            while let Some(earlier) = later.next_if(|it| it.order() <= find.order()) {
                self.waiting.push(earlier);
            }
            self.waiting.push(find);
        }
        self.waiting.extend(later);
    }

    /// Looks for values that are known, and gives the index up to which that is decided.
    pub(super) fn sweep(&mut self, learnt: &mut Learnt, is_complete: bool) -> usize {
        if learnt.sweep.is_empty() || learnt.sweeping == Sweeping::Surveying || self.task == Task::HiddenText {
            self.swept = self.flat.text.len();
            return self.swept;
        }
        let mut finds = Vec::new();
        self.swept = learnt.sweep.find(&self.flat.text, self.swept, is_complete, |start, end, detector| {
            finds.push(Find { start, end, what: What::Secret { detector, joins: false, is_swept: true } });
        });
        self.await_all(finds);
        self.swept
    }

    /// Placeholders of ours that a model sends on. Requests are judged whole, so none is cut off.
    pub(super) fn find_placeholders(&mut self, plan: &Plan<'_>, decided: usize) {
        let rest = self.flat.text.get(self.replaced..).unwrap_or_default();
        let finds = placeholder_finds(rest, self.replaced, plan.redaction.placeholder());
        self.replaced = decided;
        if !finds.is_empty() {
            self.waiting.retain(|find| !finds.iter().any(|it| it.start < find.end && find.start < it.end));
            self.await_all(finds);
        }
    }

    pub(super) fn find_encoded(&mut self, plan: &Plan<'_>, learnt: &mut Learnt, is_complete: bool) -> usize {
        let mut pieces = Vec::new();
        let decided = self.encoded.find(plan, learnt, &self.flat.text, is_complete, &mut pieces);
        let find = |piece: Piece| Find { start: piece.start, end: piece.end, what: What::Encoded(Box::new(piece)) };
        self.await_all(pieces.into_iter().map(find).collect());
        decided
    }

    pub(super) fn find_hidden(&mut self, is_complete: bool) -> usize {
        let text = Text { bytes: &self.flat.text, is_complete, levels: &() };
        let mut hits = Vec::new();
        self.unhidden = hidden::find(&text, self.unhidden, &mut self.hidden_memo, &mut hits);
        let find = |hidden::Hit { start, end, kind, joins }| Find { start, end, what: What::Hidden { kind, joins } };
        self.await_all(hits.into_iter().map(find).collect());
        self.unhidden
    }
}

/// The placeholders in `text`, which begins at `from`.
fn placeholder_finds(text: &[u8], from: usize, detector: usize) -> Vec<Find> {
    let mut finds = Vec::new();
    let mut at = 0;
    while let Some((start, end)) = text.get(at..).and_then(placeholder::find) {
        let what = What::Secret { detector, joins: false, is_swept: false };
        finds.push(Find { start: from + at + start, end: from + at + end, what });
        at += end;
    }
    finds
}

/// Whether a JSON value holds hidden text.
pub(in crate::rewrite::redact) fn holds_hidden_text(value: &[u8]) -> bool {
    let mut window = Window::new(Task::HiddenText, Reader::message());
    window.raw.extend_from_slice(value);
    window.read = window.reader.read(&window.raw, 0, true, &mut window.flat);
    window.find_hidden(true);
    window.waiting.iter().any(|find| window.is_at_face_value(window.flat.raw(find.start, window.read)))
}
