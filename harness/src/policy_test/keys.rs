//! The keys of each object of a test file. Every object is opened through one of these tables, and a test compares them
//! with `policies/test.schema.json`.

use super::document::Keys;

pub(super) const FILE: Keys = Keys { name: "file", known: &["$schema", "policy", "defaults", "tests"] };

pub(super) const DEFAULTS: Keys = Keys {
    name: "defaults",
    known: &["principal", "server", "url", "headers", "http_method", "protocol", "now", "route", "cluster", "host"],
};

/// What is sent: one of these.
pub(super) const SENT: [&str; 7] = ["tool", "resource", "prompt", "method", "message", "body", "body_base64"];

/// The keys of a test: four that a message has not, then those of a message, for a test of one message.
const TEST_THEN_MESSAGE: &[&str] = &[
    "name",
    "skip",
    "host",
    "messages",
    "principal",
    "server",
    "url",
    "headers",
    "http_method",
    "protocol",
    "now",
    "route",
    "cluster",
    "tool",
    "resource",
    "prompt",
    "arguments",
    "method",
    "params",
    "id",
    "message",
    "body",
    "body_base64",
    "response",
    "repeat",
    "expect",
];

pub(super) const TEST: Keys = Keys { name: "test", known: TEST_THEN_MESSAGE };

pub(super) const MESSAGE: Keys = Keys { name: "message", known: TEST_THEN_MESSAGE.split_at(4).1 };

pub(super) const PRINCIPAL: Keys =
    Keys { name: "principal", known: &["subject", "team", "groups", "scopes", "agent", "workload", "issuer"] };

pub(super) const RESPONSE: Keys =
    Keys { name: "response", known: &["status", "headers", "result", "error", "body", "sse", "text"] };

pub(super) const EXPECT: Keys = Keys {
    name: "expect",
    known: &[
        "verdict",
        "reason",
        "rule",
        "would_rule",
        "sent",
        "request",
        "request_headers",
        "status",
        "response",
        "response_headers",
        "response_contains",
        "response_lacks",
        "listed",
        "hidden",
        "redactions",
        "audit",
    ],
};

#[cfg(test)]
pub(super) const ALL: [&Keys; 7] = [&FILE, &DEFAULTS, &TEST, &MESSAGE, &PRINCIPAL, &RESPONSE, &EXPECT];
