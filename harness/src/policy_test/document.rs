//! A test file as values that know where they stand. Faults are collected, so that one run shows every one of them.

use std::borrow::Cow;
use std::fmt::Display;

use tidegate_filter::json::{self, Fault, Limits, Span};
use tidegate_filter::policy::{Diagnostic, Severity};

/// The deepest nesting of a test file. Responses in it may nest as deep as the filter's own default allows.
const DEPTH: usize = 80;

/// Where something stands in a test file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// The bytes that are meant.
    pub span: Span,
}

/// A value of the document.
#[derive(Debug)]
pub(super) struct Value<'a> {
    pub(super) mark: Mark,
    /// The value as it is written.
    pub(super) source: &'a str,
    pub(super) kind: Kind<'a>,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Null,
    Bool,
    Number,
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Vec<Member<'a>>),
}

#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) key_mark: Mark,
    pub(super) value: Value<'a>,
}

/// The keys of one kind of object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// What messages call the object; also its name in the schema's `$defs`.
    pub(super) name: &'static str,
    pub(super) known: &'static [&'static str],
}

/// Collects what is wrong with one document.
#[derive(Debug)]
pub(super) struct Report<'a> {
    source: &'a [u8],
    pub(super) errors: Vec<Diagnostic>,
}

/// The line and the column, both from 1, of a byte offset; the column counts characters.
pub fn position(source: &[u8], offset: usize) -> (usize, usize) {
    let before = source.get(..offset.min(source.len())).unwrap_or_default();
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    (line, 1 + String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count())
}

/// The word that `text` was probably meant to be.
pub(super) fn nearest<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let folded = text.to_ascii_lowercase().replace('-', "_");
    let near = folded.chars().count().div_ceil(3);
    let distances = words.into_iter().map(|word| (strsim::osa_distance(&folded, &word.to_ascii_lowercase()), word));
    distances.filter(|(distance, _)| *distance <= near).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Help that names the nearest of several words, or else all of them.
pub(super) fn nearest_or_all(text: &str, words: &[&str]) -> String {
    match nearest(text, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("use one of `{}`", words.join("`, `")),
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self { source, errors: Vec::new() }
    }

    pub(super) fn error(&mut self, code: &'static str, at: &Mark, message: impl Display, help: impl Into<String>) {
        let (line, column) = position(self.source, at.span.start);
        let help = Some(help.into()).filter(|it| !it.is_empty());
        let (pointer, span, message) = (at.pointer.clone(), at.span, message.to_string());
        self.errors.push(Diagnostic { severity: Severity::Error, code, pointer, span, line, column, message, help });
    }
}

/// The members of an object whose keys are all known.
#[derive(Debug)]
pub(super) struct Fields<'v, 'a> {
    pub(super) object: &'v Value<'a>,
    members: &'v [Member<'a>],
}

impl<'v, 'a> Fields<'v, 'a> {
    /// Opens an object, and reports every key that `keys` does not know.
    pub(super) fn open(object: &'v Value<'a>, keys: &Keys, report: &mut Report<'_>) -> Option<Self> {
        let members = object.object(report)?;
        for member in members.iter().filter(|member| !keys.known.contains(&&*member.key)) {
            let near = nearest(&member.key, keys.known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("the keys of {} are `{}`", keys.name, keys.known.join("`, `")));
            report.error("unknown_key", &member.key_mark, format!("unknown key `{}`", member.key), help);
        }
        Some(Self { object, members })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'v Value<'a>> {
        self.members.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// Those of these keys that are there, with their values.
    pub(super) fn present<'k>(&self, keys: &[&'k str]) -> Vec<(&'k str, &'v Value<'a>)> {
        keys.iter().filter_map(|key| Some((*key, self.get(key)?))).collect()
    }
}

