use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::regex::{Assertion, Part};

fn pattern(source: &str) -> Pattern {
    Pattern::compile("test", source).unwrap_or_else(|fault| panic!("{source}: {fault}"))
}

fn literals(source: &str) -> Vec<String> {
    pattern(source).literals().map(|it| String::from_utf8(it.to_vec()).unwrap()).collect()
}

/// What a scanner would do with one pattern: all places of the literals in order, and what they give.
fn hits(pattern: &Pattern, text: &[u8], window: impl Fn(usize) -> (usize, bool)) -> Vec<(usize, usize)> {
    let mut hits = Vec::new();
    let (mut taken, mut skipped) = (0, 0);
    for at in 0..text.len() {
        for literal in pattern.literals().collect::<BTreeSet<_>>() {
            let end = at + literal.len();
            let here = text.get(at..end).unwrap_or_default();
            if at < taken.max(skipped) || !(here == literal || pattern.folds() && here.eq_ignore_ascii_case(literal)) {
                continue;
            }
            // First with as much text as the window has, then with all.
            let (length, is_complete) = window(end);
            let bytes = &text[..length.clamp(end, text.len())];
            let is_complete = is_complete || bytes.len() == text.len();
            let mut found = pattern.verify(
                &Text { bytes, is_complete: is_complete && bytes.len() == text.len(), levels: &() },
                at,
                end,
            );
            if found == Found::More {
                assert!(bytes.len() < text.len(), "more of complete text");
                found = pattern.verify(&Text { bytes: text, is_complete: true, levels: &() }, at, end);
            }
            match found {
                Found::Secret { start, end } if at >= taken => {
                    assert!(start <= at && end > at);
                    hits.push((start.max(taken), end));
                    taken = end;
                }
                Found::Nothing { examined } => skipped = skipped.max(if examined > end { examined } else { 0 }),
                _ => {}
            }
        }
    }
    hits
}

fn whole(pattern: &Pattern, text: &str) -> Vec<(usize, usize)> {
    hits(pattern, text.as_bytes(), |_| (text.len(), true))
}

/// Where matches of `part` that begin at character `at` end: all of them, by trying everything.
fn ends(part: &Part, text: &[char], at: usize, folds: bool) -> BTreeSet<usize> {
    let word =
        |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|it| it.is_ascii_alphanumeric() || *it == '_');
    match part {
        Part::Char(wanted) => text
            .get(at)
            .filter(|it| if folds { it.eq_ignore_ascii_case(wanted) } else { *it == wanted })
            .map(|_| at + 1)
            .into_iter()
            .collect(),
        Part::Class(class) => text
            .get(at)
            .filter(|it| {
                let cases = [**it, it.to_ascii_lowercase(), it.to_ascii_uppercase()];
                **it != '"'
                    && match (folds, class.negated) {
                        (false, _) => class.has(**it),
                        (true, false) => cases.iter().any(|it| class.has(*it)),
                        (true, true) => cases.iter().all(|it| class.has(*it)),
                    }
            })
            .map(|_| at + 1)
            .into_iter()
            .collect(),
        Part::Assert { assertion, .. } => {
            let boundary = word(at.checked_sub(1)) != word(Some(at));
            let holds = match assertion {
                Assertion::WordBoundary => boundary,
                Assertion::NotWordBoundary => !boundary,
                _ => panic!("an anchor"),
            };
            holds.then_some(at).into_iter().collect()
        }
        Part::Sequence(parts) => parts.iter().fold(BTreeSet::from([at]), |from, part| {
            from.into_iter().flat_map(|at| ends(part, text, at, folds)).collect()
        }),
        Part::Choice(parts) => parts.iter().flat_map(|part| ends(part, text, at, folds)).collect(),
        Part::Repeat { part, least, most, .. } => {
            let mut all = BTreeSet::new();
            let mut here = BTreeSet::from([at]);
            let mut count = 0;
            while !here.is_empty() && most.is_none_or(|most| count <= most) {
                let known = all.len();
                if count >= *least {
                    all.extend(here.iter().copied());
                    if all.len() == known {
                        break;
                    }
                }
                here = here.into_iter().flat_map(|at| ends(part, text, at, folds)).collect();
                count += 1;
            }
            all
        }
    }
}

