//! What the commands share that run the filter without Envoy: the module, and who calls.

#[cfg(feature = "host")]
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use miette::miette;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[cfg(feature = "host")]
use {
    crate::build::{self, Wasm},
    crate::host::Module,
    crate::replay::{Caller, CallerError, Claimed, supply},
    crate::report::progress,
    tidegate_filter::policy::Identity,
};

/// Which `.wasm` runs.
#[derive(Debug, Args)]
// Without the host nothing reads what is parsed here: it is handed over as it was typed.
#[cfg_attr(not(feature = "host"), allow(dead_code))]
pub(super) struct ModuleOptions {
    /// Use this module instead of building one
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
}

/// Who calls.
#[derive(Debug, Args)]
#[cfg_attr(not(feature = "host"), allow(dead_code))]
pub(super) struct CallerOptions {
    /// Who calls: subject, team, groups, scopes, agent, workload, issuer; supplied as the policy's own sources do.
    /// Without it nobody is known
    #[arg(long = "as", value_name = "KEY=VALUE,…")]
    claims: Vec<String>,
}

#[cfg(feature = "host")]
impl ModuleOptions {
    /// The compiled module, built first if need be.
    pub(super) fn load(&self) -> miette::Result<Module> {
        compile(&self.path()?)
    }

    /// Where the module is, built first if need be.
    pub(super) fn path(&self) -> miette::Result<PathBuf> {
        if let Some(path) = &self.wasm {
            return Ok(path.clone());
        }
        let progress = progress::for_stderr();
        let built = build::build(&Wasm::filter(), progress.as_ref());
        progress.finish();
        built.map(|built| built.path).map_err(|error| miette!("{error}"))
    }
}

/// The module in a file, compiled.
#[cfg(feature = "host")]
pub(super) fn compile(path: &Path) -> miette::Result<Module> {
    let progress = progress::for_stderr();
    progress.stage("compiling the module");
    let module = Module::from_file(path).map_err(|error| miette!("{error}"));
    progress.finish();
    module
}

#[cfg(feature = "host")]
impl CallerOptions {
    /// Whether nobody was named.
    pub(super) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The caller, as the sources of the policy's `identity` supply it.
    pub(super) fn supplied(&self, identity: &Identity) -> miette::Result<Caller> {
        if self.claims.is_empty() {
            return Ok(Caller::Anonymous);
        }
        let claimed = Claimed::parse(&self.claims);
        claimed.and_then(|claimed| supply(identity, &claimed)).map_err(|error| unsupplied(&error))
    }
}

/// Why no source of the policy supplies a caller.
#[cfg(feature = "host")]
pub(super) fn unsupplied(error: &CallerError) -> miette::Report {
    let help = "see `identity.sources` in the policy; `tidegate check --explain` prints them";
    miette!(help = help, "{error}")
}

/// The time that `--now` gives.
pub(super) fn time(text: &str) -> miette::Result<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| miette!(help = "write it as 2026-11-23T09:41:07Z (RFC 3339)", "--now `{text}` is not a time"))
}

/// This program was built without the wasmtime host, as `cargo tidegate` does for the commands that need none. Cargo
/// builds it with the host, which takes a minute the first time, and runs the same command.
#[cfg(not(feature = "host"))]
pub(super) fn again_with_host() -> miette::Result<super::Outcome> {
    use std::os::unix::process::CommandExt as _;

    use crate::build::{self, Workspace};

    let help = "build it with `cargo build --package tidegate --features host`";
    let workspace = Workspace::locate().map_err(|error| miette::miette!(help = help, "{error}"))?;
    let mut cargo = std::process::Command::new(build::cargo());
    cargo.args(["run", "--package", "tidegate", "--bin", "tidegate", "--features", "host", "--manifest-path"]);
    cargo.arg(workspace.root.join("Cargo.toml"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let error = cargo.arg("--").args(std::env::args_os().skip(1)).exec();
    Err(miette::miette!(help = help, "cannot run {}: {error}", build::cargo().to_string_lossy()))
}
