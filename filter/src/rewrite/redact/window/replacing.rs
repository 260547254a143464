//! What becomes of what was found in a window.

use super::{Blocked, Learnt, Located, Sweeping, Task, Window};
use crate::policy::{HiddenText, Strategy};
use crate::rewrite::hidden;
use crate::rewrite::redact::Plan;
use crate::rewrite::redact::encoded::Piece;
use crate::rewrite::redact::fitting::{Fit, Occurrence};
use crate::rewrite::redact::flat::QuoteLevels;
use crate::rewrite::redact::placeholder::{self, Form};
use crate::rewrite::redact::reader::Reader;
use crate::secret::verify::{Levels, placeholder as secret_placeholder};

impl Window {
    /// Deals with a secret. True if its value is new, and to be looked for from here on.
    pub(super) fn secret(
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
        // A number may be an id or a progress token, which peers compare as they do strings.
        if reader.is_in_structure() && literal.is_none() || reader.keeps_value() {
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
    pub(super) fn encoded_piece(
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
    pub(super) fn is_in_placeholder(&self, start: usize, end: usize) -> bool {
        let least = start.saturating_sub(secret_placeholder::LONGEST);
        let before = self.flat.text.get(least..start).unwrap_or_default();
        let begins = before.iter().rposition(|byte| *byte == b'[').map(|at| least + at);
        begins.and_then(|at| secret_placeholder::at(&self.flat.text, at)).is_some_and(|after| after >= end)
    }

    /// Counts hidden text, and says whether it is stripped.
    pub(super) fn hidden(
        &self,
        plan: &Plan<'_>,
        learnt: &mut Learnt,
        reader: &Reader,
        kind: hidden::Kind,
        joins: bool,
    ) -> bool {
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
    pub(super) fn is_at_face_value(&self, from: usize) -> bool {
        let run = self.raw.get(from..).unwrap_or_default().iter().take_while(|byte| **byte == b'\\').count();
        run == 0 || run == 1 && !self.reader.is_plain()
    }

    /// `end`, or where the string that holds `start` ends, if that is before.
    pub(super) fn within_string(&self, start: usize, end: usize) -> usize {
        if self.reader.is_plain() {
            return end;
        }
        let levels = QuoteLevels { flat: &self.flat, raw: &self.raw };
        let value = self.flat.text.get(start..end).unwrap_or_default();
        let quotes = value.iter().enumerate().filter(|(_, byte)| **byte == b'"').map(|(at, _)| start + at);
        quotes.into_iter().find(|at| levels.level(*at) == 0).unwrap_or(end)
    }

    /// What stands for a number or a boolean that is the value of a member: something of the same type.
    pub(super) fn literal(&self, start: usize, end: usize) -> Option<&'static [u8]> {
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
}
