//! The document as values that know where they stand, and the reading of one value at a time. Faults are reported and
//! the reading goes on, so that one run shows every independent error.

use std::borrow::Cow;
use std::fmt::Display;

use super::diagnostic::{position, suggestion};
use super::keys::{self, Keys};
use super::lint::LintAllowance;
use super::{Diagnostic, Severity};
use crate::json::{self, Decimal, Fault, Limits, Span};

/// The largest integer that every JSON reader understands exactly (RFC 8259 section 6).
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The deepest nesting of a document. A policy needs ten levels.
const DEPTH: usize = 32;

/// What to do about a fault of the JSON, where the usual slip can be recognised.
fn syntax_help(text: &[u8], error: &json::Error) -> &'static str {
    let before = text.get(..error.offset).unwrap_or_default().trim_ascii_end().last();
    match (error.fault, before, text.get(error.offset)) {
        (Fault::DuplicateKey, ..) => "keep one of the two: readers of JSON disagree on which one counts",
        (Fault::Empty, ..) => "an empty policy allows nothing; write at least `version`, `name`, `servers` and `rules`",
        (Fault::ByteOrderMark, ..) => "save the file as UTF-8 without a byte order mark",
        (Fault::UnexpectedEnd, ..) => "a closing `}`, `]` or `\"` is missing",
        (Fault::UnexpectedByte, _, Some(b'\'')) => "JSON strings stand in double quotes",
        (Fault::UnexpectedByte | Fault::TrailingBytes, _, Some(b'/' | b'#')) => "JSON has no comments",
        (Fault::UnexpectedByte, Some(b','), Some(b'}' | b']')) => "take out the comma before it",
        (Fault::UnexpectedByte, Some(b'"' | b'}' | b']' | b'e' | b'l' | b'0'..=b'9'), Some(b'"' | b'{' | b'[')) => {
            "a comma or a colon is missing before it"
        }
        (Fault::NotUtf8, ..) => "save the file as UTF-8",
        (Fault::Nul | Fault::ControlCharacter, ..) => "take it out; a line break in a string is written \\n, a tab \\t",
        (Fault::BadEscape | Fault::LoneSurrogate, ..) => "write the character itself; a backslash is written \\\\",
        (Fault::BadNumber | Fault::NumberTooLong, ..) => "write it as in 60 or 0.5",
        (Fault::TooDeep, ..) => "a policy needs ten levels; look for a bracket that is not closed",
        (Fault::TooManyKeys | Fault::TooLong, ..) => "make the policy smaller",
        (Fault::TrailingBytes, ..) => "a policy is one JSON value; take out what comes after it",
        _ => "a value, a key in double quotes or a closing bracket belongs here",
    }
}

/// A value of the document.
pub(super) struct Value<'a> {
    pub(super) pointer: String,
    pub(super) span: Span,
    pub(super) kind: Kind<'a>,
}

pub(super) enum Kind<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Vec<Member<'a>>),
}

pub(super) struct Member<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) key_span: Span,
    pub(super) value: Value<'a>,
}

/// Collects what is found in one document.
pub(super) struct Report<'a> {
    source: &'a [u8],
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    /// What `lint.allow` says.
    pub(super) allowances: Vec<LintAllowance>,
}

impl<'a> Report<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self { source, errors: Vec::new(), warnings: Vec::new(), allowances: Vec::new() }
    }

    /// The value as it is written.
    pub(super) fn text(&self, value: &Value<'_>) -> &'a [u8] {
        self.source.get(value.span.start..value.span.end).unwrap_or_default()
    }

    fn diagnostic(&self, severity: Severity, code: &'static str, at: (&str, Span), message: String) -> Diagnostic {
        let (line, column) = position(self.source, at.1.start);
        Diagnostic { severity, code, pointer: at.0.to_owned(), span: at.1, line, column, message, help: None }
    }

    pub(super) fn error_at(
        &mut self,
        code: &'static str,
        at: (&str, Span),
        message: impl Display,
        help: Option<String>,
    ) {
        let diagnostic = self.diagnostic(Severity::Error, code, at, message.to_string());
        self.errors.push(Diagnostic { help, ..diagnostic });
    }

    pub(super) fn error(&mut self, code: &'static str, value: &Value<'_>, message: impl Display, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.error_at(code, (&value.pointer, value.mark()), message, help);
    }

    pub(super) fn warn(&mut self, code: &'static str, value: &Value<'_>, message: impl Display, help: &str) {
        self.warn_at(code, (value.pointer.as_str(), value.mark()), message, help);
    }

    pub(super) fn warn_at(&mut self, code: &'static str, at: (&str, Span), message: impl Display, help: &str) {
        let diagnostic = self.diagnostic(Severity::Warning, code, at, message.to_string());
        self.warnings.push(Diagnostic { help: Some(help.to_owned()), ..diagnostic });
    }
}

