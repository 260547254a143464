//! Secrets in what passes: what these tests plant, and how it is told from the rest.

mod limits;
mod logs;
mod policy;
mod requests;
mod results;
mod streams;
mod workers;

use serde_json::Value;

/// Two AWS access key ids.
pub(crate) const KEY: &str = "AKIAQ3EGRZ7PLM5VWXTD";
pub(crate) const OTHER_KEY: &str = "AKIAZ5MMTQ2NX7KVYRLB";
/// A GitLab personal access token.
pub(crate) const TOKEN: &str = "glpat-7Kq2mXv9RbTzWc4LdNpS";
/// A bot token of Slack.
pub(crate) const SLACK: &str = "xoxb-2781930465-8820173645912-Qm7ZtXw4RkLp9VbNcDs3HyTf";

/// What stands for an AWS access key id: this, four hexadecimal digits and a bracket.
pub(crate) const PLACEHOLDER: &str = "[redacted:aws-access-key-id:";

/// The result of a call, as JSON text; `text` is already escaped.
pub(crate) fn text_result(text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#)
}

/// Every placeholder in `text`, in its order.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
    let found = text.match_indices("[redacted:");
    found.map(|(at, _)| &text[at..=at + text[at..].find(']').expect("a placeholder ends")]).collect()
}

/// Panics if any secret that these tests plant is in `text`, as it is or without its last byte.
pub(crate) fn assert_clean(text: &str, what: &str) {
    for secret in [KEY, OTHER_KEY, TOKEN, SLACK] {
        let almost = &secret[..secret.len() - 1];
        if let Some(at) = text.find(almost) {
            let from = at.saturating_sub(200);
            panic!("{secret} in {what}: …{}", text.get(from..at + 60).unwrap_or_default());
        }
    }
}

/// The messages in the events of a stream.
pub(crate) fn messages(stream: &str) -> Vec<Value> {
    let data = stream.split(['\n', '\r']).filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data.trim()).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}
