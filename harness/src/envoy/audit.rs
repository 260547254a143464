//! The filter's audit events out of Envoy's log.
//!
//! The filter writes one JSON object a line; Envoy puts its own prefix before it:
//! `[…][info][wasm] […] wasm log tidegate: {"schema":"tidegate.audit/v1","event":"decision",…}`.

use serde_json::Value;

/// What the `schema` member of an audit event starts with.
const SCHEMA: &str = "tidegate.audit/";

/// One audit event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    value: Value,
    line: String,
}

/// Secrets of one kind at one place of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// The detector's name.
    pub detector: String,
    /// JSON pointer (RFC 6901) of the string.
    pub path: String,
    /// How many.
    pub count: u64,
    /// They passed: redaction is in shadow mode.
    pub passed: bool,
}

impl Event {
    /// The event in a line of Envoy's log, if there is one.
    pub fn from_log_line(line: &str) -> Option<Self> {
        let (_, message) = line.split_once("wasm log")?;
        let (_, json) = message.split_once(": {")?;
        Self::from_json(message.get(message.len() - json.len() - 1..)?)
    }

    /// The event that the filter logged as `line`, if it is one.
    pub fn from_json(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        value.get("schema")?.as_str()?.starts_with(SCHEMA).then(|| Self { value, line: line.trim_end().to_owned() })
    }

    /// All events in a log, in their order.
    pub fn from_log<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        lines.into_iter().filter_map(Self::from_log_line).collect()
    }

    /// `decision` or `completion`.
    pub fn kind(&self) -> &str {
        self.text("event").unwrap_or_default()
    }

    /// A text member of the event.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name)?.as_str()
    }

    /// The subject of the principal, whether the event has it as text or as an object.
    pub fn subject(&self) -> Option<&str> {
        let principal = self.value.get("principal")?;
        principal.as_str().or_else(|| principal.get("subject")?.as_str())
    }

    /// The tool, resource or prompt that the message named.
    pub fn target(&self) -> Option<&str> {
        ["tool", "resource", "prompt"].into_iter().find_map(|name| self.text(name))
    }

    /// The secrets that the event tells of.
    pub fn redactions(&self) -> Vec<Redaction> {
        let lists = [("redactions", false), ("would_redact", true)];
        let lists = lists.into_iter().filter_map(|(name, passed)| Some((self.value.get(name)?.as_array()?, passed)));
        lists
            .flat_map(|(list, passed)| {
                list.iter().filter_map(move |entry| {
                    Some(Redaction {
                        detector: entry.get("detector")?.as_str()?.to_owned(),
                        path: entry.get("path")?.as_str()?.to_owned(),
                        count: entry.get("count")?.as_u64()?,
                        passed,
                    })
                })
            })
            .collect()
    }

    /// The event as the filter wrote it, without Envoy's prefix.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The whole event.
    pub fn json(&self) -> &Value {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"[2026-11-23 09:00:00.001][42][info][wasm] [source/extensions/common/wasm/context.cc:1137] wasm log tidegate tidegate: {"schema":"tidegate.audit/v1","event":"decision","verdict":"deny","tool":"delete: {x}","principal":{"subject":"ada"}}"#;

    #[test]
    fn an_event_is_found_behind_envoys_prefix() {
        let event = Event::from_log_line(LINE).unwrap();
        assert_eq!((event.kind(), event.text("verdict")), ("decision", Some("deny")));
        assert_eq!((event.target(), event.subject()), (Some("delete: {x}"), Some("ada")));
    }

    #[test]
    fn secrets_are_told_by_detector_and_place() {
        let text = |key: &str| {
            format!(r#"{{"schema":"tidegate.audit/v1","{key}":[{{"detector":"jwt","path":"/result/x","count":2}}]}}"#)
        };
        for (key, passed) in [("redactions", false), ("would_redact", true)] {
            let found = Event::from_json(&text(key)).unwrap().redactions();
            assert_eq!(
                found,
                [Redaction { detector: "jwt".to_owned(), path: "/result/x".to_owned(), count: 2, passed }]
            );
        }
        assert_eq!(Event::from_json(&text("other")).unwrap().redactions(), []);
    }

    #[test]
    fn other_lines_are_no_events() {
        for line in [
            "[2026-11-23 09:00:00.001][42][info][main] [source/server/server.cc:1] starting workers",
            r#"[x][1][info][wasm] wasm log tidegate: {"schema":"other/v1"}"#,
            r#"[x][1][info][wasm] wasm log tidegate: {"schema":"tidegate.audit/v1""#,
            r#"{"schema":"tidegate.audit/v1","event":"decision"}"#,
        ] {
            assert_eq!(Event::from_log_line(line), None, "{line}");
        }
        assert_eq!(Event::from_log([LINE, "x", LINE]).len(), 2);
    }
}
