//! Finds values again that were found before: a secret that one place of a message names is gone from all of it.

use crate::json::scan::stretch;
use crate::secret::verify::class;

/// Shortest value that is looked for elsewhere, in bytes: shorter ones are words and numbers of their own.
const SHORTEST: usize = 8;
/// Most bytes of values that are remembered for one message.
const REMEMBERED: usize = 1 << 20;
/// Bits of the filter over the first four bytes.
const FILTER_BITS: u32 = 17;
/// As many pairs of bytes are looked for at once.
const FEW: usize = 3;
/// Bytes that are looked at in one go where there are more of them.
const STRETCH: usize = 64;

/// A value, and the detector that found it.
#[derive(Clone, Debug)]
struct Known {
    value: Box<[u8]>,
    detector: usize,
}

/// The values of one message.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Sorted by value.
    known: Vec<Known>,
    /// The first two bytes of all values, while there are few of those.
    beginnings: Vec<[u8; 2]>,
    /// Some value does not begin with a letter or digit, and some is not [`SHORTEST`] bytes of 0x2b to 0x7f long before
    /// any other.
    begins_outside_word: bool,
    begins_short: bool,
    words: stretch::Words,
    /// Which hashes of four bytes begin a value.
    filter: Vec<u64>,
    bytes: usize,
    longest: usize,
}

