//! Redaction as simple as it can be written: the whole body unescaped at once, scanned, and replaced where hits lie.
//! It knows no field that must not be touched and sweeps no twins.
//!
//! What `rewrite::redact` does in a stream must come to the same.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tidegate_filter::secret::detector::detectors;
use tidegate_filter::secret::verify::Levels;
use tidegate_filter::secret::{Hit, LOOKBACK, Memo, Scanner, Text};

/// Text without escapes, and where it came from.
#[derive(Default)]
struct Flat {
    bytes: Vec<u8>,
    /// Where each byte's escape, or the byte itself, begins in the body; and the body's end.
    origins: Vec<usize>,
    /// How many levels of strings each byte is escaped in, if it is a quote.
    levels: Vec<u32>,
}

struct Window<'a>(&'a [u32]);

impl Levels for Window<'_> {
    fn level(&self, at: usize) -> u32 {
        self.0[at]
    }
}

/// What comes out for `body`, if it comes in pieces of `chunk` bytes.
pub fn redact(scanner: &Scanner, body: &str, chunk: usize) -> String {
    let flat = Flat::of(body.as_bytes());
    let mut output = String::new();
    let mut from = 0;
    for hit in flat.hits(scanner, chunk) {
        let (start, end) = (flat.origins[hit.start], flat.origins[hit.end]);
        let name = detectors().nth(hit.detector).unwrap().name;
        let mut hash = DefaultHasher::new();
        flat.bytes[hit.start..hit.end].hash(&mut hash);
        output.push_str(&body[from..start]);
        output.push_str(&format!("[redacted:{name}:{:04x}]", hash.finish() & 0xFFFF));
        from = end;
    }
    output + &body[from..]
}

impl Flat {
    fn of(body: &[u8]) -> Self {
        let mut flat = Self::default();
        let mut at = 0;
        while at < body.len() {
            let start = at;
            at += body[at..].iter().take_while(|it| **it == b'\\').count();
            let run = at - start;
            let Some(byte) = body.get(at) else {
                flat.push(b"\\", start, 0);
                break;
            };
            at += 1;
            let control = match byte {
                _ if run == 0 => None,
                b'n' => Some(b'\n'),
                b't' => Some(b'\t'),
                b'r' => Some(b'\r'),
                b'b' => Some(8),
                b'f' => Some(12),
                b'"' | b'/' => Some(*byte),
                _ => None,
            };
            if run == 0 || control.is_some() {
                flat.push(&[control.unwrap_or(*byte)], start, run.trailing_ones());
            } else if let Some((character, end)) = (*byte == b'u').then(|| unicode(body, at, run)).flatten() {
                at = end;
                flat.push(character.encode_utf8(&mut [0; 4]).as_bytes(), start, run.trailing_ones());
            } else {
                flat.push(&[b'\\', *byte], start, 0);
            }
        }
        flat.origins.push(body.len());
        flat
    }

    fn push(&mut self, bytes: &[u8], origin: usize, level: u32) {
        self.bytes.extend(bytes);
        self.origins.resize(self.bytes.len(), origin);
        self.levels.resize(self.bytes.len(), level);
    }

    fn hits(&self, scanner: &Scanner, chunk: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut memo = Memo::default();
        let (mut base, mut from, mut end) = (0, 0, 0);
        while end < self.bytes.len() {
            end = end.saturating_add(chunk).min(self.bytes.len());
            let levels = Window(&self.levels[base..end]);
            let text = Text { bytes: &self.bytes[base..end], is_complete: end == self.bytes.len(), levels: &levels };
            let mut found = Vec::new();
            from = base + scanner.scan(&text, from - base, &mut memo, &mut found);
            hits.extend(found.iter().map(|hit| Hit { start: hit.start + base, end: hit.end + base, ..*hit }));
            let dropped = from.saturating_sub(LOOKBACK).saturating_sub(base);
            memo.forget(dropped);
            base += dropped;
        }
        hits
    }
}

/// The character of `XXXX` after a `\u`, with the other half of a surrogate pair, and where it ends.
fn unicode(body: &[u8], at: usize, run: usize) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = body.get(at..at + 4)?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(at)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, at + 4));
    }
    let second = unit(at + 4 + run + 1)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, at + 4 + run + 1 + 4))
}
