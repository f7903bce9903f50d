//! The lives of records: the entries of a record and of its row, and what each of them tells.

use rusqlite::{Connection, Row, params};

use super::read::EntryKey;
use super::sql::{is_about_place, of_record};
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// Where an entry stands that a life is made of, and whether it leads to another number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LifeEntry {
    pub(crate) key: EntryKey,
    /// The row that it is about, where that has another number.
    pub(crate) target: Option<RecordNumber>,
    /// Whether it only has to do with the place: of the row that it names, it has nothing.
    pub(crate) is_about_place: bool,
}

/// Where entries stand, from a table or view.
macro_rules! places_from {
    ($entries:literal) => {
        concat!(
            "SELECT e.batch, e.record, e.part, e.target, ",
            is_about_place!("e"),
            " FROM ",
            $entries,
            " e WHERE "
        )
    };
}

/// The entries of a record.
pub(crate) fn entries_of(connection: &Connection, record: RecordNumber) -> Result<Vec<LifeEntry>> {
    let sql = concat!(places_from!("ledger_life"), of_record!("e", "?1"));
    entries(connection, sql, record)
}

/// The entries of a record that are about its own row.
pub(crate) fn entries_about(connection: &Connection, record: RecordNumber) -> Result<Vec<LifeEntry>> {
    let sql = concat!(
        places_from!("ledger_life"),
        of_record!("e", "?1"),
        " AND (e.target IS NULL OR e.target=?1)"
    );
    entries(connection, sql, record)
}

/// The entries of other records that are about a record's row.
pub(crate) fn entries_onto(connection: &Connection, row: RecordNumber) -> Result<Vec<LifeEntry>> {
    entries(
        connection,
        concat!(places_from!("ledger_entry"), "e.target=?1"),
        row,
    )
}

fn entries(connection: &Connection, sql: &str, number: RecordNumber) -> Result<Vec<LifeEntry>> {
    let mut statement = connection.prepare_cached(sql)?;
    let entries = statement.query_map([number], |row| {
        Ok(LifeEntry {
            key: (row.get(0)?, row.get(1)?, row.get(2)?),
            target: row.get(3)?,
            is_about_place: row.get(4)?,
        })
    })?;
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// Whether a batch has read a database, as a stage does, or written to it.
pub(crate) fn touches(connection: &Connection, batch: BatchId, database: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_batch b JOIN ledger_pass p ON p.pass=b.pass
     WHERE b.batch=?1 AND (p.target=?2 OR p.source=?2 AND p.stage IS NOT NULL)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists(params![batch, database])?)
}

/// One thing that happened to a record.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct TraceStep {
    /// The record's number as the entry has it.
    pub record: RecordNumber,
    /// The part, for derived records.
    pub part: i64,
    /// The batch.
    pub batch: BatchId,
    /// The pass.
    pub pass: PassId,
    /// The pass's kind.
    pub kind: String,
    /// The stage's number.
    pub stage: Option<u32>,
    /// Where it was read.
    pub source: Option<String>,
    /// The database that it was written to.
    pub database: Option<String>,
    /// The number written, where it is another one.
    pub target_record: Option<RecordNumber>,
    /// The run.
    pub run: RunId,
    /// Who.
    pub actor: String,
    /// Why the run was carried out, as it was told.
    pub run_reason: Option<String>,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// What became of it.
    pub outcome: String,
    /// Why, as JSON; codes and places only.
    pub reason: Option<String>,
    /// The commitment to the source, in hexadecimal.
    pub input_hash: String,
    /// The commitment to the row before, in hexadecimal.
    pub before_hash: String,
    /// The commitment to the row after, in hexadecimal.
    pub after_hash: String,
}

/// One step, by its place.
const STEP: &str = "SELECT e.record, e.part, e.batch, p.pass, p.kind, s.number, p.source, p.target, e.target, r.run, r.actor,
   strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch'),
   CASE e.outcome WHEN 1 THEN 'written' WHEN 2 THEN 'unchanged' WHEN 3 THEN 'filtered' WHEN 4 THEN 'refused' ELSE 'merged' END,
   e.reason, lower(hex(e.input)), lower(hex(e.before)), lower(hex(e.after)), r.reason
 FROM ledger_entry e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_run r ON r.run=b.run
 CROSS JOIN ledger_pass p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage
 WHERE e.batch=?1 AND e.record=?2 AND e.part=?3";

/// The step that an entry is.
pub(crate) fn step_at(connection: &Connection, key: EntryKey) -> Result<TraceStep> {
    let mut statement = connection.prepare_cached(STEP)?;
    Ok(statement.query_row(key, step)?)
}

fn step(row: &Row<'_>) -> rusqlite::Result<TraceStep> {
    Ok(TraceStep {
        record: row.get(0)?,
        part: row.get(1)?,
        batch: row.get(2)?,
        pass: row.get(3)?,
        kind: row.get(4)?,
        stage: row.get(5)?,
        source: row.get(6)?,
        database: row.get(7)?,
        target_record: row.get(8)?,
        run: row.get(9)?,
        actor: row.get(10)?,
        at: row.get(11)?,
        outcome: row.get(12)?,
        reason: row.get(13)?,
        input_hash: row.get(14)?,
        before_hash: row.get(15)?,
        after_hash: row.get(16)?,
        run_reason: row.get(17)?,
    })
}
