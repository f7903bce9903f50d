//! The verb `plan`: what `apply` would do. It uses the same stages, selections and placing, over the same records; it
//! only reads the store, and writes results to a private temporary file, where later stages find them.

mod alike;
mod facts;
mod forecast;
mod merging;
mod options;
mod planner;
mod report;
mod sample;
mod sink;
mod summary;

pub use alike::Alike;
pub use merging::{GoldenChanges, MergePlan};
pub use options::PlanOptions;
pub use report::{
    ErrorLimit, Lint, OperationPlan, PassPlan, PlanReport, PlannedPass, RefusalPlan, RefusedExample,
    StagePlan,
};
pub use sample::{FieldChange, Sample};

pub use crate::apply::{Pin, PinnedMerge, PinnedStage};
use crate::engine::check_drift;
use crate::error::Result;

use crate::ledger::Head;
use crate::observe::Observer;
use crate::stage::Stages;
use crate::store::Store;

use planner::Planner;

/// Reports what `apply` would do with the same options. Writes nothing to the store and does not lock it. An error
/// limit does not stop the plan, so that it counts everything that would be refused.
///
/// # Errors
/// The errors of `apply`: [`Error::Drift`](crate::Error::Drift) when the meaning of an applied stage has changed.
pub fn plan(
    store: &Store,
    stages: &Stages,
    options: &PlanOptions,
    observer: &mut dyn Observer,
) -> Result<PlanReport> {
    let head = Head::read(store.connection())?;
    let mut report = PlanReport {
        pin: Pin::new(store.connection(), &head, stages, &options.apply.asked())?,
        sample: options.sample,
        stages: Vec::new(),
        up_to_date: Vec::new(),
        cosmetic: check_drift(store.connection(), stages, options.apply.revise)?,
        moved: false,
        stopped: None,
    };
    let mut masked = store.redacted_paths()?;
    masked.extend(stages.iter().flat_map(|stage| stage.redact().to_vec()));
    let mut planner = Planner::new(store, stages, options, masked)?;
    planner.of_all(stages, observer, &mut report)?;
    report.stopped = planner.stopped();
    report.pin.merges = pinned(&report.stages);
    report.moved = Head::read(store.connection())?.batch != head.batch;
    Ok(report)
}

/// Returns what the plan says of merges, for its pin.
fn pinned(stages: &[StagePlan]) -> Vec<PinnedMerge> {
    let pinned = stages.iter().filter_map(|stage| {
        let matching = stage.merge.as_ref()?.outcome.matching.as_ref()?;
        Some(PinnedMerge::new(stage.stage, matching))
    });
    pinned.collect()
}