/// Help that names the nearest of several words, or else all of them.
pub(super) fn nearest_or_all(text: &str, words: &[&str]) -> String {
    if let Some(word) = suggestion(text, words.iter().copied()) {
        return format!("did you mean `{word}`?");
    }
    format!("use one of `{}`", words.join("`, `"))
}

/// The members of an object that was opened through its table of keys.
pub(super) struct Fields<'v, 'a> {
    pub(super) object: &'v Value<'a>,
    members: &'v [Member<'a>],
    keys: &'static Keys,
}

impl<'v, 'a> Fields<'v, 'a> {
    /// Opens an object, and reports every key that `keys` does not know.
    pub(super) fn open(object: &'v Value<'a>, keys: &'static Keys, report: &mut Report<'_>) -> Option<Self> {
        let Kind::Object(members) = &object.kind else {
            object.wrong_type("an object", report);
            return None;
        };
        for member in members {
            let key = &*member.key;
            if keys.known.contains(&key) {
                continue;
            }
            let at = (member.value.pointer.as_str(), member.key_span);
            if keys.later.contains(&key) {
                let message = format!("`{key}` is not supported by this version of Tidegate");
                let help = "take it out: a policy never runs with a part of it ignored";
                report.error_at("not_yet", at, message, Some(help.to_owned()));
                continue;
            }
            let elsewhere = || {
                let home = keys::ALL.iter().find(|home| home.known.contains(&key) || home.later.contains(&key))?;
                Some(format!("`{key}` is a key of `{}`, not of `{}`", home.name, keys.name))
            };
            let near = suggestion(key, keys.known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let help = near
                .or_else(elsewhere)
                .unwrap_or_else(|| format!("the keys of `{}` are `{}`", keys.name, keys.known.join("`, `")));
            report.error_at("unknown_key", at, format!("unknown key `{key}`"), Some(help));
        }
        Some(Self { object, members, keys })
    }

    #[inline(never)]
    pub(super) fn get(&self, key: &str) -> Option<&'v Value<'a>> {
        debug_assert!(self.keys.known.contains(&key), "{key} is missing from the table of {}", self.keys.name);
        self.members.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The value of a key that must be there; its absence is reported at the object.
    pub(super) fn required(&self, key: &str, report: &mut Report<'_>) -> Option<&'v Value<'a>> {
        let value = self.get(key);
        if value.is_none() {
            let help =
                format!("add \"{key}\": …; the keys of `{}` are described in policy.schema.json", self.keys.name);
            self.missing(&format!("this object needs the key `{key}`"), &help, report);
        }
        value
    }

    /// Reports that something is not in the object.
    pub(super) fn missing(&self, message: &str, help: &str, report: &mut Report<'_>) {
        report.error("missing_key", self.object, message, help);
    }
}

impl<'a> Value<'a> {
    /// Reads a whole document; a document that is not strict JSON is reported and gives nothing.
    pub(super) fn read(text: &'a [u8], report: &mut Report<'_>) -> Option<Self> {
        if let Err(error) = json::check(text, Limits { depth: DEPTH, ..Limits::default() }, &mut ()) {
            let end = text.len().min(error.offset.saturating_add(1));
            let code = if error.fault == Fault::DuplicateKey { "duplicate_key" } else { "syntax" };
            let help = syntax_help(text, &error).to_owned();
            report.error_at(code, ("", Span { start: error.offset, end }), error.fault, Some(help));
            return None;
        }
        let span = json::locate(text, "")?;
        Some(Self::at(text, span, String::new()))
    }

    /// The value at `span` of a document that was accepted; it nests at most [`DEPTH`] deep.
    fn at(text: &'a [u8], span: Span, pointer: String) -> Self {
        let bytes = span.of(text);
        let kind = match bytes.first() {
            Some(b'{') => Kind::Object(
                json::members(text, span)
                    .map(|member| {
                        let key = json::decode(member.key.of(text));
                        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                        Member { key, key_span: member.key, value: Self::at(text, member.value, pointer) }
                    })
                    .collect(),
            ),
            Some(b'[') => {
                let elements = json::elements(text, span).enumerate();
                Kind::List(elements.map(|(at, span)| Self::at(text, span, format!("{pointer}/{at}"))).collect())
            }
            Some(b'"') => Kind::Text(json::decode(bytes)),
            Some(b't' | b'f') => Kind::Bool(bytes == b"true"),
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number(std::str::from_utf8(bytes).unwrap_or_default()),
        };
        Self { pointer, span, kind }
    }

    /// What the value is, for messages.
    fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
        }
    }

