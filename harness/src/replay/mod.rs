//! Captured traffic through the `.wasm`, without Envoy: what the filter decided, and what became of the bytes.
//!
//! Nothing is decided here. Verdicts are the filter's own audit events, and changes are what came out of it compared with
//! what went in.

mod caller;
mod message;
mod native;
mod stage;

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tidegate_filter::policy::Configuration;
use time::OffsetDateTime;

use crate::capture::{Exchange, Request, Response, Target};
use crate::envoy::audit::{Event, Redaction};
use crate::envoy::policy_text;
use crate::host::{Clock, Finished, Http, LogLine, Module, Options, Protocol, Released, Side, StartError, Vm};

pub use caller::{Caller, CallerError, Claimed, TokenFault, supply, tokens};
pub use message::{HeaderChanges, cut_finely};
pub use native::{as_started, trace};
pub use stage::{Staged, stage};

/// How captured traffic is replayed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Request headers wait for the verdict on the body.
    pub hold_headers: bool,
    /// Who calls.
    pub caller: Caller,
    /// The time of every exchange, if it is not to be the exchange's own.
    pub now: Option<OffsetDateTime>,
    /// The time of exchanges that have none.
    pub started: OffsetDateTime,
    /// Envoy's name of the route, where the policy matches servers by it.
    pub route: Option<String>,
    /// Envoy's name of the cluster, where the policy matches servers by it.
    pub cluster: Option<String>,
    /// Whether every exchange is replayed a second time, byte by byte, and must come out the same.
    pub byte_by_byte: bool,
}

/// Why a replay cannot go on: nothing of this is in the traffic's power.
#[derive(Debug)]
pub enum ReplayError {
    /// The filter did not take the policy.
    Start(StartError),
    /// The filter trapped. In Envoy every stream of its worker would have been reset.
    Trap(String),
    /// The same bytes in other pieces came out differently: what differs.
    Chunking(String),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the filter does not start: {error}"),
            Self::Trap(trap) => write!(f, "the filter trapped: {trap}"),
            Self::Chunking(what) => {
                write!(f, "sent byte by byte, the same exchange comes out differently: {what}")
            }
        }
    }
}

impl std::error::Error for ReplayError {}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The server was sent all of it.
    Whole,
    /// The server was sent its headers and a reset.
    Headers,
    /// The server was sent nothing.
    Nothing,
}

/// What came of one exchange.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The filter's `decision` events, in their order; those with `direction` `response` are about the response.
    pub decisions: Vec<Event>,
    /// The filter's `completion` events: what a decision cost in the end, among other things.
    pub completions: Vec<Event>,
    /// Names of list entries that were left out.
    pub hidden: Vec<String>,
    /// Secrets in what the server sent. Those in a request are in its decision.
    pub redactions: Vec<Redaction>,
    /// Policy leaves this server alone.
    pub ungoverned: bool,
    /// How far the request got.
    pub sent: Sent,
    /// The body that the server was sent is not the one that the client sent.
    pub request_rewritten: bool,
    /// What the filter did to the request's headers, if they reached the server.
    pub request_headers: HeaderChanges,
    /// The server was asked, and the body that the client was sent is not the one that the server sent.
    pub response_rewritten: bool,
    /// How the response's headers differ from the server's, if the server was asked.
    pub response_headers: HeaderChanges,
    /// The response was cut before its end.
    pub cut: bool,
    /// The capture has a whole response, and the exchange did not end all the same.
    pub hung: bool,
    /// What the bearer token of the request could not be used for, where tokens are trusted.
    pub token: Option<TokenFault>,
    /// The traffic as the filter changed it. A request that did not reach the server is as it was.
    pub result: Exchange,
}

impl Replayed {
    /// HTTP status that the client got.
    pub fn status(&self) -> Option<u16> {
        self.result.response.as_ref().map(|it| it.status)
    }
}

/// One VM with a policy, through which exchanges go one after the other.
#[derive(Debug)]
pub struct Replayer {
    settings: Settings,
    vm: Vm,
    clock: Clock,
    /// What each exchange is repeated in, byte by byte.
    twin: Option<(Vm, Clock)>,
}

