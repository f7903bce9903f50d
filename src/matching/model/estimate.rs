//! Expectation-maximization over patterns: how often each level occurs among records of one person, among members of one
//! household, and among unrelated ones, and how many pairs there are of each class.
//!
//! All pairs of members count, not the candidates alone: those that are no candidates are taken for unrelated. So the
//! shares of the classes are shares of all pairs, and what is left of a level's total when the candidates of the two other
//! classes are subtracted is how often it occurs among unrelated ones.

use super::counts::{Patterns, levels};
use super::totals::SlotTotals;
use crate::matching::compare::{self, Comparison, Likeness, MISSING, Slot, What, count_as_f64};
use crate::matching::settings::{Classes, Role, Settings};

/// The classes, as positions.
pub(super) const SAME: usize = 0;
pub(super) const HOUSEHOLD: usize = 1;
pub(super) const UNRELATED: usize = 2;

/// What is estimated.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// By slot, class and level.
    pub(super) levels: Vec<[Vec<f64>; 3]>,
    /// By slot, class and level: the pairs that were expected there.
    pub(super) pairs: Vec<[Vec<f64>; 3]>,
    /// The same, for levels of fields that identify, without pairs that have no other such field.
    learned: Vec<[Vec<f64>; 2]>,
    /// The share of each class among all pairs.
    pub(super) shares: [f64; 3],
    /// Expected pairs of each class among the candidates.
    pub(super) expected: [f64; 3],
    pub(super) rounds: u32,
}

// The priors are pseudo-counts: each weighs as much as so many pairs. They were chosen on the two sets of Febrl and on
// generated families of 1,000 to 1,000,000 records (`benches/README.md`), so that a few hundred records are merged with
// caution and a hundred thousand outweigh them.

/// The prior of the levels of a class, in pairs.
const BELIEVED_PAIRS: f64 = 20.0;
/// The prior of the levels of unrelated pairs, in pairs.
const BELIEVED_UNRELATED: f64 = 2_000.0;
/// The prior of the shares, in pairs, and how many of them are in a class.
const BELIEVED_ALL: f64 = 50_000.0;
const BELIEVED_IN_CLASS: f64 = 1.0;
/// The most rounds, and the change at which they end.
const MOST_ROUNDS: u32 = 200;
const SETTLED: f64 = 1e-5;

/// What the estimation works on.
pub(super) struct Material<'m> {
    pub(super) comparison: &'m Comparison<'m>,
    pub(super) settings: &'m Settings,
    pub(super) patterns: &'m Patterns,
    pub(super) totals: &'m [SlotTotals],
    /// By slot and level of equality: the share of members whose value has this rarity.
    pub(super) rarity: Vec<Vec<f64>>,
    /// All pairs of members.
    pub(super) all: f64,
}

impl<'m> Material<'m> {
    pub(super) fn new(
        comparison: &'m Comparison<'m>,
        settings: &'m Settings,
        patterns: &'m Patterns,
        totals: &'m [SlotTotals],
    ) -> Self {
        let members = comparison.features.len() as u64;
        Self {
            comparison,
            settings,
            patterns,
            totals,
            rarity: comparison
                .slots
                .iter()
                .map(|slot| rarity(comparison, slot))
                .collect(),
            all: count_as_f64(members * members.saturating_sub(1) / 2),
        }
    }

    fn has_household(&self) -> bool {
        self.settings.classes == Classes::Three
    }

    /// Returns what is believed before any data is seen.
    pub(super) fn believed(&self) -> Estimate {
        let slots = self.comparison.slots.iter().zip(&self.rarity);
        let mut believed = Estimate {
            levels: slots
                .map(|(slot, rarity)| believed_levels(slot, rarity))
                .collect(),
            pairs: self.comparison.slots.iter().map(none).collect(),
            learned: self.comparison.slots.iter().map(none).collect(),
            shares: [0.0; 3],
            expected: [0.0; 3],
            rounds: 0,
        };
        let members = self.comparison.features.len() as u64;
        let some = 0.1 * count_as_f64(members) / (self.all + BELIEVED_ALL);
        believed.set_shares(self, [some * self.all, some * self.all]);
        believed
    }

    /// Estimates until nothing changes any more.
    pub(super) fn settle(&self) -> Estimate {
        let believed = self.believed();
        let mut estimate = believed.clone();
        while estimate.rounds < MOST_ROUNDS {
            let before = estimate.expected;
            estimate.expect(self);
            let expected = estimate.expected;
            estimate.maximize(self, &believed);
            estimate.rounds += 1;
            let change = |class: usize| (expected[class] - before[class]).abs() / (expected[class] + 1.0);
            if change(SAME) < SETTLED && change(HOUSEHOLD) < SETTLED {
                break;
            }
        }
        estimate
    }

