//! Finds the literals of a pattern, and cuts it at them.

use super::fault::{Fault, Mistake};
use super::node::{Node, total};
use super::{BEFORE, REREAD};
use crate::order;

/// Most branches of one pattern, each with automata of its own.
const BRANCHES: usize = 16;
/// Most literals of one branch.
const LITERALS: usize = 16;
/// Shortest literal, in bytes.
pub(super) const LITERAL_LEAST: usize = 3;
/// Longest literal, in bytes: of a longer one a part is looked for, and the rest is left to the automaton.
const LITERAL_MOST: usize = 24;
/// Most characters of a class that are tried one by one.
const FEW: usize = 4;

/// One alternative of a pattern: every match is something of `before`, one of the literals, something of `after`.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) before: Vec<Node>,
    /// In lower case if the pattern has no regard for case.
    pub(super) literals: Vec<Vec<u8>>,
    pub(super) after: Vec<Node>,
}

/// Cuts a pattern into branches.
pub(super) fn cut(node: Node, folds: bool) -> Result<Vec<Branch>, Fault> {
    let mut waiting = alternatives(node);
    let mut branches = Vec::new();
    while let Some(nodes) = waiting.pop() {
        if waiting.len() + branches.len() >= BRANCHES {
            return Err(Fault::new(
                Mistake::Literal,
                format!("the pattern has more than {BRANCHES} alternatives without a literal in common"),
                "make several patterns of it",
            ));
        }
        let nodes = unrolled(nodes);
        if let Some(branch) = at_best_literal(&nodes, folds) {
            branches.push(branch);
            continue;
        }
        let Some(at) = nodes.iter().position(|node| matches!(node, Node::Choice(_))) else {
            return Err(no_literal(&nodes, folds));
        };
        let mut before = nodes;
        let after = before.split_off(at + 1);
        let Some(chosen) = before.pop() else { continue };
        for alternative in alternatives(chosen) {
            waiting.push(before.iter().cloned().chain(alternative).chain(after.iter().cloned()).collect());
        }
    }
    Ok(branches)
}

fn no_literal(nodes: &[Node], folds: bool) -> Fault {
    // Tells whether there would be one, were it not for what comes before.
    let far = (0..nodes.len()).any(|at| nodes.get(at..).is_some_and(|rest| at_best_literal(rest, folds).is_some()));
    if far {
        return Fault::new(
            Mistake::Literal,
            format!(
                "in the pattern too much may come before its literal: at most {BEFORE} bytes, and {REREAD} for each byte of the literal"
            ),
            "bound what comes first, as in `[a-z]{0,20}`, or leave it out: `\\\\b` tells where a word begins",
        );
    }
    Fault::new(
        Mistake::Literal,
        format!("the pattern has no literal of {LITERAL_LEAST} bytes that is in every match"),
        "begin with what these secrets have in common, as in `corp_[A-Za-z0-9]{32}`; each alternative needs a literal",
    )
}

fn alternatives(node: Node) -> Vec<Vec<Node>> {
    match node {
        Node::Choice(nodes) => nodes.into_iter().flat_map(alternatives).collect(),
        Node::Sequence(nodes) => vec![nodes],
        node => vec![vec![node]],
    }
}

/// With the first of each thing that is repeated, and has few forms, on its own.
fn unrolled(nodes: Vec<Node>) -> Vec<Node> {
    let mut out = Vec::new();
    for node in nodes {
        match node {
            Node::Sequence(inner) => out.extend(unrolled(inner)),
            Node::Repeat { node, least, most }
                if least > 0 && !matches!(&*node, Node::Set(ranges) if size(ranges) > FEW) =>
            {
                // Nested repetitions would multiply.
                let copies = if matches!(*node, Node::Set(_)) { least.min(24) } else { 1 };
                for _ in 0..copies {
                    out.extend(unrolled(vec![(*node).clone()]));
                }
                let (least, most) = (least - copies, most.map(|most| most.saturating_sub(copies)));
                if most != Some(0) {
                    out.push(Node::Repeat { node, least, most });
                }
            }
            node => out.push(node),
        }
    }
    out
}

