//! The arguments of a call as an audit event may tell them: without secrets, and short.

use super::Core;
use crate::audit::Record;
use crate::json::{Span, decode, elements, locate, members, write_string};
use crate::policy::{ArgumentsAudit, Direction};
use crate::rewrite::redact::{self, Plan};

/// Arguments over this many bytes are not read for an event: only their names are told.
const READ: usize = 64 * 1024;
/// Longest text of all arguments in one event, in bytes.
const TOLD: usize = 4 * 1024;
/// Longest string, in bytes before it is escaped.
const STRING: usize = 256;
/// Names that an event lists before it only counts.
const NAMES: usize = 64;
/// Longest of them, in bytes, where they stand for arguments that are too long.
const NAME: usize = 64;

impl Core {
    /// Adds what the policy wants to be told of the arguments, an object at `span` of a message.
    pub(super) fn describe_arguments(&self, record: &mut Record, message: &[u8], span: Span) {
        let given = span.of(message);
        match self.configuration.policy.audit.arguments {
            ArgumentsAudit::None => {}
            ArgumentsAudit::Keys => record.list("arguments", &self.argument_names(given, usize::MAX), NAMES),
            ArgumentsAudit::Redacted => match self.facts.arguments.clone().unwrap_or_else(|| self.told(given)) {
                Some(told) => record.raw("arguments", &told),
                None => {
                    record.list("arguments", &self.argument_names(given, NAME), NAMES);
                    record.flag("arguments_cut", true);
                }
            },
        }
    }

    /// Keeps what is to be told of the arguments as they came, before they are rewritten: what `mask` leaves of a secret
    /// is for the server.
    pub(super) fn keep_arguments(&mut self, message: &[u8], span: Span) {
        if self.configuration.policy.audit.arguments == ArgumentsAudit::Redacted {
            self.facts.arguments = Some(self.told(span.of(message)));
        }
    }

    fn argument_names(&self, arguments: &[u8], longest: usize) -> Vec<String> {
        let whole = Span { start: 0, end: arguments.len() };
        let name = |key: Span| cut(&self.scrubbed(&decode(key.of(arguments))), longest);
        members(arguments, whole).map(|member| name(member.key)).collect()
    }

    /// The arguments without any secret that the detectors know. None if they are too long to be told, or if secrets
    /// are not looked for.
    fn told(&self, arguments: &[u8]) -> Option<Vec<u8>> {
        let redaction = self.configuration.policy.redaction.as_ref().filter(|_| arguments.len() <= READ)?;
        let plan = Plan { everything: true, ..self.plan(redaction, Direction::Response, None) };
        // Where it stands in a request says nothing more: all of it is the caller's own data.
        let message = [br#"{"arguments":"#, arguments, b"}"].concat();
        let clean = redact::message(&plan, &message).message.unwrap_or(message);
        let mut told = Vec::new();
        write(&mut told, &clean, locate(&clean, "/arguments")?).then_some(told)
    }
}

/// Writes the value at `span` with its strings cut, on one line. False if that is too long.
fn write(out: &mut Vec<u8>, text: &[u8], span: Span) -> bool {
    let raw = span.of(text);
    match raw.first() {
        Some(b'{') => {
            out.push(b'{');
            for (at, member) in members(text, span).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                // Two keys that are cut could become one.
                write_string(out, &decode(member.key.of(text)));
                out.push(b':');
                if !write(out, text, member.value) {
                    return false;
                }
            }
            out.push(b'}');
        }
        Some(b'[') => {
            out.push(b'[');
            for (at, element) in elements(text, span).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                if !write(out, text, element) {
                    return false;
                }
            }
            out.push(b']');
        }
        Some(b'"') => write_string(out, &cut(&decode(raw), STRING)),
        _ => out.extend_from_slice(raw),
    }
    out.len() <= TOLD
}

/// The text, or its beginning and an ellipsis.
fn cut(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let end = (0..=longest).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}
