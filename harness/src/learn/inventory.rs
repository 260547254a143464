use std::collections::{BTreeMap, BTreeSet};

use tidegate_filter::mcp::era;

use super::caller::{Caller, Group};

/// What was seen of all servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The servers, in the order of their authority and path.
    pub servers: BTreeMap<ServerKey, Server>,
    /// Exchanges that were read.
    pub exchanges: u64,
    /// Exchanges that are not MCP: they are not in the inventory.
    pub other: u64,
    /// Requests that are no single JSON-RPC message, which the filter refuses whatever the policy says.
    pub unreadable: u64,
    /// Requests that the server itself refused (401, 403): nothing is learned from them.
    pub unauthorized: u64,
    /// Requests without a bearer token that names a caller, where tokens are trusted.
    pub nameless: u64,
    /// Issuers of tokens, each with what its tokens have in common.
    pub issuers: BTreeMap<String, Issuer>,
}

/// What the tokens of one issuer have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issuer {
    /// The audience, if all tokens name the same single one.
    pub audience: Option<String>,
    /// Some tokens name another audience, or none.
    pub audiences_differ: bool,
    /// Some token has a `team`.
    pub has_team: bool,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerKey {
    /// Host, and port if there was one.
    pub authority: String,
    /// The path without query, and without a slash at its end.
    pub path: String,
}

/// What was seen of one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// `serverInfo.name` and `serverInfo.version`, as last seen.
    pub info: Option<(String, String)>,
    /// Protocol revisions that it and its clients have spoken.
    pub revisions: BTreeSet<String>,
    /// Name and version of clients, and how often they introduced themselves.
    pub clients: BTreeMap<String, u64>,
    /// Tools by name.
    pub tools: BTreeMap<String, Tool>,
    /// Resources by URI; templates by their text.
    pub resources: BTreeMap<String, Thing>,
    /// Prompts by name.
    pub prompts: BTreeMap<String, Thing>,
    /// Methods that clients called.
    pub methods: BTreeMap<String, Usage>,
    /// Methods that the server called on its clients.
    pub asked: BTreeMap<String, Usage>,
    /// Who called, and what they sent.
    pub callers: BTreeMap<Option<Caller>, Usage>,
    /// Exchanges.
    pub exchanges: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
    /// Kinds of secrets by place.
    pub secrets: BTreeMap<SecretSeen, u64>,
    /// Requests that carry secrets, which the starter policy refuses.
    pub requests_with_secrets: u64,
    /// It was asked for its lists now, not seen in a capture.
    pub is_live: bool,
}

impl Server {
    /// The eras of the revisions that were spoken.
    pub fn eras(&self) -> Vec<&'static str> {
        let has = |wanted: fn(&str) -> bool| self.revisions.iter().any(|it| wanted(it));
        [("legacy", has(era::is_legacy)), ("modern", has(era::is_modern))]
            .into_iter()
            .filter_map(|(word, has)| has.then_some(word))
            .collect()
    }
}

/// A tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tool {
    /// The server listed it.
    pub listed: bool,
    /// What the server says of it. Nobody has verified that.
    pub annotations: Annotations,
    /// Its calls.
    pub usage: Usage,
}

/// A tool's annotations (MCP, `ToolAnnotations`); none where the server says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Annotations {
    /// `readOnlyHint`
    pub read_only: Option<bool>,
    /// `destructiveHint`
    pub destructive: Option<bool>,
    /// `idempotentHint`
    pub idempotent: Option<bool>,
    /// `openWorldHint`
    pub open_world: Option<bool>,
}

impl Annotations {
    /// The words for what is said, `-` if nothing is.
    pub fn describe(&self) -> String {
        let words = [
            (self.read_only, "read-only", "writes"),
            (self.destructive, "destructive", "not destructive"),
            (self.idempotent, "idempotent", ""),
            (self.open_world, "open world", ""),
        ];
        let said: Vec<&str> = words
            .into_iter()
            .filter_map(|(hint, yes, no)| hint.map(|hint| if hint { yes } else { no }))
            .filter(|word| !word.is_empty())
            .collect();
        if said.is_empty() { "-".to_owned() } else { said.join(", ") }
    }
}

/// A resource or a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thing {
    /// The server listed it.
    pub listed: bool,
    /// How it was used.
    pub usage: Usage,
}

/// How often something was used, by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests.
    pub calls: u64,
    /// Requests that were answered with an error, of the protocol or of the tool.
    pub errors: u64,
    /// Requests of each group of callers; none stands for callers whom nobody named.
    pub by: BTreeMap<Option<Group>, u64>,
}

impl Usage {
    pub(super) fn count(&mut self, caller: Option<&Caller>) {
        self.calls += 1;
        *self.by.entry(caller.map(Caller::group)).or_default() += 1;
    }
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the server.
    Request,
    /// To the client.
    Response,
}

/// One kind of secret at one place. Never its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretSeen {
    /// Which way it went.
    pub direction: Direction,
    /// The detector's name.
    pub detector: String,
    /// The tool whose call carried it, or else the method.
    pub of: String,
    /// JSON pointer (RFC 6901) of the string that held it.
    pub pointer: String,
}
