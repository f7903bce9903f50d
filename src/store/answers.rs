//! The answers to what stages look up, from the databases as they are now.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{Connection, params};

use super::Table;
use crate::error::Result;
use crate::ledger::cross_reference::{CrossReference, PlannedMembers};
use crate::lookup::{LookupBy, LookupQuery, Used};
use crate::path::Path;
use crate::record::{Record, RecordNumber, Value};

/// What was found under a key.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A row: what is taken of it, `None` if it has no such field, and what is used of it.
    Row { value: Option<Value>, used: Vec<Used> },
    /// No row.
    Nothing,
    /// Several rows, with what is used of them.
    Several(Vec<Used>),
}

/// The keys of a database's rows, in a private temporary table of one connection.
#[derive(Debug)]
pub(crate) struct FieldKeys {
    number: i64,
}

/// Numbers of the keys: several may be in use on one connection.
static NUMBERS: AtomicI64 = AtomicI64::new(1);

impl FieldKeys {
    /// Reads the keys that the rows of a database have in a field.
    pub(crate) fn read(connection: &Connection, query: &LookupQuery, field: &Path) -> Result<Self> {
        connection.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS lookup_key(query INTEGER NOT NULL, key TEXT NOT NULL, record INTEGER NOT NULL,
               PRIMARY KEY(query, key, record)) STRICT, WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS temp.lookup_key_record ON lookup_key(query, record);",
        )?;
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let mut write = connection.prepare_cached("INSERT INTO temp.lookup_key VALUES(?1,?2,?3)")?;
        Table::from_name(&query.through)?.each(connection, |record| {
            let document = record.document().ok();
            let value = document.as_ref().and_then(|document| document.at(field));
            if let Some(key) = value.and_then(|value| query.key(&value)) {
                write.execute(params![number, key, record.number])?;
            }
            Ok(())
        })?;
        Ok(Self { number })
    }

    /// Returns the other rows that have the key of a row.
    pub(crate) fn beside(&self, connection: &Connection, row: RecordNumber) -> Result<Vec<RecordNumber>> {
        let sql =
            "SELECT o.record FROM temp.lookup_key k JOIN temp.lookup_key o ON o.query=k.query AND o.key=k.key
         WHERE k.query=?1 AND k.record=?2 AND o.record<>k.record";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![self.number, row], |found| found.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the first two rows with a key.
    fn rows(&self, connection: &Connection, key: &str) -> Result<Vec<RecordNumber>> {
        let sql = "SELECT record FROM temp.lookup_key WHERE query=?1 AND key=?2 ORDER BY record LIMIT 2";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![self.number, key], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// How rows are found.
#[derive(Debug)]
pub(crate) enum LookupIndex {
    /// By their ids.
    Ids,
    /// By the keys of a field.
    Keys(FieldKeys),
    /// By the source records that they were made of.
    Members(CrossReference),
}

impl LookupIndex {
    /// Prepares to answer a question; `planned` is what a plan would make of source records.
    pub(crate) fn read(
        connection: &Connection,
        query: &LookupQuery,
        planned: Option<Arc<PlannedMembers>>,
    ) -> Result<Self> {
        Ok(match &query.by {
            LookupBy::Id => Self::Ids,
            LookupBy::Field(field) => Self::Keys(FieldKeys::read(connection, query, field)?),
            LookupBy::Member => Self::Members(CrossReference::read(connection, &query.through, planned)?),
        })
    }
}

impl Answer {
    /// Reads what is found under a key.
    pub(crate) fn read(
        connection: &Connection,
        query: &LookupQuery,
        index: &LookupIndex,
        key: &str,
    ) -> Result<Self> {
        let table = Table::from_name(&query.through)?;
        let found = match &query.by {
            LookupBy::Id => {
                let found = table.by_id(connection, key)?;
                return Ok(found.map_or(Self::Nothing, |found| {
                    Self::of_row(query, &found.record, Vec::new())
                }));
            }
            LookupBy::Field(_) => {
                let LookupIndex::Keys(keys) = index else {
                    return Ok(Self::Nothing);
                };
                let rows = keys.rows(connection, key)?;
                rows.into_iter().map(|row| (row, Used::Row(row))).collect()
            }
            LookupBy::Member => {
                let LookupIndex::Members(cross) = index else {
                    return Ok(Self::Nothing);
                };
                let mut found = Vec::new();
                for member in cross.with_id(connection, key)? {
                    let rows = cross.rows_of(connection, member)?;
                    found.extend(rows.into_iter().map(|row| (row, Used::Golden(member, row))));
                }
                found
            }
        };
        let Some((row, _)) = found.first() else {
            return Ok(Self::Nothing);
        };
        let row = *row;
        let is_one = found.iter().all(|(other, _)| *other == row);
        let used: Vec<Used> = found.into_iter().map(|(_, used)| used).collect();
        if !is_one {
            return Ok(Self::Several(used));
        }
        let found = table.by_number(connection, row)?;
        Ok(found.map_or(Self::Nothing, |found| Self::of_row(query, &found.record, used)))
    }

    fn of_row(query: &LookupQuery, row: &Record, mut used: Vec<Used>) -> Self {
        let value = match &query.take {
            None => {
                used.push(Used::Id(row.number));
                Some(Value::text(&row.id))
            }
            Some(take) => {
                used.push(Used::Row(row.number));
                let document = row.document().ok();
                let value = document.as_ref().and_then(|document| document.at(take));
                value.map(std::borrow::Cow::into_owned)
            }
        };
        Self::Row { value, used }
    }
}
