//! Texts in which nothing is secret.

mod code;
mod data;
mod decoy;

use crate::Sample;
use crate::draft::{Entry, Value};
use crate::random::Random;
use crate::text::{Values, documents, finish, harmless};

/// About `count` texts: a third of them the documents that hold secrets elsewhere, here with what only looks like one.
pub(crate) fn without_secrets(count: usize, random: &mut Random) -> Vec<Sample> {
    let mut samples = Vec::new();
    for turn in 0..count / 3 {
        samples.push(document(turn, random));
    }
    let texts: Vec<_> = code::TEXTS.iter().chain(data::TEXTS).collect();
    for turn in 0..count - samples.len() {
        let (name, text) = texts[turn % texts.len()];
        samples.push(finish(name, random, |draft, random| draft.write(text, None, random)));
    }
    samples.extend(data::computed(random));
    samples
}

fn document(turn: usize, random: &mut Random) -> Sample {
    let document = documents()[turn % documents().len()];
    let most = document.most.unwrap_or(usize::MAX);
    let mut entries = harmless(random.between(1, 4).min(most - 1), random);
    for _ in 0..random.between(1, 4).min(most - entries.len()) {
        let (key, value) = decoy::DECOYS[random.below(decoy::DECOYS.len())];
        let is_url_safe = !value.contains([' ', '"', '$', '<', '{', '/', '&', '=', '%', '(']);
        if entries.iter().all(|it| it.key != key) && (document.values != Values::Url || is_url_safe) {
            entries.push(Entry { key: key.to_owned(), value: Value::Plain(value.to_owned()) });
        }
    }
    random.shuffle(&mut entries);
    finish(document.name, random, |draft, random| document.write(draft, &entries, random))
}
