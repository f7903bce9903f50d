//! The lives of records: the entries of a record and of its row, and what each of them means.

use rusqlite::{Connection, Row, params};

use super::golden::{MemberPlace, place_of};
use super::lookups::{LookedUp, looked_up};
use super::read::EntryKey;
use super::sql::{is_about_place, of_record};
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// The place of an entry that belongs to a life, and whether it leads to another number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LifeEntry {
    pub(crate) key: EntryKey,
    /// The row that it is about, if that has another number.
    pub(crate) target: Option<RecordNumber>,
    /// Whether the row that it names neither came from the record nor will: it concerns only the place of that row,
    /// removes a golden record that another one has taken the place of, or decides about a pair.
    pub(crate) is_apart: bool,
    /// Whether the record was merged into a row that another record's entry changed.
    pub(crate) follows: bool,
}

/// Whether an entry decides about a pair. It has changed no row.
macro_rules! is_decision {
    () => {
        "e.outcome=3 AND e.before IS NULL AND e.after IS NULL AND coalesce(e.reason,'') GLOB '{\"code\":\"review.*'"
    };
}

/// Places of entries, from a table or view.
macro_rules! places_from {
    ($entries:literal) => {
        concat!(
            "SELECT e.batch, e.record, e.part, e.target, ",
            is_about_place!("e"),
            " OR (e.outcome=5 AND coalesce(e.reason,'') GLOB '{\"code\":\"merge.joined\"*') OR (",
            is_decision!(),
            "), e.outcome=5 AND e.before IS e.after FROM ",
            $entries,
            " e WHERE "
        )
    };
}

/// Returns the entries of a record.
pub(crate) fn entries_of(connection: &Connection, record: RecordNumber) -> Result<Vec<LifeEntry>> {
    let sql = concat!(places_from!("ledger_life"), of_record!("e", "?1"));
    entries(connection, sql, record)
}

/// Returns the entries of a record that are about its own row.
pub(crate) fn entries_about(connection: &Connection, record: RecordNumber) -> Result<Vec<LifeEntry>> {
    let sql = concat!(
        places_from!("ledger_life"),
        of_record!("e", "?1"),
        " AND (e.target IS NULL OR e.target=?1)"
    );
    entries(connection, sql, record)
}

/// Returns the entries of other records that are about a record's row. A decision about a pair has an entry of its own
/// for each of the two.
pub(crate) fn entries_onto(connection: &Connection, row: RecordNumber) -> Result<Vec<LifeEntry>> {
    entries(
        connection,
        concat!(
            places_from!("ledger_entry"),
            "e.target=?1 AND NOT (",
            is_decision!(),
            ")"
        ),
        row,
    )
}

fn entries(connection: &Connection, sql: &str, number: RecordNumber) -> Result<Vec<LifeEntry>> {
    let mut statement = connection.prepare_cached(sql)?;
    let entries = statement.query_map([number], |row| {
        Ok(LifeEntry {
            key: (row.get(0)?, row.get(1)?, row.get(2)?),
            target: row.get(3)?,
            is_apart: row.get(4)?,
            follows: row.get(5)?,
        })
    })?;
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// Returns whether a batch read a database as a stage does, or wrote to it.
pub(crate) fn touches(connection: &Connection, batch: BatchId, database: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_batch b JOIN ledger_pass p ON p.pass=b.pass
     WHERE b.batch=?1 AND (p.target=?2 OR p.source=?2 AND p.stage IS NOT NULL)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists(params![batch, database])?)
}

/// One event in the life of a record.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct TraceStep {
    /// Record number in the entry.
    pub record: RecordNumber,
    /// Part number, for derived records.
    pub part: i64,
    /// Batch of the entry.
    pub batch: BatchId,
    /// Pass of the batch.
    pub pass: PassId,
    /// Kind of the pass.
    pub kind: String,
    /// Number of the stage.
    pub stage: Option<u32>,
    /// Database that was read.
    pub source: Option<String>,
    /// Database that was written.
    pub database: Option<String>,
    /// Number written, if it differs from the record's.
    pub target_record: Option<RecordNumber>,
    /// Run of the batch.
    pub run: RunId,
    /// Actor of the run.
    pub actor: String,
    /// Reason given for the run.
    pub run_reason: Option<String>,
    /// Commit time, ISO 8601 in UTC.
    pub at: String,
    /// Outcome of the record.
    pub outcome: String,
    /// Reason for the outcome, as JSON; codes and places only.
    pub reason: Option<String>,
    /// What was looked up in other databases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub looked_up: Vec<LookedUp>,
    /// What a merge says of its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<MemberPlace>,
    /// Commitment to the source record, in hexadecimal.
    pub input_hash: String,
    /// Commitment to the row before, in hexadecimal.
    pub before_hash: String,
    /// Commitment to the row after, in hexadecimal.
    pub after_hash: String,
}

/// Query for one step, by its place.
const STEP: &str = "SELECT e.record, e.part, e.batch, p.pass, p.kind, s.number, p.source, p.target, e.target, r.run, r.actor,
   strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch'),
   CASE e.outcome WHEN 1 THEN 'written' WHEN 2 THEN 'unchanged' WHEN 3 THEN 'filtered' WHEN 4 THEN 'refused' ELSE 'merged' END,
   e.reason, lower(hex(e.input)), lower(hex(e.before)), lower(hex(e.after)), r.reason
 FROM ledger_entry e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_run r ON r.run=b.run
 CROSS JOIN ledger_pass p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage
 WHERE e.batch=?1 AND e.record=?2 AND e.part=?3";

/// Returns the step of an entry.
pub(crate) fn step_at(connection: &Connection, key: EntryKey) -> Result<TraceStep> {
    let mut statement = connection.prepare_cached(STEP)?;
    let mut step = statement.query_row(key, step)?;
    let is_of_stage = step.stage.is_some() && matches!(step.kind.as_str(), "apply" | "retry");
    if is_of_stage && step.outcome != "refused" {
        step.merge = place_of(connection, key, step.target_record, step.reason.as_deref())?;
    }
    Ok(step)
}

fn step(row: &Row<'_>) -> rusqlite::Result<TraceStep> {
    let reason: Option<String> = row.get(13)?;
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
        looked_up: reason.as_deref().map(looked_up).unwrap_or_default(),
        reason,
        merge: None,
        input_hash: row.get(14)?,
        before_hash: row.get(15)?,
        after_hash: row.get(16)?,
        run_reason: row.get(17)?,
    })
}
