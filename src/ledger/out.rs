//! How many records came out, where one can become several, and how many rows a pass has changed: batches count source
//! records, so that what came of them is counted by their entries.

use rusqlite::{Connection, params};

use super::sql::of_record;
use crate::error::Result;
use crate::record::{PassId, RecordNumber, RunId};

/// How many records those have become that the batches `b` of the pass `p` have written. Where every record has one entry, it
/// is one record still, and nothing has to be counted.
macro_rules! came_out {
    () => {
        "coalesce(sum(CASE WHEN b.written=0 THEN 0
           WHEN b.entries=b.read OR p.kind NOT IN('apply','retry') THEN b.written
           ELSE (SELECT count(*) FROM ledger_entry o WHERE o.batch=b.batch AND o.outcome=1 AND o.after IS NOT NULL) END),0)"
    };
}

pub(crate) use came_out;

/// How many records came out of those that a pass has written.
pub(crate) fn of_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = concat!(
        "SELECT ",
        came_out!(),
        " FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass WHERE p.pass=?1"
    );
    number(connection, sql, params![pass])
}

/// How many rows a pass has changed: those that a rollback of it restores.
pub(crate) fn changed_by_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = "SELECT count(*) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.entries>0 AND e.before IS NOT e.after";
    number(connection, sql, params![pass])
}

/// How many rows a run has changed in passes of the rollback.
pub(crate) fn restored_by_run(connection: &Connection, run: RunId) -> Result<u64> {
    let sql =
        "SELECT count(*) FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass AND p.kind='rollback'
     CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE b.run=?1 AND e.before IS NOT e.after";
    number(connection, sql, params![run])
}

/// The number of a pass's entries.
pub(crate) fn entries_of_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = "SELECT coalesce(sum(entries),0) FROM ledger_batch WHERE pass=?1";
    number(connection, sql, params![pass])
}

/// What a pass has done to one source record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfRecord {
    /// How many entries it has.
    pub(crate) entries: u64,
    /// How many rows those have changed.
    pub(crate) changed: u64,
}

/// What a pass has done to one source record.
pub(crate) fn of_record(connection: &Connection, pass: PassId, record: RecordNumber) -> Result<OfRecord> {
    let sql = concat!(
        "SELECT count(*), count(*) FILTER (WHERE e.before IS NOT e.after) FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch WHERE ",
        of_record!("e", "?2"),
        " AND b.pass=?1 AND e.batch>=(SELECT min(batch) FROM ledger_batch WHERE pass=?1)
           AND e.batch<=(SELECT max(batch) FROM ledger_batch WHERE pass=?1)"
    );
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![pass, record], |row| {
        Ok(OfRecord {
            entries: row.get::<_, i64>(0)?.unsigned_abs(),
            changed: row.get::<_, i64>(1)?.unsigned_abs(),
        })
    })?)
}

fn number(connection: &Connection, sql: &str, key: impl rusqlite::Params) -> Result<u64> {
    let count: i64 = connection.prepare_cached(sql)?.query_row(key, |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
