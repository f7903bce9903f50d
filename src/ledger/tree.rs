//! The RFC 6962 Merkle tree over all leaves, kept as its frontier: the roots of the perfect subtrees, largest first.

use crate::digest::{Hash, sha256};

/// Returns the hash of a leaf's text: `SHA-256(0x00 || text)`.
#[must_use]
pub(crate) fn leaf_hash(text: &str) -> Hash {
    sha256(&[&[0], text.as_bytes()])
}

pub(super) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The right edge of the tree: enough to append leaves and to compute the root, and small enough to be kept with every
/// batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Reads the frontier from the ledger's bytes; returns `None` if the size and the bytes do not match.
    #[must_use]
    pub(crate) fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let roots: Vec<Hash> = bytes
            .chunks(32)
            .map(|part| part.try_into().ok())
            .collect::<Option<_>>()?;
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// Returns the frontier's bytes for the ledger: one hash for each bit set in the size, largest subtree first.
    #[must_use]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    /// Returns the number of leaves.
    #[must_use]
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let complete = self.size.trailing_ones();
        let merged = (0..complete).fold(leaf, |right, _| {
            let left = self.roots.pop().expect("one root for each bit of the size");
            node_hash(&left, &right)
        });
        self.roots.push(merged);
        self.size += 1;
    }

    /// Returns the root; for an empty tree, the SHA-256 of nothing.
    #[must_use]
    pub(crate) fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev().copied();
        let Some(smallest) = roots.next() else {
            return sha256(&[]);
        };
        roots.fold(smallest, |right, left| node_hash(&left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition in RFC 6962, section 2.1, word for word.
    fn defined_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(&defined_root(&leaves[..split]), &defined_root(&leaves[split..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_rfc_6962_at_every_size() {
        let leaves: Vec<Hash> = (0..70).map(|n| leaf_hash(&n.to_string())).collect();
        let mut frontier = Frontier::default();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), defined_root(&leaves[..size]));
            let read = Frontier::from_bytes(frontier.size(), &frontier.to_bytes()).unwrap();
            assert_eq!(read, frontier);
            frontier.push(*leaf);
        }
    }
}
