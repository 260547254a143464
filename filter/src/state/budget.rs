//! How many bytes may be held back at once. A wasm VM's memory never shrinks, so the peak is what a proxy pays for good.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes held by one worker, in all and by principal.
#[derive(Debug)]
pub struct Budget {
    worker_bytes: usize,
    principal_bytes: usize,
    held: AtomicUsize,
    /// Only principals with a lease are here, so it is bounded by the exchanges in flight.
    accounts: Mutex<HashMap<String, Arc<AtomicUsize>>>,
}

impl Budget {
    /// A budget of `worker_bytes` in all, and `principal_bytes` for one principal.
    pub fn new(worker_bytes: usize, principal_bytes: usize) -> Self {
        Self { worker_bytes, principal_bytes, held: AtomicUsize::new(0), accounts: Mutex::default() }
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// Moves a sum from `before` to `after` of one part. False, and nothing changes, if it would grow over `limit`.
fn adjust(sum: &AtomicUsize, before: usize, after: usize, limit: usize) -> bool {
    sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| {
        let sum = sum.saturating_sub(before).saturating_add(after);
        (after <= before || sum <= limit).then_some(sum)
    })
    .is_ok()
}

/// What one exchange holds; given back on drop.
#[derive(Debug)]
pub struct Lease {
    worker: Arc<super::Worker>,
    principal: String,
    account: Arc<AtomicUsize>,
    bytes: usize,
}

impl Lease {
    /// A lease of nothing, for the principal with this key.
    pub fn new(worker: Arc<super::Worker>, principal: String) -> Self {
        let mut accounts = worker.budget.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = Arc::clone(accounts.entry(principal.clone()).or_default());
        drop(accounts);
        Self { worker, principal, account, bytes: 0 }
    }

    /// Sets what this exchange holds to `bytes`. False, and nothing changes, if that is over a limit.
    #[must_use]
    pub fn hold(&mut self, bytes: usize) -> bool {
        let budget = &self.worker.budget;
        if !adjust(&self.account, self.bytes, bytes, budget.principal_bytes) {
            return false;
        }
        if !adjust(&budget.held, self.bytes, bytes, budget.worker_bytes) {
            adjust(&self.account, bytes, self.bytes, usize::MAX);
            return false;
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Shrinking always fits.
        let _ = self.hold(0);
        let mut accounts = self.worker.budget.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own, and this one.
        if Arc::strong_count(&self.account) <= 2 {
            accounts.remove(&self.principal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Worker;
    use super::*;

    #[test]
    fn leases_are_bounded_by_worker_and_principal_and_given_back() {
        let worker = Arc::new(Worker::new(100, 60));
        let mut a = Lease::new(Arc::clone(&worker), "a".to_owned());
        let mut a2 = Lease::new(Arc::clone(&worker), "a".to_owned());
        let mut b = Lease::new(Arc::clone(&worker), "b".to_owned());
        assert!(a.hold(50));
        assert!(!a2.hold(20), "over the principal's share");
        assert!(a2.hold(10));
        assert!(!b.hold(50), "over the worker's share");
        assert!(b.hold(40));
        assert_eq!(worker.budget.held(), 100);
        assert!(a.hold(5), "shrinking is always possible");
        drop((a, a2, b));
        assert_eq!(worker.budget.held(), 0);
        assert!(worker.budget.accounts.lock().unwrap().is_empty());
    }
}
