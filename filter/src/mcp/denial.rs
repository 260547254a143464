//! Answers that say no in a way that MCP clients understand: the caller sees our text, and its session goes on.

use crate::json::write_string;

/// JSON-RPC error code of a refusal by policy. Outside -32768..-32000, which the specification reserves.
pub const REFUSED: i32 = -31403;
/// JSON-RPC error code of a refusal by a quota or budget.
pub const QUOTA_EXCEEDED: i32 = -31429;
/// JSON-RPC error code of a refusal of what a person has to approve.
pub const APPROVAL_REQUIRED: i32 = -31401;
/// JSON-RPC 2.0: invalid JSON was received.
pub const PARSE_ERROR: i32 = -32700;
/// JSON-RPC 2.0: the JSON is not a valid request object.
pub const INVALID_REQUEST: i32 = -32600;
/// JSON-RPC 2.0: invalid method parameters; what servers answer for an unknown tool.
pub const INVALID_PARAMS: i32 = -32602;
/// MCP before 2026-07-28: what servers answer for an unknown resource.
pub const RESOURCE_NOT_FOUND: i32 = -32002;
/// JSON-RPC 2.0: the method does not exist.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// MCP 2026-07-28: a mirrored header and the body disagree.
pub const HEADER_MISMATCH: i32 = -32020;

/// Machine-readable part of a denial: `_meta["tidegate/denial"]` of a tool result, `data` of an error.
#[derive(Clone, Debug)]
pub struct Denial<'a> {
    /// Stable reason code.
    pub reason: &'a str,
    /// The rule that refused, if one did.
    pub rule: Option<&'a str>,
    /// Name of the policy.
    pub policy: &'a str,
    /// Unique id of the decision; the audit event carries the same.
    pub decision: &'a str,
    /// What the caller can do next.
    pub advice: &'a str,
    /// Seconds after which the same call may succeed.
    pub retry_after: Option<u64>,
}

impl Denial<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"reason\":");
        write_string(out, self.reason);
        if let Some(rule) = self.rule {
            out.extend_from_slice(b",\"rule\":");
            write_string(out, rule);
        }
        out.extend_from_slice(b",\"policy\":");
        write_string(out, self.policy);
        out.extend_from_slice(b",\"decision\":");
        write_string(out, self.decision);
        out.extend_from_slice(b",\"advice\":");
        write_string(out, self.advice);
        if let Some(seconds) = self.retry_after {
            out.extend_from_slice(b",\"retry_after\":");
            out.extend_from_slice(seconds.to_string().as_bytes());
        }
        out.push(b'}');
    }
}

/// A `CallToolResult` with `isError: true`: the one shape that every SDK client hands to the model as a failed tool.
/// `id` is the raw JSON of the request's id. Never `structuredContent`: clients check that against the output schema.
pub fn tool_error(id: &[u8], text: &str, denial: &Denial<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 384);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id);
    out.extend_from_slice(
        b",\"result\":{\"resultType\":\"complete\",\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":",
    );
    write_string(&mut out, text);
    out.extend_from_slice(b"}],\"_meta\":{\"tidegate/denial\":");
    denial.write(&mut out);
    out.extend_from_slice(b"}}}");
    out
}

/// A JSON-RPC error. `id` is the raw JSON of the request's id; `None` writes `null` (JSON-RPC 2.0 section 5).
pub fn error(id: Option<&[u8]>, code: i32, message: &str, denial: Option<&Denial<'_>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 320);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id.unwrap_or(b"null"));
    out.extend_from_slice(b",\"error\":{\"code\":");
    out.extend_from_slice(code.to_string().as_bytes());
    out.extend_from_slice(b",\"message\":");
    write_string(&mut out, message);
    if let Some(denial) = denial {
        out.extend_from_slice(b",\"data\":");
        denial.write(&mut out);
    }
    out.extend_from_slice(b"}}");
    out
}

/// A server-to-client request that policy refuses, turned into one that no client knows: the client itself answers the
/// server with "method not found", so that the tool which asked does not hang.
pub fn unknown_request(id: &[u8]) -> Vec<u8> {
    let mut out = b"{\"jsonrpc\":\"2.0\",\"id\":".to_vec();
    out.extend_from_slice(id);
    out.extend_from_slice(b",\"method\":\"tidegate/refused\"}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_valid_json_that_echo_the_id() {
        let denial = Denial {
            reason: "read_only",
            rule: Some("r\"1"),
            policy: "p",
            decision: "d1",
            advice: "ask",
            retry_after: Some(3),
        };
        let tool: serde_json::Value = serde_json::from_slice(&tool_error(b"\"a\\u0041\"", "no\n", &denial)).unwrap();
        assert_eq!(tool["id"], "aA");
        assert_eq!(tool["result"]["isError"], true);
        assert_eq!(tool["result"]["resultType"], "complete");
        assert_eq!(tool["result"]["content"][0]["text"], "no\n");
        assert_eq!(tool["result"]["_meta"]["tidegate/denial"]["rule"], "r\"1");
        assert!(tool["result"].get("structuredContent").is_none());
        let error: serde_json::Value = serde_json::from_slice(&error(None, REFUSED, "m", Some(&denial))).unwrap();
        assert!(error["id"].is_null());
        assert_eq!(error["error"]["data"]["retry_after"], 3);
        let request: serde_json::Value = serde_json::from_slice(&unknown_request(b"7")).unwrap();
        assert_eq!(request["id"], 7);
    }
}
