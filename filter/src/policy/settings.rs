use super::document::{Fields, Report, Value};
use super::duration::{self, Bounds, DAY, SECOND};
use super::{TargetPattern, keys, rule};

/// What belongs to the deployment and not to the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostSettings {
    /// Whether request headers wait until the body is judged. Only true where Envoy's
    /// `allow_on_headers_stop_iteration` is set: without it a held request hangs.
    pub hold_headers: bool,
    /// The audit channel in Envoy's log.
    pub audit_log: AuditLog,
    /// Name of the environment variable with the key of the hash in placeholders. Without it the workers of one Envoy
    /// share a random one.
    pub redaction_key_env: Option<String>,
    /// Where quotas keep their counts.
    pub stores: Stores,
}

/// Where quotas keep their counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stores {
    /// How many counters the workers of one Envoy keep at most; a multiple of 8.
    pub counters: u32,
    /// The service that counts for a fleet.
    pub global: Option<RateLimitService>,
}

impl Default for Stores {
    fn default() -> Self {
        Self { counters: 1 << 15, global: None }
    }
}

/// A rate limit service that counts for a fleet of Envoys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitService {
    /// Envoy's name of the cluster.
    pub cluster: String,
    /// The domain (namespace) of its limits.
    pub domain: String,
    /// How it is spoken to.
    pub protocol: RateLimitProtocol,
    /// Milliseconds until it counts as not answering.
    pub timeout: u32,
    /// Seconds after which it may forget a reservation that nobody has settled.
    pub hold: u32,
}

impl RateLimitProtocol {
    /// The word of the policy document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShouldRateLimit => "should_rate_limit",
            Self::Reserve => "reserve",
        }
    }
}

/// What a rate limit service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimitProtocol {
    /// `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`: what was counted cannot be given back.
    ShouldRateLimit,
    /// `Reserve` and `Commit` of `kuadrant.service.ratelimit.v1`.
    Reserve,
}

/// The audit channel in Envoy's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditLog {
    /// False with `"sink": "none"`: nothing is written.
    pub enabled: bool,
    /// The level the lines are written at.
    pub level: LogLevel,
}

impl Default for AuditLog {
    fn default() -> Self {
        Self { enabled: true, level: LogLevel::Info }
    }
}

/// A level of Envoy's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `info`
    Info,
    /// `warn`: seen under Istio's default level as well.
    Warn,
}

/// Read-only mode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOnly {
    /// Whether a write needs an allow with `"write": true`.
    pub enabled: bool,
    /// The tools that count as reads; every other tool is a write.
    pub reads: Vec<TargetPattern>,
}

/// Sizes in bytes, and the depth of nesting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body.
    pub request_bytes: usize,
    /// The largest list response.
    pub list_bytes: usize,
    /// The largest server-sent event that must be seen whole.
    pub event_bytes: usize,
    /// The deepest nesting of objects and arrays in a message; at most 127.
    pub depth: usize,
    /// What one Envoy worker holds for all exchanges together.
    pub buffered_bytes_per_worker: usize,
    /// What one Envoy worker holds for one principal.
    pub buffered_bytes_per_principal: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 4 << 20,
            list_bytes: 4 << 20,
            event_bytes: 1 << 20,
            depth: 64,
            buffered_bytes_per_worker: 256 << 20,
            buffered_bytes_per_principal: 32 << 20,
        }
    }
}

/// What audit events contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSettings {
    /// What they say about the arguments of a call.
    pub arguments: ArgumentsAudit,
    /// Whether allowed messages are audited too. Refused ones always are.
    pub allowed: bool,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { arguments: ArgumentsAudit::Keys, allowed: true }
    }
}

/// What audit events say about the arguments of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentsAudit {
    /// Nothing.
    None,
    /// The names of the top-level arguments.
    Keys,
    /// The arguments, without secrets and with long strings cut; their names alone where that is too long.
    Redacted,
}

/// The verdict where Tidegate cannot decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailMode {
    /// Refuse: the safe default of every cause.
    Deny,
    /// Pass, counted and audited.
    Allow,
}

