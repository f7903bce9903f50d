//! What has happened in the ledger since a pass, as far as it depends on the pass's work: the passes that read it, the
//! passes that overwrote it, the later changes of a row.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::read::{EntryKey, PassSummary, Place};
use super::sql::{of_record, of_row, standing_life, undone_singly};
use super::undone;
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber};

/// A pass of a stage that has read a database.
pub(crate) struct ReadingPass {
    pub(crate) pass: PassId,
    pub(crate) last_batch: BatchId,
    pub(crate) project: String,
    pub(crate) number: u32,
    pub(crate) slug: String,
}

/// Returns the standing passes of stages that have read a database after a batch.
pub(crate) fn readers_since(
    connection: &Connection,
    database: &str,
    after: BatchId,
) -> Result<Vec<ReadingPass>> {
    let sql = "SELECT p.pass, max(b.batch), s.project, s.number, s.slug
     FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass CROSS JOIN ledger_stage s ON s.stage=p.stage
     WHERE b.batch>?2 AND b.read>0 AND p.source=?1 AND p.kind IN('apply','retry','waive') GROUP BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let readers = statement.query_map(params![database, after], |row| {
        Ok(ReadingPass {
            pass: row.get(0)?,
            last_batch: row.get(1)?,
            project: row.get(2)?,
            number: row.get(3)?,
            slug: row.get(4)?,
        })
    })?;
    Ok(readers.collect::<rusqlite::Result<_>>()?)
}

/// Returns the standing passes that have processed records of a stage after a batch, ascending.
pub(crate) fn processed_since(
    connection: &Connection,
    (project, number): (&str, u32),
    after: BatchId,
) -> Result<Vec<PassId>> {
    let sql = "SELECT DISTINCT p.pass FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass
     CROSS JOIN ledger_stage s ON s.stage=p.stage
     WHERE b.batch>?3 AND p.kind IN('apply','retry') AND s.project=?1 AND s.number=?2 ORDER BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let passes = statement.query_map(params![project, number, after], |row| row.get(0))?;
    Ok(passes.collect::<rusqlite::Result<_>>()?)
}