    /// The bytes to mark. Of what holds other values only the opening bracket, since the rest may be long.
    fn mark(&self) -> Span {
        match &self.kind {
            Kind::List(list) if !list.is_empty() => Span { end: self.span.start + 1, ..self.span },
            Kind::Object(members) if !members.is_empty() => Span { end: self.span.start + 1, ..self.span },
            _ => self.span,
        }
    }

    /// An element of a list.
    pub(super) fn element(&self, at: usize) -> Option<&Value<'a>> {
        let Kind::List(list) = &self.kind else { return None };
        list.get(at)
    }

    /// A member of an object that has been opened through its table before.
    #[inline(never)]
    pub(super) fn member(&self, key: &str) -> Option<&Value<'a>> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The value at a JSON pointer (RFC 6901) below this one.
    pub(super) fn below(&self, pointer: &str) -> Option<&Value<'a>> {
        let steps = pointer.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/'));
        steps.map(|step| step.replace("~1", "/").replace("~0", "~")).try_fold(self, |value, step| match &value.kind {
            Kind::Object(_) => value.member(&step),
            _ => value.element(step.parse().ok()?),
        })
    }

    pub(super) fn wrong_type(&self, expected: &str, report: &mut Report<'_>) {
        let help = match (&self.kind, expected.split_ascii_whitespace().nth(1)) {
            (Kind::Null, _) => "leave the key out to have its default",
            (Kind::Text(_), Some("number" | "or")) => "write it without quotes",
            (Kind::Number(_) | Kind::Bool(_), Some("string")) => "write it in double quotes",
            (_, Some("string")) => "a string stands in double quotes",
            (_, Some("number")) => "write digits alone, as in 60",
            (_, Some("or")) => "write true or false, without quotes",
            (_, Some("list")) => "write it in brackets, with commas between the elements: […]",
            _ => "write it in braces, with a key before each value: { \"key\": … }",
        };
        report.error("wrong_type", self, format!("expected {expected}, found {}", self.kind_name()), help);
    }

    /// The text of a string that is not empty.
    pub(super) fn text(&self, report: &mut Report<'_>) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) if text.is_empty() => {
                report.error("empty", self, "an empty string", "write the text");
                None
            }
            Kind::Text(text) => Some(text),
            _ => {
                self.wrong_type("a string", report);
                None
            }
        }
    }

    pub(super) fn flag(&self, report: &mut Report<'_>) -> Option<bool> {
        if let Kind::Bool(flag) = self.kind {
            return Some(flag);
        }
        self.wrong_type("true or false", report);
        None
    }

    /// A whole number within bounds; `60.0` and `6e1` are the whole number 60, as YAML and protobuf write it.
    pub(super) fn whole(&self, bounds: std::ops::RangeInclusive<u64>, report: &mut Report<'_>) -> Option<u64> {
        let Kind::Number(text) = self.kind else {
            self.wrong_type("a number", report);
            return None;
        };
        let whole = Decimal::read(text.as_bytes()).and_then(Decimal::to_count);
        let within = whole.filter(|number| *number <= MAX_SAFE_INTEGER && bounds.contains(number));
        if within.is_none() {
            let (low, high) = bounds.into_inner();
            let help = format!("write {low}, {high} or a whole number between them");
            report.error("invalid_value", self, format!("expected a whole number from {low} to {high}"), &help);
        }
        within
    }

    /// The elements of a list that is not empty.
    pub(super) fn list(&self, report: &mut Report<'_>) -> Option<&[Value<'a>]> {
        match &self.kind {
            Kind::List(list) if list.is_empty() => {
                report.error("empty", self, "an empty list", "name at least one");
                None
            }
            Kind::List(list) => Some(list),
            Kind::Text(text) => {
                let help = format!("write [\"{text}\"]");
                report.error("wrong_type", self, "expected a list, found a string", &help);
                None
            }
            _ => {
                self.wrong_type("a list", report);
                None
            }
        }
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)], report: &mut Report<'_>) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let at = self.one_of(&names, report)?;
        words.get(at).map(|(_, value)| *value)
    }

    fn one_of(&self, words: &[&str], report: &mut Report<'_>) -> Option<usize> {
        let text = self.text(report)?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let message = format!("`{text}` is not a value of this key");
            report.error("invalid_value", self, message, &nearest_or_all(text, words));
        }
        found
    }
}
