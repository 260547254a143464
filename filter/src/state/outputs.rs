//! What tools promise of their results: the `outputSchema` of each, as the last list told it.
//!
//! Each worker learns from the lists that pass through it, and knows nothing of a tool before it has seen one.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use crate::schema::OutputSchema;

/// Most tools that are remembered. Past that, and past [`BYTES`], those that were learnt first are forgotten.
const TOOLS: usize = 1024;
/// Most bytes that their constraints take, about.
const BYTES: usize = 256 * 1024;

/// The constraints on the results of tools, by server and name.
#[derive(Debug, Default)]
pub struct Outputs {
    hasher: RandomState,
    known: Mutex<Known>,
}

type Tool = (Box<str>, Box<str>);

#[derive(Debug, Default)]
struct Known {
    tools: HashMap<Tool, Entry>,
    /// The tools in the order in which they were learnt.
    order: VecDeque<Tool>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    /// Hash of the schema's text.
    text: u64,
    /// None if it constrains no string: then it need not be read again.
    schema: Option<Arc<OutputSchema>>,
    bytes: usize,
}

impl Outputs {
    /// Takes note of a listed tool of `server`, and of its `outputSchema` as it is written, if it has one.
    pub fn learn(&self, server: &str, tool: &str, schema: Option<&[u8]>) {
        let text = schema.map(|schema| self.hasher.hash_one(schema));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key: Tool = (server.into(), tool.into());
        let same = |entry: &Entry| text == Some(entry.text);
        if known.tools.get(&key).map_or(text.is_none(), same) {
            return;
        }
        known.forget(&key);
        if let (Some(schema), Some(text)) = (schema, text) {
            let schema = OutputSchema::read(schema).map(Arc::new);
            let own = size_of::<Entry>() + 2 * (size_of::<Tool>() + server.len() + tool.len());
            let bytes = own + schema.as_ref().map_or(0, |schema| schema.bytes());
            known.remember(key, Entry { text, schema, bytes });
        }
    }

    /// What is known of the results of a tool.
    pub fn get(&self, server: &str, tool: &str) -> Option<Arc<OutputSchema>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tools.get(&(server.into(), tool.into()))?.schema.clone()
    }
}

impl Known {
    fn forget(&mut self, tool: &Tool) {
        if let Some(entry) = self.tools.remove(tool) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
            self.order.retain(|known| known != tool);
        }
    }

    fn remember(&mut self, tool: Tool, entry: Entry) {
        if entry.bytes > BYTES {
            return;
        }
        while self.tools.len() >= TOOLS || self.bytes + entry.bytes > BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(entry) = self.tools.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(entry.bytes);
            }
        }
        self.bytes += entry.bytes;
        self.order.push_back(tool.clone());
        self.tools.insert(tool, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &[u8] = br#"{"properties":{"a":{"format":"uuid"}}}"#;

    #[test]
    fn what_a_list_says_at_last_counts() {
        let outputs = Outputs::default();
        outputs.learn("crm", "get", Some(UUID));
        let first = outputs.get("crm", "get").unwrap();
        outputs.learn("crm", "get", Some(UUID));
        assert!(Arc::ptr_eq(&first, &outputs.get("crm", "get").unwrap()), "the same text is read once");
        assert!(outputs.get("erp", "get").is_none() && outputs.get("crm", "set").is_none());
        outputs.learn("crm", "get", Some(br#"{"properties":{"a":{"format":"uri"}}}"#));
        assert!(!Arc::ptr_eq(&first, &outputs.get("crm", "get").unwrap()));
        outputs.learn("crm", "get", None);
        assert!(outputs.get("crm", "get").is_none());
        outputs.learn("crm", "get", Some(b"{}"));
        assert!(outputs.get("crm", "get").is_none());
        let known = outputs.known.lock().unwrap();
        assert_eq!((known.tools.len(), known.order.len()), (1, 1));
    }

    #[test]
    fn tools_and_bytes_are_bounded_and_the_oldest_go() {
        let outputs = Outputs::default();
        let large = format!(r#"{{"properties":{{"a":{{"enum":["{}"]}}}}}}"#, "x".repeat(3000));
        for (schema, most) in [(UUID, TOOLS), (large.as_bytes(), 90)] {
            for tool in 0..TOOLS + 10 {
                outputs.learn("crm", &format!("t{tool}"), Some(schema));
            }
            assert!(outputs.get("crm", "t0").is_none());
            assert!(outputs.get("crm", &format!("t{}", TOOLS + 9)).is_some());
            let known = outputs.known.lock().unwrap();
            assert!(known.tools.len() <= most && known.tools.len() == known.order.len(), "{}", known.tools.len());
            assert_eq!(known.bytes, known.tools.values().map(|entry| entry.bytes).sum::<usize>());
            assert!(known.bytes <= BYTES);
        }
    }
}
