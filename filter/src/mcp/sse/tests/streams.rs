//! Streams and what must come out of them, in every split.

use super::*;

/// Input and output; every 2-way and 3-way split and byte by byte must agree.
const STREAMS: &[(&str, &str)] = &[
    ("", ""),
    ("data: a\n\n", "data: a\n\n"),
    ("data: a\r\n\r\n", "data: a\r\n\r\n"),
    ("data: a\r\r", "data: a\r\r"),
    ("data: a\n\r\n", "data: a\n\r\n"),
    ("data: a\r\n\n", "data: a\r\n\n"),
    ("data: a\r\n\rdata: b\n\r", "data: a\r\n\rdata: b\n\r"),
    ("data:a\n\ndata:  a\n\ndata:\ta\n\n", "data:a\n\ndata:  a\n\ndata:\ta\n\n"),
    ("data: a\ndata\ndata:\ndata: b\n\n", "data: a\ndata\ndata:\ndata: b\n\n"),
    ("\n\r\n\r\n\n", "\n\r\n\r\n\n"),
    (": keep-alive\n\n:\n:\r\r\n", ": keep-alive\n\n:\n:\r\r\n"),
    ("id: 1\ndata:\n\n", "id: 1\ndata:\n\n"),
    ("id: 1\nretry: 500\n\n", "id: 1\nretry: 500\n\n"),
    ("event: ping\ndata: {}\n\n", "event: ping\ndata: {}\n\n"),
    ("data: a\n: c\nunknown: x\nid\nevent\n\n", "data: a\n: c\nunknown: x\nid\nevent\n\n"),
    // A byte order mark, and half of one.
    ("\u{feff}data: a\n\n", "data: a\n\n"),
    ("data: a\n\n\u{feff}data: R\n\n", "data: a\n\n\u{feff}data: R\n\n"),
    (":\u{feff}\n\u{feff}data: R\n\n", ":\u{feff}\n\u{feff}data: R\n\n"),
    // Some client would skip a mark that comes to be the first thing it gets, and read what follows.
    ("\u{feff}\u{feff}data: R\n\n", "data: {\"replaced\":  true}\n\n"),
    ("data: D\r\r\n\u{feff}data: R\n\n", "data: {\"replaced\":  true}\n\n"),
    ("data: D\n\ndata: D\n\n\u{feff}\u{feff}: c\n\u{feff}data: R\n\n", ": c\n\u{feff}data: R\n\n"),
    ("data: D\n\n\u{fee0}data: R\n\n", "\u{fee0}data: R\n\n"),
    ("\u{fee0}data: R\n\n", "\u{fee0}data: R\n\n"),
    ("\u{feff}", ""),
    // What no client takes for data is none.
    ("Data: R\n data: R\ndata : R\ndat: R\ndatas: R\n\n", "Data: R\n data: R\ndata : R\ndat: R\ndatas: R\n\n"),
    ("data: a\u{2028}data: R\u{85}\x0b\x0c\n\n", "data: {\"replaced\":  true}\n\n"),
    // Replaced.
    ("data: R\n\n", "data: {\"replaced\":  true}\n\n"),
    ("data: R\r\n\r\n", "data: {\"replaced\":  true}\r\n\r\n"),
    ("data: R\r\r", "data: {\"replaced\":  true}\r\r"),
    ("data: R\r\n\rdata: R\r\n\r\n", "data: {\"replaced\":  true}\r\n\rdata: {\"replaced\":  true}\r\n\r\n"),
    ("data\ndata: R\n\n", "data: {\"replaced\":  true}\n\n"),
    (
        "id: 7\ndata: a\nretry:9\ndata: R\nevent: other\n: c\nx: y\nid: 8\n\n",
        "id: 7\nevent: message\ndata: {\"replaced\":  true}\nretry:9\nid: 8\n\n",
    ),
    ("event\r\ndata:R\r\nid\r\n\r\n", "event: message\r\ndata: {\"replaced\":  true}\r\nid\r\n\r\n"),
    // Line endings must not melt together where a line is gone.
    ("id: 1\rdata: D\n\n", "id: 1\r\n\n"),
    ("retry: 1\rdata: D\n\r\n", "retry: 1\r\r\n"),
    ("id: 1\rdata: R\n\n", "id: 1\rdata: {\"replaced\":  true}\r\n\n"),
    ("data: a\rdata: R\n\n", "data: {\"replaced\":  true}\r\n\n"),
    // Dropped.
    ("data: D\n\n", ""),
    ("data: D\r\n\r\ndata: a\r\n\r\n", "data: a\r\n\r\n"),
    ("data: D\r\r\ndata: a\r\r", "data: a\r\r"),
    (": c\ndata: D\n\n: d\n\n", ": c\n: d\n\n"),
    ("event: message\nid: 3\ndata: D\n: c\nretry: 10\n\n", "id: 3\nretry: 10\n\n"),
    // Streamed.
    (
        "data: aSb\ndata: c\nevent: other\n: c\nx\nid: 1\n\ndata: d\n\n",
        "data: aSb\ndata: c\nevent: other\n: c\nx\nid: 1\n\ndata: d\n\n",
    ),
    ("id: 1\r\ndata: S\r\n\r\ndata: R\r\n\r\n", "id: 1\r\ndata: S\r\n\r\ndata: {\"replaced\":  true}\r\n\r\n"),
    // Rewritten: one `data` line, then what else came after the first.
    ("data: W\n\n", "data: W\n\n"),
    ("data:Wc\n\n", "data: Wbb\n\n"),
    ("data: c\r\ndata: Wc\r\ndata: c\r\n\r\n", "data: bb Wbb bb\r\n\r\n"),
    (
        ": a\nid: 1\nevent: message\ndata: acWc\nretry: 5\ndata:c\n: c\nid: 2\n\ndata: a\n\n",
        ": a\nid: 1\nevent: message\ndata: abbWbb bb\nretry: 5\n: c\nid: 2\n\ndata: a\n\n",
    ),
    ("data: W\r\n\n", "data: W\r\n\n"),
    ("data: W\r\r", "data: W\r\r"),
    ("id: 1\rdata: W\n\n", "id: 1\rdata: W\r\n\n"),
    ("data\ndata: W\ndata\n\n", "data:  W \n\n"),
    ("data: WcSc\n\ndata: SWc\n\n", "data: WbbSbb\n\ndata: SWc\n\n"),
    ("data: Wc\n\ndata: WR\n\ndata: R\n\n", "data: Wbb\n\ndata: WR\n\ndata: {\"replaced\":  true}\n\n"),
    ("data: aW\nx: y\n\n", "data: aW\n\n"),
    // Some client would take for data what comes first and begins with a mark.
    ("data\n\u{feff}data: R\ndata: W\n\n", "data:  W\n\n"),
    // Cut short by the end of the stream: only what streamed has left.
    ("data: a\n\ndata: b\n", "data: a\n\n"),
    ("data: a\n\nid: 5", "data: a\n\n"),
    ("data: a\n\n: half a comm", "data: a\n\n: half a comm"),
    ("data: aS\ndata: b", "data: aS\ndata: b"),
];

