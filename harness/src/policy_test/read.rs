//! A test file out of its JSON.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_filter::policy::{Diagnostic, Reason};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::document::{Fields, Kind, Mark, Report, Value, nearest_or_all, position};
use super::keys;
use super::test_file::{
    Circumstances, Content, Expect, HostModes, Message, Principal, Response, Sent, Test, TestFile, Wanted,
};

/// The words of `verdict`.
pub(super) const VERDICTS: [&str; 6] = ["allow", "deny", "would_allow", "would_deny", "ungoverned", "passed"];
/// The words of `sent`.
pub(super) const REACHED: [&str; 3] = ["whole", "headers", "nothing"];
/// How often one message may be repeated.
const REPEATS: u64 = 100_000;

/// How the name of a test file ends.
pub const SUFFIX: &str = ".test.json";

/// Reads the test file at `path` from its text.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(path: &Path, source: Vec<u8>) -> Result<TestFile, (Vec<u8>, Vec<Diagnostic>)> {
    let mut report = Report::new(&source);
    let reader = Reader { source: &source, path };
    let parts = Value::read(&source, &mut report).and_then(|value| reader.file(&value, &mut report));
    let errors = report.errors;
    match parts {
        Some((policy, policy_mark, tests)) if errors.is_empty() => {
            Ok(TestFile { path: path.to_owned(), source, policy, policy_mark, tests })
        }
        _ => Err((source, errors)),
    }
}

/// Defaults that a test or message falls back to.
#[derive(Clone)]
struct Defaults {
    circumstances: Circumstances,
    host: HostModes,
}

struct Reader<'a> {
    source: &'a [u8],
    path: &'a Path,
}

