//! Which golden record a member is in now, and which members a golden record has.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Result;
use crate::record::{BatchId, RecordNumber};

/// Returns the golden record that a member is in.
pub(crate) fn golden_of(
    connection: &Connection,
    (project, number): (&str, u32),
    member: RecordNumber,
) -> Result<Option<RecordNumber>> {
    let sql =
        "SELECT golden FROM ledger_member WHERE member=?3 AND project=?1 AND number=?2 AND after IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![project, number, member], |row| row.get(0));
    Ok(found.optional()?.flatten())
}

/// Returns the batch of the newest standing entry by which a member is where it is; `None` for no member.
pub(crate) fn placed_in(
    connection: &Connection,
    (project, number): (&str, u32),
    member: RecordNumber,
) -> Result<Option<BatchId>> {
    let sql = "SELECT batch FROM ledger_member WHERE member=?3 AND project=?1 AND number=?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![project, number, member], |row| row.get(0));
    Ok(found.optional()?)
}

/// Returns the members of a golden record.
pub(crate) fn members_of(
    connection: &Connection,
    (project, number): (&str, u32),
    golden: RecordNumber,
) -> Result<Vec<RecordNumber>> {
    let sql =
        "SELECT member FROM ledger_member WHERE golden=?3 AND project=?1 AND number=?2 AND after IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let members = statement.query_map(params![project, number, golden], |row| row.get(0))?;
    Ok(members.collect::<rusqlite::Result<_>>()?)
}
