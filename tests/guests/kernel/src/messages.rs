//! Redaction of whole messages: what the filter does with the body of a response.

use std::sync::Arc;

use tidegate_filter::json::write_string;
use tidegate_filter::policy::{self, Direction, Redaction};
use tidegate_filter::rewrite::redact::{self, Plan, Redactor};
use tidegate_filter::secret::SecretHash;

use crate::random::Random;
use crate::words::{PARTS, WORDS};

/// Bytes of text in one result, about.
const RESULT: usize = 12_000;

/// One result with all of the text.
pub fn result(text: &str) -> Vec<u8> {
    let mut message = br#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"#.to_vec();
    write_string(&mut message, text);
    message.extend_from_slice(br#"}],"isError":false}}"#);
    message
}

/// Results of tools whose text is `text`, cut at its lines.
pub fn results(text: &str) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut part = String::new();
    let mut finish = |part: &mut String| {
        messages.push(result(part));
        part.clear();
    };
    for line in text.split_inclusive('\n') {
        part.push_str(line);
        if part.len() >= RESULT {
            finish(&mut part);
        }
    }
    finish(&mut part);
    messages
}

/// Results of about 2 kB as servers of APIs give them: records, as text and once more in `structuredContent`.
pub fn records(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let mut record = |id: usize| {
        let (name, part) = (random.pick(WORDS), random.pick(PARTS));
        let number = random.between(1, 90_000);
        format!(
            r#"{{"id":{id},"name":"{name} {part}","state":"open","url":"https://example.com/{part}/{number}","amount":{number},"tags":["{part}","eu"],"updated_at":"2026-11-0{}T09:15:0{}Z"}}"#,
            1 + number % 9,
            number % 7,
        )
    };
    let message = |first: usize| {
        let records: Vec<String> = (first..first + 6).map(&mut record).collect();
        let list = format!(r#"{{"records":[{}]}}"#, records.join(","));
        let mut message = br#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"#.to_vec();
        write_string(&mut message, &list);
        message.extend(format!(r#"}}],"structuredContent":{list},"isError":false}}}}"#).bytes());
        message
    };
    (0..count).map(|nth| nth * 6).map(message).collect()
}

/// What a policy with the default settings does.
pub struct Filter {
    redaction: Arc<Redaction>,
    hash: SecretHash,
}

impl Filter {
    /// Compiles that policy.
    pub fn new() -> Option<Self> {
        let policy = br#"{"version":"tidegate/v1","name":"k","servers":[{"name":"s","match":{"path":"/"}}],"rules":[],"redaction":{}}"#;
        let redaction = policy::compile(policy).ok()?.configuration.policy.redaction?;
        Some(Self { redaction, hash: SecretHash::new(b"a key for benchmarks") })
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            redaction: &self.redaction,
            hash: &self.hash,
            direction: Direction::Response,
            server: "s",
            tool: None,
            everything: false,
            output: None,
        }
    }

    /// Redacts messages that are at hand; gives how many were changed.
    pub fn whole(&self, messages: &[Vec<u8>]) -> usize {
        messages.iter().filter(|message| redact::message(&self.plan(), message).message.is_some()).count()
    }

    /// Redacts a message that comes in pieces of 16 KiB; gives the bytes that left.
    pub fn streamed(&self, message: &[u8]) -> usize {
        let mut redactor = Redactor::message(&self.plan());
        let mut left = 0;
        let mut out = Vec::with_capacity(32 << 10);
        for piece in message.chunks(16 << 10) {
            redactor.feed(&self.plan(), piece, false, &mut out);
            left += out.len();
            out.clear();
        }
        redactor.feed(&self.plan(), b"", true, &mut out);
        left + out.len()
    }
}