impl Reader<'_> {
    fn place(&self, mark: &Mark) -> (usize, usize) {
        position(self.source, mark.span.start)
    }

    fn file(&self, value: &Value<'_>, report: &mut Report<'_>) -> Option<(PathBuf, Mark, Vec<Test>)> {
        let fields = Fields::open(value, &keys::FILE, report)?;
        let (policy, mark) = match fields.get("policy") {
            Some(value) => (self.path.with_file_name("").join(value.text(report)?), value.mark.clone()),
            None => (self.beside(value, report)?, Mark::default()),
        };
        let mut defaults = Defaults { circumstances: Circumstances::default(), host: HostModes::Both };
        if let Some(fields) = fields.get("defaults").and_then(|it| Fields::open(it, &keys::DEFAULTS, report)) {
            defaults = Self::defaults(&fields, &defaults, report);
        }
        let Some(list) = fields.get("tests") else {
            report.error(
                "missing_key",
                &value.opening(),
                "this object needs the key `tests`",
                "write at least one test",
            );
            return None;
        };
        let elements = list.list(report)?;
        if elements.is_empty() {
            report.error("empty", &list.mark, "an empty list", "write at least one test");
        }
        let mut tests: Vec<Test> = Vec::new();
        for element in elements {
            let Some(test) = self.test(element, &defaults, report) else { continue };
            if tests.iter().any(|other| other.name == test.name) {
                let message = format!("a second test named `{}`", test.name);
                report.error("duplicate_name", &test.mark, message, "give each test a name of its own");
            }
            tests.push(test);
        }
        Some((policy, mark, tests))
    }

    fn beside(&self, value: &Value<'_>, report: &mut Report<'_>) -> Option<PathBuf> {
        let name = self.path.file_name().map(|it| it.to_string_lossy()).unwrap_or_default();
        let Some(stem) = name.strip_suffix(SUFFIX) else {
            let help = format!("write `policy`, or call the file NAME{SUFFIX}: then the policy is NAME.json beside it");
            report.error("missing_key", &value.opening(), "it is not said which policy this is about", help);
            return None;
        };
        Some(self.path.with_file_name(format!("{stem}.json")))
    }

    fn defaults(fields: &Fields<'_, '_>, outer: &Defaults, report: &mut Report<'_>) -> Defaults {
        let host = fields.get("host").and_then(|it| it.choice(&HostModes::WORDS, report)).unwrap_or(outer.host);
        Defaults { circumstances: circumstances(fields, &outer.circumstances, report), host }
    }

    fn test(&self, value: &Value<'_>, defaults: &Defaults, report: &mut Report<'_>) -> Option<Test> {
        let fields = Fields::open(value, &keys::TEST, report)?;
        let defaults = Self::defaults(&fields, defaults, report);
        let skip = fields.get("skip").and_then(|it| it.text(report));
        let messages = match fields.get("messages") {
            Some(list) => self.messages(&fields, list, &defaults, report),
            None => self.message(&fields, &defaults.circumstances, report).into_iter().collect(),
        };
        let Some(name) = fields.get("name") else {
            let help = "say what must hold, such as \"finance may not delete\"";
            report.error("missing_key", &value.opening(), "this test needs the key `name`", help);
            return None;
        };
        let place = self.place(&name.mark);
        Some(Test { name: name.text(report)?, mark: name.mark.clone(), place, skip, host: defaults.host, messages })
    }

    fn messages(
        &self,
        test: &Fields<'_, '_>,
        list: &Value<'_>,
        defaults: &Defaults,
        report: &mut Report<'_>,
    ) -> Vec<Message> {
        let own: Vec<&str> =
            keys::SENT.into_iter().chain(["arguments", "params", "id", "response", "repeat", "expect"]).collect();
        for (key, value) in test.present(&own) {
            let message = format!("`{key}` beside `messages`");
            report.error("misplaced", &value.opening(), message, format!("write `{key}` in one of the messages"));
        }
        let elements = list.list(report).unwrap_or_default();
        if elements.is_empty() {
            report.error("empty", &list.opening(), "no messages", "write at least one message");
        }
        let read = |element: &Value<'_>, report: &mut Report<'_>| {
            let fields = Fields::open(element, &keys::MESSAGE, report)?;
            let circumstances = circumstances(&fields, &defaults.circumstances, report);
            self.message(&fields, &circumstances, report)
        };
        elements.iter().filter_map(|element| read(element, report)).collect()
    }

    fn message(
        &self,
        fields: &Fields<'_, '_>,
        circumstances: &Circumstances,
        report: &mut Report<'_>,
    ) -> Option<Message> {
        let sent = sent(fields, report);
        let response = fields.get("response").and_then(|it| response(it, report));
        let repeat = fields.get("repeat").map_or(Some(1), |it| it.whole(1..=REPEATS, report));
        let Some(expect) = fields.get("expect") else {
            let help = "write \"expect\": {\"verdict\": \"allow\"} or what else must come of it";
            report.error("missing_key", &fields.object.opening(), "nothing is expected of this message", help);
            return None;
        };
        let expect = self.expect(expect, report)?;
        let mark = fields.object.opening();
        Some(Message { mark, circumstances: circumstances.clone(), sent: sent?, response, repeat: repeat?, expect })
    }

    fn expect(&self, value: &Value<'_>, report: &mut Report<'_>) -> Option<Expect> {
        let fields = Fields::open(value, &keys::EXPECT, report)?;
        let present = fields.present(keys::EXPECT.known);
        if present.is_empty() {
            report.error(
                "empty",
                &value.mark,
                "nothing is expected",
                "a test that expects nothing cannot fail; write `verdict`",
            );
        }
        let mut wanted = Vec::new();
        for (key, value) in present {
            check_expected(key, value, report);
            let known = keys::EXPECT.known.iter().find(|known| **known == key)?;
            let (mark, place) = (value.opening(), self.place(&value.mark));
            wanted.push(Wanted { key: known, mark, place, value: value.json() });
        }
        Some(Expect { mark: value.opening(), wanted })
    }
}

