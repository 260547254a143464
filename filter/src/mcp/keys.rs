//! Keys that the peers act on. A key that merely folds to one of them is refused: some readers would take it for that one
//! (DESIGN section 6).

use super::era::{META_CLIENT_CAPABILITIES, META_VERSION};

/// Members of the envelope (JSON-RPC 2.0 sections 4 and 5).
pub(super) const ENVELOPE_KEYS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// Keys of `params` that servers act on.
pub(super) const PARAMS_KEYS: [&str; 20] = [
    "name",
    "arguments",
    "uri",
    "_meta",
    "cursor",
    "task",
    "taskId",
    "inputResponses",
    "requestState",
    "ref",
    "argument",
    "context",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "notifications",
    "level",
    "requestId",
    "progressToken",
    "reason",
];
/// Keys of `result` that decide what a client shows or does.
pub(super) const RESULT_KEYS: [&str; 12] = [
    "tools",
    "resources",
    "resourceTemplates",
    "prompts",
    "_meta",
    "nextCursor",
    "cacheScope",
    "ttlMs",
    "resultType",
    "inputRequests",
    "requestState",
    "isError",
];
/// Keys of `_meta` that the other side acts on.
pub(super) const META_KEYS: [&str; 5] = [
    META_VERSION,
    "io.modelcontextprotocol/clientInfo",
    META_CLIENT_CAPABILITIES,
    "io.modelcontextprotocol/logLevel",
    "progressToken",
];
/// Our own name space in `_meta`.
pub const OURS: &str = "tidegate/";
