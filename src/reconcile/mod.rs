//! The verb `reconcile`: both sides of a stage measured by its `[[reconcile]]` expressions, and every difference explained
//! from the ledger. What is left unexplained is what somebody has to answer for.

mod fate;
mod lineage;
mod measure;
mod since;
mod sums;

use rusqlite::Connection;
use rust_decimal::Decimal;

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

/// What a reconciliation came to.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ReconcileReport {
    /// The run's number; `None` when there was nothing to reconcile.
    pub run: Option<i64>,
    /// The stages, in their order.
    pub stages: Vec<StageReconciled>,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

impl ReconcileReport {
    /// Whether nothing is left unexplained.
    #[must_use]
    pub fn is_reconciled(&self) -> bool {
        self.stages.iter().all(StageReconciled::is_reconciled)
    }
}

/// The reconciliations of one stage.
#[derive(Clone, Debug, serde::Serialize)]
pub struct StageReconciled {
    /// The stage's number.
    pub stage: u32,
    /// Its name.
    pub slug: String,
    /// The database that it reads.
    pub source: String,
    /// The database that it writes.
    pub target: String,
    /// Whether every record that the stage has carried was looked at; else those of some passes.
    pub whole: bool,
    /// One for each `[[reconcile]]`.
    pub reconciliations: Vec<Reconciliation>,
}

impl StageReconciled {
    /// Whether nothing is left unexplained.
    #[must_use]
    pub fn is_reconciled(&self) -> bool {
        self.reconciliations
            .iter()
            .all(|reconciliation| reconciliation.holds)
    }
}

/// One side of a reconciliation. Amounts are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Side {
    /// The records that have an amount.
    pub records: u64,
    /// The sum of the amounts.
    pub amount: Decimal,
    /// The sum of those above zero.
    pub positive: Decimal,
    /// The sum of those below zero.
    pub negative: Decimal,
    /// The least.
    pub least: Option<Decimal>,
    /// The greatest.
    pub greatest: Option<Decimal>,
    /// The different keys, where there are keys; null is one of them.
    pub keys: Option<u64>,
}

/// Why both sides differ for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The stage has refused it.
    Refused,
    /// The stage has refused it, and it was waived.
    Waived,
    /// The stage has left it out.
    Filtered,
    /// It was left out, or a part of it, because another record has its place in the target.
    Skipped,
    /// It was merged into another.
    Merged,
    /// The stage has not carried it yet, or not what its source has become since.
    NotCarried,
    /// The stage has refused what it has become, and the copy of what it was still stands.
    Stale,
    /// Another record has taken its place in the target since.
    Replaced,
    /// A load or an edit has changed its source or its target since.
    EditedSince,
    /// The stage has rounded by exactly that.
    Rounding,
    /// It has no amount of its own in the source; with the others of its key it makes up for what was filtered there.
    Counterpart,
    /// Its amount cannot be read on either side.
    Unreadable,
    /// None of these.
    Unexplained,
}

impl Cause {
    /// The cause in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Waived => "waived",
            Self::Filtered => "filtered",
            Self::Skipped => "skipped",
            Self::Merged => "merged",
            Self::NotCarried => "not carried yet",
            Self::Stale => "stale",
            Self::Replaced => "replaced",
            Self::EditedSince => "edited since",
            Self::Rounding => "rounding",
            Self::Counterpart => "counterpart of filtered",
            Self::Unreadable => "unreadable",
            Self::Unexplained => "unexplained",
        }
    }
}

/// How much of a difference has one cause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Attribution {
    /// The cause.
    pub cause: Cause,
    /// The records.
    pub records: u64,
    /// What they add to the difference, target less source.
    pub amount: Decimal,
    /// Those of them that have no amount that could be told.
    pub unmeasured: u64,
    /// The ids of the first of them.
    pub ids: Vec<String>,
    /// Of replaced records, the ids of those that have taken their places: one for each of `ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// A key whose sums differ by more than the tolerance, less what is explained.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Discrepancy {
    /// The key; `None` is the bucket of those that have null.
    pub key: Option<String>,
    /// The target's sum less the source's.
    pub difference: Decimal,
    /// What of it is not explained.
    pub unexplained: Decimal,
}

/// What one `[[reconcile]]` came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reconciliation {
    /// Its name.
    pub name: String,
    /// A difference is a discrepancy when it is strictly greater.
    pub tolerance: Decimal,
    /// The source.
    pub source: Side,
    /// The target.
    pub target: Side,
    /// The target's amount less the source's.
    pub difference: Decimal,
    /// What explains it, and what nothing explains.
    pub causes: Vec<Attribution>,
    /// What is left, over all keys.
    pub unexplained: Decimal,
    /// How many keys are left with more than the tolerance.
    pub discrepancies: u64,
    /// The first of them.
    pub keys: Vec<Discrepancy>,
    /// How many records differ of which a row is not what the ledger says; no tolerance covers them.
    pub behind: u64,
    /// Whether nothing is left beyond the tolerance, of any key and in total, and nothing was changed behind the ledger.
    pub holds: bool,
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

/// What of a stage is reconciled.
pub(crate) struct Wanted<'w> {
    /// The passes that carried the records.
    pub(crate) passes: &'w [i64],
    /// Whether they are all; then records that none of them has carried are looked for too.
    pub(crate) whole: bool,
    pub(crate) examples: usize,
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