impl Replayer {
    /// Starts the filter with a policy: `text` as its author wrote it, and what it compiles to.
    ///
    /// # Errors
    /// The filter does not take the policy.
    pub fn start(
        module: &Module,
        text: &str,
        configuration: &Configuration,
        settings: Settings,
    ) -> Result<Self, ReplayError> {
        let vm = || {
            let clock = Clock::fixed(settings.started.into());
            let options = Options {
                configuration: plugin_configuration(text, settings.hold_headers).into_bytes(),
                hold_flag: settings.hold_headers,
                // As `render` does it.
                buffer_limit: if settings.hold_headers { held_bytes(configuration) } else { 1 << 20 },
                clock: clock.clone(),
                ..Options::default()
            };
            let vm = Vm::start(module, options).map_err(ReplayError::Start)?;
            vm.take_logs();
            Ok((vm, clock))
        };
        let (first, clock) = vm()?;
        let twin = if settings.byte_by_byte { Some(vm()?) } else { None };
        Ok(Self { settings, vm: first, clock, twin })
    }

    /// Changes for the exchanges that follow who calls and when, and Envoy's names of the route and the cluster.
    pub fn situate(
        &mut self,
        caller: Caller,
        now: Option<OffsetDateTime>,
        route: Option<String>,
        cluster: Option<String>,
    ) {
        (self.settings.caller, self.settings.now) = (caller, now);
        (self.settings.route, self.settings.cluster) = (route, cluster);
    }

    /// Replays one exchange.
    ///
    /// # Errors
    /// The filter trapped, or is not indifferent to how bytes are cut into pieces.
    pub fn replay(&self, exchange: &Exchange) -> Result<Replayed, ReplayError> {
        let at = self.settings.now.or(exchange.at).unwrap_or(self.settings.started);
        let (supplied, token) = self.settings.caller.supply(&exchange.request, at);
        let protocol = if exchange.http2 { Protocol::Http2 } else { Protocol::Http1 };
        let request = message::request(exchange, &supplied.headers);
        let response = exchange.response.as_ref().map(|it| message::response(it, exchange));
        let run = |vm: &Vm, clock: &Clock, request: &Http, response: Option<&Http>| {
            clock.set(at.into());
            let before = ungoverned(vm);
            let mut properties = supplied.properties.clone();
            for (path, name) in [("xds/route_name", &self.settings.route), ("xds/cluster_name", &self.settings.cluster)]
            {
                if let Some(name) = name {
                    properties.set(path, name.clone());
                }
            }
            vm.set_properties(properties);
            let finished = vm.stream(protocol).play(request, |_| response.cloned());
            end_collapsing(vm, clock, at.into());
            match vm.failure() {
                Some(trap) => Err(ReplayError::Trap(trap)),
                None => Ok((finished, vm.take_logs(), ungoverned(vm) > before)),
            }
        };
        let (finished, logs, ungoverned) = run(&self.vm, &self.clock, &request, response.as_ref())?;
        if let Some((vm, clock)) = &self.twin {
            let pieces = |message: &Http| message::in_pieces(message);
            let (other, other_logs, _) = run(vm, clock, &pieces(&request), response.as_ref().map(pieces).as_ref())?;
            if let Some(what) = difference(&finished, &other).or_else(|| difference_in_audit(&logs, &other_logs)) {
                return Err(ReplayError::Chunking(what));
            }
        }
        Ok(Replayed { token, ungoverned, ..outcome(exchange, &request, response.as_ref(), &finished, &logs) })
    }
}

/// The mode, and the policy as its author wrote it, without the host settings of a deployment but for its stores; an audit
/// of allowed calls is switched on, for it is what tells of the decisions.
fn plugin_configuration(text: &str, hold: bool) -> String {
    let mut policy = policy_text(text).to_owned();
    if let Some(span) = tidegate_filter::json::locate(policy.as_bytes(), "/audit/allowed")
        && policy.get(span.start..span.end) == Some("false")
    {
        policy.replace_range(span.start..span.end, "true");
    }
    // Without its stores a policy with quotas of a fleet is none; no service answers here, and `on_store_error` decides.
    let stores = tidegate_filter::json::locate(text.as_bytes(), "/host/stores");
    let stores = stores.and_then(|span| text.get(span.start..span.end));
    let stores = stores.map(|stores| format!(",\"stores\":{stores}")).unwrap_or_default();
    format!("{{\"host\":{{\"hold_headers\":{hold}{stores}}},\"layers\":[{policy}]}}")
}

