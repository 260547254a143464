//! What redaction looks for and what becomes of it: `tidegate check --explain` and `tidegate check --detectors`.

use serde_json::{Value, json};
use tidegate_filter::policy::{Allowance, Configuration, Constrained, Direction, Redaction, Strategy};
use tidegate_filter::secret::detector::{Detector, Group, detectors};

use super::style::{Paint, Style};
use super::table::{Cell, Table};

/// Rows of a table for people: what the setting is called, and its effective value.
pub(super) fn rows(configuration: &Configuration) -> Vec<(&'static str, String)> {
    let Some(redaction) = configuration.policy.redaction.as_deref() else {
        return vec![("redaction", "off: nothing is looked for; `\"redaction\": {}` has safe defaults".to_owned())];
    };
    let mut rows = vec![
        ("mode", redaction.mode.as_str().to_owned()),
        ("detectors", looked_for(redaction)),
        ("keys", or_none(&redaction.keys)),
        ("patterns", or_none(&patterns(redaction))),
        ("requests", strategies(redaction, Direction::Request)),
        ("responses", strategies(redaction, Direction::Response)),
        (
            "placeholders in requests",
            redaction.strategy(Direction::Request, redaction.placeholder()).as_str().to_owned(),
        ),
    ];
    rows.extend(redaction.allow.iter().map(|entry| ("allow", allowance(redaction, entry))));
    rows.extend([
        ("constrained", constrained(redaction).to_owned()),
        ("hidden_text.definitions", redaction.hidden_text(true).as_str().to_owned()),
        ("hidden_text.results", redaction.hidden_text(false).as_str().to_owned()),
        ("sweep_bytes", super::explanation::bytes(redaction.sweep_bytes)),
        ("key of placeholders", key(configuration)),
    ]);
    rows
}

/// The effective settings for tools; `null` where nothing is looked for.
pub(super) fn json(configuration: &Configuration) -> Value {
    let Some(redaction) = configuration.policy.redaction.as_deref() else { return Value::Null };
    let groups: serde_json::Map<String, Value> = Group::ALL
        .iter()
        .map(|group| {
            let (on, off) = of_group(redaction, *group);
            (group.as_str().to_owned(), json!({"on": on, "off": off}))
        })
        .collect();
    let by_strategy = |direction| {
        let named = named_strategies(redaction, direction);
        named.into_iter().map(|(name, strategy)| (name, json!(strategy.as_str()))).collect::<serde_json::Map<_, _>>()
    };
    let allow: Vec<Value> = redaction
        .allow
        .iter()
        .map(|entry| {
            json!({
                "tools": entry.tools.as_ref().map(|it| it.iter().map(super::explanation::tool).collect::<Vec<_>>()),
                "paths": entry.paths.as_ref().map(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>()),
                "detectors": entry.detectors.as_ref().map(|it| names(redaction, it)),
            })
        })
        .collect();
    json!({
        "mode": redaction.mode.as_str(),
        "groups": groups,
        "keys": redaction.keys,
        "patterns": patterns(redaction),
        "requests": by_strategy(Direction::Request),
        "responses": by_strategy(Direction::Response),
        "allow": allow,
        "constrained": constrained(redaction),
        "hidden_text": {
            "definitions": redaction.hidden_text(true).as_str(),
            "results": redaction.hidden_text(false).as_str(),
        },
        "sweep_bytes": redaction.sweep_bytes,
        "key_env": configuration.host.redaction_key_env,
    })
}

/// Every detector by group, for people; with a policy, what it does with each.
pub fn detector_table(redaction: Option<&Redaction>, style: Style) -> String {
    let heading: &[&str] = match redaction {
        None => &["detector", "known by", "default"],
        Some(_) => &["detector", "known by", "requests", "responses"],
    };
    let mut table = Table::new(heading);
    for group in Group::ALL {
        let members: Vec<_> = of(*group).collect();
        let title = format!("{} ({})", group.as_str(), members.len());
        table.row([Cell::painted(title, Paint::Strong)]);
        for (number, detector) in members {
            let name = format!("  {}", detector.name);
            match redaction {
                None => {
                    let default = if group.is_default() { "on" } else { "off" };
                    table.row([name.into(), known_by(detector).into(), default.into()]);
                }
                Some(redaction) => {
                    let cell = |direction| match effective(redaction, direction, number) {
                        None => Cell::painted("off", Paint::Faint),
                        Some(Strategy::Allow) => Cell::painted("allow", Paint::Notable),
                        Some(strategy) => strategy.as_str().into(),
                    };
                    let (request, response) = (cell(Direction::Request), cell(Direction::Response));
                    table.row([name.into(), known_by(detector).into(), request, response]);
                }
            }
        }
    }
    table.render(style)
}

