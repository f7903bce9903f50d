//! The comparison of two members: a level for each field, or group of fields, from equality to difference.

mod believed;
mod dates;
mod field;
mod slips;
#[cfg(test)]
mod tests;

use crate::matching::features::{ABSENT, Features};
use crate::matching::settings::{Field, Group, GroupPart, Kind, Role, Settings};

pub(crate) use believed::{agreement, among_household, among_same, similarity};
pub(crate) use dates::parts;
use field::FieldComparison;

/// The level of a slot of which one of the two members has nothing: neutral.
pub(crate) const MISSING: u8 = 15;

/// The largest number of levels of a slot, so that a pattern of levels has four bits for each.
const MOST_LEVELS: usize = 15;

/// The largest number of slots: fields outside groups, and groups.
pub(crate) const MOST_SLOTS: usize = 32;

/// How many levels equality has at most: a rare value in common says more than a frequent one.
const MOST_BINS: usize = 8;

/// What a level means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Equal; the number grows with the rarity of the value, and is zero where that does not count.
    Equal(u8),
    /// Similar, from 1 downwards.
    Similar(u8),
    /// The value is in the field that it may be exchanged with: 0 if that one's value is in this, or a similar one; 1 if
    /// not.
    Swapped(u8),
    /// The fields of this level of a group agree.
    Together(u8),
    /// Different.
    Different,
}

/// What counts once: a field, or a group of fields.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) what: What,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    pub(crate) levels: Vec<Likeness>,
    /// How many of the levels, from the first, are equality.
    pub(crate) bins: usize,
    /// How many further levels are similarity.
    similar: usize,
    /// The field that may be exchanged with this one, and the slot that it has.
    swap: Option<(usize, Option<usize>)>,
}

/// What a slot compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A field.
    Field(usize),
    /// A group.
    Group(usize),
}

/// Compares members. Shared by all threads.
#[derive(Debug)]
pub(crate) struct Comparison<'f> {
    pub(crate) features: &'f Features,
    pub(crate) slots: Vec<Slot>,
    groups: Vec<Group>,
    fields: Vec<FieldComparison>,
    /// By field and value: the level of equality.
    bins: Vec<Vec<u8>>,
}

impl<'f> Comparison<'f> {
    pub(crate) fn new(features: &'f Features, settings: &Settings) -> Self {
        let fields: Vec<FieldComparison> = settings
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| FieldComparison::new(features, field, at))
            .collect();
        let slots = slots(settings, &fields);
        let bins = settings
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| {
                let slot = slots.iter().find(|slot| slot.what == What::Field(at));
                bins(features, field, at, slot.map_or(1, |slot| slot.bins))
            })
            .collect();
        Self {
            features,
            slots,
            groups: settings.groups.clone(),
            fields,
            bins,
        }
    }

    /// Returns the fields of a group's levels.
    pub(crate) fn group(&self, group: usize) -> &Group {
        &self.groups[group]
    }

    /// Returns the level of equality in a value of a field.
    pub(crate) fn bin(&self, field: usize, value: u32) -> u8 {
        self.bins[field].get(value as usize).copied().unwrap_or(0)
    }

    /// Returns what compares a few pairs: it remembers nothing.
    pub(crate) fn plain_comparer(&self) -> Comparer<'_, 'f> {
        Comparer {
            comparison: self,
            remembered: vec![Vec::new(); self.fields.len()],
        }
    }

    /// Returns what a thread needs to compare many.
    pub(crate) fn comparer(&self) -> Comparer<'_, 'f> {
        let remembered = self
            .fields
            .iter()
            .map(|field| {
                if field.is_costly() {
                    vec![(0, 0); REMEMBERED]
                } else {
                    Vec::new()
                }
            })
            .collect();
        Comparer {
            comparison: self,
            remembered,
        }
    }
}

/// How many comparisons of two values a thread remembers, per field. A power of two.
const REMEMBERED: usize = 1 << 13;

/// Compares members, in one thread.
#[derive(Debug)]
pub(crate) struct Comparer<'c, 'f> {
    comparison: &'c Comparison<'f>,
    /// By field: pairs of values and their level.
    remembered: Vec<Vec<(u64, u8)>>,
}

