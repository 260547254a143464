//! What policy says of a client's request that was read strictly (DESIGN section 5, methods).

use std::borrow::Cow;

use super::refusal::Refusal;
use super::request::Message;
use super::{Core, Surroundings};
use crate::decide::access::{self, Caller, Verdict};
use crate::json::{decode, elements, folds_to, locate, members};
use crate::mcp::denial;
use crate::mcp::era::Era;
use crate::mcp::jsonrpc::Shape;
use crate::mcp::method::{self, Kind};
use crate::mcp::uri;
use crate::policy::{FailMode, Noun, Policy, Reason};

impl Core {
    /// Why policy refuses a message that was read and whose headers agree, if it does.
    pub(super) fn refusal(&mut self, message: &Message<'_>, era: Era, env: &mut dyn Surroundings) -> Option<Refusal> {
        let Some(method) = message.method.as_deref() else {
            if era == Era::Modern || self.facts.mirrored.is_modern() {
                let said = "Clients send no responses in this revision of MCP.".to_owned();
                let advice = "Send inputResponses in a new request.";
                return Some(Refusal::of_form(Reason::Malformed, 400, denial::INVALID_REQUEST, said, advice));
            }
            return None;
        };
        // The modern era has no such methods: without a URI there is nothing to judge, and the server says so.
        let gone = era == Era::Modern && matches!(method, "resources/subscribe" | "resources/unsubscribe");
        let kind = if gone && message.target.is_none() { Kind::Unknown } else { message.kind };
        if matches!(kind, Kind::CallTool | Kind::Prompt | Kind::Resource) && message.target.is_none() {
            return Some(unnamed(method));
        }
        if !message.is_request() {
            if method::is_known_notification(method) {
                return None;
            }
            return self.unknown_method(message, method);
        }
        let configuration = std::sync::Arc::clone(&self.configuration);
        let policy = &configuration.policy;
        let now = Self::seconds(env.now());
        // Without a server there is nothing to judge by, and nothing passes unjudged.
        let Some(by_method) = self.access(policy, Noun::Method, method, now) else {
            let said = "No server of this policy matches this request.".to_owned();
            return Some(Refusal::by_policy(Reason::ServerUnknown, said, "Check the URL."));
        };
        match kind {
            // Clients fall back to another era, or break, when these are refused.
            Kind::Handshake | Kind::List(_) => {}
            Kind::Restricted | Kind::Unknown if by_method.allowed => {
                self.note_verdict(&by_method);
                return None;
            }
            _ if by_method.reason == Some(Reason::DeniedByRule) => {
                return Some(self.refused(Noun::Method, method, era, &by_method));
            }
            Kind::Restricted => return Some(self.refused(Noun::Method, method, era, &by_method)),
            Kind::Unknown => return self.unknown_method(message, method),
            Kind::Plumbing => {
                if let Some(refusal) = self.subscribed_refusal(policy, message, method, era, now) {
                    return Some(refusal);
                }
            }
            Kind::CallTool => return self.judge_named(policy, Noun::Tool, message, era, now),
            Kind::Resource => return self.judge_named(policy, Noun::Resource, message, era, now),
            Kind::Prompt => return self.judge_named(policy, Noun::Prompt, message, era, now),
            Kind::Completion => {
                let Some((noun, name)) = reference(message.bytes) else { return Some(unnamed(method)) };
                if noun == Noun::Resource
                    && !name.contains('{')
                    && let Some(fault) = uri::fault(&name)
                {
                    return Some(not_normal(&name, fault));
                }
                // What a template stands for is asked for by the template itself.
                let verdict = match noun {
                    Noun::Resource => self.caller(now).map(|caller| access::template(policy, &caller, &name)),
                    _ => self.access(policy, noun, &name, now),
                }?;
                return self.settle(noun, &name, era, &verdict);
            }
        }
        None
    }

