use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::secret::verify::Levels;

/// `MARK`, then as many bytes as a digit says; with `?` no secret, but looked at.
#[derive(Debug)]
struct Marked {
    literals: Vec<Box<[u8]>>,
    before: usize,
    looked_at: Arc<AtomicUsize>,
}

impl Marked {
    fn new(literal: &str, before: usize) -> Self {
        Self { literals: vec![literal.as_bytes().into()], before, looked_at: Arc::default() }
    }
}

const LOOKS: usize = 600;

impl Pattern for Marked {
    fn name(&self) -> &str {
        "marked"
    }

    fn literals(&self) -> Vec<&[u8]> {
        self.literals.iter().map(|literal| &**literal).collect()
    }

    fn folds(&self) -> bool {
        false
    }

    fn before(&self) -> usize {
        self.before
    }

    fn verify(&self, text: &Text<'_>, at: usize, end: usize) -> Found {
        let rest = &text.bytes[end..];
        let window = &rest[..rest.len().min(LOOKS)];
        self.looked_at.fetch_add(window.len(), Ordering::Relaxed);
        let start =
            at - text.bytes[..at].iter().rev().take(self.before).take_while(|it| !it.is_ascii_whitespace()).count();
        match window.iter().position(|byte| matches!(byte, b'!' | b'?')) {
            Some(found) if window[found] == b'!' => Found::Secret { start, end: end + found + 1 },
            Some(found) => Found::Nothing { examined: end + found + 1 },
            None if window.len() < LOOKS && !text.is_complete => Found::More,
            None => Found::Nothing { examined: end + window.len() },
        }
    }
}

/// Quotes with levels of their own, in text of which the beginning is gone.
struct Leveled<'a> {
    levels: &'a [u32],
    base: usize,
}

impl Levels for Leveled<'_> {
    fn level(&self, at: usize) -> u32 {
        self.levels.get(self.base + at).copied().unwrap_or(0)
    }
}

fn scanner() -> &'static Scanner {
    static SCANNER: LazyLock<Scanner> = LazyLock::new(new_scanner);
    &SCANNER
}

fn new_scanner() -> Scanner {
    let keys = ["password", "api_key"].map(|it| Key::new(it).unwrap());
    Scanner::new(|_| true, &keys, vec![Box::new(Marked::new("MARK", 0)), Box::new(Marked::new("(*)", 40))])
}

fn whole(scanner: &Scanner, text: &[u8], levels: &[u32]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let levels = Leveled { levels, base: 0 };
    let text = Text { bytes: text, is_complete: true, levels: &levels };
    assert_eq!(scanner.scan(&text, 0, &mut Memo::default(), &mut hits), text.bytes.len());
    hits
}

/// Scans in windows that grow by `steps`, over and over, dropping all that may be dropped.
fn windowed(scanner: &Scanner, text: &[u8], levels: &[u32], steps: &[usize]) -> Vec<Hit> {
    let (mut base, mut end, mut from) = (0, 0, 0);
    let mut all = Vec::new();
    let mut memo = Memo::default();
    for step in steps.iter().cycle() {
        end = text.len().min(end + step);
        let is_complete = end == text.len();
        let mut hits = Vec::new();
        let levels = Leveled { levels, base };
        let window = Text { bytes: &text[base..end], is_complete, levels: &levels };
        let decided = scanner.scan(&window, from, &mut memo, &mut hits);
        assert!(decided >= from && decided <= window.bytes.len());
        for hit in hits {
            assert!(hit.start >= from, "a hit begins before what was decided: {hit:?} {from}");
            assert!(hit.end <= decided, "a hit ends behind what is decided: {hit:?} {decided}");
            all.push(Hit { start: hit.start + base, end: hit.end + base, ..hit });
        }
        if is_complete {
            assert_eq!(decided, window.bytes.len());
            return all;
        }
        let dropped = decided.saturating_sub(LOOKBACK);
        memo.forget(dropped);
        base += dropped;
        from = decided - dropped;
    }
    all
}

fn found(text: &str) -> Vec<(String, String)> {
    let scanner = scanner();
    let hits = whole(scanner, text.as_bytes(), &[]);
    hits.iter()
        .map(|it| (scanner.name(it.detector).to_owned(), text.get(it.start..it.end).unwrap().to_owned()))
        .collect()
}

const GITHUB: &str = "ghp_R8wPz2KqLmV5nXtB7cYdF3hJ9sGaE41QZiUo";
const AWS: &str = "AKIAQ3EGRZ7WVNPL5KTD";