fn size(ranges: &[(u32, u32)]) -> usize {
    ranges.iter().fold(0, |sum, (first, last)| {
        sum.saturating_add(usize::try_from(last - first).unwrap_or(usize::MAX)).saturating_add(1)
    })
}

fn at_best_literal(nodes: &[Node], folds: bool) -> Option<Branch> {
    let mut best: Option<(i64, usize, usize, Vec<Vec<u8>>)> = None;
    for from in 0..nodes.len() {
        let Some(before) = nodes.get(..from).and_then(|nodes| total(nodes).1).filter(|before| *before <= BEFORE) else {
            break;
        };
        let mut literals = vec![Vec::new()];
        for (to, node) in nodes.iter().enumerate().skip(from) {
            let Some(longer) = joined(&literals, node, folds) else { break };
            literals = longer;
            let (least, most) = (literals.iter().map(Vec::len).min()?, literals.iter().map(Vec::len).max()?);
            if most > LITERAL_MOST {
                break;
            }
            if least < LITERAL_LEAST || before > REREAD * least {
                continue;
            }
            let score = score(&literals, before);
            if best.as_ref().is_none_or(|(known, ..)| *known < score) {
                best = Some((score, from, to + 1, literals.clone()));
            }
        }
    }
    let (_, from, to, mut literals) = best?;
    order::distinct(&mut literals);
    Some(Branch { before: nodes.get(..from)?.to_vec(), literals, after: nodes.get(to..)?.to_vec() })
}

/// The texts so far, each with each text of `node` after it; `None` if these are not few.
fn joined(texts: &[Vec<u8>], node: &Node, folds: bool) -> Option<Vec<Vec<u8>>> {
    let out = match node {
        Node::Set(ranges) => {
            if size(ranges) > FEW {
                return None;
            }
            let mut forms: Vec<char> =
                ranges.iter().flat_map(|(first, last)| *first..=*last).filter_map(char::from_u32).collect();
            if folds {
                forms.iter_mut().for_each(|form| form.make_ascii_lowercase());
                order::distinct(&mut forms);
            }
            let with = |text: &Vec<u8>, form: char| {
                let mut buffer = [0; 4];
                [text.as_slice(), form.encode_utf8(&mut buffer).as_bytes()].concat()
            };
            texts.iter().flat_map(|text| forms.iter().map(move |form| with(text, *form))).collect()
        }
        Node::Sequence(nodes) => nodes.iter().try_fold(texts.to_vec(), |texts, node| joined(&texts, node, folds))?,
        Node::Choice(nodes) => {
            let mut out = Vec::new();
            for node in nodes {
                out.extend(joined(texts, node, folds)?);
            }
            out
        }
        Node::Word(_) | Node::Repeat { .. } => return None,
    };
    (!out.is_empty() && out.len() <= LITERALS).then_some(out)
}

/// Long and rare is good; many of them, and far from the beginning, is not.
fn score(literals: &[Vec<u8>], before: usize) -> i64 {
    let rarity = |byte: &u8| match byte {
        b' ' | b'a' | b'c'..=b'e' | b'h' | b'i' | b'l' | b'n'..=b'p' | b'r'..=b'u' => 2,
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b':' | b',' | b'=' => 3,
        b'A'..=b'Z' => 4,
        _ => 5,
    };
    let worst = literals.iter().map(|literal| literal.iter().take(12).map(rarity).sum::<i64>()).min().unwrap_or(0);
    let longest = literals.iter().map(Vec::len).max().unwrap_or(0);
    // Bytes that a scanner must hold back at the end of a window.
    let held = if before + longest > 32 { 20 } else { 0 };
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    worst * 4 - count(literals.len()) * 3 - count(before) / 2 - held
}
