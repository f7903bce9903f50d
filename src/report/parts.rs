//! The parts of a report.

use super::evidence::Evidence;
use super::matching::StageMatching;
use super::reconciliation::StageReconciliation;
use super::refused::Refused;
use super::series::StageSeries;
use super::speed::Speed;
use crate::history::{Deviations, RunRecord, UnfinishedPass};
use crate::ledger::run_outcome::{PassOutcome, StageOfRun, Undone};
use crate::record::{BatchId, RunId};

/// A report of one run: what it was, what came of it, and how to check that.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RunReport {
    /// Time at which the report was made, ISO 8601 in UTC.
    pub made: String,
    /// State of the store at that time.
    pub store: StoreState,
    /// The newest run, if the report passes over it because it changed no record; `None` if the run was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<RunId>,
    /// What was rolled back since; shown above everything else.
    pub undone: Vec<Undone>,
    /// Passes of the store that have begun but not ended, whichever run began them.
    pub unfinished: Vec<UnfinishedPass>,
    /// What ran, who ran it, and why.
    pub summary: Summary,
    /// Outcomes of the records, pass by pass.
    pub outcomes: Vec<PassOutcome>,
    /// Records per second, batch by batch.
    pub speed: Speed,
    /// Refused records, by cause.
    pub refused: Refused,
    /// What the run's merges compared, found and merged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matching: Vec<StageMatching>,
    /// The windows of the stages that the run has aggregated with, as the store is now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<StageSeries>,
    /// Reconciliations of the stages.
    pub reconciliation: Vec<StageReconciliation>,
    /// Where the targets of the stages differ from what the stages would make of their sources, as the store is now;
    /// `None` if the stages were not given.
    pub deviations: Option<Deviations>,
    /// Hashes and signatures that protect the run.
    pub evidence: Evidence,
}

/// State of the store that a report was made from.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StoreState {
    /// Path of its file, as it was given.
    pub path: String,
    /// Newest batch.
    pub batch: BatchId,
    /// Size of the ledger's tree.
    pub tree_size: u64,
    /// Root of the tree, in hexadecimal.
    pub tree_root: String,
}

/// What ran, who ran it, and why.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The run as `history` shows it.
    #[serde(flatten)]
    pub run: RunRecord,
    /// The command with its arguments, quoted for a shell.
    pub command_line: String,
    /// Name of the project.
    pub project: Option<String>,
    /// Stages that the run worked on, in order.
    pub stages: Vec<RunStage>,
    /// Duration from its start to its last commit, in microseconds.
    pub duration_us: u64,
    /// Number of batches that it committed.
    pub batch_count: u64,
    /// How the run ended.
    pub ending: Ending,
    /// How the run ended, in words.
    #[serde(rename = "ending_told")]
    pub ending_text: String,
}

/// A stage as described in the ledger.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RunStage {
    /// Number of the stage.
    pub number: u32,
    /// Name of the stage.
    pub slug: String,
    /// Description in the stage's text.
    pub description: Option<String>,
}

impl RunStage {
    pub(super) fn new(stage: StageOfRun) -> Self {
        Self {
            description: description(&stage.source_text),
            number: stage.number,
            slug: stage.slug,
        }
    }
}

/// Returns the description in a stage file; a stage that was built in Rust has none.
fn description(text: &str) -> Option<String> {
    let document = text.parse::<toml_edit::DocumentMut>().ok()?;
    let description = document.get("stage")?.get("description")?.as_str()?;
    Some(description.trim().to_owned())
}

/// The ending of a run, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ending {
    /// All of its work was rolled back since.
    Undone,
    /// Stopped within a pass that no run has finished.
    Interrupted,
    /// Some of its work was rolled back since.
    PartlyUndone,
    /// A reconciliation left something unexplained.
    Unreconciled,
    /// Records that it refused are still in quarantine.
    RefusedLeft,
    /// Stopped within a pass that a later run has finished.
    Continued,
    /// Finished, with nothing left.
    Done,
}

impl Ending {
    /// Returns the ending in a word or two.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undone => "rolled back",
            Self::Interrupted => "interrupted",
            Self::PartlyUndone => "partly rolled back",
            Self::Unreconciled => "not reconciled",
            Self::RefusedLeft => "records in quarantine",
            Self::Continued => "continued later",
            Self::Done => "done",
        }
    }
}
