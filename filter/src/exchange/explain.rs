//! One request step by step, for people who ask why: the exchange itself is run natively, and what it goes through is
//! written down on the way.

use std::borrow::Cow;
use std::sync::Arc;

use super::outbound::reference;
use super::request::Message;
use super::{Asked, Call, Exchange, GrowthStep, HeaderStep, Headers, RequestStep, Surroundings};
use crate::decide::access::{self, Caller};
use crate::decide::explain::{self, ChargeSteps, IdentitySteps, Question, RuleSteps, ServerStep};
use crate::decide::identity::{Claim, Evidence, HeaderValue, Principal};
use crate::decide::quota::Ask;
use crate::decide::route::{RouteFacts, path_fault};
use crate::json::decode;
use crate::mcp::era::Era;
use crate::mcp::jsonrpc::{self, Shape};
use crate::mcp::method::Kind;
use crate::metrics;
use crate::policy::{Configuration, Direction, Noun, Policy, Reason, Server};
use crate::rewrite::redact;
use crate::state::Worker;
use crate::state::shared::{SharedData, Unshared};

/// What is known of a request beside its bytes.
pub trait Known {
    /// A claim of the JWT payload that the proxy verified and stored under `key`.
    fn jwt_claim(&self, key: &str, path: &[String]) -> Claim;
    /// The SPIFFE id of the verified peer certificate.
    fn peer_spiffe(&self) -> Option<String>;
    /// Envoy's name of the route.
    fn route(&self) -> Option<String>;
    /// Envoy's name of the cluster.
    fn cluster(&self) -> Option<String>;
}

/// What one request went through, in the order in which it is judged. What it did not reach is not there.
#[derive(Debug, Clone)]
pub struct Trace<'p> {
    /// What is wrong with the path, before any server is looked for.
    pub path_fault: Option<&'static str>,
    /// The servers in document order.
    pub servers: Vec<ServerStep<'p>>,
    /// The server that the request is for.
    pub server: Option<&'p Server>,
    /// Who calls; not asked where nothing is governed.
    pub identity: Option<IdentitySteps<'p>>,
    /// The caller as rules see it.
    pub principal: Option<Principal>,
    /// Whether some rule gives the caller any right on the server.
    pub has_right: Option<bool>,
    /// What the body is, or why it cannot be read.
    pub message: Option<Result<MessageFacts, String>>,
    /// The era that headers and body agree on, or what they disagree in.
    pub era: Option<Result<Era, String>>,
    /// Secrets in the request; `None` where nothing is looked for.
    pub secrets: Option<Secrets>,
    /// What the rules are asked, in the order in which that is done.
    pub questions: Vec<Asking<'p>>,
    /// What the request is charged, if nothing refuses it before.
    pub charges: Option<ChargeSteps<'p>>,
    /// Seconds since the Unix epoch by which rules were asked.
    pub now: i64,
    /// What all of this came to.
    pub outcome: Outcome,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFacts {
    /// Its method; `None` for a client's response.
    pub method: Option<String>,
    /// The JSON text of its id; `None` for a notification.
    pub id: Option<String>,
    /// The tool, resource or prompt that it names.
    pub target: Option<String>,
    /// How its method is governed.
    pub kind: Kind,
}

/// Secrets in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Detector, JSON pointer (RFC 6901), and how many.
    pub found: Vec<(String, String, u64)>,
    /// Detector and place of the first that the policy does not let through.
    pub blocked: Option<(String, String)>,
    /// They are taken out or refused; otherwise only counted.
    pub enforced: bool,
}

/// A question to the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking<'p> {
    /// What kind of thing it is about.
    pub noun: Noun,
    /// Its name or URI.
    pub name: String,
    /// The JSON text of the arguments, where they are judged.
    pub arguments: Option<Vec<u8>>,
    /// It is a template of resources.
    pub is_template: bool,
    /// What the rules said.
    pub steps: RuleSteps<'p>,
}

impl Asking<'_> {
    /// The question, to ask it again.
    pub fn question(&self) -> Question<'_> {
        if self.is_template {
            return Question::Template(&self.name);
        }
        Question::Use { noun: self.noun, name: &self.name, arguments: self.arguments.as_deref() }
    }
}

/// What an exchange came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing of it is governed.
    Ungoverned,
    /// It goes on.
    Passed,
    /// The filter answers.
    Answered,
}

/// What came of a request, with the audit events that were written of it.
#[derive(Debug, Clone)]
pub struct Explained<'p> {
    /// What it went through.
    pub trace: Trace<'p>,
    /// The audit events, JSON.
    pub events: Vec<String>,
}

