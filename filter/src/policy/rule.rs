use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::document::{Fields, Kind, Report, Value, nearest_or_all};
use super::{Arguments, Mode, Server, Sets, arguments, keys, server};
use crate::mcp::{method, uri};
use crate::order;
use crate::pattern::{Pattern, Texts};

/// One allow or deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The unique name that denials and audit events carry.
    pub id: String,
    /// Allow or deny.
    pub effect: Effect,
    /// What it is about; never empty.
    pub targets: Vec<TargetPattern>,
    /// Whom it is about; `None` is everyone, an anonymous caller included.
    pub who: Option<Who>,
    /// Names of the servers it is about; `None` is all of them.
    pub servers: Option<Vec<String>>,
    /// What the arguments of a call must be for the rule to match; `None` is anything.
    pub arguments: Option<Arguments>,
    /// An allow that opens writes although the policy is read-only.
    pub write: bool,
    /// Seconds since the Unix epoch from which it applies.
    pub not_before: Option<i64>,
    /// Seconds since the Unix epoch from which it applies no more.
    pub expires: Option<i64>,
    /// A shadow rule changes no verdict; what it would change is reported.
    pub mode: Mode,
    /// What a refused caller can do next.
    pub advice: Option<String>,
    /// How a refusal by this rule looks.
    pub deny_style: DenyStyle,
}

impl Rule {
    /// Whether the rule applies at `now`, in seconds since the Unix epoch.
    pub fn in_time(&self, now: i64) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.expires.is_none_or(|end| now < end)
    }
}

impl Rule {
    /// Whether one of the rule's patterns is about a server.
    pub(crate) fn reaches(&self, pattern: &TargetPattern, server: &Server) -> bool {
        pattern.server.as_ref().is_none_or(|on| on.matches(&server.name))
            && self.servers.as_ref().is_none_or(|names| names.contains(&server.name))
    }
}

impl Who {
    /// Whether a field is asked for.
    pub fn asks(&self, field: Field) -> bool {
        self.0.iter().any(|(asked, _)| *asked == field)
    }
}

/// What a rule does when it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Allows, unless a deny matches as well.
    Allow,
    /// Denies, whatever allows.
    Deny,
}

/// How a refusal looks to the caller. The audit event always tells the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenyStyle {
    /// It says that a policy refused, which rule, and what to do.
    Explicit,
    /// It looks like the answer to the name of a tool that does not exist.
    Hide,
}

/// The kinds of things that rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noun {
    /// Tools, by name.
    Tool,
    /// Resources, by URI in normal form.
    Resource,
    /// Prompts, by name.
    Prompt,
    /// JSON-RPC methods, of requests in either direction.
    Method,
}

impl Noun {
    /// All nouns, in the order of [`Noun::ordinal`].
    pub const ALL: [Self; 4] = [Self::Tool, Self::Resource, Self::Prompt, Self::Method];

    /// The key in a rule's `allow` or `deny`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Resource => "resources",
            Self::Prompt => "prompts",
            Self::Method => "methods",
        }
    }

    /// One of them, for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Prompt => "prompt",
            Self::Method => "method",
        }
    }

    pub(crate) const fn ordinal(self) -> usize {
        self as usize
    }
}

/// Things of one kind, of one server, several, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPattern {
    /// What kind of thing.
    pub noun: Noun,
    /// The servers; `None` is all of them.
    pub server: Option<Pattern>,
    /// Its name or URI on that server.
    pub name: Pattern,
}

/// Conditions on the caller: every field must match, by any of its values. Fields and values are never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who(pub Vec<(Field, Vec<String>)>);

/// A fact about the caller that a rule can ask for, from the most to the least telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Who calls.
    Subject,
    /// The caller's team.
    Team,
    /// The caller's groups.
    Groups,
    /// The agent that acts for the caller.
    Agent,
    /// The SPIFFE id of the mutual-TLS peer.
    Workload,
    /// The OAuth scopes.
    Scopes,
    /// Who vouches for the subject: the token's issuer, or the peer that set the headers.
    Issuer,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 7] =
        [Self::Subject, Self::Team, Self::Groups, Self::Agent, Self::Workload, Self::Scopes, Self::Issuer];

    /// The key in a rule's `who`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Team => "team",
            Self::Groups => "groups",
            Self::Agent => "agent",
            Self::Workload => "workload",
            Self::Scopes => "scopes",
            Self::Issuer => "issuer",
        }
    }
}

