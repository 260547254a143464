//! Cases in the style of JSONTestSuite, each with its exact outcome.

use super::super::{Fault, NUMBER_LONGEST, TEXT_CAPTURE};
use super::*;

#[test]
fn accepts() {
    let accepted: &[&[u8]] = &[
        b"{}",
        b"[]",
        b" [ ] ",
        b"\t\r\n {\n        \t\"a\"\r:  \n 1  \r\n}\n \t",
        b"0",
        b"-0",
        b"42",
        b" -1.5e+10 ",
        b"[0, -0, 0.0, -0.0e0, 1E5, 1e-5, 1e+5, 123456789012345678901234567890, 0e1, 20.03]",
        b"true",
        b"false",
        b"null",
        b" null\n",
        b"[true,false,null]",
        b"\"\"",
        b"\"x\"",
        br#"" \" \\ \/ \b \f \n \r \t A""#,
        br#""\u00e9\u20AC\uD834\udd1e\uFFFF\uFDD0\uDBFF\uDFFF\u007f\u0001""#,
        "\"h\u{e9}llo \u{4f60}\u{597d} \u{1F600} \u{10ffff} \u{feff} \u{2028} \u{7f}\"".as_bytes(),
        br#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}"#,
        br#"{"":0,"\u0001":1," ":2}"#,
        br#"{"name":1,"Name":2,"nam":3,"names":4}"#,
        br#"[[[[[[[[]]]],{}]]],[1,[2,[3,{"x":[null]}]]]]"#,
        b"[\"a\\\\\",\"\\\\\\\"\"]",
        "{\"\u{e9}\":1,\"e\u{301}\":2}".as_bytes(),
        b"[1\n,1\t]",
    ];
    for bytes in accepted {
        let (calls, result) = every_way(bytes, Limits::default());
        assert_eq!(result, Ok(()), "{:?}", String::from_utf8_lossy(bytes));
        assert!(!calls.is_empty());
    }
}

