//! Reading the ledger: passes and what they imply, entries, images.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::entry::{Counts, Entry, EntryOutcome, ImageKind};
use super::head::{PassKind, PassRow, StageRow};
use super::sql::{of_record, undone};
use super::state::PassState;
use crate::digest::Salt;
use crate::error::{Error, Result};
use crate::record::{BatchId, PassId, RecordNumber};

/// A pass with what its batches record about it.
#[derive(Clone, Debug)]
pub(crate) struct PassSummary {
    /// The pass's row.
    pub row: PassRow,
    /// Its state.
    pub state: PassState,
    /// Its first batch.
    pub first_batch: BatchId,
    /// Its last batch.
    pub last_batch: BatchId,
    /// The largest source number of its data batches: the keyset cursor.
    pub last_record: Option<RecordNumber>,
    /// The resume point of a load, as JSON.
    pub cursor: Option<String>,
    /// The outcomes so far.
    pub counts: Counts,
    /// Whether a completed rollback has undone it.
    pub undone: bool,
    /// Whether it ended before it had read everything, because its stage was revised or its source changed after the
    /// reader had passed.
    pub superseded: bool,
}

const PASSES: &str = concat!(
    "SELECT p.pass, p.kind, p.stage, p.source, p.target, p.reverses, p.after_batch, p.now_us,
   min(b.batch), max(b.batch), max(CASE WHEN b.step='data' THEN b.last_record END),
   (SELECT c.cursor FROM ledger_batch c WHERE c.pass=p.pass ORDER BY c.batch DESC LIMIT 1),
   sum(b.read), sum(b.written), sum(b.unchanged), sum(b.filtered), sum(b.refused), sum(b.merged),
   max(b.step='index'), max(b.step='end'),
   ",
    undone!("p.pass"),
    ",
   s.project, s.number, s.slug, s.source_text, s.text_sha256, s.meaning, s.meaning_sha256,
   coalesce(max(b.step='end' AND json_extract(b.body,'$.superseded')),0)
 FROM ledger_pass p JOIN ledger_batch b USING(pass) LEFT JOIN ledger_stage s USING(stage)"
);

/// Returns one pass, if it has a batch.
pub(crate) fn pass(connection: &Connection, number: PassId) -> Result<Option<PassSummary>> {
    let mut statement = connection.prepare_cached(&format!("{PASSES} WHERE p.pass=?1 GROUP BY p.pass"))?;
    Ok(statement.query_row([number], pass_summary).optional()?)
}

fn pass_summary(row: &Row<'_>) -> rusqlite::Result<PassSummary> {
    let stage = match row.get::<_, Option<i64>>(2)? {
        Some(stage) => Some(StageRow {
            stage,
            project: row.get(21)?,
            number: row.get(22)?,
            slug: row.get(23)?,
            source_text: row.get(24)?,
            text_sha256: row.get(25)?,
            meaning: row.get(26)?,
            meaning_sha256: row.get(27)?,
        }),
        None => None,
    };
    let pass = PassRow {
        pass: row.get(0)?,
        kind: row.get(1)?,
        stage,
        source: row.get(3)?,
        target: row.get(4)?,
        reverses: row.get(5)?,
        after_batch: row.get(6)?,
        now_us: row.get(7)?,
    };
    let reached = match (row.get::<_, bool>(18)?, row.get::<_, bool>(19)?) {
        (_, true) => PassState::Ended,
        (true, false) => PassState::Indexed,
        (false, false) => PassState::Open,
    };
    Ok(PassSummary {
        row: pass,
        state: reached,
        first_batch: row.get(8)?,
        last_batch: row.get(9)?,
        last_record: row.get(10)?,
        cursor: row.get(11)?,
        counts: counts(row, 12)?,
        undone: row.get(20)?,
        superseded: row.get(28)?,
    })
}

