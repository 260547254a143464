use super::document::{Fields, Kind, Report, Value};
use super::path::path_fault;
use super::{Mode, keys, registry};

/// An MCP server behind Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The name that rules and audit events use.
    pub name: String,
    /// Which requests are for this server.
    pub matcher: ServerMatch,
    /// Shadow if the policy or the server says so.
    pub mode: Mode,
    /// False: requests pass untouched, and are counted.
    pub govern: bool,
    /// The registry that it has joined.
    pub registry: Option<String>,
    /// The position in [`super::Policy::servers`].
    pub(crate) ordinal: usize,
}

/// Which requests are for a server: all keys that are given must match, and at least one is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerMatch {
    /// The path, without query: this one, or one that goes on with `/`. No slash at its end, but for the root.
    pub path: Option<String>,
    /// The authority in lower case; without a port it matches every port.
    pub authority: Option<String>,
    /// Envoy's route name.
    pub route: Option<String>,
    /// Envoy's cluster name.
    pub cluster: Option<String>,
}

/// Reads `servers`; `policy` is the mode of the whole policy, `registries` are the names that the document declares.
pub(super) fn read(value: &Value<'_>, policy: Mode, registries: &[String], report: &mut Report<'_>) -> Vec<Server> {
    let mut servers: Vec<Server> = Vec::new();
    for value in value.list(report).unwrap_or_default() {
        let Some(mut server) = read_server(value, policy, registries, report) else { continue };
        if servers.iter().any(|other| other.name == server.name) {
            let message = format!("a second server named `{}`", server.name);
            report.error(
                "duplicate_name",
                value.member("name").unwrap_or(value),
                message,
                "give each server a name of its own",
            );
            continue;
        }
        server.ordinal = servers.len();
        servers.push(server);
    }
    servers
}

/// The names that `servers` or `registries` declares, those of what has faults included, so that a fault in a server is
/// not reported again at every rule that names it.
pub(super) fn declared(value: &Value<'_>) -> Vec<String> {
    let Kind::List(list) = &value.kind else { return Vec::new() };
    list.iter().filter_map(|value| text(value, "name")).collect()
}

/// The servers that have joined a registry, by name, those with faults included.
pub(super) fn joined(value: &Value<'_>) -> Vec<(String, String)> {
    let Kind::List(list) = &value.kind else { return Vec::new() };
    list.iter().filter_map(|value| Some((text(value, "name")?, text(value, "registry")?))).collect()
}

fn text(value: &Value<'_>, key: &str) -> Option<String> {
    match &value.member(key)?.kind {
        Kind::Text(text) => Some(text.clone().into_owned()),
        _ => None,
    }
}

fn read_server(value: &Value<'_>, policy: Mode, registries: &[String], report: &mut Report<'_>) -> Option<Server> {
    let fields = Fields::open(value, &keys::SERVER, report)?;
    let name = fields.required("name", report).and_then(|value| read_name(value, "server", report));
    let matcher = fields.required("match", report).and_then(|value| read_match(value, report));
    let mode = fields.get("mode").and_then(|value| read_mode(value, report)).unwrap_or(policy);
    let mode = if policy == Mode::Shadow { policy } else { mode };
    let govern = fields.get("govern").and_then(|value| value.flag(report)).unwrap_or(true);
    let registry = fields.get("registry").and_then(|value| registry::read_known(value, registries, report));
    Some(Server { name: name?, matcher: matcher?, mode, govern, registry, ordinal: 0 })
}

pub(super) fn read_mode(value: &Value<'_>, report: &mut Report<'_>) -> Option<Mode> {
    value.choice(&[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)], report)
}

/// Reads the name of a `kind` of thing that tool patterns and metrics can carry.
pub(super) fn read_name(value: &Value<'_>, kind: &str, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) || text.len() > 128 {
        let help = "use letters, digits, `.`, `_` and `-`, at most 128: `/` and `*` have a meaning in tool patterns";
        report.error("invalid_value", value, format!("`{text}` is not a {kind} name"), help);
        return None;
    }
    Some(text.to_owned())
}

fn read_match(value: &Value<'_>, report: &mut Report<'_>) -> Option<ServerMatch> {
    let fields = Fields::open(value, &keys::MATCH, report)?;
    if keys::MATCH.known.iter().all(|key| fields.get(key).is_none()) {
        let help = "give at least one of `path`, `authority`, `route` and `cluster`";
        fields.missing("this would match every request", help, report);
        return None;
    }
    let text = |key, report: &mut Report<'_>| fields.get(key).and_then(|value| value.text(report)).map(str::to_owned);
    Some(ServerMatch {
        path: fields.get("path").and_then(|value| read_path(value, report)),
        authority: fields.get("authority").and_then(|value| read_authority(value, report)),
        route: text("route", report),
        cluster: text("cluster", report),
    })
}

fn read_path(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    if let Some(fault) = path_fault(text) {
        let message = format!("no request can have this path: it contains {fault}");
        report.error("invalid_value", value, message, "write the path as clients send it, such as \"/mcp/github\"");
        return None;
    }
    if let Some(at) = text.find(['?', '#', '*']) {
        let mark = text.get(at..=at).unwrap_or_default();
        let help = "a path matches itself and everything below it; write it without query or wildcard";
        report.error("invalid_value", value, format!("`{mark}` has no meaning in a path"), help);
        return None;
    }
    if text.len() > 1 && text.ends_with('/') {
        let help = format!("write \"{}\": it matches everything below it as well", text.trim_end_matches('/'));
        report.error("invalid_value", value, "a path ends without a slash", &help);
        return None;
    }
    Some(text.to_owned())
}

fn read_authority(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)) {
        let help = "write the host as in the Host header, with its port if only that one is meant: \"mcp.example.com\"";
        report.error("invalid_value", value, format!("`{text}` is not an authority"), help);
        return None;
    }
    Some(text.to_ascii_lowercase())
}
