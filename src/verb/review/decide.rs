//! The verb `decide`: people decide pairs. The next pass of the stage processes the two again and honours what is decided.

use super::deciding::Deciding;
use super::decision::{DecisionReport, commit, merge_stage};
use super::pair::PairDecision;
use crate::engine::{Run, RunInfo};
use crate::error::Result;
use crate::stage::Stages;
use crate::store::Store;

/// Records decisions about pairs of members of a merge stage, all or nothing, in one batch. They take effect with the
/// next `apply`.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if the stage is not a merge or was never applied. A decision that cannot be made is no error: the
/// report lists it, and nothing is written.
pub fn decide(
    store: &mut Store,
    stages: &Stages,
    stage: u32,
    decisions: &[PairDecision],
    run_info: &RunInfo,
) -> Result<DecisionReport> {
    let stage = merge_stage(stages, stage)?;
    let mut run = Run::begin(store, run_info)?;
    let mut deciding = Deciding::new(&run, stages.project(), stage)?;
    for (at, decision) in decisions.iter().enumerate() {
        deciding.add(at, decision)?;
    }
    let (mut report, chosen) = deciding.checked()?;
    if !report.refused.is_empty() {
        report.decided.clear();
        return Ok(report);
    }
    if chosen.is_empty() {
        // Signs what the same decisions have written before, if they were killed then.
        run.finish()?;
        return Ok(report);
    }
    commit(&mut run, stages.project(), stage, &chosen)?;
    report.run = Some(run.number());
    run.finish()?;
    Ok(report)
}
