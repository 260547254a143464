//! What is in force beside single decisions: fail modes, limits, redaction, quotas, prices, identity, audit.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_filter::policy::{Compiled, FailMode, IdentitySource, Policy};

use super::Direction;
use super::decision::canonical;
use crate::report::explanation;

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    /// Where it stands, as in the policy where that has a place for it.
    pub name: String,
    /// The value before, `-` where there was none.
    pub before: String,
    /// The value now, `-` where there is none.
    pub after: String,
    /// Whether it lets more through.
    pub direction: Direction,
}

/// What decisions show already, or what names a policy and changes nothing.
const SHOWN_ELSEWHERE: [&str; 7] = [
    "settings.name",
    "settings.revision",
    "settings.digest",
    "settings.read_only",
    "settings.sets",
    "rules",
    "identity",
];

/// The settings that differ, by name.
pub(super) fn compare(old: &Compiled, new: &Compiled) -> Vec<SettingChange> {
    let (before, after) = (effective(old), effective(new));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes = names
        .into_iter()
        .filter_map(|name| {
            let (old_value, new_value) = (before.get(name), after.get(name));
            let text = |value: Option<&String>| value.cloned().unwrap_or_else(|| "-".to_owned());
            (old_value != new_value).then(|| SettingChange {
                name: name.clone(),
                before: text(old_value),
                after: text(new_value),
                direction: direction(name, old_value, new_value, [old, new]),
            })
        })
        .filter(|it| {
            !(it.name.starts_with("servers.")
                && it.name.ends_with(".mode")
                && [&it.before, &it.after].map(String::as_str).contains(&"-"))
        });
    together(changes)
}

/// Settings of one object that change alike are told as one.
fn together(changes: impl Iterator<Item = SettingChange>) -> Vec<SettingChange> {
    let mut found: Vec<(SettingChange, Vec<String>)> = Vec::new();
    for change in changes {
        let (parent, key) = change.name.rsplit_once('.').unwrap_or(("", &change.name));
        let (parent, key) = (parent.to_owned(), key.to_owned());
        let alike = |it: &SettingChange| {
            !parent.is_empty()
                && it.name == parent
                && (&it.before, &it.after, it.direction) == (&change.before, &change.after, change.direction)
        };
        match found.iter_mut().find(|(it, _)| alike(it)) {
            Some((_, keys)) => keys.push(key),
            None => found.push((SettingChange { name: parent, ..change }, vec![key])),
        }
    }
    let named = found.into_iter().map(|(change, keys)| {
        let keys = match keys.as_slice() {
            [key] => key.clone(),
            _ => format!("{{{}}}", keys.join(", ")),
        };
        let name = if change.name.is_empty() { keys } else { format!("{}.{keys}", change.name) };
        SettingChange { name, ..change }
    });
    named.collect()
}

/// Every setting in force, by name.
fn effective(compiled: &Compiled) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    flatten("", &explanation::json(compiled), &mut found);
    let policy = &compiled.configuration.policy;
    let mut add = |name: &str, value: String| found.insert(name.to_owned(), value);
    for (name, mut values) in policy.sets.clone() {
        values.sort();
        add(&format!("sets.{name}"), values.join(", "));
    }
    for (name, bytes) in limits(policy) {
        add(name, bytes.to_string());
    }
    if let Some(redaction) = &policy.redaction {
        add("redaction.constrained", format!("{:?}", redaction.constrained).to_lowercase());
    }
    for (at, source) in policy.identity.sources.iter().enumerate() {
        for (key, value) in identity(source) {
            add(&format!("identity.sources.{}.{key}", at + 1), value);
        }
    }
    let host = &compiled.configuration.host;
    add("host.hold_headers", host.hold_headers.to_string());
    let log = host.audit_log;
    add("host.audit_log", if log.enabled { format!("{:?}", log.level).to_lowercase() } else { "none".to_owned() });
    found
}

