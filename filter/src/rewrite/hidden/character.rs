//! Characters without a shape, and where they are at home.

use super::{Found, Kind, Memo, Text, escape};

/// What may be between two characters.
enum Next {
    Char(char),
    /// A quote, the end of the text, or bytes that are no UTF-8.
    Nothing,
    /// Not here yet.
    More,
}

/// Judges the character above ASCII at `at`.
pub(super) fn judge(text: &Text<'_>, at: usize, memo: &mut Memo) -> Found {
    if let Some(&[0xc2, second @ 0x80..=0x9f]) = text.bytes.get(at..at + 2) {
        return escape::c1(text, at, second, memo);
    }
    let character = match decode(text, at) {
        Next::Char(character) => character,
        Next::Nothing => return Found::Nothing(1),
        Next::More => return Found::More,
    };
    let length = character.len_utf8();
    let Some(kind) = kind(character) else { return Found::Nothing(length) };
    match is_at_home(text, at, character) {
        Home::Yes(length) => Found::Nothing(length),
        Home::No => Found::Hidden(length, kind),
        Home::More => Found::More,
    }
}

fn kind(character: char) -> Option<Kind> {
    Some(match u32::from(character) {
        0xe0000..=0xe007f => Kind::Tag,
        0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => Kind::Bidi,
        0xfe00..=0xfe0f | 0xe0100..=0xe01ef | 0x180b..=0x180d | 0x180f => Kind::Variation,
        0x00ad
        | 0x034f
        | 0x115f
        | 0x1160
        | 0x17b4
        | 0x17b5
        | 0x180e
        | 0x200b..=0x200d
        | 0x2060..=0x2065
        | 0x206a..=0x206f
        | 0x3164
        | 0xfeff
        | 0xffa0
        | 0xfff9..=0xfffb => Kind::Invisible,
        // Default ignorable, and not assigned.
        0xe0080..=0xe00ff | 0xe01f0..=0xe0fff => Kind::Invisible,
        _ => return None,
    })
}

enum Home {
    /// So many bytes stay.
    Yes(usize),
    No,
    More,
}

fn is_at_home(text: &Text<'_>, at: usize, character: char) -> Home {
    let length = character.len_utf8();
    let previous = before(text.bytes, at);
    let is_after = |test: fn(u32) -> bool| previous.is_some_and(|it| test(u32::from(it)));
    let home = |yes: bool| if yes { Home::Yes(length) } else { Home::No };
    let followed = |test: &dyn Fn(u32) -> bool| match decode(text, at + length) {
        Next::Char(next) => home(test(u32::from(next))),
        Next::Nothing => Home::No,
        Next::More => Home::More,
    };
    match u32::from(character) {
        0xe0000..=0xe007f if previous == Some('\u{1f3f4}') => flag(text, at),
        // Keycaps: digit, selector, U+20E3.
        0xfe0f if is_after(|it| matches!(it, 0x23 | 0x2a | 0x30..=0x39)) => followed(&|it| it == 0x20e3),
        0xfe0e | 0xfe0f => home(is_after(is_pictograph)),
        0xfe00..=0xfe02 => home(is_after(|it| {
            is_ideograph(it)
                || matches!(it, 0x30 | 0x2200..=0x22ff | 0x2a00..=0x2aff | 0x1000..=0x109f | 0x3000..=0x303f | 0xa840..=0xa877 | 0xff00..=0xff9f)
        })),
        0xe0100..=0xe01ef => home(is_after(is_ideograph)),
        0x180b..=0x180f => home(is_after(|it| matches!(it, 0x1820..=0x18aa))),
        // Without it, families and professions fall apart.
        0x200d if is_after(|it| is_pictograph(it) || it == 0xfe0f) => followed(&is_pictograph),
        0x200c | 0x200d if is_after(joins) => Home::Yes(length),
        0x200c | 0x200d if previous.is_none_or(|it| kind(it).is_none()) => followed(&joins),
        // Word breaks of scripts that write no spaces.
        0x200b if is_after(is_unspaced) => followed(&is_unspaced),
        0x034f => home(is_after(|it| matches!(it, 0x0591..=0x05c7))),
        0x1160 => home(is_after(|it| matches!(it, 0x1100..=0x115e))),
        0x115f => followed(&|it| matches!(it, 0x1161..=0x11a7)),
        // A byte order mark at the beginning of a file.
        0xfeff => home(at == 0 || at.checked_sub(1).and_then(|before| text.bytes.get(before)) == Some(&b'"')),
        _ => Home::No,
    }
}

