//! Keeping our own name space in `_meta` to ourselves: a server can neither forge a denial nor see what was meant for us.

use super::{Splice, object};
use crate::json::Span;
use crate::mcp::keys::OURS;

/// The change that removes every `tidegate/…` key, in any letter case, from the `_meta` object at `meta`.
pub fn without_ours(bytes: &[u8], meta: Span) -> Option<Splice> {
    object::without(bytes, meta, |key| {
        key.as_bytes().get(..OURS.len()).is_some_and(|head| head.eq_ignore_ascii_case(OURS.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_keys_go() {
        let body = br#"{"_meta": {"tidegate/denial":{"a":[1]}, "a" : 1,"Tidegate/x":2,"tidegat\u0065/y":3,"b":{"tidegate/z":1}}}"#;
        let meta = Span { start: 10, end: body.len() - 1 };
        let out = super::super::apply(body, without_ours(body, meta).into_iter().collect());
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"_meta": {"a" : 1,"b":{"tidegate/z":1}}}"#);
    }
}
