use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use miette::miette;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

use super::decisions::{self, Tally};
use super::input::{self, Attachment, PolicyFile};
use super::{Outcome, runtime};
use crate::build::{self, Wasm};
use crate::envoy::audit::Event;
use crate::envoy::{Binary, Envoy, Options, Rendering, Upstream};
use crate::report::progress::{self, Progress};
use crate::report::style::Style;

/// Runs Envoy with the filter in front of your MCP server and shows each decision as it is made
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate up --policy policies/starter.json --upstream http://localhost:3000/mcp\n  \
    tidegate up -p policy.json -u https://mcp.example.com/mcp --listen 127.0.0.1:8080 \\\n      \
    --jwks keys.json --issuer https://idp.example.com\n\n\
    Then point the MCP client at http://127.0.0.1:10000 and the server's own path. Ctrl-C stops it."
)]
pub(super) struct Up {
    #[command(flatten)]
    attachment: Attachment,
    /// Use this module instead of building one
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// Envoy's worker threads
    #[arg(long, value_name = "N", default_value_t = 1)]
    concurrency: u32,
}

/// The module and the Envoy to run it in, built and installed where need be.
pub(super) fn ready(wasm: Option<&Path>, progress: &dyn Progress) -> miette::Result<(PathBuf, Binary)> {
    let module = match wasm {
        Some(path) if path.is_file() => path.to_owned(),
        Some(path) => return Err(miette!("there is no module at {}", path.display())),
        None => build::build(&Wasm::filter(), progress).map_err(|error| miette!("{error}"))?.path,
    };
    // Envoy opens the path from its own working directory.
    let module = std::path::absolute(&module).map_err(|error| miette!("{}: {error}", module.display()))?;
    progress.stage("looking for Envoy");
    let binary = Binary::find(progress).map_err(|error| miette!("{error}"))?;
    Ok((module, binary))
}

impl Up {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let (policy, mut rendering, warnings) = self.attachment.rendering(Path::new(""))?;
        for warning in warnings {
            eprintln!("tidegate: warning: {warning}");
        }
        input::ensure_key(&policy)?;
        input::ensure_free(self.attachment.listen)?;
        let progress = progress::for_stderr();
        let (wasm, binary) = ready(self.wasm.as_deref(), progress.as_ref())?;
        rendering.wasm = wasm;
        runtime()?.block_on(self.serve(&policy, &rendering, &binary, progress.as_ref()))
    }

    async fn serve(
        &self,
        policy: &PolicyFile,
        rendering: &Rendering,
        binary: &Binary,
        progress: &dyn Progress,
    ) -> miette::Result<Outcome> {
        for upstream in &rendering.upstreams {
            if let Err(why) = reach(upstream).await {
                progress.finish();
                eprintln!(
                    "tidegate: warning: {} does not answer ({why}); calls get 503 until it does",
                    self.attachment.upstream
                );
            }
        }
        // Building took a while: somebody may have come meanwhile.
        input::ensure_free(self.attachment.listen)?;
        progress.stage(&format!("starting Envoy {}", binary.version));
        let options = Options { concurrency: self.concurrency, ..Options::default() };
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| miette!("{error}"))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| miette!("{error}"))?;
        let envoy = Envoy::start(binary, rendering.bootstrap(), &options).await;
        progress.finish();
        let envoy = envoy.map_err(|error| miette!("{error}"))?;

        let style = Style::for_stdout();
        println!("{}", self.banner(policy, rendering, envoy.listener("mcp"), envoy.admin()));
        println!("{}", decisions::heading(style));
        let mut tally = Tally::default();
        let mut log = envoy.follow_log();
        loop {
            let line = tokio::select! {
                line = log.next() => line,
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
            };
            let Some(line) = line else {
                return Err(miette!("Envoy has ended by itself; the last lines of its log:\n{}", envoy.log().tail(10)));
            };
            if let Some(event) = Event::from_log_line(&line) {
                tally.count(&event);
                if let Some(text) = decisions::line(&event, style) {
                    println!("{text}");
                }
            } else if line.contains("][error][") || line.contains("][critical][") {
                eprintln!("{line}");
            }
        }
        // On a terminal Ctrl-C reaches Envoy as well; stopping it twice does no harm.
        let _ = envoy.stop().await;
        println!("\ntidegate: stopped; {}", tally.summary());
        Ok(Outcome::Fine)
    }

    fn banner(
        &self,
        policy: &PolicyFile,
        rendering: &Rendering,
        listen: Option<SocketAddr>,
        admin: SocketAddr,
    ) -> String {
        let policy = &policy.compiled.configuration.policy;
        let listen = listen.unwrap_or(self.attachment.listen);
        let path = rendering.upstreams.first().map_or("/", |it| it.path.as_str());
        let hold = if rendering.hold { "a refused call never reaches the server" } else { "no hold" };
        format!(
            "\nPoint the MCP client at http://{listen}{path}   (server: {})\nPolicy {} ({}), {}, {hold}.   \
             Metrics: http://{admin}/stats/prometheus\nCtrl-C stops.\n",
            self.attachment.upstream,
            policy.name,
            policy.digest,
            policy.mode.as_str(),
        )
    }
}

/// Whether something listens at the upstream.
async fn reach(upstream: &Upstream) -> Result<(), String> {
    let connect = TcpStream::connect((upstream.host.as_str(), upstream.port));
    match tokio::time::timeout(Duration::from_secs(2), connect).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer within 2 s".to_owned()),
    }
}
