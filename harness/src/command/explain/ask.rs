//! The request that is to be explained, out of what was typed.

use std::io::Read as _;
use std::path::Path;

use miette::{LabeledSpan, NamedSource, Report, miette};
use tidegate_filter::json::{self, Span};
use tidegate_filter::mcp::era;
use tidegate_filter::mcp::method::{self, Kind, NameParameter};
use tidegate_filter::policy::{FailMode, Noun, Policy, Server, suggestion};
use time::OffsetDateTime;

use super::{Era, Explain};
use crate::capture::{Exchange, Headers, Place, Request, Target};
use crate::command::input;

/// The host where a policy names none.
const HOST: &str = "mcp.example.com";
/// The last revision of the legacy era.
const LEGACY: &str = "2025-11-25";

/// Methods that are offered where one was mistyped.
const METHODS: [&str; 20] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "subscriptions/listen",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/cancel",
    "tasks/update",
];

/// A request, and the names that Envoy has for where it goes.
pub(super) struct Ask {
    pub(super) exchange: Exchange,
    pub(super) route: Option<String>,
    pub(super) cluster: Option<String>,
}

impl Explain {
    /// The request, without a response.
    pub(super) fn ask(&self, policy: &Policy, at: OffsetDateTime) -> miette::Result<Ask> {
        let body = match &self.message {
            Some(path) => read(path)?,
            None => self.typed(policy)?.into_bytes(),
        };
        let (target, server) = self.target(policy)?;
        let exchange = Exchange {
            place: Place::Line(1),
            at: Some(at),
            http2: false,
            request: Request { method: "POST".to_owned(), target, headers: self.headers(&body)?, body },
            response: None,
        };
        let route = server.and_then(|it| it.matcher.route.clone());
        let cluster = server.and_then(|it| it.matcher.cluster.clone());
        Ok(Ask { exchange, route, cluster })
    }

    /// The message, as the method and its options say.
    fn typed(&self, policy: &Policy) -> miette::Result<String> {
        let method = self.method.as_deref().unwrap_or_default();
        check_method(method, policy)?;
        let mut params = self.params(method)?;
        if self.era == Era::Modern && json::locate(params.as_bytes(), "/_meta").is_none() {
            let meta = format!(
                "\"_meta\":{{{}:{},\"io.modelcontextprotocol/clientInfo\":{{\"name\":\"tidegate-explain\",\"version\":\"1\"}},{}:{{}}}}",
                quoted(era::META_VERSION),
                quoted(era::FIRST_MODERN),
                quoted(era::META_CLIENT_CAPABILITIES),
            );
            let rest = params.trim_start().strip_prefix('{').unwrap_or_default().trim_start();
            let comma = if rest.starts_with('}') { "" } else { "," };
            params = format!("{{{meta}{comma}{rest}");
        }
        let id = if method.starts_with("notifications/") { "" } else { "\"id\":1," };
        Ok(format!("{{\"jsonrpc\":\"2.0\",{id}\"method\":{},\"params\":{params}}}", quoted(method)))
    }

    fn params(&self, method: &str) -> miette::Result<String> {
        if let Some(params) = &self.params {
            return object("--params", params);
        }
        let kind = method::kind(method);
        let needs_name = matches!(kind, Kind::CallTool | Kind::Prompt | Kind::Resource);
        let takes_arguments = matches!(kind, Kind::CallTool | Kind::Prompt);
        if self.arguments.is_some() && !takes_arguments {
            return Err(miette!(help = "give its parameters with --params", "{method} has no arguments"));
        }
        let Some(name) = self.name.as_deref() else {
            if needs_name {
                let (what, example) = match kind {
                    Kind::CallTool => ("the tool's name", "tools/call get_invoice"),
                    Kind::Prompt => ("the prompt's name", "prompts/get summarize"),
                    _ => ("the resource's URI", "resources/read file:///report.txt"),
                };
                let help = format!("give it after the method, as in: {example}");
                return Err(miette!(help = help, "{method} needs {what}"));
            }
            return Ok(match method {
                "initialize" => format!(
                    "{{\"protocolVersion\":\"{LEGACY}\",\"capabilities\":{{}},\"clientInfo\":{{\"name\":\"tidegate-explain\",\"version\":\"1\"}}}}"
                ),
                _ => "{}".to_owned(),
            });
        };
        if !needs_name {
            let help = "leave it out, or give the method's parameters with --params";
            return Err(miette!(help = help, "{method} names no tool, prompt or resource, so what is `{name}`?"));
        }
        let key = if kind == Kind::Resource { "uri" } else { "name" };
        let arguments = match &self.arguments {
            Some(arguments) => format!(",\"arguments\":{}", object("--arguments", arguments)?),
            None if takes_arguments => ",\"arguments\":{}".to_owned(),
            None => String::new(),
        };
        Ok(format!("{{\"{key}\":{}{arguments}}}", quoted(name)))
    }