impl<'a> Value<'a> {
    /// Reads a whole document; what is not strict JSON is reported and gives nothing.
    pub(super) fn read(text: &'a [u8], report: &mut Report<'_>) -> Option<Self> {
        if let Err(error) = json::check(text, Limits { depth: DEPTH, ..Limits::default() }, &mut ()) {
            let end = text.len().min(error.offset.saturating_add(1));
            let at = Mark { pointer: String::new(), span: Span { start: error.offset, end } };
            let (code, help) = match error.fault {
                Fault::DuplicateKey => {
                    ("duplicate_key", "keep one of the two; a malformed message is written as `body`")
                }
                Fault::Empty => ("syntax", "write at least {\"tests\": [{\"name\": …, \"tool\": …, \"expect\": {…}}]}"),
                Fault::UnexpectedEnd => ("syntax", "a closing `}`, `]` or `\"` is missing"),
                _ => ("syntax", "a test file is strict JSON: no comments, no trailing commas, double quotes"),
            };
            report.error(code, &at, format!("{} at byte {}", error.fault, error.offset), help);
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        Some(Self::at(text, json::locate(text.as_bytes(), "")?, String::new()))
    }

    /// The value at `span` of a document that was accepted; it nests at most [`DEPTH`] deep.
    fn at(text: &'a str, span: Span, pointer: String) -> Self {
        let bytes = text.as_bytes();
        let source = text.get(span.start..span.end).unwrap_or_default();
        let kind = match source.as_bytes().first() {
            Some(b'{') => Kind::Object(
                json::members(bytes, span)
                    .map(|member| {
                        let key = json::decode(member.key.of(bytes));
                        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                        let key_mark = Mark { pointer: pointer.clone(), span: member.key };
                        Member { key, key_mark, value: Self::at(text, member.value, pointer) }
                    })
                    .collect(),
            ),
            Some(b'[') => {
                let elements = json::elements(bytes, span).enumerate();
                Kind::List(elements.map(|(at, span)| Self::at(text, span, format!("{pointer}/{at}"))).collect())
            }
            Some(b'"') => Kind::Text(json::decode(source.as_bytes())),
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        };
        Self { mark: Mark { pointer, span }, source, kind }
    }

    /// The place to mark. Of what holds other values only the opening bracket, since the rest may be long.
    pub(super) fn opening(&self) -> Mark {
        let end = match &self.kind {
            Kind::List(list) if !list.is_empty() => self.mark.span.start + 1,
            Kind::Object(members) if !members.is_empty() => self.mark.span.start + 1,
            _ => self.mark.span.end,
        };
        Mark { pointer: self.mark.pointer.clone(), span: Span { end, ..self.mark.span } }
    }

    pub(super) fn wrong_type(&self, expected: &str, report: &mut Report<'_>) {
        let found = match self.kind {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::Text(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
        };
        report.error("wrong_type", &self.opening(), format!("expected {expected}, found {found}"), "");
    }

    pub(super) fn invalid(&self, message: impl Display, help: impl Into<String>, report: &mut Report<'_>) {
        report.error("invalid_value", &self.opening(), message, help);
    }

    pub(super) fn object(&self, report: &mut Report<'_>) -> Option<&[Member<'a>]> {
        if let Kind::Object(members) = &self.kind {
            return Some(members);
        }
        self.wrong_type("an object", report);
        None
    }

    pub(super) fn list(&self, report: &mut Report<'_>) -> Option<&[Self]> {
        if let Kind::List(list) = &self.kind {
            return Some(list);
        }
        self.wrong_type("a list", report);
        None
    }

    /// A string, also an empty one.
    pub(super) fn string(&self, report: &mut Report<'_>) -> Option<String> {
        if let Kind::Text(text) = &self.kind {
            return Some(text.clone().into_owned());
        }
        self.wrong_type("a string", report);
        None
    }

    /// A string that is not empty.
    pub(super) fn text(&self, report: &mut Report<'_>) -> Option<String> {
        let text = self.string(report)?;
        if text.is_empty() {
            report.error("empty", &self.mark, "an empty string", "write the text, or leave the key out");
            return None;
        }
        Some(text)
    }

    pub(super) fn texts(&self, report: &mut Report<'_>) -> Option<Vec<String>> {
        Some(self.list(report)?.iter().filter_map(|it| it.string(report)).collect())
    }

    pub(super) fn whole(&self, bounds: std::ops::RangeInclusive<u64>, report: &mut Report<'_>) -> Option<u64> {
        let number = self.source.parse().ok().filter(|it| bounds.contains(it));
        if number.is_none() {
            let (low, high) = bounds.into_inner();
            self.invalid(format!("expected a whole number from {low} to {high}"), "", report);
        }
        number
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)], report: &mut Report<'_>) -> Option<T> {
        let text = self.text(report)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.invalid(format!("`{text}` is not a value of this key"), nearest_or_all(&text, &names), report);
        }
        found
    }

    /// The value as a tree.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.source).unwrap_or_default()
    }
}
