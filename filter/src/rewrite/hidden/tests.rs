use proptest::prelude::*;

use super::*;
use crate::secret::LOOKBACK;

fn whole(text: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let decided = find(&Text { bytes: text, is_complete: true, levels: &() }, 0, &mut Memo::default(), &mut hits);
    assert_eq!(decided, text.len());
    hits
}

/// The same by pieces of the lengths that `next` gives, with as little kept as is allowed.
fn pieces(text: &[u8], mut next: impl FnMut() -> usize) -> Vec<Hit> {
    let (mut memo, mut hits) = (Memo::default(), Vec::new());
    let (mut dropped, mut from, mut end) = (0, 0, 0);
    loop {
        end = (end + next().max(1)).min(text.len());
        let window = &text[dropped..end];
        let mut found = Vec::new();
        let decided =
            find(&Text { bytes: window, is_complete: end == text.len(), levels: &() }, from, &mut memo, &mut found);
        assert!(decided >= from && decided <= window.len());
        for hit in found {
            assert!(hit.start >= from && hit.end <= decided);
            hits.push(Hit { start: hit.start + dropped, end: hit.end + dropped, ..hit });
        }
        if end == text.len() {
            assert_eq!(decided, window.len());
            return hits;
        }
        let drop = decided.saturating_sub(LOOKBACK);
        memo.forget(drop);
        dropped += drop;
        from = decided - drop;
    }
}

fn stripped(text: &str) -> String {
    let mut out = Vec::new();
    let mut at = 0;
    for hit in whole(text.as_bytes()) {
        out.extend_from_slice(&text.as_bytes()[at..hit.start]);
        at = hit.end;
    }
    out.extend_from_slice(&text.as_bytes()[at..]);
    String::from_utf8(out).unwrap()
}

/// Text, what is left of it, and the kinds of what was found, one for each run.
const HIDDEN: &[(&str, &str, &[Kind])] = &[
    ("a\u{e0041}\u{e0042}\u{e007f}b", "ab", &[Kind::Tag]),
    ("\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}", "\u{1f3f4}", &[Kind::Tag]),
    ("\u{1f3f4}\u{e0075}\u{e0073}\u{e0074}\u{e0078}\u{e007f}", "\u{1f3f4}", &[Kind::Tag]),
    ("a\u{202e}b\u{202c}c\u{2066}\u{2069}\u{200f}\u{61c}", "abc", &[Kind::Bidi, Kind::Bidi, Kind::Bidi]),
    ("a\u{200b}b\u{200c}c\u{200d}d\u{2060}\u{2064}e", "abcde", &[Kind::Invisible; 4]),
    ("a\u{feff}b\u{ad}c\u{34f}d\u{115f}\u{1160}\u{17b4}\u{180e}\u{3164}\u{ffa0}", "abcd", &[Kind::Invisible; 4]),
    ("é\u{200d}", "é", &[Kind::Invisible]),
    ("😀\u{200d}a \u{200d}😀", "😀a 😀", &[Kind::Invisible; 2]),
    ("ن\u{200c}\u{200c}\u{200c}ن", "ن\u{200c}ن", &[Kind::Invisible]),
    ("a\u{fe0f}b\u{fe00}c\u{e0100}\u{e01ef}d", "abcd", &[Kind::Variation; 3]),
    ("❤\u{fe0f}\u{fe0f}\u{fe01}", "❤\u{fe0f}", &[Kind::Variation]),
    ("1\u{fe0f}2", "12", &[Kind::Variation]),
    ("葛\u{e0100}\u{e0101}", "葛\u{e0100}", &[Kind::Variation]),
    ("\u{1b}[1;31mred\u{1b}[0m", "red", &[Kind::Escape; 2]),
    ("\u{9b}31mred\u{1b}[", "red", &[Kind::Escape; 2]),
    ("\u{1b}]8;;http://x.example/\u{1b}\\link\u{1b}]8;;\u{7}", "link", &[Kind::Escape; 2]),
    ("\u{9d}0;title\u{9c}x\u{90}q é data\u{1b}\\y", "xy", &[Kind::Escape; 2]),
    ("\u{1b}]0;never ends", "0;never ends", &[Kind::Escape]),
    ("\u{1b}]0;line\nnext\u{7}", "0;line\nnext", &[Kind::Escape, Kind::Control]),
    ("\u{1b}]0;a\u{1b}[mb\u{7}", "0;ab", &[Kind::Escape, Kind::Escape, Kind::Control]),
    ("\u{1b}_apc\nof lines\u{1b}\\x", "x", &[Kind::Escape]),
    ("{\"a\":\"\u{1b}]0;x\",\"b\":\"\u{7}\"}", "{\"a\":\"0;x\",\"b\":\"\"}", &[Kind::Escape, Kind::Control]),
    ("\"\u{1b}[\",1\"\u{1b}[3\"\u{1b}(\"\u{1b}\"", "\"\",1\"\"(\"\"", &[Kind::Escape; 4]),
    ("\u{1b}(B\u{1b}#8\u{1b}7\u{1b}c\u{1b}M.\u{1b}é", ".é", &[Kind::Escape; 2]),
    ("\u{1b}[31 é", " é", &[Kind::Escape]),
    ("\u{1b}\u{1b}[0m", "", &[Kind::Escape]),
    ("a\0b\u{1}c\u{7f}d\u{c}e\u{80}f", "abcdef", &[Kind::Control; 5]),
    ("rm -rf /\u{8}\u{8}ls\rcat", "rm -rf /lscat", &[Kind::Overwrite; 2]),
];

