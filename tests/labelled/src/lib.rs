//! Texts as tools return them, with every secret in them labelled; and as many in which nothing is secret, though much
//! looks like it.
//!
//! ```
//! let samples = tidegate_labelled::generate(1);
//! let (secret, clean): (Vec<_>, Vec<_>) = samples.iter().partition(|it| !it.labels.is_empty());
//! assert!(secret.len() >= 300 && clean.len() >= 300);
//! ```
//!
//! ```text
//! kind       what secrets look like, each to its published format, checksums included
//! text       what surrounds them: configuration, code, logs, dumps, commands, prose
//! negative   texts without secrets
//! draft      templates, and the spans of the secrets written through them
//! wire       one text in many MCP messages, and back
//! subject    the filter's redaction
//! score      what a filter's answer did to a text
//! ```
//!
//! Everything follows from a seed. No secret here was ever issued by anyone.
// Test code in a library's clothes: it fails by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation
)]

mod draft;
pub mod encoding;
pub mod kind;
mod negative;
pub mod random;
pub mod score;
mod subject;
mod text;
pub mod wire;

pub use draft::Label;
pub use random::Random;
pub use subject::Subject;

/// A text and what is secret in it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The kind of text.
    pub template: &'static str,
    /// As a tool says it.
    pub text: String,
    /// In the order of places; empty if nothing is secret.
    pub labels: Vec<Label>,
}

/// The texts that follow from `seed`: about half of them hold secrets.
pub fn generate(seed: u64) -> Vec<Sample> {
    let mut random = Random::new(seed);
    let mut samples = text::with_secrets(640, &mut random);
    samples.extend(negative::without_secrets(600, &mut random));
    random.shuffle(&mut samples);
    samples
}