#[test]
fn every_split_gives_what_is_written_here() {
    for (stream, expected) in STREAMS {
        let bytes = stream.as_bytes();
        let once = whole(bytes, ROOMY);
        assert_eq!(String::from_utf8_lossy(&once.out), *expected, "from {stream:?}");
        assert_eq!(once.result, Ok(()));
        assert_eq!(run(bytes.chunks(1), ROOMY), once, "byte by byte: {stream:?}");
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let chunks = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(run(chunks, ROOMY), once, "cut at {first} and {second}: {stream:?}");
            }
        }
    }
}

/// The same with hardly any room: what is too large is replaced, and still no split shows.
#[test]
fn every_split_agrees_at_every_limit() {
    for (stream, _) in STREAMS {
        let bytes = stream.as_bytes();
        for limit in 0..bytes.len().min(40) {
            let once = whole(bytes, limit);
            for size in [1, 2, 3, 5] {
                let split = run(bytes.chunks(size), limit);
                assert_eq!(split, once, "{limit} bytes, in chunks of {size}: {stream:?}");
            }
        }
    }
}

#[test]
fn the_judge_sees_names_ids_and_joined_data() {
    let ran = whole(
        b"id\nevent: a\ndata:1\nevent: b\ndata\ndata: 2\n\nretry: 1\n\n: c\n\nevent:\ndata: xS\ndata: y\n\n",
        ROOMY,
    );
    assert_eq!(
        ran.seen,
        [
            (b"b".to_vec(), true, b"1\n\n2".to_vec(), false),
            (b"".to_vec(), false, b"".to_vec(), false),
            (b"".to_vec(), false, b"xS\ny".to_vec(), true),
        ]
    );
}

