//! What the passes of a stage have processed, record by record.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::read::{ENTRIES, EntryKey, RecordedEntry, entries_from, recorded};
use super::sql::of_record;
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber};

/// Code of an entry that removes another record's row from the target.
pub(crate) const TARGET_REPLACED: &str = "target.replaced";

/// Code of an entry that left out a record, or a part of it, because another record has its place.
pub(crate) const TARGET_EXISTS: &str = "target.exists";

/// Returns the records that passes have entries of, ascending, each with the newest batch that has them. Excludes
/// records that a rollback of single records has undone since.
pub(crate) fn processed_by(
    connection: &Connection,
    passes: &[PassId],
) -> Result<Vec<(RecordNumber, BatchId)>> {
    let undone = undone_singly(connection, passes)?;
    let sql = "SELECT e.record, e.batch FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.read>0 ORDER BY b.batch, e.record, e.part";
    let mut statement = connection.prepare_cached(sql)?;
    let mut processed: Vec<(RecordNumber, BatchId)> = Vec::new();
    for pass in passes {
        let mut rows = statement.query([pass])?;
        while let Some(row) = rows.next()? {
            let (record, batch): (RecordNumber, BatchId) = (row.get(0)?, row.get(1)?);
            if processed.last() != Some(&(record, batch)) && !undone.contains(&(*pass, record)) {
                processed.push((record, batch));
            }
        }
    }
    processed.sort_unstable();
    // The newest batch of each record comes last.
    processed.reverse();
    processed.dedup_by_key(|(record, _)| *record);
    processed.reverse();
    Ok(processed)
}

/// Returns the value of `now()` for the records that passes processed, by batch.
pub(crate) fn times(connection: &Connection, passes: &[PassId]) -> Result<HashMap<BatchId, i64>> {
    let sql = "SELECT b.batch, p.now_us FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.pass=?1 AND b.read>0";
    let mut statement = connection.prepare_cached(sql)?;
    let mut times = HashMap::new();
    for pass in passes {
        for row in statement.query_map([pass], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (batch, now_us) = row?;
            times.insert(batch, now_us);
        }
    }
    Ok(times)
}

