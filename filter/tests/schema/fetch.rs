//! The official JSON Schema test suite. It is published in no registry of its own; the source distribution of the
//! Python package `jsonschema` carries it whole.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

const VERSION: &str = "4.26.0";
const DIGEST: &str = "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326";
const ADVICE: &str = "these tests fetch the JSON Schema test suite: install Python 3 with pip and let it reach PyPI";

/// The directory of the tests for draft 2020-12, fetched once into the target directory.
pub(crate) fn suite() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("json-schema-test-suite");
    fs::create_dir_all(&home).unwrap();
    let package = format!("jsonschema-{VERSION}");
    let tests = home.join(&package).join("json/tests/draft2020-12");
    let complete = home.join(format!("{package}.complete"));
    // Freed when the file is closed: nobody may read what is half unpacked.
    let lock = File::create(home.join(".lock")).unwrap();
    lock.lock().unwrap();
    if complete.is_file() {
        return tests;
    }
    eprintln!("fetching the JSON Schema test suite (PyPI: {package}, source); this happens once");
    // Build tools come along, because pip asks a source distribution itself what it is.
    let archive = home.join(format!("{package}.tar.gz"));
    let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    let source = ["--no-binary", "jsonschema", &format!("jsonschema=={VERSION}"), "--dest"];
    execute(Command::new("python3").args(pip).args(source).arg(&home));
    assert_eq!(digest(&archive), DIGEST, "{} is not the archive that was pinned", archive.display());
    execute(Command::new("python3").args(["-m", "tarfile", "-e"]).arg(&archive).arg(&home));
    assert!(tests.is_dir(), "{} has no tests for draft 2020-12", archive.display());
    File::create(complete).unwrap();
    tests
}

fn digest(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}; {ADVICE}", path.display()));
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn execute(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {ADVICE}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{ADVICE}", output.status);
}
