//! Waits until a file that was read is another one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often files are looked at: soon for a person, and nothing for a machine. The system's own notices are not used,
/// because they do not come through shared folders and bind mounts.
const INTERVAL: Duration = Duration::from_millis(200);

/// When a file was changed and how long it is; `None` if there is none.
type Stamp = Option<(SystemTime, u64)>;

/// The files that a run depends on, as they were before it read them.
#[derive(Debug, Default)]
pub(super) struct Watched(BTreeMap<PathBuf, Stamp>);

impl Watched {
    /// Takes note of a file that is about to be read.
    pub(super) fn note(&mut self, path: &Path) {
        self.0.entry(path.to_owned()).or_insert_with(|| stamp(path));
    }

    /// Whether a file is not what it was.
    pub(super) fn has_changed(&self) -> bool {
        self.0.iter().any(|(path, before)| stamp(path) != *before)
    }

    /// Returns when a file is not what it was, or `also` says so.
    #[allow(clippy::disallowed_methods, reason = "a file has no event that comes through every kind of mount")]
    pub(super) fn wait(&self, also: impl Fn() -> bool) {
        while !self.has_changed() && !also() {
            std::thread::sleep(INTERVAL);
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_changes_comes_or_goes_is_noticed() {
        let path = std::env::temp_dir().join(format!("tidegate-watch-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let noted = || {
            let mut watched = Watched::default();
            watched.note(&path);
            watched
        };
        let absent = noted();
        assert!(!absent.has_changed());
        fs::write(&path, "one").unwrap();
        assert!(absent.has_changed());
        let present = noted();
        assert!(!present.has_changed());
        fs::write(&path, "longer").unwrap();
        assert!(present.has_changed());
        present.wait(|| false);
        let longer = noted();
        fs::remove_file(&path).unwrap();
        assert!(longer.has_changed());
    }
}
