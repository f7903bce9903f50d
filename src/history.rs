//! Reading what happened: the verbs `status`, `history` and `trace`. All of it is derived from the ledger.

mod deviating;
mod found;
mod health;
mod hidden;
mod remade;
mod trace;
mod unfinished;

use rusqlite::OptionalExtension as _;

pub use deviating::{CauseCount, Deviations};
pub use found::{Found, databases_with_id, may_have_had_others};
pub use health::{Health, LastRun, RefusedBy, Since, health};
pub use hidden::HiddenIds;
pub(crate) use remade::versions;
pub use trace::{TraceStep, trace, trace_family};
pub use unfinished::{UnfinishedPass, unfinished};
pub(crate) use unfinished::{name_running, reading_options, unfinished_in, writing_options};

use crate::error::{Error, Result};
use crate::ledger::feed::{self, Fed};
use crate::ledger::out::came_out;
use crate::ledger::read::origin;
use crate::ledger::selection;
use crate::ledger::stage_history::standing_counts;
use crate::ledger::{Counts, Head, StageHistory, StageState};
use crate::path::{Path, Segment};
use crate::stage::{Stage, Stages};
use crate::store::checkpoints::signed;
use crate::store::{SignedUpTo, Store};

/// Where a project stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Status {
    /// The ledger's name: the uuid of its first run.
    pub origin: String,
    /// The newest batch.
    pub batches: i64,
    /// The tree's size.
    pub tree_size: u64,
    /// The tree's root, in hexadecimal.
    pub tree_root: String,
    /// How far the ledger is signed; `None` where nothing of it is.
    pub signed: Option<SignedUpTo>,
    /// The logical databases with their number of records.
    pub databases: Vec<(String, u64)>,
    /// The project's stages, in order; those that were applied and are gone too.
    pub stages: Vec<StageStatus>,
    /// How many lines were refused at the door and still stand in quarantine.
    pub refused_at_the_door: u64,
    /// The passes that have begun and not ended.
    pub unfinished: Vec<UnfinishedPass>,
    /// The rows of the stages' targets that are not what the stages would make of their sources from scratch.
    pub deviations: Deviations,
}

/// Where a stage stands.
#[derive(Clone, Debug, serde::Serialize)]
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

/// Where the project stands in a store.
pub fn status(store: &Store, stages: &Stages) -> Result<Status> {
    let connection = store.connection();
    let head = Head::read(connection)?;
    let names = store.databases()?;
    let databases = names
        .into_iter()
        .map(|name| store.count(&name).map(|count| (name, count)));
    let sql = "SELECT count(*) FROM audit_quarantine WHERE project IS NULL";
    let refused: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(Status {
        origin: origin(connection)?,
        batches: head.batch,
        tree_size: head.frontier.size(),
        tree_root: crate::digest::hex(&head.frontier.root()),
        signed: signed(connection)?,
        databases: databases.collect::<Result<_>>()?,
        stages: stage_statuses(store, stages)?,
        refused_at_the_door: refused.unsigned_abs(),
        unfinished: unfinished(store)?,
        deviations: Deviations::of(store, stages)?,
    })
}

/// The other projects whose stages the store has applied, where it has applied none of this one: then the project was
/// most likely given another name, under which all its stages are new.
///
/// # Errors
/// When the ledger cannot be read.
pub fn other_projects(store: &Store, project: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT project FROM ledger_stage
     WHERE NOT EXISTS(SELECT 1 FROM ledger_stage WHERE project=?1) ORDER BY project";
    let mut statement = store.connection().prepare_cached(sql)?;
    let names = statement.query_map([project], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn stage_statuses(store: &Store, stages: &Stages) -> Result<Vec<StageStatus>> {
    let connection = store.connection();
    let sql = "SELECT DISTINCT number FROM ledger_stage WHERE project=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let applied = statement.query_map([stages.project()], |row| row.get(0))?;
    let mut numbers: Vec<u32> = applied.collect::<rusqlite::Result<_>>()?;
    numbers.extend(stages.iter().map(Stage::number));
    numbers.sort_unstable();
    numbers.dedup();
    let refused = feed::refused_counts(connection, stages.project())?;
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
    let of = (open.row.pass, open.first_batch - 1);
    selection::halting(store.connection(), Fed::of(project, stage), of)
}

fn waiting(store: &Store, project: &str, stage: &Stage, history: &StageHistory) -> Result<u64> {
    let connection = store.connection();
    let fed = Fed::of(project, stage);
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
    Ok(selection::waiting(connection, fed, after, i64::MAX)?.len() as u64)
}

/// One run, as `history` shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunRecord {
    /// The run's number.
    pub run: i64,
    /// Its uuid.
    pub uuid: String,
    /// The command.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Who.
    pub actor: String,
    /// Where.
    pub host: String,
    /// With which version.
    pub tool: String,
    /// Why.
    pub reason: Option<String>,
    /// When it began, ISO 8601 in UTC.
    pub started: String,
    /// When it committed last, ISO 8601 in UTC.
    pub last_commit: String,
    /// Its first and last batch.
    pub batches: (i64, i64),
    /// Its outcomes.
    pub counts: Counts,
    /// What it worked on, pass by pass.
    pub passes: Vec<RunPass>,
}

/// What a run did in one pass.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunPass {
    /// The pass's number.
    pub pass: i64,
    /// Its kind.
    pub kind: String,
    /// The stage's number.
    pub stage: Option<u32>,
    /// Where it read.
    pub source: Option<String>,
    /// Where it wrote.
    pub target: Option<String>,
    /// The outcomes of this run's part of it.
    pub counts: Counts,
    /// How many records came out of those that were written: others than these where one becomes several.
    pub out: u64,
    /// The pass that it undoes.
    pub reverses: Option<i64>,
    /// The pass that has undone it.
    pub undone_by: Option<i64>,
    /// Whether the pass has ended, in this run or another.
    pub ended: bool,
}

