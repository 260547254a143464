use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where something stands in a capture; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of JSON lines.
    Line(usize),
    /// An entry of a HAR.
    Entry(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Entry(number) => write!(f, "entry {number}"),
        }
    }
}

/// Why a capture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system refuses it.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The capture.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no exchange in it.
    #[error("{} holds no exchange", .path.display())]
    Empty {
        /// The capture.
        path: PathBuf,
    },
    /// It is of no format that is known here.
    #[error("{} begins with {begins} and is no capture format known here", .path.display())]
    Unknown {
        /// The capture.
        path: PathBuf,
        /// How it begins.
        begins: String,
    },
    /// It is not JSON.
    #[error("{} is broken at line {line}, column {column} (byte {byte}): {message}", .path.display())]
    Json {
        /// The capture.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// Offset in the file, from 0.
        byte: usize,
        /// What is wrong there.
        message: String,
    },
    /// It is JSON, and no exchange.
    #[error("{}, {place}: {message}", .path.display())]
    Shape {
        /// The capture.
        path: PathBuf,
        /// Where.
        place: Place,
        /// What is wrong there.
        message: String,
    },
    /// Only a part of a body was recorded.
    #[error("{}, {place}: {message}", .path.display())]
    Truncated {
        /// The capture.
        path: PathBuf,
        /// Where.
        place: Place,
        /// How much is missing.
        message: String,
    },
    /// None of its exchanges is MCP.
    #[error("{}: none of {exchanges} exchanges is MCP", .path.display())]
    NotMcp {
        /// The capture.
        path: PathBuf,
        /// How many there are.
        exchanges: usize,
    },
}

impl CaptureError {
    /// What the user can do about it.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreadable { .. } | Self::Json { .. } => return None,
            Self::Empty { .. } => "record at least one request and its response",
            Self::Unknown { .. } => {
                "give a HAR (a document with `log.entries`) or JSON lines, one \
                 {\"request\":{\"method\",\"url\",\"headers\",\"body\"},\"response\":{\"status\",\"headers\",\"body\"}} a line"
            }
            Self::Shape { .. } => {
                "an exchange is {\"request\":{\"method\",\"url\",\"headers\":[{\"name\",\"value\"}],\"body\"},\
                 \"response\":{\"status\",\"headers\",\"body\"}}"
            }
            Self::Truncated { .. } => {
                "record it again with larger limits, or replay the parts as they are with --allow-truncated"
            }
            Self::NotMcp { .. } => {
                "no body has a `jsonrpc` member, no header is `mcp-…`, and nobody asked for an event stream: \
                 record the traffic of an MCP client, in the clear"
            }
        })
    }
}
