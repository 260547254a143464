//! Whole exchanges through the decision core: no proxy-wasm host, no wasm.

use std::hint::black_box;
use std::sync::Arc;

use tidegate_filter::decide::identity::Claim;
use tidegate_filter::exchange::{
    Asked, Call, ChunkStep, Exchange, GrowthStep, HeaderStep, Headers, RequestStep, ResponseStep, Surroundings,
};
use tidegate_filter::metrics;
use tidegate_filter::policy::Configuration;
use tidegate_filter::state::Worker;
use tidegate_filter::state::shared::{SharedData, Unshared};

/// Who calls and where to, as the proxy would tell the filter.
pub trait Circumstances {
    /// A claim of the payload that jwt_authn left under `key`.
    fn claim(&self, _key: &str, _path: &[String]) -> Claim {
        Claim::Absent
    }

    /// The SPIFFE id of the mutual-TLS peer.
    fn peer(&self) -> Option<String> {
        None
    }
}

/// Nobody is known.
#[derive(Debug, Clone, Copy)]
pub struct Unknown;

impl Circumstances for Unknown {}

/// A request and its response, borrowed; headers as Envoy shows them to a filter, pseudo-headers included.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a, H> {
    /// The request's headers.
    pub request_headers: &'a [H],
    /// Its body; empty for one that ends with its headers.
    pub request: &'a [u8],
    /// The response's headers; empty if there is no response.
    pub response_headers: &'a [H],
}

/// What became of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It went through.
    Passed {
        /// The server was sent another body than the client's.
        rewritten: bool,
        /// Bytes of the response that went on.
        response_bytes: usize,
    },
    /// The policy leaves this server alone.
    Ungoverned,
    /// The filter answered the request.
    Answered,
    /// The filter replaced or cut the response.
    Refused,
    /// The request waits for a rate limit service, which there is none of here.
    Suspended,
}

/// A worker's core, with its policy, in hold mode or not as the configuration says.
#[derive(Debug)]
pub struct Core {
    configuration: Arc<Configuration>,
    worker: Arc<Worker>,
    /// Nanoseconds since the Unix epoch.
    now: u64,
}

impl Core {
    /// A core whose clock stands at `now`, in nanoseconds since the Unix epoch.
    pub fn new(configuration: Configuration, now: u64) -> Self {
        let limits = &configuration.policy.limits;
        let worker = Arc::new(Worker::new(limits.buffered_bytes_per_worker, limits.buffered_bytes_per_principal));
        Self { configuration: Arc::new(configuration), worker, now }
    }

    /// One exchange as a host drives it, counters at zero.
    pub fn exchange<'b, N, V, C>(
        &self,
        message: &Message<'_, (N, V)>,
        chunks: impl IntoIterator<Item = &'b [u8]>,
        circumstances: &C,
    ) -> Ending
    where
        N: AsRef<[u8]>,
        V: AsRef<[u8]>,
        C: Circumstances,
    {
        let mut host = Host { circumstances, counters: Unshared::default(), now: self.now };
        let mut exchange = Exchange::new(Arc::clone(&self.configuration), Arc::clone(&self.worker), self.now);
        let ending = drive(&mut exchange, message, chunks, &mut host);
        exchange.on_end(&mut host);
        ending
    }
}

fn drive<'b, N: AsRef<[u8]>, V: AsRef<[u8]>>(
    exchange: &mut Exchange,
    message: &Message<'_, (N, V)>,
    chunks: impl IntoIterator<Item = &'b [u8]>,
    host: &mut dyn Surroundings,
) -> Ending {
    let bodiless = message.request.is_empty();
    let mut rewritten = false;
    match exchange.on_request_headers(&headers(message.request_headers), bodiless, host) {
        HeaderStep::Ungoverned => return Ending::Ungoverned,
        HeaderStep::Reply(_) => return Ending::Answered,
        HeaderStep::Continue(_) => {}
        HeaderStep::Hold(_) if bodiless => {}
        HeaderStep::Hold(_) => match exchange.on_request_growth(message.request.len(), host) {
            GrowthStep::Reply(_) => return Ending::Answered,
            GrowthStep::Forward => {}
            GrowthStep::Hold => match exchange.on_request_end(message.request, host) {
                RequestStep::Forward(changed) => rewritten = changed.is_some(),
                RequestStep::Reply(_) => return Ending::Answered,
                RequestStep::Suspend => return Ending::Suspended,
            },
        },
    }
    let passed = |response_bytes| Ending::Passed { rewritten, response_bytes };
    if message.response_headers.is_empty() {
        return passed(0);
    }
    let mut chunks = chunks.into_iter().peekable();
    let bodiless = chunks.peek().is_none();
    match exchange.on_response_headers(&headers(message.response_headers), bodiless, host) {
        ResponseStep::Open(_) => return passed(chunks.map(<[u8]>::len).sum()),
        ResponseStep::Reply(_) | ResponseStep::Wait => return Ending::Refused,
        ResponseStep::Continue(_) | ResponseStep::Hold(_) => {}
    }
    let (mut sent, mut held) = (0, 0);
    while let Some(chunk) = chunks.next() {
        held += chunk.len();
        match exchange.on_response_chunk(chunk, chunks.peek().is_none(), host) {
            ChunkStep::Hold => {}
            ChunkStep::Pass => sent += std::mem::take(&mut held),
            ChunkStep::Replace(body) | ChunkStep::Rewrite(body) => {
                held = 0;
                sent += body.len();
            }
            ChunkStep::Deny(_) | ChunkStep::Cut => return Ending::Refused,
        }
    }
    passed(sent)
}

