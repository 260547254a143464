//! Detectors that are all data: their secrets are generated from their own declarations.

use super::{Random, Text, assert_grows, candidates};
use crate::secret::detector::{Checksum, Detector, Form, Segment, detectors};

/// A secret of the form, with as many bytes a run as `length` says of its bounds.
fn generate(segments: &[Segment], random: &mut Random, length: &dyn Fn(u16, u16) -> u16) -> String {
    let mut text = String::new();
    for segment in segments {
        match *segment {
            Segment::Run(classes, least, most) => text += &random.run(classes, usize::from(length(least, most))),
            Segment::Until(classes, _, wanted) => {
                text += &random.run(classes, 20);
                text += wanted;
            }
            Segment::Text(wanted) | Segment::Any(&[wanted, ..]) => text += wanted,
            Segment::Any(_) | Segment::Maybe(_) | Segment::Start | Segment::End(_) => {}
        }
    }
    text
}

/// The class and the least length of what stands before a literal.
type Before = (u16, u8);

/// What stands before a literal, and the segments after it.
fn parts(detector: &Detector) -> Option<(&'static [Segment], Option<Before>)> {
    match detector.form {
        Form::Token(segments) => Some((segments, None)),
        Form::Within(classes, least, _, segments) => Some((segments, Some((classes, least)))),
        _ => None,
    }
}

fn of(detector: &Detector, literal: &str, body: &str, random: &mut Random) -> String {
    let before = match parts(detector) {
        Some((_, Some((classes, least)))) => random.run(classes, usize::from(least)),
        _ => String::new(),
    };
    format!("{before}{literal}{body}")
}

fn hits(detector: &Detector, text: &str) -> Vec<(usize, usize)> {
    candidates(detector, &Text { bytes: text.as_bytes(), is_complete: true, levels: &() })
}

