//! `tidegate demo`: real clients, real Envoy, and proof that what was refused did not run.

mod judge;
mod scenario;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use miette::miette;
use serde_json::Value;

use self::judge::{Observed, Row, Seen};
use self::scenario::{AUDIENCE, ISSUER, POLICY, Step, Visit, visits};
use super::up::ready;
use super::{Outcome, runtime};
use crate::envoy::audit::Event;
use crate::envoy::{Binary, Envoy, JwtProvider, Options, Rendering, Upstream};
use crate::report::progress::{self, Progress};
use crate::report::style::{Paint, Style, one_line};
use crate::report::table::{Cell, Table};
use crate::sample::{Client, Era, Issuer, Server};

/// Widest call in the table.
const CALL_WIDTH: usize = 38;
/// Widest line of what the client saw.
const SAW_WIDTH: usize = 56;

/// Shows the filter at work: real MCP clients, real Envoy, a sample of internal servers behind it
#[derive(Debug, Args)]
#[command(after_help = "Builds the filter, gets Envoy, starts two sample MCP servers (billing, platform), and lets \
    three callers with signed tokens and one without use them, in both protocol eras. Exits 0 only if every verdict was \
    the expected one and no refused tool ran.\n\nExamples:\n  tidegate demo\n  tidegate demo --no-hold --log      as in Istio's WasmPlugin, and what Envoy logged")]
pub(super) struct Demo {
    /// Use this module instead of building one
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// Let headers go to the server before the body is judged, as Istio's WasmPlugin and Envoy Gateway do
    #[arg(long)]
    no_hold: bool,
    /// Print Envoy's log at the end
    #[arg(long)]
    log: bool,
}

impl Demo {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let progress = progress::for_stderr();
        let (wasm, binary) = ready(self.wasm.as_deref(), progress.as_ref())?;
        runtime()?.block_on(self.show(wasm, &binary, progress.as_ref()))
    }

    async fn show(&self, wasm: PathBuf, binary: &Binary, progress: &dyn Progress) -> miette::Result<Outcome> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let issuer = Issuer::new(ISSUER).map_err(|error| miette!("no random bytes: {error}"))?;
        let server =
            Server::start(loopback).await.map_err(|error| miette!("cannot start the sample server: {error}"))?;
        let mut rendering = Rendering::new(POLICY, wasm);
        rendering.hold = !self.no_hold;
        rendering.upstreams.push(Upstream::plain("mcp", server.address()));
        rendering.jwt.push(JwtProvider {
            issuer: issuer.name().to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            jwks: issuer.jwks(),
        });
        progress.stage(&format!("starting Envoy {}", binary.version));
        let envoy = Envoy::start(binary, rendering.bootstrap(), &Options::default()).await;
        let envoy = envoy.map_err(|error| miette!("{error}"))?;
        let address = envoy.listener("mcp").ok_or_else(|| miette!("Envoy has no listener"))?;

        progress.stage("calling");
        let visits = visits();
        let mut observed = Vec::new();
        for visit in &visits {
            for era in Era::ALL {
                progress.detail(&format!("{} {}", visit.name(), visit.server));
                visit_once(visit, era, &format!("http://{address}{}", visit.path), &issuer, &mut observed).await;
            }
        }
        let log = envoy.stop().await.map_err(|error| miette!("{error}"))?;
        progress.finish();
        let lines = log.lines();
        if self.log {
            lines.iter().for_each(|line| eprintln!("{line}"));
        }
        let events = Event::from_log(lines.iter().map(AsRef::as_ref));
        let rows: Vec<Row> = observed.iter().map(|it| judge::judge(it, &events)).collect();
        let mut problems: Vec<String> = rows.iter().filter_map(|row| row.problem.clone()).collect();
        problems.extend(judge::executed(&observed, &server.calls()));
        print(&rows, &events, &problems, binary);
        Ok(if problems.is_empty() { Outcome::Fine } else { Outcome::Findings })
    }
}