/// Reads the six counts, starting at a column.
pub(crate) fn counts(row: &Row<'_>, from: usize) -> rusqlite::Result<Counts> {
    let count = |at: usize| row.get::<_, i64>(from + at).map(i64::unsigned_abs);
    Ok(Counts {
        read: count(0)?,
        written: count(1)?,
        unchanged: count(2)?,
        filtered: count(3)?,
        refused: count(4)?,
        merged: count(5)?,
    })
}

/// Returns the largest number of a table's key; 0 if the table is empty.
pub(crate) fn largest<T: rusqlite::types::FromSql>(connection: &Connection, table: LedgerTable) -> Result<T> {
    let sql = match table {
        LedgerTable::Run => "SELECT coalesce(max(run),0) FROM ledger_run",
        LedgerTable::Pass => "SELECT coalesce(max(pass),0) FROM ledger_pass",
        LedgerTable::Stage => "SELECT coalesce(max(stage),0) FROM ledger_stage",
        LedgerTable::Record => "SELECT coalesce(max(record),0) FROM ledger_record",
    };
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The numbered tables of the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LedgerTable {
    Run,
    Pass,
    Stage,
    Record,
}

/// Returns the number and the slug of a stage's revision with exactly this text and meaning, if it was applied before.
pub(crate) fn known_revision(connection: &Connection, stage: &StageRow) -> Result<Option<(i64, String)>> {
    let sql = "SELECT stage, slug FROM ledger_stage
     WHERE project=?1 AND number=?2 AND text_sha256=?3 AND meaning_sha256=?4";
    let key = params![
        stage.project,
        stage.number,
        stage.text_sha256,
        stage.meaning_sha256
    ];
    Ok(connection
        .prepare_cached(sql)?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Returns the salt of a record number; `None` once the record was erased.
pub(crate) fn salt(connection: &Connection, record: RecordNumber) -> Result<Option<Salt>> {
    let mut statement = connection.prepare_cached("SELECT salt FROM ledger_record WHERE record=?1")?;
    Ok(statement
        .query_row([record], |row| row.get(0))
        .optional()?
        .flatten())
}

/// An entry with its batch and its image.
#[derive(Clone, Debug)]
pub(crate) struct RecordedEntry {
    pub(crate) batch: BatchId,
    pub(crate) entry: Entry,
    pub(crate) image: Option<(ImageKind, Vec<u8>)>,
}

impl RecordedEntry {
    /// Returns the number of the row that it is about.
    #[must_use]
    pub(crate) fn number(&self) -> RecordNumber {
        self.entry.target.unwrap_or(self.entry.record)
    }

    /// Returns the place of its record in the pass.
    #[must_use]
    pub(crate) fn place(&self) -> Place {
        (self.batch, self.entry.record)
    }

    /// Returns its key.
    #[must_use]
    pub(crate) fn key(&self) -> EntryKey {
        (self.batch, self.entry.record, self.entry.part)
    }
}

pub(super) const ENTRIES: &str = "SELECT e.batch, e.record, e.part, e.outcome, e.target, e.input, e.before, e.after, e.reason, i.kind, i.body
 FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
 LEFT JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part";

/// Like [`ENTRIES`], by the number of a record (`of_record!`) or of a row (`of_row!`) in one of the views of its life.
macro_rules! entries_from {
    ($view:literal) => {
        concat!(
            "SELECT e.batch, e.record, e.part, e.outcome, e.target, e.input, e.before, e.after, e.reason, i.kind, i.body
             FROM ",
            $view,
            " e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_pass p ON p.pass=b.pass
             LEFT JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part WHERE "
        )
    };
}
pub(super) use entries_from;

/// Place of a source record in a pass: (batch, record).
pub(crate) type Place = (BatchId, RecordNumber);

/// The place after every other.
pub(crate) const BEHIND_ALL: Place = (BatchId::MAX, RecordNumber::MAX);

/// Returns the entries of a pass before a place in it, down to a batch, with their images, newest first: the order in
/// which they are undone. Limited to about this many entries or bytes of images, but always includes all parts of a
/// record.
pub(crate) fn entries_before(
    connection: &Connection,
    pass: PassId,
    (before, down_to): (Place, BatchId),
    count: usize,
    bytes: usize,
) -> Result<Vec<RecordedEntry>> {
    let sql = format!(
        "{ENTRIES} WHERE b.pass=?1 AND b.batch<=?2 AND b.batch>=?4 AND (e.batch,e.record)<(?2,?3)
         ORDER BY b.batch DESC, e.record DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![pass, before.0, before.1, down_to])?;
    let (mut entries, mut size): (Vec<RecordedEntry>, usize) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let place: Place = (row.get(0)?, row.get(1)?);
        if (entries.len() > count || size >= bytes)
            && let (Some(first), Some(last)) = (
                entries.first().map(RecordedEntry::place),
                entries.last().map(RecordedEntry::place),
            )
        {
            // The last record may have more parts, so it is left to the next call, unless it is the only one.
            if first != last {
                entries.retain(|recorded| recorded.place() != last);
                break;
            }
            if place != last {
                break;
            }
        }
        let found = recorded(row)?;
        size += found.image.as_ref().map_or(0, |(_, body)| body.len());
        entries.push(found);
    }
    Ok(entries)
}

/// Returns whether a pass has overwritten or removed any row.
pub(crate) fn keeps_images(connection: &Connection, pass: PassId) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_batch b CROSS JOIN ledger_image i ON i.batch=b.batch
     WHERE b.pass=?1)";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([pass], |row| row.get(0))?)
}

