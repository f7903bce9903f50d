//! A sample of pairs to label, from every stratum of scores.

use super::pair::{QueuedPair, Side};
use super::queue::version;
use super::strata::{scored, strata};
use crate::digest::{Hash, sha256};
use crate::engine::MergeAsJudged;
use crate::error::Result;
use crate::ledger::decisions::in_order;
use crate::ledger::review::NumberPair;
use crate::ledger::runs::committed_us;
use crate::matching::{Bits, Edge};
use crate::record::RecordNumber;
use crate::shown::utc;
use crate::stage::Stages;
use crate::store::{Store, Table};

/// The band of the pairs of a sample.
const BAND: &str = "sample";

/// A sample of pairs to label.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PairSample {
    /// Number of the stage.
    pub stage: u32,
    /// What it was drawn with: the same seed draws the same pairs of the same records.
    pub seed: u64,
    /// The strata, with how many pairs were drawn from each.
    pub strata: Vec<SampledStratum>,
    /// The pairs, in an order that says nothing of their scores. They have the band `sample`, and neither bits nor a
    /// probability: a label must not follow the model. Ids are not masked: [`HiddenIds`](crate::history::HiddenIds) says
    /// which must not be shown.
    pub pairs: Vec<QueuedPair>,
}

/// A stratum of a sample.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SampledStratum {
    /// Its name.
    pub name: String,
    /// The least score of its pairs.
    pub from: Bits,
    /// Number of pairs.
    pub pairs: u64,
    /// Number of pairs in the sample.
    pub drawn: u64,
}

impl Store {
    /// Draws a sample of pairs to label, about as many from each stratum of scores, so that the doubtful pairs are in it as
    /// well as those that are merged. No chance is involved: of a stratum, the pairs are drawn whose hash with the seed is
    /// the smallest. Their labels are recorded with [`decide`](super::decide), and [`Store::calibrate`] says what they mean.
    /// Nothing is written.
    ///
    /// # Errors
    /// As [`Store::compare_pairs`].
    pub fn review_sample(
        &self,
        stages: &Stages,
        stage_number: u32,
        pairs: usize,
        seed: u64,
    ) -> Result<PairSample> {
        let judged = MergeAsJudged::read(self, stages, stage_number)?;
        let strata = strata(judged.settings(), &scored(&judged)?);
        let sizes: Vec<usize> = strata.iter().map(|stratum| stratum.edges.len()).collect();
        let mut drawn: Vec<(Hash, NumberPair)> = Vec::new();
        let mut rows = Vec::new();
        for (stratum, count) in strata.iter().zip(shares(&sizes, pairs)) {
            let hashed = |edge: &Edge| {
                let [a, b] = [edge.a, edge.b].map(|member| judged.record_at(member as usize));
                let (a, b) = in_order(a, b);
                (priority(seed, a, b), (a, b))
            };
            let mut hashed: Vec<_> = stratum.edges.iter().map(hashed).collect();
            hashed.sort_unstable();
            drawn.extend(hashed.into_iter().take(count));
            rows.push(SampledStratum {
                name: stratum.name.to_owned(),
                from: stratum.from,
                pairs: stratum.edges.len() as u64,
                drawn: count as u64,
            });
        }
        // The hash that drew them grows with the share of the stratum that is drawn: in its order, the strata would stand in
        // blocks, and the person who labels the pairs would notice.
        let mut drawn: Vec<NumberPair> = drawn.into_iter().map(|(_, pair)| pair).collect();
        drawn.sort_by_key(|(a, b)| sha256(&[&priority(seed, *a, *b)]));
        Ok(PairSample {
            stage: stage_number,
            seed,
            strata: rows,
            pairs: self.described(&judged, &drawn)?,
        })
    }

    /// Describes pairs as those of the queue are.
    fn described(
        &self,
        judged: &MergeAsJudged<'_>,
        pairs: &[(RecordNumber, RecordNumber)],
    ) -> Result<Vec<QueuedPair>> {
        let connection = self.connection();
        let source = Table::from_name(judged.stage.source())?;
        let at = utc(committed_us(connection, judged.model_batch)?);
        let side = |record: RecordNumber| -> Result<Side> {
            let row = source.by_number(connection, record)?;
            let id = row.map(|row| row.record.id);
            Ok(Side { record, id })
        };
        let mut described = Vec::with_capacity(pairs.len());
        for pair in pairs {
            described.push(QueuedPair {
                stage: judged.stage.number(),
                source: source.name().to_owned(),
                a: side(pair.0)?,
                b: side(pair.1)?,
                band: BAND.to_owned(),
                bits: None,
                probability: None,
                since: judged.model_batch,
                at: at.clone(),
                note: None,
                version: version(connection, &source, *pair, judged.verdicts.get(pair))?,
            });
        }
        Ok(described)
    }
}

/// The place of a pair in the order in which pairs are drawn.
fn priority(seed: u64, a: RecordNumber, b: RecordNumber) -> Hash {
    sha256(&[
        &seed.to_be_bytes(),
        &a.get().to_be_bytes(),
        &b.get().to_be_bytes(),
    ])
}

/// Divides a number of pairs among strata: as many from each, less where one has not so many.
fn shares(sizes: &[usize], pairs: usize) -> Vec<usize> {
    let mut shares = vec![0; sizes.len()];
    let mut left = pairs;
    loop {
        let open: Vec<usize> = (0..sizes.len()).filter(|at| shares[*at] < sizes[*at]).collect();
        if open.is_empty() || left == 0 {
            return shares;
        }
        let each = (left / open.len()).max(1);
        // The merged and the doubtful strata come first where there are not enough for all.
        for at in open.into_iter().rev() {
            let more = each.min(sizes[at] - shares[at]).min(left);
            shares[at] += more;
            left -= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn a_sample_is_divided_evenly_as_far_as_there_are_pairs() {
        assert_eq!(shares(&[100, 100, 100], 30), [10, 10, 10]);
        assert_eq!(shares(&[100, 3, 0, 100], 30), [13, 3, 0, 14]);
        assert_eq!(shares(&[2, 3], 30), [2, 3]);
        assert_eq!(shares(&[9, 9, 9], 2), [0, 1, 1]);
        assert_eq!(shares(&[], 2), [0; 0]);
        let shares = shares(&[1_000, 50, 7, 3, 0, 400, 90_000], 200);
        assert_eq!(shares.iter().sum::<usize>(), 200);
    }
}
