//! The score of a pair: what its levels say, and what the identity rule makes of it.

use crate::matching::compare::{Comparer, Comparison, Likeness, MISSING};
use crate::matching::features::Features;
use crate::matching::model::Model;
use crate::matching::odds::probability;
use crate::matching::settings::{Caution, Kind, Millibits, Ppm, Role, Settings};

/// Why a pair is not merged although it is probable enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    /// It agrees in no field that identifies: never merged nor shown.
    NoAgreement,
    /// A field that identifies speaks against it and is not outvoted: shown at most.
    Against,
    /// A field that has one value per person has two: shown at most.
    Unique,
}

/// The score of a pair, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PairScore {
    /// The logarithm of the odds that the two are one.
    pub(crate) bits: Millibits,
    pub(crate) posterior: Ppm,
    /// What each slot says, in the order of the model's.
    pub(crate) slots: Vec<SlotScore>,
    /// The logarithm of the odds before any field is looked at; with the weights of all slots it makes `bits`.
    pub(crate) prior: Millibits,
    /// The slots that speak for it, the strongest first.
    pub(crate) by: Vec<usize>,
    /// The slot that speaks most against it, if one does.
    pub(crate) weakest: Option<usize>,
    pub(crate) held_back: Option<Held>,
}

/// What one slot says about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotScore {
    /// The level; `None` where a value is absent.
    pub(crate) likeness: Option<Likeness>,
    /// For (or against) being one, against what is more probable otherwise: members of one household, or unrelated.
    pub(crate) weight: Millibits,
    /// The same against unrelated ones, whatever is more probable.
    pub(crate) against_unrelated: Millibits,
}

/// A score in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) bits: Millibits,
    pub(crate) held: Option<Held>,
}

impl Evidence {
    pub(crate) fn posterior(self) -> Ppm {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a probability in millionths"
        )]
        let posterior = libm::round(probability(self.bits) * 1e6) as Ppm;
        posterior
    }
}

/// Scores pairs with a model. Shared by all threads.
#[derive(Debug)]
pub(crate) struct Scorer<'f> {
    pub(crate) comparison: Comparison<'f>,
    /// By slot and level: same against unrelated, and household against unrelated.
    weights: Vec<[[Millibits; 2]; 16]>,
    /// By slot and level: what it says to the identity rule.
    stances: Vec<[i8; 16]>,
    /// Slots that have one value per person, with their level of difference.
    unique: Vec<(usize, u8)>,
    prior: [Millibits; 2],
    caution: Caution,
    identifies: bool,
}

/// How far the rule lowers a pair under low caution. Without any agreement in what identifies, by the distance between the
/// default lines for merging and for review, so that what would be merged is shown; with as much against as for it, by half
/// of the odds.
const LOWERED_FAR: Millibits = 6_000;
const LOWERED: Millibits = 1_000;

impl<'f> Scorer<'f> {
    pub(crate) fn new(features: &'f Features, settings: &Settings, model: &Model) -> Self {
        let comparison = Comparison::new(features, settings);
        let mut weights = vec![[[0; 2]; 16]; comparison.slots.len()];
        let mut stances = vec![[0; 16]; comparison.slots.len()];
        let mut unique = Vec::new();
        for (at, slot) in comparison.slots.iter().enumerate() {
            let levels = model.slots.get(at).map_or(&[][..], |slot| &slot.levels);
            for (level, &likeness) in slot.levels.iter().enumerate() {
                if let Some(learned) = levels.get(level) {
                    let [same, household, unrelated] = learned.shares;
                    weights[at][level] = [same - unrelated, household - unrelated];
                }
                if slot.role == Role::Identity {
                    stances[at][level] = stance(slot.kind, likeness);
                }
                if slot.role == Role::Unique && likeness == Likeness::Different {
                    unique.push((at, u8::try_from(level).unwrap_or(MISSING)));
                }
            }
        }
        Self {
            weights,
            stances,
            unique,
            prior: model.prior,
            caution: settings.caution,
            identifies: comparison.slots.iter().any(|slot| slot.role == Role::Identity),
            comparison,
        }
    }

