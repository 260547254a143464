//! What a person types and gets, shared by the test programs of the command.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

pub(crate) const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies");
pub(crate) const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/demo.json");
pub(crate) const STARTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/starter.json");

/// The path of a capture in the repository.
pub(crate) fn capture(name: &str) -> String {
    format!("{}/../tests/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// `tidegate` with these arguments, not started yet.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments);
    command
}

/// What came of `tidegate` with these arguments.
pub(crate) fn tidegate(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard error on one line: messages are wrapped to a width that is none of a test's business.
pub(crate) fn stderr(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    text.split_whitespace().filter(|it| *it != "│").collect::<Vec<_>>().join(" ")
}

/// Standard output, which must be one JSON document.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

/// A directory of one test, removed when it ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tidegate-typed-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The directory itself.
    pub(crate) fn directory(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The path of a file in it, whether or not it is there.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file, with the directories above it, and gives its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        self.path(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One file that a test wrote, alone in a directory, removed when it ends.
pub(crate) struct Written {
    path: String,
    _directory: Scratch,
}

impl Written {
    pub(crate) fn new(name: &str, content: &str) -> Self {
        let directory = Scratch::new();
        Self { path: directory.file(name, content), _directory: directory }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

/// The demo's policy after a change to its text, which must be one.
pub(crate) fn altered(change: impl FnOnce(String) -> String) -> Written {
    let text = fs::read_to_string(DEMO).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed);
    Written::new("policy.json", &changed)
}
