//! A VM: a started module with its log, metrics, shared data and streams.

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use wasmtime::{Func, Store, Val};

use super::module::Module;
use super::options::{FailurePolicy, Options};
use super::shared::{LogLevel, LogLine, Metric};
use super::state::{Callout, CalloutReply, State};
use super::stream::Stream;
use super::{Headers, Properties, Protocol};

/// Every callback of the ABI that this host makes.
const CALLBACKS: &[&str] = &[
    "_initialize",
    "_start",
    "proxy_on_context_create",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_tick",
    "proxy_on_http_call_response",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_log",
    "proxy_on_done",
    "proxy_on_delete",
];
const ABI_VERSIONS: [&str; 2] = ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0"];

/// Why a VM did not start; Envoy refuses such a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartFailure {
    /// The module does not export `proxy_abi_version_0_2_1` or `0_2_0`.
    UnknownAbi,
    /// It trapped; the text is the trap's.
    Trap(String),
    /// `proxy_on_vm_start` returned false.
    StartRefused,
    /// `proxy_on_configure` returned false.
    ConfigurationRefused,
}

/// A VM did not start.
#[derive(Clone, Debug)]
pub struct StartError {
    /// Why.
    pub failure: StartFailure,
    /// What the guest logged until then: a guest that refuses its configuration says there what is wrong with it.
    pub logs: Vec<LogLine>,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            StartFailure::UnknownAbi => f.write_str("the module does not speak proxy-wasm ABI 0.2.1 or 0.2.0")?,
            StartFailure::Trap(trap) => write!(f, "the module trapped while it started: {trap}")?,
            StartFailure::StartRefused => f.write_str("the module refused to start")?,
            StartFailure::ConfigurationRefused => f.write_str("the module refused its configuration")?,
        }
        self.logs.iter().try_for_each(|line| write!(f, "\n  {:?}: {}", line.level, line.text))
    }
}

impl std::error::Error for StartError {}

/// One started module, like that of one Envoy worker. Clones are the same VM.
///
/// Streams may be open side by side, as on a worker; everything runs on the caller's thread.
#[derive(Clone)]
pub struct Vm {
    pub(crate) core: Rc<RefCell<Core>>,
}

impl fmt::Debug for Vm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vm").finish_non_exhaustive()
    }
}

pub(crate) struct Core {
    module: Module,
    /// `None` only while a VM is being replaced by its successor.
    store: Option<Store<State>>,
    exports: HashMap<&'static str, Func>,
    pub(crate) failure: Option<String>,
    started_at: u64,
}

impl Vm {
    /// Starts a module: `_initialize`, the root context, `proxy_on_vm_start`, `proxy_on_configure`.
    pub fn start(module: &Module, options: Options) -> Result<Self, StartError> {
        let mut core = Core {
            module: module.clone(),
            store: None,
            exports: HashMap::new(),
            failure: None,
            started_at: options.clock.now(),
        };
        core.boot(State::new(options, 0))
            .map_err(|failure| StartError { failure, logs: std::mem::take(&mut core.state().shared.logs) })?;
        Ok(Self { core: Rc::new(RefCell::new(core)) })
    }

    /// Opens a stream whose client and server speak this protocol.
    pub fn stream(&self, protocol: Protocol) -> Stream {
        self.stream_between(protocol, protocol)
    }

    /// Opens a stream whose client and server speak different protocols.
    pub fn stream_between(&self, downstream: Protocol, upstream: Protocol) -> Stream {
        let key = self.core.borrow_mut().open_stream(downstream, upstream);
        Stream { vm: self.clone(), key }
    }

    /// Sets the properties that later streams start with.
    pub fn set_properties(&self, properties: Properties) {
        self.core.borrow_mut().state().options.properties = properties;
    }

