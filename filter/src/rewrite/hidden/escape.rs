//! Control characters and the sequences that begin with one (ECMA-48, sections 5.3 to 5.6).

use super::{Found, Kind, Memo, SEQUENCE_BYTES, STRING_BYTES, Text};

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// What introduces a sequence, whichever form it was written in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Introducer {
    /// CSI
    Sequence,
    /// OSC
    Command,
    /// DCS, SOS, PM, APC
    String,
}

/// Judges the control of ASCII at `at`.
pub(super) fn control(text: &Text<'_>, at: usize, byte: u8, memo: &mut Memo) -> Found {
    match byte {
        ESC => escape(text, at, memo),
        0x08 => Found::Hidden(1, Kind::Overwrite),
        b'\r' => match text.bytes.get(at + 1) {
            None if !text.is_complete => Found::More,
            // The end of a line, or of the string.
            None | Some(b'\n' | b'\r' | b'"') => Found::Nothing(1),
            Some(_) => Found::Hidden(1, Kind::Overwrite),
        },
        b'\t' | b'\n' => Found::Nothing(1),
        _ => Found::Hidden(1, Kind::Control),
    }
}

/// Judges the C1 control (U+0080 to U+009F) of two bytes at `at`, told by its second.
pub(super) fn c1(text: &Text<'_>, at: usize, second: u8, memo: &mut Memo) -> Found {
    match second {
        // NEL is a line feed.
        0x85 => Found::Nothing(2),
        0x9b => introduced(text, at, 2, Introducer::Sequence, memo),
        0x9d => introduced(text, at, 2, Introducer::Command, memo),
        0x90 | 0x98 | 0x9e | 0x9f => introduced(text, at, 2, Introducer::String, memo),
        0x9c => Found::Hidden(2, Kind::Escape),
        _ => Found::Hidden(2, Kind::Control),
    }
}

fn escape(text: &Text<'_>, at: usize, memo: &mut Memo) -> Found {
    match text.bytes.get(at + 1) {
        None if !text.is_complete => Found::More,
        Some(b'[') => introduced(text, at, 2, Introducer::Sequence, memo),
        Some(b']') => introduced(text, at, 2, Introducer::Command, memo),
        Some(b'P' | b'X' | b'^' | b'_') => introduced(text, at, 2, Introducer::String, memo),
        // Intermediate bytes, then a final one: character sets and the like. A quote may end a string of JSON.
        Some(0x20..=0x2f) => {
            let rest = text.bytes.get(at + 1..).unwrap_or_default();
            let rest = rest.get(..SEQUENCE_BYTES).unwrap_or(rest);
            let middle = rest.iter().take_while(|byte| matches!(byte, 0x20..=0x2f) && **byte != b'"').count();
            match rest.get(middle) {
                None if !text.is_complete && rest.len() < SEQUENCE_BYTES => Found::More,
                Some(0x30..=0x7e) if middle > 0 => Found::Hidden(middle + 2, Kind::Escape),
                // Not a sequence: what follows is text.
                _ => Found::Hidden(1, Kind::Escape),
            }
        }
        Some(0x30..=0x7e) => Found::Hidden(2, Kind::Escape),
        _ => Found::Hidden(1, Kind::Escape),
    }
}

fn introduced(text: &Text<'_>, at: usize, length: usize, introducer: Introducer, memo: &mut Memo) -> Found {
    let start = at + length;
    if introducer == Introducer::Sequence {
        let rest = text.bytes.get(start..).unwrap_or_default();
        let rest = rest.get(..SEQUENCE_BYTES).unwrap_or(rest);
        let parameters = rest.iter().take_while(|byte| matches!(byte, 0x20..=0x3f) && **byte != b'"').count();
        return match rest.get(parameters) {
            None if !text.is_complete && rest.len() < SEQUENCE_BYTES => Found::More,
            Some(0x40..=0x7e) => Found::Hidden(length + parameters + 1, Kind::Escape),
            // Broken off: a terminal shows what follows. Spaces may be text already.
            _ => {
                let digits = rest.iter().take_while(|byte| matches!(byte, 0x30..=0x3f)).count();
                Found::Hidden(length + digits, Kind::Escape)
            }
        };
    }
    let from = memo.read.max(start);
    memo.read = 0;
    let rest = text.bytes.get(from..).unwrap_or_default();
    let most = (start + STRING_BYTES).saturating_sub(from);
    let rest = rest.get(..most).unwrap_or(rest);
    let is_single_line = introducer == Introducer::Command;
    let ends = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == b'"' || byte == 0xc2;
    let mut reached = 0;
    while let Some(ahead) =
        rest.get(reached..).and_then(|it| it.iter().position(|byte| ends(*byte) || is_single_line && *byte == b'\n'))
    {
        reached += ahead;
        match (rest.get(reached), rest.get(reached + 1)) {
            (Some(&BEL), _) => return Found::Hidden(from + reached + 1 - at, Kind::Escape),
            (Some(&ESC), Some(b'\\')) | (Some(0xc2), Some(0x9c)) => {
                return Found::Hidden(from + reached + 2 - at, Kind::Escape);
            }
            (Some(0xc2), Some(0xa0..)) => reached += 2,
            (Some(&ESC | 0xc2), None) => break,
            // Something else begins before it was terminated.
            _ => return Found::Hidden(length, Kind::Escape),
        }
    }
    if rest.len() < most && !text.is_complete {
        // Up to an introducer whose second byte has not come.
        memo.read = from + if matches!(rest.last(), Some(&ESC | 0xc2)) { rest.len() - 1 } else { rest.len() };
        return Found::More;
    }
    Found::Hidden(length, Kind::Escape)
}