    fn judge_named(
        &mut self,
        policy: &Policy,
        noun: Noun,
        message: &Message<'_>,
        era: Era,
        now: i64,
    ) -> Option<Refusal> {
        let name = message.target.as_deref().unwrap_or_default();
        if noun == Noun::Resource
            && let Some(fault) = uri::fault(name)
        {
            return Some(not_normal(name, fault));
        }
        let verdict = match noun {
            Noun::Resource => self.access(policy, noun, name, now)?,
            // Absent and null arguments are judged as an empty object: that is what servers run.
            _ => {
                let given = message.envelope.arguments.filter(|arguments| arguments.shape != Shape::Null);
                let arguments = given.map_or(&b"{}"[..], |arguments| arguments.span.of(message.bytes));
                access::access(policy, &self.caller(now)?, noun, name, Some(arguments))
            }
        };
        self.settle(noun, name, era, &verdict)
    }

    fn settle(&mut self, noun: Noun, name: &str, era: Era, verdict: &Verdict<'_>) -> Option<Refusal> {
        if verdict.allowed {
            self.note_verdict(verdict);
            return None;
        }
        Some(self.refused(noun, name, era, verdict))
    }

    /// The first subscription of a `subscriptions/listen` that policy refuses.
    fn subscribed_refusal(
        &mut self,
        policy: &Policy,
        message: &Message<'_>,
        method: &str,
        era: Era,
        now: i64,
    ) -> Option<Refusal> {
        if method != "subscriptions/listen" {
            return None;
        }
        if has_lookalike(message.bytes, "/params/notifications", &["resourceSubscriptions"]) {
            return Some(unreadable(method));
        }
        let uris = locate(message.bytes, "/params/notifications/resourceSubscriptions")?;
        if message.bytes.get(uris.start) != Some(&b'[') {
            return Some(unreadable(method));
        }
        for span in elements(message.bytes, uris) {
            let uri = decode(span.of(message.bytes));
            if let Some(fault) = uri::fault(&uri) {
                return Some(not_normal(&uri, fault));
            }
            let verdict = self.access(policy, Noun::Resource, &uri, now)?;
            if !verdict.allowed {
                return Some(self.refused(Noun::Resource, &uri, era, &verdict));
            }
        }
        None
    }

    /// Who asks this exchange's server at `now`.
    pub(super) fn caller(&self, now: i64) -> Option<Caller<'_>> {
        let parties = self.parties.as_ref()?;
        let server = self.server()?;
        Some(Caller { server, principal: &parties.principal, now })
    }

    /// What the rules say of the thing of kind `noun` called `name`. None without a server, which is refused before.
    pub(super) fn access<'p>(&self, policy: &'p Policy, noun: Noun, name: &str, now: i64) -> Option<Verdict<'p>> {
        Some(access::access(policy, &self.caller(now)?, noun, name, None))
    }

    /// The refusal of something that the rules do not allow.
    fn refused(&mut self, noun: Noun, name: &str, era: Era, verdict: &Verdict<'_>) -> Refusal {
        let reason = verdict.reason.unwrap_or(Reason::MethodNotAllowed);
        let (what, server) = (noun.as_str(), self.server_name());
        let said = match reason {
            Reason::ReadOnly => {
                format!("The tool {name} on server {server} changes things, and this policy allows only reading.")
            }
            Reason::ArgumentsInvalid => {
                let lacks = verdict.lacks.as_deref().unwrap_or("the arguments are not those that a rule allows");
                format!("The {what} {name} on server {server} is allowed to you with other arguments: {lacks}.")
            }
            Reason::OutsideTime => format!("The {what} {name} on server {server} is not open to you at this time."),
            _ => format!("The {what} {name} on server {server} is not allowed to you."),
        };
        let advice = verdict.advice.unwrap_or(match (reason, noun) {
            (Reason::ArgumentsInvalid, _) => {
                "Change the arguments accordingly and call again, if that serves the task."
            }
            (Reason::OutsideTime, _) => {
                "Retry inside the time that the operator has opened, or ask for it to be changed."
            }
            (_, Noun::Tool) => {
                "Do not retry this call; use a tool that tools/list shows, or ask the operator for access."
            }
            _ => "Do not retry; use what the lists show, or ask the operator for access.",
        });
        let mut refusal = Refusal::by_policy(reason, said, advice);
        refusal.rule = verdict.rule.map(str::to_owned);
        refusal.hidden_as = verdict.hide.then(|| as_unknown(noun, name, era));
        self.facts.would = verdict.would.as_ref().map(|would| (would.allowed, would.rule.to_owned()));
        refusal
    }

    fn unknown_method(&self, message: &Message<'_>, method: &str) -> Option<Refusal> {
        if self.configuration.policy.on.unknown_method == FailMode::Allow {
            return None;
        }
        let said = if message.is_request() || message.kind == Kind::Unknown {
            format!("No revision of MCP knows the method {method} in this form.")
        } else {
            format!("{method} must be a request: it has no id.")
        };
        Some(Refusal::by_policy(Reason::MethodNotAllowed, said, "Use a method of the MCP specification."))
    }
}

