//! What is fuzzed: the filter's redaction under a policy.

use std::sync::Arc;

use tidegate_filter::policy::{self, Direction, Redaction};
use tidegate_filter::rewrite::redact::{self, Plan, Redactor};
use tidegate_filter::secret::SecretHash;

use crate::{KINDS, Kind, Random};

/// Takes secrets out of messages.
pub trait Redact {
    /// A message that is at hand.
    fn whole(&self, message: &[u8]) -> Vec<u8>;
    /// A message that arrives in these pieces.
    fn streamed(&self, pieces: &[&[u8]]) -> Vec<u8>;
}

/// The filter's redaction, as a policy with the default settings has it.
#[derive(Debug)]
pub struct Subject {
    redaction: Arc<Redaction>,
    hash: SecretHash,
}

impl Subject {
    /// Redaction under a policy whose `redaction` is this JSON text.
    ///
    /// # Errors
    /// What is wrong with the policy.
    pub fn new(redaction: &str) -> Result<Self, String> {
        let document = format!(
            r#"{{"version":"tidegate/v1","name":"fuzz","servers":[{{"name":"s","match":{{"path":"/"}}}}],"rules":[],"redaction":{redaction}}}"#
        );
        let compiled = policy::compile(document.as_bytes()).map_err(|errors| errors.to_string())?;
        let redaction = compiled.configuration.policy.redaction.ok_or("the policy has no redaction")?;
        Ok(Self { redaction, hash: SecretHash::new(b"a key for fuzzing") })
    }

    /// The kinds of secrets that it finds in plain text.
    pub fn kinds(&self) -> Vec<Kind> {
        let finds = |kind: &Kind| {
            (0..8).all(|seed| {
                let secret = kind.1(&mut Random::new(seed));
                let text = serde_json::json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": secret}]}});
                let output = self.whole(text.to_string().as_bytes());
                serde_json::from_slice::<serde_json::Value>(&output)
                    .ok()
                    .and_then(|it| it.pointer("/result/content/0/text")?.as_str().map(|text| text.starts_with("[redacted:")))
                    .unwrap_or(false)
            })
        };
        KINDS.iter().copied().filter(finds).collect()
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            redaction: &self.redaction,
            hash: &self.hash,
            direction: Direction::Response,
            server: "s",
            tool: Some("t"),
            everything: false,
        }
    }
}

impl Redact for Subject {
    fn whole(&self, message: &[u8]) -> Vec<u8> {
        redact::message(&self.plan(), message).message.unwrap_or_else(|| message.to_owned())
    }

    fn streamed(&self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut redactor = Redactor::message(&self.plan());
        let mut out = Vec::new();
        for piece in pieces {
            redactor.feed(&self.plan(), piece, false, &mut out);
        }
        redactor.feed(&self.plan(), b"", true, &mut out);
        out
    }
}
