//! A model as a table for people: what was learned of each field.

use super::compare::{Likeness, one_in};
use super::model::{LevelModel, Model};
use super::shown::{Bits, share_of};

/// A model: how often each level of agreement occurs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct MatchModel {
    /// Number of records that it was learned from.
    pub members: u64,
    /// Whether it knows households.
    pub households: bool,
    /// The binary logarithm of the share of all pairs that are one.
    pub prior: Bits,
    /// The fields outside groups, then the groups.
    pub fields: Vec<FieldModel>,
}

/// What was learned of a field or a group.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FieldModel {
    /// Its name in the stage.
    pub name: String,
    /// Its levels.
    pub levels: Vec<LevelShares>,
}

/// How often a level of agreement occurs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LevelShares {
    /// The level in words.
    pub level: String,
    /// m: its share among pairs that are one, in millionths.
    pub same_ppm: u32,
    /// h: its share among other pairs of one household, in millionths; `None` if the model knows no households.
    pub household_ppm: Option<u32>,
    /// u: its share among unrelated pairs, in millionths.
    pub unrelated_ppm: u32,
    /// What it says for being one, against being unrelated.
    pub bits: Bits,
}

/// Below this share, in millionths, a level says nothing to people.
const SEEN: u32 = 1_000;

impl LevelShares {
    /// Returns whether any class has more of it than one in a thousand: the rarest of equal values often have not.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        let shares = [Some(self.same_ppm), self.household_ppm, Some(self.unrelated_ppm)];
        shares.into_iter().flatten().any(|share| share >= SEEN)
    }
}

impl FieldModel {
    /// Returns the levels that are shown to people.
    pub fn seen(&self) -> impl Iterator<Item = &LevelShares> {
        self.levels.iter().filter(|level| level.is_seen())
    }
}

/// Renders a share in percent. One that was rounded to none or to all is neither.
#[must_use]
pub fn percent(ppm: u32) -> String {
    match ppm {
        0..100 => "<0.01%".to_owned(),
        100..10_000 => format!("{}.{:02}%", ppm / 10_000, ppm % 10_000 / 100),
        10_000..999_500 => format!("{}.{}%", ppm / 10_000, ppm % 10_000 / 1_000),
        _ => ">99.9%".to_owned(),
    }
}

impl MatchModel {
    pub(crate) fn new(model: &Model) -> Self {
        let households = model.classes == 3;
        let fields = model.slots.iter().map(|slot| {
            let bins = slot
                .levels
                .iter()
                .filter(|level| matches!(level.likeness, Likeness::Equal(_)));
            let has_bins = bins.count() > 1;
            FieldModel {
                name: slot.name.clone(),
                levels: slot
                    .levels
                    .iter()
                    .map(|level| shares(level, households, has_bins))
                    .collect(),
            }
        });
        Self {
            members: model.members,
            households,
            prior: Bits::new(model.prior[0]),
            fields: fields.collect(),
        }
    }
}

fn shares(level: &LevelModel, households: bool, has_bins: bool) -> LevelShares {
    let [same, household, unrelated] = level.shares;
    LevelShares {
        level: in_words(level.likeness, has_bins),
        same_ppm: share_of(same),
        household_ppm: households.then(|| share_of(household)),
        unrelated_ppm: share_of(unrelated),
        bits: Bits::new(same.saturating_sub(unrelated)),
    }
}

/// Names a level. `has_bins`: whether the rarity of equal values counts.
pub(crate) fn in_words(likeness: Likeness, has_bins: bool) -> String {
    match likeness {
        Likeness::Equal(0) if has_bins => "equal, frequent".to_owned(),
        Likeness::Equal(bin) if has_bins => format!("equal, 1 in {}", one_in(bin)),
        Likeness::Equal(_) => "equal".to_owned(),
        Likeness::Similar(1) => "nearly equal".to_owned(),
        Likeness::Similar(2) => "similar".to_owned(),
        Likeness::Similar(_) => "a little alike".to_owned(),
        Likeness::Swapped(0) => "exchanged with the other field".to_owned(),
        Likeness::Swapped(_) => "in the other field".to_owned(),
        Likeness::Together(level) => format!("level {} of the group", level + 1),
        Likeness::Different => "different".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn no_share_is_shown_as_none_or_all() {
        let shares = [0, 99, 100, 9_999, 10_000, 123_456, 999_499, 1_000_000].map(percent);
        assert_eq!(
            shares,
            [
                "<0.01%", "<0.01%", "0.01%", "0.99%", "1.0%", "12.3%", "99.9%", ">99.9%"
            ]
        );
    }
}
