//! CPU per request, latency, module size, start-up and memory, in real Envoy.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tidegate::build::{Wasm, build};
use tidegate::envoy::{Binary, Envoy, Options};
use tidegate::report::progress::{Progress, for_stderr};
use tidegate_bench::budget::Budget;
use tidegate_bench::client::{self, Plan};
use tidegate_bench::machine::{self, Placement, Ticks, Usage};
use tidegate_bench::messages::{self, Load, Random};
use tidegate_bench::report::Samples;
use tidegate_bench::start::{self, Start};
use tidegate_bench::statistics::Estimate;
use tidegate_bench::upstream;
use tidegate_bench::variant::{self, Modules, Name, Variant};
use tokio::task::LocalSet;

type Failure = Box<dyn Error>;

/// Measures what Tidegate costs in real Envoy, beside other filters, in one interleaved run.
#[derive(Debug, Parser)]
#[command(name = "envoy")]
struct Arguments {
    /// How often everything is measured, each time in a new random order
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 1.5, value_parser = seconds)]
    seconds: f64,
    /// Measure only variants of which the name contains one of these, and loads of these names, comma-separated ("none"
    /// and what is compared with is measured only if named; some variants and loads are measured only if named)
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Connections of the clients, each with one request under way
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// How often Envoy is started for its start-up time; 0 leaves that out
    #[arg(long, default_value_t = 7)]
    starts: u16,
    /// Print every sample as JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.1..=600.0).contains(&number) { Ok(number) } else { Err("from 0.1 to 600 seconds".to_owned()) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = for_stderr();
    let measured = measure(&arguments, progress.as_ref());
    progress.finish();
    match measured {
        Ok(measured) if arguments.json => println!("{:#}", measured.to_json(&arguments)),
        Ok(measured) => measured.print(&arguments),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// A module as it is shipped.
struct Module {
    name: Name,
    raw: u64,
    gzip: u64,
}

/// Everything a run found out.
struct Measured {
    envoy: String,
    modules: Vec<Module>,
    starts: Vec<Start>,
    loads: Vec<Load>,
    variants: Vec<Name>,
    samples: Samples,
    /// Resident memory of the measured Envoy before and after, in bytes.
    resident: (u64, u64),
    usage: Usage,
    cores: usize,
}

fn measure(arguments: &Arguments, progress: &dyn Progress) -> Result<Measured, Failure> {
    let tidegate = build(&Wasm::filter(), progress)?;
    let baseline = build(&Wasm::package("tidegate-baseline"), progress)?;
    let binary = Binary::find(progress)?;
    let modules = Modules { baseline: baseline.path, tidegate: tidegate.path };
    let (variants, loads) = chosen(&arguments.only, variant::all(&modules), messages::loads())?;
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let mut random = Random::new(seed);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (before, cores) = (Ticks::now()?, machine::cores());
    // Before this thread is pinned, because Envoy inherits its cores.
    let starts = if arguments.starts == 0 {
        Vec::new()
    } else {
        progress.stage("measuring Envoy's start");
        let started: Vec<Variant> = variant::all(&modules)
            .into_iter()
            .filter(|variant| [variant::NONE, variant::NO_OP, variant::HOLD].contains(&variant.name))
            .collect();
        runtime.block_on(start::measure(&binary, &started, arguments.starts.into(), &mut random))?
    };
    let placement = Placement::choose()?;
    if let Some(core) = placement.clients {
        core.pin_this_thread()?;
    } else {
        progress.stage("a single core: Envoy shares it with clients and upstream, so expect noise");
    }
    let upstream = upstream::start(&loads, placement.upstream)?;
    let rounds = async {
        progress.stage("starting Envoy");
        // As proxies are run: without a reader that is woken for each audit line.
        let log_path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-envoy.log");
        let options = Options { log_path: Some(log_path.clone()), ..Options::default() };
        let envoy = Envoy::start(&binary, variant::bootstrap(&variants, upstream), &options).await?;
        if let Some(core) = placement.envoy {
            core.pin_process(envoy.pid())?;
        }
        let resident = machine::resident_bytes(envoy.pid())?;
        let samples = all_rounds(arguments, &envoy, &variants, &loads, &mut random, progress).await?;
        let resident = (resident, machine::resident_bytes(envoy.pid())?);
        envoy.stop().await?;
        fs::remove_file(&log_path)?;
        Ok::<_, Failure>((samples, resident))
    };
    let (samples, resident) = LocalSet::new().block_on(&runtime, rounds)?;
    Ok(Measured {
        envoy: binary.version,
        modules: vec![module("tidegate", &modules.tidegate)?, module(variant::NO_OP, &modules.baseline)?],
        starts,
        loads,
        variants: variants.iter().map(|variant| variant.name).collect(),
        samples,
        resident,
        usage: Ticks::now()?.since(before),
        cores,
    })
}

/// The variants and loads that `only` names; without a name of either kind, all of that kind but for those that are only
/// measured by name.
fn chosen(
    only: &[String],
    mut variants: Vec<Variant>,
    mut loads: Vec<Load>,
) -> Result<(Vec<Variant>, Vec<Load>), Failure> {
    let named = |name: &str| only.iter().any(|it| name == it || name.contains(it.as_str()));
    let is_load = |it: &String| loads.iter().any(|load| load.name == it.as_str());
    let is_variant = |it: &String| variants.iter().any(|variant| variant.name.contains(it.as_str()));
    if let Some(stranger) = only.iter().find(|it| !is_load(it) && !is_variant(it)) {
        let known: Vec<Name> = variants.iter().map(|it| it.name).chain(loads.iter().map(|load| load.name)).collect();
        return Err(format!("--only {stranger}: no such variant or load; there are: {}", known.join(", ")).into());
    }
    if only.iter().any(is_load) {
        loads.retain(|load| only.iter().any(|it| it == load.name));
    } else {
        loads.retain(|load| !load.by_name);
    }
    if variants.iter().any(|variant| named(variant.name)) {
        variants.retain(|variant| named(variant.name));
    } else {
        variants.retain(|variant| !variant.by_name);
    }
    Ok((variants, loads))
}

async fn all_rounds(
    arguments: &Arguments,
    envoy: &Envoy,
    variants: &[Variant],
    loads: &[Load],
    random: &mut Random,
    progress: &dyn Progress,
) -> Result<Samples, Failure> {
    let mut places = Vec::new();
    for load in loads {
        for variant in variants.iter().filter(|variant| !variant.by_name || load.name == "2k") {
            let address = envoy.listener(variant.name).ok_or("a listener is missing")?;
            let answer = client::verify(variant, address, load).await?;
            let plan = Plan {
                address,
                process: envoy.pid(),
                load,
                answer,
                connections: arguments.connections.into(),
                time: Duration::from_secs_f64(arguments.seconds),
            };
            places.push((variant.name, plan));
        }
    }
    let mut samples = Samples::default();
    for round in 1..=arguments.rounds {
        progress.stage(&format!("round {round} of {}", arguments.rounds));
        random.shuffle(&mut places);
        for (variant, plan) in &places {
            progress.detail(&format!("{variant}, {}", plan.load.title));
            let sample =
                client::measure(plan).await.map_err(|error| format!("{variant}, {}: {error}", plan.load.title))?;
            samples.push(plan.load, variant, sample);
        }
    }
    Ok(samples)
}

fn module(name: Name, path: &Path) -> Result<Module, Failure> {
    let bytes = fs::read(path)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    Ok(Module { name, raw: bytes.len() as u64, gzip: gzip.finish()?.len() as u64 })
}

impl Measured {
    fn budgets(&self) -> Vec<Budget> {
        let mut budgets = self.samples.budgets();
        if let Some(tidegate) = self.modules.first() {
            budgets.push(Budget::figure(
                "size of tidegate.wasm",
                Estimate::exact(tidegate.raw as f64 / 1e6),
                1.2,
                "MB",
            ));
        }
        let start = |name| self.starts.iter().find(|it| it.variant == name);
        if let (Some(no_op), Some(tidegate)) = (start(variant::NO_OP), start(variant::HOLD)) {
            let limit = 1.5 * no_op.milliseconds.median + 1000.0;
            let what = "start of Envoy with tidegate: 1.5 times that with the no-op filter, and a second".to_owned();
            budgets.push(Budget::figure(what, tidegate.milliseconds, limit, "ms"));
        }
        budgets
    }

    fn print(&self, arguments: &Arguments) {
        println!(
            "Envoy {}, one worker on a core of its own, {} connections, {} rounds of {} s, {} cores\n",
            self.envoy, arguments.connections, arguments.rounds, arguments.seconds, self.cores
        );
        for load in &self.loads {
            println!("{}\n", self.samples.table(load, &self.variants));
        }
        println!("{:<20} {:>9} {:>9}", "module", "bytes", "gzip -9");
        for module in &self.modules {
            println!("{:<20} {:>9} {:>9}", module.name, module.raw, module.gzip);
        }
        if !self.starts.is_empty() {
            println!("\n{:<20} {:>12} {:>9} {:>9}", "start of Envoy with", "ready ms", "CPU ms", "RSS MB");
            for start in &self.starts {
                let ready = format!("{:.0} {}", start.milliseconds.median, start.milliseconds.margin(0));
                let (cpu, memory) = (start.cpu.median, start.megabytes.median);
                println!("{:<20} {ready:>12} {cpu:>9.0} {memory:>9.1}", start.variant);
            }
        }
        let (before, after) = self.resident;
        println!("\nRSS of the measured Envoy, all variants: {:.1} MB, after the run {:.1} MB", mb(before), mb(after));
        println!("\nBudgets");
        for budget in self.budgets() {
            println!("{budget}");
        }
        println!(
            "\nadded: CPU time of Envoy per request beyond `{}` in the same round, median ± its standard error.\n\
             The machine was {:.0} % busy and {:.1} % of its time was stolen; on a machine that is busy with other work, \
             trust the ratios, not req/s and latency.",
            variant::NONE,
            self.usage.busy * 100.0,
            self.usage.stolen * 100.0
        );
    }

    fn to_json(&self, arguments: &Arguments) -> Value {
        let modules = self.modules.iter().map(|it| json!({"module": it.name, "bytes": it.raw, "gzip": it.gzip}));
        json!({
            "envoy": self.envoy,
            "rounds": arguments.rounds,
            "seconds": arguments.seconds,
            "connections": arguments.connections,
            "samples": self.samples.to_json(),
            "modules": modules.collect::<Value>(),
            "starts": self.starts.iter().map(Start::to_json).collect::<Value>(),
            "resident_bytes": {"before": self.resident.0, "after": self.resident.1},
            "budgets": self.budgets().iter().map(Budget::to_json).collect::<Value>(),
            "machine": {"cores": self.cores, "busy": self.usage.busy, "stolen": self.usage.stolen},
        })
    }
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
