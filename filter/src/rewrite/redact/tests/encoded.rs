//! Text in base64.

use proptest::prelude::*;

use super::{KEY, cut_up, placeholder, streamed, whole};

fn base64(bytes: &[u8], alphabet: &[u8; 2], pads: bool) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().chain(&[0; 3]).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in 0..=three.len() {
            let six = (bits >> (18 - 6 * place) & 63) as u8;
            out.push(char::from(match six {
                0..26 => b'A' + six,
                26..52 => b'a' + six - 26,
                52..62 => b'0' + six - 52,
                _ => alphabet[usize::from(six - 62)],
            }));
        }
    }
    while pads && !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

fn in_result(text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"contents":[{{"uri":"x:y","blob":"{text}"}}]}}}}"#)
}

#[test]
fn secrets_in_base64_are_replaced_and_the_rest_stays() {
    let long = format!("{}\nkey = {KEY}\n{}", "lorem ipsum dolor\n".repeat(400), "sit amet\n".repeat(9000));
    for plain in [KEY.to_owned(), format!("é {KEY}\n"), format!("?>? user: a\nkey: {KEY}?\n{{}}>"), long] {
        let clean = plain.replace(KEY, &placeholder(KEY));
        for (alphabet, pads) in [(b"+/", true), (b"+/", false), (b"-_", true), (b"-_", false)] {
            let given = in_result(&base64(plain.as_bytes(), alphabet, pads));
            // Without padding, the length shows only what it has to.
            let pads = pads || base64(plain.as_bytes(), alphabet, false).len().is_multiple_of(4);
            let wanted = in_result(&base64(clean.as_bytes(), alphabet, pads));
            assert_eq!(whole(&given), wanted);
            for split in [1, 5, 64, 1000, 30_000] {
                assert_eq!(streamed(given.as_bytes().chunks(split)), wanted, "{split}");
            }
        }
    }
}

#[test]
fn line_breaks_stay_between_lines() {
    let plain = format!("{}{KEY}\n{}", "lorem ipsum dolor\n".repeat(20), "sit amet\n".repeat(20));
    let clean = plain.replace(KEY, &placeholder(KEY));
    let wrapped = |text: &str, line_break: &str| {
        let text = base64(text.as_bytes(), b"+/", true);
        let lines: Vec<&str> = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join(line_break)
    };
    for line_break in ["\\n", "\\r\\n", "\\\\n", "\\u000a"] {
        let given = in_result(&wrapped(&plain, line_break));
        let wanted = in_result(&wrapped(&clean, line_break));
        assert_eq!(whole(&given), wanted);
        for split in [1, 7, 77, 500] {
            assert_eq!(streamed(given.as_bytes().chunks(split)), wanted, "{split}");
        }
    }
}

#[test]
fn what_is_no_text_is_left_alone() {
    let picture: Vec<u8> = (0..50_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    for given in [
        in_result(&base64(&picture, b"+/", true)),
        in_result("repos/acme/widgets/pulls/comments/reactions/aGVsbG8"),
        in_result("getPagesInConfluenceSpaceAndSearchThemUsingCql"),
        in_result(&base64(b"nothing to see in this text, which is long enough", b"+/", true)),
    ] {
        assert_eq!(whole(&given), given);
        assert_eq!(streamed(given.as_bytes().chunks(100)), given);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn splits_change_nothing(
        parts in prop::collection::vec(("[ -~\n]{0,60}", any::<bool>(), any::<bool>(), "[ \",:/=\\\\a]{0,3}"), 0..6),
        cuts in prop::collection::vec(1_usize..200, 1..30),
    ) {
        let mut text = String::new();
        for (part, with_key, pads, after) in parts {
            let plain = if with_key { format!("{part} {KEY}") } else { part };
            text.push_str(&base64(plain.as_bytes(), b"+/", pads));
            text.push_str(&after.replace('\\', "\\\\").replace('"', "\\\""));
        }
        let given = in_result(&text);
        let wanted = streamed([given.as_bytes()]);
        let chunks = cut_up(given.as_bytes(), &cuts);
        prop_assert_eq!(streamed(chunks), wanted);
    }
}
