//! One text in many MCP messages, and back.

use serde_json::Value;

use crate::kind;
use crate::random::Random;

/// How a text is embedded in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Embedding {
    /// `content[].text`.
    Text,
    /// The same, `/` written as `\/` (PHP).
    Slashes,
    /// The same, `<>&'+="` written as `\u00XX` (Go, Gson, .NET).
    Marks,
    /// The same, every third letter or digit written as `\u00XX`, and all that is not ASCII.
    Letters,
    /// The same, as an SSE event.
    Event,
    /// An embedded resource.
    Resource,
    /// `error.message`.
    Error,
    /// A string in `error.data`.
    ErrorData,
    /// A prompt's message.
    Prompt,
    /// The description of a resource link.
    Link,
    /// A completion.
    Completion,
    /// A log notification.
    Log,
    /// The message of a progress notification.
    Progress,
    /// A server's question to the user.
    Elicitation,
    /// A string in `structuredContent`, and that serialised as `content[].text`.
    Twins,
    /// JSON in a JSON string.
    Depth2,
    /// JSON in JSON in a JSON string.
    Depth3,
    /// The same, `<>&'+="` written as `\u00XX` inside and `/` as `\/` outside.
    Depth3Marks,
}

/// All ways.
pub const EMBEDDINGS: &[Embedding] = &[
    Embedding::Text,
    Embedding::Slashes,
    Embedding::Marks,
    Embedding::Letters,
    Embedding::Event,
    Embedding::Resource,
    Embedding::Error,
    Embedding::ErrorData,
    Embedding::Prompt,
    Embedding::Link,
    Embedding::Completion,
    Embedding::Log,
    Embedding::Progress,
    Embedding::Elicitation,
    Embedding::Twins,
    Embedding::Depth2,
    Embedding::Depth3,
    Embedding::Depth3Marks,
];

/// How characters are written in a JSON string.
#[derive(Clone, Copy)]
enum Escapes {
    Least,
    Slashes,
    Marks,
    Letters,
}

const ID: &str = "\"req-0b54\"";

