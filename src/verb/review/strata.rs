//! The strata of a sample: what would become of a pair, and how near it is to the lines.

use crate::engine::MergeAsJudged;
use crate::error::Result;
use crate::matching::{Bits, Edge, Millibits, Ppm, Scored, Settings, bits_of};

/// Pairs below this probability, in millionths, are in no stratum: of a hundred of them not one is one.
pub(super) const FAR: Ppm = 10_000;
/// How far above the line for merging a pair is certain, in millibits: as far as a probability of 0.5 is below 0.99.
const CERTAIN: Millibits = 6_600;

/// What a stage does with the pairs of a stratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treated {
    /// Nothing.
    Passed,
    /// They wait for a person.
    Listed,
    /// They are merged, if their golden records go together.
    Merged,
}

/// A stratum.
#[derive(Clone, Debug)]
pub(super) struct Stratum {
    /// Its name.
    pub(super) name: &'static str,
    pub(super) treated: Treated,
    /// The least score of its pairs.
    pub(super) from: Bits,
    /// Its pairs, the strongest first.
    pub(super) edges: Vec<Edge>,
}

/// Scores all candidates that are in a stratum. All figures of a calibration and every sample begin with it.
pub(super) fn scored(judged: &MergeAsJudged<'_>) -> Result<Scored> {
    let mut settings = judged.settings().clone();
    settings.review = FAR.min(settings.review);
    judged.scored(&settings)
}

/// Divides candidates into strata. One that is held back is listed, however probable it is.
pub(super) fn strata(settings: &Settings, scored: &Scored) -> Vec<Stratum> {
    let [far, review, auto] = [FAR.min(settings.review), settings.review, settings.auto].map(bits_of);
    let low = i32::midpoint(far, review);
    let middle = i32::midpoint(review, auto);
    let empty = |name, treated, from| Stratum {
        name,
        treated,
        from: Bits::new(from),
        edges: Vec::new(),
    };
    let mut strata = vec![
        empty("far below", Treated::Passed, far),
        empty("below", Treated::Passed, low),
        empty("listed, doubtful", Treated::Listed, review),
        empty("listed, probable", Treated::Listed, middle),
        empty("held back", Treated::Listed, auto),
        empty("merged, weak", Treated::Merged, auto),
        empty("merged, strong", Treated::Merged, auto + CERTAIN),
    ];
    for edge in &scored.edges {
        strata[place(settings, edge, [low, middle, auto + CERTAIN])]
            .edges
            .push(*edge);
    }
    strata
}

fn place(settings: &Settings, edge: &Edge, [low, middle, strong]: [Millibits; 3]) -> usize {
    if edge.posterior < settings.review {
        usize::from(edge.bits >= low)
    } else if edge.posterior < settings.auto {
        2 + usize::from(edge.bits >= middle)
    } else if edge.held.is_some() {
        4
    } else {
        5 + usize::from(edge.bits >= strong)
    }
}