impl Comparer<'_, '_> {
    /// Writes the level of each slot.
    pub(crate) fn levels(&mut self, a: usize, b: usize, levels: &mut [u8]) {
        let comparison = self.comparison;
        for (slot, level) in comparison.slots.iter().zip(levels.iter_mut()) {
            *level = match slot.what {
                What::Field(field) => self.field(slot, field, a, b),
                What::Group(group) => self.group(&comparison.groups[group], a, b),
            };
        }
        for (at, slot) in comparison.slots.iter().enumerate() {
            let (What::Field(field), Some((other, partner))) = (slot.what, slot.swap) else {
                continue;
            };
            let is_equal = |at: usize| usize::from(levels[at]) < comparison.slots[at].bins;
            if is_equal(at) || partner.is_some_and(is_equal) {
                continue;
            }
            let Some(exchanged) = self.exchanged(field, other, a, b) else {
                continue;
            };
            levels[at] = self.of_outcome(slot, field, exchanged[0]);
            if let Some(partner) = partner {
                levels[partner] = self.of_outcome(&comparison.slots[partner], other, exchanged[1]);
            }
        }
    }

    fn field(&mut self, slot: &Slot, field: usize, a: usize, b: usize) -> u8 {
        let column = self.comparison.features.column(field);
        let (a, b) = (column[a], column[b]);
        if a == ABSENT || b == ABSENT {
            MISSING
        } else if a == b {
            self.comparison.bins[field][a as usize]
        } else {
            let level = self.unequal(field, a, b);
            if level == slot.similar {
                different(slot)
            } else {
                small(slot.bins + level)
            }
        }
    }

    /// The level of two different values below equality.
    fn unequal(&mut self, field: usize, a: u32, b: u32) -> usize {
        let comparison = &self.comparison.fields[field];
        let features = self.comparison.features;
        let pair = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
        let remembered = &mut self.remembered[field];
        if remembered.is_empty() {
            return comparison.level(features, field, a, b);
        }
        let at = remembered_at(pair);
        if remembered[at].0 != pair {
            remembered[at] = (pair, small(comparison.level(features, field, a, b)));
        }
        usize::from(remembered[at].1)
    }

    fn group(&mut self, group: &Group, a: usize, b: usize) -> u8 {
        let mut comparable = false;
        for (at, level) in group.levels.iter().enumerate() {
            match self.together(level, a, b) {
                Some(true) => return small(at),
                Some(false) => comparable = true,
                None => {}
            }
        }
        if comparable {
            small(group.levels.len())
        } else {
            MISSING
        }
    }

    /// Returns whether the fields of a level agree; `None` if one is absent.
    fn together(&mut self, level: &[GroupPart], a: usize, b: usize) -> Option<bool> {
        let features = self.comparison.features;
        let mut agree = true;
        for part in level {
            let column = features.column(part.field);
            let (a, b) = (column[a], column[b]);
            if a == ABSENT || b == ABSENT {
                return None;
            }
            agree = agree
                && (a == b
                    || part.similar
                        && self.unequal(part.field, a, b) == 0
                        && self.comparison.fields[part.field].similar_levels() > 0);
        }
        Some(agree)
    }

    fn of_outcome(&self, slot: &Slot, field: usize, outcome: Outcome) -> u8 {
        match outcome {
            Outcome::Swapped(how) => small(slot.bins + slot.similar) + how,
            Outcome::Equal(value) => self.comparison.bin(field, value),
            Outcome::Absent => MISSING,
            Outcome::Different => different(slot),
        }
    }

    /// Returns what becomes of two fields if their values are exchanged: of the first, which bears that, and of the other.
    fn exchanged(&mut self, first: usize, second: usize, a: usize, b: usize) -> Option<[Outcome; 2]> {
        let features = self.comparison.features;
        if !features.share(first, second) {
            return None;
        }
        let across = [
            (features.column(first)[a], features.column(second)[b]),
            (features.column(second)[a], features.column(first)[b]),
        ];
        let [one, other] = across.map(|(left, right)| {
            if left == ABSENT || right == ABSENT {
                Across::Absent
            } else if left == right {
                Across::Equal
            } else if self.unequal(second, left, right) < 2 {
                Across::Similar
            } else {
                Across::Different
            }
        });
        let value = if one == Across::Equal {
            across[0].0
        } else {
            across[1].0
        };
        let remains = match (one.min(other), one.max(other)) {
            (Across::Equal | Across::Similar, Across::Equal | Across::Similar) => {
                return Some([Outcome::Swapped(0), Outcome::Absent]);
            }
            (Across::Equal, Across::Absent) => Outcome::Absent,
            (Across::Equal, Across::Different) => Outcome::Different,
            _ => return None,
        };
        // One value is in both: in which field it belongs is where more members have it.
        let members = |field: usize| features.counts(field)[value as usize];
        Some(if members(first) >= members(second) {
            [Outcome::Swapped(1), remains]
        } else {
            [remains, Outcome::Equal(value)]
        })
    }
}

/// What becomes of a field when its values are exchanged with another's.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Swapped(u8),
    Equal(u32),
    Absent,
    Different,
}

/// How the value of a field compares with that of the field it may be exchanged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Across {
    Equal,
    Similar,
    Absent,
    Different,
}

