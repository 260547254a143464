use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where something stands in a capture; lines, entries and traces count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of JSON lines.
    Line(usize),
    /// An entry of a HAR, or of a list that an MCP Inspector exported.
    Entry(usize),
    /// A trace of Envoy's tap, by its first segment.
    Trace(usize),
    /// The byte with this offset, counted from 0.
    Byte(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Entry(number) => write!(f, "entry {number}"),
            Self::Trace(number) => write!(f, "trace {number}"),
            Self::Byte(offset) => write!(f, "byte {offset}"),
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
        /// What to do about it, if that can be told from the beginning.
        advice: Option<&'static str>,
    },
    /// One exchange, or one part that is none, is longer than is read.
    #[error("{}, {place}: longer than {} MiB, from byte {byte} on", .path.display(), longest >> 20)]
    TooLong {
        /// The capture.
        path: PathBuf,
        /// Where.
        place: Place,
        /// Where it begins: an offset in the file, from 0.
        byte: usize,
        /// What is read at most, in bytes.
        longest: usize,
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
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::IsADirectory => {
                "name the files in it, in the order of their traffic"
            }
            Self::Unreadable { .. } | Self::Json { .. } => return None,
            Self::Empty { .. } => "record at least one request and its response",
            Self::Unknown { advice: Some(advice), .. } => advice,
            Self::Unknown { .. } => {
                "understood are HAR (a document with `log.entries`), Envoy's HTTP tap in JSON (`http_buffered_trace`, \
                 `http_streamed_trace_segment`), the network and protocol exports of the MCP Inspector (lists), and JSON \
                 lines, one {\"request\":{\"method\",\"url\",\"headers\",\"body\"},\"response\":{\"status\",\"headers\",\"body\"}} a line"
            }
            Self::TooLong { .. } => {
                "no MCP message is meant to be so long: leave that exchange out, or look for a quote or bracket that is missing"
            }
            Self::Shape { place: Place::Trace(_), .. } => {
                "a trace is what `envoy.filters.http.tap` writes in JSON_BODY_AS_BYTES or JSON_BODY_AS_STRING"
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
