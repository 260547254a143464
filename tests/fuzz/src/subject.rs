//! What is fuzzed: the filter's redaction under a policy.

pub use tidegate_labelled::Subject;

use crate::{KINDS, Kind, Random};

/// Takes secrets out of messages.
pub trait Redact {
    /// A message that is at hand.
    fn whole(&self, message: &[u8]) -> Vec<u8>;
    /// A message that arrives in these pieces.
    fn streamed(&self, pieces: &[&[u8]]) -> Vec<u8>;
}

/// The kinds of secrets that a subject finds in plain text.
pub fn kinds(subject: &Subject) -> Vec<Kind> {
    let finds = |kind: &Kind| {
        (0..8).all(|seed| {
            let secret = kind.1(&mut Random::new(seed));
            let text = serde_json::json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": secret}]}});
            let output = subject.whole(text.to_string().as_bytes());
            serde_json::from_slice::<serde_json::Value>(&output)
                .ok()
                .and_then(|it| it.pointer("/result/content/0/text")?.as_str().map(|text| text.starts_with("[redacted:")))
                .unwrap_or(false)
        })
    };
    KINDS.iter().copied().filter(finds).collect()
}

impl Redact for Subject {
    fn whole(&self, message: &[u8]) -> Vec<u8> {
        self.whole(message)
    }

    fn streamed(&self, pieces: &[&[u8]]) -> Vec<u8> {
        self.streamed(pieces.iter().copied())
    }
}
