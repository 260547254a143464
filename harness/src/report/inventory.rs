//! What traffic shows, for people and for tools: `tidegate learn`.

use serde_json::{Value, json};

use super::style::{Paint, Style, one_line};
use super::table::{Cell, Table};
use crate::learn::{Direction, Group, Inventory, Server, ServerKey, Starter, Usage};

/// Longest name in a table, in characters.
const NAME: usize = 64;
/// Places of secrets that are listed for a server; the rest is counted.
const PLACES: usize = 20;

/// The inventory for people.
pub fn text(inventory: &Inventory, style: Style) -> String {
    let mut out = String::new();
    for (key, server) in &inventory.servers {
        out.push_str(&server_text(key, server, style));
        out.push('\n');
    }
    let mut line = format!(
        "{}, {}",
        counted(inventory.exchanges, "exchange", "exchanges"),
        counted(u64::try_from(inventory.servers.len()).unwrap_or(u64::MAX), "server", "servers")
    );
    for (count, what) in [
        (inventory.other, "not MCP"),
        (inventory.unreadable, "not a single JSON-RPC message"),
        (inventory.unauthorized, "refused by the server itself (401, 403)"),
        (inventory.nameless, "without a token that names a caller"),
    ] {
        if count > 0 {
            line.push_str(&format!("; {count} {what}"));
        }
    }
    out.push_str(&line);
    out.push('\n');
    out
}

/// What the starter policy does not say itself.
pub fn starter_text(starter: &Starter, style: Style) -> String {
    let mut out = String::new();
    for (server, tools) in &starter.unused {
        out.push_str(&format!(
            "{} {server}: {}\n",
            style.paint(Paint::Notable, "listed, never called, not allowed:"),
            one_line(&tools.join(", "), 400)
        ));
    }
    for note in &starter.notes {
        out.push_str(&format!("{} {}\n", style.paint(Paint::Notable, "note:"), one_line(note, 600)));
    }
    out
}

fn server_text(key: &ServerKey, server: &Server, style: Style) -> String {
    let shown = |text: &str| one_line(text, NAME);
    let mut out = style.paint(Paint::Strong, &shown(&format!("{}{}", key.authority, key.path)));
    if let Some((name, version)) = &server.info {
        out.push_str(&format!("  {}", shown(&format!("{name} {version}"))));
    }
    out.push('\n');
    let mut facts = Vec::new();
    if !server.revisions.is_empty() {
        let revisions: Vec<&str> = server.revisions.iter().map(String::as_str).collect();
        facts.push(format!("MCP {} ({})", shown(&revisions.join(", ")), server.eras().join(" and ")));
    }
    if server.exchanges > 0 {
        facts.push(format!(
            "{}, {} sent, {} answered",
            counted(server.exchanges, "exchange", "exchanges"),
            bytes(server.request_bytes),
            bytes(server.response_bytes)
        ));
    }
    if server.is_live {
        facts.push("listed by the server just now".to_owned());
    }
    out.push_str(&format!("  {}\n", facts.join("; ")));
    let clients: Vec<&str> = server.clients.keys().map(String::as_str).collect();
    if !clients.is_empty() {
        out.push_str(&format!("  clients: {}\n", one_line(&clients.join(", "), 200)));
    }

    let mut table = Table::new(&["tool", "annotations", "listed", "calls", "errors", "by"]);
    for (name, tool) in &server.tools {
        let listed = if tool.listed { Cell::from("yes") } else { Cell::painted("no", Paint::Notable) };
        let [calls, errors, by] = usage(&tool.usage);
        table.row([shown(name).into(), tool.annotations.describe().into(), listed, calls, errors, by]);
    }
    if !server.tools.is_empty() {
        out.push_str(&table.render(style));
    }
    for (title, things) in [("resource", &server.resources), ("prompt", &server.prompts)] {
        let mut table = Table::new(&[title, "listed", "uses", "errors", "by"]);
        for (name, thing) in things {
            let [calls, errors, by] = usage(&thing.usage);
            table.row([shown(name).into(), if thing.listed { "yes" } else { "no" }.into(), calls, errors, by]);
        }
        if !things.is_empty() {
            out.push_str(&table.render(style));
        }
    }
    for (title, methods) in [("method", &server.methods), ("method that the server called", &server.asked)] {
        let mut table = Table::new(&[title, "calls", "errors", "by"]);
        for (name, of_it) in methods {
            let [calls, errors, by] = usage(of_it);
            table.row([shown(name).into(), calls, errors, by]);
        }
        if !methods.is_empty() {
            out.push_str(&table.render(style));
        }
    }
    if server.callers.keys().any(Option::is_some) {
        let mut table = Table::new(&["caller", "issuer", "exchanges", "errors"]);
        for (caller, of_it) in &server.callers {
            let (name, issuer) = match caller {
                Some(caller) => (shown(&caller.describe()), shown(&caller.issuer)),
                None => ("-".to_owned(), "-".to_owned()),
            };
            let [calls, errors, _] = usage(of_it);
            table.row([name.into(), issuer.into(), calls, errors]);
        }
        out.push_str(&table.render(style));
    }
    if !server.secrets.is_empty() {
        let mut table = Table::new(&["secret", "in", "of", "at", "times"]);
        for (seen, count) in server.secrets.iter().take(PLACES) {
            table.row([
                Cell::painted(seen.detector.as_str(), Paint::Bad),
                direction(seen.direction).into(),
                shown(&seen.of).into(),
                shown(&seen.pointer).into(),
                count.to_string().into(),
            ]);
        }
        out.push_str(&table.render(style));
        if server.secrets.len() > PLACES {
            out.push_str(&format!("  and {} more places: --format json lists them\n", server.secrets.len() - PLACES));
        }
    }
    out
}

