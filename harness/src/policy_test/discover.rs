//! Test files in directories.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::read::SUFFIX;

/// The test files that `paths` name: files as they are, directories with all `*.test.json` below them in alphabetical
/// order. Hidden directories, and `target` and `node_modules`, are left out unless they are named. Each file is there once.
///
/// # Errors
/// The path that cannot be read, and what the operating system says.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    for path in paths {
        let about = |error| (path.clone(), error);
        if path.metadata().map_err(about)?.is_dir() {
            walk(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    Ok(found)
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let about = |error| (directory.to_owned(), error);
    let mut entries = directory.read_dir().map_err(about)?.collect::<io::Result<Vec<_>>>().map_err(about)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link to a directory is not followed: it may lead back.
        if entry.file_type().map_err(about)?.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
                walk(&entry.path(), found)?;
            }
        } else if name.ends_with(SUFFIX) && !name.starts_with('.') {
            found.push(entry.path());
        }
    }
    Ok(())
}
