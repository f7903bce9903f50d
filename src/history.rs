//! Reading what happened: the verbs `status`, `history` and `trace`. All of it is derived from the ledger.

mod deviating;
mod unfinished;

use rusqlite::params;

pub use deviating::{CauseCount, Deviations, hides_ids};
pub use unfinished::{UnfinishedPass, unfinished};
pub(crate) use unfinished::{name_running, reading_options, unfinished_in};

use crate::error::{Error, Result};
use crate::ledger::feed;
use crate::ledger::past::numbers_with_id;
use crate::ledger::read::{StageHistory, origin};
use crate::ledger::{Counts, Head, StageState};
use crate::path::{Path, Segment};
use crate::stage::{Stage, Stages};
use crate::store::Store;

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
    /// How many records stand in quarantine.
    pub quarantined: u64,
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
    let refused: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(Status {
        origin: origin(connection)?,
        batches: head.batch,
        tree_size: head.frontier.size(),
        tree_root: crate::digest::hex(&head.frontier.root()),
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
    let mut statement = store.connection().prepare(sql)?;
    let names = statement.query_map([project], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn stage_statuses(store: &Store, stages: &Stages) -> Result<Vec<StageStatus>> {
    let connection = store.connection();
    let sql = "SELECT DISTINCT number FROM ledger_stage WHERE project=?1";
    let mut statement = connection.prepare(sql)?;
    let applied = statement.query_map([stages.project()], |row| row.get(0))?;
    let mut numbers: Vec<u32> = applied.collect::<rusqlite::Result<_>>()?;
    numbers.extend(stages.iter().map(Stage::number));
    numbers.sort_unstable();
    numbers.dedup();
    let statuses = numbers
        .into_iter()
        .map(|number| stage_status(store, stages, number));
    Ok(statuses
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// `None` for a stage that was rolled back and whose file is gone.
fn stage_status(store: &Store, stages: &Stages, number: u32) -> Result<Option<StageStatus>> {
    let connection = store.connection();
    let history = StageHistory::read(connection, stages.project(), number)?;
    let stage = stages.get(number);
    let file = match (stage, history.revision()) {
        (Some(_), None) => FileState::New,
        (Some(stage), Some(row)) if stage.meaning_sha256() != row.meaning_sha256 => FileState::Drifted,
        (Some(stage), Some(row)) if stage.text_sha256() != row.text_sha256 => FileState::Cosmetic,
        (Some(_), Some(_)) => FileState::Same,
        (None, Some(_)) => FileState::Missing,
        (None, None) => return Ok(None),
    };
    let newest = history.applied().next_back();
    let name = |ours: Option<&str>, theirs: Option<&String>| {
        ours.map(str::to_owned)
            .or_else(|| theirs.cloned())
            .unwrap_or_default()
    };
    let mut counts = Counts::default();
    history.standing().for_each(|pass| counts.add(&pass.counts));
    let refused = feed::refused(connection, stages.project(), number, i64::MAX)?;
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
        quarantined: refused.len() as u64,
        waiting: stage.map_or(Ok(0), |stage| waiting(store, stages.project(), stage, &history))?,
    }))
}

fn waiting(store: &Store, project: &str, stage: &Stage, history: &StageHistory) -> Result<u64> {
    let connection = store.connection();
    let fed = crate::apply::fed(project, stage);
    let count = |source: &str| store.count(source);
    if let Some(open) = history.open_apply() {
        let selection = crate::apply::of_open_pass(connection, fed, history, open)?;
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
    let after = feed::frontier(history);
    Ok(crate::apply::waiting(connection, fed, after, i64::MAX)?.len() as u64)
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
    /// The pass that it undoes.
    pub reverses: Option<i64>,
    /// The pass that has undone it.
    pub undone_by: Option<i64>,
    /// Whether the pass has ended, in this run or another.
    pub ended: bool,
}

const RUNS: &str =
    "SELECT run, uuid, command, arguments, actor, host, tool, reason, started, last_commit, first_batch,
   last_batch, read, written, unchanged, filtered, refused, merged FROM audit_run";

/// The runs that wrote, newest first; at most `limit` of them.
pub fn history(store: &Store, limit: usize) -> Result<Vec<RunRecord>> {
    let sql = format!("{RUNS} ORDER BY run DESC LIMIT ?1");
    runs(store, &sql, i64::try_from(limit).unwrap_or(i64::MAX))
}

/// One run that wrote; `None` where there is none of that number.
pub fn run(store: &Store, number: i64) -> Result<Option<RunRecord>> {
    let sql = format!("{RUNS} WHERE run=?1");
    Ok(runs(store, &sql, number)?.pop())
}

fn runs(store: &Store, sql: &str, parameter: i64) -> Result<Vec<RunRecord>> {
    let mut statement = store.connection().prepare(sql)?;
    let rows = statement.query_map([parameter], |row| {
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
    })?;
    let mut runs: Vec<RunRecord> = rows.collect::<rusqlite::Result<_>>()?;
    for run in &mut runs {
        run.passes = run_passes(store, run.run)?;
    }
    Ok(runs)
}

fn run_passes(store: &Store, run: i64) -> Result<Vec<RunPass>> {
    let sql =
        "SELECT p.pass, p.kind, a.number, p.source, p.target, sum(b.read), sum(b.written), sum(b.unchanged),
       sum(b.filtered), sum(b.refused), sum(b.merged), p.reverses, a.undone_by, a.ended
     FROM ledger_batch b JOIN ledger_pass p USING(pass) JOIN audit_pass a USING(pass) WHERE b.run=?1
     GROUP BY p.pass ORDER BY p.pass";
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
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// One thing that happened to a record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TraceStep {
    /// The record's number as the stub has it.
    pub record: i64,
    /// The part, for derived records.
    pub part: i64,
    /// The batch.
    pub batch: i64,
    /// The pass.
    pub pass: i64,
    /// The pass's kind.
    pub kind: String,
    /// The stage's number.
    pub stage: Option<u32>,
    /// Where it was read.
    pub source: Option<String>,
    /// The database that it was written to.
    pub database: Option<String>,
    /// The number written, where it is another one.
    pub target_record: Option<i64>,
    /// The run.
    pub run: i64,
    /// Who.
    pub actor: String,
    /// Why the run was carried out, as it was told.
    pub run_reason: Option<String>,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// What became of it.
    pub outcome: String,
    /// Why, as JSON; codes and places only.
    pub reason: Option<String>,
    /// The commitment to the source, in hexadecimal.
    pub input_hash: String,
    /// The commitment to the row before, in hexadecimal.
    pub before_hash: String,
    /// The commitment to the row after, in hexadecimal.
    pub after_hash: String,
}

/// The life of a record across stages, oldest first: every stub of its number, and of the numbers that it came from
/// or went to.
///
/// # Errors
/// [`Error::NoSuchRecord`] when the database never had a record with this id.
pub fn trace(store: &Store, database: &str, id: &str) -> Result<Vec<TraceStep>> {
    trace_numbers(store, numbers_of(store, database, id)?)
}

/// The numbers that a record with this id has or had in a database.
///
/// # Errors
/// [`Error::NoSuchRecord`] when there never was one.
pub(crate) fn numbers_of(store: &Store, database: &str, id: &str) -> Result<Vec<i64>> {
    let connection = store.connection();
    let found = numbers_with_id(connection, database, id)?.into_iter();
    let mut numbers: Vec<i64> = found.map(|(number, _)| number).collect();
    match store.table(database) {
        Ok(table) => numbers.extend(table.number_of(connection, id)?),
        Err(Error::NoSuchDatabase { .. }) if !numbers.is_empty() => {}
        Err(error) => return Err(error),
    }
    if numbers.is_empty() {
        return Err(Error::NoSuchRecord {
            database: database.to_owned(),
            id: id.to_owned(),
        });
    }
    Ok(numbers)
}

/// Every stub of these numbers, and of those that they came from or went to, oldest first.
pub(crate) fn trace_numbers(store: &Store, mut numbers: Vec<i64>) -> Result<Vec<TraceStep>> {
    let (mut steps, mut seen): (Vec<TraceStep>, Vec<i64>) = (Vec::new(), Vec::new());
    while let Some(number) = numbers.pop() {
        if seen.contains(&number) {
            continue;
        }
        seen.push(number);
        for step in stubs_of(store, number)? {
            numbers.extend(step.target_record);
            if step.target_record == Some(number) {
                numbers.push(step.record);
            }
            steps.push(step);
        }
    }
    steps.sort_by_key(|step| (step.batch, step.record, step.part));
    steps.dedup_by_key(|step| (step.batch, step.record, step.part));
    Ok(steps)
}

fn stubs_of(store: &Store, number: i64) -> Result<Vec<TraceStep>> {
    // By the stub's own number: one look-up in each batch whose range has it. By the number written: a look through
    // the passes that write under other numbers, which the ledger cannot know without reading their stubs.
    let columns =
        "record, part, batch, pass, kind, number, source, database, target_record, run, actor, at, outcome,
       reason, input_hash, before_hash, after_hash,
       (SELECT reason FROM ledger_run r WHERE r.run=audit_record.run)";
    let sql = format!(
        "SELECT {columns} FROM audit_record WHERE record=?1
         UNION SELECT {columns} FROM audit_record WHERE target_record=?1 ORDER BY batch, record, part"
    );
    let mut statement = store.connection().prepare_cached(&sql)?;
    let rows = statement.query_map(params![number], |row| {
        Ok(TraceStep {
            record: row.get(0)?,
            part: row.get(1)?,
            batch: row.get(2)?,
            pass: row.get(3)?,
            kind: row.get(4)?,
            stage: row.get(5)?,
            source: row.get(6)?,
            database: row.get(7)?,
            target_record: row.get(8)?,
            run: row.get(9)?,
            actor: row.get(10)?,
            at: row.get(11)?,
            outcome: row.get(12)?,
            reason: row.get(13)?,
            input_hash: row.get(14)?,
            before_hash: row.get(15)?,
            after_hash: row.get(16)?,
            run_reason: row.get(17)?,
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
