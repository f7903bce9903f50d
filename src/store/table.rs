//! The table of a logical database: `(record, id, data)`, under the database's name, and a unique index on the ids.
//! Names are checked before they come here; values are only ever bound.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, Rows, Statement, params};

use super::packed::PackedRows;
use super::salted::Salted;
use super::{ddl, row_view};
use crate::error::{Error, Result};
use crate::ledger::{Change, TableChange};
use crate::name::is_database_name;
use crate::record::{Record, RecordNumber};

/// The statements of one logical database.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    name: String,
}

impl Table {
    /// Makes the statements for a database, which need not exist.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the name is not valid for a database.
    pub(crate) fn from_name(name: &str) -> Result<Self> {
        if is_database_name(name) {
            return Ok(Self {
                name: name.to_owned(),
            });
        }
        let message = format!("{name:?} is not a valid database name");
        Err(Error::invalid(
            message,
            "use lower-case letters, digits and `_`, beginning with a letter, at most 63",
        ))
    }

    /// Returns the database's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the statement that creates the table.
    pub(crate) fn create_sql(&self) -> String {
        ddl::table(&self.name)
    }

    /// Returns the statement that creates its index.
    pub(crate) fn index_sql(&self) -> String {
        ddl::index(&self.name)
    }

    /// Returns every logical database of the store, sorted by name.
    pub(crate) fn all(connection: &Connection) -> Result<Vec<String>> {
        let sql = "SELECT name, sql FROM sqlite_schema WHERE type='table' ORDER BY name";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let tables: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>()?;
        let ours = |(name, sql): &(String, String)| {
            Self::from_name(name).is_ok_and(|table| table.create_sql().eq_ignore_ascii_case(sql))
        };
        Ok(tables.into_iter().filter(ours).map(|(name, _)| name).collect())
    }

    pub(crate) fn exists(&self, connection: &Connection) -> Result<bool> {
        Ok(Self::all(connection)?.contains(&self.name))
    }

