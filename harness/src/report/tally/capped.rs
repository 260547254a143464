//! Counts by name in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;

/// Names that are told apart. Whatever is first seen after so many is counted together.
const NAMES: usize = 10_000;

/// What is counted for each name, for as many names as fit; the others share one count.
#[derive(Debug, Clone)]
pub struct Capped<K, V> {
    names: HashMap<K, V>,
    limit: usize,
    rest: Option<V>,
}

impl<K, V> Default for Capped<K, V> {
    fn default() -> Self {
        Self { names: HashMap::new(), limit: NAMES, rest: None }
    }
}

impl<K: Eq + Hash + Ord, V: Default> Capped<K, V> {
    /// The count of a name, or the one that is shared when there are too many names.
    pub fn of(&mut self, name: K) -> &mut V {
        if self.names.len() >= self.limit && !self.names.contains_key(&name) {
            return self.rest.get_or_insert_default();
        }
        self.names.entry(name).or_default()
    }

    /// The names with the greatest weight first, and equals in the order of their names.
    pub fn sorted(&self, weight: impl Fn(&V) -> u64) -> Vec<(&K, &V)> {
        let mut all: Vec<(&K, &V)> = self.names.iter().collect();
        all.sort_by(|(a, x), (b, y)| weight(y).cmp(&weight(x)).then_with(|| a.cmp(b)));
        all
    }

    /// What was counted for the names that did not fit, if there were any.
    pub fn rest(&self) -> Option<&V> {
        self.rest.as_ref()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted_together() {
        let mut counts: Capped<u32, u64> = Capped { limit: 2, ..Capped::default() };
        for name in [1, 2, 2, 3, 4, 1, 2] {
            *counts.of(name) += 1;
        }
        assert_eq!(counts.sorted(|it| *it), [(&2, &3), (&1, &2)]);
        assert_eq!(counts.rest(), Some(&2));
    }
}
