//! The N smallest of many, in bounded memory. Not here: what is collected.
//!
//! Threads that walk in any order must still give one answer: each keeps its own N smallest, and the N smallest of all are
//! among them. A channel of finds would need a lock or lose the order; keeping everything would need unbounded memory.
use std::collections::BinaryHeap;

/// A heap of at most `max` items, the largest on top.
#[derive(Debug)]
pub(super) struct Smallest<T> {
    heap: BinaryHeap<T>,
    max: usize,
    dropped: bool,
}

impl<T: Ord> Smallest<T> {
    pub(super) fn new(max: usize) -> Self {
        Self { heap: BinaryHeap::new(), max, dropped: false }
    }

    /// Keeps `item` if it is among the smallest so far.
    pub(super) fn offer(&mut self, item: T) {
        if self.heap.len() < self.max {
            self.heap.push(item);
            return;
        }
        self.dropped = true;
        if let Some(mut largest) = self.heap.peek_mut()
            && item < *largest
        {
            *largest = item;
        }
    }

    /// Returns the item that a new one must stay below to be kept; `None` while anything is kept.
    pub(super) fn bar(&self) -> Option<&T> {
        if self.heap.len() < self.max { None } else { self.heap.peek() }
    }

    /// Notes that an item was not even offered.
    pub(super) fn note_dropped(&mut self) {
        self.dropped = true;
    }

    /// Tells whether something was left out.
    pub(super) fn has_dropped(&self) -> bool {
        self.dropped
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.dropped |= other.dropped;
        for item in other.heap {
            self.offer(item);
        }
    }

    pub(super) fn into_sorted(self) -> Vec<T> {
        self.heap.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_smallest_are_the_same_however_the_work_is_split(
            items in prop::collection::vec(0_u16..500, 0..60), max in 0_usize..20, split in 0_usize..60,
        ) {
            let (left, right) = items.split_at(split.min(items.len()));
            let mut parts = [left, right].map(|part| {
                let mut kept = Smallest::new(max);
                for item in part {
                    kept.offer(*item);
                }
                kept
            }).into_iter();
            let mut all = parts.next().unwrap();
            parts.for_each(|part| all.absorb(part));
            let mut sorted = items.clone();
            sorted.sort_unstable();
            prop_assert_eq!(all.has_dropped(), items.len() > max);
            sorted.truncate(max);
            prop_assert_eq!(all.into_sorted(), sorted);
        }
    }
}