/// All matches as byte offsets, the longest for each place where one begins.
fn matches(source: &str, text: &str) -> Vec<(usize, usize)> {
    let (folds, rest) = source.strip_prefix("(?i)").map_or((false, source), |rest| (true, rest));
    let part = parse(rest).unwrap();
    let (offsets, characters): (Vec<usize>, Vec<char>) = text.char_indices().unzip();
    let offset = |at: usize| offsets.get(at).copied().unwrap_or(text.len());
    (0..characters.len())
        .filter_map(|at| {
            ends(&part, &characters, at, folds).last().filter(|end| **end > at).map(|end| (offset(at), offset(*end)))
        })
        .collect()
}

/// What must be redacted according to the oracle: from the left, the longest, without overlaps.
fn leftmost_longest(source: &str, text: &str) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for (start, end) in matches(source, text) {
        if out.last().is_none_or(|(_, last)| start >= *last) {
            out.push((start, end));
        }
    }
    out
}

const TABLE: &[(&str, &[&str])] = &[
    ("corp_[a-z0-9]{4}", &["corp_ab12", "corp_ab12cd", "xcorp_ab1", "corp_corp_corp_abcd", "CORP_abcd corp_zzzz"]),
    (
        r"\bcorp_[a-z0-9]{4,6}\b",
        &["corp_ab12", "corp_ab12cd", "xcorp_ab12", "corp_ab12cde", "-corp_abcde-", "corp_abcd_"],
    ),
    (r"[a-z]{2}-key-\d+", &["ab-key-12", "abc-key-12", "-key-1", "a-key-1", "xx-key-xx-key-9"]),
    (r"(?:foo|bar)_[a-z]+", &["foo_a bar_b", "foobar_", "barfoo_x"]),
    (r"foo-[a-z]+|bar-[0-9]+", &["foo-1 bar-1 foo-a", "foo-bar-12", "bar-bar-foo-bar-"]),
    (r"x(?:abc[c-z]+|def[0-9]+)y", &["xabcy xabczy", "xdef1y", "xdefy", "xabcxdef1yy", "xdef12", "xabcccyxyxabcc"]),
    (r"(?:abc){2,3}z", &["abcabcz", "abcz", "abcabcabcabcz"]),
    (r"a{3,5}b", &["aab", "aaab", "aaaaaaab", "aaaa"]),
    (r"(a{1,3}){1,4}baz(c+)+d", &["aaaaaaaaaaaaaaaaaabazcccd", "bazcd", "abazccccccc"]),
    (r"key(?:[a-z]{1,3}|[0-9]{2})*;", &["keyab12;", "key;", "keykey;", "key1;"]),
    (r"(?i)token-[a-f]{2,4}", &["TOKEN-ab", "Token-ABCDEF", "token-gg", "toKen-aF"]),
    (r"(?i)key[^a-f]{2}", &["KEYzz", "keyAz", "keyFF", "KeyGh"]),
    (r"[Kk]ey=[^\s,]{2,8}", &["key=ab,", "Key=abcdefghijk", "KEY=abc", "key= a"]),
    (r"sécret_é[à-ü]+", &["sécret_éàà", "sécret_é", "secret_éà", "sécret_éü€"]),
    (r"€{2}[^a]{3}", &["€€bcd", "€€a", "€€€€€€€", "€€😀😀😀"]),
    (r"(?:a|b|)cde.{0,3}!", &["acde!", "bcde12!", "cde1234!", "acdeé€!"]),
    (r"\w{0,5}\Babc\B\w?", &["xabcx", "abc", "xxxxxxabcxx", "xabc-xabcx"]),
    (r"abc(?:d\b|e\B)", &["abcd", "abcdx", "abce", "abcex", "abcd "]),
    (r"A[A-Z]{0,3}KIA[0-9]{2}", &["AKIA12", "AAAAKIA99", "AKIAKIA12", "AXXXXKIA12"]),
];

#[test]
fn patterns_give_what_trying_everything_gives() {
    for (source, texts) in TABLE {
        let pattern = pattern(source);
        for text in *texts {
            for text in [(*text).to_owned(), format!("{text} {text}"), format!("é{text}{text}€")] {
                assert_eq!(whole(&pattern, &text), leftmost_longest(source, &text), "{source} in {text:?}");
            }
        }
    }
}

