//! Sorting in little code. The standard library's sorts are fast because each type that is sorted gets several
//! kilobytes of its own; what is sorted once per policy, or is short, does without.

/// Sorts in place, in `n log n` steps whatever the order was (heapsort). Equal elements must be alike: their order is
/// not kept.
pub(crate) fn sort<T: Ord>(list: &mut [T]) {
    for root in (0..list.len() / 2).rev() {
        sift_down(list, root);
    }
    for end in (1..list.len()).rev() {
        list.swap(0, end);
        sift_down(list.get_mut(..end).unwrap_or_default(), 0);
    }
}

/// Restores the heap below `root`: no element is greater than the one above it.
fn sift_down<T: Ord>(heap: &mut [T], mut root: usize) {
    loop {
        let left = 2 * root + 1;
        let greatest = if heap.get(left) < heap.get(left + 1) { left + 1 } else { left };
        // Past the end is `None`, which is less than every element.
        if heap.get(greatest) <= heap.get(root) {
            return;
        }
        heap.swap(root, greatest);
        root = greatest;
    }
}

/// Sorts, and takes out all but one of those that are equal.
pub(crate) fn distinct<T: Ord>(list: &mut Vec<T>) {
    sort(list);
    list.dedup();
}

/// The elements by ascending `key`; those with the same key keep their order.
pub(crate) fn by_key<T>(list: Vec<T>, key: impl Fn(&T) -> usize) -> Vec<T> {
    let mut places: Vec<(usize, usize)> = list.iter().map(key).zip(0..).collect();
    if places.is_sorted() {
        return list;
    }
    sort(&mut places);
    let mut list: Vec<Option<T>> = list.into_iter().map(Some).collect();
    places.iter().filter_map(|(_, from)| list.get_mut(*from)?.take()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_the_standard_library(list in prop::collection::vec("[ab]{0,4}", 0..80)) {
            let (mut ours, mut theirs) = (list.clone(), list);
            sort(&mut ours);
            theirs.sort();
            prop_assert_eq!(&ours, &theirs);
            distinct(&mut ours);
            theirs.dedup();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn what_has_the_same_key_keeps_its_order(keys in prop::collection::vec(0_usize..9, 0..80)) {
            let list: Vec<(usize, usize)> = keys.into_iter().zip(0..).collect();
            let mut theirs = list.clone();
            theirs.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(by_key(list, |(key, _)| *key), theirs);
        }
    }
}
