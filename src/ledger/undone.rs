//! What rollbacks have undone, of whole passes and of single records, and what they had to leave unchanged.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::read::{PassSummary, pass};
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// Returns a rollback pass that has begun but not ended.
pub(crate) fn open_rollback(connection: &Connection, reverses: PassId) -> Result<Option<PassSummary>> {
    let sql = "SELECT p.pass FROM ledger_pass p JOIN ledger_open o ON o.pass=p.pass WHERE p.reverses=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let open: Option<PassId> = statement.query_row([reverses], |row| row.get(0)).optional()?;
    open.map_or(Ok(None), |open| pass(connection, open))
}

/// Returns the last batch after another in which a rollback kept an image of what it overwrote.
pub(crate) fn last_forced(
    connection: &Connection,
    database: &str,
    after: BatchId,
) -> Result<Option<BatchId>> {
    let sql = "SELECT b.batch FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     WHERE b.batch>?2 AND p.kind='rollback' AND p.target=?1 AND EXISTS(SELECT 1 FROM ledger_image i WHERE i.batch=b.batch)
     ORDER BY b.batch DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![database, after], |row| row.get(0))
        .optional()?)
}

/// Calls the callback with the rows of a database that rollbacks left unchanged, in batches after one.
pub(crate) fn each_row_left(
    connection: &Connection,
    database: &str,
    after: BatchId,
    tell: impl FnMut(RecordNumber),
) -> Result<()> {
    let sql =
        "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.batch>?2 AND p.kind='rollback' AND p.target=?1 AND b.refused>0 AND e.outcome=4";
    each_row(connection, sql, database, after, tell)
}

/// Calls the callback with the rows of a database that rollbacks restored over unexpected content, in batches after
/// one.
pub(crate) fn each_row_forced(
    connection: &Connection,
    database: &str,
    after: BatchId,
    tell: impl FnMut(RecordNumber),
) -> Result<()> {
    let sql =
        "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     CROSS JOIN ledger_image i ON i.batch=b.batch
     CROSS JOIN ledger_entry e ON e.batch=i.batch AND e.record=i.record AND e.part=i.part
     WHERE b.batch>?2 AND p.kind='rollback' AND p.target=?1";
    each_row(connection, sql, database, after, tell)
}

fn each_row(
    connection: &Connection,
    sql: &str,
    database: &str,
    after: BatchId,
    mut tell: impl FnMut(RecordNumber),
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![database, after])?;
    while let Some(row) = rows.next()? {
        tell(row.get(0)?);
    }
    Ok(())
}

/// The rollback of a pass that had worked in place.
pub(crate) struct WholeRollback {
    pub(crate) pass: PassId,
    pub(crate) last_batch: BatchId,
    pub(crate) undone: PassId,
    /// The first batch of what it undid.
    pub(crate) undone_since: BatchId,
    pub(crate) database: String,
}

/// Returns the rollbacks of passes in place that have worked after a batch.
pub(crate) fn rollbacks_in_place(connection: &Connection, after: BatchId) -> Result<Vec<WholeRollback>> {
    let sql = "SELECT p.pass, max(b.batch), u.pass, (SELECT min(c.batch) FROM ledger_batch c WHERE c.pass=u.pass), u.target
     FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_pass u ON u.pass=p.reverses
     WHERE b.batch>?1 AND p.kind='rollback' AND u.stage IS NOT NULL AND u.source=u.target GROUP BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let rollbacks = statement.query_map([after], |row| {
        Ok(WholeRollback {
            pass: row.get(0)?,
            last_batch: row.get(1)?,
            undone: row.get(2)?,
            undone_since: row.get(3)?,
            database: row.get(4)?,
        })
    })?;
    Ok(rollbacks.collect::<rusqlite::Result<_>>()?)
}

/// Returns the entries of a pass, by record and part, that a rollback of single records has already undone.
pub(crate) fn singly(connection: &Connection, pass: PassId) -> Result<HashSet<(RecordNumber, i64)>> {
    let sql = "SELECT e.record, e.part FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE json_extract(b.body,'$.undoes')=?1 AND p.kind='rollback' AND p.reverses IS NULL AND NOT (e.outcome=4 AND e.before IS e.after)";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the numbers, of part 0, that rollbacks of single records have undone of a stage's standing passes, by pass.
pub(crate) fn singly_of_stage(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<HashMap<PassId, HashSet<RecordNumber>>> {
    let sql = "SELECT q.pass, e.record FROM ledger_stage s CROSS JOIN ledger_standing q ON q.stage=s.stage
     CROSS JOIN ledger_batch b ON json_extract(b.body,'$.undoes')=+q.pass
     CROSS JOIN ledger_pass p ON p.pass=b.pass AND p.kind='rollback' AND p.reverses IS NULL
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE s.project=?1 AND s.number=?2 AND e.part=0 AND NOT (e.outcome=4 AND e.before IS e.after)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number])?;
    let mut undone: HashMap<PassId, HashSet<RecordNumber>> = HashMap::new();
    while let Some(row) = rows.next()? {
        undone.entry(row.get(0)?).or_default().insert(row.get(1)?);
    }
    Ok(undone)
}

/// An entry that a rollback left unchanged.
pub(crate) struct SkippedEntry {
    pub(crate) database: String,
    /// The pass that was undone.
    pub(crate) pass: PassId,
    pub(crate) record: RecordNumber,
    pub(crate) part: i64,
    /// Number of the row.
    pub(crate) number: RecordNumber,
    pub(crate) code: String,
}

/// Returns the first entries that the rollbacks of a run left unchanged.
pub(crate) fn left(connection: &Connection, run: RunId, count: usize) -> Result<Vec<SkippedEntry>> {
    let sql = "SELECT p.target, coalesce(p.reverses, json_extract(b.body,'$.undoes')), e.record, e.part,
       coalesce(e.target,e.record), e.reason->>'$.code'
     FROM ledger_batch b JOIN ledger_pass p USING(pass) CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.run=?1 AND p.kind='rollback' AND b.refused>0 AND e.outcome=4 AND e.reason IS NOT NULL
     ORDER BY e.batch, e.record, e.part LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let left = statement.query_map(params![run, count], |row| {
        Ok(SkippedEntry {
            database: row.get(0)?,
            pass: row.get(1)?,
            record: row.get(2)?,
            part: row.get(3)?,
            number: row.get(4)?,
            code: row.get(5)?,
        })
    })?;
    Ok(left.collect::<rusqlite::Result<_>>()?)
}

/// Returns the passes that were rolled back as a whole, and those that rolled them back, each with the batch since
/// which they cancel each other out.
pub(crate) fn cancelled(connection: &Connection) -> Result<HashMap<PassId, BatchId>> {
    let sql = "SELECT p.reverses, p.pass, b.batch FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.step='end'
     WHERE p.reverses IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut cancelled = HashMap::new();
    while let Some(row) = rows.next()? {
        let batch = row.get(2)?;
        cancelled.insert(row.get(0)?, batch);
        cancelled.insert(row.get(1)?, batch);
    }
    Ok(cancelled)
}
