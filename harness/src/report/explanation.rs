//! What a compiled policy means, defaults included: `tidegate check --explain`.

use serde_json::{Value, json};
use tidegate_filter::policy::{
    Anonymous, ArgumentsAudit, Compiled, Configuration, DenyStyle, Effect, FailMode, IdentitySource, LogLevel, Noun,
    Policy, Rule, Server, Sets, TargetPattern, Who, is_within,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::style::{Paint, Style, one_line};
use super::table::{Cell, Table};
use super::{quota, redaction};

/// Widest line of a value that is a long list, in characters.
const VALUE_WIDTH: usize = 100;

/// How many members of a set are shown.
const SET_SHOWN: usize = 8;

/// How much of an advice is shown, in characters.
pub(super) const ADVICE_WIDTH: usize = 60;

/// The explanation for people.
pub fn text(compiled: &Compiled, style: Style) -> String {
    let policy = &compiled.configuration.policy;
    let mut out = String::new();
    let mut section = |title: &str, table: &Table| {
        out.push_str(&style.paint(Paint::Strong, title));
        out.push('\n');
        out.push_str(&table.render(style));
        out.push('\n');
    };

    let mut table = Table::new(&["setting", "value"]);
    for (name, value) in general(compiled) {
        wrapped_row(&mut table, name, &value);
    }
    section("Policy", &table);

    let mut table = Table::new(&["source", "caller"]);
    for source in &policy.identity.sources {
        let (kind, detail) = identity_source(source);
        table.row([kind.into(), detail.into()]);
    }
    table.row(["none of these".into(), anonymous(&policy.identity.anonymous).into()]);
    section("Who calls: the first source that applies", &table);

    let mut table = Table::new(&["server", "matches", "mode", "registry"]);
    for server in &policy.servers {
        let registry = server.registry.as_deref().map_or_else(|| "-".to_owned(), |name| lineage(policy, name));
        let name = server.name.as_str();
        table.row([name.into(), matcher(server).into(), server_mode(server).into(), registry.into()]);
    }
    table.row(["none of these".into(), "".into(), policy.on.server_unknown.as_str().into()]);
    section("Servers: the first that matches", &table);

    let mut table = Table::new(&["rule", "effect", "what", "who", "when and how"]);
    let denies_first = |rule: &&Rule| rule.effect == Effect::Allow;
    let mut rules: Vec<&Rule> = policy.rules.iter().collect();
    rules.sort_by_key(denies_first);
    for rule in rules {
        let effect = match rule.effect {
            Effect::Allow => Cell::painted("allow", Paint::Good),
            Effect::Deny => Cell::painted("deny", Paint::Bad),
        };
        table.row([rule.id.as_str().into(), effect, targets(rule).into(), who(rule).into(), details(rule).into()]);
    }
    table.row(["(nothing)".into(), Cell::painted("deny", Paint::Bad), "everything else".into()]);
    section("Rules: a deny wins, then an allow, else it is denied", &table);

    let mut table = Table::new(&["setting", "value"]);
    for (name, value) in redaction::rows(&compiled.configuration) {
        wrapped_row(&mut table, name, &value);
    }
    section("Redaction of secrets", &table);

    section(
        "Quotas and budgets: all that match are charged, and each may refuse",
        &quota::quotas(&compiled.configuration),
    );
    section("Prices: the first that matches", &quota::costs(&compiled.configuration));
    let mut table = Table::new(&["setting", "value"]);
    for (name, value) in quota::stores(&compiled.configuration) {
        table.row([name.into(), value.into()]);
    }
    section("Where quotas keep their counts", &table);

    let mut table = Table::new(&["case of doubt", "verdict", "default", "what it is"]);
    for row in policy.on.table() {
        let verdict = match row.value {
            FailMode::Deny => Cell::from("deny"),
            FailMode::Allow => Cell::painted("allow", Paint::Notable),
        };
        let default =
            if row.may_allow { row.default.as_str().to_owned() } else { format!("{}, fixed", row.default.as_str()) };
        table.row([row.key.into(), verdict, default.into(), row.meaning.into()]);
    }
    section("Fail modes (`on`)", &table);

    if !compiled.allowed.is_empty() {
        let mut table = Table::new(&["lint", "at", "until", "why"]);
        for lint in &compiled.allowed {
            let at = if lint.finding.pointer.is_empty() { "/" } else { &lint.finding.pointer };
            let until = lint.expires.map_or_else(|| "-".to_owned(), time);
            table.row([lint.finding.code.into(), at.into(), until.into(), one_line(&lint.reason, VALUE_WIDTH).into()]);
        }
        section("Lints that are allowed (`lint.allow`)", &table);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The explanation for tools.
pub fn json(compiled: &Compiled) -> Value {
    let policy = &compiled.configuration.policy;
    let general: serde_json::Map<String, Value> =
        general(compiled).into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let rules: Vec<Value> = policy
        .rules
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "effect": match rule.effect { Effect::Allow => "allow", Effect::Deny => "deny" },
                "tools": names(rule, Noun::Tool),
                "resources": names(rule, Noun::Resource),
                "prompts": names(rule, Noun::Prompt),
                "methods": names(rule, Noun::Method),
                "who": who(rule),
                "arguments": rule.arguments.as_ref().and_then(|it| serde_json::from_slice::<Value>(it.text()).ok()),
                "servers": rule.servers,
                "write": rule.write,
                "not_before": rule.not_before.map(time),
                "expires": rule.expires.map(time),
                "mode": rule.mode.as_str(),
                "advice": rule.advice,
                "deny_style": match rule.deny_style { DenyStyle::Explicit => "explicit", DenyStyle::Hide => "hide" },
            })
        })
        .collect();
    let on: Vec<Value> = policy
        .on
        .table()
        .into_iter()
        .map(|row| json!({"cause": row.key, "verdict": row.value.as_str(), "default": row.default.as_str(), "may_allow": row.may_allow}))
        .collect();
    let servers: Vec<Value> = policy
        .servers
        .iter()
        .map(|it| json!({"name": it.name, "match": matcher(it), "mode": server_mode(it), "registry": it.registry}))
        .collect();
    json!({
        "settings": general,
        "identity": policy.identity.sources.iter().map(identity_source).map(|(kind, detail)| json!({"source": kind, "caller": detail})).collect::<Vec<_>>(),
        "anonymous": anonymous(&policy.identity.anonymous),
        "servers": servers,
        "rules": rules,
        "redaction": redaction::json(&compiled.configuration),
        "spending": quota::json(&compiled.configuration),
        "on": on,
        "allowed_lints": compiled.allowed.iter().map(super::json::allowed).collect::<Vec<_>>(),
    })
}

