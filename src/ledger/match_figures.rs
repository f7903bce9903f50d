//! The figures of a comparison: what a merge notes in the ledger, and what plans, screens and reports show of it.

use std::collections::BTreeMap;

use crate::matching::{Bits, Probability};
use crate::record::RecordNumber;
use crate::shown::grouped;

/// What the comparison of a merge's members gave.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct MatchFigures {
    /// Number of pairs that were compared.
    pub candidates: u64,
    /// The sum of their probabilities: how many of them should be one.
    pub expected: u64,
    /// Number of pairs that are certain enough to be merged.
    pub found: u64,
    /// Whether the result is probably wrong: expected and found part too far, or many members were compared with no other.
    pub alarm: bool,
    /// The lines between pairs that are merged, pairs that wait for a decision, and others.
    pub lines: ScoreLines,
    /// Number of pairs that wait for a decision, by band.
    pub review: BTreeMap<String, u64>,
    /// Number of clusters, by their number of members.
    pub clusters: BTreeMap<u64, u64>,
    /// Number of members that are compared with no other, because each of their keys is shared by too many.
    pub keyless: u64,
    /// What each key contributes.
    pub keys: Vec<KeyPairs>,
    /// The compared pairs by their score.
    pub histogram: Vec<ScoreBar>,
    /// The strongest of the merged pairs, the strongest first.
    pub strongest: Vec<ScoredPair>,
    /// The weakest of the merged pairs, the weakest first.
    pub weakest: Vec<ScoredPair>,
    /// The strongest pairs below the line for merging, the strongest first.
    pub below: Vec<ScoredPair>,
    /// The strongest pairs above the line for merging that wait for a decision all the same, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<ScoredPair>,
    /// Number of compared pairs that this pass learned the model from; `None` if it learned none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_from: Option<u64>,
    /// What the stage reads and no member has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<AbsentValue>,
}

/// Something that a merge stage reads and no member has: probably a typing error.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct AbsentValue {
    /// What reads it: a `field`, a part of `by`, `one_per`, a key of a `block`, a rule in `survive`, or the expression
    /// `of` such a rule.
    pub what: String,
    /// The name of the field; of anything else, what it reads.
    pub name: String,
    /// What the field reads: a path, or an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl AbsentValue {
    pub(crate) fn new(what: &str, name: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            name: name.into(),
            from: None,
        }
    }

    pub(crate) fn from(mut self, from: impl Into<String>) -> Self {
        self.from = Some(from.into());
        self
    }

    /// Describes it, and what follows from it.
    #[must_use]
    pub fn text(&self) -> String {
        let name = &self.name;
        match (&*self.what, &self.from) {
            ("field", Some(from)) => format!("no member has a value for the field `{name}` (`{from}`)"),
            ("field", None) => format!("no member has a value for the field `{name}`"),
            ("by", _) => format!("no member has a value for `{name}` in `by`, so none is merged"),
            ("one_per", _) => {
                format!("`one_per` has no effect: its expression `{name}` gives no value for any member")
            }
            ("block", _) => {
                format!("a key of [[merge.block]] has no effect: no member has a value for its part `{name}`")
            }
            ("of", _) => {
                format!(
                    "a rule of [merge.survive] has no effect: no member has a value for its `of`, `{name}`"
                )
            }
            _ => format!("the rule of [merge.survive] for `{name}` has no effect: no member has this field"),
        }
    }
}

/// Where merging begins, and where a person has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ScoreLines {
    /// Pairs from here on are merged, unless something holds them back.
    pub auto: ScoreLine,
    /// Pairs from here on wait for a decision.
    pub review: ScoreLine,
}

/// A line between scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ScoreLine {
    /// The score.
    pub bits: Bits,
    /// The probability that it stands for.
    pub probability: Probability,
}

/// The pairs that one key contributes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct KeyPairs {
    /// The key, as a stage file would write it.
    pub key: String,
    /// Number of pairs that share it.
    pub pairs: u64,
    /// Number of members of its largest block.
    pub largest: u64,
    /// Number of members whose block was refined with a further part.
    pub refined: u64,
    /// Number of members that lost this key because their block was too large.
    pub dropped: u64,
}

/// The pairs whose score has these whole bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ScoreBar {
    /// The bits, rounded down; the first and the last bar hold everything beyond.
    pub bits: i32,
    /// Number of pairs.
    pub pairs: u64,
    /// How many of them should be one.
    pub expected: u64,
}

