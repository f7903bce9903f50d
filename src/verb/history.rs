//! Reads what happened: the verbs `status`, `history` and `trace`. All of it is derived from the ledger.

mod deviating;
mod found;
mod golden;
mod health;
mod hidden;
mod life;
mod redacted;
mod remade;
mod trace;
mod windows;

pub use crate::engine::UnfinishedPass;
pub use deviating::{CauseCount, CauseMeaning, Deviations};
pub use found::Found;
pub use health::{Health, LastRun, RefusedBy, Since};
pub use hidden::HiddenIds;
pub use windows::{InWindow, WindowReading, WindowReadings};

pub use crate::ledger::golden::{GoldenMember, GoldenRecord, MemberPlace, WaitingPair};
pub use crate::ledger::life::TraceStep;
pub use crate::ledger::lookups::LookedUp;
pub use crate::ledger::run_record::{RunBatches, RunPass, RunRecord};

use crate::error::Result;
use crate::ledger::merged::{is_zero, queue};
use crate::ledger::read::origin;
use crate::ledger::stage_history::{applied_numbers, standing_counts};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{
    Counts, Head, StageHistory, StageState, refusals, refusers, revisions, run_record, selection,
};
use crate::record::listed::as_list;
use crate::record::{BatchId, RunId};
use crate::stage::{Cardinality, Stage, Stages};
use crate::store::checkpoints::signed;
use crate::store::{SignedUpTo, Store};

/// The state of a project.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Identity of the ledger: the UUID of its first run.
    pub origin: String,
    /// Newest batch of the ledger.
    pub batches: BatchId,
    /// Size of the ledger's tree.
    pub tree_size: u64,
    /// Root of the ledger's tree, in hexadecimal.
    pub tree_root: String,
    /// Up to which batch the ledger is signed; `None` when nothing is signed.
    pub signed: Option<SignedUpTo>,
    /// Logical databases with their numbers of records.
    pub databases: Vec<DatabaseCount>,
    /// Stages of the project, in order, including applied stages whose files are gone.
    pub stages: Vec<StageStatus>,
    /// Number of input lines that were rejected at admission and are still in quarantine.
    #[serde(rename = "refused_at_the_door")]
    pub rejected_lines: u64,
    /// Passes that have begun and not ended.
    pub unfinished: Vec<UnfinishedPass>,
    /// Rows of the stages' targets that differ from what the stages would produce from scratch.
    pub deviations: Deviations,
}

/// A logical database and its number of records. In JSON, a list of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseCount {
    /// Name of the database.
    pub name: String,
    /// Number of records.
    pub records: u64,
}

as_list!(DatabaseCount: name, records);

/// The state of a stage.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StageStatus {
    /// Number of the stage.
    pub number: u32,
    /// Slug of the stage.
    pub slug: String,
    /// Database that the stage reads.
    pub source: String,
    /// Database that the stage writes.
    pub target: String,
    /// State of the stage.
    pub state: StageState,
    /// How the stage's file compares with what was applied.
    pub file: FileState,
    /// Outcomes of the passes that were not rolled back, without waivers of records that the stage has processed since.
    pub counts: Counts,
    /// Number of records that the written ones became. `None` when one record can become several, or several one: the entries of all
    /// passes would have to be counted, at a cost that grows with each run; the report of a run has that run's number.
    pub out: Option<u64>,
    /// Number of records in quarantine.
    pub quarantined: u64,
    /// Number of those that the open pass refused and that do not count against its limit, because the next `apply` processes
    /// them again: they were corrected, or are merged with one that was.
    #[serde(skip_serializing_if = "is_zero")]
    pub excused: u64,
    /// Number of records that the open pass refused by a contract in the mode `refuse`: the pass does not continue
    /// until they are settled.
    pub halted: u64,
    /// Number of records that wait to be processed: for a stage that was applied, what was written to its source since;
    /// for an interrupted stage, what it has not read; otherwise its whole source.
    pub waiting: u64,
    /// Number of pairs of a merge stage that wait for a decision: the view `audit_review` lists them.
    #[serde(skip_serializing_if = "is_zero")]
    pub review: u64,
}

/// How a stage's file compares with what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Not applied: nothing to compare with.
    New,
    /// As applied.
    Same,
    /// The text differs, the meaning is the same.
    Cosmetic,
    /// The meaning differs.
    Drifted,
    /// As applied, but in an earlier version of the stage language, which read some of it differently.
    OtherLanguage,
    /// The file no longer exists.
    Missing,
}

impl Store {
    /// Returns the status of a project in the store.
    pub fn status(&self, stages: &Stages) -> Result<Status> {
        let connection = self.connection();
        let head = Head::read(connection)?;
        let names = self.databases()?;
        let databases = names
            .into_iter()
            .map(|name| self.count(&name).map(|records| DatabaseCount { name, records }));
        Ok(Status {
            origin: origin(connection)?,
            batches: head.batch,
            tree_size: head.frontier.size(),
            tree_root: crate::digest::hex(&head.frontier.root()),
            signed: signed(connection)?,
            databases: databases.collect::<Result<_>>()?,
            stages: stage_statuses(self, stages)?,
            rejected_lines: refusers::rejected_lines(connection)?,
            unfinished: self.unfinished()?,
            deviations: Deviations::new(self, stages)?,
        })
    }