    pub(crate) fn has_index(&self, connection: &Connection) -> Result<bool> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE type='index' AND name=?1";
        Ok(connection
            .prepare_cached(sql)?
            .exists([format!("{}.id", self.name)])?)
    }

    pub(crate) fn is_empty(&self, connection: &Connection) -> Result<bool> {
        let found = self.prepared(connection, &format!("SELECT 1 FROM \"{}\" LIMIT 1", self.name))?;
        Ok(match found {
            Some(mut statement) => !statement.exists([])?,
            None => true,
        })
    }

    pub(crate) fn count(&self, connection: &Connection) -> Result<u64> {
        // Without a condition SQLite counts without reading the rows.
        let Some(mut statement) =
            self.prepared(connection, &format!("SELECT count(*) FROM \"{}\"", self.name))?
        else {
            return Ok(0);
        };
        let count: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Returns whether there are more than so many rows, without counting further.
    pub(crate) fn has_more_than(&self, connection: &Connection, rows: u64) -> Result<bool> {
        let sql = format!("SELECT 1 FROM \"{}\" LIMIT 1 OFFSET ?1", self.name);
        let Some(mut statement) = self.prepared(connection, &sql)? else {
            return Ok(false);
        };
        Ok(statement.exists([i64::try_from(rows).unwrap_or(i64::MAX)])?)
    }

    /// Returns the number of rows after a number.
    pub(crate) fn count_after(&self, connection: &Connection, after: RecordNumber) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM \"{}\" WHERE record>?1", self.name);
        let Some(mut statement) = self.prepared(connection, &sql)? else {
            return Ok(0);
        };
        let count: i64 = statement.query_row([after], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    pub(crate) fn reshape(&self, connection: &Connection, shape: TableChange) -> Result<()> {
        let name = &self.name;
        let sql = match shape {
            TableChange::CreateTable => self.create_sql(),
            TableChange::CreateIndex => self.index_sql(),
            TableChange::DropIndex => format!("DROP INDEX \"{name}.id\""),
        };
        connection.execute_batch(&sql)?;
        if shape == TableChange::CreateTable {
            row_view::make(connection)?;
        }
        Ok(())
    }

    /// Applies the changes in order; a missing row is reported as damage, never ignored.
    pub(crate) fn change(&self, connection: &Connection, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let name = &self.name;
        let mut insert = connection.prepare_cached(&format!("INSERT INTO \"{name}\" VALUES(?1,?2,?3)"))?;
        let mut update =
            connection.prepare_cached(&format!("UPDATE \"{name}\" SET id=?2, data=?3 WHERE record=?1"))?;
        let mut delete =
            connection.prepare_cached(&format!("DELETE FROM \"{name}\" WHERE record BETWEEN ?1 AND ?2"))?;
        let mut rest = changes;
        while let Some((change, others)) = rest.split_first() {
            rest = others;
            let (rows, expected, record) = match change {
                Change::Insert { record, id, data } => {
                    (insert.execute(params![record, id, data])?, 1, record)
                }
                Change::Update { record, id, data } => {
                    (update.execute(params![record, id, data])?, 1, record)
                }
                Change::Delete { record } => {
                    let count = deleted_together(*record, others);
                    let last = match others[..count].last() {
                        Some(Change::Delete { record }) => *record,
                        _ => *record,
                    };
                    rest = &others[count..];
                    let range = [*record.min(&last), *record.max(&last)];
                    (delete.execute(range)?, count + 1, record)
                }
            };
            if rows != expected {
                return Err(Error::Damaged {
                    what: format!("`{name}` lacks a row from record {record} on"),
                });
            }
        }
        Ok(())
    }

    /// Returns the next records after a number, in order of their numbers: at most `count`, and at most about `bytes`.
    pub(crate) fn after(
        &self,
        connection: &Connection,
        after: RecordNumber,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<Salted>> {
        let sql = format!(
            "SELECT t.record, t.id, t.data, r.salt FROM \"{}\" t CROSS JOIN ledger_record r USING(record) \
             WHERE t.record > ?1 ORDER BY t.record LIMIT ?2",
            self.name
        );
        let Some(mut statement) = self.prepared(connection, &sql)? else {
            return Ok(Vec::new());
        };
        let most = i64::try_from(count).unwrap_or(i64::MAX);
        read_up_to(statement.query(params![after, most])?, count, bytes)
    }

    /// Fills `rows` with the next records of a range of numbers, both included, in order of their numbers: at most `count`,
    /// and at most about `bytes`.
    pub(crate) fn between(
        &self,
        connection: &Connection,
        (first, last): (RecordNumber, RecordNumber),
        (count, bytes): (usize, usize),
        rows: &mut PackedRows,
    ) -> Result<()> {
        let sql = format!(
            "SELECT t.record, t.id, t.data, r.salt FROM \"{}\" t CROSS JOIN ledger_record r USING(record) \
             WHERE t.record BETWEEN ?1 AND ?2 ORDER BY t.record LIMIT ?3",
            self.name
        );
        let Some(mut statement) = self.prepared(connection, &sql)? else {
            rows.clear();
            return Ok(());
        };
        let most = i64::try_from(count).unwrap_or(i64::MAX);
        rows.fill(statement.query(params![first, last, most])?, bytes)
    }

    /// Prepares a statement over the table; returns `None` while the table does not exist. A database that was never
    /// filled reads as an empty one, and a pass that makes its target reads it before its first batch is committed.
    fn prepared<'c>(&self, connection: &'c Connection, sql: &str) -> Result<Option<CachedStatement<'c>>> {
        match connection.prepare_cached(sql) {
            Ok(statement) => Ok(Some(statement)),
            Err(_) if !self.exists(connection)? => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls the callback with every row, in order of the numbers; with none if the table does not exist.
    pub(crate) fn each(
        &self,
        connection: &Connection,
        mut show: impl FnMut(&Record) -> Result<()>,
    ) -> Result<()> {
        let Some(mut statement) = self.prepared(connection, &self.in_order_sql())? else {
            return Ok(());
        };
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            show(&record_of(row)?)?;
        }
        Ok(())
    }

    /// Prepares a query for every row, in order of the numbers; without rows if the table does not exist.
    pub(crate) fn in_order<'c>(&self, connection: &'c Connection) -> Result<Statement<'c>> {
        Ok(if self.exists(connection)? {
            connection.prepare(&self.in_order_sql())?
        } else {
            connection.prepare("SELECT NULL, NULL, NULL WHERE 0")?
        })
    }

    fn in_order_sql(&self) -> String {
        format!("SELECT record, id, data FROM \"{}\" ORDER BY record", self.name)
    }

    pub(crate) fn by_number(&self, connection: &Connection, record: RecordNumber) -> Result<Option<Salted>> {
        let found = self.by_numbers(connection, &[record], 0)?;
        Ok(found.into_iter().next().flatten())
    }

    /// Returns the rows of these numbers, one for each, `None` if there is none: of the first number, and of the
    /// following ones until they reach about this many bytes.
    pub(crate) fn by_numbers(
        &self,
        connection: &Connection,
        numbers: &[RecordNumber],
        bytes: usize,
    ) -> Result<Vec<Option<Salted>>> {
        let select = format!(
            "SELECT t.record, t.id, t.data, r.salt FROM \"{}\" t CROSS JOIN ledger_record r USING(record)",
            self.name
        );
        let (sql, range) = match dense(numbers) {
            Some(range) => {
                let order = if range.descends { "DESC" } else { "" };
                let between = format!("{select} WHERE t.record BETWEEN ?1 AND ?2 ORDER BY t.record {order}");
                (between, Some(range))
            }
            None => (format!("{select} WHERE t.record=?1"), None),
        };
        let Some(mut statement) = self.prepared(connection, &sql)? else {
            return Ok(numbers.iter().map(|_| None).collect());
        };
        if let Some(range) = range {
            let rows = statement.query([range.least, range.greatest])?;
            return Ok(beside(numbers, rows, range.descends, bytes)?);
        }
        let (mut found, mut size) = (Vec::with_capacity(numbers.len()), 0);
        for number in numbers {
            let row = statement.query_row([number], salted).optional()?;
            size += size_of(row.as_ref());
            found.push(row);
            if size >= bytes {
                break;
            }
        }
        Ok(found)
    }

    pub(crate) fn by_id(&self, connection: &Connection, id: &str) -> Result<Option<Salted>> {
        let sql = format!(
            "SELECT t.record, t.id, t.data, r.salt FROM \"{}\" t CROSS JOIN ledger_record r USING(record) WHERE t.id=?1",
            self.name
        );
        let Some(mut statement) = self.prepared(connection, &sql)? else {
            return Ok(None);
        };
        Ok(statement.query_row([id], salted).optional()?)
    }

    /// Returns the next records whose ids begin with a prefix, in order of their ids, after one of them: at most `count`.
    pub(crate) fn ids_after(
        &self,
        connection: &Connection,
        prefix: &str,
        after: Option<&str>,
        count: usize,
    ) -> Result<Vec<Record>> {
        let sql = format!(
            "SELECT record, id, data FROM \"{}\" WHERE id>=?1 AND id<?2 AND id IS NOT ?3 ORDER BY id LIMIT ?4",
            self.name
        );
        let (first, end) = (after.unwrap_or(prefix), after_prefix(prefix));
        self.of_ids(connection, &sql, (first, &end, after), count)
    }

    /// Returns the next records whose ids begin with a prefix, in descending order of their ids, before one of them: at
    /// most `count`.
    pub(crate) fn ids_before(
        &self,
        connection: &Connection,
        prefix: &str,
        before: Option<&str>,
        count: usize,
    ) -> Result<Vec<Record>> {
        let sql = format!(
            "SELECT record, id, data FROM \"{}\" WHERE id>=?1 AND id<?2 AND id IS NOT ?3 ORDER BY id DESC LIMIT ?4",
            self.name
        );
        let end = after_prefix(prefix);
        self.of_ids(connection, &sql, (prefix, before.unwrap_or(&end), before), count)
    }

    fn of_ids(
        &self,
        connection: &Connection,
        sql: &str,
        (first, end, but): (&str, &str, Option<&str>),
        count: usize,
    ) -> Result<Vec<Record>> {
        let Some(mut statement) = self.prepared(connection, sql)? else {
            return Ok(Vec::new());
        };
        let most = i64::try_from(count).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![first, end, but, most], record_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) fn number_of(&self, connection: &Connection, id: &str) -> Result<Option<RecordNumber>> {
        let sql = format!("SELECT record FROM \"{}\" WHERE id=?1", self.name);
        let Some(mut statement) = self.prepared(connection, &sql)? else {
            return Ok(None);
        };
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }
}

