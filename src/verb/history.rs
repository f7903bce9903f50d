//! Reading what happened: the verbs `status`, `history` and `trace`. All of it is derived from the ledger.

mod deviating;
mod found;
mod health;
mod hidden;
mod life;
mod redacted;
mod remade;
mod trace;

pub use crate::engine::UnfinishedPass;
pub use deviating::{CauseCount, CauseMeaning, Deviations};
pub use found::Found;
pub use health::{Health, LastRun, RefusedBy, Since};
pub use hidden::HiddenIds;

pub use crate::ledger::life::TraceStep;
pub use crate::ledger::run_record::{RunBatches, RunPass, RunRecord};

use crate::error::Result;
use crate::ledger::read::origin;
use crate::ledger::stage_history::{applied_numbers, standing_counts};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{
    Counts, Head, StageHistory, StageState, refusals, refusers, revisions, run_record, selection,
};
use crate::record::listed::as_list;
use crate::record::{BatchId, RunId};
use crate::stage::{Stage, Stages};
use crate::store::checkpoints::signed;
use crate::store::{SignedUpTo, Store};

/// Where a project stands.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The ledger's name: the uuid of its first run.
    pub origin: String,
    /// The newest batch.
    pub batches: BatchId,
    /// The tree's size.
    pub tree_size: u64,
    /// The tree's root, in hexadecimal.
    pub tree_root: String,
    /// How far the ledger is signed; `None` where nothing of it is.
    pub signed: Option<SignedUpTo>,
    /// The logical databases with their number of records.
    pub databases: Vec<DatabaseCount>,
    /// The project's stages, in order; those that were applied and are gone too.
    pub stages: Vec<StageStatus>,
    /// How many lines were refused at the door and still stand in quarantine.
    #[serde(rename = "refused_at_the_door")]
    pub rejected_lines: u64,
    /// The passes that have begun and not ended.
    pub unfinished: Vec<UnfinishedPass>,
    /// The rows of the stages' targets that are not what the stages would make of their sources from scratch.
    pub deviations: Deviations,
}

/// A logical database and how many records it has. In JSON a list of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseCount {
    /// The database.
    pub name: String,
    /// How many records.
    pub records: u64,
}

as_list!(DatabaseCount: name, records);

/// Where a stage stands.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StageStatus {
    /// The stage's number.
    pub number: u32,
    /// Its slug.
    pub slug: String,
    /// Where it reads.
    pub source: String,
    /// Where it writes.
    pub target: String,
    /// Where it stands.
    pub state: StageState,
    /// How its file compares with what was applied.
    pub file: FileState,
    /// The outcomes of the passes that stand.
    pub counts: Counts,
    /// How many records came out of those that were written. `None` where one can become several: the entries of all passes
    /// would have to be counted, so that each run made this dearer; what a run tells has the number of that run.
    pub out: Option<u64>,
    /// How many records stand in quarantine.
    pub quarantined: u64,
    /// How many records its open pass has refused by a contract in the mode `refuse`: it does not go on before they are settled.
    pub halted: u64,
    /// How many records wait to be carried through: of a stage that was applied, what was written to its source since;
    /// of one that was interrupted, what it has not read; otherwise its whole source.
    pub waiting: u64,
}

/// How a stage's file compares with what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Not applied: nothing to compare with.
    New,
    /// As applied.
    Same,
    /// Another text, the same meaning.
    Cosmetic,
    /// Another meaning.
    Drifted,
    /// As applied, but in an earlier language of stages, which read some of it otherwise.
    OtherLanguage,
    /// There is no such file any more.
    Missing,
}

impl Store {
    /// Where the project stands in a store.
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

    /// The other projects whose stages the store has applied, where it has applied none of this one: then the project was
    /// most likely given another name, under which all its stages are new.
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

/// `None` for a stage that was rolled back and whose file is gone.
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
    // Of a file that is gone or another one it is not known whether it has made several of one.
    let is_one_to_one =
        stage.is_some_and(|stage| !stage.derives()) && matches!(file, FileState::Same | FileState::Cosmetic);
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
        halted: stage.map_or(Ok(0), |stage| halted(store, stages.project(), stage, &history))?,
        waiting: stage.map_or(Ok(0), |stage| waiting(store, stages.project(), stage, &history))?,
    }))
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
    Ok(selection::waiting(connection, fed, after, BatchId::MAX)?.len() as u64)
}

impl Store {
    /// The runs that wrote, newest first; at most `limit` of them.
    pub fn history(&self, limit: usize) -> Result<Vec<RunRecord>> {
        let mut found = Vec::new();
        for number in run_record::that_wrote(self.connection(), limit)? {
            found.extend(self.run(number)?);
        }
        Ok(found)
    }

    /// One run that wrote; `None` where there is none of that number.
    pub fn run(&self, number: RunId) -> Result<Option<RunRecord>> {
        run_record::run_record(self.connection(), number)
    }
}
