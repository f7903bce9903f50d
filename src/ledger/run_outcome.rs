//! The outcome of one run: its passes, its stages, its batches, and what was rolled back of it since.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::aggregated::AggregateOutcome;
use super::entry::Counts;
use super::merged::{count_goldens, is_zero};
use super::out::came_out;
use super::read::counts;
use super::sql::undone_by;
use crate::error::Result;
use crate::record::{BatchId, PassId, RunId};
use crate::shown::utc;

/// The outcomes of the records in one pass, as far as this run processed it.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct PassOutcome {
    /// Pass number.
    pub pass: PassId,
    /// Kind of the pass.
    pub kind: String,
    /// Stage of the pass; for a rollback, the stage that it rolled back.
    pub stage: Option<u32>,
    /// Name of the stage.
    pub slug: Option<String>,
    /// Database that it read.
    pub source: Option<String>,
    /// Database that it wrote.
    pub target: Option<String>,
    /// Outcomes in this run.
    pub counts: Counts,
    /// Number of records that came out of those written in this run; differs from them if one becomes several.
    pub out: u64,
    /// Number of golden records that the merged records are in.
    #[serde(skip_serializing_if = "is_zero")]
    pub golden: u64,
    /// What its readings came to, if it makes windows: its counts are those of windows, and of readings that are in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<AggregateOutcome>,
    /// Number of the stage's warnings in this run, by code: dates that two formats read, contracts that only warn.
    pub warnings: BTreeMap<String, u64>,
    /// Outcomes of the whole pass, if other runs worked on it too.
    pub whole: Option<Counts>,
    /// The pass that it rolls back.
    pub reverses: Option<PassId>,
    /// The pass that rolled it back.
    pub undone_by: Option<PassId>,
    /// The run in which the pass ended.
    pub ended_in: Option<RunId>,
    /// The run that began it, if that was another.
    pub begun_in: Option<RunId>,
}

/// A rollback of work that the run did.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Undone {
    /// The pass of the run that was rolled back.
    pub pass: PassId,
    /// The pass that rolled it back.
    pub by_pass: PassId,
    /// Run of the rollback.
    pub run: RunId,
    /// Actor of the rollback.
    pub actor: String,
    /// Reason for the rollback.
    pub reason: Option<String>,
    /// Time of the rollback, ISO 8601 in UTC.
    pub at: String,
    /// Whether the whole pass is rolled back, rather than single records.
    pub whole: bool,
    /// Whether the rollback is finished.
    pub finished: bool,
    /// Number of records that were rolled back.
    pub records: u64,
}

/// Returns the newest run that changed a record, rather than only finding it as it should be; else the newest that read
/// records, else the newest.
pub(crate) fn newest_run(connection: &Connection) -> Result<Option<RunId>> {
    let sql = "SELECT coalesce((SELECT run FROM ledger_batch WHERE read>unchanged ORDER BY batch DESC LIMIT 1),
       (SELECT run FROM ledger_batch WHERE entries>0 ORDER BY batch DESC LIMIT 1), (SELECT max(run) FROM ledger_run))";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Returns the newest run that wrote at all.
pub(crate) fn last_run(connection: &Connection) -> Result<Option<RunId>> {
    let sql = "SELECT run FROM ledger_batch ORDER BY batch DESC LIMIT 1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
        .optional()?)
}

/// Returns the project whose stages a run worked on.
pub(crate) fn project(connection: &Connection, run: RunId) -> Result<Option<String>> {
    let sql = "SELECT s.project FROM ledger_batch b JOIN ledger_pass p USING(pass) LEFT JOIN ledger_pass u ON u.pass=p.reverses
     JOIN ledger_stage s ON s.stage=coalesce(p.stage,u.stage) WHERE b.run=?1 LIMIT 1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([run], |row| row.get(0))
        .optional()?)
}

