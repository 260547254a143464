//! What one worker holds for all of its exchanges: bounded bytes, and refusals that repeat.

pub mod budget;
pub mod collapse;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

pub use budget::{Budget, Lease};
pub use collapse::Collapse;

/// State shared by the exchanges of one worker.
#[derive(Debug)]
pub struct Worker {
    /// Bytes held, by worker and principal.
    pub budget: Budget,
    /// Equal refusals within a short time.
    pub collapse: Collapse,
    seed: u64,
    sequence: AtomicU64,
}

impl Worker {
    /// A worker that may hold `worker_bytes` in all, and `principal_bytes` for one principal.
    pub fn new(worker_bytes: usize, principal_bytes: usize) -> Self {
        Self {
            budget: Budget::new(worker_bytes, principal_bytes),
            collapse: Collapse::default(),
            seed: RandomState::new().hash_one(0u8),
            sequence: AtomicU64::new(0),
        }
    }

    /// An id for a decision, unique among workers and restarts: 16 hexadecimal digits.
    pub fn decision_id(&self) -> String {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        // The finaliser of SplitMix64 is a bijection, so ids of one worker never repeat.
        let mut z = self.seed.wrapping_add(sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", z ^ (z >> 31))
    }
}
