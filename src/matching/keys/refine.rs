//! Large blocks become smaller ones with further parts of their key.

use super::parts::joined;
use crate::matching::limits::KeyFigures;

/// What makes a block too large.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Blocks beyond this size are refined, and dropped when no part is left.
    pub(super) limit: usize,
    /// While the key has more pairs, its largest blocks are refined too.
    pub(super) pairs: u64,
    /// But none up to this size.
    pub(super) small: usize,
}

/// Refines the blocks of a key, given the hash of each member's block and of its further parts, until they are within the
/// bounds. Members whose block is dropped are marked, and their hash becomes zero.
pub(super) fn refine(
    hashes: &mut [u32],
    further: &[Vec<u32>],
    bounds: Bounds,
    dropped: &mut [bool],
) -> KeyFigures {
    let mut depth = vec![0_u8; hashes.len()];
    let mut figures = KeyFigures {
        name: String::new(),
        pairs: 0,
        largest: 0,
        refined: 0,
        dropped: 0,
    };
    let mut large = bounds.limit;
    loop {
        let mut changed = false;
        figures.pairs = 0;
        figures.largest = 0;
        let members = in_blocks(hashes);
        for block in members.chunk_by(|one, other| one >> 32 == other >> 32) {
            // Blocks of different depths can only meet by a collision of hashes; the deepest decides, whatever the order.
            let at = block
                .iter()
                .map(|&one| depth[member(one)])
                .max()
                .map_or(0, usize::from);
            if block.len() > large && at < further.len() {
                changed = true;
                for &one in block {
                    let one = member(one);
                    hashes[one] = joined(hashes[one], further[at][one]);
                    figures.refined += u64::from(depth[one] == 0);
                    depth[one] = small_depth(at + 1);
                    if hashes[one] == 0 {
                        dropped[one] = true;
                        figures.dropped += 1;
                    }
                }
            } else if block.len() > bounds.limit {
                for &one in block {
                    let one = member(one);
                    hashes[one] = 0;
                    dropped[one] = true;
                    figures.dropped += 1;
                }
            } else {
                figures.pairs += (block.len() * (block.len() - 1) / 2) as u64;
                figures.largest = figures.largest.max(block.len() as u64);
            }
        }
        if changed {
            continue;
        }
        if figures.pairs <= bounds.pairs || large <= bounds.small {
            return figures;
        }
        large = (large / 2).max(bounds.small);
    }
}

/// Returns the members that are in a block with others, each with the hash of its block in the upper half, sorted.
pub(super) fn in_blocks(hashes: &[u32]) -> Vec<u64> {
    let hashes = hashes.iter().enumerate().filter(|(_, hash)| **hash != 0);
    let mut members: Vec<u64> = hashes
        .map(|(member, &hash)| u64::from(hash) << 32 | member as u64)
        .collect();
    members.sort_unstable();
    members
}

/// Returns the member of an element of [`in_blocks`].
#[expect(clippy::cast_possible_truncation, reason = "the lower half is the member")]
pub(super) fn member(element: u64) -> usize {
    (element as u32) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a key has a few parts")]
fn small_depth(depth: usize) -> u8 {
    depth as u8
}
