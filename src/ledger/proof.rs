//! Proofs about the tree of RFC 6962: that it contains a leaf (inclusion), and that a larger tree extends a smaller one
//! (consistency). A proof's parts are given as ranges of leaves, each the leaves of one subtree; the code that has the
//! leaves hashes them.

use std::ops::Range;

use super::tree::{Frontier, node_hash};
use crate::digest::Hash;

/// Returns the subtrees whose roots prove that leaf `index` is in the tree of `size` leaves, lowest first (RFC 6962,
/// 2.1.1); `None` if there is no such leaf.
pub(crate) fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let (mut path, mut within) = (Vec::new(), 0..size);
    while within.end - within.start > 1 {
        let middle = within.start + split(within.end - within.start);
        let (inside, beside) = if index < middle {
            (within.start..middle, middle..within.end)
        } else {
            (middle..within.end, within.start..middle)
        };
        path.push(beside);
        within = inside;
    }
    path.reverse();
    Some(path)
}

/// Returns the subtrees whose roots prove that the tree of `new` leaves extends that of `old` leaves (RFC 6962, 2.1.2);
/// none if both are equal. Returns `None` if the older tree is empty, because every tree extends it, or if it is the
/// larger one.
pub(crate) fn consistency(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old > new || old == 0 {
        return None;
    }
    if old == new {
        return Some(Vec::new());
    }
    let (mut path, mut within, mut is_old_tree) = (Vec::new(), 0..new, true);
    while within.end > old {
        let middle = within.start + split(within.end - within.start);
        if old <= middle {
            path.push(middle..within.end);
            within = within.start..middle;
        } else {
            path.push(within.start..middle);
            within = middle..within.end;
            is_old_tree = false;
        }
    }
    if !is_old_tree {
        path.push(within);
    }
    path.reverse();
    Some(path)
}

/// Returns the largest power of two below a number of leaves, which is at least two.
fn split(leaves: u64) -> u64 {
    1 << (u64::BITS - 1 - (leaves - 1).leading_zeros())
}

/// Returns whether a leaf with this hash is at this index of the tree with this size and root (RFC 9162, 2.1.3.2).
#[must_use]
pub(crate) fn is_included(leaf: &Hash, index: u64, (size, root): (u64, &Hash), path: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for beside in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(beside, &hash);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Returns whether the tree with the new size and root extends the tree with the old ones (RFC 9162, 2.1.4.2).
#[must_use]
pub(crate) fn is_consistent(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == new_size {
        return old_size > 0 && path.is_empty() && old_root == new_root;
    }
    if old_size == 0 || old_size > new_size || path.is_empty() {
        return false;
    }
    let is_old_tree = old_size.is_power_of_two();
    let mut path = path.iter();
    let first = if is_old_tree { Some(old_root) } else { path.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut to_old, mut to_new) = (*first, *first);
    for beside in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            to_old = node_hash(beside, &to_old);
            to_new = node_hash(beside, &to_new);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            to_new = node_hash(&to_new, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && to_old == *old_root && to_new == *new_root
}

/// Hashes the subtrees of a proof as the leaves pass, in order.
pub(crate) struct Subtrees {
    ranges: Vec<Range<u64>>,
    frontiers: Vec<Frontier>,
    next: u64,
}

impl Subtrees {
    /// Prepares for the subtrees of a proof, in any order.
    pub(crate) fn new(ranges: Vec<Range<u64>>) -> Self {
        let frontiers = vec![Frontier::default(); ranges.len()];
        Self {
            ranges,
            frontiers,
            next: 0,
        }
    }

    /// Adds the next leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        // Subtrees do not overlap, and there are at most as many as the tree has levels.
        let of = self.ranges.iter().position(|range| range.contains(&self.next));
        if let Some(of) = of {
            self.frontiers[of].push(leaf);
        }
        self.next += 1;
    }

    /// Returns the roots, in the order of the ranges; `None` if leaves are missing.
    pub(crate) fn roots(&self) -> Option<Vec<Hash>> {
        let each = self.ranges.iter().zip(&self.frontiers);
        each.map(|(range, frontier)| (frontier.size() == range.end - range.start).then(|| frontier.root()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
