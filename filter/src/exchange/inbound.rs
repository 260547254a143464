//! Messages from the server to the client, one by one: answers, requests and notifications (DESIGN section 4).

use std::sync::Arc;

use super::redaction::Reads;
use super::refusal::{Addressee, Refusal};
use super::{Core, Surroundings};
use crate::decide::access::{self, Caller};
use crate::json::{Span, decode, folds_to, locate, members};
use crate::mcp::denial;
use crate::mcp::jsonrpc::{Envelope, Shape};
use crate::mcp::method::{self, Kind, List};
use crate::mcp::uri;
use crate::mcp::violation::Invalid;
use crate::policy::{FailMode, Noun, Reason};
use crate::rewrite::{self, Splice, redact};

/// What becomes of a message from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes on as it is.
    Pass,
    /// This goes on instead.
    Replace(Vec<u8>),
    /// A refusal goes on instead.
    Deny(Vec<u8>),
    /// Nothing goes on.
    Drop,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// It is the whole body.
    Body,
    /// It is one of many server-sent events.
    Event,
}

impl Core {
    /// Decides on a whole message, and takes its secrets out. `read` is what strict reading said.
    pub(super) fn fate(
        &mut self,
        bytes: &[u8],
        envelope: &Envelope,
        read: Result<(), Invalid>,
        channel: Channel,
        env: &mut dyn Surroundings,
    ) -> Fate {
        let reads = if read.is_ok() { Reads::Message } else { Reads::Text };
        let fate = self.judged(bytes, envelope, read, channel, env);
        self.redacted(bytes, fate, reads, Some(envelope), channel, env)
    }

    fn judged(
        &mut self,
        bytes: &[u8],
        envelope: &Envelope,
        read: Result<(), Invalid>,
        channel: Channel,
        env: &mut dyn Surroundings,
    ) -> Fate {
        if let Err(invalid) = read {
            return self.unreadable(Reason::UnreadableResponse, &invalid.to_string(), channel, env);
        }
        match envelope.method {
            Some(method) => {
                let method = decode(method.of(bytes)).into_owned();
                let id = envelope.id.map(|id| id.of(bytes).to_vec());
                let uri = envelope.uri.map(|uri| decode(uri.of(bytes)));
                self.server_message(&method, id.as_deref(), uri.as_deref(), channel, env)
            }
            None => self.answer(bytes, envelope, channel, env),
        }
    }

    /// A request or notification of the server.
    fn server_message(
        &mut self,
        method: &str,
        id: Option<&[u8]>,
        uri: Option<&str>,
        channel: Channel,
        env: &mut dyn Surroundings,
    ) -> Fate {
        if channel == Channel::Body {
            let problem = "a request or notification where an answer belongs";
            return self.unreadable(Reason::UnreadableResponse, problem, channel, env);
        }
        let configuration = Arc::clone(&self.configuration);
        let policy = &configuration.policy;
        let now = Self::seconds(env.now());
        let is_allowed = |noun, name| self.access(policy, noun, name, now).is_some_and(|verdict| verdict.allowed);
        let reason = match id {
            None if method == "notifications/resources/updated"
                && !uri.is_some_and(|it| is_allowed(Noun::Resource, it)) =>
            {
                Some(Reason::ResourceNotAllowed)
            }
            None if method::is_known_notification(method) => None,
            Some(_) if method == "ping" => None,
            Some(_) if is_allowed(Noun::Method, method) => {
                self.record_response(None, "server_request_allowed", Some(method), false, env);
                return Fate::Pass;
            }
            Some(_) if method::kind(method) == Kind::Restricted => Some(Reason::MethodNotAllowed),
            _ if policy.on.unknown_method == FailMode::Allow => None,
            _ => Some(Reason::MethodNotAllowed),
        };
        let Some(reason) = reason else { return Fate::Pass };
        let detail = if id.is_some() { "server_request_refused" } else { "notification_dropped" };
        self.record_response(Some(reason), detail, Some(method), true, env);
        match id {
            _ if !self.enforces() => Fate::Pass,
            Some(id) => Fate::Replace(denial::unknown_request(id)),
            None => Fate::Drop,
        }
    }

    /// An answer: by the method that it answers, and by its shape; the stricter wins.
    fn answer(&mut self, bytes: &[u8], envelope: &Envelope, channel: Channel, env: &mut dyn Surroundings) -> Fate {
        if !self.is_awaited(bytes, envelope) {
            let problem = "an answer with another request's id";
            return match channel {
                Channel::Body => self.unreadable(Reason::UnreadableResponse, problem, channel, env),
                Channel::Event => self.stray(problem, env),
            };
        }
        if self.answered {
            return self.stray("a second answer to one request", env);
        }
        self.is_error = envelope.is_error || envelope.error.is_some();
        if let Some(meta) = envelope.meta {
            self.note_report(meta.of(bytes));
        }
        if envelope.error.is_some() {
            self.answered = self.awaiting.is_some();
            return Fate::Pass;
        }
        if envelope.input_required
            && let Some(method) = self.refused_input(bytes, env)
        {
            let said =
                format!("The server asks the client for input by {method}, which no rule of this policy allows.");
            let advice = "Do not retry; the operator can allow the method that the server asks for.";
            let refusal = Refusal::by_policy(Reason::MethodNotAllowed, said, advice);
            return self.deny(&refusal, "input_required_refused", channel, env);
        }
        if let Some(problem) = self.misplaced_list(envelope) {
            return self.unreadable(Reason::UnreadableResponse, problem, channel, env);
        }
        self.answered = self.awaiting.is_some();
        self.rewritten(bytes, envelope, env)
    }

