//! Calibration: how sure the model is of what it does, what other lines would do, and what labels of a sample say of it.
//! Everything is computed again from the recorded model, and nothing is written.

use std::collections::BTreeMap;

use super::estimate::{Estimated, Labels, share_found, share_of_same};
use super::figures::{Share, Tenths};
use super::strata::{Stratum, Treated, scored, strata};
use crate::engine::MergeAsJudged;
use crate::error::Result;
use crate::ledger::decisions::{Verdict, in_order};
use crate::ledger::review::labels;
use crate::ledger::{ScoreBar, ScoreLines};
use crate::matching::{Bits, Clustering, Edge, Ppm, Scored, Scorer, Settings};
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stages;
use crate::store::Store;

/// Lines for merging that are tried, in millionths, beside that of the stage.
const AUTO: [Ppm; 4] = [950_000, 980_000, 995_000, 999_000];
/// Lines for listing that are tried, in millionths, beside that of the stage.
const REVIEW: [Ppm; 2] = [300_000, 700_000];

/// How sure the model of a merge stage is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Calibration {
    /// Number of the stage.
    pub stage: u32,
    /// The batch that keeps the model.
    pub model_batch: BatchId,
    /// Number of members.
    pub members: u64,
    /// Number of pairs that share a key.
    pub candidates: u64,
    /// The sum of their probabilities: how many should be one.
    pub expected: u64,
    /// Number of pairs that are certain enough to be merged.
    pub found: u64,
    /// Why the model is probably wrong, with what to do.
    pub alarms: Vec<String>,
    /// The lines of the stage.
    pub lines: ScoreLines,
    /// The pairs by their score.
    pub histogram: Vec<ScoreBar>,
    /// What the lines of the stage do, and what others would do.
    pub lines_tried: Vec<LineTried>,
    /// What labels say; `None` if there are none.
    pub labelled: Option<LabelledSample>,
}

/// What a pass over everything would make with these lines, as people have decided so far.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LineTried {
    /// From this probability on, pairs are merged.
    pub auto: Share,
    /// From this probability on, pairs are listed for a decision.
    pub review: Share,
    /// Whether these are the lines of the stage.
    pub in_force: bool,
    /// Number of golden records.
    pub golden: u64,
    /// Number of records that are merged with others.
    pub merged: u64,
    /// Number of pairs that wait for a decision.
    pub waiting: u64,
    /// How many pairs of merged records are not one, by the model: the sum of what their probabilities lack of 1. What a
    /// person has accepted does not count.
    pub false_merges: Tenths,
    /// How many pairs of records that are not merged are one, by the model: the sum of their probabilities.
    pub missed: Tenths,
}

/// What labels say about the lines of the stage.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LabelledSample {
    /// Number of labels of pairs in a stratum.
    pub labels: u64,
    /// Number of labels of pairs that are in none: they share no key, are too improbable, or have left the source.
    pub elsewhere: u64,
    /// The strata with their labels.
    pub strata: Vec<LabelledStratum>,
    /// Of the pairs that are certain enough to be merged, the share that is one.
    pub precision: Option<Estimate>,
    /// Of the pairs that are one, the share that is certain enough to be merged. Only pairs in a stratum count.
    pub recall: Option<Estimate>,
    /// Of the pairs that are one, the share that is certain enough to be merged, or is listed for a decision.
    pub recall_with_review: Option<Estimate>,
}

/// A stratum with its labels.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LabelledStratum {
    /// Its name.
    pub name: String,
    /// The least score of its pairs.
    pub from: Bits,
    /// Number of pairs.
    pub pairs: u64,
    /// Number of those that have a label.
    pub labelled: u64,
    /// Number of those that are one, by their label.
    pub same: u64,
    /// How many of the labelled pairs should be one, by the model.
    pub expected: Tenths,
}

/// An estimate from labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The share.
    pub share: Share,
    /// The lower bound of the interval that holds the true share in 95 of 100 samples.
    pub low: Share,
    /// Its upper bound.
    pub high: Share,
}

impl Store {
    /// Scores all candidates of a merge stage with the recorded model, clusters them with its lines and with others, and
    /// compares the labels that there are (`review.same`, `review.different`) with what the stage does. Nothing is written.
    ///
    /// Labels count as a random sample of their stratum, as [`Store::review_sample`] draws it.
    ///
    /// # Errors
    /// As [`Store::compare_pairs`]; and when decisions contradict each other.
    pub fn calibrate(&self, stages: &Stages, stage_number: u32) -> Result<Calibration> {
        let judged = MergeAsJudged::read(self, stages, stage_number)?;
        let scored = scored(&judged)?;
        let settings = judged.settings();
        let above = above(&scored, settings);
        let figures = judged.figures(&above, &judged.clustered(settings, &above)?)?;
        let labels = labels(self.connection(), stages.project(), stage_number)?;
        Ok(Calibration {
            stage: stage_number,
            model_batch: judged.model_batch,
            members: judged.features().len() as u64,
            candidates: figures.candidates,
            expected: figures.expected,
            found: figures.found,
            alarms: figures.alarms(true),
            lines: figures.lines,
            lines_tried: tried(&judged, &scored)?,
            labelled: labelled(&judged, &strata(settings, &scored), &labels),
            histogram: figures.histogram,
        })
    }
}

/// Returns the candidates that these settings see.
fn above(scored: &Scored, settings: &Settings) -> Scored {
    let edges: Vec<Edge> = (scored.edges.iter())
        .filter(|edge| edge.posterior >= settings.review)
        .copied()
        .collect();
    let certain = edges.iter().filter(|edge| edge.is_certain(settings)).count();
    Scored {
        certain: certain as u64,
        edges,
        ..scored.clone()
    }
}