fn general(compiled: &Compiled) -> Vec<(&'static str, String)> {
    let Configuration { host, policy } = &compiled.configuration;
    let limits = &policy.limits;
    let sink = match (host.audit_log.enabled, host.audit_log.level) {
        (false, _) => "none: no audit event is written",
        (true, LogLevel::Info) => "log, at the level info",
        (true, LogLevel::Warn) => "log, at the level warn",
    };
    let arguments = match policy.audit.arguments {
        ArgumentsAudit::None => "none",
        ArgumentsAudit::Keys => "keys",
        ArgumentsAudit::Redacted => "redacted",
    };
    let reads: Vec<String> = policy.read_only.reads.iter().map(tool).collect();
    let read_only = match (policy.read_only.enabled, reads.is_empty()) {
        (false, _) => "off: a rule that allows a tool allows its writes".to_owned(),
        (true, true) => "on; no tool counts as a read, so every call needs a rule with \"write\": true".to_owned(),
        (true, false) => format!("on; reads are {}", reads.join(", ")),
    };
    vec![
        ("name", policy.name.clone()),
        ("revision", policy.revision.map_or_else(|| "-".to_owned(), |it| it.to_string())),
        ("digest", policy.digest.clone()),
        ("mode", policy.mode.as_str().to_owned()),
        ("read_only", read_only),
        ("narrow_schemas", policy.narrow_schemas.to_string()),
        ("sets", sets(&policy.sets)),
        ("limits.request_bytes", bytes(limits.request_bytes)),
        ("limits.list_bytes", bytes(limits.list_bytes)),
        ("limits.event_bytes", bytes(limits.event_bytes)),
        ("limits.depth", limits.depth.to_string()),
        ("limits.buffered_bytes_per_worker", bytes(limits.buffered_bytes_per_worker)),
        ("limits.buffered_bytes_per_principal", bytes(limits.buffered_bytes_per_principal)),
        ("audit.arguments", arguments.to_owned()),
        ("audit.allowed", policy.audit.allowed.to_string()),
        ("host.audit", sink.to_owned()),
        ("host.hold_headers", host.hold_headers.to_string()),
    ]
}

