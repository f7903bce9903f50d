//! The judgement of a pass: which records are one, by which model, and what has to be written because of it.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::earlier::{Earlier, fresh, initial, touched};
use super::excess::finished;
use super::figures::figures;
use super::members::{Members, index_of};
use super::units::{Clusters, Units, units};
use crate::context::Context;
use crate::digest::{hex, sha256};
use crate::error::{Error, Result};
use crate::expression::Scope;
use crate::ledger::MatchFigures;
use crate::ledger::merged::{MergeNote, Noted};
use crate::ledger::selection::RecordSelection;
use crate::matching::{
    self, Clustering, Constraints, Features, Learn, Millibits, Model, Review, Scored, Scorer, Threads,
};
use crate::record::{BatchId, RecordNumber};
use crate::stage::{Merge, Stage};

/// Where the model of a pass comes from.
pub(super) enum ModelOrigin {
    /// Learned by this pass.
    Learned(Model),
    /// Learned by the pass that wrote this batch.
    Recorded(BatchId, Model),
}

impl ModelOrigin {
    pub(super) fn model(&self) -> &Model {
        match self {
            Self::Learned(model) | Self::Recorded(_, model) => model,
        }
    }

    /// Returns the number of compared pairs that this pass learned from; `None` if it did not, or if the stage gives the
    /// weights.
    pub(super) fn learned_from(&self, merge: &Merge) -> Option<u64> {
        match self {
            Self::Learned(model) if matches!(merge.settings().learn, Learn::Em) => Some(model.candidates),
            _ => None,
        }
    }

    /// Returns the model of a pass: the recorded one, if the stage still means the same; else a new one. `None` if the
    /// threads have to stop.
    pub(super) fn new(
        stage: &Stage,
        merge: &Merge,
        members: &Members,
        recorded: Option<MergeNote>,
        threads: Threads<'_>,
    ) -> Result<Option<Self>> {
        let recorded = recorded.filter(|note| stage.does_as(&note.meaning));
        if let Some(note) = recorded {
            return Ok(Some(Self::Recorded(note.batch, model_in(&note)?)));
        }
        let learned = matching::learn(&members.features, merge.settings(), threads);
        Ok(finished(stage, learned)?.map(Self::Learned))
    }
}

/// Reads the model that a note keeps.
pub(super) fn model_in(note: &MergeNote) -> Result<Model> {
    let learned = note.noted.learned.as_ref();
    learned.and_then(Model::from_json).ok_or_else(|| Error::Damaged {
        what: format!("the model in batch {} cannot be read", note.batch),
    })
}

/// What speaks for a member's place in its cluster.
#[derive(Clone, Debug)]
pub(super) struct MemberScore {
    /// Its strongest pair there.
    pub(super) strongest: Millibits,
    /// Its weakest pair there.
    pub(super) weakest: Millibits,
    /// The slots that speak for the strongest pair, the strongest first.
    pub(super) by: Vec<usize>,
}

/// What a pass has to write.
pub(super) struct Judged {
    pub(super) units: Units,
    /// The pairs that a person has to decide, by either side.
    pub(super) reviews: HashMap<usize, Vec<Review>>,
    /// What speaks for the members of clusters of two and more.
    pub(super) scores: HashMap<usize, MemberScore>,
    /// SHA-256 over the clusters, to recognize them when the pass is continued.
    pub(super) digest: String,
    /// Figures for the note.
    pub(super) figures: MatchFigures,
}

/// Scores and clusters until no record is affected whose pairs were not all compared; `None` if the threads have to stop.
pub(super) fn judge(
    stage: &Stage,
    merge: &Merge,
    context: Context<'_>,
    members: &Members,
    earlier: &Earlier,
    model: &Model,
    threads: Threads<'_>,
) -> Result<Option<Judged>> {
    let features = &members.features;
    let loose = earlier.loose(members);
    let is_first = matches!(earlier.selection, RecordSelection::Table { .. });
    let fresh = (!is_first).then(|| fresh(features, earlier, &loose));
    let initial = fresh.as_ref().map(|fresh| initial(features, earlier, fresh));
    let mut touched = fresh.map(|fresh| touched(features, earlier, fresh));
    let decided = earlier.decisions.of_members(features);
    loop {
        let scored = matching::score(features, merge.settings(), model, touched.as_deref(), threads);
        let Some(scored) = finished(stage, scored)? else {
            return Ok(None);
        };
        let constraints = decided.constraints(initial.as_deref());
        let clustering = clustered(merge, context, features, model, &scored, &constraints);
        let found = units(clusters(features, &clustering), &loose, earlier);
        if let Some(touched) = &mut touched
            && touches_more(features, &found, touched)
        {
            continue;
        }
        return Ok(Some(Judged {
            digest: digest(features, &clustering, merge.settings().fields.len()),
            reviews: by_side(&clustering.reviews),
            scores: scores(merge, features, model, &found),
            figures: figures(features, merge.settings(), model, &scored, &clustering, &decided),
            units: found,
        }));
    }
}