/// Reports an expected value that nothing can ever meet.
fn check_expected(key: &str, value: &Value<'_>, report: &mut Report<'_>) {
    let words = |words: &[&str], report: &mut Report<'_>| {
        let words: Vec<(&str, ())> = words.iter().map(|word| (*word, ())).collect();
        value.choice(&words, report);
    };
    let is_null = matches!(value.kind, Kind::Null);
    match key {
        "verdict" => words(&VERDICTS, report),
        "sent" => words(&REACHED, report),
        "reason" if !is_null => words(&Reason::ALL.map(Reason::as_str), report),
        "rule" | "would_rule" if !is_null => drop(value.text(report)),
        "status" => drop(value.whole(100..=999, report)),
        "request_headers" | "response_headers" => drop(headers(value, report)),
        "response_contains" | "response_lacks" | "listed" | "hidden" => drop(value.texts(report)),
        "redactions" => {
            for member in value.object(report).unwrap_or_default() {
                member.value.whole(0..=u64::from(u32::MAX), report);
            }
        }
        "audit" => drop(value.object(report)),
        _ => {}
    }
}

fn circumstances(fields: &Fields<'_, '_>, outer: &Circumstances, report: &mut Report<'_>) -> Circumstances {
    let mut own = outer.clone();
    let text =
        |key: &str, report: &mut Report<'_>| fields.get(key).and_then(|it| Some((it.text(report)?, it.mark.clone())));
    if let Some(value) = fields.get("principal") {
        own.principal = principal(value, report);
    }
    let (server, url) = (text("server", report), text("url", report));
    if let (Some(_), Some((_, mark))) = (&server, &url) {
        report.error(
            "misplaced",
            mark,
            "`url` beside `server`",
            "keep one of the two: a server's name stands for a URL that matches it",
        );
    }
    if server.is_some() || url.is_some() {
        (own.server, own.url) = (server, url);
    }
    if let Some(value) = fields.get("headers") {
        for (name, value) in headers(value, report) {
            own.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            own.headers.push((name, value));
        }
    }
    for (key, slot) in [
        ("http_method", &mut own.http_method),
        ("protocol", &mut own.protocol),
        ("route", &mut own.route),
        ("cluster", &mut own.cluster),
    ] {
        if let Some((value, _)) = text(key, report) {
            *slot = Some(value);
        }
    }
    if let Some(value) = fields.get("now") {
        let text = value.text(report);
        own.now = text.as_deref().and_then(|it| OffsetDateTime::parse(it, &Rfc3339).ok());
        if let (Some(text), None) = (text, own.now) {
            value.invalid(format!("`{text}` is not a time"), "write it as 2026-11-23T09:41:07Z (RFC 3339)", report);
        }
    }
    own
}

fn principal(value: &Value<'_>, report: &mut Report<'_>) -> Option<Principal> {
    let mark = value.opening();
    if let Kind::Text(text) = &value.kind {
        let claims = if text == "anonymous" { Vec::new() } else { vec![text.clone().into_owned()] };
        return Some(Principal { claims, mark });
    }
    let fields = Fields::open(value, &keys::PRINCIPAL, report)?;
    let mut claims = Vec::new();
    for (key, value) in fields.present(keys::PRINCIPAL.known) {
        let texts = match &value.kind {
            Kind::List(_) if ["groups", "scopes"].contains(&key) => value.texts(report).unwrap_or_default(),
            _ => value.text(report).into_iter().collect(),
        };
        for text in texts {
            // What follows a comma would be read as a claim of its own.
            if text.contains(',') {
                value.invalid(format!("`{text}` has a comma"), "write several groups or scopes as a list", report);
            }
            claims.push(format!("{key}={text}"));
        }
    }
    if claims.is_empty() {
        report.error("empty", &value.mark, "a caller of whom nothing is said", "write \"anonymous\", or a subject");
    }
    Some(Principal { claims, mark })
}

/// Names and values; `null` for a header that is not there.
fn headers(value: &Value<'_>, report: &mut Report<'_>) -> Vec<(String, Option<String>)> {
    let members = value.object(report).unwrap_or_default();
    let read = |member: &super::document::Member<'_>, report: &mut Report<'_>| {
        let value = match &member.value.kind {
            Kind::Null => None,
            _ => Some(member.value.string(report)?),
        };
        Some((member.key.to_ascii_lowercase(), value))
    };
    members.iter().filter_map(|member| read(member, report)).collect()
}

