//! The figures of a comparison: what a merge notes in the ledger, and what plans, screens and reports show of it.

use std::collections::BTreeMap;

use crate::matching::{Bits, Probability};
use crate::record::RecordNumber;

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
    /// Whether expected and found part so far that the model is probably wrong.
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

impl MatchFigures {
    /// Returns the number of pairs that wait for a decision.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.review.values().sum()
    }

    /// Returns the number of clusters with several members.
    #[must_use]
    pub fn merged_clusters(&self) -> u64 {
        self.clusters.range(2..).map(|(_, clusters)| clusters).sum()
    }

    /// Describes what the alarm means.
    #[must_use]
    pub fn alarm_text(&self) -> Option<&'static str> {
        let more = self.expected > self.found;
        self.alarm.then_some(if more {
            "the model expects far more pairs than it finds certain: it may take a household or a place for a person; see \
             which fields are `shared`, and which `identity`"
        } else {
            "the model finds far more pairs certain than it expects: see which fields repeat each other, and group them"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn the_alarm_sounds_where_a_household_is_taken_for_a_person_and_not_for_a_sound_model() {
        // Families of the design: expected and found of the sound model, and of the one without households.
        assert!(!part(3_148, 2_600) && !part(310_420, 247_000) && !part(1_909, 1_584));
        assert!(part(15_136, 3_020) && part(3_020, 15_136));
        assert!(
            !part(3, 12) && !part(0, 10) && part(0, 11) && part(u64::MAX, 0) && !part(u64::MAX, u64::MAX)
        );
    }
}