impl FailMode {
    /// The word of the policy document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

/// Reads `host`.
pub(super) fn read_host(value: &Value<'_>, report: &mut Report<'_>) -> HostSettings {
    let mut host = HostSettings::default();
    let Some(fields) = Fields::open(value, &keys::HOST, report) else { return host };
    if let Some(hold) = fields.get("hold_headers").and_then(|value| value.flag(report)) {
        host.hold_headers = hold;
    }
    if let Some(fields) = fields.get("audit").and_then(|value| Fields::open(value, &keys::HOST_AUDIT, report)) {
        let sink = fields.get("sink").and_then(|value| value.choice(&[("log", true), ("none", false)], report));
        host.audit_log.enabled = sink.unwrap_or(true);
        let levels = [("info", LogLevel::Info), ("warn", LogLevel::Warn)];
        let level = fields.get("level").and_then(|value| value.choice(&levels, report));
        host.audit_log.level = level.unwrap_or(LogLevel::Info);
    }
    let key = fields
        .get("keys")
        .and_then(|value| Fields::open(value, &keys::HOST_KEYS, report))
        .and_then(|fields| Fields::open(fields.get("redaction")?, &keys::HOST_KEY, report));
    if let Some(env) = key.and_then(|fields| fields.required("env", report)) {
        host.redaction_key_env = read_variable(env, report);
    }
    if let Some(fields) = fields.get("stores").and_then(|value| Fields::open(value, &keys::HOST_STORES, report)) {
        if let Some(counters) = fields.get("counters").and_then(|value| value.whole(8..=1 << 20, report)) {
            // The table has buckets of eight.
            host.stores.counters = u32::try_from(counters.next_multiple_of(8)).unwrap_or(host.stores.counters);
        }
        host.stores.global = fields.get("global").and_then(|value| read_global(value, report));
    }
    host
}

/// Reads `stores.global`.
fn read_global(value: &Value<'_>, report: &mut Report<'_>) -> Option<RateLimitService> {
    let fields = Fields::open(value, &keys::HOST_STORES_GLOBAL, report)?;
    let cluster = fields.required("cluster", report).and_then(|value| value.text(report)).map(str::to_owned);
    let domain = fields.get("domain").map_or(Some("tidegate"), |value| value.text(report)).map(str::to_owned);
    let words = [("reserve", RateLimitProtocol::Reserve), ("should_rate_limit", RateLimitProtocol::ShouldRateLimit)];
    let protocol = fields.get("protocol").map_or(Some(RateLimitProtocol::Reserve), |it| it.choice(&words, report));
    let bounds = Bounds { least: 1, most: 10 * SECOND, units: &["ms", "s"] };
    let timeout = fields.get("timeout").map_or(Some(100), |value| duration::read(value, &bounds, report));
    let bounds = Bounds { least: SECOND, most: DAY, units: duration::SECONDS };
    let hold = fields.get("hold").map_or(Some(60 * SECOND), |value| duration::read(value, &bounds, report));
    Some(RateLimitService {
        cluster: cluster?,
        domain: domain?,
        protocol: protocol?,
        timeout: u32::try_from(timeout?).ok()?,
        hold: u32::try_from(hold? / SECOND).ok()?,
    })
}

/// The name of an environment variable.
fn read_variable(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    let is_name = !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        let help = "name the variable, not its value: keys never stand in a policy";
        // The text may be the key itself, so it is not repeated.
        report.error("invalid_value", value, "not the name of an environment variable", help);
    }
    is_name.then(|| text.to_owned())
}

/// Reads `read_only`.
pub(super) fn read_read_only(value: &Value<'_>, servers: &[String], report: &mut Report<'_>) -> ReadOnly {
    let Some(fields) = Fields::open(value, &keys::READ_ONLY, report) else { return ReadOnly::default() };
    let enabled = fields.required("enabled", report).and_then(|value| value.flag(report)).unwrap_or(true);
    let reads = fields.get("reads").and_then(|value| value.list(report)).unwrap_or_default();
    ReadOnly { enabled, reads: reads.iter().filter_map(|value| rule::read_tool(value, servers, report)).collect() }
}

/// Reads `limits`.
pub(super) fn read_limits(value: &Value<'_>, report: &mut Report<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(fields) = Fields::open(value, &keys::LIMITS, report) else { return limits };
    let entries = [
        ("request_bytes", &mut limits.request_bytes),
        ("list_bytes", &mut limits.list_bytes),
        ("event_bytes", &mut limits.event_bytes),
        ("buffered_bytes_per_worker", &mut limits.buffered_bytes_per_worker),
        ("buffered_bytes_per_principal", &mut limits.buffered_bytes_per_principal),
    ];
    for (key, entry) in entries {
        // One KiB holds the smallest useful message; one GiB is what a 32-bit module can hold beside anything else.
        if let Some(bytes) = fields.get(key).and_then(|value| value.whole(1024..=1 << 30, report)) {
            *entry = usize::try_from(bytes).unwrap_or(*entry);
        }
    }
    // A `tools/call` with an object argument nests five deep.
    if let Some(depth) = fields.get("depth").and_then(|value| value.whole(8..=127, report)) {
        limits.depth = usize::try_from(depth).unwrap_or(limits.depth);
    }
    for (small, large) in [
        (
            ("request_bytes", limits.request_bytes),
            ("buffered_bytes_per_principal", limits.buffered_bytes_per_principal),
        ),
        (
            ("buffered_bytes_per_principal", limits.buffered_bytes_per_principal),
            ("buffered_bytes_per_worker", limits.buffered_bytes_per_worker),
        ),
    ] {
        if small.1 > large.1 {
            let message = format!("`{}` ({}) can never be reached: `{}` is {}", small.0, small.1, large.0, large.1);
            let at = fields.get(small.0).or_else(|| fields.get(large.0)).unwrap_or(fields.object);
            report.warn("limits_conflict", at, message, "make the smaller limit the smaller number");
        }
    }
    limits
}

