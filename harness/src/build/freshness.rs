//! Is a module that lies in the target directory still what the sources say?
//!
//! The compiler lists every file that it read in a dep-info file. A stamp beside the module keeps that list and a
//! digest over those files, all manifests, the lock file, the compiler's version and what was asked for.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{BuildError, Wasm, Way, Workspace, file_error, toolchain};

/// Raised when the way of building changes: modules of older recipes are stale.
const RECIPE: u32 = 1;

/// What a module was built from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stamp {
    way: String,
    inputs: Vec<PathBuf>,
    digest: String,
    module: String,
}

impl Stamp {
    /// Reads a stamp; one that cannot be read is as good as none.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), BuildError> {
        let text = serde_json::to_vec(self).map_err(|error| BuildError::Metadata(error.to_string()))?;
        fs::write(path, text).map_err(file_error(path))
    }

    /// Describes the module that was just built; `dep_info` is the compiler's list of inputs.
    pub(super) fn take(
        request: &Wasm,
        workspace: &Workspace,
        way: Way,
        dep_info: &Path,
        module: &Path,
    ) -> Result<Self, BuildError> {
        let listing = fs::read_to_string(dep_info).map_err(file_error(dep_info))?;
        let inputs = parse_dep_info(&listing);
        let digest = digest(request, workspace, &inputs)?;
        Ok(Self { way: way.name().to_owned(), inputs, digest, module: file_digest(module)? })
    }

    /// The way the module was built if it is still what would be built now.
    pub(super) fn fresh(&self, request: &Wasm, workspace: &Workspace, module: &Path) -> Option<Way> {
        let now = digest(request, workspace, &self.inputs).ok()?;
        let fresh = now == self.digest && file_digest(module).ok()? == self.module;
        Way::from_name(&self.way).filter(|_| fresh)
    }
}

fn digest(request: &Wasm, workspace: &Workspace, inputs: &[PathBuf]) -> Result<String, BuildError> {
    let mut hash = Sha256::new();
    hash.update(format!("{RECIPE}\n{request:?}\n{}\n", toolchain::fingerprint(workspace)));
    let manifests = workspace.packages.values().map(PathBuf::as_path);
    let root =
        ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml"].map(|it| workspace.root.join(it));
    for path in inputs.iter().map(PathBuf::as_path).chain(manifests).chain(root.iter().map(PathBuf::as_path)) {
        hash.update(path.as_os_str().as_encoded_bytes());
        match fs::read(path) {
            Ok(bytes) => {
                hash.update([1]);
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(&bytes);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => hash.update([0]),
            Err(source) => return Err(BuildError::File { path: path.to_owned(), source }),
        }
    }
    Ok(hex(&hash.finalize()))
}

fn file_digest(path: &Path) -> Result<String, BuildError> {
    Ok(hex(&Sha256::digest(fs::read(path).map_err(file_error(path))?)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The inputs in cargo's dep-info: `output: input input …`, spaces inside a path escaped by a backslash.
fn parse_dep_info(listing: &str) -> Vec<PathBuf> {
    let mut inputs = Vec::new();
    for line in listing.lines() {
        let Some((_, rest)) = line.split_once(": ") else { continue };
        let mut path = String::new();
        let mut characters = rest.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&' ') => path.extend(characters.next()),
                ' ' => inputs.push(std::mem::take(&mut path)),
                other => path.push(other),
            }
        }
        inputs.push(path);
    }
    inputs.retain(|it| !it.is_empty());
    inputs.sort();
    inputs.dedup();
    inputs.into_iter().map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dep_info_with_spaces_in_paths() {
        let listing = "/t/out.wasm: /src/lib.rs /my\\ code/a.rs /src/b.rs\n\n";
        assert_eq!(parse_dep_info(listing), ["/my code/a.rs", "/src/b.rs", "/src/lib.rs"].map(PathBuf::from));
    }

    fn workspace(root: &Path) -> Workspace {
        fs::write(root.join("Cargo.toml"), "[workspace]").unwrap();
        Workspace { root: root.to_owned(), target: root.join("target"), packages: [].into() }
    }

    #[test]
    fn a_changed_source_flag_manifest_or_module_is_stale() {
        let directory = std::env::temp_dir().join(format!("tidegate-freshness-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let workspace = workspace(&directory);
        let (source, dep_info, module) = (directory.join("lib.rs"), directory.join("x.d"), directory.join("x.wasm"));
        fs::write(&source, "one").unwrap();
        fs::write(&dep_info, format!("{}: {}\n", module.display(), source.display())).unwrap();
        fs::write(&module, "module").unwrap();
        let request = Wasm::package("x");
        let stamp = Stamp::take(&request, &workspace, Way::RustupTarget, &dep_info, &module).unwrap();
        assert_eq!(stamp.fresh(&request, &workspace, &module), Some(Way::RustupTarget));

        assert_eq!(stamp.fresh(&Wasm::package("x").scalar(), &workspace, &module), None, "other flags");
        fs::write(&source, "two").unwrap();
        assert_eq!(stamp.fresh(&request, &workspace, &module), None, "other source");
        fs::remove_file(&source).unwrap();
        assert_eq!(stamp.fresh(&request, &workspace, &module), None, "a source is gone");
        fs::write(&source, "one").unwrap();
        assert_eq!(stamp.fresh(&request, &workspace, &module), Some(Way::RustupTarget));
        fs::write(directory.join("Cargo.lock"), "").unwrap();
        assert_eq!(stamp.fresh(&request, &workspace, &module), None, "a lock file appeared");
        fs::remove_file(directory.join("Cargo.lock")).unwrap();
        fs::write(&module, "tampered").unwrap();
        assert_eq!(stamp.fresh(&request, &workspace, &module), None, "not the module that was built");
        fs::remove_dir_all(&directory).unwrap();
    }
}
