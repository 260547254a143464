//! How a VM is set up: what Envoy takes from its configuration.

use super::clock::Clock;
use super::property::Properties;
use super::shared::LogLevel;

/// Envoy's `failure_policy`: what happens to streams once the guest has trapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// 503 for every stream, for good. Envoy's default.
    #[default]
    FailClosed,
    /// 503 for the streams that were open; the next stream gets a new VM, unless the last one is younger than
    /// [`Options::reload_backoff`].
    FailReload,
}

/// Settings of a VM, with Envoy's defaults.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plugin configuration, as the guest reads it in `proxy_on_configure`.
    pub configuration: Vec<u8>,
    /// The VM configuration, as the guest reads it in `proxy_on_vm_start`.
    pub vm_configuration: Vec<u8>,
    /// Environment variables that the guest sees.
    pub environment: Vec<(String, String)>,
    /// Property `plugin_name`.
    pub plugin_name: String,
    /// Property `plugin_root_id`.
    pub root_id: String,
    /// Property `plugin_vm_id`.
    pub vm_id: String,
    /// Envoy's `allow_on_headers_stop_iteration`: Pause in a headers callback holds the headers and body callbacks come.
    /// Without it, Pause there stops everything.
    pub hold_flag: bool,
    /// What a trap does to later streams.
    pub failure_policy: FailurePolicy,
    /// How long a VM must have lived before `FailReload` replaces it.
    pub reload_backoff: std::time::Duration,
    /// Bytes that may be held back of a request or of a response; over it Envoy answers 413 or 500. 0: no limit.
    pub buffer_limit: usize,
    /// HTTP/1.1 trailers reach the filter (Envoy's `enable_trailers`, off by default). HTTP/2 trailers always do.
    pub http1_trailers: bool,
    /// What `proxy_get_log_level` says. Every line is recorded all the same.
    pub log_level: LogLevel,
    /// The clock the guest reads.
    pub clock: Clock,
    /// Properties that every stream starts with.
    pub properties: Properties,
    /// Clusters that `proxy_http_call` can reach.
    pub clusters: Vec<String>,
    /// Seed of what `random_get` gives.
    pub random_seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            configuration: Vec::new(),
            vm_configuration: Vec::new(),
            environment: Vec::new(),
            plugin_name: "tidegate".to_owned(),
            root_id: String::new(),
            vm_id: String::new(),
            hold_flag: false,
            failure_policy: FailurePolicy::default(),
            reload_backoff: std::time::Duration::from_secs(1),
            buffer_limit: 1 << 20,
            http1_trailers: false,
            log_level: LogLevel::Info,
            clock: Clock::system(),
            properties: Properties::default(),
            clusters: Vec::new(),
            random_seed: 0x7469_6465_6761_7465,
        }
    }
}

impl Options {
    /// Envoy's defaults with this plugin configuration.
    pub fn new(configuration: impl Into<Vec<u8>>) -> Self {
        Self { configuration: configuration.into(), ..Self::default() }
    }

    /// With the header hold on or off.
    #[must_use]
    pub fn hold_flag(self, hold_flag: bool) -> Self {
        Self { hold_flag, ..self }
    }

    /// With another failure policy.
    #[must_use]
    pub fn failure_policy(self, failure_policy: FailurePolicy) -> Self {
        Self { failure_policy, ..self }
    }

    /// With another buffer limit, in bytes.
    #[must_use]
    pub fn buffer_limit(self, buffer_limit: usize) -> Self {
        Self { buffer_limit, ..self }
    }

    /// With another clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// With these properties on every stream.
    #[must_use]
    pub fn properties(self, properties: Properties) -> Self {
        Self { properties, ..self }
    }
}
