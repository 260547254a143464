//! The exchange driven as a host drives it, in both header modes, without one.

// Tables of cases say what they hold by their tests.
#![allow(clippy::type_complexity)]

mod audited_arguments;
mod budget;
mod fleet;
mod methods;
mod output_schema;
mod quota;
mod redaction;
mod requests;
mod responses;
mod splits;

use std::sync::Arc;

use super::{
    Asked, Call, ChunkStep, Edit, Exchange, GrowthStep, HeaderStep, Headers, RequestStep, ResponseStep, Surroundings,
};
use crate::decide::identity::Claim;
use crate::metrics::Decision;
use crate::policy;
use crate::state::Worker;
use crate::state::shared::{Memory, SharedData};

const NOW: u64 = 1_795_000_000_000_000_000;

/// A policy over one server at `/mcp`; `extra` are further members, each beginning with a comma.
fn policy(extra: &str) -> String {
    format!(
        r#"{{"version":"tidegate/v1","name":"test","identity":{{"anonymous":"allow"}},
        "servers":[{{"name":"main","match":{{"path":"/mcp"}}}}],
        "rules":[{{"id":"reading","allow":{{"tools":["get_*"]}}}},
                 {{"id":"no-deletes","deny":{{"tools":["get_secret"]}},"advice":"Ask a person."}}]{extra}}}"#
    )
}

#[derive(Default)]
struct World {
    claims: Option<serde_json::Value>,
    audit: Vec<serde_json::Value>,
    counted: Vec<String>,
    /// Nanoseconds after [`NOW`].
    later: u64,
    memory: Memory,
    /// The rate limit service takes calls; each gets its place here as its token.
    service: bool,
    asked: Vec<Call>,
    told: Vec<Call>,
    abandoned: Vec<(u32, Asked)>,
}

impl Surroundings for World {
    fn now(&mut self) -> u64 {
        NOW + self.later
    }
    fn jwt_claim(&mut self, _: &str, path: &[String]) -> Claim {
        let value = path.iter().try_fold(self.claims.as_ref(), |value, key| value.map(|value| value.get(key)));
        match value.flatten() {
            None => Claim::Absent,
            Some(serde_json::Value::String(text)) => Claim::Text(text.clone()),
            Some(serde_json::Value::Array(list)) => {
                Claim::List(list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
            }
            Some(_) => Claim::Other,
        }
    }
    fn peer_spiffe(&mut self) -> Option<String> {
        None
    }
    fn upstream_address(&mut self) -> Option<String> {
        None
    }
    fn route(&mut self) -> Option<String> {
        None
    }
    fn cluster(&mut self) -> Option<String> {
        None
    }
    fn audits(&self) -> bool {
        true
    }
    fn audit(&mut self, event: &str) {
        self.audit.push(serde_json::from_str(event).expect("an audit event is JSON"));
    }
    fn count(&mut self, decision: Decision<'_>) {
        self.counted.push(decision.name());
    }
    fn count_redactions(&mut self, redaction: crate::metrics::Redaction<'_>) {
        self.counted.push(format!("{} {}", redaction.name(), redaction.count));
    }
    fn observe(&mut self, _: crate::metrics::Server<'_>, _: u64) {}
    fn count_quota(&mut self, count: crate::metrics::QuotaCount<'_>) {
        self.counted.push(count.name());
    }
    fn count_cost(&mut self, charge: crate::metrics::Charge<'_>) {
        self.counted.push(format!("{} {}", charge.name(), charge.micro_usd));
    }
    fn shared_data(&mut self) -> &mut dyn SharedData {
        &mut self.memory
    }
    fn ask(&mut self, call: &Call) -> Option<u32> {
        let token = u32::try_from(self.asked.len()).unwrap();
        self.asked.push(call.clone());
        self.service.then_some(token)
    }
    fn abandon(&mut self, token: u32, asked: Asked) {
        self.abandoned.push((token, asked));
    }
    fn tell(&mut self, call: Call) {
        self.told.push(call);
    }
}

/// What went where.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Header names that were removed from the request.
    removed: Vec<String>,
    /// The request's body as the server gets it.
    upstream: Option<Vec<u8>>,
    /// What became of response fields that lead elsewhere.
    edited: Vec<Edit>,
    /// Status and body as the client gets them.
    status: u16,
    /// Of an answer by the filter.
    headers: Vec<(&'static str, String)>,
    downstream: Vec<u8>,
    cut: bool,
}

impl Seen {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.downstream).expect("the client gets JSON")
    }
}

struct Driver {
    exchange: Exchange,
    world: World,
    seen: Seen,
}

impl Driver {
    fn new(policy: &str, hold: bool) -> Self {
        Self::on(&Arc::new(Worker::with_key(1 << 28, 1 << 25, b"the same in every run")), policy, hold)
    }

