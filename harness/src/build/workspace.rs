//! Where the sources are, and where what is built goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{BuildError, environment};

/// The workspace that this program was built from.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The directory of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the user has put it.
    pub target: PathBuf,
    /// Manifest of each member, by package name.
    pub packages: BTreeMap<String, PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

impl Workspace {
    /// Finds the workspace by the place where this program was compiled.
    pub fn locate() -> Result<Self, BuildError> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
        if !manifest.is_file() {
            return Err(BuildError::NoSources(manifest.parent().unwrap_or(&manifest).to_owned()));
        }
        let program = environment::cargo();
        // The user's own environment on purpose: CARGO_TARGET_DIR says where the target directory is.
        let output = std::process::Command::new(&program)
            .args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path"])
            .arg(&manifest)
            .output()
            .map_err(|source| BuildError::Spawn { program: program.to_string_lossy().into_owned(), source })?;
        if !output.status.success() {
            return Err(BuildError::Metadata(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).map_err(|error| BuildError::Metadata(error.to_string()))?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: metadata.packages.into_iter().map(|it| (it.name, it.manifest_path)).collect(),
        })
    }
}
