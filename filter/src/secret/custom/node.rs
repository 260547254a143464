//! A pattern as this module works with it: no quotes, cases folded, groups dissolved.

use super::fault::{Fault, Mistake};
use crate::regex::{Assertion, Class, Part};

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One character of these ranges of code points: sorted, not touching, not empty.
    Set(Vec<(u32, u32)>),
    /// `\b` (true) or `\B`.
    Word(bool),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
    },
}

const QUOTE: u32 = 0x22;
/// A class with the space and so many of the 95 printable characters of ASCII is "everything".
const EVERYTHING: usize = 90;

impl Node {
    /// Takes over a parsed pattern. `None` if nothing can match it.
    pub(super) fn new(part: &Part, folds: bool) -> Result<Option<Self>, Fault> {
        Ok(match part {
            Part::Char(character) => set(&Class::new(&[(u32::from(*character), u32::from(*character))]), folds),
            Part::Class(class) => set(class, folds),
            Part::Assert { assertion: Assertion::WordBoundary, .. } => Some(Self::Word(true)),
            Part::Assert { assertion: Assertion::NotWordBoundary, .. } => Some(Self::Word(false)),
            Part::Assert { at, .. } => {
                return Err(Fault::new(
                    Mistake::Anchor,
                    "the pattern has an anchor, but a secret may stand anywhere in a text",
                    "use `\\\\b` for the edge of a word",
                )
                .at(*at));
            }
            Part::Sequence(parts) => {
                let mut nodes = Vec::new();
                for part in parts {
                    match Self::new(part, folds)? {
                        Some(Self::Sequence(inner)) => nodes.extend(inner),
                        Some(node) => nodes.push(node),
                        None => return Ok(None),
                    }
                }
                Some(if nodes.len() == 1 { nodes.remove(0) } else { Self::Sequence(nodes) })
            }
            Part::Choice(parts) => {
                let mut nodes = Vec::new();
                for part in parts {
                    nodes.extend(Self::new(part, folds)?);
                }
                choice(nodes)
            }
            Part::Repeat { part, least, most, at } => match Self::new(part, folds)? {
                None if *least == 0 => Some(Self::Sequence(Vec::new())),
                None => None,
                Some(node) if most.is_none() && node.is_everything() => {
                    return Err(Fault::new(
                        Mistake::Everything,
                        "the pattern has an unbounded repetition of nearly every character, which would take all that follows",
                        "name the characters that the secret is made of, as in `[A-Za-z0-9_-]{20,}`, or bound the repetition",
                    )
                    .at(*at));
                }
                Some(node) => Some(Self::Repeat { node: Box::new(node), least: *least, most: *most }),
            },
        })
    }

    fn is_everything(&self) -> bool {
        match self {
            Self::Set(ranges) => {
                let has = |code: u32| ranges.iter().any(|(first, last)| (*first..=*last).contains(&code));
                has(0x20) && (0x20..=0x7e).filter(|code| has(*code)).count() >= EVERYTHING
            }
            _ => false,
        }
    }

    /// The fewest and the most bytes that it takes; no most if there is no bound.
    pub(super) fn lengths(&self) -> (usize, Option<usize>) {
        match self {
            Self::Set(ranges) => {
                let length = |code: Option<&u32>| code.and_then(|code| char::from_u32(*code)).map_or(3, char::len_utf8);
                (length(ranges.first().map(|(first, _)| first)), Some(length(ranges.last().map(|(_, last)| last))))
            }
            Self::Word(_) => (0, Some(0)),
            Self::Sequence(nodes) => total(nodes),
            Self::Choice(nodes) => nodes
                .iter()
                .map(Self::lengths)
                .fold((usize::MAX, Some(0)), |sum, one| (sum.0.min(one.0), sum.1.zip(one.1).map(|(a, b)| a.max(b)))),
            Self::Repeat { node, least, most } => {
                let (shortest, longest) = node.lengths();
                let times =
                    |bytes: usize, count: u32| bytes.saturating_mul(usize::try_from(count).unwrap_or(usize::MAX));
                let longest = match (longest, most) {
                    (Some(0), _) => Some(0),
                    (Some(longest), Some(most)) => Some(times(longest, *most)),
                    _ => None,
                };
                (times(shortest, *least), longest)
            }
        }
    }
}

/// [`Node::lengths`] of one after the other.
pub(super) fn total(nodes: &[Node]) -> (usize, Option<usize>) {
    nodes.iter().map(Node::lengths).fold((0, Some(0)), |sum, one| {
        (sum.0.saturating_add(one.0), sum.1.zip(one.1).map(|(a, b)| a.saturating_add(b)))
    })
}

/// A choice; of single characters it is one set.
fn choice(nodes: Vec<Node>) -> Option<Node> {
    if !nodes.is_empty() && nodes.iter().all(|node| matches!(node, Node::Set(_))) {
        let ranges: Vec<_> = nodes
            .iter()
            .filter_map(|node| if let Node::Set(ranges) = node { Some(ranges) } else { None })
            .flatten()
            .copied()
            .collect();
        return Some(Node::Set(Class::new(&ranges).ranges.into_vec()));
    }
    match nodes.len() {
        0 => None,
        1 => nodes.into_iter().next(),
        _ => Some(Node::Choice(nodes)),
    }
}

/// The characters of a class but for the quote. A quote delimits a string of JSON at some depth, and a match that
/// holds one could not be replaced without breaking the document.
fn set(class: &Class, folds: bool) -> Option<Node> {
    let mut ranges = class.ranges.to_vec();
    if folds {
        let has = |code: u32| class.ranges.iter().any(|(first, last)| (*first..=*last).contains(&code));
        // Of a class written as what it is not, a letter is in it only if neither of its cases was named.
        let mut out = vec![(QUOTE, QUOTE)];
        for upper in 0x41..=0x5a_u32 {
            let lower = upper + 0x20;
            match (has(upper), has(lower)) {
                (true, false) | (false, true) if class.negated => out.extend([(upper, upper), (lower, lower)]),
                (true, false) | (false, true) => ranges.extend([(upper, upper), (lower, lower)]),
                _ => {}
            }
        }
        return without(&Class::new(&ranges), &out);
    }
    without(class, &[(QUOTE, QUOTE)])
}

fn without(class: &Class, out: &[(u32, u32)]) -> Option<Node> {
    // All but (all but the class, and what is out).
    let mut others = class.negated().ranges.into_vec();
    others.extend_from_slice(out);
    let ranges = Class::new(&others).negated().ranges.into_vec();
    // Surrogates are no characters.
    let is_real = ranges.iter().any(|(first, last)| *first < 0xd800 || *last > 0xdfff);
    (is_real && !ranges.is_empty()).then_some(Node::Set(ranges))
}