/// What stays as it is.
const AT_HOME: &[&str] = &[
    "plain text, with\ttabs\nand lines\r\nof both kinds\r\r\n",
    "{\"a\":\"ends in a return\r\",\"b\":1}\r",
    "naïve café — “quotes” … €5 ½ © ® ™",
    "日本語、한국어、中文。ไทย ភាសាខ្មែរ",
    "👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 ❤️‍🔥 🧔🏽‍♂️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴󠁧󠁢󠁷󠁬󠁳󠁿 1️⃣ #️⃣ ☎︎ ☎️ ✌🏿 🇺🇸 ©️",
    "می‌خواهم خانه‌ای بیایید",
    "ക്‍ष क्‍ष क्‌ष শ্রী র‍্য",
    "ហើយ\u{200b}និង ภาษา\u{200b}ไทย မြန်\u{200b}မာ",
    "葛\u{e0100}城 辻\u{e0101} ∩\u{fe00} 0\u{fe00}",
    "ᠮᠣᠩᠭᠣᠯ\u{180b} ᠪᠠᠶᠢᠨ\u{180e}ᠠ",
    "ㄱ 한글 \u{1100}\u{1160}\u{11a8} \u{115f}\u{1161}",
    "\u{feff}using System;",
    "{\"text\":\"\u{feff}using System;\"}",
    "next\u{85}line \u{a0} no-break",
    "שָׁל\u{5b8}\u{34f}\u{5b4}ם",
];

#[test]
fn each_kind_is_found_and_nothing_else_goes() {
    for (text, rest, kinds) in HIDDEN {
        assert_eq!(stripped(text), *rest, "{text:?}");
        let found: Vec<Kind> = whole(text.as_bytes()).iter().filter(|hit| !hit.joins).map(|hit| hit.kind).collect();
        assert_eq!(found, *kinds, "{text:?}");
    }
}

#[test]
fn emoji_and_all_scripts_stay() {
    for text in AT_HOME {
        assert_eq!(whole(text.as_bytes()), [], "{text:?}");
    }
}

#[test]
fn every_cut_gives_the_same_hits() {
    let long = format!("{}{}\u{1b}\\", "\u{1b}]0;", "x".repeat(300));
    for text in HIDDEN.iter().map(|(text, ..)| *text).chain(AT_HOME.iter().copied()).chain([long.as_str()]) {
        let text = text.as_bytes();
        let expected = whole(text);
        for size in 1..12 {
            assert_eq!(pieces(text, || size), expected, "{size} of {text:x?}");
        }
        for cut in 1..text.len() {
            let mut sizes = [cut, text.len()].into_iter();
            assert_eq!(pieces(text, || sizes.next().unwrap_or(1)), expected, "cut at {cut} of {text:x?}");
        }
    }
}