    /// A driver on a worker that has seen other exchanges.
    fn on(worker: &Arc<Worker>, policy: &str, hold: bool) -> Self {
        let text = format!(r#"{{"host":{{"hold_headers":{hold}}},"layers":[{policy}]}}"#);
        let compiled =
            policy::compile(text.as_bytes()).unwrap_or_else(|d| panic!("{}", d.render(text.as_bytes(), "p")));
        let exchange = Exchange::new(Arc::new(compiled.configuration), Arc::clone(worker), NOW);
        Self { exchange, world: World::default(), seen: Seen::default() }
    }

    /// Sends a request; true if it went on to the server.
    fn request(&mut self, method: &str, path: &str, extra: &[(&str, &str)], body: Option<&[u8]>) -> bool {
        let mut pairs = vec![(":method", method), (":path", path), (":authority", "example.com")];
        if body.is_some() && !extra.iter().any(|(name, _)| *name == "content-type") {
            pairs.push(("content-type", "application/json"));
        }
        pairs.extend_from_slice(extra);
        let headers = Headers::from_pairs(pairs);
        match self.exchange.on_request_headers(&headers, body.is_none(), &mut self.world) {
            HeaderStep::Reply(reply) => return self.replied(reply.status, reply.body),
            HeaderStep::Ungoverned => {
                self.seen.upstream = Some(body.unwrap_or_default().to_vec());
                return true;
            }
            HeaderStep::Continue(edits) | HeaderStep::Hold(edits) => {
                let name = |edit| match edit {
                    Edit::Remove(name) => name,
                    Edit::Set(name, _) => panic!("a request's {name} is not changed"),
                };
                self.seen.removed = edits.into_iter().map(name).collect();
            }
        }
        let Some(body) = body else {
            self.seen.upstream = Some(Vec::new());
            return true;
        };
        match self.exchange.on_request_growth(body.len(), &mut self.world) {
            GrowthStep::Reply(reply) => return self.replied(reply.status, reply.body),
            GrowthStep::Forward => {
                self.seen.upstream = Some(body.to_vec());
                return true;
            }
            GrowthStep::Hold => {}
        }
        let step = self.exchange.on_request_end(body, &mut self.world);
        self.judged(step, body)
    }

    fn judged(&mut self, step: RequestStep, body: &[u8]) -> bool {
        match step {
            RequestStep::Reply(reply) => {
                self.seen.headers = reply.headers;
                self.replied(reply.status, reply.body)
            }
            RequestStep::Forward(changed) => {
                self.seen.upstream = Some(changed.unwrap_or_else(|| body.to_vec()));
                true
            }
            RequestStep::Suspend => false,
        }
    }

    fn replied(&mut self, status: u16, body: Vec<u8>) -> bool {
        self.seen.status = status;
        self.seen.downstream = body;
        false
    }

    fn respond<'c>(&mut self, status: u16, media: &str, chunks: impl IntoIterator<Item = &'c [u8]>) {
        self.respond_with(status, &[("content-type", media)], chunks);
    }

    fn respond_with<'c>(&mut self, status: u16, extra: &[(&str, &str)], chunks: impl IntoIterator<Item = &'c [u8]>) {
        let text = status.to_string();
        let mut pairs = vec![(":status", text.as_str())];
        pairs.extend_from_slice(extra);
        let chunks: Vec<&[u8]> = chunks.into_iter().collect();
        self.seen.status = status;
        let step =
            self.exchange.on_response_headers(&Headers::from_pairs(pairs.clone()), chunks.is_empty(), &mut self.world);
        if !matches!(step, ResponseStep::Wait | ResponseStep::Reply(_)) {
            self.seen.edited = self.exchange.response_edits(&Headers::from_pairs(pairs), &mut self.world);
        }
        match step {
            ResponseStep::Reply(reply) => {
                self.replied(reply.status, reply.body);
                return;
            }
            ResponseStep::Open(_) => {
                self.seen.downstream = chunks.concat();
                return;
            }
            ResponseStep::Wait => panic!("the request was judged"),
            ResponseStep::Continue(_) | ResponseStep::Hold(_) => {}
        }
        let mut held = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            let end = index + 1 == chunks.len();
            match self.exchange.on_response_chunk(chunk, end, &mut self.world) {
                ChunkStep::Hold => {
                    assert!(!end, "nothing may be held for good");
                    held.extend_from_slice(chunk);
                }
                ChunkStep::Pass => {
                    self.seen.downstream.append(&mut held);
                    self.seen.downstream.extend_from_slice(chunk);
                }
                ChunkStep::Replace(body) | ChunkStep::Rewrite(body) => {
                    held.clear();
                    self.seen.downstream.extend_from_slice(&body);
                }
                ChunkStep::Deny(body) => {
                    held.clear();
                    self.seen.status = 200;
                    self.seen.downstream.extend_from_slice(&body);
                }
                ChunkStep::Cut => {
                    self.seen.cut = true;
                    return;
                }
            }
        }
    }

    fn end(&mut self) {
        self.exchange.on_end(&mut self.world);
    }

    fn audited(&self, reason: &str) -> &serde_json::Value {
        let found = self.world.audit.iter().find(|event| event["reason"] == reason);
        found.unwrap_or_else(|| panic!("no event with reason {reason} among {:#?}", self.world.audit))
    }
}

/// A driver whose request for `method` went on, with id 7.
fn asked(method: &str, params: &str, policy: &str, hold: bool) -> Driver {
    let mut driver = Driver::new(policy, hold);
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
    assert!(driver.request("POST", "/mcp", &[], Some(body.as_bytes())), "{:?}", driver.seen);
    driver
}