/// Reads `on`.
pub(super) fn read_fail_modes(value: &Value<'_>, report: &mut Report<'_>) -> FailModes {
    let mut modes = FailModes::default();
    let Some(fields) = Fields::open(value, &keys::ON, report) else { return modes };
    for key in FailModes::KEYS {
        let Some(value) = fields.get(key) else { continue };
        let words = [("deny", FailMode::Deny), ("allow", FailMode::Allow)];
        let Some(chosen) = value.choice(&words, report) else { continue };
        let Some((entry, may_allow)) = modes.entry(key) else { continue };
        if chosen == FailMode::Allow && !may_allow {
            let help = "leave it at \"deny\": a caller who can bring this about could switch the policy off";
            report.error("invalid_value", value, format!("`{key}` can only be \"deny\""), help);
            continue;
        }
        *entry = chosen;
        if chosen == FailMode::Allow {
            let message = format!("`{key}` lets messages pass that no rule has judged");
            report.warn("fail_open", value, message, "say \"deny\", or watch the counter of this cause");
        }
    }
    modes
}

/// Reads `audit` of a policy that has `redaction`, or has not.
pub(super) fn read_audit(value: &Value<'_>, redacts: bool, report: &mut Report<'_>) -> AuditSettings {
    let mut audit = AuditSettings::default();
    let Some(fields) = Fields::open(value, &keys::AUDIT, report) else { return audit };
    if let Some(value) = fields.get("arguments") {
        let words =
            [("none", ArgumentsAudit::None), ("keys", ArgumentsAudit::Keys), ("redacted", ArgumentsAudit::Redacted)];
        audit.arguments = value.choice(&words, report).unwrap_or(audit.arguments);
        if audit.arguments == ArgumentsAudit::Redacted && !redacts {
            let message = "`redacted` needs `redaction`: without it no secret is looked for, and all would be written";
            let help = "add \"redaction\": {} to the policy, or use \"keys\" or \"none\": neither writes a value";
            report.error("missing_key", value, message, help);
        }
    }
    if let Some(allowed) = fields.get("allowed").and_then(|value| value.flag(report)) {
        audit.allowed = allowed;
    }
    audit
}

/// Declares [`FailModes`], its defaults and its table from one list, so that no cause can be missing from any of them.
macro_rules! fail_modes {
    ($( $(#[doc = $meaning:literal])+ $name:ident, $allowable:literal; )+) => {
        /// The verdict for each cause of indecision (`on` in the document).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct FailModes {
            $( $(#[doc = $meaning])+ pub $name: FailMode, )+
        }

        impl Default for FailModes {
            fn default() -> Self {
                Self { $( $name: FailMode::Deny, )+ }
            }
        }

        impl FailModes {
            /// The keys of `on`.
            pub(crate) const KEYS: &'static [&'static str] = &[$( stringify!($name), )+];

            /// The entry of `key`, and whether it may be `allow`.
            pub(crate) fn entry(&mut self, key: &str) -> Option<(&mut FailMode, bool)> {
                match key {
                    $( stringify!($name) => Some((&mut self.$name, $allowable)), )+
                    _ => None,
                }
            }

            /// Every cause, with its effective verdict.
            pub fn table(&self) -> Vec<FailModeRow> {
                let defaults = Self::default();
                vec![$( FailModeRow {
                    key: stringify!($name),
                    value: self.$name,
                    default: defaults.$name,
                    may_allow: $allowable,
                    meaning: concat!($($meaning),+).trim_start(),
                }, )+]
            }
        }
    };
}

fail_modes! {
    /// No server of the policy matches the request.
    server_unknown, true;
    /// The request's method is in no revision of MCP.
    unknown_method, true;
    /// A response that should be JSON or server-sent events cannot be read strictly.
    unreadable_response, true;
    /// A successful response is neither JSON nor server-sent events.
    other_media_type, true;
    /// A response is compressed although the request asked for none.
    encoded_response, true;
    /// A list response is over `limits.list_bytes`.
    oversize_list, true;
    /// A server-sent event that must be seen whole is over `limits.event_bytes`.
    oversize_event, true;
    /// The worker, or the principal, holds as many unread bytes as `limits` permits.
    overloaded, false;
    /// Envoy does not hand over what the decision needs: a header, a body, the verified token.
    host_error, false;
}

/// One line of the table of fail modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailModeRow {
    /// The key in `on`.
    pub key: &'static str,
    /// The effective verdict.
    pub value: FailMode,
    /// The verdict where the policy says nothing.
    pub default: FailMode,
    /// False where `allow` is refused, because a caller could bring the cause about and so switch the policy off.
    pub may_allow: bool,
    /// What the cause is.
    pub meaning: &'static str,
}
