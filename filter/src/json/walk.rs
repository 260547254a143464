//! Finding spans again in bytes that [`check`](super::check) accepted.
//!
//! On other bytes nothing panics: iterators end and look-ups find nothing.

use std::borrow::Cow;

use super::{Span, decode, scan};

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key, quotes included.
    pub key: Span,
    /// The value.
    pub value: Span,
}

/// The members of the object at `object`, in order. Spans are absolute in `bytes`.
pub fn members(bytes: &[u8], object: Span) -> Members<'_> {
    Members { inside: Inside::new(bytes, object, b'{') }
}

/// The elements of the array at `array`, in order. Spans are absolute in `bytes`.
pub fn elements(bytes: &[u8], array: Span) -> Elements<'_> {
    Elements { inside: Inside::new(bytes, array, b'[') }
}

/// See [`members`].
#[derive(Clone, Debug)]
pub struct Members<'a> {
    inside: Inside<'a>,
}

/// See [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    inside: Inside<'a>,
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        self.inside.step(|inside| {
            let key = inside.value().filter(|key| inside.bytes.get(key.start) == Some(&b'"'))?;
            inside.space();
            inside.take(b':')?;
            inside.space();
            Some(Member { key, value: inside.value()? })
        })
    }
}

impl Iterator for Elements<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        self.inside.step(Inside::value)
    }
}

/// A place inside a container.
#[derive(Clone, Debug)]
struct Inside<'a> {
    /// The document up to the end of the container.
    bytes: &'a [u8],
    at: usize,
    first: bool,
    over: bool,
}

impl<'a> Inside<'a> {
    fn new(bytes: &'a [u8], container: Span, opening: u8) -> Self {
        let upto = bytes.get(..container.end).unwrap_or_default();
        let over = upto.get(container.start) != Some(&opening);
        Self { bytes: upto, at: container.start.saturating_add(1), first: true, over }
    }

    fn step<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.over {
            return None;
        }
        self.over = true;
        self.space();
        if !self.first {
            self.take(b',')?;
            self.space();
        }
        self.first = false;
        let item = read(self)?;
        self.over = false;
        Some(item)
    }

    fn space(&mut self) {
        self.at = after_space(self.bytes, self.at);
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.bytes.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn value(&mut self) -> Option<Span> {
        let start = self.at;
        let end = after_value(self.bytes, start)?;
        self.at = end;
        Some(Span { start, end })
    }
}

fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The index after the string whose opening quote is at `at`.
fn after_string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += scan::string_run(bytes.get(at..)?).len;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

/// The index after the value that starts at `at`.
fn after_value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => after_string(bytes, at),
        b'{' | b'[' => after_container(bytes, at),
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
            let rest = bytes.get(at..)?;
            let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
            Some(at + rest.iter().position(ends).unwrap_or(rest.len()))
        }
        _ => None,
    }
}

fn after_container(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = after_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The span of the value at `pointer` (RFC 6901); the empty pointer is the root value.
pub fn locate(bytes: &[u8], pointer: &str) -> Option<Span> {
    let start = after_space(bytes, 0);
    let mut value = Span { start, end: after_value(bytes, start)? };
    for token in tokens(pointer)? {
        value = match bytes.get(value.start)? {
            b'{' => member(bytes, value, &token?)?.value,
            b'[' => elements(bytes, value).nth(index(&token?)?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// The span of the key, quotes included, of the member at `pointer`. `None` for the root and for array elements.
pub fn locate_key(bytes: &[u8], pointer: &str) -> Option<Span> {
    let (parent, last) = pointer.rsplit_once('/')?;
    Some(member(bytes, locate(bytes, parent)?, &unescape(last)?)?.key)
}

fn member(bytes: &[u8], object: Span, name: &str) -> Option<Member> {
    members(bytes, object).find(|member| decode(member.key.of(bytes)) == name)
}

fn tokens(pointer: &str) -> Option<impl Iterator<Item = Option<Cow<'_, str>>>> {
    let rest = if pointer.is_empty() { None } else { Some(pointer.strip_prefix('/')?) };
    Some(rest.into_iter().flat_map(|rest| rest.split('/')).map(unescape))
}

fn unescape(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut out = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(Cow::Owned(out))
}

fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    plain.then(|| token.parse().ok()).flatten()
}
