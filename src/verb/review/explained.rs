//! Explaining one record of a merge: what joins it with the other members of its golden record, and what is near it
//! outside.

use super::compare::compared;
use super::compared::{ComparedMember, ComparedPair};
use super::comparing::Comparing;
use super::why::why;
use crate::engine::MergeAsJudged;
use crate::error::Result;
use crate::ledger::decisions::in_order;
use crate::matching::{Bits, Probability};
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stages;
use crate::store::Store;

/// Number of records outside that are shown.
const NEAREST: usize = 5;

/// A member of a merge stage, with what is near it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ExplainedRecord {
    /// Number of the stage.
    pub stage: u32,
    /// The record.
    pub record: ComparedMember,
    /// Its pairs with the other members of its golden record, in order of their numbers.
    pub pairs: Vec<ComparedPair>,
    /// Its pairs that wait for a decision, the strongest first.
    pub waiting: Vec<NearPair>,
    /// Of the records outside its golden record that share a key with it, the most probable, the strongest first.
    pub nearest: Vec<NearPair>,
    /// The batch that keeps the model.
    pub model_batch: BatchId,
}

/// A pair in one line, from one of its sides.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct NearPair {
    /// The other record.
    pub with: ComparedMember,
    /// The score.
    pub bits: Bits,
    /// The probability that the two are one.
    pub probability: Probability,
    /// The fields that speak for it, the strongest first.
    pub by: Vec<String>,
    /// The field that speaks most against it.
    pub against: Option<String>,
    /// Why it waits for a decision; `None` if it does not.
    pub band: Option<String>,
    /// The weightiest reason why the two are not merged.
    pub why: Option<String>,
}

impl Store {
    /// Explains a member of a merge stage: its pairs with the other members of its golden record, those that wait for a
    /// decision, and the nearest records outside. `None` if the record is not a member of the stage. What is redacted is
    /// masked, as [`Store::compare_pairs`] does it. Nothing is written.
    ///
    /// # Errors
    /// As [`Store::compare_pairs`].
    pub fn explain_record(
        &self,
        stages: &Stages,
        stage_number: u32,
        record: RecordNumber,
    ) -> Result<Option<ExplainedRecord>> {
        let judged = MergeAsJudged::read(self, stages, stage_number)?;
        let scorer = judged.scorer();
        let mut comparing = Comparing::new(self, stages, &judged, &scorer)?;
        let Some(at) = judged.index_of(record) else {
            return Ok(None);
        };
        let golden = judged.golden(record);
        let members = golden.map_or(&[][..], |golden| judged.members_of(golden));
        let others = members.iter().filter(|other| **other != record);
        let pairs: Vec<(RecordNumber, RecordNumber)> = others.map(|other| (record, *other)).collect();
        Ok(Some(ExplainedRecord {
            stage: stage_number,
            record: comparing.member(record)?,
            pairs: compared(&mut comparing, &pairs)?,
            waiting: waiting(&mut comparing, record)?,
            nearest: nearest(&mut comparing, record, at)?,
            model_batch: judged.model_batch,
        }))
    }
}

/// The pairs of a record that wait.
fn waiting(comparing: &mut Comparing<'_, '_>, record: RecordNumber) -> Result<Vec<NearPair>> {
    let pairs = comparing.waiting.keys();
    let others: Vec<RecordNumber> = pairs
        .filter_map(|(a, b)| match record {
            _ if *a == record => Some(*b),
            _ if *b == record => Some(*a),
            _ => None,
        })
        .collect();
    let mut found = near(comparing, record, &others)?;
    found.sort_by_key(|pair| (std::cmp::Reverse(pair.bits), pair.with.side.record));
    Ok(found)
}

/// The most probable records outside.
fn nearest(comparing: &mut Comparing<'_, '_>, record: RecordNumber, at: usize) -> Result<Vec<NearPair>> {
    let judged = comparing.judged;
    let scorer = comparing.scorer;
    let near_it = judged.near(comparing.blocks()?, scorer, at)?;
    let own = judged.golden(record);
    let others = near_it.iter().map(|(_, other)| judged.record_at(*other));
    let is_outside = |other: &RecordNumber| own.is_none() || judged.golden(*other) != own;
    let others: Vec<RecordNumber> = others.filter(is_outside).take(NEAREST).collect();
    near(comparing, record, &others)
}

/// Describes pairs in one line each; those of which one record is not a member are left out.
fn near(
    comparing: &mut Comparing<'_, '_>,
    record: RecordNumber,
    others: &[RecordNumber],
) -> Result<Vec<NearPair>> {
    let judged = comparing.judged;
    let mut found = Vec::with_capacity(others.len());
    for other in others {
        let (Some(one), Some(with)) = (judged.index_of(record), judged.index_of(*other)) else {
            continue;
        };
        let score = comparing.scorer.pair(one, with);
        let name = |slot: &usize| comparing.slot_name(*slot).to_owned();
        let (by, against) = (
            score.by.iter().map(name).collect(),
            score.weakest.as_ref().map(name),
        );
        let reasons = why(comparing, (record, *other), &score)?;
        found.push(NearPair {
            with: comparing.member(*other)?,
            bits: Bits::new(score.bits),
            probability: Probability::new(score.posterior),
            by,
            against,
            band: comparing.waiting.get(&in_order(record, *other)).cloned(),
            why: reasons.into_iter().next(),
        });
    }
    Ok(found)
}
