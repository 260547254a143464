use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::secret::Scanner;
use crate::secret::detector::detectors;
use crate::secret::verify::class;

fn literal(text: &str, folds: bool) -> Literal {
    Literal { bytes: text.as_bytes().into(), folds, then: None, begins_word: false, in_run: false, unless: None }
}

fn set() -> Vec<Literal> {
    let plain =
        ["AKIA", "ghp_", "gho_", "glpat-", "xoxb-", "hooks.slack.com/services/", "-----BEGIN ", "://", "eyJ", "@"];
    let folding = ["password", "token", "secret", "Bearer ", "api_key", "api-key", "pwd"];
    let mut set: Vec<_> = plain.iter().map(|it| literal(it, false)).collect();
    set.extend(folding.iter().map(|it| literal(it, true)));
    set.push(literal("token", false));
    set
}

fn plainly(literals: &[Literal], text: &[u8], from: usize) -> Vec<(usize, usize)> {
    let places = (from..text.len()).flat_map(|at| (0..literals.len()).map(move |number| (at, number)));
    places.filter(|(at, number)| literals[*number].begins(&text[*at..])).collect()
}

fn found(prefilter: &Prefilter, text: &[u8], from: usize) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    prefilter.find(text, from, |number, at| {
        all.push((at, number));
        true
    });
    all
}

fn every_width(literals: &[Literal], text: &[u8], from: usize) {
    let wanted = plainly(literals, text, from);
    for width in Width::all() {
        let prefilter = Prefilter::new(literals.to_vec()).with_width(width);
        assert_eq!(found(&prefilter, text, from), wanted, "{width:?} from {from}: {}", text.escape_ascii());
    }
}

#[test]
fn every_width_finds_every_literal_at_every_place_and_length() {
    let literals = set();
    let prefilters: Vec<_> =
        Width::all().into_iter().map(|width| (width, Prefilter::new(literals.clone()).with_width(width))).collect();
    for (number, it) in literals.iter().enumerate() {
        for before in 0..70 {
            for after in [0, 1, 2, 3, 4, 17, 40] {
                let mut text = vec![b'.'; before];
                text.extend(it.bytes.iter().map(|byte| if it.folds { byte.to_ascii_uppercase() } else { *byte }));
                text.extend(std::iter::repeat_n(b'.', after));
                let wanted = plainly(&literals, &text, 0);
                assert!(wanted.contains(&(before, number)));
                for (width, prefilter) in &prefilters {
                    assert_eq!(found(prefilter, &text, 0), wanted, "{width:?} {}", text.escape_ascii());
                    let later = before + 1;
                    assert_eq!(found(prefilter, &text, later), plainly(&literals, &text, later), "{width:?}");
                }
            }
        }
    }
}

#[test]
fn found_stops_the_search() {
    let prefilter = Prefilter::new(set());
    let mut seen = Vec::new();
    prefilter.find(b"eyJ eyJ ghp_ password", 0, |_, at| {
        seen.push(at);
        seen.len() < 2
    });
    assert_eq!(seen, [0, 4]);
}

#[test]
fn what_must_follow_is_used_and_only_that_is_passed_over() {
    let one = Literal {
        bytes: b"SK".as_slice().into(),
        folds: false,
        then: Some((class::DIGIT, 32)),
        begins_word: false,
        in_run: false,
        unless: None,
    };
    let prefilter = Prefilter::new(vec![one]);
    assert_eq!(found(&prefilter, b"SK123 SKIP SK1", 0), [(0, 0)]);
    assert_eq!(found(&prefilter, b"..SK12345", 0), [(2, 0)]);
}

#[test]
fn a_literal_that_is_too_long_is_found_by_its_beginning() {
    let long = "x".repeat(10) + &"abc".repeat(30);
    let prefilter = Prefilter::new(vec![literal(&long, false)]);
    assert_eq!(prefilter.length(0), LONGEST);
    assert_eq!(prefilter.reach(), LONGEST);
    assert_eq!(found(&prefilter, format!("...{long}").as_bytes(), 0), [(3, 0)]);
}

#[test]
fn literals_that_nobody_tuned_are_placed_at_load() {
    let mut literals = set();
    literals.push(literal("a-name-of-an-operators-own", true));
    literals.extend((0..200).map(|number| literal(&format!("{number}kee"), number % 2 == 0)));
    every_width(&literals, b"my A-Name-of-an-operators-own is 17kee, 198KEE, 199KEE", 0);
}

#[test]
fn no_literals_find_nothing() {
    assert_eq!(found(&Prefilter::new(Vec::new()), &[b'a'; 100], 0), []);
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(set()).prop_map(|it| it.bytes.to_vec()),
        prop::sample::select(set()).prop_map(|it| it.bytes.to_ascii_uppercase()),
        prop::sample::select(set()).prop_map(|it| it.bytes[1..].to_vec()),
        prop::sample::select(set()).prop_map(|it| it.bytes[..it.bytes.len() - 1].to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
        "[ -~]{0,20}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_width_finds_what_a_plain_search_finds(text in pieces(), from in 0_usize..40) {
        every_width(&set(), &text, from.min(text.len()));
    }

    #[test]
    fn any_literals(
        texts in prop::collection::vec(("[a-cA-C_]{1,7}", any::<bool>()), 1..40),
        text in "[a-cA-C_]{0,200}",
    ) {
        let literals: Vec<_> = texts.iter().map(|(text, folds)| literal(text, *folds)).collect();
        every_width(&literals, text.as_bytes(), 0);
    }
}

