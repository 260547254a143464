//! Refusals and the answers that carry them (DESIGN section 7).

use crate::mcp::denial::{self, Denial};
use crate::policy::Reason;

/// Why something is refused, and what the caller can do about it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Stable reason code.
    pub reason: Reason,
    /// The rule that refused, if one did.
    pub rule: Option<String>,
    /// What is refused and why: one sentence.
    pub said: String,
    /// What the caller can do next: one sentence.
    pub advice: String,
    /// HTTP status, when the answer cannot be addressed to a JSON-RPC request.
    pub status: u16,
    /// JSON-RPC error code.
    pub code: i32,
    /// Answer with this code and message, as a server would for something that does not exist.
    pub hidden_as: Option<(i32, String)>,
    /// The quota that refused, if one did.
    pub quota: Option<Box<Shortage>>,
}

/// A quota that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Its id.
    pub quota: String,
    /// How much it allows.
    pub limit: u64,
    /// Seconds of its window, if it has one of a fixed length.
    pub window: Option<u64>,
    /// Seconds after which the same request may pass.
    pub retry_after: Option<u64>,
}

impl Shortage {
    /// `Retry-After` (RFC 9110 section 10.2.3), and `RateLimit-Policy` and `RateLimit`
    /// (draft-ietf-httpapi-ratelimit-headers-10). Ids of quotas need no escaping.
    fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let Self { quota, limit, window, retry_after } = self;
        let window = window.map(|seconds| format!(";w={seconds}")).unwrap_or_default();
        let reset = retry_after.map(|seconds| format!(";t={seconds}")).unwrap_or_default();
        let policy = ("ratelimit-policy", format!("\"{quota}\";q={limit}{window}"));
        let left = ("ratelimit", format!("\"{quota}\";r=0{reset}"));
        retry_after.map(|seconds| ("retry-after", seconds.to_string())).into_iter().chain([policy, left])
    }
}

impl Refusal {
    /// A refusal by policy of a message that was understood.
    pub fn by_policy(reason: Reason, said: String, advice: &str) -> Self {
        Self {
            reason,
            rule: None,
            said,
            advice: advice.to_owned(),
            status: 400,
            code: denial::REFUSED,
            hidden_as: None,
            quota: None,
        }
    }

    /// A refusal of something that two readers could understand differently, or nobody at all.
    pub fn of_form(reason: Reason, status: u16, code: i32, said: String, advice: &str) -> Self {
        Self { reason, rule: None, said, advice: advice.to_owned(), status, code, hidden_as: None, quota: None }
    }

    /// Whether the answer is an HTTP error even when the request's id is known: the form was at fault, not the wish.
    pub fn is_of_form(&self) -> bool {
        !matches!(self.code, denial::REFUSED | denial::QUOTA_EXCEEDED | denial::APPROVAL_REQUIRED)
    }
}

/// Whom a refusal answers.
#[derive(Clone, Copy, Debug)]
pub enum Addressee<'a> {
    /// A `tools/call` request, by raw JSON-RPC id.
    Tool(&'a [u8]),
    /// Any other request, by raw JSON-RPC id.
    Request(&'a [u8]),
    /// A notification or a client's response: no answer, only an acknowledgement.
    Notification,
    /// Nobody in particular: the HTTP request as such.
    Http,
}

/// An HTTP answer that the filter gives itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header fields beside content-length.
    pub headers: Vec<(&'static str, String)>,
    /// Body; empty for none.
    pub body: Vec<u8>,
    /// Response code details for Envoy's access log.
    pub details: String,
}

impl Refusal {
    /// The JSON-RPC message that tells `to`, with the name of the policy and the id of the decision.
    pub fn message(&self, to: Addressee<'_>, policy: &str, decision: &str) -> Vec<u8> {
        let data = Denial {
            reason: self.reason.as_str(),
            rule: self.rule.as_deref(),
            policy,
            decision,
            advice: &self.advice,
            retry_after: self.quota.as_ref().and_then(|shortage| shortage.retry_after),
        };
        let rule = self.rule.as_ref().map(|rule| format!(", rule {rule}")).unwrap_or_default();
        let text = format!(
            "{} (reason {}{rule}, policy {policy}, decision {decision}) {}",
            self.said,
            self.reason.as_str(),
            self.advice
        );
        if let (Addressee::Tool(id) | Addressee::Request(id), Some((code, message))) = (to, &self.hidden_as) {
            return denial::error(Some(id), *code, message, None);
        }
        match to {
            Addressee::Tool(id) if !self.is_of_form() => denial::tool_error(id, &text, &data),
            Addressee::Tool(id) | Addressee::Request(id) => denial::error(Some(id), self.code, &text, Some(&data)),
            Addressee::Notification | Addressee::Http => denial::error(None, self.code, &text, Some(&data)),
        }
    }

    /// The HTTP answer that tells `to`. Requests that were understood get 200, for anything else ends the sessions of
    /// real clients; notifications get 202, because a client cannot handle more.
    pub fn reply(&self, to: Addressee<'_>, policy: &str, decision: &str) -> Reply {
        let details = format!("tidegate_{}", self.reason.as_str());
        let status = match to {
            Addressee::Notification if !self.is_of_form() => {
                return Reply { status: 202, headers: Vec::new(), body: Vec::new(), details };
            }
            Addressee::Tool(_) | Addressee::Request(_) if !self.is_of_form() => 200,
            _ => self.status,
        };
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if status == 405 {
            headers.push(("allow", "POST, GET, DELETE".to_owned()));
        }
        headers.extend(self.quota.iter().flat_map(|shortage| shortage.headers()));
        if status == 503 {
            headers.push(("retry-after", "1".to_owned()));
        }
        Reply { status, headers, body: self.message(to, policy, decision), details }
    }
}
