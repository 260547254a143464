//! Exchanges of captures, one by one, into the inventory.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_filter::mcp::era::META_VERSION;
use tidegate_filter::mcp::method::{self, Kind};

use super::caller::{Caller, Callers};
use super::inventory::{Annotations, Direction, Inventory, SecretSeen, Server, ServerKey, Usage};
use super::message;
use super::secrets::Secrets;
use crate::capture::{Exchange, header};

const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// Reads exchanges and keeps what they show.
#[derive(Debug)]
pub struct Learner {
    inventory: Inventory,
    callers: Callers,
    secrets: Secrets,
}

/// A request that waits for its answer.
struct Waiting {
    method: String,
    target: Option<String>,
}

impl Learner {
    /// A learner that has seen nothing; `callers` is whom requests are taken to come from.
    pub fn new(callers: Callers) -> Self {
        Self { inventory: Inventory::default(), callers, secrets: Secrets::new() }
    }

    /// What was seen so far.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Adds a live server's listing.
    pub fn add_live(&mut self, key: ServerKey, server: Server) {
        let known = self.inventory.servers.entry(key).or_default();
        known.is_live = true;
        known.info = server.info.or_else(|| known.info.take());
        known.revisions.extend(server.revisions);
        for (name, tool) in server.tools {
            let own = known.tools.entry(name).or_default();
            (own.listed, own.annotations) = (true, tool.annotations);
        }
        for (own, listed) in [(&mut known.resources, server.resources), (&mut known.prompts, server.prompts)] {
            for name in listed.into_keys() {
                own.entry(name).or_default().listed = true;
            }
        }
    }

    /// Adds an exchange.
    pub fn add(&mut self, exchange: &Exchange) {
        self.inventory.exchanges += 1;
        let request = &exchange.request;
        let messages = message::all(&request.headers, &request.body);
        let is_mcp = !messages.is_empty()
            || request.headers.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("mcp-"))
            || (request.method == "GET"
                && header(&request.headers, "accept").is_some_and(|it| it.contains("text/event-stream")));
        let is_broken = request.method == "POST" && (messages.len() != 1 || is_batch(&request.body));
        if !is_mcp {
            let looks_alike = is_broken && request.body.windows(9).any(|window| window == b"\"jsonrpc\"");
            *(if looks_alike { &mut self.inventory.unreadable } else { &mut self.inventory.other }) += 1;
            return;
        }
        if is_broken {
            self.inventory.unreadable += 1;
            return;
        }
        if exchange.response.as_ref().is_some_and(|it| matches!(it.status, 401 | 403)) {
            self.inventory.unauthorized += 1;
            return;
        }
        let caller = self.caller(exchange);
        let server = self.inventory.servers.entry(key(exchange)).or_default();
        let mut seen = Seen { server, caller: caller.as_ref(), secrets: &self.secrets };
        seen.exchange(exchange, &messages);
    }

    fn caller(&mut self, exchange: &Exchange) -> Option<Caller> {
        let found = match &self.callers {
            Callers::Unknown => return None,
            Callers::Tokens => Caller::of_token(&exchange.request.headers),
            Callers::One(caller) => Some((caller.clone(), caller.vouched())),
        };
        let Some((caller, issuer)) = found else {
            self.inventory.nameless += 1;
            return None;
        };
        match self.inventory.issuers.get_mut(&caller.issuer) {
            Some(known) => known.merge(&issuer),
            None => {
                self.inventory.issuers.insert(caller.issuer.clone(), issuer);
            }
        }
        Some(caller)
    }
}

/// The server that an exchange was for.
fn key(exchange: &Exchange) -> ServerKey {
    let target = &exchange.request.target;
    let path = target.path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let path = if path.is_empty() { "/" } else { path };
    ServerKey { authority: target.authority.to_ascii_lowercase(), path: path.to_owned() }
}

