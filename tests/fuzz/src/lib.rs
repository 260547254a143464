//! Fuzzes redaction.
//!
//! A [case](Case) is a message with secrets planted at any depth, behind any escapes, and a way to cut it into chunks; or
//! the same with bytes changed, which may be no JSON any more. [`check`] tells whether what [redaction](Subject) makes of
//! it keeps its promises: the output parses if the input did and has its shape, no planted secret survives, never-touched
//! fields stay, chunks change nothing, and placeholders are not redacted themselves. Everything follows from a seed, and
//! [`smallest`] makes a failing case small.
//!
//! `cargo run --release -p tidegate-fuzz -- --seconds 600` looks for failures until time is up.

// Indices are made up here, and a panic in this crate is a failure of a test.
#![allow(clippy::indexing_slicing)]

mod check;
mod message;
mod random;
mod secret;
mod subject;

pub use check::{check, check_bytes, smallest};
pub use message::{Maker, Node};
pub use random::Random;
pub use secret::{KINDS, Kind};
pub use subject::{Redact, Subject, kinds};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The message.
    pub node: Node,
    /// The planted secrets; the message names them by number.
    pub secrets: Vec<String>,
    /// Changes to its bytes.
    pub edits: Vec<Edit>,
    /// Lengths of the chunks in which it arrives, over and over.
    pub chunks: Vec<usize>,
}

/// A change to the bytes of a message.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Where: modulo the length.
    pub at: usize,
    /// How many bytes are taken out, at most.
    pub out: usize,
    /// What comes in.
    pub with: Vec<u8>,
}

impl Case {
    /// The case with this number. `kinds` are the secrets that may be planted; `hostile` tells whether characters of
    /// escapes may be escaped themselves, which no encoder does.
    pub fn new(seed: u64, number: u64, kinds: &[Kind], hostile: bool) -> Self {
        let mut random = Random::new(seed.rotate_left(32) ^ number);
        let secrets: Vec<String> = (0..4).filter(|_| !kinds.is_empty()).map(|_| secret(kinds, &mut random)).collect();
        let node = Maker { random: &mut random, secrets: secrets.len(), hostile }.message();
        let mut edits = Vec::new();
        if random.once_in(5) {
            for _ in 0..=random.below(4) {
                edits.push(Edit {
                    at: random.below(1 << 20),
                    out: random.below(3) * random.below(20),
                    with: bytes(&mut random),
                });
            }
        }
        let chunks = match random.below(4) {
            0 => vec![1],
            1 => vec![1 + random.below(64)],
            2 => vec![1 + random.below(2000), 1, 2],
            _ => (0..20).map(|_| 1 + random.below(24)).collect(),
        };
        Self { node, secrets, edits, chunks }
    }

    /// The bytes of the message.
    pub fn message(&self) -> Vec<u8> {
        let mut bytes = self.node.written(&self.secrets, false).into_bytes();
        for edit in &self.edits {
            let start = edit.at % (bytes.len() + 1);
            let end = (start + edit.out).min(bytes.len());
            bytes.splice(start..end, edit.with.iter().copied());
        }
        bytes
    }

    /// The message in its chunks.
    pub fn pieces<'m>(&self, message: &'m [u8]) -> Vec<&'m [u8]> {
        pieces(message, &self.chunks)
    }
}

/// The message in chunks of these lengths, over and over.
pub fn pieces<'m>(message: &'m [u8], lengths: &[usize]) -> Vec<&'m [u8]> {
    let mut lengths = lengths.iter().cycle();
    let mut rest = message;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(lengths.next().map_or(rest.len(), |length| (*length).clamp(1, rest.len())));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Bytes that mean something to a reader of JSON, or to none.
fn bytes(random: &mut Random) -> Vec<u8> {
    const BYTES: [&[u8]; 20] = [
        b"\"",
        b"\\",
        b"\\\\\\",
        b"\\u",
        b"\\u00",
        b"\\ud800",
        b"\\udc00\\",
        b"\\x",
        b"{",
        b"}",
        b"]",
        b"[",
        b",",
        b":",
        b"\0",
        b"\n",
        b"\x80",
        b"\xff\xc2",
        b"\xf0\x9f",
        b"AKIA",
    ];
    (0..random.below(3)).flat_map(|_| random.one(&BYTES).to_vec()).collect()
}

/// A secret of one of these kinds. In so many cases chance makes some that look like examples (`xxxxx`), which
/// detectors leave: those are made again.
fn secret(kinds: &[Kind], random: &mut Random) -> String {
    loop {
        let secret = kinds[random.below(kinds.len())].1(random);
        let bytes = secret.as_bytes();
        let most = bytes.iter().map(|byte| bytes.iter().filter(|it| *it == byte).count()).max().unwrap_or(0);
        if most <= bytes.len() / 5 && !bytes.windows(4).any(|it| it != b"----" && it.iter().all(|byte| *byte == it[0]))
        {
            return secret;
        }
    }
}