#[test]
fn what_is_too_large_is_replaced_and_swallowed() {
    let large = "x".repeat(100);
    let replaced = |stream: &str, limit: usize| {
        let once = whole(stream.as_bytes(), limit);
        for size in [1, 3, 7, 50] {
            assert_eq!(run(stream.as_bytes().chunks(size), limit), once, "{stream:?} in {size}");
        }
        assert_eq!(once.result, Ok(()), "{stream:?}");
        String::from_utf8(once.out).unwrap()
    };
    assert_eq!(replaced(&format!("data: {large}\n\ndata: b\n\n"), 50), "data: {\"too\":\"large\"}\n\ndata: b\n\n");
    assert_eq!(
        replaced(&format!("id: 1\r\ndata: a\r\nid: 2\r\ndata: {large}\r\nevent: e\r\nretry: 3\r\nfoo\r\n\r\n"), 50),
        "id: 1\r\nevent: message\r\ndata: {\"too\":\"large\"}\r\nid: 2\r\nretry: 3\r\n\r\n",
    );
    // The style is known only after the limit.
    assert_eq!(replaced(&format!("data: {large}\r\n\r\n"), 50), "data: {\"too\":\"large\"}\r\n\r\n");
    assert_eq!(replaced(&format!("data: {large}\r\r"), 50), "data: {\"too\":\"large\"}\r\r");
    // Held comments, unknown fields and identifiers count; what is too large of them is lost.
    assert_eq!(replaced(&format!("id: 1\n: {large}\ndata: b\n\n"), 50), "id: 1\ndata: {\"too\":\"large\"}\n\n");
    assert_eq!(
        replaced(&format!("id: 1\n{large}\ndata: b\nid: 2\n\n"), 50),
        "id: 1\ndata: {\"too\":\"large\"}\nid: 2\n\n"
    );
    assert_eq!(replaced(&format!("id: {large}\n\n: a\n"), 50), "data: {\"too\":\"large\"}\n\n: a\n");
    // The last byte that fits, and one more.
    assert_eq!(replaced("data: 1234\n\n", 11), "data: 1234\n\n");
    assert_eq!(replaced("data: 1234\n\n", 10), "data: {\"too\":\"large\"}\n\n");
    // A comment alone and a streamed event are no size at all.
    assert_eq!(replaced(&format!(":{large}\n\n"), 5), format!(":{large}\n\n"));
    assert_eq!(replaced(&format!("data: S{large}\n{large}\n\n"), 10), format!("data: S{large}\n{large}\n\n"));
}

#[test]
fn what_may_not_pass_is_cut_and_stays_cut() {
    // Output up to the cut, with everything in one chunk.
    for (stream, out) in [
        ("data: a\n\ndata: bX\n\n", "data: a\n\n"),
        ("data: a\n\ndata: b\ndata: X\n\n", "data: a\n\n"),
        ("data: S\ndata: X\n\n", "data: S\ndata: "),
        ("data: SE\n\ndata: a\n\n", "data: SE\n"),
    ] {
        let ran = whole(stream.as_bytes(), ROOMY);
        assert_eq!((ran.result, String::from_utf8_lossy(&ran.out).as_ref()), (Err(Cut), out), "{stream:?}");
        let bytewise = run(stream.as_bytes().chunks(1), ROOMY);
        assert_eq!(bytewise.result, Err(Cut));
        assert!(!bytewise.out.contains(&b'X') && stream.as_bytes().starts_with(&bytewise.out));
    }
    let mut engine = Engine::new(4);
    let mut judge = ByContent { oversize: None, ..ByContent::new() };
    let mut out = Vec::new();
    assert_eq!(engine.feed(b"data: long\n\n", &mut judge, &mut out), Err(Cut));
    assert_eq!(engine.feed(b": c\n", &mut judge, &mut out), Err(Cut));
    assert_eq!(engine.finish(&mut judge, &mut out), Err(Cut));
    assert_eq!(out, b"");
}

