//! A secret is found at every depth of escapes, and in any split.

use proptest::prelude::*;

use super::{KEY, OTHER, Redactor, cut_up, hash, placeholder, plan, redaction, streamed, whole};
use crate::json;

/// `text` as a tool result, JSON inside JSON `depth` times.
fn nested(text: &str, depth: usize) -> String {
    let mut text = text.to_owned();
    for _ in 0..depth {
        let mut out = Vec::new();
        json::write_string(&mut out, &text);
        text = format!(r#"{{"text":{}}}"#, String::from_utf8(out).unwrap());
    }
    let mut out = Vec::new();
    json::write_string(&mut out, &text);
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":{}}}]}}}}"#,
        String::from_utf8(out).unwrap()
    )
}

#[test]
fn secrets_are_found_at_every_depth() {
    for text in [
        format!("a {KEY} b"),
        format!("\"{KEY}\""),
        format!("line\n{KEY}\nline\t{OTHER}\\"),
        format!("é{KEY}é, \\{KEY}"),
    ] {
        let clean = text.replace(KEY, &placeholder(KEY)).replace(OTHER, &placeholder(OTHER));
        for depth in 0..5 {
            assert_eq!(whole(&nested(&text, depth)), nested(&clean, depth), "depth {depth}");
        }
    }
}

#[test]
fn letters_may_be_escaped() {
    let escaped: String = KEY.chars().map(|it| format!("\\u{:04x}", u32::from(it))).collect();
    let given = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"x":"<{escaped}\/","y":"\\\\{escaped}"}}}}"#);
    let wanted = given.replace(&escaped, &placeholder(KEY));
    assert_eq!(whole(&given), wanted);
    let twice = given.replace('\\', "\\\\").replace('"', "\\\"");
    let wanted = wanted.replace('\\', "\\\\").replace('"', "\\\"");
    assert_eq!(
        whole(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"x":"{twice}"}}}}"#)),
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"x":"{wanted}"}}}}"#)
    );
}

#[test]
fn an_escape_may_be_written_with_codes_itself() {
    for (given, wanted) in [
        // `\n` in JSON in JSON, its letter a code: a line break, so the word before ends there.
        (r"x\\\u006e@", r"x\\\u006e#"),
        (r"x\\\u0022@", r"x\\\u0022#"),
        // A slash that both texts escape.
        (r"x\\\/@\\\/", r"x\\\/#\\\/"),
        (r"x\\\\\\\\\\\/@", r"x\\\\\\\\\\\/#"),
        // A code of the inner text, its letter a code of the outer one.
        (r"\\\u00750041KIAQ3EGRZ7PLM5VWXTD", "#"),
    ] {
        let message = |text: &str| {
            format!(r#"{{"result":{{"x":"{}"}}}}"#, text.replace('@', KEY).replace('#', &placeholder(KEY)))
        };
        assert_eq!(whole(&message(given)), message(wanted), "{given}");
        assert_eq!(streamed(message(given).as_bytes().chunks(1)), message(wanted), "{given}");
    }
}

#[test]
fn quotes_may_be_written_as_codes() {
    let text = format!("secret_key=\"{KEY}\" b");
    for depth in 0..4 {
        let quoted = |depth: usize| format!("{}u0022", "\\".repeat(1 << depth));
        let given = nested(&text, depth)
            .replace(&format!("{}\"{KEY}", "\\".repeat((2 << depth) - 1)), &format!("{}{KEY}", quoted(depth)));
        assert!(given.contains("u0022"), "{given}");
        let wanted = given.replace(KEY, &placeholder(KEY));
        assert_eq!(whole(&given), wanted, "depth {depth}");
    }
}

#[test]
fn bytes_that_are_no_characters_depend_on_no_split() {
    let (redaction, hash) = (redaction("{}"), hash());
    let plan = plan(&redaction, &hash);
    let text = [b"\x80\xbf", KEY.as_bytes(), b"\x80\x80\x80 \xf0\x9f", KEY.as_bytes(), b"\xc3"].concat();
    let split = |at: usize| {
        let (one, two) = text.split_at(at);
        let mut redactor = Redactor::text();
        let mut out = Vec::new();
        redactor.feed(&plan, one, false, &mut out);
        redactor.feed(&plan, two, true, &mut out);
        out
    };
    let wanted = super::super::text(&plan, &text).message.unwrap();
    assert!(wanted.starts_with(b"\x80\xbf[redacted:") && !wanted.windows(KEY.len()).any(|it| it == KEY.as_bytes()));
    for at in 0..=text.len() {
        assert_eq!(split(at).escape_ascii().to_string(), wanted.escape_ascii().to_string(), "cut at {at}");
    }
}

#[test]
fn every_split_gives_the_same() {
    for depth in 0..3 {
        let given = nested(&format!("{KEY} \"é\" \n\\ \u{1f511}{OTHER}"), depth).replace("é", "\\u00e9");
        let wanted = streamed([given.as_bytes()]);
        assert!(wanted.contains(&placeholder(KEY)) && wanted.contains(&placeholder(OTHER)), "{wanted}");
        for at in 0..=given.len() {
            let (one, two) = given.as_bytes().split_at(at);
            assert_eq!(streamed([one, two]), wanted, "cut at {at}");
        }
        assert_eq!(streamed(given.as_bytes().chunks(1)), wanted);
        assert_eq!(whole(&given), wanted);
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(KEY.to_owned()),
        Just(OTHER.to_owned()),
        Just(format!("x{KEY}")),
        Just("AKIA".to_owned()),
        Just("\\".to_owned()),
        Just("\"".to_owned()),
        Just("\\u0041KIAQ3EGRZ7PLM5VWXTD".to_owned()),
        Just("\\ud83d".to_owned()),
        "[ -~é\u{1f511}\n\t]{0,40}",
        "[a-z ]{100,3000}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn splits_change_nothing_and_json_stays_json(
        pieces in prop::collection::vec(piece(), 0..12),
        depth in 0_usize..4,
        cuts in prop::collection::vec(1_usize..700, 1..40),
    ) {
        let given = nested(&pieces.concat(), depth);
        let wanted = streamed([given.as_bytes()]);
        let value: serde_json::Value = serde_json::from_str(&wanted).unwrap();
        prop_assert_eq!(&value["id"], 1);
        let chunks = cut_up(given.as_bytes(), &cuts);
        prop_assert_eq!(&streamed(chunks), &wanted);
        prop_assert_eq!(&whole(&given), &wanted);
    }
}