fn headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(lines: &[(N, V)]) -> Headers {
    let mut bytes = Vec::with_capacity(512);
    let mut put = |text: &[u8]| {
        let start = bytes.len();
        bytes.extend_from_slice(text);
        (start, bytes.len())
    };
    let ranges: Vec<_> = lines.iter().map(|(name, value)| (put(name.as_ref()), put(value.as_ref()))).collect();
    Headers::from_ranges(bytes, ranges)
}

/// A host that costs nothing.
struct Host<'a, C> {
    circumstances: &'a C,
    counters: Unshared,
    now: u64,
}

impl<C: Circumstances> Surroundings for Host<'_, C> {
    fn now(&mut self) -> u64 {
        self.now
    }

    fn jwt_claim(&mut self, key: &str, path: &[String]) -> Claim {
        self.circumstances.claim(key, path)
    }

    fn peer_spiffe(&mut self) -> Option<String> {
        self.circumstances.peer()
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
        black_box(event);
    }

    fn count(&mut self, decision: metrics::Decision<'_>) {
        black_box(decision.name());
    }

    fn count_redactions(&mut self, redaction: metrics::Redaction<'_>) {
        black_box(redaction.name());
    }

    fn observe(&mut self, server: metrics::Server<'_>, micros: u64) {
        black_box((server, micros));
    }

    fn count_quota(&mut self, count: metrics::QuotaCount<'_>) {
        black_box(count.name());
    }

    fn count_cost(&mut self, charge: metrics::Charge<'_>) {
        black_box(charge.name());
    }

    fn shared_data(&mut self) -> &mut dyn SharedData {
        &mut self.counters
    }

    fn ask(&mut self, _: &Call) -> Option<u32> {
        None
    }

    fn abandon(&mut self, _: u32, _: Asked) {}

    fn tell(&mut self, _: Call) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"version": "tidegate/v1", "name": "p",
        "identity": {"sources": [{"jwt": {"issuer": "i", "team": "team"}}]},
        "servers": [{"name": "free", "match": {"path": "/free"}, "govern": false},
            {"name": "s", "match": {"path": "/"}}],
        "rules": [{"id": "r", "who": {"team": ["a"]}, "allow": {"tools": ["get_x"]}}]}"#;

    struct Ann;

    impl Circumstances for Ann {
        fn claim(&self, _: &str, path: &[String]) -> Claim {
            let known = [("iss", "i"), ("sub", "ann"), ("team", "a")];
            let found = known.into_iter().find(|(name, _)| path.first().is_some_and(|it| it == name));
            found.map_or(Claim::Absent, |(_, value)| Claim::Text(value.to_owned()))
        }
    }

    fn ending(path: &str, tool: &str, who: &impl Circumstances) -> Ending {
        let core = Core::new(tidegate_filter::policy::compile(POLICY.as_bytes()).unwrap().configuration, 0);
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#);
        let request_headers = [
            (":authority", "h"),
            (":path", path),
            (":method", "POST"),
            (":scheme", "http"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let message = Message {
            request_headers: &request_headers,
            request: request.as_bytes(),
            response_headers: &[(":status", "200"), ("content-type", "application/json")],
        };
        let response: &[u8] = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
        core.exchange(&message, response.chunks(10), who)
    }

    #[test]
    fn the_core_judges_as_it_does_in_the_filter() {
        assert_eq!(ending("/m", "get_x", &Ann), Ending::Passed { rewritten: false, response_bytes: 48 });
        assert_eq!(ending("/m", "drop_x", &Ann), Ending::Answered);
        assert_eq!(ending("/m", "get_x", &Unknown), Ending::Answered, "nobody has a right here");
        assert_eq!(ending("/free", "drop_x", &Unknown), Ending::Ungoverned);
    }
}
