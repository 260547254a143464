//! The decision core, native: no host, no wasm.

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use serde_json::{Value, json};
use tidegate_bench::budget::Budget;
use tidegate_bench::messages::{self, ALLOWED, Load};
use tidegate_bench::statistics::Estimate;
use tidegate_bench::stopwatch::nanoseconds;
use tidegate_bench::variant;
use tidegate_filter::decide::access::{self, Caller};
use tidegate_filter::decide::identity::{Claim, Principal};
use tidegate_filter::exchange::{ChunkStep, Exchange, GrowthStep, HeaderStep, Headers, RequestStep, Surroundings};
use tidegate_filter::json::{self, Limits};
use tidegate_filter::mcp::jsonrpc;
use tidegate_filter::metrics;
use tidegate_filter::policy::{self, Configuration, Noun};
use tidegate_filter::rewrite;
use tidegate_filter::state::Worker;

type Failure = Box<dyn Error>;

/// Measures the decision core on this machine, without Envoy and without wasm.
#[derive(Debug, Parser)]
#[command(name = "core")]
struct Arguments {
    /// Seconds for each figure
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Measure only figures of which the name contains this
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,
    /// Print figures as JSON
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// A figure of the report.
struct Figure {
    what: String,
    nanoseconds: Estimate,
    /// What it handles, if speed in bytes means something.
    bytes: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok((figures, budgets)) if arguments.json => {
            let figures = figures.iter().map(|it| json!({"what": it.what, "nanoseconds": it.nanoseconds.median}));
            let budgets = budgets.iter().map(Budget::to_json);
            println!("{:#}", json!({"figures": figures.collect::<Value>(), "budgets": budgets.collect::<Value>()}));
        }
        Ok((figures, budgets)) => print(&figures, &budgets),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn print(figures: &[Figure], budgets: &[Budget]) {
    for figure in figures {
        let Estimate { median, error } = figure.nanoseconds;
        let (scale, unit) = if median < 10_000.0 { (1.0, "ns") } else { (1e3, "µs") };
        let scaled = Estimate { median: median / scale, error: error / scale };
        let time = format!("{:.1} {} {unit}", scaled.median, scaled.margin(1));
        let speed = figure.bytes.map(|bytes| format!("{:.0} MB/s", bytes as f64 * 1e3 / median)).unwrap_or_default();
        println!("{:<56} {time:>18} {speed:>11}", figure.what);
    }
    println!("\nBudgets");
    for budget in budgets {
        println!("{budget}");
    }
}

/// Collects the figures that were asked for.
struct Figures<'a> {
    arguments: &'a Arguments,
    taken: Vec<Figure>,
}

impl Figures<'_> {
    /// Measures `work`, which handles `bytes`, unless another figure was asked for.
    fn take<T>(&mut self, what: &str, bytes: Option<usize>, work: impl FnMut() -> T) -> Option<Estimate> {
        if !what.contains(&self.arguments.only) {
            return None;
        }
        let nanoseconds = nanoseconds(self.arguments.seconds, work);
        self.taken.push(Figure { what: what.to_owned(), nanoseconds, bytes });
        Some(nanoseconds)
    }
}

fn measure(arguments: &Arguments) -> Result<(Vec<Figure>, Vec<Budget>), Failure> {
    let mut figures = Figures { arguments, taken: Vec::new() };
    strict_checks(&mut figures)?;
    let list = lists(&mut figures)?.map(|it| Estimate { median: it.median / 1e3, error: it.error / 1e3 });
    let decisions = decisions(&mut figures)?;
    exchanges(&mut figures)?;
    let budgets = [
        list.map(|it| Budget::figure("a list of 50 tools, read and filtered", it, 100.0, "µs")),
        decisions.map(|it| Budget::ratio("a decision with 1,000 rules, times one with 10", it, 2.0)),
    ];
    Ok((figures.taken, budgets.into_iter().flatten().collect()))
}

