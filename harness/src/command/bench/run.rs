//! Exchanges through the filter in wasmtime and through the core, timed in turns.

use std::hint::black_box;
use std::time::Duration;

use miette::miette;
use serde_json::Value;
use tidegate_filter::decide::identity::Claim;
use tidegate_filter::pattern::Pattern;
use tidegate_filter::policy::{Configuration, Effect, Noun, Policy, compile};
use time::OffsetDateTime;

use super::report::{Report, Row};
use super::{Bench, Format};
use crate::capture::{self, Truncated};
use crate::command::{Outcome, input};
use crate::envoy::policy_text;
use crate::host::{Clock, Headers, Http, Module, Options, Properties, Protocol, Vm};
use crate::measure::messages::{self, Sample};
use crate::measure::native::{Circumstances, Core, Ending, Message};
use crate::measure::rounds::{self, Times, Work};
use crate::replay::{Staged, stage};
use crate::report::progress;
use crate::report::style::Style;

/// How often everything has its turn.
const ROUNDS: u32 = 12;
/// So many exchanges of captures are measured; more would have too little time each.
const MOST: usize = 100;
/// A policy that leaves every server alone.
const UNGOVERNED: &str = r#"{"version": "tidegate/v1", "name": "none", "identity": {"anonymous": "allow"},
    "servers": [{"name": "all", "match": {"path": "/"}, "govern": false}],
    "rules": [{"id": "any", "allow": {"tools": ["*"]}}]}"#;

impl Bench {
    pub(in crate::command) fn run(&self) -> miette::Result<Outcome> {
        let policy = input::policy(&self.policy)?;
        let configuration = &policy.compiled.configuration;
        let caller = self.caller.supplied(&configuration.policy.identity)?;
        let samples = self.samples(&configuration.policy)?;
        if cfg!(debug_assertions) {
            eprintln!(
                "tidegate: warning: this is a debug build, whose figures say nothing; run cargo run --release --package \
                 tidegate --features host -- bench …"
            );
        }
        let module = self.module.load()?;
        let now = OffsetDateTime::now_utc();
        let governed = vm(&module, &self.configuration(&policy.text), configuration, !self.no_hold, now)?;
        let free = compile(UNGOVERNED.as_bytes()).map_err(|error| miette!("{error}"))?.configuration;
        let free = vm(&module, &self.configuration(UNGOVERNED), &free, !self.no_hold, now)?;
        let native = compile(self.configuration(&policy.text).as_bytes()).map_err(|error| miette!("{error}"))?;
        let nanoseconds = u64::try_from(now.unix_timestamp_nanos()).unwrap_or_default();
        let core = Core::new(native.configuration, nanoseconds);

        let staged: Vec<Prepared> = samples
            .iter()
            .map(|it| Prepared::new(&it.name, stage(&it.exchange, &caller, now), it.exchange.http2))
            .collect();
        let verdicts: Vec<Verdict> = staged.iter().map(|it| it.verdict(&governed)).collect::<miette::Result<_>>()?;
        let endings: Vec<Ending> = staged.iter().map(|it| it.native(&core)).collect();
        let mut works: Vec<Work<'_>> = Vec::new();
        for prepared in &staged {
            works.push(Box::new(|| prepared.in_wasmtime(&governed)));
            works.push(Box::new(|| prepared.in_wasmtime(&free)));
            works.push(Box::new(|| {
                black_box(prepared.native(&core));
            }));
        }
        let progress = progress::for_stderr();
        let taken = rounds::measure(&mut works, Duration::from_secs_f64(self.seconds), ROUNDS, |round| {
            if round == 0 {
                progress.stage(&format!("measuring for {} s", self.seconds));
            }
            progress.detail(&format!("round {} of {ROUNDS}", round + 1));
        });
        progress.finish();
        drop(works);
        let mut times = taken.into_iter().map(Times::of);
        let mut rows = Vec::new();
        for ((prepared, verdict), ending) in staged.iter().zip(verdicts).zip(endings) {
            let (Some(Some(wasm)), Some(Some(bare)), Some(native)) = (times.next(), times.next(), times.next()) else {
                return Err(miette!(help = "give more --seconds", "there was no time to measure `{}`", prepared.name));
            };
            rows.push(Row {
                name: prepared.name.clone(),
                bytes: prepared.bytes,
                verdict: verdict.word(),
                changed: prepared.verdict(&governed)? != verdict,
                wasm,
                bare,
                // What waits for a service here is not what the filter would go on to do.
                native: native.filter(|_| ending != Ending::Suspended),
            });
        }
        let report = Report {
            policy: format!("{} ({})", configuration.policy.name, configuration.policy.digest),
            seconds: self.seconds,
            rounds: ROUNDS,
            hold: !self.no_hold,
            rows,
        };
        let text = match self.format {
            Format::Text => report.text(Style::for_stdout()),
            Format::Json => format!("{:#}\n", report.json()),
        };
        print(&text)?;
        for note in report.notes() {
            eprintln!("tidegate: {note}");
        }
        Ok(Outcome::Fine)
    }

