//! Server-sent events (WHATWG HTML section 9.2), judged one by one as they pass.
//!
//! [`Engine`] is pushed chunks of a stream, in any split, and writes what may go on. A [`Judge`] sees the data of each
//! event as it arrives and decides: pass, replace, drop, or let the rest stream. An event leaves the moment it is
//! decided, byte for byte as it came unless it was rewritten. Any split of the same bytes gives the same output.
//!
//! Three things differ from a plain reading of the standard, because clients do:
//! - A byte order mark is dropped wherever the output would start with it: some clients skip it, others take it for
//!   part of a field name.
//! - A CR ends its line at once; a LF that follows it belongs to the same line ending.
//! - An event that the end of the stream cuts short is dropped, as every client does, unless it was streaming.
//!
//! ```
//! use tidegate_filter::mcp::sse::{Decision, Engine, EventHead, Judge, Progress};
//!
//! struct NoSecrets;
//! impl Judge for NoSecrets {
//!     fn begin(&mut self) {}
//!     fn data(&mut self, _: &[u8]) -> Progress {
//!         Progress::Hold
//!     }
//!     fn end(&mut self, _: &EventHead<'_>, data: &[u8]) -> Decision {
//!         if data == b"secret" { Decision::Replace(b"{}".to_vec()) } else { Decision::Pass }
//!     }
//!     fn end_streamed(&mut self) -> bool {
//!         true
//!     }
//!     fn oversize(&mut self) -> Option<Vec<u8>> {
//!         None
//!     }
//! }
//!
//! let mut out = Vec::new();
//! let mut engine = Engine::new(1024);
//! engine.feed(b": hi\n\nid: 7\ndata: sec", &mut NoSecrets, &mut out)?;
//! engine.feed(b"ret\n\n", &mut NoSecrets, &mut out)?;
//! assert_eq!(out, b": hi\n\nid: 7\ndata: {}\n\n");
//! # Ok::<(), tidegate_filter::mcp::sse::Cut>(())
//! ```

mod judge;
mod line;
mod rewriting;

#[cfg(test)]
mod tests;

use core::ops::Range;

use crate::json::scan;
pub use judge::{Cut, Decision, EventHead, Judge, Progress};
use line::{Ending, Field, LONGEST_NAME};

/// Memory that an engine keeps between events.
const RETAINED: usize = 16 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is being done with the current event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Holding,
    Streaming,
    /// As streaming, on one `data` line whose text the judge writes; other lines of the event follow at its end.
    Rewriting,
    /// It was too large: only `id` and `retry` lines are kept, and its end brings the replacement.
    Replacing,
}

/// Where in its line the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Start,
    Name,
    Colon(Field),
    Value(Field),
}

/// Where the bytes of a line go, and the LF after its CR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    Held,
    Out,
    Nowhere,
    /// It is kept or not, which its name will tell; until then the name alone is remembered.
    Unknown,
}

/// What is known of the current event.
#[derive(Debug, Default)]
struct Facts {
    /// `data` fields so far.
    data_fields: usize,
    /// Where the value of the first `data` field is held.
    first_data: Range<usize>,
    has_event: bool,
    /// Where the value of the last `event` field is held.
    event: Range<usize>,
    has_id: bool,
    /// How its first line ended.
    ending: Option<Ending>,
    /// Lines so far, at most 2: only the first matters.
    lines: u8,
    /// Where the data belongs among the lines that are kept, when replacing.
    data_at: Option<usize>,
    replacement: Vec<u8>,
}

/// The state machine of one stream. Holds at most the bytes of one event, up to the limit, and sends everything else
/// straight on. An event with several `data` fields takes as much again while it is decided, for its joined data.
#[derive(Debug)]
pub struct Engine {
    limit: usize,
    mode: Mode,
    /// Lines of the current event that have not left.
    held: Vec<u8>,
    facts: Facts,
    part: Part,
    sink: Sink,
    /// Where in `held` the current line starts, and its value.
    line_at: usize,
    value_at: usize,
    name: [u8; LONGEST_NAME],
    name_len: usize,
    after_cr: bool,
    /// True while nothing was sent before the current event.
    first: bool,
    /// Bytes of a byte order mark seen.
    mark: usize,
    cut: bool,
}

