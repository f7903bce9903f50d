//! The report of a plan.

use std::collections::BTreeMap;

use super::alike::Alike;
use super::merging::MergePlan;
use super::sample::Sample;
use crate::apply::Pin;
use crate::context::Tallied;
use crate::engine::Stopped;
use crate::ledger::{AggregateOutcome, Counts};
use crate::refusal::Refusal;

/// What an `apply` would do.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct PlanReport {
    /// State of the data and the stages that the plan was made from.
    pub pin: Pin,
    /// Number of records of each stage that were tried, if not all.
    pub sample: Option<u64>,
    /// Stages that have something to do.
    pub stages: Vec<StagePlan>,
    /// Stages that are up to date.
    pub up_to_date: Vec<u32>,
    /// Stages whose text changed, but not their meaning.
    pub cosmetic: Vec<u32>,
    /// Whether someone wrote to the store while the plan was made, so that it may not describe a single state.
    pub moved: bool,
    /// Why it stopped early.
    pub stopped: Option<Stopped>,
}

/// What a stage would do.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StagePlan {
    /// Number of the stage.
    pub stage: u32,
    /// Slug of the stage.
    pub slug: String,
    /// Database that it would read.
    pub source: String,
    /// Database that it would write.
    pub target: String,
    /// Passes that it would make, in order.
    pub passes: Vec<PassPlan>,
    /// Number of records that they would read.
    pub records: u64,
    /// Outcomes of the tried records.
    pub counts: Counts,
    /// Number of records that the tried ones would produce: differs from the number written when one becomes several.
    pub out: u64,
    /// Number of the stage's warnings, by code.
    pub warnings: BTreeMap<String, u64>,
    /// What its operations would do, in order.
    pub operations: Vec<OperationPlan>,
    /// Records that would be refused, by code, the most frequent first.
    pub refusals: Vec<RefusalPlan>,
    /// Some of the records that would be written, field by field; redacted values are masked.
    pub samples: Vec<Sample>,
    /// What a merge stage would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergePlan>,
    /// What a stage that aggregates would come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<AggregateOutcome>,
    /// Number of before images that the ledger would keep.
    pub images: u64,
    /// Size of these images in bytes.
    pub image_bytes: u64,
    /// Approximate number of bytes by which the store would grow; for all records, even if only a sample was tried.
    pub growth: u64,
    /// Approximate duration in microseconds; for all records, even if only a sample was tried.
    pub estimated_us: u64,
    /// Warnings of `check`.
    pub lints: Vec<Lint>,
    /// Number of records that a contract in the mode `refuse` refused in the pass that would be resumed: `apply` does
    /// not continue until they are settled.
    pub halted: u64,
    /// The limit at which `apply` would stop because more records are refused than allowed; unknown from a sample.
    pub stops: Option<ErrorLimit>,
    /// The earlier stage that would stop; this one depends on it and would be left as it is.
    pub held_back_by: Option<u32>,
}

/// A pass that a stage would make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PassPlan {
    /// Purpose of the pass.
    pub kind: PlannedPass,
    /// Number of records that it would read.
    pub records: u64,
}

/// Purpose of a planned pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlannedPass {
    /// The stage was never applied: it reads its whole source.
    First,
    /// An earlier run was interrupted: the pass continues where that run stopped.
    Resumed,
    /// It reads what was added to its source, or changed there, since it was applied.
    Later,
    /// Its meaning was revised: it also reads what the earlier revision refused.
    Revised,
    /// It reads its whole source again, to learn the model of its merge anew.
    Relearned,
}

impl PlannedPass {
    /// Returns whether it reads the whole source from its beginning.
    pub(crate) fn reads_all(self) -> bool {
        matches!(self, Self::First | Self::Relearned)
    }
}

/// What an operation would do.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct OperationPlan {
    /// Name of the operation.
    pub op: &'static str,
    /// Place in the stage's file.
    pub place: Option<String>,
    /// Reversibility: `exact`, `image` or `lossy`.
    pub reversibility: &'static str,
    /// What it did to the records that were tried.
    #[serde(flatten)]
    pub tallied: Tallied,
}

/// Records that would be refused for one reason.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusalPlan {
    /// Refusal code.
    pub code: String,
    /// Number of records.
    pub records: u64,
    /// Number of them that broke the contract in the same way already before the stage.
    pub preexisting: u64,
    /// Number of them that break a contract in the mode `refuse`: `apply` would stop after the batch with the first.
    pub halting: u64,
    /// First of these records.
    pub examples: Vec<RefusedExample>,
    /// Single place at which all of them are refused, if there is one.
    #[serde(skip)]
    pub alike: Option<Alike>,
}

/// A record that would be refused.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedExample {
    /// Id of the record.
    pub id: String,
    /// Reason: codes, places, rules.
    pub reason: Refusal,
}

/// A warning about a stage.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Lint {
    /// Code of the warning.
    pub code: &'static str,
    /// Place, such as `0001_first.toml:7:1`.
    pub place: Option<String>,
    /// Text of the warning.
    pub message: String,
    /// Suggested remedy.
    pub help: Option<String>,
}

/// More records are refused than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ErrorLimit {
    /// Number of records that would be refused.
    pub refused: u64,
    /// Number of refusals allowed.
    pub limit: u64,
}

impl StagePlan {
    /// Returns whether a contract in the mode `refuse` would stop the stage.
    #[must_use]
    pub fn halts(&self) -> bool {
        self.refusals.iter().any(|refusal| refusal.halting > 0)
    }
}

impl PlanReport {
    /// Returns whether records would be refused.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.stages.iter().any(|stage| stage.counts.refused > 0)
    }

    /// Returns the approximate number of bytes by which the store would grow.
    #[must_use]
    pub fn growth(&self) -> u64 {
        self.stages.iter().map(|stage| stage.growth).sum()
    }

    /// Returns the approximate duration in microseconds.
    #[must_use]
    pub fn estimated_us(&self) -> u64 {
        self.stages.iter().map(|stage| stage.estimated_us).sum()
    }
}
