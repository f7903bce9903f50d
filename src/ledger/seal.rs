//! The seal of a batch in its shown form.

use rusqlite::{Connection, Row};

use crate::error::Result;
use crate::record::{BatchId, RunId};

/// The seal that closes a batch. Hashes are in hexadecimal.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Seal {
    /// Batch number.
    pub batch: BatchId,
    /// Number of its entries.
    pub entries: u64,
    /// SHA-256 of the entries' texts.
    pub entries_sha256: String,
    /// Hash of the previous batch's header.
    pub previous_head: String,
    /// Hash of its header.
    pub head: String,
    /// Size of the tree after it.
    pub tree_size: u64,
    /// Root of that tree.
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

/// Returns the seal of a run's first batch.
pub(crate) fn first_of(connection: &Connection, run: RunId) -> Result<Seal> {
    one(connection, run, "batch")
}

/// Returns the seal of a run's last batch.
pub(crate) fn last_of(connection: &Connection, run: RunId) -> Result<Seal> {
    one(connection, run, "batch DESC")
}

/// Returns the seal of a run's batch with the most entries.
pub(crate) fn largest_of(connection: &Connection, run: RunId) -> Result<Seal> {
    one(connection, run, "entries DESC, batch DESC")
}

fn one(connection: &Connection, run: RunId, order: &str) -> Result<Seal> {
    let sql = format!("{SEAL} ORDER BY {order} LIMIT 1");
    Ok(connection.query_row(&sql, [run], seal)?)
}