/// What a document declares and rules refer to.
pub(super) struct Names<'a> {
    pub(super) servers: &'a [String],
    pub(super) sets: &'a Sets,
}

/// Reads `rules`.
pub(super) fn read(value: &Value<'_>, names: &Names<'_>, report: &mut Report<'_>) -> Vec<Rule> {
    let Kind::List(list) = &value.kind else {
        value.wrong_type("a list", report);
        return Vec::new();
    };
    let mut rules: Vec<Rule> = Vec::new();
    let mut ids = Texts::default();
    for value in list {
        let Some(rule) = read_rule(value, names, report) else { continue };
        if ids.insert(rule.id.as_bytes().into(), rules.len()).is_some() {
            let message = format!("a second rule with the id `{}`", rule.id);
            report.error(
                "duplicate_name",
                value.member("id").unwrap_or(value),
                message,
                "give each rule an id of its own: audit events name it",
            );
        }
        rules.push(rule);
    }
    rules
}

fn read_rule(value: &Value<'_>, names: &Names<'_>, report: &mut Report<'_>) -> Option<Rule> {
    let fields = Fields::open(value, &keys::RULE, report)?;
    let id = fields.required("id", report).and_then(|value| value.text(report)).map(str::to_owned);
    let target = match (fields.get("allow"), fields.get("deny")) {
        (Some(allow), None) => Some((Effect::Allow, allow)),
        (None, Some(deny)) => Some((Effect::Deny, deny)),
        (None, None) => {
            fields.missing("a rule allows or denies something", "add `allow` or `deny`", report);
            None
        }
        (Some(_), Some(deny)) => {
            let help = "make them two rules; a deny wins over every allow";
            report.error("invalid_value", deny, "a rule has either `allow` or `deny`", help);
            None
        }
    };
    let targets = target.and_then(|(effect, target)| read_target(effect, target, names.servers, report));
    let who = fields.get("who").and_then(|value| read_who(value, report));
    let servers = fields.get("servers").and_then(|value| read_servers(value, names.servers, report));
    let arguments = fields.get("arguments").and_then(|value| {
        let has_arguments = |target: &TargetPattern| matches!(target.noun, Noun::Tool | Noun::Prompt);
        if targets.as_ref().is_some_and(|targets| !targets.iter().all(has_arguments)) {
            let help = "put the resources and methods into a rule of their own";
            report.error("invalid_value", value, "only calls of tools and prompts have `arguments`", help);
        }
        arguments::read(value, names.sets, report)
    });
    let write = fields.get("write").and_then(|value| {
        if let Some((Effect::Deny, _)) = target {
            let help = "take it out: a deny refuses reads and writes alike";
            report.error("invalid_value", value, "`write` has no meaning in a deny", help);
        }
        value.flag(report)
    });
    let not_before = fields.get("not_before").and_then(|value| read_time(value, report));
    let expires = fields.get("expires").and_then(|value| read_time(value, report));
    if let (Some(start), Some(end), Some(value)) = (not_before, expires, fields.get("expires"))
        && end <= start
    {
        report.error("invalid_value", value, "`expires` is not after `not_before`", "the rule could never apply");
    }
    let mode = fields.get("mode").and_then(|value| server::read_mode(value, report)).unwrap_or(Mode::Enforce);
    let advice = fields.get("advice").and_then(|value| value.text(report)).map(str::to_owned);
    let styles = [("explicit", DenyStyle::Explicit), ("hide", DenyStyle::Hide)];
    let deny_style = fields.get("deny_style").and_then(|value| value.choice(&styles, report));
    Some(Rule {
        id: id?,
        effect: target?.0,
        targets: targets?,
        who,
        servers,
        arguments,
        write: write.unwrap_or(false),
        not_before,
        expires,
        mode,
        advice,
        deny_style: deny_style.unwrap_or(DenyStyle::Explicit),
    })
}