    /// Every line logged so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.read(|state| state.shared.logs.clone())
    }

    /// The lines logged since the last call, which are forgotten then.
    pub fn take_logs(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.core.borrow_mut().state().shared.logs)
    }

    /// All metrics by name.
    pub fn metrics(&self) -> BTreeMap<String, Metric> {
        self.read(|state| state.shared.metrics.clone())
    }

    /// The value of a counter or gauge; 0 when it was never defined.
    pub fn metric(&self, name: &str) -> u64 {
        self.read(|state| match state.shared.metrics.get(name) {
            Some(Metric::Counter(value) | Metric::Gauge(value)) => *value,
            _ => 0,
        })
    }

    /// The sum of the counters whose name is wanted.
    pub fn counted(&self, wanted: impl Fn(&str) -> bool) -> u64 {
        let counter = |metric: &Metric| if let Metric::Counter(value) = metric { *value } else { 0 };
        let metrics = |state: &State| {
            let named = state.shared.metrics.iter().filter(|(name, _)| wanted(name));
            named.map(|(_, metric)| counter(metric)).sum()
        };
        self.read(metrics)
    }

    /// A value in shared data.
    pub fn shared_data(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.read(|state| state.shared.data(key).map(|(value, _)| value.clone()))
    }

    /// All shared data, by key.
    pub fn all_shared_data(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.read(|state| state.shared.all_data())
    }

    /// Writes shared data, as another worker would.
    pub fn set_shared_data(&self, key: &[u8], value: &[u8]) {
        self.core.borrow_mut().state().shared.set_data(key.to_vec(), value.to_vec(), 0);
    }

    /// The trap that ended the current VM, if it trapped.
    pub fn failure(&self) -> Option<String> {
        self.core.borrow().failure.clone()
    }

    /// How often a VM was replaced after a trap.
    pub fn reloads(&self) -> u64 {
        self.read(|state| state.generation)
    }

    /// Bytes of the guest's memory, which never shrinks.
    pub fn memory_bytes(&self) -> usize {
        let core = self.core.borrow();
        let Some(store) = core.store.as_ref() else { return 0 };
        store.data().memory.map_or(0, |memory| memory.data_size(store))
    }

    /// The period the guest asked `proxy_on_tick` for, if any.
    pub fn tick_period(&self) -> Option<Duration> {
        let period = self.read(|state| state.tick_period);
        (period > 0).then(|| Duration::from_millis(u64::from(period)))
    }

    /// Calls `proxy_on_tick`, once.
    pub fn tick(&self) {
        let mut core = self.core.borrow_mut();
        let root = core.state().root;
        core.call("proxy_on_tick", root, &[]);
        core.run_actions();
    }

    /// Calls to other clusters that were not answered yet.
    pub fn callouts(&self) -> Vec<Callout> {
        self.read(|state| state.callouts.clone())
    }

    /// Answers a callout, or with `None` lets it fail. Returns false when there is no such callout.
    pub fn answer_callout(&self, token: u32, reply: Option<(Headers, Vec<u8>)>) -> bool {
        let mut core = self.core.borrow_mut();
        let state = core.state();
        let Some(at) = state.callouts.iter().position(|callout| callout.token == token) else { return false };
        state.callouts.remove(at);
        let root = state.root;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (headers, body) =
            reply.as_ref().map_or((0, 0), |(headers, body)| (count(headers.len()), count(body.len())));
        state.callout_reply = reply.map(|(headers, body)| CalloutReply { headers, body, trailers: Headers::default() });
        core.call("proxy_on_http_call_response", root, &[token, headers, body, 0]);
        core.run_actions();
        core.state().callout_reply = None;
        true
    }

    fn read<T>(&self, f: impl FnOnce(&State) -> T) -> T
    where
        T: Default,
    {
        let core = Ref::map(self.core.borrow(), |core| &core.store);
        core.as_ref().map(|store| f(store.data())).unwrap_or_default()
    }
}

impl Core {
    /// The store's data.
    pub(crate) fn state(&mut self) -> &mut State {
        let engine = &self.module.engine;
        self.store.get_or_insert_with(|| Store::new(engine, State::new(Options::default(), 0))).data_mut()
    }

