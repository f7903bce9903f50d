//! The ledger's knowledge about single rows: what changed them, and where their ids come from.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::read::{EntryKey, RecordedEntry, entry_at};
use super::sql::of_record;
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// The past of one database's rows. It knows which batches to search, so that a row costs at most one look-up for each
/// pass, however long the ledger is.
#[derive(Debug)]
pub(crate) struct Past {
    passes: Vec<PassBatches>,
    /// The entries under other records' numbers, by the row that they wrote.
    elsewhere: HashMap<RecordNumber, Vec<EntryKey>>,
    /// Newest batch that changed or removed a row.
    pub(crate) newest_change: Option<BatchId>,
}

/// The batches of one pass.
#[derive(Debug, Default)]
struct PassBatches {
    /// First number, last number and batch.
    batches: Vec<(RecordNumber, RecordNumber, BatchId)>,
    /// Most passes read the numbers once, in ascending order.
    ascending: bool,
}

impl Past {
    /// Reads the past of a database.
    pub(crate) fn new(connection: &Connection, database: &str) -> Result<Self> {
        let sql = "SELECT p.pass, b.first_record, b.last_record, b.batch FROM ledger_pass p JOIN ledger_batch b USING(pass)
         WHERE p.target=?1 AND b.entries>0 ORDER BY p.pass, b.batch";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([database])?;
        let (mut passes, mut newest): (Vec<PassBatches>, Option<PassId>) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let pass: PassId = row.get(0)?;
            if newest.replace(pass) != Some(pass) {
                passes.push(PassBatches::default());
            }
            if let Some(pass) = passes.last_mut() {
                pass.batches.push((row.get(1)?, row.get(2)?, row.get(3)?));
            }
        }
        for pass in &mut passes {
            pass.ascending = pass.batches.windows(2).all(|pair| pair[0].1 < pair[1].0);
        }
        let sql =
            "SELECT e.target, e.batch, e.record, e.part FROM ledger_pass p JOIN ledger_batch b USING(pass)
         CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE p.target=?1 AND e.target IS NOT NULL";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([database])?;
        let mut elsewhere: HashMap<RecordNumber, Vec<EntryKey>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let key = (row.get(1)?, row.get(2)?, row.get(3)?);
            elsewhere.entry(row.get(0)?).or_default().push(key);
        }
        let sql = "SELECT max(b.batch) FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.target=?1
         AND EXISTS(SELECT 1 FROM ledger_entry e WHERE e.batch=b.batch AND e.before IS NOT NULL AND e.before IS NOT e.after)";
        Ok(Self {
            passes,
            elsewhere,
            newest_change: connection
                .prepare_cached(sql)?
                .query_row([database], |row| row.get(0))?,
        })
    }

    /// Returns the entries that changed a row, with their images, newest first.
    pub(crate) fn changes(
        &self,
        connection: &Connection,
        number: RecordNumber,
    ) -> Result<Vec<RecordedEntry>> {
        let mut keys = self.elsewhere.get(&number).cloned().unwrap_or_default();
        let sql = "SELECT batch, record, part FROM ledger_entry WHERE batch=?1 AND record=?2 AND coalesce(target,?2)=?2";
        let mut statement = connection.prepare_cached(sql)?;
        for batch in self.passes.iter().flat_map(|pass| pass.around(number)) {
            let rows = statement.query_map(params![batch, number], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            for key in rows {
                keys.push(key?);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let entries = keys.into_iter().rev().map(|key| entry_at(connection, key));
        let mut entries: Vec<RecordedEntry> = entries.collect::<Result<_>>()?;
        entries.retain(|recorded| recorded.entry.before != recorded.entry.after);
        Ok(entries)
    }
}

impl PassBatches {
    /// Returns the batches whose range includes a number.
    fn around(&self, number: RecordNumber) -> Vec<BatchId> {
        let has =
            |(first, last, _): &&(RecordNumber, RecordNumber, BatchId)| *first <= number && number <= *last;
        if self.ascending {
            let at = self.batches.partition_point(|(_, last, _)| *last < number);
            let found = self.batches.get(at).filter(has);
            return found.map(|(.., batch)| *batch).into_iter().collect();
        }
        self.batches
            .iter()
            .filter(has)
            .map(|(.., batch)| *batch)
            .collect()
    }
}

/// Returns the run of a batch, the kind of its pass, and the stage.
pub(crate) fn origin_of_batch(
    connection: &Connection,
    batch: BatchId,
) -> Result<(RunId, String, Option<u32>)> {
    let sql = "SELECT b.run, p.kind, s.number FROM ledger_batch b JOIN ledger_pass p USING(pass)
     LEFT JOIN ledger_stage s USING(stage) WHERE b.batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([batch], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}

/// Returns the numbers of all records that entered the store under these ids; a stage that keeps ids keeps numbers.
pub(crate) fn numbers_under(
    connection: &Connection,
    ids: &HashSet<String>,
) -> Result<HashMap<String, Vec<RecordNumber>>> {
    let mut found: HashMap<String, Vec<RecordNumber>> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let mut statement = connection.prepare("SELECT id, record FROM ledger_record WHERE id IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str().unwrap_or_default();
        if ids.contains(id) {
            found.entry(id.to_owned()).or_default().push(row.get(1)?);
        }
    }
    Ok(found)
}

/// Returns the numbers that had an id in a database and are no longer there: those that began there, and those that
/// began in another database and that a stage brought there. Excludes lines that a load refused, because they were
/// never rows.
pub(crate) fn number_by_origin(
    connection: &Connection,
    database: &str,
    id: &str,
) -> Result<Vec<RecordNumber>> {
    let found = numbers_with_id(connection, database, id)?.into_iter();
    Ok(found
        .filter_map(|(number, was_row)| was_row.then_some(number))
        .collect())
}

/// Like [`number_by_origin`], with the lines that a load refused under the id, and whether each was ever a row.
fn numbers_with_id(connection: &Connection, database: &str, id: &str) -> Result<Vec<(RecordNumber, bool)>> {
    let sql = concat!(
        "SELECT r.record, NOT EXISTS(SELECT 1 FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
           CROSS JOIN ledger_pass p ON p.pass=b.pass WHERE ",
        of_record!("e", "r.record"),
        " AND e.outcome=4 AND p.kind='load')
         FROM ledger_record r WHERE r.id=?2 AND (r.database=?1 OR EXISTS(
           SELECT 1 FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
           CROSS JOIN ledger_pass p ON p.pass=b.pass WHERE ",
        of_record!("e", "r.record"),
        " AND p.target=?1 AND (e.before IS NOT NULL OR e.after IS NOT NULL) AND e.target IS NULL)) ORDER BY r.record"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![database, id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the rows of a database that rollbacks have removed or changed back, ascending.
pub(crate) fn rows_taken_back(connection: &Connection, database: &str) -> Result<Vec<RecordNumber>> {
    let sql = "SELECT DISTINCT coalesce(e.target,e.record) FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.target=?1 AND p.kind='rollback' AND e.before IS NOT e.after ORDER BY 1";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map([database], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// Returns the pass of a batch if a stage wrote into a database with it.
pub(crate) fn stage_pass_into(
    connection: &Connection,
    batch: BatchId,
    database: &str,
) -> Result<Option<PassId>> {
    let sql = "SELECT p.pass FROM ledger_batch b JOIN ledger_pass p USING(pass)
     WHERE b.batch=?1 AND p.target=?2 AND p.stage IS NOT NULL AND p.kind IN('apply','retry')";
    let mut statement = connection.prepare_cached(sql)?;
    let pass = statement.query_row(params![batch, database], |row| row.get(0));
    Ok(pass.optional()?)
}

/// A record that began with an id, and one of the databases that contained it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Began {
    pub(crate) number: RecordNumber,
    pub(crate) database: String,
    /// Whether it began there; elsewhere a stage may have given it another id before.
    pub(crate) here: bool,
}

/// Returns the records that began with an id, including lines that a load refused under it, each with the databases
/// that contained it. Reads the records once for all databases.
pub(crate) fn began_with(connection: &Connection, id: &str) -> Result<Vec<Began>> {
    let mut statement =
        connection.prepare_cached("SELECT record, database FROM ledger_record WHERE id=?1")?;
    let numbers = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let numbers: Vec<(RecordNumber, String)> = numbers.collect::<rusqlite::Result<_>>()?;
    let sql = concat!(
        "SELECT DISTINCT p.target FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_pass p ON p.pass=b.pass WHERE ",
        of_record!("e", "?1"),
        " AND p.target IS NOT NULL AND p.target<>?2 AND (e.before IS NOT NULL OR e.after IS NOT NULL) AND e.target IS NULL"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for (number, database) in numbers {
        let others = statement.query_map(params![number, database], |row| row.get(0))?;
        let others: Vec<String> = others.collect::<rusqlite::Result<_>>()?;
        let place = |database, here| Began {
            number,
            database,
            here,
        };
        found.push(place(database, true));
        found.extend(others.into_iter().map(|other| place(other, false)));
    }
    Ok(found)
}

/// Returns whether a pass wrote a record or found it unchanged.
pub(crate) fn has_brought(connection: &Connection, pass: PassId, record: RecordNumber) -> Result<bool> {
    let sql = concat!(
        "SELECT 1 FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch WHERE ",
        of_record!("e", "?2"),
        " AND b.pass=?1 AND e.outcome IN(1,2)"
    );
    Ok(connection.prepare_cached(sql)?.exists(params![pass, record])?)
}

/// A row that was changed or refused in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormerRow {
    pub(crate) database: String,
    pub(crate) number: RecordNumber,
}

/// Images that begin with an id, from passes or from all images.
macro_rules! images {
    ($from:literal, $of:literal) => {
        concat!(
            "SELECT CASE i.kind WHEN 1 THEN p.target ELSE p.source END, coalesce(e.target,e.record) FROM ",
            $from,
            " CROSS JOIN ledger_entry e ON e.batch=i.batch AND e.record=i.record AND e.part=i.part
             WHERE ((i.kind=1 AND p.target",
            $of,
            ") OR (i.kind=4 AND p.stage IS NOT NULL AND p.source",
            $of,
            ")) AND substr(i.body,1,length(?1))=?1"
        )
    };
}

/// Returns the rows that had an id before they were changed, and the records that were refused under it, in one
/// database or in all. Reads every image in the range.
pub(crate) fn rows_once_called(
    connection: &Connection,
    id: &str,
    database: Option<&str>,
) -> Result<Vec<FormerRow>> {
    // In ledger order, so that each page is read once.
    let sql = if database.is_some() {
        images!(
            "ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_image i ON i.batch=b.batch",
            "=?2"
        )
    } else {
        images!(
            "ledger_image i CROSS JOIN ledger_batch b ON b.batch=i.batch CROSS JOIN ledger_pass p ON p.pass=b.pass",
            " IS NOT ?2"
        )
    };
    let beginning = [id.as_bytes(), &[0]].concat();
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![beginning, database], |row| {
        Ok(FormerRow {
            database: row.get(0)?,
            number: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Calls `tell` with each record that a pass wrote or found unchanged, in any order.
pub(crate) fn each_brought_by(
    connection: &Connection,
    pass: PassId,
    mut tell: impl FnMut(RecordNumber),
) -> Result<()> {
    let sql = "SELECT e.record FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND e.outcome IN(1,2)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([pass])?;
    while let Some(row) = rows.next()? {
        tell(row.get(0)?);
    }
    Ok(())
}
