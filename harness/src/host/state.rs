//! What host calls read and write: the data of the wasmtime store.

use std::collections::{BTreeMap, HashMap};

use wasmtime::{Memory, StoreLimits, StoreLimitsBuilder, TypedFunc};

use super::headers::Headers;
use super::message::{Event, LocalReply, Message, Released, Side};
use super::options::Options;
use super::property::{Properties, Value};
use super::shared::{LogLevel, LogLine, Shared};
use super::{Direction, Protocol};

/// Envoy gives V8 at most 1 GiB.
const MAX_MEMORY: usize = 1 << 30;

/// What a host call asked for that happens once the callback has returned.
pub(crate) enum Action {
    LocalReply { stream: u64, status: u16, headers: Headers, body: Vec<u8>, details: String },
    Continue { stream: u64, direction: Direction },
    Close { stream: u64 },
    TooLarge { stream: u64, direction: Direction },
}

/// Whether a filter lets the rest of a message through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Iteration {
    #[default]
    Continue,
    /// Stopped, but the filter still sees what comes next.
    StopSingle,
    /// Stopped, and what comes next is kept from the filter as well.
    StopAll,
}

/// One message (request or response) on its way through the filter.
#[derive(Default)]
pub(crate) struct Flow {
    pub(crate) headers: Option<Headers>,
    /// Whether the filter may reach the headers.
    pub(crate) headers_alive: bool,
    pub(crate) trailers: Option<Headers>,
    pub(crate) trailers_alive: bool,
    /// The chunk in flight.
    pub(crate) current: Option<Vec<u8>>,
    /// Whether the filter may reach the chunk in flight.
    pub(crate) current_alive: bool,
    /// What was held back so far.
    pub(crate) buffered: Option<Vec<u8>>,
    /// The filter's own note that it holds the body back: its body is then `buffered`, not `current`.
    pub(crate) buffering: bool,
    pub(crate) iteration: Iteration,
    pub(crate) headers_continued: bool,
    /// The message's end was seen, be it not released yet.
    pub(crate) end_seen: bool,
    /// The buffer limit was hit and the buffer not been drained since.
    pub(crate) over_limit: bool,
    pub(crate) aborted: bool,
    /// Depth of filter callbacks of this direction.
    pub(crate) in_callback: u32,
}

impl Flow {
    /// What the filter sees as the body.
    pub(crate) fn body(&mut self) -> Option<&mut Vec<u8>> {
        if self.buffering { self.buffered.as_mut() } else { self.current.as_mut().filter(|_| self.current_alive) }
    }

    /// Notes that the buffer was added to; true the first time that it is over the limit.
    pub(crate) fn overflows(&mut self, limit: usize) -> bool {
        let len = self.buffered.as_ref().map_or(0, Vec::len);
        if len <= limit / 2 {
            self.over_limit = false;
        }
        let over = limit > 0 && len > limit && !self.over_limit;
        self.over_limit |= over;
        over
    }
}

/// One HTTP exchange.
pub(crate) struct StreamState {
    pub(crate) protocol: Protocol,
    pub(crate) upstream_protocol: Protocol,
    /// Which VM it belongs to: after a reload the streams of the old one fail.
    pub(crate) generation: u64,
    pub(crate) context: u32,
    /// The guest was told of it.
    pub(crate) created: bool,
    pub(crate) request: Flow,
    pub(crate) response: Flow,
    pub(crate) properties: Properties,
    /// Filter state written by `proxy_set_property`.
    pub(crate) written: BTreeMap<String, Vec<u8>>,
    pub(crate) started_at: u64,
    pub(crate) end_of_stream: bool,
    /// The end of a response entered the filter chain; Envoy drops the rest of the request from then on.
    pub(crate) local_complete: bool,
    pub(crate) response_started: bool,
    pub(crate) response_headers_sent: bool,
    /// The 503 for a failed VM went out; the guest is not called for it.
    pub(crate) failed: bool,
    pub(crate) prepared: Option<LocalReply>,
    pub(crate) access_log: bool,
    pub(crate) ended: bool,
    pub(crate) upstream_response_ended: bool,
    pub(crate) local_replies: Vec<LocalReply>,
    pub(crate) upstream: Message,
    pub(crate) downstream: Message,
    pub(crate) events: Vec<Event>,
    pub(crate) step: usize,
    pub(crate) during: Option<&'static str>,
}

