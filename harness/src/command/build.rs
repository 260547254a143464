use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use miette::miette;

use super::{Outcome, input};
use crate::build::{self, Wasm};
use crate::output::PendingFile;
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
        // What cannot be written is said before anything is built.
        let out = match self.out.as_deref() {
            Some(out) => Some((out, PendingFile::create(out).map_err(|error| unwritable(out, &error))?)),
            None => None,
        };
        let progress = progress::for_stderr();
        let built = build::build(&request, progress.as_ref());
        progress.finish();
        let built = built.map_err(|error| miette!("{error}"))?;
        let path = match out {
            Some((out, mut pending)) => {
                let module = input::read(&built.path)?;
                let written = pending.write_all(&module).and_then(|()| pending.finish());
                written.map_err(|error| unwritable(out, &error))?;
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

fn unwritable(out: &Path, error: &io::Error) -> miette::Report {
    miette!(help = "name a file in a directory that is there", "cannot write {}: {error}", out.display())
}