impl Engine {
    /// An engine at the start of a stream. `event_bytes` is the most that is held of one event, its field names,
    /// comments and line endings included.
    pub fn new(event_bytes: usize) -> Self {
        Self {
            limit: event_bytes,
            mode: Mode::Holding,
            held: Vec::new(),
            facts: Facts::default(),
            part: Part::Start,
            sink: Sink::Out,
            line_at: 0,
            value_at: 0,
            name: [0; LONGEST_NAME],
            name_len: 0,
            after_cr: false,
            first: true,
            mark: 0,
            cut: false,
        }
    }

    /// Takes the next bytes of the stream and appends to `out` what may be sent now.
    pub fn feed<J: Judge>(&mut self, chunk: &[u8], judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        if self.cut {
            return Err(Cut);
        }
        let read = self.read(chunk, judge, out);
        self.cut = read.is_err();
        read
    }

    /// The stream has ended. An event without its final blank line is dropped: no client dispatches it. Nothing is
    /// left to send today; `out` is there for engines that hold more.
    pub fn finish<J: Judge>(&mut self, _judge: &mut J, _out: &mut Vec<u8>) -> Result<(), Cut> {
        self.held = Vec::new();
        if self.cut { Err(Cut) } else { Ok(()) }
    }

    /// Bytes held back, for memory accounting.
    pub fn held(&self) -> usize {
        self.held.len() + self.facts.replacement.len()
    }

    fn read<J: Judge>(&mut self, chunk: &[u8], judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        let mut rest = chunk;
        while let Some((&first, after_first)) = rest.split_first() {
            if core::mem::take(&mut self.after_cr) && first == b'\n' {
                self.line_feed(out);
                rest = after_first;
                continue;
            }
            if self.starts_output() {
                if BYTE_ORDER_MARK.get(self.mark) == Some(&first) {
                    self.mark = (self.mark + 1) % BYTE_ORDER_MARK.len();
                    rest = after_first;
                    continue;
                }
                let seen = core::mem::take(&mut self.mark);
                self.content(BYTE_ORDER_MARK.get(..seen).unwrap_or_default(), judge, out)?;
            }
            let (content, after) = rest.split_at_checked(scan::line_end(rest)).unwrap_or((rest, &[]));
            self.content(content, judge, out)?;
            let Some((&byte, after)) = after.split_first() else { break };
            self.ending(byte, judge, out)?;
            self.after_cr = byte == b'\r';
            rest = after;
        }
        Ok(())
    }

    /// True where the next byte would be the first that the client gets, dropped events being gone.
    fn starts_output(&self) -> bool {
        self.first && self.part == Part::Start && self.mode == Mode::Holding && self.held.is_empty()
    }

    /// Takes bytes of the current line.
    fn content<J: Judge>(&mut self, mut bytes: &[u8], judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        while let Some(&first) = bytes.first() {
            match self.part {
                Part::Start => self.start_line(first, judge, out)?,
                Part::Name => {
                    let searched = bytes.get(..=LONGEST_NAME - self.name_len).unwrap_or(bytes);
                    let colon = searched.iter().position(|&byte| byte == b':');
                    if colon.is_none() && self.name_len + searched.len() > LONGEST_NAME {
                        self.known(Field::Unknown, judge, out)?;
                        self.part = Part::Value(Field::Unknown);
                        continue;
                    }
                    let (name, rest) = bytes.split_at_checked(colon.unwrap_or(bytes.len())).unwrap_or((bytes, &[]));
                    for (slot, &byte) in self.name.iter_mut().skip(self.name_len).zip(name) {
                        *slot = byte;
                    }
                    self.name_len += name.len();
                    self.put(name, judge, out)?;
                    bytes = rest;
                    if let Some((_, value)) = rest.split_first() {
                        let field = self.named(judge, out)?;
                        self.put(b":", judge, out)?;
                        self.part = Part::Colon(field);
                        bytes = value;
                    }
                }
                Part::Colon(field) => {
                    if first == b' ' {
                        self.put(b" ", judge, out)?;
                        bytes = bytes.get(1..).unwrap_or_default();
                    }
                    self.value_at = self.held.len();
                    self.part = Part::Value(field);
                }
                Part::Value(Field::Data) => return self.data(bytes, judge, out),
                Part::Value(_) => return self.put(bytes, judge, out),
            }
        }
        Ok(())
    }

    fn start_line<J: Judge>(&mut self, first: u8, judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        let comment = first == b':';
        self.line_at = self.held.len();
        self.name_len = 0;
        self.sink = match self.mode {
            Mode::Streaming => Sink::Out,
            Mode::Holding if comment && self.held.is_empty() => Sink::Out,
            Mode::Holding => Sink::Held,
            Mode::Replacing | Mode::Rewriting => Sink::Unknown,
        };
        self.part = Part::Name;
        if comment {
            self.first &= self.sink != Sink::Out;
            self.known(Field::Comment, judge, out)?;
            self.part = Part::Value(Field::Comment);
        }
        Ok(())
    }

