//! Comparing pairs of members, field by field, with the recorded model of their stage.

use super::compared::ComparedPair;
use super::comparing::Comparing;
use super::decision::{ChosenPair, commit, merge_stage};
use super::why::why;
use crate::engine::{MergeAsJudged, Run, RunInfo};
use crate::error::{Error, Result};
use crate::ledger::decisions::in_order;
use crate::ledger::review::NumberPair;
use crate::matching::{Bits, Probability};
use crate::record::RecordNumber;
use crate::stage::Stages;
use crate::store::Store;

impl Store {
    /// Compares pairs of members of a merge stage, field by field, with the model that the ledger keeps, and says for each
    /// why the two are merged or why not. All members are read once, because what a value says depends on how many others
    /// have it. Nothing is written.
    ///
    /// Values that any stage redacts are masked, in these stages or in any that was ever applied; so are ids that derive from
    /// them. Pairs of which one record is not a member (any more) are left out: one that was deleted, that the stage's
    /// `where` leaves out, or that cannot be compared.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) when there is no such stage, when it does not merge, was never applied, or
    /// means something else now than when its model was learned; and when the members need more memory than they may have.
    pub fn compare_pairs(
        &self,
        stages: &Stages,
        stage_number: u32,
        pairs: &[(RecordNumber, RecordNumber)],
    ) -> Result<Vec<ComparedPair>> {
        let judged = MergeAsJudged::read(self, stages, stage_number)?;
        let scorer = judged.scorer();
        let mut comparing = Comparing::new(self, stages, &judged, &scorer)?;
        compared(&mut comparing, pairs)
    }
}

/// Compares pairs as [`Store::compare_pairs`] does, with no value and no id masked. Before it returns, the ledger records
/// that these pairs were revealed: two entries per pair, in a run that says to whom and why.
///
/// # Errors
/// As [`Store::compare_pairs`], and [`Error::Invalid`] without a reason in `run_info`. Nothing is revealed then.
pub fn reveal(
    store: &mut Store,
    stages: &Stages,
    stage_number: u32,
    pairs: &[NumberPair],
    run_info: &RunInfo,
) -> Result<Vec<ComparedPair>> {
    if run_info
        .reason
        .as_deref()
        .is_none_or(|reason| reason.trim().is_empty())
    {
        return Err(Error::invalid(
            "redacted values are revealed for a reason only",
            "say why with --reason; the ledger keeps it",
        ));
    }
    let revealed: Vec<ComparedPair> = {
        let judged = MergeAsJudged::read(store, stages, stage_number)?;
        let scorer = judged.scorer();
        let mut comparing = Comparing::new(store, stages, &judged, &scorer)?.revealing();
        compared(&mut comparing, pairs)?
    };
    let of_pair = |pair: &ComparedPair| ChosenPair {
        pair: in_order(pair.a.side.record, pair.b.side.record),
        code: "review.revealed",
        note: None,
        left: [false; 2],
    };
    let mut chosen: Vec<ChosenPair> = revealed.iter().map(of_pair).collect();
    chosen.sort_by_key(|chosen| chosen.pair);
    chosen.dedup_by_key(|chosen| chosen.pair);
    if !chosen.is_empty() {
        let mut run = Run::begin(store, run_info)?;
        commit(
            &mut run,
            stages.project(),
            merge_stage(stages, stage_number)?,
            &chosen,
        )?;
        run.finish()?;
    }
    Ok(revealed)
}

/// Compares pairs, less those of which one record is not a member.
pub(super) fn compared(
    comparing: &mut Comparing<'_, '_>,
    pairs: &[(RecordNumber, RecordNumber)],
) -> Result<Vec<ComparedPair>> {
    let mut compared = Vec::with_capacity(pairs.len());
    for pair in pairs {
        compared.extend(one(comparing, *pair)?);
    }
    Ok(compared)
}

fn one(
    comparing: &mut Comparing<'_, '_>,
    (a, b): (RecordNumber, RecordNumber),
) -> Result<Option<ComparedPair>> {
    let (Some(first), Some(second)) = (comparing.shown_member(a)?, comparing.shown_member(b)?) else {
        return Ok(None);
    };
    let judged = comparing.judged;
    let (score, settings) = (comparing.scorer.pair(first.at, second.at), judged.settings());
    Ok(Some(ComparedPair {
        stage: judged.stage.number(),
        a: comparing.member(a)?,
        b: comparing.member(b)?,
        bits: Bits::new(score.bits),
        probability: Probability::new(score.posterior),
        prior: Bits::new(score.prior),
        fields: comparing.fields(&first, &second, &score),
        others: comparing.shown.others(&first, &second),
        auto: Probability::new(settings.auto),
        review: Probability::new(settings.review),
        together: judged
            .golden(a)
            .filter(|golden| judged.golden(b) == Some(*golden)),
        why: why(comparing, (a, b), &score)?,
        model_batch: judged.model_batch,
    }))
}
