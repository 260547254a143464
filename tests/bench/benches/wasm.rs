//! Whole exchanges through `tidegate.wasm` in wasmtime, next to the same through the native core, in one interleaved run.

use std::error::Error;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use serde_json::{Value, json};
use tidegate::build::{Wasm, build};
use tidegate::host::{Headers, Http, Module, Options, Protocol, Vm};
use tidegate::report::progress::{Progress, for_stderr};
use tidegate_bench::cases::{self, Case};
use tidegate_bench::machine::{Ticks, Usage};
use tidegate_bench::messages::{CHUNK_BYTES, Load, Random};
use tidegate_bench::native::Core;
use tidegate_bench::policies;
use tidegate_bench::statistics::Estimate;
use tidegate_bench::stopwatch::Stopwatch;

type Failure = Box<dyn Error>;

/// Measures what the module costs in wasmtime beyond the host, and how many times what the core costs natively that is.
#[derive(Debug, Parser)]
#[command(name = "wasm")]
struct Arguments {
    /// How often everything is measured, each time in a new random order
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 0.05)]
    seconds: f64,
    /// Measure only exchanges of which the name contains this
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,
    /// Print figures as JSON
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = for_stderr();
    let measured = measure(&arguments, progress.as_ref());
    progress.finish();
    match measured {
        Ok((rows, _)) if arguments.json => {
            println!("{:#}", rows.iter().map(Row::to_json).collect::<Value>());
        }
        Ok((rows, usage)) => print(&arguments, &rows, usage),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Where an exchange is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The decision core of this program.
    Native,
    /// A module that does nothing: what the host itself costs.
    Host,
    /// The filter.
    Wasm,
}

/// One exchange's figures, in nanoseconds.
struct Row {
    title: String,
    native: Estimate,
    host: Estimate,
    wasm: Estimate,
    /// What the filter takes beyond the host, compared round by round.
    added: Estimate,
    /// How many times the native core's time that is.
    ratio: Estimate,
}

impl Row {
    /// Each item: native, host, wasm in one round.
    fn new(title: &str, rounds: &[[f64; 3]]) -> Self {
        let of = |pick: fn(&[f64; 3]) -> f64| Estimate::of(rounds.iter().map(pick));
        Self {
            title: title.to_owned(),
            native: of(|[native, _, _]| *native),
            host: of(|[_, host, _]| *host),
            wasm: of(|[_, _, wasm]| *wasm),
            added: of(|[_, host, wasm]| wasm - host),
            ratio: of(|[native, host, wasm]| (wasm - host) / native),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "exchange": self.title,
            "native_nanoseconds": self.native.median,
            "host_nanoseconds": self.host.median,
            "wasm_nanoseconds": self.wasm.median,
            "added_nanoseconds": self.added.median,
            "ratio": self.ratio.median,
        })
    }
}

fn print(arguments: &Arguments, rows: &[Row], usage: Usage) {
    println!("CPU time per exchange, {} rounds of {} s\n", arguments.rounds, arguments.seconds);
    println!("{:<58} {:>13} {:>9} {:>9} {:>14} {:>11}", "µs", "native", "no-op", "wasm", "wasm - no-op", "x native");
    for row in rows {
        let with = |it: Estimate| {
            let it = Estimate { median: it.median / 1e3, error: it.error / 1e3 };
            format!("{:.1} {}", it.median, it.margin(1))
        };
        println!(
            "{:<58} {:>13} {:>9.1} {:>9.1} {:>14} {:>11}",
            row.title,
            with(row.native),
            row.host.median / 1e3,
            row.wasm.median / 1e3,
            with(row.added),
            format!("{:.2} {}", row.ratio.median, row.ratio.margin(2)),
        );
    }
    println!(
        "\nThe machine was {:.0} % busy and {:.1} % of its time was stolen; a single thread measures, which takes {:.0} %.",
        usage.busy * 100.0,
        usage.stolen * 100.0,
        100.0 / tidegate_bench::machine::cores() as f64
    );
}

/// An exchange that is run again and again in one place.
struct Runner {
    case: usize,
    place: Place,
    stopwatch: Stopwatch<Box<dyn FnMut()>>,
}

fn measure(arguments: &Arguments, progress: &dyn Progress) -> Result<(Vec<Row>, Usage), Failure> {
    let filter = build(&Wasm::filter(), progress)?;
    let baseline = build(&Wasm::package("tidegate-baseline"), progress)?;
    progress.stage("compiling the modules");
    let filter = Module::from_file(&filter.path)?;
    let baseline = Module::from_file(&baseline.path)?;
    let cases: Vec<Case> = cases::all().into_iter().filter(|case| case.title.contains(&arguments.only)).collect();
    let before = Ticks::now()?;
    let mut runners = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        progress.stage(&format!("warming up: {}", case.title));
        for (place, work) in works(case, &filter, &baseline)? {
            runners.push(Runner { case: number, place, stopwatch: Stopwatch::start(arguments.seconds, work) });
        }
    }
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let mut random = Random::new(seed);
    let mut taken = vec![Vec::new(); cases.len()];
    for round in 1..=arguments.rounds {
        progress.stage(&format!("round {round} of {}", arguments.rounds));
        random.shuffle(&mut runners);
        let mut times = vec![[0.0; 3]; cases.len()];
        for runner in &mut runners {
            let place = times.get_mut(runner.case).and_then(|times| times.get_mut(runner.place as usize));
            *place.ok_or("an exchange of no case")? = runner.stopwatch.batch();
        }
        taken.iter_mut().zip(times).for_each(|(taken, times)| taken.push(times));
    }
    let usage = Ticks::now()?.since(before);
    Ok((cases.iter().zip(&taken).map(|(case, taken)| Row::new(&case.title, taken)).collect(), usage))
}

type Work = Box<dyn FnMut()>;

/// The exchange in every place, once it was seen to go through the same way natively and in wasm.
fn works(case: &Case, filter: &Module, baseline: &Module) -> Result<[(Place, Work); 3], Failure> {
    let core = Core::new(&case.policy)?;
    let sent = core.exchange(&case.load)?;
    let load = case.load.clone();
    let native = Box::new(move || drop(core.exchange(&load)));
    let configuration = policies::configuration(&case.policy, true, "log").to_string();
    let wasm = in_wasmtime(&case.load, filter, configuration, sent)?;
    let host = in_wasmtime(&case.load, baseline, "nothing".to_owned(), case.load.response.len())?;
    Ok([(Place::Native, native), (Place::Wasm, wasm), (Place::Host, host)])
}

/// The exchange through a VM of its own; fails unless `sent` bytes of the response go on.
fn in_wasmtime(load: &Load, module: &Module, configuration: String, sent: usize) -> Result<Work, Failure> {
    let vm = Vm::start(module, Options::new(configuration).hold_flag(true).buffer_limit(16 << 20))?;
    let request =
        Http { headers: Headers::new(load.request_headers()), chunks: vec![load.request.clone()], trailers: None };
    let response = Http {
        headers: Headers::new(load.response_headers()),
        chunks: load.response.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect(),
        trailers: None,
    };
    let exchange = move || {
        let finished = vm.exchange(Protocol::Http1, &request, |_| response.clone());
        // What was logged is kept otherwise.
        (finished, vm.take_logs())
    };
    let (finished, logs) = exchange();
    if finished.downstream.status() != Some(200) || finished.downstream.body.len() != sent {
        let said = finished.downstream.text();
        return Err(format!("{}: {:?} {said:.200}, {logs:?}", load.title, finished.downstream.status()).into());
    }
    Ok(Box::new(move || drop(exchange())))
}