    fn configuration(&self, document: &str) -> String {
        format!("{{\"host\":{{\"hold_headers\":{}}},\"layers\":[{}]}}", !self.no_hold, policy_text(document))
    }

    fn samples(&self, policy: &Policy) -> miette::Result<Vec<Sample>> {
        if self.messages.is_empty() {
            let path = policy.servers.iter().find(|it| it.govern).and_then(|it| it.matcher.path.clone());
            let path = self.path.clone().or(path).unwrap_or_else(|| "/mcp".to_owned());
            return Ok(messages::built_in(&path, &self.tool.clone().unwrap_or_else(|| allowed_tool(policy))));
        }
        let mut samples = Vec::new();
        let mut count = 0;
        for path in &self.messages {
            let exchanges = capture::open(path, Truncated::Refuse).map_err(|error| refusal(&error))?;
            for exchange in exchanges {
                let exchange = exchange.map_err(|error| refusal(&error))?;
                count += 1;
                if samples.len() < MOST {
                    let name =
                        format!("{} {}", exchange.place, method(&exchange.request.body, &exchange.request.method));
                    samples.push(Sample { name, exchange });
                }
            }
        }
        if count > MOST {
            eprintln!("tidegate: the first {MOST} of {count} exchanges are measured");
        }
        Ok(samples)
    }
}

fn refusal(error: &capture::CaptureError) -> miette::Report {
    match error.help() {
        Some(help) => miette!(help = help, "{error}"),
        None => miette!("{error}"),
    }
}

/// A tool that the first allow about tools lets through, as far as its name goes.
fn allowed_tool(policy: &Policy) -> String {
    let allows = policy.rules.iter().filter(|rule| rule.effect == Effect::Allow);
    let tools = allows.flat_map(|rule| &rule.targets).filter(|target| target.noun == Noun::Tool);
    let names = tools.map(|target| match &target.name {
        Pattern::Exact(name) => name.to_string(),
        Pattern::Prefix(start) => format!("{start}record"),
        Pattern::Suffix(end) => format!("get{end}"),
        Pattern::Middle(text) => format!("get{text}record"),
        Pattern::Any => "get_record".to_owned(),
    });
    names.into_iter().next().unwrap_or_else(|| "get_record".to_owned())
}

/// What a request asks for.
fn method(body: &[u8], http: &str) -> String {
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = message.pointer("/params/name").and_then(Value::as_str).map(|it| format!(" {it}"));
    match message.get("method").and_then(Value::as_str) {
        Some(method) => format!("{method}{}", name.unwrap_or_default()),
        None => http.to_owned(),
    }
}

fn vm(module: &Module, text: &str, policy: &Configuration, hold: bool, now: OffsetDateTime) -> miette::Result<Vm> {
    let limits = &policy.policy.limits;
    let held = limits.request_bytes.max(limits.list_bytes).max(limits.event_bytes).saturating_mul(2);
    let options = Options {
        configuration: text.as_bytes().to_vec(),
        hold_flag: hold,
        // As `render` does it.
        buffer_limit: if hold { held } else { 1 << 20 },
        clock: Clock::fixed(now.into()),
        ..Options::default()
    };
    Vm::start(module, options).map_err(|error| miette!("the filter does not start: {error}"))
}

