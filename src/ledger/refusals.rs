//! The refusals of stages, by record number: those that still stand, and all that ever were.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber};
use crate::refusal::WAITING;

/// Whether the stage of a refusal `r` has worked in a batch `c`: a decision about a pair is no such work. Equivalent to `ledger_life`, but reads no entries that
/// are not needed.
macro_rules! of_same_stage {
    ($since:literal) => {
        concat!(
            " CROSS JOIN ledger_standing q ON q.pass=c.pass CROSS JOIN ledger_stage t ON t.stage=q.stage
               WHERE t.project=?1 AND t.number=r.number AND q.kind<>'merge' AND (q.kind<>'rollback' OR q.reverses IS NULL)",
            $since
        )
    };
}

/// The last refusal of each record by the standing passes of each stage of a project, if nothing has happened to the
/// record in the stage since: `r` is the refusal. Further conditions may refer to it, and to the batch `c` and the pass
/// `q` of what may have happened. An earlier refusal cannot stand, and few batches refuse anything.
macro_rules! refused_in_stages {
    ($columns:literal, $which:literal, $since:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (SELECT s.number AS number, e.record AS record, max(e.batch) AS batch
               FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass AND p.kind IN('apply','retry')
               CROSS JOIN ledger_stage s ON s.stage=p.stage CROSS JOIN ledger_refused e ON e.batch=b.batch
               WHERE b.refused>0 AND s.project=?1",
            $which,
            " GROUP BY s.number, e.record) r
             WHERE NOT EXISTS(SELECT 1 FROM ledger_sparse z CROSS JOIN ledger_batch c ON c.batch=z.batch",
            of_same_stage!($since),
            " AND z.record=r.record AND z.batch>r.batch)
             AND NOT EXISTS(SELECT 1 FROM ledger_batch c",
            of_same_stage!($since),
            " AND c.entries>256 AND c.last_record-c.first_record<4*c.entries AND c.last_record-c.first_record<16384
               AND c.first_record<=r.record AND c.last_record>=r.record AND c.last_record<r.record+16384 AND +c.batch>r.batch
               AND EXISTS(SELECT 1 FROM ledger_entry f WHERE f.batch=c.batch AND f.record=r.record))"
        )
    };
}

/// Returns the numbers of the records that a stage refused and that nothing has happened to since, ascending. Considers
/// only what stood before the batch `before`, so that a resumed pass finds the same list again.
pub(crate) fn refused(
    connection: &Connection,
    project: &str,
    number: u32,
    before: BatchId,
) -> Result<Vec<RecordNumber>> {
    let sql = concat!(
        refused_in_stages!("r.record", " AND s.number=?2 AND +b.batch<?3", " AND c.batch<?3"),
        " ORDER BY r.record"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![project, number, before], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Counts the records that the stages of a project refused and that nothing has happened to since, by the stage's
/// number.
pub(crate) fn refused_counts(connection: &Connection, project: &str) -> Result<BTreeMap<u32, u64>> {
    let sql = concat!(
        refused_in_stages!("r.number, count(*)", "", ""),
        " GROUP BY r.number"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let counts = statement.query_map([project], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(counts.collect::<rusqlite::Result<_>>()?)
}

/// Returns the numbers of the records that a stage refused, waived or not, and that nothing else has happened to since;
/// ascending.
pub(crate) fn refused_or_waived(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<Vec<RecordNumber>> {
    let sql = concat!(
        refused_in_stages!("r.record", " AND s.number=?2", " AND q.kind<>'waive'"),
        " ORDER BY r.record"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![project, number], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the numbers of the records that one pass refused and that nothing has happened to in the stage since;
/// ascending.
pub(crate) fn refused_by(
    connection: &Connection,
    project: &str,
    number: u32,
    pass: PassId,
) -> Result<Vec<RecordNumber>> {
    let mut of_stage = refused(connection, project, number, BatchId::MAX)?;
    let sql = "SELECT DISTINCT e.record FROM ledger_batch b CROSS JOIN ledger_refused e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.refused>0 ORDER BY e.record";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| row.get(0))?;
    let of_pass: Vec<RecordNumber> = rows.collect::<rusqlite::Result<_>>()?;
    of_stage.retain(|record| of_pass.binary_search(record).is_ok());
    Ok(of_stage)
}

/// Returns the records that a pass refused only because they wait for rows of other databases, ascending.
pub(crate) fn waiting_for_rows(connection: &Connection, pass: PassId) -> Result<Vec<RecordNumber>> {
    let sql = "SELECT DISTINCT e.record FROM ledger_batch b CROSS JOIN ledger_refused e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.refused>0 AND instr(e.reason,?2) AND NOT EXISTS(
       SELECT 1 FROM json_each(e.reason,'$.violations') v WHERE json_extract(v.value,'$.code')<>?2) ORDER BY e.record";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![pass, WAITING], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the numbers of all records that a stage ever refused, ascending.
pub(crate) fn ever_refused(connection: &Connection, project: &str, number: u32) -> Result<Vec<RecordNumber>> {
    let sql = "SELECT DISTINCT e.record FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     CROSS JOIN ledger_stage s ON s.stage=p.stage CROSS JOIN ledger_refused e ON e.batch=b.batch
     WHERE b.refused>0 AND s.project=?1 AND s.number=?2 ORDER BY e.record";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![project, number], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the records that a pass refused over a contract in the mode `refuse` and that are still refused.
pub(crate) fn halting(connection: &Connection, pass: PassId) -> Result<Vec<RecordNumber>> {
    let sql = "SELECT DISTINCT record FROM audit_quarantine WHERE pass=?1 AND json_extract(reason,'$.halts')";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