#[test]
fn long_strings_are_held_to_a_limit() {
    for (introducer, terminator) in
        [("\u{1b}]", "\u{7}"), ("\u{9d}", "\u{9c}"), ("\u{1b}P", "\u{1b}\\"), ("\u{90}", "\u{9c}")]
    {
        for (length, is_one) in [(0, true), (STRING_BYTES - 2, true), (STRING_BYTES, false), (3 * STRING_BYTES, false)]
        {
            let text = format!("{introducer}{}{terminator}", "x".repeat(length));
            let hits = whole(text.as_bytes());
            assert_eq!(hits.len() == 1, is_one, "{introducer:?} {length}");
            assert_eq!(pieces(text.as_bytes(), || 1), hits);
            assert_eq!(stripped(&text).len(), if is_one { 0 } else { length });
        }
    }
    // What is not decided is not more than was promised.
    let text = format!("\u{1b}]{}", "x".repeat(STRING_BYTES - 1));
    let mut memo = Memo::default();
    let mut judge =
        |bytes: &[u8]| find(&Text { bytes, is_complete: false, levels: &() }, 0, &mut memo, &mut Vec::new());
    assert_eq!(judge(text.as_bytes()), 0);
    assert_eq!(judge(format!("{text}xx").as_bytes()), STRING_BYTES + 3);
}

#[test]
fn bytes_that_are_no_text_stay() {
    for text in [
        &b"\xff\xfe\xc2"[..],
        b"\xe2\x80",
        b"\xf3\xa0",
        b"\xe2\x80\"\x80\x8b",
        b"\xc2\x1bc",
        b"\xef\xbb\xbf\xe1",
        b"\x9b31m",
    ] {
        let hits = whole(text);
        assert!(hits.iter().all(|hit| hit.kind == Kind::Escape), "{text:x?}");
        assert_eq!(pieces(text, || 1), hits);
    }
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "a",
        "1",
        "\"",
        " ",
        "\n",
        "\r",
        "\\",
        "[",
        "]",
        ";",
        "m",
        "\u{1b}",
        "\u{1b}]",
        "\u{1b}[",
        "\u{9b}",
        "\u{9d}",
        "\u{9c}",
        "\u{7}",
        "\u{8}",
        "\u{200d}",
        "\u{200c}",
        "\u{200b}",
        "\u{fe0f}",
        "\u{20e3}",
        "❤",
        "😀",
        "ن",
        "क",
        "ក",
        "葛",
        "\u{e0100}",
        "\u{1f3f4}",
        "\u{e0067}",
        "\u{e0062}",
        "\u{e0073}\u{e0063}\u{e0074}",
        "\u{e007f}",
        "\u{202e}",
        "\u{feff}",
        "\u{1160}",
        "\u{1100}",
    ])
    .prop_map(|part| part.as_bytes().to_vec());
    prop::collection::vec(prop_oneof![9 => part, 1 => prop::collection::vec(any::<u8>(), 1..3)], 0..40)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn hits_are_in_order_hold_no_quote_and_do_not_depend_on_cuts(text in hostile(), sizes in prop::collection::vec(1..9_usize, 1..20)) {
        let hits = whole(&text);
        let mut at = 0;
        for hit in &hits {
            prop_assert!(hit.start >= at && hit.end > hit.start && hit.end <= text.len());
            prop_assert!(!text[hit.start..hit.end].contains(&b'"'));
            at = hit.end;
        }
        let mut sizes = sizes.into_iter().cycle();
        prop_assert_eq!(&pieces(&text, || sizes.next().unwrap_or(1)), &hits);
        prop_assert_eq!(&pieces(&text, || 1), &hits);
        // What was text is text without them.
        if core::str::from_utf8(&text).is_ok() {
            let (mut out, mut at) = (Vec::new(), 0);
            for hit in &hits {
                out.extend_from_slice(&text[at..hit.start]);
                at = hit.end;
            }
            out.extend_from_slice(&text[at..]);
            prop_assert!(core::str::from_utf8(&out).is_ok());
        }
    }
}
