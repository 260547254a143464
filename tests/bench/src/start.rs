//! How long Envoy takes until it serves, and how much memory it then has, with one filter and one worker.

use std::time::Instant;

use serde_json::{Value, json};
use tidegate::envoy::{Binary, Envoy, EnvoyError, Options};

use crate::machine;
use crate::messages::Random;
use crate::statistics::Estimate;
use crate::variant::{self, Name, Variant};

/// What one kind of Envoy was seen to need.
#[derive(Debug, Clone)]
pub struct Start {
    /// The filter it loads.
    pub variant: Name,
    /// From the start of the process until its admin endpoint says LIVE, in milliseconds.
    pub milliseconds: Estimate,
    /// CPU time until then, in milliseconds.
    pub cpu: Estimate,
    /// Resident memory then, in MB (10^6 bytes).
    pub megabytes: Estimate,
}

impl Start {
    /// As data.
    pub fn to_json(&self) -> Value {
        json!({
            "variant": self.variant,
            "milliseconds": self.milliseconds.median,
            "cpu_milliseconds": self.cpu.median,
            "resident_megabytes": self.megabytes.median,
        })
    }
}

/// Starts an Envoy of each variant `times` times, in random order.
pub async fn measure(
    binary: &Binary,
    variants: &[Variant],
    times: usize,
    random: &mut Random,
) -> Result<Vec<Start>, Box<dyn std::error::Error>> {
    // Nothing is asked of the upstream.
    let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let mut order: Vec<&Variant> = variants.iter().collect();
    let mut seen: Vec<(Name, [f64; 3])> = Vec::new();
    for _ in 0..times.max(1) {
        random.shuffle(&mut order);
        for variant in &order {
            let bootstrap = variant::bootstrap(std::slice::from_ref(*variant), upstream);
            let start = Instant::now();
            let envoy: Result<Envoy, EnvoyError> = Envoy::start(binary, bootstrap, &Options::default()).await;
            let envoy = envoy?;
            let seconds = start.elapsed().as_secs_f64();
            let cpu = machine::cpu_nanoseconds(envoy.pid())?;
            let bytes = machine::resident_bytes(envoy.pid())?;
            seen.push((variant.name, [seconds * 1e3, cpu as f64 / 1e6, bytes as f64 / 1e6]));
            envoy.stop().await?;
        }
    }
    let starts = variants.iter().map(|variant| {
        let column = |pick: fn(&[f64; 3]) -> f64| {
            Estimate::of(seen.iter().filter(|(name, _)| *name == variant.name).map(|(_, values)| pick(values)))
        };
        Start {
            variant: variant.name,
            milliseconds: column(|[it, ..]| *it),
            cpu: column(|[_, it, _]| *it),
            megabytes: column(|[.., it]| *it),
        }
    });
    Ok(starts.collect())
}
