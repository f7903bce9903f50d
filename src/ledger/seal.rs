//! What closes a batch, as it is shown.

use rusqlite::{Connection, Row};

use crate::error::Result;
use crate::record::{BatchId, RunId};

/// What closes a batch. Hashes are in hexadecimal.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Seal {
    /// The batch.
    pub batch: BatchId,
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the entries' texts.
    pub entries_sha256: String,
    /// The hash of the header before.
    pub previous_head: String,
    /// The hash of its header.
    pub head: String,
    /// The size of the tree after it.
    pub tree_size: u64,
    /// The root over it.
    pub tree_root: String,
}

const SEAL: &str =
    "SELECT batch, entries, lower(hex(entries_sha256)), lower(hex(previous_head)), lower(hex(head)),
   tree_size, lower(hex(tree_root)) FROM ledger_batch WHERE run=?1";

fn seal(row: &Row<'_>) -> rusqlite::Result<Seal> {
    Ok(Seal {
        batch: row.get(0)?,
        entries: row.get::<_, i64>(1)?.unsigned_abs(),
        entries_sha256: row.get(2)?,
        previous_head: row.get(3)?,
        head: row.get(4)?,
        tree_size: row.get::<_, i64>(5)?.unsigned_abs(),
        tree_root: row.get(6)?,
    })
}

/// That of a run's first batch.
pub(crate) fn first_of(connection: &Connection, run: RunId) -> Result<Seal> {
    one(connection, run, "batch")
}

/// That of its last one.
pub(crate) fn last_of(connection: &Connection, run: RunId) -> Result<Seal> {
    one(connection, run, "batch DESC")
}

/// That of its batch with the most entries.
pub(crate) fn largest_of(connection: &Connection, run: RunId) -> Result<Seal> {
    one(connection, run, "entries DESC, batch DESC")
}

fn one(connection: &Connection, run: RunId, order: &str) -> Result<Seal> {
    let sql = format!("{SEAL} ORDER BY {order} LIMIT 1");
    Ok(connection.query_row(&sql, [run], seal)?)
}
