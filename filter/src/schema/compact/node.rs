//! The compiled form of a schema.

use crate::json::Span;
use crate::schema::facts::{FactPath, Source};
use crate::schema::format::Format;
use crate::schema::regex::Regex;
use crate::schema::value::Type;

/// Index of a node in the compiled schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(pub(super) u32);

/// One schema.
#[derive(Debug)]
pub(super) enum Node {
    /// `true` and `false`
    Boolean(bool),
    /// All of these must hold.
    Checks(Vec<Check>),
}

/// What one keyword, or a group of keywords that work together, demands. Spans are in the text of the schema.
#[derive(Debug)]
pub(super) enum Check {
    Type(Types),
    Const(Span),
    Enum(Vec<Span>),
    Equals(FactPath),
    In(Source),
    Object(Box<ObjectRules>),
    Array(Box<ArrayRules>),
    Number(Vec<(NumberRule, Span)>),
    String(StringRules),
    Ref(NodeId),
    AllOf(Vec<NodeId>),
    AnyOf(Vec<NodeId>),
    OneOf(Vec<NodeId>),
    Not(NodeId),
    If { condition: NodeId, then: Option<NodeId>, otherwise: Option<NodeId> },
}

/// A set of JSON Schema types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const NAMES: [&'static str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

    /// Adds a type by name. `None` if there is no such type, `Some(false)` if it is there already.
    pub(super) fn add(&mut self, name: &str) -> Option<bool> {
        let bit = 1 << Self::NAMES.iter().position(|known| *known == name)?;
        let new = self.0 & bit == 0;
        self.0 |= bit;
        Some(new)
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name)
    }

    pub(super) fn has(self, kind: Type) -> bool {
        let bit = match kind {
            Type::Null => 0,
            Type::Boolean => 1,
            Type::Number => 3,
            Type::String => 4,
            Type::Array => 5,
            Type::Object => 6,
        };
        self.0 & (1 << bit) != 0
    }

    /// True if integers are allowed, and other numbers may not be.
    pub(super) fn has_integer(self) -> bool {
        self.0 & (1 << 2) != 0
    }
}

/// The keywords about objects.
#[derive(Debug, Default)]
pub(super) struct ObjectRules {
    /// Every key that is named, sorted.
    pub(super) known: Vec<Known>,
    /// The folded forms of the named keys, sorted, each with its place in `known`.
    pub(super) folded: Vec<(String, usize)>,
    pub(super) patterns: Vec<(Regex, NodeId)>,
    pub(super) additional: Option<NodeId>,
    pub(super) names: Option<NodeId>,
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

/// A key that a schema names.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: Box<str>,
    pub(super) property: Option<NodeId>,
    pub(super) required: bool,
    /// Places in [`ObjectRules::known`] of the keys that must be there if this one is.
    pub(super) brings: Vec<usize>,
    pub(super) dependent: Option<NodeId>,
}

/// The keywords about arrays.
#[derive(Debug, Default)]
pub(super) struct ArrayRules {
    pub(super) prefix: Vec<NodeId>,
    pub(super) items: Option<NodeId>,
    pub(super) contains: Option<Contains>,
    pub(super) least: u64,
    pub(super) most: Option<u64>,
    pub(super) unique: bool,
}

#[derive(Debug)]
pub(super) struct Contains {
    pub(super) node: NodeId,
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberRule {
    Minimum,
    ExclusiveMinimum,
    Maximum,
    ExclusiveMaximum,
    MultipleOf,
}

impl NumberRule {
    pub(super) const ALL: [Self; 5] =
        [Self::Minimum, Self::ExclusiveMinimum, Self::Maximum, Self::ExclusiveMaximum, Self::MultipleOf];

    pub(super) fn keyword(self) -> &'static str {
        match self {
            Self::Minimum => "minimum",
            Self::ExclusiveMinimum => "exclusiveMinimum",
            Self::Maximum => "maximum",
            Self::ExclusiveMaximum => "exclusiveMaximum",
            Self::MultipleOf => "multipleOf",
        }
    }
}

/// The keywords about strings.
#[derive(Debug, Default)]
pub(super) struct StringRules {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
    /// The pattern and where it is written.
    pub(super) pattern: Option<(Regex, Span)>,
    pub(super) format: Option<Format>,
}

impl Node {
    /// The schemas that are applied to the same instance.
    pub(super) fn in_place(&self) -> Vec<NodeId> {
        let Self::Checks(checks) = self else { return Vec::new() };
        let mut nodes = Vec::new();
        for check in checks {
            match check {
                Check::Ref(node) | Check::Not(node) => nodes.push(*node),
                Check::AllOf(list) | Check::AnyOf(list) | Check::OneOf(list) => nodes.extend(list),
                Check::If { condition, then, otherwise } => {
                    nodes.push(*condition);
                    nodes.extend(then);
                    nodes.extend(otherwise);
                }
                Check::Object(rules) => nodes.extend(rules.known.iter().filter_map(|it| it.dependent)),
                _ => {}
            }
        }
        nodes
    }
}
