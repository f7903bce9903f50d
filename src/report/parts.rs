//! What a report tells.

use super::evidence::Evidence;
use super::reconciliation::StageReconciliation;
use super::refused::Refused;
use super::speed::Speed;
use crate::history::{Deviations, RunRecord, UnfinishedPass};
use crate::ledger::run_outcome::{PassOutcome, StageOfRun, Undone};
use crate::record::{BatchId, RunId};

/// One run: what it was, what came of it, and how to check that.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RunReport {
    /// When the report was made, ISO 8601 in UTC.
    pub made: String,
    /// The store as it was then.
    pub store: StoreState,
    /// The newest run, where it was passed over for this one because it has done nothing to a record; `None` where the run was
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<RunId>,
    /// What was taken back since; it stands above everything else.
    pub undone: Vec<Undone>,
    /// The passes of the store that have begun and not ended, whichever run began them.
    pub unfinished: Vec<UnfinishedPass>,
    /// What ran, by whom and why.
    pub summary: Summary,
    /// What became of the records, pass by pass.
    pub outcomes: Vec<PassOutcome>,
    /// Records per second, batch by batch.
    pub speed: Speed,
    /// What was refused, by cause.
    pub refused: Refused,
    /// Both sides of the stages against each other.
    pub reconciliation: Vec<StageReconciliation>,
    /// Where the targets of the stages are not what these would make of their sources, as the store is now; `None` where
    /// the stages were not given.
    pub deviations: Option<Deviations>,
    /// What holds it all together.
    pub evidence: Evidence,
}

/// The store that a report was made of.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StoreState {
    /// Its file, as it was named.
    pub path: String,
    /// The newest batch.
    pub batch: BatchId,
    /// The size of the ledger's tree.
    pub tree_size: u64,
    /// The root over it, in hexadecimal.
    pub tree_root: String,
}

/// What ran, by whom and why.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The run as `history` shows it.
    #[serde(flatten)]
    pub run: RunRecord,
    /// The command with its arguments, as a shell would need it.
    pub command_line: String,
    /// The project.
    pub project: Option<String>,
    /// The stages that it worked on, in their order.
    pub stages: Vec<RunStage>,
    /// From its start to its last commit, in microseconds.
    pub duration_us: u64,
    /// How many batches it committed.
    pub batch_count: u64,
    /// How it ended.
    pub ending: Ending,
    /// The same in words.
    #[serde(rename = "ending_told")]
    pub ending_text: String,
}

/// A stage, as its text in the ledger tells it.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RunStage {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub slug: String,
    /// What it says that it does.
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

/// What a stage file says that it does; a stage that was built in Rust says nothing.
fn description(text: &str) -> Option<String> {
    let document = text.parse::<toml_edit::DocumentMut>().ok()?;
    let description = document.get("stage")?.get("description")?.as_str()?;
    Some(description.trim().to_owned())
}

/// How a run ended, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ending {
    /// All of it was rolled back since.
    Undone,
    /// It stopped within a pass that nobody has finished.
    Interrupted,
    /// Some of it was rolled back since.
    PartlyUndone,
    /// A reconciliation left something unexplained.
    Unreconciled,
    /// Records that it refused are still in quarantine.
    RefusedLeft,
    /// It stopped within a pass, which a later run has finished.
    Continued,
    /// Done, and nothing is left.
    Done,
}

impl Ending {
    /// The ending in a word or two.
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
