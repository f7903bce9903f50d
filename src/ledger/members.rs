//! The members of a row: the source records that it derives from. That is the record of the same number, the one whose
//! part the row is, or, of a golden record, all records that were merged into it.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::read::{RecordedEntry, entries_of_record};
use super::sql::{is_about_place, of_record};
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber};

/// A source record that a row derives from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) record: RecordNumber,
    /// Part number of the row.
    pub(crate) part: i64,
}

/// Returns the source records of a row as a batch wrote it, in order; none if the batch did not write it. Of the records
/// that were merged into a row, only one has changed it; the others found it changed.
pub(crate) fn members(connection: &Connection, batch: BatchId, row: RecordNumber) -> Result<Vec<Member>> {
    // By the record or by the row, never through the whole batch.
    let sql = concat!(
        "SELECT e.record, e.part FROM ledger_entry e WHERE e.batch=?1 AND e.record=?2 AND e.target IS NULL
           AND e.after IS NOT NULL AND e.before IS NOT e.after AND NOT ",
        is_about_place!("e"),
        " UNION ALL SELECT e.record, e.part FROM ledger_entry e WHERE +e.batch=?1 AND e.target=?2
           AND e.after IS NOT NULL AND (e.before IS NOT e.after OR (e.outcome=5 AND EXISTS(SELECT 1 FROM ledger_entry c
             WHERE +c.batch=?1 AND c.target=?2 AND c.before IS NOT c.after))) AND NOT ",
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

/// Returns the record that brought a row to what a batch left, of all that the batch merged into it: the smallest. The
/// others found the row as it left it.
pub(crate) fn carrier(
    connection: &Connection,
    batch: BatchId,
    row: RecordNumber,
) -> Result<Option<RecordNumber>> {
    let sql =
        "SELECT min(e.record) FROM ledger_entry e WHERE +e.batch=?1 AND e.target=?2 AND e.after IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![batch, row], |found| found.get(0))?)
}

/// Returns whether a batch left several records in one row.
pub(crate) fn is_shared(connection: &Connection, batch: BatchId, row: RecordNumber) -> Result<bool> {
    let sql = "SELECT count(DISTINCT e.record)>1 FROM ledger_entry e WHERE +e.batch=?1 AND e.target=?2 AND e.after IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![batch, row], |found| found.get(0))?)
}

/// Returns the entries of a pass that are undone together with those of one source record, newest first. Of a record
/// that was merged these are the entries of all members of the golden records that it came to and left: with only some
/// of them undone, a golden record would be another than its members say.
pub(crate) fn entries_together(
    connection: &Connection,
    pass: PassId,
    record: RecordNumber,
) -> Result<Vec<RecordedEntry>> {
    let mut entries = entries_of_record(connection, pass, record)?;
    if !is_merge(connection, pass)? {
        return Ok(entries);
    }
    let mut seen = BTreeSet::from([record]);
    let (mut rows, mut followed) = (BTreeSet::new(), 0);
    while let Some(recorded) = entries.get(followed) {
        followed += 1;
        let batch = recorded.batch;
        let left = golden_before(connection, pass, (batch, recorded.entry.record))?;
        for row in [Some(recorded.number()), left].into_iter().flatten() {
            if !rows.insert((batch, row)) {
                continue;
            }
            for member in sources(connection, batch, row)? {
                if seen.insert(member) {
                    entries.extend(entries_of_record(connection, pass, member)?);
                }
            }
        }
    }
    entries.sort_by_key(|recorded| std::cmp::Reverse(recorded.key()));
    Ok(entries)
}

/// Returns whether a pass is one of a stage that merges.
fn is_merge(connection: &Connection, pass: PassId) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_pass p CROSS JOIN ledger_stage s ON s.stage=p.stage
     WHERE p.pass=?1 AND p.kind IN('apply','retry') AND json_type(s.meaning,'$.merge') IS NOT NULL";
    Ok(connection.prepare_cached(sql)?.exists([pass])?)
}

/// Returns the records whose entries in a batch are about a row.
fn sources(connection: &Connection, batch: BatchId, row: RecordNumber) -> Result<Vec<RecordNumber>> {
    let sql = "SELECT DISTINCT e.record FROM ledger_entry e WHERE +e.batch=?1 AND e.target=?2";
    let mut statement = connection.prepare_cached(sql)?;
    let records = statement.query_map(params![batch, row], |found| found.get(0))?;
    Ok(records.collect::<rusqlite::Result<_>>()?)
}

/// Returns the golden record in which a member stood before a batch of a pass.
fn golden_before(
    connection: &Connection,
    pass: PassId,
    (batch, member): (BatchId, RecordNumber),
) -> Result<Option<RecordNumber>> {
    let sql = concat!(
        "SELECT f.target FROM ledger_stage_life f WHERE ",
        of_record!("f", "?3"),
        " AND f.part=0 AND f.outcome<>4 AND f.batch<?2 AND (f.project,f.number)=(
           SELECT s.project, s.number FROM ledger_pass p JOIN ledger_stage s USING(stage) WHERE p.pass=?1)
         ORDER BY f.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![pass, batch, member], |found| found.get(0));
    Ok(found.optional()?.flatten())
}
