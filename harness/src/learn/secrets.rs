//! Which kinds of secrets a message holds, told by the filter's own redaction.

use std::sync::Arc;

use tidegate_filter::policy::{self, Redaction};
use tidegate_filter::rewrite::redact::{self, Plan};
use tidegate_filter::secret::SecretHash;

use super::inventory::Direction;

/// Any policy with the default detectors.
const POLICY: &[u8] = br#"{"version": "tidegate/v1", "name": "learn", "identity": {"sources": [{"spiffe": {}}]},
    "servers": [{"name": "any", "match": {"path": "/"}}], "rules": [], "redaction": {}}"#;

/// Looks for secrets with the detectors that are on by default.
#[derive(Debug)]
pub(super) struct Secrets {
    redaction: Option<Arc<Redaction>>,
    hash: SecretHash,
}

impl Secrets {
    pub(super) fn new() -> Self {
        let redaction = policy::compile(POLICY).ok().and_then(|it| it.configuration.policy.redaction);
        // Placeholders are thrown away, so that their key protects nothing.
        Self { redaction, hash: SecretHash::new(b"learn") }
    }

    /// Detector, JSON pointer and count of all that a JSON-RPC message holds.
    pub(super) fn of(&self, direction: Direction, tool: Option<&str>, message: &[u8]) -> Vec<(String, String, u64)> {
        let Some(redaction) = &self.redaction else { return Vec::new() };
        let direction = match direction {
            Direction::Request => policy::Direction::Request,
            Direction::Response => policy::Direction::Response,
        };
        let plan =
            Plan { redaction, hash: &self.hash, direction, server: "any", tool, output: None, everything: false };
        let findings = redact::message(&plan, message).findings;
        findings.list().iter().map(|it| (it.detector.clone(), it.pointer.clone(), it.count)).collect()
    }
}
