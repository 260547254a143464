//! What a test file says.

use std::path::PathBuf;

use serde_json::Value;
use time::OffsetDateTime;

use super::document::Mark;

/// A test file that could be read.
#[derive(Debug, Clone)]
pub struct TestFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub source: Vec<u8>,
    /// The policy that it is about.
    pub policy: PathBuf,
    /// Where it names the policy; nothing if it means the one beside it.
    pub policy_mark: Mark,
    /// The tests in their order; never empty.
    pub tests: Vec<Test>,
}

/// One test: messages that go through one VM, one after the other.
#[derive(Debug, Clone)]
pub struct Test {
    /// Unique in its file.
    pub name: String,
    /// Where the name stands.
    pub mark: Mark,
    /// Line and column of the name, from 1.
    pub place: (usize, usize),
    /// Why it is not run.
    pub skip: Option<String>,
    /// The header modes that it holds in.
    pub host: HostModes,
    /// What is sent; never empty.
    pub messages: Vec<Message>,
}

/// Header modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostModes {
    /// Request headers wait for the verdict on the body.
    Hold,
    /// They do not.
    NoHold,
    /// Both must give the same.
    Both,
}

impl HostModes {
    /// The words of `host` and `--host`.
    pub const WORDS: [(&'static str, Self); 3] =
        [("hold", Self::Hold), ("no-hold", Self::NoHold), ("both", Self::Both)];

    /// What is in both.
    pub fn and(self, other: Self) -> Vec<bool> {
        let has = |modes: Self, hold: bool| match modes {
            Self::Hold => hold,
            Self::NoHold => !hold,
            Self::Both => true,
        };
        [true, false].into_iter().filter(|hold| has(self, *hold) && has(other, *hold)).collect()
    }
}

/// One HTTP request, what the server answers and what is to come of it.
#[derive(Debug, Clone)]
pub struct Message {
    /// Where it stands.
    pub mark: Mark,
    /// Who calls whom, when and how.
    pub circumstances: Circumstances,
    /// What is sent.
    pub sent: Sent,
    /// What the server answers; without it, an empty success.
    pub response: Option<Response>,
    /// How often it is sent; what is expected is expected each time.
    pub repeat: u64,
    /// What is to come of it.
    pub expect: Expect,
}

/// Who calls whom, when and how.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// `None` is nobody.
    pub principal: Option<Principal>,
    /// A server of the policy, and where it is named.
    pub server: Option<(String, Mark)>,
    /// An absolute URL, or a path.
    pub url: Option<(String, Mark)>,
    /// Headers to add or replace, or with `None` to leave out.
    pub headers: Vec<(String, Option<String>)>,
    /// HTTP method.
    pub http_method: Option<String>,
    /// The MCP protocol version that the client speaks.
    pub protocol: Option<String>,
    /// The time; without it, that of the run.
    pub now: Option<OffsetDateTime>,
    /// Envoy's name of the route.
    pub route: Option<String>,
    /// Envoy's name of the cluster.
    pub cluster: Option<String>,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Principal {
    /// As `--as` takes it, one claim each; empty for an anonymous caller.
    pub claims: Vec<String>,
    /// Where it is said.
    pub mark: Mark,
}

/// What the client sends.
#[derive(Debug, Clone)]
pub enum Sent {
    /// A JSON-RPC message that is put together from these parts; JSON as it is written in the file.
    Call {
        /// The method.
        method: String,
        /// `name` or `uri` in the parameters.
        target: Option<(&'static str, String)>,
        /// The arguments of a tool or prompt.
        arguments: Option<String>,
        /// Further members of the parameters.
        params: Option<String>,
        /// The id, if it is not to be a number by the order.
        id: Option<String>,
    },
    /// These bytes.
    Body(Vec<u8>),
    /// No body.
    Nothing,
}

/// What the server answers.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// HTTP status; without it 200.
    pub status: Option<u16>,
    /// Headers to add or replace, or with `None` to leave out.
    pub headers: Vec<(String, Option<String>)>,
    /// The body.
    pub content: Content,
}

/// The body of a response; JSON as it is written in the file.
#[derive(Debug, Clone, Default)]
pub enum Content {
    /// What an ordinary server would say that has nothing to tell.
    #[default]
    Ordinary,
    /// A JSON-RPC answer with this `result` or `error`.
    Answer(&'static str, String),
    /// A JSON document.
    Json(String),
    /// An event stream with these messages.
    Events(Vec<String>),
    /// Any text.
    Text(String),
}

/// What is to come of a message. What is `None` or empty is not asked for.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Where it is said.
    pub mark: Mark,
    /// What is asked for, in the order of the file: the key, where it stands, and the value.
    pub wanted: Vec<Wanted>,
}

/// One thing that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The key of `expect`.
    pub key: &'static str,
    /// Where its value stands.
    pub mark: Mark,
    /// Line and column of the value, from 1.
    pub place: (usize, usize),
    /// What is wanted.
    pub value: Value,
}