/// A row whose value goes on in rows below it.
fn wrapped_row(table: &mut Table, name: &str, value: &str) {
    for (at, line) in wrapped(value, VALUE_WIDTH).into_iter().enumerate() {
        table.row([if at == 0 { name } else { "" }.into(), line.into()]);
    }
}

/// Words in lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn sets(sets: &Sets) -> String {
    let shown = |values: &[String]| match values.get(..SET_SHOWN) {
        Some(first) if values.len() > SET_SHOWN => format!("{}, … ({} in all)", first.join(", "), values.len()),
        _ => values.join(", "),
    };
    let sets: Vec<String> = sets.iter().map(|(name, values)| format!("{name}: {}", shown(values))).collect();
    if sets.is_empty() { "-".to_owned() } else { sets.join("; ") }
}

pub(super) fn bytes(count: usize) -> String {
    match count {
        0 => "0".to_owned(),
        mib if mib % (1 << 20) == 0 => format!("{} MiB", mib >> 20),
        kib if kib % (1 << 10) == 0 => format!("{} KiB", kib >> 10),
        other => format!("{other} B"),
    }
}

pub(crate) fn identity_source(source: &IdentitySource) -> (&'static str, String) {
    match source {
        IdentitySource::Jwt(jwt) => {
            let mut detail = format!("issuer {}, subject from `{}`", jwt.issuer, jwt.subject.join("."));
            if let Some(audience) = &jwt.audience {
                detail.push_str(&format!(", audience {audience}"));
            }
            detail.push_str(&format!(", verified by jwt_authn as `{}`", jwt.metadata_key));
            let claims = [("team", &jwt.team), ("groups", &jwt.groups), ("scopes", &jwt.scopes), ("agent", &jwt.agent)];
            for (name, path) in claims {
                if let Some(path) = path {
                    detail.push_str(&format!(", {name} from `{}`", path.join(".")));
                }
            }
            ("jwt", detail)
        }
        IdentitySource::Spiffe => ("spiffe", "subject is the peer's SPIFFE id".to_owned()),
        IdentitySource::Header(header) => {
            let mut detail = format!("subject from `{}`", header.subject);
            let claims = [
                ("team", &header.team),
                ("groups", &header.groups),
                ("scopes", &header.scopes),
                ("agent", &header.agent),
            ];
            for (name, from) in claims {
                if let Some(from) = from {
                    detail.push_str(&format!(", {name} from `{from}`"));
                }
            }
            detail.push_str(&format!(", set by {}", header.peers.join(", ")));
            ("header", detail)
        }
    }
}

pub(super) fn anonymous(anonymous: &Anonymous) -> String {
    match anonymous {
        Anonymous::Deny => "deny".to_owned(),
        Anonymous::Allow => "allow: judged by the rules without `who`".to_owned(),
        Anonymous::Challenge { resource_metadata } => format!("401, log in by {resource_metadata}"),
    }
}

pub(crate) fn matcher(server: &Server) -> String {
    let matcher = &server.matcher;
    let parts = [
        ("path", &matcher.path),
        ("authority", &matcher.authority),
        ("route", &matcher.route),
        ("cluster", &matcher.cluster),
    ];
    let given: Vec<String> =
        parts.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect();
    given.join(" and ")
}

/// A registry, in the ones above it.
fn lineage(policy: &Policy, name: &str) -> String {
    let above = policy.registries.iter().filter(|it| it.name != name && is_within(&policy.registries, name, &it.name));
    let above: Vec<&str> = above.map(|it| it.name.as_str()).collect();
    if above.is_empty() { name.to_owned() } else { format!("{name}, in {}", above.join(", ")) }
}

fn server_mode(server: &Server) -> &'static str {
    if server.govern { server.mode.as_str() } else { "not governed" }
}

