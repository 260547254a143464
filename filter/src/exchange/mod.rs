//! One HTTP request and its response as a sans-IO state machine.
//!
//! A host feeds [`Exchange`] with headers and bytes and does what the returned steps say. It knows nothing of
//! proxy-wasm: the same machine runs natively, in wasmtime and in Envoy.
//!
//! ```text
//! on_request_headers ─ Ungoverned ─────────────────────────────────────────▶ (never called again)
//!        │ Hold                     │ Continue (GET, DELETE)   │ Reply
//! on_request_growth …               │                          ▼
//! on_request_end ─ Reply            ▼                          on_end
//!        │    Suspend ──▶ on_answer … (the rate limit service) ─ Reply, or
//!        │ Forward ──▶ on_response_headers ─ Hold | Continue ──▶ on_response_chunk … ──▶ on_end
//! ```

mod arguments;
mod arrival;
mod capabilities;
mod events;
#[cfg(not(target_arch = "wasm32"))]
pub mod explain;
pub mod headers;
mod inbound;
mod outbound;
mod quota;
mod reading;
mod record;
mod redaction;
mod redirect;
mod refusal;
mod request;
mod response;
mod text;

use std::sync::Arc;

use crate::decide::identity::{Claim, Principal};
use crate::mcp::era::Era;
use crate::mcp::method::Kind;
use crate::metrics;
use crate::policy::{Configuration, Quota, Server};
use crate::schema::OutputSchema;
use crate::state::shared::SharedData;
use crate::state::{Lease, Worker};

#[cfg(test)]
mod tests;

pub use headers::Headers;
pub use quota::Asked;
pub use redirect::LEADING_FIELDS;
pub use refusal::{Addressee, Refusal, Reply};

/// What an exchange needs from the world around it.
pub trait Surroundings {
    /// Nanoseconds since the Unix epoch.
    fn now(&mut self) -> u64;
    /// A claim of the JWT payload that the proxy verified and stored under `key`.
    fn jwt_claim(&mut self, key: &str, path: &[String]) -> Claim;
    /// The SPIFFE id of the verified peer certificate, if the connection has one.
    fn peer_spiffe(&mut self) -> Option<String>;
    /// Address of the upstream host that answered, if one did.
    fn upstream_address(&mut self) -> Option<String>;
    /// Name of the route that the proxy chose, if it chose one and it has a name.
    fn route(&mut self) -> Option<String>;
    /// Name of the upstream cluster that the proxy chose.
    fn cluster(&mut self) -> Option<String>;
    /// Whether anybody takes audit events; if not, none is written.
    fn audits(&self) -> bool;
    /// Takes one audit event, a JSON object without line breaks.
    fn audit(&mut self, event: &str);
    /// Counts a decision.
    fn count(&mut self, decision: metrics::Decision<'_>);
    /// Counts secrets that were found.
    fn count_redactions(&mut self, redaction: metrics::Redaction<'_>);
    /// Records how long an exchange with `server` took, in microseconds.
    fn observe(&mut self, server: metrics::Server<'_>, micros: u64);
    /// Counts what a quota said.
    fn count_quota(&mut self, count: metrics::QuotaCount<'_>);
    /// Counts what a call was charged, or got back.
    fn count_cost(&mut self, charge: metrics::Charge<'_>);
    /// What the workers of this proxy share.
    fn shared_data(&mut self) -> &mut dyn SharedData;
    /// Calls the rate limit service of `host.stores.global`; its answer comes to [`Exchange::on_answer`] under the token.
    /// None if it cannot be called.
    fn ask(&mut self, call: &Call) -> Option<u32>;
    /// The exchange does not wait for this answer any more: what it reserves is to be given back ([`Asked::released`]).
    fn abandon(&mut self, token: u32, asked: Asked);
    /// Calls the rate limit service to settle something, again if that fails, also when the exchange is over.
    fn tell(&mut self, call: Call);
}

/// A unary gRPC call to the rate limit service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service as gRPC names it.
    pub service: &'static str,
    /// Its method.
    pub method: &'static str,
    /// The encoded message.
    pub message: Vec<u8>,
    /// The quota that it is about.
    pub quota: Arc<Quota>,
}

/// A change to a header section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Removes every line of that name.
    Remove(String),
    /// Puts one line of that name in the place of all.
    Set(&'static str, String),
}

/// What becomes of the request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderStep {
    /// Nothing of this exchange is governed; no other method is to be called.
    Ungoverned,
    /// They go on, and so does everything else of the request.
    Continue(Vec<Edit>),
    /// A body follows that must be judged before any of it goes on; in hold mode the headers wait for it.
    Hold(Vec<Edit>),
    /// The filter answers.
    Reply(Reply),
}

/// What becomes of a request's body while it grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrowthStep {
    /// It is kept back.
    Hold,
    /// It goes on without being judged: shadow mode changes nothing.
    Forward,
    /// The filter answers.
    Reply(Reply),
}

/// What becomes of a complete request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestStep {
    /// It goes on, with another body if one is given.
    Forward(Option<Vec<u8>>),
    /// The filter answers.
    Reply(Reply),
    /// It waits for the rate limit service: [`Exchange::on_answer`] brings another step.
    Suspend,
}

/// Fields that are to be removed, whether or not they are there.
pub type Removals = &'static [&'static str];