fn usage(usage: &Usage) -> [Cell; 3] {
    let by: Vec<String> = usage.by.keys().filter_map(Option::as_ref).map(|it| it.name.clone()).collect();
    let by = if by.is_empty() { "-".to_owned() } else { one_line(&by.join(", "), NAME) };
    let errors = match usage.errors {
        0 => Cell::from("0"),
        some => Cell::painted(some.to_string(), Paint::Notable),
    };
    [usage.calls.to_string().into(), errors, by.into()]
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "request",
        Direction::Response => "response",
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}

/// The inventory for tools.
pub fn json(inventory: &Inventory) -> Value {
    let servers: Vec<Value> = inventory.servers.iter().map(|(key, server)| server_json(key, server)).collect();
    json!({
        "servers": servers,
        "exchanges": inventory.exchanges,
        "other": inventory.other,
        "unreadable": inventory.unreadable,
        "unauthorized": inventory.unauthorized,
        "without_caller": inventory.nameless,
        "issuers": inventory.issuers.keys().collect::<Vec<_>>(),
    })
}

fn server_json(key: &ServerKey, server: &Server) -> Value {
    let tools = server.tools.iter().map(|(name, tool)| {
        let hints = tool.annotations;
        let annotations = json!({
            "readOnlyHint": hints.read_only,
            "destructiveHint": hints.destructive,
            "idempotentHint": hints.idempotent,
            "openWorldHint": hints.open_world,
        });
        with_usage(json!({"name": name, "listed": tool.listed, "annotations": annotations}), &tool.usage)
    });
    let things = |things: &std::collections::BTreeMap<String, crate::learn::Thing>, key: &str| -> Vec<Value> {
        things.iter().map(|(name, it)| with_usage(json!({key: name, "listed": it.listed}), &it.usage)).collect()
    };
    let methods = |methods: &std::collections::BTreeMap<String, Usage>| -> Vec<Value> {
        methods.iter().map(|(name, it)| with_usage(json!({"method": name}), it)).collect()
    };
    let callers = server.callers.iter().map(|(caller, of_it)| {
        let entry = match caller {
            Some(it) => json!({"subject": it.subject, "team": it.team, "issuer": it.issuer}),
            None => json!({"subject": null}),
        };
        with_usage(entry, of_it)
    });
    let secrets = server.secrets.iter().map(|(seen, count)| {
        json!({
            "detector": seen.detector,
            "in": direction(seen.direction),
            "of": seen.of,
            "path": seen.pointer,
            "count": count,
        })
    });
    json!({
        "authority": key.authority,
        "path": key.path,
        "name": server.info.as_ref().map(|(name, _)| name),
        "version": server.info.as_ref().map(|(_, version)| version),
        "revisions": server.revisions,
        "eras": server.eras(),
        "live": server.is_live,
        "exchanges": server.exchanges,
        "request_bytes": server.request_bytes,
        "response_bytes": server.response_bytes,
        "clients": server.clients,
        "tools": tools.collect::<Vec<_>>(),
        "resources": things(&server.resources, "uri"),
        "prompts": things(&server.prompts, "name"),
        "methods": methods(&server.methods),
        "methods_of_server": methods(&server.asked),
        "callers": callers.collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
        "requests_with_secrets": server.requests_with_secrets,
    })
}

fn with_usage(mut entry: Value, usage: &Usage) -> Value {
    let by: Vec<Value> = usage
        .by
        .iter()
        .map(|(group, calls)| {
            let of =
                |group: &Group| json!({(if group.is_team { "team" } else { "subject" }): group.name, "calls": calls});
            group.as_ref().map_or_else(|| json!({"anonymous": true, "calls": calls}), of)
        })
        .collect();
    if let Some(members) = entry.as_object_mut() {
        members.insert("calls".to_owned(), json!(usage.calls));
        members.insert("errors".to_owned(), json!(usage.errors));
        members.insert("by".to_owned(), json!(by));
    }
    entry
}