/// The tags after a black flag, if they are those of England, Scotland or Wales.
fn flag(text: &Text<'_>, at: usize) -> Home {
    let rest = text.bytes.get(at..).unwrap_or_default();
    let mut is_open = false;
    for name in ["gbeng", "gbsct", "gbwls"] {
        let mut tags = String::with_capacity(24);
        tags.extend(name.bytes().chain([0x7f]).filter_map(|byte| char::from_u32(0xe0000 + u32::from(byte))));
        if rest.starts_with(tags.as_bytes()) {
            return Home::Yes(tags.len());
        }
        is_open |= !text.is_complete && tags.as_bytes().starts_with(rest);
    }
    if is_open { Home::More } else { Home::No }
}

/// Scripts whose letters change their shapes at a joiner: Arabic and its kin, the scripts of India and their kin.
fn joins(code: u32) -> bool {
    matches!(
        code,
        0x0620..=0x06ff
            | 0x0700..=0x077f
            | 0x07ca..=0x07fa
            | 0x0840..=0x085b
            | 0x0860..=0x08ff
            | 0x0900..=0x0dff
            | 0x0f00..=0x109f
            | 0x1700..=0x17b3
            | 0x17b6..=0x17ff
            | 0x1820..=0x18aa
            | 0x1a20..=0x1aad
            | 0x1b00..=0x1bff
            | 0xa800..=0xa82f
            | 0xa840..=0xa877
            | 0xa880..=0xa8ff
            | 0xa980..=0xa9df
            | 0xaa60..=0xaa7f
            | 0xabc0..=0xabff
            | 0xfb50..=0xfdff
            | 0xfe70..=0xfefc
            | 0x10a00..=0x10a5f
            | 0x10ac0..=0x10bff
            | 0x11000..=0x11fff
            | 0x1e900..=0x1e95f
    )
}

fn is_unspaced(code: u32) -> bool {
    matches!(code, 0x0e00..=0x0fff | 0x1000..=0x109f | 0x1780..=0x17b3 | 0x17b6..=0x17ff | 0x1950..=0x19df | 0x1a20..=0x1aad)
}

fn is_ideograph(code: u32) -> bool {
    matches!(code, 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// Emoji and what becomes one with a selector (Unicode's Extended_Pictographic, by blocks).
fn is_pictograph(code: u32) -> bool {
    matches!(
        code,
        0xa9 | 0xae
            | 0x203c
            | 0x2049
            | 0x2122
            | 0x2139
            | 0x2190..=0x21ff
            | 0x2300..=0x23ff
            | 0x24c2
            | 0x25a0..=0x27bf
            | 0x2934
            | 0x2935
            | 0x2b00..=0x2bff
            | 0x3030
            | 0x303d
            | 0x3297
            | 0x3299
            | 0x1f000..=0x1faff
    )
}

fn decode(text: &Text<'_>, at: usize) -> Next {
    let rest = text.bytes.get(at..).unwrap_or_default();
    let length = match rest.first() {
        None if text.is_complete => return Next::Nothing,
        None => return Next::More,
        Some(b'"') => return Next::Nothing,
        Some(..0x80) => 1,
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        Some(_) => return Next::Nothing,
    };
    match rest.get(..length) {
        Some(bytes) => match core::str::from_utf8(bytes).ok().and_then(|it| it.chars().next()) {
            Some(character) => Next::Char(character),
            None => Next::Nothing,
        },
        // Broken off already?
        None if text.is_complete || rest.iter().skip(1).any(|byte| byte & 0xc0 != 0x80) => Next::Nothing,
        None => Next::More,
    }
}

/// The character that ends right before `at`.
fn before(bytes: &[u8], at: usize) -> Option<char> {
    let bytes = bytes.get(at.saturating_sub(4)..at)?;
    let start = bytes.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
    core::str::from_utf8(bytes.get(start..)?).ok()?.chars().next()
}
