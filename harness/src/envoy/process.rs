//! A running Envoy.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::log::explain;
use super::{Binary, EnvoyError, Follower, Log, Stats, file_error};

/// A bootstrap configuration: as data, or as the text of a file (YAML, which includes JSON).
#[derive(Debug, Clone)]
pub enum Bootstrap {
    /// Configuration as data. Without an `admin` section it gets one on a free port.
    Data(Value),
    /// Configuration as text; it must have an `admin` section.
    Text(String),
}

impl From<Value> for Bootstrap {
    fn from(value: Value) -> Self {
        Self::Data(value)
    }
}

impl From<&str> for Bootstrap {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// How Envoy is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads; each has its own VM of the filter.
    pub concurrency: u32,
    /// Log level of every component that [`Options::component_log_level`] does not name.
    pub log_level: String,
    /// `component:level,…`; `wasm` must be at `info` or below for audit lines to appear.
    pub component_log_level: String,
    /// The file that Envoy writes its log to. None is its standard error, which [`Envoy::log`] then gives; a file is
    /// buffered and written by a thread of its own, which takes the cost of audit lines off the workers.
    pub log_path: Option<PathBuf>,
    /// Environment variables of the process, beside the inherited ones.
    pub variables: Vec<(String, String)>,
    /// How long Envoy may take until it serves.
    pub startup: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 1,
            log_level: "warning".to_owned(),
            component_log_level: "wasm:info".to_owned(),
            log_path: None,
            variables: Vec::new(),
            startup: Duration::from_secs(180),
        }
    }
}

/// An Envoy process that serves. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    _watchdog: Option<Watchdog>,
    log: Log,
    admin: SocketAddr,
    listeners: BTreeMap<String, SocketAddr>,
    http: reqwest::Client,
    _directory: ScratchDirectory,
}

impl Envoy {
    /// Starts Envoy and returns when it serves: all listeners are open, all workers run.
    ///
    /// Ports given as 0 are chosen by the operating system; ask [`Envoy::listener`] for them.
    pub async fn start(
        binary: &Binary,
        bootstrap: impl Into<Bootstrap>,
        options: &Options,
    ) -> Result<Self, EnvoyError> {
        let directory = ScratchDirectory::create()?;
        let admin_file = directory.path.join("admin");
        let mut command = command(binary, &bootstrap.into(), &directory.path, options)?;
        command.arg("--admin-address-path").arg(&admin_file).args(["--concurrency", &options.concurrency.to_string()]);
        if let Some(path) = &options.log_path {
            command.arg("--log-path").arg(path);
        }
        let mut child = command.spawn().map_err(file_error(&binary.path))?;
        let log = Log::read(child.stderr.take().ok_or_else(|| EnvoyError::Admin("no standard error".to_owned()))?);
        let mut envoy = Self {
            _watchdog: Watchdog::over(&child),
            child,
            log,
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            listeners: BTreeMap::new(),
            http: reqwest::Client::new(),
            _directory: directory,
        };
        let live =
            tokio::time::timeout(options.startup, envoy.become_live(&admin_file, options.log_path.is_some())).await;
        live.map_err(|_| envoy.timeout("serving", options.startup))??;
        Ok(envoy)
    }

    /// Asks Envoy whether it would run with `bootstrap`; the filter's own check of its policy is part of that.
    pub async fn validate(binary: &Binary, bootstrap: impl Into<Bootstrap>) -> Result<(), EnvoyError> {
        let directory = ScratchDirectory::create()?;
        // Envoy does not heed --component-log-level while it validates, and the filter wants to see its audit log on.
        let options = Options { log_level: "info".to_owned(), ..Options::default() };
        let mut command = command(binary, &bootstrap.into(), &directory.path, &options)?;
        command.args(["--mode", "validate"]);
        let mut child = command.spawn().map_err(file_error(&binary.path))?;
        let log = Log::read(child.stderr.take().ok_or_else(|| EnvoyError::Admin("no standard error".to_owned()))?);
        let mut lines = log.follow();
        while lines.next().await.is_some() {}
        let status = child.wait().map_err(file_error(&binary.path))?;
        if status.success() { Ok(()) } else { Err(refusal(&log, status)) }
    }

