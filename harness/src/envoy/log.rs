//! Envoy's log: kept in memory, waited on, and read for the one message that matters.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Lines kept; a long run forgets the oldest.
const KEPT: usize = 50_000;

/// The lines that an Envoy process has written so far. Clones share them.
#[derive(Debug, Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lines: Mutex<Lines>,
    grown: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<Arc<str>>,
    forgotten: usize,
    closed: bool,
}

impl Log {
    /// Reads `stream` to its end on a thread of its own.
    pub(super) fn read(stream: impl Read + Send + 'static) -> Self {
        let log = Self { shared: Arc::new(Shared { lines: Mutex::default(), grown: watch::Sender::new(()) }) };
        let writer = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                writer.push(&String::from_utf8_lossy(&line));
            }
            writer.lock().closed = true;
            writer.shared.grown.send_replace(());
        });
        log
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &str) {
        let mut lines = self.lock();
        lines.kept.push_back(line.into());
        if lines.kept.len() > KEPT {
            lines.kept.pop_front();
            lines.forgotten += 1;
        }
        drop(lines);
        self.shared.grown.send_replace(());
    }

    /// All lines so far, oldest first.
    pub fn lines(&self) -> Vec<Arc<str>> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Follows the log from its first line that is still kept.
    pub fn follow(&self) -> Follower {
        Follower { log: self.clone(), next: 0, grown: self.shared.grown.subscribe() }
    }

    /// The last `count` lines as one text.
    pub fn tail(&self, count: usize) -> String {
        let lines = self.lines();
        lines.iter().skip(lines.len().saturating_sub(count)).map(AsRef::as_ref).collect::<Vec<&str>>().join("\n")
    }
}

/// A reader of a [`Log`] that waits for lines to come.
#[derive(Debug)]
pub struct Follower {
    log: Log,
    next: usize,
    grown: watch::Receiver<()>,
}

impl Follower {
    /// The next line, or `None` when Envoy has ended and all lines are read. Safe to cancel.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            self.grown.borrow_and_update();
            {
                let lines = self.log.lock();
                self.next = self.next.max(lines.forgotten);
                if let Some(line) = lines.kept.get(self.next - lines.forgotten) {
                    self.next += 1;
                    return Some(line.clone());
                }
                if lines.closed {
                    return None;
                }
            }
            self.grown.changed().await.ok()?;
        }
    }
}

/// One entry in Envoy's default log format, its continuation lines included.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    level: &'a str,
    component: &'a str,
    message: String,
}

/// `[2026-11-23 09:00:00.000][42][critical][main] [source/server/server.cc:1] message`
fn parse_head(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.strip_prefix('[')?;
    let mut parts = rest.splitn(4, "][");
    let (_time, _thread, level) = (parts.next()?, parts.next()?, parts.next()?);
    let (component, rest) = parts.next()?.split_once("] ")?;
    let message = match rest.strip_prefix('[').and_then(|it| it.split_once("] ")) {
        Some((place, message)) if place.contains(".cc:") || place.contains(".h:") => message,
        _ => rest,
    };
    Some((level, component, message))
}

fn entries<'a>(lines: &[&'a str]) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for line in lines {
        if let Some((level, component, message)) = parse_head(line) {
            entries.push(Entry { level, component, message: message.to_owned() });
        } else if let Some(last) = entries.last_mut() {
            last.message.push('\n');
            last.message.push_str(line);
        } else if !line.trim().is_empty() {
            entries.push(Entry { level: "error", component: "main", message: (*line).to_owned() });
        }
    }
    entries
}

/// Why Envoy refused or ended, out of its log: what the filter said if it said something, else Envoy's own errors.
pub(super) fn explain(lines: &[&str]) -> String {
    let entries = entries(lines);
    let severe = |it: &&Entry<'_>| matches!(it.level, "error" | "critical");
    let own = |text: &str| text.to_owned();
    let mut said: Vec<String> =
        entries.iter().filter(severe).filter_map(|it| filter_message(&it.message)).map(own).collect();
    if said.is_empty() {
        let lines = entries.iter().filter(severe).flat_map(|it| it.message.lines()).filter_map(without_place);
        // Protobuf varies the spaces of its messages on purpose.
        said = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    }
    if said.is_empty() {
        said = lines.iter().rev().take(5).rev().map(|it| own(it)).collect();
    }
    // Each worker's VM refuses the same configuration with the same words.
    let mut unique: Vec<String> = Vec::new();
    for message in said {
        if !unique.contains(&message) {
            unique.push(message);
        }
    }
    unique.join("\n")
}

/// An error line of Envoy's without the name of the scratch file that the configuration lay in.
fn without_place(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with("error `") || line.contains("envoy.json'") && !line.contains("': ") {
        return None;
    }
    let told = line.strip_prefix("error initializing configuration '").and_then(|it| it.split_once("': "));
    Some(told.map_or(line, |(_, reason)| reason)).filter(|it| !it.is_empty())
}

/// The text behind `wasm log <plugin> <root id> <vm id>: `.
pub(super) fn filter_message(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("wasm log")?;
    let (_, text) = rest.split_once(": ")?;
    Some(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_words_are_preferred_to_envoys() {
        let lines = [
            "[2026-11-23 09:00:00.001][42][info][main] [source/server/server.cc:433] initializing epoch 0",
            "[2026-11-23 09:00:00.002][42][error][wasm] [source/extensions/common/wasm/context.cc:1137] wasm log tidegate: policy refused",
            "  line 3: unknown key",
            "[2026-11-23 09:00:00.003][42][critical][wasm] [source/extensions/common/wasm/wasm.cc:1] Plugin configuration failed",
            "[2026-11-23 09:00:00.004][42][error][wasm] [source/extensions/common/wasm/context.cc:1137] wasm log tidegate: policy refused",
            "  line 3: unknown key",
        ];
        assert_eq!(explain(&lines), "policy refused\n  line 3: unknown key");
    }

    #[test]
    fn without_a_filter_message_envoys_errors_remain() {
        let lines = [
            "[2026-11-23 09:00:00.001][42][info][main] [source/server/server.cc:433] initializing epoch 0",
            "[2026-11-23 09:00:00.004][42][critical][main] [source/server/server.cc:421] error initializing configuration 'x': no such  field: 'foo'",
        ];
        assert_eq!(explain(&lines), "no such field: 'foo'");
        assert_eq!(explain(&["error: bad option"]), "error: bad option");
        let lines = [
            "[2026-11-23 09:00:00.004][42][critical][main] [source/server/server.cc:421] error `Invalid path: /x.wasm` initializing config 'goo.gle/debugonly    ",
            "  /tmp/envoy.json'",
            "[2026-11-23 09:00:00.004][42][critical][main] [source/exe/main_common.cc:1] Invalid path: /x.wasm",
        ];
        assert_eq!(explain(&lines), "Invalid path: /x.wasm");
    }

    #[tokio::test]
    async fn a_follower_sees_every_line_and_the_end() {
        let log = Log::read(std::io::Cursor::new(b"one\ntwo\n\xffthree".to_vec()));
        let mut follower = log.follow();
        let mut seen = Vec::new();
        while let Some(line) = follower.next().await {
            seen.push(line.to_string());
        }
        assert_eq!(seen, ["one", "two", "\u{fffd}three"]);
        assert_eq!(log.tail(2), "two\n\u{fffd}three");
    }
}
