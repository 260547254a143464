//! The decision core, native: no host, no wasm.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};
use tidegate_bench::budget::Budget;
use tidegate_bench::messages::{self, ALLOWED};
use tidegate_bench::native::{Core, compile};
use tidegate_bench::statistics::Estimate;
use tidegate_bench::stopwatch::nanoseconds;
use tidegate_bench::{cases, policies, schemas};
use tidegate_filter::decide::access::{self, Caller};
use tidegate_filter::decide::identity::Principal;
use tidegate_filter::json::{self, Limits};
use tidegate_filter::mcp::jsonrpc;
use tidegate_filter::policy::Noun;
use tidegate_filter::rewrite;
use tidegate_filter::schema::{Schema, Verdict};

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
        println!("{:<74} {time:>18} {speed:>11}", figure.what);
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
    conditions(&mut figures)?;
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
    let policy = compile(&policies::allowlist(true))?.policy;
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

/// Returns how many times longer a decision takes with 1,000 rules than with 10.
fn decisions(figures: &mut Figures<'_>) -> Result<Option<Estimate>, Failure> {
    let mut times = Vec::new();
    for count in [10, 1000] {
        let policy = compile(&policies::of_rules(count))?.policy;
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

/// Conditions on arguments, alone.
fn conditions(figures: &mut Figures<'_>) -> Result<(), Failure> {
    let call: Value = serde_json::from_slice(&messages::call(ALLOWED[9]))?;
    let arguments = call.pointer("/params/arguments").ok_or("no arguments")?.to_string();
    let all_members = schemas::all_members().to_string();
    for condition in schemas::all() {
        let text = condition.schema.to_string();
        let schema = Schema::compile(text.as_bytes(), &BTreeMap::new()).map_err(|fault| fault.message)?;
        let mut judged = vec![("a 1 KB call", &arguments)];
        if condition.schema == schemas::large() {
            judged.push(("200 members", &all_members));
        }
        for (whose, instance) in judged {
            if schema.judge(instance.as_bytes(), &()) != Verdict::Valid {
                return Err(format!("{whose} does not fit {}", condition.name).into());
            }
            let what = format!("arguments of {whose}, {} schema", condition.name);
            figures.take(&what, Some(instance.len()), || schema.judge(black_box(instance.as_bytes()), &()));
        }
    }
    Ok(())
}

fn exchanges(figures: &mut Figures<'_>) -> Result<(), Failure> {
    for case in cases::all() {
        let core = Core::new(&case.policy)?;
        core.exchange(&case.load)?;
        let what = format!("whole exchange: {}", case.title);
        figures.take(&what, None, || core.exchange(black_box(&case.load)));
    }
    Ok(())
}

/// Seconds since the Unix epoch at which everything happens.
const NOW: i64 = 1_790_000_000;