#[test]
fn every_token_is_found_where_tokens_stand() {
    let mut random = Random(7);
    let mut count = 0;
    let mut wrong = Vec::new();
    for detector in detectors() {
        let Some((segments, _)) = parts(detector) else { continue };
        count += 1;
        for literal in detector.literals {
            for length in
                [&(|least: u16, most: u16| most.min(least + 5)) as &dyn Fn(u16, u16) -> u16, &|least, _| least.max(1)]
            {
                let body = generate(segments, &mut random, length);
                let secret = of(detector, literal, &body, &mut random);
                for (before, after) in [
                    ("", ""),
                    ("", "\n"),
                    ("\"", "\""),
                    ("TOKEN=", "\n"),
                    ("key: ", ", next"),
                    ("(", ")"),
                    ("%3D", "&a=b"),
                    ("\u{e9} ", "\u{e9}"),
                    ("<", ">"),
                    (" '", "'"),
                    ("_", " "),
                ] {
                    if before == "_" && literal.starts_with([':', '\n', '_']) {
                        continue;
                    }
                    let text = format!("{before}{secret}{after}");
                    let found = hits(detector, &text);
                    let end = before.len() + secret.len();
                    if !found.iter().any(|hit| (hit.1 == end || ends_early(segments)) && hit.0 < end) {
                        wrong.push(format!("{} in {text:?}: {found:?}", detector.name));
                    }
                }
                assert_grows(detector, &format!("a {secret} b"));
            }
        }
    }
    assert!(count >= 120, "{count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_token_is_found_in_a_near_miss() {
    let mut random = Random(11);
    for detector in detectors() {
        let Some((segments, before)) = parts(detector) else { continue };
        let literal = detector.literals[0];
        let body = generate(segments, &mut random, &|least, _| least.max(1));
        let secret = of(detector, literal, &body, &mut random);
        let is_exact = !matches!(detector.form, Form::Within(_, least, most, _) if least != most);
        if is_exact && (literal.as_bytes()[0].is_ascii_alphanumeric() || before.is_some()) {
            let text = format!("x{secret}");
            let inside = hits(detector, &text);
            assert!(inside.is_empty(), "{}: inside a word: {text}", detector.name);
        }
        if let Some(number) =
            segments.iter().rposition(|segment| matches!(segment, Segment::Run(_, least, _) if *least > 1))
        {
            let mut short = segments.to_vec();
            if let Segment::Run(_, least, most) = &mut short[number] {
                *most = *least - 1;
                *least = *most;
            }
            let body = generate(&short, &mut random, &|least, _| least.max(1));
            let text = format!("{} ", of(detector, literal, &body, &mut random));
            assert!(hits(detector, &text).is_empty(), "{}: too short: {text}", detector.name);
        }
        let has_run = segments.iter().any(|segment| matches!(segment, Segment::Run(..)));
        if detector.entropy > 0 && has_run {
            // The same byte all over, of the first class of each run.
            let mut same = Random(0);
            let dull: String = segments
                .iter()
                .map(|segment| match *segment {
                    Segment::Run(classes, least, _) => same.run(classes, 1).repeat(usize::from(least)),
                    other => generate(&[other], &mut same, &|least, _| least),
                })
                .collect();
            if !segments.iter().any(|segment| matches!(segment, Segment::Until(..) | Segment::Text("-" | "." | "m="))) {
                let text = of(detector, literal, &dull, &mut same);
                assert!(hits(detector, &text).is_empty(), "{}: no entropy: {text}", detector.name);
            }
        }
        for pass in detector.passes {
            assert!(hits(detector, pass).is_empty(), "{}: {pass}", detector.name);
        }
    }
}

/// Whether the last segments are no part of the secret.
fn ends_early(segments: &[Segment]) -> bool {
    segments.iter().any(|segment| matches!(segment, Segment::End(_)))
}

/// The name that a keyed detector looks for, with a word that makes it one of a secret.
fn key_of(literal: &str) -> String {
    if literal.contains("token") || literal.contains("key") || literal.contains("secret") {
        literal.trim_start_matches('-').to_owned()
    } else {
        format!("{}_api_token", literal.trim_end_matches(['_', '-']))
    }
}

#[test]
fn every_keyed_value_is_found_beside_its_name_only() {
    let mut random = Random(13);
    for detector in detectors() {
        let Form::Keyed(segments) = detector.form else { continue };
        for literal in detector.literals {
            let mut key = key_of(literal);
            if !key.contains(literal.trim_start_matches('-')) {
                key = format!("{literal}token");
            }
            if literal.starts_with("--") {
                key = (*literal).to_owned();
            }
            let value = generate(segments, &mut random, &|least, most| most.min(least + 5));
            let sign = if key.starts_with('-') { " " } else { "=" };
            for text in [
                format!("{key}{sign}{value}"),
                format!("{{\"{key}\": \"{value}\"}}"),
                format!("{}: '{value}'\n", key.to_uppercase()),
            ] {
                let found = hits(detector, &text);
                assert!(!found.is_empty(), "{}: {text}", detector.name);
                assert_eq!(&text[found[0].0..found[0].1], value, "{}", detector.name);
                assert_grows(detector, &text);
            }
            for text in [
                format!("{}_id={value}", key.trim_start_matches('-')),
                format!("{key}{sign}{value}x9"),
                format!("other={value}"),
                format!("{key}{sign}{}", &value[..value.len() - 1]),
                format!("{key} and {value}"),
            ] {
                if text.contains("_id=") && !detector.folds {
                    continue;
                }
                let found = hits(detector, &text);
                let is_legal = segments.iter().any(|s| matches!(s, Segment::Run(_, a, b) if a != b));
                assert!(found.is_empty() || is_legal || key.starts_with("--"), "{}: {text}: {found:?}", detector.name);
            }
        }
    }
}

#[test]
fn a_right_checksum_needs_no_entropy() {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for detector in detectors().filter(|detector| detector.checksum == Checksum::Crc32Base62) {
        let body = "a".repeat(30);
        let mut left = super::super::token::crc32(body.as_bytes());
        let mut sum = Vec::new();
        for _ in 0..6 {
            sum.push(digits[left as usize % 62]);
            left /= 62;
        }
        sum.reverse();
        let sum = String::from_utf8(sum).unwrap();
        let text = format!("{}{body}{sum}", detector.literals[0]);
        assert_eq!(hits(detector, &text), [(0, text.len())], "{}", detector.name);
        let wrong = format!("{}{body}aaaaaa", detector.literals[0]);
        assert!(hits(detector, &wrong).is_empty());
        // A typo in a real one.
        let random = Random(3).run(super::super::class::ALNUM, 36);
        assert_eq!(hits(detector, &format!("{}{random}", detector.literals[0])).len(), 1);
    }
    let grafana = super::by_name("grafana-service-account-token");
    let body = format!("{}{}", grafana.literals[0], "B".repeat(32));
    let text = format!("{body}_{:08x}", super::super::token::crc32(body.as_bytes()));
    assert_eq!(hits(grafana, &text), [(0, text.len())]);
    assert!(hits(grafana, &format!("{body}_00000000")).is_empty());
}

#[test]
fn the_published_github_token_proves_the_algorithm() {
    let value = ["zQWBuTSOoRi4A9spHcVY5n", "cnsDkxkJ", "0mLq17"].concat();
    let text = format!("{}{value}", "ghp_");
    assert_eq!(hits(super::by_name("github-pat"), &text), [(0, 40)]);
}
