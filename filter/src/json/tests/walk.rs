//! Spans found again, strings decoded and written, keys that look alike.

use super::super::{Member, decode, elements, folds_to, locate, locate_key, members, write_string};
use super::*;

const DOCUMENT: &[u8] =
    br#" {"a" : [ 1 , "x]\"}", {"b":{}} , [] ], "m/n":{"~k":true}, "n\u0061me":"\ud83d\ude00", "":-1.5e3 } "#;

fn all(bytes: &[u8]) -> Span {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    Span { start, end: bytes.trim_ascii_end().len() }
}

#[test]
fn members_and_elements_in_order() {
    let text = |span: Span| std::str::from_utf8(span.of(DOCUMENT)).unwrap();
    let found: Vec<(&str, &str)> =
        members(DOCUMENT, all(DOCUMENT)).map(|Member { key, value }| (text(key), text(value))).collect();
    assert_eq!(
        found,
        [
            ("\"a\"", r#"[ 1 , "x]\"}", {"b":{}} , [] ]"#),
            ("\"m/n\"", r#"{"~k":true}"#),
            (r#""n\u0061me""#, r#""\ud83d\ude00""#),
            ("\"\"", "-1.5e3"),
        ]
    );
    let array = locate(DOCUMENT, "/a").unwrap();
    let found: Vec<&str> = elements(DOCUMENT, array).map(text).collect();
    assert_eq!(found, ["1", r#""x]\"}""#, r#"{"b":{}}"#, "[]"]);
    assert_eq!(members(DOCUMENT, array).count(), 0, "an array has no members");
    assert_eq!(elements(DOCUMENT, all(DOCUMENT)).count(), 0, "an object has no elements");
    assert_eq!(elements(b"[ ]", Span { start: 0, end: 3 }).count(), 0);
    assert_eq!(members(b"{ }", Span { start: 0, end: 3 }).count(), 0);
}

#[test]
fn pointers() {
    let found = |pointer| locate(DOCUMENT, pointer).map(|span| std::str::from_utf8(span.of(DOCUMENT)).unwrap());
    assert_eq!(found(""), Some(std::str::from_utf8(DOCUMENT).unwrap().trim()));
    assert_eq!(found("/a/0"), Some("1"));
    assert_eq!(found("/a/2/b"), Some("{}"));
    assert_eq!(found("/m~1n/~0k"), Some("true"));
    assert_eq!(found("/name"), Some(r#""\ud83d\ude00""#));
    assert_eq!(found("/"), Some("-1.5e3"));
    for nothing in ["a", "/a/4", "/a/00", "/a/01", "/a/-", "/a/+1", "/a/", "/A", "/a/0/x", "/m~2n", "/m~", "/name/x"] {
        assert_eq!(found(nothing), None, "{nothing}");
    }
    let key = |pointer| locate_key(DOCUMENT, pointer).map(|span| std::str::from_utf8(span.of(DOCUMENT)).unwrap());
    assert_eq!(key("/name"), Some(r#""n\u0061me""#));
    assert_eq!(key("/a/2/b"), Some("\"b\""));
    assert_eq!(key("/m~1n/~0k"), Some("\"~k\""));
    assert_eq!(key("/"), Some("\"\""));
    assert_eq!(key(""), None);
    assert_eq!(key("/a/0"), None);
    assert_eq!(locate(b"  7 ", ""), Some(Span { start: 2, end: 3 }));
}

#[test]
fn other_bytes_end_quietly() {
    for bytes in
        [&b""[..], b"{", b"{\"a\"", b"{\"a\":", b"{\"a\":}", b"[1", b"[1 2]", b"[,]", b"[\"\\", b"}", b"[[}", b"{1:2}"]
    {
        for start in 0..=bytes.len() + 1 {
            for end in 0..=bytes.len() + 1 {
                let span = Span { start, end };
                assert!(members(bytes, span).count() + elements(bytes, span).count() <= bytes.len());
                assert!(span.of(bytes).len() <= bytes.len());
            }
        }
        for pointer in ["", "/a", "/0"] {
            let _ = (locate(bytes, pointer), locate_key(bytes, pointer));
        }
    }
}

#[test]
fn strings_are_decoded() {
    assert_eq!(decode(br#""""#), "");
    assert!(matches!(decode(br#""plain""#), std::borrow::Cow::Borrowed("plain")));
    assert_eq!(decode(br#""a\"\\\/\b\f\n\r\tz""#), "a\"\\/\u{8}\u{c}\n\r\tz");
    assert_eq!(decode("\"\u{e9}\\u00e9\\uD834\\udd1e\"".as_bytes()), "\u{e9}\u{e9}\u{1d11e}");
    // Bytes that the check refuses.
    for bytes in [&b"\""[..], b"\"\\\"", b"\"\\u12\"", b"\"\\ud834\\u0041\"", b"\"\\ud834\\udd1\"", b"\"\\q\"", b"\\"] {
        assert!(decode(bytes).contains('\u{fffd}') || decode(bytes).is_empty(), "{bytes:?}");
    }
}

#[test]
fn strings_are_written() {
    let written = |text: &str| {
        let mut out = Vec::new();
        write_string(&mut out, text);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(""), r#""""#);
    assert_eq!(written("a/\u{7f}\u{2028}\u{1f600}"), "\"a/\u{7f}\u{2028}\u{1f600}\"");
    assert_eq!(written("\u{8}\t\n\u{c}\r\"\\\u{1}\u{1f}\0"), r#""\b\t\n\f\r\"\\\u0001\u001f\u0000""#);
}

#[test]
fn look_alikes() {
    for (key, known) in [
        ("NAME", "name"),
        ("Params", "params"),
        ("param\u{17f}", "params"),
        ("PARAM\u{17f}", "params"),
        ("\u{212a}ey", "key"),
        ("progresstoken", "progressToken"),
        ("progre\u{17f}\u{17f}To\u{212a}en", "progressToken"),
    ] {
        assert!(folds_to(key.as_bytes(), known), "{key}");
    }
    for (key, known) in [
        ("name", "name"),
        ("names", "name"),
        ("nam", "name"),
        ("", "name"),
        ("n\u{e4}me", "name"),
        ("\u{130}d", "id"),
        ("\u{ff4e}ame", "name"),
    ] {
        assert!(!folds_to(key.as_bytes(), known), "{key}");
    }
}