    /// Scores a pair from its levels.
    pub(super) fn of_levels(&self, levels: &[u8]) -> Evidence {
        let [mut same, mut household] = self.prior;
        let (mut for_it, mut similar, mut against, mut nearly) = (0, 0, 0, false);
        for ((weights, stances), &level) in self.weights.iter().zip(&self.stances).zip(levels) {
            let level = usize::from(level);
            same += weights[level][0];
            household += weights[level][1];
            for_it += u32::from(stances[level] == AGREES);
            similar += u32::from(stances[level] == SIMILAR);
            against += u32::from(stances[level] == AGAINST);
            nearly |= stances[level] == NEARLY;
        }
        let mut bits = same - or_unrelated(household);
        let mut held = None;
        if self.identifies && self.caution != Caution::None {
            let low = self.caution == Caution::Low;
            // Twins have similar names: beside a contradiction, only what is equal or a slip of numbers outvotes it.
            let agreeing = if against == 0 { for_it + similar } else { for_it };
            if for_it + similar == 0 && !nearly {
                bits -= if low { LOWERED_FAR } else { 0 };
                held = (!low).then_some(Held::NoAgreement);
            } else if agreeing == 0 || against >= agreeing {
                bits -= if low { LOWERED } else { 0 };
                held = (!low).then_some(Held::Against);
            }
        }
        if self.unique.iter().any(|&(slot, level)| levels[slot] == level) {
            held = held.or(Some(Held::Unique));
        }
        Evidence { bits, held }
    }

    /// Scores a pair in short.
    pub(crate) fn evidence(
        &self,
        comparer: &mut Comparer<'_, '_>,
        levels: &mut [u8],
        a: usize,
        b: usize,
    ) -> Evidence {
        comparer.levels(a, b, levels);
        self.of_levels(levels)
    }

    /// Returns the slots of what identifies that contradict at these levels.
    pub(crate) fn contradictions(&self, levels: &[u8]) -> Vec<usize> {
        let contradicts = |slot: &usize| self.stances[*slot][usize::from(levels[*slot])] == AGAINST;
        (0..levels.len()).filter(contradicts).collect()
    }

    /// Scores a pair in full.
    pub(crate) fn pair(&self, a: usize, b: usize) -> PairScore {
        let slots = &self.comparison.slots;
        let mut levels = vec![MISSING; slots.len()];
        let evidence = self.evidence(&mut self.comparison.plain_comparer(), &mut levels, a, b);
        let weights = || {
            self.weights
                .iter()
                .zip(&levels)
                .map(|(weights, &level)| weights[usize::from(level)])
        };
        let household = self.prior[1] + weights().map(|[_, household]| household).sum::<Millibits>();
        let of_slot = |(slot, [same, of_household]): (usize, [Millibits; 2])| SlotScore {
            likeness: slots[slot].levels.get(usize::from(levels[slot])).copied(),
            weight: if household > 0 { same - of_household } else { same },
            against_unrelated: same,
        };
        let scores: Vec<SlotScore> = weights().enumerate().map(of_slot).collect();
        let mut by: Vec<usize> = (0..scores.len())
            .filter(|&slot| scores[slot].weight > 0)
            .collect();
        by.sort_by_key(|&slot| -scores[slot].weight);
        // What members of a household share as well may have a weight below zero, but speaks against nobody.
        let differs = |slot: usize| {
            let likeness = scores[slot].likeness;
            likeness.is_some_and(|likeness| !matches!(stance(slots[slot].kind, likeness), AGREES | SIMILAR))
        };
        let against = (0..scores.len()).filter(|&slot| scores[slot].weight < 0 && differs(slot));
        PairScore {
            bits: evidence.bits,
            posterior: evidence.posterior(),
            prior: evidence.bits - scores.iter().map(|slot| slot.weight).sum::<Millibits>(),
            by,
            weakest: against.min_by_key(|&slot| scores[slot].weight),
            held_back: evidence.held,
            slots: scores,
        }
    }
}

/// What a level of a field that identifies says to the identity rule: nothing, agreement, difference, something that is
/// neither but more than chance, or agreement that outvotes no difference: given names that are alike may be two names.
const NEUTRAL: i8 = 0;
const AGREES: i8 = 1;
const NEARLY: i8 = 2;
const SIMILAR: i8 = 3;
const AGAINST: i8 = -1;

fn stance(kind: Kind, likeness: Likeness) -> i8 {
    match likeness {
        Likeness::Similar(1) if kind == Kind::Given => SIMILAR,
        Likeness::Equal(_) | Likeness::Similar(1) | Likeness::Swapped(_) | Likeness::Together(0) => AGREES,
        Likeness::Similar(_) => NEARLY,
        Likeness::Together(_) => NEUTRAL,
        Likeness::Different => AGAINST,
    }
}

/// The logarithm of odds and one together: of a household's or being unrelated.
fn or_unrelated(bits: Millibits) -> Millibits {
    if bits < -14_000 {
        return 0;
    }
    if bits > 14_000 {
        return bits;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the bounds above")]
    let both = libm::round(libm::log2(1.0 + libm::exp2(f64::from(bits) / 1000.0)) * 1000.0) as Millibits;
    both
}
