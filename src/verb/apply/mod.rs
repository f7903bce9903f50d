//! The verb `apply`: brings every stage up to date and resumes passes that were interrupted.

mod options;
mod pin;
mod report;
mod retry;
mod stages;

pub use options::ApplyOptions;
pub use pin::{Pin, PinnedMerge, PinnedStage};
pub use report::{ApplyReport, HeldBack};
pub use retry::retry;

pub use crate::engine::PassReport;
use crate::engine::{Bounds, Run, check_drift};
use crate::error::{Error, Result};
use crate::observe::Observer;
use crate::stage::Stages;
use crate::store::Store;
use stages::{bring_all_up_to_date, quarantined, unreconciled};

/// Brings every stage up to date: continues a pass that was interrupted, begins the first pass of a stage that never
/// ran, and processes what others wrote to a source with the stages that were applied before.
///
/// # Errors
/// [`Drift`](crate::Error::Drift) when the meaning of an applied stage has changed,
/// [`PlanMoved`](crate::Error::PlanMoved) when the given plan is out of date, [`Locked`](crate::Error::Locked) when
/// another process writes. Refused records are not an error: they are counted, and are in quarantine.
pub fn apply(
    store: &mut Store,
    stages: &Stages,
    options: &ApplyOptions,
    observer: &mut dyn Observer,
) -> Result<ApplyReport> {
    let mut run_info = options.run_info.clone();
    run_info
        .arguments
        .extend(options.plan.as_ref().map(Pin::argument));
    let mut run = Run::begin(store, &run_info)?;
    if let Some(plan) = &options.plan {
        plan.check(run.connection(), stages, &options.asked())?;
    }
    let bounds = Bounds::new(&options.stop, options.max_time);
    let mut report = ApplyReport {
        cosmetic: check_drift(run.connection(), stages, options.revise)?,
        ..ApplyReport::default()
    };
    bring_all_up_to_date(&mut run, stages, options, &bounds, observer, &mut report)?;
    report.run = run.has_written().then_some(run.number());
    report.quarantined = quarantined(&run, stages)?;
    report.unreconciled = unreconciled(&run, stages, options, &report.reconciled)?;
    run.finish()?;
    Ok(report)
}

impl Store {
    /// Returns the error that would keep `apply` from beginning at all: a stage differs from what was applied, is gone,
    /// or comes before what was built without it; or the project's name has changed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn obstacle_to_apply(&self, stages: &Stages) -> Result<Option<Error>> {
        match check_drift(self.connection(), stages, false) {
            Ok(_) => Ok(None),
            Err(error @ (Error::Drift { .. } | Error::Invalid { .. })) => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }
}