/// Whether the object at `pointer` has a key that some servers would take for one of `known`.
fn has_lookalike(bytes: &[u8], pointer: &str, known: &[&str]) -> bool {
    locate(bytes, pointer).is_some_and(|object| {
        members(bytes, object).any(|member| {
            let key = decode(member.key.of(bytes));
            known.iter().any(|known| folds_to(key.as_bytes(), known))
        })
    })
}

/// What `completion/complete` asks about. None if it names nothing, or could be read as naming something else.
pub(super) fn reference(bytes: &[u8]) -> Option<(Noun, Cow<'_, str>)> {
    if has_lookalike(bytes, "/params/ref", &["type", "name", "uri"]) {
        return None;
    }
    let text =
        |pointer| locate(bytes, pointer).map(|span| span.of(bytes)).filter(|it| it.first() == Some(&b'"')).map(decode);
    let (noun, pointer) = match text("/params/ref/type")?.as_ref() {
        "ref/prompt" => (Noun::Prompt, "/params/ref/name"),
        "ref/resource" => (Noun::Resource, "/params/ref/uri"),
        _ => return None,
    };
    text(pointer).map(|name| (noun, name))
}

/// What a server answers for something that it does not have.
fn as_unknown(noun: Noun, name: &str, era: Era) -> (i32, String) {
    match (noun, era) {
        (Noun::Tool, _) => (denial::INVALID_PARAMS, format!("Unknown tool: {name}")),
        (Noun::Prompt, _) => (denial::INVALID_PARAMS, format!("Unknown prompt: {name}")),
        (Noun::Resource, Era::Legacy) => (denial::RESOURCE_NOT_FOUND, format!("Resource not found: {name}")),
        (Noun::Resource, Era::Modern) => (denial::INVALID_PARAMS, format!("Resource not found: {name}")),
        (Noun::Method, _) => (denial::METHOD_NOT_FOUND, "Method not found".to_owned()),
    }
}

fn unnamed(method: &str) -> Refusal {
    let said = format!("{method} without the name of what it is about.");
    Refusal::of_form(Reason::Malformed, 400, denial::INVALID_REQUEST, said, "Name it in params.")
}

fn unreadable(method: &str) -> Refusal {
    let said = format!("{method} could be read in two ways.");
    let advice = "Send resourceSubscriptions once, as a list of URIs.";
    Refusal::of_form(Reason::Malformed, 400, denial::INVALID_REQUEST, said, advice)
}

fn not_normal(uri: &str, fault: &str) -> Refusal {
    let said = format!("The URI {uri} is not in normal form: it has {fault}.");
    Refusal::by_policy(Reason::ResourceNotAllowed, said, "Use the URI as a list of the server shows it.")
}