#[test]
fn a_token_keeps_its_kind_under_a_key() {
    for text in [format!("password={GITHUB}"), format!("\"password\": \"{GITHUB}\""), format!("api_key: {GITHUB}, x")] {
        let found = found(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].1, GITHUB);
        assert!(found[0].0.starts_with("github"), "{found:?}");
    }
    assert_eq!(found("password=x"), [("key-name".to_owned(), "x".to_owned())]);
    assert_eq!(found("password: a-MARKsecret!"), [("key-name".to_owned(), "a-MARKsecret!".to_owned())]);
    assert_eq!(found("password: MARKsecret!"), [("marked".to_owned(), "MARKsecret!".to_owned())]);
    assert_eq!(found("x abc(*)secret!"), [("marked".to_owned(), "abc(*)secret!".to_owned())]);
}

#[test]
fn what_is_off_is_not_found_and_numbers_have_names() {
    let off = Scanner::new(|it| it.name != "aws-access-key-id", &[], Vec::new());
    assert_eq!(whole(&off, AWS.as_bytes(), &[]), []);
    let scanner = scanner();
    for number in 0..scanner.numbers() - 1 {
        assert_eq!(scanner.detector(scanner.name(number)), Some(number));
    }
    assert_eq!(scanner.name(scanner.numbers() - 1), "marked");
    assert_eq!(scanner.name(scanner.numbers()), "");
    assert_eq!(scanner.detector("no-such"), None);
    assert_eq!(whole(scanner, AWS.as_bytes(), &[])[0].detector, scanner.detector("aws-access-key-id").unwrap());
}

#[test]
fn a_value_of_any_length_is_found_in_pieces_and_constant_memory() {
    let scanner = scanner();
    let text = format!("{{\"password\": \"{}\", \"a\": \"{AWS}\"}}", "long ".repeat(20_000));
    let levels = vec![0; text.len()];
    let hits = whole(scanner, text.as_bytes(), &levels);
    let pieces = 100_000_usize.div_ceil(REACH);
    assert_eq!(hits.len(), pieces + 1);
    assert!(!hits[0].joins && hits[1..pieces].iter().all(|it| it.joins) && !hits[pieces].joins);
    assert_eq!((hits[0].start, hits[pieces - 1].end), (14, 14 + 100_000));
    assert!(hits[..pieces].windows(2).all(|pair| pair[0].end == pair[1].start));
    for step in [100, 1000, 5000, 50_000] {
        assert_eq!(windowed(scanner, text.as_bytes(), &levels, &[step]), hits, "{step}");
    }
    let mut memo = Memo::default();
    let window = Text { bytes: &text.as_bytes()[..80_000], is_complete: false, levels: &() };
    let decided = scanner.scan(&window, 0, &mut memo, &mut Vec::new());
    assert!(decided > 80_000 - REACH - 32);
}

#[test]
fn little_is_held_back_unless_a_candidate_is_open() {
    let scanner = scanner();
    let prose = "The quick brown fox jumps over the lazy dog, and nothing here is worth a second look; ".repeat(20);
    for end in 0..prose.len() {
        let window = Text { bytes: &prose.as_bytes()[..end], is_complete: false, levels: &() };
        let decided = scanner.scan(&window, 0, &mut Memo::default(), &mut Vec::new());
        assert!(end - decided <= 32 + 10, "{} held back at {end}", end - decided);
    }
    assert!(scanner.prefilter.reach() <= 32);
}

#[test]
fn failing_candidates_are_judged_once_however_many_there_are() {
    let marked = Marked::new("MARK", 0);
    let looked_at = marked.looked_at.clone();
    let scanner = Scanner::new(|_| false, &[], vec![Box::new(marked)]);
    let text = "MARK".repeat(50_000);
    assert_eq!(whole(&scanner, text.as_bytes(), &[]), []);
    let once = looked_at.swap(0, Ordering::Relaxed);
    assert!(once <= text.len() * 2, "{once} bytes looked at of {}", text.len());
    assert_eq!(windowed(&scanner, text.as_bytes(), &[], &[10_000]), []);
    let windowed = looked_at.swap(0, Ordering::Relaxed);
    assert!(windowed <= text.len() * 2, "{windowed} bytes looked at of {}", text.len());
}

#[test]
fn secrets_beside_each_other_are_all_found() {
    let scanner = scanner();
    let text = format!("{AWS} ").repeat(10_000);
    assert_eq!(whole(scanner, text.as_bytes(), &[]).len(), 10_000);
    assert_eq!(windowed(scanner, text.as_bytes(), &[], &[777]).len(), 10_000);
}

