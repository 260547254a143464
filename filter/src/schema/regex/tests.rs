use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().matches(text, &mut Work::new(1_000_000)).unwrap()
}

#[test]
fn what_matches_and_what_does_not() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("", &["", "a"], &[]),
        ("b", &["b", "abc"], &["", "a", "B"]),
        ("^abc$", &["abc"], &["abcd", "zabc", "abc\n", "ABC"]),
        ("a.c", &["abc", "a\tc", "aéc", "a\u{1f600}c"], &["a\nc", "a\rc", "a\u{2028}c", "ac"]),
        ("^a*$", &["", "aaa"], &["b", "ab"]),
        ("^a+b?$", &["a", "aab"], &["", "b", "abb"]),
        ("^(ab|cd)+$", &["ab", "cdab"], &["", "abc"]),
        ("^(?:a|b|)c$", &["ac", "bc", "c"], &["abc"]),
        ("^(?<year>\\d{4})-\\d{2}$", &["2026-11"], &["26-11", "2026-1", "২০২৬-11"]),
        ("^a{2}$", &["aa"], &["a", "aaa"]),
        ("^a{2,}$", &["aa", "aaaaa"], &["a"]),
        ("^a{1,3}$", &["a", "aaa"], &["", "aaaa"]),
        ("^a{0}$", &[""], &["a"]),
        ("^(a{1,2}){2}$", &["aa", "aaaa"], &["a", "aaaaa"]),
        ("^a*?b+?c??$", &["b", "aabbc"], &["c"]),
        ("^[abc]$", &["a", "c"], &["d", "", "ab"]),
        ("^[^abc]$", &["d", "\n", "é"], &["a", ""]),
        ("^[a-cx-z]+$", &["abxz"], &["d", "w"]),
        ("^[-a]$|^[b-]$|^[\\w-]$|^[+--]$", &["-", "a", "b", ","], &["*"]),
        ("^[]$", &[], &["", "a", "]"]),
        ("^[^]$", &["a", "\n"], &[""]),
        ("^[\\]\\\\^]+$", &["]\\^"], &["["]),
        ("^[.*+?(){}|$/]+$", &[".*+?(){}|$/"], &["a"]),
        ("^[\\b]$", &["\u{8}"], &["b"]),
        ("^[\\d\\s]+$", &["1 2\u{a0}\u{feff}"], &["a"]),
        ("^\\d\\D\\w\\W\\s\\S$", &["1a_- x", "0x9\u{e9}\u{3000}\u{e9}"], &["1a_-xx"]),
        ("^\\S+$", &["abc"], &["a b", "a\u{2003}b", "a\u{feff}b"]),
        ("^\\t\\n\\v\\f\\r\\0$", &["\t\n\u{b}\u{c}\r\0"], &["tnvfr0"]),
        ("^\\cJ\\cj$", &["\n\n"], &["JJ"]),
        ("^\\x41\\u0042\\u{1F600}\\uD83D\\uDE00$", &["AB\u{1f600}\u{1f600}"], &["AB"]),
        ("^\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/\\-\\@$", &["^$\\.*+?()[]{}|/-@"], &[""]),
        ("\\bfoo\\b", &["foo", "a foo b", "-foo-"], &["foobar", "_foo", "afoo"]),
        ("\\Boo\\B", &["foox"], &["foo", "oox"]),
        ("^(?:^a|b$)$", &["a", "b"], &["ab"]),
        ("x^|$y", &[], &["x", "y", "xy"]),
        ("^(a*)*$", &["", "aaa"], &["b"]),
        ("^(a?){3}$", &["", "a", "aaa"], &["aaaa"]),
        ("^(|a)+$", &["", "aa"], &["b"]),
        ("^\\u{61}é😀$", &["aé😀"], &["aé"]),
        ("(){1000}", &["", "a"], &[]),
        (
            "^https://(?:[a-z0-9-]+\\.)*example\\.com/",
            &["https://a.b.example.com/x"],
            &["https://example.com.evil/", "https://aexample.com/"],
        ),
        ("^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", &["a", "a-b", "x1"], &["-a", "a-", ""]),
    ];
    for (pattern, yes, no) in table {
        for text in *yes {
            assert!(matches(pattern, text), "{pattern} {text:?}");
        }
        for text in *no {
            assert!(!matches(pattern, text), "{pattern} {text:?}");
        }
    }
}

