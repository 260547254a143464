//! What is measured: a kernel over a text.

use std::hint::black_box;

use tidegate_filter::json;
use tidegate_filter::secret::prefilter::Width;
use tidegate_filter::secret::{Hit, Key, LOOKBACK, Memo, Scanner, Text};

use crate::{corpus, hostile, messages};

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
    /// Whether it looks at one byte after the other though the machine could do more.
    pub is_scalar: bool,
    /// One call.
    pub work: Box<dyn FnMut() -> usize>,
}

/// What a row took.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The row's name.
    pub name: String,
    /// The bytes of a call; 0 if time alone matters.
    pub bytes: usize,
    /// The least that a call took.
    pub nanoseconds: f64,
}

/// The line after the last row's.
pub const END: &str = "kernel-end";

const MARK: &str = "kernel-row ";

impl Measured {
    /// In 10^6 bytes a second; `None` where time alone matters.
    pub fn speed(&self) -> Option<f64> {
        (self.bytes > 0).then(|| self.bytes as f64 * 1e3 / self.nanoseconds)
    }

    /// As a line of a log.
    pub fn to_line(&self) -> String {
        format!("{MARK}{} {} {:.0}", self.name, self.bytes, self.nanoseconds)
    }

    /// From a line of a log, whatever the proxy wrote before.
    pub fn from_line(line: &str) -> Option<Self> {
        let (_, row) = line.split_once(MARK)?;
        let mut parts = row.split_whitespace();
        let (name, bytes, nanoseconds) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { name: name.to_owned(), bytes: bytes.parse().ok()?, nanoseconds: nanoseconds.parse().ok()? })
    }
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
    let mut rows =
        vec![Row { name: "start-up".to_owned(), bytes: 0, is_scalar: false, work: Box::new(|| scanner().numbers()) }];
    for (name, text, kernel) in [
        ("mark-clean", &clean, marks as Kernel),
        ("prefilter-clean", &clean, lookups),
        ("find-clean", &clean, finds),
        ("scan-clean", &clean, scan),
        ("scan-dirty", &dirty, scan),
        ("stream-clean", &clean, stream),
        ("stream-dirty", &dirty, stream),
    ] {
        rows.push(row(name, scanner(), text.clone(), kernel));
    }
    let dense = corpus::secrets(SEED, BYTES / 16).into_bytes();
    for (name, text) in [("clean", &clean), ("dirty", &dirty), ("dense", &dense)] {
        rows.extend(messages_row(name, text, true));
        rows.extend(messages_row(name, text, false));
    }
    rows.extend(records_row());
    rows.push(read_row("read-text", messages::results(&String::from_utf8_lossy(&clean))));
    rows.push(read_row("read-records", messages::records(SEED, 500)));
    for hostile in hostile::known() {
        rows.push(row(&format!("hostile:{}", hostile.name), scanner(), hostile.text(HOSTILE_BYTES), scan));
    }
    // A module is of one width, a processor has several.
    if !cfg!(target_arch = "wasm32") {
        for (name, text, kernel) in
            [("prefilter-clean", &clean, lookups as Kernel), ("scan-clean", &clean, scan), ("scan-dirty", &dirty, scan)]
        {
            let row = row(name, scanner().with_width(Width::Scalar), text.clone(), kernel);
            rows.push(Row { is_scalar: true, ..row });
        }
    }
    rows
}

/// The text in messages: many that are held, or one that streams.
fn messages_row(name: &str, text: &[u8], is_whole: bool) -> Option<Row> {
    let filter = messages::Filter::new()?;
    let text = String::from_utf8_lossy(text);
    let results = messages::results(&text);
    let long = messages::result(&text);
    let (kind, bytes) =
        if is_whole { ("json", results.iter().map(Vec::len).sum()) } else { ("json-stream", long.len()) };
    let work: Box<dyn FnMut() -> usize> =
        if is_whole { Box::new(move || filter.whole(&results)) } else { Box::new(move || filter.streamed(&long)) };
    Some(Row { name: format!("{kind}-{name}"), bytes, is_scalar: false, work })
}

/// Small results with many short strings.
fn records_row() -> Option<Row> {
    let filter = messages::Filter::new()?;
    let results = messages::records(SEED, 500);
    let bytes = results.iter().map(Vec::len).sum();
    let work = Box::new(move || filter.whole(&results));
    Some(Row { name: "json-records".to_owned(), bytes, is_scalar: false, work })
}

/// Strict reading alone, which redaction comes on top of.
fn read_row(name: &str, messages: Vec<Vec<u8>>) -> Row {
    let bytes = messages.iter().map(Vec::len).sum();
    let is_read = |it: &&Vec<u8>| json::check(it, json::Limits::default(), &mut ()).is_ok();
    let work = Box::new(move || messages.iter().filter(is_read).count());
    Row { name: name.to_owned(), bytes, is_scalar: false, work }
}

type Kernel = fn(&Scanner, &[u8], &mut Vec<Hit>) -> usize;

fn lookups(scanner: &Scanner, text: &[u8], _: &mut Vec<Hit>) -> usize {
    scanner.prefilter().lookups(text)
}

fn marks(scanner: &Scanner, text: &[u8], _: &mut Vec<Hit>) -> usize {
    scanner.prefilter().marks(text).0
}

fn finds(scanner: &Scanner, text: &[u8], _: &mut Vec<Hit>) -> usize {
    let mut count = 0;
    scanner.prefilter().find(text, 0, |_, _| {
        count += 1;
        true
    });
    count
}

/// A kernel over a text of its own.
pub fn row(name: &str, scanner: Scanner, text: Vec<u8>, kernel: Kernel) -> Row {
    let mut hits = Vec::new();
    Row {
        name: name.to_owned(),
        bytes: text.len(),
        is_scalar: false,
        work: Box::new(move || kernel(&scanner, &text, &mut hits)),
    }
}

/// Calls it for about so many milliseconds and takes the best; other work of the machine only adds to it.
pub fn measure(row: &mut Row, milliseconds: f64, now: impl Fn() -> f64) -> Measured {
    let begin = now();
    let mut best = f64::INFINITY;
    loop {
        let start = now();
        black_box((row.work)());
        let end = now();
        best = best.min(end - start);
        if end - begin >= milliseconds * 1e6 {
            return Measured { name: row.name.clone(), bytes: row.bytes, nanoseconds: best };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_was_measured() {
        let measured = Measured { name: "scan-clean".to_owned(), bytes: 4000, nanoseconds: 2000.0 };
        let line = format!("[info][wasm] wasm log kernel: {}", measured.to_line());
        assert_eq!(Measured::from_line(&line), Some(measured.clone()));
        assert_eq!(measured.speed(), Some(2000.0));
        assert_eq!(Measured::from_line("kernel-end"), None);
    }

    #[test]
    fn windows_change_nothing_in_the_texts_that_are_measured() {
        let scanner = scanner();
        let (mut hits, mut streamed) = (Vec::new(), Vec::new());
        let text = corpus::text(3, 300_000, 2_500).into_bytes();
        assert!(scan(&scanner, &text, &mut hits) >= 100);
        assert_eq!(stream(&scanner, &text, &mut streamed), hits.len());
    }
}