    /// The first method of an `input_required` result that no rule lets a server use (MCP 2026-07-28, multi-round-trip
    /// requests).
    fn refused_input(&self, bytes: &[u8], env: &mut dyn Surroundings) -> Option<String> {
        let requests = locate(bytes, "/result/inputRequests")?;
        if bytes.get(requests.start) != Some(&b'{') {
            return Some("something that cannot be read".to_owned());
        }
        let policy = &self.configuration.policy;
        let now = Self::seconds(env.now());
        members(bytes, requests).find_map(|request| {
            let lookalike = |key: Span| folds_to(decode(key.of(bytes)).as_bytes(), "method");
            if members(bytes, request.value).any(|member| lookalike(member.key)) {
                return Some("a method that could be read in two ways".to_owned());
            }
            let method =
                locate(request.value.of(bytes), "/method").map(|span| decode(span.of(request.value.of(bytes))));
            let Some(method) = method else { return Some("a request without a method".to_owned()) };
            let verdict = self.access(policy, Noun::Method, &method, now);
            (!verdict.is_some_and(|verdict| verdict.allowed)).then(|| method.into_owned())
        })
    }

    /// An answer in a stream to something that this exchange did not ask: the awaited one may still come.
    fn stray(&mut self, problem: &'static str, env: &mut dyn Surroundings) -> Fate {
        let allow = self.configuration.policy.on.unreadable_response == FailMode::Allow;
        self.record_response(Some(Reason::UnreadableResponse), problem, None, !allow, env);
        if allow || !self.enforces() {
            return Fate::Pass;
        }
        self.withheld.get_or_insert(problem);
        Fate::Drop
    }

    /// The refusal for a client that would wait for good: its stream ends, and all that came was withheld.
    pub(super) fn unanswered(&mut self) -> Option<Vec<u8>> {
        let problem = self.withheld.filter(|_| !self.answered)?;
        let awaiting = self.awaiting.as_ref()?;
        let refusal = withheld(Reason::UnreadableResponse, problem);
        let decision = self.worker.decision_id();
        let message = refusal.message(awaiting.addressee(), &self.configuration.policy.name, &decision);
        self.answered = true;
        Some(message)
    }

    /// The message with its lists filtered and our own name space emptied.
    fn rewritten(&mut self, bytes: &[u8], envelope: &Envelope, env: &mut dyn Surroundings) -> Fate {
        let mut splices = Vec::new();
        if envelope.lists.iter().any(Option::is_some) {
            let configuration = Arc::clone(&self.configuration);
            let policy = &configuration.policy;
            let Some(parties) = self.parties.clone() else { return Fate::Drop };
            let Some(server) = policy.servers.get(parties.server) else { return Fate::Drop };
            let now = Self::seconds(env.now());
            let caller = Caller { server, principal: &parties.principal, now };
            let private = access::depends_on_principal(policy, server);
            if let Some(splice) = access::next_time_bound(policy, now)
                .and_then(|bound| u64::try_from(bound.saturating_sub(now)).ok())
                .and_then(|seconds| rewrite::list::shorter_life(bytes, envelope, seconds.saturating_mul(1000)))
            {
                splices.push(splice);
            }
            let filtered = rewrite::list::filter(bytes, envelope, private, |list, name, entry| {
                if policy.redaction.as_ref().is_some_and(|it| redact::is_refused_definition(it, entry.of(bytes))) {
                    return None;
                }
                let verdict = match list {
                    List::Tools => access::access(policy, &caller, Noun::Tool, name, None),
                    List::Prompts => access::access(policy, &caller, Noun::Prompt, name, None),
                    List::Resources if uri::fault(name).is_some() => return None,
                    List::Resources => access::access(policy, &caller, Noun::Resource, name, None),
                    List::ResourceTemplates => access::template(policy, &caller, name),
                };
                if verdict.allowed && list == List::Tools {
                    self.learn_output(bytes, name, entry);
                }
                let condition = Some(policy.narrow_schemas && verdict.allowed && list == List::Tools)
                    .filter(|narrows| *narrows)
                    .and_then(|_| access::only_condition(policy, &caller, name)?.narrowing());
                verdict
                    .allowed
                    .then(|| condition.map(|it| rewrite::narrow::narrow(bytes, entry, &it)).unwrap_or_default())
            });
            self.facts.hidden.extend(filtered.hidden);
            splices.extend(filtered.splices);
            splices.extend(self.endless_page(bytes, env));
        }
        if let Some(meta) = envelope.meta.filter(|_| envelope.meta_ours) {
            splices.extend(rewrite::meta::without_ours(bytes, meta));
        }
        if splices.is_empty() || !self.enforces() {
            return Fate::Pass;
        }
        Fate::Replace(rewrite::apply(bytes, splices))
    }

