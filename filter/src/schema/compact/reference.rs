//! Local references: resolved once, and refused where they would go round in circles.

use std::collections::BTreeMap;

use super::compile::Reference;
use super::node::{Check, Node, NodeId};
use crate::json;
use crate::schema::fault::{Fault, cut};
use crate::schema::vocabulary;

/// Points every `$ref` at its node.
pub(super) fn resolve(
    text: &[u8],
    nodes: &mut [Node],
    places: &BTreeMap<usize, NodeId>,
    references: &[Reference],
) -> Result<(), Fault> {
    for reference in references {
        let target = find(text, places, reference)?;
        if let Some(Node::Checks(checks)) = nodes.get_mut(reference.node.0 as usize) {
            for check in checks {
                if let Check::Ref(node) = check {
                    *node = target;
                }
            }
        }
    }
    match circle(nodes, references) {
        None => Ok(()),
        Some(reference) => Err(Fault {
            pointer: reference.pointer.clone(),
            keyword: "$ref".to_owned(),
            message: format!("`$ref` to \"{}\" comes back to itself without going deeper", cut(&reference.target, 60)),
            suggestion: Some(
                "put the reference under `properties`, `items` or another keyword that goes deeper".into(),
            ),
        }),
    }
}

fn find(text: &[u8], places: &BTreeMap<usize, NodeId>, reference: &Reference) -> Result<NodeId, Fault> {
    let fault = |what: &str, suggestion: &str| Fault {
        pointer: reference.pointer.clone(),
        keyword: "$ref".to_owned(),
        message: format!("`$ref` to \"{}\" {what}", cut(&reference.target, 60)),
        suggestion: Some(suggestion.to_owned()),
    };
    const LOCAL: &str = "put the schema under `$defs` and write `\"$ref\": \"#/$defs/name\"`";
    let Some(fragment) = reference.target.strip_prefix('#') else {
        return Err(fault("leaves the document", LOCAL));
    };
    let pointer = vocabulary::percent_decoded(fragment)
        .filter(|pointer| pointer.is_empty() || pointer.starts_with('/'))
        .ok_or_else(|| fault("is no JSON pointer", LOCAL))?;
    let span = json::locate(text, &pointer).ok_or_else(|| fault("points at nothing", LOCAL))?;
    places.get(&span.start).copied().ok_or_else(|| fault("points at something that is no schema", LOCAL))
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// A reference on a cycle of schemas that all apply to the same instance.
fn circle<'r>(nodes: &[Node], references: &'r [Reference]) -> Option<&'r Reference> {
    let mut marks = vec![Mark::New; nodes.len()];
    for start in 0..nodes.len() {
        let mut stack = vec![(start, edges(nodes, start))];
        if marks.get(start) != Some(&Mark::New) {
            continue;
        }
        if let Some(mark) = marks.get_mut(start) {
            *mark = Mark::Open;
        }
        while let Some((at, left)) = stack.last_mut() {
            let Some(next) = left.pop() else {
                if let Some(mark) = marks.get_mut(*at) {
                    *mark = Mark::Done;
                }
                stack.pop();
                continue;
            };
            match marks.get_mut(next) {
                Some(mark) if *mark == Mark::New => {
                    *mark = Mark::Open;
                    stack.push((next, edges(nodes, next)));
                }
                Some(Mark::Open) => {
                    // Schemas nest as a tree, so only a reference closes a circle.
                    let on_circle = stack.iter().skip_while(|(at, _)| *at != next);
                    let mut on_circle = on_circle.map(|(at, _)| *at);
                    return on_circle.find_map(|at| references.iter().find(|it| it.node.0 as usize == at));
                }
                _ => {}
            }
        }
    }
    None
}

fn edges(nodes: &[Node], at: usize) -> Vec<usize> {
    nodes.get(at).map(Node::in_place).unwrap_or_default().into_iter().map(|it| it.0 as usize).collect()
}