/// Returns the passes and records whose entries a rollback of single records has undone.
fn undone_singly(connection: &Connection, passes: &[PassId]) -> Result<HashSet<(PassId, RecordNumber)>> {
    let sql = "SELECT json_extract(b.body,'$.undoes'), e.record FROM json_each(?1) j
     CROSS JOIN ledger_batch b ON json_extract(b.body,'$.undoes')=j.value CROSS JOIN ledger_pass p ON p.pass=b.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.kind='rollback' AND p.reverses IS NULL AND e.outcome<>4";
    let passes = serde_json::to_string(passes).expect("numbers always have a JSON text");
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([passes], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the entries of a range of records in a batch, with their images, ordered by record and part.
pub(crate) fn entries_between(
    connection: &Connection,
    batch: BatchId,
    first: RecordNumber,
    last: RecordNumber,
) -> Result<Vec<RecordedEntry>> {
    let sql = format!("{ENTRIES} WHERE b.batch=?1 AND e.record BETWEEN ?2 AND ?3 ORDER BY e.record, e.part");
    let mut statement = connection.prepare_cached(&sql)?;
    let entries = statement.query_map(params![batch, first, last], recorded)?;
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// Returns the entries that changed a row of a database under its own number in batches after one, with their images.
pub(crate) fn changes_of(
    connection: &Connection,
    database: &str,
    row: RecordNumber,
    after: BatchId,
) -> Result<Vec<RecordedEntry>> {
    let sql = concat!(
        entries_from!("ledger_life"),
        of_record!("e", "?3"),
        " AND e.batch>?2 AND p.target=?1 AND coalesce(e.target,e.record)=?3 AND e.before IS NOT e.after"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let entries = statement.query_map(params![database, after, row], recorded)?;
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// Returns the entries that changed rows of a database under another record's number, ascending: the row, and the key
/// of the entry. These are the parts of derived records, and rows that another record replaced.
pub(crate) fn changes_elsewhere(
    connection: &Connection,
    database: &str,
) -> Result<Vec<(RecordNumber, EntryKey)>> {
    let sql = "SELECT e.target, e.batch, e.record, e.part FROM ledger_pass p JOIN ledger_batch b USING(pass)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.target=?1 AND e.target IS NOT NULL AND e.target<>e.record AND e.before IS NOT e.after";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([database], |row| {
        Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
    })?;
    let mut changes: Vec<(RecordNumber, EntryKey)> = rows.collect::<rusqlite::Result<_>>()?;
    changes.sort_unstable();
    Ok(changes)
}

/// Returns the rows that records of some passes replaced, with the entries that record it, in ledger order.
pub(crate) fn displaced_by(connection: &Connection, passes: &[PassId]) -> Result<Vec<RecordedEntry>> {
    let sql = format!(
        "{ENTRIES} WHERE b.pass=?1 AND e.target IS NOT NULL AND e.reason LIKE '%{TARGET_REPLACED}%'
         ORDER BY e.batch, e.record, e.part"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut displaced: Vec<RecordedEntry> = Vec::new();
    for pass in passes {
        let entries = statement.query_map([pass], recorded)?;
        displaced.extend(entries.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    displaced.retain(|recorded| recorded.entry.has_code(TARGET_REPLACED));
    Ok(displaced)
}

/// Returns what the stage of a batch had refused of a record before: the batch, and the refused input.
pub(crate) fn refused_before(
    connection: &Connection,
    batch: BatchId,
    record: RecordNumber,
) -> Result<Option<(BatchId, Vec<u8>)>> {
    let sql = concat!(
        "SELECT e.batch, i.body FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_stage s ON s.stage=p.stage
         CROSS JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part
         WHERE ",
        of_record!("e", "?2"),
        " AND e.batch<?1 AND i.kind=4
           AND (s.project, s.number)=(SELECT t.project, t.number FROM ledger_batch c JOIN ledger_pass q USING(pass)
             JOIN ledger_stage t USING(stage) WHERE c.batch=?1)
         ORDER BY e.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![batch, record], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Returns what a stage (of a project) refused in place, if that is the last thing that happened to the record in the
/// database: a record that was refused, later admitted and then deleted must not come back. Undone changes do not
/// count, and neither does another stage in place that did not find the record there.
pub(crate) fn refused_image(
    connection: &Connection,
    stage: (&str, u32),
    database: &str,
    record: RecordNumber,
) -> Result<Option<Vec<u8>>> {
    let sql = concat!(
        "SELECT i.body FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_stage s ON s.stage=p.stage
         CROSS JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part
         WHERE ",
        of_record!("e", "?4"),
        " AND s.project=?1 AND s.number=?2 AND i.kind=4 AND p.kind IN('apply','retry')
           AND NOT EXISTS(SELECT 1 FROM ledger_life f CROSS JOIN ledger_batch c ON c.batch=f.batch
             CROSS JOIN ledger_standing q ON q.pass=c.pass WHERE ",
        of_record!("f", "?4"),
        " AND f.target IS NULL AND f.batch>b.batch AND q.target=?3
               AND (f.after IS NOT NULL OR q.kind='edit' OR (f.outcome=3 AND q.kind<>'waive' AND q.source IS NOT q.target))
               AND NOT EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
                 CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=?4
                 WHERE json_extract(x.body,'$.undoes')=+q.pass AND x.batch>f.batch AND u.kind='rollback' AND u.reverses IS NULL))
           AND NOT (EXISTS(SELECT 1 FROM ledger_record n WHERE n.record=?4 AND n.database=?3)
             AND EXISTS(SELECT 1 FROM ledger_entry f CROSS JOIN ledger_batch c ON c.batch=f.batch
               CROSS JOIN ledger_pass q ON q.pass=c.pass
               WHERE f.target=?4 AND f.batch>b.batch AND q.target=?3 AND q.source<>q.target
                 AND (f.after IS NOT NULL OR f.outcome<>4)))
         ORDER BY e.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![stage.0, stage.1, database, record], |row| row.get(0))
        .optional()?)
}

/// Returns the id that a record had where it began; `None` if it has none or no longer has it.
pub(crate) fn first_id(connection: &Connection, record: RecordNumber) -> Result<Option<String>> {
    let sql = "SELECT id FROM ledger_record WHERE record=?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row([record], |row| row.get(0))
        .optional()?
        .flatten())
}

/// Returns the database in which a record began.
pub(crate) fn first_database(connection: &Connection, record: RecordNumber) -> Result<Option<String>> {
    let sql = "SELECT database FROM ledger_record WHERE record=?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([record], |row| row.get(0)).optional()?)
}

/// Returns the numbers of the rows of a database that a load or an edit wrote, and no stage; ascending.
pub(crate) fn put_by_hand(connection: &Connection, database: &str) -> Result<Vec<RecordNumber>> {
    let sql = concat!(
        "SELECT r.record FROM ledger_record r WHERE r.database=?1 AND EXISTS(
           SELECT 1 FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_pass p ON p.pass=b.pass
           WHERE ",
        of_record!("e", "r.record"),
        " AND e.target IS NULL AND e.after IS NOT NULL AND p.target=?1 AND p.kind IN('load','edit')) ORDER BY r.record"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map([database], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// The writer of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchWriter {
    /// A load or an edit.
    Hand,
    /// A stage that works in place.
    InPlace(u32),
    /// Another stage, or a rollback.
    Other,
}

/// Returns the batches that wrote to a database, each with its writer.
pub(crate) fn writers(connection: &Connection, database: &str) -> Result<HashMap<BatchId, BatchWriter>> {
    let sql = "SELECT b.batch, p.kind IN('load','edit'),
       CASE WHEN p.kind<>'rollback' AND p.source=p.target THEN s.number END
     FROM ledger_pass p JOIN ledger_batch b USING(pass) LEFT JOIN ledger_stage s USING(stage) WHERE p.target=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let batches = statement.query_map(params![database], |row| {
        let writer = match (row.get(1)?, row.get(2)?) {
            (true, _) => BatchWriter::Hand,
            (false, Some(number)) => BatchWriter::InPlace(number),
            (false, None) => BatchWriter::Other,
        };
        Ok((row.get(0)?, writer))
    })?;
    Ok(batches.collect::<rusqlite::Result<_>>()?)
}