/// Runs one request, at `now` nanoseconds since the Unix epoch, on a worker that has seen no other.
pub fn explain<'p>(
    configuration: &'p Arc<Configuration>,
    headers: &Headers,
    body: Option<&[u8]>,
    known: &dyn Known,
    now: u64,
) -> Explained<'p> {
    let policy = &configuration.policy;
    let limits = &policy.limits;
    let worker = Arc::new(Worker::new(limits.buffered_bytes_per_worker, limits.buffered_bytes_per_principal));
    let mut world = Still { known, now, events: Vec::new(), counters: Unshared::default() };
    let mut exchange = Exchange::new(Arc::clone(configuration), worker, now);
    let step = exchange.on_request_headers(headers, body.is_none(), &mut world);
    let mut trace = arrival(policy, &exchange, headers, known, Exchange::seconds(now));
    let outcome = match (step, body) {
        (HeaderStep::Ungoverned, _) => Outcome::Ungoverned,
        (HeaderStep::Reply(_), _) => Outcome::Answered,
        (HeaderStep::Continue(_) | HeaderStep::Hold(_), None) => Outcome::Passed,
        (HeaderStep::Continue(_) | HeaderStep::Hold(_), Some(body)) => {
            match exchange.on_request_growth(body.len(), &mut world) {
                GrowthStep::Reply(_) => Outcome::Answered,
                GrowthStep::Forward => Outcome::Passed,
                GrowthStep::Hold => {
                    judged(&mut trace, policy, &exchange, body);
                    match exchange.on_request_end(body, &mut world) {
                        RequestStep::Reply(_) => Outcome::Answered,
                        RequestStep::Forward(_) | RequestStep::Suspend => Outcome::Passed,
                    }
                }
            }
        }
    };
    trace.outcome = outcome;
    Explained { trace, events: world.events }
}

fn arrival<'p>(policy: &'p Policy, exchange: &Exchange, headers: &Headers, known: &dyn Known, now: i64) -> Trace<'p> {
    let core = &exchange.core;
    let path_fault = path_fault(&core.facts.path);
    let (route, cluster) = (known.route(), known.cluster());
    let facts = RouteFacts {
        authority: &core.facts.authority,
        path: &core.facts.path,
        route: route.as_deref(),
        cluster: cluster.as_deref(),
    };
    let servers = if path_fault.is_none() { explain::servers(policy, &facts) } else { Vec::new() };
    let parties = core.parties.as_ref();
    let server = parties.and_then(|it| policy.servers.get(it.server));
    let principal = parties.map(|parties| parties.principal.as_ref().clone());
    let identity = server.map(|_| explain::identity(&policy.identity, &mut OfRequest { headers, known }));
    let has_right = server
        .zip(principal.as_ref())
        .map(|(server, principal)| access::has_right(policy, &Caller { server, principal, now }));
    Trace {
        path_fault,
        servers,
        server,
        identity,
        principal,
        has_right,
        message: None,
        era: None,
        secrets: None,
        questions: Vec::new(),
        charges: None,
        now,
        outcome: Outcome::Ungoverned,
    }
}

