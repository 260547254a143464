use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Pattern;

/// Values filed under patterns, found again by name at a cost that does not grow with the number of patterns: one hash
/// lookup for exact names, and one for each distinct length of prefix, suffix or middle (the last at each position).
#[derive(Debug, Clone)]
pub struct NameIndex<T> {
    exact: Texts<T>,
    prefix: ByLength<T>,
    suffix: ByLength<T>,
    middle: ByLength<T>,
    any: Option<T>,
}

type Texts<T> = HashMap<Box<[u8]>, T, BuildHasherDefault<Fnv>>;

#[derive(Debug, Clone)]
struct ByLength<T> {
    lengths: Vec<usize>,
    texts: Texts<T>,
}

impl<T> Default for ByLength<T> {
    fn default() -> Self {
        Self { lengths: Vec::new(), texts: Texts::default() }
    }
}

impl<T> Default for NameIndex<T> {
    fn default() -> Self {
        Self {
            exact: Texts::default(),
            prefix: ByLength::default(),
            suffix: ByLength::default(),
            middle: ByLength::default(),
            any: None,
        }
    }
}

impl<T: Default> NameIndex<T> {
    /// The value filed under `pattern`, made now if there is none.
    pub fn entry(&mut self, pattern: &Pattern) -> &mut T {
        match pattern {
            Pattern::Exact(text) => self.exact.entry(text.as_bytes().into()).or_default(),
            Pattern::Prefix(text) => self.prefix.entry(text.as_bytes()),
            Pattern::Suffix(text) => self.suffix.entry(text.as_bytes()),
            Pattern::Middle(text) => self.middle.entry(text.as_bytes()),
            Pattern::Any => self.any.get_or_insert_default(),
        }
    }
}

impl<T> NameIndex<T> {
    /// Calls `visit` with the value of every pattern that matches `name`; a `*middle*` that occurs twice is visited
    /// twice. Stops early when `visit` returns true, and returns whether it did. Allocates nothing.
    pub fn any_match<'i>(&'i self, name: &str, mut visit: impl FnMut(&'i T) -> bool) -> bool {
        let name = name.as_bytes();
        if self.exact.get(name).is_some_and(&mut visit) || self.any.as_ref().is_some_and(&mut visit) {
            return true;
        }
        for &length in &self.prefix.lengths {
            let Some(start) = name.get(..length) else { break };
            if self.prefix.texts.get(start).is_some_and(&mut visit) {
                return true;
            }
        }
        for &length in &self.suffix.lengths {
            let Some(end) = name.len().checked_sub(length).and_then(|from| name.get(from..)) else { break };
            if self.suffix.texts.get(end).is_some_and(&mut visit) {
                return true;
            }
        }
        for &length in &self.middle.lengths {
            // A pattern's text is never empty, so `windows` cannot be asked for zero bytes.
            for window in name.windows(length) {
                if self.middle.texts.get(window).is_some_and(&mut visit) {
                    return true;
                }
            }
        }
        false
    }

    /// All values, in no particular order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let texts = [&mut self.exact, &mut self.prefix.texts, &mut self.suffix.texts, &mut self.middle.texts];
        texts.into_iter().flat_map(HashMap::values_mut).chain(self.any.as_mut())
    }
}

impl<T: Default> ByLength<T> {
    fn entry(&mut self, text: &[u8]) -> &mut T {
        if let Err(at) = self.lengths.binary_search(&text.len()) {
            self.lengths.insert(at, text.len());
        }
        self.texts.entry(text.into()).or_default()
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
                index.entry(pattern).push(number);
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