/// Fields of a response that describe its exact bytes: gone as soon as those change (RFC 9110 sections 8.8.3 and 14.3,
/// RFC 9530).
pub const STALE_FIELDS: [&str; 6] = ["etag", "digest", "content-digest", "repr-digest", "content-md5", "accept-ranges"];

/// What becomes of a response's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseStep {
    /// Headers and body go on; no chunk needs to be shown.
    Open(Removals),
    /// Headers go on, chunks are shown.
    Continue(Removals),
    /// In hold mode the headers wait for the first step that is not [`ChunkStep::Hold`]; in no-hold mode they go on
    /// without a content-length. Chunks are shown.
    Hold(Removals),
    /// The request has not been judged yet: nothing goes on before it is.
    Wait,
    /// The filter answers instead.
    Reply(Reply),
}

/// What becomes of a chunk of a response's body, and of what was held before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkStep {
    /// It is kept back, after what is held already.
    Hold,
    /// What is held and this chunk go on as they are.
    Pass,
    /// These bytes go on instead of what is held and this chunk.
    Replace(Vec<u8>),
    /// These bytes go on instead of what is held and this chunk, and more may follow: the headers tell of no length.
    Rewrite(Vec<u8>),
    /// The whole body is replaced by a refusal, status 200, `application/json`.
    Deny(Vec<u8>),
    /// Nothing more may go on: the stream is reset.
    Cut,
}

/// The request that a response answers.
#[derive(Clone, Debug)]
struct Awaiting {
    /// Raw JSON-RPC id.
    id: Vec<u8>,
    kind: Kind,
    /// Decoded name of the tool, of a `tools/call`.
    tool: Option<String>,
    /// What that tool's `outputSchema` demands, as far as a list told it before the call.
    output: Option<Arc<OutputSchema>>,
    /// Decoded cursor, of a list.
    cursor: Option<String>,
}

impl Awaiting {
    fn addressee(&self) -> Addressee<'_> {
        match &self.tool {
            Some(_) => Addressee::Tool(&self.id),
            None => Addressee::Request(&self.id),
        }
    }
}

/// Who asks, and whom. Known once the request's headers are.
#[derive(Clone, Debug)]
struct Parties {
    /// Index into the policy's servers.
    server: usize,
    principal: Arc<Principal>,
}

/// How far the request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Headers or body are still coming.
    Arriving,
    /// It was judged and went on.
    Forwarded,
    /// The filter answered it.
    Answered,
    /// An early error of the upstream ended it before it was judged.
    Overtaken,
}

