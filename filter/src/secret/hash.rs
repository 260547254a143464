//! The keyed hash by which two secrets can be told apart, and one known again, without knowing them.

use sha2::{Digest, Sha256};

/// A keyed hash: HMAC with SHA-256 (RFC 2104). A plain one would let anybody who sees it guess a weak password offline.
#[derive(Clone)]
pub struct SecretHash {
    inner: Sha256,
    outer: Sha256,
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash")
    }
}

impl SecretHash {
    /// The hash under a key of at most 64 bytes; the rest of a longer one is not used.
    pub fn new(key: &[u8]) -> Self {
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            Sha256::new_with_prefix(block)
        };
        Self { inner: padded(0x36), outer: padded(0x5c) }
    }

    /// The first 8 bytes of the hash of `secret`.
    pub fn of(&self, secret: &[u8]) -> u64 {
        let inner = self.inner.clone().chain_update(secret).finalize();
        let outer = self.outer.clone().chain_update(inner).finalize();
        outer.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }
}
