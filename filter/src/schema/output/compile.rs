//! From the text of an `outputSchema` to its constraints on strings.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{CHECKS, Check, NODES, Node, NodeId, OutputSchema, sample};
use crate::json::{self, Span};
use crate::regex::parse;
use crate::schema::format::Format;
use crate::schema::regex::Regex;
use crate::schema::vocabulary;

/// Deepest chain of schemas that lead to one another.
const DEPTH: usize = 64;
/// Most instructions of all patterns together; a pattern that is beyond counts as one that cannot be read.
const INSTRUCTIONS: usize = 2048;
/// Largest schema that is read, in bytes.
const SCHEMA: usize = 64 * 1024;
/// Most `$ref`s that are followed: each is looked up in the whole text.
const REFERENCES: usize = 64;
/// Longest pattern, or string of an `enum`, that is kept, in bytes.
const LONGEST: usize = 4096;
/// Shortest `minLength` that counts: no text that stands for a secret is shorter.
const LEAST: usize = 8;

pub(super) fn compile(text: &[u8]) -> Option<OutputSchema> {
    let root = json::locate(text, "").filter(|root| root.len() <= SCHEMA)?;
    let mut compiler = Compiler {
        text,
        nodes: Vec::new(),
        places: BTreeMap::new(),
        targets: BTreeMap::new(),
        checks: 0,
        instructions: 0,
    };
    compiler.schema(root, 0);
    (compiler.checks > 0).then_some(OutputSchema { nodes: compiler.nodes })
}

struct Compiler<'t> {
    text: &'t [u8],
    nodes: Vec<Node>,
    /// What the schema that starts at each offset became; None if it leads nowhere.
    places: BTreeMap<usize, Option<NodeId>>,
    /// Where each `$ref` leads.
    targets: BTreeMap<Cow<'t, str>, Option<Span>>,
    checks: usize,
    instructions: usize,
}