    /// Estimates the shares alone, with the levels given.
    pub(super) fn settle_shares(&self, mut estimate: Estimate) -> Estimate {
        for _ in 0..MOST_ROUNDS {
            let before = estimate.expected[SAME];
            estimate.expect(self);
            let expected = estimate.expected;
            estimate.set_shares(self, [expected[SAME], expected[HOUSEHOLD]]);
            estimate.rounds += 1;
            if (expected[SAME] - before).abs() / (expected[SAME] + 1.0) < SETTLED {
                break;
            }
        }
        estimate
    }
}

impl Estimate {
    /// Sets the shares from the numbers of pairs in the first two classes.
    fn set_shares(&mut self, material: &Material<'_>, pairs: [f64; 2]) {
        let share = |pairs: f64| (pairs + BELIEVED_IN_CLASS) / (material.all + BELIEVED_ALL);
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
        let same = material
            .settings
            .prior
            .map_or(share(pairs[0]), |prior| prior as f64 / 1e12);
        let household = if material.has_household() {
            share(pairs[1])
        } else {
            0.0
        };
        self.shares = [same, household, (1.0 - same - household).max(0.01)];
    }

    /// Expected pairs by class, slot and level.
    fn expect(&mut self, material: &Material<'_>) {
        let patterns = material.patterns;
        for pairs in self.pairs.iter_mut().flatten().flatten() {
            *pairs = 0.0;
        }
        for pairs in self.learned.iter_mut().flatten().flatten() {
            *pairs = 0.0;
        }
        self.expected = [0.0; 3];
        let identifies: Vec<bool> = material
            .comparison
            .slots
            .iter()
            .map(|slot| slot.role == Role::Identity)
            .collect();
        let several = identifies.iter().filter(|one| **one).count() > 1;
        for &(pattern, count) in &patterns.counts {
            let mut shares = self.shares;
            for (slot, level) in levels(pattern, patterns.slots).enumerate() {
                if level != MISSING {
                    for (class, share) in shares.iter_mut().enumerate() {
                        *share *= self.levels[slot][class][usize::from(level)];
                    }
                }
            }
            let compared = levels(pattern, patterns.slots).zip(&identifies);
            let compared = compared.filter(|(level, identifies)| **identifies && *level != MISSING);
            let is_blurred = several && compared.count() < 2;
            let sum: f64 = shares.iter().sum();
            let weight = count_as_f64(count * patterns.one_in) / sum;
            for (class, share) in shares.into_iter().enumerate() {
                let share = share * weight;
                self.expected[class] += share;
                if class != UNRELATED {
                    for (slot, level) in levels(pattern, patterns.slots).enumerate() {
                        if level != MISSING {
                            self.pairs[slot][class][usize::from(level)] += share;
                            // A pair without any other field that identifies says little about its class, and would blur
                            // what the classes differ in.
                            if !(is_blurred && identifies[slot]) {
                                self.learned[slot][class][usize::from(level)] += share;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Levels and shares from the expected pairs.
    fn maximize(&mut self, material: &Material<'_>, believed: &Estimate) {
        self.set_shares(material, [self.expected[SAME], self.expected[HOUSEHOLD]]);
        for (at, slot) in material.comparison.slots.iter().enumerate() {
            self.unrelated(
                at,
                &material.totals[at],
                material.all,
                &believed.levels[at][UNRELATED],
            );
            let chance: f64 = self.levels[at][UNRELATED][..slot.bins].iter().sum();
            for class in [SAME, HOUSEHOLD] {
                let pairs = &self.learned[at][class];
                let sum: f64 = pairs.iter().sum();
                let believed = believed.levels[at][class].iter();
                let mut shares: Vec<f64> = pairs
                    .iter()
                    .zip(believed)
                    .map(|(pairs, believed)| (pairs + BELIEVED_PAIRS * believed) / (sum + BELIEVED_PAIRS))
                    .collect();
                let equal: f64 = shares[..slot.bins].iter().sum();
                // Beyond chance, agreement is agreement for a reason, whatever the value.
                let reason = ((equal - chance) / (1.0 - chance)).max(0.0);
                let by_chance = equal - reason;
                let rarity = material.rarity[at].iter().zip(&self.levels[at][UNRELATED]);
                for (share, (rarity, unrelated)) in shares[..slot.bins].iter_mut().zip(rarity) {
                    *share = reason * rarity + by_chance * unrelated / chance;
                }
                self.levels[at][class] = shares;
            }
        }
    }

    /// How often each level occurs among unrelated pairs: what the other classes leave of its total.
    fn unrelated(&mut self, slot: usize, totals: &SlotTotals, all: f64, believed: &[f64]) {
        let related: Vec<f64> = (0..believed.len())
            .map(|level| self.pairs[slot][SAME][level] + self.pairs[slot][HOUSEHOLD][level])
            .collect();
        let sum: f64 = related.iter().sum();
        let mut shares: Vec<f64> = (0..believed.len())
            .map(|level| {
                let looked_at = (totals.of[level] / all.max(1.0)).min(1.0);
                let pairs = (totals.pairs[level] - related[level] * looked_at).max(0.0);
                let of = (totals.of[level] - sum * looked_at).max(pairs);
                (pairs + BELIEVED_UNRELATED * believed[level]) / (of + BELIEVED_UNRELATED)
            })
            .collect();
        let sum: f64 = shares.iter().sum();
        for share in &mut shares {
            *share /= sum;
        }
        self.levels[slot][UNRELATED] = shares;
    }
}

fn none<const N: usize>(slot: &Slot) -> [Vec<f64>; N] {
    [(); N].map(|()| vec![0.0; slot.levels.len()])
}

/// The share of members whose value has each rarity.
fn rarity(comparison: &Comparison<'_>, slot: &Slot) -> Vec<f64> {
    let What::Field(field) = slot.what else {
        return Vec::new();
    };
    let mut members = vec![0_u64; slot.bins];
    for (value, &count) in (0_u32..).zip(comparison.features.counts(field)) {
        members[usize::from(comparison.bin(field, value))] += u64::from(count);
    }
    let sum: u64 = members.iter().sum();
    // A little for each, so that a rarity that no member has yet is possible.
    let little = 0.001 / count_as_f64(slot.bins.max(1) as u64);
    members
        .iter()
        .map(|&count| 0.999 * count_as_f64(count) / count_as_f64(sum.max(1)) + little)
        .collect()
}

/// What is believed of a slot's levels, by class.
fn believed_levels(slot: &Slot, rarity: &[f64]) -> [Vec<f64>; 3] {
    let agreement = compare::agreement(slot.kind);
    let same = compare::among_same(slot.kind);
    let household = compare::among_household(slot.role, agreement);
    let together = slot
        .levels
        .iter()
        .filter(|level| matches!(level, Likeness::Together(_)))
        .count();
    let similar = slot
        .levels
        .iter()
        .filter(|level| matches!(level, Likeness::Similar(_)))
        .count();
    let share = |given: [f64; 4], level: Likeness| match level {
        Likeness::Equal(bin) => given[0] * rarity[usize::from(bin)],
        // Each lower level is half as frequent.
        Likeness::Similar(level) => given[1] * halved(usize::from(level) - 1, similar),
        Likeness::Together(level) => (given[0] + given[1]) * halved(usize::from(level), together),
        Likeness::Swapped(how) => given[2] * [0.7, 0.3][usize::from(how)],
        Likeness::Different => given[3],
    };
    let unrelated = |level: Likeness| match level {
        Likeness::Equal(bin) => agreement * rarity[usize::from(bin)],
        Likeness::Similar(level) => compare::similarity(agreement, usize::from(level)),
        Likeness::Together(level) => 0.000_002 * libm::exp2(2.5 * f64::from(level)),
        Likeness::Swapped(how) => [0.000_002, 0.000_02][usize::from(how)],
        Likeness::Different => 0.9,
    };
    let normal = |shares: Vec<f64>| {
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share.max(1e-9) / sum).collect()
    };
    let levels = || slot.levels.iter().copied();
    [
        normal(levels().map(|level| share(same, level)).collect()),
        normal(levels().map(|level| share(household, level)).collect()),
        normal(levels().map(unrelated).collect()),
    ]
}

/// The share of a level among several, of which each is half as frequent as the one before.
fn halved(level: usize, levels: usize) -> f64 {
    let weight = |level: usize| 1.0 / count_as_f64(1 << level.min(40));
    let sum: f64 = (0..levels).map(weight).sum();
    weight(level) / sum
}

/// Returns whether a role never counts against a match.
pub(super) fn only_raises(role: Role) -> bool {
    role == Role::Hint
}
