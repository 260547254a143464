//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once};

use tokio::signal::unix::{SignalKind, signal};

/// What an interrupted process removes.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static WATCH: Once = Once::new();

/// A file that is written beside its target and put in its place when it is whole. Dropped before that, or interrupted
/// by SIGINT, SIGTERM or SIGHUP, it leaves nothing behind, and what was at the target before still is.
#[derive(Debug)]
pub struct PendingFile {
    target: PathBuf,
    partial: PathBuf,
    file: Option<BufWriter<File>>,
}

impl PendingFile {
    /// Begins a file that will be at `target`.
    ///
    /// # Errors
    /// What the operating system says when no file can be made there.
    pub fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::other("not the name of a file"))?.to_string_lossy();
        let partial = target.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        WATCH.call_once(|| {
            // A process without this thread still works; it only leaves a hidden file behind when it is interrupted.
            let _ = remove_when_interrupted();
        });
        partial_files().push(partial.clone());
        let file = File::options().write(true).create(true).truncate(true).open(&partial);
        let mut pending = Self { target: target.to_owned(), partial, file: None };
        pending.file = Some(BufWriter::new(file?));
        Ok(pending)
    }

    /// Ends the file and puts it in its place.
    ///
    /// # Errors
    /// What the operating system says; then nothing is left of it.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        }
        fs::rename(&self.partial, &self.target)
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        // Gone already if it was finished.
        let _ = fs::remove_file(&self.partial);
        partial_files().retain(|path| *path != self.partial);
    }
}

fn partial_files() -> MutexGuard<'static, Vec<PathBuf>> {
    PARTIAL.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn remove_when_interrupted() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let caught = {
        let _inside = runtime.enter();
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal)
    };
    let [interrupt, terminate, hangup] = caught;
    let (mut interrupt, mut terminate, mut hangup) = (interrupt?, terminate?, hangup?);
    std::thread::spawn(move || {
        // As a shell tells of a process that died of a signal: 128 and its number.
        let code = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => 130,
                _ = terminate.recv() => 143,
                _ = hangup.recv() => 129,
            }
        });
        for partial in partial_files().iter() {
            let _ = fs::remove_file(partial);
        }
        std::process::exit(code);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_what_it_was_before() {
        let directory = std::env::temp_dir().join(format!("tidegate-output-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let target = directory.join("out.json");
        fs::write(&target, "before").unwrap();
        let mut dropped = PendingFile::create(&target).unwrap();
        dropped.write_all(b"half").unwrap();
        dropped.flush().unwrap();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        drop(dropped);
        assert_eq!(fs::read_to_string(&target).unwrap(), "before");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        let mut finished = PendingFile::create(&target).unwrap();
        finished.write_all(b"after").unwrap();
        finished.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "after");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        assert!(PendingFile::create(&directory.join("no/such/out.json")).is_err());
        assert!(partial_files().iter().all(|path| !path.starts_with(&directory)));
        fs::remove_dir_all(&directory).unwrap();
    }
}
