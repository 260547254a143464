//! Numbers (RFC 8259 section 6), resumable at every byte.

use super::{Fault, NUMBER_LONGEST};

/// Where in a number the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Part {
    #[default]
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    ExponentSign,
    Exponent,
}

/// What became of a piece of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The number ends before this index.
    Ends(usize),
    /// All bytes belong to the number, and more may follow.
    Open,
}

/// A number that is being read.
#[derive(Debug, Default)]
pub(super) struct Number {
    part: Part,
    length: usize,
    /// What earlier chunks held of it.
    digits: Vec<u8>,
}

impl Number {
    /// Starts anew at `first`, which is `-` or a digit.
    pub(super) fn begin(&mut self, first: u8) {
        self.part = match first {
            b'-' => Part::Minus,
            b'0' => Part::Zero,
            _ => Part::Integer,
        };
        self.length = 1;
        self.digits.clear();
    }

    /// Reads on in `bytes`. An error carries the index of the byte at fault.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Piece, (Fault, usize)> {
        let (read, result) = self.scan(bytes);
        let room = NUMBER_LONGEST - self.length;
        if read > room {
            return Err((Fault::NumberTooLong, room));
        }
        self.length += read;
        result.map_err(|fault| (fault, read))
    }

    /// Follows the grammar; gives how many bytes do.
    #[inline]
    fn scan(&mut self, bytes: &[u8]) -> (usize, Result<Piece, Fault>) {
        let mut at = 0;
        loop {
            if matches!(self.part, Part::Integer | Part::Fraction | Part::Exponent) {
                while let Some(b'0'..=b'9') = bytes.get(at) {
                    at += 1;
                }
            }
            let Some(&byte) = bytes.get(at) else { return (at, Ok(Piece::Open)) };
            self.part = match (self.part, byte) {
                (Part::Minus, b'0') => Part::Zero,
                (Part::Minus, b'1'..=b'9') => Part::Integer,
                (Part::Zero | Part::Integer, b'.') => Part::Point,
                (Part::Point, b'0'..=b'9') => Part::Fraction,
                (Part::Zero | Part::Integer | Part::Fraction, b'e' | b'E') => Part::E,
                (Part::E, b'+' | b'-') => Part::ExponentSign,
                (Part::E | Part::ExponentSign, b'0'..=b'9') => Part::Exponent,
                (_, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') => return (at, Err(Fault::BadNumber)),
                (part, _) if ends(part) => return (at, Ok(Piece::Ends(at))),
                _ => return (at, Err(Fault::BadNumber)),
            };
            at += 1;
        }
    }

    /// Keeps bytes of a number that goes on in the next chunk.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.digits.extend_from_slice(bytes);
    }

    /// What was kept.
    pub(super) fn kept(&self) -> &[u8] {
        &self.digits
    }

    /// True if the number may end here.
    pub(super) fn may_end(&self) -> bool {
        ends(self.part)
    }
}

fn ends(part: Part) -> bool {
    matches!(part, Part::Zero | Part::Integer | Part::Fraction | Part::Exponent)
}
