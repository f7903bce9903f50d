//! Which records an id leads to: those that have it or had it in a database, whatever became of them, and those that have it
//! in another one and came from there or went there.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::trace::{Life, touches};
use crate::error::{Error, Result};
use crate::ledger::past::numbers_with_id;
use crate::stage::Stage;
use crate::store::{Store, Table};

/// The records that an id leads to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// Their numbers, ascending: one id can have had several over time.
    pub records: Vec<i64>,
    /// The other databases in which they have the id, or had it; empty where they have it in the one asked for.
    pub elsewhere: Vec<String>,
}

impl Found {
    /// Looks for an id: among the rows of the database as they are, among the ids with which records began, and, where a
    /// stage may have given other ids, among the images of what was there before. Where the database never had the id, the
    /// others are looked through for a record that came from there, or went there.
    ///
    /// # Errors
    /// [`Error::NoSuchRecord`] when there is none; [`Error::NoSuchDatabase`] when there is no such database either.
    pub fn of(store: &Store, database: &str, id: &str) -> Result<Self> {
        let own = numbers_in(store, database, id)?;
        if !own.is_empty() {
            return Ok(Self {
                records: own.into_iter().collect(),
                elsewhere: Vec::new(),
            });
        }
        let connection = store.connection();
        let mut found = Self {
            records: Vec::new(),
            elsewhere: Vec::new(),
        };
        for (name, numbers) in elsewhere(store, database, id)? {
            let mut leads_here = false;
            for number in numbers {
                if touches(connection, &Life::of(connection, vec![number])?, database)? {
                    leads_here = true;
                    found.records.push(number);
                }
            }
            if leads_here {
                found.elsewhere.push(name);
            }
        }
        if found.records.is_empty() {
            store.table(database)?;
            return Err(Error::NoSuchRecord {
                database: database.to_owned(),
                id: id.to_owned(),
            });
        }
        found.records.sort_unstable();
        found.records.dedup();
        Ok(found)
    }
}

/// The databases in which any record has an id, or had it.
///
/// # Errors
/// When the store cannot be read.
pub fn databases_with_id(store: &Store, id: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for name in databases(store)? {
        if !numbers_in(store, &name, id)?.is_empty() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The records of the other databases that have an id, or had it.
fn elsewhere(store: &Store, database: &str, id: &str) -> Result<BTreeMap<String, BTreeSet<i64>>> {
    let mut found = BTreeMap::new();
    for name in databases(store)? {
        if name == database {
            continue;
        }
        let numbers = numbers_in(store, &name, id)?;
        if !numbers.is_empty() {
            found.insert(name, numbers);
        }
    }
    Ok(found)
}

/// Every database that the store has or had.
fn databases(store: &Store) -> Result<BTreeSet<String>> {
    let sql = "SELECT DISTINCT target FROM ledger_pass WHERE target IS NOT NULL";
    let mut statement = store.connection().prepare_cached(sql)?;
    let written = statement.query_map([], |row| row.get(0))?;
    let mut names: BTreeSet<String> = written.collect::<rusqlite::Result<_>>()?;
    names.extend(store.databases()?);
    Ok(names)
}

/// The numbers of the records that have an id in a database, or had it.
fn numbers_in(store: &Store, database: &str, id: &str) -> Result<BTreeSet<i64>> {
    let connection = store.connection();
    let began = numbers_with_id(connection, database, id)?.into_iter();
    let mut numbers: BTreeSet<i64> = began.map(|(number, _)| number).collect();
    if let Ok(table) = Table::of(database) {
        numbers.extend(table.number_of(connection, id)?);
    }
    if may_give_other_ids(connection, database)? {
        numbers.extend(numbers_in_images(connection, database, id)?);
    }
    Ok(numbers)
}

/// Whether any stage that has written to a database may give its records other ids than those with which they began: only
/// then an id may stand in the images alone, which are many.
fn may_give_other_ids(connection: &Connection, database: &str) -> Result<bool> {
    let sql = "SELECT DISTINCT s.number, s.slug, s.source_text, s.meaning
     FROM ledger_pass p JOIN ledger_stage s ON s.stage=p.stage WHERE p.target=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([database])?;
    while let Some(row) = rows.next()? {
        let (slug, text, meaning): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        // What a stage does that was built in Rust is not known.
        let stage = Stage::as_applied(row.get(0)?, &slug, &text, &meaning);
        if stage.is_none_or(|stage| !stage.takes_over_ids()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The numbers of the rows that had an id before they were changed, and of the records that were refused under it.
fn numbers_in_images(connection: &Connection, database: &str, id: &str) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT coalesce(e.target,e.record) FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass
     CROSS JOIN ledger_image i ON i.batch=b.batch
     CROSS JOIN ledger_entry e ON e.batch=i.batch AND e.record=i.record AND e.part=i.part
     WHERE ((p.target=?1 AND i.kind=1) OR (p.source=?1 AND p.stage IS NOT NULL AND i.kind=4))
       AND substr(i.body,1,length(?2))=?2";
    let beginning = [id.as_bytes(), &[0]].concat();
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map(params![database, beginning], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}
