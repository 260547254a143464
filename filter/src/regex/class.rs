//! Classes of characters.

/// Characters by code point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    /// Sorted, and not touching.
    pub(crate) ranges: Box<[(u32, u32)]>,
    /// Written as what it is not: without regard for case, all cases of a character must then be in it.
    pub(crate) negated: bool,
}

impl Class {
    /// The class of these ranges, in any order.
    pub(crate) fn new(ranges: &[(u32, u32)]) -> Self {
        // Inserted one by one: a sort would be more code than all of this, and classes are short.
        let mut sorted: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (mut first, mut last) in ranges.iter().copied() {
            let from = sorted.partition_point(|(_, end)| end.saturating_add(1) < first);
            let to = sorted.partition_point(|(start, _)| *start <= last.saturating_add(1));
            for (start, end) in sorted.drain(from..to.max(from)) {
                first = first.min(start);
                last = last.max(end);
            }
            sorted.insert(from, (first, last));
        }
        Self { ranges: sorted.into_boxed_slice(), negated: false }
    }

    /// All other characters.
    pub(crate) fn negated(&self) -> Self {
        let mut from = 0;
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        for (first, last) in &self.ranges {
            if from < *first {
                ranges.push((from, first - 1));
            }
            from = last + 1;
        }
        if from <= u32::from(char::MAX) {
            ranges.push((from, u32::from(char::MAX)));
        }
        Self { ranges: ranges.into_boxed_slice(), negated: !self.negated }
    }

    /// Whether the character is in it.
    pub(crate) fn has(&self, character: char) -> bool {
        let code = u32::from(character);
        let after = self.ranges.partition_point(|(first, _)| *first <= code);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| code <= *last)
    }
}