#[test]
fn windows_change_nothing() {
    for (source, texts) in TABLE {
        let pattern = pattern(source);
        let text = texts.join(" ");
        let expected = whole(&pattern, &text);
        for ahead in 0..text.len() {
            assert_eq!(
                hits(&pattern, text.as_bytes(), |end| (end + ahead, false)),
                expected,
                "{source}, {ahead} ahead"
            );
        }
    }
}

#[test]
fn a_match_at_the_end_waits_for_what_could_change_it() {
    let judge = |source: &str, text: &str, is_complete| {
        let at = text.find("key").unwrap();
        pattern(source).verify(&Text { bytes: text.as_bytes(), is_complete, levels: &() }, at, at + 3)
    };
    for (source, text, open) in [
        ("key[a-z]{2}", "keyab", Found::Secret { start: 0, end: 5 }),
        ("key[a-z]{2}", "keya", Found::More),
        ("key[a-z]{2,}", "keyab", Found::More),
        ("key[a-z]{2,}", "keyab ", Found::Secret { start: 0, end: 5 }),
        (r"key[a-z]{2}\b", "keyab", Found::More),
        (r"key[a-z]{2}\b", "keyabc", Found::Nothing { examined: 3 }),
        ("key", "key", Found::Secret { start: 0, end: 3 }),
        ("key[a-z]{2}", "key-", Found::Nothing { examined: 3 }),
    ] {
        assert_eq!(judge(source, text, false), open, "{source} {text}");
        assert_ne!(judge(source, text, true), Found::More, "{source} {text}");
    }
}

#[test]
fn the_literal_is_long_and_rare_and_near_the_beginning() {
    for (source, expected) in [
        ("corp_[a-z0-9]{32}", &["corp_"] as &[&str]),
        ("[a-z]{3}://tok-[a-z]+", &["://tok-"]),
        ("(?:live|test)_[a-z]{20}", &["live_", "test_"]),
        ("[Kk]ey-[a-z]{9}", &["Key-", "key-"]),
        ("(?i)KEY-[a-z]{9}", &["key-"]),
        ("a{5}[0-9]", &["aaaaa"]),
        ("(?:abc)+[0-9]{8}", &["abc"]),
        ("abc[0-9]{8}zzzzzzzz", &["abc"]),
        ("[0-9]{60}abcd|abc_", &["abc_", "abcd"]),
    ] {
        let mut literals = literals(source);
        literals.sort();
        if source.contains("zzzz") {
            // Both are good; the longer one is rarer, and little comes before it.
            assert_eq!(literals, ["zzzzzzzz"]);
            continue;
        }
        assert_eq!(literals, expected, "{source}");
    }
    assert_eq!(pattern("[a-z]{3}://tok-[a-z]+").before(), 3);
    assert_eq!(pattern("[é-ü]{0,3}tok-").before(), 6);
}

