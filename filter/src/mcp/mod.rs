//! The Model Context Protocol on the wire, with no policy in it.

pub mod denial;
pub mod era;
pub mod jsonrpc;
pub mod keys;
pub mod method;
pub mod mirrored;
pub mod sse;
pub mod uri;
pub mod violation;