impl Embedding {
    /// The body of the HTTP message.
    pub fn wrap(self, text: &str) -> String {
        let plain = |text: &str| quote(text, Escapes::Least);
        let content = |text: String| format!(r#"{{"content":[{{"type":"text","text":{text}}}],"isError":false}}"#);
        match self {
            Self::Text => result(&content(plain(text))),
            Self::Slashes => result(&content(quote(text, Escapes::Slashes))),
            Self::Marks => result(&content(quote(text, Escapes::Marks))),
            Self::Letters => result(&content(quote(text, Escapes::Letters))),
            Self::Event => format!("event: message\nid: e-17\ndata: {}\n\n", result(&content(plain(text)))),
            Self::Resource => result(&format!(
                r#"{{"content":[{{"type":"resource","resource":{{"uri":"file:///var/out.txt","mimeType":"text/plain","text":{}}}}}]}}"#,
                plain(text)
            )),
            Self::Error => error(&format!(r#"{{"code":-32603,"message":{}}}"#, plain(text))),
            Self::ErrorData => {
                error(&format!(r#"{{"code":-32603,"message":"failed","data":{{"detail":{}}}}}"#, plain(text)))
            }
            Self::Prompt => {
                let content = format!(r#"{{"type":"text","text":{}}}"#, plain(text));
                result(&format!(r#"{{"messages":[{{"role":"user","content":{content}}}]}}"#))
            }
            Self::Link => result(&format!(
                r#"{{"content":[{{"type":"resource_link","uri":"file:///a","name":"a","description":{}}}]}}"#,
                plain(text)
            )),
            Self::Completion => result(&format!(r#"{{"completion":{{"values":[{}],"total":1}}}}"#, plain(text))),
            Self::Log => notification("message", &format!(r#"{{"level":"info","data":{}}}"#, plain(text))),
            Self::Progress => {
                notification("progress", &format!(r#"{{"progressToken":7,"progress":1,"message":{}}}"#, plain(text)))
            }
            Self::Elicitation => {
                let schema = r#"{"type":"object","properties":{}}"#;
                let params = format!(r#"{{"message":{},"requestedSchema":{schema}}}"#, plain(text));
                format!(r#"{{"jsonrpc":"2.0","id":{ID},"method":"elicitation/create","params":{params}}}"#)
            }
            Self::Twins => {
                let structured = inner(text, Escapes::Least);
                result(&format!(
                    r#"{{"content":[{{"type":"text","text":{}}}],"structuredContent":{structured}}}"#,
                    plain(&structured)
                ))
            }
            Self::Depth2 => result(&content(plain(&inner(text, Escapes::Least)))),
            Self::Depth3 => result(&content(plain(&inner(&inner(text, Escapes::Least), Escapes::Least)))),
            Self::Depth3Marks => {
                result(&content(quote(&inner(&inner(text, Escapes::Marks), Escapes::Marks), Escapes::Slashes)))
            }
        }
    }

    /// The text in the body that came out.
    ///
    /// Fails if the body is no longer what [`Self::wrap`] made of some text, or if two copies of it differ.
    pub fn unwrap(self, body: &str) -> Result<String, String> {
        let body = match self {
            Self::Event => {
                let data = body.strip_prefix("event: message\nid: e-17\ndata: ").and_then(|it| it.strip_suffix("\n\n"));
                data.ok_or_else(|| format!("the event's frame changed: {body}"))?
            }
            _ => body,
        };
        let mut message = parse(body)?;
        let place = match self {
            Self::Error => "/error/message",
            Self::ErrorData => "/error/data/detail",
            Self::Prompt => "/result/messages/0/content/text",
            Self::Link => "/result/content/0/description",
            Self::Completion => "/result/completion/values/0",
            Self::Log => "/params/data",
            Self::Progress | Self::Elicitation => "/params/message",
            Self::Resource => "/result/content/0/resource/text",
            _ => "/result/content/0/text",
        };
        let mut text = take(&mut message, place)?;
        if self == Self::Twins {
            let twin = take(&mut message, "/result/structuredContent/stdout")?;
            text = take(&mut parse(&text)?, "/stdout")?;
            if twin != text {
                return Err(format!("the twins differ: {text:?} and {twin:?}"));
            }
        }
        if matches!(self, Self::Depth3 | Self::Depth3Marks) {
            text = opened(&text)?;
        }
        if matches!(self, Self::Depth2 | Self::Depth3 | Self::Depth3Marks) {
            text = opened(&text)?;
        }
        // What is left around the text must be what was put there.
        let mut frame = parse(self.frame().as_str())?;
        take(&mut frame, place)?;
        if self == Self::Twins {
            take(&mut frame, "/result/structuredContent/stdout")?;
        }
        if message != frame {
            return Err(format!("the frame changed: {message}"));
        }
        Ok(text)
    }

    fn frame(self) -> String {
        match self {
            Self::Event => Self::Text.wrap(""),
            _ => self.wrap(""),
        }
    }
}

fn result(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{ID},"result":{result}}}"#)
}

fn error(error: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{ID},"error":{error}}}"#)
}

fn notification(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}"#)
}

/// Messages with what looks like a secret in places that must come out as they are, and what the place is.
pub fn untouchable(random: &mut Random) -> Vec<(&'static str, String)> {
    let token = kind::secret("github-pat", random).1;
    let jwt = kind::secret("jwt", random).1;
    let picture =
        format!("iVBORw0KGgo/{}/{}+g/AA==", kind::secret("databricks-token", random).1, random.like("{s400}"));
    let image = |kind: &str| {
        result(&format!(
            r#"{{"content":[{{"type":"{kind}","data":"{picture}","mimeType":"{kind}/x"}}],"isError":false}}"#
        ))
    };
    vec![
        ("id", format!(r#"{{"jsonrpc":"2.0","id":"{token}","result":{{"content":[]}}}}"#)),
        ("method", format!(r#"{{"jsonrpc":"2.0","method":"notifications/{token}","params":{{}}}}"#)),
        ("tool name", result(&format!(r#"{{"tools":[{{"name":"{token}","inputSchema":{{"type":"object"}}}}]}}"#))),
        ("cursor", result(&format!(r#"{{"tools":[],"nextCursor":"{jwt}"}}"#))),
        (
            "progress token",
            notification("progress", &format!(r#"{{"progressToken":"{token}","progress":1,"total":2}}"#)),
        ),
        (
            "request state",
            result(&format!(r#"{{"resultType":"input_required","inputRequests":{{}},"requestState":"{jwt}"}}"#)),
        ),
        (
            "MIME type",
            result(&format!(r#"{{"contents":[{{"uri":"file:///a","mimeType":"text/plain;v={token}","text":"-"}}]}}"#)),
        ),
        ("image", image("image")),
        ("audio", image("audio")),
    ]
}

fn inner(text: &str, escapes: Escapes) -> String {
    format!(r#"{{"exit_code":0,"stdout":{},"cwd":"/srv/app"}}"#, quote(text, escapes))
}

fn opened(text: &str) -> Result<String, String> {
    let mut value = parse(text)?;
    let text = take(&mut value, "/stdout")?;
    let frame = parse(r#"{"exit_code":0,"stdout":null,"cwd":"/srv/app"}"#)?;
    if value == frame { Ok(text) } else { Err(format!("the inner frame changed: {value}")) }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON any more: {error}: {text}"))
}

/// Takes the string out, so that the rest can be compared.
fn take(value: &mut Value, place: &str) -> Result<String, String> {
    match value.pointer_mut(place).map(Value::take) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("no string at {place}")),
    }
}

/// A JSON string.
fn quote(text: &str, escapes: Escapes) -> String {
    let mut quoted = String::from("\"");
    let mut units = [0; 2];
    for (index, character) in text.chars().enumerate() {
        let is_escaped = match escapes {
            Escapes::Marks => "<>&'+=\"".contains(character),
            Escapes::Letters => !character.is_ascii() || (index % 3 == 0 && character.is_ascii_alphanumeric()),
            Escapes::Least | Escapes::Slashes => false,
        };
        match character {
            _ if is_escaped => {
                for unit in character.encode_utf16(&mut units) {
                    quoted.push_str(&if index % 2 == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") });
                }
            }
            '/' if matches!(escapes, Escapes::Slashes) => quoted.push_str("\\/"),
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if character < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_comes_back() {
        let text = "a/b \"c\" <d>&'e'+f=\\g\n\th\u{1} Größe 😀 \\n";
        for embedding in EMBEDDINGS {
            let body = embedding.wrap(text);
            assert_eq!(embedding.unwrap(&body).unwrap(), text, "{embedding:?}: {body}");
        }
        assert!(Embedding::Slashes.wrap("a/b").contains("a\\/b"));
        assert!(Embedding::Letters.wrap("AKIA").contains("\\u0041KI\\u0041"));
    }

    #[test]
    fn what_is_put_around_is_checked() {
        let body = Embedding::Depth2.wrap("x");
        assert!(Embedding::Depth2.unwrap(&body.replace("/srv/app", "/srv")).is_err());
        assert!(Embedding::Text.unwrap(&Embedding::Text.wrap("x").replace("req-0b54", "req")).is_err());
        let twins = Embedding::Twins.wrap("x");
        assert!(Embedding::Twins.unwrap(&twins.replace("\"stdout\":\"x\"", "\"stdout\":\"y\"")).is_err());
        assert!(Embedding::Text.unwrap("{").is_err());
    }
}