fn is_batch(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// One exchange with one server.
struct Seen<'l> {
    server: &'l mut Server,
    caller: Option<&'l Caller>,
    secrets: &'l Secrets,
}

impl Seen<'_> {
    fn exchange(&mut self, exchange: &Exchange, messages: &[Value]) {
        let request = &exchange.request;
        self.server.exchanges += 1;
        self.server.callers.entry(self.caller.cloned()).or_default().count(self.caller);
        self.server.request_bytes += length(&request.body);
        if let Some(version) = header(&request.headers, "mcp-protocol-version") {
            self.server.revisions.insert(version.to_owned());
        }
        let mut waiting: BTreeMap<String, Waiting> = BTreeMap::new();
        for message in messages {
            self.request(message, &request.body, &mut waiting);
        }
        let Some(response) = &exchange.response else { return };
        let body = response.body();
        self.server.response_bytes += length(&body);
        let mut failed = !messages.is_empty() && response.status >= 400;
        for message in message::all(&response.headers, &body) {
            failed |= self.answer(&message, &waiting);
        }
        if failed {
            self.server.callers.entry(self.caller.cloned()).or_default().errors += 1;
            for waiting in waiting.values() {
                self.usages(waiting, |usage| usage.errors += 1);
            }
        }
    }

    fn request(&mut self, message: &Value, body: &[u8], waiting: &mut BTreeMap<String, Waiting>) {
        let Some(method) = message.get("method").and_then(Value::as_str) else { return };
        let params = message.get("params").unwrap_or(&Value::Null);
        self.introduction(params);
        let target = target(method, params);
        let found = self.secrets.of(Direction::Request, tool(method, target.as_deref()), body);
        self.server.requests_with_secrets += u64::from(!found.is_empty());
        self.note_secrets(Direction::Request, target.as_deref().unwrap_or(method), found);
        // A notification asks for nothing, and needs no rule.
        let Some(id) = message.get("id") else { return };
        let waits = Waiting { method: method.to_owned(), target };
        let caller = self.caller.cloned();
        self.usages(&waits, |usage| usage.count(caller.as_ref()));
        let subscribed = params.pointer("/notifications/resourceSubscriptions").and_then(Value::as_array);
        for uri in subscribed.into_iter().flatten().filter_map(Value::as_str) {
            self.server.resources.entry(uri.to_owned()).or_default().usage.count(self.caller);
        }
        waiting.insert(id.to_string(), waits);
    }

    /// Who the client says it is, and what it speaks.
    fn introduction(&mut self, params: &Value) {
        let meta = params.get("_meta");
        let version = params.get("protocolVersion").or_else(|| meta?.get(META_VERSION)).and_then(Value::as_str);
        self.server.revisions.extend(version.map(str::to_owned));
        if let Some((name, version)) =
            params.get("clientInfo").or_else(|| meta?.get(META_CLIENT)).and_then(implementation)
        {
            *self.server.clients.entry(format!("{name} {version}").trim_end().to_owned()).or_default() += 1;
        }
    }

    /// The counts of all that one request uses.
    fn usages(&mut self, waiting: &Waiting, change: impl Fn(&mut Usage)) {
        let server = &mut *self.server;
        change(server.methods.entry(waiting.method.clone()).or_default());
        let Some(name) = waiting.target.clone() else { return };
        match method::kind(&waiting.method) {
            Kind::CallTool => change(&mut server.tools.entry(name).or_default().usage),
            Kind::Resource => change(&mut server.resources.entry(name).or_default().usage),
            Kind::Prompt => change(&mut server.prompts.entry(name).or_default().usage),
            Kind::Completion => match name.strip_prefix("prompt ") {
                Some(name) => change(&mut server.prompts.entry(name.to_owned()).or_default().usage),
                None => change(&mut server.resources.entry(name).or_default().usage),
            },
            _ => {}
        }
    }

    /// Reads what the server sent; tells whether it is the answer to a request that failed.
    fn answer(&mut self, message: &Value, waiting: &BTreeMap<String, Waiting>) -> bool {
        let awaited = message.get("id").and_then(|id| waiting.get(&id.to_string()));
        let of = awaited.map_or("-", |it| it.target.as_deref().unwrap_or(&it.method)).to_owned();
        let called = awaited.and_then(|it| tool(&it.method, it.target.as_deref()));
        let found = self.secrets.of(Direction::Response, called, message.to_string().as_bytes());
        self.note_secrets(Direction::Response, &of, found);
        if let (Some(method), Some(_)) = (message.get("method").and_then(Value::as_str), message.get("id")) {
            self.server.asked.entry(method.to_owned()).or_default().count(self.caller);
        }
        if message.get("error").is_some() {
            return awaited.is_some();
        }
        let Some(result) = message.get("result") else { return false };
        for request in result.get("inputRequests").and_then(Value::as_object).into_iter().flat_map(|it| it.values()) {
            if let Some(method) = request.get("method").and_then(Value::as_str) {
                self.server.asked.entry(method.to_owned()).or_default().count(self.caller);
            }
        }
        let info = result.get("serverInfo").or_else(|| result.pointer("/_meta/io.modelcontextprotocol~1serverInfo"));
        if let Some(info) = info.and_then(implementation) {
            self.server.info = Some(info);
        }
        self.server.revisions.extend(result.get("protocolVersion").and_then(Value::as_str).map(str::to_owned));
        self.listed(result);
        awaited.is_some() && result.get("isError").and_then(Value::as_bool) == Some(true)
    }

    fn listed(&mut self, result: &Value) {
        let entries = |member: &str| result.get(member).and_then(Value::as_array).into_iter().flatten();
        let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        for entry in entries("tools") {
            let Some(name) = text(entry, "name") else { continue };
            let tool = self.server.tools.entry(name).or_default();
            (tool.listed, tool.annotations) = (true, annotations(entry.get("annotations")));
        }
        for (member, key) in [("resources", "uri"), ("resourceTemplates", "uriTemplate")] {
            for uri in entries(member).filter_map(|entry| text(entry, key)) {
                self.server.resources.entry(uri).or_default().listed = true;
            }
        }
        for name in entries("prompts").filter_map(|entry| text(entry, "name")) {
            self.server.prompts.entry(name).or_default().listed = true;
        }
    }

    fn note_secrets(&mut self, direction: Direction, of: &str, found: Vec<(String, String, u64)>) {
        for (detector, pointer, count) in found {
            let seen = SecretSeen { direction, detector, of: of.to_owned(), pointer };
            *self.server.secrets.entry(seen).or_default() += count;
        }
    }
}

fn length(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}

/// What a request is for. Of a completion it is the URI, or `prompt ` and the name.
fn target(method: &str, params: &Value) -> Option<String> {
    let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str);
    match method::kind(method) {
        Kind::CallTool | Kind::Prompt => text("/name").map(str::to_owned),
        Kind::Resource => text("/uri").map(str::to_owned),
        Kind::Completion => {
            text("/ref/uri").map(str::to_owned).or_else(|| text("/ref/name").map(|name| format!("prompt {name}")))
        }
        _ => None,
    }
}

fn tool<'t>(method: &str, target: Option<&'t str>) -> Option<&'t str> {
    target.filter(|_| method == "tools/call")
}

fn implementation(value: &Value) -> Option<(String, String)> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some((text("name")?, text("version").unwrap_or_default()))
}

pub(super) fn annotations(value: Option<&Value>) -> Annotations {
    let hint = |name: &str| value.and_then(|it| it.get(name)).and_then(Value::as_bool);
    Annotations {
        read_only: hint("readOnlyHint"),
        destructive: hint("destructiveHint"),
        idempotent: hint("idempotentHint"),
        open_world: hint("openWorldHint"),
    }
}
