//! What differs between two policies for the same traffic.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Capped;

/// How the outcome of a message differs. Each message is counted once, as the first of these that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It passed, and is refused.
    NewlyDenied,
    /// It was refused, and passes.
    NewlyAllowed,
    /// What shadow mode would make of it is something else, or is said no more.
    Shadow,
    /// A list shows other entries.
    Listed,
    /// Other secrets are taken out.
    Redacted,
    /// The server or the client is sent other bytes.
    Rewritten,
    /// The verdict is the same, for another reason or by another rule.
    Decided,
}

impl Change {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::NewlyDenied,
        Self::NewlyAllowed,
        Self::Shadow,
        Self::Listed,
        Self::Redacted,
        Self::Rewritten,
        Self::Decided,
    ];

    /// In words, as they stand behind a number of messages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NewlyDenied => "newly denied",
            Self::NewlyAllowed => "newly allowed",
            Self::Shadow => "judged differently in shadow mode",
            Self::Listed => "listing other entries",
            Self::Redacted => "redacted differently",
            Self::Rewritten => "rewritten differently",
            Self::Decided => "decided by another rule or reason",
        }
    }

    /// In a word or two, for a table.
    pub const fn short(self) -> &'static str {
        match self {
            Self::NewlyDenied => "newly denied",
            Self::NewlyAllowed => "newly allowed",
            Self::Shadow => "shadow",
            Self::Listed => "list",
            Self::Redacted => "redaction",
            Self::Rewritten => "rewritten",
            Self::Decided => "rule or reason",
        }
    }

    /// As a member of a JSON object.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NewlyDenied => "newly_denied",
            Self::NewlyAllowed => "newly_allowed",
            Self::Shadow => "shadow",
            Self::Listed => "listed",
            Self::Redacted => "redacted",
            Self::Rewritten => "rewritten",
            Self::Decided => "decided",
        }
    }
}

/// Messages that differ in the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Changed {
    /// How they differ.
    pub change: Change,
    /// Method and target, with the server.
    pub message: String,
    /// What the policy that is compared with makes of them.
    pub before: String,
    /// What the policy makes of them.
    pub after: String,
    /// What else differs: list entries, secrets, bodies.
    pub what: String,
}

/// How often something was seen, and where first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Messages.
    pub count: u64,
    /// Number of the first one's exchange in this replay.
    pub first: u64,
}

/// What a comparison has come to.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Name of the policy that is compared with.
    pub against: String,
    /// Messages that were compared.
    pub compared: u64,
    counts: BTreeMap<Change, u64>,
    /// Messages that differ, by how they do.
    pub groups: Capped<Changed, Seen>,
}

impl Changes {
    /// Nothing yet.
    pub fn new(against: &str) -> Self {
        Self { against: against.to_owned(), ..Self::default() }
    }

    /// Counts a message that differs, in an exchange with this number.
    pub fn add(&mut self, changed: Changed, exchange: u64) {
        *self.counts.entry(changed.change).or_default() += 1;
        let seen = self.groups.of(changed);
        if seen.count == 0 {
            seen.first = exchange;
        }
        seen.count += 1;
    }

    /// Messages that differ like this.
    pub fn count(&self, change: Change) -> u64 {
        self.counts.get(&change).copied().unwrap_or_default()
    }

    /// Messages that differ.
    pub fn changed(&self) -> u64 {
        self.counts.values().sum()
    }

    /// `6 of 101 messages change: 3 newly denied, 1 newly allowed, 2 rewritten differently`.
    pub fn sentence(&self) -> String {
        let plural = if self.compared == 1 { "message" } else { "messages" };
        let verb = if self.changed() == 1 { "changes" } else { "change" };
        if self.changed() == 0 {
            return format!("none of {} {plural} changes", self.compared);
        }
        let groups: Vec<String> =
            self.counts.iter().map(|(change, count)| format!("{count} {}", change.words())).collect();
        format!("{} of {} {plural} {verb}: {}", self.changed(), self.compared, groups.join(", "))
    }

    /// The counts as a JSON object.
    pub fn json(&self) -> Value {
        let mut members = Map::new();
        members.insert("against".to_owned(), self.against.as_str().into());
        members.insert("compared".to_owned(), self.compared.into());
        members.insert("changed".to_owned(), self.changed().into());
        for change in Change::ALL {
            members.insert(change.key().to_owned(), self.count(change).into());
        }
        Value::Object(members)
    }
}
