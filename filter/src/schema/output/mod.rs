//! What a tool's `outputSchema` demands of the strings of its results (MCP 2025-06-18 and later, tools).
//!
//! A client validates `structuredContent` against it, so what stands in the place of a secret has to hold wherever the
//! secret did. Nothing is judged here: the schema is a server's, it may say what no validator of ours understands, and
//! all that is asked of it is which keywords apply to a string at a place, and whether another string fares alike.
//! Whoever fares alike under each keyword fares alike under every combination of them (`allOf`, `oneOf`, `not`, `if`),
//! so all branches count.

mod compile;
mod sample;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::format::Format;
use super::regex::Regex;
use super::work::Work;

/// Most schemas that lead to constraints, in one `outputSchema`; what is beyond does not count.
const NODES: usize = 256;
/// Most keywords about strings in one `outputSchema`; the same.
const CHECKS: usize = 64;
/// Words of a set of nodes.
const WORDS: usize = NODES / 64;

/// The constraints of one `outputSchema` on strings.
#[derive(Debug)]
pub struct OutputSchema {
    nodes: Vec<Node>,
}

/// Place of a schema among those of one `outputSchema`.
type NodeId = u8;

/// One schema: what it says of a string, and where it leads. What leads nowhere is left out.
#[derive(Debug, Default)]
struct Node {
    checks: Vec<Check>,
    /// All of those that are named if there is a `rest`, else those that lead somewhere.
    properties: Vec<(Box<str>, Option<NodeId>)>,
    /// `patternProperties`; a pattern that cannot be read could match any key.
    patterns: Vec<(Option<Regex>, NodeId)>,
    /// `additionalProperties`, `unevaluatedProperties`
    rest: Vec<NodeId>,
    prefix: Vec<Option<NodeId>>,
    items: Vec<NodeId>,
    /// Schemas of the same value.
    same: Vec<NodeId>,
    required: Vec<Box<str>>,
    /// Other keywords count or require members.
    keeps_all: bool,
}

/// A keyword about strings.
#[derive(Debug)]
enum Check {
    Pattern {
        /// None if it is in no dialect that is understood.
        regex: Option<Regex>,
        text: Box<str>,
        /// A text that it describes.
        sample: Option<Box<str>>,
    },
    Format(Format),
    /// A format, or an encoding, that is kept by what keeps the kinds of characters.
    Kinds,
    Least(usize),
    Most(usize),
    /// `enum`, `const`: the strings among them.
    Values(Vec<Box<str>>),
}

/// The keywords that apply to the string at one place.
#[derive(Debug)]
pub(crate) struct Constraint<'s> {
    checks: Vec<&'s Check>,
    /// The string is the value of a member that nothing requires.
    pub(crate) is_optional: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
struct Set([u64; WORDS]);

impl Set {
    /// True if it is new.
    fn add(&mut self, node: NodeId) -> bool {
        let Some(word) = self.0.get_mut(usize::from(node) / 64) else { return false };
        let bit = 1 << (node % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn has(&self, node: usize) -> bool {
        self.0.get(node / 64).is_some_and(|word| word & 1 << (node % 64) != 0)
    }
}

impl OutputSchema {
    /// Reads an `outputSchema`: a value in a message that was read strictly. None if it constrains no string.
    pub fn read(text: &[u8]) -> Option<Self> {
        compile::compile(text)
    }

    /// What it takes in memory, in bytes, about.
    pub fn bytes(&self) -> usize {
        let named = |name: &str| name.len() + size_of::<(Box<str>, Option<NodeId>)>();
        let of = |node: &Node| {
            let names = node.properties.iter().map(|(name, _)| named(name)).sum::<usize>();
            let required = node.required.iter().map(|name| named(name)).sum::<usize>();
            let regexes = node.patterns.iter().filter_map(|(regex, _)| regex.as_ref()).map(regex_bytes).sum::<usize>();
            size_of::<Node>() + names + required + regexes + node.checks.iter().map(Check::bytes).sum::<usize>()
        };
        self.nodes.iter().map(of).sum()
    }

    /// What it demands of the string at `pointer`, a JSON pointer into `structuredContent`. None if nothing, or if there
    /// is too much to look at.
    pub(crate) fn constraint(&self, pointer: &str, work: &mut Work) -> Option<Constraint<'_>> {
        let mut set = Set::default();
        self.include(&mut set, 0, work)?;
        let mut is_optional = false;
        for token in pointer.split('/').skip(1) {
            let key = match token.contains('~') {
                true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
                false => Cow::Borrowed(token),
            };
            (set, is_optional) = self.step(&set, &key, work)?;
        }
        let checks: Vec<&Check> = self.members(&set).flat_map(|node| &node.checks).collect();
        (!checks.is_empty()).then_some(Constraint { checks, is_optional })
    }

    fn members<'s>(&'s self, set: &Set) -> impl Iterator<Item = &'s Node> {
        let set = *set;
        self.nodes.iter().enumerate().filter(move |(at, _)| set.has(*at)).map(|(_, node)| node)
    }

    /// Adds a node and all that apply to the same value.
    fn include(&self, set: &mut Set, node: NodeId, work: &mut Work) -> Option<()> {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            work.spend(1).ok()?;
            if set.add(node) {
                open.extend(self.nodes.get(usize::from(node)).map(|node| node.same.as_slice()).unwrap_or_default());
            }
        }
        Some(())
    }

    /// The schemas of what is at `key` of a value of these, and whether it is a member that may be left out. An index
    /// of an array cannot be told from a key, so it is both.
    fn step(&self, set: &Set, key: &str, work: &mut Work) -> Option<(Set, bool)> {
        let (mut next, mut is_optional) = (Set::default(), true);
        let index = key.parse::<usize>().ok();
        for node in self.members(set) {
            work.spend(1 + node.properties.len() / 8 + node.required.len() / 8).ok()?;
            let mut is_known = false;
            if let Some((_, schema)) = node.properties.iter().find(|(name, _)| **name == *key) {
                is_known = true;
                schema.map_or(Some(()), |schema| self.include(&mut next, schema, work))?;
            }
            for (regex, schema) in &node.patterns {
                if regex.as_ref().is_none_or(|regex| regex.matches(key, work).unwrap_or(true)) {
                    is_known = true;
                    self.include(&mut next, *schema, work)?;
                }
            }
            for schema in node.rest.iter().filter(|_| !is_known) {
                self.include(&mut next, *schema, work)?;
            }
            if let Some(index) = index {
                is_optional &= node.prefix.is_empty() && node.items.is_empty();
                if let Some(schema) = node.prefix.get(index) {
                    schema.map_or(Some(()), |schema| self.include(&mut next, schema, work))?;
                }
                for schema in node.items.iter().filter(|_| index >= node.prefix.len()) {
                    self.include(&mut next, *schema, work)?;
                }
            }
            is_optional &= !node.keeps_all && !node.required.iter().any(|name| **name == *key);
        }
        Some((next, is_optional))
    }
}