/// A pair with its score.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ScoredPair {
    /// Number of the one record, the smaller.
    pub a: RecordNumber,
    /// Its id, where it may be shown; a note has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_id: Option<String>,
    /// Number of the other record.
    pub b: RecordNumber,
    /// Its id, where it may be shown; a note has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_id: Option<String>,
    /// The score.
    pub bits: Bits,
    /// The probability that the two are one.
    pub probability: Probability,
    /// The fields that speak for it, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The field that speaks most against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Why it waits for a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
}

/// Number of pairs by which expected and found may differ in any case: a few pairs say nothing about a model.
const CHANCE: u64 = 10;

/// Returns whether the numbers of expected and of found pairs part so far that the model is probably wrong: one is more
/// than half as large again as the other. Of a sound model some of the expected pairs always wait for a decision; of one
/// that takes a household for a person the expected pairs are many times those found.
pub(crate) fn part(expected: u64, found: u64) -> bool {
    let (less, more) = (expected.min(found), expected.max(found));
    more > less.saturating_add(less / 2).saturating_add(CHANCE)
}

/// Number of compared pairs from which on a learned model is worth something: it has to estimate how often each level of
/// each field occurs.
const FEW_PAIRS: u64 = 100;

/// Returns a number with what it counts, and the verb.
fn counted(number: u64, one: &str) -> (String, &'static str) {
    match number {
        1 => (format!("1 {one}"), "was"),
        _ => (format!("{} {one}s", grouped(number)), "were"),
    }
}

/// Returns whether so many members are compared with no other that the result is probably wrong: more than one in a
/// hundred.
pub(crate) fn many(keyless: u64, members: u64) -> bool {
    keyless > CHANCE && keyless > members / 100
}

impl MatchFigures {
    /// Returns the number of pairs that wait for a decision.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.review.values().sum()
    }

    /// Returns whether so many members are compared with no other that the result is probably wrong.
    fn are_many_keyless(&self) -> bool {
        let members: u64 = self
            .clusters
            .iter()
            .map(|(members, clusters)| members * clusters)
            .sum();
        many(self.keyless, members)
    }

    /// Describes what the alarm means, each reason with what to do. `is_recorded`: an earlier pass learned the model.
    pub(crate) fn alarms(&self, is_recorded: bool) -> Vec<String> {
        let mut alarms = Vec::new();
        if part(self.expected, self.found) {
            let mut alarm = if self.expected > self.found {
                "the model expects far more pairs than it finds certain: it may take a household or a place for a person; see \
                 which fields are `shared`, and which `identity`"
            } else {
                "the model finds far more pairs certain than it expects: see which fields repeat each other, and group them"
            }
            .to_owned();
            if is_recorded {
                alarm += "; if many records have changed since it was learned, `counterfoil apply --relearn` learns it anew";
            }
            alarms.push(alarm);
        }
        if self.are_many_keyless() {
            alarms.push(format!(
                "{} records were compared with no other, and equal ones among them are not merged: too many share each \
                 of their keys; add `[[merge.block]]` keys that fewer share, raise their `limit`, or make values that \
                 fill a field, such as `unknown`, empty in a stage before",
                grouped(self.keyless)
            ));
        }
        alarms
    }

    /// Describes what is probably not intended.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.absent.iter().map(AbsentValue::text).collect();
        if self.keyless > 0 && !self.are_many_keyless() {
            let (records, were) = counted(self.keyless, "record");
            warnings.push(format!(
                "{records} {were} compared with no other: too many share each of their keys; add `[[merge.block]]` keys"
            ));
        }
        let is_several = self.clusters.values().sum::<u64>() > 1;
        if self.learned_from == Some(0) && is_several && self.keyless == 0 {
            warnings.push(
                "no two records share a key, so none was compared with another: add `[[merge.block]]` keys"
                    .to_owned(),
            );
        }
        if let Some(pairs @ 1..FEW_PAIRS) = self.learned_from {
            let (pairs, _) = counted(pairs, "compared pair");
            warnings.push(format!(
                "the model was learned from {pairs} only, which is too few to rely on: look at every merged pair, or \
                 apply the stage to more records"
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::{many, part};

    #[test]
    fn the_alarm_sounds_where_a_household_is_taken_for_a_person_and_not_for_a_sound_model() {
        // Families of the design: expected and found of the sound model, and of the one without households.
        assert!(!part(3_148, 2_600) && !part(310_420, 247_000) && !part(1_909, 1_584));
        assert!(part(15_136, 3_020) && part(3_020, 15_136));
        assert!(
            !part(3, 12) && !part(0, 10) && part(0, 11) && part(u64::MAX, 0) && !part(u64::MAX, u64::MAX)
        );
        assert!(many(10_000, 10_000) && many(11, 1_000) && !many(10, 10) && !many(100, 1_000_000));
    }
}
