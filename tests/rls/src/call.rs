use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// How many calls are remembered; of older ones the count alone.
const REMEMBERED: usize = 1 << 16;

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`
    ShouldRateLimit,
    /// `kuadrant.service.ratelimit.v1.RateLimitService/Reserve`
    Reserve,
    /// `kuadrant.service.ratelimit.v1.RateLimitService/Commit`
    Commit,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ShouldRateLimit, Self::Reserve, Self::Commit];

    /// The path that it is called by.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ShouldRateLimit => "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit",
            Self::Reserve => "/kuadrant.service.ratelimit.v1.RateLimitService/Reserve",
            Self::Commit => "/kuadrant.service.ratelimit.v1.RateLimitService/Commit",
        }
    }

    pub(crate) fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.path() == path)
    }
}

/// A call that arrived and was counted. Calls that a [`Fault`] answered are in [`arrived`] alone.
///
/// [`arrived`]: crate::RateLimitServer::arrived
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was called.
    pub method: Method,
    /// The namespace of the limits.
    pub domain: String,
    /// Names and values of each descriptor.
    pub descriptors: Vec<Vec<(String, String)>>,
    /// The hits, the estimate, or what it really was.
    pub amount: u64,
    /// What was given out by `Reserve` or came with `Commit`.
    pub reservation_id: String,
    /// Whether it was admitted; for `Commit`, whether the reservation was still held.
    pub granted: bool,
}

/// What goes wrong with every call of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The answer is the right one, and late.
    Late(Duration),
    /// No answer ever.
    Silent,
    /// These bytes are the answer's message, and nothing is counted.
    Garbage(Vec<u8>),
    /// Status UNIMPLEMENTED, as from a Limitador before 0.14 to `Reserve`.
    Unimplemented,
    /// Status UNAVAILABLE, as from a Limitador whose store is gone.
    Unavailable,
}

/// What arrived, and what is to go wrong.
#[derive(Debug)]
pub(crate) struct Log {
    calls: Mutex<VecDeque<Call>>,
    arrived: watch::Sender<[u64; 3]>,
    faults: Mutex<[Option<Fault>; 3]>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { calls: Mutex::default(), arrived: watch::Sender::new([0; 3]), faults: Mutex::default() }
    }

    /// Notes the arrival, and says what is to go wrong.
    pub(crate) fn arrive(&self, method: Method) -> Option<Fault> {
        let fault = of(&lock(&self.faults), method).cloned().flatten();
        self.arrived.send_modify(|counts| {
            if let Some(count) = counts.get_mut(method as usize) {
                *count += 1;
            }
        });
        fault
    }

    pub(crate) fn counted(&self, call: Call) {
        let mut calls = lock(&self.calls);
        if calls.len() == REMEMBERED {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.calls).iter().cloned().collect()
    }

    pub(crate) fn arrived(&self, method: Method) -> u64 {
        of(&self.arrived.borrow(), method).copied().unwrap_or_default()
    }

    pub(crate) async fn until(&self, method: Method, count: u64) {
        let mut arrived = self.arrived.subscribe();
        let enough = |counts: &[u64; 3]| of(counts, method).is_some_and(|it| *it >= count);
        // Fails only once the sender is gone, which is here.
        let _ = arrived.wait_for(enough).await;
    }

    pub(crate) fn set(&self, method: Method, fault: Option<Fault>) {
        if let Some(it) = lock(&self.faults).get_mut(method as usize) {
            *it = fault;
        }
    }
}

fn of<T>(all: &[T; 3], method: Method) -> Option<&T> {
    all.get(method as usize)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
