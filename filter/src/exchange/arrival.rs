//! The request's headers: which server, who asks, and everything that needs no body (DESIGN section 4).

use std::sync::Arc;

use super::headers::{Headers, Lookup, is_utf8, media_type};
use super::refusal::{Addressee, Refusal, Reply};
use super::request::Mirrored;
use super::{Core, Edit, Exchange, HeaderStep, Parties, Progress, Surroundings};
use crate::decide::access::{self, Caller};
use crate::decide::identity::{self, Claim, Evidence, HeaderValue, Identified, Principal};
use crate::decide::route::{self, RouteFacts};
use crate::mcp::{denial, era};
use crate::policy::{Anonymous, FailMode, Reason};
use crate::state::Lease;

/// The body of a request that is refused whatever it says is read only for its id, and not further than this.
pub(super) const DOOMED_BYTES: usize = 64 * 1024;

/// Control headers that Envoy itself sets before the filter runs and later filters rely on.
const KEPT_ENVOY_HEADERS: [&str; 2] = ["x-envoy-external-address", "x-envoy-internal"];

/// MCP headers of which a second line could be read by the server instead of the first.
const SINGLE_HEADERS: [&str; 7] = [
    "mcp-protocol-version",
    "mcp-session-id",
    "mcp-method",
    "mcp-name",
    "last-event-id",
    "content-length",
    "authorization",
];

/// What tells the GET stream of Streamable HTTP from that of the transport of 2024-11-05, which sends none of these.
const OPENS_STREAM: [&str; 3] = ["mcp-protocol-version", "mcp-session-id", "last-event-id"];

const OAUTH_DISCOVERY: [&str; 3] = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

/// What the headers came to.
enum Arrival {
    Ungoverned,
    Step(HeaderStep),
    /// An answer that is no refusal by itself: the OAuth challenge.
    Challenge(Box<(Reply, Refusal)>),
    Refused(Refusal),
}

impl Exchange {
    /// Takes the request's headers. `end` tells that no body follows.
    pub fn on_request_headers(&mut self, headers: &Headers, end: bool, env: &mut dyn Surroundings) -> HeaderStep {
        let core = &mut self.core;
        core.facts.take(headers);
        match core.arrive(headers, end, env) {
            Arrival::Ungoverned => {
                core.progress = Progress::Forwarded;
                core.count_ungoverned(env);
                core.parties = None;
                HeaderStep::Ungoverned
            }
            Arrival::Step(step) => step,
            Arrival::Challenge(challenge) => {
                let (reply, refusal) = *challenge;
                core.record_refusal(&refusal, None, env);
                if !core.enforces() {
                    return core.shadowed();
                }
                core.progress = Progress::Answered;
                HeaderStep::Reply(reply)
            }
            Arrival::Refused(refusal) => {
                let decision = core.record_refusal(&refusal, None, env);
                if !core.enforces() {
                    return core.shadowed();
                }
                core.progress = Progress::Answered;
                HeaderStep::Reply(refusal.reply(Addressee::Http, &core.configuration.policy.name, &decision))
            }
        }
    }
}

impl Core {
    /// In shadow mode what would have been refused goes on, unjudged from here.
    fn shadowed(&mut self) -> HeaderStep {
        self.progress = Progress::Forwarded;
        self.outcome = Some("shadow");
        HeaderStep::Ungoverned
    }

