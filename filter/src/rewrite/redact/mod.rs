//! Redaction: takes secrets out of messages, whole or while they stream (DESIGN section 4).
//!
//! A message is [flattened](flat), scanned by the detectors of [`crate::secret`], and sent on with a
//! [placeholder](placeholder) where each secret was; every other byte stays as it was written. What the protocol
//! itself compares is [never touched](place). Whole messages are gone through twice if something was found: values found
//! in one place are then [swept](sweep) from all of it. A stream is swept forward.

mod encoded;
mod escape;
mod findings;
mod fitting;
mod flat;
mod place;
mod placeholder;
mod reader;
mod sweep;
mod window;

#[cfg(test)]
mod tests;

use crate::policy::{Direction, HiddenText, Mode, Redaction, Strategy};
use crate::schema::OutputSchema;
use crate::secret::SecretHash;
pub use findings::{Finding, Findings};
use reader::Reader;
pub use window::Blocked;
use window::{Learnt, Sweeping, Task, Window};

/// What redaction does with the secrets of one exchange.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// What the policy says.
    pub redaction: &'a Redaction,
    /// The keyed hash of placeholders.
    pub hash: &'a SecretHash,
    /// Which way the message goes.
    pub direction: Direction,
    /// Name of the server.
    pub server: &'a str,
    /// The tool that is called, if one is.
    pub tool: Option<&'a str>,
    /// What that tool's `outputSchema` demands of the result, if it is known.
    pub output: Option<&'a OutputSchema>,
    /// Every secret is replaced, whatever the policy lets pass: for logs.
    pub everything: bool,
}

impl Plan<'_> {
    fn strategy(&self, detector: usize, pointer: &str) -> Strategy {
        if self.everything {
            return Strategy::Replace;
        }
        let strategy = self.redaction.strategy(self.direction, detector);
        if strategy != Strategy::Allow && self.redaction.is_allowed(self.server, self.tool, pointer, detector) {
            return Strategy::Allow;
        }
        strategy
    }

    /// What becomes of hidden text at this place of a message.
    fn hidden_text(&self, pointer: &str) -> HiddenText {
        if self.direction == Direction::Request || self.everything {
            return HiddenText::Allow;
        }
        self.redaction.hidden_text(place::is_definition(pointer))
    }

    fn looks_for_hidden_text(&self) -> bool {
        self.direction == Direction::Response
            && !self.everything
            && [true, false].iter().any(|definition| self.redaction.hidden_text(*definition) != HiddenText::Allow)
    }
}

/// What redaction made of a whole message.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The message as it may be sent, if that is another one.
    pub message: Option<Vec<u8>>,
    /// What was found.
    pub findings: Findings,
    /// The first secret that the policy does not let pass in any form.
    pub blocked: Option<Blocked>,
}

/// Redacts a whole JSON-RPC message.
pub fn message(plan: &Plan<'_>, message: &[u8]) -> Outcome {
    let mut surveyed = survey(plan, Task::Secrets, message, Reader::message);
    if !surveyed.learnt.strips {
        return finish(plan, message, Reader::message, surveyed);
    }
    surveyed = survey(plan, Task::HiddenText, message, Reader::message);
    let stripped = finish(plan, message, Reader::message, surveyed);
    let Some(visible) = stripped.message else { return Outcome::default() };
    let mut outcome = whole(plan, &visible, Reader::message);
    let mut findings = stripped.findings;
    findings.merge(std::mem::take(&mut outcome.findings));
    Outcome { message: outcome.message.or(Some(visible)), findings, ..outcome }
}

/// Whether a definition in a list holds hidden text that the policy refuses.
pub fn is_refused_definition(redaction: &Redaction, definition: &[u8]) -> bool {
    redaction.mode == Mode::Enforce
        && redaction.hidden_text(true) == HiddenText::Refuse
        && window::holds_hidden_text(definition)
}

/// Redacts text that is no JSON-RPC message.
pub fn text(plan: &Plan<'_>, text: &[u8]) -> Outcome {
    whole(plan, text, Reader::plain)
}

