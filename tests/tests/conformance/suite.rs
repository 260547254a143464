//! The suite's program, and what it reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use tidegate_tests::node::Packages;

/// The length of what the suite puts behind a scenario's name: `-2026-11-23T12-36-08-685Z`.
const STAMP: usize = 25;

/// A release of the suite, and what of it is run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Suite {
    /// The active scenarios of the stable release.
    Stable,
    /// What the preview says that a revision requires, with what it runs for visibility.
    Preview(&'static str),
}

/// How a check has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    /// The suite counts a warning as a failure, too.
    Failure,
    /// Skipped, or told for information.
    Neither,
}

/// One check of a scenario.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    status: String,
    /// What the suite says against it. Not compared: it may name ports and times.
    message: String,
}

/// What tells the checks of a scenario apart: id, name, and how many such checks came before.
type Key = (String, String, usize);

/// The checks of each scenario.
#[derive(Debug, Default)]
pub(crate) struct Report(BTreeMap<String, BTreeMap<Key, Check>>);

/// A check that one way to the server has ended otherwise than another, or has only there.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) scenario: String,
    key: Key,
    one: Option<Check>,
    other: Option<Check>,
}

/// Installs both releases, with visible progress the first time.
pub(crate) fn install() -> Packages {
    Packages::install(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/suite"))
}

impl Suite {
    /// Runs the suite, or one scenario of it, against the server at `url`; `name` tells its results from those of other
    /// runs.
    pub(crate) fn run(self, packages: &Packages, url: &str, name: &str, scenario: Option<&str>) -> Report {
        let results = packages.directory.join("results").join(name);
        let _ = fs::remove_dir_all(&results);
        let mut node = packages.node();
        let arguments = match (self, scenario) {
            (Self::Stable, None) => vec!["--suite", "active"],
            (Self::Stable, Some(scenario)) => vec!["--scenario", scenario],
            (Self::Preview(revision), None) => vec!["--requirements", revision],
            (Self::Preview(revision), Some(scenario)) => vec!["--scenario", scenario, "--spec-version", revision],
        };
        let release = match self {
            Self::Stable => "conformance-stable",
            Self::Preview(_) => "conformance-preview",
        };
        node.arg(format!("node_modules/{release}/dist/index.js")).arg("server").args(arguments);
        let output = node.args(["--url", url, "--output-dir"]).arg(&results).output().unwrap();
        // Its exit code says whether something failed, which the report says better.
        Report::read(&results).unwrap_or_else(|error| {
            let [said, told] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
            panic!("{release} left no report of {url}: {error}\n{said}\n{told}")
        })
    }
}

impl Report {
    fn read(results: &Path) -> std::io::Result<Self> {
        let mut scenarios = BTreeMap::new();
        for entry in fs::read_dir(results)? {
            let directory = entry?.path();
            let name = directory.file_name().unwrap().to_str().unwrap();
            let scenario = name.strip_prefix("server-").unwrap_or_else(|| panic!("{name} is no scenario's result"));
            let scenario = scenario[..scenario.len() - STAMP].to_owned();
            let list: Vec<Value> = serde_json::from_slice(&fs::read(directory.join("checks.json"))?)?;
            let mut checks = BTreeMap::new();
            for check in &list {
                let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
                let before = (0..).find(|nth| !checks.contains_key(&(text("id"), text("name"), *nth))).unwrap();
                let value = Check { status: text("status"), message: text("errorMessage") };
                checks.insert((text("id"), text("name"), before), value);
            }
            assert!(scenarios.insert(scenario, checks).is_none(), "{name} was run twice");
        }
        Ok(Self(scenarios))
    }

    /// Takes over the scenarios of `other`, in place of those that are here.
    pub(crate) fn replace(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many scenarios were run.
    pub(crate) fn scenarios(&self) -> usize {
        self.0.len()
    }

    /// How many checks have ended so.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.0.values().flat_map(BTreeMap::values).filter(|check| check.outcome() == outcome).count()
    }

    /// The checks that have failed, and why.
    pub(crate) fn failed(&self) -> Vec<String> {
        let all = self.0.iter().flat_map(|(scenario, checks)| checks.iter().map(move |it| (scenario, it)));
        let failed = all.filter(|(_, (_, check))| check.outcome() == Outcome::Failure);
        failed.map(|(scenario, ((id, name, _), check))| format!("{scenario}: {id} ({name}): {check}")).collect()
    }

    /// The checks that have ended otherwise in `other`.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let (none, mut found) = (BTreeMap::new(), Vec::new());
        let scenarios: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        for scenario in scenarios {
            let [ones, others] = [self, other].map(|report| report.0.get(scenario).unwrap_or(&none));
            let keys: BTreeSet<_> = ones.keys().chain(others.keys()).collect();
            for key in keys {
                let [one, other] = [ones, others].map(|checks| checks.get(key).cloned());
                if one.as_ref().map(|it| &it.status) != other.as_ref().map(|it| &it.status) {
                    found.push(Difference { scenario: scenario.clone(), key: key.clone(), one, other });
                }
            }
        }
        found
    }
}

impl Difference {
    /// Whether a failure has become a success.
    pub(crate) fn is_better(&self) -> bool {
        let [one, other] = [&self.one, &self.other].map(|check| check.as_ref().map(Check::outcome));
        (one, other) == (Some(Outcome::Failure), Some(Outcome::Success))
    }
}

impl Check {
    fn outcome(&self) -> Outcome {
        match self.status.as_str() {
            "SUCCESS" => Outcome::Success,
            "FAILURE" | "WARNING" => Outcome::Failure,
            _ => Outcome::Neither,
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [one, other] = [&self.one, &self.other].map(|it| it.as_ref().map_or("absent".to_owned(), Check::to_string));
        let (id, name, _) = &self.key;
        write!(f, "{}: {id} ({name}): {one} became {other}", self.scenario)
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.as_str() {
            "" => f.write_str(&self.status),
            message => write!(f, "{} [{message}]", self.status),
        }
    }
}
