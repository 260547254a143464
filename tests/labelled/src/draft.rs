//! A text as it is being written, with its labels.

use std::ops::Range;

use crate::kind::{self, make};
use crate::random::Random;

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its kind.
    pub kind: &'static str,
    /// Where its bytes lie: what may not come out.
    pub place: Range<usize>,
    /// What may go with it: the user name of a password in a URL, the first and last line of a private key.
    pub around: Range<usize>,
}

/// How names are written in a kind of document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Case {
    /// `DB_PASSWORD`
    Upper,
    /// `db_password`
    Snake,
    /// `dbPassword`
    Camel,
    /// `DbPassword`
    Pascal,
    /// `db-password`
    Kebab,
    /// `db.password`
    Dotted,
    /// `Db password`
    Title,
}

impl Case {
    fn render(self, key: &str) -> String {
        let words: Vec<String> = key.split('_').map(str::to_lowercase).collect();
        let capital = |word: &String| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
        };
        match self {
            Self::Upper => key.to_owned(),
            Self::Snake => words.join("_"),
            Self::Camel => words.iter().take(1).cloned().chain(words.iter().skip(1).map(capital)).collect(),
            Self::Pascal => words.iter().map(capital).collect(),
            Self::Kebab => words.join("-"),
            Self::Dotted => words.join("."),
            Self::Title => {
                words.iter().take(1).map(capital).chain(words.iter().skip(1).cloned()).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// The value of an entry.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// No secret; may have slots.
    Plain(String),
    /// A secret, and its kind.
    Secret(&'static str, String),
}

/// A name and its value in a document.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// As an environment variable.
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// A text so far.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) labels: Vec<Label>,
    /// Where what may go with the next secrets began.
    opened: Option<(usize, usize)>,
}

impl Draft {
    /// Writes `template`, of which the parts in `«»` are replaced:
    ///
    /// ```text
    /// «k» «v»      the entry's name and value
    /// «!kind»      a secret
    /// «<» «>»      what lies between may go with the secrets in it
    /// «a|b»        one of these
    /// «{b20}»      see Random::like
    /// «uuid» …     something harmless: see `filler`
    /// ```
    pub(crate) fn write(&mut self, template: &str, entry: Option<(&Entry, Case)>, random: &mut Random) {
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('«') {
            self.text.push_str(before);
            let (slot, after) = after.split_once('»').unwrap_or_else(|| panic!("an open slot in {template}"));
            rest = after;
            match (slot, entry) {
                ("k", Some((entry, case))) => self.text.push_str(&case.render(&entry.key)),
                ("v", Some((entry, _))) => match &entry.value {
                    Value::Plain(value) => self.write(value, None, random),
                    Value::Secret(kind, value) => self.secret(kind, value),
                },
                ("<", _) => self.opened = Some((self.text.len(), self.labels.len())),
                (">", _) => {
                    let (start, first) = self.opened.take().unwrap_or_else(|| panic!("nothing to close in {template}"));
                    let end = self.text.len();
                    self.labels.iter_mut().skip(first).for_each(|label| label.around = start..end);
                }
                _ => {
                    if let Some(kind) = slot.strip_prefix('!') {
                        let (kind, value) = kind::secret(kind, random);
                        self.secret(kind, &value);
                    } else if slot.contains('|') {
                        let choices: Vec<&str> = slot.split('|').collect();
                        self.text.push_str(random.pick(&choices));
                    } else if slot.contains('{') {
                        self.text.push_str(&random.like(slot));
                    } else if slot.starts_with('=') {
                        self.text.push_str(&make(slot, random));
                    } else {
                        self.text.push_str(&filler(slot, random));
                    }
                }
            }
        }
        self.text.push_str(rest);
    }

    fn secret(&mut self, kind: &'static str, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        let place = start..self.text.len();
        self.labels.push(Label { kind, around: place.clone(), place });
    }
}

const WORDS: &[&str] = &[
    "invoice",
    "catalog",
    "shipment",
    "profile",
    "ledger",
    "report",
    "search",
    "gateway",
    "billing",
    "inventory",
    "orders",
    "payments",
    "accounts",
    "scheduler",
    "worker",
    "frontend",
    "reporting",
    "metrics",
    "archive",
    "delivery",
];
const USERS: &[&str] =
    &["app", "svc_orders", "deploy", "reporting", "admin", "maria", "j.doe", "ci-bot", "etl", "backup"];
const HOSTS: &[&str] = &[
    "db.internal",
    "db-1.prod.example.com",
    "10.20.4.17",
    "cache.svc.cluster.local",
    "mail.example.org",
    "api.example.com",
    "vpn-eu.example.net",
    "localhost",
    "primary.pg.example.io",
    "broker-2.example.com",
];
const SENTENCES: &[&str] = &[
    "Rollout finished without errors.",
    "The nightly job took longer than usual because of the index rebuild.",
    "See the runbook for how to fail over to the other region.",
    "Retrying in 30 seconds, attempt 2 of 5.",
    "No action is needed; this is only for your information.",
    "Customers in the EU region reported slow page loads between 09:00 and 09:20.",
    "Please review the change before Thursday.",
    "Connection pool exhausted, waiting for a free slot.",
    "Cache warmed in 412 ms, 18233 entries.",
    "The deployment uses the image built from main.",
];

/// Something harmless.
fn filler(name: &str, random: &mut Random) -> String {
    match name {
        "uuid" => random.uuid(),
        "sha" => random.like("{x40}"),
        "sha7" => random.like("{x7}"),
        "hex8" => random.like("{x8}"),
        "hex16" => random.like("{x16}"),
        "hex32" => random.like("{x32}"),
        "hex64" => random.like("{x64}"),
        "n" => random.between(1, 9999).to_string(),
        "n2" => random.between(10, 59).to_string(),
        "port" => random.pick(&["5432", "3306", "6379", "8080", "9092", "27017", "443"]).to_owned(),
        "date" => format!("2026-{:02}-{:02}", random.between(1, 12), random.between(1, 28)),
        "time" => format!("{:02}:{:02}:{:02}", random.below(24), random.below(60), random.below(60)),
        "ts" => format!("{}T{}.{:03}Z", filler("date", random), filler("time", random), random.below(1000)),
        "ip" => format!("10.{}.{}.{}", random.below(256), random.below(256), random.between(1, 254)),
        "host" => random.pick(HOSTS).to_owned(),
        "user" => random.pick(USERS).to_owned(),
        "email" => format!("{}@example.com", random.like("{l4-8}")),
        "svc" => random.pick(WORDS).to_owned(),
        "pod" => format!("{}-{}-{}", random.pick(WORDS), random.like("{x10}"), random.like("{a5}")),
        "sentence" => random.pick(SENTENCES).to_owned(),
        "sri" => format!("sha512-{}", random.like("{s86}==")),
        _ => panic!("no filler {name}"),
    }
}
