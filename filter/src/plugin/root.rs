//! The root context: configuration, the tick, and what Envoy tells about a connection and takes as records.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::host::{self, Buffer, Level, Metric, Shared};
use super::{calls, pairs, stream};
use crate::decide::identity::Claim;
use crate::exchange::{Asked, Call, Surroundings};
use crate::metrics;
use crate::policy::{self, Configuration, LogLevel, RateLimitService};
use crate::state::counters::Counters;
use crate::state::shared::SharedData;
use crate::state::{Worker, random_key};

const JWT_AUTHN: &str = "envoy.filters.http.jwt_authn";
/// How often collapsed refusals are written out, in milliseconds.
const TICK: u32 = 1000;

/// The filter as one root context configured it.
pub(super) struct Filter {
    pub(super) configuration: Arc<Configuration>,
    pub(super) worker: Arc<Worker>,
    metrics: RefCell<Metrics>,
}

impl Drop for Filter {
    /// The last stream of a configuration is over: what it counted and did not write must not go with it.
    fn drop(&mut self) {
        let audit = &self.configuration.host.audit_log;
        if audit.enabled {
            for line in self.worker.collapse.due(host::now(), true) {
                host::log(level_of(audit.level), &line);
            }
        }
    }
}

thread_local! {
    // Envoy runs plugins with equal code and `vm_id` in one VM, each with a root context and a configuration of its own.
    // They are few.
    static FILTERS: RefCell<Vec<(u32, Rc<Filter>)>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn filter(root: u32) -> Option<Rc<Filter>> {
    FILTERS.with_borrow(|filters| filters.iter().find(|(known, _)| *known == root).map(|(_, filter)| Rc::clone(filter)))
}

fn take(root: u32) -> Option<Rc<Filter>> {
    FILTERS.with_borrow_mut(|filters| {
        let at = filters.iter().position(|(known, _)| *known == root)?;
        Some(filters.swap_remove(at).1)
    })
}

pub(super) fn delete(root: u32) {
    // Dropped outside the borrow: it writes to the log.
    let _ended = take(root);
}

/// Compiles the plugin configuration. False makes Envoy refuse it, and keep the one that it has.
pub(super) fn configure(root: u32, size: usize) -> bool {
    let Ok(text) = host::buffer(Buffer::PluginConfiguration, 0, size) else {
        host::log(Level::Error, "tidegate: Envoy hands over no plugin configuration. Give it as a JSON StringValue.");
        return false;
    };
    let compiled = match policy::compile(&text) {
        Ok(compiled) => compiled,
        Err(diagnostics) => {
            host::log(Level::Error, &format!("tidegate: policy refused\n{}", diagnostics.render(&text, "policy")));
            return false;
        }
    };
    for warning in &compiled.warnings {
        let text = format!("tidegate: warning[{}] at {}: {}", warning.code, warning.pointer, warning.message);
        host::log(Level::Warn, &text);
    }
    let configuration = compiled.configuration;
    if !audit_can_be_seen(&configuration) {
        return false;
    }
    // Without it collapsed refusals would wait for good.
    if host::set_tick_period(TICK).is_err() {
        host::log(Level::Error, "tidegate: Envoy refuses a tick period.");
        return false;
    }
    let limits = &configuration.policy.limits;
    let (worker_bytes, principal_bytes) = (limits.buffered_bytes_per_worker, limits.buffered_bytes_per_principal);
    let Some(key) = redaction_key(&configuration) else { return false };
    let Some(counters) = counters(&configuration) else { return false };
    let worker = Arc::new(Worker::with_key(worker_bytes, principal_bytes, &key).with_counters(counters));
    let filter = Filter { configuration: Arc::new(configuration), worker, metrics: RefCell::default() };
    let _replaced = take(root);
    FILTERS.with_borrow_mut(|filters| filters.push((root, Rc::new(filter))));
    true
}

/// The key of the hash in placeholders: the operator's, or one that the workers of this Envoy share until it ends.
fn redaction_key(configuration: &Configuration) -> Option<Vec<u8>> {
    const SHARED: &str = "tidegate/redaction-key";
    const SHORTEST: usize = 16;
    if configuration.policy.redaction.is_none() {
        return Some(Vec::new());
    }
    let Some(name) = &configuration.host.redaction_key_env else {
        let shared = host::shared_or_insert(SHARED, &random_key());
        if shared.is_none() {
            host::log(Level::Error, "tidegate: Envoy keeps no shared data, and no host.keys.redaction is configured.");
        }
        return shared;
    };
    let key = std::env::var(name).ok().filter(|key| key.len() >= SHORTEST);
    if key.is_none() {
        let text = format!(
            "tidegate: host.keys.redaction names the environment variable {name}, which is not set or has fewer than \
             {SHORTEST} bytes. Pass it to the VM by vm_config.environment_variables."
        );
        host::log(Level::Error, &text);
    }
    key.map(String::into_bytes)
}

/// The counters of quotas, under a key that the workers of this Envoy share until it ends: whoever knew it could choose
/// names that share a counter.
fn counters(configuration: &Configuration) -> Option<Counters> {
    const SHARED: &str = "tidegate/quota-key";
    let size = configuration.host.stores.counters;
    if configuration.policy.quotas.is_empty() {
        return Some(Counters::new(size, [0; 16]));
    }
    let key = host::shared_or_insert(SHARED, &random_key());
    let key = key.and_then(|key| key.first_chunk().copied());
    if key.is_none() {
        host::log(Level::Error, "tidegate: Envoy keeps no shared data, which the quotas of this policy need.");
    }
    key.map(|key| Counters::new(size, key))
}

/// The rate limit service of a root context's configuration.
pub(super) fn service(root: u32) -> Option<RateLimitService> {
    filter(root)?.configuration.host.stores.global.clone()
}

/// Counts a settlement that the rate limit service did not take.
pub(super) fn count_lost(root: u32, quota: &str) {
    if let Some(filter) = filter(root) {
        let outcome = metrics::QuotaOutcome::SettleError;
        Envoy::new(filter, root, root).count_quota(metrics::QuotaCount { outcome, quota });
    }
}

/// An audit channel that is configured and suppressed is a start-up error (Istio's default Wasm log level is warning).
fn audit_can_be_seen(configuration: &Configuration) -> bool {
    let audit = &configuration.host.audit_log;
    let visible = !audit.enabled || host::log_level().is_ok_and(|level| level <= level_of(audit.level) as u32);
    if !visible {
        host::log(
            Level::Error,
            "tidegate: the audit log is on, but Envoy's log level for wasm hides it. Set host.audit.level to \"warn\", \
             raise Envoy's level (--component-log-level wasm:info), or set host.audit.sink to \"none\".",
        );
    }
    visible
}

fn level_of(level: LogLevel) -> Level {
    match level {
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warn,
    }
}

/// Writes the refusals that were counted instead of written.
pub(super) fn tick(root: u32) {
    let Some(filter) = filter(root) else { return };
    let due = filter.worker.collapse.due(host::now(), false);
    let mut envoy = Envoy::new(filter, root, root);
    for line in due {
        envoy.audit(&line);
    }
    calls::tick(root);
    stream::end_waits(host::now());
}

/// Ids of metrics that were defined, by what they count. Names are built once each.
#[derive(Default)]
struct Metrics {
    decisions: Vec<(metrics::Key, u32)>,
    durations: Vec<(usize, u32)>,
    redactions: Vec<((metrics::Redacted, String, usize), u32)>,
    quotas: Vec<((metrics::QuotaOutcome, String), u32)>,
    /// By name: what makes them equal are several texts.
    costs: HashMap<String, u32>,
}

/// The id under `key`, defining the metric at its first use. The lists are short: a policy's servers by few outcomes.
fn metric<K: PartialEq>(known: &mut Vec<(K, u32)>, key: K, kind: Metric, name: impl FnOnce() -> String) -> Option<u32> {
    if let Some((_, id)) = known.iter().find(|(defined, _)| *defined == key) {
        return Some(*id);
    }
    let id = host::define_metric(kind, &name()).ok()?;
    known.push((key, id));
    Some(id)
}

/// Envoy, as the exchange sees it.
pub(super) struct Envoy {
    filter: Rc<Filter>,
    audit_level: Option<Level>,
    /// The JWT payload by metadata key: one host call however many claims are read.
    payload: Option<(String, Vec<u8>)>,
    root: u32,
    /// The context whose callback this is.
    context: u32,
    shared: Shared,
}

impl Envoy {
    pub(super) fn new(filter: Rc<Filter>, root: u32, context: u32) -> Self {
        let audit = &filter.configuration.host.audit_log;
        let audit_level = audit.enabled.then(|| level_of(audit.level));
        Self { audit_level, filter, payload: None, root, context, shared: Shared }
    }
}

impl Surroundings for Envoy {
    fn now(&mut self) -> u64 {
        host::now()
    }

    fn jwt_claim(&mut self, key: &str, path: &[String]) -> Claim {
        let payload = match self.payload.take() {
            Some((known, payload)) if known == key => payload,
            _ => host::property(&["metadata", "filter_metadata", JWT_AUTHN, key]).unwrap_or_default(),
        };
        let claim = claim(&payload, path);
        self.payload = Some((key.to_owned(), payload));
        claim
    }

    fn peer_spiffe(&mut self) -> Option<String> {
        let is_spiffe = |id: &String| id.starts_with("spiffe://");
        // An ambient waypoint's connections come from ztunnel; the peer behind it is in filter state.
        host::text_property(&["connection", "uri_san_peer_certificate"])
            .filter(is_spiffe)
            .or_else(|| host::text_property(&["filter_state", "io.istio.peer_principal"]).filter(is_spiffe))
    }

    fn upstream_address(&mut self) -> Option<String> {
        host::text_property(&["upstream", "address"])
    }

    fn route(&mut self) -> Option<String> {
        host::text_property(&["xds", "route_name"])
    }

    fn cluster(&mut self) -> Option<String> {
        host::text_property(&["xds", "cluster_name"])
    }

    fn audits(&self) -> bool {
        self.audit_level.is_some()
    }

    fn audit(&mut self, event: &str) {
        if let Some(level) = self.audit_level {
            host::log(level, event);
        }
    }

    fn count(&mut self, decision: metrics::Decision<'_>) {
        let Ok(mut metrics) = self.filter.metrics.try_borrow_mut() else { return };
        if let Some(id) = metric(&mut metrics.decisions, decision.key(), Metric::Counter, || decision.name()) {
            // The id was just defined; a counter that cannot be raised has nowhere to be reported either.
            let _ = host::increment_metric(id, 1);
        }
    }

    fn count_redactions(&mut self, redaction: metrics::Redaction<'_>) {
        let Ok(mut metrics) = self.filter.metrics.try_borrow_mut() else { return };
        let key = (redaction.outcome, redaction.detector.to_owned(), redaction.server.ordinal);
        if let Some(id) = metric(&mut metrics.redactions, key, Metric::Counter, || redaction.name()) {
            // As above.
            let _ = host::increment_metric(id, redaction.count);
        }
    }

    fn observe(&mut self, server: metrics::Server<'_>, micros: u64) {
        let Ok(mut metrics) = self.filter.metrics.try_borrow_mut() else { return };
        let name = || metrics::duration_name(server.name);
        if let Some(id) = metric(&mut metrics.durations, server.ordinal, Metric::Histogram, name) {
            let _ = host::record_metric(id, micros);
        }
    }

    fn count_quota(&mut self, count: metrics::QuotaCount<'_>) {
        let Ok(mut metrics) = self.filter.metrics.try_borrow_mut() else { return };
        let known =
            metrics.quotas.iter().find(|((outcome, quota), _)| *outcome == count.outcome && quota == count.quota);
        let id = match known {
            Some((_, id)) => Some(*id),
            None => {
                let key = (count.outcome, count.quota.to_owned());
                metric(&mut metrics.quotas, key, Metric::Counter, || count.name())
            }
        };
        if let Some(id) = id {
            // The id was just defined; a counter that cannot be raised has nowhere to be reported either.
            let _ = host::increment_metric(id, 1);
        }
    }

    fn count_cost(&mut self, charge: metrics::Charge<'_>) {
        let Ok(mut metrics) = self.filter.metrics.try_borrow_mut() else { return };
        let name = charge.name();
        let id = match metrics.costs.get(&name) {
            Some(id) => *id,
            None => {
                let Ok(id) = host::define_metric(Metric::Counter, &name) else { return };
                metrics.costs.insert(name, id);
                id
            }
        };
        // As above.
        let _ = host::increment_metric(id, charge.micro_usd);
    }

    fn shared_data(&mut self) -> &mut dyn SharedData {
        &mut self.shared
    }

    fn ask(&mut self, call: &Call) -> Option<u32> {
        let service = self.filter.configuration.host.stores.global.as_ref()?;
        calls::ask(self.root, self.context, service, call)
    }

    fn abandon(&mut self, token: u32, asked: Asked) {
        calls::abandon(token, asked);
    }

    fn tell(&mut self, call: Call) {
        if let Some(service) = &self.filter.configuration.host.stores.global {
            calls::tell(self.root, self.context, service, call);
        }
    }
}

/// Finds a claim in a payload as Envoy serialises it: maps and lists are lists of pairs (a list's values are empty),
/// strings are their bytes, numbers eight bytes, booleans one. Types are not marked, so what holds control characters
/// or is not UTF-8 is taken for no string.
fn claim(payload: &[u8], path: &[String]) -> Claim {
    let mut value = payload;
    for segment in path {
        let Some(ranges) = pairs::ranges(value) else { return Claim::Absent };
        let found = ranges
            .iter()
            .find(|((start, end), _)| value.get(*start..*end) == Some(segment.as_bytes()))
            .and_then(|(_, (start, end))| value.get(*start..*end));
        let Some(found) = found else { return Claim::Absent };
        value = found;
    }
    if value.is_empty() {
        return Claim::Absent;
    }
    if let Some(text) = text(value) {
        return Claim::Text(text);
    }
    let Some(ranges) = pairs::ranges(value) else { return Claim::Other };
    let elements = ranges.iter().map(|((start, end), (value_start, value_end))| {
        let plain = value_start == value_end;
        value.get(*start..*end).filter(|_| plain).and_then(text)
    });
    elements.collect::<Option<Vec<String>>>().map_or(Claim::Other, Claim::List)
}

fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}
