//! Calls to the rate limit service. They are made from the root context, for Envoy cancels those of a stream when the
//! stream ends, and what was reserved would be lost.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use super::host::{self, Level};
use super::{root, stream};
use crate::exchange::{Asked, Call};
use crate::policy::RateLimitService;

/// How often something is told before it is given up.
const ATTEMPTS: u32 = 5;
/// Most calls that wait to be made again.
const RETRIED: usize = 1024;

/// Who an answer is for.
enum Waiter {
    /// A stream, which waits for it.
    Stream(u32),
    /// Nobody any more: what it reserves is given back.
    Abandoned(Asked),
    /// Nobody: it only has to arrive.
    Told { call: Call, attempts: u32 },
}

/// A call to be made again.
struct Retry {
    root: u32,
    call: Call,
    attempts: u32,
}

#[derive(Default)]
struct Calls {
    /// By token, with the root context that made the call.
    open: HashMap<u32, (u32, Waiter)>,
    retries: VecDeque<Retry>,
    /// Root contexts that Envoy wants to end, and that still have something to settle.
    ending: Vec<u32>,
}

thread_local! {
    static CALLS: RefCell<Calls> = RefCell::default();
}

fn calls<T>(change: impl FnOnce(&mut Calls) -> T) -> T {
    CALLS.with_borrow_mut(change)
}

/// Makes a call from `root`; host calls that follow are calls of `context` again.
fn make(root: u32, context: u32, service: &RateLimitService, call: &Call) -> Option<u32> {
    host::set_effective_context(root).ok()?;
    let token = host::grpc_call(&service.cluster, call.service, call.method, &call.message, service.timeout);
    host::set_effective_context(context).ok()?;
    token.ok()
}

/// Makes a call for the stream `context`.
pub(super) fn ask(root: u32, context: u32, service: &RateLimitService, call: &Call) -> Option<u32> {
    let token = make(root, context, service, call)?;
    calls(|calls| calls.open.insert(token, (root, Waiter::Stream(context))));
    Some(token)
}

/// The stream does not wait any more.
pub(super) fn abandon(token: u32, asked: Asked) {
    calls(|calls| {
        if let Some((_, waiter)) = calls.open.get_mut(&token) {
            *waiter = Waiter::Abandoned(asked);
        }
    });
}

/// Makes a call that only has to arrive.
pub(super) fn tell(root: u32, context: u32, service: &RateLimitService, call: Call) {
    attempt(root, context, service, call, 1);
}

fn attempt(root: u32, context: u32, service: &RateLimitService, call: Call, attempts: u32) {
    match make(root, context, service, &call) {
        Some(token) => {
            calls(|calls| calls.open.insert(token, (root, Waiter::Told { call, attempts })));
        }
        None => again(Retry { root, call, attempts }),
    }
}

fn again(retry: Retry) {
    let lost = calls(|calls| {
        if retry.attempts >= ATTEMPTS || calls.retries.len() >= RETRIED {
            return Some(retry);
        }
        calls.retries.push_back(retry);
        None
    });
    if let Some(Retry { root, call, .. }) = lost {
        host::log(
            Level::Warn,
            &format!(
                "tidegate: the rate limit service did not take {} for the quota {}; its count is now off by one call",
                call.method, call.quota.id
            ),
        );
        root::count_lost(root, &call.quota.id);
    }
}

/// Makes the calls of `root` again that failed.
pub(super) fn tick(root: u32) {
    let due: Vec<Retry> = calls(|calls| {
        let (due, later) = std::mem::take(&mut calls.retries).into_iter().partition(|retry| retry.root == root);
        calls.retries = later;
        Vec::from(due)
    });
    for Retry { call, attempts, .. } in due {
        match root::service(root) {
            Some(service) => attempt(root, root, &service, call, attempts + 1),
            None => again(Retry { root, call, attempts: ATTEMPTS }),
        }
    }
    finish(root);
}

/// Takes an answer; None if the call failed.
pub(super) fn answered(token: u32, answer: Option<&[u8]>) {
    let Some((root, waiter)) = calls(|calls| calls.open.remove(&token)) else { return };
    match (waiter, answer) {
        (Waiter::Stream(context), _) => stream::answered(context, token, answer),
        (Waiter::Abandoned(asked), Some(answer)) => {
            if let (Some(call), Some(service)) = (asked.released(answer), root::service(root)) {
                tell(root, root, &service, call);
            }
        }
        (Waiter::Told { call, attempts }, None) => again(Retry { root, call, attempts }),
        (Waiter::Abandoned(_), None) | (Waiter::Told { .. }, Some(_)) => {}
    }
    finish(root);
}

/// Whether `root` may end now; if not, it says so itself later.
pub(super) fn may_end(root: u32) -> bool {
    calls(|calls| {
        let may = !calls.is_settling(root);
        if !may && !calls.ending.contains(&root) {
            calls.ending.push(root);
        }
        may
    })
}

/// Lets a root context end that has settled everything.
fn finish(root: u32) {
    let ends = calls(|calls| {
        let ends = calls.ending.contains(&root) && !calls.is_settling(root);
        calls.ending.retain(|ending| !ends || *ending != root);
        ends
    });
    if ends && host::set_effective_context(root).is_ok() {
        // Envoy knows that it was asked.
        let _ = host::done();
    }
}

pub(super) fn delete(root: u32) {
    calls(|calls| {
        calls.open.retain(|_, (of, _)| *of != root);
        calls.retries.retain(|retry| retry.root != root);
        calls.ending.retain(|of| *of != root);
    });
}

impl Calls {
    fn is_settling(&self, root: u32) -> bool {
        self.open.values().any(|(of, waiter)| *of == root && !matches!(waiter, Waiter::Stream(_)))
            || self.retries.iter().any(|retry| retry.root == root)
    }
}
