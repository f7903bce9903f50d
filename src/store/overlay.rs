//! The future contents of databases: changes in a private temporary file, seen together with the store as it is. The
//! file has no name, so nothing remains of it whatever happens, and the store itself is only read.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::Table;
use crate::error::Result;
use crate::ledger::{Change, NewRecord};
use crate::record::RecordNumber;

/// Databases with changes that are not in a store. Any query that reads a database by its name on the connection sees
/// the changes: SQLite resolves a name among the temporary tables first.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    laid: BTreeSet<String>,
    indexed: BTreeSet<String>,
    numbered: bool,
}

impl Overlay {
    /// Returns whether changes are overlaid on this database.
    pub(crate) fn has(&self, table: &Table) -> bool {
        self.laid.contains(table.name())
    }

    /// Makes a database changeable; `by_id`: whether its ids will be looked up.
    pub(crate) fn lay(&mut self, connection: &Connection, table: &Table, by_id: bool) -> Result<()> {
        let name = table.name();
        if self.laid.is_empty() {
            connection.execute_batch("PRAGMA temp.cache_size=-16384; PRAGMA temp.journal_mode=OFF;")?;
        }
        if !self.has(table) {
            let beneath = if table.exists(connection)? {
                format!(
                    "SELECT record, id, data FROM main.\"{name}\" s
                     WHERE NOT EXISTS(SELECT 1 FROM temp.\"{name}.changed\" c WHERE c.record=s.record) UNION ALL "
                )
            } else {
                String::new()
            };
            // A row without data is a removed one.
            connection.execute_batch(&format!(
                "CREATE TEMP TABLE \"{name}.changed\"(record INTEGER PRIMARY KEY, id TEXT, data TEXT) STRICT;
                 CREATE TEMP VIEW \"{name}\" AS {beneath}
                   SELECT record, id, data FROM temp.\"{name}.changed\" WHERE data IS NOT NULL;"
            ))?;
            self.laid.insert(name.to_owned());
        }
        if by_id && self.indexed.insert(name.to_owned()) {
            connection.execute_batch(&format!(
                "CREATE INDEX temp.\"{name}.changed.id\" ON \"{name}.changed\"(id)"
            ))?;
        }
        Ok(())
    }

    /// Applies changes of an overlaid database.
    pub(crate) fn change(connection: &Connection, table: &Table, changes: &[Change]) -> Result<()> {
        let sql = format!(
            "INSERT OR REPLACE INTO temp.\"{}.changed\" VALUES(?1,?2,?3)",
            table.name()
        );
        let mut write = connection.prepare_cached(&sql)?;
        for change in changes {
            match change {
                Change::Insert { record, id, data } | Change::Update { record, id, data } => {
                    write.execute(params![record, id, data])?
                }
                Change::Delete { record } => write.execute(params![record, None::<&str>, None::<&str>])?,
            };
        }
        Ok(())
    }

    /// Notes numbers that would be given out, so that their records can be read.
    pub(crate) fn number(&mut self, connection: &Connection, records: &[NewRecord]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        if !self.numbered {
            connection.execute_batch(
                "CREATE TEMP TABLE new_record(record INTEGER PRIMARY KEY, database TEXT NOT NULL, id TEXT, salt BLOB) STRICT;
                 CREATE TEMP VIEW ledger_record AS SELECT record, database, id, salt FROM main.ledger_record
                   UNION ALL SELECT record, database, id, salt FROM temp.new_record;",
            )?;
            self.numbered = true;
        }
        let mut write = connection.prepare_cached("INSERT INTO temp.new_record VALUES(?1,?2,?3,?4)")?;
        for record in records {
            write.execute(params![record.record, record.database, record.id, record.salt])?;
        }
        Ok(())
    }
}

impl Table {
    /// Returns at most `count` existing numbers after a number, spread evenly.
    pub(crate) fn spread(
        &self,
        connection: &Connection,
        after: RecordNumber,
        count: u64,
    ) -> Result<Vec<RecordNumber>> {
        if self.is_empty(connection)? {
            return Ok(Vec::new());
        }
        let name = self.name();
        let ends = format!("SELECT min(record), max(record) FROM \"{name}\" WHERE record>?1");
        let (first, last): (Option<RecordNumber>, Option<RecordNumber>) =
            connection.query_row(&ends, [after], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(Vec::new());
        };
        let next = format!("SELECT record FROM \"{name}\" WHERE record>=?1 ORDER BY record LIMIT 1");
        let mut next = connection.prepare(&next)?;
        let mut numbers: Vec<RecordNumber> = Vec::new();
        for at in 0..count {
            let along = (i128::from(last.get()) - i128::from(first.get())) * i128::from(at)
                / i128::from((count - 1).max(1));
            let from = first
                .get()
                .saturating_add(i64::try_from(along).unwrap_or(i64::MAX));
            let from = numbers.last().map_or(RecordNumber::new(from), |newest| {
                newest.next().max(RecordNumber::new(from))
            });
            if from > last {
                break;
            }
            numbers.push(next.query_row([from], |row| row.get(0))?);
        }
        Ok(numbers)
    }
}
