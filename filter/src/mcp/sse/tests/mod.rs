//! What the engine must hold: output that does not depend on the split, and nothing a client would act on that was
//! not judged.

mod properties;
mod reading;
mod streams;

use super::{Cut, Decision, Engine, EventHead, Judge, Progress};

const ROOMY: usize = 1 << 20;

/// Decides by what the data holds: `S` streams, `X` refuses, `R` replaces, `D` drops, `E` refuses the end of a stream.
#[derive(Debug, Default)]
struct ByContent {
    oversize: Option<Vec<u8>>,
    /// Data of the current event, as the pieces came.
    data: Vec<u8>,
    begun: bool,
    streaming: bool,
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
        self.streaming |= self.data.contains(&b'S');
        if self.streaming { Progress::Stream } else { Progress::Hold }
    }

    fn end(&mut self, head: &EventHead<'_>, data: &[u8]) -> Decision {
        assert!(!self.streaming);
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
        assert!(self.streaming && self.begun);
        let data = std::mem::take(&mut self.data);
        let passes = !data.contains(&b'E');
        self.seen.push((Vec::new(), false, data, true));
        self.begun = false;
        self.streaming = false;
        passes
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
