//! Redaction: takes secrets out of messages, whole or while they stream (DESIGN section 4).
//!
//! A message is [flattened](flat), scanned by the detectors of [`crate::secret`], and sent on with a
//! [placeholder](placeholder) where each secret was; every other byte stays as it was written. What the protocol
//! itself compares is [never touched](place). Whole messages are gone through twice if something was found: values found
//! in one place are then [swept](sweep) from all of it. A stream is swept forward.

mod findings;
mod flat;
mod place;
mod placeholder;
mod sweep;
mod window;

#[cfg(test)]
mod tests;

use crate::policy::{Direction, Redaction, Strategy};
use crate::secret::SecretHash;
pub use findings::{Finding, Findings};
use flat::Reader;
pub use window::Blocked;
use window::{Learnt, Window};

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
    whole(plan, message, Reader::message)
}

/// Redacts text that is no JSON-RPC message.
pub fn text(plan: &Plan<'_>, text: &[u8]) -> Outcome {
    whole(plan, text, Reader::plain)
}

fn whole(plan: &Plan<'_>, bytes: &[u8], reader: impl Fn() -> Reader) -> Outcome {
    let mut learnt = Learnt::default();
    Window::new(reader()).feed(plan, &mut learnt, bytes, true, None);
    if learnt.replaced == 0 {
        return Outcome::default();
    }
    let mut again = Learnt { sweep: std::mem::take(&mut learnt.sweep), ..Learnt::default() };
    let mut out = Vec::with_capacity(bytes.len());
    Window::new(reader()).feed(plan, &mut again, bytes, true, Some(&mut out));
    Outcome { message: Some(out), findings: again.findings, blocked: again.blocked }
}

/// Redacts a message, or text, while it comes.
#[derive(Debug)]
pub struct Redactor {
    window: Window,
    learnt: Learnt,
}

impl Redactor {
    /// For a JSON-RPC message.
    pub fn message() -> Self {
        Self { window: Window::new(Reader::message()), learnt: Learnt::default() }
    }

    /// For text that is no JSON-RPC message.
    pub fn text() -> Self {
        Self { window: Window::new(Reader::plain()), learnt: Learnt::default() }
    }

    /// Takes the next bytes and appends to `out` what may leave. Any split of the same bytes, fed under one plan, gives
    /// the same output.
    pub fn feed(&mut self, plan: &Plan<'_>, chunk: &[u8], end: bool, out: &mut Vec<u8>) {
        self.window.feed(plan, &mut self.learnt, chunk, end, Some(out));
    }

    /// What was found so far.
    pub fn findings(&self) -> &Findings {
        &self.learnt.findings
    }

    /// Gives up what was found so far.
    pub fn take_findings(&mut self) -> Findings {
        std::mem::take(&mut self.learnt.findings)
    }

    /// The first secret that the policy does not let pass in any form.
    pub fn blocked(&self) -> Option<&Blocked> {
        self.learnt.blocked.as_ref()
    }

    /// Bytes that came and have not left.
    pub fn held(&self) -> usize {
        self.window.held()
    }
}
