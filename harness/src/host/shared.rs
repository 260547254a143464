//! What outlives a VM: shared data, queues, metrics and the log.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::Status;

/// Levels of the log, by the ABI's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// 0
    Trace,
    /// 1
    Debug,
    /// 2
    Info,
    /// 3
    Warn,
    /// 4
    Error,
    /// 5
    Critical,
}

impl LogLevel {
    pub(crate) fn from_abi(level: u32) -> Option<Self> {
        Some(match level {
            0 => Self::Trace,
            1 => Self::Debug,
            2 => Self::Info,
            3 => Self::Warn,
            4 => Self::Error,
            5 => Self::Critical,
            _ => return None,
        })
    }
}

/// One line of the guest's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// Its text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// A metric's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Only grows.
    Counter(u64),
    /// Goes up and down.
    Gauge(u64),
    /// Every sample that was recorded.
    Histogram(Vec<u64>),
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) logs: Vec<LogLine>,
    /// Values by name. Ids belong to a VM, values to the process.
    pub(crate) metrics: BTreeMap<String, Metric>,
    data: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    last_cas: u32,
    queues: Vec<(Vec<u8>, VecDeque<Vec<u8>>)>,
}

impl Shared {
    pub(crate) fn data(&self, key: &[u8]) -> Option<&(Vec<u8>, u32)> {
        self.data.get(key)
    }

    /// Keys and values, in the order of the keys.
    pub(crate) fn all_data(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.data.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    /// `cas` 0 writes always; any other must match, but only when there is something to match.
    pub(crate) fn set_data(&mut self, key: Vec<u8>, value: Vec<u8>, cas: u32) -> Status {
        if let Some((_, current)) = self.data.get(&key)
            && cas != 0
            && cas != *current
        {
            return Status::CasMismatch;
        }
        self.last_cas = self.last_cas.wrapping_add(1).max(1);
        self.data.insert(key, (value, self.last_cas));
        Status::Ok
    }

    /// Finds or makes a queue; tokens start at 1.
    pub(crate) fn register_queue(&mut self, name: Vec<u8>) -> u32 {
        let at = self.queues.iter().position(|(other, _)| *other == name).unwrap_or_else(|| {
            self.queues.push((name, VecDeque::new()));
            self.queues.len() - 1
        });
        u32::try_from(at + 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn resolve_queue(&self, name: &[u8]) -> Option<u32> {
        u32::try_from(self.queues.iter().position(|(other, _)| other == name)? + 1).ok()
    }

    pub(crate) fn queue(&mut self, token: u32) -> Option<&mut VecDeque<Vec<u8>>> {
        self.queues.get_mut((token as usize).checked_sub(1)?).map(|(_, queue)| queue)
    }

    pub(crate) fn metric(&mut self, kind: u32, name: &str) {
        let new = match kind {
            0 => Metric::Counter(0),
            1 => Metric::Gauge(0),
            _ => Metric::Histogram(Vec::new()),
        };
        self.metrics.entry(name.to_owned()).or_insert(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cas_is_only_checked_against_a_value_that_is_there() {
        let mut shared = Shared::default();
        assert_eq!(shared.set_data(b"k".to_vec(), b"1".to_vec(), 77), Status::Ok, "a missing key takes any cas");
        let cas = shared.data(b"k").unwrap().1;
        assert_eq!(shared.set_data(b"k".to_vec(), b"2".to_vec(), cas + 1), Status::CasMismatch);
        assert_eq!(shared.set_data(b"k".to_vec(), b"2".to_vec(), cas), Status::Ok);
        assert_eq!(shared.set_data(b"k".to_vec(), b"3".to_vec(), cas), Status::CasMismatch, "the cas has moved on");
        assert_eq!(shared.set_data(b"k".to_vec(), b"4".to_vec(), 0), Status::Ok, "0 writes always");
    }
}