/// Tries lines.
fn tried(judged: &MergeAsJudged<'_>, candidates: &Scored) -> Result<Vec<LineTried>> {
    let own = (judged.settings().auto, judged.settings().review);
    let mut lines: Vec<(Ppm, Ppm)> = AUTO.iter().map(|auto| (*auto, own.1)).collect();
    lines.extend(REVIEW.iter().map(|review| (own.0, *review)));
    lines.push(own);
    lines.retain(|(auto, review)| auto > review || (*auto, *review) == own);
    lines.sort_unstable();
    lines.dedup();
    let scorer = judged.scorer();
    let mut tried = Vec::with_capacity(lines.len());
    for (auto, review) in lines {
        let mut settings = judged.settings().clone();
        (settings.auto, settings.review) = (auto, review);
        let above = above(candidates, &settings);
        let clustering = judged.clustered(&settings, &above)?;
        let sizes = sizes(&clustering);
        tried.push(LineTried {
            auto: Share::new(auto),
            review: Share::new(review),
            in_force: (auto, review) == own,
            golden: sizes.len() as u64,
            merged: sizes.values().filter(|members| **members > 1).sum(),
            waiting: clustering.reviews.len() as u64,
            false_merges: Tenths::from_ppm(false_merges(judged, &scorer, &clustering)),
            missed: Tenths::from_ppm(missed(candidates, &clustering)),
        });
    }
    Ok(tried)
}

/// The number of members of each cluster.
fn sizes(clustering: &Clustering) -> BTreeMap<u32, u64> {
    let mut sizes = BTreeMap::new();
    for label in &clustering.of {
        *sizes.entry(*label).or_default() += 1;
    }
    sizes
}

/// What the probabilities of all merged pairs lack of 1, in millionths.
fn false_merges(judged: &MergeAsJudged<'_>, scorer: &Scorer<'_>, clustering: &Clustering) -> u64 {
    let mut members: Vec<(u32, usize)> = clustering.of.iter().copied().zip(0..).collect();
    members.sort_unstable();
    let mut lacking = 0;
    for cluster in members.chunk_by(|a, b| a.0 == b.0) {
        for (at, (_, one)) in cluster.iter().enumerate() {
            for (_, other) in &cluster[at + 1..] {
                let pair = in_order(judged.record_at(*one), judged.record_at(*other));
                let found = judged.verdicts.get(&pair);
                if found.is_none_or(|found| found.verdict != Verdict::Accepted) {
                    lacking += u64::from(1_000_000 - scorer.pair(*one, *other).posterior.min(1_000_000));
                }
            }
        }
    }
    lacking
}

/// The sum of the probabilities of candidates that are not merged, in millionths.
fn missed(scored: &Scored, clustering: &Clustering) -> u64 {
    let is_merged = |edge: &&Edge| clustering.of[edge.a as usize] == clustering.of[edge.b as usize];
    let merged = scored.edges.iter().filter(is_merged);
    let merged: u64 = merged.map(|edge| u64::from(edge.posterior)).sum();
    scored.expected_ppm.saturating_sub(merged)
}

/// Compares labels with what the stage does.
fn labelled(
    judged: &MergeAsJudged<'_>,
    strata: &[Stratum],
    labels: &BTreeMap<(RecordNumber, RecordNumber), bool>,
) -> Option<LabelledSample> {
    if labels.is_empty() {
        return None;
    }
    let mut counts = Vec::with_capacity(strata.len());
    let mut expected = Vec::with_capacity(strata.len());
    for stratum in strata {
        let (mut of, mut sum) = (Labels::default(), 0);
        of.pairs = stratum.edges.len() as u64;
        for edge in &stratum.edges {
            let pair = in_order(
                judged.record_at(edge.a as usize),
                judged.record_at(edge.b as usize),
            );
            if let Some(is_same) = labels.get(&pair) {
                of.labelled += 1;
                of.same += u64::from(*is_same);
                sum += u64::from(edge.posterior);
            }
        }
        counts.push(of);
        expected.push(Tenths::from_ppm(sum));
    }
    let merged: Vec<bool> = strata.iter().map(|of| of.treated == Treated::Merged).collect();
    let seen: Vec<bool> = strata.iter().map(|of| of.treated != Treated::Passed).collect();
    let of_merged: Vec<Labels> = (counts.iter().zip(&merged))
        .filter(|(_, merged)| **merged)
        .map(|(of, _)| *of)
        .collect();
    let in_strata: u64 = counts.iter().map(|of| of.labelled).sum();
    let rows = strata.iter().zip(&counts).zip(expected);
    let rows = rows.map(|((stratum, of), expected)| LabelledStratum {
        name: stratum.name.to_owned(),
        from: stratum.from,
        pairs: of.pairs,
        labelled: of.labelled,
        same: of.same,
        expected,
    });
    Some(LabelledSample {
        labels: in_strata,
        elsewhere: labels.len() as u64 - in_strata,
        strata: rows.collect(),
        precision: share_of_same(&of_merged).map(Estimate::new),
        recall: share_found(&counts, &merged).map(Estimate::new),
        recall_with_review: share_found(&counts, &seen).map(Estimate::new),
    })
}

impl Estimate {
    fn new(found: Estimated) -> Self {
        let [low, high] = found.interval.map(Share::new);
        Self {
            share: Share::new(found.share),
            low,
            high,
        }
    }
}
