//! Client capabilities that policy does not let a server use are struck where a client declares them, so that servers do
//! not ask (DESIGN section 4).

use super::Core;
use super::request::Message;
use crate::json::{Span, decode, folds_to, locate, members};
use crate::mcp::era::META_CLIENT_CAPABILITIES;
use crate::policy::{Noun, Policy};
use crate::rewrite::{Splice, object};

/// Capabilities, and the method that each lets a server ask the client for.
const ASKED: [(&str, &str); 3] =
    [("sampling", "sampling/createMessage"), ("elicitation", "elicitation/create"), ("roots", "roots/list")];

impl Core {
    /// The declared capabilities that the server must not see.
    pub(super) fn capabilities_to_strike(&self, message: &Message<'_>) -> Vec<&'static str> {
        let Some(declared) = declared(message) else { return Vec::new() };
        let policy: &Policy = &self.configuration.policy;
        let now = Self::seconds(self.facts.started);
        let refused = |method| self.access(policy, Noun::Method, method, now).is_none_or(|verdict| !verdict.allowed);
        let is_declared =
            |name: &str| members(message.bytes, declared).any(|it| is_key(&decode(it.key.of(message.bytes)), name));
        ASKED.into_iter().filter(|(name, method)| is_declared(name) && refused(method)).map(|(name, _)| name).collect()
    }

    /// The change that strikes what [`Core::capabilities_to_strike`] found.
    pub(super) fn struck_capabilities(&self, message: &Message<'_>) -> Option<Splice> {
        if self.facts.struck.is_empty() {
            return None;
        }
        object::without(message.bytes, declared(message)?, |key| self.facts.struck.iter().any(|name| is_key(key, name)))
    }
}

/// Whether a server may take `key` for the capability `name`.
fn is_key(key: &str, name: &str) -> bool {
    key == name || folds_to(key.as_bytes(), name)
}

/// Where a request declares the client's capabilities: `initialize` in its parameters, a modern request in its `_meta`.
fn declared(message: &Message<'_>) -> Option<Span> {
    if message.envelope.meta_version.is_none() {
        return (message.method.as_deref() == Some("initialize"))
            .then(|| locate(message.bytes, "/params/capabilities"))
            .flatten();
    }
    let meta = message.envelope.meta?;
    let key = |key: Span| decode(key.of(message.bytes)) == META_CLIENT_CAPABILITIES;
    members(message.bytes, meta).find(|member| key(member.key)).map(|member| member.value)
}
