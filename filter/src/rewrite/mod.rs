//! Changes to messages: only the named spans are replaced, every other byte stays as it was written.

pub mod hidden;
pub mod list;
pub mod meta;
pub mod narrow;
pub mod object;
pub mod redact;

use crate::json::Span;
use crate::order;

/// One replacement inside a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// The bytes to replace.
    pub span: Span,
    /// What stands there instead.
    pub with: Vec<u8>,
}

/// Applies `splices`, which must not overlap, in any order.
pub fn apply(bytes: &[u8], splices: Vec<Splice>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    apply_within(&mut out, bytes, Span { start: 0, end: bytes.len() }, splices);
    out
}

/// Appends the bytes of `part` to `out` with `splices` applied, which lie in it and do not overlap.
fn apply_within(out: &mut Vec<u8>, bytes: &[u8], part: Span, splices: Vec<Splice>) {
    let mut at = part.start;
    for splice in order::by_key(splices, |splice| splice.span.start) {
        out.extend_from_slice(Span { start: at, end: splice.span.start }.of(bytes));
        out.extend_from_slice(&splice.with);
        at = splice.span.end;
    }
    out.extend_from_slice(Span { start: at, end: part.end }.of(bytes));
}