fn clustered(
    merge: &Merge,
    context: Context<'_>,
    features: &Features,
    model: &Model,
    pairs: &Scored,
    constraints: &Constraints<'_>,
) -> Clustering {
    let scorer = Scorer::new(features, merge.settings(), model);
    let conflict = |a: usize, b: usize| conflict(merge, features, context, (a, b));
    matching::cluster(features, merge.settings(), pairs, &scorer, constraints, &conflict)
}

/// Returns what the stage's conflicts say about a pair.
pub(super) fn conflict(
    merge: &Merge,
    features: &Features,
    context: Context<'_>,
    (a, b): (usize, usize),
) -> Option<matching::Then> {
    if !merge.has_conflicts() {
        return None;
    }
    let fields = merge.settings().fields.len();
    let values = |member: usize| -> Vec<Option<String>> {
        let value = |field| features.value(member, field).map(str::to_owned);
        (0..fields).map(value).collect()
    };
    merge.conflict(&values(a), &values(b), &mut Scope::new(context))
}

/// Marks the records of the units; returns whether any was not marked before.
fn touches_more(features: &Features, units: &Units, touched: &mut [bool]) -> bool {
    let mut more = false;
    for at in units
        .clusters()
        .flatten()
        .filter_map(|record| index_of(features, *record))
    {
        more |= !std::mem::replace(&mut touched[at], true);
    }
    more
}

fn clusters(features: &Features, clustering: &Clustering) -> Clusters {
    // The label of a cluster is its member with the smallest number, so that their order is that of the clusters.
    let mut members: Vec<(u32, u32)> = clustering.of.iter().copied().zip(0..).collect();
    members.sort_unstable();
    let mut clusters = Clusters::default();
    for cluster in members.chunk_by(|a, b| a.0 == b.0) {
        let numbers = cluster.iter().map(|(_, at)| features.number(*at as usize));
        clusters.push(numbers.map(RecordNumber::new));
    }
    clusters
}

/// Returns a hash over the compared values and the clusters, so that a pass is continued only over what it began with.
fn digest(features: &Features, clustering: &Clustering, fields: usize) -> String {
    let (mut hash, mut text) = ([0; 32], Vec::new());
    for (at, label) in clustering.of.iter().enumerate() {
        text.extend(features.number(at).to_be_bytes());
        text.extend(features.number(*label as usize).to_be_bytes());
        for value in (0..fields).map(|field| features.value(at, field).unwrap_or_default()) {
            text.extend(value.as_bytes());
            text.push(0);
        }
        if text.len() >= DIGESTED {
            hash = sha256(&[&hash, &text]);
            text.clear();
        }
    }
    hex(&sha256(&[&hash, &text]))
}

/// Number of bytes that are hashed together.
const DIGESTED: usize = 1 << 20;

/// Scores the pairs within the clusters that are written.
fn scores(merge: &Merge, features: &Features, model: &Model, units: &Units) -> HashMap<usize, MemberScore> {
    let judging = Scorer::new(features, merge.settings(), model);
    let mut scores: HashMap<usize, MemberScore> = HashMap::new();
    for cluster in units.clusters().filter(|cluster| cluster.len() > 1) {
        let members: Vec<usize> = cluster
            .iter()
            .filter_map(|member| index_of(features, *member))
            .collect();
        for (at, a) in members.iter().enumerate() {
            for b in &members[at + 1..] {
                let pair = judging.pair(*a, *b);
                for side in [a, b] {
                    let score = scores.entry(*side).or_insert_with(|| MemberScore {
                        strongest: Millibits::MIN,
                        weakest: Millibits::MAX,
                        by: Vec::new(),
                    });
                    score.weakest = score.weakest.min(pair.bits);
                    if pair.bits > score.strongest {
                        score.strongest = pair.bits;
                        score.by.clone_from(&pair.by);
                    }
                }
            }
        }
    }
    scores
}

fn by_side(reviews: &[Review]) -> HashMap<usize, Vec<Review>> {
    let mut sides: HashMap<usize, Vec<Review>> = HashMap::new();
    for review in reviews {
        for side in [review.a, review.b] {
            sides.entry(side).or_default().push(*review);
        }
    }
    sides
}

/// Renders the note of a pass.
pub(super) fn note(origin: &ModelOrigin, judged: &Judged, members: &Members) -> Json {
    let (learned, model) = match origin {
        ModelOrigin::Learned(model) => (Some(model.to_json()), None),
        ModelOrigin::Recorded(batch, _) => (None, Some(*batch)),
    };
    let text = origin.model().to_json().to_string();
    let noted = Noted {
        learned,
        model,
        members: members.features.len() as u64,
        figures: judged.figures.clone(),
        digest: judged.digest.clone(),
        model_sha256: hex(&sha256(&[text.as_bytes()])),
    };
    noted.to_json()
}

/// Returns the digest in a note.
pub(super) fn digest_in(note: &MergeNote) -> &str {
    &note.noted.digest
}
