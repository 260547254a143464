//! The lines of one event that is held whole.

use crate::json::scan;

/// Length of the longest field name that means something.
pub(super) const LONGEST_NAME: usize = 5;

/// What a line is. Field names are exact and case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Comment,
    Data,
    Event,
    Id,
    Retry,
    /// Ignored by every client.
    Unknown,
}

impl Field {
    pub(super) fn named(name: &[u8]) -> Self {
        match name {
            b"" => Self::Comment,
            b"data" => Self::Data,
            b"event" => Self::Event,
            b"id" => Self::Id,
            b"retry" => Self::Retry,
            _ => Self::Unknown,
        }
    }

    /// True for the lines that stay when an event is replaced or dropped: a client needs them to resume.
    pub(super) fn is_kept(self) -> bool {
        matches!(self, Self::Id | Self::Retry)
    }

    /// True for the lines that stay when the data of an event is rewritten as it comes. What clients ignore goes: to
    /// some it would be data, if its name begins with a byte order mark and the stream with it.
    pub(super) fn stays_beside_data(self) -> bool {
        !matches!(self, Self::Data | Self::Unknown)
    }
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Lf,
    Cr,
    CrLf,
}

impl Ending {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::Cr => b"\r",
            Self::CrLf => b"\r\n",
        }
    }
}

struct Line<'a> {
    field: Field,
    value: &'a [u8],
    /// With its ending.
    raw: &'a [u8],
}

/// The complete lines of `held`; a line without its ending is left out.
struct Lines<'a> {
    held: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let end = scan::line_end(self.held);
        let (content, after) = self.held.split_at_checked(end)?;
        let ending = match after {
            [b'\r', b'\n', ..] => 2,
            [_, ..] => 1,
            [] => return None,
        };
        let (raw, rest) = self.held.split_at_checked(end + ending)?;
        self.held = rest;
        let colon = content.iter().position(|&byte| byte == b':').unwrap_or(content.len());
        let (name, value) = content.split_at_checked(colon)?;
        let value = value.strip_prefix(b":").unwrap_or(value);
        Some(Line { field: Field::named(name), value: value.strip_prefix(b" ").unwrap_or(value), raw })
    }
}

/// The values of the `data` fields, joined by LF.
pub(super) fn joined(held: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut values = Lines { held }.filter(|line| line.field == Field::Data).map(|line| line.value);
    data.extend_from_slice(values.next().unwrap_or_default());
    for value in values {
        data.push(b'\n');
        data.extend_from_slice(value);
    }
    data
}

/// The lines that stay beside rewritten data, as they came, and the data so far, with spaces where it is joined.
pub(super) fn apart(held: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut others = Vec::new();
    for line in (Lines { held }).filter(|line| line.field.stays_beside_data()) {
        others.extend_from_slice(line.raw);
    }
    let mut data = joined(held);
    for byte in data.iter_mut().filter(|byte| **byte == b'\n') {
        *byte = b' ';
    }
    (others, data)
}

/// The lines that stay when the event is rewritten, and where among them its data was, if it had any.
pub(super) fn kept(held: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut kept = Vec::new();
    let mut data_at = None;
    for line in (Lines { held }) {
        if line.field == Field::Data {
            data_at.get_or_insert(kept.len());
        } else if line.field.is_kept() {
            kept.extend_from_slice(line.raw);
        }
    }
    (kept, data_at)
}