impl Check {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Pattern { regex, text, sample } => {
                    regex.as_ref().map_or(0, regex_bytes) + text.len() + sample.as_ref().map_or(0, |it| it.len())
                }
                Self::Values(values) => values.iter().map(|value| value.len() + size_of::<Box<str>>()).sum(),
                _ => 0,
            }
    }

    /// Whether two strings fare alike; false if nobody knows.
    fn is_alike(&self, one: &str, other: &str, work: &mut Work) -> bool {
        match self {
            Self::Pattern { regex, .. } => {
                regex.as_ref().is_some_and(|regex| match (regex.matches(one, work), regex.matches(other, work)) {
                    (Ok(one), Ok(other)) => one == other,
                    _ => false,
                })
            }
            Self::Format(format) => format.accepts(one) == format.accepts(other),
            Self::Kinds => true,
            Self::Least(least) => (one.chars().count() < *least) == (other.chars().count() < *least),
            Self::Most(most) => (one.chars().count() > *most) == (other.chars().count() > *most),
            Self::Values(values) => {
                let has = |text: &str| values.iter().any(|value| **value == *text);
                has(one) == has(other)
            }
        }
    }
}

/// About: an instruction is eight bytes, and most patterns have few classes.
fn regex_bytes(regex: &Regex) -> usize {
    regex.len() * 12 + size_of::<Regex>()
}

impl<'s> Constraint<'s> {
    /// Whether the schema itself spells the text out, in `enum` or `const`: then it is no secret.
    pub(crate) fn lists(&self, text: &str) -> bool {
        !text.is_empty()
            && self.checks.iter().any(|check| match check {
                Check::Values(values) => values.iter().any(|value| value.contains(text)),
                _ => false,
            })
    }

    /// Whether any text of `length` ASCII characters may stand where `text` does, or in the place of that part of the
    /// string: only lengths are constrained, and it breaks no bound.
    pub(crate) fn has_room(&self, text: &str, length: usize) -> bool {
        let own = text.chars().count();
        self.checks.iter().all(|check| match check {
            Check::Least(least) => length >= own.min(*least),
            Check::Most(_) => length <= own,
            _ => false,
        })
    }

    /// Whether every keyword holds for both strings or for none. False where that takes too long.
    pub(crate) fn is_alike(&self, one: &str, other: &str, work: &mut Work) -> bool {
        work.read(one.len() + other.len()).is_ok() && self.checks.iter().all(|check| check.is_alike(one, other, work))
    }

    /// Whether there is a pattern that cannot be read.
    pub(crate) fn is_unread(&self) -> bool {
        self.checks.iter().any(|check| matches!(check, Check::Pattern { regex: None, .. }))
    }

    /// Whether a pattern has these letters in its text.
    pub(crate) fn spells(&self, letters: &str) -> bool {
        self.checks.iter().any(|check| matches!(check, Check::Pattern { text, .. } if text.contains(letters)))
    }

    /// Texts of which some may hold, and that the schema alone tells.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &'s str> {
        self.checks.iter().filter_map(|check| match check {
            Check::Pattern { sample, .. } => sample.as_deref(),
            Check::Format(format) => Some(format.blank()),
            _ => None,
        })
    }
}