/// Key of an entry: batch, record and part.
pub(crate) type EntryKey = (BatchId, RecordNumber, i64);

/// Returns one entry.
pub(crate) fn entry_at(connection: &Connection, key: EntryKey) -> Result<RecordedEntry> {
    let sql = format!("{ENTRIES} WHERE b.batch=?1 AND e.record=?2 AND e.part=?3");
    Ok(connection.prepare_cached(&sql)?.query_row(key, recorded)?)
}

/// Returns the entries of a pass for one source record, newest first.
pub(crate) fn entries_of_record(
    connection: &Connection,
    pass: PassId,
    record: RecordNumber,
) -> Result<Vec<RecordedEntry>> {
    let sql = concat!(
        entries_from!("ledger_life"),
        of_record!("e", "?2"),
        " AND b.pass=?1 ORDER BY e.batch DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![pass, record], recorded)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the entries that passes from or to a database have of one of its rows, oldest first: those under its own
/// number, and those that wrote it under another record's.
pub(crate) fn entries_of_row(
    connection: &Connection,
    database: &str,
    number: RecordNumber,
) -> Result<Vec<RecordedEntry>> {
    let sql = concat!(
        entries_from!("ledger_life"),
        of_record!("e", "?2"),
        " AND (p.target=?1 OR p.source=?1) UNION ",
        entries_from!("ledger_entry"),
        "e.target=?2 AND (p.target=?1 OR p.source=?1) ORDER BY 1, 2, 3"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![database, number], recorded)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the entries of one record in a batch, in the order of their parts, without images.
pub(crate) fn entries_in_batch(
    connection: &Connection,
    batch: BatchId,
    record: RecordNumber,
) -> Result<Vec<Entry>> {
    let sql = "SELECT record,part,outcome,target,input,before,after,reason FROM ledger_entry
     WHERE batch=?1 AND record=?2 ORDER BY part";
    let mut statement = connection.prepare_cached(sql)?;
    let entries = statement.query_map(params![batch, record], |row| entry(row, 0))?;
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// Returns the pass of a batch.
pub(crate) fn pass_of(connection: &Connection, batch: BatchId) -> Result<Option<PassId>> {
    let sql = "SELECT pass FROM ledger_batch WHERE batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([batch], |row| row.get(0)).optional()?)
}

/// Returns the resume point of a batch, as JSON.
pub(crate) fn cursor_of(connection: &Connection, batch: BatchId) -> Result<Option<String>> {
    let sql = "SELECT cursor FROM ledger_batch WHERE batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([batch], |row| row.get(0))?)
}

/// Returns the batches of a pass.
pub(crate) fn batches_of(connection: &Connection, pass: PassId) -> Result<BTreeSet<BatchId>> {
    let mut statement = connection.prepare_cached("SELECT batch FROM ledger_batch WHERE pass=?1")?;
    let batches = statement.query_map([pass], |row| row.get(0))?;
    Ok(batches.collect::<rusqlite::Result<_>>()?)
}

/// Returns the batches that wrote to a database, ascending.
pub(crate) fn batches_into(connection: &Connection, database: &str) -> Result<Vec<BatchId>> {
    let sql = "SELECT b.batch FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.target=?1 ORDER BY b.batch";
    let mut statement = connection.prepare_cached(sql)?;
    let batches = statement.query_map([database], |row| row.get(0))?;
    Ok(batches.collect::<rusqlite::Result<_>>()?)
}

/// Returns the newest entries that a stage has for a record: all parts of the newest batch that has any. Numbers stay
/// with their parts even if a rollback removed the rows, so rollbacks are not considered.
pub(crate) fn newest_of_stage(
    connection: &Connection,
    project: &str,
    number: u32,
    record: RecordNumber,
) -> Result<Vec<RecordedEntry>> {
    let newest = concat!(
        "SELECT max(f.batch) FROM ledger_life f CROSS JOIN ledger_batch c ON c.batch=f.batch
         CROSS JOIN ledger_pass q ON q.pass=c.pass CROSS JOIN ledger_stage t ON t.stage=q.stage
         WHERE ",
        of_record!("f", "?3"),
        " AND t.project=?1 AND t.number=?2 AND q.kind<>'rollback'"
    );
    let sql = format!("{ENTRIES} WHERE e.record=?3 AND b.batch=({newest}) ORDER BY e.part");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![project, number, record], recorded)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn recorded(row: &Row<'_>) -> rusqlite::Result<RecordedEntry> {
    let kind: Option<i64> = row.get(9)?;
    let image = match kind.and_then(ImageKind::from_number) {
        Some(kind) => Some((kind, row.get(10)?)),
        None => None,
    };
    Ok(RecordedEntry {
        batch: row.get(0)?,
        entry: entry(row, 1)?,
        image,
    })
}

/// Reads an entry from its columns in the table's order, starting at a column.
pub(crate) fn entry(row: &Row<'_>, from: usize) -> rusqlite::Result<Entry> {
    Ok(Entry {
        record: row.get(from)?,
        part: row.get(from + 1)?,
        outcome: row.get(from + 2)?,
        target: row.get(from + 3)?,
        input: row.get(from + 4)?,
        before: row.get(from + 5)?,
        after: row.get(from + 6)?,
        reason: row.get(from + 7)?,
    })
}

impl rusqlite::types::FromSql for EntryOutcome {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        let number = value.as_i64()?;
        Self::from_number(number).ok_or(rusqlite::types::FromSqlError::OutOfRange(number))
    }
}

#[doc(hidden)]
impl rusqlite::types::FromSql for PassKind {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        let name = value.as_str()?;
        Self::from_name(name).ok_or_else(|| {
            rusqlite::types::FromSqlError::Other(format!("`{name}` is not a kind of pass").into())
        })
    }
}

/// Returns the number of a stage's warnings in a pass, by code.
pub(crate) fn warnings(connection: &Connection, pass: PassId) -> Result<BTreeMap<String, u64>> {
    let sql = "SELECT w.key, sum(w.value) FROM ledger_batch b, json_each(b.body,'$.warnings') w
     WHERE b.pass=?1 AND b.body IS NOT NULL GROUP BY w.key";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the ledger's origin; rejects a ledger without a first run, because another program wrote it.
pub(crate) fn origin(connection: &Connection) -> Result<String> {
    let found = connection
        .query_row("SELECT uuid FROM ledger_run WHERE run=1", [], |row| row.get(0))
        .optional()?;
    found.ok_or_else(|| Error::Damaged {
        what: "the ledger has no first run".to_owned(),
    })
}
