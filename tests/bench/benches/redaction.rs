//! How fast redaction looks at texts: natively, in wasmtime and in Envoy's V8, scalar and SIMD, side by side in one run.
//!
//! The rows are those of `tests/guests/kernel`; the module there measures itself, so nothing of a proxy's own work is
//! in the figures.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use tidegate::build::{Wasm, build};
use tidegate::envoy::{Binary, Envoy};
use tidegate::report::progress::{Progress, for_stderr};
use tidegate_kernel::rows::{self, Measured};

type Failure = Box<dyn Error>;

/// Measures megabytes (10^6 bytes) a second of the kernels of redaction.
#[derive(Debug, Parser)]
#[command(name = "redaction")]
struct Arguments {
    /// How often everything is measured; the best counts, for other work of the machine only slows down
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Milliseconds of each row
    #[arg(long, default_value_t = 60)]
    milliseconds: u32,
    /// Measure only rows whose names hold this
    #[arg(long, default_value = "")]
    only: String,
    /// Compare this module, built before, with that of this tree, in Envoy alone; may be given several times
    #[arg(long = "module")]
    modules: Vec<PathBuf>,
    /// Leave Envoy out
    #[arg(long)]
    without_envoy: bool,
    /// Print figures as JSON
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// What the module wants to be told.
    fn to_configuration(&self) -> String {
        format!("{} {}", self.milliseconds, self.only)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = for_stderr();
    if !arguments.modules.is_empty() {
        let compared = compare(&arguments, progress.as_ref());
        progress.finish();
        return match compared {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let measured = measure(&arguments, progress.as_ref());
    progress.finish();
    match measured {
        Ok(table) if arguments.json => println!("{:#}", table.to_json()),
        Ok(table) => table.print(),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Where rows run, in the order of the report.
const PLACES: [&str; 6] =
    ["native", "native scalar", "wasmtime simd128", "wasmtime scalar", "Envoy simd128", "Envoy scalar"];

#[derive(Default)]
struct Table {
    /// By name; the best of all rounds, by place.
    rows: Vec<(String, BTreeMap<&'static str, Measured>)>,
}

impl Table {
    fn add(&mut self, place: &'static str, measured: &Measured) {
        let row = match self.rows.iter_mut().find(|(name, _)| *name == measured.name) {
            Some((_, row)) => row,
            None => {
                self.rows.push((measured.name.clone(), BTreeMap::new()));
                let Some((_, row)) = self.rows.last_mut() else { return };
                row
            }
        };
        let best = row.entry(place).or_insert_with(|| measured.clone());
        best.nanoseconds = best.nanoseconds.min(measured.nanoseconds);
    }

    fn print(&self) {
        print!("{:<36}", "MB/s");
        PLACES.iter().for_each(|place| print!(" {place:>16}"));
        println!();
        for (name, row) in &self.rows {
            print!("{name:<36}");
            for place in PLACES {
                let figure = row.get(place).map(|it| match it.speed() {
                    Some(speed) => format!("{speed:.0}"),
                    None => format!("{:.2} ms", it.nanoseconds / 1e6),
                });
                print!(" {:>16}", figure.unwrap_or_default());
            }
            println!();
        }
        println!("\nFloors, in {}", PLACES[4]);
        for (what, is_met) in self.floors() {
            println!("{} {what}", if is_met { "met   " } else { "MISSED" });
        }
    }

    fn floors(&self) -> Vec<(String, bool)> {
        let mut floors = Vec::new();
        for (name, row) in &self.rows {
            let Some(measured) = row.get(PLACES[4]) else { continue };
            match (name.as_str(), measured.speed()) {
                ("scan-clean", Some(speed)) => {
                    floors.push((format!("{name}: {speed:.0} of 1200 MB/s"), speed >= 1200.0));
                }
                ("start-up", None) => {
                    let milliseconds = measured.nanoseconds / 1e6;
                    floors.push((format!("{name}: {milliseconds:.2} of at most 10 ms"), milliseconds <= 10.0));
                }
                (name, Some(speed)) if name.starts_with("hostile:") => {
                    floors.push((format!("{name}: {speed:.0} of 50 MB/s"), speed >= 50.0));
                }
                _ => {}
            }
        }
        // All hostile ones are one promise: the worst tells it.
        let worst = floors.iter().filter(|(_, is_met)| !is_met).cloned().collect::<Vec<_>>();
        if worst.is_empty() {
            floors.into_iter().filter(|(what, _)| !what.starts_with("hostile:")).collect()
        } else {
            worst
        }
    }

    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|(name, row)| {
            let places = row.iter().map(|(place, it)| {
                (place.to_string(), json!({"nanoseconds": it.nanoseconds, "megabytes_per_second": it.speed()}))
            });
            json!({"row": name, "places": places.collect::<serde_json::Map<_, _>>()})
        });
        rows.collect()
    }
}

/// Builds side by side, in Envoy.
fn compare(arguments: &Arguments, progress: &dyn Progress) -> Result<(), Failure> {
    let mut modules = arguments.modules.clone();
    modules.push(build(&Wasm::package("tidegate-kernel"), progress)?.path);
    let binary = Binary::find(progress)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for _ in 0..arguments.rounds {
        for (nth, module) in modules.iter().enumerate() {
            for measured in runtime.block_on(in_envoy(&binary, module, arguments))? {
                let known = rows.iter().position(|(name, _)| *name == measured.name);
                let known = known.unwrap_or_else(|| {
                    rows.push((measured.name.clone(), vec![0.0; modules.len()]));
                    rows.len() - 1
                });
                let figure = measured.speed().unwrap_or(1e3 / measured.nanoseconds);
                if let Some(best) = rows.get_mut(known).and_then(|(_, row)| row.get_mut(nth)) {
                    *best = best.max(figure);
                }
            }
        }
    }
    for (name, row) in rows {
        println!("{name:<36}{}", row.iter().map(|figure| format!(" {figure:>10.1}")).collect::<String>());
    }
    Ok(())
}

fn measure(arguments: &Arguments, progress: &dyn Progress) -> Result<Table, Failure> {
    let modules = [
        build(&Wasm::package("tidegate-kernel"), progress)?.path,
        build(&Wasm::package("tidegate-kernel").scalar(), progress)?.path,
    ];
    let envoy = if arguments.without_envoy { None } else { Some(Binary::find(progress)?) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut table = Table::default();
    for round in 0..arguments.rounds {
        progress.stage(&format!("round {} of {}", round + 1, arguments.rounds));
        let begin = Instant::now();
        let now = || begin.elapsed().as_nanos() as f64;
        for mut row in rows::all().into_iter().filter(|row| row.name.contains(&arguments.only)) {
            let place = if row.is_scalar { PLACES[1] } else { PLACES[0] };
            table.add(place, &rows::measure(&mut row, f64::from(arguments.milliseconds), now));
        }
        for (module, place) in modules.iter().zip([PLACES[2], PLACES[3]]) {
            for measured in in_wasmtime(&std::fs::read(module)?, arguments)? {
                table.add(place, &measured);
            }
        }
        let Some(envoy) = &envoy else { continue };
        for (module, place) in modules.iter().zip([PLACES[4], PLACES[5]]) {
            for measured in runtime.block_on(in_envoy(envoy, module, arguments))? {
                table.add(place, &measured);
            }
        }
    }
    Ok(table)
}

fn in_wasmtime(wasm: &[u8], arguments: &Arguments) -> Result<Vec<Measured>, Failure> {
    use tidegate::host::{Module, Options, Vm};

    let vm = Vm::start(&Module::compile(wasm)?, Options::new(arguments.to_configuration()))?;
    Ok(vm.logs().iter().filter_map(|line| Measured::from_line(&line.text)).collect())
}

async fn in_envoy(binary: &Binary, module: &Path, arguments: &Arguments) -> Result<Vec<Measured>, Failure> {
    let plugin = json!({
        "name": "kernel",
        "vm_config": {"vm_id": "kernel", "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}},
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": arguments.to_configuration()},
    });
    // A service of its own has one VM, and no worker waits for it.
    let service = json!({
        "name": "envoy.bootstrap.wasm",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService", "singleton": true, "config": plugin},
    });
    let bootstrap = json!({"bootstrap_extensions": [service]});
    let envoy = Envoy::start(binary, bootstrap, &tidegate::envoy::Options::default()).await?;
    envoy.wait_for_log(|line| line.contains(rows::END), Duration::from_secs(180)).await?;
    let measured = envoy.log_lines().iter().filter_map(|line| Measured::from_line(line)).collect();
    envoy.stop().await?;
    Ok(measured)
}