fn different(slot: &Slot) -> u8 {
    small(slot.levels.len() - 1)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a slot has at most fifteen levels"
)]
fn small(level: usize) -> u8 {
    level as u8
}

fn remembered_at(pair: u64) -> usize {
    (pair.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51) as usize
}

/// The slots: fields outside groups in their order, then groups.
fn slots(settings: &Settings, fields: &[FieldComparison]) -> Vec<Slot> {
    let grouped = |field| {
        settings
            .groups
            .iter()
            .flat_map(|group| group.levels.iter().flatten())
            .any(|part: &GroupPart| part.field == field)
    };
    let mut slots: Vec<Slot> = Vec::new();
    for (at, field) in settings.fields.iter().enumerate() {
        if grouped(at) {
            continue;
        }
        let similar = fields[at].similar_levels();
        let swap = bearer(settings, at).map(|other| (other, None));
        let others = similar + 2 * usize::from(swap.is_some()) + 1;
        let bins = if field.frequency {
            MOST_BINS.min(MOST_LEVELS - others)
        } else {
            1
        };
        let equal = (0..bins).map(|bin| Likeness::Equal(small(bin)));
        let levels = equal
            .chain((1..=similar).map(|level| Likeness::Similar(small(level))))
            .chain(swap.into_iter().flat_map(|_| [0, 1].map(Likeness::Swapped)))
            .chain([Likeness::Different])
            .collect();
        slots.push(Slot {
            name: field.name.clone(),
            what: What::Field(at),
            role: field.role,
            kind: field.kind,
            levels,
            bins,
            similar,
            swap,
        });
    }
    for at in 0..slots.len() {
        if let Some((other, _)) = slots[at].swap {
            let partner = slots.iter().position(|slot| slot.what == What::Field(other));
            slots[at].swap = Some((other, partner));
        }
    }
    for (at, group) in settings.groups.iter().enumerate() {
        let members = || {
            group
                .levels
                .iter()
                .flatten()
                .map(|part| settings.fields[part.field].role)
        };
        let role = members().find(|role| *role != Role::Plain).unwrap_or_default();
        let levels = (0..group.levels.len()).map(|level| Likeness::Together(small(level)));
        slots.push(Slot {
            name: group.name.clone(),
            what: What::Group(at),
            role,
            kind: Kind::Text,
            levels: levels.chain([Likeness::Different]).collect(),
            bins: 0,
            similar: 0,
            swap: None,
        });
    }
    slots
}

/// Of two fields that are exchanged, one bears the level for it: the one that identifies, else the first. Returns the
/// other field if the given one does.
fn bearer(settings: &Settings, field: usize) -> Option<usize> {
    let other = settings.fields[field]
        .swap
        .or_else(|| settings.fields.iter().position(|other| other.swap == Some(field)))?;
    let identifies = |field: usize| settings.fields[field].role == Role::Identity;
    let bears = match (identifies(field), identifies(other)) {
        (true, false) => true,
        (false, true) => false,
        _ => field < other,
    };
    bears.then_some(other)
}

/// The level of equality in each value of a field, by how rare the value is.
fn bins(features: &Features, field: &Field, at: usize, bins: usize) -> Vec<u8> {
    let counts = features.counts(at);
    if bins < 2 {
        return vec![0; counts.len()];
    }
    let members: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let share_believed = agreement(field.kind);
    counts
        .iter()
        .map(|&count| {
            // The pair that agrees is not counted: among few members it would make every value look frequent.
            let others = f64::from(count.saturating_sub(2)) + BELIEVED_MEMBERS * share_believed;
            let share = others / (count_as_f64(members.saturating_sub(2)) + BELIEVED_MEMBERS);
            let rarity = -libm::log2(share);
            let bin = libm::floor((rarity - COMMON_BITS) / BITS_PER_BIN) + 1.0;
            let highest = f64::from(small(bins - 1));
            rounded_small(bin.clamp(0.0, highest))
        })
        .collect()
}

/// How many members the belief about a field's values weighs as much as.
const BELIEVED_MEMBERS: f64 = 500.0;
/// Values up to this rarity, in bits, are the most frequent level.
const COMMON_BITS: f64 = 5.0;
/// How much rarer the values of the next level are, in bits.
const BITS_PER_BIN: f64 = 2.0;

/// Returns about how many members there are for each that has a value of a rarity from 1 on: the middle of its level.
pub(crate) fn one_in(rarity: u8) -> u64 {
    // Level 1 begins at 5 bits, and each has 2.
    1 << (4 + 2 * rarity.min(20))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of members and pairs are far below 2^52"
)]
pub(crate) fn count_as_f64(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the number of levels"
)]
fn rounded_small(number: f64) -> u8 {
    number as u8
}
