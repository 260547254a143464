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

#[cfg(test)]
pub(crate) use memory::{Memory, Racing};

#[cfg(test)]
mod memory {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use super::{SharedData, StoreError};

    /// Shared data in memory; its clones share it, across threads. As in Envoy, one sequence numbers all writes.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Memory(Arc<Mutex<Values>>);

    #[derive(Debug, Default)]
    struct Values {
        values: HashMap<String, (Vec<u8>, u32)>,
        writes: u32,
        reads: u32,
        refuses: bool,
    }

    impl Memory {
        /// All values, by key.
        pub(crate) fn values(&self) -> Vec<(String, Vec<u8>)> {
            let inner = self.0.lock().unwrap();
            inner.values.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
        }

        /// How many times it has been read and written.
        pub(crate) fn uses(&self) -> (u32, u32) {
            let inner = self.0.lock().unwrap();
            (inner.reads, inner.writes)
        }

        /// From here on it refuses whatever is asked.
        pub(crate) fn refuse(&self) {
            self.0.lock().unwrap().refuses = true;
        }
    }

    impl SharedData for Memory {
        fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
            let mut inner = self.0.lock().unwrap();
            inner.reads += 1;
            if inner.refuses { Err(StoreError::Unavailable) } else { Ok(inner.values.get(key).cloned()) }
        }

        fn set(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
            let mut inner = self.0.lock().unwrap();
            if inner.refuses {
                return Err(StoreError::Unavailable);
            }
            if inner.values.get(key).map(|(_, version)| *version) != version {
                return Ok(false);
            }
            inner.writes += 1;
            let version = inner.writes;
            inner.values.insert(key.to_owned(), (value.to_vec(), version));
            Ok(true)
        }
    }

    /// Shared data that another writer changes between a read and the write made from it.
    pub(crate) struct Racing<F> {
        pub(crate) data: Memory,
        /// What the other does before each write.
        pub(crate) other: F,
    }

    impl<F: FnMut(&mut Memory)> SharedData for Racing<F> {
        fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
            self.data.get(key)
        }

        fn set(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
            (self.other)(&mut self.data);
            self.data.set(key, value, version)
        }
    }
}
