use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Pattern;

/// Values filed under patterns, found again by name at a cost that does not grow with the number of patterns: one hash
/// lookup for exact names, and one for each distinct length of prefix, suffix or middle (the last at each position).
#[derive(Debug, Clone)]
pub struct NameIndex<T> {
    exact: Texts,
    prefix: ByLength,
    suffix: ByLength,
    middle: ByLength,
    values: Vec<T>,
    any: Option<T>,
}

/// Where each text's value is. A table of numbers, so that the code of a table is there once, whatever the values are.
pub(crate) type Texts = HashMap<Box<[u8]>, usize, BuildHasherDefault<Fnv>>;

#[derive(Debug, Clone, Default)]
struct ByLength {
    lengths: Vec<usize>,
    texts: Texts,
}

impl<T> Default for NameIndex<T> {
    fn default() -> Self {
        Self {
            exact: Texts::default(),
            prefix: ByLength::default(),
            suffix: ByLength::default(),
            middle: ByLength::default(),
            values: Vec::new(),
            any: None,
        }
    }
}

impl<T: Default> NameIndex<T> {
    /// Changes the value filed under `pattern`, which is the default if there is none yet.
    pub fn file(&mut self, pattern: &Pattern, change: impl FnOnce(&mut T)) {
        let new = self.values.len();
        let at = match pattern {
            Pattern::Exact(text) => *self.exact.entry(text.as_bytes().into()).or_insert(new),
            Pattern::Prefix(text) => self.prefix.place(text.as_bytes(), new),
            Pattern::Suffix(text) => self.suffix.place(text.as_bytes(), new),
            Pattern::Middle(text) => self.middle.place(text.as_bytes(), new),
            Pattern::Any => return change(self.any.get_or_insert_default()),
        };
        if at == new {
            self.values.push(T::default());
        }
        if let Some(value) = self.values.get_mut(at) {
            change(value);
        }
    }
}

impl<T> NameIndex<T> {
    /// Calls `visit` with the value of every pattern that matches `name`; a `*middle*` that occurs twice is visited
    /// twice. Stops early when `visit` returns true, and returns whether it did. Allocates nothing.
    pub fn any_match<'i>(&'i self, name: &str, mut visit: impl FnMut(&'i T) -> bool) -> bool {
        let name = name.as_bytes();
        let filed = |texts: &Texts, text: &[u8]| texts.get(text).and_then(|at| self.values.get(*at));
        if filed(&self.exact, name).is_some_and(&mut visit) || self.any.as_ref().is_some_and(&mut visit) {
            return true;
        }
        for &length in &self.prefix.lengths {
            let Some(start) = name.get(..length) else { break };
            if filed(&self.prefix.texts, start).is_some_and(&mut visit) {
                return true;
            }
        }
        for &length in &self.suffix.lengths {
            let Some(end) = name.len().checked_sub(length).and_then(|from| name.get(from..)) else { break };
            if filed(&self.suffix.texts, end).is_some_and(&mut visit) {
                return true;
            }
        }
        for &length in &self.middle.lengths {
            // A pattern's text is never empty, so `windows` cannot be asked for zero bytes.
            for window in name.windows(length) {
                if filed(&self.middle.texts, window).is_some_and(&mut visit) {
                    return true;
                }
            }
        }
        false
    }

    /// The value filed under the name itself.
    pub fn exact(&self, name: &str) -> Option<&T> {
        self.exact.get(name.as_bytes()).and_then(|at| self.values.get(*at))
    }

    /// All values, in no particular order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut().chain(self.any.as_mut())
    }
}

impl ByLength {
    /// The place of a text's value: `new` if it has none yet.
    fn place(&mut self, text: &[u8], new: usize) -> usize {
        if let Err(at) = self.lengths.binary_search(&text.len()) {
            self.lengths.insert(at, text.len());
        }
        *self.texts.entry(text.into()).or_insert(new)
    }
}

/// FNV-1a. The keys come from the policy, so a caller who chooses names cannot fill a bucket, and names are short:
/// SipHash would cost more than the comparison.
#[derive(Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    // `[u8]` hashes its length first; eight rounds of FNV for it would double the cost of a short name.
    fn write_usize(&mut self, value: usize) {
        self.0 = (self.0 ^ value as u64).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern() -> impl Strategy<Value = Pattern> {
        prop_oneof!["[ab/é]{1,4}", "[ab]{1,3}\\*", "\\*[abé]{1,3}", "\\*[ab]{1,3}\\*", Just("*".to_owned())]
            .prop_map(|text| Pattern::parse(&text).unwrap())
    }

    proptest! {
        #[test]
        fn the_index_finds_what_the_patterns_match(
            patterns in prop::collection::vec(pattern(), 0..12),
            name in "[ab/é]{0,7}",
        ) {
            let mut index: NameIndex<Vec<usize>> = NameIndex::default();
            for (number, pattern) in patterns.iter().enumerate() {
                index.file(pattern, |numbers| numbers.push(number));
            }
            let mut found: Vec<usize> = Vec::new();
            index.any_match(&name, |numbers| { found.extend(numbers); false });
            found.sort_unstable();
            found.dedup();
            let expected: Vec<usize> = (0..patterns.len()).filter(|n| patterns[*n].matches(&name)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
