//! An SDK as a client: a program that does the walk, and what it says of it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tidegate::sample::{Era, Reply};
use tidegate_tests::site::Mode;

use super::walk::{Caller, Seen, Step};
use super::{python, typescript};

/// A release of an SDK, in one of the ways to use it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sdk {
    Python1,
    Python2(Negotiation),
    TypeScript1,
    TypeScript2(Negotiation),
}

/// How a client finds the era, where the SDK leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Negotiation {
    /// The SDK's default.
    Unset,
    Legacy,
    Auto,
    /// The modern revision and no other.
    Pinned,
}

impl Sdk {
    fn command(self) -> Command {
        match self {
            Self::Python1 => python::command("1.30.0", "client_v1.py"),
            Self::Python2(_) => python::command("2.3.0", "client_v2.py"),
            Self::TypeScript1 => typescript::command("client_v1.js"),
            Self::TypeScript2(_) => typescript::command("client_v2.js"),
        }
    }

    fn mode(self) -> Value {
        match self {
            Self::Python1 | Self::TypeScript1 => json!(""),
            Self::Python2(negotiation) | Self::TypeScript2(negotiation) => match negotiation {
                Negotiation::Unset => json!(""),
                Negotiation::Legacy => json!("legacy"),
                Negotiation::Auto => json!("auto"),
                Negotiation::Pinned => json!({"pin": "2026-07-28"}),
            },
        }
    }

    /// The era that the client must come to speak.
    pub(crate) fn era(self) -> Era {
        match self {
            Self::Python2(Negotiation::Auto) | Self::TypeScript2(Negotiation::Auto | Negotiation::Pinned) => {
                Era::Modern
            }
            _ => Era::Legacy,
        }
    }

    /// Whether the SDK throws away why it is refused at the start: a text that comes with an HTTP error, as it does
    /// without holding headers, because the request is refused before its id is known; or any error before the pinned
    /// revision is found.
    pub(crate) fn forgets_why(self, mode: Mode) -> bool {
        match self {
            Self::Python1 => mode == Mode::NoHold,
            Self::TypeScript2(Negotiation::Pinned) => true,
            _ => false,
        }
    }

    /// Connects, must be refused, and tells with what text.
    pub(crate) fn be_refused(self, caller: &Caller) -> Option<String> {
        let lines = self.run(caller, &[]);
        let [refusal] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(refusal["step"], "refused", "{refusal}");
        assert!(refusal.get("status").is_none_or(|it| *it == 400), "{refusal}");
        assert!(refusal.get("code").is_none_or(|it| *it == -31403), "{refusal}");
        refusal.get("text").map(|text| text.as_str().unwrap().to_owned())
    }

    /// Walks the steps with one client, and tells what the program saw.
    pub(crate) fn walk(self, caller: &Caller, steps: &[Step]) -> Seen {
        let lines = self.run(caller, steps);
        let [start, list, replies @ .., end] = lines.as_slice() else { panic!("{lines:?}") };
        let kinds: Vec<_> = [start, list, end].iter().map(|line| line["step"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["connect", "list", "end"], "{lines:?}");
        let tools = list["tools"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        let told: Vec<_> = replies.iter().map(|line| line["ask"].clone()).collect();
        let asked: Vec<_> = steps.iter().map(|step| step.ask.to_json()).collect();
        assert_eq!(told, asked);
        Seen {
            revision: Some(start["revision"].as_str().unwrap().to_owned()),
            tools,
            replies: replies.iter().map(reply).collect(),
        }
    }

    /// Runs the program to its end; what it wrote, line by line.
    fn run(self, caller: &Caller, steps: &[Step]) -> Vec<Value> {
        let steps: Vec<Value> = steps.iter().map(|step| step.ask.to_json()).collect();
        let walk = json!({"url": caller.url, "token": caller.token, "mode": self.mode(), "steps": steps});
        let mut command = self.command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(walk.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?} gave up: {complaint}\nafter:\n{lines}");
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// What the SDK gave the program for one request.
fn reply(line: &Value) -> Reply {
    let text = line["text"].as_str().unwrap().to_owned();
    match line.get("code") {
        Some(code) => Reply::Error { code: i32::try_from(code.as_i64().unwrap()).unwrap(), message: text },
        None => Reply::Result {
            text,
            structured: line.get("structured").filter(|it| !it.is_null()).cloned(),
            is_error: line["is_error"].as_bool().unwrap(),
            meta: line.get("meta").filter(|meta| !meta.is_null()).cloned(),
        },
    }
}