fn held_bytes(configuration: &Configuration) -> usize {
    let limits = &configuration.policy.limits;
    limits.request_bytes.max(limits.list_bytes).max(limits.event_bytes).saturating_mul(2)
}

/// Lets the filter's window for equal refusals pass, so that each exchange's decisions are written one by one.
fn end_collapsing(vm: &Vm, clock: &Clock, at: SystemTime) {
    clock.set(at + Duration::from_secs(2));
    vm.tick();
    clock.set(at);
}

/// How many exchanges the filter has counted as ungoverned.
fn ungoverned(vm: &Vm) -> u64 {
    vm.counted(|name| name.contains(".verdict.ungoverned."))
}

fn outcome(
    exchange: &Exchange,
    request: &Http,
    response: Option<&Http>,
    finished: &Finished,
    logs: &[LogLine],
) -> Replayed {
    let events: Vec<Event> = logs.iter().filter_map(|line| Event::from_json(&line.text)).collect();
    let names = |event: &Event| -> Vec<String> {
        let hidden = event.json().get("hidden").and_then(Value::as_array);
        hidden.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let hidden = events.iter().flat_map(names).collect();
    // What a decision on a response tells, the completion of its exchange repeats.
    let is_told =
        events.iter().any(|event| event.text("direction") == Some("response") && !event.redactions().is_empty());
    let completions = events.iter().filter(|event| !is_told && event.kind() == "completion");
    let redactions = completions.flat_map(Event::redactions).collect();
    let (decisions, others): (Vec<Event>, Vec<Event>) =
        events.into_iter().partition(|event| event.kind() == "decision");
    let sent = match &finished.upstream {
        message if message.ended => Sent::Whole,
        message if message.headers.is_some() => Sent::Headers,
        _ => Sent::Nothing,
    };
    let downstream = &finished.downstream;
    let given = response.filter(|_| sent == Sent::Whole);
    let headers = |message: &crate::host::Message| message.headers.clone().unwrap_or_default();
    Replayed {
        decisions,
        completions: others.into_iter().filter(|event| event.kind() == "completion").collect(),
        hidden,
        redactions,
        ungoverned: false,
        sent,
        request_rewritten: sent == Sent::Whole && finished.upstream.body != request.chunks.concat(),
        request_headers: if sent == Sent::Nothing {
            HeaderChanges::default()
        } else {
            HeaderChanges::between(&request.headers, &headers(&finished.upstream))
        },
        response_rewritten: given.is_some_and(|it| it.chunks.concat() != downstream.body),
        response_headers: given.map(|it| HeaderChanges::between(&it.headers, &headers(downstream))).unwrap_or_default(),
        cut: downstream.reset && given.is_some(),
        hung: finished.hung && response.is_some(),
        token: None,
        result: result(exchange, finished, sent),
    }
}

/// The exchange as the two peers saw it.
fn result(exchange: &Exchange, finished: &Finished, sent: Sent) -> Exchange {
    let mut result = exchange.clone();
    if let (Sent::Whole, Some(headers)) = (sent, &finished.upstream.headers) {
        let own = |name: &str, recorded: &str| headers.text(name).unwrap_or_else(|| recorded.to_owned());
        let recorded = &exchange.request.target;
        result.request = Request {
            method: own(":method", &exchange.request.method),
            target: Target {
                scheme: own(":scheme", &recorded.scheme),
                authority: own(":authority", &recorded.authority),
                path: own(":path", &recorded.path),
            },
            headers: message::plain(headers),
            body: finished.upstream.body.clone(),
        };
    }
    let downstream = &finished.downstream;
    let chunks = finished.events.iter().filter(|event| event.side == Side::Downstream);
    let chunks = chunks.filter_map(|event| match &event.what {
        Released::Body(bytes, _) if !bytes.is_empty() => Some(bytes.clone()),
        _ => None,
    });
    result.response = downstream.headers.as_ref().map(|headers| Response {
        status: downstream.status().unwrap_or_default(),
        headers: message::plain(headers),
        chunks: chunks.collect(),
    });
    result
}

/// What differs between the two ways to send the same bytes, if anything does.
fn difference(whole: &Finished, pieces: &Finished) -> Option<String> {
    let sides = [("server", &whole.upstream, &pieces.upstream), ("client", &whole.downstream, &pieces.downstream)];
    for (side, a, b) in sides {
        let faults = [
            ("other headers", a.headers != b.headers),
            ("another body", a.body != b.body),
            ("another end", (a.ended, a.reset) != (b.ended, b.reset)),
        ];
        if let Some((fault, _)) = faults.into_iter().find(|(_, differs)| *differs) {
            return Some(format!("the {side} gets {fault}"));
        }
    }
    None
}

fn difference_in_audit(whole: &[LogLine], pieces: &[LogLine]) -> Option<String> {
    let lines = |logs: &[LogLine]| -> Vec<Value> {
        let parsed =
            logs.iter().map(|line| serde_json::from_str(&line.text).unwrap_or_else(|_| line.text.as_str().into()));
        parsed.map(without_sizes).collect()
    };
    (lines(whole) != lines(pieces)).then(|| "other audit events are written".to_owned())
}

/// How much of a message had come when it was refused depends on the pieces, and on nothing else.
fn without_sizes(mut event: Value) -> Value {
    if let Some(members) = event.as_object_mut() {
        members.retain(|name, _| !["request_bytes", "response_bytes"].contains(&name.as_str()));
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Headers, LogLevel, Message};

    fn finished(upstream: Message, downstream: Message) -> Finished {
        Finished { upstream, downstream, events: Vec::new(), local_replies: Vec::new(), hung: false }
    }

    #[test]
    fn whatever_a_peer_could_notice_is_a_difference() {
        let message = || Message { body: b"abc".to_vec(), ended: true, ..Message::default() };
        let same = finished(message(), message());
        assert_eq!(difference(&same, &same.clone()), None);
        let headers = Some(Headers::new([("content-length", "3")]));
        for (other, expected) in [
            (finished(Message { headers, ..message() }, message()), "the server gets other headers"),
            (finished(message(), Message { body: b"ab".to_vec(), ..message() }), "the client gets another body"),
            (finished(message(), Message { reset: true, ..message() }), "the client gets another end"),
        ] {
            assert_eq!(difference(&same, &other).as_deref(), Some(expected));
        }
    }

    #[test]
    fn audit_events_differ_by_anything_but_sizes() {
        let logs = |text: &str| vec![LogLine { level: LogLevel::Info, text: text.to_owned() }];
        let first = logs(r#"{"verdict":"deny","request_bytes":7}"#);
        assert_eq!(difference_in_audit(&first, &logs(r#"{"verdict":"deny","request_bytes":8}"#)), None);
        assert!(difference_in_audit(&first, &logs(r#"{"verdict":"allow","request_bytes":7}"#)).is_some());
        assert!(difference_in_audit(&first, &[]).is_some());
    }

    #[test]
    fn only_the_audit_of_allowed_calls_is_touched_in_the_policy() {
        let text =
            |allowed: &str| format!("{{ \"name\": \"é\", \"audit\": {{\"allowed\": {allowed}}}, \"x\": false }}\n");
        let expected = format!("{{\"host\":{{\"hold_headers\":true}},\"layers\":[{}]}}", text("true").trim());
        assert_eq!(plugin_configuration(&text("false"), true), expected);
        assert_eq!(plugin_configuration(&text("true"), true), expected);
        let deployed =
            r#"{"host":{"keys":{"redaction":{"env":"K"}},"stores":{"counters":64}},"layers":[{"name":"p"}]}"#;
        let kept = r#"{"host":{"hold_headers":false,"stores":{"counters":64}},"layers":[{"name":"p"}]}"#;
        assert_eq!(plugin_configuration(deployed, false), kept);
    }
}
