//! A text that a pattern describes, made of the pattern alone.

use crate::regex::{Class, Part};

/// Longest that is made, in bytes.
const LONGEST: usize = 256;

/// A text that the pattern probably matches: each class by a character that says nothing, each repetition as short as
/// it may be. None if that is too long.
pub(super) fn of(part: &Part) -> Option<String> {
    let mut text = String::new();
    write(part, &mut text).map(|()| text)
}

fn write(part: &Part, text: &mut String) -> Option<()> {
    if text.len() >= LONGEST {
        return None;
    }
    match part {
        Part::Char(character) => text.push(*character),
        Part::Class(class) => text.push(blank(class)?),
        Part::Assert { .. } => {}
        Part::Sequence(parts) => parts.iter().try_for_each(|part| write(part, text))?,
        Part::Choice(parts) => parts.first().map_or(Some(()), |part| write(part, text))?,
        Part::Repeat { part, least, .. } => (0..*least).try_for_each(|_| write(part, text))?,
    }
    Some(())
}

fn blank(class: &Class) -> Option<char> {
    let usual = ['0', 'x', 'X', 'a', 'A', '2', '-', '.', '_', ' '].into_iter().find(|it| class.has(*it));
    usual.or_else(|| class.ranges.first().and_then(|(first, _)| char::from_u32(*first)))
}