fn text() -> impl Strategy<Value = String> {
    let secrets = [
        GITHUB,
        AWS,
        "MARKabc!",
        "MARKabc?",
        "abc(*)x!",
        "(*)",
        "password=hunter2",
        "\"password\": \"a b c\"",
        "apiKey: 'it'",
        "MARK",
        "password",
        "password:",
        "password = \"",
        "sk-proj-",
        "ghp_",
        "AKIA",
        "://",
        "https://user:Zq9vTr4LkW@host/",
        "\"",
        "\"",
        "'",
        ":",
        "=",
        " ",
        " ",
        "\n",
        ",",
        "!",
        "?",
        "a",
        "-----BEGIN ",
        "eyJ",
        "bearer ",
        "token: ",
        "8Q~",
        "123456789:AA",
        "T3BlbkFJ",
        "secret_key=",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(secrets.to_vec()).prop_map(str::to_owned),
        1 => "[ -~\n]{0,40}",
        1 => "[A-Za-z0-9_-]{0,80}",
        1 => (1_usize..700).prop_map(|length| "x".repeat(length)),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_windows_give_the_same_hits(
        text in text(),
        steps in prop::collection::vec(1_usize..300, 1..10),
        seed in 0_u32..1000,
    ) {
        let scanner = scanner();
        let levels: Vec<u32> = (0_u32..).take(text.len()).map(|at| (at ^ seed).wrapping_mul(0x9e37_79b1) >> 30).collect();
        let hits = whole(scanner, text.as_bytes(), &levels);
        for pair in hits.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
        prop_assert!(hits.iter().all(|it| it.start < it.end && it.end <= text.len()));
        prop_assert_eq!(windowed(scanner, text.as_bytes(), &levels, &steps), hits);
    }
}

/// Literals of one detector may stand in one name, one over the other, and only one of them says what the name means.
#[test]
fn a_name_is_read_for_each_literal_in_it() {
    let scanner = Scanner::new(|detector| detector.group.is_default(), &[], Vec::new());
    for name in
        ["DB_PASSWORD", "db_password", "SMTP_PASSWORD", "my-password", "dbpassword", "app_auth_token", "x_secret_key"]
    {
        for (before, after) in [("export ", "="), ("", ": "), ("{\"", "\": \"")] {
            let text = format!("{before}{name}{after}Kq7vT2mXw9LzR4pN8sYc\"");
            let mut hits = Vec::new();
            let flat = Text { bytes: text.as_bytes(), is_complete: true, levels: &() };
            scanner.scan(&flat, 0, &mut Memo::default(), &mut hits);
            let found: Vec<&str> = hits.iter().filter_map(|hit| text.get(hit.start..hit.end)).collect();
            assert_eq!(found, ["Kq7vT2mXw9LzR4pN8sYc"], "{text}");
        }
    }
}

/// A value that its name alone gives away is found from where it begins, however it is assigned.
#[test]
fn values_are_named_by_what_stands_before_them() {
    let value = "3f9a1c7e5b2d8046e1f7a9c3d5b80264";
    let names = "{\"name\": \"DATADOG_API_KEY\", \"value\": \"";
    for before in [
        "DATADOG_API_KEY=",
        "datadog_key: '",
        "\"datadogApiKey\" : \"",
        "const DATADOG_KEY: &str = \"",
        "var datadogKey string = \"",
        "config['datadog_token'] = `",
        "--datadog-api-key ",
        "ENV DATADOG_API_KEY ",
        "?datadog_api_key=",
        "datadog_api_key%3D",
        "<datadog_key>",
        "<key>datadogKey</key>\n  <string>",
        "datadog key is: x\ndatadog_key := \"",
        "datadog.key => \"",
        names,
    ] {
        let end =
            before.chars().last().filter(|it| "\"'`".contains(*it)).map_or("<\n".to_owned(), |it| format!("{it}\n"));
        let text = format!("{before}{value}{end}");
        let wanted = ("datadog-api-key".to_owned(), value.to_owned());
        let all = Scanner::new(|it| it.name == "datadog-api-key", &[], Vec::new());
        let hits = whole(&all, text.as_bytes(), &[]);
        let found: Vec<_> = hits
            .iter()
            .map(|it| (all.name(it.detector).to_owned(), text.get(it.start..it.end).unwrap().to_owned()))
            .collect();
        assert_eq!(found, [wanted], "{text}");
        for step in [1, 7, 33] {
            assert_eq!(windowed(&all, text.as_bytes(), &[], &[step]), hits, "{step}: {text}");
        }
    }
    for other in ["datadog_url", "datadog", "dogs_key"] {
        let all = Scanner::new(|it| it.name == "datadog-api-key", &[], Vec::new());
        assert_eq!(whole(&all, format!("{other}={value}\n").as_bytes(), &[]), [], "{other}");
    }
}