/// Takes secrets out of what holds no hidden text that has to go first.
fn whole(plan: &Plan<'_>, bytes: &[u8], reader: impl Fn() -> Reader + Copy) -> Outcome {
    finish(plan, bytes, reader, survey(plan, Task::Secrets, bytes, reader))
}

/// What the first pass over a message leaves.
struct Surveyed {
    task: Task,
    learnt: Learnt,
    /// The pass itself, if what it found can be delivered once more.
    window: Option<Window>,
}

fn survey(plan: &Plan<'_>, task: Task, bytes: &[u8], reader: impl Fn() -> Reader) -> Surveyed {
    let mut learnt = Learnt { sweeping: Sweeping::Surveying, ..Learnt::default() };
    let window = Window::new(task, reader()).survey(plan, &mut learnt, bytes);
    Surveyed { task, learnt, window }
}

/// The second pass, with all that the first one learnt; none if that was nothing.
fn finish(plan: &Plan<'_>, bytes: &[u8], reader: impl Fn() -> Reader, surveyed: Surveyed) -> Outcome {
    let Surveyed { task, mut learnt, mut window } = surveyed;
    if learnt.changes == 0 {
        return Outcome { findings: learnt.findings, ..Outcome::default() };
    }
    let mut out = Vec::with_capacity(bytes.len());
    // What was agreed on while the message was rewritten also stands in what had been written by then.
    for _ in 0..2 {
        let Learnt { sweep, fitting, .. } = learnt;
        learnt = Learnt { sweep, fitting: fitting.again(), sweeping: Sweeping::Surveyed, ..Learnt::default() };
        out.clear();
        match &mut window {
            Some(window) => window.deliver_again(plan, &mut learnt, &mut out),
            None => Window::new(task, reader()).feed(plan, &mut learnt, bytes, true, Some(&mut out)),
        }
        if !learnt.fitting.has_grown {
            break;
        }
    }
    Outcome { message: Some(learnt.fitting.cut(out)), findings: learnt.findings, blocked: learnt.blocked }
}

/// Redacts a message, or text, while it comes.
#[derive(Debug)]
pub struct Redactor {
    /// Strips hidden text, if the policy wants it, before anything else is looked for.
    stripping: Option<(Window, Learnt)>,
    window: Window,
    learnt: Learnt,
}

impl Redactor {
    /// For a JSON-RPC message.
    pub fn message(plan: &Plan<'_>) -> Self {
        let strips = plan.looks_for_hidden_text() && plan.redaction.hidden_text(false) == HiddenText::Strip;
        let stripping = strips.then(|| (Window::new(Task::HiddenText, Reader::message()), Learnt::default()));
        Self { stripping, window: Window::new(Task::Secrets, Reader::message()), learnt: Learnt::default() }
    }

    /// For text that is no JSON-RPC message.
    pub fn text() -> Self {
        Self { stripping: None, window: Window::new(Task::Secrets, Reader::plain()), learnt: Learnt::default() }
    }

    /// Takes the next bytes and appends to `out` what may leave. Any split of the same bytes, fed under one plan, gives
    /// the same output.
    pub fn feed(&mut self, plan: &Plan<'_>, chunk: &[u8], end: bool, out: &mut Vec<u8>) {
        let Some((stripping, stripped)) = &mut self.stripping else {
            return self.window.feed(plan, &mut self.learnt, chunk, end, Some(out));
        };
        let mut visible = Vec::with_capacity(chunk.len());
        stripping.feed(plan, stripped, chunk, end, Some(&mut visible));
        self.window.feed(plan, &mut self.learnt, &visible, end, Some(out));
    }

    /// Gives up what was found so far.
    pub fn take_findings(&mut self) -> Findings {
        let mut findings = std::mem::take(&mut self.learnt.findings);
        if let Some((_, stripped)) = &mut self.stripping {
            findings.merge(std::mem::take(&mut stripped.findings));
        }
        findings
    }

    /// The first secret that the policy does not let pass in any form.
    pub fn blocked(&self) -> Option<&Blocked> {
        self.learnt.blocked.as_ref()
    }

    /// Bytes that came and have not left.
    pub fn held(&self) -> usize {
        self.window.held() + self.stripping.as_ref().map_or(0, |(window, _)| window.held())
    }
}
