//! An MCP client as an agent would use it: rmcp over streamable HTTP, in one era or the other.

use std::fmt;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ContentBlock, Implementation, JsonObject,
    ProtocolVersion, ReadResourceRequestParams, ResourceContents,
};
use rmcp::service::{RoleClient, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt as _};
use serde_json::Value;

/// The revision family that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Era {
    /// 2025-11-25: `initialize`, a session, server-sent events.
    Legacy,
    /// 2026-07-28: stateless, mirrored headers.
    Modern,
}

impl Era {
    /// Both, older first.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Modern];
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        })
    }
}

/// What came back for one request, as the agent behind the client sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A tool result; `is_error` is what tells a model that the call failed.
    Result {
        /// All text of the result.
        text: String,
        /// The result's `structuredContent`, if it has some.
        structured: Option<Value>,
        /// The result's `isError`.
        is_error: bool,
        /// The result's `_meta`, if it has one.
        meta: Option<Value>,
    },
    /// A JSON-RPC error.
    Error {
        /// Its code.
        code: i32,
        /// Its message.
        message: String,
    },
    /// No answer at all: the connection failed or the transport gave up.
    Failure(String),
}

impl Reply {
    /// The denial that Tidegate has put into the result, if it is one.
    pub fn denial(&self) -> Option<&Value> {
        match self {
            Self::Result { meta: Some(meta), .. } => meta.get("tidegate/denial"),
            _ => None,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result { text, is_error: false, .. } => f.write_str(text),
            Self::Result { text, is_error: true, .. } => write!(f, "tool error: {text}"),
            Self::Error { code, message } => write!(f, "JSON-RPC error {code}: {message}"),
            Self::Failure(message) => write!(f, "no answer: {message}"),
        }
    }
}

/// A connected client.
#[derive(Debug)]
pub struct Client {
    service: RunningService<RoleClient, ClientConfig>,
}

impl Client {
    /// Connects to the endpoint at `url` and goes through the era's start: `initialize`, or `server/discover`.
    ///
    /// # Errors
    /// What the SDK says when the start fails, as text.
    pub async fn connect(url: &str, token: Option<&str>, era: Era) -> Result<Self, String> {
        let mut config = StreamableHttpClientTransportConfig::with_uri(url);
        config.auth_header = token.map(str::to_owned);
        let transport = StreamableHttpClientTransport::with_client(reqwest::Client::new(), config);
        let implementation = Implementation::new("tidegate-sample", env!("CARGO_PKG_VERSION"));
        let info = ClientConfig::new(ClientCapabilities::default(), implementation);
        let (info, lifecycle) = match era {
            Era::Legacy => (info.with_protocol_version(ProtocolVersion::V_2025_11_25), ClientLifecycleMode::Initialize),
            Era::Modern => {
                let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
                (info, ClientLifecycleMode::Discover { preferred_versions })
            }
        };
        let service = info.serve_with_lifecycle(transport, lifecycle).await.map_err(|error| chain(&error))?;
        Ok(Self { service })
    }

    /// The names of all tools that the server lists.
    ///
    /// # Errors
    /// What the SDK says, as text.
    pub async fn list_tools(&self) -> Result<Vec<String>, String> {
        let tools = self.service.peer().list_all_tools().await.map_err(|error| chain(&error))?;
        Ok(tools.into_iter().map(|tool| tool.name.into_owned()).collect())
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: JsonObject) -> Reply {
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        self.service.peer().call_tool(request).await.map_or_else(failed, reply)
    }

    /// Reads a resource; its text contents are the reply's text.
    pub async fn read(&self, uri: &str) -> Reply {
        let request = ReadResourceRequestParams::new(uri.to_owned());
        self.service.peer().read_resource(request).await.map_or_else(failed, |result| {
            let texts = result.contents.iter().filter_map(|contents| match contents {
                ResourceContents::TextResourceContents { text, .. } => Some(text.as_str()),
                _ => None,
            });
            Reply::Result { text: texts.collect::<Vec<_>>().join("\n"), structured: None, is_error: false, meta: None }
        })
    }

    /// Ends the session.
    pub async fn close(self) {
        // A session that the server has already ended is as closed as one that it ends now.
        let _ = self.service.cancel().await;
    }
}

fn failed(error: ServiceError) -> Reply {
    match error {
        ServiceError::McpError(error) => Reply::Error { code: error.code.0, message: error.message.into_owned() },
        other => Reply::Failure(chain(&other)),
    }
}

fn reply(result: CallToolResult) -> Reply {
    let texts: Vec<&str> = result
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    Reply::Result {
        text: texts.join("\n"),
        structured: result.structured_content,
        is_error: result.is_error.unwrap_or(false),
        meta: result.meta.and_then(|meta| serde_json::to_value(meta).ok()),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}
