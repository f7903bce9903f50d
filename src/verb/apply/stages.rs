//! Brings stages up to date in order, pass by pass.

use super::options::ApplyOptions;
use super::report::{ApplyReport, HeldBack};
use crate::engine::reconcile::{EXAMPLES, ReconcileRequest, StageReconciled, reconcile_stage};
use crate::engine::{
    Bounds, LedgerFacts, Next, Pass, Run, Stopped, StoppedStages, end_retries_of_many, next, run_pass,
    supersede,
};
use crate::error::{Error, Result};
use crate::ledger::stage_history::unreconciled_passes;
use crate::ledger::stage_input;
use crate::ledger::{StageHistory, StageState, refusals};
use crate::observe::Observer;
use crate::stage::{Stage, Stages};

/// Returns the unreconciled stages, except those that were reconciled just now.
pub(super) fn unreconciled(
    run: &Run<'_>,
    stages: &Stages,
    options: &ApplyOptions,
    now: &[StageReconciled],
) -> Result<Vec<u32>> {
    let mut unreconciled = Vec::new();
    for stage in stages.up_to(options.to) {
        let is_new = now.iter().any(|reconciled| reconciled.stage == stage.number());
        if is_new || !stage.is_reconciled() {
            continue;
        }
        let history = StageHistory::read(run.connection(), stages.project(), stage.number())?;
        if history.state == StageState::Unreconciled {
            unreconciled.push(stage.number());
        }
    }
    Ok(unreconciled)
}

/// Processes every stage until none has anything left to do: a later stage may free a place in the target that a record
/// of an earlier one waits for.
pub(super) fn bring_all_up_to_date(
    run: &mut Run<'_>,
    stages: &Stages,
    options: &ApplyOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    report: &mut ApplyReport,
) -> Result<()> {
    let project = stages.project();
    let mut stopped = StoppedStages::default();
    for stage in stages.up_to(options.to) {
        if let Some(by) = stopped.holds_back(stage) {
            report.held_back.push(HeldBack {
                stage: stage.number(),
                by,
            });
            continue;
        }
        let passes = report.passes.len();
        let why = bring_up_to_date(run, project, stage, options, bounds, observer, report)?;
        if report.passes.len() == passes && why.is_none() {
            report.up_to_date.push(stage.number());
        }
        if takes_note(&mut stopped, stage, why, report) {
            return Ok(());
        }
    }
    let mut passes = 0;
    while passes != report.passes.len() {
        passes = report.passes.len();
        for stage in stages.up_to(options.to) {
            if stopped.holds_back(stage).is_some() || stopped.is(stage) {
                continue;
            }
            let why = bring_up_to_date(run, project, stage, options, bounds, observer, report)?;
            if takes_note(&mut stopped, stage, why, report) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Records why a stage has stopped; returns `true` when the whole run must stop.
fn takes_note(
    stopped: &mut StoppedStages,
    stage: &Stage,
    why: Option<Stopped>,
    report: &mut ApplyReport,
) -> bool {
    let Some(why) = why else { return false };
    let of_all = matches!(why, Stopped::Asked | Stopped::Time);
    stopped.add(stage);
    if of_all || report.stopped.is_none() {
        report.stopped = Some(why);
    }
    of_all
}

/// Number of passes between two checks whether the stages make progress.
const PASSES: usize = 64;

/// How often a stage may process one record in later passes of a run.
const TIMES: u64 = 10;

/// Refuses to continue when a stage has processed the same record time and again: what one stage writes, another takes
/// away and gives back to the first. A chain of records that wait for each other's places takes many passes too, but
/// processes each record once or twice.
fn refuse_going_round(run: &Run<'_>, project: &str) -> Result<()> {
    let Some((stage, record, times)) = stage_input::most_often(run.connection(), run.number(), project)?
    else {
        return Ok(());
    };
    if times < TIMES {
        return Ok(());
    }
    let message = format!(
        "the stages do not come to an end: stage {stage} has processed record {record} {times} times in this run, \
         because a later stage removes what it wrote, or restores it"
    );
    let hint = "what was written stays; give the stages different ids or another `on_conflict`, or let no stage write \
                to what an earlier one reads, then run `counterfoil apply` again";
    Err(Error::invalid(message, hint))
}

/// Runs passes of a stage until it is up to date; returns the reason when it must stop early.
fn bring_up_to_date(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    options: &ApplyOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    report: &mut ApplyReport,
) -> Result<Option<Stopped>> {
    let limits = options.limits();
    let mut relearns = options.relearn
        && stage.merge().is_some()
        && !report.passes.iter().any(|pass| pass.stage == stage.number());
    let history = StageHistory::read(run.connection(), project, stage.number())?;
    end_retries_of_many(run, stage, &history)?;
    loop {
        let history = StageHistory::read(run.connection(), project, stage.number())?;
        let facts = LedgerFacts {
            connection: run.connection(),
            project,
            stage,
            limits: &limits,
            next_batch: run.next_batch(),
            relearns,
        };
        let work = match next(stage, &history, &facts)? {
            None => break,
            Some(Next::Supersede(open)) => {
                supersede(run, Pass::resumed(&open))?;
                continue;
            }
            Some(Next::Pass(work)) => work,
        };
        relearns = false;
        let (done, stopped) = run_pass(run, project, stage, work, &limits, bounds, observer)?;
        report.passes.push(done);
        if stopped.is_some() {
            return Ok(stopped);
        }
        if report.passes.len().is_multiple_of(PASSES) {
            refuse_going_round(run, project)?;
        }
    }
    reconcile_new(run, project, stage, options, report)
}

/// Reconciles what a stage has processed and no run has reconciled yet: in this run, or in one that was killed before.
pub(super) fn reconcile_new(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    options: &ApplyOptions,
    report: &mut ApplyReport,
) -> Result<Option<Stopped>> {
    if !stage.is_reconciled() {
        return Ok(None);
    }
    let new = unreconciled_passes(run.connection(), project, stage.number())?;
    if new.passes.is_empty() {
        return Ok(None);
    }
    let wanted = ReconcileRequest {
        passes: &new.passes,
        whole: new.is_all,
        reads_all: false,
        examples: EXAMPLES,
    };
    Ok(
        match reconcile_stage(run, project, stage, &wanted, &options.stop)? {
            Some(reconciled) => {
                report.reconciled.push(reconciled);
                None
            }
            None => Some(Stopped::Asked),
        },
    )
}

/// Processes what was just written with the stages that were applied before. A stage that was rolled back since is not
/// applied again here, and the stages that depend on it are held back with it: a later stage would see its records
/// before it.
pub(super) fn apply_again(
    run: &mut Run<'_>,
    stages: &Stages,
    options: &ApplyOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    report: &mut ApplyReport,
) -> Result<()> {
    let project = stages.project();
    let mut missing = StoppedStages::default();
    for stage in stages.iter() {
        let history = StageHistory::read(run.connection(), project, stage.number())?;
        if history.revision().is_none() {
            missing.add(stage);
        } else if let Some(by) = missing.holds_back(stage) {
            let stage = stage.number();
            report.held_back.push(HeldBack { stage, by });
        } else if report.stopped.is_none() {
            report.stopped = bring_up_to_date(run, project, stage, options, bounds, observer, report)?;
        }
    }
    Ok(())
}

pub(super) fn quarantined(run: &Run<'_>, stages: &Stages) -> Result<u64> {
    let standing = refusals::refused_counts(run.connection(), stages.project())?;
    let of_stages = stages.up_to(None).map(Stage::number);
    Ok(of_stages.filter_map(|number| standing.get(&number)).sum())
}