impl StreamState {
    pub(crate) fn flow(&mut self, direction: Direction) -> &mut Flow {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    pub(crate) fn flow_ref(&self, direction: Direction) -> &Flow {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    /// Records what went out to a side.
    pub(crate) fn release(&mut self, side: Side, what: Released) {
        let message = match side {
            Side::Upstream => &mut self.upstream,
            Side::Downstream => &mut self.downstream,
        };
        if message.reset || message.ended {
            return;
        }
        message.apply(&what);
        self.events.push(Event { step: self.step, during: self.during, side, what });
    }
}

/// A call to another cluster that the guest asked for.
#[derive(Clone, Debug)]
pub struct Callout {
    /// What `proxy_http_call` returned to the guest.
    pub token: u32,
    /// The cluster it goes to.
    pub cluster: String,
    /// Request headers.
    pub headers: Headers,
    /// Request body.
    pub body: Vec<u8>,
    /// Request trailers.
    pub trailers: Headers,
    /// Milliseconds; 0 for none.
    pub timeout: u32,
}

/// What a callout got back, while the guest is told of it.
pub(crate) struct CalloutReply {
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Headers,
}

pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) shared: Shared,
    pub(crate) limits: StoreLimits,
    pub(crate) memory: Option<Memory>,
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
    pub(crate) generation: u64,
    pub(crate) next_context: u32,
    pub(crate) root: u32,
    /// Contexts of streams.
    pub(crate) contexts: HashMap<u32, u64>,
    pub(crate) streams: BTreeMap<u64, StreamState>,
    pub(crate) next_stream: u64,
    pub(crate) current: u32,
    pub(crate) effective: u32,
    /// The plugin configuration can be read.
    pub(crate) configuring: bool,
    pub(crate) stop_iteration: bool,
    pub(crate) actions: Vec<Action>,
    pub(crate) tick_period: u32,
    pub(crate) metric_ids: HashMap<u32, String>,
    pub(crate) next_metric: [u32; 3],
    pub(crate) callouts: Vec<Callout>,
    pub(crate) next_callout: u32,
    pub(crate) callout_reply: Option<CalloutReply>,
    pub(crate) random: u64,
}

impl State {
    pub(crate) fn new(options: Options, generation: u64) -> Self {
        let random = options.random_seed;
        Self {
            options,
            shared: Shared::default(),
            limits: StoreLimitsBuilder::new().memory_size(MAX_MEMORY).build(),
            memory: None,
            allocate: None,
            generation,
            next_context: 1,
            root: 0,
            contexts: HashMap::new(),
            streams: BTreeMap::new(),
            next_stream: 1,
            current: 0,
            effective: 0,
            configuring: false,
            stop_iteration: false,
            actions: Vec::new(),
            tick_period: 0,
            metric_ids: HashMap::new(),
            next_metric: [4, 5, 6],
            callouts: Vec::new(),
            next_callout: 1,
            callout_reply: None,
            random,
        }
    }

    /// The state of a new VM that takes over what outlives the old one.
    pub(crate) fn reload(self) -> Self {
        let mut new = Self::new(self.options, self.generation + 1);
        new.shared = self.shared;
        new.streams = self.streams;
        new.next_stream = self.next_stream;
        new
    }

    pub(crate) fn allocate_context(&mut self) -> u32 {
        let id = self.next_context;
        self.next_context = self.next_context.wrapping_add(1).max(1);
        id
    }

    pub(crate) fn context_exists(&self, id: u32) -> bool {
        id == 0 || id == self.root || self.contexts.contains_key(&id)
    }

    /// The context that a host call acts on.
    pub(crate) fn acting_context(&self) -> u32 {
        if self.effective != 0 && self.context_exists(self.effective) { self.effective } else { self.current }
    }

    /// The stream that a host call acts on; none in the root context.
    pub(crate) fn acting_stream(&mut self) -> Option<(u64, &mut StreamState)> {
        let key = *self.contexts.get(&self.acting_context())?;
        Some((key, self.streams.get_mut(&key)?))
    }

    pub(crate) fn log(&mut self, level: LogLevel, text: &[u8]) {
        self.shared.logs.push(LogLine { level, text: String::from_utf8_lossy(text).into_owned() });
    }