fn read_target(
    effect: Effect,
    value: &Value<'_>,
    servers: &[String],
    report: &mut Report<'_>,
) -> Option<Vec<TargetPattern>> {
    let fields = Fields::open(value, &keys::TARGET, report)?;
    if Noun::ALL.iter().all(|noun| fields.get(noun.key()).is_none()) {
        let help = "say what the rule is about";
        fields.missing("this object needs one of `tools`, `resources`, `prompts` and `methods`", help, report);
        return None;
    }
    let check: Check = match effect {
        Effect::Allow => |it, at, report| check_method(Effect::Allow, it, at, report),
        Effect::Deny => |it, at, report| check_method(Effect::Deny, it, at, report),
    };
    Some(read_nouns(&fields, servers, check, report))
}

/// Whether something can be named in some place; reports it if not.
pub(super) type Check = fn(&TargetPattern, &Value<'_>, &mut Report<'_>) -> bool;

/// Reads `tools`, `resources`, `prompts` and `methods` of an object. `check` reports what cannot stand there.
pub(super) fn read_nouns(
    fields: &Fields<'_, '_>,
    servers: &[String],
    check: Check,
    report: &mut Report<'_>,
) -> Vec<TargetPattern> {
    let mut targets = Vec::new();
    for noun in Noun::ALL {
        for value in fields.get(noun.key()).and_then(|value| value.list(report)).unwrap_or_default() {
            let target = match noun {
                Noun::Tool => read_tool(value, servers, report),
                Noun::Resource | Noun::Prompt | Noun::Method => read_plain(noun, value, report),
            };
            targets.extend(target.filter(|target| check(target, value, report)));
        }
    }
    targets
}

/// Reads a pattern without a server: URIs and methods have slashes of their own.
fn read_plain(noun: Noun, value: &Value<'_>, report: &mut Report<'_>) -> Option<TargetPattern> {
    let text = value.text(report)?;
    let name = read_pattern(text, value, report)?;
    if let (Noun::Resource, Pattern::Exact(uri)) = (noun, &name)
        && let Some(fault) = uri::fault(uri)
    {
        let message = format!("no URI in normal form is `{uri}`: {fault}");
        report.error("bad_pattern", value, message, "write it as a server would, in lower case and without detours");
        return None;
    }
    Some(TargetPattern { noun, server: None, name })
}

/// A rule about a method by name must be able to take effect.
fn check_method(effect: Effect, target: &TargetPattern, value: &Value<'_>, report: &mut Report<'_>) -> bool {
    let (Noun::Method, Pattern::Exact(name)) = (target.noun, &target.name) else { return true };
    let (message, help) = match (effect, method::kind(name)) {
        (Effect::Deny, method::Kind::Handshake | method::Kind::List(_)) => {
            ("is never refused: clients would fall back or break", "deny the tools, resources or prompts themselves")
        }
        (Effect::Allow, method::Kind::CallTool) => ("is allowed by naming tools", "write `tools`"),
        (Effect::Allow, method::Kind::Resource) => ("is allowed by naming resources", "write `resources`"),
        (Effect::Allow, method::Kind::Prompt) => ("is allowed by naming prompts", "write `prompts`"),
        (Effect::Allow, method::Kind::Completion) => {
            ("is allowed with what it completes", "write `prompts` or `resources`")
        }
        _ => return true,
    };
    report.error("invalid_value", value, format!("`{name}` {message}"), help);
    false
}

