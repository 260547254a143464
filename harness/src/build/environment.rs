//! The environment of the inner cargo: the user's, without what the outer cargo put into it.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// The cargo to call: the one that runs this program, else the one on the path.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").filter(|it| !it.is_empty()).unwrap_or_else(|| "cargo".into())
}

/// A command that does not inherit what would steer a build for another target.
///
/// Kept: where packages come from and how they are fetched, and `RUSTUP_*`, which is how the user chose the toolchain
/// and said whether rustup may fetch.
pub(super) fn command(program: &OsStr, target_directory: &Path) -> Command {
    let mut command = Command::new(program);
    for (key, value) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if is_foreign(&name) {
            command.env_remove(&key);
        } else if name == "LD_LIBRARY_PATH" {
            match without_cargo_directories(&value, target_directory) {
                Some(rest) => command.env(&key, rest),
                None => command.env_remove(&key),
            };
        }
    }
    command
}

fn is_foreign(name: &str) -> bool {
    const KEPT: [&str; 8] = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_SOURCE_",
        "CARGO_REGISTRY_",
        "CARGO_REGISTRIES_",
        "CARGO_TERM_",
        "CARGO_BUILD_JOBS",
    ];
    const DROPPED: [&str; 12] = [
        "CARGO",
        "MAKEFLAGS",
        "MFLAGS",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "OUT_DIR",
    ];
    DROPPED.contains(&name)
        || name.starts_with("__CARGO")
        || (name.starts_with("CARGO_") && !KEPT.iter().any(|kept| name.starts_with(kept)))
}

/// Cargo adds the target directory and its toolchain's libraries to the search path of what it runs; another compiler
/// must not load those.
fn without_cargo_directories(value: &OsStr, target_directory: &Path) -> Option<OsString> {
    let rest: Vec<_> = std::env::split_paths(value)
        .filter(|path| !path.starts_with(target_directory) && !path.components().any(|it| it.as_os_str() == "rustlib"))
        .filter(|path| !path.components().any(|it| it.as_os_str() == "toolchains"))
        .collect();
    if rest.is_empty() { None } else { std::env::join_paths(rest).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_build_is_dropped_and_what_fetches_is_kept() {
        for name in [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_DIR",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_MAKEFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_BOOTSTRAP",
        ] {
            assert!(is_foreign(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_REGISTRIES_MINE_INDEX", "RUSTUP_TOOLCHAIN", "PATH"] {
            assert!(!is_foreign(name), "{name}");
        }
        assert!(!is_foreign("RUSTUP_AUTO_INSTALL"), "rustup must hear that it may not fetch");
    }

    #[test]
    fn only_cargos_own_library_directories_go() {
        let target = Path::new("/code/target");
        let given = OsStr::new("/code/target/debug/deps:/home/u/.rustup/toolchains/stable/lib:/opt/cuda/lib");
        assert_eq!(without_cargo_directories(given, target), Some("/opt/cuda/lib".into()));
        assert_eq!(without_cargo_directories(OsStr::new("/code/target/debug"), target), None);
    }
}