#[test]
fn every_mistake_is_named_and_placed() {
    let table: &[(&str, Mistake, Option<usize>, &str)] = &[
        ("abc(?=d)", Mistake::Syntax, Some(6), "look-around"),
        ("(?i)abc(?<!d)", Mistake::Syntax, Some(11), "look-around"),
        (r"(abc)\1", Mistake::Syntax, Some(7), "backreference"),
        ("abc(?i)d", Mistake::Syntax, Some(5), "`(?` group"),
        ("abc[z-a]", Mistake::Syntax, Some(7), "out of order"),
        ("abc{5000}", Mistake::Syntax, Some(8), "more than 4096"),
        ("abc(", Mistake::Syntax, Some(4), "without its `)`"),
        ("^abc", Mistake::Anchor, Some(0), "anchor"),
        ("(?i)abc$", Mistake::Anchor, Some(7), "anchor"),
        ("\"abc\"", Mistake::Nothing, None, "\""),
        ("abc[]", Mistake::Nothing, None, "nothing can match"),
        ("", Mistake::Empty, None, "empty text"),
        ("(?:abc)?", Mistake::Empty, None, "empty text"),
        (r"\babc|\b", Mistake::Empty, None, "empty text"),
        ("abc.*", Mistake::Everything, Some(3), "unbounded repetition"),
        (r"abc[^,\n]+x", Mistake::Everything, Some(3), "unbounded repetition"),
        (r"abc(?:[\s\S])*x", Mistake::Everything, Some(3), "unbounded repetition"),
        ("[a-z]+", Mistake::Literal, None, "no literal of 3 bytes"),
        ("ab[0-9]+", Mistake::Literal, None, "no literal"),
        ("abc|de", Mistake::Literal, None, "no literal"),
        ("a[bcdefg]c", Mistake::Literal, None, "no literal"),
        ("(a+)+b", Mistake::Literal, None, "no literal"),
        ("(a+)+bcd", Mistake::Literal, None, "too much may come before"),
        ("[a-z]+_token", Mistake::Literal, None, "too much may come before"),
        ("[0-9]{65}abc", Mistake::Literal, None, "too much may come before"),
        ("[0-9]{60}abc", Mistake::Literal, None, "too much may come before"),
        ("abc[0-9]{4096}", Mistake::Length, None, "longer than 4096"),
        ("abc[a-z]{1000}[0-9]{100}", Mistake::Size, None, "1024 states"),
        ("abc(?:[a-z]{2}|[a-z]{3}x?){12}[a-m][a-z]{12}[0-9]", Mistake::Size, None, "1024 states"),
        ("key[a-z]{1,400};", Mistake::Repeats, None, "again and again"),
        ("key[a-z](?:[a-z]{0,200};)?", Mistake::Repeats, None, "again and again"),
    ];
    for (source, mistake, at, what) in table {
        let fault = match Pattern::compile("test", source) {
            Err(fault) => fault,
            Ok(_) => panic!("{source} compiles"),
        };
        assert_eq!((fault.mistake, fault.at), (*mistake, *at), "{source}: {fault}");
        let shown = fault.to_string();
        assert!(shown.contains(what) && shown.len() < 300, "{source}: {shown}");
    }
    let many = (b'a'..=b'z').map(|it| format!("{}[0-9]x", char::from(it).to_string().repeat(3))).collect::<Vec<_>>();
    assert_eq!(Pattern::compile("test", &many.join("|")).unwrap_err().mistake, Mistake::Literal);
    for name in ["", "Corp", "9a", "a_b", "a]", &"a".repeat(65)] {
        assert_eq!(Pattern::compile(name, "corp_").unwrap_err().mistake, Mistake::Name);
    }
    let fault = Pattern::compile("test", r"(abc)\1").unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the pattern has a backreference, which cannot be matched in linear time (near byte 7 of the pattern): \
         repeat the group's own pattern instead"
    );
}

#[test]
fn examples_are_tried() {
    let pattern = pattern(r"corp_[a-z]{4}\b");
    pattern.check(["corp_abcd", "the key corp_abcd!"], ["corp_abc", "corp_<name>"]).unwrap();
    assert_eq!(pattern.check(["corp_abcd", "corp"], []).unwrap_err().mistake, Mistake::Example);
    let fault = pattern.check([], ["x", "a corp_test b"]).unwrap_err();
    assert_eq!(fault.mistake, Mistake::Pass);
    assert!(fault.to_string().starts_with("text 2 of those that must pass matches"), "{fault}");
}

