//! An event that leaves before it is complete, with other data than it came with.

use super::line::{self, Ending, Field};
use super::{Cut, Engine, Judge, Mode, Part, Sink};

impl Engine {
    /// What is held leaves: the lines that came so far as they are, without those that clients ignore, then one `data` line that the judge goes on to write.
    pub(super) fn begin_rewriting<J: Judge>(&mut self, judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        let complete = self.held.get(..self.line_at).unwrap_or_default();
        let (others, mut data) = line::apart(complete);
        if self.facts.data_fields > 1 {
            data.push(b' ');
        }
        if self.part == Part::Value(Field::Data) {
            data.extend_from_slice(self.held.get(self.value_at..).unwrap_or_default());
        }
        out.extend_from_slice(&others);
        out.extend_from_slice(b"data: ");
        self.release();
        self.line_at = 0;
        self.mode = Mode::Rewriting;
        self.sink = Sink::Nowhere;
        if judge.rewrite(&data, out) { Ok(()) } else { Err(Cut) }
    }

    /// The event is complete: the data line ends, and the lines that came since follow.
    pub(super) fn end_rewriting<J: Judge>(&self, blank: u8, judge: &mut J, out: &mut Vec<u8>) -> Result<(), Cut> {
        if !judge.end_rewritten(out) {
            return Err(Cut);
        }
        out.extend_from_slice(self.facts.ending.unwrap_or(Ending::Lf).bytes());
        out.extend_from_slice(&self.held);
        // CR and LF would become one line ending, and the event would not end.
        if blank == b'\n' && out.last() == Some(&b'\r') {
            out.push(b'\n');
        }
        out.push(blank);
        Ok(())
    }
}
