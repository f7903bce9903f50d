//! What the passes of a stage have carried, record by record.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::read::{STUBS, Stub, stub};
use crate::error::Result;

/// The records that passes have stubs of, ascending, each with the newest batch that has them. What was rolled back by
/// itself since is not among them.
pub(crate) fn carried_by(connection: &Connection, passes: &[i64]) -> Result<Vec<(i64, i64)>> {
    let undone = undone_singly(connection, passes)?;
    let sql = "SELECT e.record, e.batch FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.read>0 ORDER BY b.batch, e.record, e.part";
    let mut statement = connection.prepare(sql)?;
    let mut carried: Vec<(i64, i64)> = Vec::new();
    for pass in passes {
        let mut rows = statement.query([pass])?;
        while let Some(row) = rows.next()? {
            let (record, batch): (i64, i64) = (row.get(0)?, row.get(1)?);
            if carried.last() != Some(&(record, batch)) && !undone.contains(&(*pass, record)) {
                carried.push((record, batch));
            }
        }
    }
    carried.sort_unstable();
    // The newest batch of each record stands last.
    carried.reverse();
    carried.dedup_by_key(|(record, _)| *record);
    carried.reverse();
    Ok(carried)
}

/// What `now()` gave where passes carried their records, by the batch.
pub(crate) fn times(connection: &Connection, passes: &[i64]) -> Result<HashMap<i64, i64>> {
    let sql = "SELECT b.batch, p.now_us FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.pass=?1 AND b.read>0";
    let mut statement = connection.prepare(sql)?;
    let mut times = HashMap::new();
    for pass in passes {
        for row in statement.query_map([pass], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (batch, now_us) = row?;
            times.insert(batch, now_us);
        }
    }
    Ok(times)
}

/// The passes and records of which a rollback of single records has undone the stubs.
fn undone_singly(connection: &Connection, passes: &[i64]) -> Result<HashSet<(i64, i64)>> {
    let sql = "SELECT b.body->>'$.undoes', e.record FROM ledger_pass p JOIN ledger_batch b USING(pass)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.kind='rollback' AND p.reverses IS NULL AND b.body->>'$.undoes' IN (SELECT value FROM json_each(?1))
       AND e.outcome<>4";
    let passes = serde_json::to_string(passes).expect("numbers always have a JSON text");
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([passes], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The stubs of a stretch of records in a batch, with their images, in the order of records and parts.
pub(crate) fn stubs_between(connection: &Connection, batch: i64, first: i64, last: i64) -> Result<Vec<Stub>> {
    let sql = format!("{STUBS} WHERE b.batch=?1 AND e.record BETWEEN ?2 AND ?3 ORDER BY e.record, e.part");
    let mut statement = connection.prepare_cached(&sql)?;
    let stubs = statement.query_map([batch, first, last], stub)?;
    Ok(stubs.collect::<rusqlite::Result<_>>()?)
}

/// The stubs of the row that a stub is about in later batches into a database, newest first. A row that was taken out for
/// another record's id has one under that record's number, which is not among them.
pub(crate) fn stubs_since(connection: &Connection, database: &str, of: &Stub) -> Result<Vec<Stub>> {
    let sql = format!(
        "{STUBS} JOIN ledger_pass p USING(pass) WHERE p.target=?1 AND b.batch>?2
           AND ((b.first_record<=?3 AND b.last_record>=?3) OR (b.first_record<=?4 AND b.last_record>=?4))
           AND e.record IN (?3,?4) AND coalesce(e.target,e.record)=?3 ORDER BY b.batch DESC, e.record DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let stubs = statement.query_map(params![database, of.batch, of.number(), of.entry.record], stub)?;
    Ok(stubs.collect::<rusqlite::Result<_>>()?)
}

/// The rows of a database that a load or an edit has put there, and no stage: their numbers, ascending.
pub(crate) fn put_by_hand(connection: &Connection, database: &str) -> Result<Vec<i64>> {
    let sql = "SELECT r.record FROM ledger_record r WHERE r.database=?1 AND EXISTS(
       SELECT 1 FROM ledger_pass p JOIN ledger_batch b USING(pass) CROSS JOIN ledger_entry e ON e.batch=b.batch
       WHERE p.target=?1 AND p.kind IN('load','edit') AND b.first_record<=r.record AND b.last_record>=r.record
         AND e.record=r.record AND e.target IS NULL AND e.after IS NOT NULL) ORDER BY r.record";
    let mut statement = connection.prepare(sql)?;
    let numbers = statement.query_map([database], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// The batches that wrote to a database, each with whether somebody else than a stage or its rollback did.
pub(crate) fn writers(connection: &Connection, database: &str) -> Result<HashMap<i64, bool>> {
    let sql = "SELECT b.batch, p.kind IN('load','edit') FROM ledger_pass p JOIN ledger_batch b USING(pass)
     WHERE p.target=?1";
    let mut statement = connection.prepare(sql)?;
    let batches = statement.query_map(params![database], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(batches.collect::<rusqlite::Result<_>>()?)
}