fn sent(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> Option<Sent> {
    let present = fields.present(&keys::SENT);
    let (key, value) = match present.as_slice() {
        [one] => *one,
        // A GET or DELETE has no body.
        [] if fields.get("http_method").is_some() => return Some(Sent::Nothing),
        [] => {
            let help = format!("write one of `{}`", keys::SENT.join("`, `"));
            report.error("missing_key", &fields.object.opening(), "it is not said what is sent", help);
            return None;
        }
        [(first, _), (second, value), ..] => {
            let message = format!("`{second}` beside `{first}`");
            report.error("misplaced", &value.opening(), message, "keep one of the two: a message is one thing");
            return None;
        }
    };
    let fits = |part: &str| match part {
        "arguments" => ["tool", "prompt"].contains(&key),
        _ => ["tool", "resource", "prompt", "method"].contains(&key),
    };
    for (part, value) in fields.present(&["arguments", "params", "id"]) {
        if !fits(part) {
            let help = format!("a message that is given as `{key}` has no `{part}` beside it");
            report.error("misplaced", &value.opening(), format!("`{part}` beside `{key}`"), help);
        }
    }
    let written = |part: &str| fields.get(part).map(|it| it.source.to_owned());
    let mut params = None;
    if let Some(value) = fields.get("params") {
        for member in value.object(report).unwrap_or_default() {
            if key != "method" && ["name", "uri", "arguments"].contains(&&*member.key) {
                let message = format!("`{}` in `params`, beside `{key}`", member.key);
                report.error(
                    "misplaced",
                    &member.key_mark,
                    message,
                    format!("`{key}` and `arguments` say this; or use `method`"),
                );
            }
        }
        params = Some(value.source.to_owned());
    }
    let call = |method: &str, target: Option<(&'static str, String)>| Sent::Call {
        method: method.to_owned(),
        target,
        arguments: written("arguments"),
        params,
        id: written("id"),
    };
    Some(match key {
        "tool" => call("tools/call", Some(("name", value.string(report)?))),
        "prompt" => call("prompts/get", Some(("name", value.string(report)?))),
        "resource" => call("resources/read", Some(("uri", value.string(report)?))),
        "method" => call(&value.string(report)?, None),
        "message" => Sent::Body(value.source.as_bytes().to_vec()),
        "body" => Sent::Body(value.string(report)?.into_bytes()),
        _ => match STANDARD.decode(value.string(report)?) {
            Ok(bytes) => Sent::Body(bytes),
            Err(error) => {
                value.invalid(format!("this is not base64: {error}"), "write `body` for plain text", report);
                return None;
            }
        },
    })
}

fn response(value: &Value<'_>, report: &mut Report<'_>) -> Option<Response> {
    let fields = Fields::open(value, &keys::RESPONSE, report)?;
    let status = fields.get("status").and_then(|it| it.whole(100..=999, report)).and_then(|it| u16::try_from(it).ok());
    let headers = fields.get("headers").map(|it| headers(it, report)).unwrap_or_default();
    let present = fields.present(&["result", "error", "body", "sse", "text"]);
    if let [(first, _), (second, value), ..] = present.as_slice() {
        report.error("misplaced", &value.opening(), format!("`{second}` beside `{first}`"), "a response has one body");
    }
    let content = match present.first() {
        None => Content::Ordinary,
        Some(("result", value)) => Content::Answer("result", value.source.to_owned()),
        Some(("error", value)) => Content::Answer("error", value.source.to_owned()),
        Some(("body", value)) => Content::Json(value.source.to_owned()),
        Some(("text", value)) => Content::Text(value.string(report)?),
        Some((_, value)) => Content::Events(value.list(report)?.iter().map(|it| it.source.to_owned()).collect()),
    };
    Some(Response { status, headers, content })
}

/// Help for a name that is none of these.
pub(super) fn help_for(text: &str, names: &[&str]) -> String {
    if names.is_empty() { "the policy has none".to_owned() } else { nearest_or_all(text, names) }
}
