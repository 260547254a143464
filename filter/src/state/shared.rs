//! What the workers of one proxy share: versioned values under keys that are never freed.

/// Shared data as proxy-wasm offers it: every value has a version, and a write can ask for the version that it was made
/// from.
pub trait SharedData {
    /// The value under `key` and its version. None if there is none.
    ///
    /// # Errors
    /// The host does not hand it over.
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError>;

    /// Writes `value` under `key`, if the version there is `version`, or, with None, if there is no value. False if
    /// another was first.
    ///
    /// # Errors
    /// The host does not take it.
    fn set(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError>;
}

/// Why a count could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// The host refuses.
    Unavailable,
    /// Others were first, again and again.
    Contended,
}