    /// The name of the field is complete.
    fn named<J: Judge>(&mut self, judge: &mut J, out: &mut Vec<u8>) -> Result<Field, Cut> {
        let field = Field::named(self.name.get(..self.name_len).unwrap_or_default());
        self.known(field, judge, out)?;
        self.value_at = self.held.len();
        Ok(field)
    }

    /// It is known what field the current line is.
    fn known<J: Judge>(&mut self, field: Field, judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        match field {
            Field::Data => {
                self.facts.data_fields = self.facts.data_fields.saturating_add(1);
                if self.mode == Mode::Replacing {
                    self.facts.data_at.get_or_insert(self.line_at);
                } else if self.facts.data_fields == 1 {
                    judge.begin();
                } else {
                    // JSON has line breaks only between tokens, where a space says the same.
                    let joint = if self.mode == Mode::Rewriting { b" " } else { b"\n" };
                    self.judge(joint, judge, out)?;
                }
            }
            Field::Event => self.facts.has_event = true,
            Field::Id => self.facts.has_id = true,
            Field::Retry | Field::Comment | Field::Unknown => {}
        }
        if self.sink == Sink::Unknown {
            let stays = if self.mode == Mode::Rewriting { field.stays_beside_data() } else { field.is_kept() };
            self.sink = if stays { Sink::Held } else { Sink::Nowhere };
            let name = self.name;
            self.put(name.get(..self.name_len).unwrap_or_default(), judge, out)?;
        }
        Ok(())
    }

    /// Takes bytes of a `data` value.
    fn data<J: Judge>(&mut self, mut bytes: &[u8], judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        if self.mode == Mode::Holding {
            // The judge sees no byte beyond the limit, so that what it sees does not depend on the split.
            let room = self.limit.saturating_sub(self.held.len());
            let (piece, beyond) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.held.extend_from_slice(piece);
            if !piece.is_empty() {
                self.judge(piece, judge, out)?;
            }
            if beyond.is_empty() {
                return Ok(());
            }
            if self.mode == Mode::Holding {
                self.oversize(judge)?;
            }
            bytes = beyond;
        }
        match self.mode {
            Mode::Streaming => {
                self.judge(bytes, judge, out)?;
                out.extend_from_slice(bytes);
            }
            Mode::Rewriting => self.judge(bytes, judge, out)?,
            Mode::Holding | Mode::Replacing => {}
        }
        Ok(())
    }

    /// Asks about a piece of data; what is held leaves when the answer allows it.
    fn judge<J: Judge>(&mut self, piece: &[u8], judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        match (judge.data(piece), self.mode) {
            (Progress::Hold, Mode::Holding) | (Progress::Stream, Mode::Streaming) => Ok(()),
            (Progress::Stream, Mode::Holding) => {
                out.extend_from_slice(&self.held);
                self.release();
                self.mode = Mode::Streaming;
                self.sink = Sink::Out;
                Ok(())
            }
            (Progress::Rewrite, Mode::Holding) => self.begin_rewriting(judge, out),
            (Progress::Rewrite, Mode::Rewriting) if judge.rewrite(piece, out) => Ok(()),
            _ => Err(Cut),
        }
    }