/// The runs that wrote, newest first; at most `limit` of them.
pub fn history(store: &Store, limit: usize) -> Result<Vec<RunRecord>> {
    let sql = "SELECT run FROM ledger_run r WHERE EXISTS(SELECT 1 FROM ledger_batch b WHERE b.run=r.run)
     ORDER BY run DESC LIMIT ?1";
    let mut statement = store.connection().prepare_cached(sql)?;
    let numbers = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?;
    let mut runs = Vec::new();
    for number in numbers {
        runs.extend(run(store, number?)?);
    }
    Ok(runs)
}

/// One run that wrote; `None` where there is none of that number.
pub fn run(store: &Store, number: i64) -> Result<Option<RunRecord>> {
    let sql =
        "SELECT run, uuid, command, arguments, actor, host, tool, reason, started, last_commit, first_batch,
       last_batch, read, written, unchanged, filtered, refused, merged FROM audit_run WHERE run=?1";
    let mut statement = store.connection().prepare_cached(sql)?;
    let run = statement.query_row([number], |row| {
        let arguments: String = row.get(3)?;
        Ok(RunRecord {
            run: row.get(0)?,
            uuid: row.get(1)?,
            command: row.get(2)?,
            arguments: serde_json::from_str(&arguments).unwrap_or_default(),
            actor: row.get(4)?,
            host: row.get(5)?,
            tool: row.get(6)?,
            reason: row.get(7)?,
            started: row.get(8)?,
            last_commit: row.get(9)?,
            batches: (row.get(10)?, row.get(11)?),
            counts: crate::ledger::read::counts(row, 12)?,
            passes: Vec::new(),
        })
    });
    let Some(mut run) = run.optional()? else {
        return Ok(None);
    };
    run.passes = run_passes(store, number)?;
    Ok(Some(run))
}

fn run_passes(store: &Store, run: i64) -> Result<Vec<RunPass>> {
    let sql = concat!(
        "SELECT p.pass, p.kind, s.number, p.source, p.target, sum(b.read), sum(b.written), sum(b.unchanged),
       sum(b.filtered), sum(b.refused), sum(b.merged), p.reverses,
       (SELECT min(u.pass) FROM ledger_pass u JOIN ledger_batch x ON x.pass=u.pass AND x.step='end' WHERE u.reverses=p.pass),
       EXISTS(SELECT 1 FROM ledger_batch x WHERE x.pass=p.pass AND x.step='end'), ",
        came_out!(),
        " FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage
     WHERE b.run=?1 GROUP BY p.pass ORDER BY p.pass"
    );
    let mut statement = store.connection().prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(RunPass {
            pass: row.get(0)?,
            kind: row.get(1)?,
            stage: row.get(2)?,
            source: row.get(3)?,
            target: row.get(4)?,
            counts: crate::ledger::read::counts(row, 5)?,
            reverses: row.get(11)?,
            undone_by: row.get(12)?,
            ended: row.get(13)?,
            out: row.get::<_, i64>(14)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The paths that any stage in the ledger redacts, whatever its file says now, so that their values are masked where
/// there is no project at hand too.
///
/// # Errors
/// [`Error::Damaged`] when a stage's meaning cannot be read.
pub fn redacted(store: &Store) -> Result<Vec<Path>> {
    let mut statement = store
        .connection()
        .prepare("SELECT stage, meaning FROM ledger_stage ORDER BY stage")?;
    let mut rows = statement.query([])?;
    let mut paths: Vec<Path> = Vec::new();
    while let Some(row) = rows.next()? {
        let (stage, meaning): (i64, String) = (row.get(0)?, row.get(1)?);
        let redacted = redacted_by(&meaning).ok_or_else(|| Error::Damaged {
            what: format!("the meaning of stage row {stage} does not say what it redacts"),
        })?;
        for path in redacted {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// The paths that a stage of this meaning redacts; `None` where it does not say so.
pub(crate) fn redacted_by(meaning: &str) -> Option<Vec<Path>> {
    let meaning: serde_json::Value = serde_json::from_str(meaning).ok()?;
    let pointers: Vec<String> = serde_json::from_value(meaning.get("redact")?.clone()).ok()?;
    pointers.iter().map(|pointer| redacted_path(pointer)).collect()
}

/// The path of a pointer as [`Path::pointer`] writes it: `*` is every element.
fn redacted_path(pointer: &str) -> Option<Path> {
    let path: Path = pointer.parse().ok()?;
    let every = |segment: &Segment| match segment {
        Segment::Key(key) if key == "*" => Segment::Each,
        other => other.clone(),
    };
    Some(Path::of(path.segments().iter().map(every).collect()))
}
