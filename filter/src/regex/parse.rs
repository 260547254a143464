//! Reading a pattern.

use core::str::Chars;

use super::{Assertion, Class, PATTERN_INSTRUCTIONS, PATTERN_NESTING, Part, Refusal};

const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];
/// White space and line terminators of ECMA-262 sections 12.2 and 12.3.
const SPACE: &[(u32, u32)] = &[
    (0x09, 0x0d),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    (0xfeff, 0xfeff),
];
const LINE_END: &[(u32, u32)] = &[(0x0a, 0x0a), (0x0d, 0x0d), (0x2028, 0x2029)];

/// What an escape stands for.
enum Escaped {
    Char(char),
    Class(Class),
    Assert(Assertion),
}

/// Reads a whole pattern.
pub(crate) fn parse(text: &str) -> Result<Part, Refusal> {
    let mut reader = Reader { rest: text.chars(), length: text.len(), depth: 0 };
    reader.whole().map_err(|refusal| Refusal { at: reader.at(), ..refusal })
}

fn refuse(what: impl Into<String>, instead: &'static str) -> Refusal {
    // The place is put in at the end, where the reader stands.
    Refusal { what: what.into(), at: 0, instead }
}

struct Reader<'p> {
    rest: Chars<'p>,
    /// Of the whole pattern, in bytes.
    length: usize,
    depth: usize,
}

