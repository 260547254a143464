//! What a run of policy tests has come to.

use std::path::PathBuf;
use std::time::Duration;

use super::coverage::Coverage;
use super::expectation::Mismatch;

/// A whole run.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// The test files in the order in which they were found.
    pub files: Vec<FileResult>,
    /// Rules by policy, each policy once.
    pub coverage: Vec<Coverage>,
}

/// How many tests ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Not run, because the file or the command says so.
    pub skipped: usize,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

/// The tests of one file.
#[derive(Debug, Clone)]
pub struct FileResult {
    /// The test file.
    pub path: PathBuf,
    /// Its policy.
    pub policy: PathBuf,
    /// Those tests that were chosen, in their order.
    pub tests: Vec<TestResult>,
}

/// One test.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Line and column of its name, from 1.
    pub place: (usize, usize),
    /// How it ended.
    pub status: Status,
    /// How long it took.
    pub took: Duration,
}

/// How a test ended.
#[derive(Debug, Clone)]
pub enum Status {
    /// As expected.
    Passed,
    /// Not as expected; never empty.
    Failed(Vec<Failure>),
    /// Not run: why.
    Skipped(String),
}

/// The first message of a test that was not as expected, in one header mode or in both alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The header modes: `hold`, `no-hold` or `hold and no-hold`.
    pub host: String,
    /// The header mode in which the test passes, if there is one.
    pub passes_in: Option<&'static str>,
    /// The message, from 1, and how many the test has.
    pub message: (usize, usize),
    /// Which of its repetitions, from 1, and how many there are.
    pub repetition: (u64, u64),
    /// What was sent, by whom.
    pub call: String,
    /// What is not as expected; never empty.
    pub mismatches: Vec<Mismatch>,
    /// What the filter tells of its decision.
    pub decision: String,
    /// How much of the request the server was sent, in words.
    pub sent: String,
    /// What the caller is told to do, if anything.
    pub advice: Option<String>,
    /// What to do about the failure.
    pub next: String,
}

impl Suite {
    /// How many tests ended how.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for test in self.files.iter().flat_map(|file| &file.tests) {
            match test.status {
                Status::Passed => counts.passed += 1,
                Status::Failed(_) => counts.failed += 1,
                Status::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }
}
