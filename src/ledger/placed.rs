//! What a pass of a stage that aggregates has placed in windows, from its entries and the remarks of its batches.

use rusqlite::{Connection, OptionalExtension as _};

use super::aggregated::{AggregateNote, note_of};
use crate::error::Result;
use crate::record::{BatchId, PassId};
use crate::store::Table;

/// Windows, and their readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) windows: u64,
    pub(crate) readings: u64,
}

/// What a pass has placed.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlacedByPass {
    pub(crate) note: AggregateNote,
    /// Number of rows of the source, if nothing was written there since the pass has read it.
    pub(crate) rows: Option<u64>,
    pub(crate) written: Placed,
    pub(crate) refused: Placed,
    /// What stays as a person has changed it.
    pub(crate) edited: Placed,
    /// Readings that were gathered for windows that stay as they stood, and have no entry.
    pub(crate) kept: u64,
    /// Readings of windows that have an entry although theirs were not gathered.
    pub(crate) following: u64,
}

/// Returns what a pass has placed; `None` if it has noted nothing. `source`: the database that it reads.
pub(crate) fn placed_by(connection: &Connection, pass: PassId, source: &str) -> Result<Option<PlacedByPass>> {
    let Some(note) = note_of(connection, pass)? else {
        return Ok(None);
    };
    let mut placed = PlacedByPass {
        rows: if note.aggregate.whole {
            rows_as_read(connection, pass, source)?
        } else {
            None
        },
        note,
        ..PlacedByPass::default()
    };
    let sql = "SELECT e.outcome, e.after IS NULL, count(*), sum(json_extract(e.reason,'$.inputs'))
     FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.entries>0 AND e.part=0 AND e.target IS NULL AND e.reason GLOB '*\"inputs\":*\"spans\":*' GROUP BY 1, 2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([pass])?;
    while let Some(row) = rows.next()? {
        let found = match (row.get::<_, i64>(0)?, row.get::<_, bool>(1)?) {
            (4, _) => &mut placed.refused,
            // What is left out and no longer there had no readings.
            (3, true) => continue,
            (3, false) => &mut placed.edited,
            _ => &mut placed.written,
        };
        found.windows += row.get::<_, i64>(2)?.unsigned_abs();
        found.readings += row.get::<_, i64>(3)?.unsigned_abs();
    }
    let sql = "SELECT coalesce(sum(json_extract(body,'$.windows.kept')),0), coalesce(sum(json_extract(body,'$.windows.following')),0)
     FROM ledger_batch WHERE pass=?1 AND step='data' AND body IS NOT NULL";
    (placed.kept, placed.following) = connection.prepare_cached(sql)?.query_row([pass], |row| {
        let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok((count(0)?, count(1)?))
    })?;
    Ok(Some(placed))
}

/// Returns the number of rows of a source, if nothing was written there since a pass has noted what it read.
fn rows_as_read(connection: &Connection, pass: PassId, source: &str) -> Result<Option<u64>> {
    let sql = "SELECT min(batch) FROM ledger_batch WHERE pass=?1 AND step='note'";
    let noted: Option<BatchId> = connection
        .prepare_cached(sql)?
        .query_row([pass], |row| row.get(0))
        .optional()?
        .flatten();
    let sql = "SELECT 1 FROM ledger_written WHERE database=?1 AND rollback=?2 AND batch>?3 LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    for rollback in [0, 1] {
        if statement.exists(rusqlite::params![source, rollback, noted])? {
            return Ok(None);
        }
    }
    Ok(Some(Table::from_name(source)?.count(connection)?))
}