/// Prefixes of tokens, a name, and one that is found anywhere.
fn prefixes() -> Vec<Literal> {
    let prefix = |text| Literal { begins_word: true, in_run: true, ..literal(text, false) };
    vec![
        prefix("ghp_"),
        prefix("sk-"),
        prefix("eyJ"),
        prefix("AAAAAAAAAAAAAAAA"),
        literal("token", true),
        literal("AKIA", false),
    ]
}

/// What must be found of [`prefixes`], and [`VALUE`], where they must.
fn required(literals: &[Literal], text: &[u8], from: usize) -> Vec<(usize, usize)> {
    let is_run = |at: usize| class::run(&text[at..], class::TOKEN, RUN) == RUN;
    let mut all = plainly(literals, text, from);
    all.retain(|(at, number)| !literals[*number].in_run || is_run(*at) && !begins_inside_word(text, *at));
    let follows = |at: usize| at > 0 && class::is(text[at - 1], class::TOKEN);
    all.extend(
        (from..text.len()).filter(|at| is_run(*at) && !follows(*at) && may_be_value(text, *at)).map(|at| (at, VALUE)),
    );
    all.sort_unstable();
    all
}

fn runs_are_found(text: &[u8], from: usize) {
    static PREFILTERS: LazyLock<Vec<Prefilter>> = LazyLock::new(|| {
        let one = |width| Prefilter::new(prefixes()).with_values().with_width(width);
        Width::all().into_iter().map(one).collect()
    });
    let literals = prefixes();
    let all: Vec<_> = PREFILTERS.iter().map(|prefilter| found(prefilter, text, from)).collect();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}: {}", text.escape_ascii());
    assert!(all[0].is_sorted_by(|a, b| a < b), "{all:?}: {}", text.escape_ascii());
    for one in required(&literals, text, from) {
        assert!(all[0].contains(&one), "{one:?} of {all:?} from {from}: {}", text.escape_ascii());
    }
}

#[test]
fn prefixes_are_found_where_words_begin_long_runs() {
    let run = "a1B2c3D4e5F6g7H8";
    for before in (0..70).step_by(3).chain(2020..2050) {
        for middle in ["", " ", "%3D", "x_", "token=", "key=%2f", "key: \"", "AAAA%2B"] {
            for prefix in ["ghp_", "sk-", "eyJ", "AAAAAAAAAAAAAAAA", ""] {
                let text = format!("{}{middle}{prefix}{run}", ".".repeat(before));
                runs_are_found(text.as_bytes(), 0);
                let from = text.len() - run.len() - prefix.len();
                (from.saturating_sub(4)..from + 2).for_each(|from| runs_are_found(text.as_bytes(), from));
            }
        }
    }
    let prefilter = Prefilter::new(prefixes());
    for short in ["ghp_a1B2c3", "xghp_a1B2c3D4e5F6g7H8", "ghp_a1B2c3 D4e5F6g7H8"] {
        assert_eq!(found(&prefilter, short.as_bytes(), 0), [], "{short}");
    }
}

proptest! {
    #[test]
    fn prefixes_are_found_in_any_text(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec!["ghp_", "sk-", "eyJ", "token", "AKIA", "%3D", "%", "=", "\"", "key", " ", ": "])
                    .prop_map(str::to_owned),
                "[A-Za-z0-9._-]{0,30}",
                "A{0,30}",
            ],
            0..60,
        ),
        from in 0_usize..80,
    ) {
        let text = pieces.concat();
        runs_are_found(text.as_bytes(), from.min(text.len()));
    }
}

/// What to do about a failure: `cargo run --release -p tidegate-kernel --example tune-fingerprints`.
#[test]
fn the_tables_are_those_of_the_detectors() {
    let placer = Placer::new();
    let literals: Vec<Literal> = detectors().flat_map(Scanner::literals).collect();
    let literals: Vec<Literal> = literals.into_iter().filter(|it| !it.in_run).collect();
    let missing: Vec<_> = literals.iter().filter(|it| placer.tuned_place(it).is_none()).collect();
    assert!(missing.is_empty(), "tables.rs is stale, tune fingerprints again; it lacks {missing:?}");
    let known = |text: &str, folds| literals.iter().any(|it| *it.bytes == *text.as_bytes() && it.folds == folds);
    for (bucket, _, folds, texts) in tables::PLACES {
        assert!(usize::from(*bucket) < place::BUCKETS);
        let gone: Vec<_> = texts.split('\t').filter(|text| !known(text, *folds)).collect();
        assert!(gone.is_empty(), "tables.rs is stale, tune fingerprints again; no detector has {gone:?}");
    }
}

#[test]
fn every_literal_of_every_detector_is_found() {
    let literals: Vec<Literal> = detectors().flat_map(Scanner::literals).collect();
    let prefilter = Prefilter::new(literals.clone());
    for (number, literal) in literals.iter().enumerate() {
        assert!(!literal.bytes.is_empty() && literal.bytes.len() <= LONGEST, "{literal:?}");
        let (classes, least) = literal.then.unwrap_or_default();
        let follows = (0..=u8::MAX).find(|byte| class::is(*byte, classes)).unwrap_or_default();
        for before in [0, 1, 13, 16, 31] {
            let mut text = vec![b'.'; before];
            text.extend(&literal.bytes);
            text.extend(std::iter::repeat_n(follows, least));
            text.extend([b'.'; 20]);
            assert!(found(&prefilter, &text, 0).contains(&(before, number)), "{literal:?} after {before}");
        }
    }
    assert!(prefilter.reach() <= 32);
}