/// How the filter treats an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passes,
    Refused,
    Waits,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Refused => "refused",
            Self::Waits => "waits",
        }
    }
}

/// An exchange, ready to be sent again and again.
struct Prepared {
    name: String,
    /// Of both bodies.
    bytes: usize,
    protocol: Protocol,
    request: Http,
    response: Option<Http>,
    properties: Properties,
    request_headers: Vec<Line>,
    request_body: Vec<u8>,
    response_headers: Vec<Line>,
}

/// A header's name and value.
type Line = (Vec<u8>, Vec<u8>);

impl Prepared {
    fn new(name: &str, staged: Staged, http2: bool) -> Self {
        let Staged { request, response, properties } = staged;
        let lines = |headers: &Headers| headers.iter().map(|(name, value)| (name.into(), value.to_vec())).collect();
        let size = |message: &Http| message.chunks.iter().map(Vec::len).sum::<usize>();
        Self {
            name: name.to_owned(),
            bytes: size(&request) + response.as_ref().map_or(0, size),
            protocol: if http2 { Protocol::Http2 } else { Protocol::Http1 },
            request_headers: lines(&request.headers),
            request_body: request.chunks.concat(),
            response_headers: response.as_ref().map(|it| lines(&it.headers)).unwrap_or_default(),
            request,
            response,
            properties,
        }
    }

    fn in_wasmtime(&self, vm: &Vm) {
        vm.set_properties(self.properties.clone());
        black_box(vm.stream(self.protocol).play(&self.request, |_| self.response.clone()));
        // They are kept otherwise.
        black_box(vm.take_logs());
    }

    fn native(&self, core: &Core) -> Ending {
        let message = Message {
            request_headers: &self.request_headers,
            request: &self.request_body,
            response_headers: &self.response_headers,
        };
        let chunks = self.response.iter().flat_map(|it| it.chunks.iter().map(Vec::as_slice));
        core.exchange(&message, chunks, self)
    }

    fn verdict(&self, vm: &Vm) -> miette::Result<Verdict> {
        vm.set_properties(self.properties.clone());
        let finished = vm.stream(self.protocol).play(&self.request, |_| self.response.clone());
        let logs = vm.take_logs();
        if let Some(trap) = vm.failure() {
            let help = "this is a fault of Tidegate, whatever the traffic is: please report it";
            return Err(miette!(help = help, "`{}`: the filter trapped: {trap}", self.name));
        }
        let denied = logs.iter().any(|line| line.text.contains("\"verdict\":\"deny\""));
        Ok(match finished.upstream.ended {
            _ if denied => Verdict::Refused,
            true => Verdict::Passes,
            false if finished.hung => Verdict::Waits,
            false => Verdict::Refused,
        })
    }
}

/// The same caller, without a host between.
impl Circumstances for Prepared {
    fn claim(&self, key: &str, path: &[String]) -> Claim {
        let payload = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", key];
        let path = payload.into_iter().chain(path.iter().map(String::as_str));
        self.properties.get(path).map_or(Claim::Absent, claim)
    }

    fn peer(&self) -> Option<String> {
        match self.properties.get(["connection", "uri_san_peer_certificate"].into_iter())? {
            crate::host::Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        }
    }
}

fn claim(value: &crate::host::Value) -> Claim {
    use crate::host::Value;
    let text = |value: &Value| match value {
        Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    };
    match value {
        Value::Null => Claim::Absent,
        Value::List(items) => items.iter().map(text).collect::<Option<Vec<String>>>().map_or(Claim::Other, Claim::List),
        value => text(value).map_or(Claim::Other, Claim::Text),
    }
}

/// Prints; a reader that has gone is no fault of ours, and ends the program as it ends others.
fn print(text: &str) -> miette::Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| miette!("cannot write to standard output: {error}"))
}
