//! Candidates scored: the pairs that are probable enough, the strongest first, and the figures of all.

mod scorer;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::matching::compare::Comparer;
use crate::matching::features::Features;
use crate::matching::keys::Blocks;
use crate::matching::limits::{Exceeded, Excess, KeyFigures, Threads, Unfinished};
use crate::matching::model::Model;
use crate::matching::odds::{bits_of, probability};
use crate::matching::settings::{Millibits, Ppm, Settings};

pub(crate) use scorer::{Evidence, Held, PairScore, Scorer, SlotScore};

/// A pair of members at or above the review line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The member whose tie is the smaller.
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) bits: Millibits,
    pub(crate) posterior: Ppm,
    /// Why it is shown at most.
    pub(crate) held: Option<Held>,
}

/// What scoring all candidates gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scored {
    /// The strongest first; equal ones by their ties.
    pub(crate) edges: Vec<Edge>,
    pub(crate) keys: Vec<KeyFigures>,
    /// By key: the pairs that no earlier key has.
    pub(crate) first: Vec<u64>,
    /// All pairs that were scored.
    pub(crate) candidates: u64,
    /// The sum of their probabilities: how many should be the same.
    pub(crate) expected: u64,
    /// The same sum, in millionths.
    pub(crate) expected_ppm: u64,
    /// Those at or above the line for merging that nothing holds back.
    pub(crate) certain: u64,
    /// Pairs by the whole bits of their score, ascending.
    pub(crate) histogram: Vec<(i32, u64)>,
    pub(crate) alone: u64,
}

/// The bounds of the histogram, in bits; what lies beyond counts in the last.
const LEAST_BITS: i32 = -40;
const MOST_BITS: i32 = 60;
const BARS: usize = 101;
/// The bytes of an edge.
const EDGE: u64 = size_of::<Edge>() as u64;
/// What a probability of one is in the sum of all.
const ONE: f64 = 4_294_967_296.0;
/// Pairs below this score do not count in the sum of probabilities: each is less than four parts of [`ONE`].
const NEGLIGIBLE: Millibits = -30_000;
/// How far below the score of a probability another one may lie that rounds to the same millionths: a probability of one
/// millionth begins at half of one, one bit below.
const ROUNDED: Millibits = 1_001;

/// What one thread makes of its pairs.
struct Worker<'c, 'f> {
    comparer: Comparer<'c, 'f>,
    levels: Vec<u8>,
    edges: Vec<Edge>,
    first: Vec<u64>,
    expected: u64,
    bars: [u64; BARS],
}

/// Scores the candidates; with `touched`, only those of which one is.
pub(crate) fn score(
    features: &Features,
    settings: &Settings,
    model: &Model,
    touched: Option<&[bool]>,
    threads: Threads<'_>,
) -> Result<Scored, Unfinished> {
    let scorer = Scorer::new(features, settings, model);
    let blocks = Blocks::new(features, settings)?;
    let left = settings.limits.memory.saturating_sub(blocks.memory(features));
    // All threads count together, so that the limit does not depend on how many there are. A vector that grows takes up
    // to twice what it holds.
    let most = usize::try_from(left / EDGE / 2).unwrap_or(usize::MAX);
    let found = AtomicUsize::new(0);
    let least = bits_of(settings.review) - ROUNDED;
    let mut workers: Vec<Worker<'_, '_>> = (0..threads.number)
        .map(|_| Worker {
            comparer: scorer.comparison.comparer(),
            levels: vec![0; scorer.comparison.slots.len()],
            edges: Vec::new(),
            first: vec![0; blocks.len()],
            expected: 0,
            bars: [0; BARS],
        })
        .collect();
    blocks.visit(threads, &mut workers, touched, |worker, key, a, b| {
        worker.first[key] += 1;
        let evidence = scorer.evidence(&mut worker.comparer, &mut worker.levels, a, b);
        if let Some(edge) = worker.edge(features, settings, evidence, least, (a, b))
            && found.fetch_add(1, Ordering::Relaxed) < most
        {
            worker.edges.push(edge);
        }
    })?;
    let refused = found.into_inner().saturating_sub(most) as u64;
    if refused > 0 {
        let (limit, more) = (settings.limits.memory, refused * EDGE * 2);
        return Err(Unfinished::Excess(Excess {
            keys: blocks.keys,
            ..Excess::new(Exceeded::Memory, limit.saturating_add(more), limit)
        }));
    }
    Ok(together(workers, &blocks, features, settings))
}

impl Worker<'_, '_> {
    /// Counts a pair, and returns its edge if it is probable enough. `least`: a score below which none is, which spares most
    /// pairs the exact probability.
    fn edge(
        &mut self,
        features: &Features,
        settings: &Settings,
        evidence: Evidence,
        least: Millibits,
        (a, b): (usize, usize),
    ) -> Option<Edge> {
        let bar = evidence.bits.div_euclid(1000).clamp(LEAST_BITS, MOST_BITS) - LEAST_BITS;
        self.bars[usize::try_from(bar).unwrap_or_default()] += 1;
        if evidence.bits < NEGLIGIBLE {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most two to the 32nd"
        )]
        let share = libm::round(probability(evidence.bits) * ONE) as u64;
        self.expected += share;
        if evidence.bits < least || evidence.held == Some(Held::NoAgreement) {
            return None;
        }
        let posterior = evidence.posterior();
        if posterior < settings.review {
            return None;
        }
        let (a, b) = if features.tie(a) <= features.tie(b) {
            (a, b)
        } else {
            (b, a)
        };
        let member = |member: usize| u32::try_from(member).unwrap_or(u32::MAX);
        Some(Edge {
            a: member(a),
            b: member(b),
            bits: evidence.bits,
            posterior,
            held: evidence.held,
        })
    }
}

/// Puts together what the threads made.
fn together(
    workers: Vec<Worker<'_, '_>>,
    blocks: &Blocks,
    features: &Features,
    settings: &Settings,
) -> Scored {
    let mut scored = Scored {
        keys: blocks.keys.clone(),
        first: vec![0; blocks.len()],
        alone: blocks.alone,
        ..Scored::default()
    };
    let mut bars = [0_u64; BARS];
    for worker in workers {
        scored.edges.extend(worker.edges);
        scored.expected += worker.expected;
        scored
            .first
            .iter_mut()
            .zip(worker.first)
            .for_each(|(all, some)| *all += some);
        bars.iter_mut()
            .zip(worker.bars)
            .for_each(|(all, some)| *all += some);
    }
    let millionths = u128::from(scored.expected) * 1_000_000;
    scored.expected_ppm = u64::try_from((millionths + (1 << 31)) >> 32).unwrap_or(u64::MAX);
    scored.expected = (scored.expected + (1 << 31)) >> 32;
    scored.candidates = scored.first.iter().sum();
    scored.histogram = (LEAST_BITS..).zip(bars).filter(|(_, pairs)| *pairs > 0).collect();
    let tie = |member: u32| features.tie(member as usize);
    scored
        .edges
        .sort_unstable_by_key(|edge| (-edge.bits, tie(edge.a), tie(edge.b)));
    let certain = scored.edges.iter().filter(|edge| edge.is_certain(settings));
    scored.certain = certain.count() as u64;
    scored
}

impl Edge {
    /// Returns whether the two are merged unless something else holds them back.
    pub(crate) fn is_certain(&self, settings: &Settings) -> bool {
        self.posterior >= settings.auto && self.held.is_none()
    }
}
