use std::fs;
use std::path::PathBuf;

use clap::Args;
use miette::miette;

use super::Outcome;
use crate::build::{self, Wasm};
use crate::report::progress;

/// Builds the filter, the `.wasm` that Envoy loads, and prints where it lies
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate build\n  tidegate build --out /etc/envoy/tidegate.wasm\n  \
                        tidegate build --scalar      without SIMD, for old engines\n  tidegate build --full        with all of JSON Schema \
                        2020-12")]
pub(super) struct Build {
    /// Copy the module there as well
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do not use SIMD instructions, which Envoy's V8 runs and some older engines refuse
    #[arg(long)]
    scalar: bool,
    /// Judge arguments by all of JSON Schema 2020-12 (tidegate-full.wasm): much larger, and slower to start
    #[arg(long)]
    full: bool,
}

impl Build {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let request = if self.full { Wasm::full_filter() } else { Wasm::filter() };
        let request = if self.scalar { request.scalar() } else { request };
        let progress = progress::for_stderr();
        let built = build::build(&request, progress.as_ref());
        progress.finish();
        let built = built.map_err(|error| miette!("{error}"))?;
        let path = match &self.out {
            Some(out) => {
                fs::copy(&built.path, out).map_err(|error| miette!("cannot write {}: {error}", out.display()))?;
                out
            }
            None => &built.path,
        };
        println!("{}", path.display());
        let state = if built.rebuilt { "built" } else { "up to date" };
        eprintln!("tidegate: {state}, {} KB; {}", built.bytes.div_ceil(1024), built.way);
        Ok(Outcome::Fine)
    }
}
