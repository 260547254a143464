//! What the lexer must hold: the same answer whatever the split, and never more than RFC 8259 allows.

mod properties;
mod table;
mod walk;

use super::{Error, Kind, Lexer, Limits, Scalar, Span, Text, Visitor, check};

/// One call to a visitor, owned.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Key(usize, Option<Vec<u8>>, Span),
    Open(usize, Kind, usize),
    Close(usize, Kind, Span),
    String(usize, Option<Vec<u8>>, Span),
    Number(usize, Vec<u8>, Span),
    Word(usize, Option<bool>, Span),
}

/// Writes down every call. Texts that may or may not be borrowed, by the split, are left out.
#[derive(Debug, Default)]
struct Recorder {
    calls: Vec<Call>,
    unwanted_depth: Option<usize>,
}

fn kept(text: &Text<'_>) -> Option<Vec<u8>> {
    text.as_bytes().filter(|bytes| bytes.len() <= super::TEXT_CAPTURE).map(<[u8]>::to_vec)
}

impl Visitor for Recorder {
    fn key(&mut self, depth: usize, key: &Text<'_>, span: Span) {
        self.calls.push(Call::Key(depth, kept(key), span));
    }

    fn open(&mut self, depth: usize, kind: Kind, at: usize) {
        self.calls.push(Call::Open(depth, kind, at));
    }

    fn close(&mut self, depth: usize, kind: Kind, span: Span) {
        self.calls.push(Call::Close(depth, kind, span));
    }

    fn scalar(&mut self, depth: usize, scalar: Scalar<'_>, span: Span) {
        self.calls.push(match scalar {
            Scalar::String(text) => Call::String(depth, kept(&text), span),
            Scalar::Number(digits) => Call::Number(depth, digits.to_vec(), span),
            Scalar::True => Call::Word(depth, Some(true), span),
            Scalar::False => Call::Word(depth, Some(false), span),
            Scalar::Null => Call::Word(depth, None, span),
        });
    }

    fn wants_text(&self, depth: usize) -> bool {
        self.unwanted_depth != Some(depth)
    }
}

type Outcome = (Vec<Call>, Result<(), Error>);

fn whole(bytes: &[u8], limits: Limits) -> Outcome {
    let mut recorder = Recorder::default();
    let result = check(bytes, limits, &mut recorder);
    (recorder.calls, result)
}

fn in_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Outcome {
    let mut recorder = Recorder::default();
    let mut lexer = Lexer::new(limits);
    let result = chunks
        .into_iter()
        .try_for_each(|chunk| lexer.feed(chunk, &mut recorder))
        .and_then(|()| lexer.finish(&mut recorder));
    (recorder.calls, result)
}

/// Whole, in every two chunks, and byte by byte; all must agree.
fn every_way(bytes: &[u8], limits: Limits) -> Outcome {
    let expected = whole(bytes, limits);
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(in_chunks([left, right], limits), expected, "cut at {cut}: {:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(in_chunks(bytes.chunks(1), limits), expected, "byte by byte: {:?}", String::from_utf8_lossy(bytes));
    expected
}
