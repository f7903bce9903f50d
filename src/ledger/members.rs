//! The members of a row: the source records that it derives from. Today that is the record of the same number, or the
//! one whose part the row is.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::sql::is_about_place;
use crate::error::Result;
use crate::record::{BatchId, RecordNumber};

/// A source record that a row derives from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) record: RecordNumber,
    /// Part number of the row.
    pub(crate) part: i64,
}

/// Returns the source records of a row as a batch wrote it, in order; none if the batch did not write it.
pub(crate) fn members(connection: &Connection, batch: BatchId, row: RecordNumber) -> Result<Vec<Member>> {
    // By the record or by the row, never through the whole batch.
    let sql = concat!(
        "SELECT e.record, e.part FROM ledger_entry e WHERE e.batch=?1 AND e.record=?2 AND e.target IS NULL
           AND e.after IS NOT NULL AND e.before IS NOT e.after AND NOT ",
        is_about_place!("e"),
        " UNION ALL SELECT e.record, e.part FROM ledger_entry e WHERE +e.batch=?1 AND e.target=?2
           AND e.after IS NOT NULL AND e.before IS NOT e.after AND NOT ",
        is_about_place!("e"),
        " ORDER BY 1, 2"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let members = statement.query_map(params![batch, row], |found| {
        Ok(Member {
            record: found.get(0)?,
            part: found.get(1)?,
        })
    })?;
    Ok(members.collect::<rusqlite::Result<_>>()?)
}

/// Returns the source record of a row with a separate number; for any other row, its own number.
pub(crate) fn source_of_row(connection: &Connection, row: RecordNumber) -> Result<RecordNumber> {
    let sql = concat!(
        "SELECT e.record FROM ledger_entry e JOIN ledger_batch b USING(batch) JOIN ledger_pass p USING(pass)
         WHERE e.target=?1 AND p.kind IN('apply','retry') AND NOT ",
        is_about_place!("e"),
        " ORDER BY e.batch LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([row], |found| found.get(0)).optional()?;
    Ok(found.unwrap_or(row))
}
