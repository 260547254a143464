//! Sets of words that most words are not in.

/// Words in lower case, with a filter that tells nearly all others at once.
pub(super) struct WordSet {
    pub(super) words: &'static [&'static str],
    /// A bit for each [`place`] of a word.
    places: [u64; 64],
    /// For the first byte of a word, [`low`], the second bytes; all of a word of one byte.
    pairs: [u32; 32],
}

/// The low bits of a byte, which are the same for both cases of a letter.
const fn low(byte: u8) -> usize {
    (byte & 31) as usize
}

/// Twelve bits of a word's first and last letters and its length, whatever their case.
const fn place(first: u8, last: u8, length: usize) -> usize {
    ((first & 31) as usize) << 7 | ((last & 31) as usize) << 2 | length & 3
}

impl WordSet {
    #[allow(clippy::indexing_slicing, reason = "evaluated when compiling, for words that are not empty")]
    pub(super) const fn new(words: &'static [&'static str]) -> Self {
        let mut places = [0; 64];
        let mut pairs = [0; 32];
        let mut nth = 0;
        while nth < words.len() {
            let word = words[nth].as_bytes();
            let place = place(word[0], word[word.len() - 1], word.len());
            places[place / 64] |= 1 << (place % 64);
            pairs[low(word[0])] |= if word.len() == 1 { u32::MAX } else { 1 << low(word[1]) };
            nth += 1;
        }
        Self { words, places, pairs }
    }

    /// Whether `word` is one of them, in any mix of cases.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        let (Some(first), Some(last)) = (word.first(), word.last()) else { return false };
        let place = place(*first, *last, word.len());
        self.places.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 != 0)
            && self.words.iter().any(|it| it.as_bytes().eq_ignore_ascii_case(word))
    }
}

impl WordSet {
    /// Whether one of them stands in `text`, in any mix of cases.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let mut rest = text;
        while let [first, after @ ..] = rest {
            let second = after.first().copied().unwrap_or(0);
            if self.pairs.get(low(*first)).is_some_and(|seconds| seconds >> low(second) & 1 != 0) {
                let first = first.to_ascii_lowercase();
                let begins = |word: &str| {
                    word.as_bytes().first() == Some(&first)
                        && rest.get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()))
                };
                if self.words.iter().any(|word| begins(word)) {
                    return true;
                }
            }
            rest = after;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::WordSet;

    #[test]
    fn cases_make_no_difference_and_every_word_is_found() {
        static WORDS: WordSet = WordSet::new(&["a", "base64", "env_var", "password", "o"]);
        for word in WORDS.words {
            assert!(WORDS.has(word.as_bytes()) && WORDS.has(word.to_ascii_uppercase().as_bytes()), "{word}");
        }
        for word in WORDS.words {
            assert!(WORDS.is_in(word.as_bytes()), "{word}");
        }
        static TWO: WordSet = WordSet::new(&["}", "${", "pass"]);
        assert!(["x}", "}", "a${b", "ppass", "-pASS-"].iter().all(|text| TWO.is_in(text.as_bytes())));
        assert!(["", "p", "$", "$ {", "pas", "pazs"].iter().all(|text| !TWO.is_in(text.as_bytes())));
        for word in ["", "b", "passworD_", "posswerd", "base65"] {
            assert!(!WORDS.has(word.as_bytes()), "{word}");
        }
    }
}
