//! The verb `reconcile`: both sides of a stage measured by its `[[reconcile]]` expressions, and every difference explained
//! from the ledger. What is left unexplained is what somebody has to answer for.

mod fate;
mod lineage;
mod measure;
mod outcome;
mod since;
mod sums;

use rusqlite::Connection;

use crate::engine::Stopped;
use crate::engine::{Purpose, Run};
use crate::error::{Error, Result};
use crate::ledger::open::{OpenPass, open_passes};
use crate::ledger::stage_history::standing_passes;
use crate::ledger::{Batch, PassKind, StageRow, Step};
use crate::observe::StopSignal;
use crate::stage::{Stage, Stages};
use crate::store::Store;

use lineage::Lineage;
use measure::Measuring;

pub(crate) use lineage::Wanted;
pub use outcome::{Attribution, Cause, Discrepancy, ReconcileReport, Reconciliation, Side, StageReconciled};

/// How to reconcile.
#[derive(Clone, Debug)]
pub struct ReconcileOptions {
    /// One stage; `None`: every applied stage that has something to reconcile.
    pub stage: Option<u32>,
    /// The most records and keys that are named for each cause; all are counted.
    pub examples: usize,
    /// What stands in the ledger about this run.
    pub purpose: Purpose,
    /// Asks the verb to stop; what is not finished is left out.
    pub stop: StopSignal,
}

impl Default for ReconcileOptions {
    fn default() -> Self {
        Self {
            stage: None,
            examples: 10,
            purpose: Purpose::new("reconcile"),
            stop: StopSignal::default(),
        }
    }
}

/// Measures both sides of stages and keeps the result in the ledger.
///
/// # Errors
/// [`Error::NoSuch`] for a stage that is not there; [`Error::Invalid`] where an amount is no number, or a sum needs more
/// than 28 digits.
pub fn reconcile(store: &mut Store, stages: &Stages, options: &ReconcileOptions) -> Result<ReconcileReport> {
    if let Some(number) = options.stage.filter(|number| stages.get(*number).is_none()) {
        return Err(Error::NoSuch {
            what: format!("stage {number}"),
        });
    }
    let mut run = Run::begin(store, &options.purpose)?;
    let mut report = ReconcileReport::default();
    for stage in stages.iter() {
        let is_chosen = options.stage.is_none_or(|number| number == stage.number());
        if !is_chosen || stage.reconciles().is_empty() {
            continue;
        }
        refuse_half_undone(run.connection(), stages.project(), stage)?;
        let passes = standing_passes(run.connection(), stages.project(), stage.number())?;
        if passes.is_empty() {
            continue;
        }
        let wanted = Wanted {
            passes: &passes,
            whole: true,
            examples: options.examples,
        };
        let Some(reconciled) = of_stage(&mut run, stages.project(), stage, &wanted, &options.stop)? else {
            report.stopped = Some(Stopped::Asked);
            break;
        };
        report.stages.push(reconciled);
    }
    report.run = run.has_written().then_some(run.number());
    run.finish()?;
    Ok(report)
}

/// Refuses to compare the two sides of a stage that is being taken back: they cannot agree.
fn refuse_half_undone(connection: &Connection, project: &str, stage: &Stage) -> Result<()> {
    let is_of_stage = |open: &OpenPass| {
        open.kind == PassKind::Rollback
            && (open.project.as_deref(), open.stage) == (Some(project), Some(stage.number()))
    };
    if !open_passes(connection)?.iter().any(is_of_stage) {
        return Ok(());
    }
    let message = format!(
        "stage {} ({}) is half taken back: its two sides cannot agree",
        stage.number(),
        stage.slug()
    );
    let hint = "take back the rest first: `counterfoil status` names the command";
    Err(Error::invalid(message, hint))
}

/// Reconciles one stage and keeps the result in the ledger; `None` when it was stopped.
pub(crate) fn of_stage(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    wanted: &Wanted<'_>,
    stop: &StopSignal,
) -> Result<Option<StageReconciled>> {
    let mut measuring = Measuring::new(
        project,
        stage,
        wanted.examples,
        (
            run.store().surroundings().secrets.clone(),
            run.store().options().limits,
        ),
    );
    {
        let moment = run.connection().unchecked_transaction()?;
        let mut lineage = Lineage::new(&moment, project, stage, wanted, run.now_us())?;
        while let Some(slice) = lineage.next()? {
            if stop.is_asked() {
                return Ok(None);
            }
            measuring.add(&slice)?;
        }
    }
    let reconciled = StageReconciled {
        stage: stage.number(),
        slug: stage.slug().to_owned(),
        source: stage.source().to_owned(),
        target: stage.target().to_owned(),
        whole: wanted.whole,
        reconciliations: measuring.results(wanted.whole)?,
    };
    keep(run, project, stage, wanted, &reconciled)?;
    Ok(Some(reconciled))
}

/// A pass of one batch, whose remark is the result: sums and counts, no key and no id.
fn keep(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    wanted: &Wanted<'_>,
    reconciled: &StageReconciled,
) -> Result<()> {
    let mut pass = run.new_pass(PassKind::Reconcile, Some(StageRow::of(project, stage)))?;
    pass.row.source = Some(stage.source().to_owned());
    pass.row.target = Some(stage.target().to_owned());
    let mut batch = Batch::new(Step::End);
    let results: Vec<serde_json::Value> = reconciled.reconciliations.iter().map(told).collect();
    batch.body = Some(
        serde_json::json!({ "whole": wanted.whole, "passes": wanted.passes, "reconciled": results })
            .to_string(),
    );
    run.commit(&mut pass, batch).map(drop)
}

fn told(result: &Reconciliation) -> serde_json::Value {
    let causes = result.causes.iter().map(|cause| {
        serde_json::json!({
            "cause": cause.cause, "records": cause.records, "amount": cause.amount, "unmeasured": cause.unmeasured,
        })
    });
    serde_json::json!({
        "name": result.name, "tolerance": result.tolerance,
        "source_records": result.source.records, "source_amount": result.source.amount,
        "target_records": result.target.records, "target_amount": result.target.amount,
        "difference": result.difference, "causes": causes.collect::<Vec<_>>(),
        "unexplained": result.unexplained, "discrepancies": result.discrepancies,
        "behind": result.behind, "holds": result.holds,
    })
}
