//! Audit events as data: one JSON object a line, fields absent when they do not apply.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::json::write_string;

/// The schema of every event; a reader refuses what it does not know.
pub const SCHEMA: &str = "tidegate.audit/v1";

/// An event that is being written.
#[derive(Clone, Debug)]
pub struct Record(Vec<u8>);

impl Record {
    /// Begins an event of the kind `event` at `now`, nanoseconds since the Unix epoch.
    pub fn new(event: &str, now: u64) -> Self {
        let mut record = Self(Vec::with_capacity(1024));
        record.0.push(b'{');
        record.text("schema", SCHEMA);
        record.text("event", event);
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now / 1000 * 1000))
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        record.optional("time", time.as_deref());
        record.text("filter_version", env!("CARGO_PKG_VERSION"));
        record
    }

    /// Keys are written by this crate alone, and none needs escaping.
    fn key(&mut self, key: &'static str) {
        self.0.extend_from_slice(if self.0.len() > 1 { b",\"" } else { b"\"" });
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// Adds a string.
    pub fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        write_string(&mut self.0, value);
    }

    /// Adds a string if there is one.
    pub fn optional(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// Adds a number.
    pub fn number(&mut self, key: &'static str, value: u64) {
        self.key(key);
        self.0.extend_from_slice(value.to_string().as_bytes());
    }

    /// Adds a boolean.
    pub fn flag(&mut self, key: &'static str, value: bool) {
        self.key(key);
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Adds a value that is JSON already.
    pub fn raw(&mut self, key: &'static str, value: &[u8]) {
        self.key(key);
        self.0.extend_from_slice(value);
    }

    /// Adds a list of strings, unless it is empty. At most `most` are named; the rest are counted in a last entry.
    pub fn list<S: AsRef<str>>(&mut self, key: &'static str, values: &[S], most: usize) {
        if values.is_empty() {
            return;
        }
        self.key(key);
        let mut separator = b'[';
        for value in values.iter().take(most) {
            self.0.push(separator);
            write_string(&mut self.0, value.as_ref());
            separator = b',';
        }
        if values.len() > most {
            self.0.push(separator);
            write_string(&mut self.0, &format!("… and {} more", values.len() - most));
        }
        self.0.push(b']');
    }

    /// The event without its final brace, for a caller that adds to it.
    pub fn open(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The event as one line.
    pub fn finish(mut self) -> String {
        self.0.push(b'}');
        String::from_utf8(self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_line_of_json() {
        let mut record = Record::new("decision", 1_764_547_200_123_456_789);
        record.text("tool", "a\"b\nc");
        record.optional("rule", None);
        record.number("status", 200);
        record.list("hidden", &["x", "y", "z"], 2);
        record.list::<&str>("none", &[], 2);
        record.raw("id", b"7");
        let line = record.finish();
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["time"], "2025-12-01T00:00:00.123456Z");
        assert_eq!(value["hidden"], serde_json::json!(["x", "y", "… and 1 more"]));
        assert_eq!(value["id"], 7);
        assert!(value.get("none").is_none() && value.get("rule").is_none());
    }
}
