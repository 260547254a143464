//! A policy and a replayer for it.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tidegate::capture::{self, Exchange, Truncated};
use tidegate::host::Module;
use tidegate::replay::{Caller, Claimed, Replayed, Replayer, Settings, supply};
use tidegate_filter::policy::{Configuration, compile};
use tidegate_tests::rig;
use time::OffsetDateTime;
use time::macros::datetime;

/// The time of exchanges that have none.
pub(crate) const STARTED: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

fn module() -> &'static Module {
    static MODULE: OnceLock<Module> = OnceLock::new();
    MODULE.get_or_init(|| Module::from_file(rig::wasm()).unwrap())
}

pub(crate) fn configuration(policy: &str) -> Configuration {
    compile(policy.as_bytes())
        .unwrap_or_else(|errors| panic!("{}", errors.render(policy.as_bytes(), "policy")))
        .configuration
}

pub(crate) fn settings(hold_headers: bool) -> Settings {
    Settings {
        hold_headers,
        caller: Caller::Anonymous,
        now: None,
        started: STARTED,
        route: None,
        cluster: None,
        byte_by_byte: true,
    }
}

/// The filter with this policy.
pub(crate) fn replayer(policy: &str, settings: Settings) -> Replayer {
    Replayer::start(module(), policy, &configuration(policy), settings).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn caller(policy: &str, said: &str) -> Caller {
    supply(&configuration(policy).policy.identity, &Claimed::parse(&[said]).unwrap()).unwrap()
}

/// A policy for everybody on `/mcp`, with these members instead of its own.
pub(crate) fn policy(members: &Value) -> String {
    let mut policy = json!({
        "version": "tidegate/v1",
        "name": "replayed",
        "identity": {"anonymous": "allow"},
        "servers": [{"name": "main", "match": {"path": "/mcp"}}],
        "rules": [
            {"id": "reading", "allow": {"tools": ["get_*"]}},
            {"id": "no-deletes", "deny": {"tools": ["delete_*"]}},
        ],
    });
    for (name, value) in members.as_object().unwrap() {
        policy[name] = value.clone();
    }
    policy.to_string()
}

/// The exchanges of a file with this content.
pub(crate) fn exchanges(name: &str, content: &str) -> Vec<Exchange> {
    let path = scratch(name);
    fs::write(&path, content).unwrap();
    let exchanges = capture::open(&path, Truncated::Refuse).unwrap().map(|it| it.unwrap()).collect();
    fs::remove_file(path).unwrap();
    exchanges
}

pub(crate) fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("tidegate-replay-{}-{name}", std::process::id()))
}

/// A recorded `tools/call` at a time, answered with a result.
pub(crate) fn call(tool: &str, time: &str) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "done"}]}});
    let headers = json!([{"name": "content-type", "value": "application/json"}]);
    json!({
        "time": time,
        "request": {"method": "POST", "url": "http://mcp.example.com/mcp", "headers": headers, "body": body.to_string()},
        "response": {"status": 200, "headers": headers, "body": answer.to_string()},
    })
}

/// Replays lines and gives the first decision of each.
pub(crate) fn decide(replayer: &Replayer, name: &str, lines: &[Value]) -> Vec<(Value, Replayed)> {
    let content: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let replay = |exchange: &Exchange| {
        let replayed = replayer.replay(exchange).unwrap_or_else(|error| panic!("{}: {error}", exchange.place));
        let decision = replayed.decisions.first().map(|event| event.json().clone()).unwrap_or_default();
        (decision, replayed)
    };
    exchanges(name, &content).iter().map(replay).collect()
}