/// What a source takes from where.
fn identity(source: &IdentitySource) -> Vec<(&'static str, String)> {
    let path = |path: &Option<Vec<String>>| path.as_ref().map(|it| it.join("."));
    let found = match source {
        IdentitySource::Jwt(jwt) => vec![
            ("kind", Some("jwt".to_owned())),
            ("issuer", Some(jwt.issuer.clone())),
            ("audience", jwt.audience.clone()),
            ("metadata_key", Some(jwt.metadata_key.clone())),
            ("subject", Some(jwt.subject.join("."))),
            ("team", path(&jwt.team)),
            ("groups", path(&jwt.groups)),
            ("scopes", path(&jwt.scopes)),
            ("agent", path(&jwt.agent)),
        ],
        IdentitySource::Spiffe => vec![("kind", Some("spiffe".to_owned()))],
        IdentitySource::Header(header) => vec![
            ("kind", Some("header".to_owned())),
            ("peers", Some(header.peers.join(", "))),
            ("subject", Some(header.subject.clone())),
            ("team", header.team.clone()),
            ("groups", header.groups.clone()),
            ("scopes", header.scopes.clone()),
            ("agent", header.agent.clone()),
        ],
    };
    found.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn limits(policy: &Policy) -> [(&'static str, usize); 6] {
    let limits = &policy.limits;
    [
        ("limits.request_bytes", limits.request_bytes),
        ("limits.list_bytes", limits.list_bytes),
        ("limits.event_bytes", limits.event_bytes),
        ("limits.depth", limits.depth),
        ("limits.buffered_bytes_per_worker", limits.buffered_bytes_per_worker),
        ("limits.buffered_bytes_per_principal", limits.buffered_bytes_per_principal),
    ]
}

/// Puts each leaf under a name. Lists of things with names of their own are told apart by these; in lists of words order
/// means nothing.
fn flatten(name: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    if SHOWN_ELSEWHERE.contains(&name) || name.starts_with("settings.limits.") {
        return;
    }
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Null => {}
        Value::Object(members) if name.starts_with("on.") => {
            if let Some(verdict) = members.get("verdict").and_then(Value::as_str) {
                found.insert(name.to_owned(), verdict.to_owned());
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                // What a thing is called stands in its name already.
                let own = ["id", "cause", "name"].contains(&key.as_str()) && name.contains('.');
                if !own {
                    flatten(&below(key), value, found);
                }
            }
        }
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let mut words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            words.sort_unstable();
            if !words.is_empty() {
                found.insert(name.to_owned(), words.join(", "));
            }
        }
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                let key = ["id", "cause", "name"].iter().find_map(|key| value.get(key).and_then(Value::as_str));
                flatten(&below(&key.map_or_else(|| (at + 1).to_string(), str::to_owned)), value, found);
            }
        }
        Value::String(text) => {
            found.insert(name.strip_prefix("settings.").unwrap_or(name).to_owned(), text.clone());
        }
        other => {
            found.insert(name.to_owned(), canonical(other.to_string().as_bytes()));
        }
    }
}

/// Whether a setting lets more through than before, where that can be told.
fn direction(name: &str, old: Option<&String>, new: Option<&String>, policies: [&Compiled; 2]) -> Direction {
    let [before, after] = policies.map(|it| &it.configuration.policy);
    let grown = |wider: bool| if wider { Direction::Wider } else { Direction::Narrower };
    let top = name.split('.').next().unwrap_or_default();
    match top {
        // Where requests lead and what is decided there is compared as such.
        "servers" | "mode" | "audit" | "narrow_schemas" | "host" => Direction::Neutral,
        "anonymous" => Direction::Neutral,
        "on" => grown(new.map(String::as_str) == Some(FailMode::Allow.as_str())),
        "limits" => {
            let of = |policy| limits(policy).into_iter().find(|(other, _)| *other == name).map(|(_, bytes)| bytes);
            grown(of(after) > of(before))
        }
        "redaction" => match (before.redaction.is_some(), after.redaction.is_some()) {
            (true, false) => Direction::Wider,
            (false, true) => Direction::Narrower,
            _ if name == "redaction.mode" => grown(new.map(String::as_str) == Some("shadow")),
            _ if name.ends_with(".on") && name.starts_with("redaction.groups.") => {
                let words = |list: Option<&String>| -> Vec<String> {
                    list.map(|it| it.split(", ").map(str::to_owned).collect()).unwrap_or_default()
                };
                let (old, new) = (words(old), words(new));
                match old.iter().all(|it| new.contains(it)) {
                    true => Direction::Narrower,
                    false if new.iter().all(|it| old.contains(it)) => Direction::Wider,
                    false => Direction::Unclear,
                }
            }
            _ if name.ends_with(".off") && name.starts_with("redaction.groups.") => Direction::Neutral,
            _ if name == "redaction.sweep_bytes" => Direction::Neutral,
            _ => Direction::Unclear,
        },
        "spending" => {
            let quota = name.strip_prefix("spending.quotas.").and_then(|it| it.split('.').next());
            let has = |policy: &Policy| quota.is_some_and(|id| policy.quotas.iter().any(|it| it.id == *id));
            match (quota.is_some(), has(before), has(after)) {
                (true, true, false) => Direction::Wider,
                (true, false, true) => Direction::Narrower,
                _ => Direction::Unclear,
            }
        }
        _ => Direction::Unclear,
    }
}