/// Reads a tool pattern: `server/tool`, `tool`, or the object that keeps the two apart.
pub(super) fn read_tool(value: &Value<'_>, servers: &[String], report: &mut Report<'_>) -> Option<TargetPattern> {
    let (server, tool) = if let Kind::Object(_) = value.kind {
        let fields = Fields::open(value, &keys::TOOL, report)?;
        let server = match fields.get("server") {
            Some(value) => Some((value.text(report)?, value)),
            None => None,
        };
        (server, fields.required("tool", report)?.text(report)?)
    } else {
        let text = value.text(report)?;
        match text.split_once('/') {
            Some((server, tool)) => (Some((server, value)), tool),
            None => (None, text),
        }
    };
    let name = read_pattern(tool, value, report);
    let server = match server {
        Some((server, value)) => Some(read_server_pattern(server, value, servers, report)?),
        None => None,
    };
    let server = server.filter(|server| *server != Pattern::Any);
    Some(TargetPattern { noun: Noun::Tool, server, name: name? })
}

fn read_pattern(text: &str, value: &Value<'_>, report: &mut Report<'_>) -> Option<Pattern> {
    let pattern = Pattern::parse(text);
    if let Err(fault) = &pattern {
        let help = "use `name`, `prefix*`, `*suffix`, `*middle*` or `*`";
        report.error("bad_pattern", value, format!("`{text}` is not a pattern: {fault}"), help);
    }
    pattern.ok()
}

fn read_server_pattern(text: &str, at: &Value<'_>, servers: &[String], report: &mut Report<'_>) -> Option<Pattern> {
    let pattern = read_pattern(text, at, report)?;
    // Where none is declared, that has been reported.
    if !servers.is_empty() && !servers.iter().any(|server| pattern.matches(server)) {
        let names: Vec<&str> = servers.iter().map(String::as_str).collect();
        let mut help = nearest_or_all(text, &names);
        if matches!(&at.kind, Kind::Text(whole) if whole.contains('/')) {
            help.push_str("; a tool whose name contains `/` is written { \"tool\": \"a/b\" }");
        }
        report.error("unknown_server", at, format!("no server of this policy is named `{text}`"), &help);
        return None;
    }
    Some(pattern)
}

/// Reads names of servers, or patterns over them, into the names of those that match.
pub(super) fn read_servers(value: &Value<'_>, servers: &[String], report: &mut Report<'_>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for value in value.list(report)? {
        let Some(pattern) = value.text(report).and_then(|text| read_server_pattern(text, value, servers, report))
        else {
            continue;
        };
        let matching = servers.iter().filter(|server| pattern.matches(server));
        names.extend(matching.cloned());
    }
    order::distinct(&mut names);
    Some(names)
}

/// Reads `who`.
pub(super) fn read_who(value: &Value<'_>, report: &mut Report<'_>) -> Option<Who> {
    let fields = Fields::open(value, &keys::WHO, report)?;
    if matches!(&value.kind, Kind::Object(members) if members.is_empty()) {
        report.error("empty", value, "an empty `who`", "name someone, or leave `who` out to mean everyone");
        return None;
    }
    let mut asked = Vec::new();
    for field in Field::ALL {
        let Some(list) = fields.get(field.as_str()).and_then(|value| value.list(report)) else { continue };
        let mut values = Vec::new();
        for value in list {
            let Some(text) = value.text(report) else { continue };
            if text.contains('*') {
                let help = "name each value; `*` stands for other text only in tool and server patterns";
                report.error("bad_pattern", value, "values of `who` are compared exactly", help);
                continue;
            }
            values.push(text.to_owned());
        }
        asked.push((field, values));
    }
    Some(Who(asked))
}

/// Seconds since the Unix epoch of an RFC 3339 time.
pub(super) fn read_time(value: &Value<'_>, report: &mut Report<'_>) -> Option<i64> {
    let text = value.text(report)?;
    let time = OffsetDateTime::parse(text, &Rfc3339);
    match time {
        Ok(time) if time.nanosecond() == 0 => return Some(time.unix_timestamp()),
        Ok(_) => report.error("bad_time", value, "a time with a fraction of a second", "write whole seconds"),
        Err(_) => {
            let help = "write it as in \"2026-12-01T00:00:00Z\" or \"2026-12-01T09:00:00+01:00\"";
            report.error("bad_time", value, format!("`{text}` is not an RFC 3339 time"), help);
        }
    }
    None
}
