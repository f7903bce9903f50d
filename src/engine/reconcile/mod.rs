//! Reconciliation: both sides of a stage are measured by its `[[reconcile]]` expressions, and every difference is
//! explained from the ledger. Of a stage that aggregates, readings and sums are compared too, without being asked. Done by the verb of that name, and by `apply` if it has processed something.

mod balance;
mod fate;
mod lineage;
mod measure;
mod outcome;
mod passes;
mod readings;
mod since;
mod sums;
mod windows;

use super::run::Run;
use crate::error::Result;
use crate::ledger::{Batch, BatchKind, PassKind, StageRow};
use crate::observe::StopSignal;
use crate::record::PassId;
use crate::stage::Stage;

use lineage::RecordPairing;
use measure::Measuring;

pub(crate) use lineage::ReconcileRequest;
pub use outcome::{
    Attribution, DifferenceCause, Discrepancy, ReconcileReport, Reconciliation, Side, StageReconciled,
};

/// Default maximum number of records and keys that are named for each cause.
pub(crate) const EXAMPLES: usize = 10;

/// Reconciles one stage and keeps the result in the ledger; returns `None` if it was stopped.
pub(crate) fn reconcile_stage(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    wanted: &ReconcileRequest<'_>,
    stop: &StopSignal,
) -> Result<Option<StageReconciled>> {
    if let Some(aggregate) = stage.aggregate() {
        let found = if wanted.reads_all {
            windows::reconcile_windows(run, project, (stage, aggregate), wanted.examples, stop)?
        } else {
            Some(vec![passes::reconcile_passes(
                run.connection(),
                stage,
                wanted.passes,
            )?])
        };
        let whole = wanted.reads_all;
        return found
            .map(|found| kept(run, project, stage, wanted, (whole, found)))
            .transpose();
    }
    let mut measuring = Measuring::new(
        project,
        stage,
        wanted.examples,
        (
            run.store().environment().secrets.clone(),
            run.store().options().limits,
        ),
    );
    {
        let moment = run.connection().unchecked_transaction()?;
        let mut lineage = RecordPairing::new(&moment, project, stage, wanted, run.now_us())?;
        while let Some(slice) = lineage.next()? {
            if stop.is_asked() {
                return Ok(None);
            }
            measuring.add(&moment, &slice)?;
        }
    }
    let found = (wanted.whole, measuring.results(wanted.whole)?);
    kept(run, project, stage, wanted, found).map(Some)
}

/// Keeps results in the ledger. `whole`: whether they cover every record that the stage has processed.
fn kept(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    wanted: &ReconcileRequest<'_>,
    (whole, reconciliations): (bool, Vec<Reconciliation>),
) -> Result<StageReconciled> {
    let mut reconciled = StageReconciled {
        stage: stage.number(),
        slug: stage.slug().to_owned(),
        source: stage.source().to_owned(),
        target: stage.target().to_owned(),
        whole,
        reconciliations,
        pass: PassId::BEFORE_FIRST,
    };
    reconciled.pass = keep(run, project, stage, wanted, &reconciled)?;
    Ok(reconciled)
}

/// Writes a pass of one batch whose remark is the result: sums and counts, no key and no id. Returns its number.
fn keep(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    wanted: &ReconcileRequest<'_>,
    reconciled: &StageReconciled,
) -> Result<PassId> {
    let mut pass = run.new_pass(PassKind::Reconcile, Some(StageRow::new(project, stage)))?;
    pass.row.source = Some(stage.source().to_owned());
    pass.row.target = Some(stage.target().to_owned());
    let mut batch = Batch::new(BatchKind::End);
    let results: Vec<serde_json::Value> = reconciled.reconciliations.iter().map(describe).collect();
    batch.body = Some(
        serde_json::json!({ "whole": reconciled.whole, "passes": wanted.passes, "reconciled": results })
            .to_string(),
    );
    run.commit(&mut pass, batch)?;
    Ok(pass.row.pass)
}

fn describe(result: &Reconciliation) -> serde_json::Value {
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
