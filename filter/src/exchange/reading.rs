//! One message of the server while it is read, piece by piece.

use super::Core;
use crate::json::{Lexer, Span};
use crate::mcp::jsonrpc::Envelope;
use crate::mcp::violation::Invalid;
use crate::rewrite::redact::Redactor;

/// One message while it is read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) lexer: Lexer,
    pub(super) envelope: Envelope,
    pub(super) fault: Option<crate::json::Error>,
    pub(super) read: usize,
    pub(super) streaming: bool,
    /// Policy let it pass although it could not be judged.
    pub(super) unjudged: bool,
    /// Takes the secrets out of what streams.
    pub(super) redactor: Option<Box<Redactor>>,
    /// All of it has left, or may leave, without its secrets.
    pub(super) is_redacted: bool,
    /// The first bytes of an event's data, for the spans of the envelope.
    pub(super) head: Vec<u8>,
    /// The result's `_meta`, if the server is to report there what the call has cost.
    pub(super) meta: Option<Tap>,
}

/// Copies one value of a message while it passes.
#[derive(Debug, Default)]
pub(super) struct Tap(Vec<u8>);

impl Tap {
    /// A longer `_meta` is not looked into.
    const MOST: usize = 64 * 1024;

    /// Takes what `bytes`, which begin at `from`, hold of the value at `span`; the end of a value that is not over is
    /// its beginning.
    fn take(&mut self, from: usize, bytes: &[u8], span: Option<Span>) {
        let Some(span) = span else { return };
        let next = span.start + self.0.len();
        let end = if span.is_empty() { from + bytes.len() } else { span.end };
        let piece = bytes.get(next.saturating_sub(from)..end.saturating_sub(from).min(bytes.len()));
        let piece = piece.filter(|piece| next >= from && self.0.len() + piece.len() <= Self::MOST);
        self.0.extend_from_slice(piece.unwrap_or_default());
    }

    /// The value.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Reading {
    pub(super) fn new(core: &Core) -> Self {
        Self {
            lexer: Lexer::new(core.json_limits()),
            envelope: Envelope::new(),
            fault: None,
            read: 0,
            streaming: false,
            unjudged: false,
            redactor: None,
            is_redacted: false,
            head: Vec::new(),
            meta: core.charges.wants_report().then(Tap::default),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let from = self.read;
        self.read += bytes.len();
        if self.fault.is_none() {
            self.fault = self.lexer.feed(bytes, &mut self.envelope).err();
        }
        if let Some(tap) = &mut self.meta {
            tap.take(from, bytes, self.envelope.meta);
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), Invalid> {
        if let Some(fault) = self.fault {
            return Err(Invalid::Json(fault));
        }
        if let Some(violation) = self.envelope.violation() {
            return Err(Invalid::Envelope(violation, self.envelope.id));
        }
        self.lexer.finish(&mut self.envelope).map_err(Invalid::Json)?;
        self.envelope.complete().map_err(|violation| Invalid::Envelope(violation, self.envelope.id))
    }

    /// Whether nothing but white space can follow.
    pub(super) fn is_whole(&self) -> bool {
        self.fault.is_none() && self.lexer.is_complete()
    }

    /// Whether it is clear already that the message cannot pass.
    pub(super) fn is_broken(&self) -> bool {
        self.fault.is_some() || self.envelope.violation().is_some()
    }
}