/// Returns whether a pass changed a row after another pass had changed it, or found it as that one left it, ignoring what a
/// rollback of single records has undone since. What a pass found as it was, it has not written: if the older pass were
/// undone beneath it, no later pass would.
pub(crate) fn stands_on(connection: &Connection, newer: PassId, pass: &PassSummary) -> Result<bool> {
    let (singly, singly_beneath) = (
        undone::singly(connection, newer)?,
        undone::singly(connection, pass.row.pass)?,
    );
    let sql = "SELECT e.record, e.part, coalesce(e.target,e.record), b.batch FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.pass=?1 AND p.kind IN('apply','retry') AND b.batch>?2
       AND (e.before IS NOT e.after OR e.outcome IN(2,5) OR (e.outcome=4 AND e.after IS NULL))";
    let beneath = concat!(
        "SELECT f.record, f.part FROM ledger_row_life f CROSS JOIN ledger_batch c ON c.batch=f.batch WHERE ",
        of_row!("f", "?1"),
        " AND c.pass=?2 AND f.batch<?3 AND f.before IS NOT f.after"
    );
    let (mut statement, mut beneath) = (
        connection.prepare_cached(sql)?,
        connection.prepare_cached(beneath)?,
    );
    let mut rows = statement.query(params![newer, pass.first_batch])?;
    while let Some(row) = rows.next()? {
        if singly.contains(&(row.get(0)?, row.get(1)?)) {
            continue;
        }
        let (number, batch): (RecordNumber, BatchId) = (row.get(2)?, row.get(3)?);
        let mut found = beneath.query(params![number, pass.row.pass, batch])?;
        while let Some(row) = found.next()? {
            if !singly_beneath.contains(&(row.get(0)?, row.get(1)?)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Calls the callback with the pass and the number of each batch, newest first, down to one; without one, with none.
pub(crate) fn each_batch_down_to(
    connection: &Connection,
    oldest: Option<BatchId>,
    mut tell: impl FnMut(PassId, BatchId),
) -> Result<()> {
    let sql = "SELECT pass, batch FROM ledger_batch WHERE batch>=?1 ORDER BY batch DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([oldest])?;
    while let Some(row) = rows.next()? {
        tell(row.get(0)?, row.get(1)?);
    }
    Ok(())
}

/// Calls the callback with the row of each change of a pass in its batches after one.
pub(crate) fn each_changed_row(
    connection: &Connection,
    pass: PassId,
    after: BatchId,
    mut tell: impl FnMut(RecordNumber),
) -> Result<()> {
    let sql =
        "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.batch>?2 AND e.before IS NOT e.after";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![pass, after])?;
    while let Some(row) = rows.next()? {
        tell(row.get(0)?);
    }
    Ok(())
}

/// A row that was overwritten, so that it has the shape from before a stage in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OverwrittenRow {
    pub(crate) row: RecordNumber,
    /// The stage that wrote it; -1 for a load or an edit.
    pub(crate) stage: i64,
    /// The newest batch that did.
    pub(crate) batch: BatchId,
}

/// Returns the rows that a pass overwrote after a batch: a load or an edit, or a stage of a project. Excludes what a
/// rollback of single records has undone since.
pub(crate) fn overwritten_rows(
    connection: &Connection,
    pass: PassId,
    after: BatchId,
    project: &str,
) -> Result<Vec<OverwrittenRow>> {
    let sql = concat!(
        "SELECT coalesce(e.target,e.record), coalesce(s.number,-1), max(b.batch)
         FROM ledger_pass q LEFT JOIN ledger_stage s ON s.stage=q.stage CROSS JOIN ledger_batch b ON b.pass=q.pass
         CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE q.pass=?1 AND b.batch>?2 AND e.before IS NOT e.after
           AND ((q.kind IN('load','edit') AND (e.before IS NULL OR b.cursor->>'$.reprocess')) OR (q.kind IN('apply','retry') AND s.project=?3))
           AND NOT ",
        undone_singly!("q.pass", "e"),
        " GROUP BY 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![pass, after, project], |row| {
        Ok(OverwrittenRow {
            row: row.get(0)?,
            stage: row.get(1)?,
            batch: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A pass that has written to a database since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriterSince {
    pub(crate) pass: PassId,
    pub(crate) last_batch: BatchId,
    pub(crate) was_undone: bool,
    /// For a rollback, what it undoes.
    pub(crate) undoes: Option<UndoneBy>,
}

/// The work that a rollback undoes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UndoneBy {
    pub(crate) pass: PassId,
    /// Whether it undoes the whole pass rather than a single record.
    pub(crate) is_whole: bool,
    pub(crate) was_undone: bool,
}

/// Returns the passes that have read something and written to a database after a batch, in order.
pub(crate) fn writers_since(
    connection: &Connection,
    database: &str,
    after: BatchId,
) -> Result<Vec<WriterSince>> {
    let sql = "SELECT w.pass, w.last_batch, NOT EXISTS(SELECT 1 FROM ledger_standing q WHERE q.pass=w.pass), w.is_whole, w.of,
       NOT EXISTS(SELECT 1 FROM ledger_standing q WHERE q.pass=w.of)
     FROM (SELECT p.pass AS pass, max(b.batch) AS last_batch, p.reverses IS NOT NULL AS is_whole,
         coalesce(p.reverses, max(json_extract(b.body,'$.undoes'))) AS of
       FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
       WHERE b.batch>?2 AND p.target=?1 GROUP BY p.pass HAVING sum(b.read)>0) w ORDER BY w.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let writers = statement.query_map(params![database, after], |row| {
        let undoes: Option<PassId> = row.get(4)?;
        let (is_whole, was_undone): (bool, bool) = (row.get(3)?, row.get(5)?);
        Ok(WriterSince {
            pass: row.get(0)?,
            last_batch: row.get(1)?,
            was_undone: row.get(2)?,
            undoes: undoes.map(|pass| UndoneBy {
                pass,
                is_whole,
                was_undone,
            }),
        })
    })?;
    Ok(writers.collect::<rusqlite::Result<_>>()?)
}

/// Returns whether no standing pass wrote to a pass's target before it.
pub(crate) fn is_first_writer(connection: &Connection, pass: &PassSummary) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_standing p CROSS JOIN ledger_batch b ON b.pass=p.pass
     WHERE p.target=?1 AND p.pass<?3 AND p.kind<>'rollback' AND b.batch<?2 AND b.read>0 LIMIT 1";
    let key = params![pass.row.target, pass.first_batch, pass.row.pass];
    Ok(!connection.prepare_cached(sql)?.exists(key)?)
}

/// Returns whether a pass changed any row; reads up to the first change.
pub(crate) fn has_changed(connection: &Connection, pass: PassId) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND e.before IS NOT e.after LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([pass])?)
}

/// Returns whether a change of a record satisfies a predicate on its pass and part; reads up to the first match.
pub(crate) fn has_change(
    connection: &Connection,
    record: RecordNumber,
    mut is_such: impl FnMut(PassId, i64) -> Result<bool>,
) -> Result<bool> {
    let sql = concat!(
        "SELECT c.pass, f.part FROM ledger_life f CROSS JOIN ledger_batch c ON c.batch=f.batch WHERE ",
        of_record!("f", "?1"),
        " AND f.before IS NOT f.after"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([record])?;
    while let Some(row) = rows.next()? {
        if is_such(row.get(0)?, row.get(1)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the newest entry of a pass, up to a batch, that removed a row and belongs to another record than the given
/// one.
pub(crate) fn taken_out_for(
    connection: &Connection,
    pass: PassId,
    row: RecordNumber,
    (batch, record): Place,
) -> Result<Option<EntryKey>> {
    let sql = concat!(
        "SELECT e.batch, e.record, e.part FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch WHERE ",
        of_row!("e", "?2"),
        " AND b.pass=?1 AND e.record<>?3 AND e.batch<=?4 AND e.before IS NOT NULL AND e.after IS NULL
         ORDER BY e.batch DESC, e.record DESC, e.part DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![pass, row, record, batch], |found| {
        Ok((found.get(0)?, found.get(1)?, found.get(2)?))
    });
    Ok(found.optional()?)
}

/// An entry, as far as it concerns a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowEntry {
    pub(crate) key: EntryKey,
    pub(crate) row: RecordNumber,
    /// Whether the row is as it was before.
    pub(crate) is_same: bool,
    pub(crate) is_refused: bool,
}

/// Calls the callback with each entry of a pass.
pub(crate) fn each_entry(
    connection: &Connection,
    pass: PassId,
    mut tell: impl FnMut(RowEntry),
) -> Result<()> {
    let sql =
        "SELECT e.batch, e.record, e.part, coalesce(e.target,e.record), e.before IS e.after, e.outcome=4
     FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE b.pass=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([pass])?;
    while let Some(row) = rows.next()? {
        tell(RowEntry {
            key: (row.get(0)?, row.get(1)?, row.get(2)?),
            row: row.get(3)?,
            is_same: row.get(4)?,
            is_refused: row.get(5)?,
        });
    }
    Ok(())
}

/// A change of a row, and the pass that made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChangeBy {
    pub(crate) key: EntryKey,
    pub(crate) row: RecordNumber,
    pub(crate) pass: PassId,
}

/// Calls the callback with each change of a database's rows from a batch to another, in ledger order; with none if
/// there is no first batch.
pub(crate) fn each_change_between(
    connection: &Connection,
    database: Option<&str>,
    first: Option<BatchId>,
    last: BatchId,
    mut tell: impl FnMut(ChangeBy),
) -> Result<()> {
    let sql = "SELECT e.batch, e.record, e.part, coalesce(e.target,e.record), b.pass
     FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.batch>=?2 AND b.batch<=?3 AND p.target=?1 AND e.before IS NOT e.after
     ORDER BY e.batch, e.record, e.part";
    let mut statement = connection.prepare_cached(sql)?;
    let mut changes = statement.query(params![database, first, last])?;
    while let Some(row) = changes.next()? {
        tell(ChangeBy {
            key: (row.get(0)?, row.get(1)?, row.get(2)?),
            row: row.get(3)?,
            pass: row.get(4)?,
        });
    }
    Ok(())
}

/// The newest change of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewestChange {
    pub(crate) pass: PassId,
    /// The source record.
    pub(crate) record: RecordNumber,
    pub(crate) batch: BatchId,
}

/// Returns the newest change of a row that was not undone. Searches from the newest batches backwards in ever longer
/// ranges, because a row may have had many versions.
pub(crate) fn newest_change(
    connection: &Connection,
    database: &str,
    number: RecordNumber,
) -> Result<Option<NewestChange>> {
    // A rollback that reached a change has undone it, even if it found nothing to do.
    let sql = concat!(
        "SELECT p.pass, e.record, b.batch, coalesce(p.reverses, json_extract(b.body,'$.undoes'))
         FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_pass p ON p.pass=b.pass
         WHERE ",
        of_row!("e", "?2"),
        " AND e.batch>?3 AND e.batch<=?4 AND p.target=?1 AND p.kind<>'load'
           AND CASE p.kind WHEN 'rollback' THEN NOT (e.outcome=4 AND e.before IS e.after) ELSE e.before IS NOT e.after END
         ORDER BY e.batch DESC, e.record DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let newest = "SELECT coalesce(max(batch),0) FROM ledger_batch";
    let mut newest: BatchId = connection.query_row(newest, [], |row| row.get(0))?;
    let (mut stretch, mut undone) = (64_i64, HashSet::new());
    while newest > BatchId::BEFORE_FIRST {
        let after = BatchId::new(newest.get().saturating_sub(stretch).max(0));
        let mut rows = statement.query(params![database, number, after, newest])?;
        while let Some(row) = rows.next()? {
            let pass: PassId = row.get(0)?;
            match row.get::<_, Option<PassId>>(3)? {
                Some(of) => drop(undone.insert(of)),
                None if !undone.contains(&pass) => {
                    return Ok(Some(NewestChange {
                        pass,
                        record: row.get(1)?,
                        batch: row.get(2)?,
                    }));
                }
                None => {}
            }
        }
        (newest, stretch) = (after, stretch.saturating_mul(4));
    }
    Ok(None)
}

/// Where a standing stage has processed a record further.
#[derive(Clone, Debug)]
pub(crate) struct ProcessedSince {
    pub(crate) stage: u32,
    pub(crate) slug: String,
    pub(crate) target: String,
    /// The row that changed there.
    pub(crate) row: RecordNumber,
}

/// Returns the newest change that a standing stage made of a record of a database after a batch, or the row that it
/// merged the record into. Excludes what a rollback of single records has undone since.
pub(crate) fn record_processed_since(
    connection: &Connection,
    database: &str,
    record: RecordNumber,
    after: BatchId,
) -> Result<Option<ProcessedSince>> {
    let sql = concat!(
        "SELECT t.number, t.slug, q.target, coalesce(f.target,f.record) FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "?2"),
        " AND f.batch>?3 AND q.source=?1 AND q.kind IN('apply','retry')
           AND (f.before IS NOT f.after OR f.outcome=5) AND NOT ",
        undone_singly!("q.pass", "f"),
        " ORDER BY f.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let processed = statement.query_row(params![database, record, after], |row| {
        Ok(ProcessedSince {
            stage: row.get(0)?,
            slug: row.get(1)?,
            target: row.get(2)?,
            row: row.get(3)?,
        })
    });
    Ok(processed.optional()?)
}
