//! What stands for a secret where a tool's `outputSchema` constrains the string that it is in: a client validates
//! `structuredContent`, and would refuse the whole result for a placeholder.
//!
//! Characters of the same kinds are put in the place of the secret, so many that the length stays, and letters that the
//! schema's own pattern spells out are left. What is chosen depends on the secret and the schema alone, not on the rest of
//! the string, so it is the same however a stream is cut. In a whole message the same text stands for the value everywhere.
//! A member can only be taken out of a whole message: in one that streams, a typed placeholder is what is left where
//! nothing fits.

use std::collections::HashMap;

use super::Plan;
use crate::json::decode;
use crate::policy::Constrained;
use crate::schema::{Constraint, Work};

/// Steps that one message may take to be fitted; what comes later gets placeholders.
const STEPS: usize = 1_000_000;
/// Longest secret that is fitted, in bytes.
const LONGEST: usize = 4096;
/// Most bytes of values that are remembered with what stands for them.
const REMEMBERED: usize = 256 * 1024;
/// Most letters of a secret that are left because a pattern spells them out.
const SPELT: usize = 16;
/// What stands for digits, small and capital letters: in the order in which they are tried. The second and the third
/// are hexadecimal, the last two base32 and what leaves out the digits that look like letters.
const KINDS: [[char; 3]; 5] = [['0', 'x', 'X'], ['0', 'a', 'A'], ['0', '0', '0'], ['2', 'x', 'X'], ['2', 'a', 'A']];

/// What becomes of one occurrence of a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// What the policy says: no schema has a say.
    Free,
    /// It is no secret: the schema itself spells it out.
    Leave,
    /// This stands in its place.
    Text(Vec<u8>),
    /// The member that it is in goes; until then, what the policy says stands there.
    Drop,
}

/// A secret, where it was found.
pub(super) struct Occurrence<'a> {
    pub(super) pointer: &'a str,
    /// With the escapes of every depth undone.
    pub(super) value: &'a [u8],
    /// As it stands in the message.
    pub(super) written: &'a [u8],
    pub(super) is_key: bool,
    /// The message is at hand as a whole, so that members can be taken out.
    pub(super) may_drop: bool,
}

/// What was agreed on in one message.
#[derive(Debug)]
pub(super) struct Fitting {
    /// What stands for a value wherever it is; None if it is left.
    agreed: HashMap<Box<[u8]>, Option<Box<[u8]>>>,
    bytes: usize,
    work: Work,
    /// Something was agreed on in this pass.
    pub(super) has_grown: bool,
    /// Where in the output a string stands that goes with its member.
    gone: Vec<usize>,
}

impl Default for Fitting {
    fn default() -> Self {
        Self { agreed: HashMap::new(), bytes: 0, work: Work::new(STEPS), has_grown: false, gone: Vec::new() }
    }
}

impl Fitting {
    /// For another pass over the same message.
    pub(super) fn again(self) -> Self {
        Self { agreed: self.agreed, bytes: self.bytes, ..Self::default() }
    }

    /// What becomes of a secret. `usual` gives what the policy would put in its place.
    pub(super) fn of(&mut self, plan: &Plan<'_>, it: &Occurrence<'_>, usual: impl FnOnce() -> Vec<u8>) -> Fit {
        if it.is_key {
            return Fit::Free;
        }
        let place = it.pointer.strip_prefix("/result/structuredContent");
        let place = place.filter(|place| place.is_empty() || place.starts_with('/'));
        let constraint = match (plan.output, place) {
            (Some(schema), Some(place)) if it.written.len() <= LONGEST => schema.constraint(place, &mut self.work),
            _ => None,
        };
        let Some(constraint) = constraint else {
            return match self.agreed.get(it.value) {
                None => Fit::Free,
                Some(None) => Fit::Leave,
                Some(Some(text)) => Fit::Text(text.to_vec()),
            };
        };
        let value = decode(it.written);
        if constraint.lists(&value) {
            self.agree(it.value, None);
            return Fit::Leave;
        }
        if constraint.has_room(&value, usual().len()) && !self.agreed.contains_key(it.value) {
            return Fit::Free;
        }
        let may_drop = it.may_drop && constraint.is_optional;
        if may_drop && plan.redaction.constrained == Constrained::Drop {
            return Fit::Drop;
        }
        if let Some(Some(text)) = self.agreed.get(it.value)
            && std::str::from_utf8(text).is_ok_and(|text| constraint.is_alike(&value, text, &mut self.work))
        {
            return Fit::Text(text.to_vec());
        }
        if let Some(text) = fitted(&constraint, &value, &mut self.work) {
            self.agree(it.value, Some(text.as_bytes()));
            return Fit::Text(text.into_bytes());
        }
        if may_drop {
            return Fit::Drop;
        }
        if constraint.is_unread() {
            return Fit::Text(masked(&value, spelt(&constraint, &value), KINDS[0]).into_bytes());
        }
        Fit::Free
    }

