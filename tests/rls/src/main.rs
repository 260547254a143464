//! The service as a command: see README.md.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use tidegate_rls::{Method, Options, RateLimitServer, Store, read_limits};

/// A rate limit service for trying things out: Limitador's limiter, in a shell made for tests
#[derive(Debug, Parser)]
#[command(name = "tidegate-rls")]
struct Arguments {
    /// Where to listen; HTTP/2 without TLS
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Limits in Limitador's form: `tidegate render limitador --policy POLICY`
    #[arg(long, value_name = "FILE")]
    limits: PathBuf,
    /// No `X-RateLimit-*` headers in answers of ShouldRateLimit: a refused caller is not told when to try again
    #[arg(long)]
    no_headers: bool,
    /// How long a reservation is held at most
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    max_ttl: u32,
    /// Count in this Redis, with other replicas
    #[cfg(feature = "redis")]
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

impl Arguments {
    fn store(&self) -> Store {
        #[cfg(feature = "redis")]
        if let Some(url) = &self.redis {
            return Store::Redis(url.clone());
        }
        Store::Memory
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let file = arguments.limits.display();
    let text = std::fs::read_to_string(&arguments.limits).map_err(|error| format!("cannot read {file}: {error}"))?;
    let limits = read_limits(&text).map_err(|error| format!("{file}: {error}"))?;
    let count = limits.len();
    let max_ttl = Duration::from_secs(arguments.max_ttl.into());
    let options = Options { store: arguments.store(), headers: !arguments.no_headers, max_ttl };
    let server = RateLimitServer::start(arguments.listen, limits, options).await?;
    println!("listening on {} with {count} limits from {file}; Ctrl-C ends it", server.address());
    tokio::signal::ctrl_c().await?;
    for method in Method::ALL {
        println!("{:>9} {}", server.arrived(method), method.path());
    }
    Ok(())
}