    fn arrive(&mut self, headers: &Headers, end: bool, env: &mut dyn Surroundings) -> Arrival {
        let configuration = Arc::clone(&self.configuration);
        let policy = &configuration.policy;
        let method = self.facts.http_method.clone();
        let path = self.facts.path.clone();
        if let Some(fault) = route::path_fault(&path) {
            let said = format!("The path of this request is refused: it has {fault}.");
            return refuse_form(Reason::PathRefused, 400, said, "Use the server's plain path.");
        }
        let discovery = OAUTH_DISCOVERY
            .iter()
            .any(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
        if discovery && end && matches!(method.as_str(), "GET" | "OPTIONS") {
            return Arrival::Ungoverned;
        }
        if method == "CONNECT" || headers.has("upgrade") {
            let said = "Upgrades and tunnels are refused on a governed path.".to_owned();
            return refuse_form(Reason::TransportRefused, 400, said, "Use MCP Streamable HTTP.");
        }
        let (route, cluster) = if route::needs_route(policy) { (env.route(), env.cluster()) } else { (None, None) };
        let facts = RouteFacts {
            authority: &self.facts.authority,
            path: &path,
            route: route.as_deref(),
            cluster: cluster.as_deref(),
        };
        self.facts.route = route.clone();
        let found = route::server(policy, &facts);
        let index = found.and_then(|found| policy.servers.iter().position(|server| std::ptr::eq(server, found)));
        let (Some(server), Some(index)) = (found, index) else {
            if policy.on.server_unknown == FailMode::Allow {
                return Arrival::Ungoverned;
            }
            let said = format!("No server of this policy matches the path {path}.");
            let advice = "Check the URL; the operator adds servers under \"servers\" in the policy.";
            return refuse_form(Reason::ServerUnknown, 400, said, advice);
        };
        if !server.govern {
            self.facts.ungoverned_server = Some(index);
            return Arrival::Ungoverned;
        }
        self.parties = Some(Parties { server: index, principal: Arc::new(Principal::anonymous()) });
        let preflight = method == "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
        if preflight && end {
            return Arrival::Ungoverned;
        }
        if !matches!(method.as_str(), "POST" | "GET" | "DELETE") {
            let said = format!("HTTP method {method} is not part of MCP Streamable HTTP.");
            return refuse_form(Reason::TransportRefused, 405, said, "Use POST, GET or DELETE.");
        }
        let principal = match self.principal(headers, env) {
            Ok(principal) => principal,
            Err(arrival) => return arrival,
        };
        let now = Self::seconds(self.facts.started);
        if self.doomed.is_none() && !access::has_right(policy, &Caller { server, principal: &principal, now }) {
            let said = format!("No rule gives you any right on server {}.", server.name);
            let mut refusal = Refusal::by_policy(Reason::MethodNotAllowed, said, "Ask the operator for access.");
            refusal.status = 405;
            self.doomed = Some(refusal);
        }
        self.lease = Some(Lease::new(Arc::clone(&self.worker), principal.key()));
        self.parties = Some(Parties { server: index, principal: Arc::new(principal) });
        if let Some(refusal) = self.check_form(headers, &method, end) {
            return Arrival::Refused(refusal);
        }
        let holds = configuration.host.hold_headers;
        if let Some(doomed) = self.doomed.take_if(|_| method != "POST" || !holds) {
            // Without its body there is no id to answer, and a client waits for an answer to its id.
            return Arrival::Refused(Refusal { status: if method == "GET" { 405 } else { 400 }, ..doomed });
        }
        self.pass_on(headers, &method, env)
    }

    /// The principal, from verified sources only. Who has none is doomed, or challenged.
    fn principal(&mut self, headers: &Headers, env: &mut dyn Surroundings) -> Result<Principal, Arrival> {
        let configuration = Arc::clone(&self.configuration);
        let identity = &configuration.policy.identity;
        let mut evidence = Gathered { headers, env };
        let why = match identity::identify(identity, &mut evidence) {
            Identified::Principal(principal) => return Ok(principal),
            Identified::Invalid(why) => why,
            Identified::Anonymous => match &identity.anonymous {
                Anonymous::Allow => return Ok(Principal::anonymous()),
                Anonymous::Deny => "the request carries no verified identity".to_owned(),
                Anonymous::Challenge { resource_metadata } => {
                    let said = "This server needs a verified identity.".to_owned();
                    let refusal =
                        Refusal { status: 401, ..Refusal::by_policy(Reason::PrincipalMissing, said, "Log in first.") };
                    let mut reply = refusal.reply(Addressee::Http, &configuration.policy.name, "challenge");
                    let challenge = format!("Bearer resource_metadata=\"{resource_metadata}\"");
                    reply.headers.push(("www-authenticate", challenge));
                    return Err(Arrival::Challenge(Box::new((reply, refusal))));
                }
            },
        };
        let said = format!("You are not known to this server: {why}.");
        let advice = "Send the credentials that the operator's identity sources accept.";
        let mut refusal = Refusal::by_policy(Reason::PrincipalMissing, said, advice);
        refusal.status = 400;
        self.doomed = Some(refusal);
        Ok(Principal::anonymous())
    }

    /// What the headers alone show to be unacceptable.
    fn check_form(&self, headers: &Headers, method: &str, end: bool) -> Option<Refusal> {
        let malformed = |said: String| {
            Some(Refusal::of_form(
                Reason::Malformed,
                400,
                denial::INVALID_REQUEST,
                said,
                "Send each header once and the body as plain UTF-8 JSON.",
            ))
        };
        for name in SINGLE_HEADERS {
            if headers.get(name) == Lookup::Many {
                return malformed(format!("The header {name} is sent more than once."));
            }
        }
        if let Lookup::One(version) = headers.get("mcp-protocol-version") {
            let text = std::str::from_utf8(version).map(str::trim);
            // The body of a POST may claim the same: then it is for the server to say which revisions it knows.
            let may_be_claimed = method == "POST" && text.is_ok();
            if !may_be_claimed && !text.is_ok_and(era::is_revision) {
                let said = "MCP-Protocol-Version is no revision of the form YYYY-MM-DD.".to_owned();
                let advice = "Send the revision that was negotiated, such as 2025-11-25.";
                return Some(Refusal::of_form(Reason::HeaderMismatch, 400, denial::HEADER_MISMATCH, said, advice));
            }
        }
        if method != "POST" && !end {
            return malformed(format!("{method} requests have no body in MCP."));
        }
        if method == "GET" && OPENS_STREAM.iter().all(|name| !headers.has(name)) {
            let said = "A GET without MCP-Protocol-Version, Mcp-Session-Id and Last-Event-ID opens the HTTP+SSE transport \
                        of 2024-11-05, which is refused here.";
            let advice = "Use Streamable HTTP: POST each message to this URL.";
            let refusal =
                Refusal::of_form(Reason::TransportRefused, 405, denial::INVALID_REQUEST, said.to_owned(), advice);
            return Some(refusal);
        }
        if method != "POST" {
            return None;
        }
        let identity_encoding = match headers.get("content-encoding") {
            Lookup::Absent => true,
            Lookup::One(value) => value.trim_ascii().eq_ignore_ascii_case(b"identity"),
            Lookup::Many => false,
        };
        if !identity_encoding {
            let said = "Encoded request bodies are refused.".to_owned();
            let advice = "Send the body without a content-encoding.";
            return Some(Refusal::of_form(Reason::EncodingRefused, 415, denial::INVALID_REQUEST, said, advice));
        }
        let json = match headers.get("content-type") {
            Lookup::One(value) => media_type(value)
                .is_some_and(|(essence, charset)| essence == "application/json" && is_utf8(charset.as_deref())),
            Lookup::Absent | Lookup::Many => false,
        };
        if !json {
            let said = "An MCP message must have exactly one content-type, application/json in UTF-8.".to_owned();
            let advice = "Send content-type: application/json.";
            return Some(Refusal::of_form(Reason::Malformed, 415, denial::INVALID_REQUEST, said, advice));
        }
        if end { malformed("A POST without a body is no MCP message.".to_owned()) } else { None }
    }

    /// Header changes and what follows. In shadow mode only `accept-encoding` goes.
    fn pass_on(&mut self, headers: &Headers, method: &str, env: &mut dyn Surroundings) -> Arrival {
        let mut edits: Vec<Edit> = Vec::new();
        let mut remove = |name: &str| {
            if headers.has(name) {
                edits.push(Edit::Remove(name.to_owned()));
            }
        };
        remove("accept-encoding");
        if self.enforces() {
            if method == "POST" && !self.configuration.host.hold_headers {
                remove("content-length");
            }
            let modern = headers.text("mcp-protocol-version").is_some_and(|version| !era::is_legacy(version.trim()));
            for (name, _) in headers.iter() {
                if !matches!(name.first(), Some(b'x' | b'm')) {
                    continue;
                }
                let Ok(name) = std::str::from_utf8(name) else { continue };
                let control = name.starts_with("x-tidegate-")
                    || name.starts_with("x-envoy-") && !KEPT_ENVOY_HEADERS.contains(&name);
                // A legacy server executes the body whatever these say, but what stands behind it may believe them.
                let stray = !modern && (name == "mcp-method" || name == "mcp-name" || name.starts_with("mcp-param-"));
                let repeated = edits.iter().any(|edit| matches!(edit, Edit::Remove(known) if *known == name));
                if (control || stray) && !repeated {
                    edits.push(Edit::Remove(name.to_owned()));
                }
            }
        }
        if method == "POST" {
            self.facts.mirrored = Mirrored::take(headers);
            return Arrival::Step(HeaderStep::Hold(edits));
        }
        self.is_stream = method == "GET";
        self.progress = Progress::Forwarded;
        self.record_allow(Some(method), env);
        Arrival::Step(HeaderStep::Continue(edits))
    }
}

fn refuse_form(reason: Reason, status: u16, said: String, advice: &str) -> Arrival {
    Arrival::Refused(Refusal::of_form(reason, status, denial::INVALID_REQUEST, said, advice))
}

/// Evidence for the identity sources: the headers at hand, and what the proxy verified.
struct Gathered<'a> {
    headers: &'a Headers,
    env: &'a mut dyn Surroundings,
}

impl Evidence for Gathered<'_> {
    fn jwt_claim(&mut self, metadata_key: &str, path: &[String]) -> Claim {
        self.env.jwt_claim(metadata_key, path)
    }

    fn peer_spiffe(&mut self) -> Option<String> {
        self.env.peer_spiffe()
    }

    fn header(&self, name: &str) -> HeaderValue {
        header_value(self.headers, name)
    }
}

pub(super) fn header_value(headers: &Headers, name: &str) -> HeaderValue {
    match headers.get(name) {
        Lookup::Absent => HeaderValue::Absent,
        Lookup::One(value) => std::str::from_utf8(value)
            .map_or(HeaderValue::Unreadable, |value| HeaderValue::One(value.trim().to_owned())),
        Lookup::Many => HeaderValue::Unreadable,
    }
}
