//! What is measured: a kernel over a text.

use std::hint::black_box;

use tidegate_filter::secret::prefilter::Width;
use tidegate_filter::secret::{Hit, Key, LOOKBACK, Memo, Scanner, Text};

use crate::{corpus, hostile};

/// Bytes of the ordinary texts.
const BYTES: usize = 4 << 20;
/// Bytes of a hostile text.
const HOSTILE_BYTES: usize = 256 << 10;
/// Bytes that come at a time where a text is streamed.
const WINDOW: usize = 16 << 10;
/// Not the seed that fingerprints were tuned with.
const SEED: u64 = 20_261_123;

/// A kernel over a text.
pub struct Row {
    /// Without blanks; hostile ones begin with `hostile:`.
    pub name: String,
    /// Bytes that one call looks at; 0 if time alone matters.
    pub bytes: usize,
    /// One call.
    pub work: Box<dyn FnMut() -> usize>,
}

/// The scanner as policies have it by default, with an operator's two keys.
pub fn scanner() -> Scanner {
    let keys: Vec<Key> = ["password", "api_key"].iter().flat_map(|it| Key::new(it)).collect();
    Scanner::new(|it| it.group.is_default(), &keys, Vec::new())
}

/// Scans a whole text; gives the number of hits.
pub fn scan(scanner: &Scanner, text: &[u8], hits: &mut Vec<Hit>) -> usize {
    hits.clear();
    scanner.scan(&Text { bytes: text, is_complete: true, levels: &() }, 0, &mut Memo::default(), hits);
    hits.len()
}

/// Scans a text that comes in windows.
pub fn stream(scanner: &Scanner, text: &[u8], hits: &mut Vec<Hit>) -> usize {
    hits.clear();
    let mut memo = Memo::default();
    let (mut base, mut end, mut from) = (0, 0, 0);
    while end < text.len() {
        end = text.len().min(end + WINDOW);
        let bytes = text.get(base..end).unwrap_or_default();
        let decided = scanner.scan(&Text { bytes, is_complete: end == text.len(), levels: &() }, from, &mut memo, hits);
        let dropped = decided.saturating_sub(LOOKBACK);
        memo.forget(dropped);
        base += dropped;
        from = decided - dropped;
    }
    hits.len()
}

/// Every row, in the order of the report. A further kernel is a further row.
pub fn all() -> Vec<Row> {
    let clean = corpus::text(SEED, BYTES, 100_000).into_bytes();
    let dirty = corpus::text(SEED, BYTES, 2_500).into_bytes();
    let mut rows = vec![Row { name: "start-up".to_owned(), bytes: 0, work: Box::new(|| scanner().numbers()) }];
    for (name, text, kernel) in [
        ("prefilter-clean", &clean, lookups as Kernel),
        ("scan-clean", &clean, scan),
        ("scan-dirty", &dirty, scan),
        ("stream-clean", &clean, stream),
        ("stream-dirty", &dirty, stream),
    ] {
        rows.push(row(name, scanner(), text.clone(), kernel));
    }
    if Width::best() != Width::Scalar {
        rows.push(row("scalar-scan-clean", scanner().with_width(Width::Scalar), clean, scan));
    }
    for hostile in hostile::known() {
        rows.push(row(&format!("hostile:{}", hostile.name), scanner(), hostile.text(HOSTILE_BYTES), scan));
    }
    rows
}

type Kernel = fn(&Scanner, &[u8], &mut Vec<Hit>) -> usize;

fn lookups(scanner: &Scanner, text: &[u8], _: &mut Vec<Hit>) -> usize {
    scanner.prefilter().lookups(text)
}

/// A kernel over a text of its own.
pub fn row(name: &str, scanner: Scanner, text: Vec<u8>, kernel: Kernel) -> Row {
    let mut hits = Vec::new();
    Row { name: name.to_owned(), bytes: text.len(), work: Box::new(move || kernel(&scanner, &text, &mut hits)) }
}

/// The least nanoseconds that a call took, in about so many milliseconds; other work of the machine only adds to it.
pub fn measure(row: &mut Row, milliseconds: f64, now: impl Fn() -> f64) -> f64 {
    let begin = now();
    let mut best = f64::INFINITY;
    loop {
        let start = now();
        black_box((row.work)());
        let end = now();
        best = best.min(end - start);
        if end - begin >= milliseconds * 1e6 {
            return best;
        }
    }
}