/// Streaming cannot be taken back.
#[test]
fn hold_after_stream_is_cut() {
    struct Wavers(bool);
    impl Judge for Wavers {
        fn begin(&mut self) {}
        fn data(&mut self, _: &[u8]) -> Progress {
            self.0 = !self.0;
            if self.0 { Progress::Stream } else { Progress::Hold }
        }
        fn end(&mut self, _: &EventHead<'_>, _: &[u8]) -> Decision {
            Decision::Pass
        }
        fn end_streamed(&mut self) -> bool {
            true
        }
        fn oversize(&mut self) -> Option<Vec<u8>> {
            None
        }
    }
    let mut out = Vec::new();
    assert_eq!(Engine::new(ROOMY).feed(b"data: a\ndata: b\n\n", &mut Wavers(false), &mut out), Err(Cut));
    assert_eq!(out, b"data: a\ndata");
}

#[test]
fn leaves_as_soon_as_it_is_decided() {
    let steps: &[(&str, &str)] = &[
        (": comm", ": comm"),
        ("ent\r", "ent\r"),
        ("\n", "\n"),
        ("id: 1\n", ""),
        ("data: {}\n", ""),
        ("\n", "id: 1\ndata: {}\n\n"),
        ("id: 2\ndata:\r", ""),
        ("\n\r", "id: 2\ndata:\r\n\r"),
        ("\n", "\n"),
        ("data: a\r\r", "data: a\r\r"),
        ("data: R\r", ""),
        ("\r", "data: {\"replaced\":  true}\r\r"),
        ("\ndata: D\n", "\n"),
        ("\n: c\n", ": c\n"),
        ("data: ab", ""),
        ("S", "data: abS"),
        ("cd", "cd"),
        ("\nda", "\nda"),
        ("ta: e\n", "ta: e\n"),
        ("\n", "\n"),
        ("\r\n", "\r\n"),
    ];
    let mut engine = Engine::new(ROOMY);
    let mut judge = ByContent::new();
    for (step, (feed, expected)) in steps.iter().enumerate() {
        let mut out = Vec::new();
        engine.feed(feed.as_bytes(), &mut judge, &mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), *expected, "step {step}, {feed:?}");
    }
    assert_eq!(engine.held(), 0);
}

#[test]
fn memory_is_bounded_by_the_limit() {
    const LIMIT: usize = 100_000;
    let endless: &[(&str, &str)] = &[
        ("data: a", "b"),
        ("", "x"),
        (": ", "comment"),
        ("id: 1\n: ", "comment"),
        ("id: ", "1"),
        ("", ": comment\n"),
        ("", "data: a\n"),
        ("", "data\r"),
        ("", "unknown\n"),
        ("data: S", "streamed"),
        ("data: S\n", "unknown"),
        ("event: ", "x"),
    ];
    for (start, more) in endless {
        let mut engine = Engine::new(LIMIT);
        let mut judge = ByContent::new();
        let mut out = Vec::new();
        engine.feed(start.as_bytes(), &mut judge, &mut out).unwrap();
        let chunk = more.repeat(50_000 / more.len());
        for _ in 0..40 {
            out.clear();
            engine.feed(chunk.as_bytes(), &mut judge, &mut out).unwrap();
            judge.data.clear();
            assert!(engine.held.capacity() <= 4 * LIMIT, "{start:?} {more:?}: {}", engine.held.capacity());
            assert!(engine.held() <= LIMIT + TOO_LARGE.len(), "{start:?} {more:?}");
        }
    }
    // Identifiers without end cannot be kept and cannot be left out.
    let mut engine = Engine::new(LIMIT);
    let chunk = "id: 1\n".repeat(LIMIT);
    assert_eq!(engine.feed(chunk.as_bytes(), &mut ByContent::new(), &mut Vec::new()), Err(Cut));
}