#[test]
fn what_is_refused_and_why() {
    for (pattern, why) in [
        ("(a)\\1", "backreference"),
        ("(?<n>a)\\k<n>", "backreference"),
        ("(?=a)", "look-around"),
        ("(?!a)b", "look-around"),
        ("(?<=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        ("(?i)a", "`(?` group"),
        ("(?i:a)", "`(?` group"),
        ("(?<1-x>a)", "malformed name"),
        ("\\p{L}", "property class"),
        ("\\PL", "property class"),
        ("[\\p{Lu}]", "property class"),
        ("\\Afoo\\z", "`\\A`"),
        ("\\e", "`\\e`"),
        ("\\", "backslash at its end"),
        ("[a", "`[` without"),
        ("[a-", "`[` without"),
        ("[a-\\d]", "ends in a class"),
        ("[z-a]", "out of order"),
        ("(a", "`(` without"),
        ("a)", "`)` without"),
        ("]", "`]`"),
        ("}", "`}`"),
        ("{", "`{`"),
        ("a{,3}", "malformed `{…}`"),
        ("a{x}", "malformed `{…}`"),
        ("a{2", "malformed `{…}`"),
        ("a{3,2}", "out of order"),
        ("*a", "nothing before"),
        ("a|+", "nothing before"),
        ("a**", "quantifier after a quantifier"),
        ("a++", "quantifier after a quantifier"),
        ("a{2}{3}", "belongs to no quantifier"),
        ("^*", "after an anchor"),
        ("\\b+", "after an anchor"),
        ("\\x4", "hexadecimal"),
        ("\\u12", "hexadecimal"),
        ("\\u{}", "hexadecimal"),
        ("\\u{110000}", "hexadecimal"),
        ("\\uD83D", "surrogate"),
        ("\\uDE00", "surrogate"),
        ("[\\uD83D\\u0041]", "surrogate"),
        ("\\c1", "`\\c`"),
        ("\\01", "`\\0`"),
        ("a{5000}", "repetition of more"),
        ("(a{100}){100}", "too many parts"),
        ("((a{1,60}){1,60}){1,60}", "too many parts"),
    ] {
        let refusal = Regex::new(pattern).map(|_| ()).unwrap_err();
        assert!(refusal.what.contains(why), "{pattern}: {refusal:?}");
    }
    assert!(Regex::new(&"(".repeat(40)).unwrap_err().what.contains("nested deeper"));
    assert!(Regex::new(&"a".repeat(5000)).unwrap_err().what.contains("more than"));
}

#[test]
fn no_case_is_another_case() {
    let folded = |pattern: &str, text: &str| {
        Regex::new(pattern).unwrap().matches_folded(text, &mut Work::new(1_000_000)).unwrap()
    };
    for (pattern, text) in [("^amount", "AMOUNT_X"), ("^[a-z]+$", "K\u{17f}"), ("^x-", "X-a"), ("é", "É"), ("^A$", "a")]
    {
        assert!(folded(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("^amount", "AMOUN"), ("^[^a]$", "a"), ("^[^a]$", "A"), ("^\\d$", "a")] {
        assert!(!folded(pattern, text), "{pattern} {text}");
    }
}

/// The steps that one match takes.
fn steps(pattern: &str, text: &str) -> usize {
    let mut work = Work::new(usize::MAX);
    Regex::new(pattern).unwrap().matches(text, &mut work).unwrap();
    usize::MAX - work.left()
}

#[test]
fn steps_grow_with_the_text_and_no_faster() {
    // Each of these makes a backtracking engine go exponential, or quadratic.
    for pattern in [
        "^(a+)+$",
        "^(a|a)*$",
        "^(a|aa)+$",
        "(.*)*x",
        "(a?){40}a{40}$",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "a*a*a*a*b",
        ".*.*=.*",
    ] {
        let instructions = Regex::new(pattern).unwrap().len();
        let [short, long] = [1_000, 4_000].map(|length| steps(pattern, &format!("{}!", "a".repeat(length))));
        // Until all states are live the first characters cost less.
        assert!(long <= short * 4 + instructions * instructions, "{pattern}: {short} then {long}");
        assert!(long <= 4_002 * (3 * instructions + 3), "{pattern}: {long} for {instructions} instructions");
    }
}

#[test]
fn a_match_ends_when_its_work_does() {
    let regex = Regex::new("(a?){40}a{40}$").unwrap();
    assert_eq!(regex.matches(&"a".repeat(10_000), &mut Work::new(10_000)), Err(Undecidable::Work));
}
