//! What a plan tells.

use std::collections::BTreeMap;

use super::alike::Alike;
use super::sample::Sample;
use crate::apply::Pin;
use crate::context::Tallied;
use crate::engine::Stopped;
use crate::ledger::Counts;
use crate::refusal::Refusal;

/// What an `apply` would do.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct PlanReport {
    /// Of which data and which stages this is the plan.
    pub pin: Pin,
    /// How many records of each stage were tried, where it was not all.
    pub sample: Option<u64>,
    /// The stages that have something to do.
    pub stages: Vec<StagePlan>,
    /// The stages that are up to date.
    pub up_to_date: Vec<u32>,
    /// Stages whose text changed, but not their meaning.
    pub cosmetic: Vec<u32>,
    /// Whether somebody has written to the store while the plan was made, so that it may be of no one state.
    pub moved: bool,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

/// What a stage would do.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StagePlan {
    /// The stage's number.
    pub stage: u32,
    /// The stage's slug.
    pub slug: String,
    /// Where it would read.
    pub source: String,
    /// Where it would write.
    pub target: String,
    /// The passes that it would make, in order.
    pub passes: Vec<PassPlan>,
    /// How many records they would read.
    pub records: u64,
    /// The outcomes of those that were tried.
    pub counts: Counts,
    /// How many records would come out of those that were tried: others than the written ones where one becomes several.
    pub out: u64,
    /// How often the stage warned, by code.
    pub warnings: BTreeMap<String, u64>,
    /// What its operations would do, in order.
    pub operations: Vec<OperationPlan>,
    /// What would be refused, by code; the most frequent first.
    pub refusals: Vec<RefusalPlan>,
    /// Some of the records that would be written, field by field; redacted values are masked.
    pub samples: Vec<Sample>,
    /// How many before images the ledger would keep.
    pub images: u64,
    /// Their bytes.
    pub image_bytes: u64,
    /// By how many bytes the store would grow, about; of all its records, where only a sample was tried.
    pub growth: u64,
    /// How long it would take, about, in microseconds; of all its records, where only a sample was tried.
    pub estimated_us: u64,
    /// What `check` warns of.
    pub lints: Vec<Lint>,
    /// How many records of the pass that would be resumed stand refused by a contract in the mode `refuse`: `apply` does
    /// not go on before they are settled.
    pub halted: u64,
    /// Where `apply` would stop, because more records are refused than allowed; not known from a sample.
    pub stops: Option<ErrorLimit>,
    /// The stage that would stop before this one, which depends on it and would be left as it is.
    pub held_back_by: Option<u32>,
}

/// A pass that a stage would make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PassPlan {
    /// What for.
    pub kind: PlannedPass,
    /// How many records it would read.
    pub records: u64,
}

/// What a pass would be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlannedPass {
    /// The stage was never applied: it reads its whole source.
    First,
    /// An earlier run was interrupted: it goes on where that one stopped.
    Resumed,
    /// It reads what came to its source, or changed there, since it was applied.
    Later,
    /// Its meaning was revised: it also reads what the earlier revision has refused.
    Revised,
}

/// What an operation would do.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct OperationPlan {
    /// Its name.
    pub op: &'static str,
    /// Where it stands in the stage's file.
    pub place: Option<String>,
    /// How it can be undone: `exact`, `image` or `lossy`.
    pub reversibility: &'static str,
    /// What it did to the records that were tried.
    #[serde(flatten)]
    pub tallied: Tallied,
}

/// Records that would be refused for one reason.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusalPlan {
    /// The code.
    pub code: String,
    /// How many.
    pub records: u64,
    /// How many of them broke the contract in the same way already before the stage.
    pub preexisting: u64,
    /// How many of them break a contract in the mode `refuse`: `apply` would stop after the batch with the first.
    pub halting: u64,
    /// The first of them.
    pub examples: Vec<RefusedExample>,
    /// The one place at which all of them are refused, if it is one.
    #[serde(skip)]
    pub alike: Option<Alike>,
}

/// A record that would be refused.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RefusedExample {
    /// Its id.
    pub id: String,
    /// Why: codes, places, rules.
    pub reason: Refusal,
}

/// A warning about a stage.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Lint {
    /// Its code.
    pub code: &'static str,
    /// Where, `0001_first.toml:7:1`.
    pub place: Option<String>,
    /// What.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// More records are refused than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ErrorLimit {
    /// How many would be refused.
    pub refused: u64,
    /// How many are allowed.
    pub limit: u64,
}

impl StagePlan {
    /// Whether a contract in the mode `refuse` would stop the stage.
    #[must_use]
    pub fn halts(&self) -> bool {
        self.refusals.iter().any(|refusal| refusal.halting > 0)
    }
}

impl PlanReport {
    /// Whether records would be refused.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.stages.iter().any(|stage| stage.counts.refused > 0)
    }

    /// By how many bytes the store would grow, about.
    #[must_use]
    pub fn growth(&self) -> u64 {
        self.stages.iter().map(|stage| stage.growth).sum()
    }

    /// How long it would take, about, in microseconds.
    #[must_use]
    pub fn estimated_us(&self) -> u64 {
        self.stages.iter().map(|stage| stage.estimated_us).sum()
    }
}