/// Everything about an exchange but the bytes of its response.
#[derive(Debug)]
struct Core {
    configuration: Arc<Configuration>,
    worker: Arc<Worker>,
    facts: record::Facts,
    parties: Option<Parties>,
    /// Nobody with a right: the request is read only to be answered.
    doomed: Option<Refusal>,
    lease: Option<Lease>,
    progress: Progress,
    era: Option<Era>,
    awaiting: Option<Awaiting>,
    /// What it holds of quotas and budgets.
    charges: quota::Charges,
    /// It waits for the rate limit service.
    suspended: Option<Box<quota::Suspended>>,
    /// The awaited answer has gone to the client.
    answered: bool,
    /// Why something that may have been the awaited answer was withheld.
    withheld: Option<&'static str>,
    /// A stream that is not tied to one request: GET.
    is_stream: bool,
    /// The response is a stream of events.
    is_streamed: bool,
    request_bytes: usize,
    response_bytes: usize,
    status: Option<u16>,
    is_error: bool,
    outcome: Option<&'static str>,
}

/// One HTTP request and its response.
#[derive(Debug)]
pub struct Exchange {
    core: Core,
    body: response::Body,
}

impl Exchange {
    /// An exchange that begins at `now` (nanoseconds since the Unix epoch).
    pub fn new(configuration: Arc<Configuration>, worker: Arc<Worker>, now: u64) -> Self {
        Self {
            core: Core {
                configuration,
                worker,
                facts: record::Facts::new(now),
                parties: None,
                doomed: None,
                lease: None,
                progress: Progress::Arriving,
                era: None,
                awaiting: None,
                charges: quota::Charges::default(),
                suspended: None,
                answered: false,
                withheld: None,
                is_stream: false,
                is_streamed: false,
                request_bytes: 0,
                response_bytes: 0,
                status: None,
                is_error: false,
                outcome: None,
            },
            body: response::Body::Unknown,
        }
    }

    /// Whether the request has been judged, or will not be.
    pub fn is_request_settled(&self) -> bool {
        self.core.progress != Progress::Arriving
    }

    /// Whether an early error of the upstream ended the request before it was judged: what still comes of it is dropped.
    pub fn is_overtaken(&self) -> bool {
        self.core.progress == Progress::Overtaken
    }

    /// Gives up the bytes of the response that are held, for a host that has to send them on itself.
    pub fn take_held(&mut self) -> Vec<u8> {
        self.body.take_held()
    }

    /// The exchange is over, for whatever reason; writes what remains to be recorded.
    pub fn on_end(&mut self, env: &mut dyn Surroundings) {
        if let Some(redactor) = self.body.redactor() {
            self.core.redaction_broken_off(redactor, env);
        }
        self.core.complete(env);
    }
}

impl Core {
    fn server(&self) -> Option<&Server> {
        self.parties.as_ref().and_then(|parties| self.configuration.policy.servers.get(parties.server))
    }

    fn server_name(&self) -> &str {
        self.server().map_or("none", |server| server.name.as_str())
    }

    /// The server as metrics name it.
    fn counted_server(&self) -> metrics::Server<'_> {
        let servers = &self.configuration.policy.servers;
        let known = self.parties.as_ref().map(|parties| parties.server).or(self.facts.ungoverned_server);
        let ordinal = known.unwrap_or(servers.len());
        metrics::Server { ordinal, name: servers.get(ordinal).map_or("none", |server| server.name.as_str()) }
    }

    /// Whether refusals take effect, or are only recorded.
    fn enforces(&self) -> bool {
        use crate::policy::Mode;
        self.configuration.policy.mode == Mode::Enforce
            && self.server().is_none_or(|server| server.mode == Mode::Enforce)
    }

    fn json_limits(&self) -> crate::json::Limits {
        crate::json::Limits { depth: self.configuration.policy.limits.depth, ..Default::default() }
    }

    /// Seconds since the Unix epoch, as policies count time.
    fn seconds(nanoseconds: u64) -> i64 {
        i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX)
    }
}
