//! How often each level occurs among all pairs of members: equality is counted exactly, from the numbers of members with
//! each value; the rest in a sample of pairs.

use crate::matching::compare::{Comparison, MISSING, What, count_as_f64};
use crate::matching::features::{ABSENT, Features, mixed};
use crate::matching::settings::GroupPart;

/// How often the levels of a slot occur.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotTotals {
    /// By level: pairs at this level, out of the pairs that `of` says.
    pub(super) pairs: Vec<f64>,
    /// By level: how many comparable pairs were looked at.
    pub(super) of: Vec<f64>,
}

/// Up to this number of pairs all are looked at.
const ALL: u64 = 400_000;
/// Beyond it, so many are chosen.
const SAMPLE: u64 = 1_000_000;

/// Returns the totals of each slot.
pub(super) fn totals(comparison: &Comparison<'_>, cores: usize) -> Vec<SlotTotals> {
    let members = comparison.features.len() as u64;
    let all = members * members.saturating_sub(1) / 2;
    let sampled = sampled(comparison, all, cores.max(1));
    let slots = comparison.slots.iter().zip(&sampled);
    slots
        .map(|(slot, counts)| {
            let comparable: u64 = counts.iter().sum();
            let mut totals = SlotTotals {
                pairs: counts.iter().map(|&count| count_as_f64(count)).collect(),
                of: vec![count_as_f64(comparable); counts.len()],
            };
            match slot.what {
                What::Field(field) => equal(comparison, field, slot.bins, &mut totals),
                What::Group(group) => {
                    let looked_at: u64 = if all <= ALL { all } else { SAMPLE };
                    let share = count_as_f64(comparable) / count_as_f64(looked_at.max(1));
                    together(comparison, group, share * count_as_f64(all), &mut totals);
                }
            }
            totals
        })
        .collect()
}

/// Counts the levels of each slot in a sample of pairs.
fn sampled(comparison: &Comparison<'_>, all: u64, cores: usize) -> Vec<Vec<u64>> {
    let slots = &comparison.slots;
    let order = comparison.features.by_tie();
    let empty: Vec<Vec<u64>> = slots.iter().map(|slot| vec![0; slot.levels.len()]).collect();
    let mut counts = vec![empty; cores];
    let pairs = |part: usize, visit: &mut dyn FnMut(u32, u32)| {
        if all <= ALL {
            for (at, &one) in order.iter().enumerate().skip(part).step_by(cores) {
                order[at + 1..].iter().for_each(|&other| visit(one, other));
            }
        } else {
            for number in (part as u64..SAMPLE).step_by(cores) {
                let (one, other) = (chosen(order, 2 * number), chosen(order, 2 * number + 1));
                if one != other {
                    visit(one, other);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for (part, counts) in counts.iter_mut().enumerate() {
            let pairs = &pairs;
            scope.spawn(move || {
                let mut comparer = comparison.comparer();
                let mut levels = vec![0; slots.len()];
                pairs(part, &mut |one, other| {
                    comparer.levels(one as usize, other as usize, &mut levels);
                    for (counts, &level) in counts.iter_mut().zip(&levels) {
                        if level != MISSING {
                            counts[usize::from(level)] += 1;
                        }
                    }
                });
            });
        }
    });
    let mut all = counts.pop().unwrap_or_default();
    for some in counts {
        for (all, some) in all.iter_mut().flatten().zip(some.into_iter().flatten()) {
            *all += some;
        }
    }
    all
}

fn chosen(order: &[u32], number: u64) -> u32 {
    let at = mixed(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) % order.len() as u64;
    order[usize::try_from(at).unwrap_or_default()]
}

fn pairs_of(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

/// Counts equality in a field.
fn equal(comparison: &Comparison<'_>, field: usize, bins: usize, totals: &mut SlotTotals) {
    let counts = comparison.features.counts(field);
    let members: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let comparable = count_as_f64(pairs_of(members));
    let mut pairs = vec![0_u64; bins];
    for (value, &count) in (0_u32..).zip(counts) {
        pairs[usize::from(comparison.bin(field, value))] += pairs_of(u64::from(count));
    }
    for (bin, pairs) in pairs.into_iter().enumerate() {
        totals.pairs[bin] = count_as_f64(pairs);
        totals.of[bin] = comparable;
    }
}

/// Counts the levels of a group that ask for equality alone.
fn together(comparison: &Comparison<'_>, group: usize, comparable: f64, totals: &mut SlotTotals) {
    let levels = &comparison.group(group).levels;
    let is_exact = |level: &[GroupPart]| level.iter().all(|part| !part.similar);
    for (at, level) in levels.iter().enumerate() {
        if !is_exact(level) {
            continue;
        }
        let before = levels[..at].iter().filter(|before| is_exact(before));
        // What agrees at an earlier level too is counted there. Of several such levels the one that takes most stands for
        // all: they determine each other, which is why they are a group.
        let taken = before
            .map(|before| agreeing(comparison.features, &[before, level]))
            .max()
            .unwrap_or(0);
        totals.pairs[at] = count_as_f64(agreeing(comparison.features, &[level]).saturating_sub(taken));
        totals.of[at] = comparable.max(totals.pairs[at]);
    }
}

/// Returns the number of pairs that are equal in all fields of the levels.
fn agreeing(features: &Features, levels: &[&Vec<GroupPart>]) -> u64 {
    let fields = || {
        levels
            .iter()
            .flat_map(|level| level.iter().map(|part| part.field))
    };
    let mut values: Vec<u64> = (0..features.len())
        .filter_map(|member| {
            fields().try_fold(0, |hash: u64, field| {
                let value = features.column(field)[member];
                (value != ABSENT).then(|| mixed(hash.rotate_left(7) ^ u64::from(value)))
            })
        })
        .collect();
    values.sort_unstable();
    values
        .chunk_by(PartialEq::eq)
        .map(|equal| pairs_of(equal.len() as u64))
        .sum()
}