/// Every detector, for tools: `name`, `group`, `known_by`, `default`, and with a policy `on`, `requests`, `responses`.
pub fn detector_list(redaction: Option<&Redaction>) -> Value {
    let list = detectors().enumerate().map(|(number, detector)| {
        let mut entry = json!({
            "name": detector.name,
            "group": detector.group.as_str(),
            "known_by": known_by(detector),
            "default": detector.group.is_default(),
        });
        if let (Some(redaction), Some(entry)) = (redaction, entry.as_object_mut()) {
            entry.insert("on".to_owned(), redaction.is_on(number).into());
            for (key, direction) in [("requests", Direction::Request), ("responses", Direction::Response)] {
                let strategy = effective(redaction, direction, number).map(Strategy::as_str);
                entry.insert(key.to_owned(), strategy.into());
            }
        }
        entry
    });
    list.collect()
}

fn of(group: Group) -> impl Iterator<Item = (usize, &'static Detector)> {
    detectors().enumerate().filter(move |(_, detector)| detector.group == group)
}

/// How certain a detector is: what it goes by.
fn known_by(detector: &Detector) -> &'static str {
    match detector.rank() {
        0 => "its form",
        1 => "its form beside a name",
        2 => "a scheme before it",
        _ => "a name before it",
    }
}

fn effective(redaction: &Redaction, direction: Direction, number: usize) -> Option<Strategy> {
    redaction.is_on(number).then(|| redaction.strategy(direction, number))
}

/// How many detectors of a group are on, and the names of the others.
fn of_group(redaction: &Redaction, group: Group) -> (usize, Vec<&'static str>) {
    let (on, off): (Vec<_>, Vec<_>) = of(group).partition(|(number, _)| redaction.is_on(*number));
    (on.len(), off.into_iter().map(|(_, detector)| detector.name).collect())
}

fn looked_for(redaction: &Redaction) -> String {
    let mut on = 0;
    let (mut parts, mut without) = (Vec::new(), Vec::new());
    for group in Group::ALL {
        let (count, off) = of_group(redaction, *group);
        on += count;
        match (count, off.as_slice()) {
            (0, _) => without.push(group.as_str().to_owned()),
            (_, []) => parts.push(format!("{} {count}", group.as_str())),
            (_, off) if off.len() <= 3 => {
                parts.push(format!("{} {count} (without {})", group.as_str(), off.join(", ")));
            }
            (_, off) => parts.push(format!("{} {count} of {}", group.as_str(), count + off.len())),
        }
    }
    let mut text = format!("{on} of {}", detectors().count());
    if !parts.is_empty() {
        text.push_str(&format!(": {}", parts.join(", ")));
    }
    if !without.is_empty() {
        text.push_str(&format!("; off: {}", without.join(", ")));
    }
    text
}

fn patterns(redaction: &Redaction) -> Vec<String> {
    let first = detectors().count() + 1;
    (first..redaction.placeholder()).map(|number| redaction.name(number).to_owned()).collect()
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// Strategies by the shortest list of names: whole groups where all of a group that is on has one.
fn named_strategies(redaction: &Redaction, direction: Direction) -> Vec<(String, Strategy)> {
    let mut named = Vec::new();
    for group in Group::ALL {
        let on: Vec<_> = of(*group).filter(|(number, _)| redaction.is_on(*number)).collect();
        let strategy = |number: usize| redaction.strategy(direction, number);
        let Some(((first, _), rest)) = on.split_first() else { continue };
        if rest.iter().all(|(number, _)| strategy(*number) == strategy(*first)) {
            named.push((group.as_str().to_owned(), strategy(*first)));
        } else {
            named.extend(on.iter().map(|(number, detector)| (detector.name.to_owned(), strategy(*number))));
        }
    }
    let own = (detectors().count()..redaction.placeholder()).filter(|number| redaction.is_on(*number));
    named.extend(own.map(|number| (redaction.name(number).to_owned(), redaction.strategy(direction, number))));
    named
}

/// The strategy of most, then the exceptions.
fn strategies(redaction: &Redaction, direction: Direction) -> String {
    let named = named_strategies(redaction, direction);
    let all = [Strategy::Block, Strategy::Replace, Strategy::Mask, Strategy::Hash, Strategy::Allow];
    let count = |strategy: Strategy| named.iter().filter(|(_, it)| *it == strategy).count();
    // Of several the first, so that the text is always the same.
    let Some(most) = all.into_iter().rev().max_by_key(|strategy| count(*strategy)).filter(|it| count(*it) > 0) else {
        return "-".to_owned();
    };
    let others = named.iter().filter(|(_, strategy)| *strategy != most);
    let others: Vec<String> = others.map(|(name, strategy)| format!("{name}: {}", strategy.as_str())).collect();
    if others.is_empty() { most.as_str().to_owned() } else { format!("{}; {}", most.as_str(), others.join(", ")) }
}

/// Names of detectors, by group where all of a group are meant.
fn names(redaction: &Redaction, numbers: &[usize]) -> Vec<String> {
    let mut names = Vec::new();
    for group in Group::ALL {
        let all: Vec<usize> = of(*group).map(|(number, _)| number).collect();
        if all.iter().all(|number| numbers.contains(number)) {
            names.push(group.as_str().to_owned());
        } else {
            let some = all.iter().filter(|number| numbers.contains(number));
            names.extend(some.map(|number| redaction.name(*number).to_owned()));
        }
    }
    let own = numbers.iter().filter(|number| **number >= detectors().count());
    names.extend(own.map(|number| redaction.name(*number).to_owned()));
    names
}

fn allowance(redaction: &Redaction, entry: &Allowance) -> String {
    let detectors =
        entry.detectors.as_ref().map_or_else(|| "everything".to_owned(), |it| names(redaction, it).join(", "));
    let tools = entry.tools.as_ref().map(|tools| {
        let tools: Vec<String> = tools.iter().map(super::explanation::tool).collect();
        format!(" in calls of {}", tools.join(", "))
    });
    let paths = entry.paths.as_ref().map(|paths| {
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        format!(" at {}", paths.join(", "))
    });
    format!("{detectors}{}{}", tools.unwrap_or_default(), paths.unwrap_or_default())
}

/// What happens to a secret where its schema leaves no room for a placeholder.
fn constrained(redaction: &Redaction) -> &'static str {
    match redaction.constrained {
        Constrained::Fit => "fit",
        Constrained::Drop => "drop",
    }
}

