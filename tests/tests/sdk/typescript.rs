//! The TypeScript SDK's releases, in Node.

use std::path::Path;
use std::process::Command;

use tidegate_tests::node::Packages;

/// Node with a program that lies in `tests/sdk/typescript`, beside the manifest that names both releases.
pub(crate) fn command(program: &str) -> Command {
    let packages = Packages::install(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/typescript"));
    let mut command = packages.node();
    command.arg(program);
    command
}
