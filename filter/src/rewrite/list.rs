//! Filtering of list results: the entries that a principal may use, in the server's order and bytes.

use super::Splice;
use crate::json::{Decimal, Span, decode};
use crate::mcp::jsonrpc::{Envelope, Shape};
use crate::mcp::method::List;

/// What became of the lists of one message.
#[derive(Clone, Debug, Default)]
pub struct Filtered {
    /// Changes to the message.
    pub splices: Vec<Splice>,
    /// Names of the entries that were left out; an entry without a readable name counts as an empty one.
    pub hidden: Vec<String>,
}

/// Filters every list in the result of `bytes`, a message that was read as `envelope`. `show` is given the kind of list,
/// the name of an entry and where the entry lies; it says how the entry is changed, or None to leave it out. An entry that
/// cannot be read is left out. A changed list makes its answer private to the caller (MCP 2026-07-28, caching), as does
/// `private`, when the answer depends on who asks even if nothing was hidden.
pub fn filter(
    bytes: &[u8],
    envelope: &Envelope,
    private: bool,
    mut show: impl FnMut(List, &str, Span) -> Option<Vec<Splice>>,
) -> Filtered {
    let mut filtered = Filtered::default();
    for (list, entries) in List::ALL.into_iter().zip(&envelope.entries) {
        let Some(value) = envelope.list(list).filter(|value| value.shape == Shape::Array) else { continue };
        let hidden_before = filtered.hidden.len();
        let mut kept: Vec<(Span, Vec<Splice>)> = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.name.filter(|_| !entry.is_doubtful).map(|name| decode(name.of(bytes))) {
                Some(name) => match show(list, &name, entry.span) {
                    Some(changes) => kept.push((entry.span, changes)),
                    None => filtered.hidden.push(name.into_owned()),
                },
                None => filtered.hidden.push(String::new()),
            }
        }
        if filtered.hidden.len() > hidden_before {
            filtered.splices.push(Splice { span: value.span, with: array(bytes, kept) });
        } else {
            filtered.splices.extend(kept.into_iter().flat_map(|(_, changes)| changes));
        }
    }
    if (private || !filtered.splices.is_empty())
        && let Some(scope) = envelope.cache_scope.filter(|scope| scope.of(bytes) != b"\"private\"")
    {
        filtered.splices.push(Splice { span: scope, with: b"\"private\"".to_vec() });
    }
    filtered
}

/// The change that lets a list be cached no longer than `most` milliseconds, if its `ttlMs` says longer.
pub fn shorter_life(bytes: &[u8], envelope: &Envelope, most: u64) -> Option<Splice> {
    let span = envelope.ttl_ms?;
    let (stated, most) = (span.of(bytes), most.to_string().into_bytes());
    let is_number = matches!(stated.first(), Some(b'-' | b'0'..=b'9'));
    // A number that nobody can count to is longer.
    let longer = is_number && Decimal::read(stated).is_none_or(|stated| Some(stated) > Decimal::read(&most));
    longer.then_some(Splice { span, with: most })
}

fn array(bytes: &[u8], kept: Vec<(Span, Vec<Splice>)>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (entry, changes) in kept {
        if out.len() > 1 {
            out.push(b',');
        }
        super::apply_within(&mut out, bytes, entry, changes);
    }
    out.push(b']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::mcp::jsonrpc;
    use crate::rewrite::apply;

    fn filtered(body: &str, private: bool, keep: &[&str]) -> (String, Vec<String>) {
        let envelope = jsonrpc::read(body.as_bytes(), json::Limits::default()).unwrap();
        let filtered = filter(body.as_bytes(), &envelope, private, |_, name, _| keep.contains(&name).then(Vec::new));
        (String::from_utf8(apply(body.as_bytes(), filtered.splices)).unwrap(), filtered.hidden)
    }

    #[test]
    fn entries_keep_order_bytes_and_neighbours() {
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{ "tools": [ {"name":"a","x":1.0e2,"inputSchema":{"properties":{"r":{"x-mcp-header":"Region"}}}} , {"name":"b"},{"name":"c" , "é":[]} ], "nextCursor":"n==","unknown":{} ,"cacheScope":"public"}}"#;
        let (out, hidden) = filtered(body, false, &["c", "a"]);
        assert_eq!(
            out,
            r#"{"jsonrpc":"2.0","id":1,"result":{ "tools": [{"name":"a","x":1.0e2,"inputSchema":{"properties":{"r":{"x-mcp-header":"Region"}}}},{"name":"c" , "é":[]}], "nextCursor":"n==","unknown":{} ,"cacheScope":"private"}}"#
        );
        assert_eq!(hidden, ["b"]);
    }

    #[test]
    fn entries_can_be_changed_beside_hidden_ones_and_alone() {
        for (names, wanted) in [
            (r#"{"name":"a","x":1},{"name":"b"}"#, r#"[{"name":"a","x":2}]"#),
            (r#" {"name":"a","x":1} "#, r#"[ {"name":"a","x":2} ]"#),
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{names}],"cacheScope":"public"}}}}"#);
            let envelope = jsonrpc::read(body.as_bytes(), json::Limits::default()).unwrap();
            let change = |_, name: &str, entry: Span| {
                let at = entry.end - 2;
                (name == "a").then(|| vec![Splice { span: Span { start: at, end: at + 1 }, with: b"2".to_vec() }])
            };
            let filtered = filter(body.as_bytes(), &envelope, false, change);
            let out = String::from_utf8(apply(body.as_bytes(), filtered.splices)).unwrap();
            assert_eq!(
                out,
                format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":{wanted},"cacheScope":"private"}}}}"#)
            );
        }
    }

    #[test]
    fn nothing_hidden_leaves_every_byte_unless_the_answer_depends_on_the_caller() {
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"a"} ],"cacheScope":"public"}}"#;
        assert_eq!(filtered(body, false, &["a"]).0, body);
        assert_eq!(filtered(body, true, &["a"]).0, body.replace("public", "private"));
    }

    #[test]
    fn a_list_is_not_cached_beyond_a_time_bound() {
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"ttlMs":60000}}"#;
        let envelope = jsonrpc::read(body.as_bytes(), json::Limits::default()).unwrap();
        assert_eq!(shorter_life(body.as_bytes(), &envelope, 60_000), None);
        let splice = shorter_life(body.as_bytes(), &envelope, 1_500).unwrap();
        assert_eq!(apply(body.as_bytes(), vec![splice]), body.replace("60000", "1500").as_bytes());
    }

    #[test]
    fn entries_that_cannot_be_read_for_certain_are_hidden() {
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":7},"a",{"title":"a"},{"name":"a","Name":"z"},null,{"n\u0061me":"a"}]}}"#;
        let (out, hidden) = filtered(body, false, &["a"]);
        assert_eq!(out, r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"n\u0061me":"a"}]}}"#);
        assert_eq!(hidden.len(), 5);
    }
}
