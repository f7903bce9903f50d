//! Retrying refused records.

use super::options::ApplyOptions;
use super::report::ApplyReport;
use super::stages::{apply_again, quarantined, reconcile_new};
use crate::engine::{
    Bounds, Pass, PassLimits, RetryItem, Run, check_drift, end_retries_of_many, retries, run_pass,
};
use crate::error::{Error, Result};
use crate::ledger::quarantine::{self as standing, RefusedNumbers, Selected};
use crate::ledger::selection::{SUPERSEDED, unread};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{Batch, BatchKind, StageHistory, read};
use crate::observe::Observer;
use crate::stage::{MaxErrors, OnError, Stage, Stages};
use crate::store::Store;

/// Processes refused records with their stage again, as their source is now (or, where a stage in place removed them
/// from it, as they were), and what succeeds with every later stage that was applied.
///
/// # Errors
/// [`Error::Invalid`] when a selected record was refused by a load: its line has to be corrected and loaded.
pub fn retry(
    store: &mut Store,
    stages: &Stages,
    selected: &Selected,
    options: &ApplyOptions,
    observer: &mut dyn Observer,
) -> Result<ApplyReport> {
    let mut run = Run::begin(store, &options.run_info)?;
    // Only what is refused now is retried, not what a stage refuses during the retry.
    let mut refused_by = standing::by_stage(run.connection(), stages.project(), selected)?;
    if !refused_by.is_empty() && refused_by.keys().all(Option::is_none) {
        return Err(Error::invalid(
            "a load rejected these input lines",
            "correct them in the input and load it again, or waive them with `counterfoil quarantine waive`",
        ));
    }
    check_drift(run.connection(), stages, options.revise)?;
    let bounds = Bounds::new(&options.stop, options.max_time);
    let mut report = ApplyReport::default();
    let mut has_tried = false;
    for stage in stages.iter() {
        let mut refused = refused_by.remove(&Some(stage.number())).unwrap_or_default();
        has_tried |= leave_to_earlier(&run, stages, stage, &mut refused)?;
        end_superseded(&mut run, stages.project(), stage)?;
        let history = StageHistory::read(run.connection(), stages.project(), stage.number())?;
        end_retries_of_many(&mut run, stage, &history)?;
        let history = StageHistory::read(run.connection(), stages.project(), stage.number())?;
        let batches = |pass| read::batches_of(run.connection(), pass);
        for work in retries(stage, &history, &to_retry(&refused), batches)? {
            has_tried = true;
            // A retry reports on every record, so no limit stops it.
            let all = PassLimits {
                on_error: Some(OnError::Quarantine),
                max_errors: Some(MaxErrors::Count(u64::MAX)),
                ..options.limits()
            };
            let (done, stopped) = run_pass(&mut run, stages.project(), stage, work, &all, &bounds, observer)?;
            report.passes.push(done);
            report.stopped = stopped;
            if report.stopped.is_some() {
                break;
            }
        }
        if report.stopped.is_some() {
            break;
        }
        if !refused.is_empty() {
            report.stopped = reconcile_new(&mut run, stages.project(), stage, options, &mut report)?;
        }
    }
    if has_tried && report.stopped.is_none() {
        // The earlier stages run too: a record that waits for a stage in place must not reach a later stage before it.
        apply_again(&mut run, stages, options, &bounds, observer, &mut report)?;
    }
    report.run = run.has_written().then_some(run.number());
    report.quarantined = quarantined(&run, stages)?;
    run.finish()?;
    Ok(report)
}

fn to_retry(refused: &[RefusedNumbers]) -> Vec<RetryItem> {
    let numbers = refused.iter().map(|refused| RetryItem {
        record: refused.record,
        batch: refused.batch,
    });
    numbers.collect()
}

/// Leaves out records that an earlier stage in place has still to read as they are now, because they would reach this
/// stage first: the earlier stage processes them, and this one then finds them in its increment. Returns `true` when
/// there are any.
fn leave_to_earlier(
    run: &Run<'_>,
    stages: &Stages,
    stage: &Stage,
    refused: &mut Vec<RefusedNumbers>,
) -> Result<bool> {
    let all = refused.len();
    for earlier in stages.up_to(Some(stage.number() - 1)) {
        if refused.is_empty() {
            break;
        }
        if earlier.in_place() && earlier.target() == stage.source() {
            let unread = unread(run.connection(), StageInput::new(stages.project(), earlier))?;
            refused.retain(|refused| !unread.iter().any(|unread| unread.has(refused.record)));
        }
    }
    Ok(refused.len() < all)
}

/// Ends interrupted retries that nothing can continue, because the meaning of the stage has changed.
fn end_superseded(run: &mut Run<'_>, project: &str, stage: &Stage) -> Result<()> {
    let history = StageHistory::read(run.connection(), project, stage.number())?;
    let is_superseded = |pass: &&read::PassSummary| {
        let row = pass.row.stage.as_ref();
        row.is_some_and(|row| !stage.does_as(&row.meaning))
    };
    for open in history.open_retries().filter(is_superseded) {
        let mut end = Batch::new(BatchKind::End);
        end.body = Some(SUPERSEDED.to_owned());
        run.commit(&mut Pass::resumed(open), end)?;
    }
    Ok(())
}