    async fn become_live(&mut self, admin_file: &Path, logs_elsewhere: bool) -> Result<(), EnvoyError> {
        let mut lines = self.log.follow();
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            tokio::select! {
                line = lines.next() => match line {
                    None => return Err(self.ended()),
                    Some(line) if line.contains("starting workers") => break,
                    Some(_) => {}
                },
                // Its log says nothing here when it goes to a file; the address is written when Envoy has initialised.
                _ = ticks.tick() => {
                    if logs_elsewhere && fs::read_to_string(admin_file).is_ok_and(|address| !address.is_empty()) {
                        break;
                    }
                }
            }
        }
        let address = fs::read_to_string(admin_file).map_err(file_error(admin_file))?;
        self.admin = address.trim().parse().map_err(|_| EnvoyError::Admin(format!("no address: {address:?}")))?;
        while self.get("/ready").await?.trim() != "LIVE" {
            ticks.tick().await;
        }
        self.listeners = parse_listeners(&self.get("/listeners?format=json").await?)?;
        Ok(())
    }

    /// Where the admin endpoint listens.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Where the listener with this name listens, if there is one.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        self.listeners.get(name).copied()
    }

    /// The log of the process.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// All log lines so far, oldest first.
    pub fn log_lines(&self) -> Vec<Arc<str>> {
        self.log.lines()
    }

    /// Follows the log from its start.
    pub fn follow_log(&self) -> Follower {
        self.log.follow()
    }

    /// Waits for a log line, already written or still to come.
    pub async fn wait_for_log(
        &self,
        mut wanted: impl FnMut(&str) -> bool,
        timeout: Duration,
    ) -> Result<Arc<str>, EnvoyError> {
        let mut lines = self.log.follow();
        let search = async {
            while let Some(line) = lines.next().await {
                if wanted(&line) {
                    return Some(line);
                }
            }
            None
        };
        match tokio::time::timeout(timeout, search).await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => {
                Err(EnvoyError::Ended { status: "while its log was read".to_owned(), message: self.log.tail(20) })
            }
            Err(_) => Err(self.timeout("the expected log line", timeout)),
        }
    }

    /// A `GET` on the admin endpoint; returns the body whatever the status.
    pub async fn get(&self, path: &str) -> Result<String, EnvoyError> {
        let answer = self.http.get(format!("http://{}{path}", self.admin)).send().await;
        let body = answer.map_err(admin_error)?.text().await;
        body.map_err(admin_error)
    }

    /// Counters, gauges and histograms as they are now.
    pub async fn stats(&self) -> Result<Stats, EnvoyError> {
        Ok(Stats::parse(&self.get("/stats?histogram_buckets=cumulative").await?))
    }

    /// Counters, gauges and histograms in Prometheus' text format.
    pub async fn prometheus(&self) -> Result<String, EnvoyError> {
        self.get("/stats/prometheus").await
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Process id, for measuring.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks Envoy to end and waits until it has and its log is complete; returns the log.
    pub async fn stop(mut self) -> Result<Log, EnvoyError> {
        let answer = self.http.post(format!("http://{}/quitquitquit", self.admin)).send().await;
        let mut lines = self.log.follow();
        let end = async { while lines.next().await.is_some() {} };
        if answer.is_err() || tokio::time::timeout(Duration::from_secs(10), end).await.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        Ok(self.log.clone())
    }

    fn ended(&mut self) -> EnvoyError {
        match self.child.wait() {
            Ok(status) => refusal(&self.log, status),
            Err(error) => EnvoyError::Ended { status: error.to_string(), message: self.log.tail(20) },
        }
    }

    fn timeout(&self, what: &str, limit: Duration) -> EnvoyError {
        EnvoyError::Timeout { what: what.to_owned(), seconds: limit.as_secs(), log: self.log.tail(20) }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills Envoy if this process dies without a chance to do so itself: a shell waits for the end of a pipe that only this
/// process holds.
#[derive(Debug)]
struct Watchdog(Child);

impl Watchdog {
    /// `None` where there is no shell; Envoy then outlives a parent that is killed.
    fn over(child: &Child) -> Option<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", "read _; kill -9 \"$1\" 2>/dev/null", "watchdog", &child.id().to_string()]);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: Ctrl-C on a terminal is for this process to handle.
        shell.process_group(0);
        shell.spawn().ok().map(Self)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before its pipe closes, or it would kill whatever has the process id by then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn admin_error(error: reqwest::Error) -> EnvoyError {
    EnvoyError::Admin(error.without_url().to_string())
}

fn command(binary: &Binary, bootstrap: &Bootstrap, directory: &Path, options: &Options) -> Result<Command, EnvoyError> {
    let (name, text) = match bootstrap {
        Bootstrap::Data(value) => ("envoy.json", with_admin(value.clone()).to_string()),
        Bootstrap::Text(text) => ("envoy.yaml", text.clone()),
    };
    let path = directory.join(name);
    fs::write(&path, text).map_err(file_error(&path))?;
    let mut command = Command::new(&binary.path);
    command.arg("--config-path").arg(&path).args(["--disable-hot-restart", "--log-level", &options.log_level]);
    // `config` announces at info that the workers start, which is what start() waits for.
    command.args(["--component-log-level", &format!("config:info,{}", options.component_log_level)]);
    command.envs(options.variables.iter().map(|(key, value)| (key, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

fn with_admin(mut value: Value) -> Value {
    if let Some(root) = value.as_object_mut() {
        root.entry("admin")
            .or_insert_with(|| json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}));
    }
    value
}

fn refusal(log: &Log, status: ExitStatus) -> EnvoyError {
    let lines = log.lines();
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    if let Some(line) = lines.iter().find(|line| line.contains("Address already in use")) {
        let said = line.find("cannot bind").and_then(|at| line.get(at..)).unwrap_or(line);
        return EnvoyError::AddressInUse(said.trim().to_owned());
    }
    let message = explain(&lines);
    if status.code() == Some(1) {
        EnvoyError::Refused(message)
    } else {
        EnvoyError::Ended { status: status.to_string(), message }
    }
}

#[derive(Deserialize)]
struct ListenerStatuses {
    #[serde(default)]
    listener_statuses: Vec<ListenerStatus>,
}

#[derive(Deserialize)]
struct ListenerStatus {
    name: String,
    local_address: ListenerAddress,
}

#[derive(Deserialize)]
struct ListenerAddress {
    socket_address: Option<ListenerSocket>,
}

#[derive(Deserialize)]
struct ListenerSocket {
    address: String,
    port_value: u16,
}

fn parse_listeners(text: &str) -> Result<BTreeMap<String, SocketAddr>, EnvoyError> {
    let parsed: ListenerStatuses = serde_json::from_str(text).map_err(|error| EnvoyError::Admin(error.to_string()))?;
    let address = |it: ListenerAddress| {
        let socket = it.socket_address?;
        Some(SocketAddr::new(socket.address.parse().ok()?, socket.port_value))
    };
    Ok(parsed.listener_statuses.into_iter().filter_map(|it| Some((it.name, address(it.local_address)?))).collect())
}

/// A directory of this process alone, removed on drop.
#[derive(Debug)]
struct ScratchDirectory {
    path: PathBuf,
}

impl ScratchDirectory {
    fn create() -> Result<Self, EnvoyError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tidegate-envoy-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).map_err(file_error(&path))?;
        Ok(Self { path })
    }
}

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
