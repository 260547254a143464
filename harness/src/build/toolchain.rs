//! Which compiler builds for [`TARGET`](super::TARGET), in the order: the active toolchain as it is, with rustup's
//! help, Debian's packages.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{BuildError, Obstacle, RunError, TARGET, Way, Workspace, debian, environment};
use crate::report::progress::Progress;

/// How cargo is to be called so that it builds for the target.
#[derive(Debug, Clone)]
pub(super) struct Toolchain {
    pub(super) way: Way,
    pub(super) arguments: &'static [&'static str],
    pub(super) variables: Vec<(&'static str, OsString)>,
    pub(super) rustflags: Vec<String>,
}

impl Toolchain {
    fn plain(way: Way) -> Self {
        Self { way, arguments: &[], variables: Vec::new(), rustflags: Vec::new() }
    }
}

/// Finds a way, installing what it may, or says why each is closed.
pub(super) fn find(workspace: &Workspace, progress: &dyn Progress) -> Result<Toolchain, BuildError> {
    let mut obstacles = Vec::new();
    match has_standard_library(workspace) {
        Ok(()) => return Ok(Toolchain::plain(Way::ActiveToolchain)),
        Err(why) => obstacles.push(Obstacle { way: Way::ActiveToolchain, why }),
    }
    match add_rustup_target(workspace, progress) {
        Ok(()) => return Ok(Toolchain::plain(Way::RustupTarget)),
        Err(why) => obstacles.push(Obstacle { way: Way::RustupTarget, why }),
    }
    match debian_packages(workspace, progress) {
        Ok(toolchain) => return Ok(toolchain),
        Err(why) => obstacles.push(Obstacle { way: Way::DebianPackages, why }),
    }
    Err(BuildError::NoToolchain(obstacles))
}

/// `rustc -vV` of the active toolchain: a change of compiler makes a module stale.
pub(super) fn fingerprint(workspace: &Workspace) -> String {
    rustc(workspace, &["-vV"]).unwrap_or_default()
}

fn rustc(workspace: &Workspace, arguments: &[&str]) -> Result<String, String> {
    let output = environment::command("rustc".as_ref(), &workspace.target)
        .current_dir(&workspace.root)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    if !output.status.success() {
        return Err(format!("rustc {}: {}", arguments.join(" "), last_line(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn last_line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().lines().next_back().unwrap_or("no message").to_owned()
}

fn has_standard_library(workspace: &Workspace) -> Result<(), String> {
    let directory = rustc(workspace, &["--print", "target-libdir", "--target", TARGET])?;
    let is_std = |name: &str| name.starts_with("libstd-") && name.ends_with(".rlib");
    let found = std::fs::read_dir(&directory)
        .is_ok_and(|entries| entries.flatten().any(|entry| is_std(&entry.file_name().to_string_lossy())));
    if found { Ok(()) } else { Err(format!("the active Rust toolchain has no standard library for {TARGET}")) }
}

fn add_rustup_target(workspace: &Workspace, progress: &dyn Progress) -> Result<(), String> {
    if std::env::var_os("RUSTUP_AUTO_INSTALL").is_some_and(|value| value == "0") {
        return Err("RUSTUP_AUTO_INSTALL=0 says that rustup is to fetch nothing".to_owned());
    }
    progress.stage(&format!("rustup target add {TARGET}"));
    let mut rustup = environment::command("rustup".as_ref(), &workspace.target);
    rustup.current_dir(&workspace.root).args(["target", "add", TARGET]);
    super::run(rustup, progress).map_err(|failure| match failure {
        RunError::Spawn(program, error) => format!("cannot run {program}: {error}"),
        RunError::Failed(output) => format!("rustup target add {TARGET}: {}", last_line(output.as_bytes())),
    })?;
    has_standard_library(workspace)
}

fn debian_packages(workspace: &Workspace, progress: &dyn Progress) -> Result<Toolchain, String> {
    let linker = rust_lld(workspace)?;
    debian::ensure_packages(progress)?;
    Ok(Toolchain {
        way: Way::DebianPackages,
        arguments: &["-Zbuild-std=std,panic_abort"],
        // RUSTC_BOOTSTRAP lets a release compiler take -Zbuild-std; there is no nightly in Debian.
        variables: vec![("RUSTC", debian::RUSTC.into()), ("RUSTC_BOOTSTRAP", "1".into())],
        rustflags: vec![format!("-Clinker={}", linker.display()), format!("-Lnative={}", debian::WASI_LIBC)],
    })
}

/// The linker that ships inside the rustup toolchain; Debian's compiler has none for wasm.
fn rust_lld(workspace: &Workspace) -> Result<PathBuf, String> {
    let sysroot = rustc(workspace, &["--print", "sysroot"])?;
    let version = rustc(workspace, &["-vV"])?;
    let host = host_triple(&version).ok_or("rustc -vV does not name its host")?;
    let path = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("the active Rust toolchain has no rust-lld at {}", path.display()))
    }
}

fn host_triple(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_the_verbose_version() {
        let version =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: aarch64-unknown-linux-gnu\nrelease: 1.95.0";
        assert_eq!(host_triple(version), Some("aarch64-unknown-linux-gnu"));
        assert_eq!(host_triple("rustc 1.95.0"), None);
    }
}
