//! Why bytes are no acceptable JSON-RPC message.

use std::fmt;

use crate::json::{self, Span};

/// Why a message that is JSON is no acceptable JSON-RPC message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An array of messages.
    Batch,
    /// The message is not an object.
    NotAnObject,
    /// A member that JSON-RPC does not define.
    UnknownMember,
    /// A key that some reader takes for a protocol key, though it is spelt differently.
    FoldedKey,
    /// `jsonrpc` is missing or not `"2.0"`.
    Version,
    /// `id` is null, fractional, beyond 2^53-1, or no string or number at all.
    Id,
    /// `method` is not a string.
    Method,
    /// `method` together with `result` or `error`, or both of these.
    Ambiguous,
    /// Neither `method` nor `result` nor `error`.
    Empty,
    /// `params`, `result`, `error` or a `_meta` is not an object.
    NotAnObjectMember,
    /// `params.name`, `params.uri` or `params.taskId` is not a string.
    Target,
    /// `params.arguments` is neither an object nor null.
    Arguments,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batch => "a JSON-RPC batch: send each message in a request of its own",
            Self::NotAnObject => "a JSON-RPC message must be an object",
            Self::UnknownMember => "a member that JSON-RPC 2.0 does not define",
            Self::FoldedKey => "a key that differs from a protocol key only in letter case",
            Self::Version => "\"jsonrpc\" must be \"2.0\"",
            Self::Id => "\"id\" must be a string or an integer of at most 2^53-1",
            Self::Method => "\"method\" must be a string",
            Self::Ambiguous => "one message cannot be a request and a response, or a result and an error",
            Self::Empty => "the message has neither \"method\" nor \"result\" nor \"error\"",
            Self::NotAnObjectMember => "\"params\", \"result\", \"error\" and \"_meta\" must be objects",
            Self::Target => "\"name\", \"uri\" and \"taskId\" must be strings",
            Self::Arguments => "\"arguments\" must be an object",
        })
    }
}

/// Why bytes were refused as a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Not strict JSON.
    Json(json::Error),
    /// JSON, but no acceptable JSON-RPC message. The id may be echoed when it was readable.
    Envelope(Violation, Option<Span>),
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::Envelope(violation, _) => violation.fmt(f),
        }
    }
}