#[test]
fn quotes_are_never_taken() {
    let pattern = pattern(r"key[^,]{2,20}");
    assert_eq!(whole(&pattern, r#"keyabc"def"#), [(0, 6)]);
    assert_eq!(whole(&pattern, r#"keya"def"#), []);
    assert_eq!(whole(&super::Pattern::compile("a", r#""?key"?[a-z]+"#).unwrap(), r#""key"a "keyb"#), [(8, 12)]);
}

#[test]
fn a_match_is_taken_up_to_its_limit() {
    let pattern = pattern("key_[a-z]{3,}");
    let text = format!("key_{}", "a".repeat(3 * LONGEST));
    assert_eq!(whole(&pattern, &text), [(0, 4 + LONGEST)]);
    assert_eq!(
        pattern.verify(&Text { bytes: &text.as_bytes()[..4 + LONGEST], is_complete: false, levels: &() }, 0, 4),
        Found::Secret { start: 0, end: 4 + LONGEST }
    );
}

/// Bytes that all candidates of a text make the automata read.
fn bytes_read(pattern: &Pattern, text: &str) -> usize {
    let text = Text { bytes: text.as_bytes(), is_complete: true, levels: &() };
    let (mut taken, mut sum) = (0, 0);
    for at in 0..text.bytes.len() {
        for branch in &pattern.branches {
            for literal in &branch.literals {
                if at < taken || !text.bytes[at..].starts_with(literal) {
                    continue;
                }
                let end = at + literal.len();
                if let Some(before) = &branch.before {
                    let bytes = text.bytes[..at].iter().rev().copied();
                    sum += before.run(before.start(text.bytes.get(at).copied()), bytes, true, BEFORE).read;
                }
                let last = text.bytes.get(end - 1).copied();
                let rest = text.bytes[end..].iter().copied();
                sum += branch.after.run(branch.after.start(last), rest, true, LONGEST).read;
                match pattern.verify(&text, at, end) {
                    Found::Secret { end, .. } | Found::Open { end, .. } => taken = end,
                    Found::Nothing { examined } => taken = taken.max(if examined > end { examined } else { 0 }),
                    Found::More => panic!("more of complete text"),
                }
            }
        }
    }
    sum
}

#[test]
fn no_text_is_read_more_often_than_promised() {
    for source in [
        "bbb(a+)+b",
        "key[a-z]{48}",
        "key[a-z]{100,200}",
        r"key[a-z]{3,}\b",
        "key[a-z-]{3,};",
        "key[a-z]{1,40};",
        r"[a-z]{0,40}key[a-z]{20,30}[0-9]",
        "key(?:key)*;",
        "aaa[a-z]{100,};",
        "(?:key|eyk|yke)[a-z]{50}",
        "key(?:[a-z]{3,}|[a-z]+;)!",
        "key_[a-z]{1,400};",
        "key-[A-Za-z0-9_-]{100,200}",
    ] {
        let pattern = pattern(source);
        for repeated in ["key", "a", "keya", "key_", "aaab", "key-", "eyk", "keykey;", "key key", "key_a;"] {
            for end in ["", "!", "_", ";"] {
                let text = format!("{}{end}", repeated.repeat(20_000 / repeated.len()));
                let read = bytes_read(&pattern, &text);
                // Backwards and forwards, and once more for what a match left.
                assert!(
                    read <= text.len() * (3 * REREAD + 2),
                    "{source} on {repeated:?}…{end:?}: {read} of {}",
                    text.len()
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever compiles finds what trying everything finds: nothing is missed, and nothing is made up.
    #[test]
    fn any_pattern_agrees_with_trying_everything(
        source in "(\\(\\?i\\))?(\\\\b|[a-b]|\\[ab\\]\\{0,2\\}|\\(a\\|bc\\)\\?){0,3}(abc|cab|aab|\\(abc\\|bca\\))(a|[a-c]\\{1,3\\}|\\[a-c\\]\\+|\\[\\^b\\]|\\(ab\\|c\\)\\*|\\\\b|\\\\B|c\\?|x){0,4}",
        text in "[abcABx é]{0,24}(abc|cab|aab|bca)[abcx é]{0,12}",
        ahead in 0..40_usize,
    ) {
        let Ok(pattern) = Pattern::compile("test", &source) else { return Ok(()) };
        let hits_whole = whole(&pattern, &text);
        prop_assert_eq!(&hits(&pattern, text.as_bytes(), |end| (end + ahead, false)), &hits_whole);
        let all = matches(&source, &text);
        for (start, end) in &all {
            prop_assert!(hits_whole.iter().any(|(from, to)| from < end && start < to), "{source} misses {start}..{end} of {text:?}: {hits_whole:?}");
        }
        if let Some((start, end)) = hits_whole.first() {
            let from = all.iter().filter(|(from, _)| from == start);
            prop_assert!(from.clone().count() == 1 && from.clone().all(|(_, to)| to >= end), "{source} invents {start}..{end} of {text:?}: {all:?}");
        }
    }

    #[test]
    fn compiling_never_panics(source in "[abc()\\[\\]{},0-9|*+?.\\\\^$\"é-]{0,24}") {
        if let Err(fault) = Pattern::compile("test", &source) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }
}