fn strict_checks(figures: &mut Figures<'_>) -> Result<(), Failure> {
    let string = serde_json::to_vec(&"plain words, no escape in them; ".repeat(1 << 15))?;
    let documents = [
        ("strict check, one string of 1 MB", string),
        ("strict check, structured 10 KB", messages::result(10 << 10)),
        ("strict check, structured 1 MB", messages::result(1 << 20)),
    ];
    for (what, document) in documents {
        json::check(&document, Limits::default(), &mut ())?;
        figures.take(what, Some(document.len()), || json::check(black_box(&document), Limits::default(), &mut ()));
    }
    for (what, message) in [
        ("envelope of a 1 KB tools/call", messages::call(ALLOWED[9])),
        ("envelope of a 64 KB result", messages::result(64 << 10)),
    ] {
        jsonrpc::read(&message, Limits::default()).map_err(|invalid| invalid.to_string())?;
        figures.take(what, Some(message.len()), || jsonrpc::read(black_box(&message), Limits::default()));
    }
    Ok(())
}

/// Returns the time for 50 tools.
fn lists(figures: &mut Figures<'_>) -> Result<Option<Estimate>, Failure> {
    let policy = compile(&variant::policy(true))?.policy;
    let server = policy.servers.first().ok_or("no server")?;
    let principal = Principal::anonymous();
    let caller = Caller { server, principal: &principal, now: NOW };
    let filter = |answer: &[u8]| {
        let envelope = jsonrpc::read(answer, Limits::default()).ok()?;
        let show = |_, name: &str, _| access::access(&policy, &caller, Noun::Tool, name, None).allowed.then(Vec::new);
        let filtered = rewrite::list::filter(answer, &envelope, true, show);
        Some((filtered.hidden.len(), rewrite::apply(answer, filtered.splices)))
    };
    let mut times = Vec::new();
    for count in [50, 500] {
        let answer = messages::tools(count);
        let hidden = filter(&answer).map(|(hidden, _)| hidden);
        if hidden != Some(count - ALLOWED.len()) {
            return Err(format!("{hidden:?} of {count} tools were hidden").into());
        }
        let what = format!("list of {count} tools, read and filtered");
        times.push(figures.take(&what, Some(answer.len()), || filter(black_box(&answer))));
    }
    Ok(times.first().copied().flatten())
}

/// So many rules, by parts of tool names, prefixes and exact names in turn; the last one allows `read_file`.
fn rules(count: usize) -> Value {
    let pattern = |index: usize| match index % 4 {
        0 => format!("get_record_{index}"),
        1 => format!("list_{index}_*"),
        2 => format!("*_report_{index}"),
        _ => format!("*_kind_{index}_*"),
    };
    let mut rules: Vec<Value> = (1..count)
        .map(|index| {
            let effect = if index % 5 == 0 { "deny" } else { "allow" };
            json!({"id": format!("rule-{index}"), effect: {"tools": [pattern(index)]}})
        })
        .collect();
    rules.push(json!({"id": "last", "allow": {"tools": [ALLOWED[9]]}}));
    let mut policy = variant::policy(true);
    if let Some(place) = policy.get_mut("rules") {
        *place = Value::Array(rules);
    }
    policy
}

/// Returns how many times longer a decision takes with 1,000 rules than with 10.
fn decisions(figures: &mut Figures<'_>) -> Result<Option<Estimate>, Failure> {
    let mut times = Vec::new();
    for count in [10, 1000] {
        let policy = compile(&rules(count))?.policy;
        let server = policy.servers.first().ok_or("no server")?;
        let principal = Principal::anonymous();
        let caller = Caller { server, principal: &principal, now: NOW };
        if access::access(&policy, &caller, Noun::Tool, ALLOWED[9], Some(b"{}")).rule != Some("last") {
            return Err("another rule than expected decides".into());
        }
        let what = format!("decision on a call, {count} rules");
        times
            .push(figures.take(&what, None, || {
                access::access(&policy, &caller, Noun::Tool, black_box(ALLOWED[9]), Some(b"{}"))
            }));
    }
    Ok(match *times.as_slice() {
        [Some(ten), Some(thousand)] => Some(thousand.over(ten)),
        _ => None,
    })
}