    /// Sends bytes of a line where the line goes.
    fn put<J: Judge>(&mut self, bytes: &[u8], judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        match self.sink {
            Sink::Out => out.extend_from_slice(bytes),
            Sink::Nowhere | Sink::Unknown => {}
            Sink::Held if self.held.len().saturating_add(bytes.len()) > self.limit => self.oversize(judge)?,
            Sink::Held => self.held.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// The current line does not fit. What is kept of the event is its complete `id` and `retry` lines.
    fn oversize<J: Judge>(&mut self, judge: &mut J) -> Result<(), Cut> {
        if self.mode != Mode::Holding {
            return Err(Cut);
        }
        self.facts.replacement = judge.oversize().ok_or(Cut)?;
        let (kept, data_at) = line::kept(&self.held);
        let in_data = self.facts.data_fields > 0;
        self.facts.data_at = data_at.or_else(|| in_data.then_some(kept.len()));
        self.line_at = kept.len();
        self.held = kept;
        self.mode = Mode::Replacing;
        self.sink = Sink::Nowhere;
        Ok(())
    }

    /// Takes a line ending, or the CR of one.
    fn ending<J: Judge>(&mut self, byte: u8, judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        let field = match self.part {
            Part::Start => return self.end_event(byte, judge, out),
            Part::Name => self.named(judge, out)?,
            Part::Colon(field) => {
                self.value_at = self.held.len();
                field
            }
            Part::Value(field) => field,
        };
        if self.sink == Sink::Held {
            let value = self.value_at..self.held.len();
            match field {
                Field::Data if self.facts.data_fields == 1 => self.facts.first_data = value,
                Field::Event => self.facts.event = value,
                _ => {}
            }
        }
        let alone = self.mode == Mode::Holding && self.sink == Sink::Out;
        self.put(&[byte], judge, out)?;
        self.part = Part::Start;
        if !alone {
            self.facts.lines = self.facts.lines.saturating_add(1).min(2);
            self.facts.ending.get_or_insert(if byte == b'\r' { Ending::Cr } else { Ending::Lf });
        }
        Ok(())
    }

    /// Takes the LF after a CR.
    fn line_feed(&mut self, out: &mut Vec<u8>) {
        if self.facts.lines == 1 {
            self.facts.ending = Some(Ending::CrLf);
        }
        match self.sink {
            Sink::Out => out.push(b'\n'),
            Sink::Held => self.held.push(b'\n'),
            Sink::Nowhere | Sink::Unknown => {}
        }
    }

    /// Takes the blank line that ends an event, `byte` being its ending or the CR of it.
    fn end_event<J: Judge>(&mut self, byte: u8, judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        self.sink = Sink::Out;
        match self.mode {
            Mode::Holding if self.held.is_empty() => out.push(byte),
            Mode::Holding => match self.decide(judge) {
                Decision::Pass => {
                    out.extend_from_slice(&self.held);
                    out.push(byte);
                }
                Decision::Replace(text) => {
                    let (kept, data_at) = line::kept(&self.held);
                    let data_at = data_at.unwrap_or(kept.len());
                    self.write(&kept, Some((data_at, &text)), byte, out);
                }
                Decision::Drop => {
                    let (kept, _) = line::kept(&self.held);
                    if kept.is_empty() {
                        self.sink = Sink::Nowhere;
                    } else {
                        self.write(&kept, None, byte, out);
                    }
                }
            },
            Mode::Streaming if judge.end_streamed() => out.push(byte),
            Mode::Rewriting if judge.end_streamed() => self.end_rewriting(byte, judge, out)?,
            Mode::Streaming | Mode::Rewriting => return Err(Cut),
            Mode::Replacing => {
                let data_at = self.facts.data_at.unwrap_or(self.held.len());
                self.write(&self.held, Some((data_at, &self.facts.replacement)), byte, out);
            }
        }
        self.first &= self.sink == Sink::Nowhere;
        self.release();
        self.mode = Mode::Holding;
        self.facts = Facts::default();
        Ok(())
    }

    fn decide<J: Judge>(&self, judge: &mut J) -> Decision {
        let held = |range: &Range<usize>| self.held.get(range.clone()).unwrap_or_default();
        let head = EventHead { event: held(&self.facts.event), has_id: self.facts.has_id };
        if self.facts.data_fields < 2 {
            judge.end(&head, held(&self.facts.first_data))
        } else {
            judge.end(&head, &line::joined(&self.held))
        }
    }

    /// Writes an event anew: the lines that are kept, the data among them if there is any, and the blank line.
    fn write(&self, kept: &[u8], data: Option<(usize, &[u8])>, blank: u8, out: &mut Vec<u8>) {
        let ending = self.facts.ending.unwrap_or(Ending::Lf).bytes();
        let (at, text) = data.unwrap_or_default();
        let (before, after) = kept.split_at_checked(at).unwrap_or((kept, &[]));
        out.extend_from_slice(before);
        if data.is_some() {
            if self.facts.has_event {
                out.extend_from_slice(b"event: message");
                out.extend_from_slice(ending);
            }
            out.extend_from_slice(b"data: ");
            out.extend(text.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
            out.extend_from_slice(ending);
        }
        out.extend_from_slice(after);
        // Where a line between them is gone, CR and LF would become one line ending, and the event would not end.
        if blank == b'\n' && out.last() == Some(&b'\r') {
            out.push(b'\n');
        }
        out.push(blank);
    }

    fn release(&mut self) {
        self.held.clear();
        self.held.shrink_to(RETAINED);
    }
}
