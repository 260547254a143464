//! The methods of every MCP revision, sorted by what a policy must know of them.

/// What a list result holds, and under which member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `tools/list`, member `tools`.
    Tools,
    /// `resources/list`, member `resources`.
    Resources,
    /// `resources/templates/list`, member `resourceTemplates`.
    ResourceTemplates,
    /// `prompts/list`, member `prompts`.
    Prompts,
}

impl List {
    /// Every list of the specification.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Resources, Self::ResourceTemplates, Self::Prompts];

    /// The result member that holds the entries.
    pub fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }

    /// The member by which an entry is called or read.
    pub fn identifier(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::ResourceTemplates => "uriTemplate",
        }
    }
}

/// How a method is governed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `tools/call`.
    CallTool,
    /// One of the lists: filtered, never refused.
    List(List),
    /// `initialize`, `ping`, `server/discover`: never refused to a principal with some right on the server.
    Handshake,
    /// `resources/read`, and subscriptions to one resource.
    Resource,
    /// `prompts/get`.
    Prompt,
    /// `completion/complete`: asks about one prompt or resource.
    Completion,
    /// Everything else of the specification that needs some right on the server and no rule of its own.
    Plumbing,
    /// Methods that only an allow rule that names them may open: what a server asks of a client, and `tasks/list`, which
    /// may show other users' tasks.
    Restricted,
    /// A method no revision knows.
    Unknown,
}

/// Sorts a client-to-server request or a server-to-client request by its method.
pub fn kind(method: &str) -> Kind {
    match method {
        "tools/call" => Kind::CallTool,
        "tools/list" => Kind::List(List::Tools),
        "resources/list" => Kind::List(List::Resources),
        "resources/templates/list" => Kind::List(List::ResourceTemplates),
        "prompts/list" => Kind::List(List::Prompts),
        "initialize" | "ping" | "server/discover" => Kind::Handshake,
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Kind::Resource,
        "prompts/get" => Kind::Prompt,
        "completion/complete" => Kind::Completion,
        "subscriptions/listen"
        | "logging/setLevel"
        | "tasks/get"
        | "tasks/result"
        | "tasks/cancel"
        | "tasks/update" => Kind::Plumbing,
        "sampling/createMessage" | "elicitation/create" | "roots/list" | "tasks/list" => Kind::Restricted,
        _ => Kind::Unknown,
    }
}

/// Whether a notification is one of the specification's, of any revision and either direction.
pub fn is_known_notification(method: &str) -> bool {
    matches!(
        method,
        "notifications/initialized"
            | "notifications/cancelled"
            | "notifications/progress"
            | "notifications/message"
            | "notifications/roots/list_changed"
            | "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/resources/updated"
            | "notifications/elicitation/complete"
            | "notifications/tasks/status"
            | "notifications/tasks"
            | "notifications/subscriptions/acknowledged"
    )
}

/// The parameter that the `Mcp-Name` header mirrors for a method (MCP 2026-07-28, Streamable HTTP).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameParameter {
    /// `params.name`.
    Name,
    /// `params.uri`.
    Uri,
    /// `params.taskId`.
    TaskId,
}

/// Which parameter names the target of `method`, if the specification mirrors one.
pub fn name_parameter(method: &str) -> Option<NameParameter> {
    match method {
        "tools/call" | "prompts/get" => Some(NameParameter::Name),
        "resources/read" => Some(NameParameter::Uri),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some(NameParameter::TaskId),
        _ => None,
    }
}
