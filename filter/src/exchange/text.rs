//! Responses that are text and no MCP message: what servers and Envoy itself write with an error status.

use super::inbound::{Channel, Fate};
use super::redaction::Reads;
use super::response::{Body, CHANGEABLE, UNCHANGED};
use super::{ChunkStep, Core, Exchange, ResponseStep, Surroundings};

/// The text of an error status that passes: OAuth errors, Envoy's own replies.
pub(super) const PLAIN_TEXT: usize = 64 * 1024;

/// Whether a media type is one of text, in which secrets can be found.
pub(super) fn is_text(essence: &str) -> bool {
    essence.starts_with("text/") || ["json", "xml", "yaml", "javascript"].iter().any(|kind| essence.contains(kind))
}

impl Exchange {
    /// Text that nobody reads as MCP passes, up to a bound; held, if secrets are looked for in it.
    pub(super) fn plain_text(&mut self) -> ResponseStep {
        let core = &mut self.core;
        if core.redaction().is_some() {
            self.body = Body::HeldText(Vec::new());
            let changeable = !core.configuration.host.hold_headers;
            return ResponseStep::Hold(core.removals(if changeable { &CHANGEABLE } else { &UNCHANGED }));
        }
        self.body = Body::PlainText(PLAIN_TEXT);
        ResponseStep::Continue(core.removals(&UNCHANGED))
    }
}

impl Core {
    /// Text is held to its end, and leaves without its secrets.
    pub(super) fn text_chunk(
        &mut self,
        held: &mut Vec<u8>,
        chunk: &[u8],
        end: bool,
        env: &mut dyn Surroundings,
    ) -> ChunkStep {
        held.extend_from_slice(chunk);
        let overloaded = self.lease.as_mut().is_some_and(|lease| !lease.hold(held.len()));
        if held.len() > PLAIN_TEXT || overloaded {
            if let Some(lease) = &mut self.lease {
                let _ = lease.hold(0);
            }
            if !self.enforces() {
                return ChunkStep::Pass;
            }
            self.outcome = Some(if overloaded { "overloaded" } else { "text_too_long" });
            return ChunkStep::Cut;
        }
        if !end {
            return ChunkStep::Hold;
        }
        if let Some(lease) = &mut self.lease {
            let _ = lease.hold(0);
        }
        match self.redacted(held, Fate::Pass, Reads::Text, None, Channel::Body, env) {
            Fate::Pass => ChunkStep::Pass,
            Fate::Replace(text) => ChunkStep::Replace(text),
            Fate::Deny(_) | Fate::Drop => ChunkStep::Cut,
        }
    }
}