    /// Returns the other projects whose stages were applied to the store, if none of this project were: the project was
    /// then most likely renamed, and under the new name all its stages are new.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn other_projects(&self, project: &str) -> Result<Vec<String>> {
        revisions::other_projects(self.connection(), project)
    }
}

fn stage_statuses(store: &Store, stages: &Stages) -> Result<Vec<StageStatus>> {
    let connection = store.connection();
    let mut numbers = applied_numbers(connection, stages.project())?;
    numbers.extend(stages.iter().map(Stage::number));
    numbers.sort_unstable();
    numbers.dedup();
    let refused = refusals::refused_counts(connection, stages.project())?;
    let statuses = numbers.into_iter().map(|number| {
        let quarantined = refused.get(&number).copied().unwrap_or_default();
        stage_status(store, stages, (number, quarantined))
    });
    Ok(statuses
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// Returns `None` for a stage that was rolled back and whose file is gone.
fn stage_status(
    store: &Store,
    stages: &Stages,
    (number, quarantined): (u32, u64),
) -> Result<Option<StageStatus>> {
    let connection = store.connection();
    let history = StageHistory::read(connection, stages.project(), number)?;
    let stage = stages.get(number);
    let file = match (stage, history.revision()) {
        (Some(_), None) => FileState::New,
        (Some(stage), Some(row)) if !stage.does_as(&row.meaning) => {
            let is_as_applied = stage.text_sha256() == row.text_sha256;
            if is_as_applied && stage.needs_later_language(&row.meaning) {
                FileState::OtherLanguage
            } else {
                FileState::Drifted
            }
        }
        (Some(stage), Some(row)) if stage.text_sha256() != row.text_sha256 => FileState::Cosmetic,
        (Some(_), Some(_)) => FileState::Same,
        (None, Some(_)) => FileState::Missing,
        (None, None) => return Ok(None),
    };
    let newest = history.newest();
    let name = |ours: Option<&str>, theirs: Option<&String>| {
        ours.map(str::to_owned)
            .or_else(|| theirs.cloned())
            .unwrap_or_default()
    };
    let counts = standing_counts(connection, stages.project(), number)?;
    // If the file is gone or differs, it is unknown whether the stage made several records of one.
    let is_one_to_one = stage.is_some_and(|stage| stage.cardinality() == Cardinality::OneToOne)
        && matches!(file, FileState::Same | FileState::Cosmetic);
    let out = (is_one_to_one || counts.written == 0).then_some(counts.written);
    Ok(Some(StageStatus {
        number,
        slug: name(stage.map(Stage::slug), history.revision().map(|row| &row.slug)),
        source: name(
            stage.map(Stage::source),
            newest.and_then(|pass| pass.row.source.as_ref()),
        ),
        target: name(
            stage.map(Stage::target),
            newest.and_then(|pass| pass.row.target.as_ref()),
        ),
        state: history.state,
        file,
        counts,
        out,
        quarantined,
        excused: stage.map_or(Ok(0), |stage| excused(store, stages.project(), stage, &history))?,
        halted: stage.map_or(Ok(0), |stage| halted(store, stages.project(), stage, &history))?,
        waiting: stage.map_or(Ok(0), |stage| waiting(store, stages.project(), stage, &history))?,
        review: match history.revision() {
            Some(row) if row.merges() => queue(connection, stages.project(), number)?.pairs,
            _ => 0,
        },
    }))
}

fn excused(store: &Store, project: &str, stage: &Stage, history: &StageHistory) -> Result<u64> {
    let Some(open) = history.open_apply().filter(|open| open.counts.refused > 0) else {
        return Ok(0);
    };
    let of = (open.row.pass, open.first_batch.previous());
    selection::excused_by(store.connection(), StageInput::new(project, stage), of)
}

fn halted(store: &Store, project: &str, stage: &Stage, history: &StageHistory) -> Result<u64> {
    let Some(open) = history.open_apply() else {
        return Ok(0);
    };
    let of = (open.row.pass, open.first_batch.previous());
    selection::halting(store.connection(), StageInput::new(project, stage), of)
}

fn waiting(store: &Store, project: &str, stage: &Stage, history: &StageHistory) -> Result<u64> {
    let connection = store.connection();
    let fed = StageInput::new(project, stage);
    let count = |source: &str| store.count(source);
    if let Some(open) = history.open_apply() {
        let selection = selection::of_open_pass(connection, fed, open)?;
        let read_in_place = if stage.in_place() {
            open.counts.read - open.counts.refused
        } else {
            open.counts.read
        };
        return Ok(match selection.remaining() {
            Some(remaining) => remaining,
            None => count(stage.source())?.saturating_sub(read_in_place),
        });
    }
    if history.begins_anew() {
        return count(stage.source());
    }
    let after = history.frontier(connection)?;
    if selection::is_made_anew(connection, fed, after)? {
        return count(stage.source());
    }
    Ok(selection::waiting(connection, fed, after, BatchId::MAX)?.len() as u64)
}

impl Store {
    /// Returns the runs that wrote, newest first; at most `limit` of them.
    pub fn history(&self, limit: usize) -> Result<Vec<RunRecord>> {
        let mut found = Vec::new();
        for number in run_record::that_wrote(self.connection(), limit)? {
            found.extend(self.run(number)?);
        }
        Ok(found)
    }

    /// Returns a run that wrote; `None` when there is none with that number.
    pub fn run(&self, number: RunId) -> Result<Option<RunRecord>> {
        run_record::run_record(self.connection(), number)
    }
}
