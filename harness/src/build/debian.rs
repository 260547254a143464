//! Debian's compiler as a source of a wasm toolchain, for machines that cannot reach rustup's server.

use std::path::Path;
use std::process::Command;

use super::RunError;
use crate::report::progress::Progress;

/// Where `rustc-web` puts the compiler.
pub(super) const RUSTC: &str = "/usr/bin/rustc";
/// Where `wasi-libc` puts the C library.
pub(super) const WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// The version that this recipe was tried with; another one of at least [`OLDEST`] is the second choice.
const TRIED: (u32, u32) = (1, 96);
/// The workspace's `rust-version`.
const OLDEST: (u32, u32) = (1, 95);

/// Makes sure that compiler, library sources and C library are installed, or says what is in the way.
pub(super) fn ensure_packages(progress: &dyn Progress) -> Result<(), String> {
    if installed() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err("this is not Debian: there is no apt-get".to_owned());
    }
    if !is_root() {
        return Err("installing Debian's packages needs root; as root run: \
                    apt-get update && apt-get install rustc-web rust-web-src wasi-libc"
            .to_owned());
    }
    progress.stage("apt-get update");
    apt_get(&["update"], progress)?;
    let listing = madison()?;
    let version = pick(&listing).ok_or_else(|| {
        format!(
            "no rustc-web of at least {}.{} in Debian's package lists (is the security suite enabled?)",
            OLDEST.0, OLDEST.1
        )
    })?;
    progress.stage(&format!("apt-get install rustc-web {version}, rust-web-src, wasi-libc"));
    let (compiler, sources) = (format!("rustc-web={version}"), format!("rust-web-src={version}"));
    // --no-remove: never trade a compiler that the user has installed for this one.
    apt_get(&["install", "-y", "--no-install-recommends", "--no-remove", &compiler, &sources, "wasi-libc"], progress)?;
    if installed() {
        Ok(())
    } else {
        Err("the packages were installed, and the compiler or its sources are still missing".to_owned())
    }
}

fn installed() -> bool {
    let sources = Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml").is_file();
    let libc = Path::new(WASI_LIBC).join("libc.a").is_file();
    let version = Command::new(RUSTC).arg("--version").output().ok();
    let version = version.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    let recent = version.strip_prefix("rustc ").and_then(release).is_some_and(|it| it >= OLDEST);
    sources && libc && recent
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|it| it.stdout.trim_ascii() == b"0")
}

fn apt_get(arguments: &[&str], progress: &dyn Progress) -> Result<(), String> {
    let mut command = Command::new("/usr/bin/apt-get");
    command.args(["-q", "-o", "DPkg::Lock::Timeout=300"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    super::run(command, progress).map_err(|failure| match failure {
        RunError::Spawn(program, error) => format!("cannot run {program}: {error}"),
        RunError::Failed(output) => format!("apt-get {}: {}", arguments.first().unwrap_or(&""), output.trim()),
    })
}

fn madison() -> Result<String, String> {
    let output = Command::new("apt-cache")
        .args(["madison", "rustc-web", "rust-web-src"])
        .output()
        .map_err(|error| format!("cannot run apt-cache: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Chooses from `apt-cache madison` the version that both packages have: the tried release, else the newest.
fn pick(listing: &str) -> Option<&str> {
    let rows: Vec<(&str, &str)> = listing
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('|').map(str::trim);
            Some((columns.next()?, columns.next()?))
        })
        .collect();
    let both = rows
        .iter()
        .filter(|(package, _)| *package == "rustc-web")
        .map(|(_, version)| *version)
        .filter(|version| rows.contains(&("rust-web-src", version)))
        .filter(|version| release(version).is_some_and(|it| it >= OLDEST));
    both.max_by_key(|version| (release(version) == Some(TRIED), release(version)))
}

/// Major and minor of `1.96.0+dfsg1-1~deb12u2`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|it: char| !it.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\
 rustc-web | 1.97.0+dfsg1-1 | http://deb.example/debian sid/main amd64 Packages
 rustc-web | 1.96.0+dfsg1-1~deb12u2 | http://deb.example/debian-security bookworm-security/main amd64 Packages
 rustc-web | 1.85.0+dfsg3-1~deb12u3 | http://deb.example/debian bookworm/main amd64 Packages
rust-web-src | 1.97.0+dfsg1-1 | http://deb.example/debian sid/main amd64 Packages
rust-web-src | 1.96.0+dfsg1-1~deb12u2 | http://deb.example/debian-security bookworm-security/main amd64 Packages
rust-web-src | 1.85.0+dfsg3-1~deb12u3 | http://deb.example/debian bookworm/main amd64 Packages
";

    #[test]
    fn the_tried_release_is_preferred_to_a_newer_one() {
        assert_eq!(pick(LISTING), Some("1.96.0+dfsg1-1~deb12u2"));
    }

    #[test]
    fn without_it_the_newest_that_is_new_enough_and_complete() {
        let newer: String = LISTING.lines().filter(|line| !line.contains("1.96")).map(|it| format!("{it}\n")).collect();
        assert_eq!(pick(&newer), Some("1.97.0+dfsg1-1"));
        let no_sources: String =
            newer.lines().filter(|line| !line.contains("rust-web-src | 1.97")).map(|it| format!("{it}\n")).collect();
        assert_eq!(pick(&no_sources), None, "1.85 is too old, 1.97 has no sources");
    }
}
