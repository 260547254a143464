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

/// Shared data that nobody shares, in memory. As in Envoy, one sequence numbers all writes.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Default)]
pub struct Unshared {
    values: std::collections::HashMap<String, (Vec<u8>, u32)>,
    writes: u32,
}

#[cfg(not(target_arch = "wasm32"))]
impl SharedData for Unshared {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        Ok(self.values.get(key).cloned())
    }

    fn set(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
        if self.values.get(key).map(|(_, version)| *version) != version {
            return Ok(false);
        }
        self.writes += 1;
        self.values.insert(key.to_owned(), (value.to_vec(), self.writes));
        Ok(true)
    }
}

#[cfg(test)]
pub(crate) use memory::{Memory, Racing};

#[cfg(test)]
mod memory {
    use std::sync::{Arc, Mutex};

    use super::{SharedData, StoreError, Unshared};

    /// Shared data in memory; its clones share it, across threads.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Memory(Arc<Mutex<Values>>);

    #[derive(Debug, Default)]
    struct Values {
        data: Unshared,
        reads: u32,
        refuses: bool,
    }

    impl Memory {
        /// All values, by key.
        pub(crate) fn values(&self) -> Vec<(String, Vec<u8>)> {
            let inner = self.0.lock().unwrap();
            inner.data.values.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
        }

        /// How many times it has been read and written.
        pub(crate) fn uses(&self) -> (u32, u32) {
            let inner = self.0.lock().unwrap();
            (inner.reads, inner.data.writes)
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
            if inner.refuses { Err(StoreError::Unavailable) } else { inner.data.get(key) }
        }

        fn set(&mut self, key: &str, value: &[u8], version: Option<u32>) -> Result<bool, StoreError> {
            let mut inner = self.0.lock().unwrap();
            if inner.refuses { Err(StoreError::Unavailable) } else { inner.data.set(key, value, version) }
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
