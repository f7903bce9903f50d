//! What was applied.

use crate::engine::reconcile::StageReconciled;
use crate::engine::{PassReport, Stopped};
use crate::record::RunId;

/// What an `apply` did.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ApplyReport {
    /// The run's number; `None` when there was nothing to do.
    pub run: Option<RunId>,
    /// What was done, pass by pass.
    pub passes: Vec<PassReport>,
    /// The stages that were up to date already.
    pub up_to_date: Vec<u32>,
    /// Stages whose text changed, but not their meaning.
    pub cosmetic: Vec<u32>,
    /// Why it stopped before its end, or the first stage that did.
    pub stopped: Option<Stopped>,
    /// The stages that were left as they are, because a stage that they depend on is not up to date.
    pub held_back: Vec<HeldBack>,
    /// How many records these stages have in quarantine now.
    pub quarantined: u64,
    /// What the reconciliations of the stages came to that have carried something.
    pub reconciled: Vec<StageReconciled>,
    /// The other stages whose last reconciliation left something unexplained.
    pub unreconciled: Vec<u32>,
}

/// A stage that has to wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct HeldBack {
    /// The stage.
    pub stage: u32,
    /// The stage that is not up to date: it has stopped, or was taken back.
    pub by: u32,
}