/// Returns the first text after all that begin with a prefix.
fn after_prefix(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    end.push(char::MAX);
    end
}

/// Reads rows until they have about so many bytes.
fn read_up_to(mut rows: Rows<'_>, count: usize, bytes: usize) -> Result<Vec<Salted>> {
    let (mut records, mut size) = (Vec::with_capacity(count.min(10_000)), 0);
    while let Some(row) = rows.next()? {
        let record = salted(row)?;
        size += record.record.data.len();
        records.push(record);
        if size >= bytes {
            break;
        }
    }
    Ok(records)
}

/// Numbers with few gaps, in ascending or descending order.
struct Range {
    least: RecordNumber,
    greatest: RecordNumber,
    descends: bool,
}

/// Returns a range for many numbers with few gaps: reading on from row to row is then twice as fast as looking up each.
fn dense(numbers: &[RecordNumber]) -> Option<Range> {
    const MANY: i64 = 16;
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    let count = i64::try_from(numbers.len()).ok()?;
    let range = Range {
        least: first.min(last),
        greatest: first.max(last),
        descends: first > last,
    };
    let in_order = numbers
        .windows(2)
        .all(|pair| pair[0] != pair[1] && (pair[0] > pair[1]) == range.descends);
    (count >= MANY && in_order && range.greatest.get().checked_sub(range.least.get())? < 2 * count)
        .then_some(range)
}

