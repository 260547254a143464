//! The Python SDK's releases, each in a virtual environment of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tidegate::build::Workspace;
use tidegate::report::progress::{Lines, Progress as _};
use tidegate_tests::execute;

/// Python with a program that lies in `tests/sdk/python`, where a release of the SDK is installed.
pub(crate) fn command(release: &str, program: &str) -> Command {
    let mut command = Command::new(interpreter(release));
    // Nothing of the user's own Python gets in, and nothing is written beside the programs.
    command.args(["-E", "-s", "-B"]);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/python").join(program));
    command.env("NO_PROXY", "*").env("no_proxy", "*");
    command
}

/// The interpreter of the virtual environment that has this release. It is made once, below the target directory.
fn interpreter(release: &str) -> PathBuf {
    let home = Workspace::locate().unwrap_or_else(|error| panic!("{error}")).target.join("python");
    fs::create_dir_all(&home).unwrap();
    let environment = home.join(format!("mcp-{release}"));
    let interpreter = environment.join("bin/python");
    let complete = environment.join(".complete");
    // Freed when the file is closed: no other test, and no other run, may use what is half made.
    let lock = File::create(environment.with_added_extension("lock")).unwrap();
    lock.lock().unwrap();
    if complete.is_file() && interpreter.is_file() {
        return interpreter;
    }
    Lines.stage(&format!("installing the Python SDK {release} (PyPI: mcp)"));
    let missing = "these tests run the Python SDK: install Python 3.11 or newer with its venv module \
                   (Debian: python3 and python3-venv) and let it reach PyPI";
    execute(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment), missing);
    let package = format!("mcp=={release}");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &package];
    execute(Command::new(&interpreter).args(pip), missing);
    File::create(complete).unwrap();
    interpreter
}
