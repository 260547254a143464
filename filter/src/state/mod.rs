//! What one worker holds for all of its exchanges: bounded bytes, refusals that repeat, and what tools promise of their
//! results.

pub mod budget;
pub mod collapse;
pub mod counters;
pub mod outputs;
pub mod shared;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::secret::SecretHash;
pub use budget::{Budget, Lease};
pub use collapse::Collapse;
pub use counters::Counters;
pub use outputs::Outputs;

/// A key that nobody knows: 32 random bytes, by way of the random keys that the standard library gives its maps.
pub fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    for chunk in key.chunks_exact_mut(8) {
        chunk.copy_from_slice(&RandomState::new().hash_one(0u8).to_le_bytes());
    }
    key
}

/// State shared by the exchanges of one worker.
#[derive(Debug)]
pub struct Worker {
    /// Bytes held, by worker and principal.
    pub budget: Budget,
    /// Equal refusals within a short time.
    pub collapse: Collapse,
    /// What the `outputSchema` of each tool demands.
    pub outputs: Outputs,
    /// What quotas count.
    pub counters: Counters,
    /// Tells secrets apart in what stands for them.
    pub secret_hash: SecretHash,
    seed: u64,
    sequence: AtomicU64,
}

impl Worker {
    /// A worker that may hold `worker_bytes` in all, and `principal_bytes` for one principal.
    pub fn new(worker_bytes: usize, principal_bytes: usize) -> Self {
        Self::with_key(worker_bytes, principal_bytes, &random_key())
    }

    /// As [`Worker::new`], with the key of the hash that tells secrets apart: workers with one key agree.
    pub fn with_key(worker_bytes: usize, principal_bytes: usize, key: &[u8]) -> Self {
        Self {
            budget: Budget::new(worker_bytes, principal_bytes),
            collapse: Collapse::default(),
            outputs: Outputs::default(),
            counters: Counters::new(1 << 15, [0; 16]),
            secret_hash: SecretHash::new(key),
            seed: RandomState::new().hash_one(0u8),
            sequence: AtomicU64::new(0),
        }
    }

    /// The worker with these counters for quotas.
    #[must_use]
    pub fn with_counters(self, counters: Counters) -> Self {
        Self { counters, ..self }
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