/// Returns the row of each of the numbers, from rows in the same order, up to this many bytes.
fn beside(
    numbers: &[RecordNumber],
    mut rows: Rows<'_>,
    descends: bool,
    bytes: usize,
) -> rusqlite::Result<Vec<Option<Salted>>> {
    let (mut found, mut size) = (Vec::with_capacity(numbers.len()), 0);
    let mut row = rows.next()?.map(salted).transpose()?;
    for number in numbers {
        let comes_first = |row: &Salted| {
            let here = row.record.number;
            if descends { here > *number } else { here < *number }
        };
        while row.as_ref().is_some_and(comes_first) {
            row = rows.next()?.map(salted).transpose()?;
        }
        let here = row.take_if(|row| row.record.number == *number);
        size += size_of(here.as_ref());
        let is_full = size >= bytes;
        if here.is_some() && !is_full {
            row = rows.next()?.map(salted).transpose()?;
        }
        found.push(here);
        if is_full {
            break;
        }
    }
    Ok(found)
}

fn size_of(row: Option<&Salted>) -> usize {
    row.map_or(0, |row| row.record.data.len())
}

/// Returns how many of the changes delete the numbers next to a first one, upwards or downwards without a gap: they are
/// deleted in one statement. A rollback goes downwards.
fn deleted_together(first: RecordNumber, others: &[Change]) -> usize {
    let step = match others.first() {
        Some(Change::Delete { record }) if first.get().checked_add(1) == Some(record.get()) => 1,
        _ => -1,
    };
    let mut last = first;
    let next = |change: &&Change| match change {
        Change::Delete { record } if last.get().checked_add(step) == Some(record.get()) => {
            last = *record;
            true
        }
        _ => false,
    };
    others.iter().take_while(next).count()
}

/// Returns the record of a row, whose first columns are its number, its id and its data: the only code that reads
/// records from a table.
fn record_of(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        number: row.get(0)?,
        id: row.get(1)?,
        data: row.get(2)?,
    })
}

fn salted(row: &Row<'_>) -> rusqlite::Result<Salted> {
    Ok(Salted {
        record: record_of(row)?,
        salt: row.get(3)?,
    })
}
