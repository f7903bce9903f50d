//! How often each pattern of levels occurs among the candidates.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::totals::SlotTotals;
use crate::matching::compare::{Comparison, Likeness, MISSING, count_as_f64};
use crate::matching::features::{Features, mixed};
use crate::matching::keys::Blocks;
use crate::matching::limits::{Threads, Unfinished};

/// A pattern: four bits for the level of each slot.
pub(super) type Pattern = u128;

/// Patterns, sorted, with the number of pairs of each.
#[derive(Debug)]
pub(super) struct Patterns {
    pub(super) slots: usize,
    pub(super) counts: Vec<(Pattern, u64)>,
    /// Of how many candidates one was counted.
    pub(super) one_in: u64,
    /// All candidates.
    pub(super) candidates: u64,
}

/// Above this number of candidates only some are counted: that is enough to learn from.
const ENOUGH: u64 = 4_000_000;

/// A hasher of patterns, which are mixed already by what they are.
#[derive(Default)]
struct PatternHasher(u64);

impl Hasher for PatternHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mixed(self.0 ^ u64::from(byte));
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "both halves are hashed")]
    fn write_u128(&mut self, pattern: u128) {
        self.0 = mixed(pattern as u64 ^ mixed((pattern >> 64) as u64));
    }
}

type PatternCounts = HashMap<Pattern, u64, BuildHasherDefault<PatternHasher>>;

/// Returns the levels of a pattern.
pub(super) fn levels(pattern: Pattern, slots: usize) -> impl Iterator<Item = u8> {
    (0..slots).map(move |slot| u8::try_from(pattern >> (4 * slot) & 15).unwrap_or(MISSING))
}

fn pattern(levels: &[u8]) -> Pattern {
    levels
        .iter()
        .rev()
        .fold(0, |pattern, &level| pattern << 4 | Pattern::from(level))
}

/// Counts the patterns of the candidates.
pub(super) fn count(
    comparison: &Comparison<'_>,
    blocks: &Blocks,
    threads: Threads<'_>,
) -> Result<Patterns, Unfinished> {
    let features = comparison.features;
    let upper: u64 = blocks.keys.iter().map(|key| key.pairs).sum();
    let one_in = upper / ENOUGH + 1;
    let slots = comparison.slots.len();
    let mut workers: Vec<_> = (0..threads.number)
        .map(|_| {
            (
                comparison.comparer(),
                PatternCounts::default(),
                vec![0; slots],
                0_u64,
            )
        })
        .collect();
    blocks.visit(
        threads,
        &mut workers,
        None,
        |(comparer, counts, levels, candidates), _, a, b| {
            *candidates += 1;
            if one_in == 1 || is_counted(features, a, b, one_in) {
                comparer.levels(a, b, levels);
                *counts.entry(pattern(levels)).or_default() += 1;
            }
        },
    )?;
    let mut counts = PatternCounts::default();
    let mut candidates = 0;
    for (_, some, _, visited) in workers {
        candidates += visited;
        for (pattern, count) in some {
            *counts.entry(pattern).or_default() += count;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    Ok(Patterns {
        slots,
        counts,
        one_in,
        candidates,
    })
}

/// Chooses pairs by their ties, so that the choice depends on neither order nor threads.
fn is_counted(features: &Features, a: usize, b: usize, one_in: u64) -> bool {
    let (a, b) = (features.tie(a).0, features.tie(b).0);
    mixed(a.min(b).wrapping_mul(3) ^ a.max(b)).is_multiple_of(one_in)
}

impl Patterns {
    /// Adds to what a sample of all pairs says of exchanged values: they are too rare for a sample, and most of them are
    /// candidates.
    pub(super) fn add_rare(&self, comparison: &Comparison<'_>, totals: &mut [SlotTotals]) {
        for (at, slot) in comparison.slots.iter().enumerate() {
            for (level, likeness) in slot.levels.iter().enumerate() {
                if matches!(likeness, Likeness::Swapped(_)) {
                    let is_at = |pattern: Pattern| (pattern >> (4 * at) & 15) == level as Pattern;
                    let pairs = self.counts.iter().filter(|(pattern, _)| is_at(*pattern));
                    let pairs: u64 = pairs.map(|(_, count)| count * self.one_in).sum();
                    let totals = &mut totals[at];
                    let scale = totals.of[0] / totals.of[level].max(1.0);
                    totals.pairs[level] = count_as_f64(pairs).max(totals.pairs[level] * scale);
                    totals.of[level] = totals.of[0].max(totals.pairs[level]);
                }
            }
        }
    }
}
