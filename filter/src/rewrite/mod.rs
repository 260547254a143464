//! Changes to messages: only the named spans are replaced, every other byte stays as it was written.

pub mod list;
pub mod meta;
pub mod object;

use crate::json::Span;

/// One replacement inside a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// The bytes to replace.
    pub span: Span,
    /// What stands there instead.
    pub with: Vec<u8>,
}

/// Applies `splices`, which must not overlap, in any order.
pub fn apply(bytes: &[u8], mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|splice| splice.span.start);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for splice in splices {
        out.extend_from_slice(Span { start: at, end: splice.span.start }.of(bytes));
        out.extend_from_slice(&splice.with);
        at = splice.span.end;
    }
    out.extend_from_slice(Span { start: at, end: bytes.len() }.of(bytes));
    out
}
