//! What redaction finds in the labelled set, what it changes beside, and whether that depends on how the text arrives.
//!
//! ```text
//! cargo test -p tidegate-labelled --test quality -- --nocapture          every miss, and every text changed in vain
//! LABELLED_SEED=2 cargo test -p tidegate-labelled --test quality         the same on a set that nobody has seen
//! ```

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::string_slice)]

mod report;

use std::collections::BTreeMap;

use report::Report;
use tidegate_labelled::score::compare;
use tidegate_labelled::wire::{EMBEDDINGS, Embedding, untouchable};
use tidegate_labelled::{Random, Sample, Subject, generate};

/// How much of what is secret must be found.
const RECALL: f64 = 0.95;

/// How many of the texts without a secret may be changed, at most.
const CHANGED: f64 = 0.01;

/// How the body comes: in pieces of this many bytes.
const CHUNKS: &[usize] = &[1, 7, 64, 1000, WHOLE];

const WHOLE: usize = usize::MAX;

fn samples() -> Vec<Sample> {
    let seed = std::env::var("LABELLED_SEED").map(|it| it.parse().expect("LABELLED_SEED is a number"));
    generate(seed.unwrap_or(1))
}

/// The filter of one test.
struct Filter(Subject);

impl Filter {
    fn new() -> Self {
        Self(Subject::new("{}").expect("the policy of the test"))
    }

    /// What comes out for a response body that comes in pieces of `chunk` bytes.
    fn redact(&self, body: &str, chunk: usize) -> String {
        let out = match chunk {
            WHOLE => self.0.whole(body.as_bytes()),
            chunk => self.0.streamed(body.as_bytes().chunks(chunk)),
        };
        String::from_utf8(out).expect("what goes in as UTF-8 comes out as UTF-8")
    }

    /// What comes out for a text.
    fn text(&self, sample: &Sample, embedding: Embedding, chunk: usize) -> Result<String, String> {
        embedding.unwrap(&self.redact(&embedding.wrap(&sample.text), chunk))
    }
}

#[test]
fn finds_secrets_and_leaves_the_rest() {
    let samples = samples();
    let filter = Filter::new();
    let mut report = Report::default();
    for sample in &samples {
        let outcome = filter.text(sample, Embedding::Text, WHOLE).and_then(|output| compare(sample, &output));
        report.add(sample, outcome);
    }
    print!("{report}");
    assert_eq!(report.broken, Vec::<String>::new(), "text was lost, or an envelope broken");
    assert!(report.recall() >= RECALL, "recall {:.3}", report.recall());
    assert!(report.changed() <= CHANGED, "{:.3} of the texts without a secret were changed", report.changed());
    assert!(report.spilled() <= CHANGED, "in {:.3} of the texts with secrets more was replaced", report.spilled());
}

#[test]
fn finds_the_same_at_every_depth_and_in_every_chunking() {
    let samples = samples();
    let filter = Filter::new();
    let mut differences = BTreeMap::<Embedding, Vec<String>>::new();
    for (index, sample) in samples.iter().enumerate() {
        let plain = filter.text(sample, Embedding::Text, WHOLE);
        for (turn, embedding) in EMBEDDINGS.iter().enumerate() {
            // Every chunking of every embedding, though not of every text.
            let chunk = CHUNKS[(index + turn) % CHUNKS.len()];
            let output = filter.text(sample, *embedding, chunk);
            if output != plain {
                let difference = format!("{} by {chunk}:\n{plain:?}\n{output:?}", sample.template);
                differences.entry(*embedding).or_default().push(difference);
            }
        }
    }
    for (embedding, differences) in &differences {
        println!("{embedding:?}: {} of {} differ, the first:\n{}", differences.len(), samples.len(), differences[0]);
    }
    assert!(differences.is_empty(), "{:?} differ from plain text", differences.keys());
}

#[test]
fn leaves_what_must_not_be_touched() {
    let filter = Filter::new();
    for (what, body) in untouchable(&mut Random::new(1)) {
        for chunk in CHUNKS.iter().copied() {
            assert_eq!(filter.redact(&body, chunk), body, "{what}, in pieces of {chunk}");
        }
    }
}

#[test]
fn the_set_is_what_it_says() {
    let samples = samples();
    let (secret, clean): (Vec<_>, Vec<_>) = samples.iter().partition(|it| !it.labels.is_empty());
    assert!(secret.len() >= 300 && clean.len() >= 300, "{} and {}", secret.len(), clean.len());
    let mut kinds = BTreeMap::<&str, usize>::new();
    let mut templates = BTreeMap::<&str, usize>::new();
    for sample in &samples {
        *templates.entry(sample.template).or_default() += 1;
        let mut from = 0;
        for label in &sample.labels {
            *kinds.entry(label.kind).or_default() += 1;
            assert!(from <= label.place.start && label.place.start + 5 < label.place.end, "{sample:?}");
            assert!(label.around.start <= label.place.start && label.place.end <= label.around.end, "{sample:?}");
            let value = &sample.text[label.place.clone()];
            assert_eq!(sample.text.matches(value).count(), 1, "{value} in {sample:?}");
            from = label.place.end;
        }
        assert!(!sample.text.contains(['«', '»']) || sample.template == "unicode", "{sample:?}");
    }
    assert!(kinds.len() >= 150, "{} kinds", kinds.len());
    assert!(templates.len() >= 200, "{} templates", templates.len());
    let rare: Vec<_> = kinds.iter().filter(|(_, count)| **count < 2).collect();
    assert!(rare.is_empty(), "{rare:?}");
    println!(
        "{} texts with {} secrets of {} kinds, {} without",
        secret.len(),
        kinds.values().sum::<usize>(),
        kinds.len(),
        clean.len()
    );
}

#[test]
fn documents_that_say_they_are_json_are() {
    for sample in
        samples().iter().filter(|it| it.template.starts_with("json-") || it.template.starts_with("k8s-env-json"))
    {
        serde_json::from_str::<serde_json::Value>(&sample.text)
            .unwrap_or_else(|error| panic!("{error}: {}", sample.text));
    }
}