fn key(configuration: &Configuration) -> String {
    match &configuration.host.redaction_key_env {
        Some(name) => format!("environment variable {name}"),
        None => "random, shared by the workers of one Envoy until it ends; name one in host.keys.redaction".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(redaction: &Value) -> Configuration {
        let policy = json!({"version": "tidegate/v1", "name": "p", "identity": {"sources": [{"spiffe": {}}]},
            "servers": [{"name": "crm", "match": {"path": "/mcp"}}],
            "rules": [{"id": "r", "allow": {"tools": ["get_*"]}}], "redaction": redaction});
        let document = json!({"host": {"keys": {"redaction": {"env": "REDACTION_KEY"}}}, "layers": [policy]});
        tidegate_filter::policy::compile(document.to_string().as_bytes()).unwrap().configuration
    }

    fn row(configuration: &Configuration, name: &str) -> String {
        rows(configuration).into_iter().find(|(it, _)| *it == name).unwrap().1
    }

    #[test]
    fn groups_are_counted_and_exceptions_are_named() {
        let configuration = compiled(&json!({
            "detectors": ["default", "iban", "!jwt"], "keys": ["pin_code"],
            "patterns": [{"name": "corp", "pattern": "corp_[a-z0-9]{16}"}],
            "strategies": {"corp": "allow", "chat": {"responses": "hash"}, "password": "mask"},
            "allow": [{"tools": ["crm/get_*"], "paths": ["*/sha"], "detectors": ["generic", "corp"]}]
        }));
        let (all, on) = (detectors().count(), detectors().filter(|it| it.group.is_default()).count());
        let detectors = row(&configuration, "detectors");
        assert!(detectors.starts_with(&format!("{on} of {all}: cloud ")), "{detectors}");
        assert!(detectors.contains(" (without jwt), ") && detectors.contains(", personal 1 of "), "{detectors}");
        let generic = "generic-secret: block, generic-token: block";
        assert!(!row(&configuration, "requests").contains(generic));
        assert_eq!(row(&configuration, "requests"), "block; password: mask, corp: allow");
        assert_eq!(row(&configuration, "responses"), "replace; chat: hash, password: mask, corp: allow");
        assert_eq!(row(&configuration, "allow"), "generic, corp in calls of crm/get_* at */sha");
        assert_eq!(row(&configuration, "keys"), "pin_code");
        assert_eq!(row(&configuration, "patterns"), "corp");
        assert_eq!(row(&configuration, "sweep_bytes"), "256 KiB");
        assert_eq!(row(&configuration, "key of placeholders"), "environment variable REDACTION_KEY");
        let value = json(&configuration);
        assert_eq!(value["groups"]["web"]["off"], json!(["jwt"]));
        assert_eq!((&value["requests"]["cloud"], &value["responses"]["chat"]), (&json!("block"), &json!("hash")));
        assert_eq!(value["allow"][0]["detectors"], json!(["generic", "corp"]));
    }

    #[test]
    fn the_list_has_every_detector_and_what_becomes_of_it() {
        let configuration = compiled(&json!({"strategies": {"web": "allow"}}));
        let redaction = configuration.policy.redaction.as_deref();
        let (table, list) = (detector_table(redaction, Style::PLAIN), detector_list(redaction));
        assert_eq!(list.as_array().unwrap().len(), detectors().count());
        for detector in detectors() {
            assert!(table.lines().any(|line| line.split_whitespace().next() == Some(detector.name)), "{table}");
        }
        let words = |name: &str| {
            let line = table.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
            line.split("  ").filter(|it| !it.is_empty()).map(|it| it.trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(words("jwt")[2..], ["allow", "allow"]);
        assert_eq!(words("email-address")[2..], ["off", "off"]);
        assert_eq!(words("password")[1..], ["a name before it", "block", "replace"]);
        assert!(detector_list(None)[0].get("on").is_none());
    }
}
