//! The figures of a judgement, for the note in the ledger: never a value of a record.

use std::collections::BTreeMap;

use super::decided::DecidedPairs;
use crate::ledger::{KeyPairs, MatchFigures, ScoreBar, ScoreLine, ScoreLines, ScoredPair, many, part};
use crate::matching::{
    Bits, Clustering, Edge, Features, KeyFigures, Model, Ppm, Probability, Review, Scored, Scorer, Settings,
    bits_of, expected_in,
};
use crate::record::RecordNumber;

/// Number of pairs that a note shows of each sort.
const SHOWN: usize = 10;

/// Collects the figures of a pass. What people have decided about a pair says nothing about the model: such pairs count neither
/// as expected nor as found.
pub(super) fn figures(
    features: &Features,
    settings: &Settings,
    model: &Model,
    scored: &Scored,
    clustering: &Clustering,
    decided: &DecidedPairs,
) -> MatchFigures {
    let of_people = || scored.edges.iter().filter(|edge| decided.has(edge));
    let expected_of_people: u64 = of_people().map(|edge| u64::from(edge.posterior)).sum();
    let expected = scored
        .expected
        .saturating_sub((expected_of_people + 500_000) / 1_000_000);
    let found_by_people = of_people().filter(|edge| edge.is_certain(settings)).count() as u64;
    let found = scored.certain.saturating_sub(found_by_people);
    let mut clusters: BTreeMap<u64, u64> = BTreeMap::new();
    let mut labels = clustering.of.clone();
    labels.sort_unstable();
    for cluster in labels.chunk_by(|a, b| a == b) {
        *clusters.entry(cluster.len() as u64).or_default() += 1;
    }
    let mut review: BTreeMap<String, u64> = BTreeMap::new();
    for pair in &clustering.reviews {
        *review.entry(pair.band.name().to_owned()).or_default() += 1;
    }
    let histogram = scored.histogram.iter().map(|(bits, pairs)| ScoreBar {
        bits: *bits,
        pairs: *pairs,
        expected: expected_in(*bits, *pairs),
    });
    let pairs = Pairs {
        features,
        model,
        scorer: Scorer::new(features, settings, model),
    };
    let is_merged = |edge: &&Edge| clustering.of[edge.a as usize] == clustering.of[edge.b as usize];
    let merged = || scored.edges.iter().filter(is_merged);
    let pair = |edge: &Edge| pairs.scored(edge.a as usize, edge.b as usize, None);
    let (below, held): (Vec<&Review>, Vec<&Review>) = clustering
        .reviews
        .iter()
        .partition(|pair| pair.posterior < settings.auto);
    let waiting = |waiting: Vec<&Review>| {
        let shown = waiting.into_iter().take(SHOWN);
        shown
            .map(|review| pairs.scored(review.a, review.b, Some(review.band.name())))
            .collect()
    };
    MatchFigures {
        candidates: scored.candidates,
        expected,
        found,
        alarm: part(expected, found) || many(scored.alone, features.len() as u64),
        lines: ScoreLines {
            auto: line(settings.auto),
            review: line(settings.review),
        },
        review,
        clusters,
        keyless: scored.alone,
        keys: scored.keys.iter().map(of_key).collect(),
        histogram: histogram.collect(),
        strongest: merged().take(SHOWN).map(pair).collect(),
        weakest: merged().rev().take(SHOWN).map(pair).collect(),
        below: waiting(below),
        held: waiting(held),
        learned_from: None,
        absent: Vec::new(),
    }
}

fn of_key(key: &KeyFigures) -> KeyPairs {
    KeyPairs {
        key: key.name.clone(),
        pairs: key.pairs,
        largest: key.largest,
        refined: key.refined,
        dropped: key.dropped,
    }
}

fn line(probability: Ppm) -> ScoreLine {
    ScoreLine {
        bits: Bits::new(bits_of(probability)),
        probability: Probability::new(probability),
    }
}

/// What is needed to describe pairs.
struct Pairs<'f> {
    features: &'f Features,
    model: &'f Model,
    scorer: Scorer<'f>,
}

impl Pairs<'_> {
    fn scored(&self, a: usize, b: usize, band: Option<&str>) -> ScoredPair {
        let [low, high] = if self.features.number(a) <= self.features.number(b) {
            [a, b]
        } else {
            [b, a]
        };
        let score = self.scorer.pair(low, high);
        let name = |slot: &usize| self.model.slots.get(*slot).map(|slot| slot.name.clone());
        ScoredPair {
            a: RecordNumber::new(self.features.number(low)),
            a_id: None,
            b: RecordNumber::new(self.features.number(high)),
            b_id: None,
            bits: Bits::new(score.bits),
            probability: Probability::new(score.posterior),
            by: score.by.iter().filter_map(name).collect(),
            against: score.weakest.as_ref().and_then(name),
            band: band.map(str::to_owned),
        }
    }
}
