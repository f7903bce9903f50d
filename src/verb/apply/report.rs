//! The report of `apply`.

use crate::engine::reconcile::StageReconciled;
use crate::engine::{PassReport, Stopped};
use crate::record::RunId;

/// What an `apply` did.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ApplyReport {
    /// Number of the run; `None` when there was nothing to do.
    pub run: Option<RunId>,
    /// What each pass did.
    pub passes: Vec<PassReport>,
    /// Stages that were up to date already.
    pub up_to_date: Vec<u32>,
    /// Stages whose text changed, but not their meaning.
    pub cosmetic: Vec<u32>,
    /// Why the run, or the first stage that stopped, stopped early.
    pub stopped: Option<Stopped>,
    /// Stages that were left as they are, because a stage that they depend on is not up to date.
    pub held_back: Vec<HeldBack>,
    /// Number of records that these stages now have in quarantine.
    pub quarantined: u64,
    /// Results of reconciling the stages that processed records.
    pub reconciled: Vec<StageReconciled>,
    /// Other stages whose last reconciliation left something unexplained.
    pub unreconciled: Vec<u32>,
}

/// A stage that has to wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct HeldBack {
    /// The stage that waits.
    pub stage: u32,
    /// The stage that is not up to date: it stopped, or was rolled back.
    pub by: u32,
}
