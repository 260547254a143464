//! What the engine must hold: output that does not depend on the split, and nothing a client would act on that was
//! not judged.

mod properties;
mod reading;
mod streams;

use super::{Cut, Decision, Engine, EventHead, Judge, Progress};

const ROOMY: usize = 1 << 20;

/// Decides by what the data holds: `S` streams, `W` is rewritten, of these the first counts; `X` refuses, `R` replaces,
/// `D` drops, `E` refuses the end of a stream.
#[derive(Debug, Default)]
struct ByContent {
    oversize: Option<Vec<u8>>,
    /// Data of the current event, as the pieces came.
    data: Vec<u8>,
    begun: bool,
    /// `S` or `W`, once it came.
    streaming: Option<u8>,
    /// The last byte that came to be rewritten: nobody knows what follows it.
    kept: Option<u8>,
    /// All that was seen: event name, id, data, whether it was streamed.
    seen: Vec<(Vec<u8>, bool, Vec<u8>, bool)>,
}

const REPLACEMENT: &[u8] = b"{\"replaced\":\n true}";
const TOO_LARGE: &[u8] = b"{\"too\":\"large\"}";

impl ByContent {
    fn new() -> Self {
        Self { oversize: Some(TOO_LARGE.to_vec()), ..Self::default() }
    }
}

/// How an event leaves before its end: `S` as it comes, `W` rewritten.
fn first_mark(data: &[u8]) -> Option<u8> {
    data.iter().copied().find(|byte| matches!(byte, b'S' | b'W'))
}

/// What becomes of a byte of rewritten data: another length, and once more changes nothing.
fn rewritten(byte: u8) -> Vec<u8> {
    if byte == b'c' { b"bb".to_vec() } else { vec![byte] }
}

impl Judge for ByContent {
    fn begin(&mut self) {
        assert!(!self.begun, "one beginning an event");
        self.begun = true;
    }

    fn data(&mut self, bytes: &[u8]) -> Progress {
        assert!(self.begun, "data comes after the beginning");
        assert!(!bytes.is_empty());
        self.data.extend_from_slice(bytes);
        if self.data.contains(&b'X') {
            return Progress::Refuse;
        }
        self.streaming = self.streaming.or_else(|| first_mark(&self.data));
        match self.streaming {
            Some(b'W') => Progress::Rewrite,
            Some(_) => Progress::Stream,
            None => Progress::Hold,
        }
    }

    fn end(&mut self, head: &EventHead<'_>, data: &[u8]) -> Decision {
        assert_eq!(self.streaming, None);
        assert_eq!(data, self.data, "what came in pieces is what comes whole");
        assert!(self.begun || data.is_empty());
        self.seen.push((head.event.to_vec(), head.has_id, std::mem::take(&mut self.data), false));
        self.begun = false;
        match data {
            data if data.contains(&b'R') => Decision::Replace(REPLACEMENT.to_vec()),
            data if data.contains(&b'D') => Decision::Drop,
            _ => Decision::Pass,
        }
    }

    fn end_streamed(&mut self) -> bool {
        assert!(self.streaming.is_some() && self.begun);
        let data = std::mem::take(&mut self.data);
        let passes = !data.contains(&b'E');
        self.seen.push((Vec::new(), false, data, true));
        self.begun = false;
        self.streaming = None;
        passes
    }

    fn rewrite(&mut self, data: &[u8], out: &mut Vec<u8>) -> bool {
        assert_eq!(self.streaming, Some(b'W'));
        assert!(!data.iter().any(|byte| matches!(byte, b'\r' | b'\n')), "{data:?}");
        for &byte in data {
            out.extend(self.kept.replace(byte).map(rewritten).unwrap_or_default());
        }
        true
    }

    fn end_rewritten(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend(self.kept.take().map(rewritten).unwrap_or_default());
        true
    }

    fn oversize(&mut self) -> Option<Vec<u8>> {
        self.seen.push((b"(too large)".to_vec(), self.begun, std::mem::take(&mut self.data), false));
        self.begun = false;
        self.oversize.clone()
    }
}

#[derive(Debug, PartialEq)]
struct Ran {
    out: Vec<u8>,
    seen: Vec<(Vec<u8>, bool, Vec<u8>, bool)>,
    result: Result<(), Cut>,
}

fn run<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Ran {
    let mut engine = Engine::new(limit);
    let mut judge = ByContent::new();
    let mut out = Vec::new();
    let result = chunks
        .into_iter()
        .try_for_each(|chunk| {
            let fed = engine.feed(chunk, &mut judge, &mut out);
            // A LF after a CR is never refused for want of room.
            assert!(engine.held() <= limit + 1 + TOO_LARGE.len(), "{} held of {limit}", engine.held());
            fed
        })
        .and_then(|()| engine.finish(&mut judge, &mut out));
    Ran { out, seen: judge.seen, result }
}

fn whole(stream: &[u8], limit: usize) -> Ran {
    run([stream], limit)
}
