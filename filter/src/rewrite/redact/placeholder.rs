//! What stands in the place of a secret.
//!
//! Every form is made of `[A-Za-z0-9:\[\]*-]` alone, so that it needs no escape in JSON, at any depth, nor in YAML, a
//! shell or a URL's path; and it depends on nothing but the secret, its detector and the key, so that one secret looks
//! the same wherever it turns up.

use std::fmt::Write as _;

use crate::secret::SecretHash;

/// Hexadecimal digits of the suffix that tells two secrets apart.
const SUFFIX: usize = 4;
/// The same for an object's key: two keys that become one would make a message that is refused.
const SUFFIX_OF_KEY: usize = 16;
/// The same where nothing else stands for the secret.
const SUFFIX_ALONE: usize = 16;
/// Bytes of a secret that `mask` leaves, if there are three times as many.
const MASK_LEAVES: usize = 4;

/// How a secret is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `[redacted:aws-access-key-id:7f3a]`
    Typed,
    /// The last four bytes behind asterisks.
    Mask,
    /// `[redacted:hash:7f3a91c02be4d801]`
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
        out.extend_from_slice(format!("[redacted:{name}:{}]", digits(SUFFIX_OF_KEY)).as_bytes());
        return;
    }
    match form {
        Form::Typed => out.extend_from_slice(format!("[redacted:{name}:{}]", digits(SUFFIX)).as_bytes()),
        Form::Hash => out.extend_from_slice(format!("[redacted:hash:{}]", digits(SUFFIX_ALONE)).as_bytes()),
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