fn slot(first: [u8; 4]) -> (usize, u64) {
    let hash = u32::from_le_bytes(first).wrapping_mul(0x9e37_79b1) >> (32 - FILTER_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl Sweep {
    /// Remembers a value, if it can be told from ordinary text. True if it was not known.
    pub(super) fn learn(&mut self, value: &[u8], detector: usize) -> bool {
        let Some(first) = value.first_chunk::<4>().filter(|_| value.len() >= SHORTEST) else { return false };
        let Err(place) = self.known.binary_search_by(|known| (*known.value).cmp(value)) else { return false };
        if self.bytes.saturating_add(value.len()) > REMEMBERED {
            return false;
        }
        if self.filter.is_empty() {
            self.filter = vec![0; 1 << (FILTER_BITS - 6)];
        }
        let (word, bit) = slot(*first);
        if let Some(word) = self.filter.get_mut(word) {
            *word |= bit;
        }
        let [one, two, ..] = first;
        if self.beginnings.len() <= FEW && !self.beginnings.contains(&[*one, *two]) {
            self.beginnings.push([*one, *two]);
        }
        self.begins_outside_word |= !class::is(*one, class::ALNUM);
        self.begins_short |= !value.iter().take(SHORTEST).all(|byte| (b'+'..0x80).contains(byte));
        self.bytes += value.len();
        self.longest = self.longest.max(value.len());
        self.known.insert(place, Known { value: value.into(), detector });
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Calls `found(start, end, detector)` for every place at or after `from` where a value stands on its own, in
    /// order, places that overlap an earlier one left out. Gives the index up to which this is decided: the rest may
    /// be the beginning of a value, unless the text `is_complete`.
    pub(super) fn find(
        &self,
        text: &[u8],
        from: usize,
        is_complete: bool,
        mut found: impl FnMut(usize, usize, usize),
    ) -> usize {
        if self.is_empty() {
            return text.len();
        }
        let mut at = from;
        loop {
            let rest = text.get(at..).unwrap_or_default();
            at += if self.beginnings.len() <= FEW {
                stretch::pair(rest, &self.beginnings)
            } else {
                self.beginning(text, at) - at
            };
            let Some(first) = text.get(at..).and_then(|rest| rest.first_chunk()) else { break };
            if !self.may_begin_with(*first) {
                at += 1;
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            // A longer value, or the byte after this one, may still come.
            if !is_complete && rest.len() <= self.longest && self.is_beginning(rest) {
                return at;
            }
            match self.at(text, at) {
                Some((end, detector)) => {
                    found(at, end, detector);
                    at = end;
                }
                None => at += 1,
            }
        }
        if is_complete { text.len() } else { at.min(text.len()).max(from) }
    }

    /// The first index at or after `from` where a value may begin, or else one of which is not known that none does.
    fn beginning(&self, text: &[u8], from: usize) -> usize {
        let is_word = |byte: &u8| class::is(*byte, class::ALNUM);
        let mut at = from;
        let mut follows_word = at.checked_sub(1).and_then(|last| text.get(last)).is_some_and(is_word);
        while let Some(rest) = text.get(at..)
            && let Some(bytes) = rest.first_chunk::<{ STRETCH + SHORTEST }>()
            && let Some(stretch) = bytes.first_chunk::<STRETCH>()
        {
            let stretch::Word { word, dense } = self.words.masks(stretch);
            let mut places = if self.begins_outside_word { u64::MAX } else { word };
            // A value is no part of a longer word.
            places &= !(word & (word << 1 | u64::from(follows_word)));
            if !self.begins_short {
                let two = dense & (dense >> 1 | 1 << 63);
                let four = two & (two >> 2 | 0b11 << 62);
                // What lies beyond the stretch is taken to be of that kind.
                places &= four & (four >> 4 | 0b1111 << 60);
            }
            while places != 0 {
                let place = places.trailing_zeros() as usize;
                if bytes.get(place..).and_then(|rest| rest.first_chunk()).is_some_and(|it| self.may_begin_with(*it)) {
                    return at + place;
                }
                places &= places - 1;
            }
            follows_word = word >> 63 != 0;
            at += STRETCH;
        }
        let rest = text.get(at..).unwrap_or_default();
        let begins = |first: &[u8; 4]| self.may_begin_with(*first);
        at + rest.array_windows().position(begins).unwrap_or(rest.len().saturating_sub(3))
    }

    #[inline]
    fn may_begin_with(&self, first: [u8; 4]) -> bool {
        let (word, bit) = slot(first);
        self.filter.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether a value that was just learnt stands, or may come to stand, in `text` between `from` and `upto`: if not,
    /// what was found there before is all that there is.
    pub(super) fn recurs(value: &[u8], text: &[u8], from: usize, upto: usize) -> bool {
        let Some(first) = value.first_chunk::<2>() else { return false };
        let mut at = from;
        loop {
            at += stretch::pair(text.get(at..).unwrap_or_default(), &[*first]);
            if at >= upto {
                return false;
            }
            let rest = text.get(at..).unwrap_or_default();
            if rest.starts_with(value) || value.starts_with(rest) {
                return true;
            }
            at += 1;
        }
    }

    /// Whether some value, and at least the byte after it, may come to stand where `rest` does.
    fn is_beginning(&self, rest: &[u8]) -> bool {
        let from = self.known.partition_point(|known| *known.value < *rest);
        let longer = self.known.get(from).is_some_and(|known| known.value.starts_with(rest));
        longer || self.longest_prefix(rest).is_some_and(|known| known.value.len() == rest.len())
    }

    /// The longest value that `rest` begins with.
    fn longest_prefix(&self, rest: &[u8]) -> Option<&Known> {
        let mut upto = self.known.partition_point(|known| *known.value <= *rest);
        // Each miss shortens what can still be common, so at most as many steps as a value has bytes.
        loop {
            let known = self.known.get(upto.checked_sub(1)?)?;
            let common = known.value.iter().zip(rest).take_while(|(one, other)| one == other).count();
            if common == known.value.len() {
                return Some(known);
            }
            if common < SHORTEST {
                return None;
            }
            let shorter = rest.get(..common)?;
            upto = self.known.partition_point(|known| *known.value <= *shorter).min(upto - 1);
        }
    }

    /// The value that stands at `at` and is no part of a longer word.
    fn at(&self, text: &[u8], at: usize) -> Option<(usize, usize)> {
        let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| class::is(*byte, class::ALNUM));
        if is_word(at.checked_sub(1).and_then(|before| text.get(before))) && is_word(text.get(at)) {
            return None;
        }
        let known = self.longest_prefix(text.get(at..)?)?;
        let end = at + known.value.len();
        let cut_off = is_word(end.checked_sub(1).and_then(|last| text.get(last))) && is_word(text.get(end));
        (!cut_off).then_some((end, known.detector))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every place where a value stands on its own, the longest first, told a byte at a time.
    fn plainly(values: &[&[u8]], text: &[u8]) -> Vec<(usize, usize, usize)> {
        let is_word = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        let (mut found, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let here = values.iter().enumerate().filter(|(_, value)| text[at..].starts_with(value));
            let end = here.max_by_key(|(_, value)| value.len()).map(|(nth, value)| (at + value.len(), nth));
            let alone = |end: usize| {
                !(is_word(at.checked_sub(1)) && is_word(Some(at)) || is_word(Some(end - 1)) && is_word(Some(end)))
            };
            match end.filter(|(end, _)| alone(*end)) {
                Some((end, nth)) => {
                    found.push((at, end, nth));
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }

    #[test]
    fn values_are_found_wherever_they_lie_and_however_many_there_are() {
        let tokens: [&[u8]; 6] =
            [b"ghp_tokentoken", b"AKIAQ3EG", b"xoxb-1-2-3", b"sk_live_0123", b"7f2e9a10c4", b"eyJhbGci.eyJz"];
        let others: [&[u8]; 3] = [b"s3 cr et!pass", b"#!outside", b"\xc3\xa9l\xc3\xa8vesecret"];
        let choices = [
            tokens[..2].to_vec(),
            tokens.to_vec(),
            [&tokens[..], &others[..1]].concat(),
            [&tokens[..], &others].concat(),
        ];
        for values in choices {
            let mut sweep = Sweep::default();
            for (nth, value) in values.iter().enumerate() {
                assert!(sweep.learn(value, nth));
            }
            let mut state = 7_u64;
            for length in 0..260 {
                let mut text = Vec::new();
                while text.len() < length {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                    let pick = usize::try_from(state >> 40).unwrap();
                    match pick % 7 {
                        0..3 => text.extend_from_slice(values[pick / 7 % values.len()]),
                        3 => text.extend_from_slice(&values[pick / 7 % values.len()][..4]),
                        4 => text.push(b'x'),
                        _ => text.extend_from_slice(&b" the text between, with words\n"[..pick / 7 % 30]),
                    }
                }
                let wanted = plainly(&values, &text);
                let mut found = Vec::new();
                let end = sweep.find(&text, 0, true, |start, end, nth| found.push((start, end, nth)));
                assert_eq!((&found, end), (&wanted, text.len()));
                // However it comes.
                for cut in [1, 13, 100] {
                    let (mut found, mut at, mut upto) = (Vec::new(), 0, 0);
                    while upto < text.len() {
                        upto = text.len().min(upto + cut);
                        let is_complete = upto == text.len();
                        at =
                            sweep.find(&text[..upto], at, is_complete, |start, end, nth| found.push((start, end, nth)));
                    }
                    assert_eq!(found, wanted, "{cut}");
                }
            }
        }
    }
}
