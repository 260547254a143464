//! Envoy as a child process: found or installed, configured, started, watched and stopped.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use tidegate::envoy::{Binary, Envoy, Options, Rendering};
//! use tidegate::report::progress::Lines;
//!
//! let binary = Binary::find(&Lines)?;
//! let rendering = Rendering::new(std::fs::read_to_string("policies/demo.json")?, "/path/to/tidegate.wasm");
//! let envoy = Envoy::start(&binary, rendering.bootstrap(), &Options::default()).await?;
//! println!("{:?} {:?}", envoy.listener("mcp"), envoy.stats().await?);
//! # Ok(()) }
//! ```

pub mod audit;
mod binary;
mod log;
mod process;
mod render;
mod stats;
mod yaml;

use std::io;
use std::path::{Path, PathBuf};

pub use binary::{Binary, PYPI_VERSION};
pub use log::{Follower, Log};
pub use process::{Bootstrap, Envoy, Options};
pub use render::{
    Codec, GatewayError, GatewayExtension, GatewayListener, JwtProvider, Mesh, Module, ModuleError, Proxies, Rendering,
    Target, TrustedRoots, Upstream, UpstreamError, policy_text,
};
pub use stats::Stats;
pub use yaml::to_yaml;

use crate::build::BuildError;

/// Why there is no running Envoy, or no answer from it.
#[derive(Debug, thiserror::Error)]
pub enum EnvoyError {
    /// No Envoy was found and none could be installed.
    #[error("no Envoy to be had: {0}")]
    Missing(String),
    /// The Envoy that was found is not one this program can work with.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// The executable.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Envoy or the filter in it refused the configuration.
    #[error("Envoy refuses the configuration:\n{0}")]
    Refused(String),
    /// A listener's address is taken.
    #[error("cannot listen: {0}; choose another address or stop what listens there")]
    AddressInUse(String),
    /// The process ended although nobody asked it to.
    #[error("Envoy ended ({status}):\n{message}")]
    Ended {
        /// Exit status, or the signal.
        status: String,
        /// The last errors of its log.
        message: String,
    },
    /// Something that was waited for did not happen in time.
    #[error("Envoy: {what} did not happen within {seconds} s; the last lines of its log:\n{log}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// The end of the log.
        log: String,
    },
    /// The admin endpoint did not answer as it should.
    #[error("Envoy's admin endpoint: {0}")]
    Admin(String),
    /// A file or a process could not be handled.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The target directory is not to be had.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> EnvoyError + '_ {
    |source| EnvoyError::File { path: path.to_owned(), source }
}