    fn target<'p>(&self, policy: &'p Policy) -> miette::Result<(Target, Option<&'p Server>)> {
        if let Some(url) = &self.url {
            let url = if url.starts_with('/') { format!("http://{HOST}{url}") } else { url.clone() };
            let target = Target::parse(&url);
            let help = "write it as http://host/path, or as /path";
            return Ok((target.map_err(|why| miette!(help = help, "--url: {why}"))?, None));
        }
        let names: Vec<&str> = policy.servers.iter().map(|it| it.name.as_str()).collect();
        let server = match (&self.server, policy.servers.as_slice()) {
            (Some(name), servers) => servers.iter().find(|it| it.name == *name).ok_or_else(|| {
                let help = suggestion(name, names.iter().copied())
                    .map_or_else(|| format!("it has {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
                miette!(help = help, "the policy has no server named `{name}`")
            })?,
            (None, [only]) => only,
            (None, _) => {
                let help = format!("add --server NAME, one of {}, or --url URL", names.join(", "));
                return Err(miette!(help = help, "the policy has {} servers: which is called?", names.len()));
            }
        };
        let matcher = &server.matcher;
        let target = Target {
            scheme: "http".to_owned(),
            authority: matcher.authority.clone().unwrap_or_else(|| HOST.to_owned()),
            path: matcher.path.clone().unwrap_or_else(|| "/".to_owned()),
        };
        Ok((target, Some(server)))
    }

    /// The headers that a client of the era sends with this body, and those that were typed in their place.
    fn headers(&self, body: &[u8]) -> miette::Result<Headers> {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers =
            vec![own("content-type", "application/json"), own("accept", "application/json, text/event-stream")];
        let text = |pointer| json::locate(body, pointer).map(|span: Span| json::decode(span.of(body)));
        let claimed = text("/params/_meta/io.modelcontextprotocol~1protocolVersion");
        match claimed {
            Some(version) => {
                headers.push(own("mcp-protocol-version", &version));
                let method = text("/method").unwrap_or_default();
                headers.push(own("mcp-method", &method));
                let pointer = method::name_parameter(&method).map(|it| match it {
                    NameParameter::Name => "/params/name",
                    NameParameter::Uri => "/params/uri",
                    NameParameter::TaskId => "/params/taskId",
                });
                headers.extend(pointer.and_then(text).map(|name| ("mcp-name".to_owned(), mirrored(&name))));
            }
            None => headers.push(own("mcp-protocol-version", LEGACY)),
        }
        let mut typed = Vec::new();
        for header in &self.header {
            let help = "write it as 'name: value'";
            let (name, value) =
                header.split_once(':').ok_or_else(|| miette!(help = help, "--header `{header}` has no colon"))?;
            let name = name.trim().to_ascii_lowercase();
            if name.is_empty() || !name.bytes().all(|it| it.is_ascii_graphic()) {
                return Err(miette!(help = help, "--header `{header}` does not begin with a header's name"));
            }
            headers.retain(|(other, _)| *other != name);
            if !value.trim().is_empty() {
                typed.push((name, value.trim().to_owned()));
            }
        }
        headers.extend(typed);
        Ok(headers)
    }
}

/// A value as a header mirrors it (MCP 2026-07-28, Streamable HTTP): what no header can carry in Base64.
fn mirrored(value: &str) -> String {
    use base64::Engine as _;
    let plain =
        value.trim() == value && value.bytes().all(|it| (b' '..=b'~').contains(&it)) && !value.starts_with("=?");
    if plain {
        return value.to_owned();
    }
    format!("=?base64?{}?=", base64::engine::general_purpose::STANDARD.encode(value))
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json::write_string(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

/// Refuses a method that nobody knows: most likely it was mistyped.
fn check_method(method: &str, policy: &Policy) -> miette::Result<()> {
    let is_named = policy
        .rules
        .iter()
        .flat_map(|rule| &rule.targets)
        .any(|target| target.noun == Noun::Method && target.name.matches(method));
    let is_known = method::kind(method) != Kind::Unknown || method::is_known_notification(method);
    if is_known || is_named || policy.on.unknown_method == FailMode::Allow {
        return Ok(());
    }
    let otherwise = "to see what the filter says of it all the same, give the message with --message";
    let help = match suggestion(method, METHODS) {
        Some(near) => format!("did you mean `{near}`? {otherwise}"),
        None => format!("use one such as tools/call, tools/list or resources/read; {otherwise}"),
    };
    Err(miette!(help = help, "no revision of MCP knows the method `{method}`, and no rule of the policy names it"))
}

/// The text of a JSON object, as it was typed.
fn object(option: &str, text: &str) -> miette::Result<String> {
    json::check(text.as_bytes(), json::Limits::default(), &mut ())
        .map_err(|error| broken(option, text, error.offset, &error.fault.to_string()))?;
    if !text.trim_start().starts_with('{') {
        return Err(miette!(help = "write it as {{\"name\": value}}", "{option} is not a JSON object"));
    }
    Ok(text.to_owned())
}

/// A picture of the place where JSON is broken.
pub(super) fn broken(name: &str, text: &str, offset: usize, fault: &str) -> Report {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let label = LabeledSpan::at_offset(at, fault.to_owned());
    let help = "JSON has double quotes around keys and strings; in a shell put single quotes around the whole";
    miette!(labels = vec![label], help = help, "{name} is not strict JSON: {fault} at byte {offset}")
        .with_source_code(NamedSource::new(name, text.to_owned()))
}

/// A message as its file has it.
fn read(path: &Path) -> miette::Result<Vec<u8>> {
    if path != Path::new("-") {
        return input::read(path);
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|error| miette!("cannot read standard input: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_are_offered_are_known() {
        for method in METHODS {
            assert_ne!(method::kind(method), Kind::Unknown, "{method}");
        }
    }

    #[test]
    fn values_that_no_header_can_carry_are_encoded_as_the_filter_decodes_them() {
        for value in ["get_x", "é", " a", "=?x", "a\nb"] {
            let decoded =
                tidegate_filter::mcp::mirrored::decode_value(mirrored(value).as_bytes()).map(|it| it.into_owned());
            assert_eq!(decoded.as_deref(), Some(value));
        }
    }

    #[test]
    fn broken_json_is_pictured_at_its_place() {
        let text = "{\"é\": 1,, \"b\": 2}";
        let report = object("--arguments", text).unwrap_err();
        let label = report.labels().unwrap().next().unwrap();
        assert_eq!(label.offset(), 9);
        assert!(report.to_string().contains("at byte 9"), "{report}");
    }
}