/// What the exchange is about to judge.
fn judged<'p>(trace: &mut Trace<'p>, policy: &'p Policy, exchange: &Exchange, body: &[u8]) {
    let core = &exchange.core;
    let message = match jsonrpc::read(body, core.json_limits()) {
        Ok(envelope) => Message::new(body, envelope),
        Err(invalid) => {
            trace.message = Some(Err(invalid.to_string()));
            return;
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    trace.message = Some(Ok(MessageFacts {
        method: message.method.as_deref().map(str::to_owned),
        id: message.id().map(text),
        target: message.target.as_deref().map(str::to_owned),
        kind: message.kind,
    }));
    let era = core.agreed_era(&message);
    let agreed = era.is_ok();
    trace.era = Some(era);
    // Whom nobody knows the rules are not asked about. Who has no right is told which rules give one.
    if !agreed || core.doomed.as_ref().is_some_and(|it| it.reason != Reason::MethodNotAllowed) {
        return;
    }
    let mut changed = None;
    if let Some(redaction) = core.redaction() {
        let tool = message.target.as_deref().filter(|_| message.kind == Kind::CallTool);
        let outcome = redact::message(&core.plan(&redaction, Direction::Request, tool), body);
        let enforced = core.redacts(&redaction);
        let found = outcome.findings.list().iter().map(|it| (it.detector.clone(), it.pointer.clone(), it.count));
        let blocked = outcome.blocked.map(|it| (it.detector, it.pointer));
        changed = outcome.message.filter(|_| enforced && blocked.is_none());
        trace.secrets = Some(Secrets { found: found.collect(), blocked, enforced });
    }
    // What is judged is what is sent.
    let reread = changed.as_deref().and_then(|bytes| Some((bytes, jsonrpc::read(bytes, core.json_limits()).ok()?)));
    let reread = reread.map(|(bytes, envelope)| Message::new(bytes, envelope));
    let message = reread.as_ref().unwrap_or(&message);
    let (Some(server), Some(principal)) = (trace.server, trace.principal.clone()) else { return };
    let caller = Caller { server, principal: &principal, now: trace.now };
    trace.questions = questions(policy, &caller, message);
    if message.is_request() && message.kind != Kind::Handshake {
        let (method, noun) = (message.method.as_deref().unwrap_or_default(), noun(message.kind));
        let name = message.target.as_deref().filter(|_| noun.is_some()).unwrap_or(method);
        let arguments = message.envelope.arguments.map(|arguments| arguments.span.of(message.bytes));
        let ask = Ask { caller, method, noun, name };
        trace.charges = Some(explain::charges(policy, &ask, message.bytes.len(), arguments));
    }
}

fn noun(kind: Kind) -> Option<Noun> {
    match kind {
        Kind::CallTool => Some(Noun::Tool),
        Kind::Resource => Some(Noun::Resource),
        Kind::Prompt => Some(Noun::Prompt),
        _ => None,
    }
}

/// What the rules are asked about a request: its method, then what it names.
fn questions<'p>(policy: &'p Policy, caller: &Caller<'_>, message: &Message<'_>) -> Vec<Asking<'p>> {
    let Some(method) = message.method.as_deref().filter(|_| message.is_request()) else { return Vec::new() };
    let mut asked = vec![(Noun::Method, Cow::Borrowed(method), None, false)];
    if let (Some(noun), Some(name)) = (noun(message.kind), message.target.as_deref()) {
        let given = message.envelope.arguments.filter(|arguments| arguments.shape != Shape::Null);
        let arguments = given.map_or(&b"{}"[..], |arguments| arguments.span.of(message.bytes));
        let arguments = Some(arguments.to_vec()).filter(|_| noun != Noun::Resource);
        asked.push((noun, Cow::Borrowed(name), arguments, false));
    }
    if message.kind == Kind::Completion
        && let Some((noun, name)) = reference(message.bytes)
    {
        asked.push((noun, name, None, noun == Noun::Resource));
    }
    if method == "subscriptions/listen"
        && let Some(uris) = crate::json::locate(message.bytes, "/params/notifications/resourceSubscriptions")
        && message.bytes.get(uris.start) == Some(&b'[')
    {
        let uris = crate::json::elements(message.bytes, uris);
        asked.extend(uris.map(|uri| (Noun::Resource, decode(uri.of(message.bytes)), None, false)));
    }
    let asking = |(noun, name, arguments, is_template): (Noun, Cow<'_, str>, Option<Vec<u8>>, bool)| {
        let question = match is_template {
            true => Question::Template(&name),
            false => Question::Use { noun, name: &name, arguments: arguments.as_deref() },
        };
        let steps = explain::rules(policy, caller, question);
        Asking { noun, name: name.into_owned(), arguments, is_template, steps }
    };
    asked.into_iter().map(asking).collect()
}

impl Exchange {
    fn seconds(now: u64) -> i64 {
        super::Core::seconds(now)
    }
}

/// The evidence of one request.
struct OfRequest<'a> {
    headers: &'a Headers,
    known: &'a dyn Known,
}

impl Evidence for OfRequest<'_> {
    fn jwt_claim(&mut self, metadata_key: &str, path: &[String]) -> Claim {
        self.known.jwt_claim(metadata_key, path)
    }

    fn peer_spiffe(&mut self) -> Option<String> {
        self.known.peer_spiffe()
    }

    fn header(&self, name: &str) -> HeaderValue {
        super::arrival::header_value(self.headers, name)
    }
}

/// A world in which one request is all that happens.
struct Still<'a> {
    known: &'a dyn Known,
    now: u64,
    events: Vec<String>,
    counters: Unshared,
}

impl Surroundings for Still<'_> {
    fn now(&mut self) -> u64 {
        self.now
    }
    fn jwt_claim(&mut self, key: &str, path: &[String]) -> Claim {
        self.known.jwt_claim(key, path)
    }
    fn peer_spiffe(&mut self) -> Option<String> {
        self.known.peer_spiffe()
    }
    fn upstream_address(&mut self) -> Option<String> {
        None
    }
    fn route(&mut self) -> Option<String> {
        self.known.route()
    }
    fn cluster(&mut self) -> Option<String> {
        self.known.cluster()
    }
    fn audits(&self) -> bool {
        true
    }
    fn audit(&mut self, event: &str) {
        self.events.push(event.to_owned());
    }
    fn count(&mut self, _: metrics::Decision<'_>) {}
    fn count_redactions(&mut self, _: metrics::Redaction<'_>) {}
    fn observe(&mut self, _: metrics::Server<'_>, _: u64) {}
    fn count_quota(&mut self, _: metrics::QuotaCount<'_>) {}
    fn count_cost(&mut self, _: metrics::Charge<'_>) {}
    fn shared_data(&mut self) -> &mut dyn SharedData {
        &mut self.counters
    }
    fn ask(&mut self, _: &Call) -> Option<u32> {
        None
    }
    fn abandon(&mut self, _: u32, _: Asked) {}
    fn tell(&mut self, _: Call) {}
}