async fn visit_once<'a>(visit: &'a Visit, era: Era, url: &str, issuer: &Issuer, observed: &mut Vec<Observed<'a>>) {
    let token = visit.principal.map(|principal| issuer.token(&principal, AUDIENCE));
    let client = Client::connect(url, token.as_deref(), era).await;
    for step in &visit.steps {
        let seen = match (&client, step) {
            (_, Step::Refused(_)) => Seen::Connected(client.as_ref().map(|_| ()).map_err(Clone::clone)),
            (Err(error), _) => Seen::Connected(Err(error.clone())),
            (Ok(client), Step::List(_)) => Seen::List(client.list_tools().await),
            (Ok(client), Step::Call { tool, arguments, .. }) => {
                let arguments = arguments.as_object().cloned().unwrap_or_default();
                Seen::Reply(client.call(tool, arguments).await)
            }
        };
        observed.push(Observed { visit, step, era, seen });
    }
    if let Ok(client) = client {
        client.close().await;
    }
}

fn print(rows: &[Row], events: &[Event], problems: &[String], binary: &Binary) {
    let style = Style::for_stdout();
    let merged = judge::merged(rows);
    let mut table = Table::new(&["call", "verdict", "rule and reason", "what the client saw"]);
    let mut visit = "";
    for row in &merged {
        if row.visit != visit {
            if !visit.is_empty() {
                table.row([Cell::from("")]);
            }
            visit = row.visit.as_str();
            table.row([Cell::painted(visit, Paint::Strong)]);
        }
        let paint = match row.verdict.as_str() {
            "allow" => Paint::Good,
            "deny" => Paint::Bad,
            _ => Paint::Notable,
        };
        let era = if row.era == "both" { String::new() } else { format!(" [{}]", row.era) };
        let saw = lines(&row.saw, SAW_WIDTH);
        let (first, rest) = saw.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        table.row([
            format!("  {}{era}", one_line(&row.call, CALL_WIDTH)).into(),
            Cell::painted(row.verdict.as_str(), paint),
            row.why.as_str().into(),
            first.into(),
        ]);
        for line in rest {
            table.row(["".into(), "".into(), "".into(), line.as_str().into()]);
        }
    }
    println!("\n{}", table.render(style));
    println!(
        "Each call was made in both protocol eras: 2025-11-25 (sessions, SSE) and 2026-07-28 (stateless, JSON).\n"
    );
    let refusal = events.iter().find(|it| it.text("verdict") == Some("deny") && it.text("tool").is_some());
    if let Some(event) = refusal {
        println!("One of {} audit events in Envoy's log:\n  {}\n", events.len(), event.line());
    }
    let refused = rows.iter().filter(|row| row.refused).count();
    if problems.is_empty() {
        let verdict = style.paint(Paint::Good, "All as expected");
        println!(
            "{verdict}: {} steps through Envoy {}, {refused} of them refused, and nothing that was refused ran on a server.",
            rows.len(),
            binary.version
        );
        println!("Next: tidegate up --policy policies/starter.json --upstream http://localhost:3000/mcp");
        return;
    }
    for problem in problems {
        println!("{}: {problem}", style.paint(Paint::Bad, "not as expected"));
    }
}

impl Visit {
    fn name(&self) -> &'static str {
        self.principal.map_or("nobody", |it| it.subject)
    }

    /// `ada (finance)`.
    fn caller(&self) -> String {
        self.principal.map_or_else(|| "(no token)".to_owned(), |it| format!("{} ({})", it.subject, it.team))
    }
}

/// What a client saw as lines of at most `width` characters: data in one unless it
/// shows what was redacted, sentences in as many as they take.
fn lines(saw: &str, width: usize) -> Vec<String> {
    if saw.contains("[redacted:") && saw.starts_with('{') {
        let shown: Vec<char> = one_line(saw, width * 5).chars().collect();
        return shown.chunks(width).map(|line| line.iter().collect()).collect();
    }
    if saw.starts_with('{') {
        return vec![one_line(saw, width)];
    }
    let mut lines = vec![String::new()];
    for word in one_line(saw, width * 5).split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Arguments as they would be typed: `customer_id=cus_1042`.
fn arguments_text(arguments: &Value) -> String {
    let pairs = arguments.as_object().into_iter().flatten();
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    pairs.join(" ")
}
