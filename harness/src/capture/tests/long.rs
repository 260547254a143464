//! Captures that do not fit into memory.

use std::io;

use super::*;
use crate::capture::har::Entries;

const ENTRY: &str = r#"{"startedDateTime":"2026-11-23T09:00:00Z","request":{"method":"POST","url":"http://h/mcp","headers":[]},"response":{"status":200,"content":{"size":-1,"text":"TEXT"}}}"#;

/// A HAR of so many entries that is made while it is read.
struct Endless {
    piece: Vec<u8>,
    at: usize,
    left: usize,
}

impl Endless {
    fn new(entries: usize) -> Self {
        Self { piece: br#"{"log":{"version":"1.2","entries":["#.to_vec(), at: 0, left: entries + 1 }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.at = 0;
            self.piece = match self.left {
                0 => return Ok(0),
                1 => b"],\"comment\":\"\"}}\n".to_vec(),
                left => {
                    let mut entry = ENTRY.replace("TEXT", &r#"x]}\""#.repeat(1 << 18)).into_bytes();
                    entry.extend_from_slice(if left == 2 { b"\n" } else { b",\n" });
                    entry
                }
            };
            self.left -= 1;
        }
        let rest = &self.piece[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

#[test]
fn a_long_har_takes_no_more_memory_than_its_longest_entry() {
    let scanner = Scanner::new(Path::new("long.har"), Box::new(Endless::new(64)));
    let mut entries = Entries::new(scanner, Truncated::Refuse);
    let mut bytes = 0;
    let mut count = 0;
    while let Some(exchange) = entries.next().unwrap() {
        count += 1;
        bytes += exchange.response.unwrap().body().len();
        assert!(entries.held() < 4 << 20, "{} bytes held after {count} entries", entries.held());
    }
    assert_eq!(count, 64);
    assert!(bytes > 48 << 20, "{bytes}");
}

#[test]
fn an_entry_that_is_too_long_is_told_with_its_place() {
    let text = format!("{{\"log\":{{\"entries\":[\n{ENTRY},\n{ENTRY}]}}}}").replacen("TEXT", "", 1);
    let long = text.replace("TEXT", &"x".repeat(600));
    let longest = |text: String| {
        let scanner = Scanner::new(Path::new("c.har"), Box::new(Cursor::new(text.into_bytes()))).with_longest(500);
        let mut entries = Entries::new(scanner, Truncated::Refuse);
        loop {
            match entries.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("read"),
                Err(error) => break error,
            }
        }
    };
    let error = longest(long.clone());
    let CaptureError::TooLong { place: Place::Entry(2), byte, longest: 500, .. } = error else { panic!("{error}") };
    assert_eq!(byte, long.rfind("{\"startedDateTime").unwrap());
    // What has no end because a quote is missing is broken, and not long.
    let error = longest(long.replace("\"POST\"", "\"POST"));
    assert!(matches!(error, CaptureError::Json { line: 2, .. }), "{error}");
}

#[test]
fn members_of_a_har_may_stand_in_any_order() {
    let entry = ENTRY.replace("TEXT", r#"\"jsonrpc\""#);
    let after = format!(
        r#"{{"log":{{"pages":[{{"entries":[]}}],"entries" : [ {entry} , {entry} ] ,"version":"1.2"}} , "x":1}}"#
    );
    assert_eq!(Capture::new("order", format!("\u{feff}{after}\n")).read().len(), 2);
    for (name, broken, said) in [
        ("missing", r#"{"log":{"version":"1.2"}}"#.to_owned(), "a HAR has a member `entries`"),
        ("twice", after.replace(r#""version""#, r#""entries""#), "a second `entries`"),
        ("behind", format!("{after}{{}}"), "this one is over"),
        ("comma", after.replace(" , {\"started", " {\"started"), "expected `,` or `]`"),
        ("cut", after.replace(r#","version":"1.2"} , "x":1}"#, ""), "cut off"),
        ("value", after.replace("[ {", "[ , {"), "expected a value"),
    ] {
        let error = Capture::new(&format!("order-{name}"), &broken).error(Truncated::Refuse);
        assert!(matches!(error, CaptureError::Json { .. }) && error.to_string().contains(said), "{name}: {error}");
    }
}

#[test]
fn a_fault_far_inside_is_placed_in_the_whole_file() {
    let good = ENTRY.replace("TEXT", r#"\"jsonrpc\""#);
    let text = format!("\u{feff}{{\"log\":{{\"entries\":[\n{good},\n{}]}}}}", good.replace(":200", ":,200"));
    let error = Capture::new("far", &text).error(Truncated::Refuse);
    let CaptureError::Json { line: 3, column, byte, .. } = error else { panic!("{error}") };
    assert_eq!(byte, text.find(":,200").unwrap() + 1);
    assert_eq!(column, text.lines().nth(2).unwrap().find(":,200").unwrap() + 2);
}