    fn agree(&mut self, value: &[u8], text: Option<&[u8]>) {
        let bytes = value.len() + text.map_or(0, <[u8]>::len);
        if self.agreed.contains_key(value) || self.bytes + bytes > REMEMBERED {
            return;
        }
        self.bytes += bytes;
        self.has_grown = true;
        self.agreed.insert(value.into(), text.map(Into::into));
    }

    /// The string that is written at `at` of the output goes with its member.
    pub(super) fn drop_at(&mut self, at: usize) {
        self.gone.push(at);
    }

    /// The output without the members that go.
    pub(super) fn cut(&self, out: Vec<u8>) -> Vec<u8> {
        if self.gone.is_empty() {
            return out;
        }
        let mut rest = Vec::with_capacity(out.len());
        let mut at = 0;
        for gone in &self.gone {
            let Some((start, end)) = member(&out, *gone).filter(|(start, _)| *start >= at) else { continue };
            rest.extend_from_slice(out.get(at..start).unwrap_or_default());
            at = after_space(&out, end);
            if out.get(at) == Some(&b',') {
                at = after_space(&out, at + 1);
            } else {
                let kept = rest.trim_ascii_end();
                let kept = kept.strip_suffix(b",").unwrap_or(kept).len();
                rest.truncate(kept);
            }
        }
        rest.extend_from_slice(out.get(at..).unwrap_or_default());
        rest
    }
}

/// Characters that fare like the secret under the constraint, or a text that the schema tells.
fn fitted(constraint: &Constraint<'_>, value: &str, work: &mut Work) -> Option<String> {
    let spelt = spelt(constraint, value);
    // Twice the same is tried once.
    let left = [0, spelt].into_iter().take(1 + usize::from(spelt > 0));
    let masks = KINDS.iter().flat_map(|kinds| left.clone().map(|left| masked(value, left, *kinds)));
    let samples = constraint.samples().map(str::to_owned);
    masks.chain(samples).find(|text| {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') || byte == b' ';
        text != value && text.bytes().all(is_plain) && constraint.is_alike(value, text, work)
    })
}

/// How many bytes of the secret its beginning has that the schema's pattern spells out.
fn spelt(constraint: &Constraint<'_>, value: &str) -> usize {
    let most = SPELT.min(value.len() / 2);
    let mut at = 0;
    while at < most {
        let rest = value.get(at..).unwrap_or_default();
        let word = rest.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let longest =
            (2..=word.min(most - at)).rev().find(|to| rest.get(..*to).is_some_and(|it| constraint.spells(it)));
        let Some(longest) = longest else { break };
        at += longest;
        if longest < word
            || !rest.get(word..).is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_punctuation()))
        {
            break;
        }
        at += 1;
    }
    at.min(value.len())
}

/// The secret with its characters replaced by others of their kind, but for the first `left` bytes. What would need an
/// escape, and what is not ASCII, becomes a letter; punctuation stays, unless most of the secret is made of it.
fn masked(value: &str, left: usize, [digit, small, capital]: [char; 3]) -> String {
    let (begin, rest) = value.split_at_checked(left).unwrap_or(("", value));
    let stays = |it: char| it == ' ' || it.is_ascii_punctuation() && !matches!(it, '"' | '\\');
    let hides_all = rest.chars().filter(|it| stays(*it)).count() * 2 > rest.chars().count();
    let kind = |it: char| match it {
        '0'..='9' => digit,
        'A'..='Z' => capital,
        it if stays(it) && !hides_all => it,
        _ => small,
    };
    begin.chars().chain(rest.chars().map(kind)).collect()
}

/// Where the member begins and ends that has the string in which `at` lies.
fn member(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let opens = quote_before(text, at)?;
    let before = text.get(..opens)?.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let start = quote_before(text, before.strip_suffix(b"\"")?.len())?;
    let mut end = at;
    loop {
        match text.get(end)? {
            b'\\' => end += 2,
            b'"' => return Some((start, end + 1)),
            _ => end += 1,
        }
    }
}

/// The quote that opens the string in which `at` lies.
fn quote_before(text: &[u8], at: usize) -> Option<usize> {
    let mut upto = at;
    loop {
        let quote = text.get(..upto)?.iter().rposition(|byte| *byte == b'"')?;
        let slashes = text.get(..quote)?.iter().rev().take_while(|byte| **byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some(quote);
        }
        upto = quote;
    }
}

fn after_space(text: &[u8], at: usize) -> usize {
    let space = text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    at + space
}