    /// Pseudo-random bytes (splitmix64) from the seed in the options.
    pub(crate) fn random_bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.random;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    /// A header map by the ABI's number, as it may be read. `None`: not there now.
    pub(crate) fn map(&mut self, map: u32) -> Option<&Headers> {
        match map {
            6 => return self.callout_reply.as_ref().map(|reply| &reply.headers),
            7 => return self.callout_reply.as_ref().map(|reply| &reply.trailers),
            _ => {}
        }
        let (_, stream) = self.acting_stream()?;
        match (map, stream.access_log) {
            (0, true) => stream.request.headers.as_ref(),
            (2, true) => stream.response.headers.as_ref(),
            (3, true) => stream.response.trailers.as_ref(),
            (0, false) if stream.request.headers_alive => stream.request.headers.as_ref(),
            (1, false) if stream.request.trailers_alive => stream.request.trailers.as_ref(),
            (2, false) if stream.response.headers_alive => stream.response.headers.as_ref(),
            (3, false) if stream.response.trailers_alive => stream.response.trailers.as_ref(),
            _ => None,
        }
    }

    /// A header map as it may be changed. Asking for the trailers in the last body callback makes them.
    pub(crate) fn map_mut(&mut self, map: u32) -> Option<&mut Headers> {
        let (_, stream) = self.acting_stream()?;
        let end = stream.end_of_stream;
        let flow = stream.flow(if map < 2 { Direction::Request } else { Direction::Response });
        match map {
            0 | 2 if flow.headers_alive => flow.headers.as_mut(),
            1 | 3 => {
                if !flow.trailers_alive && flow.current_alive && end {
                    flow.trailers.get_or_insert_default();
                    flow.trailers_alive = true;
                }
                if flow.trailers_alive { flow.trailers.as_mut() } else { None }
            }
            _ => None,
        }
    }

    /// The value of a property of the acting context. `Err`: there, but it cannot be serialised.
    pub(crate) fn property(&mut self, path: &[u8]) -> Option<Result<Vec<u8>, ()>> {
        let path = String::from_utf8_lossy(path).into_owned();
        if path.is_empty() {
            return Some(Err(()));
        }
        let path = path.strip_suffix('\0').unwrap_or(&path);
        let segments: Vec<&str> = path.split('\0').collect();
        if let Some(value) = self.live_property(&segments) {
            return Some(value.serialize().ok_or(()));
        }
        let (_, stream) = self.acting_stream()?;
        if let Some(value) = stream.properties.get(segments.iter().copied()) {
            return Some(value.serialize().ok_or(()));
        }
        let written = match segments.as_slice() {
            [name] => stream.written.get(*name),
            ["filter_state", name] => stream.written.get(name.strip_prefix("wasm.")?),
            _ => None,
        };
        Some(Ok(written?.clone()))
    }

    /// Properties that follow from the options and the traffic.
    fn live_property(&mut self, segments: &[&str]) -> Option<Value> {
        match segments {
            ["plugin_name"] => return Some(self.options.plugin_name.as_str().into()),
            ["plugin_root_id"] => return Some(self.options.root_id.as_str().into()),
            ["plugin_vm_id"] => return Some(self.options.vm_id.as_str().into()),
            _ => {}
        }
        let request = self.map(0).cloned();
        let response = self.map(2).cloned();
        let trailers = self.map(3).cloned();
        let (_, stream) = self.acting_stream()?;
        match segments {
            ["request", "time"] => Some(Value::Int(i64::try_from(stream.started_at).unwrap_or(i64::MAX))),
            ["request", "protocol"] => Some(stream.protocol.name().into()),
            ["request", rest @ ..] => request_attribute(&request?, rest),
            ["response", "headers", name] => Some(response?.joined(name)?.into()),
            ["response", "trailers", name] => Some(trailers?.joined(name)?.into()),
            ["response", "code"] => {
                let status = stream.response.headers.as_ref()?.text(":status")?.parse().ok()?;
                Some(Value::Int(status))
            }
            ["response", "code_details"] => {
                let details = stream.local_replies.first().map(|reply| reply.details.clone());
                let details = details.or_else(|| stream.response_started.then(|| "via_upstream".to_owned()));
                details.map(Value::from)
            }
            _ => None,
        }
    }
}

fn request_attribute(headers: &Headers, rest: &[&str]) -> Option<Value> {
    let path = || headers.text(":path");
    Some(match rest {
        ["path"] => path()?.into(),
        ["url_path"] => path()?.split('?').next().unwrap_or_default().into(),
        ["query"] => path()?.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default().into(),
        ["host"] => headers.get(":authority")?.to_vec().into(),
        ["scheme"] => headers.get(":scheme")?.to_vec().into(),
        ["method"] => headers.get(":method")?.to_vec().into(),
        ["referer"] => headers.get("referer")?.to_vec().into(),
        ["useragent"] => headers.get("user-agent")?.to_vec().into(),
        ["id"] => headers.get("x-request-id")?.to_vec().into(),
        ["headers", name] => headers.joined(name)?.into(),
        _ => return None,
    })
}
