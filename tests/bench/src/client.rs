//! The clients: a closed loop of keep-alive connections, and single exchanges that show what a variant does.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::http;
use crate::machine;
use crate::messages::{self, ALLOWED, FORBIDDEN, Load};
use crate::statistics::quantile;
use crate::variant::{Guard, Variant};

/// How long a variant runs before it is measured: connections are made, caches are warm.
const WARM_UP: Duration = Duration::from_millis(200);

/// What one variant did under one load in one round.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Answers that came within the measured time.
    pub requests: u64,
    /// CPU time of Envoy for one request, in microseconds.
    pub cpu: f64,
    /// Answers a second.
    pub rate: f64,
    /// Median latency in microseconds.
    pub p50: f64,
    /// 99th percentile of the latency in microseconds.
    pub p99: f64,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The variant's listener.
    pub address: SocketAddr,
    /// Envoy's process.
    pub process: u32,
    /// What is asked.
    pub load: &'a Load,
    /// The length of the right answer's body.
    pub answer: usize,
    /// Connections, each with one request under way at any time.
    pub connections: usize,
    /// How long it is measured.
    pub time: Duration,
}

fn request(load: &Load, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: mcp.example.com\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\ncontent-length: {}\r\n\r\n",
        load.path(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A single exchange on a connection of its own: status and body.
async fn exchange(address: SocketAddr, load: &Load, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
    let mut reader = BufReader::new(TcpStream::connect(address).await?);
    reader.get_mut().write_all(&request(load, body)).await?;
    let head = http::head(&mut reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut answer = Vec::new();
    http::body(&mut reader, &head, |piece| answer.extend_from_slice(piece)).await?;
    Ok((head.status().unwrap_or(0), answer))
}

/// Shows that a variant lets `load` pass and refuses what it is there to refuse, so that no broken guard is measured.
/// Returns the length of the right answer's body.
pub async fn verify(variant: &Variant, address: SocketAddr, load: &Load) -> io::Result<usize> {
    let wrong = |what: String| io::Error::other(format!("{}, {}: {what}", variant.name, load.title));
    let (status, answer) = exchange(address, load, &load.request).await?;
    if status != 200 {
        return Err(wrong(format!("status {status}: {}", String::from_utf8_lossy(&answer))));
    }
    let is_list = tools(&load.response).is_some();
    if is_list && variant.guard == Guard::CallsAndLists {
        let shown = tools(&answer).unwrap_or_default();
        if shown != ALLOWED {
            return Err(wrong(format!("the list shows {shown:?}")));
        }
    } else if answer != load.response {
        return Err(wrong(format!("another answer: {}", String::from_utf8_lossy(&answer))));
    }
    let (status, refused) = exchange(address, load, &messages::call(FORBIDDEN)).await?;
    let guarded = match variant.guard {
        Guard::Nothing => status == 200 && refused == load.response,
        Guard::Calls => status == 403,
        Guard::CallsAndLists => {
            let answer: Value = serde_json::from_slice(&refused)?;
            status == 200 && answer.pointer("/result/isError") == Some(&Value::Bool(true))
        }
    };
    if guarded {
        Ok(answer.len())
    } else {
        Err(wrong(format!("a forbidden call got status {status}: {}", String::from_utf8_lossy(&refused))))
    }
}

fn tools(answer: &[u8]) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let tools = answer.pointer("/result/tools")?.as_array()?.iter();
    Some(tools.filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned())).collect())
}

/// What all connections of a measurement share.
#[derive(Debug)]
struct Shared {
    request: Vec<u8>,
    answer: usize,
    measuring: Cell<bool>,
    over: Cell<bool>,
    /// Microseconds, of the measured time alone.
    latencies: RefCell<Vec<f64>>,
}

/// Measures one variant under one load. Runs on the calling thread's [`tokio::task::LocalSet`].
pub async fn measure(plan: &Plan<'_>) -> io::Result<Sample> {
    let shared = Rc::new(Shared {
        request: request(plan.load, &plan.load.request),
        answer: plan.answer,
        measuring: Cell::new(false),
        over: Cell::new(false),
        latencies: RefCell::new(Vec::with_capacity(1 << 16)),
    });
    let connections: Vec<_> = (0..plan.connections.max(1))
        .map(|_| tokio::task::spawn_local(repeat(plan.address, Rc::clone(&shared))))
        .collect();
    tokio::time::sleep(WARM_UP).await;
    shared.measuring.set(true);
    let (cpu, start) = (machine::cpu_nanoseconds(plan.process)?, Instant::now());
    tokio::time::sleep(plan.time).await;
    shared.measuring.set(false);
    let (cpu, seconds) = (machine::cpu_nanoseconds(plan.process)?.saturating_sub(cpu), start.elapsed().as_secs_f64());
    shared.over.set(true);
    for connection in connections {
        connection.await.map_err(io::Error::other)??;
    }
    let mut latencies = shared.latencies.take();
    latencies.sort_by(f64::total_cmp);
    if latencies.is_empty() {
        return Err(io::Error::other(format!("no answer to a {} within {:?}", plan.load.title, plan.time)));
    }
    let requests = latencies.len() as u64;
    Ok(Sample {
        requests,
        cpu: cpu as f64 / 1e3 / requests as f64,
        rate: requests as f64 / seconds,
        p50: quantile(&latencies, 0.5),
        p99: quantile(&latencies, 0.99),
    })
}

async fn repeat(address: SocketAddr, shared: Rc<Shared>) -> io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    while !shared.over.get() {
        let start = Instant::now();
        reader.get_mut().write_all(&shared.request).await?;
        let head = http::head(&mut reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = http::body(&mut reader, &head, |_| {}).await?;
        if head.status() != Some(200) || length != shared.answer {
            return Err(io::Error::other(format!("a wrong answer under load: {}, {length} bytes", head.start_line)));
        }
        if shared.measuring.get() {
            shared.latencies.borrow_mut().push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(())
}