fn exchanges(figures: &mut Figures<'_>) -> Result<(), Failure> {
    let configuration = Arc::new(compile(&variant::policy(true))?);
    let limits = &configuration.policy.limits;
    let worker = Arc::new(Worker::new(limits.buffered_bytes_per_worker, limits.buffered_bytes_per_principal));
    for load in messages::loads() {
        run(&configuration, &worker, &load)?;
        let what = format!("whole exchange: {}", load.title);
        figures.take(&what, None, || run(&configuration, &worker, black_box(&load)));
    }
    Ok(())
}

/// One exchange as a host in no-hold mode drives it, the response in pieces of 32 KB; returns how many bytes of it went
/// on.
fn run(configuration: &Arc<Configuration>, worker: &Arc<Worker>, load: &Load) -> Result<usize, Failure> {
    let mut host = Host;
    let mut exchange = Exchange::new(Arc::clone(configuration), Arc::clone(worker), host.now());
    let length = load.request.len().to_string();
    let path = load.path();
    let request = headers(&[
        (":authority", "mcp.example.com"),
        (":path", &path),
        (":method", "POST"),
        (":scheme", "http"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("content-length", &length),
        ("mcp-protocol-version", "2025-06-18"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "0f9c3a52-6a0f-4d0e-8d4b-0f6b5a1c2d3e"),
    ]);
    if !matches!(exchange.on_request_headers(&request, false, &mut host), HeaderStep::Hold(_)) {
        return Err("the request's headers do not wait".into());
    }
    if exchange.on_request_growth(load.request.len(), &mut host) != GrowthStep::Hold {
        return Err("the request does not wait".into());
    }
    if exchange.on_request_end(&load.request, &mut host) != RequestStep::Forward(None) {
        return Err("the request does not go on as it is".into());
    }
    let response = headers(&[(":status", "200"), ("content-type", "application/json")]);
    let _ = exchange.on_response_headers(&response, false, &mut host);
    let mut sent = 0;
    let mut pieces = load.response.chunks(32 << 10).peekable();
    let mut held = 0;
    while let Some(piece) = pieces.next() {
        held += piece.len();
        match exchange.on_response_chunk(piece, pieces.peek().is_none(), &mut host) {
            ChunkStep::Hold => {}
            ChunkStep::Pass => sent += std::mem::take(&mut held),
            ChunkStep::Replace(body) => {
                held = 0;
                sent += body.len();
            }
            ChunkStep::Deny(_) | ChunkStep::Cut => return Err("the response is refused".into()),
        }
    }
    exchange.on_end(&mut host);
    Ok(sent)
}

fn headers(lines: &[(&str, &str)]) -> Headers {
    let mut bytes = Vec::with_capacity(512);
    let mut put = |text: &str| {
        let start = bytes.len();
        bytes.extend_from_slice(text.as_bytes());
        (start, bytes.len())
    };
    let ranges: Vec<_> = lines.iter().map(|(name, value)| (put(name), put(value))).collect();
    Headers::from_ranges(bytes, ranges)
}

fn compile(policy: &Value) -> Result<Configuration, Failure> {
    let text = policy.to_string();
    let compiled = policy::compile(text.as_bytes());
    Ok(compiled.map_err(|faults| faults.render(text.as_bytes(), "policy"))?.configuration)
}

/// Seconds since the Unix epoch at which everything happens.
const NOW: i64 = 1_790_000_000;

/// A host that costs nothing.
struct Host;

impl Surroundings for Host {
    fn now(&mut self) -> u64 {
        1_790_000_000_000_000_000
    }

    fn jwt_claim(&mut self, _: &str, _: &[String]) -> Claim {
        Claim::Absent
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
        black_box(event);
    }

    fn count(&mut self, decision: metrics::Decision<'_>) {
        black_box(decision.name());
    }

    fn observe(&mut self, server: tidegate_filter::metrics::Server<'_>, micros: u64) {
        black_box((server, micros));
    }
}
