//! Escapes of JSON undone, whatever the depth that they were written at ([`super::flat`] says how that is told).

/// Longest run of backslashes that is taken as one: 64 levels deep no text is JSON any more. Even, so that cutting a
/// longer run does not change what is escaped at the outermost level.
pub(super) const RUN: usize = 64;

/// What a run of backslashes and the bytes after it stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Undone {
    /// How many of its bytes stand for one backslash; they come first.
    pub(super) backslash: usize,
    /// What the other bytes stand for, if there are any.
    pub(super) character: Option<char>,
    /// How many bytes it has in all.
    pub(super) length: usize,
}

/// The character of an escape that every text in a JSON string is full of: one backslash and one letter.
#[inline]
pub(super) fn short(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [_, b'n', ..] => Some(b'\n'),
        [_, b'"', ..] => Some(b'"'),
        [_, b't', ..] => Some(b'\t'),
        [_, b'r', ..] => Some(b'\r'),
        _ => None,
    }
}

/// Undoes the escape that `bytes` begin with. None if it depends on bytes that have not come.
pub(super) fn undo(bytes: &[u8], is_complete: bool) -> Option<Undone> {
    let run = bytes.iter().take(RUN).take_while(|byte| **byte == b'\\').count();
    let after = bytes.get(run..).unwrap_or_default();
    // How many bytes after the run it takes with it, and the character that all of them stand for.
    let (taken, character) = match after {
        [] if !is_complete => return None,
        [b'n', ..] => (1, '\n'),
        [b't', ..] => (1, '\t'),
        [b'r', ..] => (1, '\r'),
        [b'b', ..] => (1, '\u{8}'),
        [b'f', ..] => (1, '\u{c}'),
        [b'/', ..] => (1, '/'),
        [b'"', ..] if run % 2 == 1 => (1, '"'),
        [b'u', digits @ ..] => match code(1 << run.trailing_zeros(), digits) {
            Code::Unfinished if !is_complete => return None,
            Code::Character(character, length) => (1 + length, character),
            Code::Unfinished | Code::None => (0, '\\'),
        },
        _ => (0, '\\'),
    };
    // At its depth the escape has so many backslashes; those before them stand for themselves.
    let own = match (taken, after.first()) {
        (0, _) => 0,
        (_, Some(b'"')) => (1 << run.trailing_ones()) - 1,
        // A slash may be escaped at some depths and not at others.
        (_, Some(b'/')) => run,
        _ => 1 << run.trailing_zeros(),
    };
    let mut escape = Escape { character, own, taken };
    if after.first() == Some(&b'u') && taken > 0 {
        match escape.again(run, after.get(taken..).unwrap_or_default()) {
            Some(inner) => escape = inner,
            None if is_complete => {}
            None => return None,
        }
    }
    let Escape { character, own, taken } = escape;
    Some(Undone { backslash: run - own, character: (taken > 0).then_some(character), length: run + taken })
}

/// A character, how many backslashes of the run belong to its escape, and how many bytes after the run.
#[derive(Clone, Copy, Debug)]
struct Escape {
    character: char,
    own: usize,
    taken: usize,
}

impl Escape {
    /// What a character that was written as a code makes of the backslashes before it, in the text that it is in:
    /// `\\\u006e` is `\n` there, a line break one level deeper. None if that depends on bytes that have not come.
    fn again(self, run: usize, after: &[u8]) -> Option<Self> {
        // Each backslash of that text is so many here.
        let unit = 2 * self.own;
        let left = (run - self.own).checked_div(unit).unwrap_or(0);
        let deeper =
            |character, own: usize, taken| Self { character, own: self.own + own * unit, taken: self.taken + taken };
        let lowest = |left: usize| 1 << left.trailing_zeros();
        Some(match self.character {
            _ if left == 0 => self,
            '"' => deeper('"', (1 << left.trailing_ones()) - 1, 0),
            'n' => deeper('\n', lowest(left), 0),
            't' => deeper('\t', lowest(left), 0),
            'r' => deeper('\r', lowest(left), 0),
            'b' => deeper('\u{8}', lowest(left), 0),
            'f' => deeper('\u{c}', lowest(left), 0),
            '/' => deeper('/', lowest(left), 0),
            'u' => match code(0, after) {
                Code::Character(character, length) => deeper(character, lowest(left), length),
                Code::Unfinished => return None,
                Code::None => self,
            },
            _ => self,
        })
    }
}

enum Code {
    Character(char, usize),
    /// More bytes may make it one.
    Unfinished,
    None,
}

/// The character of `XXXX`, or of `XXXX`, the same run of backslashes, and `uXXXX` (a surrogate pair); how many bytes
/// it takes.
fn code(run: usize, digits: &[u8]) -> Code {
    let unit = |bytes: &[u8]| {
        let known = bytes.get(..4).unwrap_or(bytes);
        if !known.iter().all(u8::is_ascii_hexdigit) {
            return Code::None;
        }
        let value = known.iter().fold(0, |unit, &byte| unit << 4 | char::from(byte).to_digit(16).unwrap_or(0));
        match known.len() {
            4 => Code::Character(char::from_u32(value).unwrap_or('\u{fffd}'), value as usize),
            _ => Code::Unfinished,
        }
    };
    let Code::Character(character, value) = unit(digits) else { return unit(digits) };
    if !(0xd800..0xdc00).contains(&value) {
        return Code::Character(character, 4);
    }
    let low = digits.get(4..).unwrap_or_default();
    let slashes = low.iter().take(run).take_while(|byte| **byte == b'\\').count();
    match low.get(slashes..) {
        Some([]) | None => Code::Unfinished,
        Some([b'u', rest @ ..]) if slashes == run => match unit(rest) {
            Code::Character(_, low @ 0xdc00..0xe000) => {
                let value = 0x1_0000 + ((value - 0xd800) << 10) + (low - 0xdc00);
                let character = u32::try_from(value).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                Code::Character(character, 4 + run + 5)
            }
            Code::Unfinished => Code::Unfinished,
            _ => Code::Character(character, 4),
        },
        Some(_) => Code::Character(character, 4),
    }
}