#[test]
fn refuses() {
    use Fault::*;
    let refused: &[(&[u8], Fault, usize)] = &[
        (b"", Empty, 0),
        (b" \n\t ", Empty, 4),
        // White space and bytes between tokens.
        (b"\x0c[]", UnexpectedByte, 0),
        (b"[\x0b]", UnexpectedByte, 1),
        (b"\xc2\xa0[]", UnexpectedByte, 0),
        (b"[\xe2\x80\xa8]", UnexpectedByte, 1),
        (b"/* c */ 1", UnexpectedByte, 0),
        (b"[1 // c\n]", UnexpectedByte, 3),
        (b"{'a':1}", UnexpectedByte, 1),
        (b"{a:1}", UnexpectedByte, 1),
        (b"[1,]", UnexpectedByte, 3),
        (b"[,1]", UnexpectedByte, 1),
        (b"[1,,2]", UnexpectedByte, 3),
        (b"[1 2]", UnexpectedByte, 3),
        (b"[1}", UnexpectedByte, 2),
        (b"[\"a\":1]", UnexpectedByte, 4),
        (b"{\"a\":1,}", UnexpectedByte, 7),
        (b"{,}", UnexpectedByte, 1),
        (b"{\"a\" 1}", UnexpectedByte, 5),
        (b"{\"a\",1}", UnexpectedByte, 4),
        (b"{\"a\"::1}", UnexpectedByte, 5),
        (b"{\"a\":1 \"b\":2}", UnexpectedByte, 7),
        (b"{\"a\":}", UnexpectedByte, 5),
        (b"{\"a\":1]", UnexpectedByte, 6),
        (b"{1:1}", UnexpectedByte, 1),
        (b"{null:1}", UnexpectedByte, 1),
        (b"{[]:1}", UnexpectedByte, 1),
        (b"]", UnexpectedByte, 0),
        (b"}", UnexpectedByte, 0),
        (b":1", UnexpectedByte, 0),
        (b"\\u0031", UnexpectedByte, 0),
        (b"True", UnexpectedByte, 0),
        (b"tRue", UnexpectedByte, 1),
        (b"nul1", UnexpectedByte, 3),
        (b"[nulll]", UnexpectedByte, 5),
        (b"[fals\x00]", Nul, 5),
        (b"NaN", UnexpectedByte, 0),
        (b"[Infinity]", UnexpectedByte, 1),
        (b"undefined", UnexpectedByte, 0),
        // Documents that end too early.
        (b"[", UnexpectedEnd, 1),
        (b"{", UnexpectedEnd, 1),
        (b"[1", UnexpectedEnd, 2),
        (b"[1,", UnexpectedEnd, 3),
        (b"{\"a", UnexpectedEnd, 3),
        (b"{\"a\"", UnexpectedEnd, 4),
        (b"{\"a\":", UnexpectedEnd, 5),
        (b"{\"a\":1", UnexpectedEnd, 6),
        (b"\"", UnexpectedEnd, 1),
        (b"\"a\\", UnexpectedEnd, 3),
        (b"\"a\\u12", UnexpectedEnd, 6),
        (b"\"\\ud834", UnexpectedEnd, 7),
        (b"\"\xe2\x82", UnexpectedEnd, 3),
        (b"tru", UnexpectedEnd, 3),
        (b"-", UnexpectedEnd, 1),
        (b"1.", UnexpectedEnd, 2),
        (b"1e", UnexpectedEnd, 2),
        (b"1e+", UnexpectedEnd, 3),
        // After the value.
        (b"{}{}", TrailingBytes, 2),
        (b"[] x", TrailingBytes, 3),
        (b"1 2", TrailingBytes, 2),
        (b"1x", TrailingBytes, 1),
        (b"0x1F", TrailingBytes, 1),
        (b"\"a\",", TrailingBytes, 3),
        (b"null]", TrailingBytes, 4),
        (b"nullx", TrailingBytes, 4),
        (b"{}\xef\xbb\xbf", TrailingBytes, 2),
        (b"{}\n\x00", Nul, 3),
        // Numbers.
        (b"01", BadNumber, 1),
        (b"[-01]", BadNumber, 3),
        (b"[-]", BadNumber, 2),
        (b"[- 1]", BadNumber, 2),
        (b"[--1]", BadNumber, 2),
        (b"[+1]", BadNumber, 1),
        (b"[.5]", BadNumber, 1),
        (b"[5.]", BadNumber, 3),
        (b"[5.e1]", BadNumber, 3),
        (b"[1.2.3]", BadNumber, 4),
        (b"[1e]", BadNumber, 3),
        (b"[1e+]", BadNumber, 4),
        (b"[1e1.5]", BadNumber, 4),
        (b"[1e1e1]", BadNumber, 4),
        (b"[1-2]", BadNumber, 2),
        (b"[1+2]", BadNumber, 2),
        (b"[0e+-1]", BadNumber, 4),
        (b"[-Infinity]", BadNumber, 2),
        (b"[-NaN]", BadNumber, 2),
        (b"[1_000]", UnexpectedByte, 2),
        (b"[0x1]", UnexpectedByte, 2),
        (b"[1a]", UnexpectedByte, 2),
        (b"[1\x00]", Nul, 2),
        (b"[1\xe2\x82\xac]", UnexpectedByte, 2),
        // Strings.
        (b"\"a\nb\"", ControlCharacter, 2),
        (b"[\"\t\"]", ControlCharacter, 2),
        (b"\"\x1f\"", ControlCharacter, 1),
        (b"{\"a\rb\":1}", ControlCharacter, 3),
        (b"\"a\x00b\"", Nul, 2),
        (b"\"\\u0000\"", Nul, 1),
        (b"{\"a\\u0000\":1}", Nul, 3),
        (b"\"\\\x00\"", Nul, 2),
        (b"\x00", Nul, 0),
        (b"[1,\x002]", Nul, 3),
        (b"{\x00\"\x00a", Nul, 1),
        (br#""\x41""#, BadEscape, 2),
        (br#""\a""#, BadEscape, 2),
        (br#""\'""#, BadEscape, 2),
        (br#""\U0041""#, BadEscape, 2),
        (br#""\u004""#, BadEscape, 6),
        (br#""\u00g1""#, BadEscape, 5),
        (br#""\u+041""#, BadEscape, 3),
        (b"\"\\\n\"", BadEscape, 2),
        (b"\"\\\xc3\xa9\"", BadEscape, 2),
        (b"\"\\u00\xc3\xa9\"", BadEscape, 5),
        (br#""\ud800""#, LoneSurrogate, 1),
        (br#""\udc00""#, LoneSurrogate, 1),
        (br#""x\uDBFFx""#, LoneSurrogate, 2),
        (br#""\ud834\n""#, LoneSurrogate, 1),
        (br#""\ud834\u0041""#, LoneSurrogate, 1),
        (br#""\ud834\ud834\udd1e""#, LoneSurrogate, 1),
        (br#""\udd1e\ud834""#, LoneSurrogate, 1),
        (br#""\ud834\udd1e\udd1e""#, LoneSurrogate, 13),
        (br#""\ud834\udd1""#, BadEscape, 12),
        // UTF-8.
        (b"\xef\xbb\xbf{}", ByteOrderMark, 0),
        (b"\xef\xbb\xbf", ByteOrderMark, 0),
        (b"\xef\xbb{}", UnexpectedByte, 0),
        (b"\xef", UnexpectedByte, 0),
        (b" \xef\xbb\xbf{}", UnexpectedByte, 1),
        (b"\xff\xfe{\x00}\x00", NotUtf8, 0),
        (b"\xfe\xff\x00{\x00}", NotUtf8, 0),
        (b"{\x00}\x00", Nul, 1),
        (b"[\xff]", NotUtf8, 1),
        (b"[\x80]", NotUtf8, 1),
        (b"\"\x80\"", NotUtf8, 1),
        (b"\"a\xff\"", NotUtf8, 2),
        (b"\"\xc3\"", NotUtf8, 1),
        (b"\"\xc3(\"", NotUtf8, 1),
        (b"\"\xc0\xaf\"", NotUtf8, 1),
        (b"\"\xc1\xbf\"", NotUtf8, 1),
        (b"\"\xe0\x80\xaf\"", NotUtf8, 1),
        (b"\"\xe2\x82\"", NotUtf8, 1),
        (b"\"\xe2\x82\\n\"", NotUtf8, 1),
        (b"\"\xe2\x28\xa1\"", NotUtf8, 1),
        (b"\"\xed\xa0\x80\"", NotUtf8, 1),
        (b"\"\xed\xbf\xbf\"", NotUtf8, 1),
        (b"\"\xf0\x80\x80\xaf\"", NotUtf8, 1),
        (b"\"\xf4\x90\x80\x80\"", NotUtf8, 1),
        (b"\"\xf8\x88\x80\x80\x80\"", NotUtf8, 1),
        (b"\"ok\xc3\xa9 \xf0\x9f\x98\"", NotUtf8, 6),
        (b"\"\xf0\x9f\x98\x80\xe2\x82\x00\"", NotUtf8, 5),
        (b"{\"\xff\":1}", NotUtf8, 2),
        (b"{\"\\u0041\xff\":1}", NotUtf8, 8),
        // Duplicate keys.
        (br#"{"a":1,"a":1}"#, DuplicateKey, 7),
        (br#"{"name":1,"n\u0061me":2}"#, DuplicateKey, 10),
        (br#"{"n\u0061me":1,"name":2}"#, DuplicateKey, 15),
        (br#"{"\/":1,"/":2}"#, DuplicateKey, 8),
        (br#"{"":1,"":2}"#, DuplicateKey, 6),
        (br#"{"a":{"b":{"c":1,"d":[{"c":1}],"c":2}}}"#, DuplicateKey, 31),
        (br#"[{"a":1},{"a":{"a":1},"a":2}]"#, DuplicateKey, 22),
    ];
    for &(bytes, fault, offset) in refused {
        let (_, result) = every_way(bytes, Limits::default());
        assert_eq!(result, Err(Error { fault, offset }), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_surrogate_pair_is_the_character() {
    let (_, result) = every_way("{\"\\ud83d\\ude00\":1,\"\u{1f600}\":2}".as_bytes(), Limits::default());
    assert_eq!(result, Err(Error { fault: Fault::DuplicateKey, offset: 18 }));
}

#[test]
fn tells_what_it_read() {
    let text = br#" {"a": [1, "x\n"], "\u0062":{"c":null}} "#;
    let (calls, result) = every_way(text, Limits::default());
    let span = |start, end| Span { start, end };
    assert_eq!(result, Ok(()));
    assert_eq!(
        calls,
        [
            Call::Open(0, Kind::Object, 1),
            Call::Key(1, Some(b"a".to_vec()), span(2, 5)),
            Call::Open(1, Kind::Array, 7),
            Call::Number(2, b"1".to_vec(), span(8, 9)),
            Call::String(2, Some(b"x\n".to_vec()), span(11, 16)),
            Call::Close(1, Kind::Array, span(7, 17)),
            Call::Key(1, Some(b"b".to_vec()), span(19, 27)),
            Call::Open(1, Kind::Object, 28),
            Call::Key(2, Some(b"c".to_vec()), span(29, 32)),
            Call::Word(2, None, span(33, 37)),
            Call::Close(1, Kind::Object, span(28, 38)),
            Call::Close(0, Kind::Object, span(1, 39)),
        ]
    );
}

#[test]
fn nesting_is_limited() {
    let limits = Limits { depth: 3, keys: 10 };
    assert_eq!(every_way(b"[[[]],[[]]]", limits).1, Ok(()));
    assert_eq!(every_way(b"[[[[]]]]", limits).1, Err(Error { fault: Fault::TooDeep, offset: 3 }));
    assert_eq!(every_way(b"[{\"a\":[{}]}]", limits).1, Err(Error { fault: Fault::TooDeep, offset: 7 }));
    assert_eq!(every_way(b"[]", Limits { depth: 0, keys: 0 }).1, Err(Error { fault: Fault::TooDeep, offset: 0 }));
    let deep = "[".repeat(200_000);
    assert_eq!(
        whole(deep.as_bytes(), Limits { depth: usize::MAX, keys: 0 }).1,
        Err(Error { fault: Fault::UnexpectedEnd, offset: 200_000 })
    );
}

#[test]
fn keys_are_limited_and_forgotten_when_their_object_closes() {
    let limits = Limits { depth: 9, keys: 3 };
    assert_eq!(every_way(br#"[{"a":1,"b":1,"c":1},{"a":{"b":{"c":1}}}]"#, limits).1, Ok(()));
    let too_many = br#"{"a":{"a":{"b":1,"c":1}}}"#;
    assert_eq!(every_way(too_many, limits).1, Err(Error { fault: Fault::TooManyKeys, offset: 17 }));
}

#[test]
fn a_thousand_keys_and_one_duplicate() {
    let member = |n: usize| format!("\"key number {n}\":{n}");
    let members: Vec<String> = (0..1000).map(member).collect();
    let object = format!("{{{}}}", members.join(","));
    assert_eq!(whole(object.as_bytes(), Limits::default()).1, Ok(()));
    for again in [0, 1, 31, 32, 33, 500, 991, 992, 999] {
        let object = format!("{{{},{}}}", members.join(","), member(again));
        let offset = object.len() - 1 - member(again).len();
        let expected = Err(Error { fault: Fault::DuplicateKey, offset });
        assert_eq!(whole(object.as_bytes(), Limits::default()).1, expected, "key {again}");
    }
}

#[test]
fn long_numbers_are_refused_where_they_get_too_long() {
    let most = format!("[{}]", "1".repeat(NUMBER_LONGEST));
    assert_eq!(every_way(most.as_bytes(), Limits::default()).1, Ok(()));
    let more = format!("[{}]", "1".repeat(NUMBER_LONGEST + 1));
    let expected = Err(Error { fault: Fault::NumberTooLong, offset: NUMBER_LONGEST + 1 });
    assert_eq!(every_way(more.as_bytes(), Limits::default()).1, expected);
}

/// Long texts, plain and escaped, in a few splits: the duplicate check sees all of a key, however long.
#[test]
fn long_keys_are_compared_whole() {
    for length in [TEXT_CAPTURE - 1, TEXT_CAPTURE, TEXT_CAPTURE + 1, 3 * TEXT_CAPTURE + 5] {
        let key = "k".repeat(length);
        let escaped = key.replacen('k', "\\u006b", 1);
        let same = format!("{{\"{key}\":1,\"{escaped}\":2}}");
        let other = format!("{{\"{key}\":1,\"{escaped}x\":2,\"x{escaped}\":3}}");
        for size in [1, 7, 1000, 4096, 5000, 100_000] {
            let split = |text: &str| in_chunks(text.as_bytes().chunks(size), Limits::default()).1;
            let offset = key.len() + 6;
            assert_eq!(split(&same), Err(Error { fault: Fault::DuplicateKey, offset }), "{length} in {size}");
            assert_eq!(split(&other), Ok(()), "{length} in {size}");
        }
    }
}

#[test]
fn text_is_kept_up_to_the_capture_and_only_where_wanted() {
    #[derive(Default)]
    struct Lengths(Vec<Option<usize>>, bool);
    impl Visitor for Lengths {
        fn scalar(&mut self, _depth: usize, scalar: Scalar<'_>, _span: Span) {
            if let Scalar::String(text) = scalar {
                assert_eq!(text.as_str().is_some(), text.as_bytes().is_some());
                self.0.push(text.as_bytes().map(<[u8]>::len));
            }
        }
        fn wants_text(&self, _depth: usize) -> bool {
            self.1
        }
    }
    let lengths = |text: &str, wanted| {
        let mut lengths = Lengths(Vec::new(), wanted);
        check(text.as_bytes(), Limits::default(), &mut lengths).unwrap();
        lengths.0
    };
    let plain = format!("\"{}\"", "a".repeat(TEXT_CAPTURE + 1));
    assert_eq!(lengths(&plain, true), [Some(TEXT_CAPTURE + 1)], "borrowed, however long");
    let escaped = format!("\"{}\\n\"", "a".repeat(TEXT_CAPTURE - 1));
    assert_eq!(lengths(&escaped, true), [Some(TEXT_CAPTURE)]);
    let escaped = format!("\"{}\\n\"", "a".repeat(TEXT_CAPTURE));
    assert_eq!(lengths(&escaped, true), [None]);
    assert_eq!(lengths(r#"["a","\n"]"#, false), [None, None]);
}

#[test]
fn an_error_is_final_and_reset_starts_anew() {
    let mut lexer = Lexer::new(Limits::default());
    let first = lexer.feed(b"[1,]", &mut ()).unwrap_err();
    assert_eq!(lexer.feed(b"", &mut ()), Err(first));
    assert_eq!(lexer.finish(&mut ()), Err(first));
    assert!(!lexer.is_complete());
    lexer.reset();
    lexer.feed(b" {\"a\":", &mut ()).unwrap();
    assert_eq!((lexer.offset(), lexer.is_complete()), (6, false));
    lexer.feed(b"1}", &mut ()).unwrap();
    assert_eq!((lexer.offset(), lexer.is_complete()), (8, true));
    lexer.feed(b"\n", &mut ()).unwrap();
    assert_eq!(lexer.finish(&mut ()), Ok(()));
}
