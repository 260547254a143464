//! Where tuning put each detector's literals, and how frequent bytes are in the sample it was tuned on.
//!
//! Written by `cargo run --release -p tidegate-bench --example tune-fingerprints`; not by hand.

/// Bucket, offset of the fingerprint, whether the literals fold ASCII case, and the literals.
pub(super) static PLACES: &[(u8, u8, bool, &[&str])] = &[];

/// How often each byte occurs, of 65536.
pub(super) static FREQUENCIES: [u16; 256] = [256; 256];
