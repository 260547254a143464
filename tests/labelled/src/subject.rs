//! The filter's redaction under a policy, for whoever puts it to the test.

use std::sync::Arc;

use tidegate_filter::policy::{self, Direction, Redaction};
use tidegate_filter::rewrite::redact::{self, Plan, Redactor};
use tidegate_filter::secret::SecretHash;

/// Redaction of what a server sends.
#[derive(Debug)]
pub struct Subject {
    redaction: Arc<Redaction>,
    hash: SecretHash,
}

impl Subject {
    /// Redaction under a policy whose `redaction` is this JSON text; `{}` has all defaults.
    ///
    /// # Errors
    /// What is wrong with the policy.
    pub fn new(redaction: &str) -> Result<Self, String> {
        let document = format!(
            r#"{{"version":"tidegate/v1","name":"test","servers":[{{"name":"s","match":{{"path":"/"}}}}],"rules":[],"redaction":{redaction}}}"#
        );
        let compiled = policy::compile(document.as_bytes()).map_err(|errors| errors.to_string())?;
        let redaction = compiled.configuration.policy.redaction.ok_or("the policy has no redaction")?;
        Ok(Self { redaction, hash: SecretHash::new(b"a key for tests") })
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            redaction: &self.redaction,
            hash: &self.hash,
            direction: Direction::Response,
            server: "s",
            tool: Some("t"),
            output: None,
            everything: false,
        }
    }

    /// A message that is at hand as a whole.
    pub fn whole(&self, message: &[u8]) -> Vec<u8> {
        redact::message(&self.plan(), message).message.unwrap_or_else(|| message.to_owned())
    }

    /// A message that arrives in these pieces.
    pub fn streamed<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut redactor = Redactor::message(&self.plan());
        let mut out = Vec::new();
        for piece in pieces {
            redactor.feed(&self.plan(), piece, false, &mut out);
        }
        redactor.feed(&self.plan(), b"", true, &mut out);
        out
    }

    /// Text that is no message.
    pub fn text(&self, text: &[u8]) -> Vec<u8> {
        redact::text(&self.plan(), text).message.unwrap_or_else(|| text.to_owned())
    }
}
