//! Members taken out of an object.

use super::Splice;
use crate::json::{Span, decode, members};

/// The change that removes every member of the object at `object` whose decoded key `goes`. None if none does.
pub fn without(bytes: &[u8], object: Span, goes: impl Fn(&str) -> bool) -> Option<Splice> {
    if !members(bytes, object).any(|member| goes(&decode(member.key.of(bytes)))) {
        return None;
    }
    let mut with = vec![b'{'];
    for member in members(bytes, object) {
        if goes(&decode(member.key.of(bytes))) {
            continue;
        }
        if with.len() > 1 {
            with.push(b',');
        }
        with.extend_from_slice(Span { start: member.key.start, end: member.value.end }.of(bytes));
    }
    with.push(b'}');
    Some(Splice { span: object, with })
}

/// The change that removes the member `key` of the object at `object`, and touches no other member.
pub fn cut(bytes: &[u8], object: Span, key: &str) -> Option<Splice> {
    let mut before: Option<Span> = None;
    let mut rest = members(bytes, object);
    while let Some(member) = rest.next() {
        if decode(member.key.of(bytes)) != key {
            before = Some(member.value);
            continue;
        }
        let span = match (before, rest.next()) {
            (Some(before), _) => Span { start: before.end, end: member.value.end },
            (None, Some(next)) => Span { start: member.key.start, end: next.key.start },
            (None, None) => Span { start: member.key.start, end: member.value.end },
        };
        return Some(Splice { span, with: Vec::new() });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::apply;

    #[test]
    fn members_go_and_their_neighbours_stay() {
        for (before, after) in [
            (r#"{"a":1}"#, "{}"),
            (r#"{ "a" : 1 , "b":2}"#, r#"{ "b":2}"#),
            (r#"{"b":[1,2] , "a":{"x":","} , "c":3}"#, r#"{"b":[1,2] , "c":3}"#),
            (r#"{"b":2,"\u0061":"}"}"#, r#"{"b":2}"#),
        ] {
            let whole = Span { start: 0, end: before.len() };
            let splice = cut(before.as_bytes(), whole, "a").unwrap();
            assert_eq!(String::from_utf8(apply(before.as_bytes(), vec![splice])).unwrap(), after);
        }
        assert_eq!(cut(br#"{"b":1}"#, Span { start: 0, end: 7 }, "a"), None);
        let several = br#"{"a":1, "b" : 2,"c":3}"#;
        let splice = without(several, Span { start: 0, end: several.len() }, |key| key != "b").unwrap();
        assert_eq!(apply(several, vec![splice]), br#"{"b" : 2}"#);
    }
}