/// Returns the passes of a run, each as far as the run processed it.
pub(crate) fn passes(connection: &Connection, run: RunId) -> Result<Vec<PassOutcome>> {
    let sql = concat!(
        "SELECT p.pass, p.kind, s.number, s.slug, p.source, p.target, sum(b.read), sum(b.written), sum(b.unchanged),
       sum(b.filtered), sum(b.refused), sum(b.merged), p.reverses, ",
        undone_by!("p.pass"),
        ",
       (SELECT min(x.run) FROM ledger_batch x WHERE x.pass=p.pass AND x.step='end'),
       (SELECT nullif(min(x.run),?1) FROM ledger_batch x WHERE x.pass=p.pass), ",
        came_out!(),
        ", ",
        count_goldens!(),
        " FROM ledger_batch b JOIN ledger_pass p USING(pass) LEFT JOIN ledger_pass u ON u.pass=p.reverses
     LEFT JOIN ledger_stage s ON s.stage=coalesce(p.stage,u.stage) WHERE b.run=?1 GROUP BY p.pass ORDER BY p.pass"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(PassOutcome {
            pass: row.get(0)?,
            kind: row.get(1)?,
            stage: row.get(2)?,
            slug: row.get(3)?,
            source: row.get(4)?,
            target: row.get(5)?,
            counts: counts(row, 6)?,
            out: row.get::<_, i64>(16)?.unsigned_abs(),
            golden: row.get::<_, i64>(17)?.unsigned_abs(),
            aggregate: None,
            warnings: BTreeMap::new(),
            whole: None,
            reverses: row.get(12)?,
            undone_by: row.get(13)?,
            ended_in: row.get(14)?,
            begun_in: row.get(15)?,
        })
    })?;
    let mut passes: Vec<PassOutcome> = rows.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT w.key, sum(w.value) FROM ledger_batch b, json_each(b.body,'$.warnings') w
     WHERE b.pass=?1 AND b.run=?2 GROUP BY w.key";
    let mut statement = connection.prepare_cached(sql)?;
    for pass in &mut passes {
        let warned = statement.query_map(params![pass.pass, run], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })?;
        pass.warnings = warned.collect::<rusqlite::Result<_>>()?;
        pass.aggregate = AggregateOutcome::of_run(connection, pass.pass, run)?;
    }
    let sql = "SELECT sum(read), sum(written), sum(unchanged), sum(filtered), sum(refused), sum(merged)
     FROM ledger_batch WHERE pass=?1 HAVING min(run)<?2 OR max(run)>?2";
    let mut statement = connection.prepare_cached(sql)?;
    for pass in &mut passes {
        let whole = statement.query_row(params![pass.pass, run], |row| counts(row, 0));
        pass.whole = whole.optional()?;
    }
    Ok(passes)
}

/// Returns what was rolled back of a run's passes: whole passes, and single records.
pub(crate) fn undone(connection: &Connection, run: RunId) -> Result<Vec<Undone>> {
    let sql = "WITH of(pass) AS (SELECT DISTINCT pass FROM ledger_batch WHERE run=?1),
       back(pass) AS (SELECT p.pass FROM of CROSS JOIN ledger_pass p ON p.reverses=of.pass
         UNION SELECT b.pass FROM of CROSS JOIN ledger_batch b ON json_extract(b.body,'$.undoes')=+of.pass)
     SELECT coalesce(p.reverses, json_extract(b.body,'$.undoes')) AS undone, p.pass, max(b.run), r.actor, r.reason, max(b.committed_us),
       p.reverses IS NOT NULL, max(b.step='end'),
       sum((SELECT count(*) FROM ledger_entry e WHERE e.batch=b.batch AND e.before IS NOT e.after))
     FROM back CROSS JOIN ledger_pass p ON p.pass=back.pass CROSS JOIN ledger_batch b ON b.pass=p.pass JOIN ledger_run r USING(run)
     WHERE p.kind='rollback' AND b.run>?1 AND undone IN (SELECT pass FROM of) GROUP BY 1, p.pass ORDER BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(Undone {
            pass: row.get(0)?,
            by_pass: row.get(1)?,
            run: row.get(2)?,
            actor: row.get(3)?,
            reason: row.get(4)?,
            at: utc(row.get(5)?),
            whole: row.get(6)?,
            finished: row.get(7)?,
            records: row.get::<_, i64>(8)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A batch, with what is needed to compute the run's speed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedBatch {
    pub(crate) batch: BatchId,
    pub(crate) pass: PassId,
    pub(crate) read: u64,
    pub(crate) committed_us: i64,
}

/// Returns the batches of a run, in order. A batch of windows has read the readings that were gathered for them; those that a
/// stage leaves out have no entry, and are in the note of its pass.
pub(crate) fn timed_batches(connection: &Connection, run: RunId) -> Result<Vec<TimedBatch>> {
    let sql =
        "SELECT batch, pass, CASE WHEN json_type(body,'$.windows')='object'
         THEN coalesce(json_extract(body,'$.windows.readings'),0)+coalesce(json_extract(body,'$.windows.kept'),0)
         ELSE read+coalesce(CASE WHEN step='note' THEN json_extract(body,'$.readings.filtered') END,0) END, committed_us FROM ledger_batch WHERE run=?1 ORDER BY batch";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(TimedBatch {
            batch: row.get(0)?,
            pass: row.get(1)?,
            read: row.get::<_, i64>(2)?.unsigned_abs(),
            committed_us: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A stage that a run worked on, with its text.
#[derive(Clone, Debug)]
pub(crate) struct StageOfRun {
    pub(crate) number: u32,
    pub(crate) slug: String,
    pub(crate) source_text: String,
}

/// Returns the stages that a run worked on, in order.
pub(crate) fn stages(connection: &Connection, run: RunId) -> Result<Vec<StageOfRun>> {
    let sql = "SELECT s.number, s.slug, s.source_text FROM ledger_stage s WHERE s.stage IN (
       SELECT coalesce(p.stage,u.stage) FROM ledger_batch b JOIN ledger_pass p USING(pass)
       LEFT JOIN ledger_pass u ON u.pass=p.reverses WHERE b.run=?1) ORDER BY s.number, s.stage";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(StageOfRun {
            number: row.get(0)?,
            slug: row.get(1)?,
            source_text: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