impl Reader<'_> {
    fn at(&self) -> usize {
        self.length - self.rest.as_str().len()
    }

    fn whole(&mut self) -> Result<Part, Refusal> {
        let part = self.choice()?;
        match self.rest.next() {
            None => Ok(part),
            Some(_) => Err(refuse("a `)` without its `(`", "escape it as `\\\\)` if the character is meant")),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.as_str().strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.chars();
                true
            }
            None => false,
        }
    }

    fn choice(&mut self) -> Result<Part, Refusal> {
        let first = self.sequence()?;
        if self.peek() != Some('|') {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take("|") {
            parts.push(self.sequence()?);
        }
        Ok(Part::Choice(parts))
    }

    fn sequence(&mut self) -> Result<Part, Refusal> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            let at = self.at();
            let part = self.atom()?;
            let repeatable = !matches!(part, Part::Assert { .. });
            parts.push(match self.quantifier()? {
                None => part,
                Some((least, most)) if repeatable => Part::Repeat { part: Box::new(part), least, most, at },
                Some(_) => return Err(refuse("a quantifier after an anchor", "remove the quantifier")),
            });
        }
        Ok(Part::Sequence(parts))
    }

    fn atom(&mut self) -> Result<Part, Refusal> {
        let at = self.at();
        let Some(next) = self.rest.next() else { return Ok(Part::Sequence(Vec::new())) };
        Ok(match next {
            '^' => Part::Assert { assertion: Assertion::Start, at },
            '$' => Part::Assert { assertion: Assertion::End, at },
            '.' => Part::Class(Class::new(LINE_END).negated()),
            '(' => return self.group(),
            '[' => Part::Class(self.class()?),
            '\\' => match self.escape(false)? {
                Escaped::Char(character) => Part::Char(character),
                Escaped::Class(class) => Part::Class(class),
                Escaped::Assert(assertion) => Part::Assert { assertion, at },
            },
            '*' | '+' | '?' => {
                return Err(refuse(
                    format!("a `{next}` with nothing before it to repeat"),
                    "escape it with a backslash if the character is meant",
                ));
            }
            '{' | '}' | ']' => {
                return Err(refuse(
                    format!("a `{next}` that belongs to no quantifier or class"),
                    "escape it with a backslash if the character is meant",
                ));
            }
            character => Part::Char(character),
        })
    }

    fn group(&mut self) -> Result<Part, Refusal> {
        const AROUND: &str = "say it without: anchor the whole pattern, or use a second pattern (in a schema, under `not` \
                              or `allOf`)";
        if self.take("?") {
            if ["=", "!", "<=", "<!"].into_iter().any(|it| self.take(it)) {
                return Err(refuse("look-around, which cannot be matched in linear time", AROUND));
            }
            if self.take("<") {
                self.name()?;
            } else if !self.take(":") {
                return Err(refuse(
                    "a `(?` group that is not supported",
                    "use `(…)` or `(?:…)`; instead of `(?i)` list both cases in a class",
                ));
            }
        }
        self.depth += 1;
        if self.depth > PATTERN_NESTING {
            return Err(refuse(format!("groups nested deeper than {PATTERN_NESTING}"), "use fewer groups"));
        }
        let part = self.choice()?;
        self.depth -= 1;
        if !self.take(")") {
            return Err(refuse("a `(` without its `)`", "escape it as `\\\\(` if the character is meant"));
        }
        // An assertion in a group may be repeated, a bare one may not.
        Ok(Part::Sequence(vec![part]))
    }

    fn name(&mut self) -> Result<(), Refusal> {
        let mut length = 0;
        for character in self.rest.by_ref() {
            match character {
                '>' if length > 0 => return Ok(()),
                character if character.is_ascii_alphanumeric() || matches!(character, '_' | '$') => length += 1,
                _ => break,
            }
        }
        Err(refuse("a group with a malformed name", "write `(?<name>…)` with a name of letters, digits and `_`"))
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, Refusal> {
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.rest.next();
                let bounds = self.bounds()?;
                self.lazy()?;
                return Ok(Some(bounds));
            }
            _ => return Ok(None),
        };
        self.rest.next();
        self.lazy()?;
        Ok(Some(bounds))
    }

    /// A lazy quantifier matches the same texts: the difference is where a match ends, and nobody asks.
    fn lazy(&mut self) -> Result<(), Refusal> {
        self.take("?");
        match self.peek() {
            Some('*' | '+' | '?') => Err(refuse(
                "a quantifier after a quantifier",
                "put the first in a group, as in `(?:a*)*`; possessive quantifiers do not exist in ECMA-262",
            )),
            _ => Ok(()),
        }
    }

    fn bounds(&mut self) -> Result<(u32, Option<u32>), Refusal> {
        let least = self.count()?;
        let most = if self.take(",") {
            if self.peek() == Some('}') { None } else { Some(self.count()?) }
        } else {
            Some(least)
        };
        if !self.take("}") {
            return Err(malformed());
        }
        if most.is_some_and(|most| most < least) {
            return Err(refuse("a quantifier whose bounds are out of order", "write the smaller bound first"));
        }
        Ok((least, most))
    }

    fn count(&mut self) -> Result<u32, Refusal> {
        let mut count = None;
        while let Some(digit) = self.peek().and_then(|it| it.to_digit(10)) {
            self.rest.next();
            count = Some(count.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
        }
        let count = count.ok_or_else(malformed)?;
        if usize::try_from(count).is_ok_and(|count| count > PATTERN_INSTRUCTIONS) {
            return Err(refuse(
                format!("a repetition of more than {PATTERN_INSTRUCTIONS}"),
                "leave it open, as in `{20,}`, and in a schema bound the length with `maxLength`",
            ));
        }
        Ok(count)
    }

    fn class(&mut self) -> Result<Class, Refusal> {
        let unclosed = || refuse("a `[` without its `]`", "escape it as `\\\\[` if the character is meant");
        let negated = self.take("^");
        let mut ranges = Vec::new();
        while !self.take("]") {
            let first = match self.class_atom()?.ok_or_else(unclosed)? {
                Escaped::Char(character) => character,
                Escaped::Class(class) => {
                    ranges.extend(class.ranges);
                    continue;
                }
                Escaped::Assert(_) => return Err(unclosed()),
            };
            let mut ahead = self.rest.clone();
            if ahead.next() != Some('-') || matches!(ahead.next(), Some(']') | None) {
                ranges.push((u32::from(first), u32::from(first)));
                continue;
            }
            self.rest.next();
            match self.class_atom()?.ok_or_else(unclosed)? {
                Escaped::Char(last) if first <= last => ranges.push((u32::from(first), u32::from(last))),
                Escaped::Char(_) => {
                    return Err(refuse("a range whose ends are out of order", "write the lower end first"));
                }
                _ => return Err(refuse("a range that ends in a class", "escape the `-` or put it last")),
            }
        }
        let class = Class::new(&ranges);
        Ok(if negated { class.negated() } else { class })
    }

    fn class_atom(&mut self) -> Result<Option<Escaped>, Refusal> {
        match self.rest.next() {
            Some('\\') => self.escape(true).map(Some),
            other => Ok(other.map(Escaped::Char)),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<Escaped, Refusal> {
        let Some(next) = self.rest.next() else {
            return Err(refuse("a backslash at its end", "write `\\\\\\\\` in the JSON text for a backslash"));
        };
        let class = |ranges: &[(u32, u32)]| Escaped::Class(Class::new(ranges));
        let other = |ranges: &[(u32, u32)]| Escaped::Class(Class::new(ranges).negated());
        Ok(match next {
            'd' => class(DIGIT),
            'D' => other(DIGIT),
            'w' => class(WORD),
            'W' => other(WORD),
            's' => class(SPACE),
            'S' => other(SPACE),
            'b' if in_class => Escaped::Char('\u{8}'),
            'b' => Escaped::Assert(Assertion::WordBoundary),
            'B' if !in_class => Escaped::Assert(Assertion::NotWordBoundary),
            't' => Escaped::Char('\t'),
            'n' => Escaped::Char('\n'),
            'v' => Escaped::Char('\u{b}'),
            'f' => Escaped::Char('\u{c}'),
            'r' => Escaped::Char('\r'),
            '0' if !self.peek().is_some_and(|it| it.is_ascii_digit()) => Escaped::Char('\0'),
            'c' => match self.rest.next().filter(char::is_ascii_alphabetic) {
                Some(letter) => Escaped::Char(char::from_u32(u32::from(letter) % 32).unwrap_or_default()),
                None => return Err(refuse("a `\\c` without a letter", "write a letter after it, as in `\\\\cJ`")),
            },
            'x' => Escaped::Char(self.hex(2).and_then(char::from_u32).ok_or_else(bad_hex)?),
            'u' => Escaped::Char(self.unicode()?),
            '1'..='9' | 'k' => {
                return Err(refuse(
                    "a backreference, which cannot be matched in linear time",
                    "repeat the group's own pattern instead",
                ));
            }
            'p' | 'P' => {
                return Err(refuse(
                    format!("a Unicode property class (`\\{next}`), which this validator does not carry"),
                    "list the characters or ranges that are meant in a class, as in `[A-Za-zÀ-ɏ]`",
                ));
            }
            'A' | 'Z' | 'z' => {
                return Err(refuse(
                    format!("the escape `\\{next}`, which ECMA-262 does not have"),
                    "use `^` for the start and `$` for the end of the text",
                ));
            }
            letter if letter.is_alphanumeric() => {
                return Err(refuse(
                    format!("the escape `\\{letter}`, which ECMA-262 does not have"),
                    "write the character without a backslash if it is meant",
                ));
            }
            itself => Escaped::Char(itself),
        })
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |code, _| Some(code * 16 + self.rest.next()?.to_digit(16)?))
    }

    /// What follows `\u`: four digits, a surrogate pair, or a code point in braces.
    fn unicode(&mut self) -> Result<char, Refusal> {
        if self.take("{") {
            let mut code = 0_u32;
            let mut digits = 0;
            while !self.take("}") {
                let digit = self.rest.next().and_then(|it| it.to_digit(16)).ok_or_else(bad_hex)?;
                code = code.saturating_mul(16).saturating_add(digit);
                digits += 1;
            }
            return char::from_u32(code).filter(|_| digits > 0).ok_or_else(bad_hex);
        }
        let half = || {
            refuse(
                "one half of a surrogate pair",
                "texts are matched by whole characters: write the character itself or `\\\\u{…}`",
            )
        };
        let first = self.hex(4).ok_or_else(bad_hex)?;
        if !(0xd800..=0xdfff).contains(&first) {
            return char::from_u32(first).ok_or_else(bad_hex);
        }
        if first >= 0xdc00 || !self.take("\\u") {
            return Err(half());
        }
        let second = self.hex(4).filter(|second| (0xdc00..=0xdfff).contains(second)).ok_or_else(half)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(half)
    }
}

fn malformed() -> Refusal {
    refuse("a malformed `{…}` quantifier", "write `{2}`, `{2,}` or `{2,5}`, or escape the `{` if it is meant")
}

fn bad_hex() -> Refusal {
    refuse("a malformed hexadecimal escape", "write `\\\\x41`, `\\\\u0041` or `\\\\u{1F600}`")
}