    fn boot(&mut self, state: State) -> Result<(), StartFailure> {
        let trap = |error: wasmtime::Error| StartFailure::Trap(format!("{error:#}"));
        self.failure = None;
        self.started_at = state.options.clock.now();
        let store = self.store.insert(Store::new(&self.module.engine, state));
        store.limiter(|state| &mut state.limits);
        let instance = self.module.linked.instantiate(&mut *store).map_err(trap)?;
        store.data_mut().memory = instance.get_memory(&mut *store, "memory");
        store.data_mut().allocate = ["proxy_on_memory_allocate", "malloc"]
            .iter()
            .find_map(|name| instance.get_typed_func(&mut *store, name).ok());
        self.exports =
            CALLBACKS.iter().filter_map(|name| Some((*name, instance.get_func(&mut *store, name)?))).collect();
        if !ABI_VERSIONS.iter().any(|version| instance.get_func(&mut *store, version).is_some()) {
            return Err(StartFailure::UnknownAbi);
        }
        let initialize = if self.exports.contains_key("_initialize") { "_initialize" } else { "_start" };
        self.invoke(initialize, &[]);
        let root = self.state().allocate_context();
        self.state().root = root;
        self.state().configuring = true;
        self.call("proxy_on_context_create", root, &[0]);
        self.state().configuring = false;
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let vm_size = size(&self.state().options.vm_configuration);
        let started = self.call("proxy_on_vm_start", root, &[vm_size]);
        self.started(started, StartFailure::StartRefused)?;
        self.state().configuring = true;
        let plugin_size = size(&self.state().options.configuration);
        let configured = self.call("proxy_on_configure", root, &[plugin_size]);
        self.state().configuring = false;
        self.run_actions();
        self.started(configured, StartFailure::ConfigurationRefused)
    }

    fn started(&mut self, returned: Option<u32>, refused: StartFailure) -> Result<(), StartFailure> {
        if let Some(trap) = &self.failure {
            return Err(StartFailure::Trap(trap.clone()));
        }
        if returned == Some(0) { Err(refused) } else { Ok(()) }
    }

    /// Whether the guest has this callback.
    pub(crate) fn has(&self, callback: &str) -> bool {
        self.exports.contains_key(callback)
    }

    /// Calls an export with the context as first argument. `None`: not exported, failed before or just now, or no result.
    pub(crate) fn call(&mut self, callback: &'static str, context: u32, arguments: &[u32]) -> Option<u32> {
        let state = self.state();
        let saved = (state.current, state.effective);
        (state.current, state.effective) = (context, 0);
        let mut all = vec![context];
        all.extend_from_slice(arguments);
        let returned = self.invoke(callback, &all);
        let state = self.state();
        (state.current, state.effective) = saved;
        returned
    }

    fn invoke(&mut self, callback: &'static str, arguments: &[u32]) -> Option<u32> {
        if self.failure.is_some() {
            return None;
        }
        let function = *self.exports.get(callback)?;
        let store = self.store.as_mut()?;
        let arguments: Vec<Val> = arguments.iter().map(|word| Val::I32(word.cast_signed())).collect();
        let mut results: Vec<Val> =
            function.ty(&mut *store).results().map(|ty| Val::default_for_ty(&ty).unwrap_or(Val::I32(0))).collect();
        if let Err(trap) = function.call(&mut *store, &arguments, &mut results) {
            self.failure = Some(format!("{callback}: {trap:#}"));
            return None;
        }
        results.first().and_then(Val::i32).map(i32::cast_unsigned)
    }

    /// Before a stream is opened: replaces a failed VM where the policy says so.
    pub(crate) fn reload_if_failed(&mut self) {
        let options = &self.state().options;
        let (policy, now) = (options.failure_policy, options.clock.now());
        let backoff = u64::try_from(options.reload_backoff.as_nanos()).unwrap_or(u64::MAX);
        let old_enough = now.saturating_sub(self.started_at) >= backoff;
        if self.failure.is_none() || policy == FailurePolicy::FailClosed || !old_enough {
            return;
        }
        let Some(store) = self.store.take() else { return };
        if let Err(failure) = self.boot(store.into_data().reload()) {
            let failure = format!("the reloaded VM did not start: {failure:?}");
            self.state().log(LogLevel::Critical, failure.as_bytes());
            self.failure = Some(failure);
        }
    }
}
