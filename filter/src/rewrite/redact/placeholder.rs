//! What stands in the place of a secret.
//!
//! Every form is made of `[A-Za-z0-9:\[\]*-]` alone, so that it needs no escape in JSON, at any depth, nor in YAML, a
//! shell or a URL's path; and it depends on nothing but the secret, its detector and the key, so that one secret looks
//! the same wherever it turns up.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Hexadecimal digits of the suffix that tells two secrets apart.
const SUFFIX: usize = 4;
/// The same for an object's key: two keys that become one would make a message that is refused.
const SUFFIX_OF_KEY: usize = 16;
/// The same where nothing else stands for the secret.
const SUFFIX_ALONE: usize = 16;
/// Bytes of a secret that `mask` leaves, if there are three times as many.
const MASK_LEAVES: usize = 4;

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

/// How a secret is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `[redacted:aws-access-key-id:7f3a]`
    Typed,
    /// The last four bytes behind asterisks.
    Mask,
    /// `[redacted:7f3a91c02be4d801]`
    Hash,
}

/// Writes what stands for `secret`, which the detector `name` found.
pub(super) fn write(out: &mut Vec<u8>, form: Form, name: &str, secret: &[u8], is_key: bool, hash: &SecretHash) {
    let digits = |length: usize| {
        let mut text = String::with_capacity(16);
        let _ = write!(text, "{:016x}", hash.of(secret));
        text.truncate(length);
        text
    };
    if is_key {
        // What has to differ from its neighbours is always typed.
        let _ = out.extend_from_slice(format!("[redacted:{name}:{}]", digits(SUFFIX_OF_KEY)).as_bytes());
        return;
    }
    match form {
        Form::Typed => out.extend_from_slice(format!("[redacted:{name}:{}]", digits(SUFFIX)).as_bytes()),
        Form::Hash => out.extend_from_slice(format!("[redacted:{}]", digits(SUFFIX_ALONE)).as_bytes()),
        Form::Mask => {
            out.extend_from_slice(b"********");
            if secret.len() >= 3 * MASK_LEAVES
                && let Some(last) = secret.last_chunk::<MASK_LEAVES>()
                && last.iter().all(u8::is_ascii_alphanumeric)
            {
                out.extend_from_slice(last);
            }
        }
    }
}
