//! Numbers of records that came out, if one can become several, and of rows that a pass changed. Batches count source
//! records, so results are counted by their entries.

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::record::{PassId, RunId};

/// Number of records that the records written by the batches `b` of the pass `p` have become. If every record has one
/// entry, it is still one record, and nothing has to be counted. Of the records that were merged into one, one has
/// changed its row.
macro_rules! came_out {
    () => {
        "coalesce(sum(CASE WHEN b.written+b.merged=0 THEN 0
           WHEN (b.entries=b.read AND b.merged=0) OR p.kind NOT IN('apply','retry') THEN b.written
           ELSE (SELECT count(*) FROM ledger_entry o WHERE o.batch=b.batch AND o.after IS NOT NULL
             AND (o.outcome=1 OR (o.outcome=5 AND o.before IS NOT o.after))) END),0)"
    };
}

pub(crate) use came_out;

/// Returns the number of records that came out of those that a pass wrote.
pub(crate) fn of_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = concat!(
        "SELECT ",
        came_out!(),
        " FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass WHERE p.pass=?1"
    );
    number(connection, sql, params![pass])
}

/// Returns the number of rows that a pass changed, which are those that its rollback restores.
pub(crate) fn changed_by_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = "SELECT count(*) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.entries>0 AND e.before IS NOT e.after";
    number(connection, sql, params![pass])
}

/// Returns the number of rows that a run changed in rollback passes.
pub(crate) fn restored_by_run(connection: &Connection, run: RunId) -> Result<u64> {
    let sql =
        "SELECT count(*) FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass AND p.kind='rollback'
     CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE b.run=?1 AND e.before IS NOT e.after";
    number(connection, sql, params![run])
}

/// Returns the number of a pass's entries.
pub(crate) fn entries_of_pass(connection: &Connection, pass: PassId) -> Result<u64> {
    let sql = "SELECT coalesce(sum(entries),0) FROM ledger_batch WHERE pass=?1";
    number(connection, sql, params![pass])
}

fn number(connection: &Connection, sql: &str, key: impl rusqlite::Params) -> Result<u64> {
    let count: i64 = connection.prepare_cached(sql)?.query_row(key, |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
