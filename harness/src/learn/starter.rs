//! The policy that allows what was seen, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};
use tidegate_filter::mcp::method::{self, Kind};
use tidegate_filter::mcp::uri;
use tidegate_filter::policy::path_fault;

use super::caller::Group;
use super::inventory::{Inventory, Server, ServerKey, Usage};

/// A policy, and what its reader should know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Starter {
    /// The policy document.
    pub policy: Document,
    /// What it does not allow although it was seen, and what it allows to more than those who were seen.
    pub notes: Vec<String>,
    /// Tools that servers list and nobody called: the policy refuses them. By server.
    pub unused: BTreeMap<String, Vec<String>>,
}

/// A policy document, in the order in which people read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    version: &'static str,
    name: String,
    identity: Value,
    servers: Vec<ServerEntry>,
    rules: Vec<RuleEntry>,
    redaction: Value,
    audit: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ServerEntry {
    name: String,
    #[serde(rename = "match")]
    matcher: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct RuleEntry {
    id: String,
    allow: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<Value>,
}

/// What one group of callers used on one server.
#[derive(Default)]
struct Used {
    reads: Vec<Value>,
    calls: Vec<Value>,
    resources: Vec<String>,
    prompts: Vec<String>,
    methods: Vec<String>,
    /// Methods that need a right on the server, and no rule of their own.
    plain: Vec<String>,
}

/// The least that allows what is in the inventory; `name` is the policy's. What no server listed and what was only ever
/// answered with an error is an attempt: it is allowed with `attempts` alone.
pub fn starter(inventory: &Inventory, name: &str, attempts: bool) -> Starter {
    let mut notes = Vec::new();
    let names = server_names(inventory, &mut notes);
    let several_issuers = inventory.issuers.len() > 1;
    let several_authorities = inventory.servers.keys().map(|key| &key.authority).collect::<BTreeSet<_>>().len() > 1;
    let only_live = inventory.servers.values().all(|it| it.exchanges == 0);
    let mut ids = Ids::default();
    let (mut servers, mut rules, mut unused) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut anonymous = inventory.issuers.is_empty();
    // The first server that matches is the one: the longer path comes first.
    let mut ordered: Vec<(&ServerKey, &Server, &String)> =
        inventory.servers.iter().filter_map(|(key, server)| Some((key, server, names.get(key)?))).collect();
    ordered.sort_by_key(|(key, ..)| (usize::MAX - key.path.len(), &key.path, &key.authority));
    for (key, server, server_name) in ordered {
        let mut matcher = json!({"path": key.path});
        if several_authorities && let Some(members) = matcher.as_object_mut() {
            members.insert("authority".to_owned(), json!(key.authority));
        }
        servers.push(ServerEntry { name: server_name.clone(), matcher });
        let mut groups = used(server, server_name, attempts, &mut notes);
        if only_live {
            groups = BTreeMap::from([(None, declared_reads(server, server_name, &mut notes))]);
        }
        let lists: Vec<String> = server
            .tools
            .iter()
            .filter(|(_, it)| it.listed && it.usage.calls == 0)
            .map(|(name, _)| name.clone())
            .collect();
        if !lists.is_empty() && !only_live {
            unused.insert(server_name.clone(), lists);
        }
        for (group, used) in groups {
            anonymous |= group.is_none();
            let stem = match &group {
                Some(group) => format!("{server_name}-{}", slug(&group.name)),
                None => server_name.clone(),
            };
            rules.extend(rules_of(&stem, server_name, group.as_ref(), used, several_issuers, &mut ids));
        }
        if server.requests_with_secrets > 0 {
            notes.push(format!(
                "{server_name}: {} with secrets in them; the policy refuses such requests (`redaction.requests` is \
                 \"block\"). See the secrets above before you change that",
                counted(server.requests_with_secrets, "request was seen", "requests were seen")
            ));
        }
    }
    if anonymous {
        notes.push(
            if inventory.issuers.is_empty() {
                "nobody is told apart: whoever reaches the filter may do what the rules allow (`anonymous` is \
                 \"allow\", and `check` warns of it). Add a source to `identity`, or learn with --trust-capture-tokens"
            } else {
                "some requests had no token that names a caller, so that `anonymous` is \"allow\" and the rules without \
                 `who` are open to everybody"
            }
            .to_owned(),
        );
    }
    for (count, one, many, what) in [
        (inventory.unreadable, "request is", "requests are", "no single JSON-RPC message, which no policy lets pass"),
        (
            inventory.unauthorized,
            "request was",
            "requests were",
            "refused by the server itself (401, 403), from which nothing is learned",
        ),
    ] {
        if count > 0 {
            notes.push(format!("{} {what}", counted(count, one, many)));
        }
    }
    let policy = Document {
        version: "tidegate/v1",
        name: name.to_owned(),
        identity: identity(inventory, anonymous),
        servers,
        rules,
        redaction: json!({"detectors": "default", "requests": "block", "responses": "replace"}),
        audit: json!({"arguments": "keys", "allowed": true}),
    };
    Starter { policy, notes, unused }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn identity(inventory: &Inventory, anonymous: bool) -> Value {
    let sources: Vec<Value> = inventory
        .issuers
        .iter()
        .map(|(issuer, tokens)| {
            let mut jwt = Map::from_iter([("issuer".to_owned(), json!(issuer)), ("subject".to_owned(), json!("sub"))]);
            if let (Some(audience), false) = (&tokens.audience, tokens.audiences_differ) {
                jwt.insert("audience".to_owned(), json!(audience));
            }
            if tokens.has_team {
                jwt.insert("team".to_owned(), json!("team"));
            }
            json!({"jwt": jwt})
        })
        .collect();
    let anonymous = if anonymous { "allow" } else { "deny" };
    if sources.is_empty() {
        json!({"anonymous": anonymous})
    } else {
        json!({"sources": sources, "anonymous": anonymous})
    }
}

/// A name for each server that a policy can match: the end of its path, or what it calls itself.
fn server_names(inventory: &Inventory, notes: &mut Vec<String>) -> BTreeMap<ServerKey, String> {
    let mut ids = Ids::default();
    let mut names = BTreeMap::new();
    for (key, server) in &inventory.servers {
        if let Some(fault) = path_fault(&key.path) {
            notes.push(format!(
                "{}{}: a path with {fault} is always refused, so that nothing is learned of it",
                key.authority, key.path
            ));
            continue;
        }
        let general = ["mcp", "sse", "message", "messages", "api", "v1", "v2"];
        let of_path = key.path.rsplit('/').map(slug).find(|it| !it.is_empty() && !general.contains(&it.as_str()));
        let of_info = || server.info.as_ref().map(|(name, _)| slug(name)).filter(|it| !it.is_empty());
        let of_host = || slug(key.authority.split(['.', ':']).next().unwrap_or_default());
        let name = of_path.or_else(of_info).unwrap_or_else(of_host);
        names.insert(key.clone(), ids.unique(if name.is_empty() { "server".to_owned() } else { name }));
    }
    names
}

/// Text as a part of a name: letters, digits, `-` and `_`.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars().take(64) {
        let character = character.to_ascii_lowercase();
        if character.is_ascii_alphanumeric() || character == '_' {
            slug.push(character);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches('-').to_owned()
}

/// Names that are given once.
#[derive(Default)]
struct Ids(BTreeSet<String>);

impl Ids {
    fn unique(&mut self, wanted: String) -> String {
        let numbered = (2..).map(|number: usize| format!("{wanted}-{number}"));
        let free = std::iter::once(wanted.clone()).chain(numbered).find(|it| !self.0.contains(it)).unwrap_or(wanted);
        self.0.insert(free.clone());
        free
    }
}

/// What each group used.
fn used(server: &Server, server_name: &str, attempts: bool, notes: &mut Vec<String>) -> BTreeMap<Option<Group>, Used> {
    let mut groups: BTreeMap<Option<Group>, Used> = BTreeMap::new();
    let mut refuse = |what: &str, name: &str, why: &str| {
        notes.push(format!("{server_name}: the {what} `{name}` was asked for and is not allowed: {why}"));
    };
    for caller in server.callers.keys() {
        groups.entry(caller.as_ref().map(super::Caller::group)).or_default();
    }
    let attempt = |listed: bool, usage: &Usage| {
        let is_attempt = !attempts && !listed && usage.errors >= usage.calls;
        is_attempt.then_some("it is on no list, and every use of it failed (--allow-attempts allows it)")
    };
    let by = |usage: &Usage| usage.by.keys().cloned().collect::<Vec<_>>();
    for (name, tool) in server.tools.iter().filter(|(_, tool)| tool.usage.calls > 0) {
        if let Some(why) = attempt(tool.listed, &tool.usage) {
            refuse("tool", name, why);
            continue;
        }
        if name.is_empty() || name.contains('*') || name.len() > 1024 {
            refuse("tool", name, "no pattern stands for this name alone");
            continue;
        }
        for group in by(&tool.usage) {
            let used = groups.entry(group).or_default();
            let list = if tool.annotations.read_only == Some(true) { &mut used.reads } else { &mut used.calls };
            list.push(tool_pattern(server_name, name));
        }
    }
    for (uri, resource) in server.resources.iter().filter(|(_, it)| it.usage.calls > 0) {
        if let Some(why) = attempt(resource.listed, &resource.usage) {
            refuse("resource", uri, why);
            continue;
        }
        if let Some(fault) = uri::fault(uri).or(uri.contains('*').then_some("a `*`, which stands for other text")) {
            refuse("resource", uri, &format!("it has {fault}"));
            continue;
        }
        for group in by(&resource.usage) {
            groups.entry(group).or_default().resources.push(uri.clone());
        }
    }
    for (name, prompt) in server.prompts.iter().filter(|(_, it)| it.usage.calls > 0) {
        if let Some(why) = attempt(prompt.listed, &prompt.usage) {
            refuse("prompt", name, why);
            continue;
        }
        if name.is_empty() || name.contains('*') || name.len() > 1024 {
            refuse("prompt", name, "no pattern stands for this name alone");
            continue;
        }
        for group in by(&prompt.usage) {
            groups.entry(group).or_default().prompts.push(name.clone());
        }
    }
    for (name, usage) in server.methods.iter().chain(&server.asked) {
        let needs_rule = match method::kind(name) {
            Kind::Restricted | Kind::Unknown => true,
            Kind::Handshake | Kind::List(_) | Kind::Plumbing => false,
            Kind::CallTool | Kind::Resource | Kind::Prompt | Kind::Completion => continue,
        };
        if needs_rule && (name.is_empty() || name.contains('*')) {
            refuse("method", name, "no pattern stands for this name alone");
            continue;
        }
        for group in by(usage) {
            let used = groups.entry(group).or_default();
            let list = if needs_rule { &mut used.methods } else { &mut used.plain };
            if !list.contains(name) {
                list.push(name.clone());
            }
        }
    }
    groups
}

/// Of a server of which no traffic was seen: the tools that it says only read.
fn declared_reads(server: &Server, server_name: &str, notes: &mut Vec<String>) -> Used {
    let reads = server.tools.iter().filter(|(_, tool)| tool.annotations.read_only == Some(true));
    let names = reads.map(|(name, _)| name).filter(|name| !name.is_empty() && !name.contains('*'));
    let reads: Vec<Value> = names.map(|name| tool_pattern(server_name, name)).collect();
    let rest = server.tools.len().saturating_sub(reads.len());
    notes.push(format!(
        "{server_name}: no traffic was seen, so that the policy allows the {} that the server itself calls read-only, and \
         none of the other {rest}. Nobody has verified what the server says",
        counted(u64::try_from(reads.len()).unwrap_or(u64::MAX), "tool", "tools")
    ));
    Used { reads, ..Used::default() }
}

/// A tool as a rule names it.
fn tool_pattern(server: &str, tool: &str) -> Value {
    if tool.contains('/') { json!({"server": server, "tool": tool}) } else { json!(format!("{server}/{tool}")) }
}

fn rules_of(
    stem: &str,
    server: &str,
    group: Option<&Group>,
    used: Used,
    several_issuers: bool,
    ids: &mut Ids,
) -> Vec<RuleEntry> {
    let who = group.map(|group| {
        let field = if group.is_team { "team" } else { "subject" };
        let mut who = json!({field: [group.name]});
        if several_issuers && let Some(members) = who.as_object_mut() {
            members.insert("issuer".to_owned(), json!([group.issuer]));
        }
        who
    });
    let mut rules = Vec::new();
    let mut add = |kind: &str, noun: &str, names: Value, own_servers: bool| {
        rules.push(RuleEntry {
            id: ids.unique(format!("{stem}-{kind}")),
            allow: json!({noun: names}),
            servers: own_servers.then(|| vec![server.to_owned()]),
            who: who.clone(),
        });
    };
    let rules_are_empty = used.reads.is_empty()
        && used.calls.is_empty()
        && used.resources.is_empty()
        && used.prompts.is_empty()
        && used.methods.is_empty();
    for (kind, names) in [("reads", used.reads), ("calls", used.calls)] {
        if !names.is_empty() {
            add(kind, "tools", json!(names), false);
        }
    }
    for (kind, names) in [("resources", used.resources), ("prompts", used.prompts), ("methods", used.methods)] {
        if !names.is_empty() {
            add(kind, kind, json!(names), true);
        }
    }
    if rules_are_empty && !used.plain.is_empty() {
        // Nobody without a right on a server gets as far as its lists.
        add("lists", "methods", json!(used.plain), true);
    }
    rules
}
