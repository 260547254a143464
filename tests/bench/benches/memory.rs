//! The memory of the `.wasm` over a million exchanges: it must be as large after the last as after the first thousands.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};
use tidegate::build::{Wasm, build};
use tidegate::host::{Http, Module, Options, Protocol, Vm};
use tidegate::report::progress::{Progress, for_stderr};
use tidegate_bench::messages::{self, ALLOWED, FORBIDDEN};
use tidegate_bench::policies;

type Failure = Box<dyn Error>;

/// Bytes of a page of wasm memory.
const PAGE: usize = 64 * 1024;

/// Runs exchanges through the .wasm in wasmtime and prints how large its memory is on the way.
#[derive(Debug, Parser)]
#[command(name = "memory")]
struct Arguments {
    /// How many exchanges
    #[arg(long, default_value_t = 1_000_000)]
    exchanges: u64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = for_stderr();
    let measured = measure(arguments.exchanges, progress.as_ref());
    progress.finish();
    let marks = match measured {
        Ok(marks) => marks,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.json {
        let rows = marks.iter().map(|mark| json!({"exchanges": mark.exchanges, "pages": mark.pages}));
        println!("{:#}", rows.collect::<Value>());
    } else {
        println!("{:>12} {:>7} {:>9}", "exchanges", "pages", "MB");
        for mark in &marks {
            println!("{:>12} {:>7} {:>9.2}", mark.exchanges, mark.pages, (mark.pages * PAGE) as f64 / 1e6);
        }
    }
    let settled = marks.iter().find(|mark| mark.exchanges >= 1000);
    match (settled, marks.last()) {
        (Some(settled), Some(last)) if last.pages > settled.pages => {
            eprintln!("MISSED: memory has grown after {} exchanges", settled.exchanges);
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// The memory after so many exchanges.
struct Mark {
    exchanges: u64,
    pages: usize,
}

/// An exchange of the mix, and whether its request must reach the server.
struct Exchange {
    request: Http,
    response: Http,
    reaches: bool,
}

fn measure(exchanges: u64, progress: &dyn Progress) -> Result<Vec<Mark>, Failure> {
    let built = build(&Wasm::filter(), progress)?;
    progress.stage("compiling the module");
    let module = Module::from_file(&built.path)?;
    let configuration = policies::configuration(&policies::allowlist(true), true, "log").to_string();
    let vm = Vm::start(&module, Options::new(configuration).hold_flag(true))?;
    let mix = mix();
    let mut marks = vec![Mark { exchanges: 0, pages: vm.memory_bytes() / PAGE }];
    let mut next = 10;
    progress.stage(&format!("running {exchanges} exchanges"));
    for (number, exchange) in (1..=exchanges).zip(mix.iter().cycle()) {
        run(&vm, exchange, number)?;
        if number.is_multiple_of(1000) {
            // As Envoy does each second: what was counted is written, and forgotten.
            vm.tick();
            progress.detail(&format!("{number}"));
        }
        vm.take_logs();
        if number == next || number == exchanges {
            next *= 10;
            marks.push(Mark { exchanges: number, pages: vm.memory_bytes() / PAGE });
        }
    }
    Ok(marks)
}

fn run(vm: &Vm, exchange: &Exchange, number: u64) -> Result<(), Failure> {
    // A session of its own, as of ever new clients.
    let request = exchange.request.clone().with("mcp-session-id", format!("session-{number}"));
    let mut reached = false;
    let finished = vm.exchange(Protocol::Http1, &request, |_| {
        reached = true;
        exchange.response.clone()
    });
    if let Some(trap) = vm.failure() {
        return Err(format!("exchange {number} trapped: {trap}").into());
    }
    if finished.hung || finished.downstream.status().is_none() || reached != exchange.reaches {
        let said = finished.downstream.text();
        return Err(format!("exchange {number} went wrong: {:?} {said}", finished.downstream.status()).into());
    }
    Ok(())
}

/// What real traffic has: calls allowed and refused, results of several sizes and forms, lists, malformed messages.
fn mix() -> Vec<Exchange> {
    const JSON: &str = "application/json";
    let exchange = |body: Vec<u8>, response: Http, reaches: bool| Exchange {
        request: Http::post("mcp.example.com", "/mcp/any", body),
        response,
        reaches,
    };
    let call = || messages::call(ALLOWED[9]);
    let list = messages::loads().into_iter().find(|load| load.name == "list").map(|load| load.request);
    let event = |body: Vec<u8>| [b"data: ".as_slice(), body.as_slice(), b"\n\n"].concat();
    let small = || Http::response(200, JSON, messages::result(2 << 10));
    vec![
        exchange(call(), small(), true),
        exchange(call(), Http::response(200, JSON, messages::result(8 << 10)), true),
        exchange(call(), Http::streamed(200, "text/event-stream", [event(messages::result(2 << 10))]), true),
        exchange(list.unwrap_or_default(), Http::response(200, JSON, messages::tools(10)), true),
        exchange(messages::call(FORBIDDEN), small(), false),
        exchange(br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_vec(), small(), false),
        exchange(call(), Http::response(200, JSON, b"{\"jsonrpc\":\"2.0\",".to_vec()), true),
        exchange(call(), Http::response(500, "text/plain", b"broken".to_vec()), true),
    ]
}
