//! The model: how much each level of agreement says, learned from the members themselves. Integers only.

mod counts;
mod estimate;
mod json;
mod totals;

use estimate::{Estimate, HOUSEHOLD, Material, SAME, UNRELATED};

use crate::matching::compare::{Comparison, Likeness};
use crate::matching::features::Features;
use crate::matching::keys::Blocks;
use crate::matching::limits::{KeyFigures, Threads, Unfinished};
use crate::matching::settings::{Classes, Learn, Millibits, Settings};

/// What was learned. The same members and settings always give the same model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// Members that it was learned from.
    pub(crate) members: u64,
    /// Two or three.
    pub(crate) classes: u8,
    /// The fields outside groups, then the groups.
    pub(crate) slots: Vec<SlotModel>,
    /// The binary logarithms of the shares of all pairs that are the same person, and the same household.
    pub(crate) prior: [Millibits; 2],
    /// How many pairs of members are the same person, as far as the candidates show.
    pub(crate) expected: u64,
    /// Pairs that agree in at least one key.
    pub(crate) candidates: u64,
    /// Rounds of estimation.
    pub(crate) rounds: u32,
    pub(crate) keys: Vec<KeyFigures>,
    /// Members that lost every block because it was too large.
    pub(crate) alone: u64,
}

/// What was learned of a field or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotModel {
    pub(crate) name: String,
    pub(crate) levels: Vec<LevelModel>,
}

/// What was learned of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LevelModel {
    pub(crate) likeness: Likeness,
    /// The binary logarithms of how often it occurs among pairs of the same person, of the same household, and unrelated.
    pub(crate) shares: [Millibits; 3],
    /// Expected candidates of the same person, and of the same household, at this level.
    pub(crate) pairs: [u64; 2],
}

/// Learns from the members.
pub(crate) fn learn(
    features: &Features,
    settings: &Settings,
    threads: Threads<'_>,
) -> Result<Model, Unfinished> {
    let comparison = Comparison::new(features, settings);
    let blocks = Blocks::new(features, settings)?;
    let patterns = counts::count(&comparison, &blocks, threads)?;
    let mut totals = totals::totals(&comparison, threads.number);
    patterns.add_rare(&comparison, &mut totals);
    let material = Material::new(&comparison, settings, &patterns, &totals);
    let estimate = match &settings.learn {
        Learn::Em => material.settle(),
        Learn::Given(weights) => material.settle_shares(given(&comparison, material.believed(), weights)),
    };
    Ok(recorded(
        &comparison,
        settings,
        &estimate,
        patterns.candidates,
        blocks,
    ))
}

/// Puts given weights, against unrelated pairs, in the place of what is learned. They make no difference between a
/// household and strangers.
fn given(comparison: &Comparison<'_>, mut estimate: Estimate, weights: &[Vec<Millibits>]) -> Estimate {
    for ((slot, levels), weights) in comparison.slots.iter().zip(&mut estimate.levels).zip(weights) {
        for (at, likeness) in slot.levels.iter().enumerate() {
            let weight = match likeness {
                Likeness::Equal(_) | Likeness::Swapped(_) => weights.first(),
                Likeness::Similar(level) => weights[..weights.len().saturating_sub(1)]
                    .get(usize::from(*level))
                    .or(weights.last()),
                Likeness::Together(level) => weights.get(usize::from(*level)),
                Likeness::Different => weights.last(),
            };
            levels[SAME][at] = libm::exp2(f64::from(weight.copied().unwrap_or(0)) / 1000.0);
            levels[HOUSEHOLD][at] = 1.0;
            levels[UNRELATED][at] = 1.0;
        }
    }
    estimate
}

/// Rounds an estimate to the integers that are recorded.
fn recorded(
    comparison: &Comparison<'_>,
    settings: &Settings,
    estimate: &Estimate,
    candidates: u64,
    blocks: Blocks,
) -> Model {
    let slots = comparison.slots.iter().enumerate().map(|(at, slot)| {
        let levels = slot.levels.iter().enumerate().map(|(level, &likeness)| {
            let share = |class: usize| millibits(estimate.levels[at][class][level]);
            let pairs = |class: usize| rounded(estimate.pairs[at][class][level]);
            let mut shares = [SAME, HOUSEHOLD, UNRELATED].map(share);
            if estimate::only_raises(slot.role) && shares[SAME] < shares[UNRELATED].max(shares[HOUSEHOLD]) {
                shares = [0; 3];
            }
            LevelModel {
                likeness,
                shares,
                pairs: [SAME, HOUSEHOLD].map(pairs),
            }
        });
        SlotModel {
            name: slot.name.clone(),
            levels: levels.collect(),
        }
    });
    Model {
        members: comparison.features.len() as u64,
        classes: if settings.classes == Classes::Three { 3 } else { 2 },
        slots: slots.collect(),
        prior: [SAME, HOUSEHOLD].map(|class| millibits(estimate.shares[class])),
        expected: rounded(estimate.expected[SAME]),
        candidates,
        rounds: estimate.rounds,
        keys: blocks.keys,
        alone: blocks.alone,
    }
}

/// The logarithm of a share; of none, one so small that it never matters.
fn millibits(share: f64) -> Millibits {
    if share <= 0.0 {
        return NEVER;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a logarithm of a double is at most 1,075 bits"
    )]
    let millibits = libm::round(libm::log2(share) * 1000.0) as Millibits;
    millibits.max(NEVER)
}

/// The logarithm of no share at all.
const NEVER: Millibits = -1_000_000;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of pairs, never negative"
)]
fn rounded(pairs: f64) -> u64 {
    libm::round(pairs) as u64
}