    /// Takes out a `nextCursor` that is the cursor of the request itself: a client that follows it never ends.
    fn endless_page(&mut self, bytes: &[u8], env: &mut dyn Surroundings) -> Option<Splice> {
        let cursor = self.awaiting.as_ref()?.cursor.as_ref()?;
        let next = locate(bytes, "/result/nextCursor")?;
        if decode(next.of(bytes)) != *cursor {
            return None;
        }
        self.record_response(Some(Reason::UnreadableResponse), "endless_list", None, false, env);
        rewrite::object::cut(bytes, locate(bytes, "/result")?, "nextCursor")
    }

    /// Whether an answer belongs to the request of this exchange. Streams that are not tied to one request carry
    /// answers to any.
    pub(super) fn is_awaited(&self, bytes: &[u8], envelope: &Envelope) -> bool {
        match (&self.awaiting, envelope.id) {
            (Some(awaiting), Some(id)) => same_id(&awaiting.id, id.of(bytes)),
            (Some(_), None) => envelope.error.is_some(),
            (None, _) => self.is_stream || envelope.error.is_some(),
        }
    }

    /// What is wrong with the lists of a result, given the method that it answers.
    pub(super) fn misplaced_list(&self, envelope: &Envelope) -> Option<&'static str> {
        let Some(awaiting) = &self.awaiting else {
            let other = envelope.lists.iter().flatten().any(|value| value.shape != Shape::Array);
            return other.then_some("a list that is no array");
        };
        let expected = match awaiting.kind {
            Kind::List(list) => Some(list),
            _ => None,
        };
        for list in List::ALL {
            match envelope.list(list) {
                Some(_) if expected != Some(list) => return Some("a list in an answer to something else"),
                Some(value) if value.shape != Shape::Array => return Some("a list that is no array"),
                None if expected == Some(list) => return Some("an answer to a list request without its list"),
                _ => {}
            }
        }
        None
    }

    /// Something that cannot be read for certain: refused, unless the policy lets it pass.
    pub(super) fn unreadable(
        &mut self,
        reason: Reason,
        problem: &str,
        channel: Channel,
        env: &mut dyn Surroundings,
    ) -> Fate {
        let on = &self.configuration.policy.on;
        let mode = match reason {
            Reason::OversizeEvent => on.oversize_event,
            Reason::TooLarge => on.oversize_list,
            _ => on.unreadable_response,
        };
        if mode == FailMode::Allow {
            self.record_response(Some(reason), problem, None, false, env);
            return Fate::Pass;
        }
        self.deny(&withheld(reason, problem), problem, channel, env)
    }

    /// An event that no client of Streamable HTTP acts on; `endpoint` would start the transport of 2024-11-05.
    pub(super) fn foreign_event(&mut self, problem: &str, env: &mut dyn Surroundings) -> Fate {
        self.record_response(Some(Reason::TransportRefused), problem, None, true, env);
        if self.enforces() { Fate::Drop } else { Fate::Pass }
    }

    /// Refuses what the server sent, and tells whoever waits for it.
    pub(super) fn deny(
        &mut self,
        refusal: &Refusal,
        detail: &str,
        channel: Channel,
        env: &mut dyn Surroundings,
    ) -> Fate {
        let decision = self.record_response(Some(refusal.reason), detail, None, true, env);
        if !self.enforces() {
            return Fate::Pass;
        }
        self.outcome.get_or_insert("response_refused");
        let refusal = &self.without_secrets(refusal.clone());
        let policy = &self.configuration.policy.name;
        let Some(awaiting) = self.awaiting.as_ref().filter(|_| !self.answered) else {
            return match channel {
                Channel::Body => Fate::Deny(refusal.message(Addressee::Http, policy, &decision)),
                Channel::Event => Fate::Drop,
            };
        };
        let message = refusal.message(awaiting.addressee(), policy, &decision);
        self.answered = true;
        Fate::Deny(message)
    }
}

/// The refusal of something that a server sent.
pub(super) fn withheld(reason: Reason, problem: &str) -> Refusal {
    let said = format!("The server's answer was withheld: {problem}.");
    Refusal::by_policy(reason, said, "Tell the operator of the server; a retry may get the same answer.")
}

/// Whether two raw ids are the same value: strings by their text, numbers by their digits.
fn same_id(a: &[u8], b: &[u8]) -> bool {
    a == b || a.first() == Some(&b'"') && b.first() == Some(&b'"') && decode(a) == decode(b)
}
