//! What decides over the events of a stream, and how it answers.

use core::fmt;

/// What is known of an event besides its data.
#[derive(Clone, Copy, Debug)]
pub struct EventHead<'a> {
    /// The value of its last `event` field; empty if there is none. Clients take only the empty name and `message`
    /// for JSON-RPC messages.
    pub event: &'a [u8],
    /// True if it has an `id` field.
    pub has_id: bool,
}

/// The answer to a piece of an event's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Keep the event back; more is needed.
    Hold,
    /// This piece and what was held may go, and so may each further piece that gets this answer.
    Stream,
    /// As `Stream`, and the judge writes the data: [`Judge::rewrite`] is called with it.
    Rewrite,
    /// The stream must be cut before this piece.
    Refuse,
}

/// What becomes of an event that was held to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on as it came.
    Pass,
    /// Its data becomes this JSON text. Raw line breaks, which JSON allows between tokens, become spaces.
    Replace(Vec<u8>),
    /// It goes no further; its `id` and `retry` lines leave as an event without data, which clients do not dispatch.
    Drop,
}

/// Decides over the events of one stream.
pub trait Judge {
    /// The first `data` field of a new event has come. Not called for an event that has none.
    fn begin(&mut self);

    /// The next piece of the event's data: its `data` values, joined by LF. Once the answer was [`Progress::Stream`],
    /// or
    /// [`Progress::Rewrite`], any other answer cuts the stream. A piece that ends an event may be the last of several.
    fn data(&mut self, bytes: &[u8]) -> Progress;

    /// An event is complete and was not streamed. `data` is its whole data, empty for an event without any.
    fn end(&mut self, head: &EventHead<'_>, data: &[u8]) -> Decision;

    /// A streamed event is complete; false cuts the stream before the blank line that would dispatch it.
    fn end_streamed(&mut self) -> bool;

    /// Takes data of an event that is rewritten, all that came so far and then each piece, with spaces for line breaks;
    /// appends to `out` what may leave, which has no line breaks. False cuts the stream.
    fn rewrite(&mut self, data: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(data);
        true
    }

    /// A rewritten event is complete: appends what is left of its data. False cuts the stream.
    fn end_rewritten(&mut self, out: &mut Vec<u8>) -> bool {
        let _ = out;
        true
    }

    /// The event does not fit into what may be held: the data that replaces it (what is left of the event is then
    /// swallowed), or `None` to cut the stream.
    fn oversize(&mut self) -> Option<Vec<u8>>;
}

/// The stream must be reset: nothing more may be sent, and every later call gives this again. What the call wrote to
/// `out` before was decided, and may or may not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event stream was cut: an event may not pass and can no longer be replaced")
    }
}

impl core::error::Error for Cut {}