pub(crate) fn tool(pattern: &TargetPattern) -> String {
    match &pattern.server {
        Some(server) => format!("{server}/{}", pattern.name),
        None => pattern.name.to_string(),
    }
}

fn names(rule: &Rule, noun: Noun) -> Vec<String> {
    rule.targets.iter().filter(|pattern| pattern.noun == noun).map(tool).collect()
}

fn targets(rule: &Rule) -> String {
    let named = Noun::ALL.into_iter().map(|noun| (noun, names(rule, noun))).filter(|(_, names)| !names.is_empty());
    let parts = named.map(|(noun, names)| match noun {
        Noun::Tool => names.join(", "),
        _ => format!("{} {}", noun.key(), names.join(", ")),
    });
    parts.collect::<Vec<_>>().join("; ")
}

fn who(rule: &Rule) -> String {
    who_of(rule.who.as_ref())
}

pub(crate) fn who_of(who: Option<&Who>) -> String {
    let Some(who) = who else { return "everyone".to_owned() };
    let asked: Vec<String> =
        who.0.iter().map(|(field, values)| format!("{} {}", field.as_str(), values.join(" or "))).collect();
    asked.join(" and ")
}

fn details(rule: &Rule) -> String {
    let mut details = Vec::new();
    if rule.write {
        details.push("writes too".to_owned());
    }
    if let Some(arguments) = &rule.arguments {
        let text = String::from_utf8_lossy(arguments.text()).split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = text.chars().take(120).collect();
        details.push(format!("arguments {short}{}", if short.len() < text.len() { "…" } else { "" }));
    }
    if let Some(servers) = &rule.servers {
        details.push(format!("on {}", servers.join(", ")));
    }
    if let Some(start) = rule.not_before {
        details.push(format!("from {}", time(start)));
    }
    if let Some(end) = rule.expires {
        details.push(format!("until {}", time(end)));
    }
    if rule.deny_style == DenyStyle::Hide {
        details.push("looks like an unknown tool".to_owned());
    }
    if rule.mode.as_str() == "shadow" {
        details.push("shadow: reported, not enforced".to_owned());
    }
    if let Some(advice) = &rule.advice {
        details.push(format!("advice \"{}\"", one_line(advice, ADVICE_WIDTH)));
    }
    details.join("; ")
}

/// Seconds since the Unix epoch as a time of RFC 3339.
pub(super) fn time(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|it| it.format(&Rfc3339).ok());
    time.unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &[u8] = br#"{"version": "tidegate/v1", "name": "p",
        "identity": {"sources": [{"jwt": {"issuer": "https://idp.example.com", "groups": "realm.roles"}}]},
        "servers": [{"name": "crm", "match": {"path": "/mcp"}}],
        "rules": [
          {"id": "reads", "allow": {"tools": ["crm/get_*"]}, "who": {"team": ["a", "b"]}, "expires": "2026-12-01T00:00:00Z"},
          {"id": "no", "deny": {"tools": ["drop_*"]}, "deny_style": "hide"}
        ],
        "on": {"other_media_type": "allow"}}"#;

    #[test]
    fn everything_in_force_is_named_and_denies_come_first() {
        let compiled = tidegate_filter::policy::compile(POLICY).unwrap();
        let text = text(&compiled, Style::PLAIN);
        for expected in [
            "https://idp.example.com",
            "realm.roles",
            "crm/get_*",
            "team a or b",
            "until 2026-12-01T00:00:00Z",
            "looks like an unknown tool",
            "4 MiB",
            "overloaded",
            "deny, fixed",
            "off: nothing is looked for",
        ] {
            assert!(text.contains(expected), "{expected} is missing:\n{text}");
        }
        assert!(text.find("drop_*") < text.find("crm/get_*"), "{text}");
        let row = text.lines().find(|line| line.contains("other_media_type")).unwrap();
        assert!(row.contains("allow"), "{row}");
    }

    #[test]
    fn the_form_for_tools_has_every_fail_mode() {
        let compiled = tidegate_filter::policy::compile(POLICY).unwrap();
        let value = json(&compiled);
        assert_eq!(value["on"].as_array().unwrap().len(), compiled.configuration.policy.on.table().len());
        assert_eq!(value["rules"][1]["effect"], "deny");
    }
}