impl<'t> Compiler<'t> {
    fn raw(&self, span: Span) -> &'t [u8] {
        span.of(self.text)
    }

    fn string(&self, span: Span) -> Option<Cow<'t, str>> {
        let raw = self.raw(span);
        raw.starts_with(b"\"").then(|| json::decode(raw))
    }

    fn count(&self, span: Span) -> Option<usize> {
        std::str::from_utf8(self.raw(span)).ok()?.parse().ok()
    }

    /// Compiles the schema at `span`, unless it leads nowhere, or there are too many.
    fn schema(&mut self, span: Span, depth: usize) -> Option<NodeId> {
        if let Some(known) = self.places.get(&span.start) {
            return *known;
        }
        if !self.raw(span).starts_with(b"{") || depth > DEPTH || self.nodes.len() >= NODES {
            return None;
        }
        let id = NodeId::try_from(self.nodes.len()).ok()?;
        self.nodes.push(Node::default());
        self.places.insert(span.start, Some(id));
        let mut node = Node::default();
        let (mut rest, mut names) = (Vec::new(), Vec::new());
        for member in json::members(self.text, span) {
            let (keyword, value) = (json::decode(self.raw(member.key)), member.value);
            match &*keyword {
                "properties" => {
                    for member in json::members(self.text, value) {
                        let name: Box<str> = json::decode(self.raw(member.key)).into();
                        names.push((name, self.schema(member.value, depth + 1)));
                    }
                }
                "patternProperties" => {
                    for member in json::members(self.text, value) {
                        if let Some(schema) = self.schema(member.value, depth + 1) {
                            let regex = self.regex(&json::decode(self.raw(member.key)));
                            node.patterns.push((regex, schema));
                        }
                    }
                }
                "additionalProperties" | "unevaluatedProperties" => rest.extend(self.schema(value, depth + 1)),
                "prefixItems" => self.prefix(&mut node, value, depth),
                // Before 2020-12, `items` could list the first ones, and `additionalItems` was about the others.
                "items" if self.raw(value).starts_with(b"[") => self.prefix(&mut node, value, depth),
                "items" | "additionalItems" | "unevaluatedItems" | "contains" => {
                    node.items.extend(self.schema(value, depth + 1));
                }
                "allOf" | "anyOf" | "oneOf" => {
                    for branch in json::elements(self.text, value) {
                        self.same(&mut node, branch, depth);
                    }
                }
                "not" | "if" | "then" | "else" => self.same(&mut node, value, depth),
                "dependentSchemas" => {
                    node.keeps_all = true;
                    for member in json::members(self.text, value) {
                        self.same(&mut node, member.value, depth);
                    }
                }
                "$ref" => {
                    if let Some(target) = self.target(value) {
                        self.same(&mut node, target, depth);
                    }
                }
                "required" => node.required.extend(self.names(value)),
                "minProperties" | "dependentRequired" | "dependencies" => node.keeps_all = true,
                _ => {
                    if self.checks < CHECKS
                        && let Some(check) = self.check(&keyword, value)
                    {
                        self.checks += 1;
                        node.checks.push(check);
                    }
                }
            }
        }
        // Keys that are named are not of the rest, wherever they lead.
        node.properties = names.into_iter().filter(|(_, schema)| schema.is_some() || !rest.is_empty()).collect();
        node.rest = rest;
        let leads_nowhere = node.checks.is_empty()
            && node.properties.iter().all(|(_, schema)| schema.is_none())
            && node.prefix.iter().all(Option::is_none)
            && [&node.rest, &node.items, &node.same].iter().all(|list| list.is_empty())
            && node.patterns.is_empty();
        if leads_nowhere && id != 0 {
            // Nothing that came after it stayed, or it would lead there.
            if self.nodes.len() == usize::from(id) + 1 {
                self.nodes.pop();
            }
            self.places.insert(span.start, None);
            return None;
        }
        if let Some(slot) = self.nodes.get_mut(usize::from(id)) {
            *slot = node;
        }
        Some(id)
    }

    /// A schema of the same value; what it requires counts even if it leads nowhere.
    fn same(&mut self, node: &mut Node, span: Span, depth: usize) {
        match self.schema(span, depth + 1) {
            Some(schema) => node.same.push(schema),
            None => {
                let keyword = |name: &str| {
                    let mut members = json::members(self.text, span);
                    members.find(|member| json::decode(self.raw(member.key)) == name).map(|member| member.value)
                };
                node.keeps_all |= keyword("minProperties").is_some() || keyword("dependentRequired").is_some();
                node.required.extend(keyword("required").map(|span| self.names(span)).unwrap_or_default());
            }
        }
    }

    fn prefix(&mut self, node: &mut Node, list: Span, depth: usize) {
        for schema in json::elements(self.text, list) {
            let schema = self.schema(schema, depth + 1);
            node.prefix.push(schema);
        }
    }

    fn names(&self, list: Span) -> Vec<Box<str>> {
        json::elements(self.text, list).filter_map(|name| Some(self.string(name)?.into())).collect()
    }

    /// Where a `$ref` into the schema itself leads.
    fn target(&mut self, value: Span) -> Option<Span> {
        let text = self.string(value)?;
        if let Some(known) = self.targets.get(&text) {
            return *known;
        }
        if self.targets.len() >= REFERENCES {
            return None;
        }
        let pointer = vocabulary::percent_decoded(text.strip_prefix('#')?)?;
        let target = json::locate(self.text, &pointer);
        self.targets.insert(text, target);
        target
    }

    fn regex(&mut self, pattern: &str) -> Option<Regex> {
        let regex = Regex::new(pattern).ok()?;
        self.instructions += regex.len();
        (self.instructions <= INSTRUCTIONS).then_some(regex)
    }

    fn check(&mut self, keyword: &str, value: Span) -> Option<Check> {
        Some(match keyword {
            "pattern" => {
                let text = self.string(value).filter(|text| text.len() <= LONGEST)?;
                let regex = self.regex(&text);
                let sample = parse(&text).ok().and_then(|part| sample::of(&part)).map(Into::into);
                Check::Pattern { regex, text: text.into(), sample }
            }
            "format" => {
                let name = self.string(value)?;
                match Format::by_name(&name) {
                    Some(format) => Check::Format(format),
                    None if KINDS.contains(&&*name) => Check::Kinds,
                    // No validator asserts what it does not know.
                    None => return None,
                }
            }
            "contentEncoding" => Check::Kinds,
            "minLength" => Check::Least(self.count(value).filter(|least| *least > LEAST)?),
            "maxLength" => Check::Most(self.count(value)?),
            "const" => Check::Values(self.values([value].into_iter())?),
            "enum" => Check::Values(self.values(json::elements(self.text, value))?),
            _ => return None,
        })
    }

    /// The strings among the values of an `enum`. None if there are none.
    fn values(&self, values: impl Iterator<Item = Span>) -> Option<Vec<Box<str>>> {
        let mut room = LONGEST;
        let mut texts: Vec<Box<str>> = Vec::new();
        for text in values.filter_map(|value| self.string(value)) {
            room = room.saturating_sub(text.len());
            if room == 0 {
                break;
            }
            texts.push(text.into());
        }
        (!texts.is_empty()).then_some(texts)
    }
}

/// Formats that are not checked here, and that other validators may assert.
const KINDS: &[&str] = &[
    "base64",
    "base64url",
    "byte",
    "date",
    "duration",
    "hostname",
    "idn-email",
    "idn-hostname",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri-reference",
    "uri-template",
];
