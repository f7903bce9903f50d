//! The verb `reconcile`: measures both sides of a stage by its `[[reconcile]]` expressions, and explains every
//! difference from the ledger. Someone must account for what is left unexplained.

use rusqlite::Connection;

pub use crate::engine::reconcile::{
    Attribution, DifferenceCause, Discrepancy, ReconcileReport, Reconciliation, Side, StageReconciled,
};
use crate::engine::reconcile::{EXAMPLES, ReconcileRequest, reconcile_stage};
use crate::engine::{Run, RunInfo, Stopped};
use crate::error::{Error, Result};
use crate::ledger::open::{OpenPass, open_passes};
use crate::ledger::stage_history::standing_passes;
use crate::ledger::{Counts, PassKind};
use crate::observe::{Event, Observer, StopSignal};
use crate::stage::{Stage, Stages};
use crate::store::Store;

/// Options of [`reconcile`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReconcileOptions {
    /// Number of one stage; `None` for every applied stage that has something to reconcile.
    pub stage: Option<u32>,
    /// Maximum number of records and keys named for each cause; all are counted.
    pub examples: usize,
    /// What the ledger records about this run.
    pub run_info: RunInfo,
    /// Signal that asks the verb to stop; unfinished work is left out.
    pub stop: StopSignal,
}

impl ReconcileOptions {
    /// Reconciles one stage, by its number. Default: `None`, every applied stage that has something to reconcile.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<Option<u32>>) -> Self {
        self.stage = stage.into();
        self
    }

    /// Sets the maximum number of records and keys named for each cause. Default: 10.
    #[must_use]
    pub fn examples(mut self, examples: usize) -> Self {
        self.examples = examples;
        self
    }

    /// Sets what the ledger keeps about this run. Default: the command `reconcile`, no arguments, no reason.
    #[must_use]
    pub fn run_info(mut self, run_info: RunInfo) -> Self {
        self.run_info = run_info;
        self
    }

    /// Sets the signal that asks the verb to stop. Default: a signal that is never sent.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

impl Default for ReconcileOptions {
    fn default() -> Self {
        Self {
            stage: None,
            examples: EXAMPLES,
            run_info: RunInfo::new("reconcile"),
            stop: StopSignal::default(),
        }
    }
}

/// Measures both sides of stages and records the result in the ledger. The observer is notified of the end of each
/// stage's pass.
///
/// # Errors
/// [`Error::NoSuch`] for a stage that does not exist; [`Error::Invalid`] when an amount is not a number, or a sum needs
/// more than 28 digits.
pub fn reconcile(
    store: &mut Store,
    stages: &Stages,
    options: &ReconcileOptions,
    observer: &mut dyn Observer,
) -> Result<ReconcileReport> {
    if let Some(number) = options.stage.filter(|number| stages.get(*number).is_none()) {
        return Err(Error::NoSuch {
            what: format!("stage {number}"),
        });
    }
    let mut run = Run::begin(store, &options.run_info)?;
    let mut report = ReconcileReport::default();
    for stage in stages.iter() {
        let is_chosen = options.stage.is_none_or(|number| number == stage.number());
        if !is_chosen || !stage.is_reconciled() {
            continue;
        }
        refuse_half_undone(run.connection(), stages.project(), stage)?;
        let passes = standing_passes(run.connection(), stages.project(), stage.number())?;
        if passes.is_empty() {
            continue;
        }
        let wanted = ReconcileRequest {
            passes: &passes,
            whole: true,
            reads_all: true,
            examples: options.examples,
        };
        let Some(reconciled) = reconcile_stage(&mut run, stages.project(), stage, &wanted, &options.stop)?
        else {
            report.stopped = Some(Stopped::Asked);
            break;
        };
        observer.observe(&Event::PassEnded {
            pass: reconciled.pass,
            counts: Counts::default(),
        });
        report.stages.push(reconciled);
    }
    report.run = run.has_written().then_some(run.number());
    run.finish()?;
    Ok(report)
}

/// Refuses to compare the two sides of a stage that is being rolled back: they cannot agree.
fn refuse_half_undone(connection: &Connection, project: &str, stage: &Stage) -> Result<()> {
    let is_of_stage = |open: &OpenPass| {
        open.kind == PassKind::Rollback
            && (open.project.as_deref(), open.stage) == (Some(project), Some(stage.number()))
    };
    if !open_passes(connection)?.iter().any(is_of_stage) {
        return Ok(());
    }
    let message = format!(
        "stage {} ({}) is partly rolled back: its two sides cannot agree",
        stage.number(),
        stage.slug()
    );
    let hint = "roll back the rest first: `counterfoil status` names the command";
    Err(Error::invalid(message, hint))
}
